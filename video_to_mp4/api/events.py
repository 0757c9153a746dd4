"""Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html): what happens, as it happens.

Every state change is one event with an id. A listener that comes back with its last id (browsers do so by themselves)
gets what it missed, as long as the server keeps it; after that, or after a restart of the server, a snapshot: the
unfinished jobs and those that ended in the meantime. Progress has no id: what it was a moment ago interests nobody.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Header, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from video_to_mp4.api import views
from video_to_mp4.api.documentation import errors
from video_to_mp4.api.schemas import EventName, Removed, Snapshot
from video_to_mp4.api.session import Owner, is_still
from video_to_mp4.bootstrap import service
from video_to_mp4.errors import JobNotFound
from video_to_mp4.jobs.model import Progress
from video_to_mp4.service.changes import Change, Feed
from video_to_mp4.service.service import Service
from video_to_mp4.tasks import attempt

log = logging.getLogger(__name__)

router = APIRouter(tags=["Events"])

_PROGRESS_EACH_S = 0.25
_HEARTBEAT_EACH_S = 15.0
_COME_BACK_AFTER_MS = 1000
_LEEWAY = timedelta(seconds=2)
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}

_EXAMPLE = (
    "id: 1771588800000-1771588000000-41\nevent: state\n"
    'data: {"job_id": "6f2f4f6a-8d28-4bc0-84a2-fb4d3ff5a1e3", "state": "running", "progress_percent": 0, …}\n\n'
    "event: progress\n"
    'data: {"job_id": "6f2f4f6a-8d28-4bc0-84a2-fb4d3ff5a1e3", "progress_percent": 47, "stage": "converting", '
    '"speed": 2.5, "eta_s": 12.0}\n\n:\n\n'
)
_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Events: `snapshot` (jobs: as of /status), `state` (as of /status), `progress`, `removed`.",
        "content": {"text/event-stream": {"schema": {"type": "string"}, "example": _EXAMPLE}},
    }
}

LastEventId = Annotated[str, Header(alias="Last-Event-ID", max_length=100, description="Where to go on.")]


@router.get("/events", response_class=StreamingResponse, responses=errors(also=_STREAM))
async def events(owner: Owner, request: Request, last_event_id: LastEventId = "") -> StreamingResponse:
    """Follow all your jobs."""
    return _answer(_Stream(service(), owner, _Mark.read(last_event_id)), request)


@router.get("/jobs/{job_id}/events", response_class=StreamingResponse, responses=errors(JobNotFound, also=_STREAM))
async def job_events(owner: Owner, request: Request, job_id: str, last_event_id: LastEventId = "") -> StreamingResponse:
    """Follow one job; the stream ends when the job is removed."""
    await service().looking.job(owner, job_id)
    return _answer(_Stream(service(), owner, _Mark.read(last_event_id), job_id), request)


def _answer(stream: _Stream, request: Request) -> StreamingResponse:
    return StreamingResponse(stream.run(request), media_type="text/event-stream", headers=_HEADERS)


@dataclass(frozen=True)
class _Mark:
    """An event's id: when it was, which start of the server it belongs to, and its number there."""

    at_ms: int
    began_ms: int
    number: int

    @classmethod
    def read(cls, text: str) -> _Mark | None:
        """Read an id; None for one that we did not make."""
        found = re.fullmatch(r"(\d{1,13})-(\d{1,13})-(\d{1,13})", text)
        return cls(*map(int, found.groups())) if found else None

    def __str__(self) -> str:
        return f"{self.at_ms}-{self.began_ms}-{self.number}"

    @property
    def at(self) -> datetime:
        """When the event was."""
        return datetime.fromtimestamp(self.at_ms / 1000, UTC)


