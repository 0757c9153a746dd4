"""Finds out how the letters of a text are written that does not say so: subtitles are often in an old charset."""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import repeat

from charset_normalizer import from_bytes

_BY_LANGUAGE: tuple[tuple[str, tuple[str, ...]], ...] = (
    # the three-letter codes that Matroska and MP4 use, in both of ISO 639-2's forms, and the two-letter ones
    ("cze ces cs slo slk sk pol pl hun hu slv sl hrv hr bos bs rum ron ro alb sqi sq", ("cp1250", "iso8859_2")),
    ("rus ru ukr uk bul bg bel be mac mkd mk", ("cp1251", "koi8_r", "iso8859_5")),
    ("srp sr", ("cp1250", "cp1251")),
    ("gre ell el", ("cp1253",)),
    ("tur tr aze az", ("cp1254",)),
    ("heb he", ("cp1255",)),
    ("ara ar per fas fa urd ur", ("cp1256",)),
    ("est et lav lv lit lt", ("cp1257",)),
    ("vie vi", ("cp1258",)),
    ("tha th", ("cp874",)),
    ("jpn ja", ("cp932", "euc_jp")),
    ("chi zho zh", ("gb18030", "big5hkscs")),
    ("kor ko", ("cp949",)),
    (
        "eng en ger deu de fre fra fr spa es por pt ita it dut nld nl dan da nor nob nno no swe sv fin fi ice isl is"
        " cat ca baq eus eu glg gl gle ga",
        ("cp1252",),
    ),
)
_OF_LANGUAGE = {language: charsets for languages, charsets in _BY_LANGUAGE for language in languages.split()}
_COMMON = (
    "cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp932", "gb18030", "big5hkscs", "cp949",
    "euc_jp", "koi8_r",
)  # fmt: skip
_WEST, _CENTRE = "cp1252", "cp1250"
_CENTRAL_SIGNS = {
    **dict.fromkeys("ľąłźŻ".encode("cp1250"), 4),  # ¾ ¹ ³ Ÿ ¯
    **dict.fromkeys("ěůşšžśČ".encode("cp1250"), 2),  # ì ù º š ž œ È
    **dict.fromkeys("űĚ".encode("cp1250"), 1),  # û Ì
    **dict.fromkeys("åà".encode("cp1252"), -4),  # ĺ ŕ
    **dict.fromkeys("æ".encode("cp1252"), -1),  # ć
}
"""How much more a byte is to be expected in Central Europe than in the West, where it is the letter in the comment.

A few lines tell the two apart by nothing else; what is not here is about as frequent in the one as in the other.
"""

_SAMPLE_BYTES = 64 * 1024
_MANY_BYTES = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_MARKS = ((codecs.BOM_UTF8, "utf_8"), (codecs.BOM_UTF16_LE, "utf_16_le"), (codecs.BOM_UTF16_BE, "utf_16_be"))
_NULL_SHARE = 0.2
_BROKEN_SHARE = 0.3
UTF_8 = "utf_8"


@dataclass(frozen=True)
class Charset:
    """How letters are written, by Python's name."""

    name: str = UTF_8

    @property
    def is_guess(self) -> bool:
        """Whether it is neither UTF-8 nor another form of Unicode, which can't be mistaken for anything else."""
        return not self.name.startswith("utf_")

    @property
    def label(self) -> str:
        """Its name as people know it."""
        return self.name.replace("cp125", "windows-125").replace("cp932", "Shift-JIS").replace("_", "-")

    def decode(self, raw: bytes) -> str:
        """Return a text, with U+FFFD in the place of what can't be read."""
        return raw.decode(self.name, "replace").removeprefix("\ufeff")


def charset_of(pieces: Sequence[bytes], language: str = "") -> Charset:
    """Find out how the letters of a track are written, by all of its lines and by its language.

    A text that is UTF-8 but for a few broken letters is taken for UTF-8.
    """
    whole = b"".join(pieces)
    by_mark = next((name for mark, name in _MARKS if whole.startswith(mark)), None)
    if by_mark is not None:
        return Charset(by_mark)
    if whole.count(0) > _NULL_SHARE * len(whole):
        return Charset("utf_16_le" if whole[1::2].count(0) > whole[::2].count(0) else "utf_16_be")
    if _is_utf_8(whole):
        return Charset()
    return Charset(_guess([piece for piece in pieces if not piece.isascii()], _OF_LANGUAGE.get(language.lower())))


def _is_utf_8(whole: bytes) -> bool:
    """Say whether a text is UTF-8, or was before a few of its bytes were lost."""
    broken = whole.decode("utf-8", "replace").count("\ufffd") - whole.count("\ufffd".encode())
    return broken <= _BROKEN_SHARE * len(_MANY_BYTES.findall(whole))


def _guess(foreign: Sequence[bytes], usual: tuple[str, ...] | None) -> str:
    """Guess by the lines that are more than ASCII."""
    sample = b"\n".join(foreign)[:_SAMPLE_BYTES]
    fitting = [name for name in usual or _COMMON if _can_read(sample, name)]
    if len(fitting) == 1:
        return fitting[0]
    candidates = fitting or list(usual or _COMMON)
    found = from_bytes(sample, cp_isolation=candidates, enable_fallback=False)
    best = found.best()
    if best is None:
        return candidates[0]
    as_good = {match.encoding for match in found if (match.chaos, match.coherence) == (best.chaos, best.coherence)}
    if {_WEST, _CENTRE} <= as_good:
        return _CENTRE if sum(map(_CENTRAL_SIGNS.get, sample, repeat(0))) > 0 else _WEST
    return next((name for name in candidates if name in as_good), best.encoding)


def _can_read(sample: bytes, name: str) -> bool:
    try:
        sample.decode(name)
    except UnicodeDecodeError as error:
        return error.start >= len(sample) - 4  # the sample itself may end within a letter
    return True
