"""Nothing is lost in silence: sound tracks, subtitles, chapters, titles and dates; what MP4 can't carry is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from clips import AAC, H264, TONE, make_clip, picture, run_ffmpeg
from conversion import convert, look_at
from video_to_mp4.jobs.model import Options, Quality

AUTO = Options(quality=Quality.AUTO)

SRT = """1
00:00:00,000 --> 00:00:00,500
Příliš žluťoučký kůň

2
00:00:00,600 --> 00:00:01,000
日本語の字幕
"""


async def test_every_sound_track_keeps_language_title_and_default_flag(tmp_path: Path) -> None:
    """The director's comment stays what it is, and the original language the one that plays."""
    done = await convert(make_clip(tmp_path, "two_languages_mkv"))
    first, second = done.of_kind("audio")
    assert [track["tags"]["language"] for track in (first, second)] == ["cze", "jpn"]
    assert first["tags"]["handler_name"] == "Komentář režiséra"
    assert [track["disposition"]["default"] for track in (first, second)] == [0, 1]


@pytest.mark.parametrize(
    ("name", "layout", "rate"),
    [
        ("surround_7_1_mkv", "5.1", "48000"),
        ("surround_5_1_side_mkv", "5.1", "48000"),
        ("unknown_layout_avi", "5.1", "48000"),
        ("quad_mkv", "5.0", "48000"),
        ("sound_96_khz_mkv", "stereo", "48000"),
        ("sound_5512_hz_mkv", "mono", "48000"),
    ],
)
async def test_sound_has_a_layout_and_a_rate_that_every_player_knows(
    tmp_path: Path, name: str, layout: str, rate: str
) -> None:
    """At most 5.1 and 48 kHz, and never silent."""
    done = await convert(make_clip(tmp_path, name))
    (track,) = done.of_kind("audio")
    assert (track["channel_layout"], track["sample_rate"]) == (layout, rate)
    assert loudness(done.path) > -60


async def test_more_channels_than_a_layout_has_are_heard_in_one_that_every_player_knows(tmp_path: Path) -> None:
    """An ffmpeg of 7 and newer takes sixteen channels of an unknown layout for a hexadecagon."""
    done = await convert(make_clip(tmp_path, "sixteen_channels_mov"))
    (track,) = done.of_kind("audio")
    assert track["channel_layout"] in ("stereo", "5.1")
    assert loudness(done.path) > -60


async def test_sound_that_starts_late_stays_in_time(tmp_path: Path) -> None:
    """Silence fills the time before it, so that no player starts it too early."""
    done = await convert(make_clip(tmp_path, "sound_starts_late_mkv"))
    (track,) = done.of_kind("audio")
    assert float(track["start_time"]) == pytest.approx(0, abs=0.05)
    assert loudness(done.path, "-t", "0.9") < -60
    assert loudness(done.path, "-ss", "1.1") > -40


@pytest.mark.parametrize("codec", ["subrip", "ass", "webvtt"])
@pytest.mark.parametrize("options", [Options(quality=Quality.STANDARD), AUTO])
async def test_text_subtitles_become_the_text_of_mp4(tmp_path: Path, codec: str, options: Options) -> None:
    """Czech and Japanese stay intact, beside an encoded and a copied picture."""
    (tmp_path / "s.srt").write_text(SRT)
    source = tmp_path / "source.mkv"
    made = [*picture(), "-i", tmp_path / "s.srt", *H264, "-c:s", codec, "-metadata:s:s:0", "language=cze"]
    run_ffmpeg([*made, "-metadata:s:s:0", "title=Titulky", "-t", "1", source])
    done = await convert(source, options)
    (track,) = done.of_kind("subtitle")
    assert track["codec_name"] == "mov_text"
    assert (track["tags"]["language"], track["tags"]["handler_name"]) == ("cze", "Titulky")
    text = run_ffmpeg(["-i", done.path, "-f", "srt", "pipe:1"])
    assert "Příliš žluťoučký kůň" in text
    assert "日本語の字幕" in text
    assert done.warnings == ()


