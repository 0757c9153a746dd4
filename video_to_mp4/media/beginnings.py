"""Tells by its first bytes what a file is that ffmpeg can't read: a piece of a video, an archive, a web page.

Signatures are those of the formats' own definitions; https://www.iana.org/assignments/media-types names most of them.
"""

from __future__ import annotations

import re

from video_to_mp4.errors import ConversionError, DamagedSource, NotAVideo, UnknownCodec

HEAD_BYTES = 256 * 1024
"""So many bytes are looked at: a disc's image says at 32 KB what it is, and a cluster of Matroska is rarely longer."""

_PIECE = (
    "This is a piece of a streamed video without its beginning (the initialization segment), so nothing of it can be "
    "read. Join the pieces, the initialization segment first, and send the whole."
)
_CUT_OFF = (
    "The beginning of this Matroska or WebM file is missing, so nothing of it can be read. Send it from the start."
)
_ONLY_INIT = (
    "This is only the beginning of a streamed video (its initialization segment), without a single picture. "
    "Join it and the pieces that follow, and send the whole."
)
_NO_INDEX = "The file's index is missing: the recording or the download did not finish, so nothing of it can be read."
_NO_HEADER = "The file begins like a video, but its header is cut short or damaged: nothing of it can be read."
_ZEROS = "The file begins with nothing but zeros: its download or its copy has not finished. Get it once more."
_PLAYLIST = "This is a playlist: it only says where the video is. Send the video itself, or the link to the playlist."
_SHORTCUT = "This only says where the video is. Send the video itself."
_PAGE = "This is a web page, not a video: something went wrong when it was downloaded. Download it once more."
_TEXT = "This is a text, not a video. If it was downloaded, it may be the site's error message."
_ARCHIVE = "This is an archive. Unpack it, and send the video that is in it."
_DISC = "This is the image of a disc. Open or unpack it, and send the videos in it: its .VOB or .m2ts files."
_DISC_INDEX = "This is the table of contents of a disc. Send its videos, which are the .VOB or .m2ts files."
_IMAGE = "This is a still picture, not a video."
_MOVING_WEBP = "This is an animated WebP picture, which ffmpeg can't read as it is."
_SOUND = "This is a sound recording without a picture."
_DOCUMENT = "This is a document, not a video."
_PROGRAM = "This is a program, not a video. Be careful with it if it came by that name."
_LOCKED = "The file is encrypted. Decrypt it, and send the video that is in it."
_COMPANION = 'This is what macOS notes about a file. Send the file of the same name without "._" at its beginning.'

WEBP_HEADER_BYTES = 21
"""So many say whether a WebP is animated."""

_WEBP_MOVES = 2
"""The flag that says so."""

_BOXES_OF_A_PIECE = frozenset({b"styp", b"sidx", b"moof", b"emsg", b"prft", b"ssix"})
_BOXES_BEFORE = frozenset({b"ftyp", b"free", b"skip", b"uuid"})
_CLUSTER = b"\x1f\x43\xb6\x75"

_OF_VIDEOS = (
    # MP4 and MOV, Matroska and WebM, ASF and WMV, AVI, FLV, RealMedia
    *((4, sign) for sign in (b"ftyp", b"moov", b"mdat", b"wide")),
    (0, b"\x1a\x45\xdf\xa3"),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11"),
    (8, b"AVI "),
    (0, b"FLV\x01"),
    (0, b".RMF"),
)

_STILLS_OF_MP4_KIND = (b"ftypheic", b"ftypheix", b"ftypmif1", b"ftypavif")
_GIF_CONTROL = b"\xf9"
_AT_THE_CORNER = bytes(4)
_OTHERS = (
    *((4, sign, _IMAGE) for sign in _STILLS_OF_MP4_KIND),
    (4, b"ftypM4A ", _SOUND),
    (0, b"\xff\xd8\xff", _IMAGE),
    (0, b"\x89PNG\r\n\x1a\n", _IMAGE),
    (0, b"GIF8", _IMAGE),
    (0, b"BM", _IMAGE),
    (0, b"II*\0", _IMAGE),
    (0, b"MM\0*", _IMAGE),
    (8, b"WEBP", _IMAGE),
    (0, b"ID3", _SOUND),
    # MPEG audio and AAC without a tag before them
    *((0, bytes([0xFF, second]), _SOUND) for second in (0xFB, 0xFA, 0xF3, 0xF2, 0xE3, 0xF1, 0xF9)),
    (0, b"fLaC", _SOUND),
    (8, b"WAVE", _SOUND),
    (0, b"FORM", _SOUND),
    (0, b"#!AMR", _SOUND),
    (0, b"PK\x03\x04", _ARCHIVE),
    (0, b"Rar!\x1a\x07", _ARCHIVE),
    (0, b"7z\xbc\xaf\x27\x1c", _ARCHIVE),
    (0, b"\x1f\x8b", _ARCHIVE),
    (0, b"BZh", _ARCHIVE),
    (0, b"\xfd7zXZ\0", _ARCHIVE),
    (0, b"\x28\xb5\x2f\xfd", _ARCHIVE),
    (257, b"ustar", _ARCHIVE),
    (32769, b"CD001", _DISC),
    (32769, b"BEA01", _DISC),
    (0, b"DVDVIDEO-V", _DISC_INDEX),
    (0, b"MPLS0", _DISC_INDEX),
    (0, b"INDX0", _DISC_INDEX),
    (0, b"MOBJ0", _DISC_INDEX),
    (0, b"HDMV0", _DISC_INDEX),
    (0, b"%PDF", _DOCUMENT),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", _DOCUMENT),
    (0, b"MZ", _PROGRAM),
    (0, b"\x7fELF", _PROGRAM),
    (0, b"Salted__", _LOCKED),
    (0, b"-----BEGIN PGP MESSAGE", _LOCKED),
    (0, b"age-encryption.org/", _LOCKED),
    (0, b"\0\x05\x16\x07", _COMPANION),
)

