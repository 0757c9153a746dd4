"""What a file is called is told to people, and to nobody else: not to ffmpeg, not to the disk."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from clips import make_clip
from video_to_mp4.bootstrap import open_service
from video_to_mp4.jobs.model import Job, JobState, Options, Quality
from video_to_mp4.service.files import NewFile, download_name
from video_to_mp4.service.service import Service
from video_to_mp4.settings import Settings

NAMES = {
    # sent: shown
    "-y.mp4": "-y.mp4",
    "--help.mkv": "--help.mkv",
    "-i /etc/passwd -f.mp4": "passwd -f.mp4",
    "img%03d.mp4": "img%03d.mp4",
    "%n%n%s.mp4": "%n%n%s.mp4",
    "http:x.mp4": "http:x.mp4",
    "concat:a.mp4|b.mp4": "concat:a.mp4|b.mp4",
    "pipe:0.mp4": "pipe:0.mp4",
    "../../../etc/cron.d/x.mp4": "x.mp4",
    "..\\..\\windows\\x.mp4": "x.mp4",
    "line\nbreak\r.mp4": "linebreak.mp4",
    "nul\0byte.mp4": "nulbyte.mp4",
    "red\x1b[31m.mp4": "red[31m.mp4",
    "gnp\u202e4pm.mp4": "gnp4pm.mp4",
    "film 🎬 日本 č.mp4": "film 🎬 日本 č.mp4",
    "a b'c\"d`e.mp4": "a b'c\"d`e.mp4",
    "$(touch pwned);&|<>.mp4": "$(touch pwned);&|<>.mp4",
    "[0:v],a=b.mp4": "[0:v],a=b.mp4",
    "*?.mp4": "*?.mp4",
    "<script>alert(1)</script>.mp4": "script>.mp4",
    f"{'x' * 5000}.mp4": f"{'x' * 251}.mp4",
}
OWNER = "ann"


async def _bytes_of(path: Path) -> AsyncIterator[bytes]:
    yield path.read_bytes()


async def _completed(service: Service, job_id: str, source: Path) -> Job:
    """Send the source and wait for its result."""
    with service.looking.follow(OWNER) as changes:
        await service.receiving.receive(OWNER, job_id, 0, _bytes_of(source))
        while (job := await service.looking.job(OWNER, job_id)).state is not JobState.COMPLETED:
            assert job.state is not JobState.FAILED, job.failure
            changes.take()
            await changes.wait(60)
    return job


async def test_a_name_is_never_an_option_a_pattern_a_protocol_or_a_path(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """All of them are converted; on the disk and in ffmpeg's command there are ids only."""
    caplog.set_level("DEBUG", logger="video_to_mp4")
    clip = make_clip(tmp_path, "small_320x240_mp4")
    options = Options(quality=Quality.AUTO)
    async with open_service(Settings(data_dir=tmp_path / "data")) as service:
        for sent, shown in NAMES.items():
            file = NewFile(name=sent, size_bytes=clip.stat().st_size)
            [accepted] = (await service.receiving.begin_uploads(OWNER, [file], options)).jobs
            assert accepted is not None
            job = await _completed(service, accepted.id, clip)
            assert job.name == shown
            assert download_name(job).endswith(".mp4")
            assert {path.name for path in (tmp_path / "data" / "results").iterdir()} == {f"{job.id}.mp4"}
            assert sent not in caplog.text
            await service.jobs.remove(OWNER, job.id)
            caplog.clear()
    assert not list(tmp_path.rglob("pwned"))


@pytest.mark.parametrize(
    "name", ["", ".mp4/", "..", "film.mp4.exe", "film", "mp4", "a.m3u8", "b.mp4\n.txt", "c.mp4 .sh"]
)
async def test_a_name_without_one_of_our_extensions_is_refused(tmp_path: Path, name: str) -> None:
    """Before a byte is taken."""
    async with open_service(Settings(data_dir=tmp_path / "data")) as service:
        answer = await service.receiving.begin_uploads(OWNER, [NewFile(name=name, size_bytes=10)], Options())
    assert answer.jobs == [None]
    assert "Accepted: AVI, MOV, MKV, WMV, MP4, WEBM, M4V," in answer.refusals[0]
