"""The only way out for what fetches videos: a forward proxy that checks, pins and counts every connection.

It listens on loopback for one fetch, under a secret. It looks names up itself and checks all of their addresses; the
connection goes to an address that was checked, so that a second look-up (DNS rebinding) can't lead elsewhere. A
redirect comes as another request, and is checked like the first. What comes back is counted as it arrives.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hmac
import ipaddress
import logging
import secrets
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from urllib.parse import urlsplit

from video_to_mp4.errors import AddressRefused, FetchError, FileTooLarge, NoConnection
from video_to_mp4.sources.address import DEFAULT_PORTS, Guard, IpAddress, Target
from video_to_mp4.tasks import attempt

log = logging.getLogger(__name__)

REFUSED = 470
"""The status by which the proxy itself answers; no site does, so that the two are never taken for each other."""

_CHUNK_BYTES = 256 * 1024
_BROKEN_OFF = (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError)
_METHODS = frozenset({"GET", "HEAD", "POST"})
# Those of one connection only, and those between us and our client.
_NOT_PASSED_ON = frozenset(
    {b"connection", b"proxy-connection", b"proxy-authorization", b"keep-alive", b"upgrade", b"host"}
)

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Looks a name up, for a port; raises OSError when there is no such name."""

Claim = Callable[[int], Awaitable[None]]
"""Is told how many bytes are about to have arrived in all; raises a VideoToMp4Error to end the fetch."""


