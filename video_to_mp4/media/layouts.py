"""Finds out how many channels the sound of a broadcast has, where that may change on the way.

A spot or the end of another programme comes first, in mono or stereo, and the film after it in surround: the beginning
is no guide then. It costs such sources one more child, which decodes the sound of a small file, and that in some places
of a large one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from video_to_mp4.media.frames import listed_frames
from video_to_mp4.media.info import MediaInfo, StreamInfo

_WHOLE_BELOW_BYTES = 32 * 1024 * 1024
_PLACES = 16
_PACKETS_EACH = 8
_ENOUGH = 0.25
"""The most channels are taken that so much of what was heard has."""

_Layout = tuple[int, str]
"""How many channels, and what ffmpeg calls them."""


async def with_most_channels(path: Path, info: MediaInfo, *, ffprobe: str) -> MediaInfo:
    """Return the info of a broadcast with more channels for sound tracks that begin with few; others as they are."""
    sounds = [stream for stream in info.of_kind("audio") if stream.is_decodable and stream.packets != 0]
    if not sounds or not info.is_in("mpegts", "mpeg"):
        return info
    heard = await _heard(path, info, len(sounds), ffprobe)
    streams = (_with_layout(stream, heard.get(stream.index, Counter())) for stream in info.streams)
    return replace(info, streams=tuple(streams))


def _with_layout(stream: StreamInfo, heard: Counter[_Layout]) -> StreamInfo:
    enough = [layout for layout, count in heard.items() if count >= _ENOUGH * heard.total()]
    channels, name = max(enough, default=(0, ""))
    return replace(stream, channels=channels, channel_layout=name) if 0 < stream.channels < channels else stream


async def _heard(path: Path, info: MediaInfo, sounds: int, ffprobe: str) -> Mapping[int, Counter[_Layout]]:
    """Return how many frames of each track have which layout."""
    flags = ["-select_streams", "a"]
    ends_s = [stream.end_s for stream in info.of_kind("audio") if stream.end_s is not None]
    if info.size_bytes > _WHOLE_BELOW_BYTES and ends_s:
        step_s = (max(ends_s) - info.start_s) / _PLACES
        places = [f"{info.start_s + step_s * number:.3f}%+#{_PACKETS_EACH * sounds}" for number in range(_PLACES)]
        flags += ["-read_intervals", ",".join(places)]
    return _counted(await listed_frames(path, flags, "stream_index,channels,channel_layout", ffprobe=ffprobe))


def _counted(frames: Sequence[Mapping[str, Any]]) -> Mapping[int, Counter[_Layout]]:
    heard: dict[int, Counter[_Layout]] = {}
    for frame in frames:
        index, channels, name = (frame.get(key) for key in ("stream_index", "channels", "channel_layout"))
        if isinstance(index, int) and isinstance(channels, int):
            heard.setdefault(index, Counter())[channels, name if isinstance(name, str) else ""] += 1
    return heard
