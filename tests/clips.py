"""Small clips of every kind, made by ffmpeg when a test first asks for one and kept until the test run ends.

    from clips import make_clip
    source = make_clip(tmp_path, "h264_ac3_mkv")

A clip is a copy of its own in the given folder, so a test may cut it, damage it or rename it.
"""

from __future__ import annotations

import atexit
import functools
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import tools

TONE = ("-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000")


@dataclass(frozen=True)
class Recipe:
    """What ffmpeg is told, between `ffmpeg` and the clip's name."""

    extension: str
    args: tuple[str, ...]


def picture(size: str = "320x240", rate: str = "25", source: str = "testsrc2") -> tuple[str, ...]:
    """Return the input of a moving test picture."""
    return ("-f", "lavfi", "-i", f"{source}=size={size}:rate={rate}")


H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")
AAC = ("-c:a", "aac", "-b:a", "64k")


def _seconds(duration_s: float) -> tuple[str, ...]:
    return ("-t", str(duration_s))


QUADRANTS = "color=black:s={size}:r=25,drawbox=0:0:iw/2:ih/2:red:fill,drawbox=iw/2:0:iw/2:ih/2:lime:fill,\
drawbox=0:ih/2:iw/2:ih/2:blue:fill,drawbox=iw/2:ih/2:iw/2:ih/2:white:fill"
"""Red and green above blue and white, so that one frame shows how it was turned."""


def quadrants(size: str = "320x240") -> tuple[str, ...]:
    """Return the input of a picture whose corners tell it apart from all its rotations and reflections."""
    return ("-f", "lavfi", "-i", QUADRANTS.format(size=size))


def tone_in(layout: str, rate: int = 48_000) -> tuple[str, ...]:
    """Return the input of a tone in the channels of a layout."""
    return ("-f", "lavfi", "-i", f"sine=r={rate},aformat=channel_layouts={layout}")


BT2020 = ("-color_primaries", "bt2020", "-colorspace", "bt2020nc")
TEN_BIT = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p10le")
TWO_TRACKS = ("-map", "0:v", "-map", "1:a", "-map", "1:a")

