"""Reads the subtitles that ffmpeg has taken out of a source as they were: SubRip, or (Advanced) SubStation Alpha."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pysubs2 import SSAEvent, SSAFile, SSAStyle
from pysubs2.exceptions import Pysubs2Error
from pysubs2.formats.substation import parse_tags

from video_to_mp4.media.charset import Charset, charset_of
from video_to_mp4.media.cues import BOTTOM, Cue, closed, plain

_HEADER = re.compile(rb"(?:\A|\n\n)(\d+)\n(\d+):(\d\d):(\d\d),(\d\d\d) --> (\d+):(\d\d):(\d\d),(\d\d\d)[^\n]*(?:\n|\Z)")
"""As ffmpeg writes it, which counts its lines: a number and times within a text don't go on with the count."""

_LONGEST_TEXT = 4000
_MOST_OVERRIDES = 64
_OVERRIDES = re.compile(r"\{\\[^}]*\}")
_BRACES = re.compile(r"\{[^}]*\}")
_PLACE = re.compile(r"\\an\s*([1-9])")
_ROW = re.compile(r"\\(?:pos|move)\s*\(\s*-?[\d.]+\s*,\s*(-?\d+(?:\.\d+)?)")
_UNSEEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_EMPTY_LINES = re.compile(r"\n\s*\n")
_EVENT = re.compile(r"^Dialogue: [^,\n]*(?:,\d+:\d\d:\d\d\.\d\d){2},.*$", re.MULTILINE | re.ASCII)
_USUAL_HEIGHT = 288
_JOINER = "\u2060"
"""Is not seen, and keeps letters from being taken for a sign of ffmpeg's."""

_COORDINATE = r"[-+]?\d{1,3}\.\d{3,}"
_POSITION = re.compile(
    rf"\bGPS\b[^\d\n]{{0,12}}{_COORDINATE}|\bHOME\s*\(|\blong?t?itude\s*[:=]?\s*{_COORDINATE}"
    rf"|\blat(?:itude)?\s*[:=]\s*{_COORDINATE}|\$G[PNL](?:RMC|GGA|GLL)\b"
    rf"|\b[NS]\s*:?\s*{_COORDINATE}\W{{0,3}}\s*[EW]\s*:?\s*{_COORDINATE}"
    rf"|{_COORDINATE}\W?\s*[NS]\b\W{{0,3}}{_COORDINATE}\W?\s*[EW]\b",
    re.IGNORECASE,
)
"""How drones and dashboard cameras write where they are."""


@dataclass(frozen=True)
class Lines:
    """The lines of a subtitle track, as they were."""

    cues: tuple[Cue, ...]
    charset: Charset
    unreadable: int = 0
    """How many letters could not be read."""
    cut: int = 0
    """How many lines were too long to be kept whole."""

    @property
    def tells_place(self) -> bool:
        """Whether it is no text for people, but what a camera notes about its flight or drive."""
        notes = sum(_POSITION.search(cue.text) is not None for cue in self.cues)
        return notes > 0 and 2 * notes >= len(self.cues)


def read_subrip(raw: bytes, language: str = "") -> Lines:
    """Read what ffmpeg wrote as SubRip; the letters of the texts may be written in any way."""
    found = list(_pieces(raw))
    charset = charset_of([piece for _, _, piece in found], language)
    texts = [charset.decode(piece) for _, _, piece in found]
    cues = [_of_subrip(start_ms, end_ms, text) for (start_ms, end_ms, _), text in zip(found, texts, strict=True)]
    unreadable, cut = sum(text.count("\ufffd") for text in texts), sum(len(text) > _LONGEST_TEXT for text in texts)
    return Lines(tuple(cue for cue in cues if cue is not None), charset, unreadable, cut)


