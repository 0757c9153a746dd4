"""Reads and rewrites tables of an MP4 with one track, by counting bytes alone."""

from __future__ import annotations

import struct

_TABLE = (b"moov", b"trak", b"mdia", b"minf", b"stbl")


def path_to(data: bytes, *kinds: bytes) -> list[tuple[int, int]]:
    """Return place and size of each box on the way to the last of them."""
    found, start, end = [], 0, len(data)
    for kind in kinds:
        while data[start + 4 : start + 8] != kind:
            assert start < end
            start += struct.unpack(">I", data[start : start + 4])[0]
        size = struct.unpack(">I", data[start : start + 4])[0]
        found.append((start, size))
        start, end = start + 8, start + size
    return found


def content(data: bytes, kind: bytes) -> bytes:
    """Return what is in a box of the sample table."""
    place, size = path_to(data, *_TABLE, kind)[-1]
    return data[place + 8 : place + size]


def replaced(data: bytes, kind: bytes, new: bytes) -> bytes:
    """Return the file with another content of a box of the sample table; the index must stand behind the samples."""
    boxes = path_to(data, *_TABLE, kind)
    place, size = boxes[-1]
    out = bytearray(data[:place] + struct.pack(">I4s", 8 + len(new), kind) + new + data[place + size :])
    for outer, _ in boxes[:-1]:
        grown = struct.unpack(">I", out[outer : outer + 4])[0] + 8 + len(new) - size
        out[outer : outer + 4] = struct.pack(">I", grown)
    return bytes(out)
