"""Reads the index of an MP4 (ISO/IEC 14496-12), and changes it in place: no sample is moved by what is done here.

The index of a film of 20 GB has some ten megabytes, so its tables are read by the array, not by the entry. Whatever
makes no sense ends a box, a table or the whole index; nothing here raises for it.
"""

from __future__ import annotations

import os
import struct
import sys
from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import BinaryIO, Self

_LARGEST_INDEX_BYTES = 256 * 1024**2
_MOST_OUTER_BOXES = 64
_HEADER_BYTES = 8
_LONG_HEADER_BYTES = 16
_FULL_HEADER_BYTES = 4
"""Version and flags, with which the content of most boxes begins."""


@dataclass(frozen=True)
class Box:
    """Where a box lies in the bytes that were read."""

    kind: bytes
    start: int
    end: int

    @property
    def content(self) -> int:
        """Where its header ends."""
        return self.start + _HEADER_BYTES


def boxes_in(data: bytes | bytearray, start: int, end: int) -> Iterator[Box]:
    """Return the boxes that follow each other between two places, up to the first that makes no sense."""
    while start + _HEADER_BYTES <= end:
        size, kind = struct.unpack_from(">I4s", data, start)
        if not _HEADER_BYTES <= size <= end - start:
            return
        yield Box(kind, start, start + size)
        start += size


@dataclass
class Movie:
    """The index of an MP4, and where it lies in its file."""

    data: bytearray
    place: int
    room: int
    """How many bytes it may take in the file: its own, and those of a box behind it that nothing uses."""

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """Read it; None where there is none, or one that is too large to be true."""
        with path.open("rb") as file:
            outer = list(_outer_boxes(file))
            for number, (kind, place, size) in enumerate(outer):
                if kind == b"moov" and size <= _LARGEST_INDEX_BYTES:
                    following = outer[number + 1] if number + 1 < len(outer) else (b"", 0, 0)
                    file.seek(place)
                    data = bytearray(file.read(size))
                    return cls(data, place, size + following[2] if following[0] == b"free" else size)
        return None

    def find(self, *kinds: bytes, within: Box | None = None) -> tuple[Box, ...]:
        """Return the boxes on the way to the first one of the last kind, itself included; none when it is missing."""
        found = [within or Box(b"moov", 0, len(self.data))]
        for kind in kinds:
            inner = boxes_in(self.data, found[-1].content, found[-1].end)
            box = next((box for box in inner if box.kind == kind), None)
            if box is None:
                return ()
            found.append(box)
        return tuple(found)

    def tracks(self) -> list[Box]:
        """Return the boxes of the tracks."""
        return [box for box in boxes_in(self.data, _HEADER_BYTES, len(self.data)) if box.kind == b"trak"]

    def number_of(self, track: Box) -> int:
        """Return the track's own number; 0 when it has none."""
        header = self.content(b"tkhd", within=track)
        place = 20 if header[:1] == b"\x01" else 12
        return int.from_bytes(header[place : place + 4], "big")

    def content(self, *kinds: bytes, within: Box) -> bytes:
        """Return what is in a box; nothing when it is missing."""
        way = self.find(*kinds, within=within)
        return bytes(self.data[way[-1].content : way[-1].end]) if way else b""

    def replace(self, *kinds: bytes, within: Box, content: bytes) -> None:
        """Give a box another content. Other boxes found before lie elsewhere after that."""
        way = self.find(*kinds, within=within)
        if not way:
            return
        box = way[-1]
        growth = len(content) - (box.end - box.content)
        for outer in (Box(b"moov", 0, len(self.data)), *way):
            self._resize(outer, growth)
        self.data[box.content : box.end] = content

    def write(self, path: Path) -> bool:
        """Put it back where it was read; False, and nothing is written, where there is no room for it."""
        spare = self.room - len(self.data)
        if spare < 0 or 0 < spare < _HEADER_BYTES:
            return False
        rest = struct.pack(">I4s", spare, b"free") if spare else b""
        with path.open("r+b") as file:
            file.seek(self.place)
            file.write(self.data + rest)
        return True

    def _resize(self, box: Box, growth: int) -> None:
        struct.pack_into(">I", self.data, box.start, box.end - box.start + growth)


