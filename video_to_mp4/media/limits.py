"""How many bits the picture of a result may take: what its source can be worth, and what its level allows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

from video_to_mp4.jobs.model import Quality
from video_to_mp4.media.info import MediaInfo, StreamInfo

_BITS_OF_H264 = {
    # How many bits of H.264 keep what a bit of another codec holds. Measured at Auto over 12 real files of low rate
    # (4 of H.264, 3 of VP9, 2 of HEVC, 1 each of VP8, WMV2 and MPEG-4): results take 0.43 to 1.0 of the bits that they
    # take without a limit, and their SSIM to the source (mean of all planes) is lower by 0.0037 at most. Strong
    # noise that HEVC has smeared loses 0.014 to 0.019 at 2.0, and still 0.006 at 3.0. AV1 and the codecs of which none
    # is named here go by their likes.
    "h264": 1.5,
    "hevc": 2.0,
    "av1": 2.5,
    "vp9": 2.2,
    **dict.fromkeys(("vp8", "wmv1", "wmv2", "wmv3", "vc1", "theora", "vp6", "vp6f", "rv30", "rv40"), 1.7),
    **dict.fromkeys(("mpeg4", "msmpeg4v1", "msmpeg4v2", "msmpeg4v3", "h263", "h263p", "flv1", "svq3"), 1.5),
    **dict.fromkeys(("mpeg1video", "mpeg2video", "rv10", "rv20", "svq1", "cinepak"), 1.5),
}
"""Codecs that leave out nothing, and those of cameras and cutting rooms, are not in here: they are no limit."""

_GENEROSITY = {Quality.MAXIMUM: 2.0}
"""Who asks for the most gets more than can be of use by measurement, but not any amount."""

_SMALLER_EXPONENT = 0.75
"""Fewer pixels have more detail each: half of them take 0.6 of the bits."""

_PEAK_OF_LONG_FILE = 2.0
_BURST_OF_LONG_FILE_S = 10.0
"""For files of which not all packets were looked at: how much more than the mean their liveliest minutes take."""

_SHORTEST_BURST_S = 1.0

_LEVELS = (
    # level, macroblocks in a picture, macroblocks in a second, kbit/s, kbit of buffer: ITU-T H.264, table A-1
    ("3.1", 3_600, 108_000, 14_000, 14_000),
    ("3.2", 5_120, 216_000, 20_000, 20_000),
    ("4.0", 8_192, 245_760, 20_000, 25_000),
    ("4.1", 8_192, 245_760, 50_000, 62_500),
    ("4.2", 8_704, 522_240, 50_000, 62_500),
    ("5.0", 22_080, 589_824, 135_000, 135_000),
    ("5.1", 36_864, 983_040, 240_000, 240_000),
    ("5.2", 36_864, 2_073_600, 240_000, 240_000),
    ("6.0", 139_264, 4_177_920, 240_000, 240_000),
    ("6.1", 139_264, 8_355_840, 480_000, 480_000),
    ("6.2", 139_264, 16_711_680, 800_000, 800_000),
)
LARGEST_PICTURE_PX = _LEVELS[-1][1] * 256
LONGEST_SIDE_PX = math.isqrt(8 * _LEVELS[-1][1]) * 16
_HIGH_PROFILE_BITS = 1_250
"""What the profile High counts as a kbit: cpbBrVclFactor of table A-2."""

_NEEDED_BITS_PER_PX = {Quality.STANDARD: 0.3, Quality.MAXIMUM: 5.0}
_USUALLY_NEEDED_BITS_PER_PX = 0.6
"""Measured with noise of 10 in 255 over a test picture: 2.3 at CRF 18; noise alone takes 4.8 at CRF 15. Of 36 real
files half take 0.13 or less at 18, three more than 0.6. At Maximum room is made for noise, at the others for films:
their level plays on more players."""


@dataclass(frozen=True)
class BitLimit:
    """A leaky bucket: bits per second in the long run, and how many may come at once."""

    bits_per_s: int
    burst_bits: int


def worth(stream: StreamInfo, info: MediaInfo, quality: Quality, *, width: int, height: int) -> BitLimit | None:
    """Return what the source's own bits can be worth in H.264 of this size; None where they set no limit.

    The limit follows the source's liveliest ten seconds, so that none of its peaks is starved.
    """
    factor = _BITS_OF_H264.get(stream.codec)
    if factor is None or stream.pixel_format.startswith(("yuv444", "gbr")):
        return None
    pixels = stream.width * stream.height
    factor *= _GENEROSITY.get(quality, 1.0) * min(1.0, width * height / pixels) ** _SMALLER_EXPONENT
    if stream.pace is not None:
        return _by_packets(stream, factor)
    return _by_size(stream, info, factor)


def _by_packets(stream: StreamInfo, factor: float) -> BitLimit | None:
    assert stream.pace is not None, "the caller looked"
    peak = stream.pace.peak_bits_per_s
    if peak is None or stream.packets == 1:
        return None
    bits_per_s = factor * peak
    shortest_s = min(_SHORTEST_BURST_S, stream.pace.span_s / 2)
    return _limit(bits_per_s, max(factor * stream.pace.burst_bits, bits_per_s * shortest_s))


def _by_size(stream: StreamInfo, info: MediaInfo, factor: float) -> BitLimit | None:
    duration_s = info.claimed_duration_s
    if not duration_s:
        return None
    mean = 8 * info.size_bytes / duration_s
    bits_per_s = factor * _PEAK_OF_LONG_FILE * (min(mean, stream.bits_per_s) if stream.bits_per_s else mean)
    return _limit(bits_per_s, bits_per_s * _BURST_OF_LONG_FILE_S)


def _limit(bits_per_s: float, burst_bits: float) -> BitLimit:
    least = 2000  # x264 counts in thousands
    return BitLimit(max(least, math.ceil(bits_per_s)), max(least, math.ceil(burst_bits)))


def lowest_level(width: int, height: int, rate: Fraction, bits_per_s: float = 0.0) -> str:
    """Return the lowest H.264 level that fits, at least 3.1; the highest that there is, if none does.

    Left to itself x264 takes the level from its own reference frames: 5.0 at slow and 5.1 at veryslow for 1080p, at
    30 % more work for the same picture.
    """
    across, down = math.ceil(width / 16), math.ceil(height / 16)
    for level, in_picture, in_second, kbits, _ in _LEVELS:
        fits = across * down <= in_picture and max(across, down) <= math.isqrt(8 * in_picture)
        if fits and across * down * rate <= in_second and bits_per_s <= kbits * _HIGH_PROFILE_BITS:
            return level
    return _LEVELS[-1][0]


def needed_bits_per_s(quality: Quality, width: int, height: int, rate: Fraction, limit: BitLimit | None) -> float:
    """Return how many bits per second a level must have room for, so that nothing is cramped by it."""
    by_pixels = _NEEDED_BITS_PER_PX.get(quality, _USUALLY_NEEDED_BITS_PER_PX) * width * height * float(rate)
    highest = float(_LEVELS[6][3] * _HIGH_PROFILE_BITS)  # what levels 5.1 to 6.0 have: none of it is ever needed
    return min(by_pixels, highest, limit.bits_per_s if limit else math.inf)


def within_level(level: str, limit: BitLimit | None) -> BitLimit:
    """Return the limit that holds for a level of the profile High, and the other one where it is the lower."""
    [(kbits, buffer_kbits)] = [row[3:] for row in _LEVELS if row[0] == level]
    most = BitLimit(kbits * _HIGH_PROFILE_BITS, buffer_kbits * _HIGH_PROFILE_BITS)
    if limit is None:
        return most
    return BitLimit(min(limit.bits_per_s, most.bits_per_s), min(limit.burst_bits, most.burst_bits))
