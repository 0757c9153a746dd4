"""Corrects in a result's index what ffmpeg's MP4 writer gets wrong, and finds copied pictures that play badly.

It takes for a sync sample (`stss`) whatever the source calls a key frame. Where groups of pictures are open, these are
recovery points, too, though only an IDR picture is one (ISO/IEC 14496-15), and a seek to another ends playback in
Chromium. The standard's place for recovery points, sample groups named "rap ", is not used: Chromium reads files by
ffmpeg's library, which would take them for sync samples again.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from video_to_mp4.jobs.encoding import AudioCodec, VideoCodec
from video_to_mp4.media import h264
from video_to_mp4.media.copying import MOST_SHIFTED_S, is_shifted
from video_to_mp4.media.failure import ends_all_attempts
from video_to_mp4.media.faststart import was_too_small
from video_to_mp4.media.guard import size_bytes
from video_to_mp4.media.mp4_boxes import Box, Movie, SampleTable
from video_to_mp4.media.plan import Plan
from video_to_mp4.media.sound import AAC_FRAME_SAMPLES, Sound
from video_to_mp4.media.sound_clock import SoundClock
from video_to_mp4.media.target import is_of_quicktime
from video_to_mp4.process import Exit

LONGEST_WAY_S = 15.0
"""Farthest that two sync samples may lie apart once recovery points are none any more.

A seek decodes what lies between: at most 360 pictures at 24 a second, which in 1080p at 10 Mbit/s took 4.6 s of
processor time where this was measured: 1.2 s on four processors, and half of that on average.
"""

_NO_BEGINNING = "it does not begin with a picture that stands for itself"
_RARE_BEGINNINGS = "it can be entered in few places only, so that players could not seek"
_ENABLED = 1


def complete(partial: Path, plan: Plan, ended: Exit) -> Plan | None:
    """Correct the index of a result that ffmpeg has just written; return the plan to try instead, if one is needed.

    Nothing is done to what is no MP4, or has no index: whether that is right is found out by the check of the result.
    """
    if not is_of_quicktime(plan.options.encoding.container) or ends_all_attempts(ended.code, ended.stderr):
        return None
    if was_too_small(ended.stderr) or not size_bytes(partial):
        return None  # the index has holes, or nothing was written at all
    movie = Movie.read(partial)
    if movie is None:
        return None
    before = bytes(movie.data)
    obstacle = _keep_true_sync_samples(movie, partial) if _has_copied_h264(plan) else ""
    is_picture_bad = bool(obstacle) and plan.options.encoding.video_codec is not VideoCodec.COPY
    shifted = _shifted_sounds(movie, plan)
    if is_picture_bad or shifted:
        other = plan.without_copied_picture(obstacle) if is_picture_bad else plan
        return other.without_shifts(shifted)
    _enable_as_in_source(movie, plan)
    if movie.data != before:
        movie.write(partial)
    return None


def _has_copied_h264(plan: Plan) -> bool:
    return plan.copies_picture and plan.picture.stream.codec == "h264"


def _keep_true_sync_samples(movie: Movie, path: Path) -> str:
    """Leave IDR pictures alone in the list of sync samples; return why the copy plays badly, if it does."""
    picture = _picture(movie)
    if picture is None:
        return ""
    table = SampleTable.read(movie, picture)
    kept = _idr_pictures(table, path, _length_bytes(movie, picture))
    if not kept or kept[0] != 1:
        return _NO_BEGINNING
    if len(kept) == len(table.sync):
        return ""
    ways_s = [after - before for before, after in pairwise(table.times_s([*kept, table.count]))]
    if not table.has_sync_list or max(ways_s, default=0.0) > LONGEST_WAY_S:
        return _RARE_BEGINNINGS
    if len(table.sync) - len(kept) == 1 and movie.room == len(movie.data):
        kept = kept[:-1]  # no box fits into the four bytes of a single entry, and one place more to seek to is no loss
    content = struct.pack(f">II{len(kept)}I", 0, len(kept), *kept)
    movie.replace(b"mdia", b"minf", b"stbl", b"stss", within=picture, content=content)
    return ""


def _picture(movie: Movie) -> Box | None:
    """Return the track of the picture, which is always the first of the command: the writer numbers by that."""
    return next((track for track in movie.tracks() if movie.number_of(track) == 1), None)


def _idr_pictures(table: SampleTable, path: Path, length_bytes: int) -> Sequence[int]:
    """Return the numbers of those sync samples that are what they are said to be."""
    numbers = array("I")
    with path.open("rb") as file:
        for number, (place, size) in zip(table.sync, table.places(table.sync), strict=False):
            if h264.begins_anew(file.fileno(), place, size, length_bytes=length_bytes):
                numbers.append(number)
    return numbers


def _length_bytes(movie: Movie, picture: Box) -> int:
    """Return in how many bytes the length of each unit is stored: ISO/IEC 14496-15, lengthSizeMinusOne."""
    described = movie.content(b"mdia", b"minf", b"stbl", b"stsd", within=picture)
    place = described.find(b"avcC")
    found = described[place + 8 : place + 9] if place >= 0 else b""
    return (found[0] & 3) + 1 if found else 4


def _shifted_sounds(movie: Movie, plan: Plan) -> frozenset[int]:
    """Return the source's numbers of sound tracks that players would play out of sync, and that can be mended.

    The durations in the index are the distances between packets, so that holes are in them, though players that do not
    look at times play one packet after the other. Copies of large sources have them, of which nobody has seen all
    packets before, and sound whose format changes on the way.
    """
    mendable = [sound for sound in plan.sounds if sound.codec is AudioCodec.AAC and not sound.packet_filters]
    sounds = {sound.stream.index: sound for sound in mendable}
    tracks = [(track, movie.number_of(track)) for track in movie.tracks()]
    copies = [(t, sounds.get(plan.mapped[number - 1])) for t, number in tracks if 1 <= number <= len(plan.mapped)]
    return frozenset(sound.stream.index for track, sound in copies if sound and _is_shifted(movie, track, sound, plan))


def _is_shifted(movie: Movie, track: Box, sound: Sound, plan: Plan) -> bool:
    table = SampleTable.read(movie, track)
    packet_s = AAC_FRAME_SAMPLES / sound.sample_rate
    if table.shift_s(packet_s) <= MOST_SHIFTED_S:
        return False  # which needs no look at each packet
    clock = SoundClock(sound.stream, plan.info)
    for at_s in table.times_s(range(1, table.count + 1)):
        clock.add(at_s, packet_s)
    times = clock.times(is_complete=True)
    return times is not None and is_shifted(times)


def _enable_as_in_source(movie: Movie, plan: Plan) -> None:
    """Say of each track whether it is played by default: the writer enables the first of each kind if none is."""
    tracks = [(track, movie.number_of(track)) for track in movie.tracks()]
    enabled = plan.without(plan.unwritten({number for _, number in tracks})).enabled
    for track, number in tracks:
        place = movie.find(b"tkhd", within=track)
        if place and 1 <= number <= len(plan.mapped):
            is_enabled = plan.mapped[number - 1] in enabled
            flags = place[-1].content + 3
            movie.data[flags] = movie.data[flags] & ~_ENABLED | (_ENABLED if is_enabled else 0)
