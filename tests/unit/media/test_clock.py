"""Which times are believed, and what becomes of the others."""

from __future__ import annotations

from fractions import Fraction

import pytest

from media_facts import picture
from video_to_mp4.media.clock import Clock, Times, frame_clock
from video_to_mp4.media.pace import Pace, PaceMeter

KEPT, MENDED, SPREAD, STEADY = Times
BYTES = 1000


def pace_of(*times_s: float | None, usual_s: float = 0.04) -> Pace:
    """Return the pace of packets that are stored in the order in which they are shown."""
    meter = PaceMeter()
    for at_s in times_s:
        meter.add(at_s, at_s, BYTES)
    return meter.pace(usual_s, usual_s)


def every(distance_s: float, frames: int) -> tuple[float, ...]:
    return tuple(number * distance_s for number in range(frames))


@pytest.mark.parametrize(
    ("average", "base", "rate", "times"),
    [
        (Fraction(25), Fraction(600), Fraction(25), KEPT),
        (Fraction(1000), Fraction(60), Fraction(60), KEPT),
        (Fraction(1000), Fraction(1000), Fraction(60), STEADY),
        (Fraction(240), Fraction(240), Fraction(240), KEPT),
        (None, Fraction(600), Fraction(60), STEADY),
        (None, None, Fraction(30), KEPT),
    ],
)
def test_a_bogus_rate_is_not_believed(
    average: Fraction | None, base: Fraction | None, rate: Fraction, times: Times
) -> None:
    """Above 240 frames per second nothing is believed, where the packets are not known."""
    assert frame_clock(picture(average_rate=average, base_rate=base)) == Clock(rate, times)


@pytest.mark.parametrize(
    ("times_s", "rate", "times"),
    [
        ((0.0, 0.042), Fraction(500, 21), KEPT),
        (every(1 / 120, 240), Fraction(120), KEPT),
        (every(0.001, 30), Fraction(30), SPREAD),
        ((0.0,) * 30, Fraction(30), SPREAD),
        (every(0.001, 1000), Fraction(60), STEADY),
    ],
)
def test_packets_tell_the_rate_that_the_container_does_not_know(
    times_s: tuple[float | None, ...], rate: Fraction, times: Times
) -> None:
    """Two frames of a file whose container claims 1000 frames per second are two frames."""
    stream = picture(average_rate=None, base_rate=Fraction(1000), packets=len(times_s), pace=pace_of(*times_s))
    clock = frame_clock(stream)
    assert (float(clock.rate), clock.times) == (pytest.approx(float(rate), rel=0.01), times)


@pytest.mark.parametrize(
    ("times_s", "times", "lengthened_s"),
    [
        ((0.0, 0.04, 0.08, 0.12), KEPT, 0.0),
        ((0.0, 0.0, 0.08, 0.08, 0.16, 0.16), MENDED, 0.04),
        ((0.0, 0.04, None, 0.12), MENDED, 0.0),
        ((0.0, 0.04, 0.08, 0.0, 0.04, 0.08), MENDED, 0.12),
    ],
)
def test_frames_without_a_later_time_follow_the_one_before(
    times_s: tuple[float | None, ...], times: Times, lengthened_s: float
) -> None:
    """All others keep theirs, and nothing is changed where each has one."""
    stream = picture(packets=len(times_s), pace=pace_of(*times_s))
    clock = frame_clock(stream)
    assert clock.times is times
    assert clock.lengthened_s(stream) == pytest.approx(lengthened_s)


def test_the_rate_of_a_lonely_picture_is_not_brought_down() -> None:
    """Matroska's clock of 1000 ticks a second passes for the rate of a single picture."""
    stream = picture(average_rate=None, base_rate=Fraction(1000), packets=1, pace=pace_of(0.0))
    assert frame_clock(stream) == Clock(Fraction(30))


def test_packets_without_any_time_are_left_to_ffmpeg() -> None:
    """It shows them one after the other."""
    stream = picture(average_rate=None, base_rate=None, packets=30, pace=pace_of(*(None,) * 30))
    assert frame_clock(stream) == Clock(Fraction(30), KEPT)


def test_packets_that_say_that_nothing_changes_are_no_frames() -> None:
    """MPEG-4 in AVI has some of 7 bytes, screen recorders of 2: no frame is missing where none comes of them."""
    meter = PaceMeter()
    for number in range(10):
        meter.add(number * 0.04, number * 0.04, 7 if number % 2 else BYTES)
    assert meter.pace(0.04, 0.04).frames == 5


def test_bits_are_measured_where_they_are_most() -> None:
    """Over ten seconds, and how deep a buffer must be for what comes at once."""
    meter = PaceMeter()
    for number in range(1000):
        is_busy = 400 <= number < 800
        meter.add(number * 0.04, number * 0.04, 5000 if is_busy else 500)
    pace = meter.pace(0.04, 0.04)
    assert pace.peak_bits_per_s == pytest.approx(1_000_000, rel=0.01)
    assert pace.burst_bits == pytest.approx(40_000, rel=0.1)
    assert pace.total_bytes == 400 * 5000 + 600 * 500
