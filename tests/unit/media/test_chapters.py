"""Chapters as a film can have them: in order, within it, named."""

from __future__ import annotations

import pytest

from video_to_mp4.media.chapters import as_ffmetadata, fitted
from video_to_mp4.media.info import Chapter


@pytest.mark.parametrize(
    ("chapters", "found"),
    [
        ([(0, 2, "a"), (2, 4, "b")], [(0, 2, "a"), (2, 4, "b")]),
        ([(0, 1, ""), (1, 2, "b"), (2, 3, "")], [(0, 1, "Chapter 1"), (1, 2, "b"), (2, 3, "Chapter 3")]),
        ([(0, 3, "a"), (3, 6600, "b"), (4, 5, "late"), (6000, 6600, "later")], [(0, 3, "a"), (3, 4, "b")]),
        ([(2, 4, "b"), (0, 3, "a")], [(0, 2, "a"), (2, 4, "b")]),
        ([(0, 4, "part"), (0, 1, "scene"), (1, 4, "scene 2")], [(0, 1, "part"), (1, 4, "scene 2")]),
        ([(-5, 1, "a"), (1, 1, "b")], [(0, 1, "a"), (1, 1.001, "b")]),
        ([(-5, -1, "a")], []),
    ],
)
def test_chapters_lie_within_the_film_one_after_the_other(
    chapters: list[tuple[float, float, str]], found: list[tuple[float, float, str]]
) -> None:
    """A player jumps to each of them and lands in the film."""
    fits = fitted([Chapter(*chapter) for chapter in chapters], 0.0, 4.0)
    assert [(chapter.start_s, chapter.end_s, chapter.title) for chapter in fits] == found


def test_a_part_of_a_film_has_the_chapters_of_that_part() -> None:
    """It begins in the one that was running."""
    chapters = [Chapter(0, 2, "a"), Chapter(2, 4, "b"), Chapter(4, 6, "c"), Chapter(6, 8, "d")]
    assert [(c.start_s, c.title) for c in fitted(chapters, 3.0, 5.0)] == [(0, "b"), (1, "c")]


def test_titles_may_have_any_sign() -> None:
    """Ffmpeg's format knows five of its own."""
    assert "title=a\\=b\\;c\\#d\\\\e\\\nf\n" in as_ffmetadata([Chapter(0, 1, "a=b;c#d\\e\nf")])
