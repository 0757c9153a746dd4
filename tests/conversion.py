"""The way of a source through the media room, without an engine: probe → plan → ffmpeg → verify."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import tools
from clips import run_ffmpeg
from video_to_mp4 import process
from video_to_mp4.errors import EncoderFailed, UnknownCodec
from video_to_mp4.jobs.encoding import VideoCodec
from video_to_mp4.jobs.model import Options, Progress, Quality
from video_to_mp4.media.capabilities import find_encoders
from video_to_mp4.media.finishing import complete
from video_to_mp4.media.plan import Plan, make_plan
from video_to_mp4.media.preparation import prepare
from video_to_mp4.media.progress import ProgressParser
from video_to_mp4.media.source import open_source
from video_to_mp4.media.verify import Verified, judge
from video_to_mp4.process import Exit

FAST = Options(quality=Quality.STANDARD)


@dataclass(frozen=True)
class Conversion:
    """A result, and how it came about."""

    path: Path
    plan: Plan
    verified: Verified
    progress: tuple[Progress, ...]
    runs: int
    ended: Exit

    @property
    def warnings(self) -> tuple[str, ...]:
        return (*self.plan.warnings, *self.verified.warnings)

    @property
    def percents(self) -> list[float]:
        return [progress.percent for progress in self.progress]

    def of_kind(self, kind: str) -> list[dict[str, Any]]:
        """Return the result's streams of a kind."""
        return [stream for stream in self.streams if stream["codec_type"] == kind]

    @property
    def streams(self) -> list[dict[str, Any]]:
        """Return the result's streams as ffprobe has them."""
        return look_at(self.path)["streams"]


def look_at(path: Path, *entries: str) -> dict[str, Any]:
    """Return what ffprobe says of a file."""
    args = ["-of", "json", "-show_format", "-show_streams", "-show_chapters", *entries, path]
    return json.loads(run_ffmpeg(args, program="ffprobe"))


async def convert(source: Path, options: Options = FAST, *, threads: int = 0) -> Conversion:
    """Convert a source beside itself, with as many plans as it takes; raise what its user would be told.

    Where the tested ffmpeg was built without something that is needed, the test is skipped.
    """
    if options.encoding.video_codec is VideoCodec.AV1 and VideoCodec.AV1 not in await find_encoders(
        "ffmpeg", "ffprobe"
    ):
        pytest.skip("the tested ffprobe can't decode AV1 without a graphics card, so it can't check a result")
    try:
        return await _convert(source, options, threads)
    except UnknownCodec as error:
        if "graphics card" in str(error) and not tools.has("decoder", "libdav1d"):
            pytest.skip(str(error))
        if "without zlib" in str(error) and not tools.has("decoder", "apng"):
            pytest.skip(str(error))
        raise
    except EncoderFailed as error:
        missing = re.search(r"built without the (encoder|filter) (\S+),", str(error))
        if missing and not tools.has(missing[1], missing[2]):
            pytest.skip(str(error))
        raise


async def _convert(source: Path, options: Options, threads: int) -> Conversion:
    opened = await open_source(source, source.with_name("stand_in"))
    plan = make_plan(await opened.probe(), options, threads=threads).noting(opened.notes)
    partial = source.with_name("result.partial")
    plan, prepared = await prepare(opened.path, plan, source.parent)
    runs = 0
    while True:
        runs += 1
        partial.unlink(missing_ok=True)
        parser = ProgressParser(plan)
        seen: list[Progress] = []
        ended = await process.run(plan.argv(opened.path, partial, prepared=prepared), on_line=feed_of(parser, seen))
        other = complete(partial, plan, ended)
        if other is not None:
            plan = other
            continue
        verdict = await judge(partial, plan, ended, prepared=prepared)
        if isinstance(verdict, Verified):
            return Conversion(partial, verdict.plan, verdict, tuple(seen), runs, ended)
        plan = verdict


def feed_of(parser: ProgressParser, seen: list[Progress]) -> Callable[[str], None]:
    """Return what takes a line and notes the progress that it tells."""

    def on_line(line: str) -> None:
        progress = parser.feed(line)
        if progress is not None:
            seen.append(progress)

    return on_line


@dataclass(frozen=True)
class Frame:
    """One decoded picture, in RGB, as a player without any cleverness shows it."""

    width: int
    height: int
    rgb: bytes

    def at(self, across: float, down: float) -> tuple[int, int, int]:
        """Return the colour at a place given in shares of width and height."""
        column, row = int(across * (self.width - 1)), int(down * (self.height - 1))
        red, green, blue = self.rgb[3 * (row * self.width + column) :][:3]
        return red, green, blue

    def word_at(self, across: float, down: float) -> str:
        """Return the colour in a word: black, red, green, blue, yellow, magenta, cyan, white."""
        bits = tuple(value > 127 for value in self.at(across, down))
        words = ("black", "blue", "green", "cyan", "red", "magenta", "yellow", "white")
        return words[bits[0] * 4 + bits[1] * 2 + bits[2]]


def frame_of(path: Path, *, at_s: float = 0.0) -> Frame:
    """Decode one picture of a file."""
    stream = next(s for s in look_at(path)["streams"] if s["codec_type"] == "video")
    width, height = int(stream["width"]), int(stream["height"])
    args = ["-ss", str(at_s), "-i", path, "-frames:v", "1", "-pix_fmt", "rgb24", "-f", "rawvideo", "pipe:1"]
    done = subprocess.run(["ffmpeg", "-v", "error", *map(str, args)], capture_output=True, check=True)
    assert len(done.stdout) == width * height * 3
    return Frame(width, height, done.stdout)


def frames_of(path: Path) -> list[Frame]:
    """Decode all pictures of a small file."""
    stream = next(s for s in look_at(path)["streams"] if s["codec_type"] == "video")
    width, height = int(stream["width"]), int(stream["height"])
    args = ["-i", path, "-fps_mode", "passthrough", "-pix_fmt", "rgb24", "-f", "rawvideo", "pipe:1"]
    done = subprocess.run(["ffmpeg", "-v", "error", *map(str, args)], capture_output=True, check=True)
    size_bytes = width * height * 3
    places = range(0, len(done.stdout), size_bytes)
    return [Frame(width, height, done.stdout[place : place + size_bytes]) for place in places]


def sizes_of(done: Conversion) -> set[tuple[int, int]]:
    """Return the sizes of all pictures of a result."""
    frames = look_at(done.path, "-show_entries", "frame=width,height", "-select_streams", "v")["frames"]
    return {(frame["width"], frame["height"]) for frame in frames}


def square_at(done: Conversion, at_s: float) -> tuple[int, int]:
    """Return width and height of the white square, in pixels, measured through the middle."""
    frame = frame_of(done.path, at_s=at_s)
    across = sum(frame.at((x + 0.5) / frame.width, 0.5)[1] > 190 for x in range(frame.width))
    down = sum(frame.at(0.5, (y + 0.5) / frame.height)[1] > 190 for y in range(frame.height))
    return across, down
