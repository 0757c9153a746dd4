"""The use cases, put together from their parts.

Rows first, then the engine and the disk: what a row says survives any death of the server.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

from video_to_mp4.errors import StorageUnavailable
from video_to_mp4.jobs import lifecycle
from video_to_mp4.jobs.model import Canceled, Completed, Failure, Interrupted, Job, JobState, Outcome, Progress
from video_to_mp4.jobs.ports import Engine, Fetcher, JobStore, Thumbnailer
from video_to_mp4.service.access import Access
from video_to_mp4.service.arrivals import Arrivals
from video_to_mp4.service.batches import Batches, Hooks
from video_to_mp4.service.housekeeping import Housekeeper, Rule, rules
from video_to_mp4.service.intake import Intake
from video_to_mp4.service.jobs import Jobs
from video_to_mp4.service.leftovers import Leftovers
from video_to_mp4.service.limits import Limits
from video_to_mp4.service.linking import Linking
from video_to_mp4.service.looking import Looking
from video_to_mp4.service.operations import Operations
from video_to_mp4.service.receiving import Receiving
from video_to_mp4.service.rows import Rows
from video_to_mp4.service.space import SpaceKeeper
from video_to_mp4.service.submitting import Submitting
from video_to_mp4.service.thumbnails import Thumbnails
from video_to_mp4.storage.folder import DataFolder
from video_to_mp4.storage.uploads import Uploads
from video_to_mp4.tasks import finish, spawn

log = logging.getLogger(__name__)


class Service:
    """Everything that the page and the API ask for, each part with its own use cases; what the engine says; its life.

    Each use case checks the owner.
    """

    def __init__(  # noqa: PLR0913 - the parts that bootstrap builds it from
        self,
        *,
        store: JobStore,
        engine: Engine,
        fetcher: Fetcher,
        thumbnailer: Thumbnailer,
        folder: DataFolder,
        uploads: Uploads,
        limits: Limits,
        lacks: tuple[str, ...] = (),
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.limits = limits
        self._store = store
        self._engine = engine
        self._rows = rows = Rows(store, now)
        self.changes = rows.changes
        self._leftovers = Leftovers(rows, folder)
        evict = self._leftovers.expire if limits.evicts_results else None
        self._space = space = SpaceKeeper(store, folder, uploads, capacity_bytes=limits.capacity_bytes, evict=evict)
        self._arrivals = arrivals = Arrivals(folder, uploads, space, limits)
        self._intake = intake = Intake(rows, engine, arrivals, uploads, limits)
        self.access = access = Access(store, requires_token=limits.requires_token, now=now, hand_over=self._hand_over)
        self.linking = Linking(rows, intake, fetcher, folder=folder, space=space, access=access, limits=limits)
        self.jobs = Jobs(rows, intake, self.linking, engine=engine, folder=folder, uploads=uploads, space=space)
        hooks = Hooks(progress=rows.progress, moved=rows.moved, stop_work=self.jobs.stop_work)
        self.batches = Batches(store, folder, arrivals, hooks, now=now, most=10 * limits.owner_jobs)
        self.receiving = Receiving(
            rows,
            intake,
            folder=folder,
            uploads=uploads,
            space=space,
            access=access,
            batches=self.batches,
            limits=limits,
        )
        self.submitting = Submitting(
            rows, intake, arrivals, uploads=uploads, space=space, access=access, batches=self.batches, limits=limits
        )
        self.looking = Looking(rows, engine, folder, uploads)
        self.thumbnails = Thumbnails(thumbnailer)
        self.operations = Operations(rows, engine, folder, space, lacks)
        self._housekeeper = Housekeeper(store, self._rules(), now=now, request_keep_s=limits.request_keep_s)
        self._cleaning: asyncio.Task[None] | None = None

    # --- the server's life -------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Bring rows and disk in line after whatever happened before, then start the engine on what is queued."""
        for job in await self._store.to_remove():
            await self.jobs.forget(job)
        for job in await self._store.in_states((JobState.RUNNING, JobState.CANCELING, JobState.FETCHING)):
            published = await asyncio.to_thread(self._leftovers.published, job.id)
            await self._rows.change(job.id, partial(lifecycle.recover, at=self._rows.now(), published=published))
        await self._leftovers.sweep()
        await self._engine.start(self)
        for job in await self._store.in_states((JobState.UPLOADING,)):
            await self.receiving.recover(job)
        for job in await self._store.in_states((JobState.QUEUED,)):
            await self._intake.queue(job)
        for job in await self._store.in_states((JobState.FETCHING,)):
            self.linking.submit(job)
        self._cleaning = spawn(self._housekeeper.run(), name="housekeeping")

    async def stop(self) -> None:
        """Stop what runs; it is given back to its queue."""
        if self._cleaning is not None:
            self._cleaning.cancel()
            await asyncio.wait([self._cleaning])
        self._rows.stop()
        await self.thumbnails.stop()
        await self.linking.stop()
        await self._engine.stop()

    # --- whose jobs are whose ----------------------------------------------------------------------------------

    async def _hand_over(self, giver: str, taker: str) -> None:
        """Make one owner's jobs another's. Jobs are made under the same lock, so that none is left with the giver."""
        async with self._space.deciding:
            given = await self._store.give(giver, taker)
        for job in given:
            self._rows.given(giver, job)

    # --- what time does ----------------------------------------------------------------------------------------

    def _rules(self) -> list[Rule]:
        return rules(
            self.limits,
            give_up=lambda job: self.receiving.give_up(job, ahead_s=self._housekeeper.ahead_s),
            expire=lambda job: self._leftovers.expire(job.id),
            drop_source=self._leftovers.drop_source,
            remove=lambda job: finish(self.jobs.remove_now(job.id)),
        )

    # --- what the engine says (jobs.ports.Sink) ----------------------------------------------------------------

    async def started(self, job_id: str) -> int:
        """Record that an attempt starts and return its number."""
        job = await self._rows.insist(job_id, lambda found: lifecycle.start(found, self._rows.now()))
        return job.attempt

    def progressed(self, job_id: str, progress: Progress) -> None:
        """Take note of how far an attempt is, and wake its owner's tabs."""
        self._rows.progressed(job_id, progress)

    async def finished(self, job_id: str, outcome: Outcome) -> None:
        """Record how an attempt ended, and delete what is of no more use."""
        job = await self._rows.insist(job_id, lambda found: self._ended(found, outcome))
        try:
            await asyncio.to_thread(self._leftovers.tidy, job)
        except StorageUnavailable as error:
            log.warning("job=%s: what it left can't be deleted now; the next start tries again: %s", job_id, error)

    def _ended(self, job: Job, outcome: Outcome) -> Job:
        """A user's cancel wins over everything that came in the same moment."""
        match outcome:
            case _ if job.state is JobState.CANCELING:
                return lifecycle.canceled(job, self._rows.now())
            case Completed():
                return lifecycle.complete(job, outcome, self._rows.now())
            case Failure():
                return lifecycle.fail(job, outcome, self._rows.now())
            case Canceled():
                return lifecycle.canceled(lifecycle.cancel(job, self._rows.now()), self._rows.now())
            case Interrupted():
                return lifecycle.give_back(job)
