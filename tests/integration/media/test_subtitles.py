"""Every line of a subtitle is there, once, when it is spoken: whatever its charset, its kind and its neighbours."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from clips import H264, picture, run_ffmpeg
from conversion import FAST, convert, look_at
from video_to_mp4.errors import ResultUnverified
from video_to_mp4.jobs.encoding import Container, Encoding
from video_to_mp4.jobs.model import Options, Quality
from video_to_mp4.media.preparation import prepare
from video_to_mp4.media.verify import verify

AUTO = Options(quality=Quality.AUTO)
ASS_HEAD = """[Script Info]
ScriptType: v4.00+
PlayResX: 640
PlayResY: 360

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, \
StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding
Style: Default,Arial,20,&H00FFFFFF,&H000000FF,&H00000000,&H00000000,0,0,0,0,100,100,0,0,1,2,0,2,10,10,10,1
Style: Thought,Arial,20,&H00FFFFFF,&H000000FF,&H00000000,&H00000000,0,-1,0,0,100,100,0,0,1,2,0,2,10,10,10,1
Style: Sign,Arial,20,&H00FFFFFF,&H000000FF,&H00000000,&H00000000,0,0,0,0,100,100,0,0,1,2,0,8,10,10,10,1

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
"""


def with_subtitles(
    folder: Path, *texts: str | bytes, more: tuple[str, ...] = (), kind: str = "srt", length_s: float = 4
) -> Path:
    """Make an MKV with tracks of subtitles, given as the contents of files."""
    made: list[str | Path] = ["-t", str(length_s), *picture("160x120", rate="5")]
    for number, text in enumerate(texts):
        subtitles = folder / f"{number}.{kind}"
        subtitles.write_bytes(text.encode() if isinstance(text, str) else text)
        made += ["-f", kind, "-i", subtitles]
    made += [part for number in range(len(texts) + 1) for part in ("-map", str(number))]
    source = folder / "source.mkv"
    run_ffmpeg([*made, *H264, "-c:s", "copy", *more, source])
    return source


def srt(*lines: tuple[float, float, str]) -> str:
    """Write lines, each with the seconds at which it comes and goes."""
    return "".join(f"{number}\n{clock(a)} --> {clock(b)}\n{text}\n\n" for number, (a, b, text) in enumerate(lines, 1))


def clock(at_s: float) -> str:
    ms = round(1000 * at_s)
    return f"{ms // 3600000:02d}:{ms // 60000 % 60:02d}:{ms // 1000 % 60:02d},{ms % 1000:03d}"


def lines_of(path: Path, track: int = 0) -> list[tuple[float, float, str]]:
    """Return the lines of a file's subtitles, as somebody else's reader has them."""
    text = run_ffmpeg(["-i", path, "-map", f"0:s:{track}", "-f", "srt", "pipe:1"])
    found = re.findall(r"(\S+) --> (\S+)\n(.*?)\n(?=\n|\Z)", text.replace("\r", ""), re.DOTALL)
    return [(seconds(begin), seconds(end), line.strip()) for begin, end, line in found]


def seconds(text: str) -> float:
    hours, minutes, rest = text.split(":")
    return 3600 * int(hours) + 60 * int(minutes) + float(rest.replace(",", "."))


@pytest.mark.parametrize("options", [FAST, AUTO])
async def test_a_line_after_a_long_pause_comes_when_it_is_spoken(tmp_path: Path, options: Options) -> None:
    """Forced subtitles are silent for most of a film; MP4's 32 bits of microseconds end after 35 min 47 s."""
    wanted = [(60.0, 63.0, "First"), (3000.0, 3004.0, "Second")]
    made = [*picture("64x48", rate="1/10"), *H264, "-t", "3600", tmp_path / "film.mp4"]
    run_ffmpeg(made)
    (tmp_path / "s.srt").write_text(srt(*wanted))
    source = tmp_path / "source.mkv"
    run_ffmpeg(["-i", tmp_path / "film.mp4", "-i", tmp_path / "s.srt", "-c", "copy", source])
    done = await convert(source, options)
    assert lines_of(done.path) == wanted
    assert done.warnings == ()


