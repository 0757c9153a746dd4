"""The truth about durations, from the packets themselves. What a container claims can be off by a factor of twelve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from video_to_mp4 import process
from video_to_mp4.media.clock import BROWSER_DELAY_S, SHORTEST_BROWSER_DELAY_S
from video_to_mp4.media.failure import not_killed
from video_to_mp4.media.guard import PROBE_MEMORY_BYTES, file_address, input_flags
from video_to_mp4.media.info import MediaInfo, SoundTimes, StreamInfo
from video_to_mp4.media.pace import Pace, PaceMeter
from video_to_mp4.media.picture import choose_picture
from video_to_mp4.media.programmes import strangers
from video_to_mp4.media.sound_clock import SoundClock

_ALWAYS_SCANNED_BYTES = 32 * 1024 * 1024
_TAIL_S = 5.0
_HEAD_S = 2.0
_MOST_LISTED = 20_000
_AFTER_THE_END_S = 10**8
ENTRIES = "packet=stream_index,pts_time,dts_time,duration_time,size,flags:packet_side_data=side_data_type"
_COMPARED = 3
_HEAD_PACKETS = 16
_NOTICED_S = 0.001
_SHORTEST_FRAME_S = 0.001
_JUMP_AHEAD_S = 10.0
_JUMP_BACK_S = 0.1
_NEW_PARAMETERS = "New Extradata"
_ENCRYPTED = "Encryption info"
_ADDITION = "Matroska BlockAdditional"
"""What WebM keeps the transparency of a picture in."""


@dataclass
class _Extent:
    """What the packets of one stream are like."""

    last_s: float | None = None
    end_s: float | None = None
    count: int = 0
    hidden: int = 0
    shows_again: bool = False
    """Whether a packet that is shown comes after one that is not."""
    parameter_sets: int = 1
    is_encrypted: bool = False
    has_additions: bool = False
    _untimed: int = 0
    _untimed_s: float = 0.0
    meter: PaceMeter = field(default_factory=PaceMeter)
    clock: SoundClock | None = None
    """Of a sound track."""
    _first_s: list[float] = field(default_factory=list)
    _last_s: list[float] = field(default_factory=list)

    def add(self, at_s: float | None, duration_s: float) -> None:
        self.count += 1
        if at_s is None:
            if duration_s >= _SHORTEST_FRAME_S:
                self._untimed += 1
                self._untimed_s += duration_s
            return
        if len(self._first_s) < _HEAD_PACKETS:
            self._first_s.append(at_s)
        if len(self._last_s) < _COMPARED or at_s > self._last_s[0]:
            self._last_s = sorted((*self._last_s, at_s))[-_COMPARED:]
        if self.last_s is None or self.end_s is None:
            self.last_s, self.end_s = at_s, at_s + duration_s
        else:
            self.last_s, self.end_s = max(self.last_s, at_s), max(self.end_s, at_s + duration_s)

    @property
    def untimed_s(self) -> float:
        """How long the packets that have no time are shown.

        Durations that can't be meant are counted as the others' mean: ffprobe 8 gives 1 µs to some packets of HEVC.
        """
        return self._untimed_s / self._untimed * self.count if self._untimed else 0.0

    @property
    def first_s(self) -> float:
        """Return when the first packet begins that has a time."""
        return min(self._first_s, default=0.0)

    def with_true_start(self, stream: StreamInfo) -> StreamInfo:
        """Return the stream without its start where a packet comes earlier: it was made up while packets were read."""
        is_false = stream.start_s is not None and any(at_s < stream.start_s - _NOTICED_S for at_s in self._first_s)
        return replace(stream, start_s=None) if is_false else stream

    def begins_its_end_after(self, place_s: float) -> bool:
        """Say whether the last packets of a picture that are compared all lie after this place."""
        return len(self._last_s) == _COMPARED and self._last_s[0] >= place_s

    def uneven_end_s(self) -> float:
        """Return how much longer the last three packets take than the first three, which may come in any order."""
        if len(self._first_s) < 2 * _COMPARED:
            shown_s = sorted(self._first_s)
            gaps_s = [after_s - before_s for before_s, after_s in pairwise(shown_s)]
            return max(gaps_s) - min(gaps_s) if gaps_s else 0.0  # of a few frames each may be one of the last
        first_s = sorted(self._first_s)[:_COMPARED]
        return (self._last_s[-1] - self._last_s[0]) - (first_s[-1] - first_s[0])


class _Jumps:
    """Does what ffmpeg does where the clock of a broadcast jumps: time goes on as if it had not."""

    def __init__(self) -> None:
        self._offset_s = 0.0
        self._previous_s: dict[int, float] = {}

    def correction_s(self, index: int, stored_s: float) -> float:
        """Return what has to be added to the times of a packet with this decoding time."""
        previous_s = self._previous_s.get(index)
        if previous_s is not None:
            delta_s = stored_s + self._offset_s - previous_s
            if delta_s > _JUMP_AHEAD_S or delta_s < -_JUMP_BACK_S:
                self._offset_s -= delta_s
        self._previous_s[index] = stored_s + self._offset_s
        return self._offset_s


class _BrowserDelays:
    """Counts times as browsers do: ffmpeg believes delays of animated pictures shorter than any that these show."""

    def __init__(self) -> None:
        self._added_s = 0.0

    def shown(self, at_s: float | None, duration_s: float | None) -> tuple[float | None, float | None]:
        """Return when a packet is shown, and for how long."""
        begin_s = None if at_s is None else at_s + self._added_s
        if duration_s is None or duration_s >= SHORTEST_BROWSER_DELAY_S:
            return begin_s, duration_s
        self._added_s += BROWSER_DELAY_S - duration_s
        return begin_s, BROWSER_DELAY_S


class _Extents:
    """Adds up ffprobe's packet lines: `index,pts,dts,duration,size,flags`."""

    def __init__(self, info: MediaInfo) -> None:
        self._usual_s = {stream.index: _usual_duration_s(stream) for stream in info.streams}
        self._jumps = _Jumps() if info.clock_may_jump else None
        self._delays = _BrowserDelays() if _is_animated_picture(info) else None
        self.by_index = {stream.index: _Extent(clock=_clock(stream, info)) for stream in info.streams}
        self._pictures = [stream.index for stream in info.of_kind("video") if not stream.is_cover]
        picture = choose_picture(info)
        self._strangers = strangers(info, picture) if picture is not None else frozenset()

    def reach(self, place_s: float) -> bool:
        """Say whether enough of each picture lies after this place to tell how it ends."""
        return all(self.by_index[index].begins_its_end_after(place_s) for index in self._pictures)

    def feed(self, line: str) -> None:
        fields = line.rstrip().split(",")
        if len(fields) < 6 or not fields[0].isdigit() or int(fields[0]) not in self.by_index:
            return  # the rest of a packet's side data
        self._add(int(fields[0]), fields[1:5], fields[5], fields[6:])

    def feed_row(self, row: Mapping[str, Any]) -> None:
        """Take the same packet as ffprobe's JSON has it."""
        index = row.get("stream_index")
        if index in self.by_index:
            numbers = [str(row.get(name)) for name in ("pts_time", "dts_time", "duration_time", "size")]
            kinds = [str(entry.get("side_data_type")) for entry in row.get("side_data_list", ())]
            self._add(index, numbers, str(row.get("flags")), kinds)

    def _add(self, index: int, numbers: Sequence[str], flags: str, side_data: Sequence[str]) -> None:
        extent = self.by_index[index]
        extent.parameter_sets += side_data.count(_NEW_PARAMETERS)
        extent.is_encrypted = extent.is_encrypted or _ENCRYPTED in side_data
        extent.has_additions = extent.has_additions or _ADDITION in side_data
        if "D" in flags:
            extent.hidden += 1
            return
        extent.shows_again = extent.hidden > 0
        shown_s, stored_s, duration_s = map(_seconds, numbers[:3])
        at_s = shown_s if shown_s is not None else stored_s
        if self._jumps is not None and at_s is not None and index not in self._strangers:
            correction_s = self._jumps.correction_s(index, at_s if stored_s is None else stored_s)
            at_s += correction_s
            stored_s = None if stored_s is None else stored_s + correction_s
        if self._delays is not None:
            at_s, duration_s = self._delays.shown(at_s, duration_s)
        extent.add(at_s, self._usual_s[index] if duration_s is None else duration_s)
        size_bytes = int(_seconds(numbers[3]) or 0)
        if extent.clock is not None:
            extent.clock.add(at_s, duration_s, size_bytes)
        if index in self._pictures:
            extent.meter.add(at_s, stored_s, size_bytes)


