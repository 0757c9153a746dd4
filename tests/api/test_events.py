"""Server-sent events: nothing is missed, nothing is told twice, nobody hears of another's jobs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from starlette.types import ASGIApp

from api_client import cookie_of, ended, form
from asgi_stream import exchange
from clips import make_clip
from video_to_mp4.api import events
from video_to_mp4.jobs.model import Progress
from video_to_mp4.service import changes
from video_to_mp4.service.service import Service
from waiting import until

Browser = Callable[[], httpx.AsyncClient]
ANY = {"output_filename": "out.mp4"}
ALL = "/api/v1/events"


async def promise(client: httpx.AsyncClient) -> str:
    """Make a job that waits for its file, as long as the test likes."""
    answer = await client.post("/api/v1/jobs", json=ANY | {"name": "a.mkv", "source_bytes": 5})
    return str(answer.json()["job_id"])


async def test_every_state_of_a_job_is_told_in_its_order(
    app: ASGIApp, client: httpx.AsyncClient, tmp_path: Path
) -> None:
    """None is left out, however quickly they follow each other."""
    clip = make_clip(tmp_path, "h264_ac3_mkv")
    async with exchange(app, "GET", ALL, cookie_of(client)) as stream:
        assert await stream.status() == 200
        await stream.until("snapshot", jobs=[])
        answer = await client.post("/api/v1/jobs", **form(ANY | {"quality": "Standard"}, clip.read_bytes()))
        job_id = answer.json()["job_id"]
        states = [(await stream.until("state", job_id=job_id)).data["state"] for _ in range(3)]
        assert states == ["queued", "running", "completed"]
        await client.delete(f"/api/v1/jobs/{job_id}")
        await stream.until("removed", job_id=job_id)


async def test_a_jobs_own_stream_begins_with_its_state_and_ends_with_its_removal(
    app: ASGIApp, client: httpx.AsyncClient
) -> None:
    """It tells of this one job only."""
    job_id, other_id = await promise(client), await promise(client)
    async with exchange(app, "GET", f"/api/v1/jobs/{job_id}/events", cookie_of(client)) as stream:
        assert (await stream.until("state")).data["state"] == "uploading"
        await client.delete(f"/api/v1/jobs/{other_id}")
        await client.delete(f"/api/v1/jobs/{job_id}")
        assert (await stream.until("state")).data == (await stream_status(client, job_id))
        await client.delete(f"/api/v1/jobs/{job_id}")
        await stream.until("removed", job_id=job_id)
        end = [await stream.from_app.get()]
        while end[-1].get("more_body"):
            end.append(await stream.from_app.get())
        assert b"".join(message["body"] for message in end) == b""


async def stream_status(client: httpx.AsyncClient, job_id: str) -> object:
    return (await client.get(f"/api/v1/jobs/{job_id}/status")).json()


async def test_who_comes_back_gets_exactly_what_was_missed(app: ASGIApp, client: httpx.AsyncClient) -> None:
    """Last-Event-ID is where the stream goes on; nothing is told a second time."""
    async with exchange(app, "GET", ALL, cookie_of(client)) as stream:
        await stream.until("snapshot")
        first = await promise(client)
        last = (await stream.until("state", job_id=first)).id
    second = await promise(client)
    await client.delete(f"/api/v1/jobs/{first}")
    async with exchange(app, "GET", ALL, cookie_of(client) | {"Last-Event-ID": last}) as stream:
        told = [await stream.until("state") for _ in range(2)]
        assert [(event.data["job_id"], event.data["state"]) for event in told] == [
            (second, "uploading"),
            (first, "canceled"),
        ]
        await client.delete(f"/api/v1/jobs/{second}")
        assert (await stream.until("state")).data["job_id"] == second


@pytest.mark.parametrize("last", ["1-2-3", "nonsense", "-1", "9" * 100, "9999999999999-1-1"])
async def test_an_id_that_can_not_be_gone_on_from_is_answered_by_a_snapshot(
    app: ASGIApp, client: httpx.AsyncClient, last: str
) -> None:
    """Of another start of the server, of nobody, of the far future."""
    job_id = await promise(client)
    async with exchange(app, "GET", ALL, cookie_of(client) | {"Last-Event-ID": last}) as stream:
        snapshot = await stream.until("snapshot")
        assert [job["job_id"] for job in snapshot.data["jobs"]] == [job_id]


async def test_a_snapshot_has_what_ended_while_the_listener_was_away(app: ASGIApp, client: httpx.AsyncClient) -> None:
    """After a restart of the server a listener still learns how its jobs ended."""
    job_id = (await client.post("/api/v1/jobs", **form(ANY))).json()["job_id"]
    assert (await ended(client, job_id))["state"] == "failed"
    async with exchange(app, "GET", ALL, cookie_of(client)) as stream:
        fresh = await stream.until("snapshot")
        assert fresh.data["jobs"] == []
    at_ms = int(fresh.id.split("-")[0])
    before = {"Last-Event-ID": f"{at_ms - 600_000}-1-1"}
    async with exchange(app, "GET", ALL, cookie_of(client) | before) as stream:
        assert [job["state"] for job in (await stream.until("snapshot")).data["jobs"]] == ["failed"]


async def test_changes_that_are_kept_no_more_are_answered_by_a_snapshot(
    app: ASGIApp, client: httpx.AsyncClient, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gap is never passed over in silence."""
    async with exchange(app, "GET", ALL, cookie_of(client)) as stream:
        last = (await stream.until("snapshot")).id
    jobs = [await promise(client) for _ in range(3)]
    service.changes._kept.popleft()
    async with exchange(app, "GET", ALL, cookie_of(client) | {"Last-Event-ID": last}) as stream:
        assert [job["job_id"] for job in (await stream.until("snapshot")).data["jobs"]] == jobs


