"""Finds out how much of a picture is missing where an MP4's edit list begins inside a frame (ISO/IEC 14496-12, 8.6.6).

ffmpeg, 5.1 to 9, leaves out the frame that is shown when the edit begins, as it begins earlier, and moves all others to
the beginning: the picture is then early against the sound, by up to one frame. Of a slow screen recording that was
trimmed without cutting, that was 0.35 s.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from itertools import islice

from video_to_mp4.media.mp4_boxes import Box, Movie, entries_in

_EDIT = struct.Struct(">Iii")
_LONG_EDIT = struct.Struct(">Qqi")
_REORDERED_S = 2
"""Farthest that a frame may be shown from where it is decoded."""

_SIGN = 1 << 31

_MOST_SAMPLES = 1_000_000
"""Four hours at 60 frames a second. A table of 24 bytes can claim four thousand million."""


def missing_s(movie: Movie, track: Box) -> float:
    """Return how long a frame of a track is to be seen before the first one that ffmpeg shows."""
    begins = _begins(movie.content(b"edts", b"elst", within=track))
    header = movie.content(b"mdia", b"mdhd", within=track)
    place = 20 if header[:1] == b"\x01" else 12
    timescale = int.from_bytes(header[place : place + 4], "big")
    if begins <= 0 or timescale == 0:
        return 0.0
    first, is_begun = None, False
    for decoded, shown, duration in islice(_samples(movie, track), _MOST_SAMPLES):
        if first is not None and decoded > max(first, begins) + _REORDERED_S * timescale:
            break
        if shown >= begins:
            first = shown if first is None else min(first, shown)
        is_begun = is_begun or shown < begins < shown + duration
    return (first - begins) / timescale if first is not None and is_begun else 0.0


def _begins(content: bytes) -> int:
    """Return where in the track the first edit begins that shows anything of it, in ticks of the track."""
    edit = _LONG_EDIT if content[:1] == b"\x01" else _EDIT
    whole = len(content[8:]) // edit.size * edit.size
    return next((begins for _, begins, _ in edit.iter_unpack(content[8 : 8 + whole]) if begins >= 0), 0)


def _samples(movie: Movie, track: Box) -> Iterator[tuple[int, int, int]]:
    """Return when each sample is decoded and shown, and how long it lasts, in ticks of the track."""

    def runs(kind: bytes) -> Sequence[int]:
        return entries_in(movie.content(b"mdia", b"minf", b"stbl", kind, within=track), "I", columns=2)

    offsets, decoded = _repeated(runs(b"ctts")), 0
    for duration in _repeated(runs(b"stts")):
        offset = next(offsets, 0)
        yield decoded, decoded + (offset - 2 * _SIGN if offset >= _SIGN else offset), duration
        decoded += duration


def _repeated(rows: Sequence[int]) -> Iterator[int]:
    for count, value in zip(rows[::2], rows[1::2], strict=False):
        for _ in range(count):
            yield value
