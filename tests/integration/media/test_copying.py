"""What plays everywhere already is copied bit by bit; a copy that went wrong is encoded instead, and that is told."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from clips import AAC, H264, TONE, make_clip, picture, run_ffmpeg
from conversion import FAST, convert
from mp4_tables import content, replaced
from video_to_mp4.jobs.model import Options, Quality
from video_to_mp4.media import faststart
from video_to_mp4.media.fallback import COPY_GIVEN_UP

AUTO = Options(quality=Quality.AUTO)


def picture_hashes(path: Path) -> list[str]:
    """Return a checksum of each decoded picture."""
    lines = run_ffmpeg(["-i", path, "-map", "0:v:0", "-fps_mode", "passthrough", "-f", "framemd5", "pipe:1"])
    return [line.split(",")[-1].strip() for line in lines.splitlines() if not line.startswith("#")]


@pytest.mark.parametrize(
    ("name", "copied"),
    [
        ("h264_aac_mp4", {0, 1}),
        ("h264_aac_mkv", {0, 1}),
        ("h264_aac_flv", {0, 1}),
        ("h264_ac3_mkv", {0}),
        ("h264_mp3_avi", {0}),
        ("variable_rate_mkv", {0, 1}),
        ("slide_show_mkv", {0}),
        ("h264_b_frames_avi", set()),
        ("h264_aac_ts", set()),
        ("interlaced_h264_mp4", set()),
        ("anamorphic_mkv", set()),
        ("h264_444_mkv", set()),
        ("hdr10_mkv", set()),
    ],
)
async def test_what_plays_everywhere_is_copied_bit_by_bit(tmp_path: Path, name: str, copied: set[int]) -> None:
    """Sound and picture are decided apart; a copied picture is the same in every pixel, in the same order."""
    source = make_clip(tmp_path, name)
    done = await convert(source, AUTO)
    assert done.plan.copied == copied
    assert done.plan.is_remux == (0 in copied)
    if 0 in copied:
        assert picture_hashes(done.path) == picture_hashes(source)
        assert done.runs == 1
        assert done.verified.duration_s == pytest.approx(done.plan.duration_s, abs=0.1)
        assert done.percents == sorted(done.percents)


async def test_other_qualities_always_encode(tmp_path: Path) -> None:
    """Who asks for Standard wants a smaller file."""
    done = await convert(make_clip(tmp_path, "h264_aac_mp4"), FAST)
    assert done.plan.copied == frozenset()


async def test_a_format_that_changes_in_the_index_is_seen_before_copying(tmp_path: Path) -> None:
    """An MP4 with two descriptions of its samples passes every other condition, and would come out as garbage."""
    source = two_formats(tmp_path)
    done = await convert(source, AUTO)
    assert not done.plan.is_remux
    assert done.plan.fates[0].why == "becomes H.264: its size changes on the way"
    assert done.verified.duration_s == pytest.approx(4.0, abs=0.1)


async def test_a_format_that_changes_in_the_stream_alone_is_seen_before_copying(tmp_path: Path) -> None:
    """In Matroska a change of size hides in the parameters that key frames bring along."""
    for name, size in (("first", "320x240"), ("second", "640x480")):
        run_ffmpeg([*picture(size), *H264, "-t", "3", tmp_path / f"{name}.mp4"])
    (tmp_path / "list.txt").write_text("file first.mp4\nfile second.mp4\n")
    source = tmp_path / "source.mkv"
    run_ffmpeg(["-f", "concat", "-i", tmp_path / "list.txt", "-c", "copy", source])
    done = await convert(source, AUTO)
    assert done.runs == 1
    assert done.plan.fates[0].why == "becomes H.264: its size changes on the way"
    assert COPY_GIVEN_UP not in done.warnings
    assert done.verified.duration_s == pytest.approx(6.0, abs=0.1)


async def test_a_copy_of_a_source_that_was_cut_short_is_encoded_and_told(tmp_path: Path) -> None:
    """The last packet of a file that was cut is broken."""
    whole = make_clip(tmp_path, "ten_seconds_mp4")
    source = tmp_path / "cut.mkv"
    run_ffmpeg(["-i", whole, "-c", "copy", source])
    source.write_bytes(source.read_bytes()[: source.stat().st_size * 6 // 10])
    done = await convert(source, AUTO)
    assert not done.plan.is_remux
    assert done.warnings[0].startswith("The source ends early: ")
    assert COPY_GIVEN_UP in done.warnings


async def test_sound_with_holes_is_not_copied(tmp_path: Path) -> None:
    """Players play AAC on without a pause, so a hole has to be filled."""
    source = tmp_path / "source.mkv"
    run_ffmpeg(
        [*picture(), *TONE, *H264, *AAC, "-bsf:a", "noise=drop=gt(pts\\,1000)*lt(pts\\,2000)", "-t", "4", source]
    )
    done = await convert(source, AUTO)
    assert done.plan.copied == {0}
    (track,) = done.of_kind("audio")
    assert int(track["nb_frames"]) * 1024 / int(track["sample_rate"]) == pytest.approx(4.0, abs=0.1)


@pytest.mark.parametrize(("bytes_each", "runs"), [(40, 1), (0, 2)], ids=["enough", "too little"])
async def test_the_index_stands_first_where_room_was_kept_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bytes_each: int, runs: int
) -> None:
    """What it does not fill is a box that players skip; where it did not fit, it is moved after all."""
    monkeypatch.setattr(faststart, "_WORTH_IT_BYTES", 0)
    monkeypatch.setattr(faststart, "_MOST_OF_THE_RESULT", 1)
    monkeypatch.setattr(faststart, "_ALWAYS_BYTES", 2048)
    monkeypatch.setattr(faststart, "_PICTURE_BYTES", bytes_each)
    monkeypatch.setattr(faststart, "_SOUND_BYTES", bytes_each)
    source = make_clip(tmp_path, "ten_seconds_mp4")
    done = await convert(source, AUTO)
    assert done.plan.copied == {0, 1}
    assert done.runs == runs
    assert done.warnings == ()
    assert picture_hashes(done.path) == picture_hashes(source)
    assert boxes_of(done.path)[:3] == [b"ftyp", b"moov", b"free"]
    assert boxes_of(done.path)[-1] == b"mdat"


def boxes_of(path: Path) -> list[bytes]:
    """Return the kinds of a file's outermost boxes."""
    data, place, kinds = path.read_bytes(), 0, []
    while place < len(data):
        size, kind = struct.unpack(">I4s", data[place : place + 8])
        kinds.append(kind)
        place += size
    assert place == len(data)
    return kinds


