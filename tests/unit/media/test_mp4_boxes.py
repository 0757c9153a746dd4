"""An MP4's index is read whatever is in it, and changed without moving anything behind it."""

from __future__ import annotations

import random
import struct
from pathlib import Path

import pytest

from boxes import box, table
from video_to_mp4.media.mp4_boxes import Movie, SampleTable, boxes_in

SAMPLES = b"samples"


STSS = table(b"stss", 1, 3, 5)
STTS = table(b"stts", 4, 10, 2, 20, rows=2)
STSC = table(b"stsc", 1, 2, 1, 3, 1, 1, rows=2)
STSZ = box(b"stsz", bytes(4), struct.pack(">II6I", 0, 6, 10, 20, 30, 40, 50, 60))
STCO = table(b"stco", 1000, 2000, 3000, 4000)
MDHD = box(b"mdhd", bytes(12), struct.pack(">II", 10, 80))


def track(*tables: bytes) -> bytes:
    return box(b"trak", box(b"mdia", MDHD, box(b"minf", box(b"stbl", *tables))))


WHOLE = track(STTS, STSS, STSC, STSZ, STCO)


def movie(folder: Path, *tracks: bytes, free: bytes = b"") -> Path:
    path = folder / "film.mp4"
    path.write_bytes(box(b"ftyp", b"isom") + box(b"moov", *tracks) + free + box(b"mdat", SAMPLES))
    return path


def read(path: Path) -> Movie:
    found = Movie.read(path)
    assert found is not None
    return found


def test_the_places_and_times_of_samples_follow_from_the_tables(tmp_path: Path) -> None:
    """Two samples in the first chunks, one in the last ones; the last two samples last twice as long."""
    found = read(movie(tmp_path, WHOLE))
    samples = SampleTable.read(found, found.tracks()[0])
    assert list(samples.sync) == [1, 3, 5]
    assert list(samples.places(range(1, 7))) == [(1000, 10), (1010, 20), (2000, 30), (2030, 40), (3000, 50), (4000, 60)]
    assert samples.times_s([1, 4, 5, 6]) == [0.0, 3.0, 4.0, 6.0]
    assert list(samples.places([0, 7, 2**32])) == []


def test_what_samples_last_says_how_far_they_are_shifted(tmp_path: Path) -> None:
    """The last one's own duration moves no other: with 1 s for each, the sixth begins a second late."""
    found = read(movie(tmp_path, WHOLE))
    samples = SampleTable.read(found, found.tracks()[0])
    assert samples.shift_s(1.0) == 1.0
    assert samples.shift_s(2.0) == 4.0


def test_without_a_list_each_sample_is_a_sync_sample(tmp_path: Path) -> None:
    """So the standard says; and large files have places of 64 bits."""
    far = track(STTS, STSC, STSZ, table(b"co64", 2**33, 2**34, 2**35, 2**36, code="Q"))
    found = read(movie(tmp_path, far))
    samples = SampleTable.read(found, found.tracks()[0])
    assert list(samples.sync) == [1, 2, 3, 4, 5, 6]
    assert list(samples.places([3])) == [(2**34, 30)]


@pytest.mark.parametrize("kept", [(1, 3), (1,)])
def test_a_shorter_list_leaves_the_samples_where_they_are(tmp_path: Path, kept: tuple[int, ...]) -> None:
    """What becomes free is added to the unused box behind the index."""
    path = movie(tmp_path, WHOLE, free=box(b"free"))
    before = path.read_bytes()
    found = read(path)
    content = struct.pack(f">II{len(kept)}I", 0, len(kept), *kept)
    found.replace(b"mdia", b"minf", b"stbl", b"stss", within=found.tracks()[0], content=content)
    assert found.write(path)
    after = path.read_bytes()
    assert len(after) == len(before)
    assert after.endswith(box(b"mdat", SAMPLES))
    assert [outer.kind for outer in boxes_in(after, 0, len(after))] == [b"ftyp", b"moov", b"free", b"mdat"]
    changed = read(path)
    samples = SampleTable.read(changed, changed.tracks()[0])
    assert list(samples.sync) == list(kept)
    assert list(samples.places([6])) == [(4000, 60)]


@pytest.mark.parametrize("numbers", [2, 4], ids=["four bytes are no box", "more than there was"])
def test_nothing_is_written_where_there_is_no_room(tmp_path: Path, numbers: int) -> None:
    """Better an index as it was than one that runs into the samples."""
    path = movie(tmp_path, WHOLE)
    before = path.read_bytes()
    found = read(path)
    content = struct.pack(f">II{numbers}I", 0, numbers, *range(1, numbers + 1))
    found.replace(b"mdia", b"minf", b"stbl", b"stss", within=found.tracks()[0], content=content)
    assert not found.write(path)
    assert path.read_bytes() == before


def test_whatever_the_bytes_are_nothing_is_raised(tmp_path: Path) -> None:
    """Sizes, counts and places may be anything, and the file may end anywhere."""
    chance = random.Random(10)
    path = movie(tmp_path, WHOLE)
    whole = path.read_bytes()
    for _ in range(2000):
        bad = bytearray(whole[: chance.randrange(len(whole) + 1)] if chance.random() < 0.2 else whole)
        for _ in range(chance.randrange(1, 6) if bad else 0):
            bad[chance.randrange(len(bad))] = chance.choice((0, 1, 127, 255))
        path.write_bytes(bad)
        found = Movie.read(path)
        for part in found.tracks() if found else ():
            samples = SampleTable.read(found, part)
            list(samples.places(samples.sync[:100]))
            samples.times_s(samples.sync[:100])
