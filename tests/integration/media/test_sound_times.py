"""Sound stays beside its picture: holes are silence, overlaps are left out, false times are not believed."""

from __future__ import annotations

import array
import struct
import subprocess
from pathlib import Path

import pytest

from clips import AAC, H264, picture, run_ffmpeg
from conversion import FAST, convert
from video_to_mp4.jobs.model import Options, Quality
from video_to_mp4.media import layouts, packets
from video_to_mp4.media.probe import probe

RATE = 8_000
AUTO = Options(quality=Quality.AUTO)
BEEPS = ("-f", "lavfi", "-i", "aevalsrc=0.5*sin(5000*t)*lt(mod(t\\,1)\\,0.1):s=48000")
"""A beep of 0.1 s at the begin of each second."""


def onsets_s(path: Path) -> list[float]:
    """Return when beeps begin, on the file's own clock, as a player hears them that plays without looking at times."""
    args = ["-i", path, "-map", "0:a:0", "-ac", "1", "-ar", str(RATE), "-f", "f32le", "pipe:1"]
    decoded = subprocess.run(["ffmpeg", "-v", "error", *args], capture_output=True, check=True)
    samples = array.array("f", decoded.stdout)
    start_s = float(run_ffmpeg([*_START, path], program="ffprobe").split()[0].strip(","))
    loud = [number / RATE + start_s for number, sample in enumerate(samples) if abs(sample) > 0.1]
    return [at_s for before_s, at_s in zip([-1.0, *loud], loud, strict=False) if at_s - before_s > 0.2]


_START = ("-select_streams", "a:0", "-show_entries", "stream=start_time", "-of", "csv=p=0")


def first_picture_s(path: Path) -> float:
    """Return when the first picture is shown."""
    args = ["-select_streams", "v", "-show_entries", "packet=pts_time", "-of", "csv=p=0", "-read_intervals", "%+1"]
    return min(float(time.strip(",")) for time in run_ffmpeg([*args, path], program="ffprobe").split())


def beeping(path: Path, times: str, *, codec: str = "aac", seconds: int = 6) -> Path:
    """Make a clip whose packets of sound have other times: an expression of PTS, in milliseconds."""
    whole = path.with_name(f"whole_{path.name}")
    run_ffmpeg([*picture("64x64"), *BEEPS, *H264, "-c:a", codec, "-t", str(seconds), whole])
    run_ffmpeg(["-i", whole, "-c", "copy", "-bsf:a", f"setts=ts='{times}'", path])
    return path


@pytest.mark.parametrize("options", [FAST, AUTO])
@pytest.mark.parametrize(
    ("times", "late_s"),
    [
        ("PTS+85*gte(PTS,1500)", 0.085),
        ("PTS+30*gte(PTS,1500)", 0.03),
        ("PTS+12*floor(PTS/500)", 0.12),
        ("PTS-40*gte(PTS,1500)", -0.04),
    ],
)
async def test_what_comes_after_holes_and_overlaps_is_in_time(
    tmp_path: Path, times: str, late_s: float, options: Options
) -> None:
    """At most 20 ms off; a copied track with holes would be early by all of them, as players don't look at times."""
    done = await convert(beeping(tmp_path / "source.mkv", times), options)
    assert done.plan.copies_picture is (options is AUTO)
    assert onsets_s(done.path)[-1] - first_picture_s(done.path) == pytest.approx(5 + late_s, abs=0.02)


@pytest.mark.parametrize(
    ("times", "late_s"),
    [("PTS+30*gte(PTS,5000)", 0.03), ("PTS+12*floor(PTS/2000)", 0.06), ("PTS-40*gte(PTS,5000)", -0.04)],
)
async def test_holes_in_the_middle_of_a_large_source_are_found_in_its_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, times: str, late_s: float
) -> None:
    """Nobody lists all packets of a large source before it is copied; the index of the copy tells all durations."""
    monkeypatch.setattr(packets, "_ALWAYS_SCANNED_BYTES", 0)
    source = beeping(tmp_path / "source.mkv", times, seconds=12)
    done = await convert(source, AUTO)
    assert done.plan.copies_picture
    assert "holes or overlaps" in done.plan.fates[1].why
    assert done.warnings == ()
    assert onsets_s(done.path)[-1] - first_picture_s(done.path) == pytest.approx(11 + late_s, abs=0.02)


async def test_a_large_source_without_holes_is_copied_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Matroska's times are rounded to milliseconds, and may jump back and forth: that is no hole."""
    monkeypatch.setattr(packets, "_ALWAYS_SCANNED_BYTES", 0)
    done = await convert(beeping(tmp_path / "source.mkv", "PTS+25*eq(mod(N\\,40)\\,20)", seconds=12), AUTO)
    assert done.plan.sounds[0].is_copied
    assert done.runs == 1


@pytest.mark.parametrize("options", [FAST, AUTO])
async def test_a_fragmented_mp4_stays_in_sync(tmp_path: Path, options: Options) -> None:
    """Ffmpeg's own begins with a packet of sound and a hole of 60 ms."""
    source = tmp_path / "source.mp4"
    encoder = ["-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-g", "10", *AAC]
    run_ffmpeg(
        [*picture("64x64"), *BEEPS, *encoder, "-movflags", "frag_keyframe+empty_moov", "-t", "3", source]
    )  # fmt: skip
    done = await convert(source, options)
    late_s = first_picture_s(source) - 2 / 25  # without an edit list, of two pictures that are decoded ahead
    assert onsets_s(done.path)[-1] - first_picture_s(done.path) == pytest.approx(2 - late_s, abs=0.02)


