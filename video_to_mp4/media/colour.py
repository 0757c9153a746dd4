"""Which colours a picture has, and the filters that make of them what every player shows right: SDR, 8-bit 4:2:0.

Chromium 156 goes by the tags of primaries (but takes SMPTE 170M's for BT.709's), of the matrices of BT.601, BT.709 and
BT.2020, and of the curves gamma 2.2, gamma 2.8, linear and SMPTE 428. It takes other matrices for BT.601's, and shows
all other SDR curves alike. Many players look at the matrix at most.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from video_to_mp4.media.colorimetry import (
    MATRICES,
    PRIMARIES,
    SHOWN_CURVES,
    UNSHOWN_CURVES,
    bt709_filters,
    opaque_rgb_filters,
    rgb_filters,
    ycbcr_filters,
)
from video_to_mp4.media.info import StreamInfo

HDR_TRANSFERS = frozenset({"smpte2084", "arib-std-b67"})
_RGB_FORMATS = ("rgb", "bgr", "gbr", "argb", "abgr", "0rgb", "0bgr", "pal8", "x2rgb", "x2bgr")
_WIDE_PRIMARIES = frozenset({"bt470m", "film", "bt2020", "smpte428", "smpte431", "smpte432", "jedec-p22", "ebu3213"})
"""What many players show pale or wrong; others are near enough to a normal screen's to be tagged only."""

_USUAL_MATRICES = {
    # what browsers show right, and what it is called then
    "": "",
    "gbr": "",  # said of Y'CbCr it means nothing
    "bt709": "bt709",
    "bt470bg": "bt470bg",
    "smpte170m": "smpte170m",
    "fcc": "smpte170m",  # within one step of 255
}
_VIDEO_TRANSFERS = {
    # variants of one curve, which every player shows alike
    "bt709": "bt709",
    "smpte170m": "smpte170m",
    "smpte240m": "bt709",
    "bt1361e": "bt709",
    "iec61966-2-4": "bt709",
    "bt2020-10": "bt709",
    "bt2020-12": "bt709",
}
SCALED_MATRICES = frozenset({"gbr", "bt709", "fcc", "bt470bg", "smpte170m", "smpte240m", "bt2020nc"})
_SCALED_TRANSFERS = frozenset({*_VIDEO_TRANSFERS, *SHOWN_CURVES, *HDR_TRANSFERS, "linear", "smpte428"})
"""What swscale takes a picture with, in all versions."""

_UNTAGGING = {
    # codecs whose decoders pass on any number, in some versions; 2 is "unspecified" (H.273)
    "h264": "h264_metadata=colour_primaries=2:transfer_characteristics=2:matrix_coefficients=2",
    "hevc": "hevc_metadata=colour_primaries=2:transfer_characteristics=2:matrix_coefficients=2",
    "mpeg2video": "mpeg2_metadata=colour_primaries=2:transfer_characteristics=2:matrix_coefficients=2",
    "av1": "av1_metadata=color_primaries=2:transfer_characteristics=2:matrix_coefficients=2",
    "prores": "prores_metadata=color_primaries=unknown:color_trc=unknown:colorspace=unknown",
    "vp9": "vp9_metadata=color_space=unknown",
}

_BT2020_MATRICES = frozenset({"bt2020nc", "bt2020c"})
_HDR_MATRICES = frozenset({"bt709", "fcc", "bt470bg", "smpte170m", "ycgco", "bt2020nc", "chroma-derived-nc", "ictcp"})
"""Those that zscale reads together with HDR's curves."""

_WHITE_NITS = 203
"""Reference white of HDR (ITU-R BT.2408): paper, and what a normal picture calls white."""

_USUAL_PEAK_NITS = 1000.0
_SANE_PEAK_NITS = (600.0, 10_000.0)
"""Tags that claim less than the picture has would cut its highlights off."""

_KNEE = 0.3
"""What is darker than this share of white stays as it is; above it everything up to the peak finds room.

With it white comes out at 217 of 255 and 1000 nits at 255. Hable's curve bends from black on: white became 157.
"""


_LEAST_HD_LINES = 720
_PAL_LINES = (576, 288)
_FULL_FORMATS = ("yuvj", "gray", "ya8", "ya16")


@dataclass(frozen=True)
class Colour:
    """How a result is tagged, in ffmpeg's names."""

    primaries: str
    transfer: str
    matrix: str


