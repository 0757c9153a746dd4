"""One attempt, from the source to the verified result in its place. The same on every engine."""

from __future__ import annotations

import asyncio
import logging
import re
import shlex
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from video_to_mp4 import process
from video_to_mp4.engine.run_log import AttemptLog
from video_to_mp4.errors import (
    ConversionStalled,
    InsufficientStorage,
    LimitExceeded,
    ProcessStalled,
    ToolMissing,
    VideoToMp4Error,
)
from video_to_mp4.jobs.encoding import VideoCodec
from video_to_mp4.jobs.model import Completed, JobSpec, Progress, Published, Stage
from video_to_mp4.media.capabilities import find_encoders
from video_to_mp4.media.copied_picture import DecodedPicture, decode_source, is_worth_decoding
from video_to_mp4.media.finishing import complete
from video_to_mp4.media.guard import size_bytes
from video_to_mp4.media.plan import Plan, make_plan
from video_to_mp4.media.preparation import prepare
from video_to_mp4.media.prepared import Prepared
from video_to_mp4.media.progress import ProgressParser
from video_to_mp4.media.source import Source, moves_as_webp, open_source
from video_to_mp4.media.verify import Verified, judge
from video_to_mp4.process import Exit
from video_to_mp4.storage.folder import DataFolder, disk_errors
from video_to_mp4.storage.writing import Writing
from video_to_mp4.tasks import finish

log = logging.getLogger(__name__)

_ANSWERS_WITHIN_S = 5.0
_PLANS_KEPT = 1000
_LOOKS_EVERY_S = 0.1
_SETTLED_AT_ONCE_BYTES = 192 * 1024**2

T = TypeVar("T")

Report = Callable[[Progress], None]


@dataclass(frozen=True)
class JobRunner:
    """Runs attempts in a data folder with the given tools; see `engine.embedded.Runner` for what it promises."""

    folder: DataFolder
    ffmpeg: str = "ffmpeg"
    ffprobe: str = "ffprobe"
    stall_s: float = 300
    capacity_bytes: int | None = None
    """Most that one result may take; None when the disk alone sets the limit."""
    _plans: dict[str, Plan] = field(default_factory=dict)
    """What `is_quick` found out, kept for the run that follows."""
    _encoders: set[str] = field(default_factory=set)
    """What can be used of what ffmpeg has, once it was asked; it does not change while the server runs."""
    _asking: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while ffmpeg is asked, so that the first requests, which may come together, start one process."""

    async def version(self) -> str:
        """Return ffmpeg's version; raise ToolMissing when there is none, or one that does not answer."""
        try:
            ended = await process.run([self.ffmpeg, "-version"], silence_limit_s=_ANSWERS_WITHIN_S)
        except ProcessStalled as error:
            raise ToolMissing("ffmpeg does not answer.") from error
        found = re.match(r"ffmpeg version (\S+)", ended.stdout)
        if found is None:
            raise ToolMissing(f"«{self.ffmpeg}» is no ffmpeg.")
        return found[1]

    async def encoders(self) -> frozenset[str]:
        """Name the encoders that can be used; raise ToolMissing when there is none."""
        async with self._asking:
            if not self._encoders:
                self._encoders.update(await find_encoders(self.ffmpeg, self.ffprobe))
        return frozenset(self._encoders)

    async def is_quick(self, spec: JobSpec) -> bool:
        """Tell whether the job only needs a new container. A source that can't be converted fails quickly, too.

        Every source is looked at here, before it waits: then no slot is idle while one is read, and what can't be
        converted is told at once.
        """
        self._plans.pop(spec.job_id, None)  # of a source that was sent before, under the same id
        if spec.options.encoding.video_codec is VideoCodec.COPY:
            return True
        source = self.folder.paths.source(spec.job_id)
        try:
            if await asyncio.to_thread(moves_as_webp, source):
                return False  # it is never copied, and what may have to be written to read it lies in the attempt
            plan = await self._plan(Source(source), spec)
        except VideoToMp4Error:
            return True  # `run` says what is wrong
        if len(self._plans) >= _PLANS_KEPT:
            self._plans.pop(next(iter(self._plans)))  # the oldest; a job that was canceled never comes for its plan
        self._plans[spec.job_id] = plan
        return plan.is_remux

    async def run(self, spec: JobSpec, attempt: int, threads: int, report: Report) -> Completed:
        """Probe, plan, convert, verify and publish.

        Raises ConversionError, InsufficientStorage or ToolMissing. On cancel, as on every error, its processes are
        dead and its files are gone when it returns.
        """
        report(Progress(percent=0, stage=Stage.READING))
        attempt_log = AttemptLog(self.folder, spec.job_id, attempt)
        await attempt_log.begin()
        partial = self.folder.begin_attempt(spec.job_id, attempt)
        try:
            source = await self._open(spec.job_id, attempt)
            plan = self._plans.pop(spec.job_id, None) or await self._plan(source, spec)
            conversion = _Conversion(self, source, spec.job_id, attempt, report, attempt_log)
            verified = await conversion.run(replace(plan, threads=threads))
            completed = Completed(
                result_bytes=partial.stat().st_size,
                fates=verified.plan.fates,
                warnings=(*verified.plan.warnings, *verified.warnings),
            )
            manifest = Published(attempt=attempt, completed=completed).model_dump_json()
            await finish(asyncio.to_thread(self.folder.publish, spec.job_id, attempt, manifest))
        finally:
            await finish(asyncio.to_thread(self.folder.discard_attempts, spec.job_id))
        return completed

    async def _open(self, job_id: str, attempt: int) -> Source:
        """Return the source as ffmpeg can read it."""
        path = self.folder.paths.source(job_id)
        source_bytes = size_bytes(path) or 0
        return await open_source(
            path,
            self.folder.paths.stand_in(job_id, attempt),
            silence_limit_s=self.stall_s,
            watch=lambda written_bytes: self.check_room(written_bytes, source_bytes, "the unpacked animation"),
        )

    async def _plan(self, source: Source, spec: JobSpec) -> Plan:
        info = await source.probe(ffprobe=self.ffprobe, ffmpeg=self.ffmpeg)
        return make_plan(info, spec.options).noting(source.notes)

    def check_room(self, written_bytes: int, source_bytes: int, what: str = "the result") -> None:
        """Raise what ends an attempt that takes all the room there is: uploads and rows need some of it, too."""
        if self.capacity_bytes is not None and written_bytes > self.capacity_bytes:
            raise LimitExceeded(
                f"{what.capitalize()} would be larger than all the room that there is for sources and results."
            )
        if written_bytes > source_bytes and self.folder.is_nearly_full():
            raise InsufficientStorage(f"The disk is nearly full, and {what} is larger than its source already.")


