"""Every channel of every layout is heard in the result, and none is too loud."""

from __future__ import annotations

import array
import math
import re
import subprocess
from pathlib import Path

import pytest

from clips import H264, make_clip, picture, run_ffmpeg
from conversion import convert
from media_facts import sound
from video_to_mp4.media.channels import channel_filters, result_layout

RATE = 16_000
SOURCE_RATE = 48_000
HEARD = 0.02
_LINE = re.compile(r"^(\S+)\s+([A-Z0-9+]+)$", re.MULTILINE)


def layouts() -> dict[str, int]:
    """Return the layouts that this ffmpeg names, with their number of channels."""
    listed = run_ffmpeg(["-layouts"]).split("Standard channel layouts:")[1]
    return {name: speakers.count("+") + 1 for name, speakers in _LINE.findall(listed) if name != "NAME"}


def tones(channels: int, amplitude: float = 0.3) -> str:
    """Return what `aevalsrc` needs for a tone of its own in each channel."""
    return "|".join(f"{amplitude}*sin({2 * math.pi * frequency(number):.6f}*t)" for number in range(channels))


def frequency(channel: int) -> int:
    """Return the tone of a channel; low, so that the encoder keeps it in the channel of bass, too."""
    return 40 + 10 * channel


def strengths(path: Path, channels: int, *, filters: str = "") -> list[float]:
    """Return how strong the tone of each channel is in what all channels of a file have together."""
    chosen = ["-af", filters] if filters else []
    done = subprocess.run(
        ["ffmpeg", "-v", "error", "-i", path, *chosen, "-vn", "-ar", str(RATE), "-f", "f32le", "pipe:1"],
        capture_output=True,
        check=True,
    )
    samples = array.array("f", done.stdout)
    count = channels_of(path) if not filters else channels_of_layout(filters)
    tracks = [samples[number::count] for number in range(count)]
    return [math.sqrt(sum(_strength(track, frequency(number)) ** 2 for track in tracks)) for number in range(channels)]


def channels_of(path: Path) -> int:
    """Return how many channels a file's sound has."""
    args = ["-select_streams", "a", "-show_entries", "stream=channels", "-of", "csv=p=0", path]
    return int(run_ffmpeg(args, program="ffprobe").split()[0].strip(","))


def channels_of_layout(filters: str) -> int:
    """Return how many channels come out of a chain of filters."""
    layout = filters.split("channel_layouts=")[1].split(",")[0]
    return {"mono": 1, "stereo": 2}.get(layout) or sum(int(part) for part in layout.split("."))


def _strength(samples: array.array[float], hertz: int) -> float:
    """Return the amplitude of a tone (Goertzel)."""
    turn = 2 * math.cos(2 * math.pi * hertz / RATE)
    before = last = 0.0
    for sample in samples:
        before, last = last, sample + turn * last - before
    power = before**2 + last**2 - turn * before * last
    return 2 * math.sqrt(max(0.0, power)) / max(1, len(samples))


def test_every_speaker_of_every_layout_is_heard(tmp_path: Path) -> None:
    """All that `ffmpeg -layouts` names, cinemas of 24 speakers included."""
    for layout, channels in layouts().items():
        source = tmp_path / "source.wav"
        run_ffmpeg(["-f", "lavfi", "-i", f"aevalsrc={tones(channels)}:c={layout}:s={RATE}:d=0.2", source])
        stream = sound(channels=channels, channel_layout=layout)
        named = f"aformat=channel_layouts={layout}"
        filters = ",".join([f"channelmap=channel_layout={layout}", *channel_filters(stream, result_layout(stream))])
        found = strengths(source, channels, filters=filters if layout != "mono" else f"{named},{filters}")
        assert min(found) > HEARD, (layout, found)


