"""What becomes of each stream, and the command that says it to ffmpeg: a row for each rule."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from media_facts import media, other, picture, sound
from video_to_mp4.errors import NothingLeft, NoVideoTrack, ResultUnverified
from video_to_mp4.jobs.encoding import Encoding
from video_to_mp4.jobs.model import Options, Quality, Resolution
from video_to_mp4.media import fates
from video_to_mp4.media.fallback import COPY_GIVEN_UP
from video_to_mp4.media.guard import CONTAINERS
from video_to_mp4.media.info import Chapter, DolbyVision, MediaInfo, SoundTimes, StreamInfo
from video_to_mp4.media.plan import Plan, make_plan
from video_to_mp4.media.prepared import Caption, Prepared
from video_to_mp4.process import Exit

HIGH = Options(quality=Quality.HIGH)
AUTO = Options(quality=Quality.AUTO)
SOURCE, PARTIAL = Path("/data/s"), Path("/data/j/1/result.partial")


def argv(info: MediaInfo, options: Options = HIGH, **more: Any) -> list[str]:
    plan = make_plan(info, options, **more)
    captions = {caption.index: Caption(Path(f"/data/j/1/{caption.index}.srt"), ()) for caption in plan.captions}
    prepared = Prepared(captions, Path("/data/j/1/chapters.txt") if plan.chapters else None)
    return plan.argv(SOURCE, PARTIAL, prepared=prepared, ffmpeg="/usr/bin/ffmpeg")


def options_of(command: list[str]) -> dict[str, str]:
    """Return the options with a value, by name; the last one of a name counts."""
    return {name: value for name, value in zip(command, command[1:], strict=False) if name.startswith("-")}


def actions(plan: Plan) -> list[tuple[int, str, str]]:
    return [(fate.index, fate.kind, fate.action) for fate in plan.fates]


def test_the_whole_command_of_a_plain_conversion() -> None:
    """Safety flags stand before the source, the source and the result are absolute file: addresses, the result last."""
    assert argv(media()) == [
        "/usr/bin/ffmpeg", "-hide_banner", "-nostdin", "-y", "-v", "warning", "-progress", "pipe:1", "-nostats",
        "-stats_period", "0.25", "-max_error_rate", "1.0",
        "-analyzeduration", "20M",
        "-format_whitelist",
        ",".join(CONTAINERS),
        "-max_pixels", "67108864", "-probesize", "50M", "-protocol_whitelist", "file",
        "-i", "file:/data/s",
        "-map", "0:0", "-map", "0:1", "-f", "mp4",
        "-ar:a:0", "48000", "-b:a:0", "160k", "-bufsize", "4000000", "-c:a:0", "aac", "-c:v", "libx264", "-crf", "18",
        "-enc_time_base:v", "1:1000",
        "-filter:a:0", "aresample=async=1:min_hard_comp=0.010,aformat=channel_layouts=stereo",
        "-filter:v",
        "setparams=color_primaries=unknown:color_trc=unknown:colorspace=unknown,"
        "scale=1920:1080:out_range=tv,format=yuv420p,setsar=1,"
        "setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709",
        "-force_key_frames:v", "29.500",
        "-fps_mode:v", "vfr", "-level:v", "4.0", "-map_chapters", "-1", "-map_metadata", "0",
        "-max_muxing_queue_size", "4096", "-maxrate", "400000", "-movflags", "+faststart",
        "-preset", "slow", "-profile:v", "high", "-write_tmcd", "0",
        "-metadata", "location=", "-metadata", "location-eng=", "file:/data/j/1/result.partial",
    ]  # fmt: skip


def test_a_picture_of_several_groups_gets_a_key_frame_in_its_middle() -> None:
    """So its middle second is decoded when the result is checked, not one that lies up to 10 s before it."""
    long, short = picture(packets=251, end_s=10.04), picture(packets=250, end_s=10.0)
    assert options_of(argv(media(long)))["-force_key_frames:v"] == "4.520"
    assert "-force_key_frames:v" not in argv(media(short))
    assert "-force_key_frames:v" not in argv(media(long), Options(quality=Quality.AUTO))


@pytest.mark.parametrize(
    ("quality", "crf", "preset"),
    [
        (Quality.STANDARD, "28", "fast"),
        (Quality.HIGH, "18", "slow"),
        (Quality.MAXIMUM, "15", "veryslow"),
        (Quality.AUTO, "18", "slow"),
    ],
)
def test_a_quality_is_a_crf_and_a_preset(quality: Quality, crf: str, preset: str) -> None:
    """The page's words have fixed meanings; Auto encodes what it can't copy as High does."""
    found = options_of(argv(media(picture(codec="hevc", profile="Main"), sound()), Options(quality=quality)))
    assert (found["-crf"], found["-preset"]) == (crf, preset)


SOUND_ROWS: list[tuple[dict[str, Any], str, str, str]] = [
    # facts, layout, bit rate, sample rate
    ({"channels": 1, "channel_layout": "mono"}, "mono", "96k", "48000"),
    ({"channels": 2, "channel_layout": "stereo"}, "stereo", "160k", "48000"),
    ({"channels": 2, "channel_layout": ""}, "stereo", "160k", "48000"),
    ({"channels": 6, "channel_layout": ""}, "5.1", "384k", "48000"),
    ({"channels": 6, "channel_layout": "5.1(side)"}, "5.1", "384k", "48000"),
    ({"channels": 8, "channel_layout": "7.1"}, "5.1", "384k", "48000"),
    ({"channels": 16, "channel_layout": ""}, "stereo", "160k", "48000"),
    ({"channels": 4, "channel_layout": "quad"}, "5.0", "384k", "48000"),
    ({"channels": 4, "channel_layout": "4.0"}, "4.0", "384k", "48000"),
    ({"channels": 3, "channel_layout": "2.1"}, "5.1", "384k", "48000"),
    ({"sample_rate": 96_000}, "stereo", "160k", "48000"),
    ({"sample_rate": 44_100}, "stereo", "160k", "44100"),
    ({"sample_rate": 8_000}, "stereo", "160k", "8000"),
    ({"sample_rate": 5_512}, "stereo", "160k", "48000"),
    ({"sample_rate": 37_800}, "stereo", "160k", "44100"),
]


@pytest.mark.parametrize(("facts", "layout", "bitrate", "rate"), SOUND_ROWS)
def test_every_sound_track_becomes_aac_in_a_layout_that_is_named(
    facts: dict[str, Any], layout: str, bitrate: str, rate: str
) -> None:
    """The layout goes by the number of channels, at most 5.1, and no speaker is lost that AAC can carry."""
    found = options_of(argv(media(picture(), sound(codec="ac3", **facts))))
    assert f",aformat=channel_layouts={layout}" in found["-filter:a:0"]
    assert (found["-b:a:0"], found["-ar:a:0"]) == (bitrate, rate)


@pytest.mark.parametrize(("start_s", "is_filled"), [(10.0, False), (10.03, False), (11.5, True), (None, True)])
def test_the_time_before_a_sound_track_that_starts_late_is_filled(start_s: float | None, is_filled: bool) -> None:
    """Only then: it would be filled again whenever the sound's format changes on the way."""
    found = options_of(argv(media(picture(), sound(start_s=start_s), start_s=10.0)))
    assert ("first_pts=0" in found["-filter:a:0"]) is is_filled