async def test_a_listener_that_is_too_slow_must_begin_anew(
    client: httpx.AsyncClient, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody's laziness fills the memory, and nothing is left out unnoticed."""
    monkeypatch.setattr(changes, "_MOST_WAITING", 2)
    with service.changes.feed("ann", after=None) as feed:
        for number in range(2):
            service.changes.state("ann", str(number), None)
        assert not feed.is_overrun
        service.changes.state("ann", "2", None)
        assert feed.is_overrun


async def test_nobody_hears_of_another_owners_jobs(app: ASGIApp, client: httpx.AsyncClient, browser: Browser) -> None:
    """Neither in the snapshot nor later nor by an id that says to go on."""
    other = browser()
    await other.get("/")
    async with (
        exchange(app, "GET", ALL, cookie_of(other)) as theirs,
        exchange(app, "GET", ALL, cookie_of(client)) as ours,
    ):
        last = (await theirs.until("snapshot")).id
        job_id = await promise(client)
        await ours.until("state", job_id=job_id)
        own_id = await promise(other)
        assert (await theirs.until("state")).data["job_id"] == own_id
    async with exchange(app, "GET", ALL, cookie_of(other) | {"Last-Event-ID": last}) as theirs:
        assert (await theirs.until("state")).data["job_id"] == own_id
    async with exchange(app, "GET", f"/api/v1/jobs/{job_id}/events", cookie_of(other)) as theirs:
        assert await theirs.status() == 404


async def test_progress_comes_at_most_four_times_a_second(
    app: ASGIApp, client: httpx.AsyncClient, service: Service
) -> None:
    """However often a job gets on; the last word is told, too."""
    job_id = await promise(client)
    async with exchange(app, "GET", ALL, cookie_of(client)) as stream:
        await stream.until("progress", job_id=job_id)
        began_s = asyncio.get_running_loop().time()
        for thousandth in range(1000):
            service.progressed(job_id, Progress(percent=thousandth / 20))
            await asyncio.sleep(0.001)
        service.progressed(job_id, Progress(percent=90))
        told = 1
        while (await stream.until("progress")).data["progress_percent"] != 90:
            told += 1
        assert told <= 4 * (asyncio.get_running_loop().time() - began_s) + 1


async def test_progress_says_speed_and_time_left_and_has_no_id(
    app: ASGIApp, client: httpx.AsyncClient, service: Service
) -> None:
    """It is no event to go on from."""
    job_id = await promise(client)
    async with exchange(app, "GET", ALL, cookie_of(client)) as stream:
        await stream.until("progress")
        service.progressed(job_id, Progress(percent=41.9, speed=2.5, eta_s=7))
        event = await stream.until("progress", progress_percent=41)
        assert (event.id, event.data["speed"], event.data["eta_s"]) == ("", 2.5, 7)


async def test_a_quiet_stream_has_a_heartbeat(
    app: ASGIApp, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A comment, so that proxies keep the connection and both ends notice when it is dead."""
    monkeypatch.setattr(events, "_HEARTBEAT_EACH_S", 0.05)
    async with exchange(app, "GET", ALL, cookie_of(client)) as stream:
        await stream.until("snapshot")
        assert [(await stream.event()).name for _ in range(2)] == ["", ""]


async def test_whatever_goes_wrong_in_a_stream_is_logged_and_ends_it(
    app: ASGIApp, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A listener comes back by itself; one that stays connected and hears nothing would wait for ever."""

    def boom(*_: object) -> None:
        raise RuntimeError("planted")

    async with exchange(app, "GET", ALL, cookie_of(client)) as stream:
        await stream.until("snapshot", jobs=[])
        monkeypatch.setattr(events.views, "status", boom)
        await client.post("/api/v1/jobs", json=ANY | {"name": "a.mkv", "source_bytes": 5})
        await until(lambda: "RuntimeError: planted" in caplog.text)
        assert (await stream.from_app.get())["more_body"] is False


async def test_a_listener_that_goes_away_leaves_nothing(
    app: ASGIApp, client: httpx.AsyncClient, service: Service
) -> None:
    """A thousand connections of yesterday cost nothing today."""
    async with exchange(app, "GET", ALL, cookie_of(client)) as stream:
        await stream.until("snapshot")
        assert service.changes._feeds
    assert not service.changes._feeds


async def test_a_stream_is_not_cached_and_not_held_back(app: ASGIApp, client: httpx.AsyncClient) -> None:
    """No proxy shall collect it; the client is told when to come back."""
    async with exchange(app, "GET", ALL, cookie_of(client)) as stream:
        start = await stream.from_app.get()
        headers = dict(start["headers"])
        assert headers[b"content-type"].startswith(b"text/event-stream")
        assert (headers[b"cache-control"], headers[b"x-accel-buffering"]) == (b"no-store", b"no")
        first = await stream.from_app.get()
        assert first["body"] == b"retry: 1000\n\n"
