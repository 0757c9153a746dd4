"""Holds a result against its source: what plain ffmpeg sees and hears in the one must be in the other, or be told.

Each check returns sentences, and nothing when all is well. What can't be judged (a source without times, say, or sound
that is the same everywhere) is passed over: the other checks have to do.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from corpus import facts
from corpus.facts import SOUND_RATE, Cue, Facts, Floats, Sound
from video_to_mp4.jobs.model import Completed, StreamFate

_PLACES = (0.1, 0.5, 0.9)
"""Where pictures are compared and sound is placed, as shares of the duration."""

# Each bound has beside it the most that was measured over 86 real files, 16 mixtures and the clips of our own tests
# where nothing was wrong (a part of the latter).
_DURATION_LEEWAY_S = 0.1
_DURATION_LEEWAY_SHARE = 0.01
"""0.11 s of 1.9 s, by a last packet of sound that is filled up."""

_FRAMES_LEEWAY = 0.01
_FRAMES_MISSED = 2
"""2 of 58: plain ffprobe misses some where AVI has B-frames."""

_CUE_LEEWAY_S = 0.05
_OFF_LEEWAY_S = 0.02
"""2.3 ms; 20 are what a result may be off."""

_LEVEL_LEEWAY_DB = 1.0
"""0.7 dB, in a track at -67 dB; 0.3 in louder ones."""

_MIXED_LEVEL_LEEWAY_DB = 6.0
_MANY_MIXED_LEVEL_LEEWAY_DB = 12.0
_MANY_CHANNELS = 8
"""Mixing channels has to leave room: 5.2 dB where all eight are the same loud tone, 3.5 of four with noise. ffmpeg has
no rule for most speakers of larger layouts, so that they are missing from what it hears: 9.1 dB of sixteen."""

_SILENT_DB = -70.0
_LENGTH_LEEWAY_S = 0.1
"""No track had less than before."""

_COLOUR_LEEWAY = 4.0
_FITTED_COLOUR_LEEWAY = 6.0
"""Mean of the differences of one of red, green and blue: 3.1 of small RGB clips, 2.0 of films, 4.6 where plain ffmpeg
shows edges that the container crops. A wrong matrix is 21 off, whites of 229 for 235 are 6."""

_PLAIN = 4.0
_LEAST_ALIKE = 0.95
_LEAST_ALIKE_WIDE = 0.9
"""0.98; 0.946 where HDR was tone-mapped."""

_WINDOW_S, _SEARCHED_S = 1.0, 0.5
_LEAST_FOUND = 0.6
_AS_GOOD = 0.98
_WIDE = frozenset({"smpte2084", "arib-std-b67", "bt2020", "smpte431", "smpte432", "smpte428", "bt2020nc", "bt2020c"})
_EVEN_PX = 2
_MARKS = ("Spherical Mapping", "Stereo 3D")
_PLACE_OF_TAKING = re.compile(r"\bGPS\b|\b(?:latitude|longitude)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Pair:
    """A source and what became of it."""

    source: Facts
    result: Facts
    completed: Completed

    def kept(self, kind: str) -> list[tuple[StreamFate, Mapping[str, Any]]]:
        """Return the fates of the streams of a kind that are in the result, each with the result's stream."""
        fates = [fate for fate in self.completed.fates if fate.kind == kind and fate.action != "drop"]
        return list(zip(fates, self.result.of_kind(kind), strict=False))

    def is_told(self, *words: str) -> bool:
        """Say whether a warning has one of these words."""
        return any(word in warning.lower() for warning in self.completed.warnings for word in words)


