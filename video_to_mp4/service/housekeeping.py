"""What time does to jobs: uploads that nobody goes on with, results that nobody fetched, rows that nobody needs."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from video_to_mp4.errors import StorageUnavailable, StoreUnavailable, VideoToMp4Error
from video_to_mp4.jobs.model import Job, JobState
from video_to_mp4.jobs.ports import JobStore
from video_to_mp4.service.limits import Limits
from video_to_mp4.tasks import attempt

log = logging.getLogger(__name__)

_AT_ONCE = 200
_LEAP_S = 60.0
"""A clock that goes this much further than time itself between two rounds was set."""

_AT_LAST = (JobState.EXPIRED, JobState.FAILED, JobState.CANCELED, JobState.ROLLED_BACK)

Clean = Callable[[Job], Awaitable[object]]


@dataclass(frozen=True)
class Rule:
    """Jobs in some state for so long are cleaned in some way."""

    states: Sequence[JobState]
    age_s: float
    clean: Clean
    only_with_source: bool = False


def rules(limits: Limits, *, give_up: Clean, expire: Clean, drop_source: Clean, remove: Clean) -> list[Rule]:
    """Return what is cleaned when, the gentle before the thorough."""
    return [
        Rule([JobState.UPLOADING], limits.upload_keep_s, give_up),
        Rule([JobState.COMPLETED], limits.retention_s, expire),
        Rule([JobState.FAILED, JobState.CANCELED], limits.retention_s, drop_source, only_with_source=True),
        Rule(_AT_LAST, max(limits.retention_s, limits.row_keep_s), remove),
    ]


def elapsed_s() -> float:
    """Say how much time went by since some moment, however the clock is set; a machine's sleep counts where it can."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


class Housekeeper:
    """Applies the rules in rounds, by a clock that no one can set forward.

    Ages are told by the times in the rows, so a clock that is set a day ahead would make everything a day older at
    once. What the clock has leapt ahead since the start is therefore not counted, and nothing is deleted before it has
    really been there for its time. After a leap back, files stay longer, which costs nobody anything.
    """

    def __init__(
        self,
        store: JobStore,
        rules: Sequence[Rule],
        *,
        now: Callable[[], datetime],
        clock: Callable[[], float] = elapsed_s,
        request_keep_s: float = 24 * 3600,
        round_s: float = 60.0,
    ) -> None:
        self._store = store
        self._rules = rules
        self._now = now
        self._clock = clock
        self._request_keep_s = request_keep_s
        self._round_s = round_s
        self._last = (now(), clock())
        self.ahead_s = 0.0
        """How far the clock was set ahead since the start."""

    async def run(self) -> None:
        """Clean up until canceled, whatever happens in a round."""
        while True:
            error = await attempt(self.clean_once())
            if isinstance(error, StoreUnavailable):
                log.warning("nothing can be cleaned up just now; the next round tries again: %s", error.details)
            elif error is not None:
                log.error("a round of cleaning up broke off; the next one tries again", exc_info=error)
            await asyncio.sleep(self._round_s)

    async def clean_once(self) -> None:
        """Apply each rule once; raise StoreUnavailable when the database does not answer."""
        self._notice_leap()
        now = self._now() - timedelta(seconds=self.ahead_s)
        await self._store.forget_requests(now - timedelta(seconds=self._request_keep_s))
        # A batch without jobs is of use as long as a request that may be sent again: jobs may be about to come.
        await self._store.forget_batches(now - timedelta(seconds=self._request_keep_s))
        for rule in self._rules:
            for job in await self._store.unchanged_since(
                rule.states,
                now - timedelta(seconds=rule.age_s),
                only_with_source=rule.only_with_source,
                limit=_AT_ONCE,
            ):
                await self._clean(rule, job)

    async def _clean(self, rule: Rule, job: Job) -> None:
        match await attempt(rule.clean(job)):
            case StoreUnavailable() as error:
                raise error
            case StorageUnavailable() as error:
                log.warning("job=%s can't be cleaned up; the next round tries again: %s", job.id, error)
            case VideoToMp4Error() as error:
                log.info("job=%s changed while it was to be cleaned up: %s", job.id, error.code)
            case Exception() as error:
                log.error("job=%s can't be cleaned up; the next round tries again", job.id, exc_info=error)

    def _notice_leap(self) -> None:
        then, then_s = self._last
        self._last = now, now_s = self._now(), self._clock()
        leap_s = (now - then).total_seconds() - (now_s - then_s)
        if abs(leap_s) > _LEAP_S:
            self.ahead_s = max(0.0, self.ahead_s + leap_s)
            log.warning("the clock leapt by %.0f s; files are kept for their time all the same", leap_s)
