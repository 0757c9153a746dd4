"""Reads what the bytes of H.264 (ITU-T H.264) say, where the container or ffprobe says nothing, or too much."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

_SLICES = frozenset({1, 2, 5})
_IDR = 5
_SEQUENCE_PARAMETERS = 7
_MOST_UNITS = 64
"""Of a picture, before its first slice: parameters, and messages such as captions."""

_WITH_CHROMA_FORMAT = frozenset({44, 83, 86, 100, 110, 118, 122, 128, 134, 135, 138, 139, 244})
_EXTENDED_SHAPE = 255
_LONGEST_CODE_BITS = 32
_MOST_CYCLES = 255
_ESCAPED_ZEROS = re.compile(rb"\x00\x00\x03")


@dataclass(frozen=True)
class SequenceParameters:
    """What holds for all pictures of a stream."""

    may_have_fields: bool
    """Whether pictures may be interlaced: frame_mbs_only_flag is not set."""
    is_full_range: bool | None = None
    """None where it is not said, which means no."""
    colour: tuple[int, int, int] | None = None
    """The numbers of primaries, transfer function and matrix; None where they are not said."""
    format: tuple[int, ...] = ()
    """All that decides what pictures look like, to be compared with another's."""


def begins_anew(file: int, place: int, size: int, *, length_bytes: int) -> bool:
    """Say whether a picture is an IDR picture: nothing after it refers to anything before it.

    `file` is a descriptor, and the picture is stored as in MP4, each unit after its length. A recovery point is none:
    pictures that are shown after it may need some from before it.
    """
    end = place + size
    for _ in range(_MOST_UNITS):
        head = os.pread(file, length_bytes + 1, place)
        if len(head) <= length_bytes or place >= end:
            return False
        kind = head[-1] & 0x1F
        if kind in _SLICES:
            return kind == _IDR
        place += length_bytes + int.from_bytes(head[:-1], "big")
    return False


def sequence_parameters(configuration: bytes) -> SequenceParameters | None:
    """Read those of a decoder configuration record, as in MP4's box avcC; None where there are none, or several.

    Several differ from each other, or nobody would write more than one.
    """
    if len(configuration) < 8 or configuration[0] != 1 or configuration[5] & 0x1F != 1:
        return None
    return parsed_unit(configuration[8 : 8 + int.from_bytes(configuration[6:8], "big")])


def parsed_unit(unit: bytes) -> SequenceParameters | None:
    """Read them from a unit of the stream; None for a unit of another kind."""
    if len(unit) < 4 or unit[0] & 0x1F != _SEQUENCE_PARAMETERS:
        return None
    try:
        return _parse(_Bits(_ESCAPED_ZEROS.sub(b"\x00\x00", unit[1:])))
    except EOFError:
        return None


class _Bits:
    """Reads numbers bit by bit; raises EOFError where there are no more."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "big")
        self._left = 8 * len(data)

    def take(self, count: int) -> int:
        """Read a number of so many bits."""
        if count > self._left:
            raise EOFError
        self._left -= count
        return self._value >> self._left & (1 << count) - 1

    def flag(self) -> bool:
        """Read one bit."""
        return bool(self.take(1))

    def code(self) -> int:
        """Read an Exp-Golomb code without a sign (clause 9.1)."""
        zeros = 0
        while not self.flag():
            zeros += 1
            if zeros > _LONGEST_CODE_BITS:
                raise EOFError
        return (1 << zeros) - 1 + self.take(zeros)

    def signed_code(self) -> int:
        """Read an Exp-Golomb code with a sign (clause 9.1.1)."""
        code = self.code()
        return (code + 1) // 2 if code % 2 else -(code // 2)


def _parse(bits: _Bits) -> SequenceParameters:
    """Read in the order of clause 7.3.2.1.1."""
    profile = bits.take(8)
    bits.take(16)  # constraints and level
    bits.code()  # number
    pixels: list[int] = []
    if profile in _WITH_CHROMA_FORMAT:
        pixels = _pixels(bits)
    bits.code()  # log2_max_frame_num_minus4
    _skip_order(bits)
    bits.code()  # max_num_ref_frames
    bits.flag()
    size = [bits.code(), bits.code()]
    is_of_frames = bits.flag()
    if not is_of_frames:
        bits.flag()
    bits.flag()  # direct_8x8_inference_flag
    crop = [bits.code() for _ in range(4)] if bits.flag() else []
    shape, is_full_range, colour = _signal(bits) if bits.flag() else (0, None, None)
    told = (*pixels, *size, is_of_frames, *crop, shape, bool(is_full_range), *(colour or ()))
    return SequenceParameters(not is_of_frames, is_full_range, colour, (profile, *map(int, told)))


def _pixels(bits: _Bits) -> list[int]:
    """Read chroma format and bit depths."""
    chroma_format = bits.code()
    if chroma_format == 3:
        bits.flag()
    depths = [bits.code(), bits.code()]
    bits.flag()
    if bits.flag():
        for size in [16] * 6 + [64] * (6 if chroma_format == 3 else 2):
            if bits.flag():
                _skip_scaling_list(bits, size)
    return [chroma_format, *depths]


def _skip_scaling_list(bits: _Bits, size: int) -> None:
    last = following = 8
    for _ in range(size):
        if following:
            following = (last + bits.signed_code()) % 256
        last = following or last


def _skip_order(bits: _Bits) -> None:
    """Skip how the order of pictures is told."""
    kind = bits.code()
    if kind == 0:
        bits.code()
    elif kind == 1:
        bits.flag()
        _skip_codes(bits, 2)
        _skip_codes(bits, min(bits.code(), _MOST_CYCLES))


def _skip_codes(bits: _Bits, count: int) -> None:
    for _ in range(count):
        bits.code()


def _signal(bits: _Bits) -> tuple[int, bool | None, tuple[int, int, int] | None]:
    """Read the shape of pixels, as one number, and range and colours, in the order of annex E.1.1."""
    shape = bits.take(8) if bits.flag() else 0
    if shape == _EXTENDED_SHAPE:
        shape = bits.take(32)
    if bits.flag():
        bits.flag()  # overscan
    if not bits.flag():
        return shape, None, None
    bits.take(3)
    is_full_range = bits.flag()
    return shape, is_full_range, (bits.take(8), bits.take(8), bits.take(8)) if bits.flag() else None
