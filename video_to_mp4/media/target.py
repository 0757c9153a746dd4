"""What each container and codec that can be asked for means to ffmpeg, to ffprobe and to people."""

from __future__ import annotations

from video_to_mp4.jobs.encoding import AudioCodec, Container, Encoding, VideoCodec
from video_to_mp4.jobs.extra_args import bits_per_s
from video_to_mp4.jobs.model import Options, Quality
from video_to_mp4.media.limits import BitLimit
from video_to_mp4.media.options import encoder_settings

MUXERS = {
    Container.MP4: "mp4",
    Container.MOV: "mov",
    Container.MKV: "matroska",
    Container.WEBM: "webm",
}
"""Names of muxers, by which ffprobe calls the results too."""

SUBTITLE_ENCODERS = {
    Container.MP4: "mov_text",
    Container.MOV: "mov_text",
    Container.MKV: "subrip",
    Container.WEBM: "webvtt",
}

CODEC_NAMES: dict[VideoCodec | AudioCodec, str] = {
    VideoCodec.X264: "h264",
    VideoCodec.X265: "hevc",
    VideoCodec.AV1: "av1",
    VideoCodec.VP9: "vp9",
    AudioCodec.AAC: "aac",
    AudioCodec.OPUS: "opus",
}
"""What ffprobe calls what an encoder makes."""

WORDS: dict[VideoCodec | AudioCodec, str] = {
    VideoCodec.X264: "H.264",
    VideoCodec.X265: "H.265",
    VideoCodec.AV1: "AV1",
    VideoCodec.VP9: "VP9",
    AudioCodec.AAC: "AAC",
    AudioCodec.OPUS: "Opus",
}

_FITTING = {
    # what ffmpeg's muxers take without asking for experiments; Matroska takes anything
    Container.MP4: {"h264", "hevc", "av1", "vp9", "mpeg4", "aac", "mp3", "ac3", "eac3", "opus", "flac", "alac"},
    Container.MOV: {"h264", "hevc", "mpeg4", "prores", "dnxhd", "mjpeg", "aac", "mp3", "ac3", "alac", "pcm_s16le"},
    Container.WEBM: {"vp8", "vp9", "av1", "opus", "vorbis"},
}

_OF_ONE_CONTAINER = frozenset({"webp"})
"""What nothing but its own container puts together; ffmpeg's muxers write it, and nothing plays that."""

_CRF = {
    # about as good as x264's 28, 18 and 15
    VideoCodec.X265: {Quality.STANDARD: 30, Quality.HIGH: 20, Quality.MAXIMUM: 17},
    VideoCodec.AV1: {Quality.STANDARD: 42, Quality.HIGH: 28, Quality.MAXIMUM: 20},
    VideoCodec.VP9: {Quality.STANDARD: 40, Quality.HIGH: 26, Quality.MAXIMUM: 20},
}
_LOOKAHEAD_FOR_B_FRAMES = 40
"""x265 looks further ahead than it has B-frames in a row, or not at all: its faster presets do for 5."""

_AV1_PRESET = {Quality.STANDARD: "9", Quality.HIGH: "7", Quality.MAXIMUM: "5"}
_VP9_SPEED = {Quality.STANDARD: "4", Quality.HIGH: "2", Quality.MAXIMUM: "1"}


def fits(codec: str, container: Container) -> bool:
    """Tell whether a stream of a codec, by ffprobe's name, can be copied into a container."""
    if codec in _OF_ONE_CONTAINER:
        return False
    return container is Container.MKV or codec in _FITTING[container]


def is_of_quicktime(container: Container) -> bool:
    """Tell whether the container is MP4 or its parent."""
    return container in (Container.MP4, Container.MOV)


def picture_encoder(options: Options, *, level: str, limit: BitLimit) -> dict[str, str]:
    """Return what ffmpeg is told of the encoder of the picture, in the words of its options.

    The limit of bits is for H.264, and gives way to what was asked for.
    """
    encoding, quality = options.encoding, Quality.HIGH if options.quality is Quality.AUTO else options.quality
    codec = encoding.video_codec
    chosen = {"c:v": codec.value} | _speed(codec, quality) | _goodness(options, codec, quality)
    if codec is VideoCodec.X264:
        chosen = _limits(encoding, level, limit) | chosen
    if codec is VideoCodec.X265:
        chosen["x265-params"] = "log-level=error"
        if is_of_quicktime(encoding.container):
            chosen["tag:v"] = "hvc1"  # Apple's players take no other
    extra = dict(encoding.extra.output)
    if "pix_fmt" in extra or "profile:v" in extra or chosen.get("crf") == "0":
        chosen.pop("profile:v", None)  # no lossless picture is of the profile High
    if codec is VideoCodec.X265 and "bf" in extra:
        chosen["x265-params"] += f":rc-lookahead={_LOOKAHEAD_FOR_B_FRAMES}"
    return chosen


def _limits(encoding: Encoding, level: str, limit: BitLimit) -> dict[str, str]:
    asked = {"profile:v": "high", "level:v": level}
    if encoding.shapes_bits and encoding.bits_per_s is None:
        return asked
    return asked | {"maxrate": str(limit.bits_per_s), "bufsize": str(limit.burst_bits)}


def _speed(codec: VideoCodec, quality: Quality) -> dict[str, str]:
    if codec is VideoCodec.VP9:
        return {"deadline": "good", "cpu-used": _VP9_SPEED[quality], "row-mt": "1"}
    if codec is VideoCodec.AV1:
        return {"preset": _AV1_PRESET[quality]}
    return {"preset": encoder_settings(quality).preset}


def _goodness(options: Options, codec: VideoCodec, quality: Quality) -> dict[str, str]:
    """Say how good the picture shall be: a mean bit rate, a constant quality, or that with a limit."""
    video = options.encoding.video
    crf, bitrate = (video.crf, video.bitrate) if video else (None, None)
    if crf is None and bitrate is not None:
        return {"b:v": bitrate}
    if crf is None:
        crf = encoder_settings(quality).crf if codec is VideoCodec.X264 else _CRF[codec][quality]
    if codec is VideoCodec.VP9:
        return {"crf": str(crf), "b:v": bitrate or "0"}
    if bitrate is None:
        return {"crf": str(crf)}
    return {"crf": str(crf), "maxrate": bitrate, "bufsize": str(2 * bits_per_s(bitrate))}


def pixel_format(options: Options) -> str:
    """Return how the result's pixels are stored."""
    return dict(options.encoding.extra.output).get("pix_fmt", "yuv420p")
