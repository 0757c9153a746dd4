"""How the channels of a sound track become those of the result: every one of them is heard, and none too loud.

ffmpeg's own way (swresample) passes over speakers that it has no rule for, half of those of a cinema, and stops at a
layout that it does not know. For these the mixture is written out here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from video_to_mp4.media.info import StreamInfo

CHANNELS_BY_LAYOUT = {"mono": 1, "stereo": 2, "3.0": 3, "4.0": 4, "5.0": 5, "5.1": 6}
"""The layouts of results."""

_LAYOUT_BY_COUNT = {1: "mono", 2: "stereo", 3: "3.0", 4: "4.0", 5: "5.0"}
_LAYOUT_THAT_LOSES_NOTHING = {
    # AAC has none of these; a larger layout keeps every speaker
    "quad": "5.0",
    "quad(side)": "5.0",
    "2.1": "5.1",
    "3.1": "5.1",
    "4.1": "5.1",
}
_AMBISONIC = re.compile(r"ambisonic (\d+)(\+stereo)?$")
_NAMED = re.compile(r"\d+ channels \(([A-Z0-9+]+)\)$")
_UNNAMED = re.compile(r"(\d+ channels.*)?")
_MOST_GUESSED = 8
"""ffmpeg takes so many channels of an unknown layout for the usual ones of their number, 7.1 at most."""

_TOP = "+TFL+TFR+TBL+TBR"
_SPEAKERS = {
    # layouts of which swresample leaves something out, in one version or another, as `ffmpeg -layouts` has them
    "3.1.2": "FL+FR+FC+LFE+TFL+TFR",
    "5.1.2": "FL+FR+FC+LFE+SL+SR+TFL+TFR",
    "5.1.2(back)": "FL+FR+FC+LFE+BL+BR+TFL+TFR",
    "cube": f"FL+FR+BL+BR{_TOP}",
    "5.1.4": f"FL+FR+FC+LFE+SL+SR{_TOP}",
    "7.1.2": "FL+FR+FC+LFE+BL+BR+SL+SR+TFL+TFR",
    "7.1.4": f"FL+FR+FC+LFE+BL+BR+SL+SR{_TOP}",
    "7.2.3": "FL+FR+FC+LFE+BL+BR+SL+SR+TFL+TFR+TBC+LFE2",
    "9.1.4": f"FL+FR+FC+LFE+BL+BR+FLC+FRC+SL+SR{_TOP}",
    "9.1.6": f"FL+FR+FC+LFE+BL+BR+FLC+FRC+SL+SR{_TOP}+TSL+TSR",
    "hexadecagonal": "FL+FR+FC+BL+BR+BC+SL+SR+TFL+TFC+TFR+TBL+TBC+TBR+WL+WR",
    "22.2": "FL+FR+FC+LFE+BL+BR+FLC+FRC+BC+SL+SR+TC+TFL+TFC+TFR+TBL+TBC+TBR+LFE2+TSL+TSR+BFC+BFL+BFR",
}
_CINEMA_BY_COUNT = {24: "22.2"}
"""ffmpeg reads a film's 24 channels from MOV as unknown ones; there are no others of so many."""

_WHOLE = 0.9999
"""The filter «pan» takes a gain of 1 for a change of names, and loses a channel that has no such name in the result."""

_EARS = ("binaural", "downmix")
"""Two channels by other names than left and right, of which swresample makes nothing."""

_HALF = math.sqrt(0.5)
_PLACES = {
    # where a speaker that 5.1 does not have is heard: the speakers nearest to it, with its power shared among them
    "SL": {"BL": _WHOLE},
    "SR": {"BR": _WHOLE},
    "BC": {"BL": _HALF, "BR": _HALF},
    "FLC": {"FL": _HALF, "FC": _HALF},
    "FRC": {"FR": _HALF, "FC": _HALF},
    "WL": {"FL": _HALF, "BL": _HALF},
    "WR": {"FR": _HALF, "BR": _HALF},
    "TC": {"FL": 0.5, "FR": 0.5, "BL": 0.5, "BR": 0.5},
    "TFL": {"FL": _HALF},
    "TFC": {"FC": _HALF},
    "TFR": {"FR": _HALF},
    "TBL": {"BL": _HALF},
    "TBC": {"BL": 0.5, "BR": 0.5},
    "TBR": {"BR": _HALF},
    "TSL": {"BL": _HALF},
    "TSR": {"BR": _HALF},
    "BFC": {"FC": _HALF},
    "BFL": {"FL": _HALF},
    "BFR": {"FR": _HALF},
    "LFE2": {"LFE": _WHOLE},
}
_OWN = ("FL", "FR", "FC", "LFE", "BL", "BR")
_LIMITER = "alimiter=limit=0.7:level=disabled:latency=1:asc=1"
"""Sums of channels can go over full scale; AAC needs the rest for itself. What is not loud is left as it is.

Without `asc` the limiter of ffmpeg 5.1 takes 5 to 7 dB more away than it has to; those of 6 to 9 are the same with it.
"""

