"""What ffmpeg and ffprobe can is found out by a film that goes the whole way, not by what they are called."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import tools
from clips import make_clip
from conversion import convert
from video_to_mp4.errors import EncoderFailed, ToolMissing, UnknownCodec
from video_to_mp4.media.capabilities import Capabilities, find_encoders, find_out


def tool(folder: Path, program: str, lines: str) -> str:
    """Make a program that does something of its own, and else what the tested ffmpeg or ffprobe does."""
    made = folder / program
    made.write_text(f'#!/bin/sh\n{lines}\nexec {shutil.which(program)} "$@"\n')
    made.chmod(0o755)
    return str(made)


def calling_itself(version: str, program: str) -> str:
    return f'case "$*" in -version) echo "{program} version {version} Copyright";; esac\n' + (
        f'case "$*" in -encoders) echo "{program} version {version} Copyright" >&2;; esac'
    )


async def test_the_tested_tools_can_do_what_every_conversion_needs() -> None:
    """Whatever a build leaves out, H.264 and AAC in an MP4 can be made, and the version is told."""
    found = await find_out("ffmpeg", "ffprobe")
    assert found.version == tools.version("ffmpeg")
    assert {"libx264", "aac"} <= found.encoders
    assert {"scale", "aresample"} <= found.filters
    assert {"h264", "aac"} <= found.decoders


@pytest.mark.parametrize(("ffmpeg", "ffprobe"), [("/bin/true", "ffprobe"), ("ffmpeg", "/bin/true")])
async def test_another_program_is_refused(ffmpeg: str, ffprobe: str) -> None:
    """It would fail every job, each with a sentence that blames the video."""
    with pytest.raises(ToolMissing, match=r"The program «/bin/true» is no ff(mpeg|probe)\. VIDEO_TO_MP4_FF"):
        await find_out(ffmpeg, ffprobe)


@pytest.mark.parametrize("program", ["ffmpeg", "ffprobe"])
@pytest.mark.parametrize("version", ["4.1.11-0+deb10u1", "n4.4.2", "5.0.3"])
async def test_a_version_that_is_too_old_by_its_number_is_refused(tmp_path: Path, program: str, version: str) -> None:
    """4.1 calls every good file damaged; the sentence says which version is needed."""
    named = {"ffmpeg": "ffmpeg", "ffprobe": "ffprobe"}
    named[program] = tool(tmp_path, program, calling_itself(version, program))
    with pytest.raises(ToolMissing, match=rf"The {program} .* has version {version[:3]}.*version 5\.1 or newer"):
        await find_out(**named)


@pytest.mark.parametrize(
    "version", ["n8.1.2", "9.0-static", "N-12345-g012345", "2026-10-30-git-012345", "git-2026-10-30-012345", "10.0"]
)
async def test_a_version_without_a_readable_number_is_judged_by_what_it_does(tmp_path: Path, version: str) -> None:
    """Nightly builds have a date or a count; nobody can tell from these how old they are."""
    ffmpeg = tool(tmp_path, "ffmpeg", calling_itself(version, "ffmpeg"))
    ffprobe = tool(tmp_path, "ffprobe", calling_itself(version, "ffprobe"))
    assert (await find_out(ffmpeg, ffprobe)).version == version


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ('case "$*" in *libx264*) echo "Unknown encoder \'libx264\'" >&2; exit 1;; esac', "libx264"),
        ('case "$*" in *-fps_mode*) echo "Unrecognized option \'fps_mode:v\'." >&2; exit 1;; esac', "fps_mode"),
        ('case "$*" in *libx264*) exit 0;; esac', "can't convert a film"),
    ],
)
async def test_one_that_can_not_convert_a_small_film_is_refused(tmp_path: Path, lines: str, said: str) -> None:
    """The sentence has ffmpeg's own words, in one line."""
    with pytest.raises(ToolMissing, match=said) as raised:
        await find_out(tool(tmp_path, "ffmpeg", lines), "ffprobe")
    assert "\n" not in str(raised.value)


def test_what_a_build_lacks_is_said() -> None:
    """At the start and in the answer to a health check, rather than when the first HDR video comes."""
    colours = {"lutrgb", "colorchannelmixer", "mergeplanes"}
    encoders, filters, decoders = {"mov_text"}, {"tonemap", "bwdif", "fps", *colours}, {"av1"}
    found = Capabilities("n8.1.2", frozenset(encoders), frozenset(filters), frozenset(decoders))
    assert found.lacks == (
        "ffmpeg was built without the filter zscale: HDR videos can't be converted.",
        "ffmpeg was built without the decoder libdav1d: AV1 videos can't be converted.",
    )


DECODES_AV1 = 'echo " V....D libdav1d  dav1d AV1 decoder"'
AV1_NEEDS_HARDWARE = 'case "$*" in *-decoders) echo " V....D av1  Alliance for Open Media AV1"; exit;; esac'
"""As a build says that has ffmpeg's own decoder of AV1 alone, which is none."""


@pytest.mark.parametrize(("lines", "is_offered"), [("", True), (AV1_NEEDS_HARDWARE, False)])
async def test_av1_is_offered_where_a_result_can_be_checked(tmp_path: Path, lines: str, is_offered: bool) -> None:
    """Hours of work would be thrown away at the end."""
    listed = 'case "$*" in *-encoders) echo " V....D libsvtav1  SVT-AV1"; echo " V....D libx264  H.264"; exit;; esac'
    decodes = f'case "$*" in *-decoders) {DECODES_AV1}; exit;; esac'
    ffmpeg, ffprobe = tool(tmp_path, "ffmpeg", listed), tool(tmp_path, "ffprobe", lines or decodes)
    assert await find_encoders(ffmpeg, ffprobe) == ({"libsvtav1", "libx264"} if is_offered else {"libx264"})


async def test_an_av1_video_that_this_build_can_not_read_is_not_called_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ends with 0 and an empty result then; the sentence says that another build is needed."""
    source = make_clip(tmp_path, "small_320x240_mp4")
    said = "[av1 @ 0x7f6b] Your platform doesn't support hardware accelerated AV1 decoding."
    fails = f'for last; do :; done; echo "{said}" >&2; : > "${{last#file:}}"; exit'
    tool(tmp_path, "ffmpeg", f'case "$*" in *-decoders) {DECODES_AV1}; exit;; *-progress*) {fails};; esac')
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with pytest.raises(UnknownCodec, match=r"built without a decoder for AV1 that works without a graphics card"):
        await convert(source)


async def test_a_video_that_needs_what_is_not_there_is_refused_with_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever runs the server knows then which other build to get."""
    lines = 'case "$*" in *zscale*) echo "[AVFilterGraph @ 0x7f6b] No such filter: \'zscale\'" >&2; exit 8;; esac'
    source = make_clip(tmp_path, "hdr10_mkv")
    tool(tmp_path, "ffmpeg", lines)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with pytest.raises(EncoderFailed, match="The server's ffmpeg was built without the filter zscale"):
        await convert(source)