RECIPES: dict[str, Recipe] = {
    # what most people have
    "h264_ac3_mkv": Recipe(".mkv", (*picture(), *TONE, *H264, "-c:a", "ac3", *_seconds(2))),
    "h264_aac_mp4": Recipe(".mp4", (*picture(), *TONE, *H264, *AAC, *_seconds(2))),
    "h264_aac_mkv": Recipe(".mkv", (*picture(), *TONE, *H264, *AAC, *_seconds(2))),
    "h264_aac_flv": Recipe(".flv", (*picture(), *TONE, *H264, *AAC, "-ar", "44100", *_seconds(2))),
    "h264_aac_ts": Recipe(".ts", (*picture(), *TONE, *H264, *AAC, *_seconds(2))),
    "h264_mp3_avi": Recipe(".avi", (*picture(), *TONE, *H264, "-bf", "0", "-c:a", "libmp3lame", *_seconds(2))),
    "h264_b_frames_avi": Recipe(".avi", (*picture(), *H264, "-bf", "3", *_seconds(2))),
    "mpeg4_mp3_avi": Recipe(".avi", (*picture(), *TONE, "-c:v", "mpeg4", "-c:a", "libmp3lame", *_seconds(2))),
    "mpeg4_b_frames_avi": Recipe(".avi", (*picture(), "-c:v", "mpeg4", "-bf", "2", *_seconds(2))),
    "vp9_opus_webm": Recipe(
        ".webm",
        (*picture(), *TONE, "-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-c:a", "libopus",
         *_seconds(2)),
    ),
    "vp8_vorbis_webm": Recipe(
        ".webm", (*picture(), *TONE, "-c:v", "libvpx", "-deadline", "realtime", "-c:a", "libvorbis", *_seconds(2))
    ),
    "wmv2_wmav2_wmv": Recipe(".wmv", (*picture(), *TONE, "-c:v", "wmv2", "-c:a", "wmav2", *_seconds(2))),
    "mpeg2_mp2_mpg": Recipe(".mpg", (*picture(), *TONE, "-c:v", "mpeg2video", "-c:a", "mp2", *_seconds(2))),
    "mjpeg_pcm_avi": Recipe(".avi", (*picture(), *TONE, "-c:v", "mjpeg", "-c:a", "pcm_s16le", *_seconds(2))),
    "theora_vorbis_ogv": Recipe(".ogv", (*picture(), *TONE, "-c:v", "libtheora", "-c:a", "libvorbis", *_seconds(2))),
    "prores_pcm_mov": Recipe(".mov", (*picture(), *TONE, "-c:v", "prores_ks", "-c:a", "pcm_s16le", *_seconds(1))),
    "long_1080p_mp4": Recipe(".mp4", (*picture("1920x1080"), *TONE, *H264, "-crf", "30", *AAC, *_seconds(60))),
    "ten_seconds_mp4": Recipe(".mp4", (*picture(), *TONE, *H264, "-g", "50", *AAC, *_seconds(10))),
    # Long enough for a conversion to be watched.
    "watched_h264_ac3_mkv": Recipe(".mkv", (*picture("640x480"), *TONE, *H264, "-c:a", "ac3", *_seconds(8))),
    "watched_mpeg4_mp3_avi": Recipe(
        ".avi", (*picture("640x480"), *TONE, "-c:v", "mpeg4", "-q:v", "4", "-c:a", "libmp3lame", *_seconds(8))
    ),
    # sizes
    "odd_642x482_mkv": Recipe(".mkv", (*picture("642x482"), *TONE, *H264, *AAC, *_seconds(1))),
    "odd_641x481_mkv": Recipe(
        ".mkv", (*picture("641x481"), *TONE, "-c:v", "ffv1", "-pix_fmt", "yuv444p", *AAC, *_seconds(1))
    ),
    "small_320x240_mp4": Recipe(".mp4", (*picture("320x240"), *TONE, *H264, *AAC, *_seconds(1))),
    "portrait_1080x1920_mp4": Recipe(".mp4", (*picture("1080x1920"), *TONE, *H264, *AAC, *_seconds(1))),
    "tiny_2x2_mkv": Recipe(".mkv", (*picture("2x2"), "-c:v", "ffv1", *_seconds(1))),
    "anamorphic_mkv": Recipe(".mkv", (*quadrants("360x288"), "-vf", "setsar=64/45", *H264, *_seconds(1))),
    # colours
    "h264_10_bit_mkv": Recipe(".mkv", (*quadrants(), *TEN_BIT, *_seconds(1))),
    "hevc_10_bit_mkv": Recipe(
        ".mkv",
        (*quadrants(), "-c:v", "libx265", "-preset", "ultrafast", "-pix_fmt", "yuv420p10le", "-x265-params",
         "log-level=error", *_seconds(1)),
    ),
    "h264_444_mkv": Recipe(".mkv", (*quadrants(), "-c:v", "libx264", "-pix_fmt", "yuv444p", *_seconds(1))),
    "h264_422_mkv": Recipe(".mkv", (*quadrants(), "-c:v", "libx264", "-pix_fmt", "yuv422p", *_seconds(1))),
    "h264_rgb_mkv": Recipe(".mkv", (*quadrants(), "-c:v", "libx264rgb", *_seconds(1))),
    "full_range_mov": Recipe(
        ".mov",
        (*quadrants(), "-vf", "scale=out_range=pc,format=yuvj420p", "-c:v", "libx264", "-color_range", "pc",
         *_seconds(1)),
    ),
    "hdr10_mkv": Recipe(
        ".mkv", (*picture(source="smptebars"), *TEN_BIT, "-color_trc", "smpte2084", *BT2020, *_seconds(1))
    ),
    "hlg_mkv": Recipe(
        ".mkv", (*picture(source="smptebars"), *TEN_BIT, "-color_trc", "arib-std-b67", *BT2020, *_seconds(1))
    ),
    "bt2020_sdr_mkv": Recipe(
        ".mkv", (*picture(source="smptebars"), *TEN_BIT, "-color_trc", "bt2020-10", *BT2020, *_seconds(1))
    ),
    "alpha_qtrle_mov": Recipe(".mov", (*quadrants(), "-vf", "format=argb", "-c:v", "qtrle", *_seconds(1))),
    "alpha_vp9_webm": Recipe(
        ".webm",
        (*quadrants(), "-vf", "format=yuva420p", "-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8",
         *_seconds(1)),
    ),
    "alpha_prores_mov": Recipe(
        ".mov", (*quadrants(), "-vf", "format=yuva444p10le", "-c:v", "prores_ks", "-profile:v", "4444", *_seconds(1))
    ),
    "palette_mov": Recipe(".mov", (*quadrants(), "-c:v", "png", "-pix_fmt", "pal8", *_seconds(1))),
    "gray_mkv": Recipe(".mkv", (*quadrants(), "-c:v", "ffv1", "-pix_fmt", "gray", *_seconds(1))),
    # how it was shot
    "interlaced_mpeg2_mkv": Recipe(
        ".mkv",
        (*picture(rate="50"), "-vf", "interlace=scan=tff", "-c:v", "mpeg2video", "-q:v", "2", "-flags", "+ilme+ildct",
         *_seconds(1)),
    ),
    "interlaced_h264_mp4": Recipe(
        ".mp4",
        (*picture(rate="50"), "-vf", "interlace=scan=tff", "-c:v", "libx264", "-pix_fmt", "yuv420p", "-x264-params",
         "tff=1", *_seconds(1)),
    ),
    "quadrants_mp4": Recipe(".mp4", (*quadrants(), *H264, *_seconds(1))),
    # times
    "variable_rate_mkv": Recipe(
        ".mkv",
        (*picture(), *TONE, "-vf", "select='lt(n,25)+not(mod(n,7))'", "-fps_mode", "vfr", *H264, *AAC, *_seconds(4)),
    ),
    "slide_show_mkv": Recipe(".mkv", (*picture(rate="1/5"), *H264, *_seconds(30))),
    "pause_before_the_end_mkv": Recipe(
        ".mkv",
        (*picture(), "-vf", "setpts='(N+if(gte(N,48),250))/25/TB'", "-fps_mode", "passthrough", *H264, "-frames:v",
         "50"),
    ),
    "one_frame_mkv": Recipe(".mkv", (*picture(), *H264, "-frames:v", "1")),
    "starts_late_mkv": Recipe(".mkv", (*picture(), *TONE, *H264, *AAC, "-output_ts_offset", "100", *_seconds(2))),
    "negative_times_mp4": Recipe(
        ".mp4",
        (*picture(), *TONE, *H264, *AAC, "-output_ts_offset", "-0.5", "-avoid_negative_ts", "disabled", *_seconds(2)),
    ),
    "sound_starts_late_mkv": Recipe(".mkv", (*picture(), "-itsoffset", "1", *TONE, *H264, *AAC, *_seconds(3))),
    "no_duration_webm": Recipe(
        ".webm",
        (*picture(), *TONE, "-c:v", "libvpx", "-deadline", "realtime", "-c:a", "libopus", "-live", "1", *_seconds(2)),
    ),
    "thousand_frames_mkv": Recipe(".mkv", (*picture(rate="1000"), *H264, *_seconds(1))),
    # sound
    "surround_7_1_mkv": Recipe(".mkv", (*picture(), *tone_in("7.1"), *H264, "-c:a", "flac", *_seconds(1))),
    "surround_5_1_side_mkv": Recipe(".mkv", (*picture(), *tone_in("5.1(side)"), *H264, "-c:a", "ac3", *_seconds(1))),
    "quad_mkv": Recipe(".mkv", (*picture(), *tone_in("quad"), *H264, "-c:a", "flac", *_seconds(1))),
    "unknown_layout_avi": Recipe(
        ".avi",
        (*picture(), "-f", "lavfi", "-i", "aevalsrc=0.1|0.1|0.1|0.1|0.1|0.1:s=48000:c=6c", *H264, "-bf", "0", "-c:a",
         "pcm_s16le", *_seconds(1)),
    ),
    "sixteen_channels_mov": Recipe(
        ".mov",
        (*picture(), "-f", "lavfi", "-i", f"aevalsrc={'|'.join(['0.1*sin(2000*t)'] * 16)}:s=48000:c=16c", *H264, "-c:a",
         "pcm_s16le", *_seconds(1)),
    ),
    "sound_96_khz_mkv": Recipe(".mkv", (*picture(), *tone_in("stereo", 96_000), *H264, "-c:a", "flac", *_seconds(1))),
    "sound_5512_hz_mkv": Recipe(
        ".mkv", (*picture(), *tone_in("mono", 5512), *H264, "-c:a", "pcm_s16le", *_seconds(1))
    ),
    "two_languages_mkv": Recipe(
        ".mkv",
        (*picture(), *TONE, *TWO_TRACKS, *H264, "-c:a", "ac3", "-metadata:s:a:0", "language=cze", "-metadata:s:a:0",
         "title=Komentář režiséra", "-metadata:s:a:1", "language=jpn", "-disposition:a:0", "0", "-disposition:a:1",
         "default", *_seconds(1)),
    ),
    # everything beside picture and sound
    "timecode_mov": Recipe(".mov", (*picture(), *H264, "-timecode", "01:00:00:00", *_seconds(1))),
    "located_mp4": Recipe(
        ".mp4",
        (*picture(), *H264, "-metadata", "location=+50.0755+014.4378/", "-metadata", "title=Praha", "-metadata",
         "date=2020", "-metadata", "creation_time=2020-05-06T07:08:09Z", *_seconds(1)),
    ),
    "encrypted_mp4": Recipe(
        ".mp4",
        (*picture(), *H264, "-encryption_scheme", "cenc-aes-ctr", "-encryption_key", "7" * 32, "-encryption_kid",
         "a" * 32, *_seconds(1)),
    ),
    "sound_only_mp4": Recipe(".mp4", (*TONE, *AAC, *_seconds(1))),
    # codecs and containers that few have
    "mpeg1_mp2_mpg": Recipe(".mpg", (*picture(), *TONE, "-c:v", "mpeg1video", "-c:a", "mp2", *_seconds(1))),
    "mpeg2_dvd_vob": Recipe(
        ".vob",
        (*picture("720x576"), *tone_in("5.1"), "-aspect", "16:9", "-c:v", "mpeg2video", "-c:a", "ac3", *_seconds(1)),
    ),
    "mpeg2_422_ts": Recipe(
        ".ts", (*picture(), *TONE, "-c:v", "mpeg2video", "-pix_fmt", "yuv422p", "-c:a", "mp2", *_seconds(1))
    ),
    "mpeg2_pcm_mxf": Recipe(".mxf", (*picture(), *TONE, "-c:v", "mpeg2video", "-c:a", "pcm_s16le", *_seconds(1))),
    "bluray_m2ts": Recipe(
        ".m2ts", (*picture(), *tone_in("stereo"), *H264, "-c:a", "pcm_bluray", "-mpegts_m2ts_mode", "1", *_seconds(1))
    ),
    "h263_3gp": Recipe(".3gp", (*picture("176x144"), "-c:v", "h263", *_seconds(1))),
    "mpeg4_aac_3gp": Recipe(".3gp", (*picture(), *TONE, "-c:v", "mpeg4", *AAC, *_seconds(1))),
    "xvid_ac3_avi": Recipe(".avi", (*picture(), *TONE, "-c:v", "libxvid", "-c:a", "ac3", *_seconds(1))),
    "divx3_mp3_avi": Recipe(".avi", (*picture(), *TONE, "-c:v", "msmpeg4", "-c:a", "libmp3lame", *_seconds(1))),
    "dv_pal_avi": Recipe(
        ".avi",
        (*picture("720x576"), *tone_in("stereo"), "-c:v", "dvvideo", "-pix_fmt", "yuv420p", "-c:a", "pcm_s16le",
         *_seconds(1)),
    ),
    "huffyuv_adpcm_avi": Recipe(".avi", (*picture(), *TONE, "-c:v", "huffyuv", "-c:a", "adpcm_ms", *_seconds(1))),
    "raw_rgb_avi": Recipe(".avi", (*picture("160x120"), "-c:v", "rawvideo", "-pix_fmt", "bgr24", *_seconds(1))),
    "cinepak_avi": Recipe(".avi", (*picture("160x120"), "-c:v", "cinepak", *_seconds(0.4))),
    "screen_zmbv_avi": Recipe(".avi", (*picture(), "-c:v", "zmbv", *_seconds(1))),
    "svq1_mov": Recipe(".mov", (*picture("160x120"), "-c:v", "svq1", *_seconds(1))),
    "rpza_mov": Recipe(".mov", (*picture(), "-c:v", "rpza", *_seconds(1))),
    "png_alac_mov": Recipe(".mov", (*picture(), *TONE, "-c:v", "png", "-c:a", "alac", *_seconds(1))),
    "dnxhd_mov": Recipe(
        ".mov",
        (*picture("1280x720"), *TONE, "-c:v", "dnxhd", "-profile:v", "dnxhr_lb", "-pix_fmt", "yuv422p", "-c:a",
         "pcm_s24be", *_seconds(0.4)),
    ),
    "cineform_mov": Recipe(".mov", (*picture(), "-c:v", "cfhd", "-pix_fmt", "yuv422p10le", *_seconds(0.4))),
    "v210_mov": Recipe(".mov", (*picture(), "-c:v", "v210", *_seconds(0.4))),
    "jpeg2000_mxf": Recipe(".mxf", (*picture("160x120"), "-c:v", "jpeg2000", *_seconds(0.4))),
    "sorenson_flv": Recipe(
        ".flv", (*picture(), *tone_in("mono", 44_100), "-c:v", "flv", "-c:a", "libmp3lame", *_seconds(1))
    ),
    "screen_flv": Recipe(".flv", (*picture(), "-c:v", "flashsv", *_seconds(1))),
    "wmv1_wmav1_asf": Recipe(".asf", (*picture(), *TONE, "-c:v", "wmv1", "-c:a", "wmav1", *_seconds(1))),
    "real_video_rm": Recipe(".rm", (*picture("176x144"), *TONE, "-c:v", "rv10", "-c:a", "ac3", *_seconds(1))),
    "vp8_ivf": Recipe(".ivf", (*picture(), "-c:v", "libvpx", "-deadline", "realtime", *_seconds(1))),
    "vp9_10_bit_webm": Recipe(
        ".webm",
        (*picture(), "-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-pix_fmt", "yuv420p10le",
         *_seconds(1)),
    ),
    "av1_opus_webm": Recipe(
        ".webm",
        (*picture(), *TONE, "-c:v", "libaom-av1", "-cpu-used", "8", "-usage", "realtime", "-c:a", "libopus",
         *_seconds(1)),
    ),
    "av1_mp4": Recipe(".mp4", (*picture(), "-c:v", "libaom-av1", "-cpu-used", "8", "-usage", "realtime", *_seconds(1))),
    "hevc_eac3_mp4": Recipe(
        ".mp4",
        (*picture(), *TONE, "-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=error", "-c:a",
         "eac3", *_seconds(1)),
    ),
    "theora_flac_ogv": Recipe(".ogv", (*picture(), *TONE, "-c:v", "libtheora", "-c:a", "flac", *_seconds(1))),
    "h264_truehd_mkv": Recipe(
        ".mkv", (*picture(), *tone_in("5.1"), *H264, "-c:a", "truehd", "-strict", "-2", *_seconds(1))
    ),
    "h264_dts_mkv": Recipe(
        ".mkv", (*picture(), *tone_in("5.1(side)"), *H264, "-c:a", "dca", "-strict", "-2", *_seconds(1))
    ),
    "h264_opus_mkv": Recipe(".mkv", (*picture(), *TONE, *H264, "-c:a", "libopus", *_seconds(1))),
    "h264_mp3_mp4": Recipe(".mp4", (*picture(), *TONE, *H264, "-c:a", "libmp3lame", *_seconds(1))),
    "fragmented_mp4": Recipe(
        ".mp4", (*picture(), *TONE, *H264, "-g", "10", *AAC, "-movflags", "frag_keyframe+empty_moov", *_seconds(2))
    ),
    "ntsc_rate_mp4": Recipe(".mp4", (*picture(rate="30000/1001"), *TONE, *H264, *AAC, *_seconds(2))),
    "fast_120_mp4": Recipe(".mp4", (*picture(rate="120"), *H264, *_seconds(1))),
    "wide_21_9_mkv": Recipe(".mkv", (*picture("860x362"), *TONE, *H264, *AAC, *_seconds(1))),
    "main_profile_mp4": Recipe(
        ".mp4", (*picture(), *TONE, "-c:v", "libx264", "-pix_fmt", "yuv420p", "-profile:v", "main", *AAC, *_seconds(1))
    ),
    "mp3_and_surround_mkv": Recipe(
        ".mkv",
        (*picture(), *TONE, *tone_in("5.1"), "-map", "0", "-map", "1", "-map", "2", *H264, "-c:a:0", "libmp3lame",
         "-c:a:1", "flac", *_seconds(1)),
    ),
}  # fmt: skip


