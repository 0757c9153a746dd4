"""Which names are taken for videos, and how the types are named for people."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from video_to_mp4.api.schemas import UploadRequest
from video_to_mp4.jobs.file_types import (
    ANIMATED_PICTURE_EXTENSIONS,
    VIDEO_EXTENSIONS,
    accepted_types,
    best_known_types,
    is_video_name,
)


@pytest.mark.parametrize("name", ["film.mp4", "FILM.M2TS", "a.b.3gp", "tv.dvr-ms", "clip.y4m", "funny.gif", "x.ts"])
def test_a_name_is_a_videos_by_its_end_in_any_case(name: str) -> None:
    """What ffmpeg can read and a person would call a video."""
    assert is_video_name(name)


@pytest.mark.parametrize("name", ["", "mp4", ".mp4", "film", "film.mp4.exe", "song.mp3", "list.m3u8", "photo.jpg"])
def test_other_names_are_not(name: str) -> None:
    """Neither playlists, which name other files, nor sound and pictures."""
    assert not is_video_name(name)


def test_the_best_known_types_are_named_first_and_each_type_is_there_once() -> None:
    """People look for their own kind; of the rare ones they learn how many there are."""
    assert best_known_types() == "AVI, MOV, MKV, WMV, MP4, WEBM"
    told = accepted_types()
    assert told.startswith(f"{best_known_types()}, M4V, 3GP, 3G2, TS, MTS, M2TS, FLV, MPG, MPEG, VOB, OGV, ASF")
    named = re.findall(r"[A-Z0-9]+(?=,| and)", told)
    [rarer] = re.findall(r"and (\d+) rarer types", told)
    assert len(named) + int(rarer) == len(VIDEO_EXTENSIONS) == len(set(VIDEO_EXTENSIONS))
    assert set(ANIMATED_PICTURE_EXTENSIONS) < set(VIDEO_EXTENSIONS)


def test_the_readme_counts_them() -> None:
    """Its first sentence is what most people read."""
    text = (Path(__file__).parents[3] / "README.md").read_text()
    assert f"({best_known_types()} and {len(VIDEO_EXTENSIONS) - 6} other types" in text


def test_the_apis_description_has_the_same_list() -> None:
    """As a pattern, which programs check their requests by."""
    pattern = UploadRequest.model_json_schema()["properties"]["name"]["pattern"]
    assert all(re.search(pattern, f"a{extension}") for extension in VIDEO_EXTENSIONS)
    assert all(re.search(pattern, f"a{extension.upper()}") for extension in VIDEO_EXTENSIONS)
    assert not re.search(pattern, "a.txt")