def listing_flags(source_bytes: int) -> list[str]:
    """Return what makes ffprobe list packets in the run that reads the streams: each child costs 50 ms by itself.

    All of a small file, if there are not too many; of a large one those of its first seconds, and those from its last
    key frame on.
    """
    is_large = source_bytes > _ALWAYS_SCANNED_BYTES
    where = f"%+{_HEAD_S},{_AFTER_THE_END_S}%+#{_MOST_LISTED}" if is_large else f"%+#{_MOST_LISTED}"
    return ["-read_intervals", where, "-show_packets", "-show_entries", f"packet=pos:{ENTRIES}"]


def measured_by(rows: Sequence[Mapping[str, Any]], info: MediaInfo) -> MediaInfo | None:
    """Return the info with the end of each stream by the packets that were listed; None when these don't tell it."""
    if not rows or len(rows) >= _MOST_LISTED:
        return None
    extents = _Extents(info)
    for row in rows:
        extents.feed_row(row)
    info = replace(info, streams=tuple(extents.by_index[s.index].with_true_start(s) for s in info.streams))
    if info.size_bytes <= _ALWAYS_SCANNED_BYTES:
        return _with_extents(info, extents.by_index, is_complete=True)
    claimed_s = info.claimed_duration_s
    if info.clock_may_jump or _is_animated_picture(info) or claimed_s is None or claimed_s <= 2 * _TAIL_S:
        return None
    is_told = _confirms(extents.by_index, info) and extents.reach(info.start_s + claimed_s - _TAIL_S)
    return _with_extents(info, extents.by_index, is_complete=False) if is_told else None


