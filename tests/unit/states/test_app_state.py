"""What a tab shows, and what its user can do: through Reflex's real event queue, on a real database."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from factories import NOON, make_job
from tab import OWNER, Tab, frame_bytes
from video_to_mp4.errors import StoreUnavailable
from video_to_mp4.jobs.model import Completed, Failure, Job, JobState, Progress, Stage
from video_to_mp4.service import rows
from video_to_mp4.states import app_state, tabs, watch
from video_to_mp4.states.app_state import ROWS_PER_PAGE, AppState
from waiting import until

FORM = {"resolution": "720p", "quality": "Maximum"}
OWN = [{}, {"resolution": "480p", "quality": "High"}, {"resolution": "480p"}, {"quality": "High"}]


def mine(**changes: Any) -> Job:
    return make_job(**({"owner": OWNER} | changes))


def ended(state: JobState = JobState.FAILED, **changes: Any) -> Job:
    failure = Failure(code="DAMAGED", sentence="The file is damaged.")
    return mine(state=state, finished_at=NOON, failure=failure, **changes)


def selection(*names: str) -> dict[str, Any]:
    return {"batch": "batch-1", "files": [{"name": name, "size_bytes": 100, "modified_ms": 7} for name in names]}


def with_own(**own: Any) -> dict[str, Any]:
    return {"batch": "batch-1", "files": [{"name": "a.mkv", "size_bytes": 100, "own": own}]}


class TestLoading:
    async def test_a_tab_shows_its_owners_jobs_newest_first(self, tab: Tab) -> None:
        """The same browser sees its jobs again, in the order in which they came, and nobody else's."""
        first, foreign, second = mine(name="first.mkv"), make_job(owner="bob"), mine(name="second.mkv")
        await tab.add(first, foreign, second)
        state = await tab.load()
        assert list(state.jobs) == [second.id, first.id]
        assert state.jobs[first.id].note == "Next in line"
        assert state.counts["all"] == 2
        assert state.is_ready

    async def test_a_browser_without_a_session_sees_nothing_and_gets_one(self, tab: Tab) -> None:
        """A websocket can't set a cookie, so the page has to ask for it."""
        tab.cookie = "video_to_mp4_session=nonsense"
        await tab.add(mine())
        state = await tab.load()
        assert state.jobs == {}
        assert not state.has_session
        assert "askForSession" in tab.said()

    async def test_a_tab_says_how_full_the_server_is(self, tab: Tab) -> None:
        """Files of everybody count; whoever deletes a job sees the room at once."""
        job = ended(source_bytes=3_000_000_000)
        await tab.add(job, make_job(owner="bob", source_bytes=5_000_000_000))
        assert "8.0 GB of " in (await tab.load()).capacity.text
        await tab.fire(AppState.remove_job(job.id))
        assert "5.0 GB of " in (await tab.state()).capacity.text

    async def test_a_row_says_nothing_that_the_page_does_not_show(self, tab: Tab) -> None:
        """The owner's name is derived from a secret and stays on the server."""
        await tab.add(mine())
        await tab.load()
        assert OWNER not in json.dumps(tab.deltas)


