"""What programs ask for explicitly is what they get, in every container and codec."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from clips import AAC, H264, TONE, make_clip, picture, run_ffmpeg
from conversion import Conversion, convert, look_at
from video_to_mp4.errors import CopyImpossible, NothingLeft
from video_to_mp4.jobs.encoding import AudioCodec, Encoding, VideoCodec, check
from video_to_mp4.jobs.model import Options, Quality, Resolution


async def made(clip: Path, asked: dict[str, Any], **words: Any) -> Conversion:
    return await convert(clip, Options(encoding=Encoding.model_validate(asked), **words))


@pytest.mark.parametrize(
    ("container", "video", "audio"),
    [
        ("mp4", "libx264", "aac"),
        ("mp4", "libx265", "aac"),
        ("mp4", "libsvtav1", "libopus"),
        ("mp4", "libvpx-vp9", "aac"),
        ("mov", "libx264", "aac"),
        ("mov", "libx265", "none"),
        ("mkv", "libx264", "libopus"),
        ("mkv", "libx265", "aac"),
        ("mkv", "libsvtav1", "aac"),
        ("mkv", "libvpx-vp9", "libopus"),
        ("webm", "libvpx-vp9", "libopus"),
        ("webm", "libsvtav1", "libopus"),
    ],
)
async def test_every_codec_in_every_container(tmp_path: Path, container: str, video: str, audio: str) -> None:
    """Codec, container, size and duration are checked by the same check as those of the page's own."""
    asked = {"container": container, "video": {"codec": video}, "audio": {"codec": audio}}
    result = await made(make_clip(tmp_path, "h264_ac3_mkv"), asked, quality=Quality.STANDARD)
    names = {"libx264": "h264", "libx265": "hevc", "libsvtav1": "av1", "libvpx-vp9": "vp9", "libopus": "opus"}
    codecs = [stream["codec_name"] for stream in result.streams]
    assert codecs == [names[video], *([names.get(audio, audio)] if audio != "none" else [])]
    found = look_at(result.path)["format"]
    assert ("mp4" if container in ("mp4", "mov") else "matroska") in found["format_name"]
    assert float(found["duration"]) == pytest.approx(2.0, abs=0.1)
    assert result.warnings == ()
    assert result.percents == sorted(result.percents)


async def test_the_contracts_example(tmp_path: Path) -> None:
    """Crf with a bit rate means: this good, but not more."""
    asked = {
        "video": {"codec": "libx264", "crf": 23, "bitrate": "3M", "fps": 30, "scale": "1280:720"},
        "audio": {"codec": "aac", "bitrate": "192k"},
        "extra_args": ["-movflags", "+faststart"],
    }
    result = await made(make_clip(tmp_path, "h264_ac3_mkv"), asked)
    [track] = result.of_kind("video")
    assert (track["width"], track["height"], track["r_frame_rate"]) == (1280, 720, "30/1")
    argv = result.plan.argv(Path("/s"), Path("/r"))
    for flag, value in (("-crf", "23"), ("-maxrate", "3M"), ("-bufsize", "6000000"), ("-b:a:0", "192k")):
        assert argv[argv.index(flag) + 1] == value


@pytest.mark.parametrize(
    ("scale", "size"),
    [("640:480", (640, 480)), ("-2:120", (160, 120)), ("640:-1", (640, 480)), ("100:200", (100, 200))],
)
async def test_an_exact_size(tmp_path: Path, scale: str, size: tuple[int, int]) -> None:
    """Up, down and out of shape: it was asked for."""
    result = await made(make_clip(tmp_path, "h264_ac3_mkv"), {"video": {"scale": scale}}, quality=Quality.STANDARD)
    [track] = result.of_kind("video")
    assert (track["width"], track["height"]) == size


async def test_a_bit_rate_alone(tmp_path: Path) -> None:
    """A mean, and no constant quality beside it."""
    clip = make_clip(tmp_path, "ten_seconds_mp4")
    result = await made(clip, {"video": {"bitrate": "200k"}, "extra_args": ["-preset", "veryfast"]})
    assert "-crf" not in result.plan.argv(Path("/s"), Path("/r"))
    assert int(result.of_kind("video")[0]["bit_rate"]) == pytest.approx(200_000, rel=0.5)


async def test_a_copy_that_was_asked_for_is_the_source_bit_by_bit(tmp_path: Path) -> None:
    """Whatever it is, as long as the container can have it; nothing is encoded instead."""
    clip = make_clip(tmp_path, "hevc_10_bit_mkv")
    result = await made(clip, {"video": {"codec": "copy"}, "audio": {"codec": "copy"}})
    [track] = result.of_kind("video")
    assert (track["codec_name"], track["pix_fmt"], result.runs) == ("hevc", "yuv420p10le", 1)
    assert [fate.action for fate in result.plan.fates] == ["copy"] * len(result.plan.fates)