@pytest.mark.parametrize("options", [Options(quality=Quality.STANDARD), AUTO])
async def test_chapters_title_and_date_are_kept(tmp_path: Path, options: Options) -> None:
    """A film keeps its chapters with their names."""
    (tmp_path / "m.txt").write_text(
        ";FFMETADATA1\ntitle=Můj film\ndate=2020\n"
        "[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=500\ntitle=Začátek\n"
        "[CHAPTER]\nTIMEBASE=1/1000\nSTART=500\nEND=1000\ntitle=Konec\n"
    )
    for extension in ("mkv", "mp4"):
        source = tmp_path / f"source.{extension}"
        run_ffmpeg([*picture(), "-i", tmp_path / "m.txt", "-map_metadata", "1", *H264, "-t", "1", source])
        done = await convert(source, options)
        found = look_at(done.path)
        assert [chapter["tags"]["title"] for chapter in found["chapters"]] == ["Začátek", "Konec"]
        assert found["format"]["tags"]["title"] == "Můj film"
        assert done.warnings == ()


@pytest.mark.parametrize("options", [Options(quality=Quality.STANDARD), AUTO])
async def test_the_place_is_removed_and_the_rest_of_the_metadata_kept(tmp_path: Path, options: Options) -> None:
    """Who puts a video on the net does not tell where they live."""
    source = make_clip(tmp_path, "located_mp4")
    assert b"loci" in source.read_bytes()
    done = await convert(source, options)
    tags = look_at(done.path)["format"]["tags"]
    assert not [name for name in tags if "location" in name]
    assert b"loci" not in done.path.read_bytes()
    assert (tags["title"], tags["date"]) == ("Praha", "2020")
    assert tags["creation_time"].startswith("2020-05-06T07:08:09")


async def test_any_number_of_fonts_is_left_out(tmp_path: Path) -> None:
    """They are told once, and cost the film nothing."""
    font = tmp_path / "font.ttf"
    font.write_bytes(b"\0\1\0\0" + bytes(100))
    fonts: list[str | Path] = []
    for number in range(70):
        fonts += ["-attach", font, f"-metadata:s:t:{number}", "mimetype=application/x-truetype-font"]
    source = tmp_path / "source.mkv"
    run_ffmpeg([*picture("160x120"), *TONE, *H264, *AAC, *fonts, "-t", "1", source])
    assert (await convert(source)).warnings == ("Left out: 70 attachments (ttf).",)


async def test_a_cover_a_font_and_a_timecode_are_named_as_lost(tmp_path: Path) -> None:
    """What MP4 can't carry is in the warnings."""
    (tmp_path / "font.ttf").write_bytes(b"\0\1\0\0" + bytes(100))
    cover = tmp_path / "cover.png"
    run_ffmpeg([*picture("64x64"), "-frames:v", "1", cover])
    source = tmp_path / "source.mkv"
    run_ffmpeg(
        [*picture(), *TONE, *H264, *AAC, "-attach", cover, "-metadata:s:t:0", "mimetype=image/png",
         "-metadata:s:t:0", "filename=cover.png", "-attach", tmp_path / "font.ttf", "-metadata:s:t:1",
         "mimetype=application/x-truetype-font", "-t", "1", source]
    )  # fmt: skip
    done = await convert(source)
    assert done.warnings == ("Left out: 1 cover picture (png).", "Left out: 1 attachment (ttf).")
    timecode = await convert(make_clip(tmp_path, "timecode_mov"))
    assert timecode.warnings == ("Left out: 1 data track (tmcd, eng).",)


@pytest.mark.parametrize("name", ["alpha_vp9_webm", "alpha_qtrle_mov", "alpha_prores_mov"])
async def test_transparency_is_named_as_lost(tmp_path: Path, name: str) -> None:
    """MP4 for every player has none."""
    assert (await convert(make_clip(tmp_path, name))).warnings == ("Transparency is lost: MP4 has none.",)