BT709 = Colour("bt709", "bt709", "bt709")
_NTSC = Colour("smpte170m", "smpte170m", "smpte170m")
_PAL = Colour("bt470bg", "smpte170m", "bt470bg")
_FAMILIES = {"bt709": BT709, "smpte170m": _NTSC, "bt470bg": _PAL}


def transfer_of(stream: StreamInfo) -> str:
    """Return the transfer function, from Dolby Vision's base layer when the stream itself does not say."""
    if not stream.color_transfer and stream.dolby_vision is not None:
        return {1: "smpte2084", 4: "arib-std-b67", 6: "smpte2084"}.get(stream.dolby_vision.compatibility, "")
    return stream.color_transfer


def is_hdr(stream: StreamInfo) -> bool:
    """Say whether the picture must be tone-mapped to be seen as it was meant on a normal screen."""
    return transfer_of(stream) in HDR_TRANSFERS


def is_rgb(stream: StreamInfo) -> bool:
    """Say whether the pixels are red, green and blue, so that they have to be turned into YUV."""
    return stream.pixel_format.startswith(_RGB_FORMATS)


def is_wide(stream: StreamInfo) -> bool:
    """Say whether colours have to be converted, and not only tagged, to be seen right everywhere."""
    has_odd_matrix = not is_rgb(stream) and stream.color_space not in _USUAL_MATRICES
    is_foreign = stream.color_primaries in _WIDE_PRIMARIES or transfer_of(stream) in UNSHOWN_CURVES
    return is_hdr(stream) or is_foreign or has_odd_matrix


def reads_each_matrix(stream: StreamInfo) -> bool:
    """Say whether each picture has to be read by its own matrix, as these change on the way."""
    return stream.changes_matrix and not is_wide(stream) and not is_rgb(stream)


def result_colour(stream: StreamInfo) -> Colour:
    """Return the result's tags. What the source leaves open is what players assume for its size."""
    transfer = transfer_of(stream)
    if is_hdr(stream):
        return BT709
    shown = transfer if transfer in SHOWN_CURVES else _VIDEO_TRANSFERS.get(transfer, "")
    if is_wide(stream) or is_rgb(stream):
        primaries = "bt709" if _primaries_of(stream) in _WIDE_PRIMARIES else _primaries_of(stream)
        return Colour(primaries, shown if transfer in SHOWN_CURVES else "bt709", "bt709")
    matrix = "bt709" if reads_each_matrix(stream) else _USUAL_MATRICES[stream.color_space]
    family = _FAMILIES.get(matrix) or _FAMILIES.get(stream.color_primaries) or _assumed(stream)
    primaries = stream.color_primaries if stream.color_primaries in PRIMARIES else family.primaries
    return Colour(primaries, shown or family.transfer, matrix or family.matrix)


def tag_filter(stream: StreamInfo) -> str:
    """Return what makes every frame say of its colours what the stream does, and nothing that scalers refuse.

    swscale refuses a rare matrix from ffmpeg 7 on, a rare curve and reserved numbers from 8 on, even where it has
    nothing to do with them. ProRes has tags in each frame, which ffprobe does not see.
    """
    tags = {
        "color_primaries": _accepted(stream.color_primaries, PRIMARIES.keys()),
        "color_trc": _accepted(stream.color_transfer, _SCALED_TRANSFERS),
    }
    if not is_rgb(stream) and not reads_each_matrix(stream):
        tags["colorspace"] = _accepted(stream.color_space, SCALED_MATRICES)
    return "setparams=" + ":".join(f"{name}={value}" for name, value in tags.items())


def untagging_options(stream: StreamInfo) -> dict[str, str]:
    """Return the input's options for a stream whose frames have numbers that the standards reserve.

    Since 7.0 ffmpeg's filters refuse such frames before any filter could mend them, and an input may have bitstream
    filters. The first option is for numbers that are the container's alone.
    """
    options = {f"colorspace:{stream.index}": "unknown"}
    return options | ({f"bsf:{stream.index}": _UNTAGGING[stream.codec]} if stream.codec in _UNTAGGING else {})


