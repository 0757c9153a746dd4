"""When the frames of the result are shown: as in the source, wherever its times can be believed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from fractions import Fraction

from video_to_mp4.media.info import StreamInfo

_FASTEST_BELIEVED = Fraction(240)
_STEADY_RATE = Fraction(60)
_RATE_WHEN_UNKNOWN = Fraction(30)
_SHORTEST_BELIEVED_S = 0.5
"""No recording is so short; a few ticks between many frames are no times at all."""


BROWSER_DELAY_S = 0.1
"""How long browsers show a frame of an animated picture whose delay is shorter than any that they believe."""

SHORTEST_BROWSER_DELAY_S = 0.0105
"""Chromium and Firefox disbelieve 10 ms and less, in GIF, APNG and WebP; 11 ms are believed."""


class Times(Enum):
    """What becomes of the source's times."""

    KEPT = "kept"
    MENDED = "mended"
    """A frame without a time of its own comes after the one before it."""
    SPREAD = "spread"
    """All frames follow each other evenly, as the source has no times that make sense."""
    STEADY = "steady"
    """Frames are left out and repeated to come to a certain rate."""


@dataclass(frozen=True)
class Clock:
    """The frames per second, and how the times are found."""

    rate: Fraction
    times: Times = Times.KEPT

    @property
    def filters(self) -> list[str]:
        """Return what brings the decoded pictures to these times. A tick is the least that two can be apart."""
        apart = f"max(1,1/({self.rate}*TB))"
        if self.times is Times.STEADY:
            return [f"fps={self.rate}:eof_action=pass"]  # else none is left of a film that is shorter than a frame
        if self.times is Times.SPREAD:
            return [f"setpts='if(isnan(STARTPTS),0,STARTPTS)+N*{apart}'"]
        if self.times is Times.MENDED:
            following = f"if(gt(PTS,PREV_OUTPTS),PTS,PREV_OUTPTS+{apart})"
            return [f"setpts='if(isnan(PREV_OUTPTS),if(isnan(PTS),0,PTS),{following})'"]
        return []

    def lengthened_s(self, stream: StreamInfo) -> float:
        """Return how much longer these times make a picture than its own."""
        pace = stream.pace
        if pace is None or self.times in (Times.KEPT, Times.STEADY):
            return 0.0
        if self.times is Times.MENDED:
            return pace.lengthened_s
        return max(0.0, float(((stream.packets or 1) - 1) / self.rate) - pace.span_s)


def frame_clock(stream: StreamInfo) -> Clock:
    """Say how fast the picture is, and whether its times can stay.

    A container's rate above 240 is never believed: Matroska's clock of 1000 ticks a second is often taken for one.
    Packets tell the truth, where all were looked at. If they are that fast themselves, frames are left out. Where no
    packet has a time, ffmpeg itself shows them one after the other.
    """
    claimed = _claimed(stream)
    pace = stream.pace
    if pace is None or stream.packets == 1 or not pace.is_timed:
        return _without_packets(stream, claimed)
    measured = pace.rate
    if measured is None or measured > _FASTEST_BELIEVED:
        if pace.span_s > _SHORTEST_BELIEVED_S:
            return Clock(_STEADY_RATE, Times.STEADY)
        return Clock(claimed or _RATE_WHEN_UNKNOWN, Times.SPREAD)
    rate = measured if stream.has_browser_delays else _believed(stream.average_rate) or measured
    return Clock(rate, Times.MENDED if pace.has_broken_times else Times.KEPT)


def browser_delay_filters(stream: StreamInfo, start_s: float | None, end_s: float | None) -> list[str]:
    """Return what shows an animated picture's frames for as long as browsers do, and cuts out the part that is wanted.

    ffmpeg's demuxer of GIF did it up to version 6, and shows what says 10 ms for 10 ms from 7 on; that of APNG never
    did. The part is cut out here, as nothing else counts by these times.
    """
    if not stream.has_browser_delays:
        return []
    since, usual = "(PTS-PREV_INPTS)", f"{BROWSER_DELAY_S}/TB"
    shown = f"if(lt({since}*TB,{SHORTEST_BROWSER_DELAY_S}),{usual},{since})"
    filters = [f"setpts='if(isnan(PREV_OUTPTS),PTS,PREV_OUTPTS+{shown})'"]
    if start_s is not None:
        filters += [f"trim=start={start_s:.6f}", f"setpts='round(PTS-{start_s:.6f}/TB)'"]
    if end_s is not None:
        filters.append(f"trim=end={end_s - (start_s or 0.0):.6f}")
    return filters


def _without_packets(stream: StreamInfo, claimed: Fraction | None) -> Clock:
    """Go by what the container says. A lonely picture would be thrown away by the filter for a steady rate."""
    is_known = stream.average_rate is not None or stream.base_rate is not None
    if claimed is None and is_known and stream.packets != 1:
        return Clock(_STEADY_RATE, Times.STEADY)
    return Clock(claimed or _RATE_WHEN_UNKNOWN)


def _claimed(stream: StreamInfo) -> Fraction | None:
    return _believed(stream.average_rate) or _believed(stream.base_rate)


def _believed(rate: Fraction | None) -> Fraction | None:
    return rate if rate is not None and rate <= _FASTEST_BELIEVED else None
