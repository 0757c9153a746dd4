"""Small pictures of results: made when somebody asks, kept in memory, never on the disk."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from video_to_mp4.errors import NoPicture, ResultGone, StorageUnavailable, VideoToMp4Error
from video_to_mp4.jobs.ports import Thumbnailer
from video_to_mp4.service.looking import Result
from video_to_mp4.tasks import attempt, finish

log = logging.getLogger(__name__)

_KEPT_BYTES = 8 * 1024**2
"""Some 700 pictures."""

_ENTRY_BYTES = 512
"""What one takes beside its own bytes."""

_NONE_KEPT_S = 600.0
"""How long it is remembered that there is no picture: on a machine with too much to do one may just take too long."""

_Key = tuple[Path, int]
"""A result, and the attempt that made it: a retry makes another one in the same place."""


class Thumbnails:
    """Makes each picture once, one after the other, so that a page full of jobs costs a conversion little.

    Who asks has found the result by `Looking`, which checks owner and state with each request; that a picture is kept
    gives it to nobody.
    """

    def __init__(
        self, thumbnailer: Thumbnailer, *, kept_bytes: int = _KEPT_BYTES, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._thumbnailer = thumbnailer
        self._kept = _Kept(kept_bytes, clock)
        self._making: dict[_Key, _Making] = {}
        self._turn = asyncio.Lock()
        self._is_stopped = False

    async def of(self, result: Result) -> bytes:
        """Return the picture of a result, as a JPEG.

        Raises NoPicture, or ResultGone when it went in this moment. The last one that stops waiting ends the work.
        """
        key = (result.path, result.attempt)
        picture = self._kept.get(key)
        if picture is None:
            picture = await self._made(key)
        if not picture:
            raise NoPicture
        return picture

    async def stop(self) -> None:
        """Make no more; return when the processes are dead."""
        self._is_stopped = True
        for making in list(self._making.values()):
            await _end(making.task)

    async def _made(self, key: _Key) -> bytes:
        making = self._making.get(key) or self._begin(key)
        making.waiting += 1
        try:
            await asyncio.wait([making.task])
        finally:
            making.waiting -= 1
            if making.waiting == 0:
                if self._making.get(key) is making:
                    del self._making[key]
                await _end(making.task)
        if making.task.cancelled():
            raise _stopping()
        return making.task.result()

    def _begin(self, key: _Key) -> _Making:
        if self._is_stopped:
            raise _stopping()
        self._making[key] = _Making(asyncio.create_task(self._make(key), name=f"thumbnail-{key[0].stem}"))
        return self._making[key]

    async def _make(self, key: _Key) -> bytes:
        # Open from here on: whoever deletes the result meanwhile takes its name, not its bytes.
        with _open(key[0]) as file:
            async with self._turn:
                picture = await attempt(self._thumbnailer.thumbnail(file))
        if isinstance(picture, VideoToMp4Error):
            raise picture
        if isinstance(picture, Exception):
            log.error("job=%s: its result has no thumbnail", key[0].stem, exc_info=picture)
            picture = b""  # with another try it would be no other
        self._kept.put(key, picture)
        return picture


@dataclass
class _Making:
    """A picture that is being made, and how many wait for it."""

    task: asyncio.Task[bytes]
    waiting: int = 0


class _Kept:
    """The pictures that were asked for last."""

    def __init__(self, limit_bytes: int, clock: Callable[[], float]) -> None:
        self._limit_bytes = limit_bytes
        self._clock = clock
        self._pictures: OrderedDict[_Key, tuple[bytes, float]] = OrderedDict()
        self._size_bytes = 0

    def get(self, key: _Key) -> bytes | None:
        if key not in self._pictures:
            return None
        self._pictures.move_to_end(key)
        picture, put_at_s = self._pictures[key]
        return picture if picture or self._clock() - put_at_s < _NONE_KEPT_S else None

    def put(self, key: _Key, picture: bytes) -> None:
        self._take_out(key)
        self._pictures[key] = picture, self._clock()
        self._size_bytes += len(picture) + _ENTRY_BYTES
        while self._size_bytes > self._limit_bytes:
            self._take_out(next(iter(self._pictures)))

    def _take_out(self, key: _Key) -> None:
        if key in self._pictures:
            self._size_bytes -= len(self._pictures.pop(key)[0]) + _ENTRY_BYTES


async def _end(task: asyncio.Task[bytes]) -> None:
    """Cancel a task that has not ended, and wait for its end, however often the waiting is canceled."""
    if not task.done():
        task.cancel()
        await finish(asyncio.wait([task]))


def _open(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except FileNotFoundError as error:
        raise ResultGone from error


def _stopping() -> StorageUnavailable:
    return StorageUnavailable("The server is stopping. Come back soon.")
