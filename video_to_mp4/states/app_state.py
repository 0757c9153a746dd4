"""The state of one tab: a view of its owner's jobs, and the events by which a user changes them.

Rows are the truth and live in the service; a tab only shows a page of them. Progress is beside the rows in a small dict
of its own, so that a tick costs as much with a thousand jobs as with two.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable
from typing import Any, Literal

import reflex as rx
from pydantic import ValidationError
from reflex.event import EventSpec

from video_to_mp4.bootstrap import service
from video_to_mp4.errors import InvalidArgument, StorageUnavailable, StoreUnavailable, Unauthenticated, VideoToMp4Error
from video_to_mp4.jobs.model import Frozen, JobState, Options
from video_to_mp4.service.changes import Changed, Subscription
from video_to_mp4.service.files import NewFile
from video_to_mp4.service.limits import Limits
from video_to_mp4.service.owners import session_in_cookie
from video_to_mp4.service.words import limit_text
from video_to_mp4.states import tabs
from video_to_mp4.states.announcements import announce_list
from video_to_mp4.states.batch_actions import BatchActions
from video_to_mp4.states.batch_view import arrange, hidden
from video_to_mp4.states.bulk_actions import BulkActions
from video_to_mp4.states.job_view import (
    FILTERS,
    Capacity,
    JobRow,
    Live,
    capacity_of,
    count_by_filter,
    row_of,
    saved_text,
)
from video_to_mp4.states.toasts import problem, refusal
from video_to_mp4.states.watch import Watch, live_now
from video_to_mp4.tasks import attempt

log = logging.getLogger(__name__)

ROWS_PER_PAGE = 25
"""What a slow phone draws in one go without being stuck."""
_TICK_S = 1 / 3
"""At most three changes a second reach a tab."""
_KEEP_S = 20.0
"""So often a quiet tab's state is touched, so that it does not expire while the tab is open."""

_NOBODY = "nobody"
"""The owner that a tab has on a server that wants a token and got none: it has no jobs, and gets none."""

_Answer = EventSpec | list[EventSpec] | None


class _ChosenFile(Frozen):
    """What the browser says of one file, and which of its settings are not those of all files."""

    name: str
    size_bytes: int
    modified_ms: int = 0
    own: dict[Literal["resolution", "quality"], str] = {}

    def to_be_sent(self, form: dict[str, Any]) -> NewFile:
        """Return the file with its own options, if any; `form` has the settings of all files."""
        options = options_of(form | self.own) if self.own else None
        return NewFile(name=self.name, size_bytes=self.size_bytes, modified_ms=self.modified_ms, options=options)


class _Selection(Frozen):
    """What the browser says of the files that a user confirmed; the files themselves stay there."""

    batch: str
    name: str = ""
    files: list[_ChosenFile]
    sending: frozenset[str] = frozenset()
    """Jobs whose files the browser sends, or will."""


