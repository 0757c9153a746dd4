"""Turns a job into what people read: words, sizes, times, what may be done. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from video_to_mp4.jobs.file_types import VIDEO_EXTENSIONS, accepted_types, best_known_types
from video_to_mp4.jobs.model import ENDED_STATES, Job, JobState, Progress, Stage, StreamFate
from video_to_mp4.service.files import download_name
from video_to_mp4.service.imports import PLAYLIST_CODES
from video_to_mp4.service.words import size_text

ACCEPTED = VIDEO_EXTENSIONS
ACCEPTED_WORDS = f"{best_known_types()} and most others"
REFUSED_WORDS = f"Accepted: {accepted_types()}."

WORDS: Mapping[JobState, str] = {
    JobState.UPLOADING: "Uploading",
    JobState.FETCHING: "Fetching",
    JobState.QUEUED: "Queued",
    JobState.RUNNING: "Processing",
    JobState.COMPLETED: "Complete",
    JobState.FAILED: "Error",
    JobState.CANCELING: "Canceling",
    JobState.CANCELED: "Canceled",
    JobState.EXPIRED: "Expired",
    JobState.ROLLED_BACK: "Rolled back",
}
"""The page's words for the states."""

FILTERS: Mapping[str, Collection[JobState]] = {
    "all": frozenset(JobState),
    "uploading": frozenset({JobState.UPLOADING, JobState.FETCHING}),
    "queued": frozenset({JobState.QUEUED}),
    "processing": frozenset({JobState.RUNNING, JobState.CANCELING}),
    "complete": frozenset({JobState.COMPLETED}),
    "failed": frozenset({JobState.FAILED}),
    "canceled": frozenset({JobState.CANCELED, JobState.ROLLED_BACK}),
    "expired": frozenset({JobState.EXPIRED}),
}
"""What each counter counts, and shows when it is chosen: all jobs, and each job in exactly one other."""

FINISHED = "finished"
"""The key of the count of jobs that «Clear finished» would remove."""

LIVE_STATES = (JobState.UPLOADING, JobState.FETCHING, JobState.RUNNING)
"""The states in which a job has progress."""

WAITING = "w"
EXPECTED = "e"
SENDING = "u"
STAGE_WORDS = {
    "q": "Waits for its turn",
    "l": "Looking at the link",
    "r": "Reading",
    "c": "Converting",
    "f": "Finishing",
}
"""What a running job does, in words, by the code that is sent for it."""

Live = tuple[int, str, str]
"""A job's progress: percent, «speed · time left», and a code for the stage: one of STAGE_WORDS, SENDING for an upload
or a download, WAITING for an upload that nobody seems to send, EXPECTED for one that somebody may be about to send, or
nothing for a job without progress. Short, as it crosses the network three times a second."""

STANDING = (WAITING, EXPECTED)
"""Stages in which nothing moves; what they are is said with the rows, not beside them."""

NEARLY_FULL = "nearly full"
FULL = "full"
"""Levels of the capacity; empty while there is nothing to worry about."""

_NEARLY_FULL_PERCENT = 80
_MOST_REFUSALS = 4

_ACTIONS: Mapping[JobState, tuple[str, ...]] = {
    JobState.UPLOADING: ("cancel",),
    JobState.FETCHING: ("cancel",),
    JobState.QUEUED: ("cancel",),
    JobState.RUNNING: ("cancel",),
    JobState.COMPLETED: ("download", "delete"),
    JobState.FAILED: ("retry", "delete"),
    JobState.CANCELING: (),
    JobState.CANCELED: ("retry", "delete"),
    JobState.EXPIRED: ("delete",),
    JobState.ROLLED_BACK: ("retry", "delete"),
}
_STAGES = {Stage.READING: "r", Stage.CONVERTING: "c", Stage.FINISHING: "f"}
_FETCH_STAGES = {None: "q", Stage.READING: "l", Stage.FETCHING: SENDING, Stage.FINISHING: "f"}
_TITLE_WORDS = (
    (JobState.RUNNING, "converting"),
    (JobState.FETCHING, "fetching"),
    (JobState.UPLOADING, "uploading"),
)
_FATE_WORDS = {"copy": "kept as it is", "encode": "converted", "drop": "left out"}
_CODEC_WORDS = {
    "h264": "H.264",
    "hevc": "HEVC",
    "mpeg4": "MPEG-4",
    "mpeg2video": "MPEG-2",
    "mp3": "MP3",
    "aac": "AAC",
    "ac3": "AC-3",
    "eac3": "E-AC-3",
    "dts": "DTS",
    "opus": "Opus",
    "vorbis": "Vorbis",
    "subrip": "SRT",
    "hdmv_pgs_subtitle": "PGS",
    "dvd_subtitle": "VobSub",
}


