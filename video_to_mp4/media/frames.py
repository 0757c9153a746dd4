"""Lists what ffprobe decodes of a source, for a look at what its container does not say."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from video_to_mp4 import process
from video_to_mp4.errors import ProcessStalled
from video_to_mp4.media.guard import PROBE_MEMORY_BYTES, file_address, input_flags

_SILENCE_LIMIT_S = 60.0


async def listed_frames(path: Path, flags: Sequence[str], entries: str, *, ffprobe: str) -> list[Mapping[str, Any]]:
    """Return these entries of the frames that `flags` choose, in the order of the file.

    Nothing where ffprobe stalls or can't answer: what the beginning says is all that is known then.
    """
    argv = [ffprobe, "-v", "quiet", *input_flags(), *flags]
    argv += ["-show_frames", "-show_entries", f"frame={entries}:frame_side_data=", "-of", "json=compact=1"]
    try:
        ended = await process.run(
            [*argv, file_address(path)], silence_limit_s=_SILENCE_LIMIT_S, memory_limit_bytes=PROBE_MEMORY_BYTES
        )
    except ProcessStalled:
        return []
    try:
        frames: list[Mapping[str, Any]] = json.loads(ended.stdout).get("frames", [])
    except json.JSONDecodeError:
        return []
    return frames
