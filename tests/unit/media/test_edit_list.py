"""How much of a picture an edit list hides, whatever its boxes claim."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from boxes import box, table
from video_to_mp4.media import edit_list
from video_to_mp4.media.mp4_boxes import Movie

MDHD = box(b"mdhd", bytes(12), struct.pack(">II", 10, 80))
SHOWN = box(b"elst", bytes(4), struct.pack(">IIii", 1, 80, 5, 0x10000))
"""From the middle of the first sample on."""


def missing_s(folder: Path, *stts: int) -> float:
    tables = table(b"stts", *stts, rows=len(stts) // 2)
    trak = box(b"trak", box(b"edts", SHOWN), box(b"mdia", MDHD, box(b"minf", box(b"stbl", tables))))
    path = folder / "film.mp4"
    path.write_bytes(box(b"moov", trak))
    movie = Movie.read(path)
    assert movie is not None
    return edit_list.missing_s(movie, movie.tracks()[0])


def test_what_is_missing_is_the_rest_of_the_frame_in_which_the_edit_begins(tmp_path: Path) -> None:
    """Half of a frame of a second."""
    assert missing_s(tmp_path, 8, 10) == pytest.approx(0.5)


@pytest.mark.parametrize("length", [0, 1])
def test_samples_that_nobody_can_have_are_not_counted_to_the_end(tmp_path: Path, length: int) -> None:
    """A table of one row can claim four thousand million; walking through them takes half an hour."""
    assert missing_s(tmp_path, *[2**32 - 1, 0] * 9, 1, length) == 0.0
