"""How whatever was raised is told: in its own words where somebody foresaw it, as an error of the server otherwise."""

from __future__ import annotations

import logging

from video_to_mp4.errors import VideoToMp4Error
from video_to_mp4.jobs.model import Failure

log = logging.getLogger(__name__)


def failure_of(error: BaseException, job_id: str) -> Failure:
    """Return what a job's row says of an error; one that nobody foresaw is logged with its trace."""
    if not isinstance(error, VideoToMp4Error):
        log.error("job=%s failed for a reason that nobody foresaw", job_id, exc_info=error)
        error = VideoToMp4Error(details=f"{type(error).__name__}: {error}")
    return Failure(code=error.code, sentence=str(error), details=error.details)