@pytest.mark.parametrize(("b_frames", "is_copied"), [(0, True), (2, False)])
async def test_a_hidden_end_is_cut_off(tmp_path: Path, b_frames: int, is_copied: bool) -> None:
    """Cameras and editors leave a packet or two outside of the edit list.

    With B-frames the last picture is decoded before others that are shown, and may be needed by them.
    """
    source = tmp_path / "source.mp4"
    args = ["-c:v", "libx264", "-preset", "veryfast", "-bf", str(b_frames), "-pix_fmt", "yuv420p"]
    run_ffmpeg([*picture("160x120"), *args, "-t", "2", source])
    show_until(source, 1.92)
    done = await convert(source, AUTO)
    assert done.plan.copies_picture == is_copied
    assert done.verified.duration_s == pytest.approx(1.92, abs=0.01)
    assert len(picture_hashes(done.path)) == 48


async def test_the_reason_for_an_encoding_is_the_true_one(tmp_path: Path) -> None:
    """Whose pixels become square is not made smaller."""
    done = await convert(make_clip(tmp_path, "anamorphic_mkv"), AUTO)
    assert done.plan.fates[0].why == "becomes H.264: its pixels are not square"


def show_until(path: Path, end_s: float) -> None:
    """Shorten the edit list of an MP4 with one track, so that its last packets lie outside of it."""
    data = bytearray(path.read_bytes())
    struct.pack_into(">I", data, data.index(b"elst") + 12, round(end_s * 1000))
    path.write_bytes(data)


# ------------------------------------------------------------------------------------------ an MP4 with two formats


def two_formats(folder: Path) -> Path:
    """Make an MP4 of two halves with different sizes, each with its own entry in the sample description."""
    for name, size in (("a", "320x240"), ("b", "640x480")):
        run_ffmpeg([*picture(size), *H264, "-t", "2", folder / f"{name}.mp4"])
    (folder / "list.txt").write_text("file a.mp4\nfile b.mp4\n")
    joined = folder / "two_formats.mp4"
    run_ffmpeg(["-f", "concat", "-i", folder / "list.txt", "-c", "copy", joined])
    data = joined.read_bytes()
    sizes = content(data, b"stsz")
    count = struct.unpack(">I", sizes[8:12])[0]
    first_bytes = sum(struct.unpack(">50I", sizes[12 : 12 + 200]))
    offset = struct.unpack(">I", content(data, b"stco")[8:12])[0]
    described = content(data, b"stsd")
    second = content((folder / "b.mp4").read_bytes(), b"stsd")[8:]
    data = replaced(data, b"stsd", described[:4] + struct.pack(">I", 2) + described[8:] + second)
    data = replaced(data, b"stsc", struct.pack(">8I", 0, 2, 1, 50, 1, 2, count - 50, 2))
    data = replaced(data, b"stco", struct.pack(">4I", 0, 2, offset, offset + first_bytes))
    joined.write_bytes(data)
    return joined
