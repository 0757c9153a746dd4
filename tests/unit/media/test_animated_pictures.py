"""What the first bytes of animated pictures say."""

from __future__ import annotations

import pytest

from video_to_mp4.errors import UnknownCodec
from video_to_mp4.media.beginnings import is_animated_webp, is_opaque_gif, refusal
from video_to_mp4.media.webp_child import delay

SCREEN = b"GIF89a\x50\x00\x3c\x00"
COLOURS = b"\x80\0\0" + bytes(6)
"""Flags for a table of two colours, and the table."""
NO_COLOURS = b"\0\0\0"
COMMENT = b"!\xfe\x05hello\x02!!\0"
WHOLE = b",\0\0\0\0\x50\x00\x3c\x00\0"
A_PART = b",\x01\0\0\0\x4f\x00\x3c\x00\0"


def control(flags: int) -> bytes:
    return bytes([0x21, 0xF9, 4, flags, 10, 0, 0, 0])


@pytest.mark.parametrize(
    ("head", "is_opaque"),
    [
        (SCREEN + COLOURS + control(4) + WHOLE, True),
        (SCREEN + NO_COLOURS + WHOLE, True),
        (SCREEN + COLOURS + COMMENT + control(0) + WHOLE, True),
        (SCREEN + COLOURS + COMMENT + control(1) + WHOLE, False),
        (SCREEN + COLOURS + control(4) + A_PART, False),
        (SCREEN + COLOURS + control(4), False),
        (SCREEN + COLOURS + b"!\xfe\xff", False),
        (SCREEN[:8], False),
        (b"", False),
        (b"\x89PNG", False),
    ],
)
def test_a_gif_is_opaque_when_its_first_picture_covers_all_without_a_transparent_colour(
    head: bytes, is_opaque: bool
) -> None:
    """By the blocks of GIF89a; what is cut off may be transparent."""
    assert is_opaque_gif(head) is is_opaque


def test_the_flag_in_its_header_tells_a_webp_that_moves() -> None:
    """Who asks only what the file is learns that this ffmpeg can't tell; a still one is no video anywhere."""
    head = b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0"
    assert isinstance(refusal(head + b"\x02", ""), UnknownCodec)
    assert "still picture" in str(refusal(head + b"\x10", ""))
    assert not is_animated_webp(head)


@pytest.mark.parametrize(
    ("shown_ms", "shown_s"),
    [(0, 0.1), (10, 0.1), (11, 0.011), (40, 0.04), (65_535, 65.535), (65_536, 65.54), (16_777_215, 16777)],
)
def test_a_delay_of_webp_is_kept_as_exactly_as_apng_can(shown_ms: int, shown_s: float) -> None:
    """16 bits for both halves of a fraction; 10 ms and less are 100 ms in browsers."""
    numerator, denominator = (int.from_bytes(half, "big") for half in delay(shown_ms))
    assert numerator / denominator == shown_s
