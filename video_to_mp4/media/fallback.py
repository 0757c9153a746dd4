"""What to try when a plan did not work out, from what ffmpeg said and what the check of the result has found."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

_CHANGED_SOUND = ("Error while processing the decoded data", "Error reinitializing filters")
_REFUSED_COLOURS = re.compile(
    r"input from stream [^]]*\] (?:Invalid color (?:space|range)|Value \S+ for parameter 'colorspace' out of range)"
    r"|Impossible to convert between the formats supported by the filter 'graph \S+ input from stream"
)
_UNREADABLE = re.compile(r"Cannot determine format of input (?:stream )?#?0:(\d+)")
_FAILED_OUTPUTS = (
    # ffmpeg 5.1, 6.0, 7.0 and newer; what 7.0 says of an encoder that could not be opened "before EOF" is a consequence
    re.compile(r"Error (?:initializing|while opening encoder for) output stream #?0:(\d+)"),
    re.compile(
        r"\[[as]ost#0:(\d+)/[^]]*\] (?:\[enc:[^]]*\] )?Error (?:initializing|while opening|submitting|encoding)"
    ),
    re.compile(r"\[af#0:(\d+) @ [^]]*\] (?:Error|Task finished with error)"),
)

COPY_GIVEN_UP = "A plain copy would not have played well, so the video was encoded after all."


@dataclass(frozen=True)
class Concessions:
    """What earlier runs over the same source have taught."""

    may_copy: bool = True
    picture_obstacle: str = ""
    """Why a copied picture played badly; empty while none did."""
    shifted_sounds: frozenset[int] = frozenset()
    """Sound tracks that came out with holes or overlaps."""
    may_reserve: bool = True
    """Whether the index may be given room at the front, which turned out to be too small otherwise."""
    steady_audio_filters: bool = False
    """Audio filters are not set up anew when the sound's format changes on the way: it can end ffmpeg."""
    without_colours: bool = False
    """What the picture's frames say of their colours is no valid number, and ends ffmpeg."""
    without: frozenset[int] = frozenset()
    """Streams that turned out to be unreadable."""
    whys: tuple[tuple[int, str], ...] = ()
    """Why some of them are left out, where it is for another reason."""
    notes: tuple[str, ...] = ()
    """What the user is told about it."""

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the plan is not the first one, in words for the log."""
        shifted = [f"the sound of stream {index} came out of sync" for index in sorted(self.shifted_sounds)]
        return (*filter(None, [self.picture_obstacle]), *shifted, *self.notes)

    def without_copying(self) -> Concessions:
        """Return them with every stream encoded, which is told to the user."""
        return replace(self, may_copy=False, notes=(*self.notes, COPY_GIVEN_UP))

    def without_streams(self, indices: frozenset[int], why: str = "") -> Concessions:
        """Return them with further streams left out; `why` is one of the reasons in `fates`."""
        whys = tuple((index, why) for index in sorted(indices) if why)
        return replace(self, without=self.without | indices, whys=self.whys + whys)


def unreadable_streams(stderr: str, mapped: tuple[int, ...]) -> frozenset[int]:
    """Return the source's numbers of the streams, other than the picture, that ffmpeg could do nothing with.

    `mapped` are the source's numbers in the order of the result; the first is the picture.
    """
    as_input = {int(index) for index in _UNREADABLE.findall(stderr)}
    failed = {int(number) for pattern in _FAILED_OUTPUTS for number in pattern.findall(stderr)}
    as_output = {mapped[number] for number in failed if number < len(mapped)}
    return frozenset((as_input | as_output) & set(mapped[1:]))


def colours_refused(stderr: str) -> bool:
    """Say whether ffmpeg ended because of what the picture's frames say of their colours."""
    return _REFUSED_COLOURS.search(stderr) is not None


def sound_changed(stderr: str) -> bool:
    """Say whether ffmpeg ended because the sound's format changed on the way."""
    return any(sign in stderr for sign in _CHANGED_SOUND)
