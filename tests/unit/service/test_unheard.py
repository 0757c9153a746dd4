"""Whatever is raised wherever something works for a job ends that job with a sentence; nothing of ours dies unheard."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from on_a_folder import OnAFolder
from video_to_mp4.engine import run_job
from video_to_mp4.engine.embedded import EmbeddedEngine
from video_to_mp4.engine.run_job import JobRunner
from video_to_mp4.jobs.model import Job, JobState, Options
from video_to_mp4.media import source as sources
from video_to_mp4.media.info import MediaInfo, StreamInfo
from video_to_mp4.media.plan import make_plan
from video_to_mp4.media.verify import Verified
from video_to_mp4.process import Exit
from video_to_mp4.service.files import NewFile, NewLink
from video_to_mp4.service.housekeeping import Rule
from video_to_mp4.service.limits import Limits
from video_to_mp4.service.looking import Result
from video_to_mp4.storage.folder import DataFolder
from waiting import PATIENCE_S, until

BYTES = b"a film"
INFO = MediaInfo(
    container="matroska,webm",
    size_bytes=len(BYTES),
    streams=(StreamInfo(0, "video", codec="h264", width=320, height=240, end_s=1.0),),
    claimed_duration_s=1.0,
)


class Planted(Exception):
    """What nobody foresaw."""


def boom(*_: Any, **__: Any) -> Any:
    """Raise it."""
    raise Planted("planted")


async def late_boom(*_: Any, **__: Any) -> Any:
    """Raise it once it is awaited."""
    raise Planted("planted")


async def _probed(*_: Any, **__: Any) -> MediaInfo:
    return INFO


async def _ran(*_: Any, **__: Any) -> Exit:
    return Exit(0, "", "")


async def _verified(partial: Path, *_: Any, **__: Any) -> Verified:
    partial.write_bytes(b"mp4")
    return Verified(3, 1.0, make_plan(INFO, Options()))


class Desk(OnAFolder):
    """A service whose runner works as ever, on children that do nothing."""

    def __init__(self, root: Path) -> None:
        self.runner = JobRunner(DataFolder(root))
        self.engine = EmbeddedEngine(self.runner, slots=1)
        super().__init__(root, self.engine, Limits(upload_bytes=1000, owner_jobs=20, import_slots=1))

    async def send(self) -> Job:
        """Send a film."""
        begun = await self.service.receiving.begin_uploads("ann", [NewFile(name="a.mkv", size_bytes=6)], Options())
        [job] = begun.jobs
        assert job is not None

        async def chunks() -> AsyncIterator[bytes]:
            yield BYTES

        await self.service.receiving.receive("ann", job.id, 0, chunks())
        return job

    async def link(self) -> Job:
        """Have a film fetched."""
        return await self.service.linking.fetch("ann", NewLink(url="https://video.example/watch"), Options())

    async def end_of(self, job: Job) -> Job:
        """Wait until a job has ended."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                found = await self.store.get(job.id)
                assert found is not None
                if found.state in (JobState.COMPLETED, JobState.FAILED):
                    return found
                await asyncio.sleep(0.002)  # rows have no event for tests


@pytest.fixture
async def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    monkeypatch.setattr(sources, "probe", _probed)
    monkeypatch.setattr(run_job.process, "run", _ran)
    monkeypatch.setattr(run_job, "judge", _verified)
    async with Desk(tmp_path) as desk:
        yield desk


def once(target: Any, name: str, patch: pytest.MonkeyPatch) -> None:
    """Let a method fail once, and do its work from then on."""
    good = getattr(target, name)

    def bad(*args: Any, **given: Any) -> Any:
        patch.setattr(target, name, good)
        boom()

    patch.setattr(target, name, bad)


Plant = Callable[[Desk, pytest.MonkeyPatch], None]

IN_A_CONVERSION: dict[str, Plant] = {
    "the source is opened": lambda _desk, patch: patch.setattr(run_job, "open_source", boom),
    "the source is read": lambda _desk, patch: patch.setattr(sources, "probe", boom),
    "it is planned": lambda _desk, patch: patch.setattr(run_job, "make_plan", boom),
    "the engine takes it": lambda desk, patch: patch.setattr(desk.engine, "submit", late_boom),
    "its row says that it starts": lambda desk, patch: patch.setattr(desk.service, "started", boom),
    "it runs": lambda _desk, patch: patch.setattr(JobRunner, "run", boom),
    "its log is begun": lambda _desk, patch: patch.setattr(DataFolder, "delete_log", boom),
    "its command is written": lambda _desk, patch: patch.setattr("video_to_mp4.media.command.build", boom),
    "its threads are counted": lambda desk, patch: patch.setattr(desk.engine, "_threads", boom),
    "ffmpeg is started": lambda _desk, patch: patch.setattr(run_job.process, "run", boom),
    "its progress is told": lambda desk, patch: patch.setattr(desk.service, "progressed", boom),
    "it is brought to the disk": lambda _desk, patch: patch.setattr(DataFolder, "settle", boom),
    "the result is checked": lambda _desk, patch: patch.setattr(run_job, "judge", boom),
    "the result is published": lambda _desk, patch: patch.setattr(DataFolder, "publish", boom),
    "its attempts are cleared away": lambda _desk, patch: patch.setattr(DataFolder, "discard_attempts", boom),
    "its end is written down": lambda desk, patch: once(desk.service, "finished", patch),
}


