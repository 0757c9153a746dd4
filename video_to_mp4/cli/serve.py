"""Starts the server: page, API and engine in this one process, on one port."""

from __future__ import annotations

import asyncio
import importlib
import logging
import os
import resource
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels
from granian.server.embed import Server

from video_to_mp4 import settings
from video_to_mp4.cli.preflight import check_everything, is_loopback
from video_to_mp4.cli.requests import App, Message, OpenRequests
from video_to_mp4.settings import Settings
from video_to_mp4.tasks import spawn

_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_GRACE_S = 0.3
_FILES_WANTED = 10_000
"""As many as macOS gives to a process."""
_FILES_OF_A_CONNECTION = 3
"""Itself, the file that it sends or brings, and its share of what conversions, database and disk need."""
_MOST_HANDSHAKES = 1024


def serve(current: Settings) -> None:
    """Serve until SIGINT, SIGTERM or SIGHUP; a second one ends the process at once.

    Raises ConfigurationError, with a sentence for people, when the server can't start as it is set up.
    """
    address = check_everything(current)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("video_to_mp4").setLevel(current.log_level.upper())
    settings.export_for_reflex(current)
    os.chdir(settings.PROJECT)  # where Reflex looks for rxconfig.py and the built page
    # By name, because the entry is above this room; and only now, because it imports Reflex.
    entry = importlib.import_module("video_to_mp4.video_to_mp4")
    security = importlib.import_module("video_to_mp4.api.security")
    app = security.OneLinePaths(entry.app())
    asyncio.run(serve_app(app, address, current.port, current.base_path, is_closed=current.require_token))


async def serve_app(app: App, address: str, port: int, base_path: str = "", *, is_closed: bool = False) -> None:
    """Serve an ASGI app, its lifespan included, until a signal; what the lifespan raises is raised here.

    `is_closed` says that nobody gets in without a token, so that there is nothing to warn of.
    """
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    _listen_for_signals(loop, stop)
    async with _lifespan(app):
        requests = OpenRequests(app)
        server = _server(requests, address, port)
        serving = spawn(server.serve(), name="server")
        announcing = spawn(_announce(address, port, base_path, is_closed=is_closed), name="announcement")
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait([serving, stopping], return_when=asyncio.FIRST_COMPLETED)
        announcing.cancel()
        stopping.cancel()
        server.stop()  # type: ignore[no-untyped-call]  # granian's own
        await requests.end(grace_s=_GRACE_S)
        # A download's file is sent by granian's own thread, which the end of the process ends.
        await asyncio.wait([serving], timeout=_GRACE_S)


def _server(app: App, address: str, port: int) -> Server:
    return Server(
        app,
        address=address,
        port=port,
        # ASGINL = without lifespan: that is ours, so that a failure in it is raised here, and not logged and forgotten.
        interface=Interfaces.ASGINL,
        # Not «auto», which waits for ever for a client that says nothing; of HTTP/1 it expects something within 30 s.
        http=HTTPModes.http1,
        log_level=LogLevels.error,
        backlog=_MOST_HANDSHAKES,
        # By itself granian serves no more than 128; the next one hears nothing, and twenty open browsers are enough.
        backpressure=_allow_connections(),
    )


def _allow_connections() -> int:
    """Return how many connections are served at a time, so that each finds the files that it needs; others wait.

    A process that runs out of files can neither convert nor accept. Systems give few to begin with (1024 on Linux, 256
    on macOS), so more are asked for first.
    """
    given, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = _FILES_WANTED if most == resource.RLIM_INFINITY else min(_FILES_WANTED, most)
    if given != resource.RLIM_INFINITY and given < files:
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, most))
    return files // _FILES_OF_A_CONNECTION


def _listen_for_signals(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    """Stop gracefully; a second signal finds the system's own action in its place, which ends the process at once.

    asyncio hears of a signal by a pipe that tells of other threads' work too: when 300 connections break off at once
    it is full, and the signal is lost. Python itself loses none, so asyncio's handler is only there to wake the loop.
    """

    def on_signal(*_signal: object) -> None:
        for number in _STOP_SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        loop.call_soon_threadsafe(stop.set)

    for number in _STOP_SIGNALS:
        loop.add_signal_handler(number, stop.set)
        signal.signal(number, on_signal)


@asynccontextmanager
async def _lifespan(app: App) -> AsyncIterator[None]:
    """Run the app's ASGI lifespan around a block. What the app raises in it leaves this context as it is."""
    to_app: asyncio.Queue[Message] = asyncio.Queue()
    from_app: asyncio.Queue[Message] = asyncio.Queue()
    scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.3"}, "state": {}}
    living = asyncio.ensure_future(app(scope, to_app.get, from_app.put))
    to_app.put_nowait({"type": "lifespan.startup"})
    answer = asyncio.ensure_future(from_app.get())
    await asyncio.wait([living, answer], return_when=asyncio.FIRST_COMPLETED)
    if not answer.done() or answer.result()["type"] != "lifespan.startup.complete":
        answer.cancel()
        await living
        raise RuntimeError("The application ended before it was ready.")
    try:
        yield
    finally:
        to_app.put_nowait({"type": "lifespan.shutdown"})
        await living


async def _announce(address: str, port: int, base_path: str, *, is_closed: bool) -> None:
    """Print where the server is, once it answers there."""
    while not await _answers(address, port, base_path):  # noqa: ASYNC110 - no event says that a socket answers
        await asyncio.sleep(0.02)
    shown = "localhost" if is_loopback(address) else address
    print(f"Video to MP4 is ready at http://{shown}:{port}{base_path}", flush=True)
    if not is_loopback(address) and not is_closed:
        print(
            "Warning: everyone who can reach this machine over the network can use it. Set "
            "VIDEO_TO_MP4_REQUIRE_TOKEN=1, put it behind a proxy with a login, or set VIDEO_TO_MP4_HOST=127.0.0.1.",
            flush=True,
        )


async def _answers(address: str, port: int, base_path: str) -> bool:
    try:
        reader, writer = await asyncio.open_connection(address, port)
    except OSError:
        return False
    writer.write(f"GET {base_path}/ping HTTP/1.0\r\nHost: localhost:{port}\r\n\r\n".encode())
    status = await reader.readline()
    writer.close()
    return status.split()[1:2] == [b"200"]
