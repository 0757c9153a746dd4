"""Jobs: listed, looked at, canceled, removed, retried."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi.responses import JSONResponse

from video_to_mp4 import __version__
from video_to_mp4.api import views
from video_to_mp4.api.documentation import errors
from video_to_mp4.api.schemas import (
    Capabilities,
    Codecs,
    JobDeleted,
    JobList,
    JobLog,
    JobStatus,
    JobSummary,
    Limits,
    PlaylistRequest,
)
from video_to_mp4.api.session import Owner
from video_to_mp4.bootstrap import service
from video_to_mp4.errors import (
    BatchAborted,
    BatchNotFound,
    IllegalTransition,
    ImportsOff,
    InsufficientStorage,
    JobNotFound,
    JobNotReady,
    StoreUnavailable,
    ToolMissing,
    TooManyRequests,
)
from video_to_mp4.jobs.encoding import AudioCodec, Container, VideoCodec
from video_to_mp4.jobs.extra_args import FLAGS
from video_to_mp4.jobs.file_types import VIDEO_EXTENSIONS
from video_to_mp4.jobs.model import JobState, Quality, Resolution

router = APIRouter(tags=["Jobs"])

_NO_ENCODER = (AudioCodec.COPY, AudioCodec.NONE)
_MOST_IN_A_PAGE = 500


@router.get("/jobs", response_model=JobList, responses=errors(BatchNotFound))
async def jobs(
    owner: Owner,
    state: Annotated[list[JobState] | None, Query(description="Only in this state; may be given repeatedly.")] = None,
    limit: Annotated[int, Query(ge=1, le=_MOST_IN_A_PAGE)] = 50,
    cursor: Annotated[str | None, Query(max_length=64, description="`next_cursor` of the page before.")] = None,
    batch_id: Annotated[str | None, Query(max_length=64, description="Only of this batch.")] = None,
) -> Response:
    """List your jobs, newest first."""
    counts = await _counts(owner, batch_id)
    found = await service().looking.page(owner, states=state, limit=limit + 1, before=cursor, batch_id=batch_id)
    page = found[:limit]
    answer = JobList(
        items=[views.summary(service(), job) for job in page],
        total=sum(count for counted, count in counts.items() if not state or counted in state),
        next_cursor=page[-1].id if len(found) > limit else None,
    )
    # Written here and now: FastAPI would check each of the rows once more before it writes them.
    return Response(answer.model_dump_json(), media_type="application/json")


async def _counts(owner: str, batch_id: str | None) -> Mapping[JobState, int]:
    if batch_id is None:
        return (await service().looking.counts(owner)).by_state
    tallies = (await service().batches.overview(owner, batch_id)).tallies
    return {state: tally.count for state, tally in tallies.items()}


@router.get("/jobs/{job_id}/status", responses=errors(JobNotFound))
async def status(owner: Owner, job_id: str) -> JobStatus:
    """Say all there is to say about a job."""
    return views.status(service(), await service().looking.job(owner, job_id))


@router.delete(
    "/jobs/{job_id}",
    status_code=202,
    response_model=JobDeleted,
    responses=errors(JobNotFound, also={204: {"description": "It had ended and is removed, with its files."}}),
)
async def cancel_or_remove(owner: Owner, job_id: str) -> Response:
    """Cancel a job that goes on; remove one that has ended, with its files.

    When this answers, the job's processes are dead.
    """
    job = await service().jobs.cancel_or_remove(owner, job_id)
    if job is None:
        return Response(status_code=204)
    return JSONResponse(JobDeleted(job_id=job.id, state=job.state).model_dump(mode="json"), 202)


@router.post(
    "/jobs/{job_id}/retry",
    status_code=202,
    responses=errors(JobNotFound, IllegalTransition, TooManyRequests, InsufficientStorage),
)
async def retry(owner: Owner, job_id: str) -> JobSummary:
    """Begin a failed or canceled job again.

    One whose file is gone fetches it again from its link or, without one, waits for it at `links.upload`.
    """
    return views.summary(service(), await service().jobs.retry(owner, job_id))


@router.post(
    "/jobs/{job_id}/playlist",
    status_code=202,
    responses=errors(JobNotFound, JobNotReady, BatchAborted, TooManyRequests, ImportsOff),
)
async def playlist(owner: Owner, job_id: str, wanted: PlaylistRequest) -> JobList:
    """Say yes to a job that failed with the reason PLAYLIST: fetch the videos that its link leads to.

    The job becomes the first video's; each other gets a job of its own, with the same options.
    """
    found = await service().linking.fetch_playlist(owner, job_id, limit=wanted.limit)
    return JobList(items=[views.summary(service(), job) for job in found], total=len(found), next_cursor=None)


@router.get("/jobs/{job_id}/log", responses=errors(JobNotFound))
async def log(owner: Owner, job_id: str) -> JobLog:
    """Show what ffmpeg was told and said in the job's last attempt."""
    return JobLog(job_id=job_id, runs=(await service().looking.log(owner, job_id)).runs)


@router.get("/capabilities", tags=["Server"], responses=errors(StoreUnavailable, ToolMissing))
async def capabilities(_owner: Owner) -> Capabilities:
    """Say what this server can do."""
    limits, encoders = service().limits, await service().operations.encoders()
    return Capabilities(
        version=__version__,
        ffmpeg=await service().operations.ffmpeg_version(),
        input_extensions=list(VIDEO_EXTENSIONS),
        containers=list(Container),
        codecs=Codecs(
            video=[codec for codec in VideoCodec if codec is VideoCodec.COPY or codec.value in encoders],
            audio=[codec for codec in AudioCodec if codec in _NO_ENCODER or codec.value in encoders],
        ),
        extra_args=list(FLAGS),
        resolutions=list(Resolution),
        qualities=list(Quality),
        imports=limits.imports,
        limits=Limits(
            upload_bytes=limits.upload_bytes,
            unfinished_jobs=limits.owner_jobs,
            uploads_at_a_time=limits.owner_uploads,
            playlist_videos=limits.import_playlist,
            upload_keep_s=limits.upload_keep_s,
            result_keep_s=limits.retention_s,
            idempotency_key_keep_s=limits.request_keep_s,
        ),
    )