def colour_filters(stream: StreamInfo) -> list[str]:
    """Return the filters that bring the picture to 8-bit 4:2:0 in limited range; they come after scaling."""
    if is_hdr(stream):
        return [
            f"zscale={_zscale_input(stream)}:t=linear:npl={_WHITE_NITS}",
            "format=gbrpf32le",
            "zscale=p=709",
            f"tonemap=mobius:param={_KNEE}:desat=0:peak={_peak(stream):.3f}",
            # Whole numbers cut off what lies outside of BT.709; in YUV it would cost other colours their brightness.
            "zscale=t=709:r=full",
            "format=gbrp12",
            "zscale=m=709:r=limited",
            "format=yuv420p",
        ]
    if not is_wide(stream):
        return ["format=yuv420p"]
    primaries = _primaries_of(stream)
    opaque = ["format=gbrp16le" if is_rgb(stream) else "format=yuv444p16le"] if stream.has_alpha else []
    matrix = _matrix_of(stream, MATRICES)
    as_rgb = opaque_rgb_filters() if is_rgb(stream) else rgb_filters(matrix, primaries, is_full=is_full(stream))
    to_bt709 = bt709_filters(primaries if primaries in _WIDE_PRIMARIES else "bt709", transfer_of(stream))
    return [*opaque, *as_rgb, *to_bt709, *ycbcr_filters(), "format=yuv420p"]


def is_full(stream: StreamInfo) -> bool:
    """Say whether black is 0 and white the largest number there is."""
    return stream.color_range == "pc" or stream.pixel_format.startswith(_FULL_FORMATS) or is_rgb(stream)


def colour_remark(stream: StreamInfo) -> str:
    """Return what the user is told where colours can't be read as they are meant; empty where they can."""
    known = _HDR_MATRICES if is_hdr(stream) else MATRICES | _USUAL_MATRICES.keys()
    odd = [] if is_rgb(stream) or stream.color_space in {*known, "", "gbr"} else [stream.color_space]
    odd += [name for name in (stream.color_primaries,) if name and name not in PRIMARIES]
    curves = _VIDEO_TRANSFERS.keys() | SHOWN_CURVES | UNSHOWN_CURVES | HDR_TRANSFERS
    odd += [name for name in (stream.color_transfer,) if name and name not in curves]
    if not odd:
        return ""
    names = ", ".join(odd)
    return f"Its colours are stored in a rare way ({names}), read as the nearest common one: they may be a bit off."


def _accepted(name: str, known: Collection[str]) -> str:
    return name if name in known else "unknown"


def _peak(stream: StreamInfo) -> float:
    """Return how much brighter than white the brightest is, which becomes the brightest of a normal screen."""
    least_nits, most_nits = _SANE_PEAK_NITS
    return min(most_nits, max(least_nits, stream.peak_nits or _USUAL_PEAK_NITS)) / _WHITE_NITS


def _zscale_input(stream: StreamInfo) -> str:
    matrix = "gbr" if is_rgb(stream) else _matrix_of(stream, _HDR_MATRICES)
    full = "full" if is_full(stream) else "limited"
    return f"tin={transfer_of(stream)}:min={matrix}:pin={_primaries_of(stream)}:rin={full}"


def _matrix_of(stream: StreamInfo, known: frozenset[str]) -> str:
    """Return the stream's matrix, or the nearest that is known."""
    if stream.color_space in known:
        return stream.color_space
    if stream.color_space == "smpte240m":
        return "bt709"
    is_new = is_hdr(stream) or stream.color_space not in _USUAL_MATRICES or stream.color_primaries == "bt2020"
    return "bt2020nc" if is_new else _assumed(stream).matrix


def _primaries_of(stream: StreamInfo) -> str:
    if stream.color_primaries in PRIMARIES:
        return stream.color_primaries
    if is_hdr(stream) or (stream.color_space in _BT2020_MATRICES and not is_rgb(stream)):
        return "bt2020"
    return "bt709" if is_rgb(stream) else _assumed(stream).primaries


def _assumed(stream: StreamInfo) -> Colour:
    """Return what browsers take for granted where nothing is said: HD has 720 lines, whatever its width.

    Measured with 17 sizes of H.264 and VP8 in Chromium 156, which goes by the beginning where the size changes on the
    way. Other players may draw their line elsewhere, as no standard does.
    """
    height = stream.first_height or stream.height
    if height >= _LEAST_HD_LINES:
        return BT709
    return _PAL if height in _PAL_LINES else _NTSC
