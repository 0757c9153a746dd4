"""Uploads in parts: files that are dropped on the page, and sources that go on where they stopped."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass, field

from video_to_mp4.errors import (
    FileTooLarge,
    InsufficientStorage,
    InvalidArgument,
    JobNotReady,
    TooManyRequests,
    UploadExpired,
    VideoToMp4Error,
)
from video_to_mp4.jobs import lifecycle
from video_to_mp4.jobs.batch import Batch
from video_to_mp4.jobs.model import Failure, Job, JobState, Options
from video_to_mp4.service.access import Access
from video_to_mp4.service.batches import Batches
from video_to_mp4.service.files import NewFile, check_file
from video_to_mp4.service.intake import Begun, Intake
from video_to_mp4.service.limits import Limits
from video_to_mp4.service.rows import Rows
from video_to_mp4.service.space import Budget, SpaceKeeper
from video_to_mp4.service.upload_rate import UploadRate
from video_to_mp4.storage.folder import DataFolder
from video_to_mp4.storage.uploads import Uploads
from video_to_mp4.tasks import attempt, finish


@dataclass
class _Drop:
    """Files that came together, while it is decided what becomes of each."""

    owner: str
    options: Options
    budget: Budget
    under_way: int
    sent_now: Collection[str]
    jobs: list[Job | None] = field(default_factory=list)
    new: list[Job] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)

    def put_into(self, batch: Batch) -> None:
        """Make all the new jobs a batch's."""
        of_batch = {job.id: job.model_copy(update={"batch_id": batch.id}) for job in self.new}
        self.new = list(of_batch.values())
        self.jobs = [of_batch.get(job.id, job) if job is not None else None for job in self.jobs]


