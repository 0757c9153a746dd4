"""Which stream is the picture, how large it becomes, at which level, through which filters."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from typing import Any

import pytest

from media_facts import media, picture, sound
from video_to_mp4.jobs.model import Resolution
from video_to_mp4.media.colour import result_colour
from video_to_mp4.media.info import DolbyVision
from video_to_mp4.media.limits import lowest_level
from video_to_mp4.media.picture import (
    choose_picture,
    encoder_time_base,
    plan_picture,
    result_size,
)

ORIGINAL, UHD, FULL_HD, HD, SD = Resolution


@pytest.mark.parametrize(
    ("facts", "resolution", "size"),
    [
        ({"width": 1920, "height": 1080}, ORIGINAL, (1920, 1080)),
        ({"width": 1920, "height": 1080}, SD, (854, 480)),
        ({"width": 1080, "height": 1920}, SD, (480, 854)),
        ({"width": 1920, "height": 1080, "rotation": -90.0}, SD, (480, 854)),
        ({"width": 1920, "height": 1080, "rotation": 180.0}, SD, (854, 480)),
        ({"width": 1920, "height": 800}, HD, (1280, 534)),
        ({"width": 2560, "height": 1080}, HD, (1280, 540)),
        ({"width": 1440, "height": 1080}, HD, (960, 720)),
        ({"width": 320, "height": 240}, FULL_HD, (320, 240)),
        ({"width": 320, "height": 240}, UHD, (320, 240)),
        ({"width": 642, "height": 482}, ORIGINAL, (642, 482)),
        ({"width": 642, "height": 482}, SD, (640, 480)),
        ({"width": 641, "height": 481}, ORIGINAL, (640, 480)),
        ({"width": 1, "height": 1}, ORIGINAL, (2, 2)),
        ({"width": 720, "height": 576, "pixel_shape": Fraction(64, 45)}, ORIGINAL, (1024, 576)),
        ({"width": 720, "height": 576, "pixel_shape": Fraction(16, 15)}, ORIGINAL, (768, 576)),
        ({"width": 720, "height": 480, "pixel_shape": Fraction(8, 9)}, ORIGINAL, (640, 480)),
        ({"width": 1440, "height": 1080, "pixel_shape": Fraction(4, 3)}, SD, (854, 480)),
        ({"width": 720, "height": 576, "pixel_shape": Fraction(64, 45), "rotation": 90.0}, ORIGINAL, (576, 1024)),
        ({"width": 720, "height": 576, "pixel_shape": None}, ORIGINAL, (720, 576)),
        ({"width": 3840, "height": 2160}, UHD, (3840, 2160)),
        ({"width": 7680, "height": 4320}, UHD, (3840, 2160)),
        ({"width": 7680, "height": 4320}, ORIGINAL, (7680, 4320)),
    ],
)
def test_the_result_fits_the_box_is_even_and_never_larger_than_the_source(
    facts: dict[str, Any], resolution: Resolution, size: tuple[int, int]
) -> None:
    """H on the short side, 16/9·H on the long one, turned for portrait; by what is seen, not by what is stored."""
    assert result_size(picture(**facts), resolution) == size


def test_no_size_is_odd_or_larger_than_the_source() -> None:
    """H.264 in 4:2:0 has no odd sizes, and no resolution blows a picture up."""
    for width, height, resolution in product(range(2, 4000, 97), (2, 240, 481, 1079, 2160), Resolution):
        across, down = result_size(picture(width=width, height=height), resolution)
        assert across % 2 == down % 2 == 0
        assert 2 <= across <= max(2, width)
        assert 2 <= down <= max(2, height)


def test_a_picture_beyond_the_largest_level_is_made_smaller() -> None:
    """Memory and the standard have an end: 139,264 macroblocks in a picture, 16,888 pixels in a line."""
    across, down = result_size(picture(width=8192, height=8192), ORIGINAL)
    assert across == down
    assert across * down <= 139_264 * 256
    assert result_size(picture(width=60_000, height=64), ORIGINAL)[0] <= 16_888


@pytest.mark.parametrize(
    ("width", "height", "rate", "level"),
    [
        (320, 240, 25, "3.1"),
        (1280, 720, 30, "3.1"),
        (1280, 720, 60, "3.2"),
        (1920, 1080, 25, "4.0"),
        (1920, 1080, 30, "4.0"),
        (1920, 1080, 60, "4.2"),
        (1920, 1080, 120, "5.1"),
        (2560, 1440, 30, "5.0"),
        (3840, 2160, 30, "5.1"),
        (3840, 2160, 60, "5.2"),
        (7680, 4320, 30, "6.0"),
        (7680, 4320, 120, "6.2"),
        (4096, 64, 25, "4.0"),
        (5120, 64, 25, "5.0"),
    ],
)
def test_the_level_is_the_lowest_that_fits_and_at_least_3_1(width: int, height: int, rate: int, level: str) -> None:
    """The level comes from size and rate: x264's own choice costs 30 % more work at veryslow."""
    assert lowest_level(width, height, Fraction(rate)) == level


