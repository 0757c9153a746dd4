"""What each encoder takes at the most and at the least: beyond it ffmpeg would fail only when the file is there.

Found by trying all corners with ffmpeg 5.1; encoders are named as ffmpeg names them.
"""

from __future__ import annotations

from collections.abc import Mapping

from video_to_mp4.jobs.extra_args import bits_per_s

LOWEST_BITRATE = 1_000
HIGHEST_BITRATE = 1_000_000_000
_HIGHEST_BITRATE_OF_AV1 = 100_000_000
_SHORTEST_SIDE_PX = {"libx265": 16, "libsvtav1": 64}
_MOST = {
    "libx264": {"bf": 16, "refs": 16},
    "libx265": {"bf": 16, "refs": 6},
}
_FEWEST_REFERENCES = {"libx265": 1}
_LEVELS = frozenset({"1", "1.1", "1.2", "1.3", "2", "2.1", "2.2", "3", "3.1", "3.2"})
_LEVELS_OF_HD = frozenset({"4", "4.1", "4.2", "5", "5.1", "5.2", "6", "6.1", "6.2"})
_EIGHT_BITS, _TEN_BITS = ("yuv420p", "yuv422p", "yuv444p"), ("yuv420p10le", "yuv422p10le", "yuv444p10le")
_PROFILES = {
    "libx264": {
        "baseline": _EIGHT_BITS[:1],
        "main": _EIGHT_BITS[:1],
        "high": _EIGHT_BITS[:1],
        "high10": (*_EIGHT_BITS[:1], *_TEN_BITS[:1]),
        "high422": (*_EIGHT_BITS[:2], *_TEN_BITS[:2]),
        "high444": (*_EIGHT_BITS, *_TEN_BITS),
    },
    "libx265": {
        "main": _EIGHT_BITS[:1],
        "main10": (*_EIGHT_BITS[:1], *_TEN_BITS[:1]),
        "main12": (*_EIGHT_BITS[:1], *_TEN_BITS[:1]),
        "main422-10": (*_EIGHT_BITS[:2], *_TEN_BITS[:2]),
        "main444-8": _EIGHT_BITS,
        "main444-10": (*_EIGHT_BITS, *_TEN_BITS),
    },
}
_PIXEL_FORMATS = {"libsvtav1": (*_EIGHT_BITS[:1], *_TEN_BITS[:1])}
_LOSSLESS_PROFILES = ("high444",)
_NO_TUNES = {"libx265": ("film", "stillimage")}


def bitrate_fault(bitrate: str, *, highest: int = HIGHEST_BITRATE) -> str:
    """Say why a bit rate can't be had; empty when it can."""
    if LOWEST_BITRATE <= bits_per_s(bitrate) <= highest:
        return ""
    return f"bit rates are from 1k to {highest // 1_000_000}M"


def picture_bitrate_fault(codec: str, bitrate: str, crf: int | None) -> str:
    """Say why a picture can't have this bit rate; empty when it can."""
    if codec == "libx264" and crf == 0:
        return "crf 0 is lossless, so nothing can limit its bits"
    return bitrate_fault(bitrate, highest=_HIGHEST_BITRATE_OF_AV1 if codec == "libsvtav1" else HIGHEST_BITRATE)


def scale_fault(codec: str, sides: list[int]) -> str:
    """Say why an encoder takes no picture with these sides, of which negative ones are not known; empty if it does."""
    shortest = _SHORTEST_SIDE_PX.get(codec, 2)
    return f"{codec} needs at least {shortest} pixels" if any(0 < side < shortest for side in sides) else ""


def option_fault(codec: str, given: Mapping[str, str], *, crf: int | None, has_bitrate: bool) -> str:
    """Say which of ffmpeg's options, by their names without dashes, the encoder does not take; empty if all."""
    faults = (
        _number_fault(codec, given),
        _profile_fault(codec, given, crf),
        _rate_fault(codec, given, has_bitrate=has_bitrate),
        _word_fault(codec, given),
    )
    return next((fault for fault in faults if fault), "")


def _number_fault(codec: str, given: Mapping[str, str]) -> str:
    for name, most in _MOST.get(codec, {}).items():
        least = _FEWEST_REFERENCES.get(codec, 0) if name == "refs" else 0
        if name in given and not least <= int(given[name]) <= most:
            return f"-{name} of {codec} is from {least} to {most}"
    return ""


def _profile_fault(codec: str, given: Mapping[str, str], crf: int | None) -> str:
    profile, pixels = given.get("profile:v"), given.get("pix_fmt", "yuv420p")
    if pixels not in _PIXEL_FORMATS.get(codec, (pixels,)):
        return f"{codec} takes no {pixels}"
    if profile is None:
        return ""
    if pixels not in _PROFILES.get(codec, {}).get(profile, ()):
        return f"-profile:v {profile} of {codec} takes no {pixels}"
    if codec == "libx264" and crf == 0 and profile not in _LOSSLESS_PROFILES:
        return f"crf 0 is lossless, which the profile {profile} can't be"
    return ""


def _rate_fault(codec: str, given: Mapping[str, str], *, has_bitrate: bool) -> str:
    names = [name for name in ("maxrate", "bufsize") if name in given]
    if names and (codec == "libsvtav1" or (codec == "libvpx-vp9" and not has_bitrate)):
        return f"-{names[0]} says nothing to {codec}" + (" without video.bitrate" if codec == "libvpx-vp9" else "")
    return next((f"-{name}: {fault}" for name in names if (fault := bitrate_fault(given[name]))), "")


def _word_fault(codec: str, given: Mapping[str, str]) -> str:
    level = given.get("level:v")
    if level is not None and codec == "libx265":
        return "-level says nothing to libx265"  # ffmpeg does not hand it on
    if level is not None and level.removesuffix(".0") not in _LEVELS | _LEVELS_OF_HD:
        return f"there is no level {level}"
    tune = given.get("tune")
    return f"-tune {tune} is none of {codec}" if tune in _NO_TUNES.get(codec, ()) else ""
