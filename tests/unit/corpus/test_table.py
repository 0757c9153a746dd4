"""The table of `make corpus` can be read by somebody with one strange file."""

from __future__ import annotations

from pathlib import Path

from corpus import table
from corpus.convert import Converted
from corpus.judge import Row, Verdict
from video_to_mp4.errors import DamagedSource
from video_to_mp4.jobs.model import Completed, StreamFate

SOURCE = Path("film.mkv")


def fate(kind: str, codec: str, action: str) -> StreamFate:
    return StreamFate.model_validate({"index": 0, "kind": kind, "codec": codec, "action": action, "why": "so"})


def test_a_line_says_what_became_of_each_stream() -> None:
    """Copied, encoded and dropped are told apart, and warnings stand below, but for those on what was dropped."""
    fates = (
        fate("video", "h264", "copy"),
        fate("audio", "ac3", "encode"),
        fate("audio", "ac3", "encode"),
        fate("subtitle", "hdmv_pgs_subtitle", "drop"),
    )
    completed = Completed(result_bytes=1, fates=fates, warnings=("Left out: 1 subtitle.", "The source ends early."))
    row = Row(Converted(SOURCE, 1.23, SOURCE, completed), Verdict.PLAYS)
    first, second = table.line(row, "film.mkv").splitlines()
    assert first.split("  ")[0] == "film.mkv"
    assert "h264 copy, 2x ac3→AAC" in first
    assert "subtitle hdmv_pgs_subtitle" in first
    assert first.endswith("yes")
    assert second.strip() == "The source ends early."


def test_a_failure_is_explained_below_its_line() -> None:
    """With the sentence that a user would read, and ffmpeg's last words."""
    converted = Converted(SOURCE, 0.1, error=DamagedSource(details="one\ntwo"))
    lines = table.line(Row(converted, Verdict.FAILS, faults=("Plain ffmpeg can.",)), "film.mkv").splitlines()
    assert "Error DAMAGED" in lines[0]
    assert lines[0].endswith("NO")
    assert [line.strip() for line in lines[1:]] == [
        "FAULT: Plain ffmpeg can.",
        "The file is damaged: not one picture of it could be read.",
        "| one",
        "| two",
    ]


def test_a_name_never_spoils_the_table() -> None:
    """Line breaks and escapes are made visible, and a long name keeps its beginning and its end."""
    row = Row(Converted(SOURCE, 0.1, error=DamagedSource()), Verdict.REFUSED)
    line = table.line(row, f"folder/{'x' * 100}\n\x1b[31m.mp4").splitlines()[0]
    assert line.startswith("folder/xxx")
    assert "…" in line
    assert "?[31m.mp4" in line


def test_the_summary_counts_what_played_and_what_did_not() -> None:
    """The last line says whether all is well."""
    refused = Row(Converted(SOURCE, 0.1, error=DamagedSource()), Verdict.REFUSED)
    lines = table.summary([refused, Row(Converted(SOURCE, 2.0), Verdict.FAILS)]).splitlines()
    assert lines[0].endswith("0 play (0 with their picture copied), 1 have nothing to play, 1 should play and do not.")
    assert lines[1:] == ["  Error DAMAGED: 1", "  time is up: 1"]
