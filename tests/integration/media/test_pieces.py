"""Pieces of videos, and what is only called a video, are refused with a sentence that says what to do."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from clips import AAC, H264, TONE, make_clip, picture, run_ffmpeg
from conversion import convert
from video_to_mp4.errors import DamagedSource, NotAVideo
from video_to_mp4.media.probe import probe


@pytest.fixture(scope="module")
def stream(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a video in the pieces in which sites send it: a playlist, a beginning, and what follows it."""
    folder = tmp_path_factory.mktemp("stream")
    hls = ["-f", "hls", "-hls_time", "1", "-hls_segment_type", "fmp4", "-hls_playlist_type", "vod"]
    run_ffmpeg([*picture("160x120"), *TONE, *H264, "-g", "25", *AAC, "-t", "2", *hls, folder / "list.m3u8"])
    return folder


@pytest.mark.parametrize(
    ("name", "error", "words"),
    [
        ("list0.m4s", DamagedSource, "without its beginning .* Join the pieces"),
        ("list1.m4s", DamagedSource, "without its beginning .* Join the pieces"),
        ("init.mp4", DamagedSource, "only the beginning of a streamed video .* Join it"),
        ("list.m3u8", NotAVideo, "playlist"),
    ],
)
async def test_a_piece_of_a_streamed_video_says_what_is_missing(
    stream: Path, name: str, error: type[Exception], words: str
) -> None:
    """Whoever saved it from a browser has the rest, or can get it."""
    with pytest.raises(error, match=words):
        await probe(stream / name)


async def test_the_pieces_of_a_streamed_video_that_are_joined_are_converted(stream: Path, tmp_path: Path) -> None:
    """That is what the sentence says."""
    joined = tmp_path / "joined.mp4"
    joined.write_bytes(b"".join((stream / name).read_bytes() for name in ("init.mp4", "list0.m4s", "list1.m4s")))
    assert abs((await convert(joined)).verified.duration_s - 2) < 0.1


async def test_a_webm_without_its_beginning_says_so(tmp_path: Path) -> None:
    """Cut between two clusters, or anywhere."""
    whole = make_clip(tmp_path, "vp9_opus_webm").read_bytes()
    cluster = whole.index(b"\x1f\x43\xb6\x75")
    for begin, words in ((cluster, "Join the pieces"), (cluster - 3, "beginning of this Matroska or WebM")):
        (tmp_path / "cut.webm").write_bytes(whole[begin:])
        with pytest.raises(DamagedSource, match=words):
            await probe(tmp_path / "cut.webm")


async def test_a_download_that_has_only_reserved_its_room_says_so(tmp_path: Path) -> None:
    """Many programs make the whole file first and fill it then."""
    (tmp_path / "film.mp4").write_bytes(bytes(2_000_000))
    with pytest.raises(NotAVideo, match="nothing but zeros"):
        await probe(tmp_path / "film.mp4")


async def test_a_video_in_an_archive_is_not_taken_for_one(tmp_path: Path) -> None:
    """Not even where the archive holds it as it is."""
    film = make_clip(tmp_path, "h264_aac_mp4")
    with zipfile.ZipFile(tmp_path / "film.zip", "w", zipfile.ZIP_STORED) as archive:
        archive.write(film, "film.mp4")
    with pytest.raises(NotAVideo, match="Unpack it"):
        await probe(tmp_path / "film.zip")
