"""A track of no use that can't be read on does not shorten the film, nor what is expected of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from clips import AAC, H264, TONE, picture, run_ffmpeg
from conversion import convert
from video_to_mp4.jobs.model import Options, Quality


@pytest.fixture
def half_a_track(tmp_path: Path) -> Path:
    """Make a video whose second picture lies, from its middle on, where the file ends: as in one that was cut off."""
    source = tmp_path / "source.mp4"
    tracks = [*picture("160x120"), *TONE, *picture("64x64"), "-map", "0", "-map", "1", "-map", "2"]
    run_ffmpeg([*tracks, *H264, *AAC, "-t", "4", source])
    whole = bytearray(source.read_bytes())
    offsets = whole.rindex(b"stco") + 8
    count = int.from_bytes(whole[offsets : offsets + 4], "big")
    for place in range(offsets + 4 + 4 * (count // 4), offsets + 4 + 4 * count, 4):
        whole[place : place + 4] = (len(whole) + 1000).to_bytes(4, "big")
    source.write_bytes(whole)
    return source


@pytest.mark.parametrize("quality", [Quality.STANDARD, Quality.AUTO])
async def test_a_video_is_as_long_as_the_tracks_that_are_used(half_a_track: Path, quality: Quality) -> None:
    """The look at all tracks together ends where the first can't be read on; the conversion passes over it."""
    done = await convert(half_a_track, Options(quality=quality))
    assert done.runs == 1
    assert abs(done.verified.duration_s - 4) < 0.1
    assert done.warnings == ("Left out: 1 further video track (h264).",)
