"""Decodes the first, the middle and the last second of a result: there must be something to be seen and heard.

A copied picture is entered in two more places, as nobody knows what its encoder has left between its key frames.

ffprobe does it in the run that reads the result's streams: each child costs 50 ms before it looks at anything.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from video_to_mp4.jobs.encoding import VideoCodec
from video_to_mp4.media.failure import last_words
from video_to_mp4.media.info import StreamInfo
from video_to_mp4.media.plan import Plan
from video_to_mp4.media.sound import AAC_FRAME_SAMPLES
from video_to_mp4.media.target import is_of_quicktime

_WHOLE_BELOW_S = 4.0
_GROUP_WHOLE_BELOW_S = 20.0
"""One group of pictures that are seldom may last for hours, and all of its sound would be decoded."""

_FEWEST_PACKETS = 32
"""Among so many pictures in a row there is always one that others need."""

_AFTER_THE_END_S = 10**8
"""Where ffprobe looks for the last key frame: it goes back to the one before."""

_USUAL_RATE = 25.0
_FASTEST_RATE = 240.0
_LONGEST_GROUP_FRAMES = 300
_LONGEST_GROUP_S = 30.0
_MOST_PACKETS = 50_000
_SPARE_PACKETS = 16
_MIXED_UNEVENLY = 3
"""So many pictures more than usual may stand among the packets of a second."""
_CHEAPLY = ("-skip_loop_filter", "all", "-skip_frame")
"""Half of the work of decoding, for pictures that nobody looks at."""

_ENTRIES = (
    "packet=stream_index,dts_time,data_hash:frame=stream_index,pts_time,width,height,pix_fmt,interlaced_frame"
    ":packet_side_data=:frame_side_data="
)
_HASHES = ("-show_data_hash", "murmur3")
_NAMES = ("at the beginning", "in the middle", "at the end")
_NAMES_IN_A_COPY = ("at the beginning", "after a quarter", "in the middle", "after three quarters", "at the end")
_HARMLESS = (
    "number of reference frames",
    "last message repeated",
    # what the parser of ffprobe 8 says when it is emptied at the end of a place
    "error parsing opus packet header",
)
_OF_MISSING_FRAMES = (
    "mmco:",
    "reference picture missing",
    "missing reference picture",
    "co located pocs unavailable",
    "illegal short term buffer state",
)
"""What a decoder says that begins with a recovery point, or was told to pass over frames that others refer to.

Neither happens in a copy whose index lists IDR pictures only.
"""

Rows = Sequence[Mapping[str, Any]]
"""ffprobe's list of packets and frames."""


