"""The engine that lives in the server's own process: a fair queue before a bounded number of slots."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from video_to_mp4.engine.fair_queue import FairQueue
from video_to_mp4.engine.sorting import Sorter
from video_to_mp4.errors import JobNotFound, JobNotReady, StoreUnavailable
from video_to_mp4.jobs.failures import failure_of
from video_to_mp4.jobs.model import Canceled, Completed, Interrupted, JobSpec, Outcome, Progress
from video_to_mp4.jobs.ports import Sink
from video_to_mp4.tasks import attempt, spawn

log = logging.getLogger(__name__)


class Runner(Protocol):
    """Does the work of attempts."""

    async def version(self) -> str:
        """Return ffmpeg's version; raise ToolMissing when there is none."""
        ...

    async def encoders(self) -> frozenset[str]:
        """Name ffmpeg's encoders; raise ToolMissing when there is none."""
        ...

    async def is_quick(self, spec: JobSpec) -> bool:
        """Tell whether the job will take seconds rather than minutes; may look at its source, and never raises."""
        ...

    async def run(self, spec: JobSpec, attempt: int, threads: int, report: Callable[[Progress], None]) -> Completed:
        """Run one attempt with so many threads (0: as many as it likes).

        Raises VideoToMp4Error. On cancel it leaves nothing behind.
        """
        ...


@dataclass
class _Lane:
    """A queue before some slots."""

    slots: int
    queue: FairQueue = field(default_factory=FairQueue)
    busy: int = 0
    newest: str = ""
    """The job that was started last."""


@dataclass
class _Running:
    """A job in a slot. `work` exists from the moment that the attempt really runs."""

    attempt: asyncio.Task[None]
    work: asyncio.Task[Completed] | None = None
    ending: Canceled | Interrupted | None = None
    is_over: bool = False
    again: JobSpec | None = None
    """The job was submitted anew while the slot was just being freed: who hears of its end may retry at once."""


