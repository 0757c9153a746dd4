"""Which files a batch has, and where their results go."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from video_to_mp4.cli.convert import Order
from video_to_mp4.cli.left_out import LeftOutFiles, is_meant
from video_to_mp4.cli.places import check_source, check_target, is_folder, reachable
from video_to_mp4.cli.texts import clean, path_text
from video_to_mp4.cli.wish import Wish
from video_to_mp4.errors import WrongUsage

_LONGEST_NAME = 255


@dataclass(frozen=True)
class Rules:
    """How the files of a batch are found and named, and how it is done."""

    output_dir: Path | None
    recursive: bool
    overwrite: bool
    skip_existing: bool
    at_a_time: int = 4
    rollback_on_abort: bool = False


@dataclass(frozen=True)
class Found:
    """A file and the folder below which its result goes."""

    source: Path
    below: Path


def plan(
    inputs: Sequence[Path], wish: Wish, rules: Rules, extensions: Sequence[str], left_out: LeftOutFiles
) -> list[Order]:
    """Return what is to be done; a folder stands for the videos in it, and what else it has goes to `left_out`.

    Raises WrongUsage before anything is sent: for inputs that are not there, two files with one target, a target that
    exists and may be neither overwritten nor skipped.
    """
    orders: dict[Path, Order] = {}
    for found in _files(inputs, rules, tuple(extensions), left_out):
        target = found.below / f"{found.source.stem}{wish.suffix()}"
        with reachable(target):
            is_done = rules.skip_existing and target.exists()
            is_own_result = is_done and target.samefile(found.source)
        if target in orders and (is_own_result or orders[target].source == found.source):
            continue
        if target in orders and not (is_done and orders[target].source == target):
            first, second = path_text(orders[target].source), path_text(found.source)
            raise WrongUsage(f"{first} and {second} would both become {path_text(target)}.")
        if not is_done:
            _check(found.source, target, overwrite=rules.overwrite)
        orders[target] = Order(found.source, target, wish.request(found.source, target.name), rules.overwrite)
    if not orders:
        raise WrongUsage(" ".join(("There are no videos to convert.", left_out.sentence())).strip())
    return list(orders.values())


def batch_name(inputs: Sequence[Path]) -> str:
    """Return what the batch is called on the server: as its folder when it is one, else the server finds a name."""
    if len(inputs) != 1 or not inputs[0].is_dir():
        return ""
    return clean(inputs[0].resolve().name)[:_LONGEST_NAME]


def _files(
    inputs: Iterable[Path], rules: Rules, extensions: tuple[str, ...], left_out: LeftOutFiles
) -> Iterator[Found]:
    for given in inputs:
        if not is_folder(given):
            yield Found(check_source(given), rules.output_dir or given.parent)
            continue
        pattern = given.rglob("*") if rules.recursive else given.glob("*")
        for path in sorted(pattern):
            inside = path.relative_to(given)
            if any(part.startswith(".") for part in inside.parts):
                continue
            if _is_video(path, extensions):
                yield Found(path, rules.output_dir / inside.parent if rules.output_dir else path.parent)
            else:
                _leave_out(path, inside, rules, left_out)


def _is_video(path: Path, extensions: tuple[str, ...]) -> bool:
    with reachable(path):
        return path.is_file() and is_meant(path, extensions)


def _leave_out(path: Path, inside: Path, rules: Rules, left_out: LeftOutFiles) -> None:
    if not is_folder(path):
        left_out.add(str(inside))
    elif not rules.recursive:
        left_out.folders.append(path_text(inside))


def _check(source: Path, target: Path, *, overwrite: bool) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WrongUsage(f"The folder {path_text(target.parent)} can't be made.") from error
    with reachable(target):
        if target.exists() and target.samefile(source):
            raise WrongUsage(f"{path_text(source)} would be replaced by its own result. Give --output-dir.")
        if target.exists() and not overwrite:
            raise WrongUsage(
                f"{path_text(target)} exists already. Give --overwrite, or --skip-existing to leave it out."
            )
    check_target(target, overwrite=overwrite, source=source)
