"""Films that were trimmed without cutting: an edit list says from where on they are shown."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from clips import AAC, run_ffmpeg
from conversion import convert
from video_to_mp4.jobs.model import Options, Quality


def trimmed(path: Path, *, rate: int, from_s: float) -> Path:
    """Write a white frame and a beep every two seconds, and trim it at a time between two frames, without cutting."""
    whole = path.with_name("whole.mp4")
    flash = f"color=black:s=160x120:r={rate},drawbox=c=white:t=fill:enable='eq(mod(n,{2 * rate}),0)'"
    beep = "aevalsrc='if(lt(mod(t,2),0.1),0.5*sin(2*PI*1000*t),0)':s=48000"
    video = ("-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-g", "250", "-pix_fmt", "yuv420p")
    run_ffmpeg(["-f", "lavfi", "-i", flash, "-f", "lavfi", "-i", beep, "-t", "8", *video, *AAC, whole])
    run_ffmpeg(["-ss", str(from_s), "-i", whole, "-c", "copy", path])
    return path


def flashes_s(path: Path) -> list[float]:
    look = "signalstats,metadata=print:key=lavfi.signalstats.YAVG:file=-"
    told = run_ffmpeg(["-i", path, "-vf", look, "-fps_mode", "passthrough", "-f", "null", "-"])
    frames = re.findall(r"pts_time:(\S+)\n\S+YAVG=(\S+)", told)
    return [float(at_s) for at_s, brightness in frames if float(brightness) > 100]


def beeps_s(path: Path) -> list[float]:
    look = "aresample=async=1:first_pts=0,silencedetect=n=-30dB:d=0.3,ametadata=print:file=-"
    told = run_ffmpeg(["-i", path, "-af", look, "-f", "null", "-"])
    return [float(at_s) for at_s in re.findall(r"silence_end=([0-9.]+)", told)]


@pytest.mark.parametrize(("rate", "from_s"), [(2, 0.65), (4, 1.15), (25, 1.65)])
@pytest.mark.parametrize("quality", [Quality.AUTO, Quality.STANDARD])
async def test_a_film_that_begins_inside_a_frame_is_in_sync(
    tmp_path: Path, rate: int, from_s: float, quality: Quality
) -> None:
    """Ffmpeg itself leaves out the frame that is shown at the beginning, and is early by the rest of it: 0.35 s."""
    source = trimmed(tmp_path / "a.mp4", rate=rate, from_s=from_s)
    done = await convert(source, Options(quality=quality))
    flashes = flashes_s(done.path)
    assert flashes == pytest.approx([at_s - from_s for at_s in (2, 4, 6)], abs=0.02)
    assert beeps_s(done.path) == pytest.approx(flashes, abs=0.02)
    assert done.verified.duration_s == pytest.approx(8 - from_s, abs=0.1)
    assert not done.warnings


async def test_a_film_that_begins_with_a_frame_keeps_its_times(tmp_path: Path) -> None:
    """There is nothing to be added."""
    done = await convert(trimmed(tmp_path / "a.mp4", rate=4, from_s=1.25))
    assert done.plan.picture.stream.missing_s == 0
    assert flashes_s(done.path) == pytest.approx([0.75, 2.75, 4.75], abs=0.005)