@pytest.mark.parametrize(
    ("charset", "language", "text"),
    [
        ("cp1252", "", "Café crème"),
        ("cp1252", "fre", "Où est la bibliothèque ?"),
        ("cp1250", "cze", "Příliš žluťoučký kůň"),
        ("cp1251", "rus", "Привет, как дела?"),
        ("cp932", "jpn", "これは表です。"),
        ("gb18030", "chi", "这是中文字幕。"),
    ],
)
async def test_lines_of_an_old_charset_are_read(tmp_path: Path, charset: str, language: str, text: str) -> None:
    """A line with an accent is a line; which charset was believed is told, as it is a guess."""
    raw = srt((0.5, 1.0, "Hello"), (1.1, 2.0, text), (2.1, 3.0, "Bye")).encode(charset)
    source = with_subtitles(tmp_path, raw, more=("-metadata:s:s:0", f"language={language or 'und'}"))
    done = await convert(source)
    assert [line for _, _, line in lines_of(done.path)] == ["Hello", text, "Bye"]
    assert len(done.warnings) == 1


async def test_letters_that_are_broken_are_told_and_cost_no_line(tmp_path: Path) -> None:
    """A few broken bytes make a text no other charset's."""
    raw = srt((0.5, 1.0, "Žluťoučký kůň"), (1.1, 2.0, "a broken XX letter")).encode().replace(b"XX", b"\xff")
    done = await convert(with_subtitles(tmp_path, raw))
    assert [line for _, _, line in lines_of(done.path)] == ["Žluťoučký kůň", "a broken \ufffd letter"]
    assert done.warnings == ("Letters of the subtitles that can't be read: 1.",)


async def test_lines_that_overlap_are_shown_together(tmp_path: Path) -> None:
    """Two people speak at once: no line goes before its time."""
    source = with_subtitles(
        tmp_path, srt((0.5, 2.0, "One"), (1.0, 3.0, "Two"), (1.0, 3.0, "Two"), (2.99, 3.5, "Three"))
    )
    done = await convert(source)
    assert lines_of(done.path) == [(0.5, 1.0, "One"), (1.0, 2.0, "One\nTwo"), (2.0, 3.0, "Two"), (3.0, 3.5, "Three")]
    assert done.warnings == ()


async def test_only_text_for_people_is_left_of_ass(tmp_path: Path) -> None:
    """Drawings, comments, karaoke and effects are no text; italics, line breaks and what stands above are kept."""
    events = [
        "Dialogue: 0,0:00:00.00,0:00:02.00,Default,,0,0,0,,{\\an7\\pos(10,10)\\p1}m 0 0 l 100 0 100 100{\\p0}",
        "Dialogue: 1,0:00:00.50,0:00:01.00,Default,,0,0,0,,{\\bord3}Hello {a comment}{\\i1}world{\\i0}",
        "Dialogue: 0,0:00:00.50,0:00:01.00,Default,,0,0,0,,{\\bord9}Hello {a comment}{\\i1}world{\\i0}",
        "Dialogue: 0,0:00:01.00,0:00:02.00,Default,,0,0,0,,Below\\Ntwo lines",
        "Dialogue: 0,0:00:01.00,0:00:02.00,Sign,,0,0,0,,A sign",
        "Dialogue: 0,0:00:02.00,0:00:03.00,Thought,,0,0,0,,{\\k20}la {\\kf30}la",
        "Comment: 0,0:00:03.00,0:00:03.50,Default,,0,0,0,,not to be shown",
    ]
    done = await convert(with_subtitles(tmp_path, ASS_HEAD + "\n".join(events) + "\n", kind="ass"))
    assert lines_of(done.path) == [
        (0.5, 1.0, "Hello <i>world</i>"),
        (1.0, 2.0, "A sign\nBelow\ntwo lines"),
        (2.0, 3.0, "<i>la la</i>"),
    ]
    assert done.warnings == ()


@pytest.mark.parametrize("options", [FAST, AUTO])
async def test_lines_after_the_end_make_a_film_no_longer(tmp_path: Path, options: Options) -> None:
    """The film ends with its picture and sound; what was to be shown afterwards is told."""
    source = with_subtitles(tmp_path, srt((0.5, 1.0, "One"), (3.0, 8.0, "Two"), (6.0, 9.0, "Three")))
    done = await convert(source, options)
    assert lines_of(done.path) == [(0.5, 1.0, "One"), (3.0, 4.0, "Two")]
    assert float(look_at(done.path)["format"]["duration"]) == pytest.approx(4.0, abs=0.1)
    assert done.warnings == ("Subtitle lines after the end of the film were left out (1).",)


