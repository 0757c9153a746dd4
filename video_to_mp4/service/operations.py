"""What operators ask: is the server well, how full is its disk, which ffmpeg does it have."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from video_to_mp4.errors import VideoToMp4Error
from video_to_mp4.jobs.model import JobState
from video_to_mp4.jobs.ports import Engine
from video_to_mp4.service.rows import Rows
from video_to_mp4.service.space import SpaceKeeper
from video_to_mp4.storage.folder import DataFolder
from video_to_mp4.storage.quota import Room


@dataclass(frozen=True)
class Health:
    """How the server is: its jobs and its disk, or what is wrong."""

    ffmpeg: str = ""
    lacks: tuple[str, ...] = ()
    """What this ffmpeg can't do, each in a sentence."""
    jobs: dict[JobState, int] = field(default_factory=dict)
    room: Room | None = None
    problem: str = ""


class Operations:
    """Says how the server is. Nobody in particular asks, so nothing here is anybody's."""

    def __init__(
        self, rows: Rows, engine: Engine, folder: DataFolder, space: SpaceKeeper, lacks: tuple[str, ...]
    ) -> None:
        self._rows = rows
        self._engine = engine
        self._folder = folder
        self._space = space
        self._lacks = lacks
        self._ffmpeg_version = ""
        self._asking = asyncio.Lock()

    async def ffmpeg_version(self) -> str:
        """Name the version of this server's ffmpeg, asked for once; raise ToolMissing when there is none."""
        async with self._asking:
            self._ffmpeg_version = self._ffmpeg_version or await self._engine.version()
        return self._ffmpeg_version

    async def encoders(self) -> frozenset[str]:
        """Name the encoders that this server's ffmpeg has."""
        return await self._engine.encoders()

    async def room(self) -> Room:
        """Say how much of the disk is used, promised and free."""
        return await self._space.room()

    async def health(self) -> Health:
        """Say how the server is; raises nothing: what does not answer is said in the answer."""
        try:
            ffmpeg = await self._engine.version()
            jobs = await self._rows.store.counts(None)
            await asyncio.to_thread(self._folder.check)
            room = await self.room()
        except VideoToMp4Error as error:
            return Health(problem=str(error))
        return Health(ffmpeg=ffmpeg, lacks=self._lacks, jobs=dict(jobs), room=room)

    async def metrics(self) -> str:
        """Return figures in Prometheus' text format."""
        jobs, room = await self._rows.store.counts(None), await self.room()
        disk = {"limit": room.limit_bytes, "used": room.used_bytes, "reserved": room.reserved_bytes}
        return self._rows.metrics.text(jobs, disk | {"free": room.free_bytes})
