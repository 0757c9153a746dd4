"""The head of a Matroska file is read whatever is in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from video_to_mp4.media.matroska import pictures_of

EBML = b"\x1a\x45\xdf\xa3\x80"
SEGMENT = b"\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xff"
TRACKS = b"\x16\x54\xae\x6b\x83\xae\x81\x00"


@pytest.mark.parametrize("size", [2**10, 2**45, 2**49, 2**55])
def test_an_element_that_claims_more_than_the_file_has_ends_the_list(tmp_path: Path, size: int) -> None:
    """A file system refuses to look so far behind a file's end."""
    path = tmp_path / "film.mkv"
    path.write_bytes(EBML + SEGMENT + b"\xec" + (size | 1 << 56).to_bytes(8, "big") + TRACKS)
    assert pictures_of(path) == []
