"""What is not a video: refused by name at once, or an Error that says why."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from browsing import OpenVisitor, Tab
from clips import make_clip
from serving import running_server

TOO_LARGE_BYTES = 20 * 1024**3 + 1


@pytest.mark.parametrize("way", ["drop", "browse"])
def test_wrong_and_too_large_files_are_refused_by_name_and_good_ones_kept(tab: Tab, tmp_path: Path, way: str) -> None:
    """Each refused file is named with its reason; the good ones of the same drop go on to the dialog."""
    good = [
        make_clip(tmp_path, "small_320x240_mp4", file_name="LOUD.MP4"),
        make_clip(tmp_path, "mpeg4_mp3_avi", file_name="quiet.avi"),
    ]
    letter, huge, empty = tmp_path / "letter.txt", tmp_path / "huge.mkv", tmp_path / "empty.mov"
    letter.write_text("Dear Ann")
    empty.touch()
    with huge.open("wb") as file:
        file.truncate(TOO_LARGE_BYTES)

    (tab.drop if way == "drop" else tab.browse)(good[0], letter, huge, empty, good[1])
    for sentence in (
        "Not added",
        "letter.txt: this type is not accepted",
        "Accepted: AVI, MOV, MKV, WMV, MP4, WEBM, M4V, 3GP, 3G2, TS, MTS, M2TS, FLV,",
        "huge.mkv: larger than 20 GB",
        "empty.mov: empty",
    ):
        tab.expect_notice(sentence)
    chosen = tab.dialog.get_by_role("list", name="Chosen files").get_by_role("listitem")
    expect(chosen).to_have_count(2)
    for clip in good:
        expect(chosen.get_by_text(clip.name, exact=True)).to_be_visible()
    tab.dialog.get_by_role("button", name="Cancel").click()


@pytest.mark.parametrize(("way", "name"), [("drop", "news.TS"), ("drop", "tv.dvr-ms"), ("browse", "tv.dvr-ms")])
def test_a_video_of_another_type_than_the_best_known_is_taken(tab: Tab, tmp_path: Path, way: str, name: str) -> None:
    """A recording of television is added and converted; its result is an MP4. A hyphen in a type changes nothing."""
    recording = make_clip(tmp_path, "h264_aac_ts", file_name=name)
    (tab.drop if way == "drop" else tab.browse)(recording)
    tab.confirm(quality="Standard")
    tab.expect_complete(recording.name)


def test_only_refused_files_open_no_dialog(tab: Tab, tmp_path: Path) -> None:
    """With nothing left to convert there is nothing to confirm."""
    letter = tmp_path / "letter.txt"
    letter.write_text("Dear Ann")
    tab.drop(letter)
    tab.expect_notice("letter.txt: this type is not accepted")
    expect(tab.dialog).to_be_hidden()


def test_a_file_without_room_on_the_server_is_refused_by_name_and_the_others_kept(
    open_visitor: OpenVisitor, tmp_path: Path
) -> None:
    """Only the server knows how much room it has: its refusal comes after «Confirm», and before a byte is sent."""
    large = make_clip(tmp_path, "watched_h264_ac3_mkv", file_name="large.mkv")
    small = make_clip(tmp_path, "small_320x240_mp4", file_name="small.mp4")
    with running_server(tmp_path / "data", capacity_bytes=str(large.stat().st_size)) as server:
        visitor = open_visitor(server)
        tab = visitor.open()
        tab.drop(large, small)
        tab.confirm(quality="Standard")
        tab.expect_notice("There is no room for «large.mkv»")
        tab.expect_complete(small.name)
        expect(tab.rows).to_have_count(1)
        visitor.context.close()


def test_what_is_no_video_gets_a_clear_error_each_time_it_is_tried(tab: Tab, tmp_path: Path) -> None:
    """The reason is a sentence, the details come on demand, and neither names a path of the server."""
    fake = tmp_path / "notes.mp4"
    fake.write_text("Not a video, whatever its name says.\n" * 50)
    tab.drop(fake)
    tab.confirm()
    _expect_a_clear_error(tab, fake.name)

    tab.act("Retry", fake.name)
    tab.expect_state(fake.name, "failed")
    _expect_a_clear_error(tab, fake.name)

    tab.act("Delete", fake.name)
    tab.expect_gone(fake.name)


def test_a_video_cut_short_in_its_header_fails_and_a_good_one_beside_it_does_not(tab: Tab, tmp_path: Path) -> None:
    """One bad file spoils nothing for the others of its batch."""
    whole = make_clip(tmp_path, "h264_aac_mp4", file_name="whole.mp4")
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(whole.read_bytes()[:2000])
    tab.drop(cut, whole)
    tab.confirm(quality="Standard")
    tab.expect_state(cut.name, "failed")
    tab.expect_complete(whole.name)


def _expect_a_clear_error(tab: Tab, name: str) -> None:
    row = tab.row(name)
    tab.expect_state(name, "failed")
    expect(row).to_contain_text("not a video")
    log = row.get_by_label(f"Log of {name}")
    expect(log).to_be_hidden()
    row.get_by_text("Details", exact=True).click()
    expect(log).to_contain_text("Invalid data found when processing input")
    assert str(tab.visitor.server.data_dir) not in row.inner_text()
