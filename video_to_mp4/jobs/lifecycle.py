"""The life of a job: which step leads from which state to which, and what it changes.

    uploading ─┬► queued ─► running ─► completed ─┬► expired
    fetching ──┤    │ ▲        │ │                └► rolled back ──(retry)──► uploading, fetching
               │    │ └────────┘ ├───► failed ──(retry)──► queued
               │    │            └───► canceling ─► canceled ──(retry)──► queued
               └────┴─────────────────────────────► canceled (fetching by way of canceling)

Uploading, fetching and queued jobs can fail, too.
A retry leads back to uploading, or for a source with an address to fetching, when the source is not on the disk.
`TRANSITIONS` is the whole truth: a step that is not in it raises IllegalTransition.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from video_to_mp4.errors import CrashedTooOften, IllegalTransition
from video_to_mp4.jobs.model import ENDED_STATES, Completed, Failure, Job, JobState, Published

MAX_CRASHES = 3


class Step(StrEnum):
    """A named step in a job's life."""

    UPLOADED = "uploaded"
    FETCHED = "fetched"
    START = "start"
    COMPLETE = "complete"
    FAIL = "fail"
    CANCEL = "cancel"
    CANCELED = "canceled"
    GIVE_BACK = "give back"
    RETRY = "retry"
    SEND_AGAIN = "send again"
    FETCH_AGAIN = "fetch again"
    EXPIRE = "expire"
    ROLL_BACK = "roll back"


_S = JobState
TRANSITIONS: Mapping[tuple[JobState, Step], JobState] = {
    (_S.UPLOADING, Step.UPLOADED): _S.QUEUED,
    (_S.UPLOADING, Step.CANCEL): _S.CANCELED,
    (_S.UPLOADING, Step.FAIL): _S.FAILED,
    (_S.FETCHING, Step.FETCHED): _S.QUEUED,
    (_S.FETCHING, Step.CANCEL): _S.CANCELING,
    (_S.FETCHING, Step.FAIL): _S.FAILED,
    (_S.QUEUED, Step.START): _S.RUNNING,
    (_S.QUEUED, Step.CANCEL): _S.CANCELED,
    (_S.QUEUED, Step.FAIL): _S.FAILED,
    (_S.RUNNING, Step.COMPLETE): _S.COMPLETED,
    (_S.RUNNING, Step.FAIL): _S.FAILED,
    (_S.RUNNING, Step.CANCEL): _S.CANCELING,
    (_S.RUNNING, Step.GIVE_BACK): _S.QUEUED,
    (_S.CANCELING, Step.CANCEL): _S.CANCELING,
    (_S.CANCELING, Step.CANCELED): _S.CANCELED,
    (_S.CANCELED, Step.CANCEL): _S.CANCELED,
    (_S.CANCELED, Step.RETRY): _S.QUEUED,
    (_S.FAILED, Step.RETRY): _S.QUEUED,
    (_S.CANCELED, Step.SEND_AGAIN): _S.UPLOADING,
    (_S.FAILED, Step.SEND_AGAIN): _S.UPLOADING,
    (_S.ROLLED_BACK, Step.SEND_AGAIN): _S.UPLOADING,
    (_S.CANCELED, Step.FETCH_AGAIN): _S.FETCHING,
    (_S.FAILED, Step.FETCH_AGAIN): _S.FETCHING,
    (_S.ROLLED_BACK, Step.FETCH_AGAIN): _S.FETCHING,
    (_S.COMPLETED, Step.EXPIRE): _S.EXPIRED,
    (_S.COMPLETED, Step.ROLL_BACK): _S.ROLLED_BACK,
}


def can(job: Job, step: Step) -> bool:
    """Tell whether the job's life has this step now."""
    return (job.state, step) in TRANSITIONS


def _move(job: Job, step: Step, **changes: Any) -> Job:
    target = TRANSITIONS.get((job.state, step))
    if target is None:
        raise IllegalTransition(f"A job that is {job.state} can't take the step «{step}».")
    return job.model_copy(update={"state": target, **changes})


def uploaded(job: Job) -> Job:
    """The last byte of the source is stored: it may be converted."""
    return _move(job, Step.UPLOADED, source_stored=True)


def fetched(job: Job, *, source_bytes: int) -> Job:
    """The source's last byte came from its address: it may be converted."""
    return _move(job, Step.FETCHED, source_stored=True, source_bytes=source_bytes, crashes=0, started_at=None)


def begin_fetch(job: Job, at: datetime) -> Job:
    """Its source is being fetched from now on; until then it only waited for its turn."""
    if job.state is not JobState.FETCHING:
        raise IllegalTransition(f"A job that is {job.state} fetches nothing.")
    return job.model_copy(update={"started_at": at})


