"""Every distinct frame of a source is in its result, at a sane time, whatever the source's own times are."""

from __future__ import annotations

from pathlib import Path

import pytest

from clips import H264, make_clip, picture, run_ffmpeg
from conversion import Conversion, convert
from video_to_mp4.jobs.model import Options

_FFV1 = ("-c:v", "ffv1", "-pix_fmt", "yuv420p")
_CLUSTER, _TIMESTAMP = b"\x1f\x43\xb6\x75", b"\xe7"


def made(folder: Path, *args: str, rate: str = "25", frames: int = 30) -> Path:
    clip = folder / "source.mkv"
    run_ffmpeg([*picture("160x120", rate), "-frames:v", str(frames), *args, clip])
    return clip


def times_s(result: Conversion) -> list[float]:
    """Return when the result's frames are shown, in their order."""
    args = ["-select_streams", "v", "-show_entries", "packet=pts_time", "-of", "csv=p=0", result.path]
    return sorted(float(line.strip(",")) for line in run_ffmpeg(args, program="ffprobe").split())


def distances_s(result: Conversion) -> list[float]:
    shown_s = times_s(result)
    return [later - earlier for earlier, later in zip(shown_s, shown_s[1:], strict=False)]


async def test_thirty_frames_within_thirty_milliseconds_are_all_kept(tmp_path: Path) -> None:
    """A few ticks between frames are no times: nobody records at 1000 frames per second for 30 ms."""
    result = await convert(made(tmp_path, *_FFV1, rate="1000"))
    assert distances_s(result) == pytest.approx([1 / 30] * 29, abs=0.002)
    assert "shown evenly, 30 in a second" in " ".join(result.warnings)


async def test_a_copy_of_frames_without_sane_times_is_no_choice(tmp_path: Path) -> None:
    """H.264 could be copied, but no player shows 30 frames in 30 ms."""
    result = await convert(made(tmp_path, *H264, rate="1000"), Options())
    assert distances_s(result) == pytest.approx([1 / 30] * 29, abs=0.002)


async def test_frames_that_all_have_the_same_time_are_all_kept(tmp_path: Path) -> None:
    """They follow each other at the rate that the container claims."""
    result = await convert(made(tmp_path, *_FFV1, "-bsf:v", "setts=pts=0:dts=0"))
    assert distances_s(result) == pytest.approx([0.04] * 29, abs=0.002)


async def test_frames_that_share_their_times_in_pairs_are_all_kept(tmp_path: Path) -> None:
    """Half of them have no time of their own."""
    result = await convert(made(tmp_path, *_FFV1, "-bsf:v", "setts=pts=floor(PTS/80)*80:dts=floor(DTS/80)*80"))
    assert len(times_s(result)) == 30
    assert all(distance_s > 0.01 for distance_s in distances_s(result))
    assert result.verified.duration_s == pytest.approx(1.2, abs=0.1)


@pytest.mark.parametrize("times", ["if(eq(N,4),PREV_OUTPTS,TS)", "0"])
async def test_the_last_frame_stays_as_long_as_others_where_times_are_mended(tmp_path: Path, times: str) -> None:
    """One frame has the time of another, or all have: what changes their times takes their durations away."""
    result = await convert(made(tmp_path, *_FFV1, "-bsf:v", f"setts=ts='{times}'", rate="10", frames=10))
    rate = float(result.plan.picture.rate)
    assert result.verified.duration_s == pytest.approx(10 / rate, abs=0.01)


async def test_what_goes_back_in_time_is_shown_after_what_came_before_it(tmp_path: Path) -> None:
    """The clock of a recorder begins again at 0 in the middle of the file."""
    clip = made(tmp_path, *_FFV1, "-cluster_time_limit", "500")
    data = bytearray(clip.read_bytes())
    first, second, *_ = (place for place in range(len(data)) if data.startswith(_CLUSTER, place))
    written = data.index(_TIMESTAMP, second + 4 + 8)
    assert first < second < written < second + 16
    length = data[written + 1] & 0x7F
    data[written + 2 : written + 2 + length] = bytes(length)
    clip.write_bytes(bytes(data))
    result = await convert(clip)
    assert len(times_s(result)) == 30
    assert all(distance_s > 0.01 for distance_s in distances_s(result))


@pytest.mark.parametrize("rate", [120, 240])
async def test_a_fast_recording_keeps_every_frame_and_its_time(tmp_path: Path, rate: int) -> None:
    """Telephones record so."""
    result = await convert(made(tmp_path, *_FFV1, rate=str(rate), frames=180))
    assert distances_s(result) == pytest.approx([1 / rate] * 179, abs=0.0011)
    assert result.warnings == ()


async def test_frames_that_are_left_out_of_an_unbelievable_rate_are_told(tmp_path: Path) -> None:
    """A second of 1000 frames becomes one of 60."""
    result = await convert(made(tmp_path, *_FFV1, rate="1000", frames=1000))
    assert len(times_s(result)) == pytest.approx(60, abs=1)
    assert result.warnings == ("The source has 1000 frames in a second; 60 of them were kept.",)


def damaged(folder: Path, *, lost: int, frames: int = 100) -> Path:
    """Return a film of JPEGs, some of which are overwritten with zeros."""
    clip = folder / "source.avi"
    run_ffmpeg([*picture("160x120"), "-frames:v", str(frames), "-c:v", "mjpeg", clip])
    data = bytearray(clip.read_bytes())
    begins = [place for place in range(len(data)) if data.startswith(b"\xff\xd8\xff", place)]
    for number in range(lost):
        begin = begins[10 + 5 * number]
        data[begin : begin + 1000] = bytes(1000)
    clip.write_bytes(bytes(data))
    return clip


async def test_frames_that_are_there_but_broken_are_told(tmp_path: Path) -> None:
    """A decoder fills the holes of a frame with what is near, so that none is missing, and nobody would know."""
    whole = made(tmp_path, *H264, "-x264-params", "slices=4", frames=50).rename(tmp_path / "whole.mkv")
    source = tmp_path / "source.mkv"
    run_ffmpeg(["-i", whole, "-c", "copy", "-bsf:v", "noise=amount='if(eq(mod(n,5),2),500,0)'", source])
    result = await convert(source)
    assert len(times_s(result)) == 50
    assert result.warnings == ("The source is damaged: parts of 10 of 50 frames could not be read.",)


async def test_frames_that_are_lost_to_damage_are_told(tmp_path: Path) -> None:
    """The result is as long as its source, but stands still where frames could not be read."""
    result = await convert(damaged(tmp_path, lost=8))
    assert len(times_s(result)) == 92
    assert result.warnings == ("The source is damaged: 8 of 100 frames could not be read.",)


@pytest.mark.parametrize("clip", ["interlaced_h264_mp4", "mpeg4_b_frames_avi", "vp8_ivf", "screen_zmbv_avi"])
async def test_no_frame_is_missed_where_packets_are_more_than_frames(tmp_path: Path, clip: str) -> None:
    """Fields, frames that are not shown, and packets that say that nothing changes are no loss."""
    result = await convert(make_clip(tmp_path, clip))
    assert result.warnings == ()