async def differences(source: Path, result: Path, completed: Completed) -> list[str]:
    """Return what is in the source, is not in the result, and was not told.

    Nothing where plain ffmpeg can't read the source, as animated WebP before version 9: there is nothing to compare.
    """
    pair = Pair(await facts.read(source), await facts.read(result), completed)
    if not pair.source.streams:
        return []
    found = stream_faults(pair)
    for fate, track in pair.kept("video")[:1]:
        frames = await facts.frames(pair.source, fate.index)
        before_s, after_s = frames.times_s, (await facts.frames(pair.result, track["index"])).times_s
        found += frame_faults(pair, len(before_s), len(after_s))
        found += mark_faults(pair, fate.index, track)
        if frames.has_fields and await facts.is_interlaced(pair.result, track["index"]):
            found.append("The pictures are interlaced.")
        found += size_faults(pair, fate.index, track, frames.sizes)
        found += await _picture_faults(pair, fate.index, track["index"], len(before_s), len(after_s))
        sounds = await _sounds(pair)
        found += end_faults(
            pair, _ends_s(before_s, [old for _, old, _ in sounds]), _ends_s(after_s, [new for *_, new in sounds])
        )
        found += _sound_faults(pair, sounds, before_s, after_s)
    for fate, track in pair.kept("subtitle"):
        before, after = await facts.cues(pair.source, fate.index), await facts.cues(pair.result, track["index"])
        lines = await facts.line_times_s(pair.source, fate.index)
        found += place_of_taking_faults(after)
        found += cue_faults(before, after, end_s=_end_s(pair.result), name=f"Subtitle track {fate.index}")
        found += lost_line_faults(before, after, lines, end_s=_end_s(pair.result), name=f"Subtitle track {fate.index}")
    return found


def stream_faults(pair: Pair) -> list[str]:
    """Return what is wrong with the number of tracks, their languages, their default flags and their ends."""
    found = []
    for stream in pair.source.streams:
        if stream.get("codec_type") in ("audio", "video") and not _fates_of(pair, stream["index"]):
            found.append(f"Nothing is said of stream {stream['index']}.")
    for kind in ("video", "audio", "subtitle"):
        planned = [fate for fate in pair.completed.fates if fate.kind == kind and fate.action != "drop"]
        if len(planned) != len(pair.result.of_kind(kind)):
            found.append(f"There are {len(pair.result.of_kind(kind))} {kind} tracks, and {len(planned)} were told.")
        found += _flag_faults(pair, kind)
    longest_s, container_s = _end_s(pair.result), pair.result.duration_s
    if container_s is not None and container_s > longest_s + _leeway_s(longest_s):
        found.append(f"The container lasts {container_s:.2f} s, picture and sound {longest_s:.2f} s.")
    return found


def _flag_faults(pair: Pair, kind: str) -> list[str]:
    found = []
    kept = [(pair.source.stream(fate.index), track) for fate, track in pair.kept(kind)]
    has_default = any(_is_default(source) for source, _ in kept)
    for source, track in kept:
        language, wanted = _language(track), _language(source)
        if language not in (wanted, ""):
            found.append(f"The {kind} track {track['index']} is in «{language}» instead of «{wanted}».")
        if kind != "video" and (has_default or kind == "subtitle") and _is_default(track) != _is_default(source):
            found.append(f"The {kind} track {track['index']} is {'' if _is_default(track) else 'not '}the default.")
    return found


def frame_faults(pair: Pair, before: int, after: int) -> list[str]:
    """Return whether pictures were lost or added, and nobody was told."""
    fewest = 1 if after < before else _FRAMES_MISSED  # plain ffprobe may miss some, as where AVI has B-frames
    if not before or abs(after - before) <= max(fewest, _FRAMES_LEEWAY * before):
        return []
    is_told = pair.is_told("damaged", "frames", "pictures")
    return [] if is_told else [f"There are {after} pictures instead of {before}."]


def size_faults(pair: Pair, index: int, track: Mapping[str, Any], sizes: dict[tuple[int, int], int]) -> list[str]:
    """Return whether a film whose size changes on the way has taken another size than most of it, or its largest."""
    if len(sizes) < 2:
        return []
    most, largest = max(sizes, key=sizes.__getitem__), max(sizes, key=math.prod)
    shape = facts.pixel_shape(pair.source.stream(index))
    good = [length for width, height in (most, largest) for length in (width, height, width * shape)]
    found = (int(track.get("width", 0)), int(track.get("height", 0)))
    if any(abs(length - wanted) < _EVEN_PX for length in found for wanted in good):
        return []
    return [f"The size is {found[0]}x{found[1]}; most pictures have {most[0]}x{most[1]}."]


