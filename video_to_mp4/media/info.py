"""What ffprobe says about a file, as data. Parsed defensively: half of what a strange file claims is wrong.

ffprobe's answer can be just `{`; durations can be missing or off by a factor of twelve; a rotation can be
"not a number" and a pixel's shape absurd. What makes no sense becomes None here, so that no other module has to doubt.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any, Literal

from video_to_mp4.media.h264 import SequenceParameters
from video_to_mp4.media.pace import Pace

Kind = Literal["video", "audio", "subtitle", "data", "attachment"]

Scan = Literal["", "progressive", "flagged", "tff", "bff"]
"""Pictures are whole; interlaced where each says so; or all of them are, unsaid, and begin with this field."""

Matrix = tuple[int, int, int, int]
"""The upper left corner of a display matrix, row by row, in units of 1/65536."""

Crop = tuple[int, int, int, int]
"""How many pixels are not to be shown: left, right, at the top and at the bottom of the picture as it is stored."""

NO_CROP: Crop = (0, 0, 0, 0)

WITHOUT_TIMES = ("h264", "hevc", "vvc", "m4v", "obu", "av1", "vc1", "mjpeg", "mpjpeg", "jpeg_pipe")
"""Streams without a container, which do not say when a picture is shown, and seldom at what rate."""

_LEAST_SIDE_PX = 2
_ONE = 65536
_MATRIX_ROW = re.compile(r"^0000000[01]:\s+(-?\d+)\s+(-?\d+)", re.MULTILINE)
_KINDS: tuple[Kind, ...] = ("video", "audio", "subtitle", "data", "attachment")
_SANE_PIXEL_SHAPE = (Fraction(1, 5), Fraction(5))
_UNSUPPORTED = re.compile(r"Unsupported codec (?:with id|\(id=)\D*\d+\)? for input stream (\d+)")
_ALPHA_FORMATS = ("yuva", "rgba", "argb", "bgra", "abgr", "gbrap", "ya8", "ya16", "ayuv")
_ENCRYPTED_TAGS = frozenset({"encv", "enca", "encs", "enct", "drmi", "drms"})


@dataclass(frozen=True)
class DolbyVision:
    """The Dolby Vision configuration of a stream."""

    profile: int
    compatibility: int
    """What the base layer is for players that know nothing of it: 1 = HDR10, 2 = SDR, 4 = HLG, 6 = HDR10 of a UHD
    Blu-ray, 0 = nothing."""

    @property
    def is_incompatible(self) -> bool:
        """Whether the base layer is a picture in Dolby's own colours, which nobody else can show."""
        return self.profile == 5 or (self.profile == 10 and self.compatibility == 0)


@dataclass(frozen=True)
class Size:
    """Width and height of pictures as they are stored, and the shape of their pixels."""

    width: int
    height: int
    shape: Fraction

    @property
    def area(self) -> Fraction:
        """How much of a screen it fills."""
        return self.width * self.height * self.shape

    def __str__(self) -> str:
        return f"{round(self.width * self.shape)}x{self.height}"


@dataclass(frozen=True)
class SoundTimes:
    """What all packets of a sound track say together."""

    played_s: float | None
    """How long the packets play one after the other; None when not all were looked at."""
    shift_s: float | None
    """How far their times get from that, at most, for good: a player that does not look at times is off by so much.
    None when not all packets were looked at, and when nobody knows how long each plays."""
    jitter_s: float
    """How far single packets are off from those around them, at most."""
    are_false: bool
    """Whether nearly all times contradict how long the packets play, so that they can't be true."""
    bits_per_s: float | None = None
    """The mean of the packets that were looked at, rather too high than too low."""


