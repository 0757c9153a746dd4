"""Everything that has a picture becomes an MP4 that Chromium plays; everything else ends in the right error.

With CORPUS_DIR=folder the files in that folder are tried, too.
"""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from clips import AAC, RECIPES, TONE, make_clip, picture, run_ffmpeg
from corpus import table
from corpus.__main__ import find_sources, try_all
from corpus.convert import Converted, Workshop
from corpus.judge import Verdict, judge, try_file
from corpus.play import Player
from serving import PROJECT
from video_to_mp4.jobs.model import Completed, Options, Quality, Resolution, StreamFate

# One browser plays everything, and it lives in one event loop.
pytestmark = pytest.mark.asyncio(loop_scope="module")

AUTO = Options(quality=Quality.AUTO)
WITHOUT_PICTURE = {"encrypted_mp4": "ENCRYPTED", "sound_only_mp4": "NO_VIDEO_TRACK"}
LONG = {"long_1080p_mp4"}
"""Made for tests that interrupt."""


# ------------------------------------------------------------------------------------------------------ what is played


@pytest.mark.parametrize("name", [name for name in RECIPES if name not in LONG | WITHOUT_PICTURE.keys()])
async def test_a_clip_of_any_kind_plays(tmp_path: Path, workshop: Workshop, player: Player, name: str) -> None:
    """No error, all pictures, sound if there was any, the right size, the duration within 0.1 s + 1 %."""
    row = await try_file(workshop, player, make_clip(tmp_path, name), AUTO)
    assert row.verdict is Verdict.PLAYS, table.line(row, name)


@pytest.mark.parametrize(
    ("name", "size"),
    [("portrait_1080x1920_mp4", (480, 854)), ("dnxhd_mov", (854, 480)), ("mpeg2_dvd_vob", (854, 480))],
)
async def test_a_smaller_size_plays(
    tmp_path: Path, workshop: Workshop, player: Player, name: str, size: tuple[int, int]
) -> None:
    """The browser shows the size that was asked for, with the sound."""
    options = Options(quality=Quality.STANDARD, resolution=Resolution.SD)
    row = await try_file(workshop, player, make_clip(tmp_path, name), options)
    assert row.verdict is Verdict.PLAYS, table.line(row, name)
    assert row.played is not None
    assert (row.played.width, row.played.height) == size


@pytest.mark.skipif("CORPUS_DIR" not in os.environ, reason="CORPUS_DIR names no folder of videos")
async def test_every_file_of_a_folder_plays_or_has_nothing_to_play() -> None:
    """What plain ffmpeg decodes a picture of must become an MP4 that plays."""
    folder = Path(os.environ["CORPUS_DIR"])
    rows = await try_all(folder, find_sources(folder), AUTO, at_once=os.cpu_count() or 1, limit_s=300)
    failed = [row for row in rows if row.verdict is Verdict.FAILS]
    assert not failed, "\n".join(table.line(row, row.converted.source.name) for row in failed)
    errors = {row.converted.error.code for row in rows if row.converted.error is not None}
    assert errors <= {"NOT_A_VIDEO", "NO_VIDEO_TRACK", "ENCRYPTED", "UNKNOWN_CODEC", "DAMAGED", "LIMIT_EXCEEDED"}


# ----------------------------------------------------------------------------------------------- what can't be played


