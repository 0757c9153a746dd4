"""What ffmpeg is given beside a source: its subtitles and chapters as they have to be, in files of our own.

ffmpeg's way from one kind of subtitles to another loses what is not UTF-8, cuts lines where the next one begins and
shows drawings as text. So the lines are taken out as they are, by one run over the source, and put in order here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from video_to_mp4 import process
from video_to_mp4.errors import ConversionStalled, ProcessStalled
from video_to_mp4.media import fates
from video_to_mp4.media.chapters import as_ffmetadata
from video_to_mp4.media.cues import Cue, as_subrip, one_at_a_time, with_ends, within
from video_to_mp4.media.failure import ends_all_attempts, explain
from video_to_mp4.media.guard import file_address, input_flags, size_bytes
from video_to_mp4.media.info import StreamInfo
from video_to_mp4.media.plan import Plan
from video_to_mp4.media.prepared import Caption, Prepared
from video_to_mp4.media.subtitles import Lines, read_subrip, read_substation

_EARLY = "Subtitle lines before the beginning of the film were left out"
_LATE = "Subtitle lines after the end of the film were left out"
_CROWDED = "Subtitle lines were left out where too many are shown at once"
_SUBRIP = frozenset({"subrip", "srt", "text"})
_SUBSTATION = frozenset({"ass", "ssa"})
_LARGEST_BYTES = 16 * 1024 * 1024
"""Most of one track: a film has 100 KB, and signs that are drawn picture by picture may have ten megabytes."""

_HEAD_START_S = 60
"""How much later everything is written than it is shown, as neither of the two formats knows times before 0."""


async def prepare(
    source: Path, plan: Plan, folder: Path, *, ffmpeg: str = "ffmpeg", silence_limit_s: float | None = None
) -> tuple[Plan, Prepared]:
    """Write the plan's subtitles and chapters into a folder; nothing is done for a source that has none.

    Returns the plan as it turned out: without the tracks that have no text, or that nobody may see, and with what is
    to be told of the others. Reads the whole source if it is no MP4. Raises ConversionStalled when ffmpeg is silent,
    and what ended it when that was not the source's fault. On cancel the process is dead when this returns.
    """
    tracks = [] if not plan.captions else await _tracks(source, plan, folder, ffmpeg, silence_limit_s)
    for track in tracks:
        if track.caption is None:
            plan = plan.without(frozenset({track.index}), track.why)
    plan = plan.noting(_notes(tracks))
    chapters = folder / "chapters.txt" if plan.chapters else None
    if chapters is not None:
        chapters.write_text(as_ffmetadata(plan.chapters), "utf-8")
    captions = {track.index: track.caption for track in tracks if track.caption is not None}
    return plan, Prepared(captions, chapters)


@dataclass(frozen=True)
class _Track:
    """What has become of a subtitle track."""

    index: int
    caption: Caption | None = None
    why: str = ""
    """Why there is none; empty where it has no text."""
    early: int = 0
    """How many lines lay before the film's beginning."""
    late: int = 0
    """How many lay after its end."""
    crowded: int = 0
    """How many would have been shown beside too many others."""
    remarks: tuple[str, ...] = ()


def _notes(tracks: Sequence[_Track]) -> tuple[str, ...]:
    counts = (
        (_EARLY, sum(track.early for track in tracks)),
        (_LATE, sum(track.late for track in tracks)),
        (_CROWDED, sum(track.crowded for track in tracks)),
    )
    counted = tuple(f"{sentence} ({count})." for sentence, count in counts if count)
    return (*counted, *(remark for track in tracks for remark in track.remarks))


async def _tracks(source: Path, plan: Plan, folder: Path, ffmpeg: str, silence_limit_s: float | None) -> list[_Track]:
    raw = await _extract(source, plan, folder, ffmpeg, silence_limit_s)
    return [await asyncio.to_thread(_track, raw[stream.index], stream, plan) for stream in plan.captions]


