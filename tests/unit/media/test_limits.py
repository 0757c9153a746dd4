"""How many bits a picture may take: what its source can be worth, and what its level allows."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from media_facts import media, picture
from video_to_mp4.jobs.encoding import Encoding
from video_to_mp4.jobs.model import Quality, Resolution
from video_to_mp4.media.info import MediaInfo, StreamInfo
from video_to_mp4.media.limits import BitLimit, lowest_level, needed_bits_per_s, within_level, worth
from video_to_mp4.media.pace import PaceMeter
from video_to_mp4.media.picture import plan_picture

AUTO, STANDARD, HIGH, MAXIMUM = Quality


def paced(*sizes_bytes: int, codec: str = "hevc") -> StreamInfo:
    """Return a picture of 25 frames per second whose packets have these sizes."""
    meter = PaceMeter()
    for number, size_bytes in enumerate(sizes_bytes):
        meter.add(number / 25, number / 25, size_bytes)
    return picture(codec=codec, packets=len(sizes_bytes), pace=meter.pace(0.04, 0.04))


def limit_of(
    stream: StreamInfo, quality: Quality = AUTO, *, height: int = 1080, info: MediaInfo | None = None
) -> float:
    found = worth(stream, info or media(stream), quality, width=height * 16 // 9, height=height)
    assert found is not None
    return found.bits_per_s


@pytest.mark.parametrize(("codec", "factor"), [("h264", 1.5), ("hevc", 2.0), ("av1", 2.5), ("vp9", 2.2), ("vp8", 1.7)])
def test_what_a_source_is_worth_goes_by_its_codec(codec: str, factor: float) -> None:
    """A bit of HEVC holds twice as much as one of H.264; a tenth more than is of use is allowed."""
    assert limit_of(paced(*[5000] * 250, codec=codec)) == pytest.approx(factor * 1_000_000, rel=0.01)


@pytest.mark.parametrize("codec", ["prores", "ffv1", "mjpeg", "png", "tscc", "dvvideo"])
def test_what_leaves_nothing_out_sets_no_limit(codec: str) -> None:
    """A screen recording without loss may be tiny and worth every bit."""
    stream = paced(*[5000] * 250, codec=codec)
    assert worth(stream, media(stream), AUTO, width=1920, height=1080) is None


def test_peaks_are_not_starved() -> None:
    """Ten lively seconds among calm ones may take what they took in the source."""
    sizes = [500] * 500 + [20_000] * 250 + [500] * 500
    assert limit_of(paced(*sizes)) == pytest.approx(2 * 4_000_000, rel=0.01)


def test_a_large_picture_at_the_beginning_has_room() -> None:
    """A title that comes at once and then stands still."""
    stream = paced(100_000, *[100] * 249)
    found = worth(stream, media(stream), AUTO, width=1920, height=1080)
    assert found is not None
    assert found.burst_bits >= 2 * 8 * 100_000


def test_a_smaller_picture_is_worth_less() -> None:
    """A quarter of the pixels holds a third of the bits: there is more detail in each."""
    stream = paced(*[5000] * 250)
    assert limit_of(stream, height=540) / limit_of(stream) == pytest.approx(0.25**0.75, rel=0.01)


def test_who_asks_for_the_maximum_gets_twice_of_what_is_of_use() -> None:
    """But not any amount."""
    stream = paced(*[5000] * 250)
    assert limit_of(stream, MAXIMUM) == 2 * limit_of(stream)
    assert limit_of(stream, STANDARD) == limit_of(stream, HIGH) == limit_of(stream)


def test_a_long_file_goes_by_its_size_or_what_it_says() -> None:
    """Only its ends are looked at: twice its mean leaves room for lively minutes."""
    stream = picture(codec="hevc", packets=None)
    info = media(stream, size_bytes=60_000_000, claimed_duration_s=60.0)
    assert limit_of(stream, info=info) == pytest.approx(2 * 2 * 8_000_000)
    assert limit_of(replace(stream, bits_per_s=6e6), info=info) == pytest.approx(2 * 2 * 6_000_000)


def test_a_lonely_picture_and_unknown_lengths_set_no_limit() -> None:
    """There is no rate without time."""
    assert worth(paced(5000), media(), AUTO, width=1920, height=1080) is None
    stream = picture(packets=None)
    assert worth(stream, media(stream, claimed_duration_s=None), AUTO, width=1920, height=1080) is None


@pytest.mark.parametrize(
    ("quality", "size", "rate", "limit", "level"),
    [
        (AUTO, (1920, 1080), 25, None, "4.1"),
        (AUTO, (1920, 1080), 25, 7_000_000, "4.0"),
        (MAXIMUM, (1920, 1080), 25, None, "5.1"),
        (MAXIMUM, (1920, 1080), 25, 40_000_000, "4.1"),
        (MAXIMUM, (1920, 1080), 25, 100_000_000, "5.0"),
        (STANDARD, (1280, 720), 25, None, "3.1"),
        (MAXIMUM, (3840, 2160), 30, None, "5.1"),
        (MAXIMUM, (3840, 2160), 60, None, "5.2"),
        (MAXIMUM, (160, 120), 25, None, "3.1"),
    ],
)
def test_a_level_has_room_for_the_bits(
    quality: Quality, size: tuple[int, int], rate: int, limit: int | None, level: str
) -> None:
    """1080p at Maximum is not cramped into the 25 Mbit/s of 4.0, unless its source is worth no more."""
    worth_it = BitLimit(limit, limit) if limit else None
    needed = needed_bits_per_s(quality, *size, Fraction(rate), worth_it)
    assert lowest_level(*size, Fraction(rate), needed) == level


def test_no_level_is_exceeded() -> None:
    """High allows 1.25 times of table A-1; a source that is worth less sets the lower limit."""
    assert within_level("4.1", None) == BitLimit(62_500_000, 78_125_000)
    assert within_level("4.0", BitLimit(90_000_000, 1000)) == BitLimit(25_000_000, 1000)


@pytest.mark.parametrize(
    "asked",
    [{"video": {"crf": 18}}, {"video": {"bitrate": "3M"}}, {"extra_args": ["-maxrate", "9M"]}],
)
def test_nothing_else_limits_what_was_asked_for(asked: dict[str, object]) -> None:
    """Who names a quality in the encoder's words means it."""
    stream = paced(*[100] * 250)
    encoding = Encoding.model_validate(asked)
    planned = plan_picture(stream, Resolution.ORIGINAL, encoding, info=media(stream))
    assert planned.limit.bits_per_s >= 14_000_000


def test_a_bit_rate_that_was_asked_for_gets_its_level() -> None:
    """50 Mbit/s in 720p are too many for 3.1."""
    encoding = Encoding.model_validate({"video": {"bitrate": "50M"}})
    assert plan_picture(picture(width=1280, height=720), Resolution.ORIGINAL, encoding).level == "4.1"
