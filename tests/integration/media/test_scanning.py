"""Whether a picture is interlaced is decided by all of the film, not by its first pictures."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from clips import picture, run_ffmpeg
from conversion import convert
from video_to_mp4 import process
from video_to_mp4.jobs.model import Options, Quality
from video_to_mp4.media.info import MediaInfo
from video_to_mp4.media.plan import make_plan
from video_to_mp4.media.probe import probe

AUTO = Options(quality=Quality.AUTO)
FIELDS = ("-vf", "interlace=scan=tff:lowpass=off")
MPEG2 = ("-c:v", "mpeg2video", "-q:v", "2")
H264 = ("-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p")
SPOKEN = {"mpeg2video": (*MPEG2, "-flags", "+ilme+ildct"), "libx264": (*H264, "-x264-params", "tff=1")}
SILENT = {"mpeg2video": MPEG2, "libx264": (*H264, "-x264-params", "fake-interlaced=1")}


def mixed(folder: Path, codec: str, *, whole_s: float, interlaced_s: float) -> Path:
    """Make a film that says at its beginning that it is not interlaced, and later that it is."""
    progressive, interlaced = folder / "progressive.mkv", folder / "interlaced.mkv"
    run_ffmpeg([*picture("320x240"), *SILENT[codec], "-t", whole_s, progressive])
    run_ffmpeg([*picture("320x240", rate="50"), *FIELDS, *SPOKEN[codec], "-t", interlaced_s, interlaced])
    (folder / "list.txt").write_text("file progressive.mkv\nfile interlaced.mkv\n")
    source = folder / "source.mkv"
    run_ffmpeg(["-f", "concat", "-i", folder / "list.txt", "-c", "copy", source])
    return source


@pytest.mark.parametrize("codec", ["mpeg2video", "libx264"])
async def test_what_is_interlaced_after_a_progressive_start_has_no_combs(tmp_path: Path, codec: str) -> None:
    """A disc has a menu or a studio's mark at its beginning, and then another material."""
    source = mixed(tmp_path, codec, whole_s=5, interlaced_s=2)
    assert combed(source)[0] > 40
    done = await convert(source, AUTO)
    assert not done.plan.copies_picture
    assert combed(done.path)[0] <= 2


async def test_h264_that_may_be_interlaced_and_is_not_is_copied(tmp_path: Path) -> None:
    """Its parameters allow fields, but none of its pictures has any."""
    source = tmp_path / "source.mkv"
    run_ffmpeg([*picture("160x120"), *SILENT["libx264"], "-t", "2", source])
    done = await convert(source, AUTO)
    assert done.plan.copies_picture


@pytest.mark.parametrize(("codec", "order"), [(MPEG2, "tff"), (("-c:v", "mjpeg", "-q:v", "3"), "bff")])
async def test_combs_of_which_the_source_says_nothing_are_removed(
    tmp_path: Path, codec: tuple[str, ...], order: str
) -> None:
    """Cards that capture tapes seldom know what they capture."""
    source = tmp_path / "source.mkv"
    fields = f"interlace=scan={order}:lowpass=off,setfield=prog"
    run_ffmpeg([*picture("640x480", rate="50"), "-vf", fields, *codec, "-t", "1", source])
    done = await convert(source)
    assert combed(done.path)[0] <= 2


async def test_film_brought_to_television_is_left_alone(tmp_path: Path) -> None:
    """Two frames in five are combed then; to blur the other three would do more harm."""
    source = tmp_path / "source.mkv"
    run_ffmpeg([*picture("640x480", rate="24"), "-vf", "telecine,setfield=prog", *MPEG2, "-r", "30", "-t", "2", source])
    assert plan_of(await probe(source)) == "bwdif=mode=send_frame:deint=interlaced"


async def test_a_picture_without_combs_is_not_taken_for_one_with(tmp_path: Path) -> None:
    """Fine lines alone are no fields."""
    source = tmp_path / "source.mkv"
    run_ffmpeg([*picture("640x480"), *MPEG2, "-t", "1", source])
    assert plan_of(await probe(source)) == "bwdif=mode=send_frame:deint=interlaced"


async def test_a_middle_without_combs_ends_the_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Most films have no combs anywhere, so four further places would be decoded for nothing."""
    source = tmp_path / "source.mkv"
    run_ffmpeg([*picture("640x480"), *MPEG2, "-t", "8", source])
    looks = noted_looks(monkeypatch)
    assert plan_of(await probe(source)) == "bwdif=mode=send_frame:deint=interlaced"
    assert [look.count("-i") for look in looks] == [1]


async def test_a_long_film_with_combs_is_looked_at_all_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Combs in its middle alone are not enough."""
    source = tmp_path / "source.mkv"
    fields = "interlace=scan=tff:lowpass=off,setfield=prog"
    run_ffmpeg([*picture("640x480", rate="50"), "-vf", fields, *MPEG2, "-t", "8", source])
    looks = noted_looks(monkeypatch)
    assert "deint=all" in plan_of(await probe(source))
    assert [look.count("-i") for look in looks] == [1, 5]


def noted_looks(monkeypatch: pytest.MonkeyPatch) -> list[Sequence[str]]:
    """Return a list that gets the command of each look at the pictures."""
    looks: list[Sequence[str]] = []
    run = process.run

    async def noted(argv: Sequence[str], **bounds: Any) -> process.Exit:
        if any("idet" in word for word in argv):
            looks.append(argv)
        return await run(argv, **bounds)

    monkeypatch.setattr(process, "run", noted)
    return looks


def plan_of(info: MediaInfo) -> str:
    """Return how fields are to be turned into pictures."""
    return make_plan(info, Options()).picture.filters.split(",")[1]


def combed(path: Path) -> tuple[int, int]:
    """Return how many frames ffmpeg's idet takes for interlaced, and for whole."""
    args = [
        "ffmpeg",
        "-hide_banner",
        "-nostats",
        "-i",
        str(path),
        "-vf",
        "idet=intl_thres=1.2",
        "-an",
        "-f",
        "null",
        "-",
    ]
    said = subprocess.run(args, capture_output=True, text=True, check=True).stderr
    found = re.findall(r"Multi frame detection: TFF:\s*(\d+) BFF:\s*(\d+) Progressive:\s*(\d+)", said)[-1]
    above, below, whole = map(int, found)
    return above + below, whole
