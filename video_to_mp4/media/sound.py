"""What becomes of each sound track: AAC that every player knows, in at most 5.1 channels."""

from __future__ import annotations

from dataclasses import dataclass

from video_to_mp4.jobs.encoding import AudioCodec, Encoding
from video_to_mp4.media.channels import CHANNELS_BY_LAYOUT, channel_filters, result_layout
from video_to_mp4.media.info import StreamInfo
from video_to_mp4.media.options import audio_bitrate

_ON_TIME_S = 0.05
_AAC_RATES = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
_LAYOUT_BY_ASKED = {1: "mono", 2: "stereo", 6: "5.1"}
OPUS_RATE = 48_000
"""What every Opus track is decoded to, whatever was put in."""


@dataclass(frozen=True)
class Sound:
    """One sound track of the result, and how to get it from the source's stream."""

    stream: StreamInfo
    layout: str
    channels: int
    sample_rate: int
    bitrate: str
    filters: str
    is_copied: bool = False
    codec: AudioCodec = AudioCodec.AAC


def is_readable(stream: StreamInfo) -> bool:
    """Say whether the track is known well enough to be decoded, and has anything in it."""
    is_known = stream.is_decodable and stream.channels > 0 and stream.sample_rate > 0
    return is_known and not stream.is_encrypted and stream.packets != 0


def plan_sound(
    stream: StreamInfo, *, file_start_s: float = 0.0, is_copied: bool = False, encoding: Encoding | None = None
) -> Sound:
    """Say what becomes of a readable track of a file that starts at `file_start_s`."""
    asked = encoding or Encoding()
    layout = _LAYOUT_BY_ASKED.get(asked.extra.channels or 0) or result_layout(stream)
    if is_copied:
        return Sound(
            stream, layout, stream.channels, stream.sample_rate, "", "", is_copied=True, codec=asked.audio_codec
        )
    if asked.audio_codec is AudioCodec.OPUS and layout == "4.0":
        layout = "5.0"  # Opus has no other that keeps all four
    rate = OPUS_RATE if asked.audio_codec is AudioCodec.OPUS else result_rate(stream.sample_rate)
    bitrate = asked.audio.bitrate if asked.audio else None
    return Sound(
        stream=stream,
        layout=layout,
        channels=CHANNELS_BY_LAYOUT[layout],
        sample_rate=asked.extra.sample_rate or rate,
        bitrate=bitrate or audio_bitrate(CHANNELS_BY_LAYOUT[layout]),
        codec=asked.audio_codec,
        filters=",".join([_resampling(stream, file_start_s), *channel_filters(stream, layout)]),
    )


def _resampling(stream: StreamInfo, file_start_s: float) -> str:
    """Fill holes with silence, and the time before a track that starts late.

    A track that starts with the file is not told to begin at 0: when its format changes on the way, the filters are set
    up anew, and would fill the time from 0 a second time.
    """
    is_on_time = stream.start_s is not None and abs(stream.start_s - file_start_s) <= _ON_TIME_S
    return "aresample=async=1" if is_on_time else "aresample=async=1:first_pts=0"


def result_rate(sample_rate: int) -> int:
    """Return the lowest rate of AAC that is not below the source's; 48 kHz for what is above it or below 8 kHz."""
    if sample_rate < _AAC_RATES[0]:
        return _AAC_RATES[-1]
    return next((rate for rate in _AAC_RATES if rate >= sample_rate), _AAC_RATES[-1])
