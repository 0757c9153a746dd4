"""Finds out whether pictures are interlaced, in places all over the film, where its first pictures do not tell.

Only sources that leave it open cost a further child: H.264 whose parameters allow both, and tall pictures of codecs
whose encoders often say nothing, or the wrong thing, of what a tape or a broadcast has brought them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from video_to_mp4 import process
from video_to_mp4.errors import ProcessStalled
from video_to_mp4.media.colour import untagging_options
from video_to_mp4.media.fallback import colours_refused
from video_to_mp4.media.guard import PROBE_MEMORY_BYTES, file_address, input_flags
from video_to_mp4.media.info import MediaInfo, Scan, StreamInfo
from video_to_mp4.media.picture import choose_picture

_SHARES = (0.1, 0.3, 0.5, 0.7, 0.9)
_PACKETS_EACH = 12
_EACH_S = 0.6
_WHOLE_BELOW_S = 6.0
_SILENCE_LIMIT_S = 60.0

_COPIED_FROM = ("mp4", "matroska", "flv", "avi")
_FLAGS_ARE_OFTEN_WRONG = frozenset(
    {
        "mpeg2video", "mpeg4", "mjpeg", "dvvideo", "prores", "dnxhd", "huffyuv", "ffvhuff", "ffv1", "utvideo",
        "magicyuv", "rawvideo", "v210",
    }
)  # fmt: skip
_FEWEST_LINES = 400
"""Television has 480 interlaced lines or more; some may be cropped off. Smaller pictures have lost their fields."""

_FOUND = re.compile(r"Single frame detection: TFF:\s*(\d+) BFF:\s*(\d+) Progressive:\s*(\d+) Undetermined:\s*(\d+)")
_SURENESS = 1.2
"""With idet's own 1.04, ffmpeg's test pattern testsrc2 is interlaced in each frame; from 1.5 on, testsrc never is."""

_FEWEST_FRAMES = 10
_CLEARLY = 0.85
"""Of film that was brought to television by repeating fields two frames in five are combed, and up to four in five seem
so: it is left alone."""
_OF_ALL = 0.5
_WITHOUT_DOUBT = 0.75
"""Where three quarters of one place are whole, combs in all of the other four are less than `_CLEARLY` of all."""


async def scanned(path: Path, info: MediaInfo, *, ffprobe: str, ffmpeg: str) -> MediaInfo:
    """Return the info with how the picture was scanned, where that had to be looked for."""
    stream = choose_picture(info)
    if stream is None or stream.end_s is None or stream.field_order not in ("progressive", ""):
        return info
    if stream.codec == "h264":
        if not stream.may_have_fields or not stream.field_order or not info.is_in(*_COPIED_FROM):
            return info
        scan = await _flagged(path, stream, _places_s(stream, info), ffprobe)
    elif stream.codec in _FLAGS_ARE_OFTEN_WRONG and stream.height >= _FEWEST_LINES:
        scan = await _combed(path, stream, _places_s(stream, info), ffmpeg)
    else:
        return info
    streams = tuple(replace(s, scan=scan) if s.index == stream.index else s for s in info.streams)
    return replace(info, streams=streams)


def _places_s(stream: StreamInfo, info: MediaInfo) -> list[float]:
    """Return where to look; only the beginning of what is hardly longer than that."""
    length_s = (stream.end_s or 0.0) - info.start_s
    return [share * length_s for share in _SHARES] if length_s > _WHOLE_BELOW_S else [0.0]


async def _flagged(path: Path, stream: StreamInfo, places_s: Sequence[float], ffprobe: str) -> Scan:
    """Ask the decoder what each picture says of itself."""
    offset_s = stream.start_s or 0.0
    places = [f"{offset_s + place_s:.3f}%+#{_PACKETS_EACH}" for place_s in places_s]
    where = ",".join(places) if len(places) > 1 else f"%+{_WHOLE_BELOW_S}"
    argv = [ffprobe, "-v", "quiet", *input_flags(), "-read_intervals", where, "-select_streams", str(stream.index)]
    argv += ["-show_frames", "-show_entries", "frame=interlaced_frame:frame_side_data=", "-of", "csv=p=0"]
    words = (await _run([*argv, file_address(path)])).stdout.split()
    found = {word.strip(",") for word in words}
    return "flagged" if "1" in found else "progressive" if "0" in found else ""


async def _combed(path: Path, stream: StreamInfo, places_s: Sequence[float], ffmpeg: str) -> Scan:
    """Look at the pictures themselves by ffmpeg's filter idet.

    A middle without combs ends the look: with it not even four combed places of five would be enough for `_verdict`,
    as long as all places have as many frames. Two children for the few films that have them are less than four further
    places for each one that has none.
    """
    middle_s = places_s[len(places_s) // 2]
    if len(places_s) > 1 and _is_whole(await _counted(path, stream, [middle_s], _EACH_S, ffmpeg)):
        return ""
    each_s = _EACH_S if len(places_s) > 1 else _WHOLE_BELOW_S
    return _verdict(await _counted(path, stream, places_s, each_s, ffmpeg))


async def _counted(
    path: Path, stream: StreamInfo, places_s: Sequence[float], each_s: float, ffmpeg: str
) -> list[tuple[int, ...]]:
    """Return what idet counts in each place."""
    ended = await _run(_idet(path, stream, places_s, each_s, ffmpeg))
    if ended.code != 0 and colours_refused(ended.stderr):
        options = [part for name, value in untagging_options(stream).items() for part in (f"-{name}", value)]
        ended = await _run(_idet(path, stream, places_s, each_s, ffmpeg, options))
    return [tuple(map(int, counts)) for counts in _FOUND.findall(ended.stderr)]


def _idet(
    path: Path,
    stream: StreamInfo,
    places_s: Sequence[float],
    each_s: float,
    ffmpeg: str,
    options: Sequence[str] = (),
) -> list[str]:
    argv = [ffmpeg, "-hide_banner", "-nostdin", "-nostats", "-v", "info"]
    for place_s in places_s:
        argv += [*input_flags(), *options, "-ss", f"{place_s:.3f}", "-t", f"{each_s}", "-i", file_address(path)]
    for number in range(len(places_s)):
        argv += [
            "-filter_complex",
            f"[{number}:{stream.index}]idet=intl_thres={_SURENESS}[looked{number}]",
            "-map",
            f"[looked{number}]",
        ]
    return [*argv, "-f", "null", "-"]


def _is_whole(counts: Sequence[tuple[int, ...]]) -> bool:
    """Say whether nothing has combs, and little is in doubt."""
    above, below, whole, other = _summed(counts)
    return above + below == 0 and whole >= _FEWEST_FRAMES and whole >= _WITHOUT_DOUBT * (whole + other)


def _verdict(counts: Sequence[tuple[int, ...]]) -> Scan:
    """Judge what idet has counted in each place: frames with their first field above or below, whole and other ones."""
    above, below, whole, other = _summed(counts)
    combed = above + below
    is_clear = (
        combed >= _FEWEST_FRAMES and combed >= _CLEARLY * (combed + whole) and max(above, below) >= _CLEARLY * combed
    )
    if not is_clear or combed < _OF_ALL * (combed + whole + other):
        return ""
    return "tff" if above > below else "bff"


def _summed(counts: Sequence[tuple[int, ...]]) -> list[int]:
    return [sum(column) for column in zip((0, 0, 0, 0), *counts, strict=True)]


async def _run(argv: Sequence[str]) -> process.Exit:
    """Run a look; one that does not come to its end has seen what it has seen."""
    try:
        return await process.run(argv, silence_limit_s=_SILENCE_LIMIT_S, memory_limit_bytes=PROBE_MEMORY_BYTES)
    except ProcessStalled:
        return process.Exit(1, "", "")
