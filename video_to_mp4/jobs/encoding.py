"""What a program can ask of the encoders, beyond the page's words; and which of it fits together."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum
from fractions import Fraction

from pydantic import Field

from video_to_mp4.errors import InvalidArgument
from video_to_mp4.jobs.bounds import bitrate_fault, option_fault, picture_bitrate_fault, scale_fault
from video_to_mp4.jobs.extra_args import BITRATE, ExtraArgs, bits_per_s, parse
from video_to_mp4.jobs.frozen import Frozen

_LARGEST_SIDE_PX = 8192
_NTSC = Fraction(1000, 1001)


class Container(StrEnum):
    """The kind of the result's file."""

    MP4 = "mp4"
    MOV = "mov"
    MKV = "mkv"
    WEBM = "webm"


class VideoCodec(StrEnum):
    """What becomes of the picture, by ffmpeg's names of encoders; copy leaves it as it is."""

    COPY = "copy"
    X264 = "libx264"
    X265 = "libx265"
    AV1 = "libsvtav1"
    VP9 = "libvpx-vp9"


class AudioCodec(StrEnum):
    """What becomes of the sound tracks, by ffmpeg's names of encoders; none leaves them out."""

    COPY = "copy"
    AAC = "aac"
    OPUS = "libopus"
    NONE = "none"


class VideoOptions(Frozen):
    """What to do with the picture. What is left out is decided as for the quality High and the resolution Original."""

    codec: VideoCodec | None = Field(default=None, description="libx264 or, for WebM, libvpx-vp9 when left out.")
    crf: int | None = Field(
        default=None,
        strict=True,
        ge=0,
        le=63,
        description="Constant quality, lower is better; x264: 0 (lossless) to 51.",
    )
    bitrate: str | None = Field(
        default=None,
        pattern=f"^{BITRATE}$",
        description="Mean bits per second or, beside crf, the most: «3M».",
    )
    fps: float | None = Field(
        default=None, strict=True, ge=0.1, le=240, description="Frames per second, from one in ten seconds."
    )
    scale: str | None = Field(
        default=None,
        pattern=r"^(-[12]|[0-9]{1,4}):(-[12]|[0-9]{1,4})$",
        description="Width and height in pixels, as the picture is seen; one may be -1 or -2: as the shape wants it.",
    )


class AudioOptions(Frozen):
    """What to do with all sound tracks."""

    codec: AudioCodec | None = Field(default=None, description="aac or, for WebM, libopus when left out.")
    bitrate: str | None = Field(
        default=None,
        pattern=f"^{BITRATE}$",
        description="Bits per second: «192k».",
    )


class Encoding(Frozen):
    """All that a program asks for explicitly."""

    video: VideoOptions | None = None
    audio: AudioOptions | None = None
    container: Container = Container.MP4
    extra_args: tuple[str, ...] = Field(
        default=(), max_length=64, description="Further options of ffmpeg, from a list of harmless ones."
    )

    @property
    def is_plain(self) -> bool:
        """Whether nothing is asked for, so that the result is an MP4 that plays everywhere."""
        return self == Encoding()

    @property
    def leaves_choice(self) -> bool:
        """Whether what plays everywhere may be copied: not into WebM, not over a cut, not against what was asked."""
        shapes_picture = self.video is not None or any(name in _FOR_ENCODERS for name, _ in self.extra.output)
        return not (shapes_picture or self.container is Container.WEBM or self.extra.is_cut)

    @property
    def video_codec(self) -> VideoCodec:
        """What becomes of the picture."""
        default = VideoCodec.VP9 if self.container is Container.WEBM else VideoCodec.X264
        return (self.video.codec if self.video else None) or default

    @property
    def audio_codec(self) -> AudioCodec:
        """What becomes of the sound tracks."""
        default = AudioCodec.OPUS if self.container is Container.WEBM else AudioCodec.AAC
        return (self.audio.codec if self.audio else None) or default

    @property
    def extra(self) -> ExtraArgs:
        """The further options as they are understood."""
        return parse(self.extra_args)

    @property
    def shapes_bits(self) -> bool:
        """Whether it is asked how good the picture is or how many bits it takes, so that nothing else limits it."""
        is_asked = self.video is not None and (self.video.crf is not None or self.video.bitrate is not None)
        return is_asked or any(name in _FOR_BITS for name, _ in self.extra.output)

    @property
    def bits_per_s(self) -> int | None:
        """The mean bit rate that is asked for; None where it is none, or the most beside a quality."""
        if self.video is None or self.video.bitrate is None or self.video.crf is not None:
            return None
        return bits_per_s(self.video.bitrate)

    @property
    def rate(self) -> Fraction | None:
        """Frames per second, where they are asked for: 29.97 is 30000/1001."""
        if self.video is None or self.video.fps is None:
            return None
        for rate in (Fraction(24), Fraction(30), Fraction(48), Fraction(60), Fraction(120)):
            if abs(float(rate * _NTSC) - self.video.fps) < 0.004:
                return rate * _NTSC
        return Fraction(self.video.fps).limit_denominator(1001)


