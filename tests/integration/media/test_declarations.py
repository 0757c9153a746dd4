"""What only the container says of a picture is done, whichever version of ffmpeg reads it."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import pytest

from clips import H264, picture, run_ffmpeg, with_display_matrix
from conversion import FAST, convert, frame_of, look_at
from mp4_tables import content, replaced
from video_to_mp4.jobs.model import Options, Quality

AUTO = Options(quality=Quality.AUTO)
ONE = 65536
BARS = "color=white:s=320x160:r=25,pad=360:240:10:20:black,drawbox=10:20:160:80:red:fill"
"""A white picture, red in its upper left, with bars of 10 pixels left, 30 right, 20 at the top and 60 at the bottom."""


def telling(folder: Path, elements: bytes, source: str = BARS) -> Path:
    """Make a Matroska file whose picture has elements that ffmpeg can't write, in the place of three that it can.

    These are DisplayWidth, DisplayHeight and DisplayUnit, which take twelve bytes.
    """
    path = folder / "source.mkv"
    run_ffmpeg(["-f", "lavfi", "-i", source, *H264, "-vf", "setsar=2/1", "-write_crc32", "0", "-t", "1", path])
    named = bytes.fromhex("54b08103 54ba8101 54b28103")
    data = path.read_bytes()
    assert data.count(named) == 1
    assert len(elements) == len(named)
    path.write_bytes(data.replace(named, elements))
    return path


async def test_what_matroska_crops_is_not_shown(tmp_path: Path) -> None:
    """The bars left, at the top and at the bottom are gone, once only."""
    crop = ((0x54CC, 10), (0x54BB, 20), (0x54AA, 60))
    elements = b"".join(struct.pack(">HBB", kind, 0x81, pixels) for kind, pixels in crop)
    done = await convert(telling(tmp_path, elements), AUTO)
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
    describe(source, struct.pack(">I4s8i", 40, b"clap", 320, 1, 160, 1, -10, 1, -20, 1))
    if matrix is not None:
        with_display_matrix(source, matrix)
    done = await convert(source, AUTO)
    shown = frame_of(done.path)
    assert (shown.width, shown.height) == size
    assert shown.word_at(*red_at) == "red"
    assert "black" not in {shown.word_at(across, down) for across in (0.02, 0.98) for down in (0.02, 0.98)}


async def test_a_full_range_that_only_the_container_knows_stays_in_a_copy(tmp_path: Path) -> None:
    """MP4 has no place for the range alone: without it in the stream, grey 180 becomes 191."""
    elements = bytes.fromhex("55b089 55b98102 ec83000000")
    source = telling(tmp_path, elements, "color=gray:s=180x120:r=25")
    done = await convert(source, AUTO)
    assert done.plan.copies_picture
    assert done.of_kind("video")[0]["color_range"] == "pc"
    assert frame_of(done.path).at(0.5, 0.5) == frame_of(source).at(0.5, 0.5)


SPHERE = struct.pack(">I4sI2s", 14, b"svhd", 0, b"x\0")
SPHERE += struct.pack(">I4s I4sI3i I4sI4I", 60, b"proj", 24, b"prhd", 0, 0, 0, 0, 28, b"equi", 0, 0, 0, 0, 0)
MARKS = struct.pack(">I4sIB", 13, b"st3d", 0, 1) + struct.pack(">I4s", 8 + len(SPHERE), b"sv3d") + SPHERE


@pytest.mark.parametrize("options", [AUTO, FAST], ids=["copied", "encoded"])
async def test_marks_of_a_round_or_a_stereoscopic_picture_are_kept(tmp_path: Path, options: Options) -> None:
    """Without them a player shows a panorama as a bent stripe, and both eyes' pictures above each other."""
    source = tmp_path / "source.mp4"
    run_ffmpeg([*picture("160x120"), *H264, "-t", "1", source])
    describe(source, MARKS)
    assert marks_of(look_at(source)["streams"][0]) == {"Stereo 3D", "Spherical Mapping"}
    done = await convert(source, options)
    assert done.plan.copies_picture == (options is AUTO)
    assert marks_of(done.of_kind("video")[0]) == {"Stereo 3D", "Spherical Mapping"}
    assert done.warnings == ()


def marks_of(stream: dict[str, Any]) -> set[str]:
    """Return what ffprobe says of a picture's shape."""
    return {entry["side_data_type"] for entry in stream.get("side_data_list", ())}


def describe(path: Path, box: bytes) -> None:
    """Add a box to the description of the picture of an MP4 that has nothing else."""
    data = path.read_bytes()
    described = content(data, b"stsd")
    entry = struct.pack(">I", len(described) - 8 + len(box)) + described[12:] + box
    path.write_bytes(replaced(data, b"stsd", described[:8] + entry))
