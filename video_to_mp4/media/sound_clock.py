"""What the times of a sound track's packets are worth, beside how long the packets themselves play.

A hole moves all that comes after it, and stays. Times that jump back and forth, as a busy recorder notes them, mean
nothing.
"""

from __future__ import annotations

from collections import deque

from video_to_mp4.media.info import MediaInfo, SoundTimes, StreamInfo

_FRAME_SAMPLES = {
    # how many samples a packet can have, whatever a container claims or rounds; each codec's standard
    "aac": (1024, 2048, 960, 512, 480),
    "aac_latm": (1024, 2048, 960),
    "mp3": (1152, 576),
    "mp2": (1152,),
    "mp1": (384,),
    "ac3": (1536,),
    "eac3": (1536, 768, 512, 256),
}
_OF_ANY_LENGTH = frozenset({"wmav1", "wmav2", "wmapro", "wmalossless", "wmavoice"})
"""Their packets have as many frames as their bits hold, 8 to 13 in a real file whose packets all claimed to have 10."""

_UNKNOWN_JITTER_S = 0.005
"""What is allowed for where it can't be measured: times in ASF are rounded to milliseconds, and were off by 8."""

_BROADCAST_RATES = (48_000, 44_100, 32_000)
"""The sample rates that a track may change to on the way."""

_WINDOW_PACKETS = 9
_FEWEST_JUDGED = 8
_WRONG_STEP_SHARE = 0.25
_MOSTLY = 0.9
_BELIEVED_LENGTHS = (0.8, 1.25)


class SoundClock:
    """Takes the packets of one sound track in their order."""

    def __init__(self, stream: StreamInfo, info: MediaInfo) -> None:
        self._frames_s = _frames_s(stream, info)
        self._are_of_any_length = stream.codec in _OF_ANY_LENGTH
        self._knows_durations = bool(self._frames_s) or not info.is_in("matroska", "mov")  # which may claim anything
        self._window: deque[float] = deque(maxlen=_WINDOW_PACKETS)
        self._first_s: float | None = None
        self._last_s = 0.0
        self._since_last_s = 0.0
        self._steps = 0
        self._wrong_steps = 0
        self._played_s = 0.0
        self._bytes = 0
        self._jitter_s = 0.0
        self._shift_s = 0.0

    def add(self, at_s: float | None, duration_s: float | None, size_bytes: int = 0) -> None:
        """Take a packet: when it is to be heard, how long it plays by the container, and its size."""
        if at_s is not None:
            self._take_time(at_s)
        played_s = self._true_duration_s(duration_s)
        self._played_s += played_s
        self._bytes += size_bytes
        self._since_last_s += played_s

    def times(self, *, is_complete: bool) -> SoundTimes | None:
        """Return what was found; None where there were too few packets or nothing is known of their length."""
        if self._steps < _FEWEST_JUDGED or not self._played_s:
            return None
        if self._are_of_any_length:
            played_s = self._played_s if is_complete else None
            return SoundTimes(played_s, None, _UNKNOWN_JITTER_S, self._are_false(), self._bits_per_s())
        if not is_complete:
            return SoundTimes(None, None, self._jitter_s, self._are_false(), self._bits_per_s())
        self._note(sorted(self._window)[len(self._window) // 2])  # the last ones, too
        return SoundTimes(self._played_s, self._shift_s, self._jitter_s, self._are_false(), self._bits_per_s())

    def _bits_per_s(self) -> float | None:
        lengths_s = [length_s for length_s in (self._played_s, self._span_s()) if length_s > 0]
        return 8 * self._bytes / min(lengths_s) if self._bytes and lengths_s else None

    def _take_time(self, at_s: float) -> None:
        if self._first_s is None:
            self._first_s = at_s
        else:
            self._steps += 1
            error_s = abs(at_s - self._last_s - self._since_last_s)
            self._wrong_steps += error_s > _WRONG_STEP_SHARE * self._since_last_s
        self._last_s, self._since_last_s = at_s, 0.0
        self._window.append(at_s - self._first_s - self._played_s)
        if len(self._window) == _WINDOW_PACKETS:
            median_s = sorted(self._window)[_WINDOW_PACKETS // 2]
            self._jitter_s = max(self._jitter_s, abs(self._window[_WINDOW_PACKETS // 2] - median_s))
            self._note(median_s)

    def _note(self, offset_s: float) -> None:
        self._shift_s = max(self._shift_s, abs(offset_s))

    def _true_duration_s(self, claimed_s: float | None) -> float:
        if not self._frames_s:
            return claimed_s or 0.0
        return min(self._frames_s, key=lambda frame_s: abs(frame_s - claimed_s)) if claimed_s else self._frames_s[0]

    def _span_s(self) -> float:
        assert self._first_s is not None, "the caller looked"
        return self._last_s + self._since_last_s - self._first_s

    def _are_false(self) -> bool:
        span_s = self._span_s()
        least, most = _BELIEVED_LENGTHS
        fits = span_s > 0 and least <= self._played_s / span_s <= most
        return self._knows_durations and not fits and self._wrong_steps > _MOSTLY * self._steps


def _frames_s(stream: StreamInfo, info: MediaInfo) -> tuple[float, ...]:
    """Return how long packets may play: in a broadcast, which claims what its packets say, also at another rate."""
    samples = _FRAME_SAMPLES.get(stream.codec, ())
    if not stream.sample_rate or not samples:
        return ()
    others = _BROADCAST_RATES if info.is_in("mpegts", "mpeg") and stream.sample_rate in _BROADCAST_RATES else ()
    at_others = (samples[0] / rate for rate in others)
    return (*(count / stream.sample_rate for count in samples), *at_others)