@pytest.mark.parametrize(
    ("clip", "asked"),
    [
        ("h264_ac3_mkv", {"container": "webm", "video": {"codec": "copy"}}),
        ("h264_ac3_mkv", {"container": "webm", "audio": {"codec": "copy"}}),
        ("vp8_vorbis_webm", {"video": {"codec": "copy"}}),
        ("wmv2_wmav2_wmv", {"container": "mov", "video": {"codec": "copy"}}),
    ],
)
async def test_a_copy_that_can_not_be_is_an_error_that_says_so(
    tmp_path: Path, clip: str, asked: dict[str, Any]
) -> None:
    """Nobody gets an encoded picture who asked for the source's own."""
    with pytest.raises(CopyImpossible, match="can't be copied into"):
        await made(make_clip(tmp_path, clip), asked)


@pytest.mark.parametrize("container", ["mp4", "mkv"])
@pytest.mark.parametrize(
    ("args", "duration_s"),
    [(["-ss", "3"], 7.0), (["-t", "2.5"], 2.5), (["-ss", "4", "-to", "6"], 2.0), (["-ss", "8", "-t", "60"], 2.0)],
)
async def test_a_part_of_the_source(tmp_path: Path, container: str, args: list[str], duration_s: float) -> None:
    """Exactly cut, and checked to be as long as it should be."""
    asked = {"container": container, "extra_args": args}
    result = await made(make_clip(tmp_path, "ten_seconds_mp4"), asked)
    assert float(look_at(result.path)["format"]["duration"]) == pytest.approx(duration_s, abs=0.15)
    assert result.warnings == ()


async def test_a_part_that_is_not_there_is_an_error_that_says_so(tmp_path: Path) -> None:
    """Not «damaged»."""
    with pytest.raises(NothingLeft):
        await made(make_clip(tmp_path, "ten_seconds_mp4"), {"extra_args": ["-ss", "60"]})


async def test_a_copied_part_begins_at_a_key_frame(tmp_path: Path) -> None:
    """So it may be longer than asked for, which is no fault."""
    asked = {"video": {"codec": "copy"}, "audio": {"codec": "copy"}, "extra_args": ["-ss", "3.5", "-t", "2"]}
    result = await made(make_clip(tmp_path, "ten_seconds_mp4"), asked)
    assert 1.9 <= float(look_at(result.path)["format"]["duration"]) <= 4.1


@pytest.mark.parametrize(
    ("args", "found"),
    [
        (["-pix_fmt", "yuv420p10le"], {"pix_fmt": "yuv420p10le", "profile": "High 10"}),
        (["-profile:v", "baseline"], {"profile": "Constrained Baseline"}),
        (["-level", "4.2"], {"level": 42}),
        (["-pix_fmt", "yuv444p", "-preset", "ultrafast"], {"pix_fmt": "yuv444p"}),
        (["-bf", "0", "-g", "10", "-tune", "film", "-refs", "2", "-keyint_min", "5"], {"has_b_frames": 0}),
        (["-maxrate", "500k", "-bufsize", "1M"], {}),
    ],
)
async def test_encoder_flags_reach_the_encoder(tmp_path: Path, args: list[str], found: dict[str, Any]) -> None:
    """And take the place of ours."""
    asked = {"video": {"codec": "libx264"}, "extra_args": args}
    result = await made(make_clip(tmp_path, "h264_ac3_mkv"), asked, quality=Quality.STANDARD)
    [track] = result.of_kind("video")
    assert {name: track[name] for name in found} == found


async def test_sound_flags(tmp_path: Path) -> None:
    """Channels, rate, and none at all; what was not asked for is no loss."""
    clip = make_clip(tmp_path, "h264_ac3_mkv")
    result = await made(clip, {"extra_args": ["-ac", "1", "-ar", "22050"]})
    [sound] = result.of_kind("audio")
    assert (sound["channels"], sound["sample_rate"]) == (1, "22050")
    silent = await made(clip, {"extra_args": ["-an"]})
    assert (silent.of_kind("audio"), silent.warnings) == ([], ())
    assert [fate.why for fate in silent.plan.fates if fate.kind == "audio"] == ["was not asked for"]


async def test_tags(tmp_path: Path) -> None:
    """New ones are written as they are, old ones can be left out, the place is never told."""
    clip = make_clip(tmp_path, "h264_ac3_mkv")
    args = ["-map_metadata", "-1", "-metadata", "title=A=b; -i c", "-metadata", "artist=Ö 🎬"]
    result = await made(clip, {"extra_args": args})
    tags = look_at(result.path)["format"]["tags"]
    assert (tags["title"], tags["artist"]) == ("A=b; -i c", "Ö 🎬")


async def test_what_plays_everywhere_is_still_copied_where_nothing_is_said_against_it(tmp_path: Path) -> None:
    """Another container, tags, no sound: no reason to encode the picture."""
    clip = make_clip(tmp_path, "h264_aac_mp4")
    for asked in ({"container": "mov"}, {"container": "mkv"}, {"extra_args": ["-an"]}, {"audio": {"codec": "libopus"}}):
        result = await made(clip, asked, quality=Quality.AUTO)
        assert result.plan.copies_picture, asked