@dataclass(frozen=True)
class StreamInfo:
    """One stream of a file. Empty strings, zeros and None mean that it is not known."""

    index: int
    kind: Kind
    codec: str = ""
    codec_tag: str = ""
    profile: str = ""
    level: int = 0
    width: int = 0
    height: int = 0
    pixel_format: str = ""
    pixel_shape: Fraction | None = None
    """Sample aspect ratio; None when unknown or absurd."""
    has_absurd_shape: bool = False
    rotation: float = 0.0
    """Degrees of the display matrix, counterclockwise as ffprobe has them; 0 when there is none or it is absurd."""
    display_matrix: Matrix | None = None
    field_order: str = ""
    """What ffprobe believes by the first pictures."""
    may_have_fields: bool = True
    """Whether pictures may be interlaced, by the parameters of the codec; True where these don't tell."""
    scan: Scan = ""
    """What was found in places all over the film; empty where nobody looked."""
    crop: Crop = NO_CROP
    """What the container says; what H.264 itself leaves out is no part of width and height."""
    is_cropped_by_ffmpeg: bool = False
    """Whether ffmpeg's decoder knows of the crop: since version 7.1."""
    has_own_range: bool = True
    """Whether the stream itself says its range, so that it is not lost with the container; True where nobody knows."""
    has_own_colour: bool = True
    """The same of primaries, transfer function and matrix."""
    has_b_frames: int = 0
    color_range: str = ""
    color_space: str = ""
    color_transfer: str = ""
    color_primaries: str = ""
    side_data: frozenset[str] = frozenset()
    has_alpha: bool = False
    """Whether parts of the picture may be transparent."""
    claims_alpha: bool = False
    """WebM's tag for transparency, which browsers set on every recording."""
    peak_nits: float | None = None
    """How bright the brightest is, by MaxCLL or else by the screen that it was graded on; None when unknown."""
    dolby_vision: DolbyVision | None = None
    average_rate: Fraction | None = None
    """Frames per second by count and duration."""
    base_rate: Fraction | None = None
    """ffprobe's r_frame_rate, a guess that can be bogus (600)."""
    time_base: Fraction | None = None
    """How many seconds one tick of the container's clock for this stream takes."""
    bits_per_s: float | None = None
    """What the container says of the stream's mean bit rate."""
    start_s: float | None = None
    duration_s: float | None = None
    end_s: float | None = None
    """End of the last packet on the file's own clock; None when the packets were not looked at."""
    last_s: float | None = None
    """When the last packet begins, on the same clock."""
    uneven_end_s: float = 0.0
    """How much longer the last three frames take than the first three."""
    packets: int | None = None
    """How many packets are shown; None when they were not counted."""
    pace: Pace | None = None
    """What the packets of a picture say of frames and bits; None when not all were looked at."""
    hidden_packets: int = 0
    """How many packets lie outside the edit list, so that they must not be shown."""
    missing_s: float = 0.0
    """How much of a picture ffmpeg leaves out at its beginning, so that all that follows is early."""
    hides_its_end: bool = False
    """Whether all packets that must not be shown come after all others."""
    sizes: tuple[Size, ...] = ()
    """The sizes that its pictures were seen to have, where they are several; width and height are the best of them."""
    first_height: int = 0
    """The height of its first pictures, where it is one encoder that changes the size on the way; 0 otherwise."""
    sound_times: SoundTimes | None = None
    """What the times of a sound track's packets are worth; None when they tell nothing."""
    has_browser_delays: bool = False
    """Whether its times come of the delays in an animated picture, as far as they have been looked at."""
    parameter_sets: int = 1
    """1, or more when the codec's parameters change on the way."""
    repeats_parameters: bool = False
    """Whether key frames bring the codec's parameters along: these may change without a word of the container."""
    changes_matrix: bool = False
    """Whether its pictures were seen to be stored by several matrices."""
    configured: SequenceParameters | None = None
    """What the container says of a stream of H.264; None where nobody looked."""
    channels: int = 0
    channel_layout: str = ""
    sample_rate: int = 0
    language: str = ""
    title: str = ""
    handler: str = ""
    """What MP4 has in a title's place."""
    parameters: str = ""
    """A hash of the codec's parameters, where ffprobe was asked for one."""
    track_id: int = 0
    """The container's own number of the stream; 0 when it has none."""
    frames: int | None = None
    """How many frames the container counts; None when it does not."""
    is_default: bool = False
    is_forced: bool = False
    dispositions: frozenset[str] = frozenset()
    """All flags of this kind, by ffmpeg's names: default, forced, hearing_impaired …"""
    is_cover: bool = False
    is_decodable: bool = True
    is_encrypted: bool = False

    @property
    def shown_size(self) -> tuple[int, int]:
        """Width and height without what the container crops."""
        left, right, top, bottom = self.crop
        return self.width - left - right, self.height - top - bottom

    @property
    def is_turned(self) -> bool:
        """Whether the picture is shown with width and height changed over."""
        return abs(self.rotation % 180 - 90) < 1

    @property
    def is_turned_plainly(self) -> bool:
        """Whether it is upright or turned by quarters, without mirroring, shearing or stretching."""
        if self.display_matrix is None:
            return True
        a, b, c, d = self.display_matrix
        return {abs(a), abs(b), abs(c), abs(d)} == {0, _ONE} and a * d - b * c == _ONE**2


