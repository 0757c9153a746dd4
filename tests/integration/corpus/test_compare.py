"""A result that is not like its source is found, whatever went wrong; one that is like it is left in peace."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from clips import AAC, H264, make_clip, picture, run_ffmpeg
from corpus.compare import differences
from corpus.judge import seek_faults
from corpus.play import Player
from video_to_mp4.jobs.model import Completed, StreamFate

pytestmark = pytest.mark.asyncio(loop_scope="module")

LINES = """1
00:00:00,500 --> 00:00:01,500
Hello

2
00:00:02,000 --> 00:00:03,000
<i>Good</i> bye
"""
SPEECH = "aevalsrc='0.4*sin(2*PI*(200+150*t)*t)*(0.5+0.5*sin(9*t*t))':s=48000"
"""A sound that is different at all times."""

ENCODED = ("-c:v", "libx264", "-preset", "ultrafast", "-crf", "20", *AAC, "-c:s", "mov_text")


def fates(**actions: str) -> Completed:
    """Return what was told of the film's streams: video, sound and subtitles, in this order."""
    kinds = ("video", "audio", "subtitle")
    told = [
        {"index": place, "kind": kind, "codec": "any", "action": actions.get(kind, "encode"), "why": "so"}
        for place, kind in enumerate(kinds)
    ]
    return Completed(result_bytes=1, fates=tuple(StreamFate.model_validate(fate) for fate in told))


