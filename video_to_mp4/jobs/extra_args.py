"""Options of ffmpeg that a program may pass through: a list of harmless flags, and what their values may look like.

What is not in the list is refused, and so is every value that could name a file, a protocol, a filter graph or another
input or output: no value holds more than its pattern says.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from video_to_mp4.errors import InvalidArgument

BITRATE = r"[1-9][0-9]{0,8}(\.[0-9]{1,3})?[kKM]?"
_SECONDS = r"\d{1,6}(\.\d{1,6})?"
_TIME = rf"({_SECONDS}|(\d{{1,3}}:)?[0-5]?\d:[0-5]?\d(\.\d{{1,6}})?)"
_MOVFLAGS = r"\+?(faststart|use_metadata_tags|write_colr|disable_chpl|negative_cts_offsets)"
_PIXEL_FORMATS = r"yuv(420p|422p|444p)(10le)?"
_PRESETS = r"(ultrafast|superfast|veryfast|faster|fast|medium|slow|slower|veryslow|1[0-3]|\d)"
_TUNES = r"(film|animation|grain|stillimage|fastdecode|zerolatency|psnr|ssim)"
_PROFILES = r"(baseline|main|high|high10|high422|high444|main10|main12|main422-10|main444-8|main444-10)"
_TAGS = r"(title|artist|author|album|album_artist|composer|comment|copyright|date|description|genre|show|track)"
_LONGEST_TAG = 200
_UNITS = {"k": 1_000, "K": 1_000, "M": 1_000_000}

_PATTERNS = {
    "-movflags": rf"{_MOVFLAGS}(\+{_MOVFLAGS[3:]})*",
    "-preset": _PRESETS,
    "-tune": _TUNES,
    "-profile:v": _PROFILES,
    "-level": r"\d(\.\d)?",
    "-level:v": r"\d(\.\d)?",
    "-pix_fmt": _PIXEL_FORMATS,
    "-g": r"\d{1,4}",
    "-keyint_min": r"\d{1,4}",
    "-bf": r"\d{1,2}",
    "-refs": r"\d{1,2}",
    "-maxrate": BITRATE,
    "-bufsize": BITRATE,
    "-ac": r"[126]",
    "-ar": r"(8000|11025|12000|16000|22050|24000|32000|44100|48000)",
    "-ss": _TIME,
    "-to": _TIME,
    "-t": _TIME,
    "-map_metadata": r"(-1|0)",
    "-map_chapters": r"(-1|0)",
    "-metadata": rf"{_TAGS}=[^\x00-\x1f\x7f]{{0,{_LONGEST_TAG}}}",
}
_WITHOUT_VALUE = ("-an", "-sn")
FLAGS = (*_PATTERNS, *_WITHOUT_VALUE)
"""All flags that are let through."""

_INSTEAD = {
    "-vf": "video.scale and video.fps",
    "-filter:v": "video.scale and video.fps",
    "-r": "video.fps",
    "-s": "video.scale",
    "-crf": "video.crf",
    "-b:v": "video.bitrate",
    "-c:v": "video.codec",
    "-vcodec": "video.codec",
    "-b:a": "audio.bitrate",
    "-c:a": "audio.codec",
    "-acodec": "audio.codec",
    "-f": "container",
}
_NAMES = {"-level": "level:v"}
_UNDERSTOOD = frozenset({"-an", "-sn", "-ac", "-ar", "-ss", "-to", "-t", "-metadata"})
"""What is not just handed on, as the plan must know it."""


@dataclass(frozen=True)
class ExtraArgs:
    """What a list of flags and values says."""

    output: tuple[tuple[str, str], ...] = ()
    """Options of the output by ffmpeg's names, without their dashes."""
    tags: tuple[tuple[str, str], ...] = ()
    start_s: float | None = None
    end_s: float | None = None
    """Where the wanted part of the source begins and ends."""
    drops_sound: bool = False
    drops_subtitles: bool = False
    channels: int | None = None
    sample_rate: int | None = None

    @property
    def is_cut(self) -> bool:
        """Whether only a part of the source is wanted."""
        return self.start_s is not None or self.end_s is not None


def parse(args: Sequence[str]) -> ExtraArgs:
    """Understand a list of flags and values; raise InvalidArgument, with the place, for the first that is refused."""
    given: dict[str, str] = {}
    tags: list[tuple[str, str]] = []
    places = enumerate(args)
    for place, flag in places:
        value = _value(flag, place, places)
        if flag == "-metadata":
            name, _, text = value.partition("=")
            tags.append((name, text))
        elif _NAMES.get(flag, flag.removeprefix("-")) in given:
            raise _refused(place, f"{flag} is there twice")
        else:
            given[_NAMES.get(flag, flag.removeprefix("-"))] = value
    start_s, end_s = _part(given)
    return ExtraArgs(
        output=tuple((name, value) for name, value in given.items() if f"-{name}" not in _UNDERSTOOD),
        tags=tuple(tags),
        start_s=start_s,
        end_s=end_s,
        drops_sound="an" in given,
        drops_subtitles="sn" in given,
        channels=int(given["ac"]) if "ac" in given else None,
        sample_rate=int(given["ar"]) if "ar" in given else None,
    )


def _value(flag: str, place: int, places: enumerate[str]) -> str:
    """Return the value that follows a flag."""
    if flag in _WITHOUT_VALUE:
        return ""
    pattern = _PATTERNS.get(flag)
    if pattern is None:
        hint = f"; use {_INSTEAD[flag]}" if flag in _INSTEAD else ""
        raise _refused(place, f"«{flag[:40]}» is not allowed{hint}")
    value_place, value = next(places, (place, None))
    if value is None:
        raise _refused(place, f"{flag} needs a value")
    if re.fullmatch(pattern, value, re.ASCII) is None:
        raise _refused(value_place, f"{flag} can't be «{value[:40]}»")
    return value


def _part(given: dict[str, str]) -> tuple[float | None, float | None]:
    if "to" in given and "t" in given:
        raise InvalidArgument("extra_args: -to and -t speak of the same thing.", field="extra_args")
    start_s = _seconds(given["ss"]) if "ss" in given else None
    end_s = _seconds(given["to"]) if "to" in given else None
    if "t" in given:
        end_s = (start_s or 0.0) + _seconds(given["t"])
    if end_s is not None and end_s <= (start_s or 0.0):
        raise InvalidArgument("extra_args: the part that is asked for ends before it begins.", field="extra_args")
    return start_s, end_s


def bits_per_s(bitrate: str) -> int:
    """Read a bit rate: «3M», «192k», «500000»."""
    unit = _UNITS.get(bitrate[-1])
    return int(float(bitrate[:-1]) * unit) if unit else int(float(bitrate))


def _seconds(text: str) -> float:
    """Read seconds, or minutes and seconds, or hours too: 90, 1:30, 0:01:30.5."""
    total_s = 0.0
    for part in text.split(":"):
        total_s = total_s * 60 + float(part)
    return total_s


def _refused(place: int, reason: str) -> InvalidArgument:
    return InvalidArgument(f"extra_args: {reason}.", field=f"extra_args[{place}]")