async def test_the_pages_words_go_with_another_codec(tmp_path: Path) -> None:
    """A resolution and a quality mean the same for each."""
    asked = {"video": {"codec": "libvpx-vp9"}, "container": "webm"}
    clip = make_clip(tmp_path, "watched_h264_ac3_mkv")
    result = await made(clip, asked, quality=Quality.STANDARD, resolution=Resolution.SD)
    assert result.of_kind("video")[0]["height"] == 480


@pytest.mark.parametrize("container", ["mov", "mkv", "webm"])
async def test_subtitles_go_along(tmp_path: Path, container: str) -> None:
    """As the container has them."""
    (tmp_path / "s.srt").write_text("1\n00:00:00,100 --> 00:00:00,800\nPříliš žluťoučký kůň\n")
    source = tmp_path / "source.mkv"
    run_ffmpeg([*picture(), "-i", tmp_path / "s.srt", *H264, "-t", "1", source])
    result = await made(source, {"container": container}, quality=Quality.STANDARD)
    names = {"mov": "mov_text", "mkv": "subrip", "webm": "webvtt"}
    assert [stream["codec_name"] for stream in result.of_kind("subtitle")] == [names[container]]


_CORNERS = [
    {"video": {"crf": 0}},
    {"video": {"crf": 0}, "extra_args": ["-level", "4.0"]},
    {"video": {"crf": 0}, "extra_args": ["-profile:v", "high444"]},
    {"video": {"codec": "libvpx-vp9", "crf": 0, "scale": "2:2"}},
    {"video": {"bitrate": "1k"}},
    {"video": {"bitrate": "1000M"}},
    {"video": {"bitrate": "1000M", "crf": 30}},
    {"video": {"codec": "libx265", "bitrate": "1000M", "crf": 30}},
    {"video": {"codec": "libsvtav1", "bitrate": "100M"}},
    {"video": {"fps": 0.1}},
    {"video": {"fps": 1}},
    {"video": {"fps": 240}},
    {"container": "webm", "video": {"fps": 0.1}},
    {"video": {"fps": 1}, "extra_args": ["-t", "0.01"]},
    {"video": {"scale": "2:8192"}},
    {"video": {"codec": "libx265", "scale": "16:16"}},
    {"video": {"codec": "libsvtav1", "scale": "64:64"}},
    {"video": {"codec": "libx265"}, "extra_args": ["-bf", "16", "-preset", "ultrafast"]},
    {"video": {"codec": "libx265"}, "extra_args": ["-refs", "6", "-preset", "ultrafast"]},
    {"video": {"codec": "libx264"}, "extra_args": ["-refs", "16", "-bf", "16", "-level", "6.2"]},
    {"video": {"codec": "libx264"}, "extra_args": ["-maxrate", "1k", "-bufsize", "1k"]},
    {"video": {"codec": "libx264"}, "extra_args": ["-maxrate", "1000M", "-bufsize", "1000M"]},
    {"video": {"codec": "libvpx-vp9", "bitrate": "100k"}, "extra_args": ["-maxrate", "200k", "-bufsize", "1k"]},
    {"audio": {"bitrate": "1k"}, "extra_args": ["-ac", "6"]},
    {"audio": {"bitrate": "1000M"}, "extra_args": ["-ac", "1"]},
    {"audio": {"codec": "libopus", "bitrate": "1k"}},
    {"audio": {"codec": "libopus", "bitrate": "1000M"}},
    {"audio": {"codec": "libopus", "bitrate": "1000M"}, "extra_args": ["-ac", "6", "-ar", "8000"]},
    {"extra_args": ["-t", "0.000001"]},
    {"extra_args": ["-ss", "0.000001"]},
    {"container": "webm", "extra_args": ["-t", "0.000001"]},
]


@pytest.mark.parametrize("asked", _CORNERS, ids=str)
async def test_every_corner_of_what_is_accepted_converts(tmp_path: Path, asked: dict[str, Any]) -> None:
    """The least and the most of each number; what no encoder takes is refused before (tests/unit/jobs)."""
    check(Encoding.model_validate(asked), encoders={*VideoCodec, *AudioCodec})
    clip = tmp_path / "source.mkv"
    run_ffmpeg([*picture("64x64"), *TONE, *H264, *AAC, "-t", "0.4", clip])
    result = await made(clip, asked, quality=Quality.STANDARD)
    assert result.warnings == ()
    assert len(result.of_kind("audio")) == 1


@pytest.mark.parametrize(
    "asked", [{"video": {"codec": "copy"}, "extra_args": ["-t", "0.001"]}, {"extra_args": ["-ss", "1.999"]}]
)
async def test_a_part_without_a_picture_is_no_damage(tmp_path: Path, asked: dict[str, Any]) -> None:
    """The source is fine; too little of it was asked for."""
    with pytest.raises(NothingLeft):
        await made(make_clip(tmp_path, "h264_aac_mkv"), asked)
