"""The files of ours that a command reads beside its source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from video_to_mp4.media.cues import Cue


@dataclass(frozen=True)
class Caption:
    """A subtitle track as it goes into the result."""

    file: Path
    """SubRip, in UTF-8."""
    cues: tuple[Cue, ...]


@dataclass(frozen=True)
class Prepared:
    """What was written for a plan; nothing for a source without subtitles and chapters."""

    captions: Mapping[int, Caption] = field(default_factory=dict)
    """By the source's number of the stream."""
    chapters: Path | None = None