FATE_ROWS: list[tuple[StreamInfo, str, str]] = [
    (sound(index=1, codec="ac3"), "encode", ""),
    (sound(index=1, codec="", is_decodable=False), "drop", "Left out: 1 sound track that can't be read (unknown)."),
    (sound(index=1, channels=0), "drop", "Left out: 1 sound track that can't be read (aac)."),
    (sound(index=1, packets=0), "drop", "Left out: 1 sound track that can't be read (aac)."),
    (other("subtitle", 1, "subrip", language="cze"), "encode", ""),
    (other("subtitle", 1, "ass"), "encode", ""),
    (other("subtitle", 1, "webvtt"), "encode", ""),
    (other("subtitle", 1, "mov_text"), "encode", ""),
    (
        other("subtitle", 1, "hdmv_pgs_subtitle", language="eng"),
        "drop",
        "Left out: 1 subtitle track of pictures instead of text (PGS, eng).",
    ),
    (
        other("subtitle", 1, "dvd_subtitle"),
        "drop",
        "Left out: 1 subtitle track of pictures instead of text (VobSub).",
    ),
    (
        other("subtitle", 1, "dvb_teletext", language="ger"),
        "drop",
        "Left out: 1 subtitle track that MP4 can't carry (teletext, ger).",
    ),
    (other("data", 1, "", codec_tag="tmcd"), "drop", "Left out: 1 data track (tmcd)."),
    (other("attachment", 1, "ttf"), "drop", "Left out: 1 attachment (ttf)."),
    (picture(index=1, codec="mjpeg", is_cover=True), "drop", "Left out: 1 cover picture (mjpeg)."),
    (picture(index=1, width=320, height=240), "drop", "Left out: 1 further video track (h264)."),
]