_OF_TEXTS = (
    (
        re.compile(r"#EXTM3U|\[playlist\]|(<\?xml.*?)?<(MPD|asx|playlist|SmoothStreamingMedia)\b", re.I | re.S),
        _PLAYLIST,
    ),
    (re.compile(r"ffconcat|\[InternetShortcut\]|d\d+:announce|version https://git-lfs", re.I), _SHORTCUT),
    (re.compile(r"(<\?xml.*?)?(<!doctype html|<html|<head|<body)\b", re.I | re.S), _PAGE),
)


def refusal(head: bytes, details: str) -> ConversionError:
    """Return the error for a file of which ffprobe could read nothing, by its first HEAD_BYTES and what it said."""
    if is_animated_webp(head):
        return UnknownCodec(_MOVING_WEBP, details=details)
    for place, sign, sentence in _OTHERS:
        if head.startswith(sign, place):
            return NotAVideo(sentence, details=details)
    if head and not head.strip(b"\0"):
        return NotAVideo(_ZEROS, details=details)
    missing = _sentence_of_a_video(head, details)
    if missing is not None:
        return DamagedSource(missing, details=details)
    return NotAVideo(_sentence_of_a_text(head), details=details)


def without_pictures(head: bytes, details: str) -> ConversionError:
    """Return the error for a file that has a good header and not one picture."""
    return DamagedSource(_ONLY_INIT if b"moov" in head and b"mvex" in head else None, details=details)


def is_still_of_mp4_kind(head: bytes) -> bool:
    """Tell whether a file is a HEIF or AVIF picture, whose container is MP4's: ffmpeg takes it for a video."""
    return head.startswith(_STILLS_OF_MP4_KIND, 4)


def is_animated_webp(head: bytes) -> bool:
    """Tell whether a file is a WebP that moves, by its first WEBP_HEADER_BYTES."""
    return head.startswith(b"RIFF") and head.startswith(b"WEBPVP8X", 8) and bool(head[20:21] and head[20] & _WEBP_MOVES)


def is_animated_png(head: bytes) -> bool:
    """Tell whether a file is a PNG that moves, by its first HEAD_BYTES: what says so comes before its pictures."""
    return head.startswith(b"\x89PNG\r\n\x1a\n") and b"acTL" in head.partition(b"IDAT")[0]


def is_opaque_gif(head: bytes) -> bool:
    """Tell whether nothing shows through the first picture of a GIF; ffmpeg reads every GIF as if something might.

    By the format's own blocks (GIF89a): the screen, its colours, extensions, and then the first picture.
    """
    if not head.startswith(b"GIF8") or len(head) < 13:
        return False
    place = 13 + _gif_colours_bytes(head[10])
    while head[place : place + 1] == b"!":
        if head[place + 1 : place + 2] == _GIF_CONTROL and int.from_bytes(head[place + 3 : place + 4]) & 1:
            return False
        place += 2
        while size := int.from_bytes(head[place : place + 1]):
            place += 1 + size
        place += 1
    corner, extent = head[place + 1 : place + 5], head[place + 5 : place + 9]
    return head[place : place + 1] == b"," and corner == _AT_THE_CORNER and extent == head[6:10]


def _gif_colours_bytes(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _sentence_of_a_video(head: bytes, details: str) -> str | None:
    """Say what is missing from a video; None for what does not look like one."""
    if _is_piece(head):
        return _PIECE
    if "moov atom not found" in details:
        return _NO_INDEX
    if any(head.startswith(sign, place) for place, sign in _OF_VIDEOS):
        return _NO_HEADER
    if _CLUSTER in head:
        return _PIECE if head.startswith(_CLUSTER) else _CUT_OFF
    return None


def _is_piece(head: bytes) -> bool:
    """Say whether the first boxes of an MP4 are a fragment's, without what is needed to understand it."""
    place = 0
    while (kind := head[place + 4 : place + 8]) in _BOXES_BEFORE:
        place += max(8, int.from_bytes(head[place : place + 4], "big"))
    return kind in _BOXES_OF_A_PIECE


def _sentence_of_a_text(head: bytes) -> str | None:
    text = _text(head)
    if text is None:
        return None
    return next((sentence for pattern, sentence in _OF_TEXTS if pattern.match(text)), _TEXT)


def _text(head: bytes) -> str | None:
    """Return what a file begins with if it is readable; None for anything else. The last character may be cut."""
    is_wide = head.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        text = head[:4096].decode("utf-16" if is_wide else "utf-8")
    except UnicodeDecodeError as error:
        if error.start < min(len(head), 4096) - 4:
            return None
        text = head[: error.start].decode("utf-16" if is_wide else "utf-8")
    text = text.lstrip("\ufeff \t\r\n")
    is_readable = all(sign.isprintable() or sign in "\t\r\n\f" for sign in text)
    return text if text and is_readable else None
