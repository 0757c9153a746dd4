"""Waiting for what must not be left half done, and hearing of what goes wrong where nobody waits."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Coroutine
from typing import Any, TypeVar

log = logging.getLogger(__name__)

T = TypeVar("T")


async def attempt(work: Awaitable[T]) -> T | Exception:
    """Await the work and return what it raises, for those who have to go on whatever it is. A cancel is let through."""
    try:
        return await work
    except Exception as error:  # noqa: BLE001 - it is handed to the caller, and the only place where that is done
        return error


def spawn(work: Coroutine[Any, Any, T], *, name: str) -> asyncio.Task[T]:
    """Start a task that nobody awaits at once. Whatever ends it, other than a cancel, is logged when it ends.

    It is for its owner to do something about what can be foreseen: the log is for what nobody expected.
    """
    task = asyncio.create_task(work, name=name)
    task.add_done_callback(_log_end)
    return task


def _log_end(task: asyncio.Task[Any]) -> None:
    error = None if task.cancelled() else task.exception()
    if error is not None:
        log.error("the task %s died", task.get_name(), exc_info=error)


async def finish(work: Coroutine[Any, Any, T]) -> T:
    """Await the work to its end, however often the waiting is canceled; then let the cancel through.

    The work itself is never canceled. When it fails, its exception goes first: a cancel that came in the meantime is
    its cause's sibling, not more urgent.
    """
    task = asyncio.ensure_future(work)
    canceled = False
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError:
            canceled = True
    result = task.result()
    if canceled:
        raise asyncio.CancelledError
    return result


async def each(*works: Awaitable[object]) -> None:
    """Await all works to their ends, whichever of them fail; then raise the first one's exception, if there is any.

    The others' are logged.
    """
    results = await asyncio.gather(*works, return_exceptions=True)
    errors = [result for result in results if isinstance(result, BaseException)]
    for error in errors[1:]:
        log.error("this failed beside %r", errors[0], exc_info=error)
    if errors:
        raise errors[0]
