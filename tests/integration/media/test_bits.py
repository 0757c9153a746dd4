"""How large results become: never more than is of use, and never more than their level allows."""

from __future__ import annotations

from pathlib import Path

import pytest

from clips import picture, run_ffmpeg
from conversion import Conversion, convert
from video_to_mp4.jobs.model import Options, Quality, Resolution

_GRAINY = ("-vf", "noise=alls=12:allf=t")
_HEVC = ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=error", "-crf", "34")
_VP9 = ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "60k")
_H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-crf", "34", "-pix_fmt", "yuv420p")


def bits_in(path: Path, which: str = "v") -> list[tuple[float, int]]:
    """Return when the packets of a picture, or of a sound track, are shown, and their bits."""
    args = ["-select_streams", which, "-show_entries", "packet=pts_time,size", "-of", "csv=p=0", path]
    lines = [line.split(",") for line in run_ffmpeg(args, program="ffprobe").split()]
    return [(float(fields[0]), 8 * int(fields[1])) for fields in lines]


def growth(source: Path, result: Conversion) -> float:
    return sum(bits for _, bits in bits_in(result.path)) / sum(bits for _, bits in bits_in(source))


@pytest.mark.parametrize(
    ("encoder", "resolution", "most"),
    [(_HEVC, "Original", 2.4), (_VP9, "Original", 2.7), (_H264, "480p", 1.7)],
)
async def test_a_result_is_no_larger_than_is_of_use(
    tmp_path: Path, encoder: tuple[str, ...], resolution: str, most: float
) -> None:
    """CRF 18 would keep each artefact of the source; without a limit these grow to 4.1, 2.8 and 3.0 times."""
    source = tmp_path / "source.mkv"
    size = "160x120" if resolution == "Original" else "640x500"
    run_ffmpeg([*picture(size), *_GRAINY, *encoder, "-t", "3", source])
    result = await convert(source, Options(quality=Quality.AUTO, resolution=Resolution(resolution)))
    assert not result.plan.copies_picture
    assert growth(source, result) <= most


async def test_noise_at_maximum_stays_within_its_level_and_is_not_cramped_by_it(tmp_path: Path) -> None:
    """A level's limit of bits is a promise to players, as its sizes are; the level is one that has the room."""
    source = tmp_path / "source.mkv"
    noise = ("-f", "lavfi", "-i", "nullsrc=s=160x120:r=240,geq=random(1)*255:128:128")
    run_ffmpeg([*noise, "-c:v", "ffv1", "-frames:v", "250", source])
    result = await convert(source, Options(quality=Quality.MAXIMUM))
    [track] = result.of_kind("video")
    packets = bits_in(result.path)
    most = max(sum(bits for at_s, bits in packets if first_s <= at_s < first_s + 1) for first_s, _ in packets)
    assert track["level"] == 32
    assert 17_500_000 < most <= 25_000_000


async def test_sound_takes_no_more_bits_than_are_of_use(tmp_path: Path) -> None:
    """Six channels in 54 kbit/s would grow to 387, seven times as much; 225 were measured with the limit."""
    source = tmp_path / "source.webm"
    noise = ("-f", "lavfi", "-i", "anoisesrc=r=48000:d=4,pan=5.1|c0=c0|c1=c0|c2=c0|c3=c0|c4=c0|c5=c0")
    vp8 = ("-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "60k")
    run_ffmpeg([*picture("64x64"), *noise, *vp8, "-c:a", "libopus", "-b:a", "60k", "-t", "4", source])
    result = await convert(source, Options(quality=Quality.AUTO))
    assert sum(bits for _, bits in bits_in(result.path, "a")) <= 260_000 * 4
