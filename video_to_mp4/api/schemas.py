"""What goes over the wire: requests and answers of the API's version 1. Known to the server and to its client."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from video_to_mp4.jobs.batch import Ending
from video_to_mp4.jobs.encoding import AudioCodec, AudioOptions, Container, VideoCodec, VideoOptions
from video_to_mp4.jobs.extra_args import FLAGS
from video_to_mp4.jobs.file_types import VIDEO_EXTENSIONS
from video_to_mp4.jobs.model import Frozen, JobState, Options, Quality, Resolution, Run, Stage, StreamFate

_RESULT_EXTENSION = r"\.([mM][pP]4|[mM]4[vV]|[mM][oO][vV]|[mM][kK][vV]|[wW][eE][bB][mM])$"
_ANY_CASE = ["".join(f"[{sign}{sign.upper()}]" if sign.isalpha() else sign for sign in e[1:]) for e in VIDEO_EXTENSIONS]
_SOURCE_EXTENSION = rf"\.({'|'.join(_ANY_CASE)})$"
_OUTPUT_NAME_PATTERN = rf"""^[^\x00-\x20\x7f/\\:*?"<>|.][^\x00-\x1f\x7f/\\:*?"<>|]*{_RESULT_EXTENSION}"""


class JobRequest(Frozen):
    """What shall be made of a file.

    Either in the page's words (`resolution`, `quality`) or in the encoders' (`video`, `audio`), never both for one
    thing. Without any of them: a copy of what plays everywhere already, the rest as for the quality High.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"output_filename": "outfile.mp4", "resolution": "720p", "quality": "High"},
                {
                    "output_filename": "outfile.mp4",
                    "video": {"codec": "libx264", "crf": 23, "bitrate": "3M", "fps": 30, "scale": "1280:720"},
                    "audio": {"codec": "aac", "bitrate": "192k"},
                    "container": "mp4",
                    "extra_args": ["-movflags", "+faststart"],
                },
            ]
        }
    )

    output_filename: str = Field(
        description="What the result is called: a plain file name that every system can have, with the container's "
        "extension.",
        json_schema_extra={"minLength": 5, "maxLength": 255, "pattern": _OUTPUT_NAME_PATTERN},
    )
    resolution: Resolution | None = None
    quality: Quality | None = None
    video: VideoOptions | None = None
    audio: AudioOptions | None = None
    container: Container = Container.MP4
    batch_id: str | None = Field(default=None, description="The batch that it shall belong to (`POST /batches`).")
    extra_args: tuple[Annotated[str, Field(max_length=256)], ...] = Field(
        default=(),
        max_length=64,
        description=f"Flags and values of ffmpeg that are let through: {', '.join(FLAGS)}.",
        examples=[["-movflags", "+faststart"]],
    )


class UploadRequest(JobRequest):
    """A file that will be sent in parts, to `links.upload` of the answer."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"output_filename": "outfile.mp4", "name": "infile.mkv", "source_bytes": 1048576}]
        }
    )

    name: str = Field(
        description="The file's own name; its extension must be one of `input_extensions` in `/capabilities`.",
        json_schema_extra={"pattern": _SOURCE_EXTENSION},
    )
    source_bytes: int = Field(strict=True, gt=0, description="The file's size in bytes.")


class LinkRequest(JobRequest):
    """A video that the server fetches from a link."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"source_url": "https://example.org/video.html", "resolution": "1080p"}]}
    )

    source_url: str = Field(description="http or https; a page with one video, or the video's file itself.")
    output_filename: str = Field(
        default="",
        description="What the result is called; by default after the video's title.",
        json_schema_extra={"maxLength": 255},
    )
    playlist: Annotated[bool, Field(strict=True)] | Annotated[int, Field(strict=True, ge=1)] = Field(
        default=False,
        description="What to do if the link leads to several videos: fetch none and say how many (false), all that the "
        "server allows (true), or the first so many; each becomes a job.",
    )


