"""Where new jobs come in, in whichever way: what an owner may have under way, rows that are new, the engine's queue."""

from __future__ import annotations

from dataclasses import dataclass

import uuid_utils

from video_to_mp4.errors import TooManyRequests
from video_to_mp4.jobs.model import ENDED_STATES, Job, JobSpec, JobState, Options, RequestKey
from video_to_mp4.jobs.ports import Engine
from video_to_mp4.service.arrivals import Arrivals
from video_to_mp4.service.files import NewFile
from video_to_mp4.service.limits import Limits
from video_to_mp4.service.rows import Rows
from video_to_mp4.storage.uploads import Uploads
from video_to_mp4.tasks import attempt


@dataclass(frozen=True)
class Begun:
    """What became of the files that someone wants to send: a job each, or a sentence that says why not."""

    jobs: list[Job | None]
    refusals: list[str]
    batch_id: str | None = None


class Intake:
    """What all ways to make a job have in common."""

    def __init__(self, rows: Rows, engine: Engine, arrivals: Arrivals, uploads: Uploads, limits: Limits) -> None:
        self._rows = rows
        self._engine = engine
        self._arrivals = arrivals
        self._uploads = uploads
        self._limits = limits

    async def under_way(self, owner: str) -> int:
        """Count the owner's jobs that have not ended."""
        counts = await self._rows.store.counts(owner)
        return sum(count for state, count in counts.items() if state not in ENDED_STATES)

    async def room(self, owner: str) -> int:
        """Say how many files more the owner may have under way."""
        return self._limits.owner_jobs - await self.under_way(owner) - self._arrivals.count(owner)

    async def check_jobs(self, owner: str) -> None:
        """Raise TooManyRequests when the owner has as many files under way as are allowed at a time."""
        under_way = await self.under_way(owner) + self._arrivals.count(owner)
        if under_way >= self._limits.owner_jobs:
            raise TooManyRequests(f"You have {under_way} files under way, which is the most at a time.")

    def check_connections(self, owner: str, job_id: str = "") -> None:
        """Raise TooManyRequests when the owner sends as many files as may be sent at a time, and not this job's."""
        sending = [other for other in self._uploads.receiving() if self._rows.is_owners(owner, other)]
        count = len(sending) + self._arrivals.count(owner)
        if job_id not in sending and count >= self._limits.owner_uploads:
            raise TooManyRequests(f"You are sending {count} files already. This one goes on when one is done.")

    def new_job(
        self,
        owner: str,
        file: NewFile,
        options: Options,
        *,
        job_id: str | None = None,
        output_name: str = "",
        batch_id: str | None = None,
    ) -> Job:
        """Return a job that waits for its source, and has no row yet."""
        now = self._rows.now()
        return Job(
            id=job_id or str(uuid_utils.uuid7()),
            owner=owner,
            name=file.name,
            source_bytes=file.size_bytes,
            source_modified_ms=file.modified_ms,
            output_name=output_name,
            batch_id=batch_id,
            options=options,
            state=JobState.UPLOADING,
            created_at=now,
            changed_at=now,
        )

    def request_key(self, job: Job, key: str) -> RequestKey | None:
        """Return what makes a request known when it is sent again; None for one without a key."""
        return RequestKey(owner=job.owner, key=key, job_id=job.id, made_at=self._rows.now()) if key else None

    async def queue(self, job: Job) -> None:
        """Have a job converted whose source is there; one that the engine does not take fails."""
        self._rows.follow(job)
        error = await attempt(self._engine.submit(JobSpec(job_id=job.id, owner=job.owner, options=job.options)))
        if error is not None:
            await self._rows.fail(job.id, error, JobState.QUEUED)