def pause_fetch(job: Job) -> Job:
    """Let its fetch wait again: the server stops, and that is not the job's fault."""
    return job.model_copy(update={"started_at": None}) if job.state is JobState.FETCHING else job


def fetch_instead(job: Job, changes: Mapping[str, object]) -> Job:
    """Fetch from another link: the one that was given leads to several videos, of which this job gets the first."""
    begun = retry(job) if job.state is JobState.FAILED else job
    if begun.state is not JobState.FETCHING:
        raise IllegalTransition(f"A job that is {job.state} fetches nothing.")
    return begun.model_copy(update={"started_at": None, **changes})


def start(job: Job, at: datetime) -> Job:
    """An engine runs the job's next attempt from now on."""
    return _move(job, Step.START, attempt=job.attempt + 1, started_at=at, finished_at=None)


def complete(job: Job, outcome: Completed, at: datetime) -> Job:
    """The verified result is in its place; the source has done its service."""
    return _move(
        job,
        Step.COMPLETE,
        finished_at=at,
        crashes=0,
        source_stored=False,
        result_bytes=outcome.result_bytes,
        fates=outcome.fates,
        warnings=outcome.warnings,
    )


def fail(job: Job, failure: Failure, at: datetime) -> Job:
    """The attempt, the upload or the fetching ended with an error, or could not even begin."""
    return _move(job, Step.FAIL, failure=failure, finished_at=at)


def cancel(job: Job, at: datetime) -> Job:
    """Its owner wants it to end. Idempotent; a job that nothing works on is canceled at once."""
    if job.state in (JobState.CANCELING, JobState.CANCELED):
        return _move(job, Step.CANCEL)
    moved = _move(job, Step.CANCEL)
    return moved.model_copy(update={"finished_at": at}) if moved.state is JobState.CANCELED else moved


def canceled(job: Job, at: datetime) -> Job:
    """Its processes are dead and its partial files are gone."""
    return _move(job, Step.CANCELED, finished_at=at)


def give_back(job: Job) -> Job:
    """Put a running job back into the queue: the server stops, and the attempt is not the job's fault."""
    return _move(job, Step.GIVE_BACK, started_at=None)


def retry(job: Job) -> Job:
    """Begin a failed, canceled or rolled back job again, as if it were new; its attempts go on counting.

    It is queued or, when its source is not on the disk, fetches it again or waits for it.
    """
    again = Step.FETCH_AGAIN if job.source_url else Step.SEND_AGAIN
    step = Step.RETRY if job.source_stored else again
    begun = _move(
        job, step, failure=None, crashes=0, started_at=None, finished_at=None, result_bytes=None, fates=(), warnings=()
    )
    # Nobody knows how large the same link's video is today.
    return begun.model_copy(update={"source_bytes": 0}) if step is Step.FETCH_AGAIN else begun


def expire(job: Job) -> Job:
    """Its result was cleaned up."""
    return _move(job, Step.EXPIRE)


def roll_back(job: Job) -> Job:
    """Its owner wants its result undone. The row keeps the sizes and the times, for the summary of its batch."""
    return _move(job, Step.ROLL_BACK)


def drop_source(job: Job) -> Job:
    """Its source was cleaned up; a retry will wait for the file. Only for a job that ended."""
    if not is_ended(job):
        raise IllegalTransition(f"A job that is {job.state} needs its source.")
    return job.model_copy(update={"source_stored": False})


def recover(job: Job, at: datetime, published: Published | None = None) -> Job:
    """Say what a row found after the server's death should be now; rows that nothing worked on stay as they are.

    `published` is the verified result that was found in its place. It is taken when it is this attempt's.
    """
    if job.state is JobState.CANCELING:
        return canceled(job, at)
    was_fetched = job.state is JobState.FETCHING and job.started_at is not None
    if job.state is not JobState.RUNNING and not was_fetched:
        return job
    if published is not None and published.attempt == job.attempt and not was_fetched:
        return complete(job, published.completed, at)
    if job.crashes + 1 >= MAX_CRASHES:
        error = CrashedTooOften("The server stopped three times while it fetched this video." if was_fetched else None)
        return fail(job, Failure(code=error.code, sentence=str(error)), at)
    back = pause_fetch(job) if was_fetched else give_back(job)
    return back.model_copy(update={"crashes": job.crashes + 1})


def is_ended(job: Job) -> bool:
    """Tell whether nothing happens any more unless a user asks."""
    return job.state in ENDED_STATES
