"""What becomes of the picture: which stream it is, how large, at which level, through which filters."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

from video_to_mp4.jobs.encoding import Encoding
from video_to_mp4.jobs.model import Quality, Resolution
from video_to_mp4.media.clock import Clock, Times, browser_delay_filters, frame_clock
from video_to_mp4.media.colour import (
    Colour,
    colour_filters,
    is_full,
    is_hdr,
    is_rgb,
    is_wide,
    reads_each_matrix,
    result_colour,
    tag_filter,
)
from video_to_mp4.media.info import Crop, MediaInfo, StreamInfo
from video_to_mp4.media.limits import (
    LARGEST_PICTURE_PX,
    LONGEST_SIDE_PX,
    BitLimit,
    lowest_level,
    needed_bits_per_s,
    within_level,
    worth,
)
from video_to_mp4.media.options import short_side_px

_FINEST_TICK_S = Fraction(1, 1_000_000)
_USUAL_TICK_S = Fraction(1, 90_000)
_PALETTES = frozenset({"pal8", "rgb8", "bgr8", "rgb4_byte", "bgr4_byte"})
"""Formats whose colours swscale turns into BT.601 whatever it is told."""

_FEW_BITS = frozenset(
    {"rgb555le", "rgb555be", "bgr555le", "bgr555be", "rgb565le", "rgb565be", "bgr565le", "bgr565be", "monow", "monob"}
)
"""Formats whose white swscale makes darker on its way to YUV (229 of 235) or brighter (255), but not on that to RGB."""

SHOWN_ON_WHITE = frozenset({"gif", "apng", "webp"})
"""Animated pictures: what is transparent in them is meant for a page, and pages are white as a rule."""

_ON_WHITE = (
    "format=rgba,split[picture][page];[page]lutrgb=r=255:g=255:b=255:a=255[white];[white][picture]overlay=format=auto"
)
_NOTICED_S = 0.02
_MISSED_S = 0.005
_PROGRESSIVE = "progressive"
_CAN_BE_INTERLACED = frozenset(
    {
        "h264", "hevc", "mpeg2video", "mpeg4", "vc1", "wmv3", "dvvideo", "prores", "dnxhd", "mjpeg", "ffv1", "huffyuv",
        "ffvhuff", "utvideo", "rawvideo", "v210", "cavs", "magicyuv",
    }
)  # fmt: skip
_ALWAYS_OPEN = frozenset({"mpeg2video", "mpeg4", "vc1", "wmv3", "cavs"})
"""Codecs each of whose frames says whether it is interlaced, and whose first frames say nothing of the others."""


@dataclass(frozen=True)
class Picture:
    """The picture of the result, and how to get it from the source's stream."""

    stream: StreamInfo
    width: int
    height: int
    level: str
    filters: str
    colour: Colour
    limit: BitLimit
    time_base: Fraction
    """How long a tick of the encoder's clock is, in seconds: frames that share one are lost but for one."""
    rate: Fraction
    """Frames per second."""
    times: Times = Times.KEPT
    lengthened_s: float = 0.0
    """How much longer it lasts than by the source's own times."""
    last_frame_s: float | None = None
    """How long the last frame is shown, where the muxer would not guess it: pictures of a slide show, say.

    The time base is then one that a muxer can count in, too: it has a whole number of ticks in a second.
    """


def choose_picture(info: MediaInfo) -> StreamInfo | None:
    """Return the stream that is the video: no cover, decodable; with a start time, default, large, in this order."""
    candidates = [
        stream
        for stream in info.of_kind("video")
        if not stream.is_cover and stream.is_decodable and not stream.is_encrypted and stream.width and stream.height
    ]
    return max(candidates, key=_attraction, default=None)


def _attraction(stream: StreamInfo) -> tuple[bool, bool, int, int]:
    return stream.start_s is not None, stream.is_default, stream.width * stream.height, -stream.index


