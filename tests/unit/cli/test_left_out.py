"""What a folder has besides videos is counted and named."""

from __future__ import annotations

from pathlib import Path

import pytest

from video_to_mp4.cli.batch import Rules, plan
from video_to_mp4.cli.left_out import LeftOutFiles, is_meant
from video_to_mp4.cli.library.finding import find
from video_to_mp4.cli.wish import Wish
from video_to_mp4.errors import WrongUsage
from video_to_mp4.jobs.file_types import VIDEO_EXTENSIONS

GIF = b"GIF89a\1\0\1\0\0\0\0"
CONTROL = b"\x21\xf9\x04\0\0\0\0\0"
WEBP = b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0"


def put(folder: Path, **contents: bytes) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (folder / name.replace("_", ".")).write_bytes(content)


def planned(folder: Path, left_out: LeftOutFiles, *, recursive: bool = False) -> list[str]:
    rules = Rules(output_dir=None, recursive=recursive, overwrite=True, skip_existing=False)
    return [order.source.name for order in plan([folder], Wish(), rules, VIDEO_EXTENSIONS, left_out)]


def test_what_is_no_video_is_named_or_counted_by_its_kind(tmp_path: Path) -> None:
    """Unknown types may have been meant, so they are named; what usually lies beside films is counted."""
    put(tmp_path, a_mkv=b"x", b_ts=b"\x47\0", film_xyz=b"x", a_srt=b"x", b_SRT=b"x", a_jpg=b"x", a_nfo=b"x", film=b"x")
    (tmp_path / ".hidden").write_bytes(b"x")
    left_out = LeftOutFiles()
    assert planned(tmp_path, left_out) == ["a.mkv", "b.ts"]
    assert left_out.sentence() == (
        "Left out: 6 files that are not videos (film, film.xyz; 2 subtitles, 1 picture, 1 text)."
    )
    assert left_out.document() == {
        "count": 6,
        "files": ["film", "film.xyz"],
        "kinds": {"picture": 1, "text": 1, "subtitle": 2},
        "folders": [],
    }


def test_many_names_are_cut_off_and_folders_that_are_not_entered_are_named(tmp_path: Path) -> None:
    """Nothing is passed over in silence but what is hidden."""
    put(tmp_path, a_mkv=b"x", **{f"f{number}_xyz": b"x" for number in range(7)})
    put(tmp_path / "deep", b_mkv=b"x")
    put(tmp_path / ".git", c_mkv=b"x")
    left_out = LeftOutFiles()
    assert planned(tmp_path, left_out) == ["a.mkv"]
    assert left_out.sentence() == (
        "Left out: 7 files that are not videos (f0.xyz, f1.xyz, f2.xyz, f3.xyz, f4.xyz and 2 more). "
        "Folders are entered with --recursive only: deep."
    )
    left_out = LeftOutFiles()
    assert planned(tmp_path, left_out, recursive=True) == ["a.mkv", "b.mkv"]
    assert left_out.folders == []


def test_a_folder_without_videos_is_an_error_that_says_what_it_has(tmp_path: Path) -> None:
    """Exit code 2, as another folder was meant."""
    put(tmp_path, notes_txt=b"x", film_xyz=b"x")
    with pytest.raises(WrongUsage, match=r"There are no videos to convert\. Left out: 2 files .*film\.xyz; 1 text"):
        planned(tmp_path, LeftOutFiles())


def test_nothing_left_out_says_nothing(tmp_path: Path) -> None:
    """A folder of videos needs no word."""
    put(tmp_path, a_mkv=b"x")
    left_out = LeftOutFiles()
    planned(tmp_path, left_out)
    assert (left_out.sentence(), left_out.count) == ("", 0)


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.gif", GIF + CONTROL + CONTROL, True),
        ("a.gif", GIF + CONTROL, False),
        ("a.webp", WEBP + b"\2", True),
        ("a.webp", WEBP + b"\x10", False),
        ("a.webp", b"", False),
        ("a.ts", b"\x47\x40\0\x10" + bytes(184), True),
        ("a.ts", b"export const film = 1;", False),
        ("go.mod", b"module example.org/film", False),
        ("a.mod", b"\0\0\1\xba", True),
        ("a.mkv", b"anything", True),
        ("a.txt", b"anything", False),
    ],
)
def test_names_that_others_have_too_are_looked_into(tmp_path: Path, name: str, content: bytes, expected: bool) -> None:
    """A folder of photographs or of TypeScript is not sent to the server to be told so."""
    (tmp_path / name).write_bytes(content)
    assert is_meant(tmp_path / name, VIDEO_EXTENSIONS) is expected


def test_animated_pictures_of_a_library_stay(tmp_path: Path) -> None:
    """Whatever shows them would not know a video in their place; they are counted among the pictures."""
    put(tmp_path, a_gif=GIF + CONTROL + CONTROL, cover_jpg=b"x", film_m4v=b"x")
    found = find(tmp_path, VIDEO_EXTENSIONS)
    assert [left.source for left in found.left_out] == ["film.m4v"]  # it was written a moment ago
    assert found.others.sentence() == "Left out: 2 files that are not videos (2 pictures)."
