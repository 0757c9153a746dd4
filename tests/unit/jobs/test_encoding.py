"""What of explicit options fits together."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from pydantic import ValidationError

from video_to_mp4.errors import InvalidArgument
from video_to_mp4.jobs.encoding import Encoding, check

ENCODERS = {"libx264", "libx265", "libsvtav1", "libvpx-vp9", "aac", "libopus"}


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"video": {"codec": "libx264", "crf": 23, "bitrate": "3M", "fps": 30, "scale": "1280:720"}},
        {"container": "webm"},
        {"container": "webm", "video": {"codec": "libsvtav1", "crf": 40}, "extra_args": ["-preset", "8"]},
        {"container": "mkv", "video": {"codec": "libvpx-vp9", "bitrate": "1M"}, "audio": {"codec": "libopus"}},
        {"container": "mov", "video": {"codec": "libx265"}, "audio": {"codec": "none"}},
        {"video": {"codec": "copy"}, "audio": {"codec": "copy"}},
        {"video": {"scale": "-2:480"}},
        {"extra_args": ["-an"]},
    ],
)
def test_what_fits_together_is_let_through(asked: dict[str, Any]) -> None:
    """No combination that makes sense is refused."""
    check(Encoding.model_validate(asked), encoders=ENCODERS)


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"container": "webm", "video": {"codec": "libx264"}}, "video.codec"),
        ({"container": "webm", "audio": {"codec": "aac"}}, "audio.codec"),
        ({"container": "mov", "video": {"codec": "libvpx-vp9"}}, "video.codec"),
        ({"container": "mov", "audio": {"codec": "libopus"}}, "audio.codec"),
        ({"video": {"codec": "copy", "crf": 20}}, "video.crf"),
        ({"video": {"codec": "copy", "scale": "640:360"}}, "video.scale"),
        ({"video": {"codec": "copy", "fps": 25}}, "video.fps"),
        ({"video": {"codec": "copy"}, "extra_args": ["-preset", "fast"]}, "extra_args"),
        ({"video": {"crf": 52}}, "video.crf"),
        ({"video": {"codec": "libsvtav1", "crf": 30, "bitrate": "1M"}}, "video.bitrate"),
        ({"video": {"scale": "1281:720"}}, "video.scale"),
        ({"video": {"scale": "9000:720"}}, "video.scale"),
        ({"video": {"scale": "0:720"}}, "video.scale"),
        ({"video": {"scale": "-1:-2"}}, "video.scale"),
        ({"audio": {"codec": "copy", "bitrate": "1k"}}, "audio.bitrate"),
        ({"audio": {"codec": "none"}, "extra_args": ["-ac", "2"]}, "extra_args"),
        ({"audio": {"codec": "aac"}, "extra_args": ["-an"]}, "extra_args"),
        ({"audio": {"codec": "libopus"}, "extra_args": ["-ar", "44100"]}, "extra_args"),
        ({"video": {"codec": "libx264"}, "extra_args": ["-preset", "8"]}, "extra_args"),
        ({"video": {"codec": "libsvtav1"}, "extra_args": ["-preset", "fast"]}, "extra_args"),
        ({"video": {"codec": "libvpx-vp9"}, "extra_args": ["-tune", "film"]}, "extra_args"),
        ({"container": "mkv", "extra_args": ["-movflags", "+faststart"]}, "extra_args"),
        ({"video": {"crf": 20, "bitrate": "1M"}, "extra_args": ["-maxrate", "1M"]}, "extra_args"),
    ],
)
def test_what_does_not_fit_is_refused_by_its_field(asked: dict[str, Any], field: str) -> None:
    """Before a byte of a file is taken."""
    with pytest.raises(InvalidArgument) as refused:
        check(Encoding.model_validate(asked), encoders=ENCODERS)
    assert refused.value.field == field


_CORNERS_OUTSIDE = [
    ({"video": {"bitrate": "30"}}, "video.bitrate"),
    ({"video": {"bitrate": "999"}}, "video.bitrate"),
    ({"video": {"bitrate": "1001M"}}, "video.bitrate"),
    ({"video": {"bitrate": "999999999.999M", "crf": 30}}, "video.bitrate"),
    ({"video": {"crf": 0, "bitrate": "1M"}}, "video.bitrate"),
    ({"video": {"codec": "libsvtav1", "bitrate": "101M"}}, "video.bitrate"),
    ({"audio": {"bitrate": "1"}}, "audio.bitrate"),
    ({"audio": {"codec": "libopus", "bitrate": "999"}}, "audio.bitrate"),
    ({"audio": {"bitrate": "2148M"}}, "audio.bitrate"),
    ({"video": {"codec": "libx265", "scale": "2:64"}}, "video.scale"),
    ({"video": {"codec": "libsvtav1", "scale": "-2:32"}}, "video.scale"),
    *(
        ({"video": {"codec": codec}, "extra_args": args.split()}, "extra_args")
        for codec, args in [
            ("libx264", "-level 0"), ("libx264", "-level 1.4"), ("libx264", "-level 6.3"), ("libx264", "-level 9.9"),
            ("libx265", "-level 7"), ("libx265", "-level 4.1"), ("libx265", "-level:v 5"), ("libx264", "-bf 17"),
            ("libx264", "-refs 17"), ("libx265", "-refs 0"),
            ("libx265", "-refs 16"), ("libx265", "-bf 99"), ("libx265", "-tune film"), ("libx265", "-tune stillimage"),
            ("libx264", "-profile:v main10"), ("libx264", "-profile:v high -pix_fmt yuv420p10le"),
            ("libx264", "-profile:v high422 -pix_fmt yuv444p"), ("libx265", "-profile:v high"),
            ("libx265", "-profile:v main -pix_fmt yuv422p"), ("libx265", "-profile:v main444-8 -pix_fmt yuv420p10le"),
            ("libsvtav1", "-pix_fmt yuv444p"), ("libsvtav1", "-maxrate 1M"), ("libsvtav1", "-bufsize 1M"),
            ("libvpx-vp9", "-maxrate 1M"), ("libvpx-vp9", "-bufsize 1M"), ("libx264", "-maxrate 30"),
            ("libx264", "-maxrate 2148M"), ("libx265", "-bufsize 2148M"),
        ]
    ),
    ({"video": {"crf": 0}, "extra_args": ["-profile:v", "high"]}, "extra_args"),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "field"), _CORNERS_OUTSIDE)
def test_what_an_encoder_does_not_take_is_refused_by_its_field(asked: dict[str, Any], field: str) -> None:
    """It would fail in ffmpeg, and some of it would be blamed on the source: a track of sound went missing."""
    with pytest.raises(InvalidArgument) as refused:
        check(Encoding.model_validate(asked), encoders=ENCODERS)
    assert refused.value.field == field


@pytest.mark.parametrize("fps", [1e-300, 0.0001, 0.01, 0.0999, 240.1])
def test_no_rate_is_below_a_frame_in_ten_seconds(fps: float) -> None:
    """The rate as a fraction would be 0, or no frame would be left of most films."""
    with pytest.raises(ValidationError):
        Encoding.model_validate({"video": {"fps": fps}})


def test_an_encoder_that_the_server_lacks_is_refused() -> None:
    """Not every ffmpeg is built with all of them."""
    with pytest.raises(InvalidArgument, match="no libx265"):
        check(Encoding.model_validate({"video": {"codec": "libx265"}}), encoders=ENCODERS - {"libx265"})


@pytest.mark.parametrize(
    ("fps", "rate"),
    [(30, Fraction(30)), (29.97, Fraction(30000, 1001)), (23.976, Fraction(24000, 1001)), (12.5, Fraction(25, 2))],
)
def test_television_rates_are_meant_exactly(fps: float, rate: Fraction) -> None:
    """29.97 is short for 30000/1001."""
    assert Encoding.model_validate({"video": {"fps": fps}}).rate == rate