@dataclass(frozen=True)
class Chapter:
    """A part of a film with a name, on the file's own clock."""

    start_s: float
    end_s: float
    title: str = ""


@dataclass(frozen=True)
class MediaInfo:
    """One file: its container, its streams, and the truth about its duration as far as it is known."""

    container: str
    """ffprobe's names, comma-separated: `mov,mp4,m4a,3gp,3g2,mj2`."""
    size_bytes: int
    streams: tuple[StreamInfo, ...] = ()
    start_s: float = 0.0
    lead_s: float = 0.0
    """How much earlier than `start_s` another programme starts, from which ffmpeg counts."""
    claimed_duration_s: float | None = None
    """What the container says."""
    programmes: tuple[frozenset[int], ...] = ()
    """The numbers of the streams of each programme of a broadcast."""
    tags: Mapping[str, str] = field(default_factory=dict)
    chapters: tuple[Chapter, ...] = ()
    complaints: str = ""
    """What ffprobe wrote to stderr."""

    @property
    def clock_may_jump(self) -> bool:
        """Whether times may jump on the way, as in broadcasts; what such a container claims to last means nothing."""
        return self.is_in("mpegts", "mpeg", "ogg")

    def of_kind(self, kind: Kind) -> tuple[StreamInfo, ...]:
        """Return the streams of a kind, in the file's order."""
        return tuple(stream for stream in self.streams if stream.kind == kind)

    def is_in(self, *names: str) -> bool:
        """Say whether the container goes by one of these ffprobe names."""
        return not set(names).isdisjoint(self.container.split(","))


def parse(answer: str, *, size_bytes: int, complaints: str = "") -> MediaInfo:
    """Turn ffprobe's JSON (`-show_format -show_streams -show_chapters`) into a MediaInfo. Never raises.

    `complaints` is ffprobe's stderr: only there does it say which streams it has no decoder for.
    """
    return parse_listing(answer, size_bytes=size_bytes, complaints=complaints)[0]


def parse_listing(answer: str, *, size_bytes: int, complaints: str = "") -> tuple[MediaInfo, list[Mapping[str, Any]]]:
    """Do what `parse` does, and return the rows beside it that packets and frames have in ffprobe's JSON."""
    whole = _object(answer)
    rows = _list(whole.get("packets_and_frames")) or _list(whole.get("packets"))
    return _media_info(whole, size_bytes, complaints), [_mapping(row) for row in rows]


def _media_info(whole: Mapping[str, Any], size_bytes: int, complaints: str) -> MediaInfo:
    container = _mapping(whole.get("format"))
    without_decoder = {int(index) for index in _UNSUPPORTED.findall(complaints)}
    streams = [_stream(_mapping(raw)) for raw in _list(whole.get("streams"))]
    return MediaInfo(
        container=_text(container.get("format_name")),
        size_bytes=size_bytes,
        streams=tuple(replace(s, is_decodable=s.is_decodable and s.index not in without_decoder) for s in streams),
        start_s=_number(container.get("start_time")) or 0.0,
        claimed_duration_s=_positive(container.get("duration")),
        programmes=tuple(_members(_mapping(raw)) for raw in _list(whole.get("programs"))),
        tags=_tags(container),
        chapters=tuple(_chapter(_mapping(raw)) for raw in _list(whole.get("chapters"))),
        complaints=complaints,
    )


