"""Fetches a video from a link: yt-dlp in a process of its own, behind the guarding proxy, into the job's own folder.

yt-dlp finds no program, so that nothing but it is ever at work on a site's answer; in particular no ffmpeg, which would
make connections of its own. Picture and sound that come apart are put together here, from the disk, without encoding.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import logging
import sys
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from video_to_mp4 import process
from video_to_mp4.errors import (
    AddressRefused,
    BrokenOff,
    EncryptedSource,
    FetcherMissing,
    FetchError,
    FileTooLarge,
    GeoBlocked,
    LiveStream,
    LoginNeeded,
    NoConnection,
    PlaylistFound,
    PlaylistTooLong,
    ProcessStalled,
    UnsupportedSite,
    VideoNotFound,
    VideoToMp4Error,
)
from video_to_mp4.jobs.file_types import VIDEO_EXTENSIONS
from video_to_mp4.jobs.model import Fetched, FetchOrder, Progress, Resolution, Stage
from video_to_mp4.jobs.ports import FetchSink
from video_to_mp4.media.guard import CONTAINERS, file_address
from video_to_mp4.process import Exit
from video_to_mp4.sources.address import Guard
from video_to_mp4.sources.proxy import GuardingProxy, Resolve, look_up
from video_to_mp4.storage.folder import DataFolder
from video_to_mp4.storage.writing import Writing
from video_to_mp4.tasks import finish

log = logging.getLogger(__name__)

_CHILD = Path(__file__).with_name("ytdlp_child.py")
_MEMORY_BYTES = 1024**3
_TRAFFIC_SLACK_BYTES = 64 * 1024 * 1024
"""What pages, manifests and repeated pieces may cost beside the video itself."""
_ANSWERS_WITHIN = 3
"""How many silences the child may keep before it counts as stuck; it waits for a site up to one, and tries again."""
_HEIGHTS_PX = {Resolution.UHD: 2160, Resolution.FULL_HD: 1080, Resolution.HD: 720, Resolution.SD: 480}
_MERGE_SILENCE_S = 60
"""For so long the merged file may stay as it is before ffmpeg counts as stuck."""
_NOT_MERGED = "The video's picture and sound could not be put together."
_DETAILS_CHARS = 2000
_LONGEST_TITLE = 200

_OF_CONNECTIONS = ("PROXY", "NO_CONNECTION", "BROKEN_OFF")
_ERRORS: dict[str, type[VideoToMp4Error]] = {
    "TOO_LARGE": FileTooLarge,
    "LIVE": LiveStream,
    "GEO_BLOCKED": GeoBlocked,
    "LOGIN": LoginNeeded,
    "NOT_FOUND": VideoNotFound,
    "UNSUPPORTED": UnsupportedSite,
    "ENCRYPTED": EncryptedSource,
    "NO_CONNECTION": NoConnection,
    "BROKEN_OFF": BrokenOff,
}


@dataclass
class _Told:
    """What the child has told so far."""

    report: Callable[[Progress], None]
    found: Callable[[str, str], None]
    title: str = ""
    extension: str = ""
    sizes: list[float | None] = field(default_factory=list)
    entries: list[tuple[str, str]] = field(default_factory=list)
    """Titles and links of a playlist. Each comes in a line of its own, as a line has a greatest length."""
    last: dict[str, Any] = field(default_factory=dict)
    percent: float = 0.0

    def hear(self, line: str) -> None:
        """Take one line of the child."""
        try:
            event = json.loads(line)
        except ValueError:
            return  # not one of ours
        match event.get("event"):
            case "found":
                self.title, self.extension = plain_title(event["title"]), plain_extension(event["ext"])
                self.sizes = event["sizes"]
                self.found(self.title, self.extension)
            case "progress":
                self._progress(event)
            case "entry":
                self.entries.append((event["title"], event["url"]))
            case "playlist" | "done" | "error":
                self.last = event

    def _progress(self, event: dict[str, Any]) -> None:
        part, got, total, speed = event["part"], event["bytes"], event["total"], event["speed"]
        number, count = event["fragments"]
        share = got / total if total else (number / count if number and count else 0.0)
        shares = _shares(self.sizes)
        percent = 100 * (sum(shares[:part]) + shares[part] * min(1.0, share))
        self.percent = max(self.percent, min(percent, 99.0))
        eta_s = (total - got) / speed if total and speed and part == len(shares) - 1 else None
        self.report(
            Progress(
                percent=self.percent,
                stage=Stage.FETCHING,
                bytes_per_s=speed,
                eta_s=max(0.0, eta_s) if eta_s is not None else None,
            )
        )


@dataclass(frozen=True)
class LinkFetcher:
    """Fetches with the server's rules; see `jobs.ports.Fetcher` for what each method promises."""

    folder: DataFolder
    guard: Guard
    ffmpeg: str = "ffmpeg"
    silence_s: float = 60
    resolve: Resolve = look_up

    def check(self, url: str) -> str:
        """Return a link in its plain form; raise AddressRefused for one that may not be fetched by what it says."""
        return self.guard.check_url(url.strip())[0]

    async def fetch(self, order: FetchOrder, sink: FetchSink) -> Fetched:
        """Fetch one video and put it in its source's place.

        Raises FetchError, FileTooLarge, EncryptedSource or whatever `sink.claim` raises. On cancel, as on every error,
        its process is dead and its files are gone when it returns.
        """
        if importlib.util.find_spec("yt_dlp") is None:
            raise FetcherMissing
        sink.report(Progress(percent=0, stage=Stage.READING))
        told = _Told(sink.report, sink.found)
        try:
            workplace = await finish(asyncio.to_thread(self.folder.begin_fetch, order.job_id))
            parts = await self._download(order, workplace, told, sink)
            sink.report(Progress(percent=99, stage=Stage.FINISHING))
            whole = parts[0] if len(parts) == 1 else await self._merge(parts)
            size_bytes = await finish(asyncio.to_thread(self.folder.keep_fetched, order.job_id, whole))
        finally:
            await finish(asyncio.to_thread(self.folder.discard_attempts, order.job_id))
        return Fetched(title=told.title, extension=told.extension, size_bytes=size_bytes)

    async def _download(self, order: FetchOrder, workplace: Path, told: _Told, sink: FetchSink) -> list[Path]:
        limit_bytes = order.limit_bytes + _TRAFFIC_SLACK_BYTES
        proxy = GuardingProxy(
            self.guard, limit_bytes=limit_bytes, claim=sink.claim, resolve=self.resolve, silence_s=self.silence_s
        )
        async with proxy:
            await finish(asyncio.to_thread(self._write_order, order, workplace, proxy.url))
            ended = await self._run(workplace, told, proxy)
        return self._parts(order, workplace, told, proxy, ended)

    def _write_order(self, order: FetchOrder, workplace: Path, proxy_url: str) -> None:
        content = {
            "url": order.url,
            "proxy": proxy_url,
            "height": _HEIGHTS_PX.get(order.resolution),
            "limit_bytes": order.limit_bytes,
            "playlist_limit": order.playlist_limit,
            "silence_s": self.silence_s,
        }
        self.folder.write_order(workplace, json.dumps(content))

    async def _run(self, workplace: Path, told: _Told, proxy: GuardingProxy) -> Exit:
        """Run the child to its end, or to the proxy's."""
        child = asyncio.create_task(
            process.run(
                [sys.executable, "-I", str(_CHILD)],
                on_line=told.hear,
                silence_limit_s=_ANSWERS_WITHIN * self.silence_s,
                is_alive=_growing(proxy),
                memory_limit_bytes=_MEMORY_BYTES,
                home=process.Home(workplace, _environment(workplace)),
            )
        )
        try:
            ends: list[asyncio.Future[Any]] = [child, proxy.end]
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if not child.done():
                child.cancel()
                await finish(asyncio.wait([child]))
        if proxy.end.done():
            raise proxy.end.result()
        try:
            return child.result()
        except ProcessStalled as error:
            raise BrokenOff from error

    def _parts(self, order: FetchOrder, workplace: Path, told: _Told, proxy: GuardingProxy, ended: Exit) -> list[Path]:
        """Return the files that were fetched; raise what the child told instead."""
        details = ended.stderr[-_DETAILS_CHARS:].strip().replace(proxy.url, "PROXY").replace(str(workplace), "")
        match told.last.get("event"):
            case "done":
                return [workplace / f"part{number}" for number in range(told.last["parts"])]
            case "playlist":
                raise self._playlist(order, told.entries)
            case "error":
                raise _error_of(told.last["kind"], proxy, details)
        raise FetchError(details=details or f"yt-dlp ended with code {ended.code}.")

    def _playlist(self, order: FetchOrder, entries: list[tuple[str, str]]) -> FetchError:
        """Return the question whether all of a playlist is wanted; its lines are what there is to be fetched."""
        lines = []
        for title, url in entries[: order.playlist_limit]:
            try:
                lines.append(f"{plain_title(title)} {self.check(url)}".strip())
            except AddressRefused:
                continue
        if not lines:
            return UnsupportedSite()
        count, details = len(lines), "\n".join(lines)
        if len(entries) > order.playlist_limit:
            sentence = f"This link leads to more than {count} videos. Nothing has been fetched yet. {count} can be."
            return PlaylistTooLong(sentence, count=count, details=details)
        sentence = f"This link leads to {count} videos. Nothing has been fetched yet."
        return PlaylistFound(sentence, count=count, details=details)

    async def _merge(self, parts: list[Path]) -> Path:
        """Put picture and sound into one Matroska file, as they are."""
        whole = parts[0].with_name("whole")
        flags = ["-protocol_whitelist", "file", "-format_whitelist", ",".join((*CONTAINERS, "aac", "mp3"))]
        inputs = [flag for part in parts for flag in (*flags, "-i", file_address(part))]
        maps = ["-map", "0:v:0", "-map", "1:a:0", "-c", "copy", "-f", "matroska", file_address(whole)]
        try:
            ended = await process.run(
                [self.ffmpeg, "-v", "error", "-nostdin", "-y", *inputs, *maps],
                silence_limit_s=_MERGE_SILENCE_S,
                is_alive=Writing(whole).look,
            )
        except ProcessStalled as error:
            raise FetchError(_NOT_MERGED) from error
        if ended.code != 0:
            raise FetchError(_NOT_MERGED, details=ended.stderr.strip())
        for part in parts:
            part.unlink()
        return whole


