"""One run over a library: what would be done, or what is done, told from its beginning to its end."""

from __future__ import annotations

import shutil
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from video_to_mp4.cli.client import Client
from video_to_mp4.cli.library import forecast as words
from video_to_mp4.cli.library.converting import Task, Workshop
from video_to_mp4.cli.library.disk import Disk
from video_to_mp4.cli.library.forecast import Forecast, foresee
from video_to_mp4.cli.library.holding import Held, asked, each, holding, kept, library_at
from video_to_mp4.cli.library.journal import Entry, Journal
from video_to_mp4.cli.library.seen import Seen
from video_to_mp4.cli.library.shelf import SHELF_NAME, Shelf
from video_to_mp4.cli.plain import put_json, say
from video_to_mp4.cli.showing import board_for, put_table, summary_rows
from video_to_mp4.cli.speaking import Speaking
from video_to_mp4.cli.texts import path_text, size_text
from video_to_mp4.cli.tracking import Phase, Track
from video_to_mp4.cli.wish import Wish
from video_to_mp4.errors import LocalFileUnusable, WrongUsage
from video_to_mp4.jobs.model import Quality, Resolution

_INTERRUPTED = 130
_NAMED_AT_MOST = 5


@dataclass(frozen=True)
class Terms:
    """How a library is converted."""

    dry_run: bool
    keep_days: float
    at_a_time: int
    verbose: bool


def replace(folder: Path, wish: Wish, terms: Terms, speaking: Speaking) -> int:
    """Convert a library in place; return the exit code: 0 when none failed, else 1."""
    root = library_at(folder)
    _check_wish(wish)
    if terms.dry_run:
        return _foretell(root, wish, terms, speaking)
    with holding(root) as library:
        code = _Run(library, wish, terms, speaking).run()
        if code == _INTERRUPTED:
            _perhaps_roll_back(library)
        return code


def _foretell(root: Path, wish: Wish, terms: Terms, speaking: Speaking) -> int:
    journal = Journal(Shelf(root).journal_path, Disk())

    async def work(client: Client) -> int:
        forecast = await _foresee(client, Shelf(root), journal, wish)
        _check_found(forecast)
        if speaking.as_json:
            put_json(words.document(forecast))
            return 0
        put_table(("File", "Would be", ""), words.rows(forecast, with_good=terms.verbose))
        for sentence in (*words.sentences(forecast), *_tight(root, forecast)):
            print(sentence)
        return 0

    return speaking.run(work)


class _Run:
    """One run over a library that is ours."""

    def __init__(self, library: Held, wish: Wish, terms: Terms, speaking: Speaking) -> None:
        self._library = library
        self._wish = wish
        self._terms = terms
        self._speaking = speaking
        self._board = board_for(as_json=speaking.as_json)
        self._tracks: list[Track] = []

    def run(self) -> int:
        """Convert, tell what became of it and return the exit code."""
        try:
            code = self._speaking.run(self._work, self._board.note)
            if code == _INTERRUPTED:
                self._library.journal.end_run()
            return code
        finally:
            expire(self._library)
            _sum_up(self._tracks, self._terms, as_json=self._speaking.as_json)

    async def _work(self, client: Client) -> int:
        library, journal = self._library, self._library.journal
        if not journal.open_run:
            journal.begin_run(_new_run())
        expire(library)
        forecast = await _foresee(client, library.shelf, journal, self._wish)
        if not _has_videos(forecast):
            journal.end_run()
        _check_found(forecast)
        if any(library.shelf.keeps(journal.open_run, video.source) for video, _ in forecast.to_do):
            journal.begin_run(_new_run())  # the interrupted run replaced a video that is another one by now
        tasks = self._tasks(forecast)
        self._tracks += [task.track for task in tasks]
        workshop = Workshop(
            library.shelf, journal, library.replacing, self._speaking.address(), self._wish, self._terms.keep_days
        )
        with self._board:
            await workshop.run(client, tasks, at_a_time=self._terms.at_a_time)
        if workshop.lost is not None:
            raise workshop.lost
        journal.end_run()
        return 1 if any(track.phase is Phase.FAILED for track in self._tracks) else 0

    def _tasks(self, forecast: Forecast) -> list[Task]:
        """Say what will be done, note what was seen, and return what is to be done."""
        shelf, board = self._library.shelf, self._board
        for sentence in (*words.sentences(forecast), *_tight(shelf.root, forecast)):
            board.note(sentence)
        for name in words.names_of_untouched(forecast, at_most=None if self._terms.verbose else _NAMED_AT_MOST):
            board.note(name)
        try:
            _seen(shelf, self._wish).remember(dict(forecast.videos))
        except LocalFileUnusable as error:
            board.note(str(error))  # the next run takes longer, that is all
        return [Task(video, seen, Track(path_text(Path(video.source)), board)) for video, seen in forecast.to_do]


