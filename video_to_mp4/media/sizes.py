"""Finds out which size most of a film has, where that may change on the way.

Recordings of calls begin small and grow with the connection, a phone is turned, broadcasts go on with another film:
the beginning is no guide then. Only sources of such a kind cost a further child, which decodes key frames: all of a
small file, those of some places of a large one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from operator import itemgetter
from pathlib import Path
from typing import Any

from video_to_mp4.media.colour import SCALED_MATRICES
from video_to_mp4.media.frames import listed_frames
from video_to_mp4.media.info import MediaInfo, Size, StreamInfo, sane_pixel_shape
from video_to_mp4.media.picture import choose_picture

_WHOLE_BELOW_BYTES = 32 * 1024 * 1024
_PLACES = 16
_WITH_EACH_KEY_FRAME = frozenset({"vp8", "vp9", "av1"})
"""Codecs of calls and screen recordings, whose key frames may have any size in any container."""

_ENOUGH = 0.25
"""The largest size is taken if it has this share of the time; else the one that has most."""


async def sized(path: Path, info: MediaInfo, *, ffprobe: str) -> MediaInfo:
    """Return the info with the picture's size that is best for all of the film, and whether its matrix changes."""
    stream = choose_picture(info)
    if stream is None or not _may_change(stream, info):
        return info
    looked_at = await _look(path, stream, info, ffprobe)
    matrices = {frame.get("color_space") for frame in looked_at} & SCALED_MATRICES
    stream = replace(stream, changes_matrix=len(matrices) > 1)
    return replace(
        info, streams=tuple(s if s.index != stream.index else _fitted(stream, info, looked_at) for s in info.streams)
    )


def _fitted(stream: StreamInfo, info: MediaInfo, looked_at: Sequence[Mapping[str, Any]]) -> StreamInfo:
    """Return the stream with the best of the sizes that were seen."""
    seen = [_first(stream, info), *_sizes(looked_at)]
    sizes = {size for _, size in seen}
    if len(sizes) < 2:
        return stream
    best = _best(sorted(seen, key=itemgetter(0)), stream.end_s)
    others = sorted(sizes - {best}, key=lambda size: (size.area, size.width))
    return replace(
        stream,
        width=best.width,
        height=best.height,
        pixel_shape=best.shape,
        sizes=(best, *others),
        first_height=stream.height if stream.codec in _WITH_EACH_KEY_FRAME else 0,
        crop=(0, 0, 0, 0),
    )


def _may_change(stream: StreamInfo, info: MediaInfo) -> bool:
    if stream.codec in _WITH_EACH_KEY_FRAME or stream.parameter_sets > 1 or info.is_in("mpegts", "mpeg"):
        return True
    return stream.repeats_parameters and info.size_bytes > _WHOLE_BELOW_BYTES  # only its ends were looked at


def _first(stream: StreamInfo, info: MediaInfo) -> tuple[float, Size]:
    """Return what the file begins with; some decoders leave out the first key frame."""
    return stream.start_s or info.start_s, Size(stream.width, stream.height, stream.pixel_shape or Fraction(1))


async def _look(path: Path, stream: StreamInfo, info: MediaInfo, ffprobe: str) -> list[Mapping[str, Any]]:
    """Return what ffprobe says of key frames, in the order of time."""
    flags = ["-skip_frame", "nokey", "-select_streams", str(stream.index)]
    if info.size_bytes > _WHOLE_BELOW_BYTES and stream.end_s is not None:
        length_s = stream.end_s - info.start_s
        places = [f"{info.start_s + length_s * number / _PLACES:.3f}%+#1" for number in range(_PLACES)]
        flags += ["-read_intervals", ",".join(places)]
    return await listed_frames(path, flags, "pts_time,width,height,sample_aspect_ratio,color_space", ffprobe=ffprobe)


def _sizes(frames: Sequence[Mapping[str, Any]]) -> list[tuple[float, Size]]:
    found = [(_at_s(frame), _size(frame)) for frame in frames]
    return [(at_s, size) for at_s, size in found if at_s is not None and size.width and size.height]


def _size(frame: Mapping[str, Any]) -> Size:
    width, height = (value if isinstance(value, int) else 0 for value in (frame.get("width"), frame.get("height")))
    return Size(width, height, sane_pixel_shape(frame.get("sample_aspect_ratio")) or Fraction(1))


def _at_s(frame: Mapping[str, Any]) -> float | None:
    try:
        return float(frame["pts_time"])
    except (KeyError, ValueError):
        return None


def _best(seen: Sequence[tuple[float, Size]], end_s: float | None) -> Size:
    last_s = max(seen[-1][0], end_s or 0.0)
    lasts_s: dict[Size, float] = {}
    for (from_s, size), (to_s, _) in pairwise([*seen, (last_s, seen[-1][1])]):
        lasts_s[size] = lasts_s.get(size, 0.0) + to_s - from_s
    whole_s = sum(lasts_s.values())
    largest = max(lasts_s, key=lambda size: (size.area, lasts_s[size]))
    is_enough = lasts_s[largest] >= _ENOUGH * whole_s
    return largest if is_enough else max(lasts_s, key=lambda size: lasts_s[size])