def mark_faults(pair: Pair, index: int, track: Mapping[str, Any]) -> list[str]:
    """Return which marks, by which players know a sphere or two eyes, are missing and were not told."""
    lost = [mark for mark in _MARKS if mark in _side_data(pair.source.stream(index)) - _side_data(track)]
    return [] if pair.is_told("360", "3d") else [f"The mark «{mark}» is lost." for mark in lost]


def _side_data(stream: Mapping[str, Any]) -> set[str]:
    return {str(entry.get("side_data_type")) for entry in stream.get("side_data_list", ())}


async def _picture_faults(pair: Pair, before: int, after: int, frames_before: int, frames_after: int) -> list[str]:
    if not frames_before or not frames_after:
        return [] if not frames_before else ["There is no picture."]
    is_wide = not _WIDE.isdisjoint(_colours(pair.source.stream(before)))
    leeway = _COLOUR_LEEWAY if _has_all_pixels(pair, before, after) else _FITTED_COLOUR_LEEWAY
    numbers = {int(share * (frames_before - 1)): int(share * (frames_after - 1)) for share in _PLACES}
    olds = await facts.pictures(pair.source, before, sorted(numbers))
    news = await facts.pictures(pair.result, after, sorted(set(numbers.values())))
    found, alike = [], 0
    for old, new in numbers.items():
        middle = [picture for near, picture in zip(facts.around(old), olds[old], strict=False) if near == old]
        if middle and news[new]:
            faults = picture_faults(middle[0], news[new], f"Picture {new}", is_wide=is_wide, leeway=leeway)
            found += faults
            alike += not faults
    # Two decoders, and one with several threads, fill the holes of damaged pictures differently (off by 6.6 and 7.5).
    return [] if alike and pair.is_told("damaged") else found