def _members(programme: Mapping[str, Any]) -> frozenset[int]:
    return frozenset(_whole(_mapping(raw).get("index")) for raw in _list(programme.get("streams")))


def _chapter(raw: Mapping[str, Any]) -> Chapter:
    start_s = _number(raw.get("start_time")) or 0.0
    return Chapter(start_s, max(start_s, _number(raw.get("end_time")) or 0.0), _tag(_tags(raw), "title").strip())


def _stream(raw: Mapping[str, Any]) -> StreamInfo:
    flags = _mapping(raw.get("disposition"))
    tags = _tags(raw)
    side_data = [_mapping(entry) for entry in _list(raw.get("side_data_list"))]
    kind = _text(raw.get("codec_type"))
    codec = _text(raw.get("codec_name"))
    tag = _text(raw.get("codec_tag_string"))
    stream = StreamInfo(
        index=_whole(raw.get("index")),
        kind=kind if kind in _KINDS else "data",
        codec="" if codec == "unknown" else codec,
        codec_tag="" if tag.startswith("[") else tag,
        profile=_text(raw.get("profile")),
        level=max(0, _whole(raw.get("level"))),
        bits_per_s=_positive(raw.get("bit_rate")) or _positive(_tag(tags, "bps")),
        start_s=_number(raw.get("start_time")),
        duration_s=_positive(raw.get("duration")),
        language=_tag(tags, "language").replace("und", ""),
        title=_tag(tags, "title"),
        handler=_tag(tags, "handler_name"),
        parameters=_text(raw.get("extradata_hash")),
        track_id=_hexadecimal(raw.get("id")),
        frames=_whole(raw["nb_frames"]) if "nb_frames" in raw else None,
        is_default=bool(flags.get("default")),
        is_forced=bool(flags.get("forced")),
        dispositions=frozenset(name for name, is_set in flags.items() if is_set and name.isidentifier()),
        is_cover=bool(flags.get("attached_pic")),
        is_decodable=codec not in ("", "unknown", "none"),
        is_encrypted=tag in _ENCRYPTED_TAGS or "enc_key_id" in tags,
        side_data=frozenset(_text(entry.get("side_data_type")) for entry in side_data),
    )
    return _with_sound(_with_picture(stream, raw, side_data), raw)


def _with_picture(stream: StreamInfo, raw: Mapping[str, Any], side_data: list[Mapping[str, Any]]) -> StreamInfo:
    if stream.kind != "video":
        return stream
    return replace(
        stream,
        width=max(0, _whole(raw.get("width"))),
        height=max(0, _whole(raw.get("height"))),
        pixel_format=_known(raw.get("pix_fmt")),
        pixel_shape=sane_pixel_shape(raw.get("sample_aspect_ratio")),
        rotation=_rotation(side_data),
        has_absurd_shape=_ratio(raw.get("sample_aspect_ratio")) != sane_pixel_shape(raw.get("sample_aspect_ratio")),
        display_matrix=_display_matrix(side_data),
        field_order=_known(raw.get("field_order")),
        has_b_frames=max(0, _whole(raw.get("has_b_frames"))),
        color_range=_known(raw.get("color_range")),
        color_space=_known(raw.get("color_space")),
        color_transfer=_known(raw.get("color_transfer")),
        color_primaries=_known(raw.get("color_primaries")),
        peak_nits=_peak_nits(side_data),
        dolby_vision=_dolby_vision(side_data),
        has_alpha=_known(raw.get("pix_fmt")).startswith(_ALPHA_FORMATS),
        claims_alpha=_tag(_tags(raw), "alpha_mode") == "1",
        crop=_crop(raw, side_data),
        is_cropped_by_ffmpeg=any(_crop(raw, side_data)),
        average_rate=_ratio(raw.get("avg_frame_rate")),
        base_rate=_ratio(raw.get("r_frame_rate")),
        time_base=_ratio(raw.get("time_base")),
    )


