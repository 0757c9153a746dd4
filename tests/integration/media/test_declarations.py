"""What only the container says of a picture is done, whichever version of ffmpeg reads it."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from clips import H264, run_ffmpeg, with_display_matrix
from conversion import convert, frame_of
from mp4_tables import content, replaced
from video_to_mp4.jobs.model import Options, Quality

AUTO = Options(quality=Quality.AUTO)
ONE = 65536
BARS = "color=white:s=320x160:r=25,pad=360:240:10:20:black,drawbox=10:20:160:80:red:fill"
"""A white picture, red in its upper left, with bars of 10 pixels left, 30 right, 20 at the top and 60 at the bottom."""


def cropped_mkv(folder: Path) -> Path:
    """Make a Matroska file whose container says that the bars left, at the top and at the bottom are not to be shown.

    ffmpeg can't write that: other elements that take as many bytes (DisplayWidth, -Height and -Unit) are renamed.
    """
    source = folder / "source.mkv"
    run_ffmpeg(["-f", "lavfi", "-i", BARS, *H264, "-vf", "setsar=2/1", "-write_crc32", "0", "-t", "1", source])
    named = bytes.fromhex("54b08103 54ba8101 54b28103")
    data = source.read_bytes()
    assert data.count(named) == 1
    crops = b"".join(
        struct.pack(">HBB", kind, 0x81, pixels) for kind, pixels in ((0x54CC, 10), (0x54BB, 20), (0x54AA, 60))
    )
    source.write_bytes(data.replace(named, crops))
    return source


async def test_what_matroska_crops_is_not_shown(tmp_path: Path) -> None:
    """The bars are gone, at the top and at the bottom, and once only."""
    done = await convert(cropped_mkv(tmp_path), AUTO)
    assert not done.plan.copies_picture
    assert "its container says that its edges are not to be shown" in done.plan.fates[0].why
    shown = frame_of(done.path)
    assert (shown.width, shown.height) == (350, 160)
    assert shown.word_at(0.02, 0.02) == "red"
    assert shown.word_at(0.02, 0.98) == "white"


@pytest.mark.parametrize(
    ("matrix", "size", "red_at"),
    [
        (None, (320, 160), (0.1, 0.1)),
        ((0, ONE, -ONE, 0), (160, 320), (0.9, 0.1)),
        ((-ONE, 0, 0, -ONE), (320, 160), (0.9, 0.9)),
        ((0, -ONE, ONE, 0), (160, 320), (0.1, 0.9)),
    ],
    ids=["upright", "clockwise", "upside down", "counterclockwise"],
)
async def test_what_mp4_leaves_out_of_its_clean_aperture_is_not_shown(
    tmp_path: Path, matrix: tuple[int, int, int, int] | None, size: tuple[int, int], red_at: tuple[float, float]
) -> None:
    """The edges that are cut off are those of the picture before it is turned."""
    source = tmp_path / "source.mp4"
    run_ffmpeg(["-f", "lavfi", "-i", BARS, *H264, "-t", "1", source])
    aperture = struct.pack(">I4s8i", 40, b"clap", 320, 1, 160, 1, -10, 1, -20, 1)
    data = source.read_bytes()
    described = content(data, b"stsd")
    entry = struct.pack(">I", len(described) - 8 + 40) + described[12:] + aperture
    source.write_bytes(replaced(data, b"stsd", described[:8] + entry))
    if matrix is not None:
        with_display_matrix(source, matrix)
    done = await convert(source, AUTO)
    shown = frame_of(done.path)
    assert (shown.width, shown.height) == size
    assert shown.word_at(*red_at) == "red"
    assert "black" not in {shown.word_at(across, down) for across in (0.02, 0.98) for down in (0.02, 0.98)}
