"""The program that turns an animated WebP into an APNG, in a process of its own: `python -I webp_child.py ORDER`.

ORDER is one JSON object: `source`, `target`, and the limits `frames`, `picture_px` and `all_px`. It writes one JSON
object a line to stdout: how many bytes are written, after each frame, and in the end what was found, or an error.

Both formats build their pictures in the same way: each frame is a rectangle that is put on a canvas or blended into it,
and may be cleared away afterwards. So frames are decoded one by one and stay as small as they are; ffmpeg puts them
together. See https://developers.google.com/speed/webp/docs/riff_container and https://www.w3.org/TR/png-3/#apng-frame.

Imports nothing of this project, as it is isolated from it: what it reads may be meant to harm.
"""

from __future__ import annotations

import errno
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

from PIL import Image, ImageChops, features
from PIL.PngImagePlugin import getchunks, putchunk

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_RGBA_OF_8_BITS = bytes([8, 6, 0, 0, 0])
_CHUNK_HEADER_BYTES = 8
_FRAME_HEADER_BYTES = 16
_HAS_ALPHA = b"\x10\0\0\0"
_LEAST_WORK = 1
"""zlib's level: the file is read twice and thrown away."""

_LONGEST_DISBELIEVED_MS = 10
_INSTEAD_MS = 100
"""Chromium and Firefox show a frame for 100 ms that is to be shown for 10 ms or less."""

_DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})

_MOST = 65_535
"""APNG has 16 bits for both halves of a delay."""


class OrderError(Exception):
    """The order can't be carried out; the first argument is the kind, the second what it is about."""


@dataclass(frozen=True)
class Frame:
    """A frame as the container has it."""

    place: int
    """Where its picture begins in the file."""
    size_bytes: int
    left: int
    top: int
    width: int
    height: int
    shown_ms: int
    is_blended: bool
    is_cleared: bool
    """Whether its rectangle is transparent again when the next frame comes."""


@dataclass
class Animation:
    """What the container tells."""

    width: int
    height: int
    is_cut: bool = False
    """Whether the file ends before its own end."""
    frames: list[Frame] = field(default_factory=list)


def read_animation(file: BinaryIO, *, most_frames: int) -> Animation:
    """List the whole frames of a file, without reading their pictures. Raises OrderError for what is no animation."""
    file_bytes = file.seek(0, 2)
    file.seek(0)
    head = file.read(30)
    if len(head) < 30 or head[8:16] != b"WEBPVP8X":
        raise OrderError("DAMAGED", "no header")
    end = _CHUNK_HEADER_BYTES + int.from_bytes(head[4:8], "little")
    animation = Animation(_number(head, 24, 3) + 1, _number(head, 27, 3) + 1, is_cut=end > file_bytes + 1)
    for kind, place, size_bytes in _chunks(file, 12, min(end, file_bytes)):
        if place + size_bytes > file_bytes:
            animation.is_cut = True
        elif kind == b"ANMF" and size_bytes > _FRAME_HEADER_BYTES:
            if len(animation.frames) == most_frames:
                raise OrderError("FRAMES", most_frames)
            file.seek(place)
            animation.frames.append(_frame(file.read(_FRAME_HEADER_BYTES), place, size_bytes))
    return animation


def _number(data: bytes, place: int, size_bytes: int) -> int:
    return int.from_bytes(data[place : place + size_bytes], "little")


