"""What plain ffmpeg makes of a file, with no planning of ours: pictures, sound, subtitles, and when each comes.

Nothing here asks the code that is judged. A source and its result are both read in this way, and `corpus.compare` holds
the one against the other.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from video_to_mp4 import process
from video_to_mp4.errors import VideoToMp4Error
from video_to_mp4.media.guard import file_address, input_flags

Floats = npt.NDArray[np.float64]

SOUND_RATE = 4_000
"""Samples a second of the sound that is compared: enough to place it within a millisecond."""

WIDTH, HEIGHT = 32, 18
"""Pixels of the pictures that are compared: enough to tell one from another, and to see a wrong colour."""

_SILENCE_LIMIT_S = 120.0
_PICTURES_AROUND = 3
"""A result may have lost or doubled a picture before the place where it is looked at."""

_HD_LINES = 720
_DIALOGUE = re.compile(r"^Dialogue: [^,]*,([^,]*),([^,]*),(?:[^,]*,){6}(.*)$", re.MULTILINE)
_DRAWING = re.compile(r"\{[^}]*\\p[1-9][^}]*\}.*?(?=\{[^}]*\\p0|$)")
_OVERRIDE = re.compile(r"\{[^}]*\}")


@dataclass(frozen=True)
class Cue:
    """Some lines of text, and when they are shown."""

    begin_s: float
    end_s: float
    lines: frozenset[str]


@dataclass(frozen=True)
class Sound:
    """A decoded sound track, mixed to one channel, and when its pieces are heard."""

    samples: Floats
    starts_s: Floats
    """When each decoded frame is heard."""
    places_s: Floats
    """Where each decoded frame begins in the samples, if these are played without a break."""

    @property
    def duration_s(self) -> float:
        """How much sound there is."""
        return len(self.samples) / SOUND_RATE

    @property
    def end_s(self) -> float:
        """When the last of it has been heard."""
        if not len(self.starts_s):
            return self.duration_s
        return float(self.starts_s[-1]) + self.duration_s - float(self.places_s[-1])

    def part(self, begin_s: float, duration_s: float) -> Floats:
        """Return what is heard from a time on; shorter where the track ends, empty where it has not begun."""
        if not len(self.starts_s):
            return self.samples[:0]
        frame = int(np.searchsorted(self.starts_s, begin_s, side="right")) - 1
        if frame < 0:
            return self.samples[:0]
        first = round((self.places_s[frame] + begin_s - self.starts_s[frame]) * SOUND_RATE)
        return self.samples[max(0, first) : max(0, first + round(duration_s * SOUND_RATE))]

    @property
    def level_db(self) -> float:
        """How loud it is on the whole, by the mean of squares; -120 for silence."""
        power = float(np.mean(np.square(self.samples))) if len(self.samples) else 0.0
        return 10 * float(np.log10(max(power, 1e-12)))


@dataclass(frozen=True)
class Facts:
    """What there is in a file."""

    path: Path
    streams: tuple[Mapping[str, Any], ...]
    """As ffprobe has them."""
    duration_s: float | None
    """As the container says."""
    start_s: float = 0.0
    complaints: frozenset[str] = field(default_factory=frozenset)

    def stream(self, index: int) -> Mapping[str, Any]:
        """Return a stream by its number."""
        return next(stream for stream in self.streams if stream["index"] == index)

    def of_kind(self, kind: str) -> list[Mapping[str, Any]]:
        """Return the streams of a kind, in the file's order."""
        return [stream for stream in self.streams if stream.get("codec_type") == kind]


async def read(path: Path) -> Facts:
    """Return what ffprobe says of a file."""
    whole = await _ffprobe(path, ["-show_format", "-show_streams"])
    container = whole.get("format", {})
    return Facts(
        path,
        tuple(whole.get("streams", ())),
        _number(container.get("duration")),
        _number(container.get("start_time")) or 0.0,
    )


@dataclass(frozen=True)
class Frames:
    """What is known of the decoded pictures of a stream."""

    times_s: Floats
    """When each is shown, on the clock that begins with the file; in order."""
    sizes: Counter[tuple[int, int]]
    """How many have which width and height."""
    has_fields: bool
    """Whether some are said to consist of two fields."""


