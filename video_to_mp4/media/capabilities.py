"""What the server's ffmpeg and ffprobe can do, found out once, at the start.

A version's number says little: builds leave out what they like, and a build from git has none. So a tiny film goes the
whole way of a conversion, with the very options that are used for others.
"""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from video_to_mp4 import process
from video_to_mp4.errors import ConfigurationError, ProcessStalled, ToolMissing, VideoToMp4Error
from video_to_mp4.jobs.encoding import VideoCodec
from video_to_mp4.jobs.model import Options, Quality
from video_to_mp4.media.failure import explain
from video_to_mp4.media.plan import make_plan
from video_to_mp4.media.probe import probe
from video_to_mp4.media.verify import verify
from video_to_mp4.process import Exit

OLDEST = (5, 1)
"""The oldest version that all tests pass with. Older ones have no `-fps_mode`."""

_NUMBER = re.compile(r"n?(\d+)\.(\d+)")
"""A release's number: 5.1.9-0+deb12u1, n8.1.2, 9.0-static. What is made of a state of git has a date or a count."""

_FILM = Path(__file__).with_name("trial.mp4")
"""0.2 s of H.264 and AAC, 64x64, made with ffmpeg's smptebars and sine."""

_ANSWERS_WITHIN_S = 30.0
_FILTERS = {
    "zscale": "HDR videos can't be converted",
    "lutrgb": "videos with unusual colours can't be converted",
    "colorchannelmixer": "videos with unusual colours can't be converted",
    "mergeplanes": "videos with unusual colours can't be converted",
    "tonemap": "HDR videos can't be converted",
    "bwdif": "interlaced videos can't be converted",
    "fps": "videos can't be brought to another frame rate",
}
_ENCODERS = {"mov_text": "videos with subtitles can't be converted"}
_AV1_DECODERS = frozenset({"libdav1d", "libaom-av1"})
"""Those that work on every machine. ffmpeg's own, which is in every build's list, needs a graphics card."""


@dataclass(frozen=True)
class Capabilities:
    """What an ffmpeg is and has."""

    version: str
    encoders: frozenset[str]
    filters: frozenset[str]
    decoders: frozenset[str]

    @property
    def lacks(self) -> tuple[str, ...]:
        """Say in sentences what can't be done for want of a part of ffmpeg; empty when nothing is missing."""
        missing = [("filter", name, loss) for name, loss in _FILTERS.items() if name not in self.filters]
        missing += [("encoder", name, loss) for name, loss in _ENCODERS.items() if name not in self.encoders]
        sentences = [f"ffmpeg was built without the {kind} {name}: {loss}." for kind, name, loss in missing]
        if not self.decoders & _AV1_DECODERS:
            sentences.append("ffmpeg was built without the decoder libdav1d: AV1 videos can't be converted.")
        return tuple(sentences)


async def find_out(ffmpeg: str, ffprobe: str) -> Capabilities:
    """Try the tools out, by some short children.

    Raises ToolMissing for what is no ffmpeg, is older than 5.1 by its own number, or can't convert a small film, and
    ConfigurationError where there is no folder for temporary files.
    """
    told = await _ask(ffmpeg, "-encoders")
    version = _check_version(told.stderr, ffmpeg, "ffmpeg")
    filters = await _ask(ffmpeg, "-filters")
    decoders = await _ask(ffmpeg, "-decoders")
    _check_version((await _ask(ffprobe, "-version")).stdout, ffprobe, "ffprobe")
    try:
        with tempfile.TemporaryDirectory(prefix="video-to-mp4-") as folder:
            await _convert(Path(folder, "result.partial"), ffmpeg, ffprobe)
    except OSError as error:
        raise ConfigurationError(f"No folder for temporary files can be used: {error}") from error
    return Capabilities(
        version=version,
        encoders=_codecs(told.stdout),
        decoders=_codecs(decoders.stdout),
        filters=frozenset(re.findall(r"^ [A-Z.]{2,3} (\S+) +\S+->\S+", filters.stdout, re.MULTILINE)),
    )


async def find_encoders(ffmpeg: str, ffprobe: str) -> frozenset[str]:
    """Name ffmpeg's encoders, without those whose results this ffprobe could not check. Raises ToolMissing."""
    made = _codecs((await _ask(ffmpeg, "-encoders")).stdout)
    read = _codecs((await _ask(ffprobe, "-decoders")).stdout)
    return made if read & _AV1_DECODERS else made - {VideoCodec.AV1}


def _codecs(listing: str) -> frozenset[str]:
    return frozenset(re.findall(r"^ [VAS][A-Z.]{5} (\S+)", listing, re.MULTILINE))


async def _ask(tool: str, flag: str) -> Exit:
    try:
        return await process.run([tool, flag], silence_limit_s=_ANSWERS_WITHIN_S)
    except (ProcessStalled, OSError) as error:
        raise ToolMissing(f"The program «{tool}» does not answer.") from error


def _check_version(banner: str, tool: str, name: str) -> str:
    """Return how a tool calls its version; raise ToolMissing for another program, or one that is too old."""
    found = re.search(rf"^{name} version (\S+)", banner, re.MULTILINE)
    oldest, setting = ".".join(map(str, OLDEST)), f"VIDEO_TO_MP4_{name.upper()}"
    if found is None:
        raise ToolMissing(f"The program «{tool}» is no {name}. {setting} must name one, of version {oldest} or newer.")
    number = _NUMBER.match(found[1])
    if number is not None and (int(number[1]), int(number[2])) < OLDEST:
        raise ToolMissing(
            f"The {name} «{tool}» has version {found[1]}, which is too old: version {oldest} or newer is needed. "
            f"{setting} can name another."
        )
    return found[1]


async def _convert(partial: Path, ffmpeg: str, ffprobe: str) -> None:
    try:
        plan = make_plan(await probe(_FILM, ffprobe=ffprobe), Options(quality=Quality.STANDARD), threads=1)
        argv = plan.argv(_FILM, partial, ffmpeg=ffmpeg)
        ended = await process.run(argv, silence_limit_s=_ANSWERS_WITHIN_S)
        if ended.code != 0:
            raise explain(ended.code, ended.stderr, hide=(_FILM, partial))
        await verify(partial, plan, stderr=ended.stderr, ffprobe=ffprobe)
    except ProcessStalled as error:
        raise ToolMissing(f"The program «{ffmpeg}» does not come to an end.") from error
    except VideoToMp4Error as error:
        said = " ".join(f"{error} {error.details}".split())
        raise ToolMissing(f"«{ffmpeg}» and «{ffprobe}» can't convert a film that lasts 0.2 s: {said}") from error
