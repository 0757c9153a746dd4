"""The flags that keep a hostile file inside its own bytes. Everything that opens a file of unknown origin uses them.

The demuxer is chosen by content, from a list: that is what stops HLS, DASH, concat and SDP texts inside an upload
before they can name another file (a protocol list alone does not: `file` must be allowed for the source). `file:`
with an absolute path makes harmless whatever a name could mean to ffmpeg: an option, a pattern, a protocol.
"""

from __future__ import annotations

from pathlib import Path

CONTAINERS = (
    "mov", "mp4", "matroska", "webm", "avi", "asf", "wtv", "flv", "ogg", "mxf", "gxf", "rm", "ivf", "nut", "dv",
    "mpegts", "mpeg", "pva", "nsv", "vivo", "dhav", "bink", "smk", "roq", "flic",
    # streams without a container
    "mpegvideo", "h264", "hevc", "vvc", "m4v", "obu", "av1", "vc1", "vc1test", "mjpeg", "mpjpeg", "jpeg_pipe",
    "yuv4mpegpipe",
    # animated pictures
    "gif", "apng",
)  # fmt: skip
"""Demuxers that may be chosen; each reads the bytes of its one file, as its source has it, and opens nothing else.

`mov` opens no external references (`dref`) unless it is told to. `jpeg_pipe` takes one picture after the other from the
file itself, as ffmpeg does for Motion JPEG without a container; `image2` would look for numbered files. Left out on
purpose, as they open other files or addresses: hls, dash, concat, sdp, rtsp, imf, image2, mlv, vobsub,
webm_dash_manifest, avisynth, dvdvideo, and all that reads text. A name that an ffmpeg does not have does no harm.
"""

MAX_PIXELS = 67_108_864
"""Largest picture, 8192x8192: an AVI of 1.5 MB with pictures of 16000x16000 took 2.5 GB of memory."""

PROBE_MEMORY_BYTES = 2 * 1024**3
"""Most that looking at a source may take: the index of 100 hours needs 1 GB, but a false one of 1.6 KB all there is."""

MAX_TRACKS = 64
"""Most tracks of picture, sound and subtitles that a source may have; each one is a decoder and buffers.

Fonts, covers and data have none of these: a film with styled subtitles brings a hundred fonts. ffmpeg itself takes no
more than 1000 streams (its `max_streams`).
"""

MAX_DURATION_S = 100 * 3600
"""Longest source. Two packets of sound eleven days apart would become eleven days of silence."""

INPUT_OPTIONS: dict[str, str] = {
    "protocol_whitelist": "file",
    "format_whitelist": ",".join(CONTAINERS),
    "max_pixels": str(MAX_PIXELS),
    "probesize": "50M",
    "analyzeduration": "20M",
}
"""What ffmpeg and ffprobe are told about every source, before its name."""

_OF_DEMUXERS = {"apng": {"default_fps": "10"}}
"""What one demuxer alone takes: frames of an APNG without a delay are shown for 100 ms, as in browsers, not for 67."""


def file_address(path: Path) -> str:
    """Return the path as an address that ffmpeg reads as a file's name and nothing else."""
    return f"file:{path.absolute()}"


def size_bytes(path: Path) -> int | None:
    """Return the size of a file; None when there is no such file."""
    return path.stat().st_size if path.is_file() else None


def input_options(container: str = "") -> dict[str, str]:
    """Return what ffmpeg and ffprobe are told about a source, with what the demuxer of its container alone knows."""
    return INPUT_OPTIONS | _OF_DEMUXERS.get(container, {})


def input_flags(container: str = "") -> list[str]:
    """Return these options as they stand in a command."""
    return [part for name, value in input_options(container).items() for part in (f"-{name}", value)]
