"""What became of each file of a batch: the summary at its end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from video_to_mp4.api.schemas import BatchItem
from video_to_mp4.cli.left_out import LeftOutFiles
from video_to_mp4.cli.plain import put_json, say
from video_to_mp4.cli.showing import put_table
from video_to_mp4.cli.texts import path_text, plain_words, size_text, time_text
from video_to_mp4.cli.together import Batch, File
from video_to_mp4.cli.tracking import Phase
from video_to_mp4.jobs.batch import Ending

TITLES = ("File", "Outcome", "Before", "After", "Time", "")
FINISHED = (Ending.CONVERTED, Ending.REMUXED)
_NOT_FAILED = (Ending.CANCELED, Ending.ROLLED_BACK)


@dataclass(frozen=True)
class Outcome:
    """What became of one file."""

    name: str
    what: str
    """One of the endings of the API, or a phase: skipped; done, where the server could not be asked how."""
    source_bytes: int
    result_bytes: int | None = None
    """Of a result that there is, here or on the server."""
    duration_s: float | None = None
    """How long the conversion took."""
    note: str = ""
    output: str = ""
    job_id: str = ""

    @property
    def has_result(self) -> bool:
        """Whether it was converted and not undone."""
        return self.result_bytes is not None

    def row(self) -> Sequence[str]:
        """Return its cells in the table."""
        after = size_text(self.result_bytes) if self.result_bytes is not None else ""
        duration = time_text(self.duration_s) if self.duration_s is not None else ""
        return (
            self.name,
            plain_words(self.what),
            size_text(self.source_bytes),
            after,
            duration,
            self.note or self.output,
        )

    def document(self) -> dict[str, Any]:
        """Return it as programs get it."""
        return {
            "input": self.name,
            "outcome": self.what,
            "job_id": self.job_id or None,
            "source_bytes": self.source_bytes,
            "result_bytes": self.result_bytes,
            "duration_s": self.duration_s,
            "message": self.note or None,
            "output": self.output or None,
        }


def outcomes(files: Iterable[File], items: Mapping[str, BatchItem]) -> list[Outcome]:
    """Put together what is known here of each file and what the server says."""
    return [_outcome(file, items.get(file.track.job_id)) for file in files]


def _outcome(file: File, item: BatchItem | None) -> Outcome:
    track = file.track
    what = _what(track.phase, item.ending if item else None)
    is_finished = what in (*FINISHED, Phase.DONE)
    result_bytes = track.result_bytes if item is None or track.result_bytes is not None else item.result_bytes
    return Outcome(
        name=track.name,
        what=what,
        source_bytes=file.order.request.source_bytes,
        result_bytes=result_bytes if is_finished else None,
        duration_s=item.duration_s if item else None,
        note=track.sentence,
        output=path_text(track.target) if track.target and track.phase is Phase.DONE else "",
        job_id=track.job_id,
    )


def _what(phase: Phase, ending: Ending | None) -> str:
    """Say in one word what became of a file, by what happened here and on the server."""
    match phase:
        case Phase.DONE:
            return str(ending) if ending in FINISHED else str(phase)
        case Phase.FAILED:
            return str(ending) if ending in _NOT_FAILED else str(phase)
        case Phase.CANCELED:
            return str(phase) if ending in (None, Ending.UNFINISHED) else str(ending)
        case _:
            return str(phase)


def totals_text(found: Sequence[Outcome], elapsed_s: float) -> str:
    """Sum up: «12 converted, 3 remuxed, 1 failed; 1.2 GB became 400 MB; 3:20»."""
    counts = Counter(plain_words(outcome.what) for outcome in found)
    words = [", ".join(f"{count} {what}" for what, count in counts.most_common())]
    finished = [outcome for outcome in found if outcome.has_result]
    if finished:
        source_bytes, result_bytes = _sizes(finished)
        words.append(f"{size_text(source_bytes)} became {size_text(result_bytes)}")
    return "; ".join((*words, time_text(elapsed_s)))


def _sizes(finished: Sequence[Outcome]) -> tuple[int, int]:
    return sum(one.source_bytes for one in finished), sum(one.result_bytes or 0 for one in finished)


def sum_up(batch: Batch, left_out: LeftOutFiles, elapsed_s: float, *, as_json: bool) -> None:
    """Write the summary: a table, its totals and what was left out, or an event with all of it."""
    found = outcomes(batch.files, batch.items)
    if not as_json:
        put_table(TITLES, [outcome.row() for outcome in found])
        if left_out.sentence():
            say(left_out.sentence())
        say(totals_text(found, elapsed_s))
        return
    source_bytes, result_bytes = _sizes([outcome for outcome in found if outcome.has_result])
    put_json(
        {
            "event": "summary",
            "batch_id": batch.id or None,
            "files": dict(Counter(outcome.what for outcome in found)),
            "source_bytes": source_bytes,
            "result_bytes": result_bytes,
            "elapsed_s": round(elapsed_s, 3),
            "left_out": left_out.document(),
            "items": [outcome.document() for outcome in found],
        }
    )
