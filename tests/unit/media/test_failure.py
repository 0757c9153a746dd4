"""ffmpeg's end becomes a sentence for people, and details without paths of the server."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from video_to_mp4.errors import (
    DamagedSource,
    EncoderFailed,
    InsufficientStorage,
    KilledBySystem,
    LimitExceeded,
    NotAVideo,
    SourceMissing,
    UnknownCodec,
    VideoToMp4Error,
)
from video_to_mp4.media.failure import ends_all_attempts, explain, last_words, tells_of_damage


@pytest.mark.parametrize(
    ("code", "stderr", "error"),
    [
        (1, "av_interleaved_write_frame(): No space left on device", InsufficientStorage),
        (1, "av_interleaved_write_frame(): Disk quota exceeded", InsufficientStorage),
        (1, "x264 [error]: malloc of size 123 failed", KilledBySystem),
        (1, "Error initializing filters: Cannot allocate memory", KilledBySystem),
        (1, "file:/data/s: No such file or directory", SourceMissing),
        (1, "[avi] Picture size 16000x16000 is invalid", LimitExceeded),
        (1, "Decoder (codec none) not found for input stream #0:0", UnknownCodec),
        (1, "Cannot determine format of input stream 0:0 after EOF", DamagedSource),
        (1, "Cannot determine format of input 0:0 after EOF", DamagedSource),
        (1, "Decoding requested, but no decoder found for: vvc", UnknownCodec),
        (1, "Output file #0 does not contain any stream", DamagedSource),
        (1, "file:/data/s: Invalid data found when processing input", NotAVideo),
        (1, "Unknown encoder 'libx264'", EncoderFailed),
        (1, "Conversion failed!", EncoderFailed),
        (187, "", EncoderFailed),
        (-signal.SIGKILL, "", KilledBySystem),
        (-signal.SIGTERM, "", KilledBySystem),
        (-signal.SIGSEGV, "", EncoderFailed),
    ],
)
def test_every_end_has_an_error_that_a_user_understands(code: int, stderr: str, error: type[VideoToMp4Error]) -> None:
    """The type gives the stable code and the sentence."""
    assert type(explain(code, stderr)) is error


@pytest.mark.parametrize(
    ("stderr", "part"),
    [
        ("Unknown encoder 'libx265'", "encoder libx265"),
        (
            "[vost#0:0 @ 0x7fca] Unknown encoder 'libsvtav1'\n[vost#0:0 @ 0x7fca] Error selecting an encoder",
            "libsvtav1",
        ),
        (
            "[AVFilterGraph @ 0x5628] No such filter: 'zscale'\nError opening output files: Filter not found",
            "filter zscale",
        ),
    ],
)
def test_what_ffmpeg_was_built_without_is_named(stderr: str, part: str) -> None:
    """Whoever runs the server knows then what to look for in another build."""
    assert f"{part}, which this video needs" in str(explain(8, stderr))


def test_details_hold_the_last_lines_without_paths_of_the_server() -> None:
    """Users learn what went wrong, not where the server keeps its files."""
    source = Path("/srv/my data/jobs/0197/source")
    stderr = (
        "\n".join(f"line {n}" for n in range(100))
        + "\n[mov,mp4 @ 0x55d2699a8c0] stream 0: partial file"
        + f"\nfile:{source}: corrupt"
        + "\n/var/lib/video_to_mp4/jobs/17/1/result.partial: 25/1 fps, 16/9"
        + "\n'/etc/passwd': no\nsame\nsame\nsame"
    )
    details = explain(1, stderr, hide=(source,)).details
    lines = details.splitlines()
    assert lines[-5:] == [
        "[mov,mp4] stream 0: partial file",
        "«file»: corrupt",
        "«file»: 25/1 fps, 16/9",
        "'«file»': no",
        "same",
    ]
    assert len(lines) == 20


def test_last_words_of_nothing_are_nothing() -> None:
    """An empty log gives empty details."""
    assert last_words("\n \n") == ""


def test_a_full_disk_or_a_kill_ends_all_attempts() -> None:
    """Another plan would meet the same end; a decoding error need not."""
    assert ends_all_attempts(-9, "")
    assert ends_all_attempts(1, "No space left on device")
    assert not ends_all_attempts(1, "Error while decoding stream #0:0")
    assert not ends_all_attempts(0, "")


def test_damage_is_known_by_what_ffmpeg_says() -> None:
    """Only then a result may be shorter than its source."""
    assert tells_of_damage("Error while decoding stream #0:0: Invalid data found when processing input")
    assert not tells_of_damage("[swscaler] deprecated pixel format used, make sure you did set range correctly")
