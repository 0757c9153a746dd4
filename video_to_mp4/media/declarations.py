"""Adds to what ffprobe says of a file what only the container's own words tell: parameters of H.264, and crops.

ffprobe prints a codec's parameters only together with the bytes of all packets, which takes 4 s for 17 MB; and it knows
of no crop before ffmpeg 7.1.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from video_to_mp4.media.edit_list import missing_s
from video_to_mp4.media.h264 import sequence_parameters
from video_to_mp4.media.info import NO_CROP, Crop, MediaInfo, StreamInfo, believed_crop
from video_to_mp4.media.matroska import MatroskaPicture, pictures_of
from video_to_mp4.media.mp4_boxes import Box, Movie, boxes_in

_HEAD_BYTES = 64 * 1024
_FLV_CONFIGURATION = b"\x17\x00\x00\x00\x00\x01"
"""What a key frame's tag begins with whose packet is no picture but the decoder's configuration, of version 1."""

_SAMPLE_ENTRY_BYTES = 8 + 78
"""Header and fields of a visual sample entry (ISO/IEC 14496-12), before its boxes."""
_DESCRIPTION_BYTES = 8
_APERTURE = struct.Struct(">8I")


@dataclass(frozen=True)
class _Words:
    """What the container says of a picture."""

    parameters: bytes = b""
    crop: Crop = NO_CROP
    display: tuple[int, int] = (0, 0)
    missing_s: float = 0.0


def declared(path: Path, info: MediaInfo) -> MediaInfo:
    """Return the info with what the container itself says of each picture."""
    words = _words(path, info)
    streams = (_with(stream, words[stream.index]) if stream.index in words else stream for stream in info.streams)
    return replace(info, streams=tuple(streams))


def _words(path: Path, info: MediaInfo) -> Mapping[int, _Words]:
    pictures = [stream for stream in info.of_kind("video") if not stream.is_cover]
    if info.is_in("matroska"):
        return {
            stream.index: _matroska_words(track) for stream, track in zip(pictures, pictures_of(path), strict=False)
        }
    if info.is_in("mp4"):
        movie = Movie.read(path)
        tracks = {movie.number_of(track): track for track in movie.tracks()} if movie else {}
        return {s.index: _mp4_words(movie, tracks[s.track_id], s) for s in pictures if movie and s.track_id in tracks}
    if info.is_in("flv") and pictures:
        return {pictures[0].index: _Words(_flv_parameters(path))}
    return {}


def _with(stream: StreamInfo, words: _Words) -> StreamInfo:
    if stream.codec == "h264":
        stream = _with_parameters(stream, words.parameters)
    stream = replace(stream, missing_s=words.missing_s)
    crop = believed_crop(words.crop, stream.width, stream.height)
    if stream.is_cropped_by_ffmpeg or crop == NO_CROP:
        return stream
    stream = replace(stream, crop=crop)
    return replace(stream, pixel_shape=_shape(stream, words.display))


def _with_parameters(stream: StreamInfo, configuration: bytes) -> StreamInfo:
    known = sequence_parameters(configuration)
    if known is None:
        return stream
    return replace(
        stream,
        may_have_fields=known.may_have_fields,
        has_own_range=known.is_full_range is not None,
        has_own_colour=known.colour is not None,
        configured=known,
    )


def _shape(stream: StreamInfo, display: tuple[int, int]) -> Fraction | None:
    """Return the shape of pixels: Matroska's display size is that of what the crop leaves (RFC 9559)."""
    return Fraction(*display) / Fraction(*stream.shown_size) if all(display) else stream.pixel_shape


def _matroska_words(track: MatroskaPicture) -> _Words:
    return _Words(track.parameters, track.crop, track.display)


def _mp4_words(movie: Movie, track: Box, stream: StreamInfo) -> _Words:
    """Read the first sample entry of a track, and its edit list."""
    entry = movie.content(b"mdia", b"minf", b"stbl", b"stsd", within=track)[_DESCRIPTION_BYTES:]
    end = int.from_bytes(entry[:4], "big")
    inner = list(boxes_in(entry, _SAMPLE_ENTRY_BYTES, min(end, len(entry))))

    def content(kind: bytes) -> bytes:
        return next((entry[box.content : box.end] for box in inner if box.kind == kind), b"")

    return _Words(content(b"avcC"), _aperture(content(b"clap"), stream), missing_s=missing_s(movie, track))


def _aperture(content: bytes, stream: StreamInfo) -> Crop:
    """Return what lies outside of the clean aperture (ISO/IEC 14496-12, clause 12.1.4).

    Its offsets are those of its centre from the picture's centre.
    """
    if len(content) != _APERTURE.size:
        return NO_CROP
    numbers = _APERTURE.unpack(content)
    if not all(numbers[1::2]):
        return NO_CROP
    across, down, right, below = (
        Fraction(_signed(number), under) for number, under in zip(numbers[::2], numbers[1::2], strict=True)
    )
    left, top = (stream.width - across) / 2 + right, (stream.height - down) / 2 + below
    edges = (left, stream.width - across - left, top, stream.height - down - top)
    return (round(edges[0]), round(edges[1]), round(edges[2]), round(edges[3]))


def _signed(number: int) -> int:
    return number - (1 << 32) if number >> 31 else number


def _flv_parameters(path: Path) -> bytes:
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    place = head.find(_FLV_CONFIGURATION)
    return head[place + len(_FLV_CONFIGURATION) - 1 :] if place >= 0 else b""