def plain_title(title: str) -> str:
    """Return a title without what steers terminals, turns text around or looks like a folder."""
    kept = "".join(
        sign if unicodedata.category(sign) not in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp") else " " for sign in title
    )
    return " ".join(kept.replace("/", "-").replace("\\", "-").split())[:_LONGEST_TITLE].strip()


def plain_extension(extension: str) -> str:
    """Return a file's extension with its dot, «.mp4» for none that a video has."""
    plain = f".{extension.lower()}"
    return plain if plain in VIDEO_EXTENSIONS else ".mp4"


def _shares(sizes: list[float | None]) -> list[float]:
    """Say which share of the whole each part is; of unknown sizes the picture is nine tenths."""
    if len(sizes) > 1 and all(sizes):
        known = [size or 0.0 for size in sizes]
        return [size / sum(known) for size in known]
    return [1.0] if len(sizes) < 2 else [0.9, *([0.1 / (len(sizes) - 1)] * (len(sizes) - 1))]


def _growing(proxy: GuardingProxy) -> Callable[[], bool]:
    """Tell, each time, whether anything has arrived since the last time."""
    before = [0]

    def is_growing() -> bool:
        grows, before[0] = proxy.received_bytes > before[0], proxy.received_bytes
        return grows

    return is_growing


def _environment(workplace: Path) -> dict[str, str]:
    """Return all that the child knows of the machine: its own folder, and no program."""
    here = str(workplace)
    return {
        "PATH": f"{here}/no-programs",
        "HOME": here,
        "XDG_CONFIG_HOME": here,
        "XDG_CACHE_HOME": here,
        "TMPDIR": here,
        "LANG": "C.UTF-8",
        "YTDLP_NO_PLUGINS": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def _error_of(kind: str, proxy: GuardingProxy, details: str) -> VideoToMp4Error:
    if kind in _OF_CONNECTIONS and proxy.trouble is not None:
        return proxy.trouble  # it knows better than yt-dlp, which sees the proxy only
    if kind.startswith("HTTP_"):
        return NoConnection(f"The site answers with an error ({kind.removeprefix('HTTP_')}).", details=details)
    if kind == "TOO_LARGE":
        return FileTooLarge("The video is larger than this server takes.", details=details)
    return _ERRORS.get(kind, FetchError)(details=details)
