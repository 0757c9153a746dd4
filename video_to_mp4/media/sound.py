"""What becomes of each sound track: AAC that every player knows, in at most 5.1 channels."""

from __future__ import annotations

import math
from dataclasses import dataclass

from video_to_mp4.jobs.encoding import AudioCodec, Encoding
from video_to_mp4.jobs.extra_args import bits_per_s
from video_to_mp4.media.channels import CHANNELS_BY_LAYOUT, channel_filters, result_layout
from video_to_mp4.media.info import StreamInfo
from video_to_mp4.media.options import audio_bitrate

_ON_TIME_S = 0.05
_LEAST_FOLLOWED_S = 0.01
"""An offset of sound and picture that nobody notices: ITU-R BT.1359 puts that at 45 ms."""
_MOST_TOLERATED_S = 0.1
_JITTERS = 2
_STEADY_S = 0.005
_MOST_STRETCHED = 0.002
"""A thirtieth of a semitone."""

_AAC_RATES = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
_LAYOUT_BY_ASKED = {1: "mono", 2: "stereo", 6: "5.1"}
_MOST_OF_OPUS_CHANNEL = 256_000
_LOSSY = frozenset(
    ("aac", "aac_latm", "mp1", "mp2", "mp3", "ac3", "eac3", "opus", "vorbis", "wmav1", "wmav2", "wmapro", "wmavoice")
    + ("amr_nb", "amr_wb", "speex", "gsm", "gsm_ms", "cook", "sipr", "qdm2", "atrac3", "atrac3p", "nellymoser")
)
_BITS_OF_AAC = 2.0
"""How many bits of AAC are allowed for one of the source: chosen, not measured, with the most sparing in mind, Opus and
HE-AAC."""
_LEAST_BITS_PER_S = {1: 48_000, 2: 96_000}
_LEAST_BITS_PER_S_OF_MORE = 224_000
"""Never less than these, however little there was: chosen so that the encoder has room for a bad source's noise."""

AAC_FRAME_SAMPLES = 1024
_LEAD_S = 1.0
"""How much earlier a second chain of filters begins than its sound: no shorter than most holes between joined clips."""

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
    packet_filters: str = ""
    """Bitstream filters for what comes from the encoder."""


def is_readable(stream: StreamInfo) -> bool:
    """Say whether the track is known well enough to be decoded, and has anything in it."""
    is_known = stream.is_decodable and stream.channels > 0 and stream.sample_rate > 0
    return is_known and not stream.is_encrypted and stream.packets != 0


def plan_sound(
    stream: StreamInfo,
    *,
    file_start_s: float = 0.0,
    is_copied: bool = False,
    may_change: bool = False,
    encoding: Encoding | None = None,
) -> Sound:
    """Say what becomes of a readable track of a file that starts at `file_start_s`.

    `may_change` says that its format may change on the way.
    """
    asked = encoding or Encoding()
    layout = _LAYOUT_BY_ASKED.get(asked.extra.channels or 0) or result_layout(stream)
    if is_copied:
        return Sound(
            stream, layout, stream.channels, stream.sample_rate, "", "", is_copied=True, codec=asked.audio_codec
        )
    if asked.audio_codec is AudioCodec.OPUS and layout == "4.0":
        layout = "5.0"  # Opus has no other that keeps all four
    rate = OPUS_RATE if asked.audio_codec is AudioCodec.OPUS else result_rate(stream.sample_rate)
    rate = asked.extra.sample_rate or rate
    bitrate = asked.audio.bitrate if asked.audio else None
    is_joined = may_change and asked.audio_codec is AudioCodec.AAC and not _are_false(stream)
    return Sound(
        stream=stream,
        layout=layout,
        channels=CHANNELS_BY_LAYOUT[layout],
        sample_rate=rate,
        bitrate=_bitrate(bitrate, stream, CHANNELS_BY_LAYOUT[layout], asked.audio_codec),
        codec=asked.audio_codec,
        filters=",".join([*_timing(stream, file_start_s, rate if is_joined else 0), *channel_filters(stream, layout)]),
        packet_filters=_ONE_AFTER_THE_OTHER if is_joined else "",
    )


def _bitrate(asked: str | None, stream: StreamInfo, channels: int, codec: AudioCodec) -> str:
    """Return the bit rate that was asked for, as far as the encoder goes: libopus refuses more, AAC takes less."""
    if asked is not None and codec is AudioCodec.OPUS and bits_per_s(asked) > channels * _MOST_OF_OPUS_CHANNEL:
        return str(channels * _MOST_OF_OPUS_CHANNEL)
    return asked or _bitrate_of_use(stream, channels)


def _bitrate_of_use(stream: StreamInfo, channels: int) -> str:
    """Return our bit rate, or a lower one where the source has so few bits that more would be of no use."""
    usual, found = audio_bitrate(channels), _known_bits_per_s(stream)
    if stream.codec not in _LOSSY or found is None:
        return usual
    least = _LEAST_BITS_PER_S.get(channels, _LEAST_BITS_PER_S_OF_MORE)
    kbits = math.ceil(max(least, _BITS_OF_AAC * found) / 1000)
    return f"{kbits}k" if 1000 * kbits < bits_per_s(usual) else usual


