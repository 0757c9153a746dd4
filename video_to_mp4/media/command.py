"""Writes a plan as the command line of ffmpeg, by ffmpeg-python."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import ffmpeg as ffmpeg_python

from video_to_mp4.jobs.encoding import VideoCodec
from video_to_mp4.media.colour import untagging_options
from video_to_mp4.media.faststart import reserved_bytes
from video_to_mp4.media.guard import file_address, input_options
from video_to_mp4.media.target import MUXERS, SUBTITLE_ENCODERS, is_of_quicktime, picture_encoder

if TYPE_CHECKING:
    from video_to_mp4.media.plan import Plan
    from video_to_mp4.media.prepared import Prepared
    from video_to_mp4.media.sound import Sound

_LOCATION_SIGNS = ("location", "xyz", "gps", "iso6709")
_SUBTITLE_TIME_BASE = "1/1000"
_TINY_S = 0.001
_ALWAYS_EMPTIED = ("location", "location-eng")


def build(plan: Plan, source: Path, partial: Path, prepared: Prepared, ffmpeg: str) -> list[str]:
    """Return the argv that makes the plan's result of the source, and of the files that were prepared beside it.

    ffmpeg writes `-progress` blocks to stdout every 0.25 s. Errors of decoding never end it (`-max_error_rate 1.0`):
    what comes of them is judged by the result.
    """
    # mp4 is muxed with relative names of nothing else, so the partial's own name decides nothing either.
    opened = ffmpeg_python.input(file_address(source), **_input_options(plan))
    streams = [opened[str(index)] for index in (plan.picture.stream.index, *(s.stream.index for s in plan.sounds))]
    files = [_of_ours(prepared.captions[caption.index].file, "srt")["0"] for caption in plan.captions]
    if prepared.chapters is not None:
        files.append(_of_ours(prepared.chapters, "ffmetadata")["s?"])  # a file without any stream
    # The inputs have their numbers by the order of the streams: the source, the subtitles, the chapters.
    chapters = "-1" if prepared.chapters is None else str(len(files))
    options = _output_options(plan, prepared) | {"map_chapters": chapters}
    output = ffmpeg_python.output(*streams, *files, file_address(partial), **options)
    argv = cast("list[str]", ffmpeg_python.compile(output, cmd=[ffmpeg, *_global_flags(plan)], overwrite_output=False))
    # ffmpeg-python can't say an option twice, and each tag needs its own -metadata.
    return [*argv[:-1], *_caption_tags(plan), *_emptied_tags(plan), *_asked_tags(plan), argv[-1]]


def _of_ours(file: Path, demuxer: str) -> Any:
    """Return an input that was written by us, as one format and nothing else."""
    guarded = {"protocol_whitelist": "file", "format_whitelist": demuxer, "format": demuxer}
    return ffmpeg_python.input(file_address(file), **guarded)


def _global_flags(plan: Plan) -> list[str]:
    flags = ["-hide_banner", "-nostdin", "-y", "-v", "warning", "-progress", "pipe:1", "-nostats"]
    flags += ["-stats_period", "0.25", "-max_error_rate", "1.0"]
    return [*flags, "-filter_threads", str(plan.threads)] if plan.threads else flags


def _input_options(plan: Plan) -> dict[str, str]:
    options = input_options(plan.info.container)
    if plan.threads:
        options["threads"] = str(plan.threads)
    if plan.concessions.steady_audio_filters:
        options["reinit_filter:a"] = "0"
    if plan.concessions.without_colours:
        options |= untagging_options(plan.picture.stream)
    extra, lead_s = plan.options.encoding.extra, plan.info.lead_s
    times: dict[str, float | None] = {"ss": extra.start_s, "to": extra.end_s}
    if not extra.is_cut or (plan.picture.stream.has_browser_delays and not plan.copies_picture):
        times = {"itsoffset": -lead_s or None}
    elif lead_s:
        times = {"ss": lead_s + (extra.start_s or 0.0), "to": None if extra.end_s is None else lead_s + extra.end_s}
    return options | {name: f"{time_s:.6f}" for name, time_s in times.items() if time_s is not None}


def _output_options(plan: Plan, prepared: Prepared) -> dict[str, str]:
    container = plan.options.encoding.container
    options = {
        "format": MUXERS[container],
        "map_metadata": "0",
        "max_muxing_queue_size": "4096",
    }
    if is_of_quicktime(container):
        reserved = reserved_bytes(plan, prepared)
        options |= {"movflags": "+faststart"} if reserved is None else {"moov_size": str(reserved)}
        options["write_tmcd"] = "0"
        if plan.shape_marks:
            options["strict"] = "unofficial"  # which is what ffmpeg calls the boxes for them
    options |= _copy_options(plan) if plan.copies_picture else _picture_options(plan)
    for number, sound in enumerate(plan.sounds):
        options |= _sound_options(number, sound)
    if plan.captions:
        options |= _caption_options(plan)
    return options | _track_names(plan) | _asked_options(plan)


def _caption_options(plan: Plan) -> dict[str, str]:
    container = plan.options.encoding.container
    options = {"c:s": SUBTITLE_ENCODERS[container]}
    if is_of_quicktime(container):
        # In the microseconds that ffmpeg counts in of itself, MP4's 32 bits hold a pause of 35 min 47 s at most.
        options["time_base:s"] = _SUBTITLE_TIME_BASE
    flags = [("+".join(sorted(caption.dispositions)) or "0") for caption in plan.captions]
    return options | {f"disposition:s:{number}": flag for number, flag in enumerate(flags)}


def _caption_tags(plan: Plan) -> list[str]:
    """Return what says again of a subtitle track what its source says: it comes from a file of ours."""
    has_handlers = is_of_quicktime(plan.options.encoding.container)
    tags: list[str] = []
    for number, caption in enumerate(plan.captions):
        title = {"handler_name": caption.title or caption.handler} if has_handlers else {"title": caption.title}
        for name, text in ({"language": caption.language} | title).items():
            tags += [f"-metadata:s:s:{number}", f"{name}={text}"] if text else []
    return tags


def _asked_options(plan: Plan) -> dict[str, str]:
    """Return what a program asked for in ffmpeg's own words; an index at the beginning is always written."""
    asked = dict(plan.options.encoding.extra.output)
    asked.pop("map_chapters", None)  # the plan's own chapters are those that were asked for
    if "movflags" in asked:
        flags = dict.fromkeys(["faststart", *asked["movflags"].strip("+").split("+")])
        asked["movflags"] = "".join(f"+{flag}" for flag in flags)
    return asked