async def measure(path: Path, info: MediaInfo, *, ffprobe: str, silence_limit_s: float | None = None) -> MediaInfo:
    """Return the info with the end of each stream as its packets have it.

    Reads all packets of a small file (0.06 s for 21 MB). For a large one a look at its first and last seconds is enough
    when it confirms what the container claims; if it does not, all packets are read.
    """
    claimed_s = info.claimed_duration_s
    is_large = info.size_bytes > _ALWAYS_SCANNED_BYTES and not (info.clock_may_jump or _is_animated_picture(info))
    if is_large and claimed_s is not None and claimed_s > 2 * _TAIL_S:
        from_s = info.start_s + claimed_s - _TAIL_S
        where = ["-read_intervals", f"%+{_HEAD_S},{from_s:.3f}%"]
        ends = await _read(path, info, where, ffprobe, silence_limit_s)
        if _confirms(ends, info):
            return _with_extents(info, ends, is_complete=False)
    return _with_extents(info, await _read(path, info, [], ffprobe, silence_limit_s), is_complete=True)


async def measure_alone(
    path: Path, info: MediaInfo, *, ffprobe: str, silence_limit_s: float | None = None
) -> MediaInfo:
    """Return a measured info with picture and sound as they are when nothing else is read.

    A file that was cut off, or is damaged, can have a stream of no use that can't be read on from some place. There the
    look at all streams together ends; a conversion goes on, as it passes over what it does not use. Starts no child for
    a file that is as long as it claims, or that has nothing beside picture and sound.
    """
    picture = choose_picture(info)
    if picture is None or not _ends_early(info) or not _has_more(info, picture):
        return info
    for which in (str(picture.index), "a"):
        found = await _read(path, info, ["-select_streams", which], ffprobe, silence_limit_s)
        longer = [stream for stream in info.streams if found[stream.index].count > (stream.packets or 0)]
        if longer:
            info = _with_extents(info, {s.index: found[s.index] for s in longer}, is_complete=True)
    return info


def _ends_early(info: MediaInfo) -> bool:
    played = [s.end_s for s in info.streams if s.kind in ("video", "audio") and not s.is_cover and s.end_s is not None]
    if info.claimed_duration_s is None or info.clock_may_jump or not played:
        return False
    return info.claimed_duration_s - (max(played) - info.start_s) > 0.5 + 0.01 * info.claimed_duration_s