async def frames(facts: Facts, index: int) -> Frames:
    """Decode all pictures of a stream, once: it takes as long as the film is large."""
    entries = "frame=best_effort_timestamp_time,width,height,interlaced_frame:frame_side_data="
    shown = ["-select_streams", str(index), "-show_frames", "-show_entries", entries]
    rows = (await _ffprobe(facts.path, shown)).get("frames", ())
    times_s = [_number(row.get("best_effort_timestamp_time")) for row in rows]
    return Frames(
        np.sort(np.array([time_s - facts.start_s for time_s in times_s if time_s is not None], dtype=np.float64)),
        Counter((int(row.get("width") or 0), int(row.get("height") or 0)) for row in rows),
        any(int(row.get("interlaced_frame") or 0) for row in rows),
    )


def pixel_shape(stream: Mapping[str, Any]) -> float:
    """Return how much wider than high the pixels are; 1 when nobody knows."""
    across, _, down = str(stream.get("sample_aspect_ratio", "")).partition(":")
    ratio = (_number(across) or 0.0) / (_number(down) or 1.0)
    return ratio or 1.0


async def is_interlaced(facts: Facts, index: int) -> bool:
    """Say whether ffmpeg's look at the pictures themselves finds more of them interlaced than progressive."""
    argv = ["ffmpeg", "-nostdin", "-v", "info", *input_flags(), "-i", file_address(facts.path), "-map", f"0:{index}"]
    ended = await process.run([*argv, "-vf", "idet", "-f", "null", "-"], silence_limit_s=None)
    found = re.search(r"Multi frame detection: TFF:\s*(\d+) BFF:\s*(\d+) Progressive:\s*(\d+)", ended.stderr)
    return found is not None and int(found[1]) + int(found[2]) > int(found[3])


async def key_frames_s(facts: Facts, index: int) -> list[float]:
    """Return when each picture comes that a player may begin with."""
    shown = ["-select_streams", str(index), "-show_packets", "-show_entries", "packet=pts_time,flags"]
    whole = await _ffprobe(facts.path, shown)
    keys_s = [_number(row.get("pts_time")) for row in whole.get("packets", ()) if "K" in str(row.get("flags"))]
    return [key_s for key_s in keys_s if key_s is not None]


