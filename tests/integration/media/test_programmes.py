"""Of a broadcast with several programmes one is converted, with what belongs to it."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

import tools
from clips import picture, run_ffmpeg
from conversion import Conversion, convert
from video_to_mp4.jobs.encoding import Encoding
from video_to_mp4.jobs.model import Options, Quality

SPLIT = ("-program", "title=SD:program_num=1:st=0:st=1", "-program", "title=HD:program_num=2:st=2:st=3")
NAMED = ("-metadata:s:a:0", "language=eng", "-metadata:s:a:1", "language=deu")


def two_programmes(folder: Path, *, apart_s: int, names: tuple[str, ...] = SPLIT) -> Path:
    """Make a small and a large picture, each with a beep at 1 s, on clocks that are so far apart."""
    parts = []
    for number, size in enumerate(("160x120", "320x240")):
        part = folder / f"{number}.ts"
        beep = "sine=frequency=880:sample_rate=48000,volume=enable='lt(t,1)':volume=0"
        run_ffmpeg(
            [*picture(size), "-f", "lavfi", "-i", beep, "-t", "3", "-c:v", "mpeg2video", "-c:a", "mp2",
             "-output_ts_offset", str(number * apart_s), part]
        )  # fmt: skip
        parts += ["-copyts", "-i", part]
    source = folder / "source.ts"
    run_ffmpeg([*parts, "-map", "0", "-map", "1", "-c", "copy", *NAMED, *names, source])
    return source


def facts(done: Conversion) -> list[tuple[str, str]]:
    """Return kind and language, or size, of the result's tracks."""
    return [
        (track["codec_type"], track["tags"]["language"] if track["codec_type"] == "audio" else str(track["width"]))
        for track in done.streams
    ]


@pytest.mark.parametrize("apart_s", [0, 3600])
async def test_the_larger_picture_comes_with_the_sound_of_its_own_programme(tmp_path: Path, apart_s: int) -> None:
    """Each programme has a clock of its own; the streams of the other one are named."""
    done = await convert(two_programmes(tmp_path, apart_s=apart_s))
    assert facts(done) == [("video", "320"), ("audio", "deu")]
    assert done.of_kind("audio")[0]["disposition"]["default"] == 1
    assert done.warnings == ("Left out: 2 streams of another programme (mpeg2video; mp2, eng).",)
    assert abs(done.verified.duration_s - 3) < 0.1
    assert abs(beep_s(done.path) - 1) < 0.06


@pytest.mark.parametrize("apart_s", [0, 3600])
async def test_a_part_of_a_programme_is_counted_from_its_own_start(tmp_path: Path, apart_s: int) -> None:
    """Whoever asks for a cut knows nothing of other programmes."""
    source = two_programmes(tmp_path, apart_s=apart_s)
    if apart_s and tools.version("ffmpeg").startswith(("6.", "7.")):
        pytest.skip("ffmpeg 6 and 7 begin a part of such a source too early by themselves")
    options = Options(quality=Quality.STANDARD, encoding=Encoding(extra_args=("-ss", "0.5", "-to", "2")))
    done = await convert(source, options)
    assert abs(done.verified.duration_s - 1.5) < 0.1
    assert abs(beep_s(done.path) - 0.5) < 0.06


async def test_sound_that_two_programmes_share_goes_with_both(tmp_path: Path) -> None:
    """And so does what belongs to no programme."""
    shared = ("-program", "program_num=1:st=0:st=1:st=3", "-program", "program_num=2:st=2:st=1:st=3")
    done = await convert(two_programmes(tmp_path, apart_s=0, names=shared))
    assert facts(done) == [("video", "320"), ("audio", "eng"), ("audio", "deu")]


def beep_s(path: Path) -> float:
    """Return when the silence at the beginning ends."""
    args = ["-v", "info", "-i", path, "-af", "silencedetect=noise=-40dB:duration=0.1", "-vn", "-f", "null", "-"]
    told = subprocess.run(["ffmpeg", *map(str, args)], capture_output=True, check=True, text=True).stderr
    return float(re.findall(r"silence_end: ([\d.]+)", told)[0])