def _known_bits_per_s(stream: StreamInfo) -> float | None:
    """Return the source's mean bit rate: by its packets where all were seen, else by what is claimed, if that fits."""
    times = stream.sound_times
    listed = times.bits_per_s if times is not None else None
    if times is not None and times.played_s is not None and listed is not None:
        return listed
    claimed = stream.bits_per_s
    return None if claimed is None else max(claimed, listed or 0.0)


def _are_false(stream: StreamInfo) -> bool:
    return stream.sound_times is not None and stream.sound_times.are_false


def _timing(stream: StreamInfo, file_start_s: float, joined_rate: int) -> list[str]:
    """Fill holes with silence, and the time before a track that starts late; drop what overlaps.

    `joined_rate` is the result's sample rate where the track's format may change on the way, else 0.

    A track that starts with the file, or whose format may change on the way, is not told to begin at 0: with each
    change the filters are set up anew, and would fill the time from 0 once more.
    """
    late_s = None if stream.start_s is None else stream.start_s - file_start_s
    is_on_time = late_s is not None and abs(late_s) <= _ON_TIME_S
    resampling = f"aresample=async=1:{_tolerance(stream)}"
    if _are_false(stream):
        return [f"asetpts=N/SR/TB+{late_s or 0.0:.6f}/TB", resampling + ("" if is_on_time else ":first_pts=0")]
    if joined_rate:
        return [*_leading(max(0.0, late_s or 0.0), joined_rate), resampling]
    return [resampling + ("" if is_on_time else ":first_pts=0")]


def _leading(start_s: float, sample_rate: int) -> list[str]:
    """Return what lets each chain of filters but the first begin with silence, before its sound.

    Filters that are set up anew know nothing of how far the ones before came: ffmpeg 5.1 has lost what was in them, and
    clips that were joined overlap. So the first frame comes earlier, muted, and what lies between is filled. What
    overlaps then, _ONE_AFTER_THE_OTHER leaves out: whole packets, so that each chain begins where one of them would.
    """
    anew = f"eq({{n}}\\,0)*gt({{t}}\\,{start_s + _LEAD_S:.6f})"
    packets = f"floor((T-{start_s + _LEAD_S:.6f})*{sample_rate}/{AAC_FRAME_SAMPLES})"
    begin = f"({packets}*{AAC_FRAME_SAMPLES}/{sample_rate}+{start_s:.6f})/TB"
    is_muted, is_early = anew.format(n="n", t="t"), anew.format(n="N", t="T")
    return [f"volume=volume=0:enable='{is_muted}'", f"asetpts='if({is_early}\\,{begin}\\,PTS)'"]


def _one_after_the_other() -> str:
    """Return the bitstream filters that let packets follow each other without overlaps, and without small holes.

    Players that do not look at times play packets one after the other. One that begins more than half a packet before
    the end of the last is left out, and one that is less than half a packet late follows at once; both go by the
    packets' own times, so that nothing adds up. A packet far ahead of the next one has a false time, as ffmpeg 5.1
    gives one to the first frame after a change of the sample rate.
    """
    half, whole = AAC_FRAME_SAMPLES // 2, AAC_FRAME_SAMPLES
    is_over = f"lt(PTS\\,PREV_OUTPTS+{half})"
    is_near = f"lt(PTS\\,PREV_OUTPTS+{whole + half})"
    is_left_out = f"gt(N\\,0)*gt({is_over}+not({is_near})*lt(NEXT_PTS\\,PTS)\\,0)"
    follows = f"if(gt(N\\,0)*{is_near}\\,PREV_OUTPTS+{whole}\\,PTS)"
    return (
        f"setts=ts=if({is_left_out}\\,PREV_OUTPTS\\,{follows}):duration=if({is_left_out}\\,0\\,DURATION)"
        ",noise=amount=0:drop=eq(duration\\,0)"
    )


_ONE_AFTER_THE_OTHER = _one_after_the_other()


def _tolerance(stream: StreamInfo) -> str:
    """Say from where on times are followed at once, by silence or by leaving out; below, by imperceptible stretching.

    Times that jump back and forth by as much would chop the sound: swresample follows each of them.
    """
    times = stream.sound_times
    hard_s = min(_LEAST_FOLLOWED_S + (_JITTERS * times.jitter_s if times else 0.0), _MOST_TOLERATED_S)
    hard = f"min_hard_comp={hard_s:.3f}"
    if times is not None and times.shift_s is not None and times.shift_s < _STEADY_S:
        return hard
    return f"{hard}:min_comp={hard_s / 2:.4f}:max_soft_comp={_MOST_STRETCHED}:flags=+res"


def result_rate(sample_rate: int) -> int:
    """Return the lowest rate of AAC that is not below the source's; 48 kHz for what is above it or below 8 kHz."""
    if sample_rate < _AAC_RATES[0]:
        return _AAC_RATES[-1]
    return next((rate for rate in _AAC_RATES if rate >= sample_rate), _AAC_RATES[-1])