@pytest.mark.parametrize(("stream", "action", "warning"), FATE_ROWS)
def test_nothing_is_dropped_without_being_told(stream: StreamInfo, action: str, warning: str) -> None:
    """Each stream has a fate with a reason, and each loss a sentence."""
    plan = make_plan(media(picture(), stream), HIGH)
    fate = plan.fates[1]
    assert (fate.index, fate.action) == (1, action)
    assert fate.why
    assert plan.warnings == ((warning,) if warning else ())
    assert (1 in plan.mapped) == (action == "encode")


def test_losses_of_one_kind_are_one_sentence() -> None:
    """A disc with twenty subtitle tracks does not fill the row with twenty warnings."""
    kinds = [("hdmv_pgs_subtitle", "eng"), ("hdmv_pgs_subtitle", "ger"), ("dvd_subtitle", "eng")]
    tracks = [other("subtitle", n, codec, language=tag) for n, (codec, tag) in enumerate([*kinds, kinds[0]], 1)]
    assert make_plan(media(picture(), *tracks), HIGH).warnings == (
        "Left out: 4 subtitle tracks of pictures instead of text (PGS, eng (2), ger; VobSub, eng).",
    )


def test_the_track_that_names_the_chapters_is_no_loss() -> None:
    """QuickTime keeps chapters in a text track of their own; the chapters themselves are carried over."""
    chapters = (Chapter(0, 30, "a"), Chapter(30, 60, "b"))
    plan = make_plan(media(picture(), other("data", 1, "bin_data", codec_tag="text"), chapters=chapters), HIGH)
    assert plan.warnings == ()
    assert plan.fates[1].action == "drop"


def test_every_sound_track_and_text_subtitle_is_mapped_by_its_number_after_the_picture() -> None:
    """Streams are never left to ffmpeg's choice: a source may begin with its sound."""
    info = media(
        sound(index=0, language="eng"), other("subtitle", 1, "subrip"), picture(index=2), sound(index=3), sound(index=4)
    )
    command = argv(info)
    assert [command[n + 1] for n, part in enumerate(command) if part == "-map"] == ["0:2", "0:0", "0:3", "0:4", "1:0"]
    assert options_of(command)["-c:s"] == "mov_text"


def test_subtitles_and_chapters_come_from_files_of_ours_which_can_be_nothing_else() -> None:
    """Each is read as its one format, and says of its track what the source says."""
    forced = other("subtitle", 1, "subrip", language="cze", dispositions=frozenset({"forced", "default"}))
    plain = other("subtitle", 2, "ass")
    command = argv(media(picture(), forced, plain, chapters=(Chapter(0, 30),)))
    inputs = [command[n + 1] for n, part in enumerate(command) if part == "-i"]
    assert inputs == ["file:/data/s", "file:/data/j/1/1.srt", "file:/data/j/1/2.srt", "file:/data/j/1/chapters.txt"]
    assert [command[n + 1] for n, part in enumerate(command) if part == "-format_whitelist"][1:] == [
        "srt", "srt", "ffmetadata",
    ]  # fmt: skip
    found = options_of(command)
    assert (found["-disposition:s:0"], found["-disposition:s:1"]) == ("default+forced", "0")
    assert found["-metadata:s:s:0"] == "language=cze"
    assert (found["-map_chapters"], found["-time_base:s"]) == ("3", "1/1000")


def test_a_film_does_not_end_early_because_its_subtitles_end_late() -> None:
    """The container lasts until its last line; picture and sound are the film."""
    late = other("subtitle", 1, "subrip", end_s=90.0)
    assert make_plan(media(picture(end_s=60.0), late, claimed_duration_s=90.0), HIGH).warnings == ()
    early = other("subtitle", 1, "subrip", end_s=55.0)
    plan = make_plan(media(picture(end_s=60.0), early, claimed_duration_s=90.0), HIGH)
    assert plan.warnings == ("The source ends early: 60.0 s of 90.0 s.",)


