"""The proxy lets nothing inside be reached, whatever a name leads to and whenever it changes its mind."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest

from hostile_links import HOSTILE
from sites import Canary, Site, canary, content, site
from video_to_mp4.errors import AddressRefused, FileTooLarge, InsufficientStorage, NoConnection
from video_to_mp4.sources.address import Guard
from video_to_mp4.sources.proxy import GuardingProxy, is_own

PUBLIC = "93.184.216.34"


async def _no_names(host: str, _port: int) -> list[str]:
    raise OSError(f"{host} is not known")


async def _no_claim(_received_bytes: int) -> None:
    """There is room."""


@asynccontextmanager
async def open_proxy(
    resolve: Callable[[str, int], object] = _no_names, limit_bytes: int = 10**9, test_ports: Sequence[int] = (),
    claim: Callable[[int], object] = _no_claim, silence_s: float = 5,
) -> AsyncIterator[GuardingProxy]:  # fmt: skip
    guard = Guard(test_ports=frozenset(test_ports))
    proxy = GuardingProxy(
        guard,
        limit_bytes=limit_bytes,
        claim=claim,
        resolve=resolve,
        connect_s=0.2,
        silence_s=silence_s,  # type: ignore[arg-type]
    )
    async with proxy:
        yield proxy


async def ask(proxy: GuardingProxy, first_line: str, *, secret: str | None = None, more: str = "") -> bytes:
    """Send one request to the proxy, and return all that comes back."""
    parts = urlsplit(proxy.url)
    shown = base64.b64encode(f"{parts.username}:{secret or parts.password}".encode()).decode()
    reader, writer = await asyncio.open_connection("127.0.0.1", parts.port)
    writer.write(f"{first_line} HTTP/1.1\r\nHost: other\r\nProxy-Authorization: Basic {shown}\r\n{more}\r\n".encode())
    answer = b""
    try:
        async with asyncio.timeout(30):
            answer = await reader.read()
    except ConnectionResetError:
        pass
    writer.close()
    return answer


@pytest.fixture
def bird() -> Iterator[Canary]:
    with canary() as listening:
        yield listening
        assert listening.reached == []


@pytest.fixture
def shop() -> Iterator[Site]:
    with site() as opened:
        yield opened


async def test_no_hostile_link_gets_through(bird: Canary) -> None:
    """Each of the table, plain and as a tunnel, with its own port and with one on which something listens."""
    async with open_proxy() as proxy:
        for url in HOSTILE:
            host = url.partition("://")[2].partition("/")[0].partition("\r")[0]
            for first_line in (f"GET {url}", f"CONNECT {host}:{bird.port}", f"GET http://{host}:{bird.port}/"):
                line = first_line.replace("\r", "").replace("\n", "")
                answer = await ask(proxy, line[:8000])
                assert answer[9:12] in (b"470", b"405", b""), (line, answer)
    assert proxy.received_bytes == 0


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"], ["::1"], [PUBLIC, "127.0.0.1"], ["10.0.0.1", PUBLIC], ["::ffff:127.0.0.1"], ["169.254.169.254"],
        ["0.0.0.0"], ["fe80::1%1"], ["64:ff9b::7f00:1"],
    ],
)  # fmt: skip
async def test_a_name_that_leads_inside_is_refused_with_all_its_addresses(bird: Canary, addresses: list[str]) -> None:
    """One bad address spoils the name: which one is taken must not be a matter of luck."""

    async def resolve(_host: str, _port: int) -> list[str]:
        return addresses

    async with open_proxy(resolve) as proxy:
        for line in (f"GET http://good.example:{bird.port}/", f"CONNECT good.example:{bird.port}"):
            assert (await ask(proxy, line))[9:12] == b"470"
        assert isinstance(proxy.trouble, AddressRefused)


async def test_a_name_that_changes_its_mind_leads_nowhere(bird: Canary) -> None:
    """DNS rebinding: the address that was checked is the one that is connected to, and it is asked for once."""
    asked = []

    async def resolve(host: str, _port: int) -> list[str]:
        asked.append(host)
        return [PUBLIC] if len(asked) % 2 else ["127.0.0.1"]

    async with open_proxy(resolve) as proxy:
        for turn in range(4):
            assert (await ask(proxy, f"GET http://rebind.example:{bird.port}/{turn}"))[9:12] == b"470"
            assert len(asked) == turn + 1


async def test_the_servers_own_addresses_are_refused_even_if_they_are_public(bird: Canary) -> None:
    """A server with a public address must not fetch from itself; its address is one that packets would come from."""
    import ipaddress

    assert is_own(ipaddress.ip_address("127.0.0.1"))
    assert not is_own(ipaddress.ip_address(PUBLIC))


async def test_only_who_knows_the_secret_is_served(shop: Site) -> None:
    """Other programs of the machine find the port, and no way out."""
    url = shop.add("/a.mp4", content(b"film"))
    async with open_proxy(test_ports=[shop.port]) as proxy:
        assert (await ask(proxy, f"GET {url}", secret="wrong"))[9:12] == b"407"
        assert shop.visited == []
        assert (await ask(proxy, f"GET {url}")).endswith(b"film")


async def test_a_site_sees_its_own_host_and_nothing_of_the_proxy(shop: Site) -> None:
    """Neither a host that the client made up, nor the proxy's secret."""
    seen = {}

    def answer(visit: object) -> None:
        seen.update(visit.headers.items())  # type: ignore[attr-defined]
        content(b"x")(visit)  # type: ignore[arg-type]

    url = shop.add("/a", answer)
    async with open_proxy(test_ports=[shop.port]) as proxy:
        answered = await ask(proxy, f"GET {url}?q=1", more="Connection: keep-alive\r\nRange: bytes=0-\r\n")
    assert seen == {"Host": f"127.0.0.1:{shop.port}", "Connection": "close", "Range": "bytes=0-"}
    assert b"Connection: close" in answered
    assert shop.visited == ["/a?q=1"]


