"""Birth, draining, cancel and death of one child process. No other module starts children.

A child is started from an argv list, never through a shell, in a process group of its own, with nothing on stdin or an
open file; both of its pipes are always drained. Cancel is SIGKILL to the whole group: ffmpeg answers SIGTERM only when
x264's lookahead is flushed (12 to 40 s at veryslow), SIGKILL in about 16 ms, and its partial file is deleted anyway.

On Linux every child is started through `setpriv --pdeathsig SIGKILL`, so that none outlives the server. The signal
follows the thread that started the child, so `run` must be awaited on an event loop that lives as long as the server.

On Linux every child's memory is limited, too: an MP4 of 1.6 KB can claim 80 million samples, for which ffprobe takes
2 GB, and once more for each further track.
"""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from video_to_mp4 import settings
from video_to_mp4.errors import ProcessStalled, ToolMissing
from video_to_mp4.tasks import finish

_CHUNK_BYTES = 64 * 1024
_NICENESS = 5
"""A quarter of a processor is left to a child where others want all of it."""

_STDOUT_LIMIT_BYTES = 64 * 1024 * 1024

_FOR_EVERY_CHILD = {"GCONV_PATH": "/dev/null"}
"""A program that is linked statically, as many builds of ffmpeg are, crashes on charset modules of another C library:
well-known builds of 6.0 and 7.0 do so on each MPEG-TS. What is linked to the system's library finds its modules."""

MEMORY_LIMIT_BYTES = 4 * 1024**3 + (os.cpu_count() or 1) * 128 * 1024**2
"""Most that a child may take: 4K at veryslow needs 3.3 GB on two cores, and each further thread its own pictures."""


@dataclass(frozen=True)
class Exit:
    """How a child ended.

    `code` is negative when a signal ended it. `stdout` is empty when it went to `on_line` or `on_bytes`. `stderr` is
    the end of what it wrote there. Both are decoded as UTF-8 with replacement characters.
    """

    code: int
    stdout: str
    stderr: str


@dataclass(frozen=True)
class Home:
    """Where a child runs, and all that it is told of the machine; None: as the server itself."""

    folder: Path | None = None
    environment: Mapping[str, str] | None = None