async def _extract(
    source: Path, plan: Plan, folder: Path, ffmpeg: str, silence_limit_s: float | None
) -> dict[int, Path]:
    """Write each subtitle track as it is into a file of its own; a track that can't be read leaves an empty one."""
    files = {stream.index: folder / f"subtitles_{stream.index}.raw" for stream in plan.captions}
    argv = [ffmpeg, "-hide_banner", "-nostdin", "-y", "-v", "warning", "-progress", "pipe:1", "-nostats"]
    argv += ["-max_error_rate", "1.0", *input_flags()]
    for stream in plan.captions:
        if _is_decoded(stream):
            argv += [f"-sub_charenc_mode:{stream.index}", "ignore"]
    argv += ["-i", file_address(source)]
    for stream in plan.captions:
        argv += [*_output_flags(stream), file_address(files[stream.index])]
    try:
        ended = await process.run(argv, on_line=lambda _: None, silence_limit_s=silence_limit_s)
    except ProcessStalled as error:
        raise ConversionStalled("Reading the subtitles did not come to an end.") from error
    if ends_all_attempts(ended.code, ended.stderr):
        raise explain(ended.code, ended.stderr, hide=(source, *files.values()))
    return files


def _is_decoded(stream: StreamInfo) -> bool:
    return stream.codec not in _SUBRIP | _SUBSTATION


def _output_flags(stream: StreamInfo) -> list[str]:
    flags = ["-map", f"0:{stream.index}", "-map_metadata", "-1", "-map_chapters", "-1"]
    flags += ["-c", "srt" if _is_decoded(stream) else "copy", "-copypriorss", "1", "-fs", str(_LARGEST_BYTES)]
    flags += ["-output_ts_offset", str(_HEAD_START_S)]
    return [*flags, "-f", "ass" if stream.codec in _SUBSTATION else "srt"]


def _track(raw: Path, stream: StreamInfo, plan: Plan) -> _Track:
    """Write one track as it has to be."""
    if (size_bytes(raw) or 0) >= _LARGEST_BYTES:
        return _Track(stream.index, why=fates.TOO_LARGE)
    read = read_substation if stream.codec in _SUBSTATION else read_subrip
    lines = read(raw.read_bytes() if raw.is_file() else b"", stream.language)
    raw.unlink(missing_ok=True)
    if lines.tells_place and not plan.keeps_location:
        return _Track(stream.index, why=fates.TELLS_PLACE)
    in_film = _in_film(lines, plan)
    extra = plan.options.encoding.extra
    end_ms = None if extra.end_s is None else round(1000 * extra.end_s)
    wanted = within(in_film, round(1000 * (extra.start_s or 0.0)), end_ms)
    cues, crowded = one_at_a_time(wanted)
    early = len(lines.cues) - len(within(with_ends(lines.cues), 1000 * _HEAD_START_S, None))
    track = _Track(stream.index, early=early, late=len(lines.cues) - early - len(in_film), crowded=crowded)
    if not cues:
        return track
    file = raw.with_suffix(".srt")
    file.write_text(as_subrip(cues), "utf-8")
    return replace(track, caption=Caption(file, tuple(cues)), remarks=_remarks(lines, stream))


def _in_film(lines: Lines, plan: Plan) -> list[Cue]:
    """Return the cues on the film's clock, without what is shown before it or after it."""
    end_ms = None if plan.whole_s is None else round(1000 * (_HEAD_START_S + plan.whole_s))
    return within(with_ends(lines.cues), 1000 * _HEAD_START_S, end_ms)


def _remarks(lines: Lines, stream: StreamInfo) -> tuple[str, ...]:
    name = f"the subtitles ({stream.language})" if stream.language else "the subtitles"
    guess = f"It is not said how the letters of {name} are written; they were read as {lines.charset.label}."
    unreadable = f"Letters of {name} that can't be read: {lines.unreadable}."
    cut = f"Very long lines of {name} were cut ({lines.cut})."
    told = ((guess, lines.charset.is_guess), (unreadable, lines.unreadable), (cut, lines.cut))
    return tuple(sentence for sentence, is_so in told if is_so)
