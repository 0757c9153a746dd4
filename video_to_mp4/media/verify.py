"""Says whether a result is what its plan promised. ffmpeg's exit code can't: it is 0 for inputs that are cut short."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from video_to_mp4 import process
from video_to_mp4.errors import (
    ConversionError,
    ConversionStalled,
    DamagedSource,
    NothingLeft,
    ProcessStalled,
    ResultUnverified,
)
from video_to_mp4.jobs.encoding import VideoCodec
from video_to_mp4.media.colour import HDR_TRANSFERS
from video_to_mp4.media.copied_picture import DecodedPicture
from video_to_mp4.media.copying import COPIED_PIXEL_FORMATS, COPIED_PROFILES
from video_to_mp4.media.failure import ends_all_attempts, explain, last_words, no_picture, not_killed, tells_of_damage
from video_to_mp4.media.frame_count import frame_remark
from video_to_mp4.media.guard import file_address, size_bytes
from video_to_mp4.media.info import MediaInfo, StreamInfo, parse_listing
from video_to_mp4.media.plan import Plan
from video_to_mp4.media.prepared import Prepared
from video_to_mp4.media.sampling import (
    Places,
    Rows,
    complaint_faults,
    decoding_flags,
    listing_flags,
    picture_faults,
    sound_faults,
)
from video_to_mp4.media.sound import OPUS_RATE, Sound
from video_to_mp4.media.target import CODEC_NAMES, MUXERS, is_of_quicktime, pixel_format
from video_to_mp4.media.timed_text import text_faults
from video_to_mp4.process import Exit

_SILENCE_LIMIT_S = 300.0
_LEEWAY_S = 0.5
_LEEWAY_SHARE = 0.02
_PICTURE_LEEWAY_S = 1.0
_PICTURE_LEEWAY_SHARE = 0.05


@dataclass(frozen=True)
class Verified:
    """What a result that passed is like."""

    size_bytes: int
    duration_s: float
    plan: Plan
    """The plan as it turned out: without the tracks of which nothing could be decoded."""
    warnings: tuple[str, ...] = ()
    """What was found out by the check, beside the plan's own warnings."""


async def judge(
    partial: Path,
    plan: Plan,
    ended: Exit,
    *,
    prepared: Prepared | None = None,
    decoding: Awaitable[DecodedPicture | None] | None = None,
    ffprobe: str = "ffprobe",
) -> Verified | Plan:
    """Say what an ffmpeg that has ended has brought: a verified result, or the plan to try instead.

    `prepared` is what the command read beside the source. `decoding` brings what was decoded of the source meanwhile;
    it is waited for only when there is something to compare with it. Raises what the user is to be told when neither is
    to be had. The exit code alone decides nothing: a damaged source can end with 1 and a whole result, a lost one with
    0.
    """
    if ends_all_attempts(ended.code, ended.stderr):
        raise explain(ended.code, ended.stderr, hide=(partial,))
    better = plan.fallback(ended)
    if better is not None:
        return better
    try:
        return await verify(partial, plan, prepared=prepared, decoding=decoding, stderr=ended.stderr, ffprobe=ffprobe)
    except (ResultUnverified, DamagedSource) as error:
        better = plan.fallback(ended, error)
        if better is not None:
            return better
        if ended.code != 0:
            raise explain(ended.code, ended.stderr, hide=(partial,)) from error
        raise


async def verify(
    partial: Path,
    plan: Plan,
    *,
    prepared: Prepared | None = None,
    decoding: Awaitable[DecodedPicture | None] | None = None,
    stderr: str = "",
    ffprobe: str = "ffprobe",
) -> Verified:
    """Check the result against its plan by a new probe, and decode its first, middle and last second.

    Of a copied picture two more are decoded.

    `stderr` is what ffmpeg complained of: a result that is shorter than the source's packets is accepted, with a
    warning, only when ffmpeg spoke of damage. Raises DamagedSource or UnknownCodec when there are no frames, and
    ResultUnverified, with what is wrong in `details`, when the result is not as planned.
    """
    result_bytes = size_bytes(partial)
    if not result_bytes:
        raise _nothing(plan, stderr, partial)
    look = await _look(partial, plan, decoding, ffprobe)
    result = look.result
    if _has_no_picture(result):
        raise _nothing(plan, stderr, partial)
    plan = plan.without(_missing(result, plan))
    faults = [*_faults(result, plan), *_duration_faults(result, plan, stderr)]
    if not faults:
        faults = text_faults(result, look.rows, plan, prepared or Prepared())
    if not faults and not _is_asked_copy(plan):
        faults = look.content_faults()
    if faults:
        raise ResultUnverified(details="\n".join(faults))
    warnings = (*_shortfalls(result, plan, stderr), *_sound_shortfalls(result, plan), *_lost_marks(result, plan))
    return Verified(result_bytes, _played_s(result), plan, warnings)