class Receiving:
    """Receives sources whose rows are there first. Each use case checks the owner."""

    def __init__(  # noqa: PLR0913 - what a new job touches
        self,
        rows: Rows,
        intake: Intake,
        *,
        folder: DataFolder,
        uploads: Uploads,
        space: SpaceKeeper,
        access: Access,
        batches: Batches,
        limits: Limits,
    ) -> None:
        self._rows = rows
        self._intake = intake
        self._folder = folder
        self._uploads = uploads
        self._space = space
        self._access = access
        self._batches = batches
        self._limits = limits

    async def begin_uploads(
        self,
        owner: str,
        files: Sequence[NewFile],
        options: Options,
        *,
        batch_name: str | None = None,
        sent_now: Collection[str] = (),
    ) -> Begun:
        """Make a job for each file that someone is about to send; the good ones are kept when others are refused.

        `options` are for the files that have none of their own.
        A file that the owner began to send before, and that nobody sends now, goes on with its old job (and that
        job's options): its bytes so far are kept. `sent_now` are jobs whose files the owner is about to send, though
        nothing may have come of them yet: the same file chosen once more is meant to become a second result. With a
        `batch_name`, which may be empty, several new jobs become one batch.
        """
        async with self._space.deciding:
            owner = await self._access.owner_by_now(owner)
            drop = _Drop(owner, options, await self._space.budget(), await self._intake.under_way(owner), sent_now)
            for file in files:
                try:
                    drop.jobs.append(await self._begin_upload(drop, file))
                except (InvalidArgument, InsufficientStorage, TooManyRequests) as error:
                    drop.jobs.append(None)
                    drop.refusals.append(str(error))
            batch = self._batches.new(owner, batch_name) if batch_name is not None and len(drop.new) > 1 else None
            if batch is not None:
                drop.put_into(batch)
            await self._rows.store.add(drop.new, batch=batch)
        for job in drop.new:
            self._rows.made(job)
        return Begun(drop.jobs, drop.refusals, batch.id if batch else None)

    async def _begin_upload(self, drop: _Drop, chosen: NewFile) -> Job:
        file = check_file(chosen, limit_bytes=self._limits.upload_bytes)
        old = await self._rows.store.find_upload(drop.owner, file.name, file.size_bytes, file.modified_ms)
        if old is not None and old not in drop.jobs and not self._is_sent(old, drop):
            return old
        if drop.under_way >= self._limits.owner_jobs:
            raise TooManyRequests(
                f"«{file.name}» has to wait: you have {drop.under_way} files under way, which is the most at a time."
            )
        await drop.budget.claim(file.name, source_bytes=file.size_bytes)
        job = self._intake.new_job(drop.owner, file, file.options or drop.options)
        drop.new.append(job)
        drop.under_way += 1
        return job

    def _is_sent(self, job: Job, drop: _Drop) -> bool:
        """Tell whether somebody sends a job's file, or is just about to: whoever made it may not know its id yet."""
        if job.id in drop.sent_now or self._uploads.is_receiving(job.id):
            return True
        return not self._uploads.received_bytes(job.id) and self._rows.is_new(job)

    async def upload_offset(self, owner: str, job_id: str) -> tuple[int, int]:
        """Say from which byte on the upload goes on, and how many there are; ends a connection that is stuck."""
        job = await self._uploading(owner, job_id)
        await self._uploads.interrupt(job_id)
        return self._uploads.received_bytes(job_id), job.source_bytes

    async def receive(
        self, owner: str, job_id: str, offset: int, chunks: AsyncIterator[bytes], *, announced_bytes: int = 0
    ) -> int:
        """Store the next bytes of a source and return how many are stored; the last one queues the job.

        What arrived is kept when the sender goes away (UploadInterrupted). Raises UploadConflict for a wrong offset.
        A disk that is full fails the job.
        """
        job = await self._uploading(owner, job_id)
        self._intake.check_connections(owner, job_id)
        if offset + announced_bytes > job.source_bytes:
            raise FileTooLarge(f"{job.source_bytes - offset} bytes are missing, and {announced_bytes} are announced.")
        rate = UploadRate(job.source_bytes, offset)

        def note(stored_bytes: int) -> None:
            self._rows.progressed(job_id, rate.progress(stored_bytes))
            self._rows.bytes_came(owner)

        try:
            return await self._uploads.receive(job_id, offset, job.source_bytes, chunks, note)
        except (InsufficientStorage, FileTooLarge) as error:
            await finish(self._fail(job_id, error))
            raise
        finally:
            await finish(self._ended(job))

    async def recover(self, job: Job) -> None:
        """Go on with an upload after a restart, which may have come just when its source was whole."""
        rate = UploadRate(job.source_bytes, 0)
        self._rows.follow(job, rate.progress(self._uploads.received_bytes(job.id)))
        await self._ended(job)

    async def _ended(self, job: Job) -> None:
        """Queue the job if its source is whole, however the connection ended.

        What nobody foresaw fails the job: its sender believes that all is done.
        """
        error = await attempt(self._queued_if_whole(job))
        if isinstance(error, VideoToMp4Error):
            raise error
        if error is not None:
            await self._rows.fail(job.id, error, JobState.UPLOADING)

    async def _queued_if_whole(self, job: Job) -> None:
        if self._uploads.received_bytes(job.id) == job.source_bytes:
            moved = await self._rows.insist(job.id, _uploaded)
            if moved.state is JobState.QUEUED:
                await self._intake.queue(moved)
        else:
            self._rows.changes.row(job.owner, job.id)

    async def _fail(self, job_id: str, error: VideoToMp4Error) -> None:
        await asyncio.to_thread(self._folder.delete_source, job_id)
        failure = Failure(code=error.code, sentence=str(error), details=error.details)
        await self._rows.insist(job_id, lambda found: lifecycle.fail(found, failure, self._rows.now()))

    async def _uploading(self, owner: str, job_id: str) -> Job:
        job = await self._rows.owned(owner, job_id)
        if job.state is not JobState.UPLOADING:
            raise JobNotReady(f"The job is {job.state}; it takes no more bytes.")
        return job

    async def give_up(self, job: Job, *, ahead_s: float) -> None:
        """Fail an upload that nobody goes on with; a slow one is never cut off.

        Its time is longer by what the clock was set ahead since.
        """
        age_s = self._folder.source_age_s(job.id)
        keep_s = self._limits.upload_keep_s + ahead_s
        if self._uploads.is_receiving(job.id) or (age_s is not None and age_s < keep_s):
            return
        await finish(self._fail(job.id, UploadExpired()))


def _uploaded(job: Job) -> Job:
    """Queue an uploading job; leave one that was canceled in the meantime alone."""
    return lifecycle.uploaded(job) if job.state is JobState.UPLOADING else job
