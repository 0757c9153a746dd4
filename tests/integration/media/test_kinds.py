"""Whatever a person would call a video converts, told by its content alone; what is none is refused by what it is."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from clips import AAC, H264, TONE, make_clip, picture, run_ffmpeg
from conversion import FAST, Conversion, convert, frame_of, look_at
from video_to_mp4.errors import NotAVideo, NoVideoTrack
from video_to_mp4.jobs.encoding import Encoding
from video_to_mp4.jobs.model import Options, Quality
from video_to_mp4.media.probe import probe

SMALL = picture("160x120")
BROADCAST = ("-f", "lavfi", "-i", "testsrc2=size=720x576:rate=25")
MPEG2 = ("-c:v", "mpeg2video", "-q:v", "4")
X265 = ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=error:no-vui-timing-info=1")

KINDS: dict[str, tuple[tuple[str, ...], int, int]] = {
    # What ffmpeg is told, frames, sound tracks.
    "gif": ((*SMALL, "-t", "1", "-f", "gif"), 25, 0),
    "apng": ((*SMALL, "-t", "1", "-f", "apng"), 25, 0),
    "y4m": ((*SMALL, "-t", "1", "-pix_fmt", "yuv420p", "-f", "yuv4mpegpipe"), 25, 0),
    "dv": (
        (*BROADCAST, *TONE, "-c:v", "dvvideo", "-pix_fmt", "yuv420p", "-ac", "2", "-t", "0.4", "-f", "dv"), 10, 1,
    ),
    "gxf": ((*BROADCAST, *TONE, *MPEG2, "-pix_fmt", "yuv420p", "-c:a", "pcm_s16le", "-t", "1", "-f", "gxf"), 25, 1),
    "nut": ((*SMALL, *TONE, *H264, *AAC, "-t", "1", "-f", "nut"), 25, 1),
    "wtv": ((*SMALL, *TONE, *MPEG2, "-c:a", "mp2", "-t", "1", "-f", "wtv"), 25, 1),
    "m4v": ((*SMALL, *TONE, *H264, *AAC, "-t", "1", "-f", "ipod"), 25, 1),
    "3g2": ((*SMALL, *TONE, *H264, *AAC, "-t", "1", "-f", "3g2"), 25, 1),
    "f4v": ((*SMALL, *TONE, *H264, *AAC, "-t", "1", "-f", "f4v"), 25, 1),
    "m2v": ((*SMALL, *MPEG2, "-bf", "2", "-t", "1", "-f", "mpeg2video"), 25, 0),
    "raw mpeg-4": ((*SMALL, "-c:v", "mpeg4", "-t", "1", "-f", "m4v"), 25, 0),
    "mjpeg": ((*SMALL, "-c:v", "mjpeg", "-t", "1", "-f", "mjpeg"), 25, 0),
    "mpjpeg": ((*SMALL, "-c:v", "mjpeg", "-t", "1", "-f", "mpjpeg"), 25, 0),
    "raw h264": ((*SMALL, "-c:v", "libx264", "-preset", "veryfast", "-bf", "3", "-t", "1", "-f", "h264"), 25, 0),
    "raw hevc": ((*SMALL, *X265, "-t", "1", "-f", "hevc"), 25, 0),
    "obu": ((*SMALL, "-c:v", "libaom-av1", "-cpu-used", "8", "-usage", "realtime", "-t", "0.4", "-f", "obu"), 10, 0),
}  # fmt: skip


@pytest.mark.parametrize("kind", list(KINDS))
async def test_a_video_of_any_kind_converts_whatever_it_is_called(tmp_path: Path, kind: str) -> None:
    """The server keeps a source without its name: the content alone says how it is read. No frame is lost."""
    args, frames, sounds = KINDS[kind]
    source = tmp_path / "source"
    run_ffmpeg([*args, source])
    done = await convert(source, Options(quality=Quality.AUTO))
    [result] = done.of_kind("video")
    assert int(result["nb_frames"]) == frames
    assert len(done.of_kind("audio")) == sounds
    assert done.verified.duration_s == pytest.approx(frames / 25, abs=0.06 if kind != "gxf" else 0.5)
    assert done.runs == 1


async def test_a_stream_without_a_container_plays_at_its_own_rate_or_says_what_was_assumed(tmp_path: Path) -> None:
    """x264 writes the rate into the stream; x265 was told not to, so nobody can know it."""
    told, untold = tmp_path / "told", tmp_path / "untold"
    run_ffmpeg([*picture("160x120", "50"), *H264, "-bf", "2", "-t", "1", "-f", "h264", told])
    run_ffmpeg([*picture("160x120", "50"), *X265, "-t", "1", "-f", "hevc", untold])
    done = await convert(told)
    assert (done.verified.duration_s, done.warnings) == (pytest.approx(1, abs=0.05), ())
    done = await convert(untold)
    assert done.verified.duration_s == pytest.approx(2, abs=0.05)
    assert done.warnings == ("The file doesn't say how fast it plays: 25 frames a second are assumed.",)


@pytest.mark.parametrize("kind", ["jpg", "png", "gif", "webp", "bmp", "tiff", "avif"])
async def test_a_picture_that_does_not_move_is_said_to_be_one(tmp_path: Path, kind: str) -> None:
    """Whatever it is called: a video of one frame would help nobody."""
    made, source = tmp_path / f"picture.{kind}", tmp_path / "film.mp4"
    encoder = ("-c:v", "libaom-av1", "-still-picture", "1", "-cpu-used", "8") if kind == "avif" else ()
    run_ffmpeg([*picture("64x64"), "-frames:v", "1", *encoder, made])
    made.rename(source)
    with pytest.raises(NotAVideo, match="This is a still picture, not a video"):
        await probe(source)


@pytest.mark.parametrize("kind", ["mp3", "flac", "wav", "aac", "ogg", "m4a", "wma", "mka"])
async def test_sound_alone_is_said_to_have_no_video(tmp_path: Path, kind: str) -> None:
    """Also where its container is none of those that videos have."""
    made, source = tmp_path / f"sound.{kind}", tmp_path / "film.mp4"
    run_ffmpeg([*TONE, "-t", "0.5", made])
    made.rename(source)
    with pytest.raises((NotAVideo, NoVideoTrack), match="no video track|sound recording"):
        await probe(source)


@pytest.mark.parametrize("seed", range(8))
async def test_bytes_without_meaning_are_no_video(tmp_path: Path, seed: int) -> None:
    """Streams without a container have weak signs: none of them may be found in what is nothing."""
    source = tmp_path / "film.h264"
    source.write_bytes(random.Random(seed).randbytes(300_000))
    with pytest.raises(NotAVideo):
        await probe(source)


@pytest.mark.parametrize(
    "text",
    ["YUV4MPEG2 is a format for pictures.\nFRAME by frame.\n" * 100, "--boundary\r\nContent-Type: text/x\r\n\r\n"],
)
async def test_a_text_with_the_words_of_a_container_is_no_video(tmp_path: Path, text: str) -> None:
    """Nothing of it comes out as pictures."""
    source = tmp_path / "film.y4m"
    source.write_text(text)
    with pytest.raises(NotAVideo):
        await probe(source)


def gif(path: Path, delays: list[int]) -> Path:
    """Write a GIF of three colours in turn, each with its own delay in hundredths of a second."""
    run_ffmpeg([*picture("32x32"), "-vf", "format=rgb8", "-frames:v", len(delays), "-f", "gif", path])
    data = bytearray(path.read_bytes())
    place = 0
    for delay in delays:
        place = data.index(b"\x21\xf9\x04", place) + 4
        data[place : place + 2] = delay.to_bytes(2, "little")
    path.write_bytes(bytes(data))
    return path


async def test_a_gif_plays_once_at_the_speed_that_browsers_give_it(tmp_path: Path) -> None:
    """A delay of 0 or 10 ms is shown as 100 ms, 20 ms and more as they are, the last frame included."""
    done = await convert(gif(tmp_path / "a.gif", [0, 2, 50, 1, 100, 1]))
    assert times_s(done) == pytest.approx([0, 0.1, 0.12, 0.62, 0.72, 1.72], abs=0.001)
    assert done.verified.duration_s == pytest.approx(1.82, abs=0.001)


async def test_an_apng_plays_once_at_the_speed_that_browsers_give_it(tmp_path: Path) -> None:
    """They disbelieve the same delays in all animated pictures: 0 and 10 ms are shown as 100 ms, 11 ms as it is."""
    pictures = [Image.new("RGB", (64, 48), colour) for colour in ("red", "lime", "blue", "white", "red")]
    pictures[0].save(
        tmp_path / "a.png", save_all=True, append_images=pictures[1:], duration=[10, 11, 500, 0, 40], blend=0
    )
    done = await convert(tmp_path / "a.png")
    assert times_s(done) == pytest.approx([0, 0.1, 0.111, 0.611, 0.711], abs=0.001)
    assert done.verified.duration_s == pytest.approx(0.751, abs=0.001)


@pytest.mark.parametrize(("asked", "shown_s"), [({}, [0.02, 0.12]), ({"video": {"fps": 10}}, [0, 0.1])])
async def test_a_part_of_a_gif_is_counted_by_the_same_times(
    tmp_path: Path, asked: dict[str, Any], shown_s: list[float]
) -> None:
    """Ten frames of 10 ms are shown for a second, of which 0.28 to 0.48 s has two."""
    cut = {"extra_args": ["-ss", "0.28", "-to", "0.48"]}
    done = await convert(gif(tmp_path / "a.gif", [1] * 10), Options(encoding=Encoding.model_validate(asked | cut)))
    assert times_s(done)[:2] == pytest.approx(shown_s, abs=0.03)
    assert done.verified.duration_s == pytest.approx(0.2, abs=0.11)


async def test_a_copied_gif_keeps_its_delays(tmp_path: Path) -> None:
    """How long it lasts is ffmpeg's affair then; nothing of it is called damaged."""
    asked = {"container": "mkv", "video": {"codec": "copy"}}
    done = await convert(gif(tmp_path / "a.gif", [1] * 50), Options(encoding=Encoding.model_validate(asked)))
    assert done.warnings == ()