JOINED = {
    "channels": (("aac", "mono", 48_000), ("aac", "stereo", 48_000)),
    "surround": (("ac3", "5.1", 48_000), ("ac3", "stereo", 48_000)),
    "mono first": (("aac", "mono", 48_000), *[("aac", "stereo", 48_000)] * 3),
    "rates": (("mp2", "stereo", 48_000), ("mp2", "stereo", 32_000)),
}


def joined(folder: Path, name: str, *, pieces: int = 6, late_s: float = 0.0) -> Path:
    """Make a broadcast whose sound has another format in each second, and a beep in it."""
    source = folder / "source.ts"
    for number in range(pieces):
        codec, layout, rate = JOINED[name][number % len(JOINED[name])]
        beeps = [
            *BEEPS[:-1],
            f"{BEEPS[-1].replace('mod(t', 'mod(t+0.5')},aformat=channel_layouts={layout}:sample_rates={rate}",
        ]
        sound = ["-itsoffset", late_s if number == 0 else 0, *beeps]
        args = [*picture("64x64"), *sound, *H264, "-c:a", codec, "-t", "1", "-output_ts_offset", number + 1]
        piece = folder / "piece.ts"
        run_ffmpeg([*map(str, args), piece])
        with source.open("ab") as file:
            file.write(piece.read_bytes())
    return source


@pytest.mark.parametrize("name", ["channels", "surround", "rates"])
async def test_sound_whose_format_changes_on_the_way_stays_in_time(tmp_path: Path, name: str) -> None:
    """The filters are set up anew each time; what they lose, or take twice where clips overlap, must not add up."""
    done = await convert(joined(tmp_path, name))
    assert done.warnings == ()
    found = [at_s - first_picture_s(done.path) for at_s in onsets_s(done.path)]
    assert found == pytest.approx([0.5, 1.5, 2.5, 3.5, 4.5, 5.5], abs=0.02)


@pytest.mark.parametrize("is_large", [False, True])
@pytest.mark.parametrize(("name", "channels"), [("mono first", 2), ("surround", 6), ("rates", 2)])
async def test_a_broadcast_gets_the_channels_of_its_film_not_of_its_beginning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, channels: int, is_large: bool
) -> None:
    """What was recorded begins with the end of something else; of a large file sound is heard in some places."""
    if is_large:
        monkeypatch.setattr(layouts, "_WHOLE_BELOW_BYTES", 0)
    (sound,) = (await probe(joined(tmp_path, name))).of_kind("audio")
    assert sound.channels == channels


async def test_the_same_holds_in_containers_whose_sound_seldom_changes(tmp_path: Path) -> None:
    """What came out is looked at, and made anew where it would play out of sync."""
    source = tmp_path / "source.mkv"
    run_ffmpeg(["-i", joined(tmp_path, "rates"), "-map", "0", "-c", "copy", source])
    done = await convert(source)
    found = [at_s - first_picture_s(done.path) for at_s in onsets_s(done.path)]
    assert found == pytest.approx([0.5, 1.5, 2.5, 3.5, 4.5, 5.5], abs=0.02)


async def test_silence_before_sound_that_changes_comes_once(tmp_path: Path) -> None:
    """Filters that are told to begin at 0 would fill the time from there with each change."""
    done = await convert(joined(tmp_path, "surround", late_s=0.25))
    found = [at_s - first_picture_s(done.path) for at_s in onsets_s(done.path)]
    assert found == pytest.approx([0.75, 1.5, 2.5, 3.5, 4.5, 5.5], abs=0.02)


async def test_times_that_jump_back_and_forth_do_not_chop_the_sound(tmp_path: Path) -> None:
    """Neither silence nor gaps in a tone whose packets a busy recorder stamped; it is copied where it can be."""
    whole, source = tmp_path / "whole.mkv", tmp_path / "source.mkv"
    tone = ["-f", "lavfi", "-i", "sine=440:r=48000"]
    run_ffmpeg([*picture("64x64"), *tone, *H264, *AAC, "-t", "6", whole])
    run_ffmpeg(["-i", whole, "-c", "copy", "-bsf:a", "setts=ts='PTS+10*mod(N,3)'", source])
    done = await convert(source)
    heard = ["-i", done.path, "-af", "silencedetect=noise=-40dB:d=0.004", "-vn", "-f", "null", "-"]
    found = subprocess.run(["ffmpeg", "-hide_banner", *heard], capture_output=True, text=True, check=True)
    silences_s = [float(line.split(": ")[1]) for line in found.stderr.splitlines() if "silence_start" in line]
    assert [at_s for at_s in silences_s if 0.1 < at_s < 5.9] == []
    assert (await convert(source, AUTO)).plan.sounds[0].is_copied


async def test_sound_whose_times_are_false_is_as_long_as_its_packets(tmp_path: Path) -> None:
    """An AVI that says of MP3 that a sample has one byte: 4 s of sound would be played in a few hundredths."""
    source = tmp_path / "source.avi"
    mp3 = ["-c:a", "libmp3lame", "-ar", "44100"]
    run_ffmpeg([*picture("64x64"), *BEEPS, "-c:v", "mpeg4", *mp3, "-t", "4", source])
    data = bytearray(source.read_bytes())
    header = data.index(b"auds")
    struct.pack_into("<2I", data, header + 20, 32, 122_500)  # scale and rate
    struct.pack_into("<I", data, header + 44, 1)  # bytes in a sample
    source.write_bytes(bytes(data))
    done = await convert(source)
    assert done.runs == 1
    found = onsets_s(done.path)
    assert len(found) == 4
    assert found[-1] == pytest.approx(3.0, abs=0.06)
