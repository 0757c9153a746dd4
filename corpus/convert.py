"""Sends a file the way of a job, through the real engine, without a server."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import uuid_utils

from video_to_mp4 import process
from video_to_mp4.engine.run_job import JobRunner
from video_to_mp4.errors import VideoToMp4Error
from video_to_mp4.jobs.model import Completed, JobSpec, Options, Progress
from video_to_mp4.media.guard import file_address, input_flags
from video_to_mp4.media.info import MediaInfo, parse
from video_to_mp4.storage.folder import DataFolder

_SILENCE_LIMIT_S = 60.0


@dataclass(frozen=True)
class Converted:
    """How the conversion of one file ended."""

    source: Path
    took_s: float
    result: Path | None = None
    completed: Completed | None = None
    error: VideoToMp4Error | None = None
    """Why there is no result; None, like `completed`, when time was up."""
    crash: str = ""
    """What was raised that no user should ever see."""

    @property
    def outcome(self) -> str:
        """The outcome in a word or two."""
        if self.completed is not None:
            return "Complete"
        if self.error is not None:
            return f"Error {self.error.code}"
        return "crash" if self.crash else "time is up"


class Workshop:
    """Converts files in a data folder of its own; sources are linked there and never changed."""

    def __init__(self, folder: DataFolder) -> None:
        self._folder = folder
        self._runner = JobRunner(folder)

    async def convert(self, source: Path, options: Options, *, threads: int = 0, limit_s: float = 600) -> Converted:
        """Convert one file; whatever comes of it is in what is returned, also after `limit_s`."""
        job_id = str(uuid_utils.uuid7())
        link = self._folder.paths.source(job_id)
        link.symlink_to(source.absolute())
        began_s = time.monotonic()
        try:
            async with asyncio.timeout(limit_s):
                spec = JobSpec(job_id=job_id, owner="corpus", options=options)
                completed = await self._runner.run(spec, 1, threads, _ignore)
        except VideoToMp4Error as error:
            return Converted(source, time.monotonic() - began_s, error=error)
        except TimeoutError:
            return Converted(source, time.monotonic() - began_s)
        except Exception as error:  # noqa: BLE001 - this is the job loop here: the other files are still to be tried
            return Converted(source, time.monotonic() - began_s, crash=f"{type(error).__name__}: {error}")
        finally:
            self._folder.delete_source(job_id)
        result = self._folder.paths.result(job_id)
        return Converted(source, time.monotonic() - began_s, result, completed)


@contextmanager
def open_workshop() -> Iterator[Workshop]:
    """Keep a data folder for as long as the block runs."""
    with tempfile.TemporaryDirectory(prefix="corpus-") as name:
        folder = DataFolder(Path(name))
        folder.open()
        try:
            yield Workshop(folder)
        finally:
            folder.close()


async def look_at(path: Path) -> MediaInfo:
    """Return what ffprobe says of a result."""
    argv = ["ffprobe", "-v", "quiet", "-of", "json", "-show_format", "-show_streams", file_address(path)]
    ended = await process.run(argv, silence_limit_s=_SILENCE_LIMIT_S)
    return parse(ended.stdout, size_bytes=path.stat().st_size)


async def has_picture(path: Path) -> bool:
    """Say whether plain ffmpeg, with no planning of ours, decodes two pictures of the file that are no cover.

    It opens the same containers as we do, and nothing else: texts, playlists and single images are no videos.
    """
    argv = ["ffmpeg", "-nostdin", "-v", "quiet", *input_flags(), "-i", file_address(path), "-map", "0:V"]
    argv += ["-frames:v", "2", "-f", "framecrc", "pipe:1"]
    try:
        ended = await process.run(argv, silence_limit_s=_SILENCE_LIMIT_S)
    except VideoToMp4Error:
        return False
    return sum(bool(line) and not line.startswith("#") for line in ended.stdout.splitlines()) > 1


def _ignore(_: Progress) -> None:
    """Take no note of progress."""
