"""For whoever runs the server: is it well, and how much does it do. No session, no names, no ids."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST

from video_to_mp4 import __version__
from video_to_mp4.api.schemas import Health, Illness
from video_to_mp4.bootstrap import service

router = APIRouter(tags=["Server"])


@router.get(
    "/healthz",
    response_model=Health,
    responses={503: {"model": Illness, "description": "Something that a conversion needs does not answer."}},
)
async def healthz() -> JSONResponse:
    """Say whether ffmpeg, database and disk answer: 200 when they do, else 503 with what does not."""
    health = await service().operations.health()
    if health.room is None:
        return JSONResponse({"status": "unhealthy", "version": __version__, "problem": health.problem}, 503)
    disk = {
        "limit_bytes": health.room.limit_bytes,
        "used_bytes": health.room.used_bytes,
        "reserved_bytes": health.room.reserved_bytes,
        "free_bytes": health.room.free_bytes,
    }
    jobs = {state.value: count for state, count in health.jobs.items()}
    ffmpeg = {"ffmpeg": health.ffmpeg, "ffmpeg_lacks": list(health.lacks)}
    return JSONResponse(
        {"status": "ok", "version": __version__, **ffmpeg, "disk": disk, "jobs": jobs},
        headers={"Cache-Control": "no-store"},
    )


_METRICS = {"text/plain": {"schema": {"type": "string"}, "example": 'video_to_mp4_jobs{state="running"} 2.0\n'}}


@router.get(
    "/metrics",
    response_class=PlainTextResponse,
    responses={200: {"description": "Figures in Prometheus' text format.", "content": _METRICS}},
)
async def metrics() -> PlainTextResponse:
    """Return figures in Prometheus' text format."""
    return PlainTextResponse(await service().operations.metrics(), media_type=CONTENT_TYPE_LATEST)
