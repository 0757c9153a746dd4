"""Lines of subtitles with their times, and how they become what MP4 can show: one cue at a time, none over another."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, replace

MOST_CUES = 500_000
_MOST_AT_ONCE = 16
"""Lines that are shown in one moment; typesetting that draws a sign letter by letter may have hundreds."""

_MOST_TEXT = 32 * 1024 * 1024
"""Characters of all cues together, in which long lines are repeated as often as others come and go beside them."""

_UNSEEN_MS = 40
"""An overlap that lasts no longer than a picture is not seen: its lines were meant to follow each other.

A line that is so short by itself is one of many as a rule, one for each picture: these are all kept.
"""

_SHOWN_WITHOUT_END_MS = 3000
_TAG = re.compile(r"<(/?)\s*(i|b|u|s|font)\b[^<>]*>", re.IGNORECASE)
BOTTOM = 2
_TOP_ROW, _MIDDLE_ROW, _BOTTOM_ROW = 0.05, 0.5, 0.95


@dataclass(frozen=True)
class Cue:
    """A text and when it is shown, in milliseconds of the file's own clock."""

    start_ms: int
    end_ms: int
    text: str
    """Lines with SubRip's tags: `<i>`, `<b>`, `<u>`, `<font color>`."""
    place: int = BOTTOM
    """Where it stands, as the number block of a keyboard has it: 8 is the middle of the top."""
    row: float | None = None
    """How far down it stands, from 0 to 1, where it was put there."""

    @property
    def height(self) -> float:
        """How far down it stands, from 0 to 1."""
        if self.row is not None:
            return self.row
        return _TOP_ROW if self.place >= 7 else _MIDDLE_ROW if self.place >= 4 else _BOTTOM_ROW


def plain(text: str) -> str:
    """Return a text without its tags."""
    return _TAG.sub("", text)


def closed(text: str) -> str:
    """Return a text that ends each tag that it begins, so that it does not shape what comes to stand below it."""
    is_open: list[str] = []
    for slash, raw in _TAG.findall(text):
        name = raw.lower()
        if not slash:
            is_open.append(name)
        elif name in is_open:
            is_open.reverse()
            is_open.remove(name)
            is_open.reverse()
    return text + "".join(f"</{name}>" for name in reversed(is_open))


def with_ends(cues: Sequence[Cue]) -> list[Cue]:
    """Return the cues by their beginnings; one without a duration stays until the next one, 3 s at most."""
    ordered = sorted(cues, key=lambda cue: cue.start_ms)
    starts = sorted({cue.start_ms for cue in ordered})
    following = dict(zip(starts, starts[1:], strict=False))
    return [_with_end(cue, following.get(cue.start_ms)) for cue in ordered]


def _with_end(cue: Cue, next_ms: int | None) -> Cue:
    if cue.end_ms > cue.start_ms:
        return cue
    end_ms = cue.start_ms + _SHOWN_WITHOUT_END_MS
    return replace(cue, end_ms=end_ms if next_ms is None else min(end_ms, next_ms))


def within(cues: Iterable[Cue], start_ms: int, end_ms: int | None) -> list[Cue]:
    """Return what of the cues lies in a part of the file, on the clock of that part."""
    kept: list[Cue] = []
    for cue in cues:
        begins, ends = max(cue.start_ms, start_ms), cue.end_ms if end_ms is None else min(cue.end_ms, end_ms)
        if begins < ends:
            kept.append(replace(cue, start_ms=begins - start_ms, end_ms=ends - start_ms))
    return kept


def one_at_a_time(cues: Sequence[Cue]) -> tuple[list[Cue], int]:
    """Return cues of which none lies over another, and how many lines had to be left out for that.

    Where several are shown at once, they become one cue for as long as they are the same ones: the upper above the
    lower, and in the same row the earlier above the later. Copies of a line (outlines and shadows) are shown once.
    """
    ordered = sorted(cues, key=lambda cue: cue.start_ms)
    merged: list[Cue] = []
    shown: list[Cue] = []
    crossings: set[int] = set()
    left_out, length, number = 0, 0, 0
    moments = sorted({moment for cue in ordered for moment in (cue.start_ms, cue.end_ms)})
    for moment, next_moment in zip(moments, moments[1:], strict=False):
        shown = [cue for cue in shown if cue.end_ms > moment]
        while number < len(ordered) and ordered[number].start_ms == moment:
            cue, number = ordered[number], number + 1
            if all((cue.text, cue.end_ms) != (other.text, other.end_ms) for other in shown):
                left_out += len(shown) >= _MOST_AT_ONCE
                shown = [*shown, cue][:_MOST_AT_ONCE]
        if shown and length <= _MOST_TEXT:
            joined = _joined(shown, moment, next_moment)
            length += len(joined.text)
            _append(merged, joined)
            if len(shown) > 1:
                crossings.add(moment)
        left_out += bool(shown) and length > _MOST_TEXT
    return _without_flashes(merged, crossings), left_out


def _joined(shown: Sequence[Cue], start_ms: int, end_ms: int) -> Cue:
    by_height = sorted(shown, key=lambda cue: cue.height)  # stable: the earlier stays above the later
    places = {cue.place for cue in by_height}
    text = "\n".join(dict.fromkeys(cue.text for cue in by_height))
    return Cue(start_ms, end_ms, text, places.pop() if len(places) == 1 else BOTTOM)


def _append(merged: list[Cue], cue: Cue) -> None:
    if merged and merged[-1].end_ms == cue.start_ms and merged[-1].text == cue.text:
        merged[-1] = replace(merged[-1], end_ms=cue.end_ms)
    else:
        merged.append(cue)


def _without_flashes(cues: Sequence[Cue], crossings: Set[int]) -> list[Cue]:
    """Return the cues without overlaps that nobody sees, by their beginnings; the one before stays in their place."""
    calm: list[Cue] = []
    for cue, following in zip(cues, [*cues[1:], None], strict=False):
        is_flash = cue.start_ms in crossings and cue.end_ms - cue.start_ms <= _UNSEEN_MS
        touches = following is not None and following.start_ms == cue.end_ms
        if is_flash and touches and calm and calm[-1].end_ms == cue.start_ms:
            calm[-1] = replace(calm[-1], end_ms=cue.end_ms)
        else:
            calm.append(cue)
    return calm


def as_subrip(cues: Sequence[Cue]) -> str:
    """Return the cues as a SubRip file."""
    return "".join(_as_subrip(number, cue) for number, cue in enumerate(cues, 1))


def _as_subrip(number: int, cue: Cue) -> str:
    place = "" if cue.place == BOTTOM else f"{{\\an{cue.place}}}"
    return f"{number}\n{_clock(cue.start_ms)} --> {_clock(cue.end_ms)}\n{place}{cue.text}\n\n"


def _clock(at_ms: int) -> str:
    seconds, ms = divmod(at_ms, 1000)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d},{ms:03d}"
