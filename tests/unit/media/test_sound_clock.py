"""Times of packets that stay off are believed, those that jump back and forth are not, and false ones not at all."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from media_facts import media, picture, sound
from video_to_mp4.jobs.model import Options
from video_to_mp4.media.info import SoundTimes
from video_to_mp4.media.plan import make_plan
from video_to_mp4.media.sound_clock import SoundClock

FRAME_S = 1024 / 48_000


def times_of(starts_s: Iterable[float], *, codec: str = "aac", container: str = "matroska,webm") -> SoundTimes:
    """Return what a track's packets say together, whose durations are rounded to milliseconds."""
    stream = sound(codec=codec)
    clock = SoundClock(stream, media(picture(), stream, container=container))
    for start_s in starts_s:
        clock.add(start_s, 0.021)
    found = clock.times(is_complete=True)
    assert found is not None
    return found


def even(count: int) -> list[float]:
    """Return the times of packets that follow each other."""
    return [number * FRAME_S for number in range(count)]


def test_even_times_are_even_though_durations_are_rounded() -> None:
    """Matroska's milliseconds are not what a packet plays: a hundred would be off by 33 ms."""
    found = times_of([round(at_s, 3) for at_s in even(1000)])
    assert found.shift_s == pytest.approx(0, abs=0.001)
    assert found.jitter_s == pytest.approx(0, abs=0.002)
    assert not found.are_false


def test_small_holes_add_up() -> None:
    """Ten of 6 ms are a tenth of a second for good."""
    found = times_of(at_s + 0.006 * (number // 10) for number, at_s in enumerate(even(110)))
    assert found.shift_s == pytest.approx(0.06, abs=0.002)
    assert found.jitter_s == pytest.approx(0, abs=0.001)


def test_a_hole_after_the_first_packet_is_seen() -> None:
    """A fragmented MP4 of ffmpeg's begins so: what comes after is late by 59 ms."""
    found = times_of([0.0, *(at_s + 0.0587 for at_s in even(100)[1:])])
    assert found.shift_s == pytest.approx(0.0587, abs=0.001)


def test_what_windows_media_claims_of_each_packet_is_no_measure_of_its_times() -> None:
    """Superframes have more or fewer frames than their mean: a real track was 32 ms late as these passed for jitter."""
    frames = [9, 10, 10, 10, 4, 4, 5, 6, 6, 6, 7, 11, 13, 12, 12, 11, 11, 12, 11, 10, 11] * 3
    stream = sound(codec="wmav2", sample_rate=16_000)
    clock = SoundClock(stream, media(picture(), stream, container="asf"))
    for number in range(len(frames)):
        clock.add(0.032 * sum(frames[:number]), 0.32)
    found = clock.times(is_complete=True)
    assert found is not None
    assert (found.jitter_s, found.shift_s, found.are_false) == (0.005, None, False)


def test_an_overlap_is_a_shift_too() -> None:
    """Negative holes make all that comes after late."""
    found = times_of(at_s - 0.03 * (number // 50) for number, at_s in enumerate(even(100)))
    assert found.shift_s == pytest.approx(0.03, abs=0.001)


def test_times_that_jump_back_and_forth_are_no_shift() -> None:
    """A busy recorder's notes: nothing is missing between its packets."""
    found = times_of(at_s + (0.0, 0.012, -0.015, 0.004)[number % 4] for number, at_s in enumerate(even(200)))
    assert found.shift_s is not None
    assert found.shift_s < 0.01
    assert 0.01 < found.jitter_s < 0.03


@pytest.mark.parametrize(("factor", "are_false"), [(0.01, True), (0.5, True), (0.999, False), (3, True)])
def test_times_at_another_pace_than_the_packets_are_false(factor: float, are_false: bool) -> None:
    """An AVI with a wrong rate in its header: 2 s of sound in 20 ms. A clock that is a little off is none."""
    assert times_of((at_s * factor for at_s in even(100)), codec="mp3").are_false is are_false


def test_sound_with_long_pauses_is_believed() -> None:
    """A voice that is recorded only while somebody speaks."""
    assert not times_of(at_s + 5.0 * (number // 20) for number, at_s in enumerate(even(200))).are_false


@pytest.mark.parametrize(("jitter_s", "followed_s"), [(0.0, "0.010"), (0.01, "0.030"), (0.03, "0.070"), (0.3, "0.100")])
def test_the_more_times_jump_the_less_they_are_followed(jitter_s: float, followed_s: str) -> None:
    """Otherwise silences and drops would chop the sound; a tenth of a second is the most that is let be."""
    stream = sound(codec="ac3", sound_times=SoundTimes(60.0, 0.05, jitter_s, are_false=False))
    (planned,) = make_plan(media(picture(), stream), Options()).sounds
    assert f"min_hard_comp={followed_s}" in planned.filters