async def test_the_larger_of_two_pictures_is_taken_and_the_other_named(tmp_path: Path) -> None:
    """An MP4 has one video track."""
    source = tmp_path / "source.ts"
    run_ffmpeg([*picture("64x64"), *picture(), "-map", "0", "-map", "1", *H264, "-t", "1", "-f", "mpegts", source])
    done = await convert(source)
    assert [(track["width"], track["height"]) for track in done.of_kind("video")] == [(320, 240)]
    assert done.warnings == ("Left out: 1 further video track (h264).",)


async def test_an_unreadable_sound_track_is_left_out_and_the_rest_converted(tmp_path: Path) -> None:
    """A broken track costs itself only."""
    source = tmp_path / "source.mkv"
    run_ffmpeg(
        [*picture(), *TONE, "-map", "0", "-map", "1", "-map", "1", *H264, "-c:a:0", "ac3", "-c:a:1", "libmp3lame",
         "-t", "2", source]
    )  # fmt: skip
    broken = damaged_track(source, 1)
    done = await convert(broken)
    (track,) = done.of_kind("audio")
    assert track["channels"] == 1
    assert done.warnings[0] == "Left out: 1 sound track that can't be read (ac3)."


async def test_a_sound_track_of_which_the_end_is_lost_is_named(tmp_path: Path) -> None:
    """The picture is whole, so the result is as long as the source; that half of the sound is missing must be said."""
    source = tmp_path / "source.mkv"
    named = ["-metadata:s:a:0", "language=cze"]
    run_ffmpeg([*picture("64x64"), *TONE, *H264, "-c:a", "ac3", *named, "-t", "4", source])
    done = await convert(damaged_track(source, 1, from_packet=60))
    assert len(done.of_kind("audio")) == 1
    assert [text for text in done.warnings if "Sound track 1 (cze) is damaged: 1.9 s of 4.0 s" in text], done.warnings


async def test_sound_whose_format_changes_on_the_way_is_read_to_the_end(tmp_path: Path) -> None:
    """From stereo to 5.1 to mono at another rate, as broadcasts do between programme and advertisement."""
    parts = []
    for number, (layout, rate) in enumerate((("stereo", 48_000), ("5.1", 48_000), ("mono", 32_000))):
        part = tmp_path / f"{number}.ts"
        tone = f"sine=r={rate},aformat=channel_layouts={layout}"
        made = [*picture(), "-f", "lavfi", "-i", tone, *H264, "-g", "25", "-c:a", "ac3", "-t", "2"]
        run_ffmpeg([*made, "-output_ts_offset", str(2 * number), part])
        parts.append(part.read_bytes())
    source = tmp_path / "source.ts"
    source.write_bytes(b"".join(parts))
    done = await convert(source)
    assert done.verified.duration_s == pytest.approx(6.0, abs=0.2)
    (track,) = done.of_kind("audio")
    assert int(track["nb_frames"]) * 1024 / int(track["sample_rate"]) == pytest.approx(6.0, abs=0.2)
    assert loudness(done.path, "-ss", "4.2") > -40


def damaged_track(source: Path, index: int, *, from_packet: int = 0) -> Path:
    """Return a copy of an MKV in which every packet of a track, or each from a number on, is zeros."""
    data = bytearray(source.read_bytes())
    args = ["-select_streams", str(index), "-show_entries", "packet=pos,size", "-of", "csv=p=0", source]
    lines = list(filter(None, run_ffmpeg(args, program="ffprobe").splitlines()))
    for line in lines[from_packet:]:
        size, position = (int(field) for field in line.split(",")[:2])
        data[position + 7 : position + size] = bytes(size - 7)  # the block's own header stays
    broken = source.with_name("broken.mkv")
    broken.write_bytes(bytes(data))
    return broken


def loudness(path: Path, *window: str) -> float:
    """Return the mean volume in dB."""
    import subprocess

    args = [*window, "-i", str(path), "-af", "volumedetect", "-vn", "-f", "null", "-"]
    done = subprocess.run(["ffmpeg", "-hide_banner", *args], capture_output=True, text=True, check=True)
    return float(done.stderr.split("mean_volume:")[1].split()[0])
