"""Sources that come from links: queued fairly, fetched a few at a time, then queued to be converted.

A row that is fetching is the truth; what is here is disposable. A fetch claims room before its bytes arrive, in steps,
as few sites say how long a video is. Whatever ends it early leaves no process and no file.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from video_to_mp4.engine.fair_queue import FairQueue
from video_to_mp4.errors import (
    FileTooLarge,
    ImportsOff,
    JobNotFound,
    JobNotReady,
    PlaylistFound,
    StoreUnavailable,
    VideoToMp4Error,
)
from video_to_mp4.jobs import lifecycle
from video_to_mp4.jobs.model import Fetched, FetchOrder, Job, JobSpec, JobState, Progress
from video_to_mp4.jobs.ports import Fetcher
from video_to_mp4.service.files import too_large
from video_to_mp4.service.limits import Limits
from video_to_mp4.service.rows import Rows
from video_to_mp4.service.space import SpaceKeeper
from video_to_mp4.tasks import attempt, spawn

log = logging.getLogger(__name__)

_STEP_BYTES = 256 * 1024 * 1024
"""Room is claimed in such steps."""

PLAYLIST_CODES = ("PLAYLIST", "PLAYLIST_TOO_LONG")
"""Why a job failed whose link leads to several videos; its details have a line for each, the address last."""


@dataclass(frozen=True)
class Hooks:
    """What becomes of what was fetched."""

    fetched: Callable[[Job], Awaitable[object]]
    """Queues a job whose source is there; deletes the source of one that was canceled in the same moment."""
    expand: Callable[[str, list[tuple[str, str]]], Awaitable[object]]
    """Fetches all of a playlist, given as titles and links."""


@dataclass
class _Running:
    """A fetch in a slot. `work` exists from the moment that it really runs."""

    attempt: asyncio.Task[None]
    work: asyncio.Task[Fetched] | None = None
    has_to_end: bool = False
    again: Job | None = None
    """The same job, when it was queued again before the slot was free."""


@dataclass
class _Sink:
    """Takes what the fetcher tells of one job (`jobs.ports.FetchSink`)."""

    job: Job
    rows: Rows
    space: SpaceKeeper
    most_bytes: int
    renaming: set[asyncio.Task[Job]] = field(default_factory=set)
    promised_bytes: int = 0

    async def claim(self, received_bytes: int) -> None:
        """Claim the next step of room before it is needed."""
        if received_bytes >= self.promised_bytes:
            wanted_bytes = max(received_bytes, min(self.promised_bytes + _STEP_BYTES, self.most_bytes))
            await self.space.promise(self.job.id, wanted_bytes, self.job.name)
            self.promised_bytes = wanted_bytes

    def report(self, progress: Progress) -> None:
        """Pass it on."""
        self.rows.progressed(self.job.id, progress)

    def found(self, title: str, extension: str) -> None:
        """Name the row as the site does."""
        task = asyncio.create_task(self.rows.insist(self.job.id, lambda found: _named(found, title, extension)))
        self.renaming.add(task)
        task.add_done_callback(self._renamed)

    def _renamed(self, task: asyncio.Task[Job]) -> None:
        self.renaming.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            is_foreseen = isinstance(error, VideoToMp4Error)
            log.info("job=%s keeps its name: %s", self.job.id, error, exc_info=None if is_foreseen else error)


class Imports:
    """Fetches; each job is in the queue, in a slot, or not here."""

    def __init__(self, fetcher: Fetcher, rows: Rows, hooks: Hooks, space: SpaceKeeper, limits: Limits) -> None:
        self._fetcher = fetcher
        self._rows = rows
        self._hooks = hooks
        self._space = space
        self._limits = limits
        self._queue = FairQueue()
        self._running: dict[str, _Running] = {}
        self._consents: dict[str, int] = {}
        self._is_open = True

    def check(self, url: str) -> str:
        """Return a link in its plain form; raise AddressRefused."""
        return self._fetcher.check(url)

    def submit(self, job: Job, *, playlist: int = 0) -> None:
        """Queue a fetching job. Up to so many videos of a playlist are wanted without another question.

        That is not written down: after a restart the question is asked, which is the safe side.
        """
        if playlist:
            self._consents[job.id] = playlist
        running = self._running.get(job.id)
        if running is not None:
            running.again = job
        else:
            self._queue.push(JobSpec(job_id=job.id, owner=job.owner, options=job.options))
            self._fill_slots()

    async def cancel(self, job_id: str) -> None:
        """Forget a fetch, or end it; returns when its processes are dead and its files are gone."""
        self._queue.remove(job_id)
        self._consents.pop(job_id, None)
        running = self._running.get(job_id)
        if running is not None:
            self._end(running)
            await asyncio.wait([running.attempt])

    async def stop(self) -> None:
        """End all fetches; their rows stay as they are, so that the next start begins them again."""
        self._is_open = False
        for running in self._running.values():
            self._end(running)
        attempts = [running.attempt for running in self._running.values()]
        if attempts:
            await asyncio.wait(attempts)

    @staticmethod
    def _end(running: _Running) -> None:
        if not running.has_to_end:
            running.has_to_end = True
            if running.work is not None:
                running.work.cancel()

    def _fill_slots(self) -> None:
        while self._is_open and len(self._running) < self._limits.import_slots and len(self._queue):
            job_id = self._queue.pop().job_id
            self._running[job_id] = _Running(spawn(self._attempt(job_id), name=f"fetch-{job_id}"))

    async def _attempt(self, job_id: str) -> None:
        """Fill one slot with one fetch. Never canceled itself: only its work is."""
        try:
            error = await attempt(self._from_start_to_end(job_id))
            if isinstance(error, JobNotFound | JobNotReady):
                log.info("job=%s is fetched no more", job_id)
            elif isinstance(error, StoreUnavailable):
                log.warning("job=%s: nobody can write how it is; the next start finds out: %s", job_id, error.details)
            elif error is not None:
                await self._rows.fail(job_id, error, JobState.FETCHING, JobState.QUEUED)
        finally:
            again = self._running.pop(job_id).again
            self._space.release(job_id)
            if again is None:
                self._consents.pop(job_id, None)
            else:
                self.submit(again)
            self._fill_slots()

    async def _from_start_to_end(self, job_id: str) -> None:
        await self._fetch(await self._rows.insist(job_id, lambda found: lifecycle.begin_fetch(found, self._rows.now())))

    async def _fetch(self, job: Job) -> None:
        running = self._running[job.id]
        sink = _Sink(job, self._rows, self._space, self._limits.upload_bytes)
        if not running.has_to_end:
            running.work = asyncio.create_task(self._work(job, sink))
            await asyncio.wait([running.work])
        if sink.renaming:
            await asyncio.wait(sink.renaming)
        if running.work is None or running.work.cancelled():
            await self._rows.insist(job.id, lifecycle.pause_fetch)
        elif isinstance(error := running.work.exception(), Exception):
            await self._failed(job, error)
        else:
            await self._whole(job.id, running.work.result())

    async def _work(self, job: Job, sink: _Sink) -> Fetched:
        if not self._limits.imports:
            raise ImportsOff  # switched off since the link was taken
        await sink.claim(0)
        order = FetchOrder(
            job_id=job.id,
            url=job.source_url,
            resolution=job.options.resolution,
            limit_bytes=self._limits.upload_bytes,
            playlist_limit=self._limits.import_playlist,
        )
        return await self._fetcher.fetch(order, sink)

    async def _whole(self, job_id: str, fetched: Fetched) -> None:
        """Count the source as stored in the same moment in which its promise ends."""

        def step(found: Job) -> Job:
            if found.state is not JobState.FETCHING:
                return found  # canceled just now
            named = _named(found, fetched.title, fetched.extension)
            return lifecycle.fetched(named, source_bytes=fetched.size_bytes)

        async with self._space.deciding:
            job = await self._rows.insist(job_id, step)
            self._space.release(job_id)
        await self._hooks.fetched(job)

    async def _failed(self, job: Job, error: Exception) -> None:
        """Turn whatever was raised into the row's error. This is the loop of fetches, as the engine has one of jobs."""
        wanted = self._consents.pop(job.id, 0)
        if isinstance(error, PlaylistFound) and wanted:
            try:
                await self._hooks.expand(job.id, entries_of(error.details)[:wanted])
            except VideoToMp4Error as why_not:
                error = why_not
            else:
                return
        if isinstance(error, FileTooLarge):
            error = too_large("The video", self._limits.upload_bytes)
        # A user's cancel wins over everything that came in the same moment.
        await self._rows.fail(job.id, error, JobState.FETCHING)


def entries_of(details: str) -> list[tuple[str, str]]:
    """Read the titles and links of a playlist from the details of its failure."""
    return [(title, url) for title, _, url in (line.rpartition(" ") for line in details.splitlines())]


def _named(job: Job, title: str, extension: str) -> Job:
    if not title or job.state is not JobState.FETCHING:
        return job
    stem = title.removesuffix(extension) or PurePosixPath(job.name).stem
    return job.model_copy(update={"name": f"{stem}{extension}"})