def plan_picture(
    stream: StreamInfo,
    resolution: Resolution,
    encoding: Encoding | None = None,
    *,
    quality: Quality = Quality.AUTO,
    info: MediaInfo | None = None,
) -> Picture:
    """Say how the picture is encoded. Without the file that it is from, its bits set no limit."""
    asked = encoding or Encoding()
    extra = asked.extra
    scale = asked.video.scale if asked.video else None
    width, height = result_size(stream, resolution) if scale is None else exact_size(stream, scale)
    clock = Clock(asked.rate, Times.STEADY) if asked.rate is not None else frame_clock(stream)
    last_frame_s = _last_frame_s(stream, clock, is_cut=extra.is_cut)
    limit = None
    if info is not None and not asked.shapes_bits:
        limit = worth(stream, info, quality, width=width, height=height)
    needed = asked.bits_per_s or needed_bits_per_s(quality, width, height, clock.rate, limit)
    level = lowest_level(width, height, clock.rate, needed)
    return Picture(
        stream=stream,
        width=width,
        height=height,
        level=level,
        limit=within_level(level, limit),
        filters=",".join(
            [*browser_delay_filters(stream, extra.start_s, extra.end_s), filter_chain(stream, width, height, clock)]
        ),
        colour=result_colour(stream),
        time_base=_tick_s(stream, clock, last_frame_s),
        rate=clock.rate,
        times=clock.times,
        lengthened_s=clock.lengthened_s(stream) + (stream.missing_s if _has_missing(stream) else 0.0),
        last_frame_s=last_frame_s,
    )


def _last_frame_s(stream: StreamInfo, clock: Clock, *, is_cut: bool) -> float | None:
    """Return how long the last frame is shown, where that has to be said.

    The filter that changes times leaves frames without a duration, in ffmpeg 7.0.
    """
    if clock.times is Times.STEADY:
        return None
    shown_s = None if is_cut or clock.times is Times.SPREAD else _last_shown_s(stream)
    if clock.times is not Times.KEPT or stream.has_browser_delays or _has_missing(stream):
        return shown_s or float(1 / clock.rate)
    guessed_s = float(1 / stream.base_rate) if stream.base_rate else 0.0
    return shown_s if shown_s is not None and abs(shown_s - guessed_s) > _NOTICED_S else None


def _last_shown_s(stream: StreamInfo) -> float | None:
    if stream.last_s is None or stream.end_s is None or stream.end_s <= stream.last_s:
        return None
    return stream.end_s - stream.last_s


def _tick_s(stream: StreamInfo, clock: Clock, last_frame_s: float | None) -> Fraction:
    if clock.times is Times.STEADY:
        return 1 / clock.rate
    return encoder_time_base(stream) if last_frame_s is None else _USUAL_TICK_S


def encoder_time_base(stream: StreamInfo) -> Fraction:
    """Return the tick of the encoder's clock: the container's own, so that no frame's time is moved.

    MP4 counts the ticks between two frames in 31 bits, so one that has a million in a second or more, with which half
    an hour is too long, is replaced by MPEG's own 90,000.
    """
    tick_s = stream.time_base or _USUAL_TICK_S
    if tick_s <= _FINEST_TICK_S:
        return _USUAL_TICK_S
    return tick_s.limit_denominator(_FINEST_TICK_S.denominator)


def display_size(stream: StreamInfo) -> tuple[Fraction, Fraction]:
    """Return width and height as the picture is meant to be seen: with square pixels and turned upright."""
    shown_width, shown_height = stream.shown_size
    width, height = Fraction(shown_width) * (stream.pixel_shape or 1), Fraction(shown_height)
    return (height, width) if stream.is_turned else (width, height)


def result_size(stream: StreamInfo, resolution: Resolution) -> tuple[int, int]:
    """Fit the picture into the resolution's box: H on the short side, 16/9·H on the long one; even, and never up."""
    width, height = display_size(stream)
    factor = min(Fraction(1), _largest_factor(width, height))
    short_px = short_side_px(resolution)
    if short_px is not None:
        factor = min(factor, short_px / min(width, height), Fraction(16, 9) * short_px / max(width, height))
    return _even(width * factor), _even(height * factor)


def exact_size(stream: StreamInfo, scale: str) -> tuple[int, int]:
    """Return the size that was asked for by «width:height»; what is negative there follows from the other side."""
    width, height = (int(side) for side in scale.split(":"))
    shape = Fraction(*display_size(stream))
    if width < 0:
        return _even(height * shape), height
    return width, height if height > 0 else _even(width / shape)


def _largest_factor(width: Fraction, height: Fraction) -> Fraction:
    """Return what brings the picture within H.264's largest level, in area and in length."""
    by_length = Fraction(LONGEST_SIDE_PX) / max(width, height)
    by_area = Fraction(math.isqrt(int(LARGEST_PICTURE_PX * 4096 / (width * height))), 64)
    return min(by_length, by_area)


def _even(length: Fraction) -> int:
    """Round to the nearest even number, an odd one down: nothing is made larger than it was."""
    return max(2, 2 * math.ceil(length / 2 - Fraction(1, 2)))