class _Stream:
    """What one listener gets."""

    def __init__(self, service: Service, owner: str, last: _Mark | None, job_id: str | None = None) -> None:
        self._service = service
        self._changes = service.changes
        self._owner = owner
        self._last = last
        self._job_id = job_id
        self._versions: dict[str, int] = {}
        self._told: dict[str, Progress] = {}
        self._progress_at_s = 0.0
        self._sent_at_s = self._asked_at_s = _now_s()
        self._has_ended = False

    async def run(self, request: Request) -> AsyncIterator[str]:
        """Yield events until the listener goes away, or is not welcome any more: its token was revoked, say.

        Whatever goes wrong is logged and ends the stream, so that the listener comes back.
        """
        events = self._events(request)
        while isinstance(event := await attempt(anext(events)), str):
            yield event
        if not isinstance(event, StopAsyncIteration):
            log.error("a stream of events broke off", exc_info=event)

    async def _events(self, request: Request) -> AsyncIterator[str]:
        last = self._last
        can_go_on = (
            last is not None and last.began_ms == self._changes.began_ms and self._changes.are_kept_after(last.number)
        )
        with self._changes.feed(self._owner, after=last.number if last and can_go_on else None) as feed:
            yield f"retry: {_COME_BACK_AFTER_MS}\n\n"
            if not can_go_on:
                yield await self._begin()
            while not self._has_ended and await self._is_welcome(request):
                await feed.wait(self._idle_s(feed))
                for text in self._due(feed):
                    self._sent_at_s = _now_s()
                    yield text

    async def _is_welcome(self, request: Request) -> bool:
        if _now_s() < self._asked_at_s + _HEARTBEAT_EACH_S:
            return True
        self._asked_at_s = _now_s()
        return await is_still(self._owner, request)

    async def _begin(self) -> str:
        """Say how things are now; changes that the answer contains already will not be told again."""
        mark = self._mark(self._changes.number, datetime.now(UTC))
        if self._job_id is not None:
            return await self._begin_one(self._job_id, mark)
        since = self._last.at - _LEEWAY if self._last else None
        jobs = await self._service.looking.snapshot(self._owner, since=since)
        self._versions = {job.id: job.version for job in jobs}
        return _event("snapshot", Snapshot(jobs=[views.status(self._service, job) for job in jobs]), mark)

    async def _begin_one(self, job_id: str, mark: _Mark) -> str:
        try:
            job = await self._service.looking.job(self._owner, job_id)
        except JobNotFound:
            self._has_ended = True
            return _event("removed", Removed(job_id=job_id), mark)
        self._versions = {job.id: job.version}
        return _event("state", views.status(self._service, job), mark)

    def _due(self, feed: Feed) -> list[str]:
        texts = [self._change(change) for change in feed.take() if self._is_news(change)]
        if feed.has_progress and _now_s() >= self._progress_at_s + _PROGRESS_EACH_S:
            feed.take_progress()
            texts += self._progress()
        self._has_ended = self._has_ended or feed.is_overrun
        if not texts and _now_s() >= self._sent_at_s + _HEARTBEAT_EACH_S:
            texts.append(":\n\n")
        return texts

    def _is_news(self, change: Change) -> bool:
        if self._job_id not in (None, change.job_id):
            return False
        return change.job is None or change.job.version > self._versions.get(change.job_id, -1)

    def _change(self, change: Change) -> str:
        self._told.pop(change.job_id, None)
        mark = self._mark(change.number, change.at)
        if change.job is None:
            self._has_ended = self._job_id is not None
            return _event("removed", Removed(job_id=change.job_id), mark)
        return _event("state", views.status(self._service, change.job), mark)

    def _progress(self) -> list[str]:
        """Tell of each job that has got on since this listener was last told."""
        now = self._service.looking.live(self._owner)
        moved = {
            job_id: progress
            for job_id, progress in now.items()
            if self._job_id in (None, job_id) and self._told.get(job_id) != progress
        }
        self._told = now
        if moved:
            self._progress_at_s = _now_s()
        return [_event("progress", views.progressed(job_id, progress)) for job_id, progress in moved.items()]

    def _idle_s(self, feed: Feed) -> float:
        """Say how long to wait for something to happen."""
        next_s = self._sent_at_s + _HEARTBEAT_EACH_S
        if feed.has_progress:
            next_s = min(next_s, self._progress_at_s + _PROGRESS_EACH_S)
        return max(0.0, next_s - _now_s())

    def _mark(self, number: int, at: datetime) -> _Mark:
        return _Mark(int(at.timestamp() * 1000), self._changes.began_ms, number)


def _event(name: EventName, data: BaseModel, mark: _Mark | None = None) -> str:
    head = f"id: {mark}\n" if mark else ""
    return f"{head}event: {name}\ndata: {data.model_dump_json()}\n\n"


def _now_s() -> float:
    return asyncio.get_running_loop().time()
