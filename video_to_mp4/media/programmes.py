"""Which streams of a broadcast belong together: it can carry several programmes, each on a clock of its own."""

from __future__ import annotations

from dataclasses import replace

from video_to_mp4.media.info import MediaInfo, StreamInfo
from video_to_mp4.media.picture import choose_picture


def strangers(info: MediaInfo, picture: StreamInfo) -> frozenset[int]:
    """Return the streams of other programmes than the picture's; one that is in no programme, or in both, is none."""
    own = [programme for programme in info.programmes if picture.index in programme]
    if not own:
        return frozenset()
    return frozenset().union(*info.programmes) - frozenset().union(*own)


def on_own_clock(info: MediaInfo) -> MediaInfo:
    """Return the info with the start of the picture's programme, and how much later that is than the file's.

    ffmpeg counts from the earliest of all streams, and the clocks of two programmes can be hours apart.
    """
    picture = choose_picture(info)
    others = strangers(info, picture) if picture is not None else frozenset()
    starts_s = [stream.start_s for stream in info.streams if stream.index not in others and stream.start_s is not None]
    if not others or not starts_s:
        return info
    start_s = min(starts_s)
    return replace(info, start_s=start_s, lead_s=start_s - info.start_s)