@pytest.mark.parametrize("place", IN_A_CONVERSION)
async def test_whatever_is_raised_in_a_conversion_ends_it_with_a_sentence(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, place: str
) -> None:
    """No job waits for ever. The row has the server's sentence, its details the exception, the log its trace."""
    IN_A_CONVERSION[place](desk, monkeypatch)
    job = await desk.end_of(await desk.send())
    assert job.failure is not None
    assert (job.failure.code, job.failure.details) == ("INTERNAL_ERROR", "Planted: planted")
    assert "Planted: planted" in caplog.text


async def test_a_job_that_can_not_be_sorted_runs_all_the_same(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Sorting decides of nothing but the lane."""
    monkeypatch.setattr(desk.engine._sorter, "_is_quick", late_boom)
    assert (await desk.end_of(await desk.send())).state is JobState.COMPLETED
    assert "Planted: planted" in caplog.text


async def test_an_upload_whose_end_can_not_be_written_down_fails(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Its sender has sent the last byte and believes that all is done."""
    monkeypatch.setattr("video_to_mp4.service.receiving._uploaded", boom)
    job = await desk.end_of(await desk.send())
    assert job.failure is not None
    assert job.failure.details == "Planted: planted"
    assert "Planted: planted" in caplog.text


IN_A_FETCH: dict[str, Plant] = {
    "it begins": lambda desk, patch: patch.setattr("video_to_mp4.jobs.lifecycle.begin_fetch", boom),
    "it is fetched": lambda desk, patch: patch.setattr(desk.fetcher, "fetch", boom),
    "room is claimed": lambda desk, patch: patch.setattr(desk.service._space, "promise", boom),
    "its end is written down": lambda desk, patch: patch.setattr("video_to_mp4.jobs.lifecycle.fetched", boom),
    "it is handed on": lambda desk, patch: patch.setattr(desk.service._intake, "queue", boom),
}


@pytest.mark.parametrize("place", IN_A_FETCH)
async def test_whatever_is_raised_in_a_fetch_ends_it_with_a_sentence(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, place: str
) -> None:
    """The loop of fetches is held to the same law as that of conversions, and its slot is free for the next one."""
    with monkeypatch.context() as patch:
        IN_A_FETCH[place](desk, patch)
        job = await desk.end_of(await desk.link())
    assert job.failure is not None
    assert (job.failure.code, job.failure.details) == ("INTERNAL_ERROR", "Planted: planted")
    assert "Planted: planted" in caplog.text
    assert (await desk.end_of(await desk.link())).state is JobState.COMPLETED


async def test_a_name_that_can_not_be_written_down_is_logged(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The fetch itself goes on."""
    caplog.set_level(logging.INFO)
    named = "video_to_mp4.service.imports._named"
    monkeypatch.setattr(named, lambda job, title, extension: boom() if not job.source_stored else job)
    await desk.end_of(await desk.link())
    assert "keeps its name" in caplog.text
    assert "Planted: planted" in caplog.text


async def test_housekeeping_goes_on_after_whatever_is_raised_in_a_round(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """In a round, and for one job."""
    housekeeper = desk.service._housekeeper
    monkeypatch.setattr(housekeeper, "_round_s", 0.01)
    task = asyncio.create_task(housekeeper.run())
    with monkeypatch.context() as patch:
        patch.setattr(desk.store, "forget_requests", boom)
        await until(lambda: caplog.text.count("a round of cleaning up broke off") >= 2)
    monkeypatch.setattr(sources, "probe", boom)
    await desk.end_of(await desk.send())
    monkeypatch.setattr(housekeeper, "_rules", [Rule([JobState.FAILED], -3600, late_boom)])
    await until(lambda: caplog.text.count("can't be cleaned up") >= 2)
    assert not task.done()
    task.cancel()
    await asyncio.wait([task])


async def test_a_thumbnail_that_can_not_be_made_is_none(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    """A page without a small picture is still a page; the job itself is done."""
    monkeypatch.setattr(desk.service.thumbnails._thumbnailer, "thumbnail", late_boom)
    (tmp_path / "result.mp4").write_bytes(b"mp4")
    result = Result(path=tmp_path / "result.mp4", name="a.mp4", attempt=1)
    with pytest.raises(Exception, match="picture"):
        await desk.service.thumbnails.of(result)
    assert "Planted: planted" in caplog.text
