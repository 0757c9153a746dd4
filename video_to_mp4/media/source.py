"""A source as ffmpeg can read it: itself, or what was written to stand for it.

Animated WebP is the one kind that has to be rewritten: most servers have an ffmpeg that is older than version 9, which
is the first to read it. What stands for it is an APNG, made by Pillow in a process of its own, whatever the version:
so there is one way for it, and that is tested.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from video_to_mp4 import process
from video_to_mp4.errors import (
    ConversionError,
    ConversionStalled,
    DamagedSource,
    EncoderFailed,
    InsufficientStorage,
    KilledBySystem,
    LimitExceeded,
    ProcessStalled,
    SourceMissing,
    VideoToMp4Error,
)
from video_to_mp4.media.beginnings import WEBP_HEADER_BYTES, is_animated_webp
from video_to_mp4.media.failure import last_words, not_killed
from video_to_mp4.media.guard import MAX_PIXELS, PROBE_MEMORY_BYTES, size_bytes
from video_to_mp4.media.info import MediaInfo
from video_to_mp4.media.probe import probe

_CHILD = Path(__file__).with_name("webp_child.py")
_CODEC = "webp"

_MOST_FRAMES = 100_000
_MOST_PIXELS = 4_000_000_000
"""Of all frames together. Measured with 1280x720, what stands for them takes 0.1 to 0.8 bytes a pixel for ffmpeg's
testsrc2 and mandelbrot, 2.6 with noise over the first one, 3.0 at most."""

_UNREADABLE = "The pictures of this animated WebP can't be read: the file is damaged, or not all of it is there."
_CUT = "The file ends before its end: {frames} whole pictures of it could be read."
_DAMAGED = "Damaged pictures of the animation were left out; the one before each of them stays longer ({damaged})."


@dataclass(frozen=True)
class Source:
    """What ffmpeg and ffprobe are given to read."""

    path: Path
    notes: tuple[str, ...] = ()
    """What the user is to be told of it."""
    _own_bytes: int | None = None
    """How large the file is that this one stands for; None where it is the source itself."""
    _is_opaque: bool = field(default=False)

    async def probe(self, *, ffprobe: str = "ffprobe", ffmpeg: str = "ffmpeg") -> MediaInfo:
        """Find out what the source is; what stands for it is described as the source. Raises what `probe` raises."""
        info = await probe(self.path, ffprobe=ffprobe, ffmpeg=ffmpeg)
        if self._own_bytes is None:
            return info
        streams = tuple(
            replace(stream, codec=_CODEC, has_alpha=stream.has_alpha and not self._is_opaque) for stream in info.streams
        )
        return replace(info, size_bytes=self._own_bytes, streams=streams)


async def open_source(
    path: Path,
    stand_in: Path,
    *,
    silence_limit_s: float | None = None,
    watch: Callable[[int], None] = lambda _: None,
) -> Source:
    """Return a source as ffmpeg can read it; `stand_in` is written only for an animated WebP.

    `watch` is told after each frame how many bytes were written, and may raise what shall end that. Raises
    SourceMissing, DamagedSource, LimitExceeded, InsufficientStorage, ConversionStalled or KilledBySystem.
    On cancel the process is dead when this returns; what it has written is left to whoever owns the folder.
    """
    if not await asyncio.to_thread(moves_as_webp, path):
        return Source(path)
    found = await _rewrite(path, stand_in, silence_limit_s, watch)
    return Source(stand_in, _notes(found), size_bytes(path), found["is_opaque"])


def moves_as_webp(path: Path) -> bool:
    """Tell whether a source is an animated WebP, by its first bytes. Raises SourceMissing."""
    try:
        with path.open("rb") as file:
            return is_animated_webp(file.read(WEBP_HEADER_BYTES))
    except FileNotFoundError as error:
        raise SourceMissing from error


def _notes(found: dict[str, Any]) -> tuple[str, ...]:
    cut = (_CUT.format(**found),) if found["is_cut"] else ()
    damaged = (_DAMAGED.format(**found),) if found["damaged"] else ()
    return (*cut, *damaged)


async def _rewrite(
    path: Path, stand_in: Path, silence_limit_s: float | None, watch: Callable[[int], None]
) -> dict[str, Any]:
    """Run the child, and return what it found in the end."""
    told: dict[str, Any] = {}

    def on_line(line: str) -> None:
        told.update(json.loads(line))
        watch(told.get("bytes", 0))

    try:
        ended = await process.run(
            [sys.executable, "-I", str(_CHILD), _order(path, stand_in)],
            on_line=on_line,
            silence_limit_s=silence_limit_s,
            memory_limit_bytes=PROBE_MEMORY_BYTES,
        )
    except ProcessStalled as error:
        raise ConversionStalled("Reading the file did not come to an end.") from error
    details = last_words(not_killed(ended).stderr, hide=(path, stand_in, _CHILD))
    if "error" in told:
        raise _error(told["error"], told["about"], details)
    if "frames" not in told:
        raise DamagedSource(_UNREADABLE, details=details) if ended.code < 0 else EncoderFailed(details=details)
    return told


def _order(path: Path, stand_in: Path) -> str:
    return json.dumps(
        {
            "source": str(path.absolute()),
            "target": str(stand_in.absolute()),
            "frames": _MOST_FRAMES,
            "picture_px": MAX_PIXELS,
            "all_px": _MOST_PIXELS,
        }
    )


def _error(kind: str, about: object, details: str) -> VideoToMp4Error:
    """Return what the child's error is to a user."""
    error: ConversionError
    match kind:
        case "DAMAGED":
            error = DamagedSource(_UNREADABLE, details=str(about))
        case "SIZE":
            error = LimitExceeded(f"Its pictures have {about} pixels, which is too large.")
        case "FRAMES":
            error = LimitExceeded(f"This animated WebP has more than {about:,} pictures, which is too many.")
        case "PIXELS":
            error = LimitExceeded(f"The pictures of this animated WebP have more than {about:,} pixels together.")
        case "MEMORY":
            error = KilledBySystem("There was not enough memory for this conversion.")
        case "FULL":
            return InsufficientStorage(details=details)
        case _:
            error = EncoderFailed("The animated WebP could not be read.", details=f"{about}\n{details}")
    return error