class TestConfirming:
    async def test_confirmed_files_become_rows_and_the_browser_learns_their_ids(self, tab: Tab) -> None:
        """Rows first, bytes later: the browser sends each file to the job that it is told."""
        await tab.load()
        await tab.fire(AppState.confirm_upload(selection("a.mkv", "b.avi"), FORM))
        state = await tab.state()
        rows = list(state.jobs.values())
        assert [(row.name, row.state, row.summary) for row in rows] == [
            ("b.avi", "uploading", "100 B · 720p · Maximum"),
            ("a.mkv", "uploading", "100 B · 720p · Maximum"),
        ]
        [batch_id] = state.batches
        assert f'start("batch-1", ["{rows[1].id}", "{rows[0].id}"], "{batch_id}")' in tab.said().replace("\\", "")

    async def test_the_last_choice_is_remembered_in_the_browser(self, tab: Tab) -> None:
        """Who confirmed 720p once finds it preselected."""
        await tab.load()
        await tab.fire(AppState.confirm_upload(selection("a.mkv"), FORM))
        state = await tab.state()
        assert (state.resolution, state.quality) == ("720p", "Maximum")

    async def test_a_file_may_have_settings_of_its_own(self, tab: Tab) -> None:
        """Each part of them on its own; the batch is one, and only what was chosen for all files is remembered."""
        await tab.load()
        chosen = selection("a.mkv", "b.mkv", "c.mkv", "d.mkv")
        for file, own in zip(chosen["files"], OWN, strict=True):
            file["own"] = own
        await tab.fire(AppState.confirm_upload(chosen, FORM))
        state = await tab.state()
        assert [row.summary.removeprefix("100 B · ") for row in reversed(state.jobs.values())] == [
            "720p · Maximum",
            "480p · High",
            "480p · Maximum",
            "720p · High",
        ]
        assert len(state.batches) == 1
        assert (state.resolution, state.quality) == ("720p", "Maximum")

    async def test_a_refused_file_does_not_hold_up_the_others(self, tab: Tab) -> None:
        """The browser checks types and sizes, but anyone can send anything."""
        await tab.load()
        await tab.fire(AppState.confirm_upload(selection("a.mkv", "notes.txt"), FORM))
        [row] = (await tab.state()).jobs.values()
        assert f'["{row.id}", null]' in tab.said().replace("\\", "")
        assert "notes.txt" in tab.said()

    async def test_many_refusals_are_one_note(self, tab: Tab) -> None:
        """A wrong folder dropped by mistake must not cover the page with notes."""
        await tab.load()
        await tab.fire(AppState.confirm_upload(selection(*(f"{number}.txt" for number in range(50))), FORM))
        assert tab.said().count("Not added") == 1
        assert "And 46 more." in tab.said()

    @pytest.mark.parametrize(
        ("files", "form"),
        [
            ({"batch": "batch-1", "files": [{"name": "a.mkv", "size_bytes": "many"}]}, FORM),
            ({"batch": "batch-1", "files": [{"name": "a.mkv", "size_bytes": 1, "path": "/etc"}]}, FORM),
            ({"files": []}, FORM),
            (selection("a.mkv"), {"resolution": "8K", "quality": "High"}),
            (selection("a.mkv"), {}),
            (with_own(resolution="8K"), FORM),
            (with_own(quality=""), FORM),
            (with_own(encoding={"crf": 0}), FORM),
            (with_own(resolution="480p"), {"resolution": "8K", "quality": "High"}),
        ],
    )
    async def test_nonsense_makes_no_rows_and_gives_the_files_back(self, tab: Tab, files: Any, form: Any) -> None:
        """What can't be understood is refused with a sentence, and the user's selection is not lost."""
        await tab.load()
        await tab.fire(AppState.confirm_upload(files, form))
        assert (await tab.state()).jobs == {}
        assert "is not valid" in tab.said()
        assert "giveBack" in tab.said()

    async def test_without_a_session_nothing_is_taken(self, tab: Tab) -> None:
        """A job without an owner could never be seen again."""
        tab.cookie = ""
        await tab.load()
        await tab.fire(AppState.confirm_upload(selection("a.mkv"), FORM))
        assert await tab.store.page("", limit=10) == []
        assert "Allow cookies" in tab.said()


