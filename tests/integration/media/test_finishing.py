"""What ffmpeg's MP4 writer gets wrong in the index is corrected there, and no sample is moved by it."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from clips import AAC, TONE, make_clip, picture, run_ffmpeg
from conversion import Conversion, convert
from video_to_mp4.jobs.encoding import Container, Encoding, VideoCodec, VideoOptions
from video_to_mp4.jobs.model import Options, Quality
from video_to_mp4.media import finishing
from video_to_mp4.media.fallback import COPY_GIVEN_UP

AUTO = Options(quality=Quality.AUTO)
OPEN_GROUPS = ("-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p")


def open_groups(folder: Path, *, name: str = "source.mkv", length_s: float = 4, group: int = 25) -> Path:
    """Make a video that begins with the one IDR picture, and has recovery points from then on."""
    source = folder / name
    params = f"open-gop=1:keyint={group}:min-keyint={group}:scenecut=0:bframes=3"
    run_ffmpeg([*picture("160x120"), *TONE, *OPEN_GROUPS, "-x264-params", params, *AAC, "-t", length_s, source])
    return source


def sync_samples(path: Path) -> list[int]:
    """Return the numbers of the samples that an MP4's index says decoding can begin with.

    ffprobe does not tell: it marks recovery points by itself, wherever it finds them.
    """
    data = path.read_bytes()
    place = data.index(b"stss") + 8
    (count,) = struct.unpack_from(">I", data, place)
    return list(struct.unpack_from(f">{count}I", data, place + 4))


@pytest.mark.parametrize("name", ["source.mkv", "source.mp4"])
async def test_a_recovery_point_is_no_place_to_seek_to(tmp_path: Path, name: str) -> None:
    """In Chromium a seek to one ends playback: pictures after it need some from before it."""
    source = open_groups(tmp_path, name=name)
    done = await convert(source, AUTO)
    assert done.plan.copied == {0, 1}
    assert sync_samples(done.path) == [1]
    assert pictures_of(done.path) == pictures_of(source)


def pictures_of(path: Path) -> list[str]:
    """Return a checksum of each decoded picture."""
    lines = run_ffmpeg(["-i", path, "-map", "0:v:0", "-fps_mode", "passthrough", "-f", "framemd5", "pipe:1"])
    return [line.split(",")[-1].strip() for line in lines.splitlines() if not line.startswith("#")]


async def test_a_picture_that_can_be_entered_in_few_places_only_is_encoded(tmp_path: Path) -> None:
    """A seek would mean to decode all that lies between, and a minute of film takes seconds to decode."""
    done = await convert(open_groups(tmp_path, length_s=20), AUTO)
    assert done.plan.copied == {1}
    assert "it can be entered in few places only" in done.plan.fates[0].why
    assert done.warnings == ()


async def test_a_picture_that_begins_in_the_middle_of_another_is_not_copied(tmp_path: Path) -> None:
    """Nothing would be seen before the first picture that stands for itself."""
    whole, source = open_groups(tmp_path, name="whole.mkv"), tmp_path / "source.mkv"
    run_ffmpeg(["-ss", "1.5", "-i", whole, "-c", "copy", source])
    done = await convert(source, AUTO)
    assert done.plan.copied == {1}
    assert "it does not begin with a picture that stands for itself" in done.plan.fates[0].why


async def test_a_copy_that_was_asked_for_is_corrected_and_never_encoded(tmp_path: Path) -> None:
    """Who asks for a copy gets one, as good as it can be."""
    options = Options(encoding=Encoding(video=VideoOptions(codec=VideoCodec.COPY), container=Container.MOV))
    done = await convert(open_groups(tmp_path), options)
    assert done.plan.copies_picture
    assert sync_samples(done.path) == [1]


async def test_a_recovery_point_among_the_sync_samples_is_found_by_the_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The picture is decoded from key frames on as if nothing came before."""
    monkeypatch.setattr(finishing, "_keep_true_sync_samples", lambda *_: "")
    done = await convert(open_groups(tmp_path, length_s=8), AUTO)
    assert not done.plan.copies_picture
    assert COPY_GIVEN_UP in done.warnings


# ------------------------------------------------------------------------------------------------ default flags


async def test_no_subtitle_is_switched_on_that_was_off_in_the_source(tmp_path: Path) -> None:
    """The writer switches the first track of each kind on when none is; two that are on stay on."""
    done = await convert(with_tracks(tmp_path, sounds="0 default default", subtitles="0 0"), AUTO)
    assert defaults(done, "audio") == [0, 1, 1]
    assert defaults(done, "subtitle") == [0, 0]


async def test_a_subtitle_that_was_on_stays_on(tmp_path: Path) -> None:
    """Whichever it is."""
    done = await convert(with_tracks(tmp_path, sounds="0 0", subtitles="0 default"), AUTO)
    assert defaults(done, "subtitle") == [0, 1]
    assert defaults(done, "audio") == [1, 0], "some players would be silent without any"


async def test_encoded_tracks_have_the_flags_of_the_source_too(tmp_path: Path) -> None:
    """It does not matter how they came into the file."""
    done = await convert(with_tracks(tmp_path, sounds="0 default", subtitles="0 0"))
    assert defaults(done, "audio") == [0, 1]
    assert defaults(done, "subtitle") == [0, 0]


def with_tracks(folder: Path, *, sounds: str, subtitles: str) -> Path:
    """Make a video with a track for each word, which is its disposition."""
    (folder / "lines.srt").write_text("1\n00:00:00,200 --> 00:00:00,800\nHello\n")
    clip, source = make_clip(folder, "h264_aac_mkv"), folder / "source.mkv"
    args = ["-i", clip, "-i", folder / "lines.srt", "-map", "0:v", "-c", "copy"]
    for number, flag in enumerate(sounds.split()):
        args += ["-map", "0:a", f"-disposition:a:{number}", flag]
    for number, flag in enumerate(subtitles.split()):
        args += ["-map", "1:s", f"-disposition:s:{number}", flag]
    run_ffmpeg([*args, source])
    return source


def defaults(done: Conversion, kind: str) -> list[int]:
    """Return for each track of a kind whether it is played by default."""
    return [stream["disposition"]["default"] for stream in done.of_kind(kind)]
