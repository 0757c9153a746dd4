"""Boxes of an MP4, put together by hand."""

from __future__ import annotations

import struct


def box(kind: bytes, *content: bytes) -> bytes:
    """Return a box with its header."""
    whole = b"".join(content)
    return struct.pack(">I4s", 8 + len(whole), kind) + whole


def table(kind: bytes, *numbers: int, rows: int | None = None, code: str = "I") -> bytes:
    """Return a box with a version, flags, a number of rows and these numbers."""
    count = len(numbers) if rows is None else rows
    return box(kind, bytes(4), struct.pack(f">I{len(numbers)}{code}", count, *numbers))
