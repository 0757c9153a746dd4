"""Says whether what a browser played is what was to be converted, like its source in every respect."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from corpus import facts
from corpus.compare import differences, picture_faults
from corpus.convert import Converted, Workshop, has_picture, look_at
from corpus.play import Played, Player
from video_to_mp4.errors import EncryptedSource, LimitExceeded
from video_to_mp4.jobs.model import Options, StreamFate
from video_to_mp4.media.info import MediaInfo
from video_to_mp4.media.picture import display_size

_DURATION_LEEWAY_S = 0.1
_DURATION_LEEWAY_SHARE = 0.01
_LEAST_SHARE_OF_FRAMES = 0.9
_ENTERED_EVERY = 4
_MOST_ENTERED = 25
_SAME_S = 0.0005
_SHOWN_LEEWAY = 8.0
"""A browser has other ways than ffmpeg to give each pixel its colour where two of them share one: 7.5 were measured."""


class Verdict(StrEnum):
    """What came of a file."""

    PLAYS = "yes"
    REFUSED = "–"
    """There is nothing in it that could be played."""
    FAILS = "NO"
    """It should play and does not."""


@dataclass(frozen=True)
class Row:
    """One file of the table."""

    converted: Converted
    verdict: Verdict
    played: Played | None = None
    faults: tuple[str, ...] = field(default=())
    """What keeps a file that should play from playing."""

    @property
    def fates(self) -> tuple[StreamFate, ...]:
        """What became of the streams."""
        return self.converted.completed.fates if self.converted.completed is not None else ()

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the user is told beside the result."""
        return self.converted.completed.warnings if self.converted.completed is not None else ()


async def judge(converted: Converted, player: Player) -> Row:
    """Play the result, or find out whether there should have been one."""
    if converted.result is None:
        return await _judge_refusal(converted)
    played = await player.play(converted.result)
    faults = _faults(played, await look_at(converted.result))
    if not played.trouble and converted.completed is not None:
        faults += await seek_faults(converted.result, player)
        faults += await differences(converted.source, converted.result, converted.completed)
    return Row(converted, Verdict.FAILS if faults else Verdict.PLAYS, played, tuple(faults))


async def seek_faults(result: Path, player: Player) -> list[str]:
    """Return what is wrong where a browser enters a result: at every fourth key frame, or fewer where they are many."""
    read = await facts.read(result)
    picture = read.of_kind("video")[0]["index"]
    every = await facts.key_frames_s(read, picture)
    keys_s = every[::_ENTERED_EVERY][:: 1 + len(every) // (_ENTERED_EVERY * _MOST_ENTERED)]
    seen = await player.seek(result, keys_s, (facts.WIDTH, facts.HEIGHT))
    if len(seen) < len(keys_s):
        return [f"The browser does not go on from the key frame at {keys_s[len(seen)]:.2f} s."]
    stream = read.stream(picture)
    if int(stream.get("width", 0)) < facts.WIDTH or int(stream.get("height", 0)) < facts.HEIGHT:
        return []  # too small to be made smaller
    times_s = (await facts.frames(read, picture)).times_s
    numbers = [int(number) for number in (times_s + read.start_s).searchsorted([key_s - _SAME_S for key_s in keys_s])]
    decoded = await facts.pictures(read, picture, numbers)
    # A browser turns the colours of other primaries, such as European television's (9.1 off), into those of its screen.
    is_wide = stream.get("color_primaries", "bt709") not in ("bt709", "unknown", "smpte170m")
    return [
        fault
        for number, key_s, values in zip(numbers, keys_s, seen, strict=True)
        if decoded[number]
        for fault in picture_faults(
            facts.picture_of(values),
            decoded[number],
            f"What the browser shows at {key_s:.2f} s",
            is_wide=is_wide,
            leeway=_SHOWN_LEEWAY,
        )
    ]


async def _judge_refusal(converted: Converted) -> Row:
    if converted.error is None:
        return Row(converted, Verdict.FAILS, faults=(converted.crash or "It took longer than the limit.",))
    is_by_rule = isinstance(converted.error, EncryptedSource | LimitExceeded)
    if is_by_rule or not await has_picture(converted.source):
        return Row(converted, Verdict.REFUSED)
    return Row(converted, Verdict.FAILS, faults=("Plain ffmpeg decodes a picture of it.",))


def _faults(played: Played, result: MediaInfo) -> list[str]:
    """Return what is wrong with what was played, in sentences."""
    if played.trouble:
        return [f"The browser stopped after {played.reached_s:.1f} s: {played.trouble}."]
    picture = result.of_kind("video")[0]
    width, height = (round(length) for length in display_size(picture))
    faults = []
    if (played.width, played.height) != (width, height):
        faults.append(f"The browser shows {played.width}x{played.height} pixels instead of {width}x{height}.")
    least_frames = _LEAST_SHARE_OF_FRAMES * (picture.frames or 1) if played.is_whole else 1
    if played.frames < max(1, least_frames):
        faults.append(f"The browser decoded {played.frames} pictures of {picture.frames}.")
    if result.of_kind("audio") and not played.audio_bytes:
        faults.append("The browser decoded no sound.")
    end_s = result.claimed_duration_s or 0.0
    if abs(played.duration_s - end_s) > _DURATION_LEEWAY_S + _DURATION_LEEWAY_SHARE * end_s:
        faults.append(f"The browser plays {played.duration_s:.2f} s instead of {end_s:.2f} s.")
    return faults


async def try_file(
    workshop: Workshop, player: Player, source: Path, options: Options, *, threads: int = 0, limit_s: float = 600
) -> Row:
    """Convert a file and play what comes of it; the result is deleted."""
    converted = await workshop.convert(source, options, threads=threads, limit_s=limit_s)
    try:
        return await judge(converted, player)
    finally:
        if converted.result is not None:
            converted.result.unlink()
