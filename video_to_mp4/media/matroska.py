"""Reads from the head of a Matroska file (RFC 9559) what ffprobe does not tell, or did not before ffmpeg 7.1.

Whatever makes no sense ends an element or the whole head; nothing here raises for it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

_EBML = 0x1A45DFA3
_SEGMENT = 0x18538067
_CLUSTER = 0x1F43B675
_TRACKS = 0x1654AE6B
_TRACK = 0xAE
_TRACK_TYPE = 0x83
_CODEC_PRIVATE = 0x63A2
_VIDEO = 0xE0
_CROPS = (0x54CC, 0x54DD, 0x54BB, 0x54AA)
_DISPLAY = (0x54B0, 0x54BA)
_IS_VIDEO = 1

_MOST_ELEMENTS = 256
_LARGEST_HEAD_BYTES = 4 * 1024**2
_LONGEST_HEADER_BYTES = 12

Element = tuple[int, bytes]


@dataclass(frozen=True)
class MatroskaPicture:
    """What a track with a picture says of itself."""

    parameters: bytes
    """The codec's, in the form that Matroska has for it; of H.264 that of MP4's box avcC."""
    crop: tuple[int, int, int, int]
    """How many pixels are not to be shown, left, right, at the top and at the bottom."""
    display: tuple[int, int]
    """The shape of what is shown, as two lengths; zeros where it is not said."""


def pictures_of(path: Path) -> list[MatroskaPicture]:
    """Return the tracks with a picture in the file's order; none where the head makes no sense."""
    with path.open("rb") as file:
        tracks = _tracks(file)
    found = [dict(elements_in(content)) for kind, content in elements_in(tracks) if kind == _TRACK]
    return [_picture(track) for track in found if _number(track.get(_TRACK_TYPE)) == _IS_VIDEO]


def elements_in(data: bytes) -> Iterator[Element]:
    """Return the elements that follow each other in the content of another, up to the first that makes no sense."""
    place = 0
    for _ in range(_MOST_ELEMENTS):
        kind, size, length = _header(data[place : place + _LONGEST_HEADER_BYTES])
        place += length
        if not length or size is None or size > len(data) - place:
            return
        yield kind, data[place : place + size]
        place += size


def _picture(track: dict[int, bytes]) -> MatroskaPicture:
    video = dict(elements_in(track.get(_VIDEO, b"")))
    left, right, top, bottom = (_number(video.get(name)) for name in _CROPS)
    width, height = (_number(video.get(name)) for name in _DISPLAY)
    return MatroskaPicture(track.get(_CODEC_PRIVATE, b""), (left, right, top, bottom), (width, height))


def _tracks(file: BinaryIO) -> bytes:
    """Return the content of the list of tracks, which stands before the first cluster."""
    end = file.seek(0, os.SEEK_END)
    file.seek(0)
    for _ in range(_MOST_ELEMENTS):
        place = file.tell()
        kind, size, length = _header(file.read(_LONGEST_HEADER_BYTES))
        file.seek(place + length)
        if kind == _SEGMENT:
            continue  # and on with what is in it, which may be of unknown size
        if not length or size is None or kind == _CLUSTER or (place == 0 and kind != _EBML):
            break
        if kind == _TRACKS:
            return file.read(min(size, _LARGEST_HEAD_BYTES))
        if size > end - place:
            break
        file.seek(size, os.SEEK_CUR)
    return b""


def _header(data: bytes) -> tuple[int, int | None, int]:
    """Return the kind and the size of an element, None for an unknown one, and how long its header is; 0 if bad."""
    kind_bytes = _length(data[:1], 4)
    size_bytes = _length(data[kind_bytes : kind_bytes + 1], 8)
    whole = kind_bytes + size_bytes
    if not kind_bytes or not size_bytes or len(data) < whole:
        return 0, None, 0
    size = int.from_bytes(data[kind_bytes:whole], "big") & (1 << 7 * size_bytes) - 1
    return int.from_bytes(data[:kind_bytes], "big"), None if size == (1 << 7 * size_bytes) - 1 else size, whole


def _length(first: bytes, most: int) -> int:
    """Return how long a number is, which its first byte says; 0 when it is too long to be one."""
    length = 9 - first[0].bit_length() if first else 9
    return length if length <= most else 0


def _number(content: bytes | None) -> int:
    return int.from_bytes(content[:8], "big") if content else 0
