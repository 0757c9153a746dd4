"""Run every file below a folder through the real engine and play each result: `python -m corpus DIR`.

Prints a table; ends with 1 when a file that should play does not: plain ffmpeg decodes a picture of it, and what we
made of it is not there, or does not play in Chromium with all its pictures, its sound, its size and its duration, also
from its key frames on. And when it is not like its source: in pictures, colours, sound, sync, subtitles, languages.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from corpus import table
from corpus.convert import open_workshop
from corpus.judge import Row, Verdict, try_file
from corpus.play import open_player
from video_to_mp4.errors import VideoToMp4Error
from video_to_mp4.jobs.model import Options, Quality, Resolution


def main() -> int:
    """Try all files and print the table."""
    told = _arguments().parse_args()
    folder: Path = told.folder
    sources = find_sources(folder)
    if not sources:
        print(f"There is no file at {folder}.", file=sys.stderr)
        return 2
    options = Options(quality=Quality(told.quality), resolution=Resolution(told.resolution))
    try:
        rows = asyncio.run(try_all(folder, sources, options, at_once=told.at_once, limit_s=told.limit))
    except VideoToMp4Error as error:
        print(error, file=sys.stderr)
        return 2
    print(f"\n{table.summary(rows)}")
    return 1 if any(row.verdict is Verdict.FAILS for row in rows) else 0


def find_sources(folder: Path) -> list[Path]:
    """Return all files below a folder, or the one file itself."""
    if folder.is_file():
        return [folder]
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix != ".json")


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m corpus", description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("folder", type=Path, metavar="DIR", help="a folder of videos, or one file")
    parser.add_argument("--quality", choices=[quality.value for quality in Quality], default=Quality.AUTO.value)
    parser.add_argument("--resolution", choices=[size.value for size in Resolution], default=Resolution.ORIGINAL.value)
    parser.add_argument("--limit", type=float, default=600, metavar="S", help="seconds for each file (600)")
    parser.add_argument("--at-once", type=int, default=os.cpu_count() or 1, metavar="N", help="how many (one per core)")
    return parser


async def try_all(
    folder: Path, sources: Sequence[Path], options: Options, *, at_once: int, limit_s: float
) -> list[Row]:
    """Try some files at the same time; the lines come in the order of the files."""
    slots = asyncio.Semaphore(at_once)
    print(table.headings())
    with open_workshop() as workshop:
        async with open_player() as player:

            async def attempt(source: Path) -> Row:
                async with slots:
                    return await try_file(workshop, player, source, options, threads=0, limit_s=limit_s)

            tasks = [asyncio.create_task(attempt(source)) for source in sources]
            rows = []
            for source, task in zip(sources, tasks, strict=True):
                rows.append(await task)
                name = str(source.relative_to(folder)) if source != folder else source.name
                print(table.line(rows[-1], name), flush=True)
            return rows


if __name__ == "__main__":
    sys.exit(main())