def test_streams_are_left_out_for_the_reason_that_was_found() -> None:
    """A fate says why, and the sentence beside it, too."""
    plan = make_plan(media(picture(), other("subtitle", 1, "mov_text")), HIGH)
    without = plan.without(frozenset({1}), fates.TELLS_PLACE).noting(("A note.",))
    assert without.fates[1].why == fates.TELLS_PLACE
    assert without.warnings == (
        "Left out: 1 subtitle track that says where the video was taken (mov_text).", "A note.",
    )  # fmt: skip
    assert without.noting(("A note.",)) is without


def test_titles_of_tracks_become_the_names_of_their_handlers() -> None:
    """MP4 has no title for a track; players show the handler's name."""
    command = argv(media(picture(), sound(title="a=b; 'c'"), other("subtitle", 2, "subrip", title="Čeština")))
    found = options_of(command)
    assert found["-metadata:s:a:0"] == "handler_name=a=b; 'c'"
    assert found["-metadata:s:s:0"] == "handler_name=Čeština"


def test_the_place_is_removed_unless_it_is_asked_to_be_kept() -> None:
    """Every tag that says where a video was taken is emptied, whatever its exact name."""
    info = media(tags={"title": "x", "location-cze": "+49+016/", "com.apple.quicktime.location.ISO6709": "+1+1/"})
    emptied = [part for part in argv(info) if part.endswith("=")]
    assert emptied == ["location=", "location-eng=", "location-cze=", "com.apple.quicktime.location.ISO6709="]
    assert "-metadata" not in argv(info, keeps_location=True)


def test_threads_are_told_to_decoder_filters_and_encoder_only_when_they_are_limited() -> None:
    """0 leaves it to ffmpeg, which takes all cores."""
    assert not [part for part in argv(media()) if "threads" in part]
    found = options_of(argv(media(), threads=1))
    assert (found["-threads"], found["-filter_threads"], found["-threads:v"]) == ("1", "1", "1")


@pytest.mark.parametrize(
    ("facts", "warning"),
    [
        ({"dolby_vision": DolbyVision(5, 0)}, "This is Dolby Vision profile 5, whose colours can't be converted"),
        ({"dolby_vision": DolbyVision(10, 0)}, "This is Dolby Vision profile 10, whose colours can't be converted"),
        ({"has_alpha": True}, "Transparency is lost"),
        ({"end_s": 19.5, "last_s": 19.46}, "The source ends early: 19.5 s of 60.0 s."),
    ],
)
def test_what_can_not_be_done_right_is_told(facts: dict[str, Any], warning: str) -> None:
    """Dolby Vision's profile 5, transparency, and sources that were cut short."""
    (told,) = make_plan(media(picture(**facts)), HIGH).warnings
    assert told.startswith(warning)


def test_the_duration_is_that_of_the_packets_from_the_start_of_the_file() -> None:
    """What the container claims counts only when no packet has a time; streams that are dropped don't count."""
    late = other("data", 2, "", end_s=900.0)
    info = media(picture(end_s=70.0), sound(end_s=71.5), late, start_s=10.0, claimed_duration_s=5.0)
    assert make_plan(info, HIGH).duration_s == 61.5
    assert make_plan(media(picture(end_s=None)), HIGH).duration_s == 60.0
    assert make_plan(media(picture(end_s=None), claimed_duration_s=None), HIGH).duration_s is None


def test_a_source_without_duration_is_no_part_that_is_missing() -> None:
    """A single frame may last no time at all; only who asks for a part can be told that there is none."""
    single_frame = media(picture(end_s=0.0), claimed_duration_s=0.0)
    assert make_plan(single_frame, HIGH).duration_s == 0
    after_the_end = Options(encoding=Encoding(extra_args=("-ss", "1")))
    with pytest.raises(NothingLeft):
        make_plan(single_frame, after_the_end)


def test_the_last_frame_of_a_slide_show_is_told_to_the_muxer() -> None:
    """Its duration is set on the packet, in a time base that is set, too."""
    found = options_of(argv(media(picture(last_s=55.0, average_rate=Fraction(1, 5)))))
    assert found["-video_track_timescale"] == "90000"
    assert found["-bsf:v"] == "setts=pts=PTS:dts=DTS:duration=450000"