def _track_names(plan: Plan) -> dict[str, str]:
    """MP4 has no title for a track; its handler's name is what players show."""
    if not is_of_quicktime(plan.options.encoding.container):
        return {}
    titles = [(f"metadata:s:a:{number}", sound.stream.title) for number, sound in enumerate(plan.sounds)]
    return {option: f"handler_name={title}" for option, title in titles if title}


def _copy_options(plan: Plan) -> dict[str, str]:
    """Copy the picture, without what must not be shown of its end, and let it say what only its container said.

    MP4 has a place for a full range beside colours only, and ffmpeg writes none where these are unknown.
    """
    stream, filters = plan.picture.stream, []
    if stream.hides_its_end and stream.end_s is not None:
        # The first packet that is hidden begins when the last one that is shown ends.
        filters.append(f"noise=amount=0:drop=gte(pts*tb\\,{stream.end_s - plan.info.start_s - _TINY_S:.6f})")
    if stream.codec == "h264" and stream.color_range == "pc" and not stream.has_own_range:
        filters.append("h264_metadata=video_full_range_flag=1")
    return {"c:v": "copy"} | ({"bsf:v": ",".join(filters)} if filters else {})


def _picture_options(plan: Plan) -> dict[str, str]:
    tick_s = plan.picture.time_base
    options = picture_encoder(plan.options, level=plan.picture.level, limit=plan.picture.limit) | {
        "filter:v": plan.picture.filters,
        # Always both: alone, the second made 420,135 frames of 63. A ratio is the one word that ffmpeg 5.1 to 9 share:
        # 9 refuses -1, and 6.0 refuses "demux".
        "fps_mode:v": "vfr",
        "enc_time_base:v": f"{tick_s.numerator}:{tick_s.denominator}",
    }
    if plan.middle_key_s is not None:
        options["force_key_frames:v"] = f"{plan.middle_key_s:.3f}"
    if plan.has_uneven_end and plan.options.encoding.video_codec in (VideoCodec.X264, VideoCodec.X265):
        options["bf:v"] = "0"
    if plan.picture.last_frame_s is not None and is_of_quicktime(plan.options.encoding.container):
        # MP4 keeps the distances between frames; how long the last one stays, only its packet's duration says. setts
        # counts in the muxer's ticks up to ffmpeg 6 and in the encoder's from then on, so both have to be the same, and
        # must be told to leave the times alone.
        ticks = round(plan.picture.last_frame_s / tick_s)
        options |= {"video_track_timescale": str(1 / tick_s), "bsf:v": f"setts=pts=PTS:dts=DTS:duration={ticks}"}
    if plan.threads:
        options["threads:v"] = str(plan.threads)
    return options


def _sound_options(number: int, sound: Sound) -> dict[str, str]:
    if sound.is_copied:
        return {f"c:a:{number}": "copy"}
    return {
        f"c:a:{number}": sound.codec.value,
        f"b:a:{number}": sound.bitrate,
        f"ar:a:{number}": str(sound.sample_rate),
        f"filter:a:{number}": sound.filters,
    } | ({f"bsf:a:{number}": sound.packet_filters} if sound.packet_filters else {})


def _emptied_tags(plan: Plan) -> list[str]:
    """Return what removes every tag that says where the video was taken."""
    if plan.keeps_location:
        return []
    found = [name for name in plan.info.tags if any(sign in name.lower() for sign in _LOCATION_SIGNS)]
    return [part for name in dict.fromkeys((*_ALWAYS_EMPTIED, *found)) for part in ("-metadata", f"{name}=")]


def _asked_tags(plan: Plan) -> list[str]:
    return [part for name, text in plan.options.encoding.extra.tags for part in ("-metadata", f"{name}={text}")]
