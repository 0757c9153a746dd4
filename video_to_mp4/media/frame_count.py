"""Compares how many frames a result has with how many its source's packets promise."""

from __future__ import annotations

import re

from video_to_mp4.media.clock import Times
from video_to_mp4.media.failure import tells_of_damage
from video_to_mp4.media.info import StreamInfo
from video_to_mp4.media.picture import may_be_interlaced
from video_to_mp4.media.plan import Plan

_NOTICED_SHARE = 0.01
_HIDDEN_SHARE = 0.1
_HIDE_FRAMES = frozenset({"vp8", "vp9", "av1"})
"""Some of their packets hold a picture that is only referred to, one in sixteen at most by libvpx."""

_FIELD_CODECS = frozenset({"h264", "hevc"})
_RATE_OF_FIELDS = 1.6
"""Packets that come so much faster than frames are fields, two of which make a frame."""

_BROKEN = re.compile(r"corrupt decoded frame in stream (\d+)|\[vist#\d+:(\d+)/.*corrupt decoded frame")
"""Of ffmpeg 5.1, and of newer ones."""

_REPEATED = re.compile(r"Last message repeated (\d+) times")


def frame_remark(plan: Plan, found: int | None, stderr: str) -> str:
    """Return what the user is told when over 1 % of the frames are missing, added or broken; empty when all is well.

    `found` is how many the result has, where its container counts them; `stderr` says whether ffmpeg found damage.
    """
    return _count_remark(plan, found, stderr) or _broken_remark(plan, found, stderr)


def _broken_remark(plan: Plan, found: int | None, stderr: str) -> str:
    """Tell of frames that are there, but were not read whole: the decoder filled their holes with what was near."""
    broken, was_one = 0, False
    for line in stderr.splitlines():
        told, repeated = _BROKEN.search(line), _REPEATED.search(line)
        if told is not None:
            was_one = int(told[1] or told[2]) == plan.picture.stream.index
            broken += was_one
        elif repeated is not None:
            broken += int(repeated[1]) if was_one else 0
        else:
            was_one = False
    if not found or broken <= _NOTICED_SHARE * found:
        return ""
    return f"The source is damaged: parts of {min(broken, found)} of {found} frames could not be read."


def _count_remark(plan: Plan, found: int | None, stderr: str) -> str:
    source = plan.picture.stream
    if source.pace is None or source.packets is None or not found or _differs_rightly(plan):
        return ""
    fewest, most = _fewest(source), source.packets + source.hidden_packets
    lost, added = fewest - found, found - most
    if lost > _leeway(source) * fewest:
        if tells_of_damage(stderr):
            return f"The source is damaged: {lost} of {fewest} frames could not be read."
        return f"{lost} of the source's {fewest} frames are missing."
    if added > 1 + _NOTICED_SHARE * most:
        return f"The result has {found} frames, the source {most}."
    return ""


def _differs_rightly(plan: Plan) -> bool:
    """Say whether frames were left out or repeated on purpose."""
    is_copied = plan.copies_picture
    return plan.options.encoding.extra.is_cut or (plan.picture.times is Times.STEADY and not is_copied)


def _leeway(source: StreamInfo) -> float:
    return _HIDDEN_SHARE if source.codec in _HIDE_FRAMES else _NOTICED_SHARE


def _fewest(source: StreamInfo) -> int:
    """Return how many frames must come of the packets at least."""
    assert source.pace is not None, "the caller looked"
    frames = source.pace.frames
    return (frames + 1) // 2 if may_be_interlaced(source) and _may_be_fields(source) else frames


def _may_be_fields(source: StreamInfo) -> bool:
    if not source.field_order:
        return source.codec in _FIELD_CODECS
    rate, claimed = source.pace.rate if source.pace else None, source.average_rate
    return rate is not None and claimed is not None and rate > _RATE_OF_FIELDS * claimed