@dataclass(frozen=True)
class JobRow:
    """A job as its row shows it."""

    id: str
    state: str
    word: str
    name: str
    result_name: str
    summary: str
    added: str
    note: str
    warnings: list[str]
    fates: list[str]
    error: str
    details: str
    actions: list[str]
    live: Live
    is_grouped: bool
    has_picture: bool


@dataclass(frozen=True)
class Capacity:
    """How full the server is, of all its users' files together."""

    text: str = ""
    level: str = ""
    used_percent: int = 0
    reserved_percent: int = 0


def row_of(
    job: Job, *, queue_position: int | None = None, live: Live = (0, "", ""), is_grouped: bool = False
) -> JobRow:
    """Say all that a row shows; `added` is an ISO time in UTC, which the browser puts into its own words.

    `live` is the progress at this moment; newer progress comes beside the rows. A job that stands below its batch's row
    is grouped.
    """
    return JobRow(
        id=job.id,
        state=job.state.value,
        word=WORDS[job.state],
        name=job.name,
        result_name=download_name(job),
        summary=_summary(job),
        added=job.created_at.isoformat(timespec="seconds"),
        note=_note(job, queue_position),
        warnings=list(job.warnings),
        fates=[fate_text(fate) for fate in job.fates],
        error=job.failure.sentence if job.failure else "",
        details=job.failure.details if job.failure else "",
        actions=actions_of(job),
        live=live,
        is_grouped=is_grouped,
        has_picture=job.state is JobState.COMPLETED and bool(_kept_pictures(job)),
    )


def actions_of(job: Job) -> list[str]:
    """Return what its owner can do with a job now, what they most likely want first."""
    if job.failure is not None and job.state is JobState.FAILED and job.failure.code in PLAYLIST_CODES:
        return ["playlist", "delete"]
    return list(_ACTIONS[job.state])


def live_of(state: JobState, progress: Progress | None, *, is_receiving: bool, is_expected: bool = False) -> Live:
    """Say how far a job is; all empty for one without progress."""
    if state not in LIVE_STATES:
        return 0, "", ""
    if progress is None:
        progress = Progress(percent=0)
    if state is JobState.UPLOADING:
        stage = SENDING if is_receiving else EXPECTED if is_expected else WAITING
    elif state is JobState.FETCHING:
        stage = _FETCH_STAGES[progress.stage]
    else:
        stage = _STAGES[progress.stage or Stage.READING]
    return int(progress.percent), "" if stage in STANDING else _pace(progress), stage


def count_by_filter(by_state: Mapping[JobState, int]) -> dict[str, int]:
    """Add up the counts of states for each filter, and for what can be cleared."""
    groups = {**FILTERS, FINISHED: ENDED_STATES}
    return {name: sum(by_state.get(state, 0) for state in states) for name, states in groups.items()}


def title_text(progress: Sequence[tuple[JobState, int]]) -> str:
    """Say what goes on, for the browser's tab: «42 % · 2 converting»; empty when nothing does.

    `progress` holds state and percent of each job that has progress. Conversions go before downloads and uploads.
    """
    for state, word in _TITLE_WORDS:
        percents = [percent for job_state, percent in progress if job_state is state]
        if percents:
            return f"{sum(percents) // len(percents)} % · {len(percents)} {word}"
    return ""


def fate_text(fate: StreamFate) -> str:
    """Say what became of one stream: «Video, HEVC: converted. H.264 plays everywhere»."""
    codec = _CODEC_WORDS.get(fate.codec, fate.codec.upper())
    language = f", {fate.language}" if fate.language and fate.language != "und" else ""
    why = f". {fate.why[0].upper()}{fate.why[1:]}" if fate.why else ""
    return f"{fate.kind.capitalize()}, {codec}{language}: {_FATE_WORDS[fate.action]}{why}"


