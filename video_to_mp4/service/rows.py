"""Rows as the use cases change them: as they are now, with everybody told, and so that no change gets lost.

What is known of a job only while the server runs is here too: how far it is, and whom it is to be told.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from video_to_mp4.errors import JobNotFound, StoreUnavailable
from video_to_mp4.jobs import lifecycle
from video_to_mp4.jobs.failures import failure_of
from video_to_mp4.jobs.model import Job, JobState, Progress
from video_to_mp4.jobs.ports import JobStore
from video_to_mp4.service.changes import Changes
from video_to_mp4.service.metrics import Metrics

log = logging.getLogger(__name__)

_STORE_RETRY_S = 2.0
_JUST_NOW = timedelta(seconds=5)


class Rows:
    """All jobs' rows, each a step at a time."""

    def __init__(self, store: JobStore, now: Callable[[], datetime]) -> None:
        self.store = store
        self.now = now
        self.changes = Changes(now)
        self.metrics = Metrics()
        self._progress: dict[str, Progress] = {}
        self._owners: dict[str, str] = {}
        self._bytes_came_at: dict[str, datetime] = {}
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Wait no longer for a database that does not answer."""
        self._stopping.set()

    async def owned(self, owner: str, job_id: str) -> Job:
        """Return one of the owner's jobs; raise JobNotFound for another's just as for none."""
        job = await self.store.get(job_id)
        if job is None or job.owner != owner or job.remove_requested:
            raise JobNotFound
        return job

    # --- steps -------------------------------------------------------------------------------------------------

    async def insist(self, job_id: str, step: Callable[[Job], Job]) -> Job:
        """Apply a step that must not get lost: wait for a database that does not answer, until the server stops."""
        while True:
            try:
                return await self.change(job_id, step)
            except StoreUnavailable as error:
                if self._stopping.is_set():
                    raise
                log.warning("job=%s: a change can't be written yet: %s", job_id, error.details)
            await self._pause(_STORE_RETRY_S)

    async def _pause(self, seconds: float) -> None:
        """Wait for so long, or until the server stops."""
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            pass  # the time is up, and the server goes on

    async def fail(self, job_id: str, error: Exception, *states: JobState) -> None:
        """End a job that waits in one of these states, and that nobody would go on with after this error."""
        failure = failure_of(error, job_id)

        def step(found: Job) -> Job:
            return lifecycle.fail(found, failure, self.now()) if found.state in states else found

        await self.insist(job_id, step)

    async def change(self, job_id: str, step: Callable[[Job], Job]) -> Job:
        """Apply a step to a row as it is now, again if somebody else was quicker; tell the owner's tabs."""
        while True:
            job = await self.store.get(job_id)
            if job is None:
                raise JobNotFound
            moved = self.stepped(job, step)
            if moved == job:
                return job
            stored = await self.store.replace(moved)
            if stored is not None:
                break
        self.written(job, stored)
        return stored

    def stepped(self, job: Job, step: Callable[[Job], Job]) -> Job:
        """Take a step and note when; nothing is written."""
        moved = step(job)
        return moved.model_copy(update={"changed_at": self.now()}) if moved.state is not job.state else moved

    # --- told --------------------------------------------------------------------------------------------------

    def made(self, job: Job) -> None:
        """Tell of a row that is new."""
        self._owners[job.id] = job.owner
        if job.state in (JobState.UPLOADING, JobState.FETCHING):
            self._progress[job.id] = Progress(percent=0)
        self.changes.came(job)
        log.info(
            "job=%s owner=%s attempt=0 state=%s bytes=%d", job.id, job.owner[:8], job.state.value, job.source_bytes
        )

    def moved(self, before: Job, after: Job) -> None:
        """Tell of a job that came into another state."""
        self._progress.pop(after.id, None)
        self.metrics.changed(before, after)
        code = f" code={after.failure.code}" if after.failure and after.state is JobState.FAILED else ""
        log.info(
            "job=%s owner=%s attempt=%d state=%s was=%s%s",
            *(after.id, after.owner[:8], after.attempt, after.state.value, before.state.value, code),
        )
        self.changes.state(before.owner, after.id, after)

    def written(self, before: Job, after: Job) -> None:
        """Tell of a row that was changed."""
        if after.state is not before.state:
            self.moved(before, after)
        else:
            self.changes.row(before.owner, after.id)

    def gone(self, job: Job) -> None:
        """Tell of a row that was deleted."""
        self._progress.pop(job.id, None)
        self._owners.pop(job.id, None)
        self.changes.state(job.owner, job.id, None)

    def given(self, giver: str, job: Job) -> None:
        """Tell of a row that one owner gave to another."""
        if job.id in self._owners:
            self._owners[job.id] = job.owner
        self.changes.state(giver, job.id, None)
        self.changes.came(job)

    # --- followed ----------------------------------------------------------------------------------------------

    def follow(self, job: Job, progress: Progress | None = None) -> None:
        """Remember whose a job is on which something works, and how far it is."""
        self._owners[job.id] = job.owner
        if progress is not None:
            self._progress[job.id] = progress

    def stands_still(self, job_id: str) -> None:
        """Forget how far a job is: what worked on it may have told of it once more after its row said the end."""
        self._progress.pop(job_id, None)

    def progressed(self, job_id: str, progress: Progress) -> None:
        """Take note of how far an upload or an attempt is, and wake its owner's tabs."""
        owner = self._owners.get(job_id)
        if owner is not None:
            self._progress[job_id] = progress
            self.changes.progress(owner)

    def bytes_came(self, owner: str) -> None:
        """Take note that somebody sends files of this owner."""
        recent = {other: at for other, at in self._bytes_came_at.items() if self._was_just_now(at)}
        self._bytes_came_at = recent | {owner: self.now()}

    def is_new(self, job: Job) -> bool:
        """Tell whether a job just came into its state, so that whoever brought it there may be about to go on."""
        return self._was_just_now(job.changed_at)

    def may_be_sent(self, job: Job) -> bool:
        """Tell of an upload whether somebody may be about to send it: it is new, or others of its owner just came."""
        came_at = self._bytes_came_at.get(job.owner)
        return self.is_new(job) or (came_at is not None and self._was_just_now(came_at))

    def _was_just_now(self, at: datetime) -> bool:
        """Compare with the clock, which may have been set back since."""
        return abs(self.now() - at) < _JUST_NOW

    def progress(self, job_id: str) -> Progress | None:
        """Say how far an uploading or running job is; None for any other."""
        return self._progress.get(job_id)

    def live(self, owner: str) -> dict[str, Progress]:
        """Say how far the owner's uploading and running jobs are."""
        return {job_id: now for job_id, now in self._progress.items() if self.is_owners(owner, job_id)}

    def is_owners(self, owner: str, job_id: str) -> bool:
        """Tell whether a job on which something works is the owner's."""
        return self._owners.get(job_id) == owner
