"""What we accept: file names and sizes, checked before a byte is taken."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from video_to_mp4.errors import FileTooLarge, InvalidArgument, UnsupportedFileType
from video_to_mp4.jobs.encoding import Container
from video_to_mp4.jobs.file_types import accepted_types, is_video_name
from video_to_mp4.jobs.model import Frozen, Job, Options
from video_to_mp4.service.words import limit_text

_MAX_NAME_LENGTH = 255
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069]")

EXTENSIONS = {
    Container.MP4: (".mp4", ".m4v"),
    Container.MOV: (".mov",),
    Container.MKV: (".mkv",),
    Container.WEBM: (".webm",),
}
"""How the names of results may end."""

_RESERVED_NAMES = frozenset(
    {"CON", "PRN", "AUX", "NUL", *(f"{port}{number}" for port in ("COM", "LPT") for number in range(10))}
)
"""Devices of Windows, whatever extension follows."""


class NewFile(Frozen):
    """A file that someone is about to send. Without options of its own it gets those of the files that it came with."""

    name: str
    size_bytes: int
    modified_ms: int = 0
    options: Options | None = None


class NewLink(Frozen):
    """A video that shall be fetched, what its result shall be called, and the batch that it joins, if any."""

    url: str
    output_name: str = ""
    batch_id: str | None = None


def check_file(file: NewFile, *, limit_bytes: int) -> NewFile:
    """Return the file with its name made plain; raise UnsupportedFileType, FileTooLarge or InvalidArgument."""
    name = _plain_name(file.name)
    if not is_video_name(name):
        raise UnsupportedFileType(f"«{name}» is not of a type that can be converted. Accepted: {accepted_types()}.")
    if file.size_bytes > limit_bytes:
        raise too_large(f"«{name}»", limit_bytes)
    if file.size_bytes <= 0:
        raise InvalidArgument(f"«{name}» is empty.", field="file")
    return file.model_copy(update={"name": name})


def too_large(name: str, limit_bytes: int) -> FileTooLarge:
    """Return the error for a file beyond the limit."""
    return FileTooLarge(f"{name} is larger than {limit_text(limit_bytes)}.", field="file")


def check_output_name(name: str, extensions: Sequence[str]) -> str:
    """Return a name that a download may have on any system; raise InvalidArgument for any other.

    It must end in one of the extensions, which belong to the result's container.
    """
    if not name or len(name.encode()) > _MAX_NAME_LENGTH:
        raise _bad_name(f"The output's name must have 1 to {_MAX_NAME_LENGTH} bytes.")
    if _UNPRINTABLE.search(name) or any(sign in name for sign in '/\\:*?"<>|'):
        raise _bad_name("The output's name must be a plain one: no folders, no control characters, none of :*?\"<>|")
    if name != name.strip() or name.startswith(".") or name.split(".")[0].strip().upper() in _RESERVED_NAMES:
        raise _bad_name(f"«{name}» is a name that not every system can have.")
    if not name.lower().endswith(tuple(extensions)):
        raise _bad_name(f"The output's name must end in {' or '.join(extensions)}, as its container is.")
    return name


def download_name(job: Job) -> str:
    """Say what the download of a job's result is called: as was asked for, else after its source."""
    extension = EXTENSIONS[job.options.encoding.container][0]
    return job.output_name or fitting(PurePosixPath(job.name).stem, extension)


def fitting(stem: str, ending: str) -> str:
    """Put a name together, its stem cut where all of it would be longer than a file's name may be.

    macOS and Windows allow 255 characters, Linux 255 bytes, which Japanese reaches with 85 characters.
    """
    room_bytes = _MAX_NAME_LENGTH - len(ending.encode())
    return stem.encode()[:room_bytes].decode("utf-8", "ignore") + ending


def name_from_link(url: str) -> str:
    """Name a source by its link until its title is known: by the last part of the path, or the host."""
    parts = urlsplit(url)
    last = unquote(PurePosixPath(parts.path).name, errors="replace")
    return _UNPRINTABLE.sub("", last.replace("/", "-").replace("\\", "-")).strip()[:_MAX_NAME_LENGTH] or parts.netloc


def _bad_name(sentence: str) -> InvalidArgument:
    return InvalidArgument(sentence, field="output_filename")


def plain_text(text: str) -> str:
    """Take out the characters that steer a terminal or turn text around."""
    return _UNPRINTABLE.sub("", text).strip()


def _plain_name(name: str) -> str:
    """Keep the last part of a path."""
    plain = plain_text(name.replace("\\", "/").rsplit("/", 1)[-1])
    stem, dot, extension = plain.rpartition(".")
    return f"{stem[: _MAX_NAME_LENGTH - len(extension) - 1]}{dot}{extension}"
