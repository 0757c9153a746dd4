"""Keeps what ffmpeg was told and said in an attempt, in words that tell nothing of the server's folders."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Sequence
from pathlib import Path

from video_to_mp4.jobs.model import Run, RunLog
from video_to_mp4.media.failure import last_words
from video_to_mp4.media.guard import file_address
from video_to_mp4.process import Exit
from video_to_mp4.storage.folder import DataFolder
from video_to_mp4.tasks import finish

_LINES_KEPT = 200


class AttemptLog:
    """The log of one attempt, written when a run begins and when it has ended; it takes the place of the one before."""

    def __init__(self, folder: DataFolder, job_id: str, attempt: int) -> None:
        self._folder = folder
        self._job_id = job_id
        self._attempt = attempt
        self._names = {
            folder.paths.source(job_id): "SOURCE",
            folder.paths.stand_in(job_id, attempt): "SOURCE",
            folder.paths.partial(job_id, attempt): "RESULT",
        }
        self._log = RunLog()

    async def begin(self) -> None:
        """Forget the attempt before."""
        await finish(asyncio.to_thread(self._folder.delete_log, self._job_id))

    async def started(self, argv: Sequence[str]) -> None:
        """Note the command of a run that starts."""
        command = shlex.join([Path(argv[0]).name, *map(self._without_paths, argv[1:])])
        run = Run(attempt=self._attempt, command=command)
        await self._write((*self._log.runs, run))

    async def ended(self, how: Exit) -> None:
        """Note how the run that was started last has ended."""
        *before, run = self._log.runs
        stderr = last_words(how.stderr, hide=tuple(self._names), lines=_LINES_KEPT)
        await self._write((*before, run.model_copy(update={"exit_code": how.code, "stderr": stderr})))

    async def _write(self, runs: tuple[Run, ...]) -> None:
        self._log = RunLog(runs=runs)
        await finish(asyncio.to_thread(self._folder.write_log, self._job_id, self._log.model_dump_json()))

    def _without_paths(self, part: str) -> str:
        for path, name in self._names.items():
            part = part.replace(file_address(path), name).replace(str(path), name)
        return part