class PlaylistRequest(Frozen):
    """A yes to the question whether a playlist is wanted."""

    limit: int | None = Field(default=None, strict=True, ge=1, description="Only the first so many; null for all.")


def _is_none(value: object) -> bool:
    return value is None


class Links(Frozen):
    """Where a job's other addresses are; those that make no sense in its state are left out."""

    status: str
    events: str
    log: str
    result: str | None = Field(default=None, exclude_if=_is_none)
    thumbnail: str | None = Field(default=None, exclude_if=_is_none, description="A JPEG of one picture.")
    upload: str | None = Field(
        default=None,
        exclude_if=_is_none,
        description="For a job that waits for its file: HEAD tells the offset, PATCH sends on (tus 1.0.0).",
    )


class JobSummary(Frozen):
    """A job in a list."""

    job_id: str
    state: JobState
    progress_percent: int = Field(ge=0, le=100, description="How far the upload, the fetch or the conversion is.")
    created_at: datetime
    name: str = Field(description="The source's own file name.")
    output_filename: str
    batch_id: str | None = Field(default=None, exclude_if=_is_none, description="The batch that it belongs to.")
    links: Links


class JobDeleted(Frozen):
    """What became of a job that was canceled."""

    job_id: str
    state: JobState


class ErrorDetails(Frozen):
    """What a program or an expert wants to know."""

    field: str | None = Field(default=None, exclude_if=_is_none, description="The part of the request that is wrong.")
    reason: str | None = Field(
        default=None, exclude_if=_is_none, description="For TRANSCODE_FAILED and FETCH_FAILED: what kind of failure."
    )
    stderr: str | None = Field(
        default=None,
        exclude_if=_is_none,
        description="For TRANSCODE_FAILED and FETCH_FAILED: the last words of ffmpeg or yt-dlp; for a playlist a line "
        "for each video.",
    )
    count: int | None = Field(
        default=None, exclude_if=_is_none, description="For PLAYLIST: how many videos can be fetched."
    )


class Error(Frozen):
    """What went wrong: a code for programs and a sentence for people."""

    code: str
    message: str
    details: ErrorDetails = ErrorDetails()


class ErrorAnswer(Frozen):
    """Every error's answer."""

    error: Error


class JobStatus(JobSummary):
    """All there is to say about a job."""

    message: str
    queue_position: int | None = Field(description="1 = next; null unless queued.")
    started_at: datetime | None
    finished_at: datetime | None
    attempt: int = Field(description="How many attempts were started.")
    stage: Stage | None = Field(description="What a running attempt or fetch is doing; null for any other job.")
    speed: float | None = Field(description="Seconds of video per second; null when unknown.")
    bytes_per_s: float | None = Field(description="How fast the source is fetched; null when unknown.")
    eta_s: float | None = Field(description="Seconds left; null when unknown.")
    source_url: str | None = Field(description="The link that the source comes from; null when it was sent.")
    source_bytes: int
    result_bytes: int | None
    options: Options
    plan: tuple[StreamFate, ...] | None = Field(description="What becomes of each stream; null until that is decided.")
    warnings: tuple[str, ...]
    error: Error | None = Field(description="Why a failed job failed.")


class BatchRequest(Frozen):
    """A batch for jobs that will be submitted with its id."""

    name: str = Field(default="", max_length=255, description="Left out: how many videos there are, and the time.")


class BatchLinks(Frozen):
    """Where a batch's other addresses are."""

    status: str
    jobs: str
    abort: str
    archive: str