def _with_sound(stream: StreamInfo, raw: Mapping[str, Any]) -> StreamInfo:
    if stream.kind != "audio":
        return stream
    return replace(
        stream,
        channels=max(0, _whole(raw.get("channels"))),
        channel_layout=_known(raw.get("channel_layout")),
        sample_rate=max(0, _whole(raw.get("sample_rate"))),
    )


def _object(answer: str) -> Mapping[str, Any]:
    try:
        return _mapping(json.loads(answer))
    except json.JSONDecodeError:
        return {}  # ffprobe's answer is just "{" on some failures: it knows nothing


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _known(value: Any) -> str:
    text = _text(value)
    return "" if text in ("unknown", "unspecified", "reserved") else text


def _whole(value: Any) -> int:
    number = _number(value)
    return int(number) if number is not None else 0


def _hexadecimal(value: Any) -> int:
    digits = _text(value).removeprefix("0x")
    return int(digits, 16) if re.fullmatch("[0-9a-f]{1,8}", digits) else 0


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _positive(value: Any) -> float | None:
    number = _number(value)
    return number if number is not None and number > 0 else None


def _ratio(value: Any) -> Fraction | None:
    numerator, _, denominator = _text(value).replace(":", "/").partition("/")
    if not numerator.isdigit() or not denominator.isdigit() or int(denominator) == 0 or int(numerator) == 0:
        return None
    return Fraction(int(numerator), int(denominator))


def sane_pixel_shape(value: Any) -> Fraction | None:
    """Return the shape of pixels that ffprobe tells; None when it is unknown or absurd."""
    shape = _ratio(value)
    least, most = _SANE_PIXEL_SHAPE
    return shape if shape is not None and least <= shape <= most else None


def _rotation(side_data: list[Mapping[str, Any]]) -> float:
    for entry in side_data:
        degrees = _number(entry.get("rotation"))
        if degrees is not None:
            return degrees if abs(degrees) <= 360 else 0.0  # "not a number" is printed as -9223372036854775808
    return 0.0


def _display_matrix(side_data: list[Mapping[str, Any]]) -> Matrix | None:
    for entry in side_data:
        rows = _MATRIX_ROW.findall(_text(entry.get("displaymatrix")))
        if len(rows) >= 2:
            (a, b), (c, d) = rows[:2]
            return int(a), int(b), int(c), int(d)
    return None


def _crop(raw: Mapping[str, Any], side_data: list[Mapping[str, Any]]) -> Crop:
    for entry in side_data:
        if "crop_left" in entry:
            left, right = _whole(entry.get("crop_left")), _whole(entry.get("crop_right"))
            top, bottom = _whole(entry.get("crop_top")), _whole(entry.get("crop_bottom"))
            return believed_crop((left, right, top, bottom), _whole(raw.get("width")), _whole(raw.get("height")))
    return NO_CROP


def believed_crop(crop: Crop, width: int, height: int) -> Crop:
    """Return a crop that leaves something of the picture; none instead of another."""
    left, right, top, bottom = crop
    leaves_something = (
        min(crop) >= 0 and width - left - right >= _LEAST_SIDE_PX and height - top - bottom >= _LEAST_SIDE_PX
    )
    return crop if leaves_something else NO_CROP


def _peak_nits(side_data: list[Mapping[str, Any]]) -> float | None:
    levels = [_positive(entry.get("max_content")) for entry in side_data]
    screens = [_ratio(entry.get("max_luminance")) for entry in side_data]
    known = [float(nits) for nits in (*levels, *screens) if nits is not None]
    return known[0] if known else None


def _dolby_vision(side_data: list[Mapping[str, Any]]) -> DolbyVision | None:
    for entry in side_data:
        if "dv_profile" in entry:
            return DolbyVision(_whole(entry["dv_profile"]), _whole(entry.get("dv_bl_signal_compatibility_id")))
    return None


def _tags(raw: Mapping[str, Any]) -> dict[str, str]:
    return {name: value for name, value in _mapping(raw.get("tags")).items() if isinstance(value, str)}


def _tag(tags: Mapping[str, str], name: str) -> str:
    """Return a tag whatever the case of its name."""
    return next((value for key, value in tags.items() if key.lower() == name), "")