class _Conversion:
    """The runs of ffmpeg that one attempt takes: one, unless its plan has to be changed by what the run brought up."""

    def __init__(
        self, runner: JobRunner, source: Source, job_id: str, attempt: int, report: Report, attempt_log: AttemptLog
    ) -> None:
        self._runner = runner
        self._job_id = job_id
        self._attempt = attempt
        self._source = source.path
        self._partial = runner.folder.paths.partial(job_id, attempt)
        self._writing = Writing(self._partial)
        self._report = report
        self._attempt_log = attempt_log
        self._percent = 0.0
        self._prepared = Prepared()

    async def run(self, plan: Plan) -> Verified:
        """Convert and verify."""
        with disk_errors():
            plan, self._prepared = await prepare(
                self._source,
                plan,
                self._partial.parent,
                ffmpeg=self._runner.ffmpeg,
                silence_limit_s=self._runner.stall_s,
            )
        while True:
            # An ffmpeg that fails early leaves there what an earlier run has written, which would be taken for its own.
            await asyncio.to_thread(self._partial.unlink, missing_ok=True)
            async with self._meanwhile(self._decode(plan)) as decoding, self._meanwhile(self._settle_early()):
                ended = await self._run_ffmpeg(plan)
                verdict = await self._complete(plan, ended) or await self._judge(plan, ended, decoding)
            if isinstance(verdict, Verified):
                return verdict
            plan = verdict
            log.info("job=%s other_way=%s", self._job_id, "; ".join(plan.concessions.reasons))

    async def _complete(self, plan: Plan, ended: Exit) -> Plan | None:
        return await finish(asyncio.to_thread(complete, self._partial, plan, ended))

    async def _judge(self, plan: Plan, ended: Exit, decoding: Awaitable[DecodedPicture | None]) -> Verified | Plan:
        """Check the result while it is brought to the disk: the one needs no processor, the other no disk."""
        async with self._meanwhile(self._settle()) as settled:
            verdict = await judge(
                self._partial,
                plan,
                ended,
                prepared=self._prepared,
                decoding=decoding,
                ffprobe=self._runner.ffprobe,
            )
            await settled
        return verdict

    @asynccontextmanager
    async def _meanwhile(self, work: Coroutine[Any, Any, T]) -> AsyncIterator[Awaitable[T]]:
        """Do something beside the body, and end it with it: who leaves early leaves no process behind."""
        task = asyncio.create_task(work, name=f"meanwhile-{self._job_id}")
        try:
            yield task
        finally:
            task.cancel()
            await finish(asyncio.wait([task]))
        if not task.cancelled():
            task.result()

    async def _decode(self, plan: Plan) -> DecodedPicture | None:
        if not is_worth_decoding(plan):
            return None
        return await decode_source(self._source, plan, ffprobe=self._runner.ffprobe)

    async def _settle_early(self) -> None:
        """Bring to the disk what ffmpeg has written so far, again and again, lest all of it is left for the end."""
        settled_bytes = 0
        while True:
            await asyncio.sleep(_LOOKS_EVERY_S)
            written_bytes = size_bytes(self._partial) or 0
            if written_bytes >= settled_bytes + _SETTLED_AT_ONCE_BYTES:
                settled_bytes = written_bytes
                await self._settle()

    async def _settle(self) -> None:
        """Bring to the disk what was written. A cancel does not wait for that: a slow disk would take minutes."""
        await asyncio.to_thread(self._runner.folder.settle, self._job_id, self._attempt)

    async def _run_ffmpeg(self, plan: Plan) -> Exit:
        argv = plan.argv(self._source, self._partial, prepared=self._prepared, ffmpeg=self._runner.ffmpeg)
        log.info("job=%s runs: %s", self._job_id, shlex.join(argv))
        await self._attempt_log.started(argv)
        parser = ProgressParser(plan)

        def on_line(line: str) -> None:
            progress = parser.feed(line)
            if progress is not None:
                self._writing.look()
                self._runner.check_room(self._writing.size_bytes, plan.info.size_bytes)
                self._tell(progress.model_copy(update={"fates": plan.fates}))

        # While ffmpeg moves moov to the front it reports nothing, but it writes.
        is_alive = self._writing.look
        try:
            ended = await process.run(argv, on_line=on_line, silence_limit_s=self._runner.stall_s, is_alive=is_alive)
        except ProcessStalled as error:
            raise ConversionStalled from error
        await self._attempt_log.ended(ended)
        return ended

    def _tell(self, progress: Progress) -> None:
        """Report progress that never goes back, not even when the source is run a second time."""
        self._percent = max(self._percent, progress.percent)
        self._report(progress.model_copy(update={"percent": self._percent}))
