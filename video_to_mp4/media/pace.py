"""What the packets of a picture say of its pace: how many frames it shows, how fast, and how many bits they take."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from fractions import Fraction

_FINEST_RATE = 1001
_NOTHING_NEW_BYTES = 8
"""A packet below this size may only say that nothing changes, so that no frame comes of it: N-VOPs of MPEG-4 in AVI
have 7 bytes, those of TechSmith's recorder 2."""

_WINDOW_S = 10.0


@dataclass(frozen=True)
class Pace:
    """What all packets of a picture say together."""

    frames: int
    """How many packets with a time of their own bring something new: at least so many frames must come of them."""
    is_timed: bool
    """Whether any packet has a time."""
    rate: Fraction | None
    """Frames per second between the first and the last; None when no two have different times."""
    span_s: float
    """From the first frame's time to the last one's."""
    has_broken_times: bool
    """Whether packets have no time, the time of another one, or a time that goes backwards."""
    lengthened_s: float
    """How much longer it lasts when each frame without a later time is shown after the one before it."""
    total_bytes: int
    peak_bits_per_s: float | None
    """Most bits per second that are taken over ten seconds, or over all of a shorter picture; None when it has no
    length."""
    burst_bits: float
    """How much more than that is taken at once, at most: the depth of a buffer that is filled at the peak's rate."""


class PaceMeter:
    """Takes the packets of one picture in their order."""

    def __init__(self) -> None:
        self._packets: list[tuple[float, int]] = []
        self._untimed = 0
        self._total_bytes = 0
        self._stored_s: list[float] = []

    def add(self, at_s: float | None, stored_s: float | None, packet_bytes: int) -> None:
        """Take a packet: when it is shown, when it is decoded, and its size."""
        self._total_bytes += packet_bytes
        if at_s is None:
            self._untimed += 1
        else:
            self._packets.append((at_s, packet_bytes))
        if stored_s is not None:
            self._stored_s.append(stored_s)

    def pace(self, last_frame_s: float, usual_s: float) -> Pace:
        """Return what they say; the last frame and the others stay for so long."""
        packets = sorted(self._packets)
        times_s = sorted({at_s for at_s, _ in packets})
        span_s = times_s[-1] - times_s[0] if times_s else 0.0
        rate = Fraction((len(times_s) - 1) / span_s).limit_denominator(_FINEST_RATE) if span_s > 0 else None
        peak = _peak_bits_per_s(packets, span_s + last_frame_s)
        return Pace(
            frames=len({at_s for at_s, size_bytes in packets if size_bytes >= _NOTHING_NEW_BYTES}),
            is_timed=bool(packets),
            rate=rate,
            span_s=span_s,
            has_broken_times=self._goes_back or len(times_s) < len(packets) + self._untimed,
            lengthened_s=_lengthened_s(self._stored_s, usual_s),
            total_bytes=self._total_bytes,
            peak_bits_per_s=peak,
            burst_bits=_burst_bits(packets, peak) if peak else 0.0,
        )

    @property
    def _goes_back(self) -> bool:
        return any(later_s < earlier_s for earlier_s, later_s in itertools.pairwise(self._stored_s))


def _lengthened_s(stored_s: list[float], usual_s: float) -> float:
    if not stored_s:
        return 0.0
    shown_s = stored_s[0]
    for at_s in stored_s[1:]:
        shown_s = at_s if at_s > shown_s else shown_s + usual_s
    return max(0.0, shown_s - max(stored_s))


def _peak_bits_per_s(packets: list[tuple[float, int]], whole_s: float) -> float | None:
    if whole_s <= 0:
        return None
    window_s = min(_WINDOW_S, whole_s)
    first, inside_bytes, most_bytes = 0, 0, 0
    for at_s, size_bytes in packets:
        inside_bytes += size_bytes
        while packets[first][0] <= at_s - window_s:
            inside_bytes -= packets[first][1]
            first += 1
        most_bytes = max(most_bytes, inside_bytes)
    return 8 * most_bytes / window_s


def _burst_bits(packets: list[tuple[float, int]], bits_per_s: float) -> float:
    """Return how deep a leaky bucket must be that runs out at this rate."""
    level_bits = deepest_bits = 0.0
    for (at_s, size_bytes), (next_s, _) in itertools.pairwise([*packets, (float("inf"), 0)]):
        level_bits += 8 * size_bytes
        deepest_bits = max(deepest_bits, level_bits)
        level_bits = max(0.0, level_bits - bits_per_s * (next_s - at_s))
    return deepest_bits
