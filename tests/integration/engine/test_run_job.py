"""One attempt with real ffmpeg, from the source to the published result."""

from __future__ import annotations

import asyncio
import os
import shutil
import threading
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from animations import GREEN, RED, filled, frame, webp
from children import NewChildren
from clips import make_clip, make_long_clip, picture, run_ffmpeg
from conversion import look_at
from factories import make_job
from video_to_mp4.engine import run_job
from video_to_mp4.engine.run_job import JobRunner
from video_to_mp4.errors import (
    ConversionStalled,
    EncoderFailed,
    InsufficientStorage,
    KilledBySystem,
    LimitExceeded,
    NotAVideo,
    SourceMissing,
    ToolMissing,
)
from video_to_mp4.jobs.model import Completed, JobSpec, Options, Progress, Quality, Resolution, Stage
from video_to_mp4.media import copied_picture
from video_to_mp4.media import source as sources
from video_to_mp4.storage.folder import DataFolder
from waiting import until

AUTO = Options(quality=Quality.AUTO)
FAST = Options(quality=Quality.STANDARD)
SLOW = Options(quality=Quality.MAXIMUM)


@dataclass
class Attempt:
    """A job in a data folder, and what its attempt reports."""

    folder: DataFolder
    job_id: str = field(default_factory=lambda: make_job().id)
    reports: list[Progress] = field(default_factory=list)

    def put(self, source: Path) -> None:
        """Store the job's source."""
        shutil.copyfile(source, self.folder.paths.source(self.job_id))

    async def run(self, options: Options = FAST, **tools: str | float) -> Completed:
        """Run the job's first attempt."""
        spec = JobSpec(job_id=self.job_id, owner="ann", options=options)
        return await JobRunner(self.folder, **tools).run(spec, 1, 0, self.reports.append)  # type: ignore[arg-type]

    def leftovers(self) -> list[Path]:
        """List what attempts left behind."""
        return list(self.folder.paths.attempts.iterdir())


@pytest.fixture
def attempt(tmp_path: Path) -> Attempt:
    folder = DataFolder(tmp_path / "data")
    folder.open()
    return Attempt(folder)


async def assert_cancel_leaves_the_source_alone(
    attempt: Attempt, work: asyncio.Task[Completed], new_children: NewChildren
) -> None:
    """Cancel a running attempt, and expect neither a process nor a file of it."""
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(work, 30)
    assert new_children() == []
    assert attempt.leftovers() == []
    assert attempt.folder.paths.source(attempt.job_id).exists()


async def test_a_source_becomes_a_published_result(attempt: Attempt, tmp_path: Path) -> None:
    """The result lies in its place, its size is told, and the attempt's own folder is gone."""
    attempt.put(make_clip(tmp_path, "h264_ac3_mkv"))
    completed = await attempt.run()
    assert attempt.folder.paths.result(attempt.job_id).stat().st_size == completed.result_bytes > 0
    assert [fate.kind for fate in completed.fates] == ["video", "audio"]
    assert attempt.leftovers() == []


async def test_what_was_prepared_for_a_job_is_in_its_result_and_nowhere_else(attempt: Attempt, tmp_path: Path) -> None:
    """Subtitles and chapters are put in order in files of the attempt, which go with it."""
    (tmp_path / "s.srt").write_bytes("1\n00:00:00,100 --> 00:00:00,900\nkůň\n\n".encode("cp1250"))
    (tmp_path / "c.txt").write_text(";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1\nSTART=0\nEND=1\n")
    source = tmp_path / "source.mkv"
    made = [
        "-t",
        "1",
        *picture("160x120"),
        "-i",
        tmp_path / "s.srt",
        "-i",
        tmp_path / "c.txt",
        "-map",
        "0",
        "-map",
        "1",
    ]
    run_ffmpeg([*made, "-map_chapters", "2", "-c:s", "copy", "-metadata:s:s:0", "language=cze", source])
    attempt.put(source)
    completed = await attempt.run()
    result = attempt.folder.paths.result(attempt.job_id)
    assert "kůň" in run_ffmpeg(["-i", result, "-f", "srt", "pipe:1"])
    assert [chapter["tags"]["title"] for chapter in look_at(result)["chapters"]] == ["Chapter 1"]
    assert [warning for warning in completed.warnings if "windows-1250" in warning] == list(completed.warnings)
    assert attempt.leftovers() == []