class BatchStatus(Frozen):
    """A batch in numbers."""

    batch_id: str
    name: str
    created_at: datetime
    is_finished: bool = Field(description="Whether nothing goes on in it any more.")
    total: int = Field(description="How many jobs there are.")
    counts: dict[JobState, int] = Field(description="How many jobs are in each state; states without any are left out.")
    progress_percent: int = Field(
        ge=0, le=100, description="How far all of it is; a quarter of a file's way is its arrival, the rest conversion."
    )
    eta_s: float | None = Field(description="Seconds until all is done, about; null while nobody can know.")
    source_bytes: int
    result_bytes: int
    aborted_at: datetime | None = Field(description="When it was first aborted.")
    rolled_back_at: datetime | None = Field(description="When its finished results were last undone.")
    links: BatchLinks


class BatchItem(Frozen):
    """What became of one file of a batch."""

    job_id: str
    name: str
    output_filename: str
    state: JobState
    ending: Ending
    source_bytes: int
    result_bytes: int | None = Field(description="Null without a result; a result that is gone keeps its size here.")
    duration_s: float | None = Field(description="How long the conversion took.")
    error: Error | None = Field(description="Why a failed one failed.")


class BatchSummary(BatchStatus):
    """A batch in numbers, and what became of each of its files, in the order in which they were submitted."""

    items: list[BatchItem]


class BatchList(Frozen):
    """Some of the owner's batches, newest first."""

    items: list[BatchStatus]
    total: int = Field(description="How many there are on all pages.")
    next_cursor: str | None = Field(description="What to ask for the next page with; null on the last one.")


class AbortRequest(Frozen):
    """How a batch shall be aborted."""

    rollback: bool = Field(default=False, strict=True, description="Undo the finished results too.")


class JobList(Frozen):
    """Some of the owner's jobs, newest first."""

    items: list[JobSummary]
    total: int = Field(description="How many there are on all pages.")
    next_cursor: str | None = Field(description="What to ask for the next page with; null on the last one.")


class JobLog(Frozen):
    """What ffmpeg was told and said in the last attempt."""

    job_id: str
    runs: tuple[Run, ...]


class Limits(Frozen):
    """What one request, one owner and time allow."""

    upload_bytes: int
    unfinished_jobs: int
    uploads_at_a_time: int
    playlist_videos: int
    upload_keep_s: float
    result_keep_s: float
    idempotency_key_keep_s: float


class Codecs(Frozen):
    """What a stream can become here."""

    video: list[VideoCodec]
    audio: list[AudioCodec]


class Capabilities(Frozen):
    """What this server can do."""

    version: str
    ffmpeg: str
    input_extensions: list[str] = Field(description="What a source's name may end in, the best known first.")
    containers: list[Container]
    codecs: Codecs
    extra_args: list[str] = Field(description="The flags that may stand in `extra_args`.")
    resolutions: list[Resolution]
    qualities: list[Quality]
    imports: bool = Field(description="Whether videos can be fetched from links.")
    limits: Limits


class Disk(Frozen):
    """The room for jobs, in bytes."""

    limit_bytes: int
    used_bytes: int
    reserved_bytes: int
    free_bytes: int


class Health(Frozen):
    """A server that is well."""

    status: Literal["ok"] = "ok"
    version: str
    ffmpeg: str
    ffmpeg_lacks: list[str] = Field(description="What can't be converted for want of a part of ffmpeg, in sentences.")
    disk: Disk
    jobs: dict[JobState, int]


class Illness(Frozen):
    """A server that is not."""

    status: Literal["unhealthy"] = "unhealthy"
    version: str
    problem: str


class BrowserLink(Frozen):
    """An address that joins the browser in which it is opened to your token's owner."""

    url: str
    expires_at: datetime


class Snapshot(Frozen):
    """The data of a `snapshot` event: the unfinished jobs, and those that ended since the listener went away."""

    jobs: list[JobStatus]


class Progressed(Frozen):
    """The data of a `progress` event."""

    job_id: str
    progress_percent: int
    stage: Stage | None
    speed: float | None
    bytes_per_s: float | None
    eta_s: float | None


class Removed(Frozen):
    """The data of a `removed` event."""

    job_id: str


EventName = Literal["snapshot", "state", "progress", "removed"]