@pytest.mark.parametrize(
    "note",
    [
        "F/2.8, SS 1000, ISO 100, EV 0, GPS (8.5417, 47.3769, 15), D 12.3m, H 25.0m",
        "[iso : 110] [shutter : 1/200.0] [latitude: 47.376900] [longitude: 8.541700] [rel_alt: 1.300]",
        "HOME(8.5417,47.3769) 2020.05.06 07:08:09 BAROMETER:25.0",
        "$GPRMC,070809,A,4722.614,N,00832.502,E,0.0,0.0,060520,,*1F",
    ],
)
@pytest.mark.parametrize("extension", ["mkv", "mp4"])
async def test_notes_of_where_a_camera_was_are_left_out_and_named(tmp_path: Path, note: str, extension: str) -> None:
    """Who puts a flight on the net does not tell where they live, in no line of text either."""
    source = with_subtitles(tmp_path, srt(*((n, n + 0.9, note) for n in range(4))))
    if extension == "mp4":
        run_ffmpeg(["-i", source, "-c:v", "copy", "-c:s", "mov_text", tmp_path / "drone.mp4"])
        source = tmp_path / "drone.mp4"
    done = await convert(source)
    assert done.of_kind("subtitle") == []
    [warning] = done.warnings
    assert warning.startswith("Left out: 1 subtitle track that says where the video was taken")


async def test_flags_and_names_of_each_track_are_those_of_the_source(tmp_path: Path) -> None:
    """Whoever watches without subtitles is not shown any, and forced ones stay forced."""
    text = srt((0.5, 1.0, "One"))
    more = ("-metadata:s:s:0", "language=ger", "-metadata:s:s:0", "title=Erzwungen", "-disposition:s:0", "forced")
    more += ("-metadata:s:s:1", "language=por", "-disposition:s:1", "default+hearing_impaired")
    source = with_subtitles(tmp_path, text, text, more=more)
    done = await convert(source)
    tracks = done.of_kind("subtitle")
    assert [(t["tags"]["language"], t["tags"]["handler_name"]) for t in tracks][0] == ("ger", "Erzwungen")
    assert [track["tags"]["language"] for track in tracks] == ["ger", "por"]
    assert [track["disposition"]["default"] for track in tracks] == [0, 1]


@pytest.mark.parametrize("container", [Container.MOV, Container.MKV, Container.WEBM])
async def test_other_containers_have_the_same_lines(tmp_path: Path, container: Container) -> None:
    """What a program asks for in another container is no worse."""
    source = with_subtitles(tmp_path, srt((0.5, 2.0, "One <i>slanted</i>"), (1.0, 3.0, "Two")), length_s=3)
    codecs = {"video": {"codec": "libvpx-vp9"}} if container is Container.WEBM else {}
    encoding = Encoding.model_validate({"container": container, **codecs})
    done = await convert(source, Options(quality=Quality.STANDARD, encoding=encoding))
    assert lines_of(done.path) == [
        (0.5, 1.0, "One <i>slanted</i>"),
        (1.0, 2.0, "One <i>slanted</i>\nTwo"),
        (2.0, 3.0, "Two"),
    ]


@pytest.mark.parametrize("extension", ["mkv", "mp4"])
async def test_lines_of_a_film_whose_clock_begins_late_stay_with_the_picture(tmp_path: Path, extension: str) -> None:
    """A recording's clock may begin anywhere."""
    first = with_subtitles(tmp_path, srt((0.5, 2.4, "One"), (2.5, 3.0, "Two")))
    source = tmp_path / f"late.{extension}"
    codec = "mov_text" if extension == "mp4" else "copy"
    run_ffmpeg(["-i", first, "-map", "0", "-c:v", "copy", "-c:s", codec, "-output_ts_offset", "10", source])
    begun = float(look_at(source)["format"]["start_time"])
    done = await convert(source)
    lines = lines_of(done.path)
    assert [(begin, line) for begin, _, line in lines] == [
        (pytest.approx(10.5 - begun, abs=0.05), "One"),
        (pytest.approx(12.5 - begun, abs=0.05), "Two"),
    ]