def _pieces(raw: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Return the times of each line in milliseconds, and its text."""
    headers, number = [], 0
    for header in _HEADER.finditer(raw):
        if int(header[1]) == number + 1:
            headers.append(header)
            number += 1
    for header, following in zip(headers, [*headers[1:], None], strict=False):
        end = len(raw) if following is None else following.start()
        yield _ms(header.groups()[1:5]), _ms(header.groups()[5:9]), raw[header.end() : end]


def _ms(clock: Sequence[bytes]) -> int:
    hours, minutes, seconds, ms = map(int, clock)
    return ((hours * 60 + minutes) * 60 + seconds) * 1000 + ms


def _of_subrip(start_ms: int, end_ms: int, raw: str) -> Cue | None:
    place = _PLACE.search(raw)
    text = _tidy(_OVERRIDES.sub("", raw[:_LONGEST_TEXT]))
    if not plain(text).strip():
        return None
    return Cue(start_ms, end_ms, closed(_unescaped(text)), int(place[1]) if place else BOTTOM)


def read_substation(raw: bytes, language: str = "") -> Lines:
    """Read what ffmpeg wrote as SSA or ASS. Drawings, comments and effects are no text, and are left out."""
    lines = raw.splitlines()
    charset = charset_of([line for line in lines if line.startswith(b"Dialogue:")], language)
    text = "\n".join(charset.decode(line)[: 2 * _LONGEST_TEXT] for line in lines)
    script = _script(text)
    cues = [_of_event(event, script) for event in script.events if not event.is_comment]
    return Lines(tuple(cue for cue in cues if cue is not None), charset, text.count("\ufffd"))


def _script(text: str) -> SSAFile:
    kind = "ssa" if "[V4 Styles]" in text else "ass"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a field that makes no sense has its default
        for attempt in (text, "[Events]\n" + "\n".join(_EVENT.findall(text))):
            try:
                return SSAFile.from_string(attempt, format_=kind)
            except (ValueError, TypeError, LookupError, Pysubs2Error):
                continue  # a style without sense costs all styles
    return SSAFile()


def _of_event(event: SSAEvent, script: SSAFile) -> Cue | None:
    style = script.styles.get(event.style.lstrip("*"), SSAStyle.DEFAULT_STYLE)
    text = _tidy(_marked_up(event.text, style, script))
    if not plain(text).strip():
        return None
    place, row = _PLACE.search(event.text), _ROW.search(event.text)
    return Cue(
        event.start,
        event.end,
        closed(text[:_LONGEST_TEXT]),
        int(place[1]) if place else int(style.alignment),
        min(1.0, max(0.0, float(row[1]) / _height(script))) if row else None,
    )


def _height(script: SSAFile) -> int:
    told = script.info.get("PlayResY", "")
    return int(told) if re.fullmatch("[1-9][0-9]{0,4}", told) else _USUAL_HEIGHT


def _marked_up(text: str, style: SSAStyle, script: SSAFile) -> str:
    if text.count("{") > _MOST_OVERRIDES:
        return _with_breaks(_BRACES.sub("", text))  # a tag for each letter; what they mean would take long to find out
    fragments = [(part, how) for part, how in parse_tags(text, style, script.styles) if part and not how.drawing]
    return "".join(_with_tags(_with_breaks(part), how) for part, how in fragments)


def _with_breaks(text: str) -> str:
    return text.replace(r"\N", "\n").replace(r"\n", "\n").replace(r"\h", " ")


def _with_tags(text: str, style: SSAStyle) -> str:
    names = [name for name, is_on in (("b", style.bold), ("i", style.italic), ("u", style.underline)) if is_on]
    if not text.strip():
        return text
    return "".join(f"<{name}>" for name in names) + text + "".join(f"</{name}>" for name in reversed(names))


def _tidy(text: str) -> str:
    """Return a text without control characters and empty lines."""
    text = _UNSEEN.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    return _EMPTY_LINES.sub("\n", text).strip()


def _unescaped(text: str) -> str:
    """Return a text in which no letters mean a new line or a tag to ffmpeg."""
    return re.sub(r"\\(?=[nNh])", "\\\\" + _JOINER, text)