def _chunks(file: BinaryIO, place: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Name each chunk, the place of its content and its size, which may be more than there is."""
    while place + _CHUNK_HEADER_BYTES <= end:
        file.seek(place)
        header = file.read(_CHUNK_HEADER_BYTES)
        size_bytes = _number(header, 4, 4)
        yield header[:4], place + _CHUNK_HEADER_BYTES, size_bytes
        place += _CHUNK_HEADER_BYTES + size_bytes + size_bytes % 2


def _frame(header: bytes, place: int, size_bytes: int) -> Frame:
    left, top, width, height, shown_ms = (_number(header, at, 3) for at in range(0, 15, 3))
    return Frame(
        place=place + _FRAME_HEADER_BYTES,
        size_bytes=size_bytes - _FRAME_HEADER_BYTES,
        left=2 * left,
        top=2 * top,
        width=width + 1,
        height=height + 1,
        shown_ms=shown_ms,
        is_blended=not header[15] & 2,
        is_cleared=bool(header[15] & 1),
    )


def check(animation: Animation, *, picture_px: int, all_px: int) -> None:
    """Raise OrderError for an animation that is too large, or has nothing that could be read."""
    if animation.width * animation.height > picture_px:
        raise OrderError("SIZE", f"{animation.width}x{animation.height}")
    if sum(frame.width * frame.height for frame in animation.frames) > all_px:
        raise OrderError("PIXELS", all_px)
    if not animation.frames:
        raise OrderError("DAMAGED", "no whole frame")


def decode(file: BinaryIO, frame: Frame, animation: Animation) -> Image.Image | None:
    """Return the picture of a frame; None when it is damaged, or does not lie on the canvas."""
    if frame.left + frame.width > animation.width or frame.top + frame.height > animation.height:
        return None
    file.seek(frame.place)
    try:
        # With a size of its own, which libwebp compares with the picture's before it decodes anything.
        picture: Image.Image = Image.open(BytesIO(_still(file.read(frame.size_bytes), frame)), formats=["WEBP"])
        picture.load()
    except (OSError, EOFError, RuntimeError, SyntaxError, ValueError):
        return None
    return picture if picture.mode == "RGBA" else picture.convert("RGBA")


def _still(content: bytes, frame: Frame) -> bytes:
    """Return a frame as a file of its own."""
    size = (frame.width - 1).to_bytes(3, "little") + (frame.height - 1).to_bytes(3, "little")
    body = b"WEBPVP8X" + (10).to_bytes(4, "little") + _HAS_ALPHA + size + content
    return b"RIFF" + len(body).to_bytes(4, "little") + body


class Writer:
    """Writes an APNG, of which no more than one frame is in memory."""

    def __init__(self, file: BinaryIO, width: int, height: int, frames: int) -> None:
        self._file = file
        self._size = (width, height)
        self._number = 0
        """Control chunks and pieces of frames are counted through; the first frame's pieces are not."""
        self._is_first = True
        file.write(_SIGNATURE)
        putchunk(file, b"IHDR", _big(width, 4), _big(height, 4), _RGBA_OF_8_BITS)
        putchunk(file, b"acTL", _big(frames, 4), _big(1, 4))

    def add(self, picture: Image.Image, frame: Frame) -> None:
        """Write a frame; the first one is put on a canvas that is transparent, as it has to cover all of it."""
        left, top = frame.left, frame.top
        if self._is_first and picture.size != self._size:
            canvas = Image.new("RGBA", self._size)
            canvas.paste(picture, (left, top))
            picture, left, top = canvas, 0, 0
        flags = bytes([frame.is_cleared, frame.is_blended and not self._is_first])
        size = (_big(picture.width, 4), _big(picture.height, 4), _big(left, 4), _big(top, 4))
        putchunk(self._file, b"fcTL", self._next(), *size, *delay(frame.shown_ms), flags)
        for kind, content, *_ in getchunks(picture, compress_level=_LEAST_WORK):
            if kind == b"IDAT" and self._is_first:
                putchunk(self._file, b"IDAT", content)
            elif kind == b"IDAT":
                putchunk(self._file, b"fdAT", self._next(), content)
        self._is_first = False

    def end(self) -> None:
        """Write what ends the file."""
        putchunk(self._file, b"IEND")

    def _next(self) -> bytes:
        self._number += 1
        return _big(self._number - 1, 4)


def delay(shown_ms: int) -> tuple[bytes, bytes]:
    """Return how long a frame is shown as APNG says it, as exactly as it can."""
    if shown_ms <= _LONGEST_DISBELIEVED_MS:
        shown_ms = _INSTEAD_MS
    in_second = next(part for part in (1000, 100, 10, 1) if shown_ms * part <= _MOST * 1000)
    return _big(round(shown_ms * in_second / 1000), 2), _big(in_second, 2)


def _big(number: int, size_bytes: int) -> bytes:
    return number.to_bytes(size_bytes, "big")


class Opacity:
    """Tells whether something shows through what has been put on a canvas so far."""

    def __init__(self, animation: Animation) -> None:
        self._opacity = Image.new("L", (animation.width, animation.height))
        self._cleared: Frame | None = None
        self.is_whole = True
        """Whether nothing has shown through; what comes later is not looked at when something has."""

    def put(self, picture: Image.Image, frame: Frame) -> None:
        """Take note of a frame; blending never makes anything more transparent."""
        if not self.is_whole:
            return
        if self._cleared is not None:
            self._opacity.paste(0, _box(self._cleared))
        opacity = picture.getchannel("A")
        if frame.is_blended:
            opacity = ImageChops.lighter(opacity, self._opacity.crop(_box(frame)))
        self._opacity.paste(opacity, _box(frame))
        self._cleared = frame if frame.is_cleared else None
        self.is_whole = self._opacity.getextrema() == (255, 255)


def _box(frame: Frame) -> tuple[int, int, int, int]:
    return frame.left, frame.top, frame.left + frame.width, frame.top + frame.height


def convert(order: dict[str, Any]) -> dict[str, Any]:
    """Carry out an order, and return what was found."""
    if not features.check("webp"):
        raise OrderError("FAILED", "Pillow was built without WebP.")
    Image.MAX_IMAGE_PIXELS = None  # the order has a limit of its own
    damaged = 0
    with Path(order["source"]).open("rb") as source, Path(order["target"]).open("wb") as target:
        animation = read_animation(source, most_frames=order["frames"])
        check(animation, picture_px=order["picture_px"], all_px=order["all_px"])
        opacity = Opacity(animation)
        writer = Writer(target, animation.width, animation.height, len(animation.frames))
        for frame in animation.frames:
            picture = decode(source, frame, animation)
            if picture is None:
                damaged += 1
                picture, frame = _nothing(frame)  # what was there stays for as long
            opacity.put(picture, frame)
            writer.add(picture, frame)
            tell({"bytes": target.tell()})
        writer.end()
    if damaged == len(animation.frames):
        raise OrderError("DAMAGED", "no frame could be decoded")
    return {
        "frames": len(animation.frames),
        "damaged": damaged,
        "is_cut": animation.is_cut,
        "is_opaque": opacity.is_whole,
    }


def _nothing(frame: Frame) -> tuple[Image.Image, Frame]:
    """Return a frame that changes nothing, to be shown for as long as another one."""
    empty = Frame(0, 0, 0, 0, 1, 1, frame.shown_ms, is_blended=True, is_cleared=False)
    return Image.new("RGBA", (1, 1)), empty


def tell(event: dict[str, Any]) -> None:
    """Write a line for the server."""
    sys.stdout.write(json.dumps(event) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Do what the first argument says."""
    try:
        found = convert(json.loads(sys.argv[1]))
    except OrderError as error:
        kind, about = error.args
        found = {"error": kind, "about": about}
    except MemoryError:
        found = {"error": "MEMORY", "about": ""}
    except OSError as error:
        found = {"error": "FULL" if error.errno in _DISK_FULL else "FAILED", "about": error.strerror}
    tell(found)


if __name__ == "__main__":
    main()
