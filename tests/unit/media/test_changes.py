"""Whether a picture's format changes inside its stream, whatever its bytes are."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from video_to_mp4.media.changes import with_changes
from video_to_mp4.media.info import MediaInfo, StreamInfo

CODECS = ("h264", "hevc", "mpeg1video", "mpeg2video", "mpeg4", "vc1", "mjpeg")
SIGNS = (b"\0\0\1", b"\0\0\0\1", b"\0\0\1\xb3", b"\0\0\1\x20", b"\xff\xc0\0\x11", bytes(5))
"""What formats begin with, and nothing."""


def looked_at(folder: Path, codec: str, content: bytes) -> StreamInfo:
    """Return the picture of a file whose bytes are all said to be a key frame."""
    path = folder / "film"
    path.write_bytes(content)
    picture = StreamInfo(0, "video", codec=codec, width=320, height=240)
    info = MediaInfo(container="mov,mp4", size_bytes=len(content), streams=(picture,))
    rows = [{"stream_index": 0, "flags": "K__", "pos": str(pos)} for pos in (0, 1, len(content) // 2, len(content))]
    return with_changes(path, info, rows).streams[0]


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("content", [b"", bytes(100), b"\xff" * 100, b"\0\0\1", b"\0\0\1" * 9, b"\0\0\0\1"])
def test_key_frames_of_nothing_say_nothing(tmp_path: Path, codec: str, content: bytes) -> None:
    """Units of no length are among them; damage must not end a job before ffmpeg has tried."""
    assert looked_at(tmp_path, codec, content).parameter_sets == 1


@pytest.mark.parametrize("codec", CODECS)
def test_any_bytes_can_be_looked_at(tmp_path: Path, codec: str) -> None:
    """Whatever a place in a file leads to."""
    chance = random.Random(codec)
    for _ in range(50):
        signs = [
            b"\0\0\1",
            b"\0\0\0\1",
            b"\0\0\1\xb3",
            b"\0\0\1\x20",
            b"\xff\xc0\0\x11",
            bytes(5),
            chance.randbytes(20),
        ]
        content = b"".join(chance.choice(signs) for _ in range(50))
        assert looked_at(tmp_path, codec, content).index == 0