def _has_all_pixels(pair: Pair, before: int, after: int) -> bool:
    """Say whether the result is as large as its source, be it turned: nothing was cropped, fitted or made square."""
    old, new = (
        sorted(int(stream.get(side, 0)) // _EVEN_PX for side in ("width", "height"))
        for stream in (pair.source.stream(before), pair.result.stream(after))
    )
    return old == new


def picture_faults(
    old: Floats, news: Sequence[Floats], name: str, *, is_wide: bool = False, leeway: float = _COLOUR_LEEWAY
) -> list[str]:
    """Return whether none of some pictures is alike enough; colours that have to be converted may differ."""
    alike = max(_likeness(old, new) for new in news)
    if alike < (_LEAST_ALIKE_WIDE if is_wide else _LEAST_ALIKE):
        return [f"{name} is another one ({alike:.2f} alike)."]
    off = min(float(np.max(np.mean(np.abs(new - old), axis=(0, 1)))) for new in news)
    return [f"The colours of {name.lower()} are off by {off:.1f}."] if off > leeway and not is_wide else []


def _likeness(old: Floats, new: Floats) -> float:
    """Return the correlation of two pictures; 1 for two that are plain."""
    one, two = old - np.mean(old), new - np.mean(new)
    size = float(np.linalg.norm(one) * np.linalg.norm(two))
    is_plain = max(float(np.std(one)), float(np.std(two))) < _PLAIN
    return 1.0 if is_plain else float(np.sum(one * two)) / size if size else 0.0


async def _sounds(pair: Pair) -> list[tuple[StreamFate, Sound, Sound]]:
    return [
        (fate, await facts.sound(pair.source, fate.index), await facts.sound(pair.result, track["index"]))
        for fate, track in pair.kept("audio")
    ]


def _ends_s(times_s: Floats, sounds: Sequence[Sound]) -> list[float]:
    """Return when the last picture begins, and when each track of sound ends."""
    return [*times_s[-1:].tolist(), *(sound.end_s for sound in sounds)]


def end_faults(pair: Pair, before_s: Sequence[float], after_s: Sequence[float]) -> list[str]:
    """Return whether the film is shorter or longer than it was, and nobody was told."""
    old_s, new_s = max(before_s, default=0.0), max(after_s, default=0.0)
    if abs(new_s - old_s) <= _leeway_s(old_s) or pair.is_told("damaged", "ends early"):
        return []
    return [f"The film ends after {new_s:.2f} s instead of {old_s:.2f} s."]


def _sound_faults(
    pair: Pair, sounds: Sequence[tuple[StreamFate, Sound, Sound]], before_s: Floats, after_s: Floats
) -> list[str]:
    found = []
    for (fate, old, new), track in zip(sounds, pair.result.of_kind("audio"), strict=False):
        name = f"Sound track {track['index']}"
        channels = (int(pair.source.stream(fate.index).get("channels", 0)), int(track.get("channels", 0)))
        found += level_faults(old, new, name, channels=channels)
        found += [] if pair.is_told("damaged") else length_faults(old, new, name)
        found += place_faults(old, new, before_s, after_s, name)
    return found


def level_faults(old: Sound, new: Sound, name: str, *, channels: tuple[int, int]) -> list[str]:
    """Return whether a track, which had and has so many channels, is louder or quieter than it was."""
    leeway_db = _LEVEL_LEEWAY_DB
    if channels[0] != channels[1]:
        leeway_db = _MIXED_LEVEL_LEEWAY_DB if channels[0] <= _MANY_CHANNELS else _MANY_MIXED_LEVEL_LEEWAY_DB
    off_db = new.level_db - old.level_db
    if old.level_db < _SILENT_DB or abs(off_db) <= leeway_db:
        return []
    return [f"{name} is {abs(off_db):.1f} dB {'louder' if off_db > 0 else 'quieter'}."]


def length_faults(old: Sound, new: Sound, name: str) -> list[str]:
    """Return whether a track has less sound than it had; holes are filled, so there may be more."""
    if new.duration_s >= old.duration_s - _LENGTH_LEEWAY_S - _DURATION_LEEWAY_SHARE * old.duration_s:
        return []
    return [f"{name} has {new.duration_s:.2f} s of sound instead of {old.duration_s:.2f} s."]


def place_faults(old: Sound, new: Sound, before_s: Floats, after_s: Floats, name: str) -> list[str]:
    """Return where the sound is not heard with the pictures with which it was heard before."""
    found = []
    for share in _PLACES:
        place_s = share * old.duration_s + (float(old.starts_s[0]) if len(old.starts_s) else 0.0)
        sound_off_s = _sound_off_s(old, new, place_s)
        if sound_off_s is None:
            continue
        off_s = sound_off_s - _pictures_off_s(before_s, after_s, place_s)
        if abs(off_s) > _OFF_LEEWAY_S:
            direction = "late" if off_s > 0 else "early"
            found.append(f"{name} is {abs(off_s) * 1000:.0f} ms {direction} after {place_s:.1f} s.")
    return found


def _sound_off_s(old: Sound, new: Sound, place_s: float) -> float | None:
    """Return how much later something is heard than before; None where it can't be found."""
    wanted = old.part(place_s, _WINDOW_S)
    begin_s = max(place_s - _SEARCHED_S, float(new.starts_s[0]) if len(new.starts_s) else 0.0)
    searched = new.part(begin_s, _WINDOW_S + 2 * _SEARCHED_S)
    wanted = wanted - np.mean(wanted) if len(wanted) else wanted
    if len(wanted) < SOUND_RATE * _WINDOW_S / 2 or len(searched) <= len(wanted) or not np.any(wanted):
        return None
    products = np.correlate(searched, wanted, mode="valid")
    squares = np.cumsum(np.concatenate(([0.0], np.square(searched))))
    power = squares[len(wanted) :] - squares[: -len(wanted)]
    found = products / np.sqrt(np.maximum(power, 1e-9) * float(np.sum(np.square(wanted))))
    if float(np.max(found)) < _LEAST_FOUND:
        return None
    lags_s = np.flatnonzero(found >= _AS_GOOD * np.max(found)) / SOUND_RATE + begin_s - place_s
    # What is found in many places, such as a steady tone, is found nowhere.
    return None if float(np.ptp(lags_s)) > _OFF_LEEWAY_S else float(lags_s[np.argmin(np.abs(lags_s))])


def _pictures_off_s(before_s: Floats, after_s: Floats, place_s: float) -> float:
    """Return how much later the picture of a time is shown than before; 0 where pictures can't be matched by number."""
    if len(before_s) != len(after_s) or not len(before_s):
        return 0.0
    number = min(int(np.searchsorted(before_s, place_s)), len(before_s) - 1)
    return float(after_s[number] - before_s[number])


def cue_faults(before: Sequence[Cue], after: Sequence[Cue], *, end_s: float, name: str) -> list[str]:
    """Return which lines are not shown when they were, or beside others than before."""
    found = []
    for cue in before:
        for time_s in (cue.begin_s + _CUE_LEEWAY_S, cue.end_s - _CUE_LEEWAY_S):
            if not cue.begin_s <= time_s <= cue.end_s or time_s >= end_s - _CUE_LEEWAY_S:
                continue
            wanted, shown = _shown(before, time_s), _shown(after, time_s)
            if wanted != shown:
                found.append(f"{name} shows {sorted(shown)} instead of {sorted(wanted)} at {time_s:.2f} s.")
    return found[:3]


def place_of_taking_faults(cues: Sequence[Cue]) -> list[str]:
    """Return whether subtitles say where a film was taken."""
    told = [line for cue in cues for line in cue.lines if _PLACE_OF_TAKING.search(line)]
    return [f"A subtitle says where the film was taken: {told[0]}"] if told else []


def lost_line_faults(
    before: Sequence[Cue], after: Sequence[Cue], lines_s: Sequence[float], *, end_s: float, name: str
) -> list[str]:
    """Return which lines are missing that ffmpeg itself could not read, because they are in another charset, say."""
    read = [cue.begin_s for cue in before]
    unread = [at_s for at_s in lines_s if at_s < end_s and all(abs(at_s - other_s) > _CUE_LEEWAY_S for other_s in read)]
    lost = [at_s for at_s in unread if not _shown(after, at_s + _CUE_LEEWAY_S)]
    return [f"{name} has lost its lines at {', '.join(f'{at_s:.2f} s' for at_s in lost[:5])}."] if lost else []


def _shown(cues: Sequence[Cue], time_s: float) -> frozenset[str]:
    return frozenset().union(*(cue.lines for cue in cues if cue.begin_s <= time_s < cue.end_s))


def _fates_of(pair: Pair, index: int) -> list[StreamFate]:
    return [fate for fate in pair.completed.fates if fate.index == index]


def _language(stream: Mapping[str, Any]) -> str:
    language = str(stream.get("tags", {}).get("language", ""))
    return "" if language == "und" else language


def _is_default(stream: Mapping[str, Any]) -> bool:
    return bool(stream.get("disposition", {}).get("default"))


def _colours(stream: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(str(stream.get(name)) for name in ("color_space", "color_transfer", "color_primaries"))


def _end_s(result: Facts) -> float:
    """Return when the last picture or sound ends."""
    tracks = [*result.of_kind("video"), *result.of_kind("audio")]
    ends_s = [float(track.get("start_time") or 0) + float(track.get("duration") or 0) for track in tracks]
    return max(ends_s, default=0.0)


def _leeway_s(duration_s: float) -> float:
    return _DURATION_LEEWAY_S + _DURATION_LEEWAY_SHARE * duration_s
