"""Numbers that the standards reserve, in the place of primaries, curve and matrix: they say nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from clips import AAC, TONE, picture, quadrants, run_ffmpeg
from conversion import Conversion, convert, frame_of
from video_to_mp4.jobs.model import Options, Quality

FIELDS = "colour_primaries={0}:transfer_characteristics={0}:matrix_coefficients={0}"
MPEG2 = ("-c:v", "mpeg2video", "-q:v", "2", "-bsf:v", f"mpeg2_metadata={FIELDS}")
AV1 = (
    "-c:v", "libaom-av1", "-usage", "realtime", "-cpu-used", "8", "-bsf:v",
    f"av1_metadata={FIELDS.replace('colour', 'color')}",
)  # fmt: skip
H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-bsf:v", f"h264_metadata={FIELDS}")
_FRAME = b"icpf"
_COLOURS_AT = 14
"""Where ProRes has them, after the frame's signature (SMPTE RDD 36)."""


def write(path: Path, codec: tuple[str, ...], number: int) -> Path:
    args = [arg.format(number) for arg in codec]
    sound = ("-c:a", "mp2") if path.suffix == ".mpg" else AAC
    run_ffmpeg([*quadrants("160x120"), *TONE, "-t", "0.5", *args, *sound, path])
    return path


def assert_colours(done: Conversion) -> None:
    """Expect the quadrants in their places: red and green above blue and white."""
    frame = frame_of(done.path)
    places = ((0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75))
    assert [frame.word_at(*place) for place in places] == ["red", "green", "blue", "white"]
    assert frame.at(0.25, 0.25) == pytest.approx((254, 0, 0), abs=4)


@pytest.mark.parametrize("number", [3, 200])
@pytest.mark.parametrize(("suffix", "codec"), [(".mkv", MPEG2), (".mpg", MPEG2), (".mp4", AV1)])
async def test_a_reserved_number_in_the_stream_means_nothing(
    tmp_path: Path, suffix: str, codec: tuple[str, ...], number: int
) -> None:
    """Filters of ffmpeg 7 and newer refuse such frames before any other filter can see them."""
    done = await convert(write(tmp_path / f"source{suffix}", codec, number))
    assert_colours(done)
    assert not done.warnings


@pytest.mark.parametrize("number", [3, 200])
async def test_a_reserved_number_in_frames_of_prores_means_nothing(tmp_path: Path, number: int) -> None:
    """There only the decoder sees it; sound that could be copied still is."""
    source = write(tmp_path / "source.mov", ("-c:v", "prores_ks"), number)
    data = bytearray(source.read_bytes())
    place = data.find(_FRAME)
    while place >= 0:
        data[place + 4 + _COLOURS_AT : place + 4 + _COLOURS_AT + 3] = bytes([number]) * 3
        place = data.find(_FRAME, place + 4)
    source.write_bytes(data)
    done = await convert(source, Options(quality=Quality.AUTO))
    assert_colours(done)
    assert [sound.is_copied for sound in done.plan.sounds] == [True]


async def test_a_reserved_number_in_the_container_means_nothing(tmp_path: Path) -> None:
    """A decoder that finds nothing in the stream itself passes on the container's number."""
    colours = ("-color_primaries", "bt709", "-color_trc", "bt709", "-colorspace", "bt709")
    source = write(tmp_path / "source.mkv", ("-c:v", "ffv1", "-pix_fmt", "yuv420p", *colours), 0)
    data = source.read_bytes()
    for element in (b"\x55\xb1\x81", b"\x55\xba\x81", b"\x55\xbb\x81"):
        assert element + b"\x01" in data
        data = data.replace(element + b"\x01", element + b"\xc8")
    source.write_bytes(data)
    assert_colours(await convert(source))


@pytest.mark.parametrize("number", [3, 200])
async def test_a_reserved_number_in_h264_means_nothing(tmp_path: Path, number: int) -> None:
    """Copied it may be: every player takes it for none."""
    assert_colours(await convert(write(tmp_path / "source.mkv", H264, number)))


async def test_combs_are_found_in_frames_with_a_reserved_number(tmp_path: Path) -> None:
    """The look at the pictures uses filters, too, and what it does not find stays combed in silence."""
    source = tmp_path / "source.mkv"
    fields = ("-vf", "interlace=scan=tff:lowpass=off,setfield=prog")
    args = [arg.format(200) for arg in MPEG2]
    run_ffmpeg([*picture("640x480", rate="50"), *fields, *args, "-t", "1", source])
    done = await convert(source)
    assert "bwdif=mode=send_frame:parity=tff:deint=all" in done.plan.picture.filters