@pytest.mark.parametrize(
    ("facts", "sound_end_s", "is_reordered"),
    [
        ({}, 0.0, True),
        ({"uneven_end_s": 9.0}, 0.0, False),
        ({"uneven_end_s": 9.0}, 60.0, True),
        ({"uneven_end_s": 0.05}, 0.0, True),
    ],
)
def test_a_pause_before_the_end_is_not_lost_by_reordering(
    facts: dict[str, Any], sound_end_s: float, is_reordered: bool
) -> None:
    """MP4 counts durations in the order of decoding; sound up to the end makes up for it."""
    found = options_of(argv(media(picture(**facts), sound(end_s=sound_end_s))))
    assert ("-bf:v" not in found) is is_reordered


def test_a_file_without_a_picture_has_no_plan() -> None:
    """The planner says it by itself: it can be asked about an info that probe has never seen."""
    with pytest.raises(NoVideoTrack):
        make_plan(media(sound()), HIGH)


# ---------------------------------------------------------------------------------------------- copy instead of encode

PICTURE_OBSTACLES: list[tuple[dict[str, Any], dict[str, Any]]] = [
    # facts of the stream, facts of the file
    ({"codec": "hevc", "profile": "Main"}, {}),
    ({"profile": "High 10"}, {}),
    ({"profile": "High 4:4:4 Predictive"}, {}),
    ({"profile": ""}, {}),
    ({"pixel_format": "yuv422p"}, {}),
    ({"pixel_format": "yuv420p10le"}, {}),
    ({"level": 60}, {}),
    ({"level": 0}, {}),
    ({"field_order": "tt"}, {}),
    ({"field_order": ""}, {}),
    ({"pixel_shape": Fraction(4, 3)}, {}),
    ({"has_absurd_shape": True, "pixel_shape": None}, {}),
    ({"width": 1919}, {}),
    ({"display_matrix": (-65536, 0, 0, 65536)}, {}),
    ({"display_matrix": (0, 131072, -65536, 0), "rotation": -90.0}, {}),
    ({"display_matrix": (0, 0, 0, 0)}, {}),
    ({"color_transfer": "smpte2084"}, {}),
    ({"color_primaries": "bt2020"}, {}),
    ({"parameter_sets": 2}, {}),
    ({"hidden_packets": 12}, {}),
    ({}, {"container": "mpegts"}),
    ({}, {"container": "asf"}),
    ({"has_b_frames": 2}, {"container": "avi"}),
]


@pytest.mark.parametrize(("stream", "file"), PICTURE_OBSTACLES)
def test_a_picture_that_would_not_play_everywhere_is_encoded_and_the_reason_told(
    stream: dict[str, Any], file: dict[str, Any]
) -> None:
    """One row for each condition of copying."""
    plan = make_plan(media(picture(**stream), **file), AUTO)
    assert not plan.is_remux
    assert plan.fates[0].action == "encode"
    assert plan.fates[0].why.startswith("becomes H.264: ")


@pytest.mark.parametrize(
    ("stream", "file"),
    [
        ({}, {}),
        ({}, {"container": "mov,mp4,m4a,3gp,3g2,mj2"}),
        ({}, {"container": "flv"}),
        ({"has_b_frames": 0}, {"container": "avi"}),
        ({"profile": "Constrained Baseline"}, {}),
        ({"profile": "Main", "level": 52}, {}),
        ({"pixel_format": "yuvj420p", "color_range": "pc"}, {}),
        ({"pixel_shape": None}, {}),
        ({"display_matrix": (0, 65536, -65536, 0), "rotation": -90.0}, {"container": "mov,mp4,m4a,3gp,3g2,mj2"}),
    ],
)
def test_a_picture_that_plays_everywhere_is_copied(stream: dict[str, Any], file: dict[str, Any]) -> None:
    """Auto at the original size means no needless loss."""
    plan = make_plan(media(picture(**stream), **file), AUTO)
    assert plan.is_remux
    found = options_of(plan.argv(SOURCE, PARTIAL))
    assert found["-c:v"] == "copy"
    assert "-filter:v" not in found
    assert "-crf" not in found


def test_a_smaller_resolution_or_another_quality_is_never_a_copy() -> None:
    """Standard, High and Maximum always encode; a box that is larger than the picture changes nothing."""
    assert not make_plan(media(), Options(quality=Quality.AUTO, resolution=Resolution.SD)).is_remux
    assert make_plan(media(), Options(quality=Quality.AUTO, resolution=Resolution.FULL_HD)).is_remux
    for quality in (Quality.STANDARD, Quality.HIGH, Quality.MAXIMUM):
        assert not make_plan(media(), Options(quality=quality)).copied


