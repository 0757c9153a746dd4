"""A format that changes inside the stream, without a word of the container: streams joined end to end."""

from __future__ import annotations

from pathlib import Path

import pytest

from clips import run_ffmpeg
from conversion import convert, frame_of, sizes_of, square_at
from video_to_mp4.jobs.model import Options, Quality

AUTO = Options(quality=Quality.AUTO)
H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-g", "10", "-bf", "0", "-pix_fmt", "yuv420p", "-f", "h264")
HEVC = (
    "-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=error:keyint=10:bframes=0", "-pix_fmt",
    "yuv420p", "-f", "hevc",
)  # fmt: skip
MPEG4 = ("-c:v", "mpeg4", "-g", "10", "-q:v", "3", "-f", "m4v")
MPEG2 = ("-c:v", "mpeg2video", "-g", "10", "-q:v", "3", "-f", "mpeg2video")
RATE = 10
DEMUXERS = {"mpeg2video": "mpegvideo"}


def square(size: str) -> str:
    """Return the source of a white square in the middle of a grey picture."""
    width, height = map(int, size.split("x"))
    side = min(width, height) // 2
    place = f"x={(width - side) // 2}:y={(height - side) // 2}:w={side}:h={side}"
    return f"color=gray:s={size}:r={RATE},drawbox={place}:color=white:t=fill"


def join(path: Path, parts: list[tuple[str, float, tuple[str, ...]]]) -> Path:
    """Write streams one after the other, each of a source and so many seconds, into one track."""
    kind = parts[0][2][-1]
    stream = path.with_suffix(f".{kind}")
    with stream.open("wb") as joined:
        for number, (source, length_s, codec) in enumerate(parts):
            piece = path.with_name(f"{number}.{kind}")
            run_ffmpeg(["-f", "lavfi", "-i", source, "-t", str(length_s), *codec, piece])
            joined.write(piece.read_bytes())
    run_ffmpeg(["-r", str(RATE), "-f", DEMUXERS.get(kind, kind), "-i", stream, "-c", "copy", path])
    return path


@pytest.mark.parametrize(
    ("name", "codec", "small", "large"),
    [
        ("a.mkv", H264, "160x90", "320x180"),
        ("a.mp4", H264, "90x160", "320x180"),
        ("a.flv", H264, "160x90", "320x180"),
        ("a.mp4", HEVC, "90x160", "320x180"),
        ("a.avi", MPEG4, "160x120", "320x180"),
        ("a.mp4", MPEG2, "160x120", "320x180"),
    ],
)
async def test_a_size_that_changes_inside_the_stream_is_seen(
    tmp_path: Path, name: str, codec: tuple[str, ...], small: str, large: str
) -> None:
    """The size of most of the film wins, nothing is stretched, and the row says so."""
    source = join(tmp_path / name, [(square(small), 1.0, codec), (square(large), 2.0, codec)])
    done = await convert(source, AUTO)
    assert not done.plan.is_remux
    assert sizes_of(done) == {(320, 180)}
    for at_s in (0.3, 2.2):
        across, down = square_at(done, at_s)
        assert across == pytest.approx(down, abs=4)
        assert across > 40
    assert any("size of the picture changes" in warning for warning in done.warnings)


async def test_a_matrix_that_changes_inside_the_stream_is_followed(tmp_path: Path) -> None:
    """Each picture is read by its own matrix: the colours of both parts are right."""
    parts = []
    for matrix, transfer in (("bt709", "bt709"), ("bt470bg", "smpte170m")):
        tags = ("-color_primaries", "bt709", "-color_trc", transfer, "-colorspace", matrix)
        parts.append((f"color=0x4080c0:s=160x120:r={RATE},scale=out_color_matrix={matrix}", 1.0, (*tags, *H264)))
    done = await convert(join(tmp_path / "a.mp4", parts), AUTO)
    assert done.of_kind("video")[0]["color_space"] == "bt709"
    first, second = (frame_of(done.path, at_s=at_s).at(0.5, 0.5) for at_s in (0.2, 1.6))
    assert first == pytest.approx((0x40, 0x80, 0xC0), abs=4)
    assert second == pytest.approx(first, abs=3)


async def test_fields_that_begin_inside_the_stream_are_deinterlaced(tmp_path: Path) -> None:
    """The container's parameters are those of the first part, whose pictures are whole."""
    fields = f"testsrc2=s=320x180:r={2 * RATE},interlace=scan=tff"
    interlaced = (*H264[:-2], "-x264-params", "tff=1", *H264[-2:])
    parts = [(f"testsrc2=s=320x180:r={RATE}", 1.0, H264), (fields, 2.0, interlaced)]
    done = await convert(join(tmp_path / "a.mkv", parts), AUTO)
    assert not done.plan.is_remux
    assert "bwdif" in done.plan.picture.filters


@pytest.mark.parametrize("name", ["a.mkv", "a.mp4", "a.flv"])
async def test_parameters_that_are_merely_repeated_cost_no_copy(tmp_path: Path, name: str) -> None:
    """What comes from a broadcast or a camera has them with each key frame."""
    source = join(tmp_path / name, [(square("320x180"), 1.0, H264), (square("320x180"), 2.0, H264)])
    done = await convert(source, AUTO)
    assert done.plan.is_remux
    assert not done.warnings