_VIDEO_IN: dict[Container, frozenset[VideoCodec]] = {
    Container.MP4: frozenset({VideoCodec.X264, VideoCodec.X265, VideoCodec.AV1, VideoCodec.VP9}),
    Container.MOV: frozenset({VideoCodec.X264, VideoCodec.X265}),
    Container.MKV: frozenset({VideoCodec.X264, VideoCodec.X265, VideoCodec.AV1, VideoCodec.VP9}),
    Container.WEBM: frozenset({VideoCodec.AV1, VideoCodec.VP9}),
}
_AUDIO_IN: dict[Container, frozenset[AudioCodec]] = {
    Container.MP4: frozenset({AudioCodec.AAC, AudioCodec.OPUS}),
    Container.MOV: frozenset({AudioCodec.AAC}),
    Container.MKV: frozenset({AudioCodec.AAC, AudioCodec.OPUS}),
    Container.WEBM: frozenset({AudioCodec.OPUS}),
}
_HIGHEST_CRF = {VideoCodec.X264: 51, VideoCodec.X265: 51, VideoCodec.AV1: 63, VideoCodec.VP9: 63}
_OPUS_RATES = frozenset({8_000, 12_000, 16_000, 24_000, 48_000})
_FOR_ENCODERS = frozenset(
    {"preset", "tune", "profile:v", "level:v", "pix_fmt", "g", "bf", "keyint_min", "refs", "maxrate", "bufsize"}
)
_FOR_BITS = frozenset({"profile:v", "level:v", "pix_fmt", "maxrate", "bufsize"})
_ONLY_X26X = frozenset({"preset", "tune", "profile:v", "level:v", "bf", "refs"})


def check(encoding: Encoding, *, encoders: Collection[str]) -> None:
    """Raise InvalidArgument, with the field, for what does not fit together or what this ffmpeg has no encoder for."""
    _check_codecs(encoding, encoders)
    _check_picture(encoding)
    _check_sound(encoding)
    _check_extra(encoding)


def _check_codecs(encoding: Encoding, encoders: Collection[str]) -> None:
    video, audio, container = encoding.video_codec, encoding.audio_codec, encoding.container
    if video is not VideoCodec.COPY and video not in _VIDEO_IN[container]:
        raise _wrong("video.codec", f"{video} does not fit into {container}")
    if audio not in (AudioCodec.COPY, AudioCodec.NONE) and audio not in _AUDIO_IN[container]:
        raise _wrong("audio.codec", f"{audio} does not fit into {container}")
    for field, codec in (("video.codec", video), ("audio.codec", audio)):
        if codec not in (VideoCodec.COPY, AudioCodec.NONE) and codec not in encoders:
            raise _wrong(field, f"this server's ffmpeg has no {codec}")


