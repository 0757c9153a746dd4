"""What is seen in a result is what was meant to be seen in its source."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from clips import H264, make_clip, picture, run_ffmpeg, with_display_matrix
from conversion import convert, frame_of, look_at
from video_to_mp4.jobs.model import Options, Quality

AUTO = Options(quality=Quality.AUTO)
CORNERS = ((0.1, 0.1), (0.9, 0.1), (0.1, 0.9), (0.9, 0.9))
UPRIGHT = ("red", "green", "blue", "white")
ONE = 65536


@pytest.mark.parametrize(
    ("values", "corners"),
    [
        ((ONE, 0, 0, ONE), UPRIGHT),
        ((0, ONE, -ONE, 0), ("blue", "red", "white", "green")),
        ((-ONE, 0, 0, -ONE), ("white", "blue", "green", "red")),
        ((0, -ONE, ONE, 0), ("green", "white", "red", "blue")),
        ((-ONE, 0, 0, ONE), ("green", "red", "white", "blue")),
        ((ONE, 0, 0, -ONE), ("blue", "white", "red", "green")),
        ((0, ONE, ONE, 0), ("red", "blue", "green", "white")),
        ((0, -ONE, -ONE, 0), ("white", "green", "blue", "red")),
    ],
)
@pytest.mark.parametrize("quality", [Quality.STANDARD, Quality.AUTO])
async def test_a_turned_or_mirrored_picture_is_seen_upright(
    tmp_path: Path, values: tuple[int, int, int, int], corners: tuple[str, ...], quality: Quality
) -> None:
    """All eight orientations: turned in the picture itself, or (a quarter turn, copied) kept as a display matrix."""
    source = with_display_matrix(make_clip(tmp_path, "quadrants_mp4"), values)
    done = await convert(source, Options(quality=quality))
    seen = tmp_path / "seen.mkv"
    run_ffmpeg(["-i", done.path, "-c:v", "ffv1", seen])  # ffmpeg turns a picture as a player does
    frame = frame_of(seen)
    assert tuple(frame.word_at(*corner) for corner in CORNERS) == corners
    is_quarter = values[0] == 0
    assert (frame.width, frame.height) == ((240, 320) if is_quarter else (320, 240))


@pytest.mark.parametrize(
    "name",
    [
        "quadrants_mp4",
        "h264_10_bit_mkv",
        "hevc_10_bit_mkv",
        "h264_444_mkv",
        "h264_422_mkv",
        "h264_rgb_mkv",
        "full_range_mov",
        "alpha_qtrle_mov",
        "alpha_vp9_webm",
        "alpha_prores_mov",
        "palette_mov",
        "anamorphic_mkv",
    ],
)
async def test_colours_are_the_sources_whatever_its_pixel_format(tmp_path: Path, name: str) -> None:
    """10 bits, 4:4:4, 4:2:2, RGB, full range, transparency and palettes: the same four colours come out."""
    source = make_clip(tmp_path, name)
    frame, original = frame_of((await convert(source)).path), frame_of(source)
    assert tuple(frame.word_at(*corner) for corner in CORNERS) == UPRIGHT
    for corner in CORNERS:
        assert frame.at(*corner) == pytest.approx(original.at(*corner), abs=14)


@pytest.mark.parametrize(
    ("pixel_format", "codec", "suffix"),
    [("rgb555le", "rawvideo", ".avi"), ("rgb565le", "rawvideo", ".nut"), ("monow", "rawvideo", ".nut")],
)
async def test_white_stays_white_where_pixels_have_few_bits(
    tmp_path: Path, pixel_format: str, codec: str, suffix: str
) -> None:
    """Old screen recordings in 15 or 16 bits became darker (luma 229), those in black and white too bright (255)."""
    source = tmp_path / f"source{suffix}"
    white = ["-f", "lavfi", "-i", "color=white:s=160x120:r=5", "-t", "0.4"]
    run_ffmpeg([*white, "-c:v", codec, "-pix_fmt", pixel_format, source])
    assert look_at(source)["streams"][0]["pix_fmt"] == pixel_format
    done = await convert(source)
    shown = ["ffmpeg", "-v", "error", "-i", done.path, "-frames:v", "1", "-f", "rawvideo", "pipe:1"]
    luma = subprocess.run(shown, capture_output=True, check=True).stdout[: 160 * 120]
    assert set(luma) <= {234, 235, 236}


@pytest.mark.parametrize("name", ["hdr10_mkv", "hlg_mkv"])
async def test_hdr_is_tone_mapped_to_what_the_reference_chain_gives(tmp_path: Path, name: str) -> None:
    """A picture in PQ or HLG is neither washed out nor tagged HDR: it is BT.709, as a tone mapper by hand makes it."""
    source = make_clip(tmp_path, name)
    done = await convert(source)
    (video,) = done.of_kind("video")
    tags = [video[key] for key in ("color_range", "color_space", "color_transfer", "color_primaries")]
    assert tags == ["tv", "bt709", "bt709", "bt709"]
    transfer = "smpte2084" if name == "hdr10_mkv" else "arib-std-b67"
    by_hand = tmp_path / "by_hand.mkv"
    chain = (
        f"zscale=tin={transfer}:min=2020_ncl:pin=2020:rin=limited:t=linear:npl=203,format=gbrpf32le,zscale=p=709,"
        "tonemap=mobius:param=0.3:desat=0:peak=4.926,zscale=t=709:r=full,format=gbrp12,"
        "zscale=m=709:r=limited,format=yuv420p"
    )
    run_ffmpeg(["-i", source, "-vf", chain, "-c:v", "ffv1", by_hand])
    assert similarity(done.path, by_hand) > 0.97


async def test_wide_colours_without_hdr_are_converted_and_not_only_tagged(tmp_path: Path) -> None:
    """BT.2020 in a normal range would look pale in a player that takes it for BT.709."""
    done = await convert(make_clip(tmp_path, "bt2020_sdr_mkv"))
    (video,) = done.of_kind("video")
    assert (video["color_space"], video["color_primaries"]) == ("bt709", "bt709")
    untouched = frame_of(tmp_path / "bt2020_sdr_mkv.mkv").at(0.5, 0.2)
    assert frame_of(done.path).at(0.5, 0.2) != untouched


@pytest.mark.parametrize("name", ["interlaced_mpeg2_mkv", "interlaced_h264_mp4"])
async def test_an_interlaced_picture_has_no_combs(tmp_path: Path, name: str) -> None:
    """The fields of a moving picture are not shown at once; the number of frames stays."""
    source = make_clip(tmp_path, name)
    done = await convert(source, AUTO)
    assert not done.plan.is_remux
    assert done.of_kind("video")[0]["nb_frames"] == "25"
    assert combed_frames(source) > 15
    assert combed_frames(done.path) <= 5  # idet takes some of the test picture's own lines for combs


async def test_a_change_of_size_on_the_way_is_scaled_to_one_size(tmp_path: Path) -> None:
    """A broadcast may change its format; an MP4 for every player may not. The largest has half of the time."""
    for name, size in (("first", "320x240"), ("second", "640x480")):
        run_ffmpeg([*picture(size), *H264, "-t", "2", "-g", "25", tmp_path / f"{name}.ts"])
    source = tmp_path / "both.ts"
    source.write_bytes((tmp_path / "first.ts").read_bytes() + (tmp_path / "second.ts").read_bytes())
    done = await convert(source)
    assert done.verified.duration_s == pytest.approx(4.0, abs=0.2)
    frames = look_at(done.path, "-show_entries", "frame=width,height", "-select_streams", "v")["frames"]
    assert {(frame["width"], frame["height"]) for frame in frames} == {(640, 480)}


async def test_a_resolution_shrinks_without_turning_or_stretching(tmp_path: Path) -> None:
    """A portrait video from a phone stays portrait, by its display matrix."""
    source = with_display_matrix(make_clip(tmp_path, "portrait_1080x1920_mp4"), (0, ONE, -ONE, 0))
    done = await convert(source, Options(resolution="480p", quality=Quality.STANDARD))  # type: ignore[arg-type]
    (video,) = done.of_kind("video")
    assert (video["width"], video["height"]) == (854, 480)


def similarity(one: Path, other: Path) -> float:
    """Return the mean structural similarity of two videos, 1 for the same."""
    args = ["-i", one, "-i", other, "-lavfi", "[0:v][1:v]ssim", "-f", "null", "-"]
    done = subprocess.run(["ffmpeg", "-hide_banner", *map(str, args)], capture_output=True, text=True, check=True)
    return float(done.stderr.split("All:")[1].split()[0])


def combed_frames(path: Path) -> int:
    """Return how many frames ffmpeg's idet takes for interlaced."""
    args = ["-i", path, "-vf", "idet", "-f", "null", "-"]
    done = subprocess.run(["ffmpeg", "-hide_banner", *map(str, args)], capture_output=True, text=True, check=True)
    counts = done.stderr.split("Multi frame detection: TFF:")[-1].replace("BFF:", " ").split()
    return int(counts[0]) + int(counts[1])
