"""Making jobs: a file together with what shall be made of it, or a promise to send the file in parts."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Annotated, TypeVar

from fastapi import APIRouter, Header, Request, Response
from pydantic import ValidationError
from starlette.requests import ClientDisconnect

from video_to_mp4.api import multipart, views
from video_to_mp4.api.documentation import errors
from video_to_mp4.api.schemas import JobRequest, JobSummary, LinkRequest, UploadRequest
from video_to_mp4.api.session import Owner
from video_to_mp4.bootstrap import service
from video_to_mp4.errors import (
    AddressRefused,
    BatchAborted,
    BatchNotFound,
    FileTooLarge,
    ImportsOff,
    InsufficientStorage,
    InvalidArgument,
    JobNotFound,
    RequestUnderWay,
    TooManyRequests,
    UnsupportedContentType,
    UnsupportedFileType,
    UploadInterrupted,
)
from video_to_mp4.jobs.encoding import Encoding, VideoCodec, check
from video_to_mp4.jobs.model import Job, Options, Quality
from video_to_mp4.service.arrivals import Arrival
from video_to_mp4.service.files import EXTENSIONS, NewFile, NewLink, check_output_name

router = APIRouter(tags=["Jobs"])

_OPTIONS_LIMIT_BYTES = 64 * 1024

_Request = TypeVar("_Request", bound=JobRequest)


_BODY = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["job", "file"],
                "additionalProperties": False,
                "properties": {
                    "job": {"$ref": "#/components/schemas/JobRequest"},
                    "file": {"type": "string", "format": "binary", "description": "The video. Any order of the parts."},
                },
            },
            "encoding": {
                "job": {"contentType": "application/json"},
                "file": {
                    "contentType": "application/octet-stream, video/*",
                    "headers": {
                        "Content-Disposition": {
                            "description": "With the file's own name; its extension must be one of `input_extensions`.",
                            "schema": {"type": "string"},
                            "example": 'form-data; name="file"; filename="infile.mkv"',
                        }
                    },
                },
            },
        },
        "application/json": {
            "schema": {
                "anyOf": [
                    {"$ref": "#/components/schemas/UploadRequest"},
                    {"$ref": "#/components/schemas/LinkRequest"},
                ]
            }
        },
    },
}


@router.post(
    "/jobs",
    status_code=202,
    openapi_extra={"requestBody": _BODY},
    responses=errors(
        UploadInterrupted,
        RequestUnderWay,
        FileTooLarge,
        UnsupportedContentType,
        UnsupportedFileType,
        TooManyRequests,
        InsufficientStorage,
        JobNotFound,
        AddressRefused,
        ImportsOff,
        BatchNotFound,
        BatchAborted,
    ),
)
async def submit(
    owner: Owner,
    request: Request,
    response: Response,
    idempotency_key: Annotated[str, Header(max_length=255, pattern=r"^[\x21-\x7e]*$")] = "",
) -> JobSummary:
    """Make a job.

    Either of a file that comes along (multipart/form-data): it is all or nothing, a broken connection leaves no trace.
    Or of a file that will be sent in parts (application/json): send it to `links.upload` of the answer by the tus
    protocol, where HEAD tells the offset to go on from. Or of a link (application/json with `source_url`), from which
    the server fetches the video. With an `Idempotency-Key` the same request can be sent again
    for a day, and is answered with the job that it made the first time (404 when that was removed since).
    """
    async with service().submitting.once(owner, idempotency_key) as known:
        if known is not None:
            response.headers["Idempotency-Replayed"] = "true"
        job = known or await _submit(owner, request, idempotency_key)
    response.headers["Location"] = views.links(job).status
    return views.summary(service(), job)


async def _submit(owner: str, request: Request, key: str) -> Job:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        if kind == "multipart/form-data":
            return await _with_file(owner, request, key)
        if kind == "application/json":
            return await _without_file(owner, request, key)
    except ClientDisconnect as error:
        raise UploadInterrupted from error
    raise UnsupportedContentType("The content type must be multipart/form-data or application/json.")


async def _with_file(owner: str, request: Request, key: str) -> Job:
    announced = request.headers.get("content-length")
    async with service().submitting.arriving(owner, int(announced) if announced else None) as arrival:
        asked, options = await _read_form(arrival, request)
        return await service().submitting.submit(arrival, options, output_name=asked.output_filename, key=key)


async def _read_form(arrival: Arrival, request: Request) -> tuple[JobRequest, Options]:
    """Read `job` and `file`, in either order; the file goes to the disk as it comes."""
    asked: tuple[JobRequest, Options] | None = None
    body = service().submitting.until_silence(request.stream())
    async for part in multipart.parts(request.headers["content-type"], body):
        if part.name == "file":
            await service().submitting.store_source(arrival, part.file_name, part.chunks)
        elif part.name == "job" and asked is None:
            asked = await _understand(JobRequest, await part.read(_OPTIONS_LIMIT_BYTES))
            await service().submitting.join_batch(arrival, asked[0].batch_id)
        else:
            raise InvalidArgument(f"«{part.name}» is not expected, or comes twice.", field=part.name)
    if asked is None:
        raise InvalidArgument("The part «job» is missing.", field="job")
    return asked


async def _without_file(owner: str, request: Request, key: str) -> Job:
    content = await _read_json(service().submitting.until_silence(request.stream()))
    if _has_link(content):
        return await _from_link(owner, content, key)
    asked, options = await _understand(UploadRequest, content)
    file = NewFile(name=asked.name, size_bytes=asked.source_bytes)
    return await service().submitting.expect_upload(
        owner, file, options, output_name=asked.output_filename, key=key, batch_id=asked.batch_id
    )


def _has_link(content: bytes) -> bool:
    try:
        asked = json.loads(content)
    except ValueError:
        return False  # whoever reads it as an upload says what is wrong
    return isinstance(asked, dict) and "source_url" in asked


async def _from_link(owner: str, content: bytes, key: str) -> Job:
    asked, options = await _understand(LinkRequest, content)
    playlist = service().limits.import_playlist if asked.playlist is True else int(asked.playlist)
    link = NewLink(url=asked.source_url, output_name=asked.output_filename, batch_id=asked.batch_id)
    return await service().linking.fetch(owner, link, options, playlist=playlist, key=key)


async def _read_json(body: AsyncIterator[bytes]) -> bytes:
    content = bytearray()
    async for chunk in body:
        content += chunk
        if len(content) > _OPTIONS_LIMIT_BYTES:
            raise InvalidArgument(f"The request is larger than {_OPTIONS_LIMIT_BYTES} bytes.")
    return bytes(content)


async def _understand(model: type[_Request], content: bytes) -> tuple[_Request, Options]:
    """Read what is asked for and see that it fits together; raise InvalidArgument with the field that does not."""
    try:
        asked = model.model_validate_json(content)
    except ValidationError as error:
        raise _invalid(error) from error
    if asked.output_filename or not isinstance(asked, LinkRequest):
        check_output_name(asked.output_filename, EXTENSIONS[asked.container])
    _check_both(asked)
    encoding = Encoding(video=asked.video, audio=asked.audio, container=asked.container, extra_args=asked.extra_args)
    if not encoding.is_plain:
        check(encoding, encoders=await service().operations.encoders())
    words = {"resolution": asked.resolution, "quality": asked.quality}
    return asked, Options.model_validate({name: word for name, word in words.items() if word} | {"encoding": encoding})


def _check_both(asked: JobRequest) -> None:
    """Raise InvalidArgument where the page's words and the encoders' speak of the same thing."""
    video = asked.video
    if video is None:
        return
    if asked.quality is not None:
        said = [name for name in ("crf", "bitrate") if getattr(video, name) is not None]
        if said or video.codec is VideoCodec.COPY or asked.quality is Quality.AUTO:
            raise _twice(f"video.{said[0] if said else 'codec'}", "quality")
    if asked.resolution is not None and (video.scale is not None or video.codec is VideoCodec.COPY):
        raise _twice("video.scale" if video.scale is not None else "video.codec", "resolution")


def _twice(field: str, word: str) -> InvalidArgument:
    return InvalidArgument(f"{field}: {word} speaks of the same thing; leave one of them out.", field=field)


def _invalid(error: ValidationError) -> InvalidArgument:
    """Say what is wrong with the first wrong field."""
    first = error.errors(include_url=False)[0]
    field = ".".join(str(step) for step in first["loc"])
    if field in ("video.codec", "audio.codec"):
        return InvalidArgument(f"Unsupported {field.replace('.', ' ')}: {first['input']}", field=field)
    reason = first["msg"].removeprefix("Value error, ")
    return InvalidArgument(f"{field}: {reason}" if field else reason, field=field)
