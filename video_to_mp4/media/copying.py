"""When a stream can go into the MP4 as it is, without loss and in seconds; and what shows that it did not go well.

A plain `-c copy` always exits with 0, yet one result in eight does not play and one in ten has lost frames or shows
them in the wrong order. With this gate, and a look at what ffmpeg said, nearly all are the source bit by bit.
"""

from __future__ import annotations

from video_to_mp4.media.channels import CHANNELS_BY_LAYOUT
from video_to_mp4.media.colour import is_wide
from video_to_mp4.media.info import MediaInfo, SoundTimes, StreamInfo

COPIED_PROFILES = frozenset({"Constrained Baseline", "Baseline", "Main", "High"})
COPIED_PIXEL_FORMATS = frozenset({"yuv420p", "yuvj420p"})
_HIGHEST_LEVEL = 52
MOST_SHIFTED_S = 0.02
"""Chromium plays packets one after the other and never looks at a later one's time."""

OUT_OF_SYNC = "it has holes or overlaps, so that players would be out of sync"

_BAD_SIGNS = (
    "non-monoton",
    "corrupt",
    "invalid nal",
    "ended prematurely",
    "out of order",
    "start code",
    "edit list",
    "decode_slice",
    "missing picture",
    "overread",
    "non-intra",
    "partial file",
)


def picture_obstacle(stream: StreamInfo, info: MediaInfo) -> str:
    """Say why the picture can't be copied; empty when it can."""
    obstacles = (
        (stream.codec != "h264", f"{stream.codec} does not play everywhere"),
        (not _is_well_ordered(stream, info), "its container does not keep the order of pictures"),
        (
            stream.profile not in COPIED_PROFILES,
            f"the profile {stream.profile or 'of this stream'} does not play everywhere",
        ),
        (stream.pixel_format not in COPIED_PIXEL_FORMATS, "its pixel format does not play everywhere"),
        (not 0 < stream.level <= _HIGHEST_LEVEL, "its level does not play everywhere"),
        (_may_be_interlaced(stream), "it may be interlaced"),
        (any(stream.crop), "its container says that its edges are not to be shown"),
        (stream.pixel_shape not in (None, 1) or stream.has_absurd_shape, "its pixels are not square"),
        (bool(stream.width % 2 or stream.height % 2), "its size is odd"),
        (not stream.is_turned_plainly, "it is mirrored or turned by an odd angle"),
        (is_wide(stream), "its colours are not those of a normal screen"),
        (bool(stream.sizes), "its size changes on the way"),
        (stream.parameter_sets > 1, "its format changes on the way"),
        (bool(stream.hidden_packets) and not stream.hides_its_end, "it was trimmed without cutting"),
    )
    return next((words for is_met, words in obstacles if is_met), "")


def sound_obstacle(stream: StreamInfo, info: MediaInfo) -> str:
    """Say why a sound track can't be copied; empty when it can."""
    obstacles = (
        (not info.is_in("mp4", "matroska", "flv"), "its container does not keep it well"),
        (stream.codec != "aac", f"{stream.codec} does not play everywhere"),
        (stream.profile != "LC", f"the AAC profile {stream.profile or 'of this track'} does not play everywhere"),
        (stream.channel_layout not in CHANNELS_BY_LAYOUT, "its channel layout does not play everywhere"),
        (not 8_000 <= stream.sample_rate <= 48_000, "its sample rate does not play everywhere"),
        (stream.sound_times is not None and is_shifted(stream.sound_times), OUT_OF_SYNC),
    )
    return next((words for is_met, words in obstacles if is_met), "")


def is_shifted(times: SoundTimes) -> bool:
    """Say whether times lead away from the packets for good, and noticeably: what jumps back and forth does not."""
    return times.shift_s is not None and times.shift_s - times.jitter_s > MOST_SHIFTED_S


def bad_signs(stderr: str, is_picture_copied: bool) -> list[str]:
    """Return the lines of ffmpeg's log that make a copy doubtful.

    Beside an encoded picture, whose decoder may complain of anything, only one sign tells of a copied sound track.
    """
    signs = _BAD_SIGNS if is_picture_copied else _BAD_SIGNS[:1]
    return [line for line in stderr.splitlines() if any(sign in line.lower() for sign in signs)]


def _may_be_interlaced(stream: StreamInfo) -> bool:
    """What the first pictures say holds for all only where the parameters, or pictures all over the film, agree."""
    is_told = not stream.may_have_fields or stream.scan == "progressive"
    return stream.field_order != "progressive" or not is_told


def _is_well_ordered(stream: StreamInfo, info: MediaInfo) -> bool:
    """AVI has no presentation times, so pictures that are stored in another order come out in that order."""
    return info.is_in("mp4", "matroska", "flv") or (info.is_in("avi") and stream.has_b_frames == 0)