@pytest.mark.parametrize(
    ("width", "height", "first_height", "matrix"),
    [
        (1920, 1080, 0, "bt709"),
        (1280, 720, 0, "bt709"),
        (640, 720, 0, "bt709"),
        (608, 1080, 0, "bt709"),
        (480, 864, 0, "bt709"),
        (1280, 534, 0, "smpte170m"),
        (1280, 718, 0, "smpte170m"),
        (1024, 576, 0, "bt470bg"),
        (640, 480, 0, "smpte170m"),
        (1280, 720, 180, "smpte170m"),
        (320, 180, 720, "bt709"),
    ],
)
def test_what_nobody_says_of_colours_is_what_browsers_take_for_granted(
    width: int, height: int, first_height: int, matrix: str
) -> None:
    """HD has 720 lines: a result, which has tags, looks like its source without, and a copy like what is encoded."""
    assert result_colour(picture(width=width, height=height, first_height=first_height)).matrix == matrix


SDR_END = "setsar=1,setparams=range=tv:color_primaries={0}:color_trc={1}:colorspace={2}"
BT709_END = SDR_END.format("bt709", "bt709", "bt709")
TONE_MAPPED = (
    "zscale=tin={tin}:min=bt2020nc:pin=bt2020:rin={rin}:t=linear:npl=203,format=gbrpf32le,zscale=p=709,"
    "tonemap=mobius:param=0.3:desat=0:peak={peak},zscale=t=709:r=full,format=gbrp12,zscale=m=709:r=limited,format=yuv420p,"
    + BT709_END
)
HDR = {"color_transfer": "smpte2084", "color_space": "bt2020nc", "color_primaries": "bt2020"}


