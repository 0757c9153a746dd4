"""Decodes a picture that is copied while it is copied: the other processors have nothing to do meanwhile.

It is the source's picture that is decoded, in the same places as a result's would be. When the result has the very same
packets there, with the same parameters, they need not be decoded once more; in any other case they are.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from video_to_mp4 import process
from video_to_mp4.errors import ProcessStalled
from video_to_mp4.jobs.encoding import VideoCodec
from video_to_mp4.media.guard import PROBE_MEMORY_BYTES, file_address, input_flags
from video_to_mp4.media.info import MediaInfo, parse_listing
from video_to_mp4.media.plan import Plan
from video_to_mp4.media.sampling import (
    Places,
    Rows,
    complaint_faults,
    picture_decoding_flags,
    picture_faults,
    picture_hashes,
)

_WORTH_IT_BYTES = 64 * 1024**2
"""What is smaller is copied before a second child has begun."""

_AS_IN_MP4 = ("mp4", "matroska", "flv")
"""Containers that hold packets of H.264 just as MP4 does, by ffprobe's names."""

_SILENCE_LIMIT_S = 300.0


@dataclass(frozen=True)
class DecodedPicture:
    """What a source's picture has in the places where it was decoded, and nothing was wrong."""

    parameters: str
    """A hash of the codec's parameters."""
    packets: frozenset[str]
    """Hashes of the packets."""

    def is_in(self, result: MediaInfo, rows: Rows, places: Places) -> bool:
        """Say whether a result has this picture, and nothing else, in the places where it would be decoded."""
        found = picture_hashes(rows, places)
        if [stream.parameters for stream in result.of_kind("video")] != [self.parameters]:
            return False
        named = found[: len(places.names)]
        return len(named) == len(places.names) and all(named) and all(hashes <= self.packets for hashes in found)


def is_worth_decoding(plan: Plan) -> bool:
    """Say whether the picture is copied by choice, as a whole, packet by packet, and takes a while."""
    encoding = plan.options.encoding
    is_asked_for = encoding.video_codec is VideoCodec.COPY  # what is copied at any price is not decoded at all
    is_plain_copy = plan.copies_picture and not encoding.extra.is_cut and plan.info.is_in(*_AS_IN_MP4)
    return is_plain_copy and not is_asked_for and plan.info.size_bytes >= _WORTH_IT_BYTES


async def decode_source(source: Path, plan: Plan, *, ffprobe: str = "ffprobe") -> DecodedPicture | None:
    """Decode the places of a source's picture that matter in a result; None when something is wrong there.

    None says no more than that the result itself has to be decoded. On cancel the process is dead when this returns.
    """
    duration_s = plan.picture_duration_s or plan.duration_s
    if duration_s is None:
        return None
    places = Places.of_source(plan, duration_s)
    argv = [ffprobe, "-v", "error", "-hide_banner", *input_flags(), *picture_decoding_flags(plan, places)]
    argv += ["-of", "json=compact=1", "-show_streams", file_address(source)]
    try:
        ended = await process.run(argv, silence_limit_s=_SILENCE_LIMIT_S, memory_limit_bytes=PROBE_MEMORY_BYTES)
    except ProcessStalled:
        return None
    info, rows = await asyncio.to_thread(parse_listing, ended.stdout, size_bytes=plan.info.size_bytes)
    if ended.code != 0 or complaint_faults(ended.stderr, places) or picture_faults(rows, plan.picture.stream, places):
        return None
    [picture] = info.of_kind("video")
    return DecodedPicture(picture.parameters, frozenset().union(*picture_hashes(rows, places)))