@dataclass(frozen=True)
class Places:
    """Where the samples of a file are looked at: its first second, its middle, and from its last key frame on.

    The middle begins at the key frame before it, so that there is a frame even where pictures are seldom; the end
    goes on to the last packet unless that is absurdly far. A file that is short, or one group of pictures, is looked at
    as a whole: its end can't be decoded without the rest.
    """

    begin_s: float
    duration_s: float
    picture: int
    """The number of the stream with the picture."""
    second: int
    """About how many packets a second has."""
    group: int
    """More packets than a group of pictures can have."""
    is_whole: bool
    names: tuple[str, ...] = _NAMES
    begins_anew: bool = False
    """Whether nothing that is decoded from a key frame on may need what came before it."""

    @classmethod
    def of_result(cls, plan: Plan, duration_s: float) -> Self:
        """Return the places in a result that lasts so long."""
        in_a_second = _pictures_in_a_second(plan) + _sounds_in_a_second(plan)
        is_whole = duration_s < (_GROUP_WHOLE_BELOW_S if plan.has_one_group else _WHOLE_BELOW_S)
        begins_anew = plan.copies_picture and is_of_quicktime(plan.options.encoding.container)
        second, group = _second(in_a_second), _group(plan, in_a_second)
        return cls(0.0, duration_s, 0, second, group, is_whole, _names(plan, is_whole=is_whole), begins_anew)

    @classmethod
    def of_source(cls, plan: Plan, duration_s: float) -> Self:
        """Return the same places in the picture of its source, for a look that passes over all other streams."""
        rate = _pictures_in_a_second(plan)
        in_a_second = rate + _sounds_in_a_second(plan)
        second = math.ceil(_second(in_a_second) * rate / in_a_second) + _MIXED_UNEVENLY
        index, is_whole = plan.picture.stream.index, duration_s < _WHOLE_BELOW_S
        names = _names(plan, is_whole=is_whole)
        return cls(plan.info.start_s, duration_s, index, second, _group(plan, rate), is_whole, names)

    @property
    def intervals(self) -> str:
        """Return them as ffprobe understands them."""
        if self.is_whole:
            return f"%+#{self.group}"
        parts = len(self.names) - 1
        starts_s = [self.begin_s + self.duration_s * number / parts for number in range(1, parts)]
        inner = [f"{start_s:.3f}%+#{self.second}" for start_s in starts_s]
        return ",".join([f"%+#{self.second}", *inner, f"{_AFTER_THE_END_S}%+#{self.group}"])

    def cut(self, rows: Rows) -> Iterator[list[Mapping[str, Any]]]:
        """Cut the list into the places, of which the last may take several."""
        return self._thirds(rows) if self.is_whole else self._windows(rows)

    def _thirds(self, rows: Rows) -> Iterator[list[Mapping[str, Any]]]:
        """Cut the list of a whole file by time: its decoders are emptied at the very end only.

        Where packets are few, the thirds overlap.
        """
        times_s = sorted(_at_s(row) for row in rows if _is(row, "packet", self.picture))
        length = max(math.ceil(len(times_s) / 3), _FEWEST_PACKETS)
        for begin in (0, (len(times_s) - length) // 2, len(times_s) - length):
            from_s = times_s[begin] if begin > 0 else -math.inf
            to_s = times_s[begin + length] if 0 <= begin < len(times_s) - length else math.inf
            yield [row for row in rows if from_s <= _at_s(row) < to_s]

    def _windows(self, rows: Rows) -> Iterator[list[Mapping[str, Any]]]:
        """Cut the list where ffprobe went to another place: when it had its number of packets, or at the end.

        Decoders are emptied before each such place, so that its frames all stand before the next one's packets. The end
        is cut into several, too, where it is longer than a second.
        """
        window: list[Mapping[str, Any]] = []
        packets, before_s = 0, -math.inf
        for row in rows:
            if row.get("type") == "packet":
                is_picture = row.get("stream_index") == self.picture
                if packets == self.second or (is_picture and -math.inf < _at_s(row) <= before_s):
                    yield window
                    window, packets, before_s = [], 0, -math.inf
                packets += 1
                before_s = max(before_s, _at_s(row)) if is_picture else before_s
            window.append(row)
        yield window


def decoding_flags(plan: Plan, places: Places) -> list[str]:
    """Return what makes ffprobe decode these places, and list packets and frames.

    Frames that no other needs are passed over; of x264's own, whose groups are a chain of P-frames with at most 16
    others in between, all that are not of the chain. That is half of the rest: 1.0 s instead of 2.0 for 10 s of 720p.
    """
    is_ours = plan.options.encoding.video_codec is VideoCodec.X264 and not plan.copies_picture
    return [*_CHEAPLY, "bidir" if is_ours else "noref", "-threads", str(plan.threads), *_listing(places)]


def listing_flags(places: Places) -> list[str]:
    """Return what makes ffprobe list packets with their hashes, and decode all but pictures that need others."""
    return ["-skip_frame:v", "nokey", *_HASHES, *_listing(places)]


def picture_decoding_flags(plan: Plan, places: Places) -> list[str]:
    """Return what makes ffprobe decode a picture alone, beside its copy, and list its packets with their hashes."""
    one_less = replace(plan, threads=max(1, plan.threads - 1))  # which the copy takes
    return ["-select_streams", str(places.picture), *_HASHES, *decoding_flags(one_less, places)]


def _listing(places: Places) -> list[str]:
    return ["-read_intervals", places.intervals, "-show_packets", "-show_frames", "-show_entries", _ENTRIES]


def picture_hashes(rows: Rows, places: Places) -> list[frozenset[str]]:
    """Return the hashes of the picture's packets in each place."""
    return [
        frozenset(str(row.get("data_hash")) for row in place if _is(row, "packet", places.picture))
        for place in places.cut(rows)
    ]


def picture_faults(rows: Rows, picture: StreamInfo, places: Places) -> list[str]:
    """Return what is wrong with the decoded pictures of a file; nothing when all is well."""
    frames = [sum(_is(row, "frame", picture.index) for row in place) for place in places.cut(rows)]
    faults = [
        f"Not one picture can be decoded {name}."
        for number, name in enumerate(places.names)
        if number >= len(frames) or not frames[number]
    ]
    return faults + _change_faults(rows, picture)


def sound_faults(rows: Rows, sounds: Sequence[StreamInfo]) -> list[str]:
    """Return which sound tracks can't be decoded in any place."""
    heard = {row.get("stream_index") for row in rows if row.get("type") == "frame"}
    return [
        f"Nothing of sound track {number} can be decoded."
        for number, sound in enumerate(sounds, 1)
        if sound.index not in heard
    ]


def complaint_faults(complaints: str, places: Places) -> list[str]:
    """Return what ffprobe complained of while it decoded, if it was more than what a start in the middle brings."""
    harmless = _HARMLESS if places.begins_anew else (*_HARMLESS, *_OF_MISSING_FRAMES)
    spoken = [line for line in complaints.splitlines() if line.strip()]
    lines = [line for line in spoken if not any(sign in line.lower() for sign in harmless)]
    return [last_words("\n".join(lines))] if lines else []


def _names(plan: Plan, *, is_whole: bool) -> tuple[str, ...]:
    return _NAMES_IN_A_COPY if plan.copies_picture and not is_whole else _NAMES


def _pictures_in_a_second(plan: Plan) -> float:
    known = plan.picture.stream.average_rate
    return min(_FASTEST_RATE, float(known)) if known else _USUAL_RATE


def _sounds_in_a_second(plan: Plan) -> float:
    return sum(sound.sample_rate / AAC_FRAME_SAMPLES for sound in plan.sounds)


def _second(in_a_second: float) -> int:
    return min(math.ceil(in_a_second) + _SPARE_PACKETS, _MOST_PACKETS)


def _group(plan: Plan, in_a_second: float) -> int:
    longest_s = max(_LONGEST_GROUP_S, _LONGEST_GROUP_FRAMES / _pictures_in_a_second(plan))
    return min(math.ceil(longest_s * in_a_second) + _SPARE_PACKETS, _MOST_PACKETS)


def _change_faults(rows: Rows, picture: StreamInfo) -> list[str]:
    """Return whether pictures differ from what the stream as a whole is said to be."""
    pictures = [row for row in rows if _is(row, "frame", picture.index)]
    sizes = {(row.get("width"), row.get("height")) for row in pictures}
    formats = {row.get("pix_fmt") for row in pictures}
    faults = ["The size of the pictures changes on the way."] if sizes - {(picture.width, picture.height)} else []
    faults += ["The pixel format changes on the way."] if len(formats) > 1 else []
    return faults + (["There are interlaced pictures."] if any(row.get("interlaced_frame") for row in pictures) else [])


def _is(row: Mapping[str, Any], kind: str, stream: int) -> bool:
    return row.get("type") == kind and row.get("stream_index") == stream


def _at_s(row: Mapping[str, Any]) -> float:
    """Return when a packet is decoded or a frame is shown; what has no time stands at the beginning."""
    try:
        return float(row["dts_time" if row.get("type") == "packet" else "pts_time"])
    except (KeyError, ValueError):
        return -math.inf