class TestActing:
    async def test_a_canceled_job_shows_it_at_once(self, tab: Tab) -> None:
        """When the handler is done the process is dead and the row says so."""
        job = mine()
        await tab.add(job)
        await tab.engine.begin(job.id)
        await tab.load()
        await tab.fire(AppState.cancel_job(job.id))
        row = (await tab.state()).jobs[job.id]
        assert (row.state, row.actions) == ("canceled", ["retry", "delete"])

    async def test_a_failed_job_can_be_retried(self, tab: Tab) -> None:
        """Its source is still there, so it is queued again."""
        job = ended()
        await tab.add(job)
        await tab.load()
        await tab.fire(AppState.retry_job(job.id))
        assert (await tab.state()).jobs[job.id].state == "queued"
        assert tab.engine.queued == [job.id]
        assert "again" not in tab.said()

    async def test_a_retried_upload_is_sent_again_by_the_tab_that_has_the_file(self, tab: Tab) -> None:
        """A canceled upload has no source on the server; only a browser can bring it."""
        job = ended(JobState.CANCELED, source_stored=False)
        await tab.add(job)
        await tab.load()
        await tab.fire(AppState.retry_job(job.id))
        row = (await tab.state()).jobs[job.id]
        assert (row.state, row.live[2]) == ("uploading", "e")
        assert f"again({json.dumps(job.id)})" in tab.said().replace("\\", "")

    async def test_a_removed_job_is_gone(self, tab: Tab) -> None:
        """Deleting needs no further question, and one row only goes."""
        job, other = ended(), ended()
        await tab.add(job, other)
        await tab.load()
        await tab.fire(AppState.remove_job(job.id))
        assert list((await tab.state()).jobs) == [other.id]

    async def test_clearing_takes_what_ended_and_leaves_the_rest(self, tab: Tab) -> None:
        """«Clear finished» never touches a job that still waits or runs."""
        waiting = mine()
        await tab.add(ended(), ended(JobState.CANCELED), ended(JobState.EXPIRED), waiting)
        await tab.load()
        await tab.fire(AppState.clear_finished)
        assert list((await tab.state()).jobs) == [waiting.id]

    @pytest.mark.parametrize("event", ["cancel_job", "retry_job", "remove_job"])
    @pytest.mark.parametrize("whose", ["bob", None])
    async def test_anothers_job_and_no_job_are_the_same(self, tab: Tab, event: str, whose: str | None) -> None:
        """Nobody learns from an answer whether an id exists, and nothing happens to another's job."""
        foreign = make_job(owner=whose or "bob")
        if whose:
            await tab.add(foreign)
        await tab.load()
        await tab.fire(getattr(AppState, event)(foreign.id))
        assert "There is no such job." in tab.said()
        assert await tab.store.get(foreign.id) == (foreign if whose else None)

    async def test_what_can_not_be_done_is_said(self, tab: Tab) -> None:
        """A click that came too late gets a sentence, not silence."""
        job = mine(state=JobState.COMPLETED, finished_at=NOON)
        await tab.add(job)
        await tab.load()
        await tab.fire(AppState.cancel_job(job.id))
        assert "toast" in tab.said()
        assert (await tab.state()).jobs[job.id].state == "completed"


class TestPages:
    async def test_a_filter_shows_its_states_only(self, tab: Tab) -> None:
        """A counter that is clicked shows what it counts; an unknown one changes nothing."""
        failed, waiting = ended(), mine()
        await tab.add(failed, waiting)
        await tab.load()
        await tab.fire(AppState.show_filter("failed"))
        assert list((await tab.state()).jobs) == [failed.id]
        await tab.fire(AppState.show_filter("__init__"))
        assert (await tab.state()).shown == "failed"

    async def test_more_rows_than_a_page_holds_are_paged(self, tab: Tab) -> None:
        """A thousand jobs must not make the page slow; a page that does not exist becomes the nearest."""
        await tab.add(*(ended() for _ in range(ROWS_PER_PAGE + 3)))
        state = await tab.load()
        assert (len(state.jobs), state.page, state.pages) == (ROWS_PER_PAGE, 1, 2)
        await tab.fire(AppState.show_page(2))
        assert len((await tab.state()).jobs) == 3
        await tab.fire(AppState.show_page(99))
        assert (await tab.state()).page == 2
        await tab.fire(AppState.show_page(-1))
        assert (await tab.state()).page == 1

    async def test_the_last_page_goes_with_its_last_row(self, tab: Tab) -> None:
        """Nobody is left on an empty page after deleting."""
        await tab.add(*(ended() for _ in range(ROWS_PER_PAGE + 1)))
        await tab.load()
        await tab.fire(AppState.show_page(2))
        [last] = (await tab.state()).jobs
        await tab.fire(AppState.remove_job(last))
        state = await tab.state()
        assert (len(state.jobs), state.page, state.pages) == (ROWS_PER_PAGE, 1, 1)


