"""Why a file can't become a video, from what ffprobe says and how the file begins."""

from __future__ import annotations

from pathlib import Path

import pytest

from video_to_mp4.errors import ConversionError, DamagedSource, LimitExceeded, NotAVideo
from video_to_mp4.media.info import Kind, MediaInfo, StreamInfo
from video_to_mp4.media.probe import refuse

INVALID = "file:/data/s: Invalid data found when processing input"
MATROSKA, ASF, AVI = (
    b"\x1a\x45\xdf\xa3",
    b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa",
    b"RIFF\x00\x00\x00\x00AVI ",
)


@pytest.mark.parametrize(
    ("complaints", "head", "error", "words"),
    [
        ("[mov] moov atom not found\n" + INVALID, b"\0\0\0\x20ftypisom", DamagedSource, "index is missing"),
        ("[mov] error reading header\n" + INVALID, b"\0\0\x10\0moov", DamagedSource, "header is cut short"),
        (INVALID, MATROSKA, DamagedSource, "header is cut short"),
        (INVALID, ASF, DamagedSource, "header is cut short"),
        (INVALID, AVI, DamagedSource, "header is cut short"),
        (INVALID, b"\0\0\0\x18styp" + bytes(16) + b"\0\0\0\x2csidx", DamagedSource, "Join the pieces"),
        (INVALID, b"\0\0\0\x08ftyp\0\0\0\x08free\0\0\0\x2cmoof", DamagedSource, "Join the pieces"),
        (INVALID, b"\x1f\x43\xb6\x75\x01", DamagedSource, "Join the pieces"),
        (INVALID, b"\x83\x7f\x00" * 99 + b"\x1f\x43\xb6\x75\x01", DamagedSource, "beginning of this Matroska"),
        (INVALID, bytes(4096), NotAVideo, "nothing but zeros"),
        ("[mov] moov atom not found\n" + INVALID, bytes(4096), NotAVideo, "nothing but zeros"),
        (INVALID, b"#EXTM3U\n#EXT-X-VERSION:3\n", NotAVideo, "playlist"),
        (INVALID, b"\xef\xbb\xbf#EXTM3U\r\n", NotAVideo, "playlist"),
        (INVALID, b'<?xml version="1.0"?>\n<!-- made -->\n<MPD xmlns="urn">', NotAVideo, "playlist"),
        (INVALID, b"[playlist]\nFile1=a.mp4", NotAVideo, "playlist"),
        (INVALID, b"ffconcat version 1.0\n", NotAVideo, "only says where"),
        (INVALID, b"d8:announce35:http://", NotAVideo, "only says where"),
        (INVALID, b"\n<!DOCTYPE html>\n<html><title>404", NotAVideo, "web page"),
        (INVALID, b'{"error": "not found"}', NotAVideo, "text, not a video"),
        (INVALID, "1\n00:00:01,000 --> Příliš".encode() * 400, NotAVideo, "text, not a video"),
        (INVALID, "text".encode("utf-16"), NotAVideo, "text, not a video"),
        (INVALID, b"RIFF\0\0\0\0WAVE", NotAVideo, "sound recording"),
        (INVALID, b"PK\x03\x04", NotAVideo, "Unpack it"),
        (INVALID, b"Rar!\x1a\x07\x01\0", NotAVideo, "Unpack it"),
        (INVALID, bytes(32769) + b"CD001", NotAVideo, "image of a disc"),
        (INVALID, b"DVDVIDEO-VMG", NotAVideo, r"\.VOB"),
        (INVALID, b"Salted__" + bytes(9), NotAVideo, "Decrypt"),
        (INVALID, b"\0\x05\x16\x07\0\x02", NotAVideo, "macOS"),
        (INVALID, b"MZ\x90\0", NotAVideo, "a program"),
        ("[mov] moov atom not found\n" + INVALID, b"\0\0\0\x18ftypheic", NotAVideo, "still picture"),
        (INVALID, b"\x93\xf1\x00\x81", NotAVideo, "not a video, or not one of a kind"),
        (INVALID, b"", NotAVideo, "not a video"),
        ("[avi] Picture size 16000x16000 is invalid", AVI, LimitExceeded, "limits"),
    ],
)
def test_a_file_without_streams_is_told_in_words_that_help(
    complaints: str, head: bytes, error: type[ConversionError], words: str
) -> None:
    """Half of a video is none that can be read, but its owner knows that it is one."""
    with pytest.raises(error, match=words) as refused:
        refuse(MediaInfo(container="", size_bytes=100, complaints=complaints), Path("/data/s"), head=head)
    assert type(refused.value) is error
    assert "/data" not in refused.value.details


PICTURE = StreamInfo(0, "video", codec="h264", width=320, height=240)


@pytest.mark.parametrize(("kind", "is_cover"), [("attachment", False), ("data", False), ("video", True)])
def test_fonts_covers_and_data_are_no_tracks_that_cost_anything(kind: Kind, is_cover: bool) -> None:
    """A film with styled subtitles brings a hundred fonts along; no decoder is opened for them."""
    others = [StreamInfo(index, kind, codec="ttf", is_cover=is_cover) for index in range(1, 500)]
    refuse(MediaInfo(container="matroska,webm", size_bytes=10**6, streams=(PICTURE, *others)), Path("/data/s"))


@pytest.mark.parametrize("kind", ["video", "audio", "subtitle"])
def test_more_tracks_than_anybody_needs_are_refused(kind: Kind) -> None:
    """Each is a decoder with buffers of its own."""
    others = [StreamInfo(index, kind, codec="aac") for index in range(1, 70)]
    with pytest.raises(LimitExceeded, match="70 tracks of picture, sound and subtitles; more than 64"):
        refuse(MediaInfo(container="matroska,webm", size_bytes=10**6, streams=(PICTURE, *others)), Path("/data/s"))