def saved_text(saved_bytes: int) -> str:
    """Say how much smaller all results are than their sources; empty when they are not."""
    return size_text(saved_bytes) if saved_bytes > 0 else ""


def refusals_text(sentences: Sequence[str]) -> str:
    """Put the reasons why files were not taken in lines; of very many the first must do."""
    lines = [*sentences[:_MOST_REFUSALS]]
    if more := len(sentences) - len(lines):
        lines.append(f"And {more} more.")
    return "\n".join(lines)


def capacity_of(*, limit_bytes: int, used_bytes: int, reserved_bytes: int) -> Capacity:
    """Say how much room is taken, and what to do when little is left."""
    reserved = f", {size_text(reserved_bytes)} reserved" if reserved_bytes else ""
    figures = f"{size_text(used_bytes)} of {size_text(limit_bytes)} used{reserved}"
    free_bytes = limit_bytes - used_bytes - reserved_bytes
    used_percent = min(100, 100 * used_bytes // max(1, limit_bytes))
    reserved_percent = min(100 - used_percent, 100 * reserved_bytes // max(1, limit_bytes))
    if free_bytes <= 0:
        text, level = f"No room for new videos: {figures}. Delete finished jobs to make room.", FULL
    elif 100 * (limit_bytes - free_bytes) > _NEARLY_FULL_PERCENT * limit_bytes:
        free = size_text(free_bytes)
        text, level = f"Nearly full, {free} left: {figures}. Delete finished jobs to make room.", NEARLY_FULL
    else:
        text, level = figures, ""
    return Capacity(text, level, used_percent, reserved_percent)


def duration_text(duration_s: float) -> str:
    """Write a time as a clock does: «0:12», «2:41», «1:02:05»."""
    minutes, seconds = divmod(round(max(0.0, duration_s)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def _summary(job: Job) -> str:
    has_size = job.source_bytes > 0 or not job.source_url
    sizes = size_text(job.source_bytes) if has_size else urlsplit(job.source_url).netloc
    if job.result_bytes is not None:
        sizes += f" → {size_text(job.result_bytes)}"
    return f"{sizes} · {job.options.resolution.value} · {job.options.quality.value}"


def place_text(queue_position: int | None) -> str:
    """Say how many starts away a queued job is."""
    if queue_position is None:
        return ""
    return "Next in line" if queue_position == 1 else f"Number {queue_position} in line"


def _note(job: Job, queue_position: int | None) -> str:
    match job.state:
        case JobState.QUEUED:
            return place_text(queue_position)
        case JobState.COMPLETED:
            return _outcome(job)
        case JobState.EXPIRED:
            return "The converted file was cleaned up."
        case JobState.ROLLED_BACK:
            return "The converted file was removed again."
        case _:
            return ""


def _outcome(job: Job) -> str:
    """Say what the conversion brought: «Saved 74 % in 2:41»."""
    took = ""
    if job.started_at is not None and job.finished_at is not None:
        took = f"in {duration_text((job.finished_at - job.started_at).total_seconds())}"
    kept = _kept_pictures(job)
    change = 100 - round(100 * (job.result_bytes or 0) / max(1, job.source_bytes))
    if kept and set(kept) == {"copy"}:
        gain = "No quality lost, done"
    elif change > 0:
        gain = f"Saved {change} %"
    elif change < 0:
        gain = f"{-change} % larger, done"
    else:
        gain = "Same size, done"
    return f"{gain} {took}".strip()


def _kept_pictures(job: Job) -> list[str]:
    """Say what was done with each picture that the result has."""
    return [fate.action for fate in job.fates if fate.kind == "video" and fate.action != "drop"]


def _pace(progress: Progress) -> str:
    fetched = f"{size_text(round(progress.bytes_per_s))}/s" if progress.bytes_per_s else ""
    speed = f"{progress.speed:.{1 if progress.speed < 10 else 0}f}×" if progress.speed else ""
    left = f"{duration_text(progress.eta_s)} left" if progress.eta_s is not None else ""
    return " · ".join(text for text in (fetched, speed, left) if text)
