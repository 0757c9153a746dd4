"""The life of a job: every legal step, and every other one refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from factories import NOON, make_job
from video_to_mp4.errors import IllegalTransition
from video_to_mp4.jobs import lifecycle
from video_to_mp4.jobs.lifecycle import TRANSITIONS, Step
from video_to_mp4.jobs.model import Completed, Failure, Job, JobState, Published

FAILURE = Failure(code="DAMAGED", sentence="It is damaged.")
URL = "https://example.org/video"
COMPLETED = Completed(result_bytes=7, fates=(), warnings=("One track was left out.",))

STEPS: dict[Step, Callable[[Job], Job]] = {
    Step.UPLOADED: lifecycle.uploaded,
    Step.FETCHED: lambda job: lifecycle.fetched(job, source_bytes=5),
    Step.START: lambda job: lifecycle.start(job, NOON),
    Step.COMPLETE: lambda job: lifecycle.complete(job, COMPLETED, NOON),
    Step.FAIL: lambda job: lifecycle.fail(job, FAILURE, NOON),
    Step.CANCEL: lambda job: lifecycle.cancel(job, NOON),
    Step.CANCELED: lambda job: lifecycle.canceled(job, NOON),
    Step.GIVE_BACK: lifecycle.give_back,
    Step.RETRY: lambda job: lifecycle.retry(job.model_copy(update={"source_stored": True})),
    Step.SEND_AGAIN: lambda job: lifecycle.retry(job.model_copy(update={"source_stored": False})),
    Step.FETCH_AGAIN: lambda job: lifecycle.retry(job.model_copy(update={"source_stored": False, "source_url": URL})),
    Step.EXPIRE: lifecycle.expire,
    Step.ROLL_BACK: lifecycle.roll_back,
}

LEGAL = [
    ("uploading", "uploaded", "queued"),
    ("uploading", "cancel", "canceled"),
    ("uploading", "fail", "failed"),
    ("fetching", "fetched", "queued"),
    ("fetching", "cancel", "canceling"),
    ("fetching", "fail", "failed"),
    ("queued", "start", "running"),
    ("queued", "cancel", "canceled"),
    ("queued", "fail", "failed"),
    ("running", "complete", "completed"),
    ("running", "fail", "failed"),
    ("running", "cancel", "canceling"),
    ("running", "give back", "queued"),
    ("canceling", "cancel", "canceling"),
    ("canceling", "canceled", "canceled"),
    ("canceled", "cancel", "canceled"),
    ("canceled", "retry", "queued"),
    ("canceled", "send again", "uploading"),
    ("failed", "retry", "queued"),
    ("failed", "send again", "uploading"),
    ("rolled_back", "send again", "uploading"),
    ("canceled", "fetch again", "fetching"),
    ("failed", "fetch again", "fetching"),
    ("rolled_back", "fetch again", "fetching"),
    ("completed", "expire", "expired"),
    ("completed", "roll back", "rolled_back"),
]
"""The drawing in DESIGN, written down a second time on purpose: the table in the code must not drift by accident."""


def test_the_table_of_transitions_is_the_life_that_was_drawn() -> None:
    """The code's table and the drawing say the same."""
    assert {(state.value, step.value, target.value) for (state, step), target in TRANSITIONS.items()} == set(LEGAL)


@pytest.mark.parametrize(("before", "step", "after"), LEGAL)
def test_a_legal_step_leads_where_the_table_says(before: str, step: str, after: str) -> None:
    """Each function of the lifecycle follows the table."""
    assert STEPS[Step(step)](make_job(state=before)).state == after


@pytest.mark.parametrize(
    ("state", "step"),
    [(state, step) for state in JobState for step in Step if (state, step) not in TRANSITIONS],
)
def test_an_illegal_step_is_refused(state: JobState, step: Step) -> None:
    """A step that is not in the table raises and changes nothing."""
    job = make_job(state=state)
    with pytest.raises(IllegalTransition):
        STEPS[step](job)
    assert not lifecycle.can(job, step)