def _archive(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("film.txt", "hello" * 100)


def _changed(path: Path, clip: str, change: Callable[[bytes], bytes]) -> None:
    path.write_bytes(change(make_clip(path.parent, clip, file_name="whole").read_bytes()))


def _image(path: Path, codec: str) -> None:
    run_ffmpeg([*picture("64x64"), "-frames:v", "1", "-c:v", codec, "-f", "image2", "-update", "1", path])


def _without_content(whole: bytes) -> bytes:
    """Return an IVF whose frames are nothing but 0xff."""
    made, place = bytearray(whole), 32
    while place < len(whole):
        size = int.from_bytes(whole[place : place + 4], "little")
        made[place + 12 : place + 12 + size] = b"\xff" * size
        place += 12 + size
    return bytes(made)


REFUSED: dict[str, tuple[str, Callable[[Path], object]]] = {
    "an empty file": ("NOT_A_VIDEO", lambda path: path.touch()),
    "one byte": ("NOT_A_VIDEO", lambda path: path.write_bytes(b"\0")),
    "zeros": ("NOT_A_VIDEO", lambda path: path.write_bytes(bytes(100_000))),
    "text": ("NOT_A_VIDEO", lambda path: path.write_text("The quick brown fox\n" * 1000)),
    "a web page": ("NOT_A_VIDEO", lambda path: path.write_text("<!DOCTYPE html><title>video</title>")),
    "a program": ("NOT_A_VIDEO", lambda path: path.write_bytes(Path("/bin/true").read_bytes())),
    "an archive": ("NOT_A_VIDEO", _archive),
    "a PNG": ("NOT_A_VIDEO", lambda path: _image(path, "png")),
    "a JPEG": ("NOT_A_VIDEO", lambda path: _image(path, "mjpeg")),
    "a BMP": ("NOT_A_VIDEO", lambda path: _image(path, "bmp")),
    "subtitles": ("NOT_A_VIDEO", lambda path: path.write_text("1\n00:00:00,000 --> 00:00:01,000\nHello\n")),
    "a WAV": ("NOT_A_VIDEO", lambda path: run_ffmpeg([*TONE, "-t", "1", "-f", "wav", path])),
    "an MP3": ("NOT_A_VIDEO", lambda path: run_ffmpeg([*TONE, "-t", "1", "-f", "mp3", path])),
    "sound in Matroska": ("NO_VIDEO_TRACK", lambda path: run_ffmpeg([*TONE, *AAC, "-t", "1", "-f", "matroska", path])),
    "sound in Ogg": ("NO_VIDEO_TRACK", lambda path: run_ffmpeg([*TONE, "-t", "1", "-f", "ogg", path])),
    "no index": ("DAMAGED", lambda path: _changed(path, "h264_aac_mp4", lambda whole: whole[: len(whole) // 2])),
    "no codec known": (
        "UNKNOWN_CODEC",
        lambda path: _changed(path, "quadrants_mp4", lambda whole: whole.replace(b"avc1", b"qqq1")),
    ),
    "not one picture": ("DAMAGED", lambda path: _changed(path, "vp8_ivf", _without_content)),
}


@pytest.mark.parametrize("name", [*REFUSED, *WITHOUT_PICTURE])
async def test_what_has_no_picture_ends_in_the_right_error(
    tmp_path: Path, workshop: Workshop, player: Player, name: str
) -> None:
    """One code for each reason, whatever the name says; and the tool finds the refusal right."""
    source = tmp_path / "holiday.mp4"
    if name in WITHOUT_PICTURE:
        code = WITHOUT_PICTURE[name]
        source = make_clip(tmp_path, name)
    else:
        code, make = REFUSED[name]
        make(source)
    row = await try_file(workshop, player, source, AUTO)
    assert row.converted.outcome == f"Error {code}", table.line(row, name)
    assert row.verdict is Verdict.REFUSED, table.line(row, name)


# ------------------------------------------------------------------------------------------- the tool finds what fails


@pytest.mark.parametrize(
    ("clip", "args", "fault"),
    [
        ("h264_aac_mp4", ["-c:v", "libx265", "-x265-params", "log-level=error", *AAC], "shows 0x0 pixels"),
        ("h264_ac3_mkv", ["-c", "copy"], "no sound"),
        ("ten_seconds_mp4", ["-c", "copy", "-t", "9.5"], "ends after 9."),
    ],
)
async def test_what_a_browser_does_not_show_whole_is_found(
    tmp_path: Path, player: Player, clip: str, args: list[str], fault: str
) -> None:
    """Chromium plays the sound of HEVC without a picture and without an error, and is silent with AC-3."""
    source, result = make_clip(tmp_path, clip), tmp_path / "result.mp4"
    run_ffmpeg(["-i", source, *args, result])
    row = await judge(Converted(source, 1.0, result, _told(result)), player)
    assert row.verdict is Verdict.FAILS
    assert fault in " ".join(row.faults)


def _told(result: Path) -> Completed:
    """Return what is told of a picture and a sound that are both kept."""
    fates = [
        StreamFate.model_validate({"index": index, "kind": kind, "codec": "any", "action": "copy", "why": "so"})
        for index, kind in enumerate(("video", "audio"))
    ]
    return Completed(result_bytes=result.stat().st_size, fates=tuple(fates))


async def test_a_result_that_is_cut_short_is_found(tmp_path: Path, player: Player) -> None:
    """The index promises ten seconds, but the samples end before."""
    result = tmp_path / "result.mp4"
    run_ffmpeg(["-i", make_clip(tmp_path, "ten_seconds_mp4"), "-c", "copy", "-movflags", "+faststart", result])
    result.write_bytes(result.read_bytes()[: result.stat().st_size // 2])
    row = await judge(Converted(tmp_path / "source", 1.0, result, _told(result)), player)
    assert row.verdict is Verdict.FAILS


async def test_the_command_prints_a_table_and_ends_with_0_when_all_is_well(tmp_path: Path) -> None:
    """What a user with a strange file runs."""
    make_clip(tmp_path, "small_320x240_mp4", file_name="-y film\n🎬.mp4")
    (tmp_path / "letter.mp4").write_text("Dear Ann,\n")
    done = subprocess.run(
        [sys.executable, "-m", "corpus", tmp_path], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["file", "plan", "outcome", "seconds", "dropped", "played"]
    assert lines[2].startswith("-y film?")
    assert "h264 copy, aac copy" in lines[2]
    assert lines[2].endswith("yes")
    assert "Error NOT_A_VIDEO" in lines[3]
    assert "2 files" in lines[-2]
