"""Streams and files made of a few facts, for the tests of rules that are pure."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

from video_to_mp4.media.info import MediaInfo, SoundTimes, StreamInfo

_PICTURE = StreamInfo(
    index=0,
    kind="video",
    codec="h264",
    profile="High",
    level=40,
    width=1920,
    height=1080,
    pixel_format="yuv420p",
    pixel_shape=Fraction(1),
    field_order="progressive",
    may_have_fields=False,
    average_rate=Fraction(25),
    base_rate=Fraction(25),
    time_base=Fraction(1, 1000),
    start_s=0.0,
    last_s=59.96,
    end_s=60.0,
    packets=1500,
)
_SOUND = StreamInfo(
    index=1,
    kind="audio",
    codec="aac",
    profile="LC",
    channels=2,
    channel_layout="stereo",
    sample_rate=48_000,
    start_s=0.0,
    end_s=60.0,
    packets=2813,
    sound_times=SoundTimes(played_s=60.0, shift_s=0.0, jitter_s=0.0, are_false=False),
)


def picture(**facts: Any) -> StreamInfo:
    """Return a picture that plays everywhere (H.264 High, 1080p25), but for the given facts."""
    return replace(_PICTURE, **facts)


def sound(**facts: Any) -> StreamInfo:
    """Return a sound track that plays everywhere (AAC-LC, stereo, 48 kHz), but for the given facts."""
    return replace(_SOUND, **facts)


def other(kind: str, index: int, codec: str, **facts: Any) -> StreamInfo:
    """Return a stream of another kind."""
    return replace(StreamInfo(index=index, kind="data", codec=codec, **facts), kind=kind)


def media(*streams: StreamInfo, container: str = "matroska,webm", **facts: Any) -> MediaInfo:
    """Return a file of 60 s with these streams; with a picture and a sound track when none are given."""
    facts = {"claimed_duration_s": 60.0, "size_bytes": 1_000_000, **facts}
    return MediaInfo(container=container, streams=streams or (picture(), sound()), **facts)