@pytest.mark.parametrize(
    ("facts", "filters"),
    [
        ({}, f"scale=1920:1080:out_range=tv,format=yuv420p,{BT709_END}"),
        (
            {"width": 720, "height": 480},
            "scale=720:480:out_range=tv,format=yuv420p," + SDR_END.format("smpte170m", "smpte170m", "smpte170m"),
        ),
        (
            {"width": 720, "height": 576},
            "scale=720:576:out_range=tv,format=yuv420p," + SDR_END.format("bt470bg", "smpte170m", "bt470bg"),
        ),
        (
            {"width": 720, "height": 480, "color_space": "bt709"},
            f"scale=720:480:out_range=tv,format=yuv420p,{BT709_END}",
        ),
        (
            {"color_space": "smpte170m", "color_transfer": "bt709"},
            "scale=1920:1080:out_range=tv,format=yuv420p," + SDR_END.format("smpte170m", "bt709", "smpte170m"),
        ),
        (
            {"field_order": "tt"},
            f"bwdif=mode=send_frame:deint=interlaced,scale=1920:1080:out_range=tv,format=yuv420p,{BT709_END}",
        ),
        (
            {"field_order": "", "codec": "mpeg2video"},
            f"bwdif=mode=send_frame:deint=interlaced,scale=1920:1080:out_range=tv,format=yuv420p,{BT709_END}",
        ),
        ({"field_order": "", "codec": "vp9"}, f"scale=1920:1080:out_range=tv,format=yuv420p,{BT709_END}"),
        ({"pixel_format": "yuv444p10le"}, f"scale=1920:1080:out_range=tv,format=yuv420p,{BT709_END}"),
        ({"pixel_format": "bgra"}, f"scale=1920:1080:out_range=tv:out_color_matrix=bt709,format=yuv420p,{BT709_END}"),
        (
            {"pixel_format": "pal8"},
            f"format=rgb24,scale=1920:1080:out_range=tv:out_color_matrix=bt709,format=yuv420p,{BT709_END}",
        ),
        (
            {"average_rate": Fraction(1000), "base_rate": Fraction(1000)},
            f"fps=60:eof_action=pass,scale=1920:1080:out_range=tv,format=yuv420p,{BT709_END}",
        ),
        (HDR, "scale=1920:1080," + TONE_MAPPED.format(tin="smpte2084", rin="limited", peak="4.926")),
        *(
            (
                {**HDR, "peak_nits": claimed_nits},
                "scale=1920:1080," + TONE_MAPPED.format(tin="smpte2084", rin="limited", peak=f"{nits / 203:.3f}"),
            )
            for claimed_nits, nits in ((4000.0, 4000), (100.0, 600), (1e6, 10_000))
        ),
        (
            {**HDR, "color_transfer": "arib-std-b67", "color_range": "pc"},
            "scale=1920:1080," + TONE_MAPPED.format(tin="arib-std-b67", rin="full", peak="4.926"),
        ),
        (
            {"dolby_vision": DolbyVision(8, 4), "color_space": "bt2020nc"},
            "scale=1920:1080," + TONE_MAPPED.format(tin="arib-std-b67", rin="limited", peak="4.926"),
        ),
        (
            {"dolby_vision": DolbyVision(7, 6)},
            "scale=1920:1080," + TONE_MAPPED.format(tin="smpte2084", rin="limited", peak="4.926"),
        ),
    ],
)
def test_the_filters_make_of_any_picture_8_bit_4_2_0_in_limited_range_with_square_pixels(
    facts: dict[str, Any], filters: str
) -> None:
    """One row for each rule on pixel format, range, colour tags, tone mapping, interlacing and bogus rates."""
    tags, _, others = plan_picture(picture(**facts), ORIGINAL).filters.partition(",")
    assert tags.startswith("setparams=")
    assert others == filters


@pytest.mark.parametrize(
    ("facts", "tags"),
    [
        ({}, "color_primaries=unknown:color_trc=unknown:colorspace=unknown"),
        (HDR, "color_primaries=bt2020:color_trc=smpte2084:colorspace=bt2020nc"),
        ({**HDR, "color_space": "ictcp"}, "color_primaries=bt2020:color_trc=smpte2084:colorspace=unknown"),
        ({"color_transfer": "log316"}, "color_primaries=unknown:color_trc=unknown:colorspace=unknown"),
        (
            {"color_primaries": "film", "color_transfer": "vlog"},
            "color_primaries=film:color_trc=unknown:colorspace=unknown",
        ),
        ({"pixel_format": "gbrp", "color_space": "gbr"}, "color_primaries=unknown:color_trc=unknown"),
    ],
)
def test_what_a_scaler_would_refuse_is_unknown_to_it(facts: dict[str, Any], tags: str) -> None:
    """All frames have the stream's tags, whatever they say themselves, from the first filter on."""
    assert plan_picture(picture(**facts), ORIGINAL).filters.startswith(f"setparams={tags},")