@pytest.mark.parametrize(
    ("facts", "container", "is_copied"),
    [
        ({}, "matroska,webm", True),
        ({}, "flv", True),
        ({"channels": 6, "channel_layout": "5.1"}, "matroska,webm", True),
        ({}, "mpegts", False),
        ({}, "avi", False),
        ({"codec": "ac3", "profile": ""}, "matroska,webm", False),
        ({"profile": "HE-AAC"}, "matroska,webm", False),
        ({"channels": 8, "channel_layout": "7.1"}, "matroska,webm", False),
        ({"channel_layout": ""}, "matroska,webm", False),
        ({"sample_rate": 96_000}, "matroska,webm", False),
        ({"sound_times": SoundTimes(60.0, 0.5, 0.0, are_false=False)}, "matroska,webm", False),
    ],
)
def test_sound_is_copied_or_encoded_apart_from_the_picture(
    facts: dict[str, Any], container: str, is_copied: bool
) -> None:
    """AAC-LC up to 5.1 and 48 kHz is copied, whatever becomes of the picture beside it."""
    for codec in ("h264", "vp9"):
        plan = make_plan(media(picture(codec=codec), sound(**facts), container=container), AUTO)
        assert plan.sounds[0].is_copied is is_copied
        assert plan.fates[1].action == ("copy" if is_copied else "encode")


# -------------------------------------------------------------------------------------------------------- second tries

ENDED_WELL = Exit(0, "", "")


def test_a_plan_that_worked_has_no_fallback() -> None:
    """Neither a copy nor an encode is repeated when ffmpeg had nothing to say."""
    assert make_plan(media(), AUTO).fallback(ENDED_WELL) is None
    assert make_plan(media(), HIGH).fallback(Exit(0, "", "[h264] error while decoding MB 1 2")) is None


@pytest.mark.parametrize(
    "line",
    [
        "Non-monotonous DTS in output stream 0:0",
        "[mov] Packet corrupt (stream = 0, dts = 7)",
        "[h264] Invalid NAL unit size",
        "[matroska] File ended prematurely",
        "[mp4] pts has no value, out of order",
        "[h264] No start code is found.",
        "[mov] st: 0 edit list: 1 Missing key frame",
        "[h264] decode_slice_header error",
        "[h264] missing picture in access unit",
        "[h264] SEI type 0 overread by 8 bits",
        "[h264] A non-intra slice in an IDR NAL unit.",
    ],
)
def test_a_copy_of_which_ffmpeg_complained_is_encoded_instead_and_the_user_is_told(line: str) -> None:
    """A copy exits with 0 whatever it made; its warnings tell more."""
    plan = make_plan(media(), AUTO).fallback(Exit(0, "", line))
    assert plan is not None
    assert not plan.copied
    assert plan.warnings == (COPY_GIVEN_UP,)
    assert plan.fallback(Exit(0, "", line)) is None


def test_a_copy_that_was_not_verified_is_encoded_instead() -> None:
    """The result decides."""
    plan = make_plan(media(), AUTO, threads=2, keeps_location=True).fallback(ENDED_WELL, ResultUnverified())
    assert plan is not None
    assert not plan.is_remux
    assert (plan.threads, plan.keeps_location) == (2, True)


@pytest.mark.parametrize("ended", [Exit(-9, "", ""), Exit(1, "", "av_write_frame(): No space left on device")])
def test_a_kill_or_a_full_disk_is_not_answered_with_more_work(ended: Exit) -> None:
    """Another plan would meet the same end."""
    assert make_plan(media(), AUTO).fallback(ended) is None
    assert make_plan(media(), AUTO).fallback(ended, ResultUnverified()) is None


def test_an_encode_that_was_not_verified_is_not_repeated() -> None:
    """The same work would give the same result."""
    assert make_plan(media(), HIGH).fallback(ENDED_WELL, ResultUnverified()) is None


def test_sound_whose_format_changes_is_tried_once_more_with_steady_filters() -> None:
    """Ffmpeg ends with 69 or 1 when a filter can't be set up anew; without that it reads on."""
    ended = Exit(69, "", "Error while processing the decoded data for stream #0:1")
    plan = make_plan(media(), HIGH).fallback(ended)
    assert plan is not None
    command = plan.argv(SOURCE, PARTIAL)
    assert command.index("-reinit_filter:a") < command.index("-i")
    assert plan.fallback(ended) is None