@pytest.mark.parametrize("channels", [3, 7, 9, 16])
async def test_channels_of_an_unknown_layout_are_all_heard(tmp_path: Path, channels: int) -> None:
    """Recorders with many microphones, and files that say nothing of their layout."""
    raw, source = tmp_path / "raw.pcm", tmp_path / "source.mkv"
    turns = [2 * math.pi * frequency(number) / SOURCE_RATE for number in range(channels)]
    samples = (round(9_000 * math.sin(turn * at)) for at in range(int(0.3 * SOURCE_RATE)) for turn in turns)
    raw.write_bytes(array.array("h", samples).tobytes())
    sound_in = ["-f", "s16le", "-ar", str(SOURCE_RATE), "-ac", str(channels), "-guess_layout_max", "0", "-i", raw]
    run_ffmpeg([*picture("64x64"), *sound_in, *H264, "-c:a", "pcm_s16le", "-t", "0.3", source])
    done = await convert(source)
    assert done.runs == 1
    found = strengths(done.path, channels)
    assert min(found) > HEARD, found


async def test_sound_of_a_whole_sphere_becomes_stereo(tmp_path: Path) -> None:
    """Ambisonics: left is left, and the recording is as loud as it was."""
    source = tmp_path / "source.webm"
    sphere = "aevalsrc=0.2*sin(2000*t)|0.2*sin(2000*t)|0|0:s=48000:d=1"  # W and Y: something on the left
    run_ffmpeg(
        [*picture("64x64"), "-f", "lavfi", "-i", sphere, "-c:v", "libvpx", "-deadline", "realtime", "-c:a", "libopus",
         "-mapping_family", "2", "-t", "1", source]
    )  # fmt: skip
    done = await convert(source)
    (track,) = done.of_kind("audio")
    assert track["channel_layout"] == "stereo"
    left, right = (peak_db(done.path, f"pan=mono|c0=c{number}") for number in (0, 1))
    assert left > right + 10
    assert left > -20


@pytest.mark.parametrize("layout", ["7.1", "22.2", "hexadecagonal"])
async def test_what_is_mixed_down_is_never_over_full_scale(tmp_path: Path, layout: str) -> None:
    """All speakers at their loudest at once; what is quiet keeps its level."""
    source = tmp_path / "source.mov"
    channels = layouts()[layout]
    loud = "|".join(["0.95*sin(2000*t)"] * channels)
    args = ["-f", "lavfi", "-i", f"aevalsrc={loud}:c={layout}:s=48000:d=1"]
    run_ffmpeg([*picture("64x64"), *args, *H264, "-c:a", "pcm_s16le", "-t", "1", source])
    done = await convert(source)
    assert -6 < peak_db(done.path) <= 0


async def test_what_is_limited_is_not_crushed(tmp_path: Path) -> None:
    """A steady tone's peak is 3 dB over its mean; ffmpeg 5.1's limiter made it 10, which is to be 7 dB too quiet."""
    source = tmp_path / "source.mkv"
    loud = "|".join(["0.9*sin(2000*t)"] * 8)
    args = ["-f", "lavfi", "-i", f"aevalsrc={loud}:c=7.1:s=48000:d=2"]
    run_ffmpeg([*picture("64x64"), *args, *H264, "-c:a", "flac", "-t", "2", source])
    done = await convert(source)
    behind_left = "pan=mono|c0=c4"
    assert peak_db(done.path, behind_left) - mean_db(done.path, behind_left) < 4.5


async def test_surround_that_is_not_mixed_keeps_its_level(tmp_path: Path) -> None:
    """A limiter is for sums only."""
    done = await convert(make_clip(tmp_path, "surround_5_1_side_mkv"))
    assert "alimiter" not in done.plan.sounds[0].filters


def peak_db(path: Path, *filters: str) -> float:
    """Return the highest sample of a file's sound, over all channels, in dB of full scale."""
    return _statistic(path, "Peak_level", *filters)


def mean_db(path: Path, *filters: str) -> float:
    """Return how loud a file's sound is on the whole, by the mean of squares, in dB of full scale."""
    return _statistic(path, "RMS_level", *filters)


def _statistic(path: Path, name: str, *filters: str) -> float:
    chain = ",".join([*filters, f"astats=measure_perchannel=none:measure_overall={name}"])
    args = ["-i", str(path), "-vn", "-af", chain, "-f", "null", "-"]
    done = subprocess.run(["ffmpeg", "-hide_banner", *args], capture_output=True, text=True, check=True)
    return float(done.stderr.split(f"{name.replace('_', ' ')} dB:")[1].split()[0])
