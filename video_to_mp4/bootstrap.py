"""The only place that names concrete classes: it builds one Service from the settings."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from video_to_mp4.engine.embedded import EmbeddedEngine
from video_to_mp4.engine.run_job import JobRunner
from video_to_mp4.errors import ConfigurationError
from video_to_mp4.media.capabilities import find_out
from video_to_mp4.media.thumbnail import FfmpegThumbnailer
from video_to_mp4.service.access import Access
from video_to_mp4.service.limits import Limits
from video_to_mp4.service.service import Service
from video_to_mp4.settings import Settings
from video_to_mp4.sources.address import Guard, check_entry
from video_to_mp4.sources.downloader import LinkFetcher
from video_to_mp4.storage.folder import DataFolder
from video_to_mp4.storage.uploads import Uploads
from video_to_mp4.store.database import open_database
from video_to_mp4.store.repository import SqlJobStore

log = logging.getLogger(__name__)

_running: Service | None = None


@asynccontextmanager
async def open_service(settings: Settings, *, lacks: tuple[str, ...] = ()) -> AsyncIterator[Service]:
    """Run a service on the settings' data folder for as long as the block runs.

    `lacks` says in sentences what the settings' ffmpeg can't do.
    Raises DataFolderUnusable when the folder or its database can't be used. At the end what runs is given back to the
    queue, every child process is dead and the folder is free for another server.
    """
    folder = DataFolder(settings.data_dir)
    folder.open()
    try:
        store = SqlJobStore(open_database(folder.paths.database), make_room=folder.release_reserve)
        try:
            runner = JobRunner(
                folder,
                ffmpeg=settings.ffmpeg,
                ffprobe=settings.ffprobe,
                stall_s=settings.stall_s,
                capacity_bytes=settings.capacity_bytes,
            )
            service = Service(
                store=store,
                engine=EmbeddedEngine(runner, slots=settings.slots),
                fetcher=_fetcher(settings, folder),
                thumbnailer=FfmpegThumbnailer(settings.ffmpeg, settings.ffprobe),
                folder=folder,
                uploads=Uploads(folder.paths, silence_limit_s=settings.upload_silence_s),
                limits=_limits(settings),
                lacks=lacks,
            )
            try:
                await service.start()
                yield service
            finally:
                await service.stop()
        finally:
            store.close()
    finally:
        folder.close()


@asynccontextmanager
async def open_access(settings: Settings) -> AsyncIterator[Access]:
    """Open what is known of tokens in the settings' data folder, whether a server runs on it or not.

    Raises DataFolderUnusable.
    """
    folder = DataFolder(settings.data_dir)
    folder.make()
    store = SqlJobStore(open_database(folder.paths.database))
    try:
        yield Access(store, requires_token=settings.require_token, now=lambda: datetime.now(UTC))
    finally:
        store.close()


def _limits(settings: Settings) -> Limits:
    return Limits(
        upload_bytes=settings.upload_limit_bytes,
        capacity_bytes=settings.capacity_bytes,
        owner_jobs=settings.owner_jobs_limit,
        owner_uploads=settings.owner_uploads_limit,
        upload_keep_s=settings.upload_keep_s,
        retention_s=settings.retention_s,
        row_keep_s=settings.row_keep_s,
        evicts_results=settings.evict_results,
        requires_token=settings.require_token,
        imports=settings.imports,
        import_slots=settings.import_slots,
        import_playlist=settings.import_playlist_limit,
    )


def _fetcher(settings: Settings, folder: DataFolder) -> LinkFetcher:
    try:
        guard = Guard(
            allowed=tuple(map(check_entry, settings.import_allowed_hosts)),
            denied=tuple(map(check_entry, settings.import_denied_hosts)),
            test_ports=frozenset(settings.import_test_ports),
        )
    except ValueError as error:
        raise ConfigurationError(f"{error}, so it can't stand in a list of hosts.") from error
    return LinkFetcher(folder, guard, ffmpeg=settings.ffmpeg, silence_s=settings.import_silence_s)


@asynccontextmanager
async def lifespan() -> AsyncIterator[None]:
    """Run the server's one service from start to shutdown, on the settings of the environment.

    Raises ToolMissing when the settings' ffmpeg or ffprobe don't do what every conversion needs.
    """
    global _running  # Reflex makes states and calls handlers by itself, so there is no one to hand the service to
    settings = Settings.load()
    found = await find_out(settings.ffmpeg, settings.ffprobe)
    for sentence in found.lacks:
        log.warning("%s", sentence)
    async with open_service(settings, lacks=found.lacks) as _running:
        yield
    _running = None


def service() -> Service:
    """Return the running service; only between start and shutdown of the server."""
    if _running is None:
        raise RuntimeError("the server has not started yet")
    return _running
