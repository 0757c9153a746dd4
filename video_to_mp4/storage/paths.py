"""Where everything lies in the data folder.

video_to_mp4.sqlite3          the rows (and SQLite's own files beside it)
lock                          held by the one server that uses this folder
reserve                       room that is given up when the database needs it on a full disk
sources/<job>                 the source, as far as it has arrived
attempts/<job>/<attempt>/     all that an attempt writes
attempts/<job>/fetch/         all that fetching the source writes
results/<job>.mp4             the verified result
manifests/<job>               what was verified, until the row says so too
logs/<job>                    what ffmpeg was told and said in the last attempt
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from video_to_mp4.errors import JobNotFound

_JOB_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True)
class Paths:
    """Turns job ids into absolute paths. An id that is not a UUID raises JobNotFound: no name ever becomes a path."""

    root: Path

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.root / "video_to_mp4.sqlite3"

    @property
    def lock(self) -> Path:
        """The file that the one server using this folder holds locked."""
        return self.root / "lock"

    @property
    def reserve(self) -> Path:
        """The file that holds room for the database."""
        return self.root / "reserve"

    @property
    def sources(self) -> Path:
        """The folder of all sources."""
        return self.root / "sources"

    @property
    def attempts(self) -> Path:
        """The folder of all attempts."""
        return self.root / "attempts"

    @property
    def results(self) -> Path:
        """The folder of all results."""
        return self.root / "results"

    @property
    def manifests(self) -> Path:
        """The folder of all manifests."""
        return self.root / "manifests"

    @property
    def logs(self) -> Path:
        """The folder of all logs."""
        return self.root / "logs"

    def source(self, job_id: str) -> Path:
        """The source's file, whole or not."""
        return self.sources / _checked(job_id)

    def attempts_of(self, job_id: str) -> Path:
        """The folder that holds all attempts of a job."""
        return self.attempts / _checked(job_id)

    def attempt(self, job_id: str, attempt: int) -> Path:
        """The folder that one attempt writes into."""
        return self.attempts_of(job_id) / str(attempt)

    def partial(self, job_id: str, attempt: int) -> Path:
        """The file that ffmpeg writes."""
        return self.attempt(job_id, attempt) / "result.mp4.partial"

    def stand_in(self, job_id: str, attempt: int) -> Path:
        """What is written to be read instead of a source that ffmpeg can't read."""
        return self.attempt(job_id, attempt) / "source"

    def fetch(self, job_id: str) -> Path:
        """The folder into which the source is fetched."""
        return self.attempts_of(job_id) / "fetch"

    def result(self, job_id: str) -> Path:
        """The verified result."""
        return self.results / f"{_checked(job_id)}.mp4"

    def manifest(self, job_id: str) -> Path:
        """What a verified result is, for as long as its row does not say so."""
        return self.manifests / _checked(job_id)

    def log(self, job_id: str) -> Path:
        """What ffmpeg was told and said."""
        return self.logs / _checked(job_id)


def _checked(job_id: str) -> str:
    if not _JOB_ID.fullmatch(job_id):
        raise JobNotFound
    return job_id
