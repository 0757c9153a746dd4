"""What packets say of their streams, from ffprobe's rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from video_to_mp4.media.info import MediaInfo, StreamInfo
from video_to_mp4.media.packets import measured_by


def measured(rows: Sequence[Mapping[str, Any]], *, start_s: float = 0.0) -> StreamInfo:
    """Return the one picture of a small file as these packets have it."""
    info = MediaInfo(container="asf", size_bytes=1000, streams=(StreamInfo(0, "video"),), start_s=start_s)
    found = measured_by(rows, info)
    assert found is not None
    return found.streams[0]


def packet(at_s: float | None, duration_s: float = 1.0) -> dict[str, Any]:
    """Return one of ffprobe's rows; what has no time is not there."""
    times = {} if at_s is None else {"pts_time": str(at_s), "dts_time": str(at_s)}
    return {"stream_index": 0, "duration_time": str(duration_s), "flags": "__"} | times


@pytest.mark.parametrize("timed", range(8))
@pytest.mark.parametrize("untimed", [0, 1, 6, 20])
def test_packets_without_a_time_are_measured_like_any_other(timed: int, untimed: int) -> None:
    """However many there are, and however many have a time: they are shown as long as those that have one say."""
    if not timed + untimed:
        return
    stream = measured([*(packet(float(at_s)) for at_s in range(timed)), *[packet(None)] * untimed])
    assert stream.packets == timed + untimed
    assert stream.uneven_end_s == 0
    assert stream.end_s == (timed or untimed)


def test_where_no_packet_has_a_time_they_are_shown_one_after_the_other_from_the_start() -> None:
    """As ffmpeg shows them. Nothing else says how long such a file is, and what it claims may be three times that."""
    assert measured([packet(None, 0.5)] * 8, start_s=3.0).end_s == 7.0


def test_a_pause_before_the_last_pictures_is_seen() -> None:
    """The last three take longer than the first three, which may be stored in any order."""
    stream = measured([packet(at_s) for at_s in (0.0, 2.0, 1.0, 3.0, 4.0, 14.0)])
    assert stream.uneven_end_s == 9.0