class EmbeddedEngine:
    """Runs attempts in this process; see `jobs.ports.Engine` for what each method promises.

    Jobs that only need a new container have a lane of their own, so that seconds don't wait behind hours. Threads
    follow the queue: a job alone gets all cores, many at once get few each, which wastes less (measured on 2 cores with
    8 jobs: 2 at once with 1 thread each take 0.76 of the time of one after the other with all threads each; but one job
    alone with 1 thread takes 1.5 times as long).
    """

    def __init__(self, runner: Runner, *, slots: int, quick_slots: int = 1, cores: int | None = None) -> None:
        self._runner = runner
        self._encoding = _Lane(slots)
        self._quick = _Lane(quick_slots)
        self._cores = cores or os.cpu_count() or 1
        self._sorter = Sorter(runner.is_quick, self._place)
        self._running: dict[str, _Running] = {}
        self._sink: Sink | None = None

    async def start(self, sink: Sink) -> None:
        """Begin to take work."""
        self._sink = sink
        self._sorter.start()
        self._fill_slots()

    async def stop(self) -> None:
        """End all running attempts as Interrupted and return when their processes are dead."""
        self._sink = None
        ending = [running.attempt for running in self._running.values()]
        for running in self._running.values():
            _end(running, Interrupted())
        await self._sorter.stop()
        if ending:
            await asyncio.wait(ending)

    async def submit(self, spec: JobSpec) -> None:
        """Queue a job; nothing happens if it is queued or running already."""
        running = self._running.get(spec.job_id)
        if running is not None and running.is_over:
            running.again = spec
        elif running is None and not any(spec.job_id in lane.queue for lane in self._lanes):
            self._sorter.add(spec)

    async def cancel(self, job_id: str) -> None:
        """End the job now and return when its processes are dead and the sink knows."""
        await self._sorter.remove(job_id)
        for lane in self._lanes:
            lane.queue.remove(job_id)
        running = self._running.get(job_id)
        if running is not None:
            _end(running, Canceled())
            await asyncio.wait([running.attempt])

    async def version(self) -> str:
        """Return the version of the ffmpeg that does the work; raise ToolMissing when there is none."""
        return await self._runner.version()

    async def encoders(self) -> frozenset[str]:
        """Name the encoders of the ffmpeg that does the work; raise ToolMissing when there is none."""
        return await self._runner.encoders()

    def queue_position(self, job_id: str) -> int | None:
        """Say how many starts away a queued job is (1 = next); None when it is not queued."""
        for lane in self._lanes:
            if (position := lane.queue.position(job_id)) is not None:
                return position
        unsorted = self._sorter.position(job_id)
        # Nobody knows its lane yet; most go into this one.
        return None if unsorted is None else len(self._encoding.queue) + unsorted

    @property
    def _lanes(self) -> tuple[_Lane, _Lane]:
        return self._quick, self._encoding

    def _place(self, spec: JobSpec, is_quick: bool) -> None:
        """Put a job into its lane."""
        (self._quick if is_quick else self._encoding).queue.push(spec)
        self._fill_slots()

    def _fill_slots(self) -> None:
        for lane in self._lanes:
            while self._sink is not None and lane.busy < lane.slots and len(lane.queue):
                spec = lane.queue.pop()
                lane.busy += 1
                lane.newest = spec.job_id
                attempt = spawn(self._attempt(spec, lane, self._sink), name=f"attempt-{spec.job_id}")
                self._running[spec.job_id] = _Running(attempt)

    def _threads(self, lane: _Lane, job_id: str) -> int:
        """Say how many threads an attempt that starts now may use; 0 means all that ffmpeg likes.

        The last one gets all, too: soon it is alone, and threads can't be added then.
        """
        is_waited_for = len(lane.queue) > 0 or len(self._sorter) > 0
        is_last = not is_waited_for and (lane.busy == 1 or lane.newest == job_id)
        return 0 if is_last or lane.slots == 1 else max(1, self._cores // lane.slots)

    async def _attempt(self, spec: JobSpec, lane: _Lane, sink: Sink) -> None:
        """Fill one slot with one attempt. Never canceled itself: only its work is."""
        try:
            error = await attempt(self._from_start_to_end(spec, lane, sink))
            if error is not None:
                await self._fail(spec.job_id, error, sink)
        finally:
            again = self._running.pop(spec.job_id).again
            lane.busy -= 1
            if again is not None:
                await self.submit(again)
            self._fill_slots()

    async def _from_start_to_end(self, spec: JobSpec, lane: _Lane, sink: Sink) -> None:
        number = await sink.started(spec.job_id)
        outcome = await self._outcome(spec, number, lane, sink)
        self._running[spec.job_id].is_over = True
        await sink.finished(spec.job_id, outcome)

    async def _fail(self, job_id: str, error: Exception, sink: Sink) -> None:
        """See to it that a job whose beginning or end could not be written down does not wait for ever."""
        match error:
            case JobNotFound() | JobNotReady():
                log.info("job=%s left the queue before it could start", job_id)
            case StoreUnavailable():
                log.warning("job=%s: nobody can write how it is; the next start finds out: %s", job_id, error.details)
            case _:
                self._running[job_id].is_over = True
                await sink.finished(job_id, failure_of(error, job_id))

    async def _outcome(self, spec: JobSpec, number: int, lane: _Lane, sink: Sink) -> Outcome:
        running = self._running[spec.job_id]
        if running.ending:
            return running.ending
        threads = self._threads(lane, spec.job_id)
        running.work = asyncio.create_task(
            self._runner.run(spec, number, threads, lambda progress: sink.progressed(spec.job_id, progress))
        )
        await asyncio.wait([running.work])
        if running.work.cancelled():
            return _ending(running)
        return _result(running.work, spec.job_id)


def _ending(running: _Running) -> Canceled | Interrupted:
    """Say why the work was canceled; without a reason of ours the event loop is being closed."""
    return Interrupted() if running.ending is None else running.ending


def _end(running: _Running, ending: Canceled | Interrupted) -> None:
    """Cancel the work once: a second cancel would disturb the clean-up of the first."""
    if running.ending is None:
        running.ending = ending
        if running.work is not None:
            running.work.cancel()


def _result(work: asyncio.Task[Completed], job_id: str) -> Outcome:
    """Turn the end of an attempt into an outcome. This is the job loop: whatever was raised becomes a row's error."""
    error = work.exception()
    if error is None:
        return work.result()
    return failure_of(error, job_id)