async def test_a_cancel_while_subtitles_are_taken_out_leaves_no_process_and_no_file(
    attempt: Attempt, tmp_path: Path, new_children: NewChildren
) -> None:
    """What has been written of them so far goes with the attempt; a large source is read for minutes there."""
    (tmp_path / "s.srt").write_text("1\n00:00:00,100 --> 00:00:00,900\nWait\n\n")
    source = tmp_path / "source.mkv"
    run_ffmpeg(["-t", "1", *picture("160x120"), "-i", tmp_path / "s.srt", "-c:s", "copy", source])
    attempt.put(source)
    began, slow = tmp_path / "began", tmp_path / "ffmpeg"
    slow.write_text(
        f"""#!/bin/sh
case "$*" in *subtitles_*) ffmpeg "$@"; touch '{began}'; exec sleep 600 ;; esac
exec ffmpeg "$@"
"""
    )
    slow.chmod(0o755)
    work = asyncio.create_task(attempt.run(ffmpeg=str(slow)))
    await until(began.exists, timeout_s=60)
    assert [*attempt.folder.paths.attempts.rglob("subtitles_*.raw")]
    await assert_cancel_leaves_the_source_alone(attempt, work, new_children)


async def test_progress_goes_from_reading_to_finishing_and_never_back(attempt: Attempt, tmp_path: Path) -> None:
    """The bar moves one way, through the stages, and is full only when the result is verified."""
    attempt.put(make_clip(tmp_path, "h264_ac3_mkv"))
    await attempt.run()
    percents = [report.percent for report in attempt.reports]
    assert percents == sorted(percents)
    assert max(percents) < 100
    assert attempt.reports[0].stage is Stage.READING
    assert attempt.reports[-1].stage is Stage.FINISHING


async def test_a_canceled_attempt_leaves_no_process_and_no_file(
    attempt: Attempt, tmp_path: Path, new_children: NewChildren
) -> None:
    """When the cancel is through, ffmpeg is dead and its partial file is gone; the source stays."""
    attempt.put(make_clip(tmp_path, "long_1080p_mp4"))
    work = asyncio.create_task(attempt.run(SLOW))
    await until(lambda: any(report.percent > 0 for report in attempt.reports), timeout_s=60)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert new_children() == []
    assert attempt.leftovers() == []
    assert attempt.folder.paths.source(attempt.job_id).exists()


async def test_what_is_not_a_video_is_refused_with_a_sentence(attempt: Attempt, tmp_path: Path) -> None:
    """The error is clear and nothing is left behind."""
    text = tmp_path / "text.mp4"
    text.write_text("This is no video.\n" * 100)
    attempt.put(text)
    with pytest.raises(NotAVideo, match="not a video"):
        await attempt.run()
    assert attempt.leftovers() == []


async def test_a_source_deleted_by_hand_is_a_clear_error(attempt: Attempt) -> None:
    """The user is told to add the file again."""
    with pytest.raises(SourceMissing, match="Add it again"):
        await attempt.run()


async def test_a_missing_ffmpeg_is_a_clear_error(attempt: Attempt, tmp_path: Path) -> None:
    """The sentence says what to install."""
    attempt.put(make_clip(tmp_path, "h264_ac3_mkv"))
    with pytest.raises(ToolMissing, match="no-such-ffmpeg"):
        await attempt.run(ffmpeg="no-such-ffmpeg")
    assert attempt.leftovers() == []


