"""How the index (moov) comes to stand before the samples, so that a player can begin before the end has arrived.

ffmpeg writes it last, and moves it to the front by reading and writing the whole file once more. For a large remux that
is a third of all work; there room is kept at the front, and what the index does not fill is a box named «free».
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from video_to_mp4.media.target import is_of_quicktime

if TYPE_CHECKING:
    from video_to_mp4.media.plan import Plan
    from video_to_mp4.media.prepared import Prepared

_WORTH_IT_BYTES = 64 * 1024**2
_MOST_OF_THE_RESULT = 0.01
_ALWAYS_BYTES = 64 * 1024
_CHAPTER_BYTES = 1024
_FRAMES_SPARE = 1.1
_USUAL_RATE = 30.0
_AAC_FRAME_SAMPLES = 1024
_PICTURE_BYTES = 8 + 8 + 4 + 4 + 12 + 8
"""What a picture can take in stts, ctts, stss, stsz, stsc and co64: no two are alike, and each is its own chunk."""
_SOUND_BYTES = 8 + 4 + 12 + 8
"""The same of a sound or a caption, in stts, stsz, stsc and co64."""

_TOO_SMALL = "reserved_moov_size is too small"


def reserved_bytes(plan: Plan, prepared: Prepared) -> int | None:
    """Return how much room to keep for the index at the front; None where it is better moved there at the end."""
    encoding, duration_s = plan.options.encoding, plan.duration_s
    is_plain = is_of_quicktime(encoding.container) and not encoding.extra.is_cut and not encoding.extra.output
    if not (plan.is_remux and is_plain and plan.concessions.may_reserve and duration_s):
        return None
    if plan.info.size_bytes < _WORTH_IT_BYTES:
        return None
    known_rates = [rate for rate in (plan.picture.stream.average_rate, plan.picture.stream.base_rate) if rate]
    rate = _FRAMES_SPARE * float(max(known_rates)) if known_rates else _USUAL_RATE
    sounds = sum(sound.sample_rate / _AAC_FRAME_SAMPLES for sound in plan.sounds)
    samples = math.ceil(duration_s * (rate * _PICTURE_BYTES + sounds * _SOUND_BYTES))
    # Before each line there may be a pause, which is a sample, too.
    captions = sum(2 * len(caption.cues) + 1 for caption in prepared.captions.values())
    needed = samples + captions * _SOUND_BYTES + _CHAPTER_BYTES * len(plan.chapters) + _ALWAYS_BYTES
    return needed if needed <= _MOST_OF_THE_RESULT * plan.info.size_bytes else None


def was_too_small(stderr: str) -> bool:
    """Say whether the index did not fit: then the file is worthless, though ffmpeg ends with 0."""
    return _TOO_SMALL in stderr
