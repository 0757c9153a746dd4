"""Turns the way in which ffmpeg ended into an error that a user understands."""

from __future__ import annotations

import re
import signal
from collections.abc import Sequence
from pathlib import Path

from video_to_mp4.errors import (
    ConversionError,
    DamagedSource,
    EncoderFailed,
    InsufficientStorage,
    KilledBySystem,
    LimitExceeded,
    NotAVideo,
    SourceMissing,
    UnknownCodec,
    VideoToMp4Error,
)
from video_to_mp4.process import Exit

_LINES_KEPT = 20
_LACKING = re.compile(r"(?:Unknown|No such) (encoder|filter):? '([\w-]+)'")
_NEEDS_HARDWARE = re.compile(r"doesn't support hardware accelerated (\S+) decoding")
_ADDRESS = re.compile(r"(?<![^\s'\"(:=])(?:file:)?/(?:[^\s'\":/]+/)*[^\s'\":/]+")
_OBJECT_ADDRESS = re.compile(r" @ 0x[0-9a-f]+")

_SIGNS: tuple[tuple[str, type[VideoToMp4Error], str | None], ...] = (
    ("No space left on device", InsufficientStorage, None),
    ("Disk quota exceeded", InsufficientStorage, None),
    ("File too large", InsufficientStorage, None),
    ("Cannot allocate memory", KilledBySystem, "There was not enough memory for this conversion."),
    ("Out of memory", KilledBySystem, "There was not enough memory for this conversion."),
    ("malloc of size", KilledBySystem, "There was not enough memory for this conversion."),
    ("Error opening output", EncoderFailed, None),
    ("No such file or directory", SourceMissing, None),
    ("Picture size", LimitExceeded, None),
    ("No decoder for", UnknownCodec, None),
    ("no decoder found for", UnknownCodec, None),
    ("Decoder (codec", UnknownCodec, None),
    ("Cannot determine format of input", DamagedSource, None),
    ("Invalid data found when processing input", NotAVideo, None),
    ("Output file is empty", DamagedSource, None),
    ("does not contain any stream", DamagedSource, None),
)
"""What ffmpeg writes, what it means, and our own sentence where the type's would not fit; the first found counts."""


_DAMAGE_SIGNS = (
    "error while decoding",
    "invalid data",
    "corrupt",
    "concealing",
    "damaged",
    "truncat",
    "partial file",
    "ended prematurely",
    "missing picture",
    "no frame",
    "invalid nal",
    "error splitting",
    "decode_slice",
    "missing reference",
    "out of range",
    "overread",
)


def explain(code: int, stderr: str, *, hide: Sequence[Path] = ()) -> VideoToMp4Error:
    """Return the error for the end of an ffmpeg.

    `code` is negative when a signal ended it. `details` of the error are ffmpeg's last words without any path of the
    server; `hide` names paths that a pattern would not recognise (with spaces, say).
    """
    details = last_words(stderr, hide=hide)
    if code < 0:
        return _killed(-code, details)
    lacking = _LACKING.search(stderr)
    if lacking:
        part = f"{lacking[1]} {lacking[2]}"
        return EncoderFailed(
            f"The server's ffmpeg was built without the {part}, which this video needs.", details=details
        )
    for sign, error, sentence in _SIGNS:
        if sign in stderr:
            return error(sentence, details=details)
    return EncoderFailed(details=details)


def no_picture(stderr: str, *, hide: Sequence[Path] = ()) -> ConversionError:
    """Return the error for an ffmpeg that has ended well and has written no picture, by what it complained of."""
    details = last_words(stderr, hide=hide)
    lacking = _NEEDS_HARDWARE.search(stderr)
    if lacking is None:
        return DamagedSource(details=details)
    return UnknownCodec(
        f"The server's ffmpeg was built without a decoder for {lacking[1]} that works without a graphics card. "
        "Another build of it can read this video.",
        details=details,
    )


def not_killed(ended: Exit) -> Exit:
    """Return how a child ended, unless somebody killed it: what it wrote until then says nothing about the video.

    Raises KilledBySystem. A crash of its own is let through: it does say something about the video.
    """
    if ended.code < 0:
        error = explain(ended.code, ended.stderr)
        if isinstance(error, KilledBySystem):
            raise error
    return ended


def ends_all_attempts(code: int, stderr: str) -> bool:
    """Say whether no other plan would fare better: ffmpeg was killed, or disk or memory are full."""
    return code < 0 or isinstance(explain(code, stderr), InsufficientStorage | KilledBySystem)


def tells_of_damage(stderr: str) -> bool:
    """Say whether ffmpeg complained of data that it could not read."""
    return any(sign in stderr.lower() for sign in _DAMAGE_SIGNS)


def last_words(stderr: str, *, hide: Sequence[Path] = (), lines: int = _LINES_KEPT) -> str:
    """Return the last lines of a log, each once in a row, without paths of the server and addresses of objects."""
    found: list[str] = []
    for raw in stderr.splitlines():
        line = _clean(raw, hide)
        if line and (not found or found[-1] != line):
            found.append(line)
    return "\n".join(found[-lines:])


def _clean(line: str, hide: Sequence[Path]) -> str:
    for path in hide:
        line = line.replace(f"file:{path.absolute()}", "«file»").replace(str(path.absolute()), "«file»")
    return _OBJECT_ADDRESS.sub("", _ADDRESS.sub("«file»", line)).strip()


def _killed(number: int, details: str) -> VideoToMp4Error:
    if number == signal.SIGKILL:
        return KilledBySystem(details=details)
    if number in (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGILL, signal.SIGFPE):
        return EncoderFailed("ffmpeg crashed on this video.", details=details)
    return KilledBySystem("The conversion was ended from outside.", details=details)