def filter_chain(stream: StreamInfo, width: int, height: int, clock: Clock) -> str:
    """Return the filters from the decoded picture, which ffmpeg has turned upright already, to the encoder."""
    colour = result_colour(stream)
    is_shown_on_white = stream.codec in SHOWN_ON_WHITE and (stream.has_alpha or stream.pixel_format in _PALETTES)
    filters = [tag_filter(stream), *lengthening_filters(stream), *clock.filters]
    filters += [_ON_WHITE] if is_shown_on_white else []
    # Before any filter that would have it turned into YUV by itself.
    filters += ["format=rgb24"] if stream.pixel_format in _PALETTES | _FEW_BITS else []
    filters += [*deinterlacing_filters(stream), *cropping_filters(stream)]
    filters.append(_scale(stream, width, height))
    filters += colour_filters(stream)
    filters.append("setsar=1")
    if stream.sizes:
        filters.append(f"pad={width}:{height}:(ow-iw)/2:(oh-ih)/2:eval=frame")
    filters.append(
        f"setparams=range=tv:color_primaries={colour.primaries}:color_trc={colour.transfer}:colorspace={colour.matrix}"
    )
    return ",".join(filters)


def lengthening_filters(stream: StreamInfo) -> list[str]:
    """Return what shows the first frame for as long as one is missing before it."""
    return [f"setpts='PTS+if(N,{stream.missing_s:.6f}/TB,0)'"] if _has_missing(stream) else []


def _has_missing(stream: StreamInfo) -> bool:
    return stream.missing_s > _MISSED_S


def deinterlacing_filters(stream: StreamInfo) -> list[str]:
    """Return what turns fields into pictures: where frames say that they have them, or where all of them do, unsaid."""
    if stream.scan in ("tff", "bff"):
        return [f"bwdif=mode=send_frame:parity={stream.scan}:deint=all"]
    return ["bwdif=mode=send_frame:deint=interlaced"] if may_be_interlaced(stream) else []


def may_be_interlaced(stream: StreamInfo) -> bool:
    """Say whether frames may be interlaced; the filter itself looks at each one, so a wrong yes costs nothing."""
    if stream.codec == "h264" and stream.may_have_fields:
        return True
    return stream.codec in _ALWAYS_OPEN or (stream.codec in _CAN_BE_INTERLACED and stream.field_order != _PROGRESSIVE)


def cropping_filters(stream: StreamInfo) -> list[str]:
    """Return what cuts off what the container says is not to be shown, unless ffmpeg's decoder does that itself."""
    if stream.is_cropped_by_ffmpeg or not any(stream.crop):
        return []
    left, _, top, _ = _turned(stream)
    width, height = stream.shown_size
    width, height = (height, width) if stream.is_turned else (width, height)
    return [f"crop={width}:{height}:{left}:{top}"]


def _turned(stream: StreamInfo) -> Crop:
    """Return the crop of the picture as ffmpeg has turned it: its edges follow each other around it."""
    left, right, top, bottom = stream.crop
    around = (left, top, right, bottom)
    quarters = round(stream.rotation / 90) % 4
    left, top, right, bottom = around[quarters:] + around[:quarters]
    return left, right, top, bottom


def _scale(stream: StreamInfo, width: int, height: int) -> str:
    scale = _fit(stream, width, height) if stream.sizes else f"scale={width}:{height}"
    if is_hdr(stream):
        return scale  # range and matrix are zscale's business then
    if is_wide(stream):
        as_it_is = "pc" if is_full(stream) else "tv"
        return scale if is_rgb(stream) else f"{scale}:in_range={as_it_is}:out_range={as_it_is}"
    if reads_each_matrix(stream):
        return f"{scale},format=gbrp12,scale=out_range=tv:out_color_matrix=bt709"
    if is_rgb(stream):
        return f"{scale}:out_range=tv:out_color_matrix=bt709"
    return f"{scale}:out_range=tv"


def _fit(stream: StreamInfo, width: int, height: int) -> str:
    """Write a scaler that fits each picture into the result, by its own size and shape; bars fill the rest."""
    across = f"iw*{_shapes(stream)}"
    factor = f"min({width}/({across}),{height}/ih)"
    return f"scale=w='max(2,2*round({across}*{factor}/2))':h='max(2,2*round(ih*{factor}/2))'"


def _shapes(stream: StreamInfo) -> str:
    """Write the shape of pixels, which ffmpeg 8 and 9 take from the beginning of the file, by the picture's size.

    Where the shape alone changes there is no telling by that, so that all pictures have the first one named here.
    """
    shapes = "1"
    for size in reversed(stream.sizes):
        across, down, shape = size.width, size.height, size.shape
        if stream.is_turned:
            across, down, shape = down, across, 1 / shape
        if any(size.shape != 1 for size in stream.sizes):
            shapes = f"if(eq(iw,{across})*eq(ih,{down}),{shape},{shapes})"
    return shapes