def _check_picture(encoding: Encoding) -> None:
    video, codec = encoding.video, encoding.video_codec
    if video is None:
        return
    if codec is VideoCodec.COPY:
        for name in ("crf", "bitrate", "fps", "scale"):
            if getattr(video, name) is not None:
                raise _wrong(f"video.{name}", "a picture that is copied stays as it is")
        return
    if video.crf is not None and video.crf > _HIGHEST_CRF[codec]:
        raise _wrong("video.crf", f"{codec} takes 0 to {_HIGHEST_CRF[codec]}")
    if video.crf is not None and video.bitrate is not None and codec is VideoCodec.AV1:
        raise _wrong("video.bitrate", f"{codec} takes either crf or a bitrate")
    fault = picture_bitrate_fault(codec, video.bitrate, video.crf) if video.bitrate is not None else ""
    if fault:
        raise _wrong("video.bitrate", fault)
    if video.scale is not None:
        _check_scale(codec, video.scale)


def _check_scale(codec: VideoCodec, scale: str) -> None:
    sides = [int(side) for side in scale.split(":")]
    fixed = [side for side in sides if side > 0]
    if not fixed or 0 in sides or any(side % 2 or side > _LARGEST_SIDE_PX for side in fixed):
        raise _wrong("video.scale", f"sides are even and at most {_LARGEST_SIDE_PX}; one of them may be -1 or -2")
    fault = scale_fault(codec, sides)
    if fault:
        raise _wrong("video.scale", fault)


def _check_sound(encoding: Encoding) -> None:
    codec, audio, extra = encoding.audio_codec, encoding.audio, encoding.extra
    if audio is not None and extra.drops_sound:
        raise _wrong("extra_args", "-an and audio speak of the same thing")
    if codec in (AudioCodec.COPY, AudioCodec.NONE):
        if audio is not None and audio.bitrate is not None:
            raise _wrong("audio.bitrate", f"it says nothing beside the codec {codec}")
        if extra.channels or extra.sample_rate:
            raise _wrong("extra_args", f"-ac and -ar say nothing beside the audio codec {codec}")
    fault = bitrate_fault(audio.bitrate) if audio is not None and audio.bitrate is not None else ""
    if fault:
        raise _wrong("audio.bitrate", fault)
    if codec is AudioCodec.OPUS and extra.sample_rate not in (None, *_OPUS_RATES):
        raise _wrong("extra_args", f"libopus takes no sample rate of {extra.sample_rate}")


def _check_extra(encoding: Encoding) -> None:
    codec, given = encoding.video_codec, {name for name, _ in encoding.extra.output}
    if codec is VideoCodec.COPY and given & _FOR_ENCODERS:
        raise _wrong("extra_args", f"-{min(given & _FOR_ENCODERS)} says nothing to a picture that is copied")
    if codec not in (VideoCodec.X264, VideoCodec.X265) and given & (_ONLY_X26X - {"preset"}):
        raise _wrong("extra_args", f"-{min(given & (_ONLY_X26X - {'preset'}))} is for libx264 and libx265")
    preset = dict(encoding.extra.output).get("preset")
    is_number = preset is not None and preset.isdigit()
    if preset is not None and (codec is VideoCodec.VP9 or is_number != (codec is VideoCodec.AV1)):
        raise _wrong("extra_args", f"-preset {preset} is none of {codec}")
    if "movflags" in given and encoding.container not in (Container.MP4, Container.MOV):
        raise _wrong("extra_args", f"-movflags says nothing to {encoding.container}")
    if "maxrate" in given and encoding.video is not None and encoding.video.crf and encoding.video.bitrate:
        raise _wrong("extra_args", "-maxrate and video.bitrate beside crf speak of the same thing")
    video = encoding.video or VideoOptions()
    fault = option_fault(codec, dict(encoding.extra.output), crf=video.crf, has_bitrate=video.bitrate is not None)
    if fault:
        raise _wrong("extra_args", fault)


def _wrong(field: str, reason: str) -> InvalidArgument:
    return InvalidArgument(f"{field}: {reason}.", field=field)