async def test_a_part_of_a_film_has_the_lines_of_that_part(tmp_path: Path) -> None:
    """Times count from where the part begins, and a line that goes on over its edge is shown within it."""
    source = with_subtitles(tmp_path, srt((0.5, 1.5, "One"), (2.0, 2.5, "Two"), (2.8, 3.9, "Three")))
    done = await convert(source, Options(quality=Quality.STANDARD, encoding=cut("-ss", "1", "-to", "3")))
    assert lines_of(done.path) == [(0.0, 0.5, "One"), (1.0, 1.5, "Two"), (1.8, 2.0, "Three")]
    assert done.warnings == ()


def cut(*args: str) -> Encoding:
    return Encoding(extra_args=args)


async def test_a_result_whose_lines_come_at_other_times_is_refused(tmp_path: Path) -> None:
    """What ffmpeg made of them is compared with what it was given, whatever it says itself."""
    source = with_subtitles(tmp_path, srt((0.5, 1.0, "One"), (2.0, 3.0, "Two")))
    done = await convert(source)
    plan, prepared = await prepare(source, done.plan, tmp_path)
    caption = prepared.captions[1]
    late = replace(caption, cues=(caption.cues[0], replace(caption.cues[1], start_ms=2300)))
    with pytest.raises(ResultUnverified) as refused:
        await verify(done.path, plan, prepared=replace(prepared, captions={1: late}))
    assert "a line at 2.00 s, where none should be" in refused.value.details


async def test_a_track_that_can_not_be_read_costs_itself_only(tmp_path: Path) -> None:
    """The film and its other subtitles are converted."""
    source = with_subtitles(tmp_path, srt((0.5, 1.0, "<i></i>")), srt((0.5, 1.0, "Two")))
    done = await convert(source)
    assert done.warnings == ("Left out: 1 subtitle track without any text (subrip).",)
    assert [line for _, _, line in lines_of(done.path)] == ["Two"]
    assert done.runs == 1


@pytest.mark.parametrize("options", [FAST, AUTO])
async def test_captions_inside_the_picture_stay_there(tmp_path: Path, options: Options) -> None:
    """American broadcasts have them in H.264's own messages (CEA-608 in SEI), where players find them."""
    raw = tmp_path / "raw.h264"
    run_ffmpeg([*picture("160x120", rate="5"), *H264, "-x264-params", "aud=1", "-t", "2", raw])
    unit = b"\0\0\0\1\x09"
    raw.write_bytes(re.sub(unit + b".", lambda found: found[0] + CAPTION, raw.read_bytes(), flags=re.DOTALL))
    source = tmp_path / "source.mp4"
    run_ffmpeg(["-r", "5", "-i", raw, "-c", "copy", source])
    done = await convert(source, options)
    frames = look_at(done.path, "-show_frames", "-show_entries", "frame=side_data_list")["frames"]
    kinds = [[entry["side_data_type"] for entry in frame.get("side_data_list", ())] for frame in frames]
    assert sum("ATSC A53 Part 4 Closed Captions" in kind for kind in kinds) == 10


A53 = b"\xb5\0\x31GA94\3\x41\xff\xfc\x94\xae\xff"
CAPTION = b"\0\0\0\1\6\4" + bytes([len(A53)]) + A53 + b"\x80"
"""A message of H.264 with a pair of CEA-608."""


async def test_a_line_for_each_picture_is_kept_and_a_line_without_end_is_told(tmp_path: Path) -> None:
    """Cameras note something with each picture; a text of 70,000 letters is no line that anybody reads."""
    notes = [(0.04 * n, 0.04 * n + 0.04, f"F{n}") for n in range(75)]
    source = with_subtitles(tmp_path, srt(*notes), srt((0, 1, "x" * 70_000), (2, 3, "after")))
    done = await convert(source)
    assert [text for _, _, text in lines_of(done.path)] == [f"F{n}" for n in range(75)]
    assert [text for _, _, text in lines_of(done.path, 1)][-1] == "after"
    assert "Very long lines of the subtitles were cut (1)." in done.warnings
