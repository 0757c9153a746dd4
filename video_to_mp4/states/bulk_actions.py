"""What a user does with many jobs at once: the part of AppState that is about the selected rows.

Which rows are selected is known to the browser alone (assets/selection.js), so that a selection costs nothing here.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

import reflex as rx
from pydantic import Field, TypeAdapter, ValidationError
from reflex.event import EventSpec

from video_to_mp4.bootstrap import service
from video_to_mp4.errors import InvalidArgument, JobNotFound, JobNotReady, VideoToMp4Error
from video_to_mp4.jobs.model import Job, JobState
from video_to_mp4.states.job_view import JobRow, actions_of
from video_to_mp4.states.toasts import problem
from video_to_mp4.tasks import each

MOST_AT_ONCE = 500
"""Jobs of one event. A page shows far fewer; «Retry failed» does the rest with the next click."""

_JOB_IDS: TypeAdapter[list[str]] = TypeAdapter(
    Annotated[list[Annotated[str, Field(max_length=64)]], Field(min_length=1, max_length=MOST_AT_ONCE)]
)

_Act = Callable[[str, str], Awaitable[Job | None]]


@dataclass(frozen=True)
class Deed:
    """Something that is done to many jobs: its name among a row's actions, and the words for how it went."""

    action: str
    done: str
    skipped: str


CANCEL = Deed("cancel", "canceled", "had ended already")
RETRY = Deed("retry", "begun again", "needed no retry")
DELETE = Deed("delete", "deleted", "had not ended yet")


@dataclass
class Tally:
    """How a deed went, job by job. What can't be done is skipped and counted."""

    deed: Deed
    done: int = 0
    skipped: int = 0
    gone: int = 0
    problems: list[str] = field(default_factory=list)
    to_send: list[str] = field(default_factory=list)
    """Jobs that wait for their source now, which only a browser can have."""

    async def do_all(self, owner: str, job_ids: Iterable[str], act: _Act) -> None:
        """Do it to all of the owner's jobs at once; the first in the list begin first."""
        await each(*(self._do(owner, job_id, act) for job_id in job_ids))

    async def _do(self, owner: str, job_id: str, act: _Act) -> None:
        try:
            if self.deed.action not in actions_of(await service().looking.job(owner, job_id)):
                raise JobNotReady
            job = await act(owner, job_id)
        except JobNotFound:
            self.gone += 1
        except JobNotReady:
            self.skipped += 1
        except VideoToMp4Error as error:
            self.problems.append(str(error))
        else:
            self.done += 1
            if job is not None and job.state is JobState.UPLOADING:
                self.to_send.append(job_id)

    def text(self) -> str:
        """Say how it went: «2 canceled, 1 had ended already.» Of several problems the first is told."""
        gone = "was gone already" if self.gone == 1 else "were gone already"
        counts = (
            (self.done, self.deed.done),
            (self.skipped, self.deed.skipped),
            (self.gone, gone),
            (len(self.problems), f"not {self.deed.done}"),
        )
        told = ", ".join(f"{count} {words}" for count, words in counts if count) or f"0 {self.deed.done}"
        return f"{told}. {self.problems[0]}" if self.problems else f"{told}."


class BulkActions(rx.State, mixin=True):
    """The events by which a user changes many jobs. Each takes at most MOST_AT_ONCE ids, of the owner's jobs only."""

    if TYPE_CHECKING:  # of AppState, which this is a part of
        _owner: str
        jobs: dict[str, JobRow]

        async def _do(self, work: Awaitable[object]) -> object: ...

    @rx.event
    async def cancel_jobs(self, job_ids: list[str]) -> object:
        """End jobs. What waits goes first, so that nothing starts in a slot that another one leaves."""
        running = {row.id for row in self.jobs.values() if row.state == JobState.RUNNING}
        return await self._do_all(
            CANCEL, job_ids, service().jobs.cancel, order=lambda ids: sorted(ids, key=running.__contains__)
        )

    @rx.event
    async def retry_jobs(self, job_ids: list[str]) -> object:
        """Begin failed or canceled jobs again, the oldest first."""
        return await self._do_all(RETRY, job_ids, service().jobs.retry, order=sorted)

    @rx.event
    async def remove_jobs(self, job_ids: list[str]) -> object:
        """Delete jobs that have ended, with their files."""
        return await self._do_all(DELETE, job_ids, service().jobs.remove)

    @rx.event
    async def retry_failed(self) -> object:
        """Begin the failed jobs again, those on other pages of the list too."""
        failed = await service().looking.page(self._owner, states=[JobState.FAILED], limit=MOST_AT_ONCE)
        job_ids = [job.id for job in failed if RETRY.action in actions_of(job)]
        if not job_ids:
            return rx.toast.info("None of the failed jobs can be retried.", close_button=True)
        return await self._do_all(RETRY, job_ids, service().jobs.retry, order=sorted)

    async def _do_all(
        self,
        deed: Deed,
        job_ids: object,
        act: Callable[[str, str], Awaitable[Any]],
        order: Callable[[list[str]], Iterable[str]] = list,
    ) -> object:
        tally = Tally(deed)
        answer = await self._do(_checked(tally, self._owner, job_ids, act, order))
        if answer is not None:
            return answer
        told = _toast(tally)
        return [told, _send_again(tally.to_send)] if tally.to_send else told


async def _checked(
    tally: Tally, owner: str, job_ids: object, act: _Act, order: Callable[[list[str]], Iterable[str]]
) -> None:
    """Do it to each job once; raise InvalidArgument for what no page of ours sends."""
    try:
        known = _JOB_IDS.validate_python(job_ids, strict=True)
    except ValidationError as error:
        raise InvalidArgument(f"Select between 1 and {MOST_AT_ONCE} jobs.") from error
    await tally.do_all(owner, order(list(dict.fromkeys(known))), act)


def _toast(tally: Tally) -> Any:
    if tally.problems:
        return problem(tally.text())
    kind = rx.toast.success if tally.done else rx.toast.info
    return kind(tally.text(), close_button=True)


def _send_again(job_ids: list[str]) -> EventSpec:
    return rx.call_script(f"{json.dumps(job_ids)}.forEach((id) => videoToMp4.uploads.again(id))")
