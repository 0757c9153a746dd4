"""Reads what the bytes of H.264 (ITU-T H.264) say, where the container or ffprobe says nothing, or too much."""

from __future__ import annotations

import os

_SLICES = frozenset({1, 2, 5})
_IDR = 5
_MOST_UNITS = 64
"""Of a picture, before its first slice: parameters, and messages such as captions."""


def begins_anew(file: int, place: int, size: int, *, length_bytes: int) -> bool:
    """Say whether a picture is an IDR picture: nothing after it refers to anything before it.

    `file` is a descriptor, and the picture is stored as in MP4, each unit after its length. A recovery point is none:
    pictures that are shown after it may need some from before it.
    """
    end = place + size
    for _ in range(_MOST_UNITS):
        head = os.pread(file, length_bytes + 1, place)
        if len(head) <= length_bytes or place >= end:
            return False
        kind = head[-1] & 0x1F
        if kind in _SLICES:
            return kind == _IDR
        place += length_bytes + int.from_bytes(head[:-1], "big")
    return False
