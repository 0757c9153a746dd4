"""A sound track gets no more bits than its source can be worth."""

from __future__ import annotations

from typing import Any

import pytest

from media_facts import media, picture, sound
from video_to_mp4.jobs.encoding import AudioOptions, Encoding
from video_to_mp4.media.info import SoundTimes
from video_to_mp4.media.sound import plan_sound
from video_to_mp4.media.sound_clock import SoundClock

_SIX = {"channels": 6, "channel_layout": "5.1"}
_ONE = {"channels": 1, "channel_layout": "mono"}


def times(bits_per_s: float | None, *, are_all: bool = True) -> SoundTimes:
    """Return what the packets of a track say, as far as they were looked at."""
    return SoundTimes(60.0 if are_all else None, 0.0, 0.0, are_false=False, bits_per_s=bits_per_s)


@pytest.mark.parametrize(
    ("facts", "bitrate"),
    [
        ({"codec": "opus", "sound_times": times(64_000)}, "128k"),
        ({"codec": "opus", "sound_times": times(64_010)}, "129k"),
        ({"codec": "opus", "sound_times": times(12_000)}, "96k"),
        ({"codec": "vorbis", "sound_times": times(192_000)}, "160k"),
        ({"codec": "amr_nb", "sound_times": times(12_200), **_ONE}, "48k"),
        ({"codec": "mp3", "sound_times": times(40_000), **_ONE}, "80k"),
        ({"sound_times": times(120_000), **_SIX}, "240k"),
        ({"sound_times": times(96_000), **_SIX}, "224k"),
        ({"codec": "ac3", "sound_times": times(448_000), **_SIX}, "384k"),
        ({"codec": "flac", "sound_times": times(40_000)}, "160k"),
        ({"codec": "dts", "sound_times": times(40_000)}, "160k"),
        ({"codec": "opus", "sound_times": times(64_000), "bits_per_s": 20_000.0}, "128k"),
        ({"codec": "opus", "sound_times": None, "bits_per_s": 64_000.0}, "128k"),
        ({"codec": "opus", "sound_times": None}, "160k"),
        ({"codec": "opus", "sound_times": times(None), "bits_per_s": 64_000.0}, "128k"),
        ({"codec": "mp3", "sound_times": times(70_000, are_all=False), "bits_per_s": 32_000.0}, "140k"),
        ({"codec": "mp3", "sound_times": times(32_000, are_all=False), "bits_per_s": 70_000.0}, "140k"),
        ({"codec": "mp3", "sound_times": times(32_000, are_all=False)}, "160k"),
    ],
    ids=str,
)
def test_a_track_takes_no_more_bits_than_are_of_use(facts: dict[str, Any], bitrate: str) -> None:
    """Twice the source's where these are few, but never so few that the encoder itself is heard.

    What is known of the first and last seconds of a large file alone is no reason to save.
    """
    assert plan_sound(sound(**facts)).bitrate == bitrate


def test_a_bit_rate_that_is_asked_for_is_taken() -> None:
    """A program knows what it wants."""
    asked = Encoding(audio=AudioOptions(bitrate="320k"))
    assert plan_sound(sound(codec="opus", sound_times=times(32_000)), encoding=asked).bitrate == "320k"


@pytest.mark.parametrize(("claimed_s", "bits_per_s"), [(0.02, 64_000), (0.04, 64_000), (0.01, 128_000)])
def test_the_mean_of_a_track_is_rather_too_high_than_too_low(claimed_s: float, bits_per_s: int) -> None:
    """Matroska's durations may be anything, and so may be a time: the shorter of both lengths counts."""
    track = sound(codec="opus")
    clock = SoundClock(track, media(picture(), track, container="matroska,webm"))
    for number in range(100):
        clock.add(0.02 * number, claimed_s, 160)
    found = clock.times(is_complete=True)
    assert found is not None
    assert found.bits_per_s == pytest.approx(bits_per_s, rel=0.02)