def times_s(done: Conversion) -> list[float]:
    """Return when the frames of a result are shown."""
    rows = look_at(done.path, "-select_streams", "v", "-show_entries", "packet=pts_time")["packets"]
    return sorted(float(row["pts_time"]) for row in rows)


@pytest.mark.parametrize("kind", ["gif", "apng"])
async def test_what_is_transparent_in_an_animated_picture_becomes_white(tmp_path: Path, kind: str) -> None:
    """As on a page; what half shows through is mixed with white. An opaque one has no such warning."""
    source = tmp_path / "source"
    alpha = "geq=r=0:g=0:b=255:a='if(lt(X,32),0,255)'"
    filters = f"color=red:s=64x48:r=10:d=0.5,format=rgba,{alpha}"
    if kind == "gif":
        filters += ",split[a][b];[a]palettegen=reserve_transparent=1[p];[b][p]paletteuse"
    run_ffmpeg(["-f", "lavfi", "-i", filters, "-f", kind, source])
    done = await convert(source)
    frame = frame_of(done.path)
    assert (frame.word_at(0.25, 0.5), frame.word_at(0.75, 0.5)) == ("white", "blue")
    assert done.warnings == ("Transparent parts are white: MP4 has no transparency.",)
    run_ffmpeg([*picture("64x48"), "-t", "0.5", "-f", kind, source])
    assert (await convert(source, FAST)).warnings == ()


async def test_dv_of_wide_ntsc_keeps_its_shape_fields_and_sound(tmp_path: Path) -> None:
    """4:1:1 and interlaced, bottom field first; 16:9 in 720 columns."""
    source = tmp_path / "tape"
    fields = "-vf interlace=scan=bff,format=yuv411p -flags +ilme+ildct"
    run_ffmpeg(
        ["-f", "lavfi", "-i", "testsrc2=size=720x480:rate=60000/1001", *TONE, *fields.split(), "-c:v", "dvvideo",
         "-aspect", "16:9", "-ac", "2", "-t", "0.5", "-f", "dv", source]
    )  # fmt: skip
    done = await convert(source)
    [result] = done.of_kind("video")
    assert (result["width"], result["height"], result["field_order"]) == (854, 480, "progressive")
    assert "bwdif" in done.plan.picture.filters
    assert len(done.of_kind("audio")) == 1


async def test_a_small_clip_with_a_wrong_name_is_still_read_by_its_content(tmp_path: Path) -> None:
    """A .gif that is an MP4 is an MP4."""
    done = await convert(make_clip(tmp_path, "small_320x240_mp4", file_name="funny.gif"), Options(quality=Quality.AUTO))
    assert done.plan.is_remux