async def test_more_than_the_limit_ends_the_fetch_at_once(shop: Site) -> None:
    """Counted as the bytes come, over all connections together."""
    url = shop.add("/a", content(b"x" * 600_000))
    async with open_proxy(test_ports=[shop.port], limit_bytes=1_000_000) as proxy:
        assert len(await ask(proxy, f"GET {url}")) > 600_000
        assert not proxy.end.done()
        assert len(await ask(proxy, f"GET {url}")) < 600_000
        assert isinstance(proxy.end.result(), FileTooLarge)


async def test_bytes_for_which_there_is_no_room_are_not_passed_on(shop: Site) -> None:
    """The claim goes before the bytes."""

    async def claim(received_bytes: int) -> None:
        if received_bytes > 300_000:
            raise InsufficientStorage

    url = shop.add("/a", content(b"x" * 600_000))
    async with open_proxy(test_ports=[shop.port], claim=claim) as proxy:
        assert len(await ask(proxy, f"GET {url}")) <= 300_000
        assert isinstance(proxy.end.result(), InsufficientStorage)


async def test_whatever_a_claim_raises_ends_the_fetch(shop: Site) -> None:
    """It is the fetch's to tell: a connection that just broke off would be tried again, and nobody would know why."""

    async def claim(_received_bytes: int) -> None:
        raise RuntimeError("planted")

    url = shop.add("/a", content(b"x" * 600_000))
    async with open_proxy(test_ports=[shop.port], claim=claim) as proxy:
        await ask(proxy, f"GET {url}")
        assert str(proxy.end.result()) == "planted"


async def test_a_name_that_nobody_knows_and_a_site_that_does_not_answer_are_told_apart_from_refusals() -> None:
    """The one is a wrong link, the other a rule."""
    async with open_proxy() as proxy:
        assert (await ask(proxy, "GET http://no-such-site.example/"))[9:12] == b"470"
        assert isinstance(proxy.trouble, NoConnection)
