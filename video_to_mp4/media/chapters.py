"""Fits chapters to the film that they divide, and writes them as ffmpeg reads them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from video_to_mp4.media.info import Chapter

_SIGNS = re.compile(r"([=;#\\\n])")
_TICKS = 1000


def fitted(chapters: Sequence[Chapter], start_s: float, end_s: float | None) -> tuple[Chapter, ...]:
    """Return the chapters of a part of a film, on the clock of that part: in order, none over another, all named.

    Of several that begin together the first counts; each ends where the next one begins at the latest.
    """
    by_start: dict[int, Chapter] = {}
    for chapter in sorted(chapters, key=lambda chapter: chapter.start_s):
        is_there = (end_s is None or chapter.start_s < end_s) and max(chapter.start_s, chapter.end_s) >= start_s
        place = _ticks(max(chapter.start_s, start_s) - start_s)
        if is_there and (place not in by_start or by_start[place].start_s < chapter.start_s):
            by_start[place] = chapter
    starts = list(by_start)
    limits = [*starts[1:], None if end_s is None else _ticks(end_s - start_s)]
    numbered = enumerate(zip(by_start.items(), limits, strict=False), 1)
    return tuple(
        Chapter(start / _TICKS, _end_s(chapter.end_s - start_s, start, limit), chapter.title or f"Chapter {number}")
        for number, ((start, chapter), limit) in numbered
    )


def _end_s(end_s: float, start: int, limit: int | None) -> float:
    end = max(start + 1, _ticks(end_s))
    return (end if limit is None else min(end, limit)) / _TICKS


def _ticks(at_s: float) -> int:
    return round(at_s * _TICKS)


def as_ffmetadata(chapters: Sequence[Chapter]) -> str:
    """Return the chapters as a file of ffmpeg's format «ffmetadata»."""
    return ";FFMETADATA1\n" + "".join(
        f"[CHAPTER]\nTIMEBASE=1/{_TICKS}\nSTART={_ticks(chapter.start_s)}\nEND={_ticks(chapter.end_s)}\n"
        f"title={_escaped(chapter.title)}\n"
        for chapter in chapters
    )


def _escaped(title: str) -> str:
    return _SIGNS.sub(r"\\\1", title.replace("\r", ""))