_Gains = dict[str, dict[int, float]]
"""For each channel of the result how much it gets of which of the source's."""


def result_layout(stream: StreamInfo) -> str:
    """Return the layout, named outright: the AAC encoder gives nothing at all for an unknown one."""
    if _AMBISONIC.match(stream.channel_layout) or (_is_unknown(stream) and stream.channels > _MOST_GUESSED):
        return "stereo"
    kept = _LAYOUT_THAT_LOSES_NOTHING.get(stream.channel_layout)
    return kept or _LAYOUT_BY_COUNT.get(stream.channels, "5.1")


def channel_filters(stream: StreamInfo, layout: str) -> list[str]:
    """Return the filters that bring a track's channels into one of CHANNELS_BY_LAYOUT."""
    filters = [_pan(*mixture) for mixture in _mixtures(stream)]
    if stream.channel_layout in _EARS:
        filters = ["channelmap=0|1:stereo"]
    if _is_unknown(stream) and stream.channels == 3:
        filters = ["channelmap=0|1|2:3.0"]  # ffmpeg's guess is 2.1, whose bass would be lost
    filters.append(f"aformat=channel_layouts={layout}")
    return [*filters, _LIMITER] if stream.channels > CHANNELS_BY_LAYOUT[layout] else filters


def _mixtures(stream: StreamInfo) -> Iterator[tuple[str, _Gains]]:
    """Yield the mixture that has to be written out; nothing where ffmpeg's own is right."""
    sphere = _AMBISONIC.match(stream.channel_layout)
    if sphere:
        yield "stereo", _of_sphere(stream.channels, has_stereo=bool(sphere[2]))
    elif _speakers(stream):
        yield "5.1", _of_speakers(_speakers(stream))
    elif _is_unknown(stream) and stream.channels > _MOST_GUESSED:
        yield "stereo", _of_unknown(stream.channels)


def _is_unknown(stream: StreamInfo) -> bool:
    return not _speakers(stream) and _UNNAMED.fullmatch(stream.channel_layout) is not None


def _speakers(stream: StreamInfo) -> tuple[str, ...]:
    """Name the speakers of a layout that is known, and that ffmpeg does not mix well."""
    named = _NAMED.match(stream.channel_layout)
    usual = stream.channel_layout or _CINEMA_BY_COUNT.get(stream.channels, "")
    names = tuple((named[1] if named else _SPEAKERS.get(usual, "")).split("+"))
    is_known = len(names) == stream.channels and all(name in _PLACES or name in _OWN for name in names)
    return names if is_known else ()


def _of_speakers(names: tuple[str, ...]) -> _Gains:
    gains: _Gains = {name: {} for name in _OWN}
    for number, name in enumerate(names):
        for place, gain in _PLACES.get(name, {name: _WHOLE}).items():
            gains[place][number] = gain
    return gains


def _of_sphere(channels: int, *, has_stereo: bool) -> _Gains:
    """Return what two cardioid microphones at the middle would hear, turned 60 degrees to the left and to the right.

    Ambisonics has W, Y (left), Z (up), X (front) first; higher orders only sharpen the directions. The height is added
    a little, as if the microphones looked up.
    """
    left = {0: 0.5, 1: 0.43, 2: 0.1, 3: 0.25}
    right = {**left, 1: -0.43}
    if has_stereo:  # beside the sphere: music or a voice that does not turn with the head
        left[channels - 2], right[channels - 1] = _WHOLE, _WHOLE
    return {"FL": left, "FR": right}


def _of_unknown(channels: int) -> _Gains:
    """Share out channels of which nobody knows the meaning: mostly microphones, each for itself."""
    gain = math.sqrt(2 / channels)
    sides = {"FL": range(0, channels, 2), "FR": range(1, channels, 2)}
    return {side: dict.fromkeys(numbers, gain) for side, numbers in sides.items()}


def _pan(layout: str, gains: _Gains) -> str:
    return "|".join([f"pan={layout}", *(f"{name}={_sum(parts)}" for name, parts in gains.items())])


def _sum(parts: dict[int, float]) -> str:
    return "".join(f"{gain:+.4f}*c{number}" for number, gain in parts.items()).lstrip("+") or "0*c0"