def _script(folder: Path, body: str) -> str:
    path = folder / "ffmpeg"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return str(path)


async def test_an_ffmpeg_that_hangs_is_ended(attempt: Attempt, tmp_path: Path, new_children: NewChildren) -> None:
    """A conversion without any sign of life ends in an error, not in a slot that is lost for ever."""
    attempt.put(make_clip(tmp_path, "h264_ac3_mkv"))
    with pytest.raises(ConversionStalled):
        await attempt.run(ffmpeg=_script(tmp_path, "exec sleep 600"), stall_s=0.3)
    assert new_children() == []


async def test_an_ffmpeg_that_hangs_behind_a_file_is_ended_too(
    attempt: Attempt, tmp_path: Path, new_children: NewChildren
) -> None:
    """A file that grows is a sign of life; one that only lies there is none, however the clock is set."""
    attempt.put(make_clip(tmp_path, "h264_ac3_mkv"))
    hangs = 'for last; do :; done; echo x > "${last#file:}"; exec sleep 600'
    with pytest.raises(ConversionStalled):
        await attempt.run(ffmpeg=_script(tmp_path, hangs), stall_s=0.3)
    assert new_children() == []
    assert attempt.leftovers() == []


async def test_a_cancel_while_the_source_is_decoded_beside_its_copy_leaves_no_process(
    attempt: Attempt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, new_children: NewChildren
) -> None:
    """The copy may be through long before."""
    monkeypatch.setattr(copied_picture, "_WORTH_IT_BYTES", 0)
    attempt.put(make_clip(tmp_path, "h264_aac_mkv"))
    began = tmp_path / "began"
    slow = f'case "$*" in *-select_streams*) touch {began}; exec sleep 600;; esac; exec ffprobe "$@"'
    work = asyncio.create_task(attempt.run(AUTO, ffprobe=_script(tmp_path, slow)))
    await until(lambda: began.exists() and any(report.stage is Stage.FINISHING for report in attempt.reports))
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert new_children() == []
    assert attempt.leftovers() == []


async def test_a_copy_that_failed_does_not_wait_for_its_source_to_be_decoded(
    attempt: Attempt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, new_children: NewChildren
) -> None:
    """There is nothing to compare with it, and decoding a large source takes a while."""
    monkeypatch.setattr(copied_picture, "_WORTH_IT_BYTES", 0)
    attempt.put(make_clip(tmp_path, "h264_aac_mkv"))
    (tmp_path / "endless").mkdir()
    endless = 'case "$*" in *-select_streams*) exec sleep 600;; esac; exec ffprobe "$@"'
    full = "echo 'Error writing trailer: No space left on device' >&2; exit 1"
    async with asyncio.timeout(60):
        with pytest.raises(InsufficientStorage):
            ffprobe = _script(tmp_path / "endless", endless)
            await attempt.run(AUTO, ffmpeg=_script(tmp_path, full), ffprobe=ffprobe)
    assert new_children() == []


async def test_who_asks_for_encoders_at_the_same_time_shares_one_answer(attempt: Attempt, tmp_path: Path) -> None:
    """The first requests often come together, and each process takes a tenth of a second of everybody's."""
    asked = tmp_path / "asked"
    runner = JobRunner(attempt.folder, ffmpeg=_script(tmp_path, f'echo "$*" >> {asked}; exec ffmpeg "$@"'))
    found = await asyncio.gather(*(runner.encoders() for _ in range(5)))
    assert "libx264" in found[0]
    assert set(found) == {found[0]}
    assert len(asked.read_text().splitlines()) == 1


