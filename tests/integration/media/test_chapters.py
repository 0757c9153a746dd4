"""A film's chapters are in it, and make it no longer."""

from __future__ import annotations

from pathlib import Path

import pytest

from clips import AAC, H264, TONE, picture, run_ffmpeg
from conversion import FAST, convert, look_at
from video_to_mp4.jobs.encoding import Encoding
from video_to_mp4.jobs.model import Options, Quality

AUTO = Options(quality=Quality.AUTO)


def with_chapters(folder: Path, *chapters: tuple[float, float, str], extension: str = "mkv") -> Path:
    text = ";FFMETADATA1\n"
    for start_s, end_s, title in chapters:
        text += f"[CHAPTER]\nTIMEBASE=1/1000\nSTART={round(1000 * start_s)}\nEND={round(1000 * end_s)}\n"
        text += f"title={title}\n" if title else ""
    (folder / "chapters.txt").write_text(text)
    source = folder / f"source.{extension}"
    made = [
        "-t",
        "4",
        *picture("160x120", rate="5"),
        "-t",
        "4",
        *TONE,
        "-i",
        folder / "chapters.txt",
        "-map",
        "0",
        "-map",
        "1",
    ]
    run_ffmpeg([*made, "-map_chapters", "2", *H264, *AAC, source])
    return source


def chapters_of(path: Path) -> list[tuple[float, str]]:
    """Return when each begins, to a twentieth of a second: a source's clock may begin with its sound, before 0."""
    found = [(float(chapter["start_time"]), chapter.get("tags", {})) for chapter in look_at(path)["chapters"]]
    return [(round(20 * start_s) / 20, tags.get("title", "")) for start_s, tags in found]


@pytest.mark.parametrize("options", [FAST, AUTO])
@pytest.mark.parametrize("extension", ["mkv", "mp4"])
async def test_chapters_after_the_end_make_no_clip_longer(tmp_path: Path, options: Options, extension: str) -> None:
    """A clip of four seconds kept all chapters of the film that it was cut from."""
    source = with_chapters(tmp_path, (0, 2, "a"), (2, 6600, "b"), (6600, 6700, "c"), extension=extension)
    done = await convert(source, options)
    assert chapters_of(done.path) == [(0, "a"), (2, "b")]
    assert float(look_at(done.path)["format"]["duration"]) == pytest.approx(4, abs=0.2)
    assert done.warnings == ("Chapters after the end of the film were left out (1).",)


@pytest.mark.parametrize("options", [FAST, AUTO])
async def test_chapters_without_titles_get_numbers(tmp_path: Path, options: Options) -> None:
    """MP4's chapters are a track of texts, and ffmpeg writes none for empty ones but refers to it."""
    done = await convert(with_chapters(tmp_path, (0, 2, ""), (2, 4, "")), options)
    assert chapters_of(done.path) == [(0, "Chapter 1"), (2, "Chapter 2")]
    assert done.warnings == ()


async def test_a_part_of_a_film_has_the_chapters_of_that_part(tmp_path: Path) -> None:
    """Times count from where the part begins."""
    source = with_chapters(tmp_path, (0, 1, "a"), (1, 2, "b"), (2, 3, "c"), (3, 4, "d"))
    encoding = Encoding(extra_args=("-ss", "1.5", "-to", "2.5"))
    done = await convert(source, Options(quality=Quality.STANDARD, encoding=encoding))
    assert chapters_of(done.path) == [(0, "b"), (0.5, "c")]
    assert done.warnings == ()


async def test_chapters_that_nobody_wants_are_left_out(tmp_path: Path) -> None:
    """A program may ask for none."""
    encoding = Encoding(extra_args=("-map_chapters", "-1"))
    source = with_chapters(tmp_path, (0, 2, "a"), (2, 4, "b"))
    done = await convert(source, Options(quality=Quality.STANDARD, encoding=encoding))
    assert chapters_of(done.path) == []