def _outer_boxes(file: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    """Return kind, place and size of the boxes of a file; of a large one, whose size takes 64 bits, too."""
    end, place = file.seek(0, os.SEEK_END), 0
    for _ in range(_MOST_OUTER_BOXES):
        file.seek(place)
        header = file.read(_LONG_HEADER_BYTES)
        if len(header) < _HEADER_BYTES:
            return
        size, kind = struct.unpack_from(">I4s", header)
        if size == 1 and len(header) == _LONG_HEADER_BYTES:
            size = struct.unpack_from(">Q", header, _HEADER_BYTES)[0]
        if not _HEADER_BYTES <= size <= end - place:
            return
        yield kind, place, size
        place += size


@dataclass(frozen=True)
class SampleTable:
    """Which samples a track has. They are numbered from 1, as in the standard."""

    sync: Sequence[int]
    """Numbers of those from which decoding can begin, as the index has them."""
    has_sync_list: bool
    """Without a list each sample is one of them."""
    count: int
    _sizes: Sequence[int]
    _chunk_places: Sequence[int]
    _chunk_firsts: Sequence[int]
    """How many samples lie before each chunk."""
    _durations: Sequence[tuple[int, int]]
    timescale: int

    @classmethod
    def read(cls, movie: Movie, track: Box) -> Self:
        """Read the tables of a track; of what is missing or cut off, they have less."""

        def table(kind: bytes) -> bytes:
            return movie.content(b"mdia", b"minf", b"stbl", kind, within=track)

        sizes = _sizes(table(b"stsz"))
        listed = table(b"stss")
        places = entries_in(table(b"co64"), "Q") if table(b"co64") else entries_in(table(b"stco"), "I")
        times = entries_in(table(b"stts"), "I", columns=2)
        return cls(
            sync=entries_in(listed, "I") if listed else range(1, len(sizes) + 1),
            has_sync_list=bool(listed),
            count=len(sizes),
            _sizes=list(accumulate(sizes, initial=0)),
            _chunk_places=places,
            _chunk_firsts=_chunk_firsts(entries_in(table(b"stsc"), "I", columns=3), len(places)),
            _durations=list(zip(times[::2], times[1::2], strict=False)),
            timescale=_timescale(movie.content(b"mdia", b"mdhd", within=track)),
        )

    def places(self, numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
        """Return place in the file and size of samples; of one that does not exist, nothing."""
        for number in numbers:
            chunk = bisect_right(self._chunk_firsts, number - 1) - 1
            if 1 <= number <= self.count and 0 <= chunk < len(self._chunk_places):
                before = self._sizes[number - 1] - self._sizes[min(self._chunk_firsts[chunk], self.count)]
                yield self._chunk_places[chunk] + before, self._sizes[number] - self._sizes[number - 1]

    def shift_s(self, sample_s: float) -> float:
        """Return how far from where it would be, if all before it took so long, a sample begins, at most."""
        usual = sample_s * self.timescale
        *others, (count, last) = self._durations or [(1, 0)]
        offsets = accumulate(count * (each - usual) for count, each in (*others, (count - 1, last)))
        return max(map(abs, offsets)) / self.timescale

    def times_s(self, numbers: Sequence[int]) -> list[float]:
        """Return when samples are decoded, counted from the first one."""
        firsts = list(accumulate((count for count, _ in self._durations), initial=0))
        starts = list(accumulate((count * each for count, each in self._durations), initial=0))
        runs = [min(bisect_right(firsts, number - 1), len(self._durations)) - 1 for number in numbers]
        return [
            (starts[run] + (number - 1 - firsts[run]) * self._durations[run][1]) / self.timescale
            for run, number in zip(runs, numbers, strict=True)
            if run >= 0
        ]


def entries_in(content: bytes, code: str, *, columns: int = 1) -> Sequence[int]:
    """Return the numbers of a table whose content is version, flags, count and rows; no more than there are."""
    start = _FULL_HEADER_BYTES + 4
    if len(content) < start:
        return ()
    count = struct.unpack_from(">I", content, _FULL_HEADER_BYTES)[0] * columns
    return _numbers(content[start:], code, count)


def _numbers(content: bytes, code: str, count: int) -> Sequence[int]:
    found = array(code)
    found.frombytes(content[: min(count, len(content) // found.itemsize) * found.itemsize])
    if sys.byteorder == "little":
        found.byteswap()
    return found


def _sizes(content: bytes) -> Sequence[int]:
    start = _FULL_HEADER_BYTES + 8
    if len(content) < start:
        return ()
    each, count = struct.unpack_from(">II", content, _FULL_HEADER_BYTES)
    return [each] * min(count, _LARGEST_INDEX_BYTES // 4) if each else _numbers(content[start:], "I", count)


def _chunk_firsts(rows: Sequence[int], chunks: int) -> Sequence[int]:
    """Return how many samples lie before each chunk, from runs of chunks that have the same number of samples."""
    lengths: list[int] = []
    begins = rows[::3]
    for number, (begin, each) in enumerate(zip(begins, rows[1::3], strict=False)):
        end = begins[number + 1] if number + 1 < len(begins) else chunks + 1
        lengths += [each] * max(0, min(end, chunks + 1) - begin)
    return list(accumulate(lengths[:chunks], initial=0))


def _timescale(content: bytes) -> int:
    """Return how many units of time a second has; 1 where it is not said."""
    place = 20 if content[:1] == b"\x01" else 12
    return (struct.unpack_from(">I", content, place)[0] if len(content) >= place + 4 else 0) or 1