def make_clip(folder: Path, name: str, *, file_name: str | None = None) -> Path:
    """Put the clip of that name into the folder and return its path; `file_name` is for clips that are misnamed."""
    made = _made(name)
    copy = folder / (file_name or made.name)
    shutil.copyfile(made, copy)
    return copy


def make_long_clip(folder: Path, name: str, *, times: int, file_name: str | None = None) -> Path:
    """Put a clip into the folder that is so many times as long as the one of that name, and return its path."""
    made = _made(name)
    path = folder / (file_name or f"long_{made.name}")
    run_ffmpeg(["-stream_loop", str(times - 1), "-i", made, "-c", "copy", path])
    return path


def run_ffmpeg(args: Sequence[str | Path], *, program: str = "ffmpeg") -> str:
    """Run the machine's own ffmpeg or ffprobe to make or to look at a clip; return its stdout."""
    quiet = ["-v", "error", "-y"] if program == "ffmpeg" else ["-v", "error"]
    done = subprocess.run(
        [tools.of_machine(program), "-hide_banner", *quiet, *map(str, args)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    if done.returncode != 0:
        raise AssertionError(f"{program} {' '.join(map(str, args))}: {done.stderr.decode(errors='replace')[-2000:]}")
    return done.stdout.decode(errors="replace")


@functools.cache
def _cache() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="clips-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@functools.cache
def _made(name: str) -> Path:
    recipe = RECIPES[name]
    clip = _cache() / f"{name}{recipe.extension}"
    run_ffmpeg([*recipe.args, clip])
    return clip


def with_display_matrix(path: Path, corner: tuple[int, int, int, int]) -> Path:
    """Write a display matrix into an MP4 with one video track, in place; values are in units of 1/65536."""
    a, b, c, d = corner
    data = bytearray(path.read_bytes())
    header = data.index(b"tkhd")
    place = header + 4 + 4 + 20 + 8 + 8  # version and flags, times and ids, reserved, layer to reserved
    data[place : place + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(bytes(data))
    return path