def _nothing(plan: Plan, stderr: str, partial: Path) -> ConversionError:
    """Return the error for a result without a picture: it is no damage if only a part was asked for."""
    error = no_picture(stderr, hide=(partial,))
    if plan.options.encoding.extra.is_cut and isinstance(error, DamagedSource):
        details = last_words(stderr, hide=(partial,))
        return NothingLeft("There is no picture in the part that was asked for.", details=details)
    return error


@dataclass(frozen=True)
class _Look:
    """What ffprobe says of a result."""

    result: MediaInfo
    rows: Rows
    """Packets and frames of the decoded places."""
    complaints: str
    places: Places
    is_picture_known: bool = False
    """Whether the picture's packets are those that were decoded in the source."""

    def content_faults(self) -> list[str]:
        """Return what is wrong with the decoded samples; nothing when all is well."""
        [picture] = self.result.of_kind("video")
        faults = [] if self.is_picture_known else picture_faults(self.rows, picture, self.places)
        faults += sound_faults(self.rows, self.result.of_kind("audio"))
        return [*faults, *complaint_faults(self.complaints, self.places)]


async def _look(partial: Path, plan: Plan, decoding: Awaitable[DecodedPicture | None] | None, ffprobe: str) -> _Look:
    """Read the result's streams and decode its places, in one go where its duration is known beforehand."""
    if _is_asked_copy(plan):
        return await _read(partial, ffprobe, [], Places.of_result(plan, 0.0))
    duration_s = plan.picture_duration_s or plan.duration_s
    if duration_s is None:
        look = await _read(partial, ffprobe, [], Places.of_result(plan, 0.0))
        duration_s = look.result.claimed_duration_s or 0.0
    places = Places.of_result(plan, duration_s)
    decoded = await decoding if decoding is not None else None
    if decoded is not None:
        look = await _read(partial, ffprobe, listing_flags(places), places)
        if decoded.is_in(look.result, look.rows, places):
            return replace(look, is_picture_known=True)
    look = await _read(partial, ffprobe, decoding_flags(plan, places), places)
    if look.result.streams:
        return look
    streams = await _read(partial, ffprobe, [], places)  # it gives up where it can't read all of the windows
    return replace(streams, rows=look.rows, complaints=look.complaints)


async def _read(partial: Path, ffprobe: str, decoding: Sequence[str], places: Places) -> _Look:
    argv = [ffprobe, "-v", "error", "-hide_banner", *decoding, "-of", "json=compact=1"]
    argv += ["-show_format", "-show_streams", "-show_chapters", file_address(partial)]
    try:
        ended = await process.run(argv, silence_limit_s=_SILENCE_LIMIT_S)
    except ProcessStalled as error:
        raise ConversionStalled("Checking the result did not come to an end.") from error
    not_killed(ended)
    complaints = last_words(ended.stderr, hide=(partial,), lines=len(ended.stderr))
    result, rows = await asyncio.to_thread(
        parse_listing, ended.stdout, size_bytes=size_bytes(partial) or 0, complaints=complaints
    )
    return _Look(result, rows, complaints, places)


def _has_no_picture(result: MediaInfo) -> bool:
    """Say whether a muxer got no frame to write, and left the track out or empty.

    How many frames ffmpeg says that it wrote is no sign: 7.0 says nothing of a stream that is copied.
    """
    return bool(result.container) and not any(track.frames != 0 for track in result.of_kind("video"))


def _missing(result: MediaInfo, plan: Plan) -> frozenset[int]:
    """Return the source's numbers of the sound tracks and subtitles that the muxer left out for want of a sample."""
    if not is_of_quicktime(plan.options.encoding.container):
        return frozenset()
    return plan.unwritten({track.track_id for track in result.streams})