class TestFollowing:
    async def follow(self, tab: Tab) -> set[str]:
        """Load the page in a tab that stays open, and return the set by which it can be closed."""
        is_open = {"open"}
        tabs.use(lambda _token: bool(is_open))
        await tab.fire(AppState.on_load)
        return is_open

    async def test_changes_reach_the_tab_by_themselves(self, tab: Tab) -> None:
        """Nobody reloads to see that a conversion began, went on and ended."""
        job = mine(name="holiday.mov")
        await tab.add(job)
        is_open = await self.follow(tab)
        await tab.engine.begin(job.id)
        await until(lambda: any("Processing" in json.dumps(sent.get("jobs", {})) for sent in tab.sent()))
        tab.engine.sink.progressed(job.id, Progress(percent=42.4, stage=Stage.CONVERTING, speed=1.2, eta_s=12))
        await until(lambda: {"live": {job.id: [42, "1.2× · 0:12 left", "c"]}}.items() <= tab.sent()[-1].items())
        assert tab.sent()[-1]["title"] == "42 % · 1 converting"
        await tab.engine.end(job.id, Completed(result_bytes=400, fates=()))
        await until(lambda: any("holiday.mp4 is ready" in sent.get("announcement", "") for sent in tab.sent()))
        state = await tab.state()
        assert (state.live, state.title, state.jobs[job.id].state) == ({}, "", "completed")
        is_open.clear()

    async def test_a_job_that_comes_and_fails_between_two_looks_is_announced(self, tab: Tab) -> None:
        """What fails at once is heard of all the same; what ended before it came to this owner is not."""
        is_open = await self.follow(tab)
        await until(lambda: len(tabs._followed) == 1)
        failure = Failure(code="NOT_A_VIDEO", sentence="This is not a video.")
        old, new = (mine(name=name, state=JobState.FAILED, failure=failure) for name in ("old.mp4", "new.mp4"))
        await tab.add(old, new)
        tab.service.changes.came(old)
        tab.service.changes.state(OWNER, new.id, new)
        await until(lambda: any("new.mp4 failed" in sent.get("announcement", "") for sent in tab.sent()))
        assert sum("new.mp4 failed" in sent.get("announcement", "") for sent in tab.sent()) == 1
        assert not any("old.mp4" in sent.get("announcement", "") for sent in tab.sent())
        is_open.clear()

    async def test_other_peoples_jobs_move_a_queued_one_up(self, tab: Tab, monkeypatch: pytest.MonkeyPatch) -> None:
        """The number in line is not an hour old, though no row of this owner changed."""
        monkeypatch.setattr(app_state, "_KEEP_S", 0.01)
        monkeypatch.setattr(watch, "_ESTIMATES_EACH_S", 0.01)
        theirs, ours = make_job(owner="somebody else"), mine()
        await tab.add(theirs, ours)
        is_open = await self.follow(tab)
        assert (await tab.state()).jobs[ours.id].note == "Number 2 in line"
        await tab.engine.begin(theirs.id)
        await until(lambda: any("Next in line" in json.dumps(sent.get("jobs", {})) for sent in tab.sent()))
        is_open.clear()

    async def test_an_upload_that_nobody_begins_asks_for_its_file_by_itself(
        self, tab: Tab, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A new row is given a moment, in which another device may begin to send; no row changes after it."""
        monkeypatch.setattr(rows, "_JUST_NOW", timedelta(seconds=0.5))
        monkeypatch.setattr(watch, "_ESTIMATES_EACH_S", 0.01)
        job = mine(state=JobState.UPLOADING, source_stored=False)
        await tab.add(job)
        is_open = await self.follow(tab)
        assert (await tab.state()).jobs[job.id].live[2] == "e"
        await until(lambda: any('"live": [0, "", "w"]' in json.dumps(sent.get("jobs", {})) for sent in tab.sent()))
        is_open.clear()

    async def test_a_database_that_is_away_for_a_moment_does_not_end_the_following(
        self, tab: Tab, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What happened meanwhile is shown when it is back; nobody has to reload."""
        job, asked = mine(name="holiday.mov"), []

        async def away(*_: Any, **__: Any) -> list[Job]:
            asked.append(True)
            raise StoreUnavailable

        await tab.add(job)
        is_open = await self.follow(tab)
        with monkeypatch.context() as patched:
            patched.setattr(tab.store, "page", away)
            await tab.engine.begin(job.id)
            await until(lambda: len(asked) > 1)
        await until(lambda: any("Processing" in json.dumps(sent.get("jobs", {})) for sent in tab.sent()))
        asked.clear()
        with monkeypatch.context() as patched:
            patched.setattr(tab.store, "page", away)
            await tab.engine.end(job.id, Completed(result_bytes=400, fates=()))
            await until(lambda: len(asked) > 1)
        await until(lambda: any("holiday.mp4 is ready" in sent.get("announcement", "") for sent in tab.sent()))
        is_open.clear()

    async def test_a_tab_goes_on_after_whatever_was_raised(
        self, tab: Tab, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        """A follower that died would leave the tab as it is, and nobody would know."""
        job = mine()

        async def boom(*_: Any, **__: Any) -> list[Job]:
            raise RuntimeError("planted")

        monkeypatch.setattr(app_state, "_KEEP_S", 0.01)
        await tab.add(job)
        is_open = await self.follow(tab)
        with monkeypatch.context() as patched:
            patched.setattr(tab.store, "page", boom)
            await tab.engine.begin(job.id)
            await until(lambda: "RuntimeError: planted" in caplog.text)
        await until(lambda: any("Processing" in json.dumps(sent.get("jobs", {})) for sent in tab.sent()))
        is_open.clear()

    @pytest.mark.parametrize("others", [10, 300])
    async def test_a_tick_costs_the_same_however_many_jobs_there_are(self, tab: Tab, others: int) -> None:
        """Progress of two running jobs is at most 400 bytes on the websocket, and moves no row."""
        await tab.add(*(ended() for _ in range(others)))
        running = [mine(), mine()]
        await tab.add(*running)
        for job in running:
            await tab.engine.begin(job.id)
        is_open = await self.follow(tab)
        await until(lambda: any("live" in sent for sent in tab.sent()))
        for percent in (11.2, 12.3, 13.4):
            before = len(tab.deltas)
            for job in running:
                progress = Progress(percent=percent, stage=Stage.CONVERTING, speed=1.27, eta_s=3599)
                tab.engine.sink.progressed(job.id, progress)
            await until(lambda before=before: len(tab.deltas) > before)
            assert set(tab.sent()[-1]) <= {"live", "title"}
            assert frame_bytes(tab.deltas[-1]) <= 400
        is_open.clear()

    async def test_only_one_task_follows_a_tab(self, tab: Tab) -> None:
        """A reload or a reconnection comes with another on_load, but the old task still runs."""
        is_open = await self.follow(tab)
        await until(lambda: len(tabs._followed) == 1)
        await tab.fire(AppState.on_load)
        assert len(tabs._followed) == 1
        is_open.clear()

    async def test_a_closed_tab_is_followed_no_longer(self, tab: Tab) -> None:
        """Nothing runs on for someone who is gone."""
        job = mine()
        await tab.add(job)
        is_open = await self.follow(tab)
        await until(lambda: len(tabs._followed) == 1)
        is_open.clear()
        await tab.engine.begin(job.id)
        await until(lambda: not tabs._followed)

    async def test_another_session_in_the_same_tab_ends_the_old_following(self, tab: Tab) -> None:
        """After a browser lost its cookie, its tab never shows the former owner's jobs again."""
        job = mine()
        await tab.add(job)
        is_open = await self.follow(tab)
        tab.cookie = tab.cookie.replace("a" * 64, "b" * 64)
        await tab.fire(AppState.on_load)
        await tab.engine.begin(job.id)
        await until(lambda: {owner for _, owner in tabs._followed} and OWNER not in {o for _, o in tabs._followed})
        assert (await tab.state()).jobs == {}
        is_open.clear()