def _has_more(info: MediaInfo, picture: StreamInfo) -> bool:
    return any(stream.kind != "audio" and stream.index != picture.index for stream in info.streams)


async def _read(
    path: Path, info: MediaInfo, where: list[str], ffprobe: str, silence_limit_s: float | None
) -> dict[int, _Extent]:
    extents = _Extents(info)
    argv = [ffprobe, "-v", "quiet", *input_flags(info.container), *where, "-show_entries", ENTRIES, "-of", "csv=p=0"]
    ended = await process.run(
        [*argv, file_address(path)],
        on_line=extents.feed,
        silence_limit_s=silence_limit_s,
        memory_limit_bytes=PROBE_MEMORY_BYTES,
    )
    not_killed(ended)
    return extents.by_index


def _confirms(ends: dict[int, _Extent], info: MediaInfo) -> bool:
    """Say whether picture and sound all reach the last seconds, and end where the container says."""
    assert info.claimed_duration_s is not None, "the caller looked"
    played = [
        ends[stream.index] for stream in info.streams if stream.kind in ("video", "audio") and not stream.is_cover
    ]
    ends_s = [extent.end_s for extent in played if extent.end_s is not None]
    if not ends_s or len(ends_s) < len(played):
        return False
    truth_s = max(ends_s) - info.start_s
    return abs(truth_s - info.claimed_duration_s) <= 0.5 + 0.01 * info.claimed_duration_s


def _with_extents(info: MediaInfo, extents: dict[int, _Extent], *, is_complete: bool) -> MediaInfo:
    """Note what was found; what lies between the ends that were read is not known unless it is complete."""
    streams = tuple(
        _with_extent(stream, extents[stream.index], info, is_complete) if stream.index in extents else stream
        for stream in info.streams
    )
    return replace(info, streams=streams)


def _with_extent(stream: StreamInfo, extent: _Extent, info: MediaInfo, is_complete: bool) -> StreamInfo:
    times = extent.clock.times(is_complete=is_complete) if extent.clock is not None else None
    return replace(
        stream,
        end_s=_end_s(extent, info, times, is_complete),
        last_s=extent.last_s,
        uneven_end_s=extent.uneven_end_s() if stream.kind == "video" else 0.0,
        packets=extent.count if is_complete else None,
        pace=_pace(stream, extent) if is_complete and stream.kind == "video" else None,
        hidden_packets=extent.hidden,
        hides_its_end=extent.hidden > 0 and not extent.shows_again,
        sound_times=times,
        has_browser_delays=_is_animated_picture(info),
        parameter_sets=extent.parameter_sets,
        is_encrypted=stream.is_encrypted or extent.is_encrypted,
        has_alpha=stream.has_alpha or (stream.claims_alpha and extent.has_additions),
    )


def _is_animated_picture(info: MediaInfo) -> bool:
    """Tell an animated picture, each of whose delays counts: the sum is to be known, whatever its size."""
    return info.is_in("gif", "apng")


def _end_s(extent: _Extent, info: MediaInfo, times: SoundTimes | None, is_complete: bool) -> float | None:
    """Return when a stream ends; packets without a time, or with false ones, come one after the other."""
    if times is not None and times.are_false and times.played_s is not None:
        return extent.first_s + times.played_s
    if extent.end_s is None and extent.untimed_s and is_complete:
        return info.start_s + extent.untimed_s
    return extent.end_s


def _pace(stream: StreamInfo, extent: _Extent) -> Pace:
    last_s = 0.0 if extent.end_s is None or extent.last_s is None else extent.end_s - extent.last_s
    usual_s = _usual_duration_s(stream)
    return extent.meter.pace(last_s or usual_s, usual_s)


def _clock(stream: StreamInfo, info: MediaInfo) -> SoundClock | None:
    return SoundClock(stream, info) if stream.kind == "audio" else None


def _usual_duration_s(stream: StreamInfo) -> float:
    return float(1 / stream.average_rate) if stream.average_rate else 0.0


def _seconds(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None  # N/A