def _faults(result: MediaInfo, plan: Plan) -> list[str]:
    container = plan.options.encoding.container
    if not result.is_in(MUXERS[container]):
        return [f"The result is no {container.value}.", last_words(result.complaints)]
    faults = _count_faults(result, plan)
    if faults:
        return faults
    if not _is_asked_copy(plan):
        faults += _picture_faults(_picture(result), plan)
    for track, sound in zip(result.of_kind("audio"), plan.sounds, strict=True):
        faults += _sound_faults(track, sound)
    faults += _default_faults(result, plan)
    if not plan.keeps_location and any("location" in name for name in result.tags):
        faults.append("The result says where it was taken.")
    return faults


def _count_faults(result: MediaInfo, plan: Plan) -> list[str]:
    planned = {"video": 1, "audio": len(plan.sounds), "subtitle": len(plan.captions)}
    found = {
        "video": len(result.of_kind("video")),
        "audio": len(result.of_kind("audio")),
        "subtitle": len(result.of_kind("subtitle")),
    }
    return [
        f"The result has {found[kind]} {kind} tracks instead of {planned[kind]}."
        for kind in planned
        if found[kind] != planned[kind]
    ]


def _picture_faults(track: StreamInfo, plan: Plan) -> list[str]:
    source, picture, is_copied = plan.picture.stream, plan.picture, plan.copies_picture
    size = (source.width, source.height) if is_copied else (picture.width, picture.height)
    checks = (
        ("codec", track.codec, (CODEC_NAMES[plan.options.encoding.video_codec],)),
        ("profile", track.profile, COPIED_PROFILES if is_copied else _profiles(track, plan)),
        ("pixel format", track.pixel_format, COPIED_PIXEL_FORMATS if is_copied else (pixel_format(plan.options),)),
        ("size", (track.width, track.height), (size,)),
        ("shape of pixels", track.pixel_shape or 1, (1,)),
        ("rotation", track.rotation, (source.rotation if is_copied else 0,)),
        ("colour range", track.color_range or "tv", (_planned_range(track, plan),)),
        ("transfer function", track.color_transfer in HDR_TRANSFERS, (False,)),
        ("language", track.language, (source.language, "")),
    )
    return [f"The picture's {what} is {found}." for what, found, allowed in checks if found not in allowed]


def _default_faults(result: MediaInfo, plan: Plan) -> list[str]:
    """Return which tracks of an MP4 are switched on or off against the plan."""
    if not is_of_quicktime(plan.options.encoding.container):
        return []
    tracks = (*result.of_kind("audio"), *result.of_kind("subtitle"))
    sources = (*(sound.stream for sound in plan.sounds), *plan.captions)
    return [
        f"Track {track.index} is {'on' if track.is_default else 'off'} by default."
        for track, source in zip(tracks, sources, strict=True)
        if track.is_default != (source.index in plan.enabled)
    ]


def _planned_range(track: StreamInfo, plan: Plan) -> str:
    """Return the range that players have to see; what was asked for in an encoder's words is not judged."""
    if plan.copies_picture:
        return plan.picture.stream.color_range or "tv"
    return "tv" if plan.options.encoding.is_plain else track.color_range or "tv"


def _is_asked_copy(plan: Plan) -> bool:
    """Tell whether the picture had to be copied, whatever it is: then its packets are the source's, good or bad."""
    return plan.options.encoding.video_codec is VideoCodec.COPY


def _profiles(track: StreamInfo, plan: Plan) -> tuple[str, ...]:
    """Return which profiles the picture may have: ours, or whatever comes of what was asked for."""
    return ("High",) if plan.options.encoding.is_plain else (track.profile,)


def _sound_faults(track: StreamInfo, sound: Sound) -> list[str]:
    checks = (
        ("codec", track.codec, (sound.stream.codec if sound.is_copied else CODEC_NAMES[sound.codec],)),
        ("number of channels", track.channels, (sound.channels,)),
        ("sample rate", track.sample_rate, (OPUS_RATE if track.codec == "opus" else sound.sample_rate,)),
        ("language", track.language, (sound.stream.language, "")),
    )
    return [f"The {what} of sound track {track.index} is {found}." for what, found, good in checks if found not in good]