def test_every_state_but_expired_can_be_left() -> None:
    """No job is stuck."""
    assert {state for state, _ in TRANSITIONS} == set(JobState) - {JobState.EXPIRED}


def test_starting_counts_the_attempt_and_forgets_the_last_end() -> None:
    """Attempts are numbered 1, 2, 3… so that each writes into a folder of its own."""
    job = lifecycle.start(make_job(attempt=2, finished_at=NOON), NOON)
    assert (job.attempt, job.started_at, job.finished_at) == (3, NOON, None)


def test_completing_keeps_what_the_attempt_found_out() -> None:
    """Size, fates and warnings of the result are on the row."""
    job = lifecycle.complete(make_job(state="running", crashes=2), COMPLETED, NOON)
    assert (job.result_bytes, job.warnings, job.crashes, job.finished_at) == (7, COMPLETED.warnings, 0, NOON)


def test_a_retry_forgets_the_failure_but_not_the_attempts() -> None:
    """A retried job looks new, and its next attempt still gets a folder that no earlier one wrote into."""
    job = lifecycle.retry(make_job(state="failed", failure=FAILURE, attempt=1, crashes=2, finished_at=NOON))
    assert (job.failure, job.attempt, job.crashes, job.finished_at) == (None, 1, 0, None)


def test_a_job_with_an_address_uses_what_is_stored_before_it_fetches_again() -> None:
    """A retry asks another site for nothing that is on the disk already."""
    stored = make_job(state="failed", source_url=URL, source_stored=True)
    assert lifecycle.retry(stored).state is JobState.QUEUED


def test_rolling_back_keeps_what_the_summary_tells() -> None:
    """A rolled back job still says how large its result was, and a retry forgets it."""
    job = lifecycle.roll_back(make_job(state="completed", result_bytes=7, started_at=NOON, finished_at=NOON))
    assert (job.result_bytes, job.started_at, job.finished_at) == (7, NOON, NOON)
    assert lifecycle.retry(job.model_copy(update={"source_stored": False})).result_bytes is None


def test_a_queued_job_is_canceled_at_once_and_a_running_one_when_its_process_is_dead() -> None:
    """Canceled means that nothing works on the job any more."""
    assert lifecycle.cancel(make_job(state="queued"), NOON).finished_at == NOON
    assert lifecycle.cancel(make_job(state="running"), NOON).finished_at is None


@pytest.mark.parametrize(
    "state", ["uploading", "fetching", "queued", "completed", "failed", "canceled", "expired", "rolled_back"]
)
def test_recovery_leaves_alone_what_nothing_worked_on(state: str) -> None:
    """After the server's death only running and canceling rows are wrong."""
    job = make_job(state=state)
    assert lifecycle.recover(job, NOON) == job


def test_recovery_finishes_a_cancel() -> None:
    """The death of the server killed the process too, so the cancel is done."""
    assert lifecycle.recover(make_job(state="canceling"), NOON).state is JobState.CANCELED


def test_recovery_queues_a_running_job_again_until_the_third_crash() -> None:
    """A video that takes the server down with it must not do so for ever."""
    job = make_job(state="running")
    for crashes in (1, 2):
        job = lifecycle.recover(job, NOON)
        assert (job.state, job.crashes) == (JobState.QUEUED, crashes)
        job = lifecycle.start(job, NOON)
    job = lifecycle.recover(job, NOON)
    assert job.state is JobState.FAILED
    assert job.failure is not None
    assert job.failure.code == "CRASHED_TOO_OFTEN"


def test_recovery_takes_no_old_result_for_what_is_being_fetched() -> None:
    """A result that could not be deleted once must not keep the server from starting."""
    job = make_job(state="fetching", attempt=1, started_at=NOON)
    published = Published(attempt=1, completed=COMPLETED)
    assert lifecycle.recover(job, NOON, published).state is JobState.FETCHING


def test_a_graceful_stop_is_no_crash() -> None:
    """An administrator may restart the server as often as they like."""
    assert lifecycle.give_back(make_job(state="running", crashes=1)).crashes == 1