async def look_up(host: str, port: int) -> list[str]:
    """Return all addresses of a name, as the system finds them."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(info[4][0]) for info in found))


@dataclass
class _Request:
    """The head of a request to the proxy."""

    method: str
    target: str
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)

    def header(self, name: bytes) -> bytes:
        return next((value for known, value in self.headers if known.lower() == name), b"")


class GuardingProxy:
    """Serves one fetch for as long as its block runs; at its end every connection is closed."""

    def __init__(
        self,
        guard: Guard,
        *,
        limit_bytes: int,
        claim: Claim,
        resolve: Resolve = look_up,
        connect_s: float = 15,
        silence_s: float = 60,
    ) -> None:
        self._guard = guard
        self._limit_bytes = limit_bytes
        self._claim = claim
        self._resolve = resolve
        self._connect_s = connect_s
        self._silence_s = silence_s
        self._secret = secrets.token_urlsafe(24)
        self._handlers: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.url = ""
        """What a client needs to know, the secret included; there from the moment that it listens."""
        self.received_bytes = 0
        self.trouble: FetchError | None = None
        """Why the last connection that could not be made was not."""
        self.end: asyncio.Future[Exception] = asyncio.get_running_loop().create_future()
        """Done when the whole fetch must end: too large, or no room."""

    async def __aenter__(self) -> GuardingProxy:
        """Begin to listen."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=_CHUNK_BYTES)
        self.url = f"http://fetch:{self._secret}@127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close every connection."""
        assert self._server is not None, "it was entered"
        self._server.close()
        for handler in self._handlers:
            handler.cancel()
        if self._handlers:
            await asyncio.wait(self._handlers)

    # --- one connection ----------------------------------------------------------------------------------------

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None, "the server makes a task of each connection"
        self._handlers.add(task)
        try:
            error = await attempt(self._answer(reader, writer))
            if error is not None:
                is_usual = isinstance(error, _BROKEN_OFF)
                log.log(logging.DEBUG if is_usual else logging.ERROR, "a connection broke off", exc_info=error)
                writer.transport.abort()  # so that the client does not take what it has for the whole
        except asyncio.CancelledError:
            writer.transport.abort()  # the fetch is over; nobody waits for this task but __aexit__
        finally:
            self._handlers.discard(task)
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = _read_head(await reader.readuntil(b"\r\n\r\n"))
        if request is None or (request.method not in _METHODS and request.method != "CONNECT"):
            await _refuse(writer, "405 Method Not Allowed")
        elif not self._is_ours(request.header(b"proxy-authorization")):
            await _refuse(writer, "407 Proxy Authentication Required")
        else:
            try:
                target, upstream = await self._connect(request)
            except FetchError as error:
                self.trouble = error
                log.info("fetch refused: code=%s %s", error.code, error.details)
                await _refuse(writer, f"{REFUSED} Refused")
                return
            await self._exchange(request, target, (reader, writer), upstream)

    def _is_ours(self, shown: bytes) -> bool:
        expected = b"Basic " + base64.b64encode(f"fetch:{self._secret}".encode())
        return hmac.compare_digest(shown, expected)

    async def _connect(self, request: _Request) -> tuple[Target, _Streams]:
        target = self._target(request)
        addresses = await self._addresses(target)
        last: Exception | None = None
        for address in addresses:
            try:
                async with asyncio.timeout(self._connect_s):
                    return target, await asyncio.open_connection(str(address), target.port, limit=_CHUNK_BYTES)
            except (OSError, TimeoutError) as error:
                last = error
        raise NoConnection(details=f"{target.host}:{target.port}: {last}")

    def _target(self, request: _Request) -> Target:
        """Say where a request wants to go; raise AddressRefused."""
        scheme = "https" if request.method == "CONNECT" else "http"
        address = f"//{request.target}" if request.method == "CONNECT" else request.target
        try:
            parts = urlsplit(address)
            host, port = parts.hostname, parts.port
        except ValueError as error:
            raise AddressRefused(details=request.target) from error
        if host is None or "@" in parts.netloc or parts.scheme != ("" if request.method == "CONNECT" else "http"):
            raise AddressRefused(details=request.target)
        return self._guard.check_target(scheme, host, DEFAULT_PORTS[scheme] if port is None else port)

    async def _addresses(self, target: Target) -> list[IpAddress]:
        """Look a name up and check every address; one that is refused refuses all."""
        if target.literal is not None:
            found: list[IpAddress] = [target.literal]
        else:
            try:
                async with asyncio.timeout(self._connect_s):
                    found = [ipaddress.ip_address(text) for text in await self._resolve(target.host, target.port)]
            except (OSError, TimeoutError, UnicodeError) as error:
                raise NoConnection("There is no site of this name.", details=target.host) from error
            except ValueError as error:
                raise AddressRefused(details=target.host) from error
        for address in found:
            self._guard.check_address(address, target.port)
            if is_own(address) and not self._guard.is_for_tests(address, target.port):
                raise AddressRefused(details=f"{target.host} is this server itself")
        if not found:
            raise NoConnection("There is no site of this name.", details=target.host)
        return found

    async def _exchange(self, request: _Request, target: Target, client: _Streams, upstream: _Streams) -> None:
        reader, writer = client
        up_reader, up_writer = upstream
        sending: asyncio.Task[None] | None = None
        try:
            if request.method == "CONNECT":
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                up_writer.write(_head_for(request, target))
                await up_writer.drain()
            sending = asyncio.create_task(_pass_on(reader, up_writer))
            if request.method != "CONNECT":
                async with asyncio.timeout(self._silence_s):
                    head = await up_reader.readuntil(b"\r\n\r\n")
                await self._count(len(head))
                writer.write(_closing(head))
            await self._receive(up_reader, writer)
        finally:
            if sending is not None:
                sending.cancel()
                await asyncio.wait([sending])
            up_writer.transport.abort()

    async def _receive(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass on what comes back, to its end, as long as there is room for it."""
        while True:
            async with asyncio.timeout(self._silence_s):
                chunk = await reader.read(_CHUNK_BYTES)
            if not chunk:
                return
            if not await self._count(len(chunk)):
                raise ConnectionAbortedError("the fetch has to end")
            writer.write(chunk)
            await writer.drain()

    async def _count(self, more_bytes: int) -> bool:
        """Count what arrives; tell whether it may."""
        self.received_bytes += more_bytes
        if self.end.done():
            return False
        if self.received_bytes > self._limit_bytes:
            error: Exception | None = FileTooLarge("The video is larger than this server takes.")
        else:
            error = await attempt(self._claim(self.received_bytes))
        if error is not None and not self.end.done():
            self.end.set_result(error)
        return error is None


_Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def is_own(address: IpAddress) -> bool:
    """Tell whether an address is one of this machine's. Nothing is sent: the system picks a route, which tells."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.connect((str(address), 9))
        return bool(ipaddress.ip_address(probe.getsockname()[0]) == address)
    return False


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while chunk := await reader.read(_CHUNK_BYTES):
            writer.write(chunk)
            await writer.drain()


async def _refuse(writer: asyncio.StreamWriter, status: str) -> None:
    writer.write(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
    await writer.drain()


def _read_head(head: bytes) -> _Request | None:
    first, *lines = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
    try:
        method, target, version = first.decode("ascii").split(" ")
    except ValueError:
        return None
    headers = [(name.strip(), value.strip()) for name, _, value in (line.partition(b":") for line in lines)]
    return _Request(method, target, headers) if version.startswith("HTTP/1.") else None


def _head_for(request: _Request, target: Target) -> bytes:
    """Write the request as the site gets it: a path instead of an address, and the host that was checked."""
    parts = urlsplit(request.target)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    host = f"[{target.host}]" if ":" in target.host else target.host
    headers = [(name, value) for name, value in request.headers if name.lower() not in _NOT_PASSED_ON]
    headers += [(b"Host", f"{host}:{target.port}".removesuffix(":80").encode()), (b"Connection", b"close")]
    lines = [f"{request.method} {path} HTTP/1.1".encode(), *(name + b": " + value for name, value in headers)]
    return b"\r\n".join(lines) + b"\r\n\r\n"


def _closing(head: bytes) -> bytes:
    """Say in an answer's head that no second request may come by this connection: it may be for another host."""
    first, *lines = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
    kept = [line for line in lines if line.partition(b":")[0].strip().lower() not in (b"connection", b"keep-alive")]
    return b"\r\n".join([first, *kept, b"Connection: close"]) + b"\r\n\r\n"