async def test_what_grows_is_brought_to_the_disk_before_its_end(
    attempt: Attempt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A result of gigabytes is safe soon after its last byte: a slow disk is not left with all of it then."""
    monkeypatch.setattr(run_job, "_LOOKS_EVERY_S", 0.01)
    monkeypatch.setattr(run_job, "_SETTLED_AT_ONCE_BYTES", 1)
    sizes: list[int] = []

    def settle(job_id: str, number: int) -> None:
        sizes.append(attempt.folder.paths.partial(job_id, number).stat().st_size)

    monkeypatch.setattr(attempt.folder, "settle", settle)
    attempt.put(make_long_clip(tmp_path, "watched_h264_ac3_mkv", times=4))
    completed = await attempt.run()
    assert len(sizes) > 2
    assert 0 < sizes[0] < sizes[-1] == completed.result_bytes


@pytest.mark.parametrize("is_finishing", [False, True], ids=["while it is written", "while it is checked"])
async def test_a_cancel_does_not_wait_for_a_slow_disk(
    attempt: Attempt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_finishing: bool
) -> None:
    """Gigabytes can be on their way to it, which nobody wants any more."""
    monkeypatch.setattr(run_job, "_LOOKS_EVERY_S", 0.01)
    monkeypatch.setattr(run_job, "_SETTLED_AT_ONCE_BYTES", 10**12 if is_finishing else 1)
    began, may_end = threading.Event(), threading.Event()

    def settle(*_: object) -> None:
        began.set()
        may_end.wait(120)

    monkeypatch.setattr(attempt.folder, "settle", settle)
    attempt.put(make_clip(tmp_path, "h264_ac3_mkv" if is_finishing else "long_1080p_mp4"))
    work = asyncio.create_task(attempt.run(FAST if is_finishing else SLOW))
    try:
        await until(began.is_set, timeout_s=60)
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(work, 30)
        assert attempt.leftovers() == []
    finally:
        may_end.set()


async def test_a_full_disk_is_told_as_such(attempt: Attempt, tmp_path: Path) -> None:
    """Ffmpeg's «No space left on device» becomes a sentence on what to do."""
    attempt.put(make_clip(tmp_path, "h264_ac3_mkv"))
    script = _script(tmp_path, "echo 'av_interleaved_write_frame(): No space left on device' >&2; exit 1")
    with pytest.raises(InsufficientStorage):
        await attempt.run(ffmpeg=script)
    assert attempt.leftovers() == []


async def test_a_result_that_takes_all_room_is_ended(
    attempt: Attempt, tmp_path: Path, new_children: NewChildren
) -> None:
    """It is stopped while it grows, and what it took is given back."""
    attempt.put(make_clip(tmp_path, "watched_h264_ac3_mkv"))
    with pytest.raises(LimitExceeded, match="larger than all the room"):
        await attempt.run(SLOW, capacity_bytes=1000)
    assert new_children() == []
    assert attempt.leftovers() == []


async def test_a_result_larger_than_its_source_leaves_the_disk_some_room(
    attempt: Attempt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it takes beyond its claim was promised to nobody: the rows and the uploads of others need it more."""
    monkeypatch.setattr("video_to_mp4.storage.folder._LEFT_FREE_SHARE", 1)
    monkeypatch.setattr("video_to_mp4.storage.folder._LEFT_FREE_BYTES", 1 << 60)
    attempt.put(make_clip(tmp_path, "huffyuv_adpcm_avi"))
    await attempt.run()
    attempt.put(make_clip(tmp_path, "vp9_opus_webm"))
    with pytest.raises(InsufficientStorage, match="nearly full"):
        await attempt.run(SLOW)


async def test_no_path_of_the_server_is_in_an_errors_details(attempt: Attempt, tmp_path: Path) -> None:
    """Details are for users too: they name no folder of the server."""
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(os.urandom(100_000))
    attempt.put(broken)
    with pytest.raises(NotAVideo) as refused:
        await attempt.run()
    assert str(tmp_path) not in refused.value.details


@pytest.mark.parametrize(
    ("clip", "resolution", "size"),
    [
        ("odd_642x482_mkv", Resolution.ORIGINAL, (642, 482)),
        ("small_320x240_mp4", Resolution.FULL_HD, (320, 240)),
        ("odd_642x482_mkv", Resolution.SD, (640, 480)),
    ],
)
async def test_sizes_and_sound_survive(
    attempt: Attempt, tmp_path: Path, clip: str, resolution: Resolution, size: tuple[int, int]
) -> None:
    """An unusual size converts, a small picture is not blown up, and 480p keeps its sound."""
    attempt.put(make_clip(tmp_path, clip))
    await attempt.run(Options(quality=Quality.STANDARD, resolution=resolution))
    video, audio = look_at(attempt.folder.paths.result(attempt.job_id))["streams"]
    assert (video["width"], video["height"]) == size
    assert audio["codec_name"] == "aac"


async def test_a_disk_that_fills_up_in_the_middle_is_told_as_such(attempt: Attempt, tmp_path: Path) -> None:
    """Real ffmpeg meets a real limit: the job ends with the disk's error, and its partial file is gone."""
    attempt.put(make_clip(tmp_path, "h264_ac3_mkv"))
    script = _script(tmp_path, 'ulimit -f 40; trap "" XFSZ; exec ffmpeg "$@"')
    with pytest.raises(InsufficientStorage):
        await attempt.run(ffmpeg=script)
    assert attempt.leftovers() == []


async def test_what_an_earlier_run_wrote_is_not_taken_for_a_later_ones(attempt: Attempt, tmp_path: Path) -> None:
    """A copy that ffmpeg has doubts about is no result, though the encoder that comes after it does not start."""
    run_ffmpeg([*picture("160x120"), "-c:v", "libx264", "-pix_fmt", "yuv420p", "-t", "1", tmp_path / "source.mp4"])
    attempt.put(tmp_path / "source.mp4")
    copies = 'case "$*" in *libx264*) echo Oops >&2; exit 1;; esac; echo "non-monotonous DTS" >&2; exec ffmpeg "$@"'
    with pytest.raises(EncoderFailed):
        await attempt.run(AUTO, ffmpeg=_script(tmp_path, copies))


async def test_megabytes_of_warnings_disturb_no_conversion(attempt: Attempt, tmp_path: Path) -> None:
    """Ffmpeg may complain as much as it likes: the result counts."""
    attempt.put(make_clip(tmp_path, "h264_ac3_mkv"))
    script = _script(
        tmp_path, 'case "$*" in *-progress*) head -c 10000000 /dev/zero | tr "\\\\0" w >&2;; esac; exec ffmpeg "$@"'
    )
    assert (await attempt.run(ffmpeg=script)).result_bytes > 0


async def test_an_ffmpeg_that_the_system_kills_is_told_as_such(attempt: Attempt, tmp_path: Path) -> None:
    """Out of memory, most likely: the sentence says so."""
    attempt.put(make_clip(tmp_path, "h264_ac3_mkv"))
    with pytest.raises(KilledBySystem, match="memory"):
        await attempt.run(ffmpeg=_script(tmp_path, "kill -9 $$"))
    assert attempt.leftovers() == []


@pytest.mark.parametrize("moment", ["-show_format", "-show_entries", "result.mp4.partial", "-show_frames"])
async def test_a_check_that_the_system_kills_says_nothing_about_the_video(
    attempt: Attempt, tmp_path: Path, moment: str
) -> None:
    """Whoever is killed while looking at source or result: the video is called neither damaged nor no video."""
    attempt.put(make_clip(tmp_path, "h264_ac3_mkv"))
    probe, convert = tmp_path / "probe", tmp_path / "convert"
    for folder in (probe, convert):
        folder.mkdir()
    kill = f'case "$*" in *"{moment}"*) kill -9 $$;; esac; exec'
    with pytest.raises(KilledBySystem):
        await attempt.run(
            ffprobe=_script(probe, f'{kill} ffprobe "$@"'), ffmpeg=_script(convert, f'{kill} ffmpeg "$@"')
        )
    assert attempt.leftovers() == []


async def test_what_stands_for_an_animated_webp_lies_in_its_attempt_and_goes_with_it(
    attempt: Attempt, tmp_path: Path
) -> None:
    """It is no quick job, nothing is written before its turn, and the log calls the file the source."""
    attempt.put(webp(tmp_path / "a.webp", [frame(filled(RED)), frame(filled(GREEN))]))
    spec = JobSpec(job_id=attempt.job_id, owner="ann", options=AUTO)
    assert not await JobRunner(attempt.folder).is_quick(spec)
    assert attempt.leftovers() == []
    completed = await attempt.run(AUTO)
    assert [(fate.codec, fate.why) for fate in completed.fates] == [
        ("webp", "becomes H.264: webp does not play everywhere")
    ]
    assert "-i SOURCE" in attempt.folder.read_log(attempt.job_id)
    assert attempt.leftovers() == []


async def test_what_is_told_of_a_cut_webp_is_in_its_row(attempt: Attempt, tmp_path: Path) -> None:
    """As for other damaged sources: what could be read is converted."""
    source = webp(tmp_path / "a.webp", [frame(filled(RED)), frame(filled(GREEN)), frame(filled(RED))])
    source.write_bytes(source.read_bytes()[:-10])
    attempt.put(source)
    completed = await attempt.run()
    assert completed.warnings == ("The file ends before its end: 2 whole pictures of it could be read.",)


async def test_a_cancel_while_an_animation_is_unpacked_leaves_no_process_and_no_file(
    attempt: Attempt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, new_children: NewChildren
) -> None:
    """It is untrusted input in a process of its own, which ends as ffmpeg does."""
    began, endless = tmp_path / "began", tmp_path / "endless.py"
    real = sources._CHILD.read_text()
    endless.write_text(
        real.replace("writer.end()", f"Path({str(began)!r}).touch()\n        __import__('time').sleep(600)")
    )
    monkeypatch.setattr(sources, "_CHILD", endless)
    attempt.put(webp(tmp_path / "a.webp", [frame(filled(RED)), frame(filled(GREEN))]))
    work = asyncio.create_task(attempt.run())
    await until(began.exists, timeout_s=60)
    assert attempt.folder.paths.stand_in(attempt.job_id, 1).exists()
    await assert_cancel_leaves_the_source_alone(attempt, work, new_children)


async def test_an_animation_that_unpacks_to_all_the_room_there_is_is_ended(
    attempt: Attempt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, new_children: NewChildren
) -> None:
    """It counts as a result does: what it takes beyond the claim of its job was promised to nobody."""
    attempt.put(webp(tmp_path / "a.webp", [frame(filled(RED)), frame(filled(GREEN))]))
    with pytest.raises(LimitExceeded, match="unpacked animation would be larger than all the room"):
        await attempt.run(capacity_bytes=100)
    monkeypatch.setattr("video_to_mp4.storage.folder._LEFT_FREE_SHARE", 1)
    monkeypatch.setattr("video_to_mp4.storage.folder._LEFT_FREE_BYTES", 1 << 60)
    with pytest.raises(InsufficientStorage, match="nearly full, and the unpacked animation"):
        await attempt.run()
    assert new_children() == []
    assert attempt.leftovers() == []


async def test_a_disk_that_fills_up_while_an_animation_is_unpacked_is_told_as_such(
    attempt: Attempt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the system's own word for it."""
    full = tmp_path / "full.py"
    real = sources._CHILD.read_text()
    full.write_text(real.replace("writer.end()", "raise OSError(errno.ENOSPC, 'full')"))
    monkeypatch.setattr(sources, "_CHILD", full)
    attempt.put(webp(tmp_path / "a.webp", [frame(filled(RED)), frame(filled(GREEN))]))
    with pytest.raises(InsufficientStorage):
        await attempt.run()
    assert attempt.leftovers() == []
