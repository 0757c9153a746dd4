"""Uploads and conversions go on after whatever interrupts them: a reload, a dead server."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from browsing import NOTE_UPLOADED_BYTES, OpenVisitor, Tab, Visitor
from clips import make_clip, run_ffmpeg
from serving import Server
from waiting import eventually

UPLOAD_BYTES = 12_000_000
SLOWLY = UPLOAD_BYTES // 100
"""Bytes in a second: soon at some percent, and not at the end before the test looks. What is on its way when this
rate is changed is sent at once, so it is changed only to let the rest pass."""

NOTE_ASKING = """
window.hasAsked = false;
new MutationObserver(() => {
    window.hasAsked ||= document.body?.textContent.includes('Choose the same file again');
}).observe(document, {subtree: true, childList: true, characterData: true});
"""


@pytest.fixture
def big_clip(tmp_path: Path) -> Path:
    """A video that takes long to send and little to convert: behind its boxes comes one of nothing but padding."""
    clip = make_clip(tmp_path, "small_320x240_mp4", file_name="holiday.mp4")
    padding_bytes = UPLOAD_BYTES - clip.stat().st_size
    with clip.open("ab") as file:
        file.write(struct.pack(">I4s", padding_bytes, b"free"))
        file.write(bytes(padding_bytes - 8))
    return clip


def test_an_upload_resumes_when_its_file_is_chosen_again_after_a_reload(
    open_visitor: OpenVisitor, server: Server, big_clip: Path, tmp_path: Path
) -> None:
    """The browser asks before it leaves; what arrived is kept; the same file goes on from there, with its old job."""
    visitor = open_visitor(server)
    sent_bytes = _count_uploaded_bytes(visitor)
    tab = visitor.open()
    tab.limit_upload(2 * SLOWLY)
    tab.drop(big_clip)
    tab.confirm(resolution="480p", quality="Standard")
    tab.expect_progress(big_clip.name, at_least=20)
    job_id = tab.job_id(big_clip.name)

    tab.reload()
    assert tab.leaving_was_questioned
    tab.expect_state(big_clip.name, "uploading")
    asks = "Choose the same file again to go on"
    expect(tab.row(big_clip.name)).to_contain_text(asks)
    stored_bytes = _stored_bytes(server, job_id)
    assert 0 < stored_bytes < UPLOAD_BYTES

    tab.limit_upload(-1)
    tab.browse(big_clip)
    tab.confirm()
    tab.expect_complete(big_clip.name)
    expect(tab.rows).to_have_count(1)
    assert tab.job_id(big_clip.name) == job_id
    assert 0.9 * UPLOAD_BYTES < sent_bytes() < 1.1 * UPLOAD_BYTES
    _expect_sound_and_picture(tab.download(big_clip.name, tmp_path / "results"))


def test_more_files_are_confirmed_while_others_upload(
    open_visitor: OpenVisitor, server: Server, big_clip: Path, tmp_path: Path
) -> None:
    """Two files are sent at a time; the next ones say that they wait, and go when it is their turn.

    Every tab of the browser says so, also one that is opened later, and none asks even for a moment for a file that is
    on its way.
    """
    visitor = open_visitor(server)
    visitor.context.add_init_script(NOTE_ASKING)
    tab, other = visitor.open(), visitor.open()
    others = [make_clip(tmp_path, "small_320x240_mp4", file_name=f"{number}.mp4") for number in (1, 2)]
    big_ones = [big_clip, big_clip.with_name("second.mp4")]
    big_ones[1].write_bytes(big_clip.read_bytes())
    tab.limit_upload(SLOWLY)
    tab.drop(*big_ones)
    tab.confirm(quality="Standard")
    for clip in big_ones:
        tab.expect_progress(clip.name)
    tab.drop(*others)
    tab.confirm()
    for clip in others:
        tab.expect_state(clip.name, "uploading")
        expect(tab.row(clip.name)).to_contain_text("Waits for its turn")
    for clip in big_ones:
        expect(tab.row(clip.name)).to_have_attribute("data-state", "uploading")
    tab.expect_title(r"^\d+ % · 2 uploading – Video to MP4$")
    later = visitor.open()
    for clip in others:
        expect(other.row(clip.name)).to_contain_text("Waits for its turn")
        expect(later.row(clip.name)).to_contain_text("Waits for its turn")
    assert not any(each.page.evaluate("window.hasAsked") for each in (tab, other, later))

    tab.limit_upload(-1)
    for clip in (*big_ones, *others):
        tab.expect_complete(clip.name)
    assert not any(each.page.evaluate("window.hasAsked") for each in (tab, other))


def test_the_other_tabs_ask_for_a_file_when_the_one_that_sent_it_is_gone(tab: Tab, big_clip: Path) -> None:
    """What a tab said that it sends counts no more when its user has left the page."""
    other = tab.visitor.open()
    tab.limit_upload(SLOWLY)
    tab.drop(big_clip)
    tab.confirm()
    tab.expect_progress(big_clip.name)
    tab.leave()
    expect(other.row(big_clip.name)).to_contain_text("Choose the same file again to go on")
    other.act("Cancel", big_clip.name)
    other.expect_state(big_clip.name, "canceled")


def test_an_upload_canceled_in_another_tab_stops_where_it_is_sent(
    tab: Tab, server: Server, big_clip: Path, tmp_path: Path
) -> None:
    """The row is the truth for every tab: the one that sends the file stops, and asks nobody before it is left."""
    tab.visitor.tolerate("409 \\(Conflict\\)")
    tab.limit_upload(SLOWLY)
    tab.drop(big_clip)
    tab.confirm()
    tab.expect_progress(big_clip.name)
    job_id = tab.job_id(big_clip.name)

    other = tab.visitor.open()
    other.act("Cancel", big_clip.name)
    tab.expect_state(big_clip.name, "canceled")
    assert not any(job_id in file for file in server.files())
    small = make_clip(tmp_path, "small_320x240_mp4", file_name="small.mp4")
    tab.limit_upload(-1)
    tab.drop(small)
    tab.confirm(quality="Standard")
    tab.expect_complete(small.name)
    assert not any(f"sources/{job_id}" == file for file in server.files())
    tab.reload()
    assert not tab.leaving_was_questioned


def test_an_upload_goes_on_by_itself_after_the_server_was_killed(
    open_visitor: OpenVisitor, own_server: Server, big_clip: Path, tmp_path: Path
) -> None:
    """Nobody has to do anything: the page reconnects and sends what is missing."""
    visitor = open_visitor(own_server)
    visitor.tolerate_a_server_that_is_away()
    tab = visitor.open()
    tab.limit_upload(SLOWLY)
    tab.drop(big_clip)
    tab.confirm(resolution="480p", quality="Standard")
    tab.expect_progress(big_clip.name, at_least=2)
    job_id = tab.job_id(big_clip.name)

    own_server.kill()
    stored_bytes = _stored_bytes(own_server, job_id)
    assert 0 < stored_bytes < UPLOAD_BYTES
    expect(tab.page.get_by_role("alert")).to_contain_text("The connection to the server is lost")
    tab.limit_upload(-1)
    own_server.start()

    tab.expect_complete(big_clip.name)
    expect(tab.page.get_by_role("alert")).to_be_empty()
    offsets = [int(request.headers["upload-offset"]) for request in visitor.requests if request.method == "PATCH"]
    assert offsets[0] == 0
    assert all(offset >= stored_bytes for offset in offsets[1:]), offsets
    _expect_sound_and_picture(tab.download(big_clip.name, tmp_path / "results"))


def test_a_conversion_begins_again_by_itself_after_the_server_was_killed(
    open_visitor: OpenVisitor, own_server: Server, half_minute: Path, tmp_path: Path
) -> None:
    """The job is found running, begun again and completed; nothing of the first attempt stays."""
    visitor = open_visitor(own_server)
    visitor.tolerate_a_server_that_is_away()
    tab = visitor.open()
    tab.drop(half_minute)
    tab.confirm(resolution="480p", quality="Standard")
    tab.expect_begun(half_minute.name)

    own_server.kill()
    eventually(lambda: not own_server.converters())
    own_server.start()
    tab.expect_complete(half_minute.name)
    assert own_server.files() == {f"results/{tab.job_id(half_minute.name)}.mp4"}
    _expect_sound_and_picture(tab.download(half_minute.name, tmp_path / "results"))


def _count_uploaded_bytes(visitor: Visitor) -> Callable[[], int]:
    """Add up what the browser says it sent of files, over all connections and reloads."""
    sent: dict[str, int] = {}
    visitor.context.expose_function("noteUploadedBytes", lambda upload, size: sent.update({upload: size}))
    visitor.context.add_init_script(NOTE_UPLOADED_BYTES)
    return lambda: sum(sent.values())


def _stored_bytes(server: Server, job_id: str) -> int:
    return (server.data_dir / "sources" / job_id).stat().st_size


def _expect_sound_and_picture(result: Path) -> None:
    entries = ["-show_entries", "stream=codec_name", "-of", "csv=p=0"]
    assert run_ffmpeg([*entries, result], program="ffprobe").split() == ["h264", "aac"]
