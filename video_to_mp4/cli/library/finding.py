"""The videos of a folder tree that could be replaced, and why the others can't."""

from __future__ import annotations

import os
import stat
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from video_to_mp4.cli.left_out import LeftOutFiles, is_meant
from video_to_mp4.cli.library.shelf import SHELF_NAME, refuse_if_held_below
from video_to_mp4.cli.texts import path_text
from video_to_mp4.jobs.file_types import ANIMATED_PICTURE_EXTENSIONS

MP4_SUFFIXES = (".mp4", ".m4v")
_UNREADABLE = "can't be read"
_STILL_FOR_S = 10.0
"""A file that was written to more recently may not be complete."""


@dataclass(frozen=True)
class Video:
    """A file as it was found. Paths are relative to the library's folder."""

    source: str
    target: str
    size_bytes: int
    mtime_ns: int
    links: int = 1
    """How many names the file has."""


@dataclass(frozen=True)
class LeftOut:
    """A file that is not looked at, and why."""

    source: str
    why: str


@dataclass
class Found:
    """What is in a library."""

    videos: list[Video] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    others: LeftOutFiles = field(default_factory=LeftOutFiles)
    """Files that are not videos."""


def find(root: Path, extensions: Sequence[str]) -> Found:
    """Return the videos below a folder by their extensions, in the order of their names.

    Hidden files and folders are passed over in silence, and what is no video is counted; animated pictures stay, as
    whatever shows them would not know a video in their place. Symbolic links, other file systems, files that are being
    written and those whose result's name is taken are named as left out. Raises WrongUsage when another run is at work
    in a folder below.
    """
    found = Found()
    device = root.stat().st_dev
    for path in _files(root, device, found):
        if _is_video(path, extensions):
            _look_at(root, path, found)
        else:
            found.others.add(str(path.relative_to(root)))
    found.videos.sort(key=lambda video: video.source)
    _leave_out_twins(found)
    found.left_out.sort(key=lambda left: left.source)
    return found


def _is_video(path: Path, extensions: Sequence[str]) -> bool:
    if path.suffix.lower() in ANIMATED_PICTURE_EXTENSIONS:
        return False
    try:
        return is_meant(path, extensions)
    except OSError:
        return True  # why it can't be read is said when it is looked at


def _files(root: Path, device: int, found: Found) -> Iterator[Path]:
    def unreadable(error: OSError) -> None:
        place = Path(os.fsdecode(error.filename))
        found.left_out.append(LeftOut(str(place.relative_to(root)), _UNREADABLE))

    for name, folders, files in os.walk(root, onerror=unreadable):
        folder = Path(name)
        if folder != root and SHELF_NAME in folders:
            refuse_if_held_below(folder)
        folders[:] = [below for below in folders if _is_entered(root, folder / below, device, found)]
        yield from (folder / file for file in files if not file.startswith("."))


def _is_entered(root: Path, folder: Path, device: int, found: Found) -> bool:
    if folder.name.startswith("."):
        return False
    try:
        facts = folder.lstat()
    except FileNotFoundError:
        return False  # it went while we looked
    except OSError:
        found.left_out.append(LeftOut(str(folder.relative_to(root)), _UNREADABLE))
        return False
    if stat.S_ISLNK(facts.st_mode):
        return False
    if facts.st_dev == device:
        return True
    why = "is on another file system; give it to a run of its own"
    found.left_out.append(LeftOut(str(folder.relative_to(root)), why))
    return False


def _look_at(root: Path, path: Path, found: Found) -> None:
    source = str(path.relative_to(root))
    try:
        facts = path.lstat()
    except FileNotFoundError:
        return  # it went while we looked
    except OSError:
        found.left_out.append(LeftOut(source, _UNREADABLE))
        return
    why = _why_not(path, facts)
    target = path if path.suffix.lower() == ".mp4" else path.with_suffix(".mp4")
    if not why and target != path and os.path.lexists(target):
        why = f"{path_text(Path(target.name))} exists already, so it can't become that"
    if why:
        found.left_out.append(LeftOut(source, why))
        return
    relative = str(target.relative_to(root))
    found.videos.append(Video(source, relative, facts.st_size, facts.st_mtime_ns, facts.st_nlink))


def _why_not(path: Path, facts: os.stat_result) -> str:
    if stat.S_ISLNK(facts.st_mode):
        return "is a symbolic link"
    if not stat.S_ISREG(facts.st_mode):
        return "is not a plain file"
    if facts.st_size == 0:
        return "is empty"
    if 0 <= time.time() - facts.st_mtime < _STILL_FOR_S:
        return "is being written just now"
    if not os.access(path, os.R_OK):
        return "can't be read: you have no right to"
    return "" if os.access(path.parent, os.W_OK | os.X_OK) else "is in a folder that you have no right to change"


def _leave_out_twins(found: Found) -> None:
    """Two videos that would get one name both stay: nobody can say which one is wanted."""
    by_target: dict[str, list[Video]] = defaultdict(list)
    for video in found.videos:
        by_target[video.target].append(video)
    for videos in by_target.values():
        if len(videos) > 1:
            found.left_out += _twins(videos)
            found.videos = [video for video in found.videos if video not in videos]


def _twins(videos: Sequence[Video]) -> Iterable[LeftOut]:
    names = " and ".join(path_text(Path(Path(video.source).name)) for video in videos)
    return [LeftOut(video.source, f"{names} would each become {Path(video.target).name}") for video in videos]