class AppState(BatchActions, BulkActions, rx.State):
    """The jobs on view, by id, newest first; this class is the only writer."""

    jobs: dict[str, JobRow] = {}
    live: dict[str, Live] = {}
    counts: dict[str, int] = count_by_filter({})
    saved: str = ""
    capacity: Capacity = Capacity()
    title: str = ""
    announcement: str = ""
    shown: str = "all"
    page: int = 1
    pages: int = 1
    is_ready: bool = False
    has_session: bool = True
    can_fetch: bool = True
    upload_limit_bytes: int = Limits().upload_bytes
    upload_limit: str = limit_text(Limits().upload_bytes)
    resolution: str = rx.LocalStorage(Options().resolution.value, name="resolution")
    quality: str = rx.LocalStorage(Options().quality.value, name="quality")
    _owner: str = ""

    # --- following ---------------------------------------------------------------------------------------------

    @rx.event
    async def on_load(self) -> _Answer:
        """Show the owner's jobs and follow them; comes with every load and every reconnection."""
        session = session_in_cookie(self.router.headers.cookie)
        self.has_session = session is not None
        if session is None:
            return rx.call_script("videoToMp4.askForSession()")
        try:
            self._owner = await service().access.owner_of_session(session)
        except Unauthenticated:
            self._owner = _NOBODY
            return rx.call_script("location.assign('join')")
        self.upload_limit_bytes = service().limits.upload_bytes
        self._show(can_fetch=service().limits.imports)
        self.upload_limit = limit_text(self.upload_limit_bytes)
        await self._reread()
        return AppState.follow

    @rx.event(background=True)
    async def follow(self) -> None:
        """Copy changes into this tab's state for as long as it is open; only one such task runs per tab."""
        async with self:
            token, owner = self.router.session.client_token, self._owner
        with tabs.follow_once(token, owner) as is_first:
            if is_first:
                await self._follow(token, owner)

    async def _follow(self, token: str, owner: str) -> None:
        watch = Watch(service(), owner)
        with service().looking.follow(owner) as changes:
            changed: Changed | None = {}
            while tabs.is_open(token) and await self._copy_if_readable(owner, watch, changes, changed):
                await asyncio.sleep(_TICK_S)
                await changes.wait(watch.patience_s(_KEEP_S))
                changed = changes.take() or None

    async def _copy_if_readable(self, owner: str, watch: Watch, changes: Subscription, changed: Changed | None) -> bool:
        """Copy; while database or disk do not answer leave the view as it is, and read again with the next tick."""
        found = await attempt(self._copy(owner, watch, changed))
        if isinstance(found, bool):
            return found
        changes.put_back(changed or {})
        if isinstance(found, StoreUnavailable | StorageUnavailable):
            log.debug("a tab can't be brought up to date just now: %s", found)
        else:
            log.error("a tab can't be brought up to date", exc_info=found)
            await asyncio.sleep(_KEEP_S)  # with the next tick it would be the same
        return True

    async def _copy(self, owner: str, watch: Watch, changed: Changed | None) -> bool:
        """Bring the view up to date; tell whether the tab still shows this owner's jobs.

        With `changed` None no row changed, and none is read.
        """
        async with self:
            if self._owner not in ("", owner):
                return False  # the browser has another session now, which another task follows
            self._owner = owner
            said = ""
            if changed is not None:
                said = await watch.reread(changed)
                await self._reread()
            elif watch.is_time_for_estimates():
                self._show(jobs=watch.estimated(self.jobs))
                if any(batch.is_active for batch in self.batches.values()):
                    await self._reread_batches()
            live, title, also_said = watch.progress(self.jobs.keys())
            also_said = f"{also_said} {watch.hear(self.batches)}"
            self._show(live=live, title=title)
            if announcement := f"{said} {also_said}".strip():
                self._show(announcement=announcement)
        return True

    async def _reread(self) -> None:
        """Read the page on view, the counts and the capacity; for changed rows only, never for progress."""
        counts = await service().looking.counts(self._owner)
        by_filter = count_by_filter(counts.by_state)
        self._show(counts=by_filter, saved=saved_text(counts.saved_bytes))
        await self._reread_rows()
        room = await service().operations.room()
        capacity = capacity_of(
            limit_bytes=room.limit_bytes, used_bytes=room.used_bytes, reserved_bytes=room.reserved_bytes
        )
        self._show(capacity=capacity, is_ready=True)

    async def _reread_rows(self) -> None:
        """Read the page on view; a folded batch takes one place on it."""
        folded = await service().batches.some(self._owner, self._folded)
        pages = max(1, -(-(self.counts[self.shown] - hidden(folded, FILTERS[self.shown])) // ROWS_PER_PAGE))
        page = min(self.page, pages)
        jobs = await service().batches.rows(
            self._owner,
            self._folded,
            states=None if self.shown == "all" else FILTERS[self.shown],
            limit=ROWS_PER_PAGE,
            offset=(page - 1) * ROWS_PER_PAGE,
        )
        of_jobs = dict.fromkeys(job.batch_id for job in jobs if job.batch_id is not None)
        found = self._batch_rows(await service().batches.some(self._owner, list(of_jobs)))
        batches = {batch_id: found[batch_id] for batch_id in of_jobs if batch_id in found}
        entries = arrange(jobs, batches, self._folded)
        rows = {
            job.id: row_of(
                job,
                queue_position=service().looking.queue_position(job.id),
                live=live_now(service(), job),
                is_grouped=job.batch_id in batches,
            )
            for job in jobs
            if job.id in entries
        }
        self._show(jobs=rows, batches=batches, entries=entries, pages=pages, page=page)
        await self._reread_summary()

    def _show(self, **values: Any) -> None:
        """Assign what differs: any assignment, also of an equal value, would cross the network."""
        for name, value in values.items():
            if getattr(self, name) != value:
                setattr(self, name, value)

    # --- what a user does --------------------------------------------------------------------------------------

    @rx.event
    async def confirm_upload(self, selection: dict[str, Any], form: dict[str, Any]) -> _Answer:
        """Make a job for each file of the confirmed selection and tell the browser to send them.

        The files themselves do not come here: the browser holds them under the batch's name and sends each to its job.
        """
        try:
            chosen = _selection(selection)
            options = options_of(form)
            files = [file.to_be_sent(form) for file in chosen.files]
            begun = await service().receiving.begin_uploads(
                self._signed_in(), files, options, batch_name=chosen.name, sent_now=chosen.sending
            )
        except VideoToMp4Error as error:
            batch = json.dumps(str(selection.get("batch")))
            return [problem(error), rx.call_script(f"videoToMp4.uploads.giveBack({batch})")]
        self._show(resolution=options.resolution.value, quality=options.quality.value, shown="all", page=1)
        await self._reread()
        ids = json.dumps([job.id if job else None for job in begun.jobs])
        start = rx.call_script(
            f"videoToMp4.uploads.start({json.dumps(chosen.batch)}, {ids}, {json.dumps(begun.batch_id)})"
        )
        return [start, refusal(begun.refusals)] if begun.refusals else start

    @rx.event
    async def cancel_job(self, job_id: str) -> _Answer:
        """End a job; when this returns its process is dead."""
        row = self.jobs.get(job_id)
        answer = await self._do(service().jobs.cancel(self._owner, job_id))
        if answer is None and row is not None and row.state == JobState.FETCHING.value:
            return rx.toast.success(f"Fetching {row.name} was canceled.", close_button=True)
        return answer

    @rx.event
    async def retry_job(self, job_id: str) -> _Answer:
        """Begin a failed or canceled job again; one whose source never arrived is sent again, if this tab has it."""
        answer = await self._do(service().jobs.retry(self._owner, job_id))
        row = self.jobs.get(job_id)
        if answer is None and row is not None and row.state == JobState.UPLOADING.value:
            return rx.call_script(f"videoToMp4.uploads.again({json.dumps(job_id)})")
        return answer

    @rx.event
    async def remove_job(self, job_id: str) -> _Answer:
        """Delete a job and its files."""
        return await self._do(service().jobs.remove(self._owner, job_id))

    @rx.event
    async def clear_finished(self) -> _Answer:
        """Delete all ended jobs and their files."""
        return await self._do(service().jobs.clear_finished(self._owner))

    @rx.event
    async def show_filter(self, name: str) -> None:
        """Show only the jobs that one counter counts."""
        if name in FILTERS:
            self._show(shown=name, page=1)
            await self._reread()
            self._tell_place()

    @rx.event
    async def show_page(self, page: int) -> None:
        """Show another page of the jobs; one that does not exist becomes the nearest."""
        self._show(page=max(1, page))
        await self._reread()
        self._tell_place()

    def _tell_place(self) -> None:
        self._show(announcement=announce_list(self.counts[self.shown], self.page, self.pages))

    async def _show_new(self, options: Options | None) -> None:
        """Show all jobs from the newest on, and remember with which settings they were confirmed, if they were."""
        if options is not None:
            self._show(resolution=options.resolution.value, quality=options.quality.value)
        self._show(shown="all", page=1)
        await self._reread()

    async def _do(self, work: Awaitable[object]) -> _Answer:
        """Do one thing for the user and show what became of it at once, or say why it could not be done."""
        try:
            try:
                await work
            finally:
                await self._reread()
        except VideoToMp4Error as error:
            return problem(error)
        return None

    def _signed_in(self) -> str:
        """Return the owner whose tab this is; raise InvalidArgument in one without a session."""
        if self._owner in ("", _NOBODY):
            raise InvalidArgument("This page needs its session cookie. Allow cookies for this site, then reload.")
        return self._owner


view: Any = AppState
"""The state as components see it: each of its attributes is a Var there, which no type checker can know."""


def _selection(selection: dict[str, Any]) -> _Selection:
    """Check what a browser sent; anyone can send anything."""
    try:
        return _Selection.model_validate(selection)
    except ValidationError as error:
        raise InvalidArgument("The list of files is not valid. Reload the page and choose them again.") from error


def options_of(form: dict[str, Any]) -> Options:
    """Read a form's settings; raise InvalidArgument for what no form of ours sends."""
    try:
        return Options.model_validate({name: form[name] for name in ("resolution", "quality")})
    except (ValidationError, KeyError) as error:
        raise InvalidArgument("The resolution or the quality is not valid.") from error
