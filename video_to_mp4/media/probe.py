"""Finds out what a file is, and refuses what can't become a video."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from video_to_mp4 import process
from video_to_mp4.errors import (
    ConversionError,
    ConversionStalled,
    DamagedSource,
    EncryptedSource,
    LimitExceeded,
    NotAVideo,
    NoVideoTrack,
    ProcessStalled,
    SourceMissing,
    UnknownCodec,
)
from video_to_mp4.media.beginnings import (
    HEAD_BYTES,
    is_animated_png,
    is_opaque_gif,
    is_still_of_mp4_kind,
    refusal,
    without_pictures,
)
from video_to_mp4.media.changes import with_changes
from video_to_mp4.media.declarations import declared
from video_to_mp4.media.failure import last_words, not_killed
from video_to_mp4.media.guard import (
    MAX_DURATION_S,
    MAX_PIXELS,
    MAX_TRACKS,
    PROBE_MEMORY_BYTES,
    file_address,
    input_flags,
    size_bytes,
)
from video_to_mp4.media.info import MediaInfo, StreamInfo, parse_listing
from video_to_mp4.media.layouts import with_most_channels
from video_to_mp4.media.packets import listing_flags, measure, measure_alone, measured_by
from video_to_mp4.media.picture import choose_picture
from video_to_mp4.media.programmes import on_own_clock
from video_to_mp4.media.scanning import scanned
from video_to_mp4.media.sizes import sized

_SILENCE_LIMIT_S = 300.0
"""Reading all packets of 20 GB from a slow disk takes minutes, but something is heard of it all the time."""

_COMPLAINTS_BYTES = 1024 * 1024
"""What is wrong with a stream is said first, and may be followed by a word on each broken packet."""

_PROGRAMMES = "program=program_num:program_stream=index:program_tags=:program_stream_tags="
_DECODED = ("video", "audio", "subtitle")
_A_PICTURE = "This is a still picture, not a video."
_PICTURE_CONTAINERS = ("gif", "apng", "jpeg_pipe", "mjpeg")
_NEWER_CODECS = {
    **dict.fromkeys(("vvc", "vvc1", "vvi1"), ("VVC, H.266", "7.1")),
    **dict.fromkeys(("apv", "apv1"), ("APV", "8.0")),
}
"""Codecs that ffmpeg 5.1 does not have, by its own names and those in MP4, and the release that has them."""
_OF_ZLIB = frozenset({"apng", "png", "flashsv", "flashsv2", "tscc", "zmbv", "zerocodec", "zlib"})
"""Codecs that a build without zlib does not have; all others have had them for longer than the oldest version."""


async def probe(path: Path, *, ffprobe: str = "ffprobe", ffmpeg: str = "ffmpeg") -> MediaInfo:
    """Read a source's container and streams, the true end of each stream, its size, and how its picture was scanned.

    Raises SourceMissing, NotAVideo, NoVideoTrack, EncryptedSource, UnknownCodec, DamagedSource or LimitExceeded for
    what can't be converted, with the end of ffprobe's log in `details`, and ConversionStalled when ffprobe hangs.
    """
    source_bytes = size_bytes(path)
    if source_bytes is None:
        raise SourceMissing
    if source_bytes == 0:
        raise NotAVideo("The file is empty.")
    try:
        head = await asyncio.to_thread(_head, path)
        flags = input_flags("apng" if is_animated_png(head) else "")
        info, rows = await _read(path, source_bytes, [*flags, *listing_flags(source_bytes)], ffprobe)
        if not info.streams:
            info, rows = await _read(path, source_bytes, flags, ffprobe)  # it gives up where it can't read all packets
        refuse(info, path, head=head)
        if is_opaque_gif(head):
            info = replace(info, streams=tuple(replace(stream, has_alpha=False) for stream in info.streams))
        info = on_own_clock(info)
        measured = measured_by(rows, info)
        if measured is None:
            measured = await measure(path, info, ffprobe=ffprobe, silence_limit_s=_SILENCE_LIMIT_S)
        measured = await measure_alone(path, measured, ffprobe=ffprobe, silence_limit_s=_SILENCE_LIMIT_S)
    except ProcessStalled as error:
        raise ConversionStalled("Reading the file did not come to an end.") from error
    picture = choose_picture(measured)
    if picture is not None and picture.packets == 0:
        raise without_pictures(await asyncio.to_thread(_head, path), last_words(measured.complaints, hide=(path,)))
    _refuse_by_packets(measured)
    told = await asyncio.to_thread(declared, path, measured)
    told = await asyncio.to_thread(with_changes, path, told, rows)
    told = await sized(path, told, ffprobe=ffprobe)
    told = await with_most_channels(path, told, ffprobe=ffprobe)
    return await scanned(path, told, ffprobe=ffprobe, ffmpeg=ffmpeg)


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(HEAD_BYTES)


async def _read(
    path: Path, source_bytes: int, flags: Sequence[str], ffprobe: str
) -> tuple[MediaInfo, list[Mapping[str, Any]]]:
    argv = [ffprobe, "-v", "warning", "-hide_banner", *flags, "-of", "json=compact=1"]
    argv += ["-show_entries", _PROGRAMMES, "-show_format", "-show_streams", "-show_chapters", file_address(path)]
    ended = await process.run(
        argv,
        silence_limit_s=_SILENCE_LIMIT_S,
        memory_limit_bytes=PROBE_MEMORY_BYTES,
        stderr_limit_bytes=_COMPLAINTS_BYTES,
    )
    not_killed(ended)
    # In a thread: a long file's packets are some megabytes of JSON.
    return await asyncio.to_thread(parse_listing, ended.stdout, size_bytes=source_bytes, complaints=ended.stderr)


def refuse(info: MediaInfo, path: Path, *, head: bytes = b"") -> None:
    """Raise the error that says why this file can't become a video; return if it can.

    `head` are its first bytes.
    """
    details = last_words(info.complaints, hide=(path,))
    if is_still_of_mp4_kind(head):
        raise NotAVideo(_A_PICTURE, details=details)
    if not info.streams:
        raise _no_container(info, head, details)
    tracks = [stream for stream in info.streams if stream.kind in _DECODED and not stream.is_cover]
    if len(tracks) > MAX_TRACKS:
        found = f"The file has {len(tracks)} tracks of picture, sound and subtitles"
        raise LimitExceeded(f"{found}; more than {MAX_TRACKS} are not accepted.")
    pictures = [stream for stream in info.of_kind("video") if not stream.is_cover]
    if not pictures:
        raise NoVideoTrack(details=details)
    if "DRM protected" in info.complaints or all(stream.is_encrypted for stream in pictures):
        raise EncryptedSource(details=details)
    if choose_picture(info) is None:
        raise _no_picture(pictures, details)
    for stream in pictures:
        _refuse_size(stream)
        _refuse_index(stream, info)


def _no_container(info: MediaInfo, head: bytes, details: str) -> ConversionError:
    """Tell a video that is not all there from what never was one."""
    if "Picture size" in info.complaints:
        return LimitExceeded(details=details)
    return refusal(head, details)


def _no_picture(pictures: list[StreamInfo], details: str) -> ConversionError:
    unknown = [stream for stream in pictures if not stream.is_decodable]
    if unknown:
        return UnknownCodec(_unknown_codec(unknown[0].codec or unknown[0].codec_tag), details=details)
    if "Picture size" in details:
        return LimitExceeded(details=details)
    return DamagedSource(details=details)


def _unknown_codec(name: str) -> str:
    """Say what an ffmpeg can't decode, by its own name or the container's, and whether another can."""
    if name in _OF_ZLIB:
        return (
            "The server's ffmpeg was built without zlib, which it needs to decode this video. Another build of it can."
        )
    known, release = _NEWER_CODECS.get(name, (name, ""))
    about = f" ({known})" if known else ""
    hope = f"ffmpeg {release} or newer can" if release else "A newer ffmpeg may"
    return f"The server's ffmpeg can't decode this video's codec{about}. {hope}."


def _refuse_size(stream: StreamInfo) -> None:
    if stream.width * stream.height > MAX_PIXELS:
        raise LimitExceeded(f"Its pictures have {stream.width}x{stream.height} pixels, which is too large.")


def _refuse_index(stream: StreamInfo, info: MediaInfo) -> None:
    """Each picture of an index takes memory, also the false ones; a picture of less than a byte is a false one."""
    if info.is_in("mp4") and (stream.frames or 0) > info.size_bytes:
        raise DamagedSource("The file is damaged: its index names more pictures than the file has bytes.")


def _refuse_by_packets(info: MediaInfo) -> None:
    stream = choose_picture(info)
    if stream is None and any(picture.is_encrypted for picture in info.of_kind("video")):
        raise EncryptedSource
    if stream is None:
        raise DamagedSource(details=last_words(info.complaints))
    if info.is_in(*_PICTURE_CONTAINERS) and stream.packets == 1:
        raise NotAVideo(_A_PICTURE)
    longest_s = max((s.end_s - info.start_s for s in info.streams if s.end_s is not None), default=0.0)
    if longest_s > MAX_DURATION_S:
        raise LimitExceeded(f"Its times say that it lasts {longest_s / 3600:.0f} hours, which is too long.")