async def pictures(facts: Facts, index: int, numbers: Sequence[int]) -> dict[int, list[Floats]]:
    """Return small RGB pictures around some numbers of pictures, each as WIDTH x HEIGHT x 3 values from 0 to 255."""
    wanted = sorted({near for number in numbers for near in around(number)})
    chosen = "+".join(f"eq(n,{number})" for number in wanted)
    stream = facts.stream(index)
    # A container may say that the range is full where the stream itself says nothing.
    full = ":in_range=full" if stream.get("color_range") == "pc" else ""
    # First RGB, then smaller: what is made smaller in YUV has other colours at the edges.
    rgb = f"scale=flags=accurate_rnd+full_chroma_int:in_color_matrix={_matrix(stream)}{full},format=rgb24"
    scale = f"{rgb},scale={WIDTH}:{HEIGHT}:flags=area"
    raw = await _ffmpeg(
        facts.path,
        ["-map", f"0:{index}", "-vf", f"select='{chosen}',{scale}", "-fps_mode", "passthrough"],
        ["-f", "rawvideo"],
        # Filters that are set up anew where the size changes would count from 0 again.
        how=["-reinit_filter:v", "0"],
    )
    values = np.frombuffer(raw, dtype=np.uint8).astype(np.float64)
    size = WIDTH * HEIGHT * 3
    found = {
        number: values[place * size : (place + 1) * size].reshape(HEIGHT, WIDTH, 3)
        for place, number in enumerate(wanted[: len(values) // size])
    }
    return {number: [found[near] for near in around(number) if near in found] for number in numbers}


def picture_of(values: Sequence[float]) -> Floats:
    """Return a small picture from the RGB values of its pixels."""
    return np.array(values, dtype=np.float64).reshape(HEIGHT, WIDTH, 3)


def around(number: int) -> range:
    """Return the numbers of a picture and of its neighbours."""
    return range(max(0, number - _PICTURES_AROUND), number + _PICTURES_AROUND + 1)


async def sound(facts: Facts, index: int) -> Sound:
    """Decode a sound track."""
    shown = ["-select_streams", str(index), "-show_frames", "-show_entries", "frame=pts_time,nb_samples"]
    whole = await _ffprobe(facts.path, shown)
    rate = int(facts.stream(index).get("sample_rate") or 0) or SOUND_RATE
    raw = await _ffmpeg(
        facts.path, ["-map", f"0:{index}", "-ac", "1", "-ar", str(SOUND_RATE)], ["-c:a", "pcm_s16le", "-f", "s16le"]
    )
    samples = np.frombuffer(raw[: len(raw) // 2 * 2], dtype="<i2").astype(np.float64) / 32768
    starts_s, places_s, place_s = [], [], 0.0
    for frame in whole.get("frames", ()):
        begin_s = _number(frame.get("pts_time"))
        if begin_s is not None:
            starts_s.append(begin_s - facts.start_s)
            places_s.append(place_s)
        place_s += int(frame.get("nb_samples") or 0) / rate
    return Sound(samples, np.array(starts_s, dtype=np.float64), np.array(places_s, dtype=np.float64))


async def cues(facts: Facts, index: int) -> list[Cue]:
    """Return the lines of a text subtitle track, as ffmpeg reads them, without styles, comments and drawings."""
    raw = await _ffmpeg(facts.path, ["-map", f"0:{index}", "-c:s", "ass"], ["-f", "ass"])
    found = []
    for begin, end, text in _DIALOGUE.findall(raw.decode("utf-8", "replace").replace("\r\n", "\n")):
        lines = frozenset(filter(None, (_plain(line) for line in re.split(r"\\N|\\n", _without_markup(text)))))
        if lines and _clock_s(end) > _clock_s(begin):
            found.append(Cue(_clock_s(begin), _clock_s(end), lines))
    return found


async def line_times_s(facts: Facts, index: int) -> list[float]:
    """Return when each line of a track of plain text (SubRip) comes, whether its charset is understood or not."""
    if facts.stream(index).get("codec_name") != "subrip":
        return []
    shown = ["-select_streams", str(index), "-show_packets", "-show_entries", "packet=pts_time,duration_time,size"]
    packets = (await _ffprobe(facts.path, shown)).get("packets", ())
    texts = [row for row in packets if _number(row.get("size")) and _number(row.get("duration_time"))]
    times_s = [_number(row.get("pts_time")) for row in texts]
    return [time_s - facts.start_s for time_s in times_s if time_s is not None]


def _without_markup(text: str) -> str:
    return _OVERRIDE.sub("", _DRAWING.sub("", text))


def _plain(line: str) -> str:
    return " ".join(line.replace(r"\h", " ").split())


def _clock_s(text: str) -> float:
    hours, minutes, seconds = text.split(":")
    return 3600 * int(hours) + 60 * int(minutes) + float(seconds)


def _matrix(stream: Mapping[str, Any]) -> str:
    """Return by which matrix browsers turn the stream into RGB: where it does not say, its first height decides.

    Measured: Chromium 156 shows untagged H.264 and VP8 of 17 sizes so, from 160x120 to 1920x1080, upright ones too.
    """
    if stream.get("color_space") not in (None, "unknown"):
        return "auto"
    return "bt709" if int(stream.get("height", 0)) >= _HD_LINES else "bt601"


async def _ffprobe(path: Path, shown: Sequence[str]) -> dict[str, Any]:
    """Return ffprobe's answer; what it can't read is missing there."""
    lines: list[bytes] = []
    argv = ["ffprobe", "-v", "quiet", *input_flags(), *shown, "-of", "json", file_address(path)]
    await process.run(argv, on_bytes=lines.append, silence_limit_s=_SILENCE_LIMIT_S)
    try:
        answer = json.loads(b"".join(lines))
    except json.JSONDecodeError:
        return {}
    return answer if isinstance(answer, dict) else {}


async def _ffmpeg(path: Path, wanted: Sequence[str], form: Sequence[str], *, how: Sequence[str] = ()) -> bytes:
    """Return what ffmpeg makes of a file; nothing when it can't."""
    pieces: list[bytes] = []
    source = [*input_flags(), *how, "-i", file_address(path)]
    argv = ["ffmpeg", "-nostdin", "-v", "quiet", *source, *wanted, *form, "pipe:1"]
    try:
        await process.run(argv, on_bytes=pieces.append, silence_limit_s=_SILENCE_LIMIT_S)
    except VideoToMp4Error:
        return b""
    return b"".join(pieces)


def _number(value: object) -> float | None:
    try:
        number = float(str(value))
    except ValueError:
        return None
    return number if np.isfinite(number) else None
