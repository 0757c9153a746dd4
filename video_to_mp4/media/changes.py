"""Finds out whether the format of a picture changes inside its stream, by what its key frames themselves say.

Two streams that were put one after the other, a camera that was turned, a broadcast that goes on with another film: the
container names the first format only, and decoders follow the parameters that come with the pictures. Some of the bytes
of those key frames are read whose packets were listed; no child is started.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from video_to_mp4.media.h264 import SequenceParameters, parsed_unit
from video_to_mp4.media.info import MediaInfo, StreamInfo
from video_to_mp4.media.picture import choose_picture

_HEAD_BYTES = 2048
"""Of a key frame: its parameters come first."""

_MOST_LOOKED_AT = 300
_BEFORE_THE_PICTURE = {"matroska": 4, "flv": 16}
"""How many bytes a container has between the place that ffprobe tells of a packet and the packet itself."""

_LENGTH_BYTES = 4
_START_CODE = re.compile(rb"\x00\x00\x01")
_MPEG_SEQUENCE = re.compile(rb"\x00\x00\x01\xb3(.{4})", re.DOTALL)
_MPEG4_LAYER = re.compile(rb"\x00\x00\x01[\x20-\x2f](.*?)\x00\x00\x01", re.DOTALL)
_VC1_SEQUENCE = re.compile(rb"\x00\x00\x01\x0f(.*?)\x00\x00\x01", re.DOTALL)
_JPEG_FRAME = re.compile(rb"\xff[\xc0-\xc2]\x00[\x0b\x11](.{6}(?:.{3}){1,3})", re.DOTALL)
_HEVC_SEQUENCE = 33

_Reader = Callable[[bytes], Hashable | None]


def with_changes(path: Path, info: MediaInfo, rows: Sequence[Mapping[str, Any]]) -> MediaInfo:
    """Return the info with how many formats the key frames of its picture have, of those packets that were listed."""
    stream = choose_picture(info)
    read = _READERS.get(stream.codec) if stream is not None else None
    if stream is None or read is None:
        return info
    found = [read(head) for head in _heads(path, stream, info, rows)]
    formats = {told for told in found if told is not None}
    if not formats:
        return info
    if found[0] is None and stream.configured:
        formats.add(stream.configured)
    may_have_fields = any(isinstance(told, SequenceParameters) and told.may_have_fields for told in formats)
    changed = replace(
        stream,
        parameter_sets=max(stream.parameter_sets, len(formats)),
        repeats_parameters=True,
        may_have_fields=stream.may_have_fields or may_have_fields,
    )
    return replace(info, streams=tuple(changed if s.index == stream.index else s for s in info.streams))


def _heads(path: Path, stream: StreamInfo, info: MediaInfo, rows: Sequence[Mapping[str, Any]]) -> list[bytes]:
    """Return the first bytes of key frames, from the first that was listed to the last."""
    places = [place for row in rows if (place := _place(row, stream.index)) is not None]
    spread = max(1, len(places) // _MOST_LOOKED_AT)
    before = next((count for name, count in _BEFORE_THE_PICTURE.items() if info.is_in(name)), 0)
    with path.open("rb") as file:
        return [os.pread(file.fileno(), _HEAD_BYTES, place + before) for place in places[::spread]]


def _place(row: Mapping[str, Any], index: int) -> int | None:
    position = str(row.get("pos"))
    is_key = row.get("stream_index") == index and "K" in str(row.get("flags"))
    return int(position) if is_key and position.isdigit() else None


def _units(head: bytes) -> list[bytes]:
    """Return the units of H.264 or HEVC: after a start code each, or each after its length; the last one is cut off."""
    if head.startswith((b"\0\0\0\1", b"\0\0\1")):
        return [unit for unit in _START_CODE.split(head) if unit]
    units, place = [], 0
    while place + _LENGTH_BYTES < len(head):
        size = int.from_bytes(head[place : place + _LENGTH_BYTES], "big")
        units.append(head[place + _LENGTH_BYTES : place + _LENGTH_BYTES + size])
        place += _LENGTH_BYTES + size
    return [unit for unit in units if unit]


def _h264_format(head: bytes) -> Hashable | None:
    told = (parsed_unit(unit) for unit in _units(head))
    return next((parameters for parameters in told if parameters is not None), None)


def _hevc_format(head: bytes) -> Hashable | None:
    return next((unit for unit in _units(head) if unit[0] >> 1 & 0x3F == _HEVC_SEQUENCE), None)


def _matched(pattern: re.Pattern[bytes]) -> _Reader:
    def read(head: bytes) -> Hashable | None:
        found = pattern.search(head)
        return found[1] if found else None

    return read


_READERS: Mapping[str, _Reader] = {
    "h264": _h264_format,
    "hevc": _hevc_format,
    "mpeg1video": _matched(_MPEG_SEQUENCE),
    "mpeg2video": _matched(_MPEG_SEQUENCE),
    "mpeg4": _matched(_MPEG4_LAYER),
    "vc1": _matched(_VC1_SEQUENCE),
    "mjpeg": _matched(_JPEG_FRAME),
}
"""By codec: what reads the format of a picture from the first bytes of a key frame; None where it is not told there."""
