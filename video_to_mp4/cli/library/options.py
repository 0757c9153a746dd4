"""The options of batch that are about libraries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

_PANEL = "Replace in place"


@dataclass(frozen=True)
class Replacing:
    """Whether and how results take their originals' places."""

    replace: Annotated[
        bool,
        typer.Option(
            "--replace",
            help="Replace the videos of a folder and all below it; what is fine already stays. Takes --resolution, "
            "--quality and --jobs.",
            rich_help_panel=_PANEL,
        ),
    ] = False
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Only show what would be done, and the room it takes.", rich_help_panel=_PANEL),
    ] = False
    keep_originals: Annotated[
        float,
        typer.Option(
            metavar="DAYS",
            min=0,
            max=36500,
            help="How long the originals are kept in the folder's .video-to-mp4-originals.",
            rich_help_panel=_PANEL,
        ),
    ] = 30
    verbose: Annotated[
        bool,
        typer.Option(
            "--verbose",
            "-v",
            help="Name all files that are left out; with --dry-run those that are fine, too.",
            rich_help_panel=_PANEL,
        ),
    ] = False
