"""Checks a result's subtitles and chapters against those that were prepared for it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise

from video_to_mp4.media.cues import Cue
from video_to_mp4.media.info import MediaInfo, StreamInfo
from video_to_mp4.media.plan import Plan
from video_to_mp4.media.prepared import Prepared
from video_to_mp4.media.sampling import Rows
from video_to_mp4.media.target import is_of_quicktime

_LEEWAY_S = 0.05


def text_faults(result: MediaInfo, rows: Rows, plan: Plan, prepared: Prepared) -> list[str]:
    """Return what is wrong with a result's subtitles and chapters; nothing when all is well.

    `rows` are the packets that were looked at anyway: in the whole of a short result, in three places of a long one. In
    an MP4 the number of samples and when the last one ends tell whether a time between was lost.
    """
    faults = []
    for track, stream in zip(result.of_kind("subtitle"), plan.captions, strict=True):
        caption = prepared.captions.get(stream.index)
        if caption is not None:
            faults += _track_faults(track, rows, caption.cues, counts=is_of_quicktime(plan.options.encoding.container))
        if track.language not in (stream.language, ""):
            faults.append(f"The language of subtitle track {track.index} is {track.language}.")
    if prepared.chapters is not None and len(result.chapters) != len(plan.chapters):
        faults.append(f"The result has {len(result.chapters)} chapters instead of {len(plan.chapters)}.")
    return faults


def _track_faults(track: StreamInfo, rows: Rows, cues: Sequence[Cue], *, counts: bool) -> list[str]:
    faults = _count_faults(track, cues) if counts else []
    changes_s = sorted({0.0, *(at_ms / 1000 for cue in cues for at_ms in (cue.start_ms, cue.end_ms))})
    for row in rows:
        if row.get("type") == "packet" and row.get("stream_index") == track.index:
            at_s = _seconds(row.get("dts_time"))
            if at_s is not None and not _is_near(at_s, changes_s):
                faults.append(f"Subtitle track {track.index} has a line at {at_s:.2f} s, where none should be.")
    return faults


def _count_faults(track: StreamInfo, cues: Sequence[Cue]) -> list[str]:
    """In MP4 a pause is a sample, too; ffmpeg writes one after each line, be there a pause or not."""
    pauses = (cues[0].start_ms > 0) + sum(after.start_ms > cue.end_ms for cue, after in pairwise(cues))
    fewest, most, end_s = len(cues) + pauses, 2 * len(cues) + 1, cues[-1].end_ms / 1000
    faults = []
    if not fewest <= (track.frames or 0) <= most:
        faults.append(f"Subtitle track {track.index} has {track.frames} samples instead of {fewest}.")
    found_s = (track.start_s or 0.0) + (track.duration_s or 0.0)
    if abs(found_s - end_s) > _LEEWAY_S:
        faults.append(
            f"The last line of subtitle track {track.index} ends at {found_s:.2f} s instead of {end_s:.2f} s."
        )
    return faults


def _is_near(at_s: float, ordered_s: Sequence[float]) -> bool:
    place = bisect_left(ordered_s, at_s - _LEEWAY_S)
    return place < len(ordered_s) and ordered_s[place] <= at_s + _LEEWAY_S


def _seconds(text: object) -> float | None:
    try:
        return float(str(text))
    except ValueError:
        return None
