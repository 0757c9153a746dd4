"""Animated WebP, frame by frame, as its format has them.

from animations import RED, filled, frame, webp
source = webp(tmp_path / "a.webp", [frame(filled(RED), 40), frame(filled(GREEN), 700)])
"""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

from PIL import Image

Colour = tuple[int, int, int, int]

RED, GREEN, BLUE, BLACK = (255, 0, 0, 255), (0, 255, 0, 255), (0, 0, 255, 255), (0, 0, 0, 255)
WHITE, CLEAR, HALF_BLUE = (255, 255, 255, 255), (0, 0, 0, 0), (0, 0, 255, 128)
WHOLE = (64, 48)
CLEARED, UNBLENDED = 1, 2
"""The flags of a frame, as the format has them."""


def filled(colour: Colour, size: tuple[int, int] = WHOLE) -> Image.Image:
    return Image.new("RGBA", size, colour)


def frame(picture: Image.Image, shown_ms: int = 100, at: tuple[int, int] = (0, 0), flags: int = 0) -> bytes:
    """Return a frame of an animation, made of a still WebP's own chunk."""
    still = BytesIO()
    picture.save(still, "WEBP", lossless=True)
    content = still.getvalue()[12:]
    numbers = (at[0] // 2, at[1] // 2, picture.width - 1, picture.height - 1, shown_ms)
    return chunk(b"ANMF", b"".join(number.to_bytes(3, "little") for number in numbers) + bytes([flags]) + content)


def chunk(kind: bytes, content: bytes) -> bytes:
    return kind + len(content).to_bytes(4, "little") + content + bytes(len(content) % 2)


def animation(frames: Sequence[bytes], size: tuple[int, int] = WHOLE) -> bytes:
    """Return an animation of frames."""
    canvas = b"".join((side - 1).to_bytes(3, "little") for side in size)
    body = b"WEBP" + chunk(b"VP8X", b"\x12\0\0\0" + canvas) + chunk(b"ANIM", bytes(6)) + b"".join(frames)
    return chunk(b"RIFF", body)


def webp(path: Path, frames: Sequence[bytes], size: tuple[int, int] = WHOLE) -> Path:
    """Write an animation."""
    path.write_bytes(animation(frames, size))
    return path
