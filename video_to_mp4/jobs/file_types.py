"""By which names a file is taken for a video: one list for the page, the API, the command line and links.

A name only decides what is worth sending. What a file truly is, its content tells (`media.guard.CONTAINERS`).
"""

from __future__ import annotations

BEST_KNOWN = (".avi", ".mov", ".mkv", ".wmv", ".mp4", ".webm")
"""The types that are named first, everywhere."""

_OFTEN_MET = (
    # phones and tablets
    ".m4v", ".3gp", ".3g2",
    # television, camcorders, Blu-ray
    ".ts", ".mts", ".m2ts",
    # the web of yesterday
    ".flv",
    # MPEG-1, MPEG-2 and DVDs
    ".mpg", ".mpeg", ".vob",
    # Ogg
    ".ogv",
    # Windows
    ".asf", ".divx",
    # studios and tape
    ".mxf", ".dv",
    # animated pictures
    ".gif",
)  # fmt: skip

_RARER = (
    # MP4 and QuickTime by other names: telephones, Flash, action cameras, low-resolution copies
    ".3gpp", ".3gpp2", ".3gp2", ".qt", ".mp4v", ".f4v", ".f4p", ".k3g", ".skm", ".mj2", ".ismv", ".insv", ".360",
    ".lrv",
    # Matroska in 3D
    ".mk3d",
    # transport streams of receivers, recorders and camcorders
    ".m2t", ".tp", ".trp", ".tod", ".rec",
    # programme streams and elementary streams of MPEG-1 and MPEG-2
    ".mpe", ".mpv", ".mpv2", ".mp2v", ".m1v", ".m2v", ".m2p", ".mpg2", ".evo", ".vro", ".mod", ".pva",
    # Windows: recordings of television and of screens; AVI by other names
    ".wm", ".dvr-ms", ".wtv", ".xesc", ".xvid", ".amv",
    # Ogg and Real
    ".ogm", ".ogx", ".rm", ".rmvb", ".rv",
    # studios, archives, encoders
    ".gxf", ".dif", ".nut", ".y4m", ".ivf",
    # streams without a container
    ".h264", ".264", ".avc", ".h265", ".265", ".hevc", ".h266", ".266", ".vvc", ".av1", ".obu", ".vc1", ".rcv",
    ".mjpeg", ".mjpg",
    # surveillance, early streaming, games and animation
    ".dav", ".nsv", ".viv", ".vivo", ".bik", ".smk", ".roq", ".fli", ".flc",
    # animated pictures
    ".apng", ".webp",
)  # fmt: skip

VIDEO_EXTENSIONS = (*BEST_KNOWN, *_OFTEN_MET, *_RARER)
"""All that a video's name may end in, in lower case."""

ANIMATED_PICTURE_EXTENSIONS = (".gif", ".apng", ".webp")
"""Those that mean pictures, of which some move."""


def is_video_name(name: str) -> bool:
    """Tell whether a file's name ends as a video's does, in any case of letters."""
    stem, _, extension = name.lower().rpartition(".")
    return bool(stem) and f".{extension}" in VIDEO_EXTENSIONS


def best_known_types() -> str:
    """Name the best known types for people: «AVI, MOV, …»."""
    return _names(BEST_KNOWN)


def accepted_types() -> str:
    """Name the accepted types for people, the best known first; of the rarest only how many there are."""
    return f"{_names((*BEST_KNOWN, *_OFTEN_MET))} and {len(_RARER)} rarer types"


def _names(extensions: tuple[str, ...]) -> str:
    return ", ".join(extension[1:].upper() for extension in extensions)