def _duration_faults(result: MediaInfo, plan: Plan, stderr: str) -> list[str]:
    planned_s, found_s = plan.duration_s, _played_s(result)
    if planned_s is None or (_is_asked_copy(plan) and plan.options.encoding.extra.is_cut):
        return []  # a copy begins at the key frame before the cut
    whole_s = max(found_s, result.claimed_duration_s or 0.0)  # subtitles and chapters make a film no longer
    longest_s = max(planned_s, _perhaps_s(plan, stderr))
    is_too_long = whole_s > longest_s + _leeway_s(longest_s) + _asked_frame_s(plan)
    is_too_short = found_s < planned_s - _leeway_s(planned_s)
    if is_too_long or (is_too_short and (plan.copies_picture or not tells_of_damage(stderr))):
        lasts_s = whole_s if is_too_long else found_s
        return [f"The result lasts {lasts_s:.2f} s instead of {planned_s:.2f} s."]
    return []


def _perhaps_s(plan: Plan, stderr: str) -> float:
    """Return how long the result of a damaged source may be: all that the source claims can turn out to be readable."""
    is_damaged = tells_of_damage(stderr) or tells_of_damage(plan.info.complaints)
    return plan.info.claimed_duration_s or 0.0 if is_damaged else 0.0


def _asked_frame_s(plan: Plan) -> float:
    """Return how long a frame is at a rate that was asked for: the last one may reach over the end."""
    rate = plan.options.encoding.rate
    return float(1 / rate) if rate is not None else 0.0


def _shortfalls(result: MediaInfo, plan: Plan, stderr: str) -> tuple[str, ...]:
    """Return what the user is told of a result that is shorter than its source, or has fewer frames, by whose fault."""
    planned_s, found_s = plan.duration_s, _played_s(result)
    if planned_s is not None and found_s < planned_s - _leeway_s(planned_s):
        return (f"The source is damaged: {found_s:.1f} s of {planned_s:.1f} s could be read.",)
    picture_s, planned_picture_s = _end_s(_picture(result)), plan.picture_duration_s
    remark = frame_remark(plan, _picture(result).frames, stderr)
    remarks = (remark,) if remark else ()
    if planned_picture_s is None or not tells_of_damage(stderr):
        return remarks
    if picture_s >= planned_picture_s - _PICTURE_LEEWAY_S - _PICTURE_LEEWAY_SHARE * planned_picture_s:
        return remarks
    return (f"The source is damaged: the picture ends after {picture_s:.1f} s of {planned_picture_s:.1f} s.",)


def _sound_shortfalls(result: MediaInfo, plan: Plan) -> tuple[str, ...]:
    """Return what the user is told of sound tracks that end before their packets in the source do."""
    remarks = []
    for number, (track, sound) in enumerate(zip(result.of_kind("audio"), plan.sounds, strict=True), 1):
        planned_s, found_s = plan.sound_duration_s(sound), _end_s(track)
        if planned_s is not None and track.duration_s and found_s < planned_s - _leeway_s(planned_s):
            name = f"{number} ({sound.stream.language})" if sound.stream.language else f"{number}"
            remarks.append(f"Sound track {name} is damaged: {found_s:.1f} s of {planned_s:.1f} s could be read.")
    return tuple(remarks)


def _lost_marks(result: MediaInfo, plan: Plan) -> tuple[str, ...]:
    """Return what the user is told of marks on the picture's shape that the result does not have."""
    lost = sorted(plan.shape_marks - _picture(result).side_data)
    return (
        (f"What marks the picture as 360° or 3D could not be kept ({', '.join(lost)}): players show it flat.",)
        if lost
        else ()
    )


def _leeway_s(duration_s: float) -> float:
    return _LEEWAY_S + _LEEWAY_SHARE * duration_s


def _played_s(result: MediaInfo) -> float:
    """Return when the last picture or sound ends; subtitles may go on after it."""
    tracks = (*result.of_kind("video"), *result.of_kind("audio"))
    if not any(track.duration_s for track in tracks):
        return result.claimed_duration_s or 0.0  # Matroska knows no track's duration
    return max(_end_s(track) for track in tracks)


def _end_s(track: StreamInfo) -> float:
    return (track.start_s or 0.0) + (track.duration_s or 0.0)


def _picture(result: MediaInfo) -> StreamInfo:
    return result.of_kind("video")[0]