class _Tail:
    """Keeps the last bytes of a stream, so that a child may write megabytes of warnings."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._chunks: deque[bytes] = deque()
        self._size_bytes = 0

    def add(self, chunk: bytes) -> None:
        self._chunks.append(chunk)
        self._size_bytes += len(chunk)
        while self._size_bytes - len(self._chunks[0]) >= self._limit_bytes:
            self._size_bytes -= len(self._chunks.popleft())

    def text(self) -> str:
        return b"".join(self._chunks)[-self._limit_bytes :].decode("utf-8", "replace")


class _Lines:
    """Cuts a stream into lines and hands each to a callback; a line longer than a chunk is cut."""

    def __init__(self, on_line: Callable[[str], None]) -> None:
        self._on_line = on_line
        self._rest = b""

    def add(self, chunk: bytes) -> None:
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            self._on_line(line.decode("utf-8", "replace"))
        if len(self._rest) > _CHUNK_BYTES:
            self._rest = b""


def find_tool(name: str) -> str:
    """Return the absolute path of a program, or raise ToolMissing with a sentence that says what to install."""
    found = shutil.which(name)
    if found is None:
        raise ToolMissing(f"The program «{name}» was not found. Install ffmpeg (on Debian: apt-get install ffmpeg).")
    return os.path.abspath(found)


async def run(  # noqa: PLR0913 - each is a bound of its own
    argv: Sequence[str],
    *,
    on_line: Callable[[str], None] | None = None,
    on_bytes: Callable[[bytes], None] | None = None,
    stdin: BinaryIO | None = None,
    stderr_limit_bytes: int = 64 * 1024,
    silence_limit_s: float | None = None,
    is_alive: Callable[[], bool] | None = None,
    memory_limit_bytes: int = MEMORY_LIMIT_BYTES,
    home: Home | None = None,
) -> Exit:
    """Run one child process to its end.

    `on_line` gets each line of stdout as it comes, or `on_bytes` each piece as it is; without them stdout is returned,
    its last 64 MiB at most. `stdin` is an open file that the child finds there, whatever becomes of its name. When
    nothing at all was written to stdout for `silence_limit_s` the child is killed and ProcessStalled raised;
    `is_alive`, asked at that moment, may say that it is at work all the same (its output file grows, say).
    A child that asks for more than `memory_limit_bytes` is refused it, as if the machine had no more (Linux only).
    Without a `home` it runs in the server's own folder and environment.

    On cancel the child's whole process group is killed, and CancelledError leaves this function only when the child is
    dead. The same holds for every other exception: nobody who leaves this function leaves a child behind.
    Raises ToolMissing when the program does not exist.
    """
    child = await _birth([find_tool(argv[0]), *argv[1:]], home or Home(), stdin)
    captured = _Tail(_STDOUT_LIMIT_BYTES)
    stderr = _Tail(stderr_limit_bytes)
    sink = on_bytes or (captured.add if on_line is None else _Lines(on_line).add)
    drains = asyncio.gather(
        _drain(child.stdout, sink, silence_limit_s, is_alive),
        _drain(child.stderr, stderr.add, None, None),
    )
    try:
        _limit_memory(child.pid, memory_limit_bytes)
        _step_back(child.pid)
        await drains
        code = await child.wait()
    except BaseException:
        drains.cancel()
        await _kill(child)
        raise
    return Exit(code, captured.text(), stderr.text())


async def _birth(command: Sequence[str], home: Home, stdin: BinaryIO | None) -> Process:
    """Start a child. A cancel waits until it is born, and kills it then: asyncio itself would let go of it."""
    birth = asyncio.ensure_future(
        asyncio.create_subprocess_exec(
            *_death_pact(),
            *command,
            stdin=DEVNULL if stdin is None else stdin,
            stdout=PIPE,
            stderr=PIPE,
            start_new_session=True,
            cwd=home.folder,
            env={**(settings.inherited() if home.environment is None else home.environment), **_FOR_EVERY_CHILD},
        )
    )
    try:
        await finish(asyncio.wait([birth]))
    except asyncio.CancelledError:
        if birth.exception() is None:
            await _kill(birth.result())
        raise
    return birth.result()


def _death_pact() -> list[str]:
    """Return the prefix that makes the kernel kill the child when the server dies; macOS has none."""
    return [find_tool("setpriv"), "--pdeathsig", "SIGKILL", "--"] if sys.platform == "linux" else []


def _limit_memory(pid: int, limit_bytes: int) -> None:
    """Limit what a child that has just been started may still ask for; macOS has nothing of the kind."""
    if sys.platform == "linux":
        try:
            resource.prlimit(pid, resource.RLIMIT_DATA, (limit_bytes, limit_bytes))
        except ProcessLookupError:
            pass  # it is dead already


def _step_back(group: int) -> None:
    """Let whoever else uses the machine go first, the server's own pages above all.

    Measured with two conversions on two processors: 99 of 100 answers within 97 ms instead of 290.
    """
    try:
        os.setpriority(os.PRIO_PGRP, group, _NICENESS)
        if sys.platform == "linux":
            # Outside of containers Linux weighs sessions first (sched(7)), and each child is a session of its own.
            Path(f"/proc/{group}/autogroup").write_text(str(_NICENESS))
    except OSError:
        pass  # it is dead already, or the system takes no such wish: nothing depends on it


async def _drain(
    stream: asyncio.StreamReader | None,
    sink: Callable[[bytes], None],
    silence_limit_s: float | None,
    is_alive: Callable[[], bool] | None,
) -> None:
    assert stream is not None, "both pipes are asked for above"
    while True:
        try:
            async with asyncio.timeout(silence_limit_s):
                chunk = await stream.read(_CHUNK_BYTES)
        except TimeoutError:
            if is_alive is not None and is_alive():
                continue
            raise ProcessStalled from None
        if not chunk:
            return
        sink(chunk)


async def _kill(child: Process) -> None:
    """Kill the child's group and wait for its death, however often the waiting is canceled."""
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass  # it died by itself in the meantime
    await finish(child.wait())
