"""A size that changes on the way: the one that most of the film has wins, and nothing is stretched."""

from __future__ import annotations

from pathlib import Path

import pytest

from clips import H264, run_ffmpeg
from conversion import convert, frame_of, sizes_of, square_at
from video_to_mp4.jobs.model import Options, Quality, Resolution

AUTO = Options(quality=Quality.AUTO)
VP8 = ("-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "400k")
MPEG2 = ("-c:v", "mpeg2video", "-q:v", "4", "-g", "10")


def write_parts(path: Path, parts: list[tuple[str, float, str]], codec: tuple[str, ...]) -> Path:
    """Write a video of several parts, each a white square in the middle of a size, for some seconds, with a shape."""
    pieces = []
    for number, (size, length_s, shape) in enumerate(parts):
        piece = path.with_name(f"{number}{path.suffix}")
        a, b = (int(part) for part in shape.split("/"))
        half = "ih/4"
        drawn = (
            f"color=gray:s={size}:r=10,drawbox=x=iw/2-{half}*{b}/{a}:y=ih/4:w=ih/2*{b}/{a}:h=ih/2:color=white:t=fill"
        )
        run_ffmpeg(["-f", "lavfi", "-i", f"{drawn},format=yuv420p,setsar={shape}", "-t", str(length_s), *codec, piece])
        pieces.append(piece)
    names = path.with_suffix(".txt")
    names.write_text("".join(f"file '{piece}'\n" for piece in pieces))
    run_ffmpeg(["-f", "concat", "-safe", "0", "-i", names, "-c", "copy", path])
    return path


@pytest.mark.parametrize(
    ("suffix", "codec", "parts", "size"),
    [
        (".webm", VP8, [("160x90", 2, "1/1"), ("320x180", 2, "1/1")], (320, 180)),
        (".webm", VP8, [("320x180", 3, "1/1"), ("180x320", 1, "1/1")], (320, 180)),
        (".webm", VP8, [("180x320", 1, "1/1"), ("320x180", 3, "1/1")], (320, 180)),
        (".webm", VP8, [("640x360", 0.5, "1/1"), ("320x240", 3.5, "1/1")], (320, 240)),
        (".ts", MPEG2, [("352x288", 1, "12/11"), ("480x288", 3, "16/15")], (512, 288)),
        (".ts", (*H264, "-g", "10"), [("320x240", 2, "1/1"), ("320x180", 2, "1/1")], (320, 240)),
    ],
)
async def test_the_size_of_most_of_the_film_wins_and_others_get_bars(
    tmp_path: Path, suffix: str, codec: tuple[str, ...], parts: list[tuple[str, float, str]], size: tuple[int, int]
) -> None:
    """A square stays a square in each part, in the middle, and the row says what was done."""
    source = write_parts(tmp_path / f"source{suffix}", parts, codec)
    done = await convert(source, AUTO)
    assert not done.plan.is_remux
    assert sizes_of(done) == {size}
    assert done.verified.duration_s == pytest.approx(sum(part[1] for part in parts), abs=0.3)
    for at_s in (0.2, parts[0][1] + 0.5):
        across, down = square_at(done, at_s)
        assert across == pytest.approx(down, abs=4)
        assert across > 0.2 * min(size)
    assert any("size of the picture changes" in warning for warning in done.warnings)


async def test_a_recording_that_grows_keeps_the_colours_that_it_began_with(tmp_path: Path) -> None:
    """One encoder has one matrix: browsers read all of an untagged call by its first size, though it grows to HD."""
    parts = [("160x90", 0.5, "1/1"), ("1280x720", 0.5, "1/1")]
    done = await convert(write_parts(tmp_path / "source.webm", parts, VP8), AUTO)
    (track,) = done.of_kind("video")
    assert (track["height"], track["color_space"]) == (720, "smpte170m")


async def test_the_shape_of_most_of_the_film_wins(tmp_path: Path) -> None:
    """Where pixels alone change their shape, most of the film is not stretched."""
    parts = [("352x288", 1.0, "12/11"), ("352x288", 3.0, "16/11")]
    done = await convert(write_parts(tmp_path / "source.ts", parts, MPEG2), AUTO)
    assert sizes_of(done) == {(512, 288)}
    across, down = square_at(done, 2.0)
    assert across == pytest.approx(down, abs=4)


async def test_bars_are_black_and_the_smaller_resolution_holds(tmp_path: Path) -> None:
    """Made smaller, too, each part is fitted into one box."""
    parts = [("1280x720", 2.0, "1/1"), ("720x1280", 0.5, "1/1")]
    source = write_parts(tmp_path / "source.webm", parts, VP8)
    done = await convert(source, Options(quality=Quality.STANDARD, resolution=Resolution.SD))
    assert sizes_of(done) == {(854, 480)}
    frame = frame_of(done.path, at_s=2.2)
    assert frame.at(0.05, 0.5) == pytest.approx((0, 0, 0), abs=6)
    assert frame.at(0.95, 0.5) == pytest.approx((0, 0, 0), abs=6)
    assert frame.at(0.5, 0.05) != pytest.approx((0, 0, 0), abs=6)


async def test_one_size_all_along_is_neither_told_nor_fitted(tmp_path: Path) -> None:
    """What does not change costs nothing more than the look."""
    source = write_parts(tmp_path / "source.webm", [("160x90", 2, "1/1")], VP8)
    done = await convert(source)
    assert "pad=" not in done.plan.picture.filters
    assert not done.warnings
