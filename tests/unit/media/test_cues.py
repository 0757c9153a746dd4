"""Lines that overlap, that have no end and that nobody can see, without any file."""

from __future__ import annotations

from video_to_mp4.media.cues import Cue, as_subrip, closed, one_at_a_time, with_ends, within


def merged(*cues: Cue) -> list[tuple[int, int, str]]:
    return [(cue.start_ms, cue.end_ms, cue.text) for cue in one_at_a_time(cues)[0]]


def test_lines_that_overlap_share_a_cue_for_as_long_as_they_do() -> None:
    """No line goes before its time, none comes after it."""
    assert merged(Cue(0, 2000, "a"), Cue(1000, 3000, "b")) == [(0, 1000, "a"), (1000, 2000, "a\nb"), (2000, 3000, "b")]


def test_the_upper_line_stands_above_the_lower_one_whichever_comes_first() -> None:
    """A sign at the top of the picture is read above what somebody says."""
    assert merged(Cue(0, 1000, "below"), Cue(0, 1000, "sign", place=8)) == [(0, 1000, "sign\nbelow")]
    assert merged(Cue(0, 1000, "low", row=0.9), Cue(0, 1000, "high", row=0.2)) == [(0, 1000, "high\nlow")]


def test_copies_of_a_line_are_shown_once() -> None:
    """ASS draws outlines and shadows as lines of their own."""
    assert merged(*[Cue(0, 1000, "a")] * 20, Cue(0, 1000, "b")) == [(0, 1000, "a\nb")]
    assert merged(Cue(0, 1000, "a"), Cue(500, 2000, "a")) == [(0, 2000, "a")]


def test_an_overlap_that_nobody_sees_is_none() -> None:
    """A line that ends a moment after the next has begun was meant to end before it."""
    assert merged(Cue(0, 1020, "a"), Cue(1000, 2000, "b")) == [(0, 1020, "a"), (1020, 2000, "b")]


def test_lines_that_are_short_by_themselves_are_all_kept() -> None:
    """A drone notes something with each picture; one line of thousands was left of that."""
    assert merged(*[Cue(20 * n, 20 * n + 20, f"{n}") for n in range(1000)]) == [
        (20 * n, 20 * n + 20, f"{n}") for n in range(1000)
    ]


def test_a_crowd_of_lines_is_counted_and_takes_no_memory() -> None:
    """Typesetting draws signs letter by letter; a hostile file has a million lines that never end."""
    cues, left_out = one_at_a_time([Cue(n, 10_000_000, f"{n}") for n in range(20_000)])
    assert left_out == 20_000 - 16
    assert max(cue.text.count("\n") for cue in cues) == 15


def test_long_lines_are_not_repeated_without_end() -> None:
    """16 MB of lines must not become gigabytes where each short one repeats the long ones beside it."""
    long = [Cue(0, 10**9, f"{n}" * 4000) for n in range(10)]
    cues, left_out = one_at_a_time([*long, *(Cue(100 * n, 100 * n + 50, f"{n}") for n in range(5000))])
    assert left_out > 0
    assert sum(len(cue.text) for cue in cues) < 33 * 1024 * 1024


def test_a_line_without_a_duration_stays_until_the_next_one() -> None:
    """For three seconds where none follows; two that come together stay together."""
    ended = with_ends([Cue(1000, 1000, "b"), Cue(0, 0, "a"), Cue(1000, 900, "c")])
    assert [(cue.text, cue.end_ms) for cue in ended] == [("a", 1000), ("b", 4000), ("c", 4000)]


def test_a_part_has_its_own_clock_and_its_edges_cut_lines() -> None:
    """What lies outside is not in it."""
    cues = [Cue(0, 500, "before"), Cue(500, 1500, "in"), Cue(2500, 9000, "out"), Cue(3000, 4000, "after")]
    found = [(cue.start_ms, cue.end_ms, cue.text) for cue in within(cues, 1000, 3000)]
    assert found == [(0, 500, "in"), (1500, 2000, "out")]


def test_a_tag_that_is_not_closed_shapes_its_own_line_only() -> None:
    """What comes to stand below it is no part of it."""
    assert closed("<i>a <b>b</b>") == "<i>a <b>b</b></i>"
    assert closed('<font color="#ff0000">a') == '<font color="#ff0000">a</font>'


def test_lines_are_written_with_their_place() -> None:
    """SubRip has an unwritten word for what stands at the top."""
    assert (
        as_subrip([Cue(3_723_004, 3_724_000, "a\nb", place=8)]) == "1\n01:02:03,004 --> 01:02:04,000\n{\\an8}a\nb\n\n"
    )