async def test_what_plain_ffmpeg_can_not_read_is_passed_over(tmp_path: Path) -> None:
    """The engine has something else written to be read in its place, which the judge knows nothing of."""
    (tmp_path / "source").write_bytes(b"RIFF\0\0\0\0WEBPVP8X")
    result = make_clip(tmp_path, "small_320x240_mp4")
    assert await differences(tmp_path / "source", result, fates()) == []


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four seconds with a sound in Czech and two lines of text."""
    folder = tmp_path_factory.mktemp("film")
    (folder / "lines.srt").write_text(LINES)
    inputs = [*picture("160x120"), "-f", "lavfi", "-i", SPEECH, "-i", folder / "lines.srt"]
    marks = ["-metadata:s:a:0", "language=cze", "-metadata:s:s:0", "language=eng", "-disposition:s:0", "0"]
    kept = ["-map", "0", "-map", "1", "-map", "2", *H264, "-g", "25", "-c:a", "flac", "-c:s", "subrip"]
    run_ffmpeg([*inputs, *kept, *marks, "-disposition:a:0", "default", "-t", "4", folder / "film.mkv"])
    return folder / "film.mkv"


def _made(film: Path, folder: Path, args: Sequence[str], inputs: Sequence[str] = ()) -> Path:
    result = folder / "result.mp4"
    maps = ["-map", "0:v", "-map", "0:a", "-map", "0:s?"] if not inputs else []
    run_ffmpeg([*inputs, "-i", film, *maps, *ENCODED, *args, result])
    return result


async def test_what_plain_ffmpeg_makes_of_a_plain_film_is_like_it(film: Path, tmp_path: Path) -> None:
    """No false alarm, but for the subtitle that ffmpeg makes a default of the MP4."""
    found = await differences(film, _made(film, tmp_path, []), fates())
    assert found == ["The subtitle track 2 is the default."]


@pytest.mark.parametrize(
    ("fault", "args"),
    [
        ("pictures instead of 100", ["-r", "20"]),
        ("is another one", ["-vf", "hflip"]),
        ("The colours of picture", ["-vf", "eq=brightness=0.04"]),
        ("dB quieter", ["-af", "volume=-1.5dB"]),
        ("s of sound instead of 4.0", ["-af", "atrim=end=2"]),
        ("ms late after", ["-af", "adelay=30:all=1"]),
        ("ms early after", ["-af", "aselect='lt(t,1)+gt(t,1.06)',asetpts=N/SR/TB"]),
        ("is in «ger» instead of «cze»", ["-metadata:s:a:0", "language=ger"]),
        ("shows [] instead of ['Hello']", ["-bsf:s", "setts=pts=PTS+200000:dts=DTS+200000"]),
        ("There are 0 subtitle tracks, and 1 were told", ["-sn"]),
        ("Sound track 1 is", ["-af", "volume=0"]),
    ],
)
async def test_what_went_wrong_is_found(film: Path, tmp_path: Path, fault: str, args: list[str]) -> None:
    """Each fault has its own sentence."""
    found = await differences(film, _made(film, tmp_path, args), fates())
    assert fault in " ".join(found)


async def test_a_stream_of_which_nothing_is_said_is_found(film: Path, tmp_path: Path) -> None:
    """A sound track that is neither in the result nor told as lost is lost in silence."""
    completed = fates()
    without_sound = completed.model_copy(update={"fates": tuple(f for f in completed.fates if f.kind != "audio")})
    found = await differences(film, _made(film, tmp_path, ["-an"]), without_sound)
    assert "Nothing is said of stream 1." in found


async def test_lost_pictures_are_no_fault_when_they_were_told(film: Path, tmp_path: Path) -> None:
    """A damaged source gives what it has; the row has to say it."""
    completed = fates().model_copy(update={"warnings": ("The source is damaged: 80 of 100 frames could be read.",)})
    found = await differences(film, _made(film, tmp_path, ["-r", "20"]), completed)
    assert "instead of 100" not in " ".join(found)


@pytest.mark.parametrize(("mirrored", "is_found"), [("", False), (",hflip=enable='gte(n,4)'", True)])
async def test_pictures_are_found_by_their_numbers_where_the_size_changes(
    tmp_path: Path, mirrored: str, is_found: bool
) -> None:
    """Filters count from 0 again there, so that the larger pictures were held against others of the film."""
    vp8 = ["-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "1M"]
    for number, (size, length_s) in enumerate((("160x90", "0.4"), ("320x180", "2.6"))):
        waves = "128+100*sin(9*X/W*(1+mod(7*N,11))+9*Y/H*mod(5*N,7))"  # each picture is another one
        drawn = ["-f", "lavfi", "-i", f"nullsrc=s={size}:r=10,geq=lum='{waves}':cb=128:cr=128"]
        run_ffmpeg([*drawn, "-t", length_s, *vp8, tmp_path / f"{number}.webm"])
    (tmp_path / "parts.txt").write_text("file 0.webm\nfile 1.webm\n")
    source, result = tmp_path / "source.webm", tmp_path / "result.mp4"
    run_ffmpeg(["-f", "concat", "-i", tmp_path / "parts.txt", "-c", "copy", source])
    fitted = ["-reinit_filter:v", "0", "-i", source, "-vf", f"scale=320:180{mirrored}"]
    run_ffmpeg([*fitted, "-c:v", "libx264", "-preset", "ultrafast", "-crf", "16", "-pix_fmt", "yuv420p", result])
    told = Completed(result_bytes=1, fates=fates().fates[:1])
    found = " ".join(await differences(source, result, told))
    assert ("is another one" in found) == is_found, found


async def test_a_broken_picture_is_no_fault_when_it_was_told_and_others_are_right(film: Path, tmp_path: Path) -> None:
    """Each decoder fills holes in its own way; that all pictures are other ones is no damage."""
    completed = fates().model_copy(update={"warnings": ("The source is damaged: parts of 9 of 100 frames …",)})
    broken = _made(film, tmp_path, ["-vf", "hflip=enable='between(t,0.1,0.9)'"])
    assert "is another one" in " ".join(await differences(film, broken, fates()))
    assert "is another one" not in " ".join(await differences(film, broken, completed))
    assert "is another one" in " ".join(await differences(film, _made(film, tmp_path, ["-vf", "hflip"]), completed))


async def test_lines_that_ffmpeg_can_not_read_are_missed(tmp_path: Path) -> None:
    """Plain ffmpeg drops lines in another charset than UTF-8, but their times are known."""
    (tmp_path / "lines.srt").write_bytes(LINES.replace("Hello", "Adiós").encode("latin-1"))
    source, result = tmp_path / "film.mkv", tmp_path / "result.mp4"
    subtitles = ["-sub_charenc", "latin1", "-i", tmp_path / "lines.srt"]
    run_ffmpeg([*picture("160x120"), *subtitles, *H264, "-c:s", "copy", "-t", "4", source])
    run_ffmpeg(["-i", source, *H264, "-c:s", "mov_text", result])
    told = Completed(result_bytes=1, fates=tuple(fates().fates[place] for place in (0, 2)))
    moved = [fate.model_copy(update={"index": place}) for place, fate in enumerate(told.fates)]
    found = await differences(source, result, told.model_copy(update={"fates": tuple(moved)}))
    assert "Subtitle track 1 has lost its lines at 0.50 s." in found


async def test_a_key_frame_that_can_not_be_entered_is_found(tmp_path: Path, player: Player) -> None:
    """The pictures of an open group refer to the group before it; a browser stops when it is entered there."""
    source, result = tmp_path / "film.mkv", tmp_path / "result.mp4"
    groups = "open-gop=1:keyint=10:min-keyint=5:bframes=3:scenecut=0:b-adapt=0"
    encoded = ["-c:v", "libx264", "-preset", "fast", "-x264-params", groups, "-t", "6", source]
    run_ffmpeg([*picture("320x240"), *encoded])
    run_ffmpeg(["-i", source, "-c", "copy", result])
    assert await seek_faults(result, player)
    assert not await seek_faults(make_clip(tmp_path, "ten_seconds_mp4"), player)
