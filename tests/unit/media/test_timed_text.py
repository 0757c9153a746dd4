"""What the check says of subtitles and chapters that are not as they were prepared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from media_facts import media, other, picture
from video_to_mp4.jobs.model import Options
from video_to_mp4.media.cues import Cue
from video_to_mp4.media.info import Chapter, MediaInfo
from video_to_mp4.media.plan import Plan, make_plan
from video_to_mp4.media.prepared import Caption, Prepared
from video_to_mp4.media.timed_text import text_faults

CUES = (Cue(1000, 2000, "a"), Cue(2000, 3000, "b"), Cue(50_000, 51_000, "c"))
PREPARED = Prepared({1: Caption(Path("1.srt"), CUES)})


def plan() -> Plan:
    return make_plan(media(picture(), other("subtitle", 1, "subrip", language="cze")), Options())


def result(**facts: Any) -> MediaInfo:
    """Return a result with three lines and two pauses."""
    known = {"frames": 5, "start_s": 0.0, "duration_s": 51.0, "language": "cze"} | facts
    return media(picture(), other("subtitle", 1, "mov_text", **known), container="mov,mp4")


@pytest.mark.parametrize("frames", [5, 7])
def test_a_track_as_it_was_prepared_is_right(frames: int) -> None:
    """Between lines without a pause there may be an empty sample or none."""
    rows = [{"type": "packet", "stream_index": 1, "dts_time": at} for at in ("0.0", "1.0", "2.0", "3.0", "50.02")]
    assert text_faults(result(frames=frames), rows, plan(), PREPARED) == []


@pytest.mark.parametrize(
    ("facts", "at", "word"),
    [
        ({"frames": 4}, "1.0", "4 samples instead of 5"),
        ({"duration_s": 4.0}, "1.0", "ends at 4.00 s instead of 51.00 s"),
        ({"language": "ger"}, "1.0", "language"),
        ({}, "4.0", "a line at 4.00 s"),
    ],
)
def test_lines_that_are_lost_or_come_at_the_wrong_time_are_found(facts: dict[str, Any], at: str, word: str) -> None:
    """A line that came forty minutes early was no fault to ffmpeg, which ended with 0."""
    rows = [{"type": "packet", "stream_index": 1, "dts_time": at}]
    [fault] = text_faults(result(**facts), rows, plan(), PREPARED)
    assert word in fault


def test_chapters_are_counted() -> None:
    """A film whose chapters are lost is not what was planned."""
    with_chapters = make_plan(media(picture(), chapters=(Chapter(0, 30), Chapter(30, 60))), Options())
    found = media(picture(), chapters=(Chapter(0, 30),), container="mov,mp4")
    prepared = Prepared(chapters=Path("chapters.txt"))
    assert text_faults(found, [], with_chapters, prepared) == ["The result has 1 chapters instead of 2."]
