"""A source is read by one child where that is enough, and what it says is the same as packet by packet."""

from __future__ import annotations

from pathlib import Path

import pytest

from clips import make_clip
from video_to_mp4 import process
from video_to_mp4.media import packets
from video_to_mp4.media.probe import probe

READERS = {"ten_seconds_mp4": 1, "h264_aac_mkv": 1, "variable_rate_mkv": 1, "slide_show_mkv": 1, "h264_aac_ts": 3}
"""How many children read each: in a broadcast two look whether size and channels change on the way."""


@pytest.mark.parametrize("name", READERS)
async def test_a_small_source_is_read_by_one_child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Whether packets are listed beside the streams or read by themselves, the facts are the same."""
    source = make_clip(tmp_path, name)
    started = count_children(monkeypatch)
    at_once = await probe(source)
    assert len(started) == READERS[name]
    monkeypatch.setattr(packets, "_MOST_LISTED", 1)
    assert await probe(source) == at_once
    assert len(started) == 2 * READERS[name] + 1


@pytest.mark.parametrize(("name", "children"), [("ten_seconds_mp4", 1), ("slide_show_mkv", 2), ("h264_aac_ts", 4)])
async def test_of_a_large_source_the_first_and_the_last_packets_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, children: int
) -> None:
    """By one child where these say how it ends; a slide show and a broadcast are looked at more closely."""
    source = make_clip(tmp_path, name)
    whole = await probe(source)
    monkeypatch.setattr(packets, "_ALWAYS_SCANNED_BYTES", 0)
    monkeypatch.setattr(packets, "_TAIL_S", 2.0)
    started = count_children(monkeypatch)
    ends = await probe(source)
    assert len(started) == children
    assert [(s.end_s, s.last_s) for s in ends.streams] == [(s.end_s, s.last_s) for s in whole.streams]


def count_children(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list that grows by the name of each child that is started."""
    started: list[str] = []
    run = process.run

    async def counted(argv: list[str], **how: object) -> process.Exit:
        started.append(argv[0])
        return await run(argv, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(process, "run", counted)
    return started