@pytest.mark.parametrize(
    ("facts", "tags"),
    [
        ({"color_space": "fcc", "color_primaries": "bt470m", "color_transfer": "bt470m"}, ("bt709", "bt470m", "bt709")),
        ({"color_space": "fcc"}, ("smpte170m", "smpte170m", "smpte170m")),
        ({"color_space": "gbr"}, ("bt709", "bt709", "bt709")),
        ({"color_transfer": "bt1361e"}, ("bt709", "bt709", "bt709")),
        ({"color_transfer": "vlog"}, ("bt709", "bt709", "bt709")),
        ({"color_primaries": "smpte432", "color_transfer": "iec61966-2-1"}, ("bt709", "iec61966-2-1", "bt709")),
        ({"color_primaries": "bt470bg", "color_space": "ycgco"}, ("bt470bg", "bt709", "bt709")),
    ],
)
def test_a_result_has_only_tags_that_players_go_by(facts: dict[str, Any], tags: tuple[str, str, str]) -> None:
    """What is rare is converted or called by its usual name."""
    colour = plan_picture(picture(**facts), ORIGINAL).colour
    assert (colour.primaries, colour.transfer, colour.matrix) == tags


def test_the_last_frame_of_a_slide_show_keeps_its_time() -> None:
    """The muxer would guess one frame's time by the rate; it is told when that is wrong by more than 20 ms."""
    assert plan_picture(picture(last_s=55.0, end_s=60.0), ORIGINAL).last_frame_s == 5.0
    assert plan_picture(picture(last_s=59.96, end_s=60.0), ORIGINAL).last_frame_s is None
    assert plan_picture(picture(last_s=None, end_s=None), ORIGINAL).last_frame_s is None


def test_the_picture_is_the_decodable_stream_that_is_default_and_large_and_no_cover() -> None:
    """Covers, unknown codecs, streams without size are never the picture; a start time counts most, then default."""
    cover = picture(index=0, is_cover=True, width=4000, height=4000)
    unknown = picture(index=1, is_decodable=False, is_default=True)
    sizeless = picture(index=2, width=0, is_default=True)
    timeless = picture(index=3, start_s=None, is_default=True)
    small = picture(index=4, width=320, height=240)
    large = picture(index=5)
    default = picture(index=6, width=640, height=480, is_default=True)
    encrypted = picture(index=8, is_encrypted=True, is_default=True)

    def chosen(*streams: Any) -> int | None:
        stream = choose_picture(media(*streams))
        return None if stream is None else stream.index

    assert chosen(cover, unknown, sizeless, timeless, small, large, default, encrypted) == 6
    assert chosen(cover, unknown, sizeless, timeless, small, large) == 5
    assert chosen(cover, unknown, sizeless, timeless) == 3
    assert chosen(cover, unknown, sizeless, encrypted, sound(index=7)) is None


@pytest.mark.parametrize(
    ("of_container", "of_encoder"),
    [
        (Fraction(1, 12_800), Fraction(1, 12_800)),
        (Fraction(1, 240_000), Fraction(1, 240_000)),
        (Fraction(1001, 24_000), Fraction(1001, 24_000)),
        (Fraction(1), Fraction(1)),
        (None, Fraction(1, 90_000)),
        (Fraction(1, 1_000_000_000), Fraction(1, 90_000)),
        (Fraction(1, 1_000_000), Fraction(1, 90_000)),
        (Fraction(41_708_333, 1_000_000_000), Fraction(41_375, 992_008)),
    ],
)
def test_the_encoder_counts_in_the_ticks_of_the_container(of_container: Fraction | None, of_encoder: Fraction) -> None:
    """So no frame's time is moved, and none is lost; but a tick fits into MP4's 31 bits, many times over."""
    assert encoder_time_base(picture(time_base=of_container)) == of_encoder


def test_a_rate_that_is_forced_has_ticks_of_its_own() -> None:
    """A thousandth of a second, Matroska's tick, would make 23.976 frames a second jump."""
    assert plan_picture(picture(average_rate=Fraction(1000), base_rate=None), ORIGINAL).time_base == Fraction(1, 60)