def _has_videos(forecast: Forecast) -> bool:
    return bool(forecast.videos or forecast.left_out)


def _check_found(forecast: Forecast) -> None:
    """Raise WrongUsage for a folder without any video: it is another one than was meant."""
    if not _has_videos(forecast):
        raise WrongUsage(" ".join(("There are no videos in this folder.", forecast.others.sentence())).strip())


def _new_run() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H%M%S.%fZ")


async def _foresee(client: Client, shelf: Shelf, journal: Journal, wish: Wish) -> Forecast:
    extensions = (await client.capabilities()).input_extensions
    done = [entry for entry in journal.entries.values() if entry.is_in_place]
    return await foresee(shelf.root, extensions, _wished(wish), done, _seen(shelf, wish))


def _seen(shelf: Shelf, wish: Wish) -> Seen:
    return Seen(shelf.seen_path, *_wished(wish))


def _wished(wish: Wish) -> tuple[Resolution, Quality]:
    return wish.resolution or Resolution.ORIGINAL, wish.quality or Quality.AUTO


def _tight(root: Path, forecast: Forecast) -> Iterable[str]:
    free_bytes = shutil.disk_usage(root).free
    if forecast.during_bytes > free_bytes:
        yield f"There may not be enough room: only {size_text(free_bytes)} are free."


def expire(library: Held) -> None:
    """Delete the originals whose time is up; one whose result is not in its place any more is kept all the same."""
    now_s = time.time()
    over = [entry for entry in kept(library.journal) if entry.keep_until_s <= now_s]
    each([entry for entry in over if _is_in_place(library.shelf.target(entry), entry)], library.replacing.clean)


def _is_in_place(target: Path, entry: Entry) -> bool:
    """Tell whether a result is where it was put. By its size: its hash would mean to read the whole library."""
    return target.is_file() and target.stat().st_size == entry.result_bytes


def _sum_up(tracks: list[Track], terms: Terms, *, as_json: bool) -> None:
    outcomes = Counter(track.sentence if track.phase is Phase.DONE else str(track.phase) for track in tracks)
    if as_json:
        put_json({"event": "summary", "files": dict(outcomes)})
        return
    put_table(("File", "Outcome", "Size", ""), summary_rows(tracks))
    if outcomes:
        say(", ".join(f"{count} {outcome}" for outcome, count in outcomes.items()) + ".")
    if any(track.phase is Phase.DONE for track in tracks) and terms.keep_days > 0:
        say(f"The originals are kept in {SHELF_NAME} for {terms.keep_days:g} days; library rollback brings them back.")


def _perhaps_roll_back(library: Held) -> None:
    done: list[Entry] = [entry for entry in kept(library.journal) if entry.run == library.journal.last_run]
    if done and asked(f"Stopped. {len(done)} files were replaced. Roll them back? [y/N] "):
        for trouble in library.undo(done)[1]:
            say(trouble)


def _check_wish(wish: Wish) -> None:
    plain = Wish(resolution=wish.resolution, quality=wish.quality)
    if wish != plain:
        raise WrongUsage("--replace takes --resolution and --quality only: what it makes has to play everywhere.")
