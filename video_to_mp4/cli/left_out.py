"""What a folder has besides videos: counted and named, so that nobody looks for it among the results."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from video_to_mp4.cli.texts import clean
from video_to_mp4.jobs.file_types import ANIMATED_PICTURE_EXTENSIONS

_COMPANIONS = {
    "picture": (
        ".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".heic", ".heif", ".avif", ".tbn", ".svg", ".thm",
        *ANIMATED_PICTURE_EXTENSIONS,
    ),
    "subtitle": (".srt", ".ass", ".ssa", ".sub", ".idx", ".vtt", ".sup", ".smi"),
    "text": (".nfo", ".txt", ".md", ".pdf", ".html", ".htm", ".url", ".xml", ".json", ".csv", ".log", ".ini", ".cue"),
    "sound": (".mp3", ".flac", ".wav", ".aac", ".m4a", ".ogg", ".opus", ".wma", ".mka", ".ac3", ".dts"),
    "checksum": (".sfv", ".md5", ".sha1", ".sha256"),
}  # fmt: skip
"""What often lies beside videos; nobody meant it, so its kind is enough."""

_KIND_OF = {extension: kind for kind, extensions in _COMPANIONS.items() for extension in extensions}
_NAMED_AT_MOST = 5
_SIGNS: dict[str, Callable[[bytes], bool]] = {
    ".webp": lambda head: head[12:16] == b"VP8X" and bool(int.from_bytes(head[20:21]) & 2),
    ".gif": lambda head: head.count(b"\x21\xf9\x04") > 1,
    ".apng": lambda head: b"acTL" in head,
    ".ts": lambda head: b"\0" in head,
    ".mod": lambda head: head[:3] == b"\0\0\1",
    ".rec": lambda head: b"\0" in head,
}
"""Names that others have, too: still pictures, TypeScript, music. What tells the video among them."""

_HEAD_BYTES = 1024 * 1024


@dataclass
class LeftOutFiles:
    """The files of folders that are not taken for videos."""

    by_kind: dict[str, list[str]] = field(default_factory=dict)
    others: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    """Folders that are not entered, as nobody said --recursive."""

    def add(self, name: str) -> None:
        """Note a file by its name or its path in the folder."""
        kind = _KIND_OF.get(Path(name).suffix.lower())
        (self.others if kind is None else self.by_kind.setdefault(kind, [])).append(clean(name))

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.others) + sum(map(len, self.by_kind.values()))

    def sentence(self) -> str:
        """Say it: «Left out: 5 files that are not videos (film.xyz; 2 pictures, 2 subtitles).»; empty for none."""
        entered = f"Folders are entered with --recursive only: {_named(self.folders)}." if self.folders else ""
        return " ".join(part for part in (self._files_sentence(), entered) if part)

    def _files_sentence(self) -> str:
        if not self.count:
            return ""
        kinds = Counter({kind: len(names) for kind, names in self.by_kind.items()}).most_common()
        counted = ", ".join(f"{count} {kind}{'s' if count > 1 else ''}" for kind, count in kinds)
        parts = [_named(self.others), counted]
        what = "1 file that is not a video" if self.count == 1 else f"{self.count} files that are not videos"
        return f"Left out: {what} ({'; '.join(part for part in parts if part)})."

    def document(self) -> dict[str, Any]:
        """Return it as programs get it: all names of unknown types, and how many there are of each known kind."""
        return {
            "count": self.count,
            "files": self.others,
            "kinds": {kind: len(names) for kind, names in self.by_kind.items()},
            "folders": self.folders,
        }


def is_meant(path: Path, extensions: Sequence[str]) -> bool:
    """Tell whether a file in a folder is to be taken for a video: by its name, and where that says little by its head.

    Raises OSError for a file that can't be read.
    """
    extension = path.suffix.lower()
    if extension not in extensions:
        return False
    sign = _SIGNS.get(extension)
    return sign is None or sign(_head(path))


def _named(names: Sequence[str]) -> str:
    more = len(names) - _NAMED_AT_MOST
    named = ", ".join(names[:_NAMED_AT_MOST])
    return f"{named} and {more} more" if more > 0 else named


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_HEAD_BYTES)
