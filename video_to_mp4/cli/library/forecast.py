"""What a run over a library would do, and the room that it takes."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from video_to_mp4.cli.left_out import LeftOutFiles
from video_to_mp4.cli.library.finding import Found, LeftOut, Video, find
from video_to_mp4.cli.library.inspecting import Inspection, Verdict, inspect
from video_to_mp4.cli.library.journal import Entry
from video_to_mp4.cli.library.seen import Seen
from video_to_mp4.cli.texts import path_text, size_text
from video_to_mp4.jobs.model import Quality, Resolution

_AT_A_TIME = 2
TO_DO = (Verdict.REMUX, Verdict.ENCODE, Verdict.UNKNOWN)


@dataclass(frozen=True)
class Forecast:
    """Each video of a library with its verdict, in the order of their names."""

    videos: Sequence[tuple[Video, Inspection]]
    left_out: Sequence[LeftOut]
    others: LeftOutFiles = field(default_factory=LeftOutFiles)
    """Files that are not videos."""

    @property
    def to_do(self) -> list[tuple[Video, Inspection]]:
        """The videos that would be replaced."""
        return [(video, inspection) for video, inspection in self.videos if inspection.verdict in TO_DO]

    @property
    def during_bytes(self) -> int:
        """How much more room is taken while the originals are kept."""
        return sum(inspection.expected_bytes for _, inspection in self.to_do)

    @property
    def after_bytes(self) -> int:
        """How much more is taken when the originals are gone; negative for room that is won."""
        return self.during_bytes - sum(video.size_bytes for video, _ in self.to_do if video.links == 1)


async def foresee(
    root: Path, extensions: Sequence[str], wished: tuple[Resolution, Quality], done: Iterable[Entry], seen: Seen
) -> Forecast:
    """Look at each video of a library that was not seen before; `done` are the results that are in it already."""
    found: Found = await asyncio.to_thread(find, root, extensions)
    ours = {(entry.target, entry.result_bytes, entry.source_mtime_ns) for entry in done}
    at_once = asyncio.Semaphore(_AT_A_TIME)

    async def look(video: Video) -> Inspection:
        if (video.source, video.size_bytes, video.mtime_ns) in ours:
            return Inspection(Verdict.GOOD, "it was converted here")
        async with at_once:
            return seen.verdict(video) or await inspect(root / video.source, *wished)

    async with asyncio.TaskGroup() as group:
        looks = [group.create_task(look(video)) for video in found.videos]
    return Forecast(
        list(zip(found.videos, (look.result() for look in looks), strict=True)), found.left_out, found.others
    )


def sentences(forecast: Forecast) -> list[str]:
    """Say it in words: «Would be remuxed: 31, encoded: 12, already good: 240.»."""
    counts = Counter(inspection.verdict for _, inspection in forecast.videos)
    shown = [Verdict.REMUX, Verdict.ENCODE, Verdict.GOOD]
    shown += [verdict for verdict in (Verdict.UNKNOWN, Verdict.HOPELESS) if counts[verdict]]
    said = [f"Would be {', '.join(f'{verdict}: {counts[verdict]}' for verdict in shown)}."]
    if forecast.left_out:
        said.append(f"Left out: {len(forecast.left_out)}.")
    if forecast.others.sentence():
        said.append(forecast.others.sentence())
    if forecast.to_do:
        said.append(_space(forecast))
    linked = sum(video.links > 1 for video, _ in forecast.to_do)
    if linked:
        said.append(f"{linked} of them have other names by hard links, which keep the original and its room.")
    return said


def names_of_untouched(forecast: Forecast, *, at_most: int | None) -> list[str]:
    """Name what would stay as it is though it is not good, and why: what can't be converted, and what is left out."""
    hopeless = [(video.source, seen) for video, seen in forecast.videos if seen.verdict is Verdict.HOPELESS]
    named = [f"{path_text(Path(source))}: {seen.verdict}, {seen.why}" for source, seen in hopeless]
    named += [f"{path_text(Path(left.source))}: left out, {left.why}" for left in forecast.left_out]
    more = 0 if at_most is None else len(named) - at_most
    return [*named[:at_most], f"And {more} more; --dry-run and --verbose name all of them."] if more > 0 else named


def rows(forecast: Forecast, *, with_good: bool) -> list[tuple[str, str, str]]:
    """Return a row for each file: its name, what would be done, and why."""
    found = [
        (path_text(Path(video.source)), str(inspection.verdict), inspection.why)
        for video, inspection in forecast.videos
        if with_good or inspection.verdict is not Verdict.GOOD
    ]
    return sorted([*found, *((path_text(Path(left.source)), "left out", left.why) for left in forecast.left_out)])


def document(forecast: Forecast) -> dict[str, Any]:
    """Return it as programs get it."""
    counts = Counter(inspection.verdict for _, inspection in forecast.videos)
    files = [
        {
            "input": path_text(Path(video.source)),
            "verdict": inspection.verdict.name.lower(),
            "reason": inspection.why or None,
            "input_bytes": video.size_bytes,
            "expected_bytes": inspection.expected_bytes or None,
        }
        for video, inspection in forecast.videos
    ]
    left = [
        {"input": path_text(Path(left.source)), "verdict": "left_out", "reason": left.why} for left in forecast.left_out
    ]
    return {
        "event": "forecast",
        "counts": {verdict.name.lower(): counts[verdict] for verdict in Verdict} | {"left_out": len(left)},
        "extra_bytes_during": forecast.during_bytes,
        "extra_bytes_after": forecast.after_bytes,
        "files": [*files, *left],
        "not_videos": forecast.others.document(),
    }


def _space(forecast: Forecast) -> str:
    after = forecast.after_bytes
    then = f"{size_text(after)} more" if after >= 0 else f"{size_text(-after)} less"
    return (
        f"Space, roughly: {size_text(forecast.during_bytes)} more while the originals are kept, {then} than now "
        "when they are gone."
    )