@pytest.mark.parametrize(
    "line",
    [
        "Cannot determine format of input stream 0:1 after EOF",
        "Error initializing output stream 0:1 -- Error while opening encoder for output stream #0:1",
        # 6.0
        "[aost#0:1/aac @ 0x1bf2] Error initializing output stream: Error while opening encoder for output stream #0:1",
        # 7.0
        "[aost#0:1/aac @ 0x3890] Error while opening encoder - maybe incorrect parameters such as bit_rate",
        "[af#0:1 @ 0x344f] Task finished with error code: -22 (Invalid argument)",
        # 8.1 and 9.0
        "Cannot determine format of input 0:1 after EOF",
        "[aost#0:1/aac @ 0x55bd] [enc:aac @ 0x55bd] Error while opening encoder - maybe incorrect parameters",
        "[af#0:1 @ 0x55c6] Error initializing filters!",
    ],
)
def test_a_sound_track_of_which_nothing_can_be_read_is_left_out_and_told(line: str) -> None:
    """One broken track must not cost the rest."""
    plan = make_plan(media(), HIGH).fallback(Exit(1, "", line))
    assert plan is not None
    assert actions(plan) == [(0, "video", "encode"), (1, "audio", "drop")]
    assert plan.warnings == ("Left out: 1 sound track that can't be read (aac).",)


def test_tracks_that_came_out_empty_are_told_as_lost() -> None:
    """A muxer exits with 0 and leaves out a track without a single sample."""
    plan = make_plan(media(picture(), sound(), other("subtitle", 2, "subrip")), HIGH).without(frozenset({1, 2}))
    assert plan.mapped == (0,)
    assert plan.warnings == (
        "Left out: 1 sound track that can't be read (aac).",
        "Left out: 1 subtitle track without any text (subrip).",
    )


def test_a_picture_of_which_nothing_can_be_read_has_no_second_try() -> None:
    """Without the picture there is no video."""
    ended = Exit(1, "", "Cannot determine format of input stream 0:0 after EOF")
    assert make_plan(media(), HIGH).fallback(ended) is None


# ------------------------------------------------------------------------------------------- the index at the front

HOUR_OF_FILM = {"size_bytes": 4_000_000_000, "claimed_duration_s": 3600.0}
HOUR = {"start_s": 0.0, "last_s": 3599.96, "end_s": 3600.0}


def hour(**facts: Any) -> MediaInfo:
    """Return an hour of film that only needs a new container."""
    return media(picture(**HOUR), sound(**HOUR), **{**HOUR_OF_FILM, **facts})


def test_a_large_remux_keeps_room_for_its_index_at_the_front() -> None:
    """To move the index there would be to read and write the whole film once more."""
    options = options_of(argv(hour(), AUTO))
    assert "-movflags" not in options
    samples = 3600 * 25 + 3600 * 48_000 / 1024
    assert 20 * samples < int(options["-moov_size"]) < 60 * samples


@pytest.mark.parametrize(
    ("info", "options"),
    [
        (media(), AUTO),
        (hour(), HIGH),
        (hour(size_bytes=200_000_000), AUTO),
        (hour(), Options(quality=Quality.AUTO, encoding=Encoding(extra_args=["-movflags", "+faststart"]))),
        (hour(), Options(quality=Quality.AUTO, encoding=Encoding(extra_args=["-t", "60"]))),
    ],
    ids=["small", "encoded", "a hundredth would be lost", "asked in ffmpeg's words", "a part of it"],
)
def test_every_other_result_has_its_index_moved(info: MediaInfo, options: Options) -> None:
    """Where that costs little, or the room would be guessed badly."""
    found = options_of(argv(info, options))
    assert "-moov_size" not in found
    assert "faststart" in found["-movflags"]


def test_an_index_that_did_not_fit_is_moved_and_nobody_need_know() -> None:
    """Ffmpeg ends with 0 then, and the file is worthless."""
    plan = make_plan(hour(), AUTO)
    again = plan.fallback(Exit(0, "", "[mp4] reserved_moov_size is too small, needed 530193 additional"))
    assert again is not None and again.is_remux and again.warnings == plan.warnings
    assert options_of(again.argv(SOURCE, PARTIAL))["-movflags"] == "+faststart"
