"""What happens to a job before it waits for a slot: its source is read, which tells into which lane it belongs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from video_to_mp4.engine.fair_queue import FairQueue
from video_to_mp4.jobs.model import JobSpec
from video_to_mp4.tasks import attempt, spawn

log = logging.getLogger(__name__)

_READ_AT_ONCE = 2
"""A drop of 500 files must not start 500 processes at once."""


@dataclass
class _Reading:
    """A job whose source is being read or, once `is_quick` is known, that waits for an earlier one of its owner."""

    spec: JobSpec
    task: asyncio.Task[None] | None = None
    is_quick: bool | None = None


class Sorter:
    """Sorts jobs: owners take turns, and an owner's jobs leave in the order in which they came.

    `place` is told of each job whose turn it is, and whether it is quick.
    """

    def __init__(self, is_quick: Callable[[JobSpec], Awaitable[bool]], place: Callable[[JobSpec, bool], None]) -> None:
        self._is_quick = is_quick
        self._place = place
        self._queue = FairQueue()
        self._reading: dict[str, _Reading] = {}
        self._is_open = False

    def __len__(self) -> int:
        return len(self._queue) + len(self._reading)

    def start(self) -> None:
        """Begin to read."""
        self._is_open = True
        self._fill()

    async def stop(self) -> None:
        """Stop reading, and return when no process reads any more."""
        self._is_open = False
        tasks = [reading.task for reading in self._reading.values() if reading.task is not None]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def add(self, spec: JobSpec) -> None:
        """Take a job; nothing happens if it is here already."""
        if spec.job_id not in self._reading:
            self._queue.push(spec)
            self._fill()

    async def remove(self, job_id: str) -> None:
        """Forget a job; returns when no process reads its source any more."""
        self._queue.remove(job_id)
        # Taken out here: a task that is canceled before its first step never comes to its own clean-up.
        reading = self._reading.pop(job_id, None)
        if reading is None or reading.task is None:
            return
        reading.task.cancel()
        await asyncio.wait([reading.task])
        self._release(reading.spec.owner)
        self._fill()

    def position(self, job_id: str) -> int | None:
        """Say as which a job will be placed (1 = next); None when it is not here."""
        place = self._queue.position(job_id)
        if place is not None:
            return len(self._reading) + place
        return list(self._reading).index(job_id) + 1 if job_id in self._reading else None

    def _fill(self) -> None:
        unread = sum(reading.is_quick is None for reading in self._reading.values())
        while self._is_open and unread < _READ_AT_ONCE and len(self._queue):
            reading = _Reading(self._queue.pop())
            self._reading[reading.spec.job_id] = reading
            reading.task = spawn(self._read(reading), name=f"sort-{reading.spec.job_id}")
            unread += 1

    async def _read(self, reading: _Reading) -> None:
        try:
            reading.is_quick = await self._looked_at(reading.spec)
        finally:
            if reading.is_quick is None and self._reading.get(reading.spec.job_id) is reading:
                del self._reading[reading.spec.job_id]  # the server stops
            self._release(reading.spec.owner)
            self._fill()

    async def _looked_at(self, spec: JobSpec) -> bool:
        """Say whether a job is quick. One that can't be sorted is: it comes to a slot, which ends it with its error."""
        found = await attempt(self._is_quick(spec))
        if isinstance(found, Exception):
            log.error("job=%s can't be sorted; it runs without", spec.job_id, exc_info=found)
            return True
        return found

    def _release(self, owner: str) -> None:
        """Place what was read and has no earlier one of its owner before it that is still being read."""
        for reading in [reading for reading in self._reading.values() if reading.spec.owner == owner]:
            if reading.is_quick is None:
                return
            del self._reading[reading.spec.job_id]
            self._place(reading.spec, reading.is_quick)
