"""What a normal screen shows of colours with any tags of ITU-T H.273, worked out without any filter of ffmpeg.

A clip of flat patches is written sample by sample; a result's samples are read as they are. Both are turned into the
8-bit signal of a BT.709 screen (BT.1886) by their own tags, and what lies outside of it is cut off.
"""

from __future__ import annotations

import math
import struct
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from clips import run_ffmpeg

RGB = tuple[float, float, float]

PATCH_PX = 32
SAMPLES: list[tuple[int, int, int]] = [
    # Y', Cb, Cr in 10 bits and limited range
    (64, 512, 512), (200, 512, 512), (502, 512, 512), (940, 512, 512), (300, 480, 620), (450, 430, 470),
    (350, 600, 480), (600, 560, 540),
]  # fmt: skip

_D65, _C, _E, _DCI = (0.3127, 0.329), (0.31, 0.316), (1 / 3, 1 / 3), (0.314, 0.351)
_GAMUTS = {
    "bt709": ((0.64, 0.33), (0.3, 0.6), (0.15, 0.06), _D65),
    "bt470m": ((0.67, 0.33), (0.21, 0.71), (0.14, 0.08), _C),
    "bt470bg": ((0.64, 0.33), (0.29, 0.6), (0.15, 0.06), _D65),
    "smpte170m": ((0.63, 0.34), (0.31, 0.595), (0.155, 0.07), _D65),
    "smpte240m": ((0.63, 0.34), (0.31, 0.595), (0.155, 0.07), _D65),
    "film": ((0.681, 0.319), (0.243, 0.692), (0.145, 0.049), _C),
    "bt2020": ((0.708, 0.292), (0.17, 0.797), (0.131, 0.046), _D65),
    "smpte428": ((1.0, 0.0), (0.0, 1.0), (0.0, 0.0), _E),
    "smpte431": ((0.68, 0.32), (0.265, 0.69), (0.15, 0.06), _DCI),
    "smpte432": ((0.68, 0.32), (0.265, 0.69), (0.15, 0.06), _D65),
    "jedec-p22": ((0.63, 0.34), (0.295, 0.605), (0.155, 0.077), _D65),
}
_LUMA = {
    "bt709": (0.2126, 0.0722),
    "fcc": (0.3, 0.11),
    "bt470bg": (0.299, 0.114),
    "smpte170m": (0.299, 0.114),
    "smpte240m": (0.212, 0.087),
    "bt2020nc": (0.2627, 0.0593),
    "bt2020c": (0.2627, 0.0593),
}


@dataclass(frozen=True)
class Tags:
    """How colours are stored, in ffmpeg's names."""

    primaries: str = "bt709"
    transfer: str = "bt709"
    matrix: str = "bt709"
    is_full: bool = False


def shown(sample: RGB, tags: Tags, screen: str = "bt709", *, bits: int = 10) -> RGB:
    """Return what a screen of BT.709's primaries, with that curve, is sent for this sample."""
    signal = _clipped(_signal(_parts(sample, tags.is_full, bits), tags))
    light = tuple(_light(value, tags.transfer) for value in signal)
    if tags.primaries != "bt709":
        light = _times(_to_bt709(tags.primaries), light)
    red, green, blue = (255 * _code(min(1, max(0, value)), screen) for value in light)
    return red, green, blue


def write_patches(
    path: Path, samples: Sequence[tuple[int, int, int]], tags: Tags, *, codec: Sequence[str] = ("-c:v", "ffv1")
) -> None:
    """Write a video of one second whose patches, from left to right, are these 10-bit samples."""
    planes = [b"".join(struct.pack("<H", sample[place]) * PATCH_PX for sample in samples) for place in range(3)]
    raw = path.with_suffix(".yuv")
    raw.write_bytes(b"".join(plane * PATCH_PX for plane in planes) * 5)
    size = f"{len(samples) * PATCH_PX}x{PATCH_PX}"
    codes = {"gamma22": "bt470m", "gamma28": "bt470bg", "log": "log100", "log_sqrt": "log316"}
    words = {name: word for word, name in codes.items()}
    said = ["-color_primaries", tags.primaries, "-color_trc", words.get(tags.transfer, tags.transfer)]
    said += ["-colorspace", tags.matrix, "-color_range", "pc" if tags.is_full else "tv"]
    params = f"setparams=range={'pc' if tags.is_full else 'tv'}:color_primaries={tags.primaries}"
    params += f":color_trc={tags.transfer}:colorspace={tags.matrix}"
    args = ["-f", "rawvideo", "-pix_fmt", "yuv444p10le", "-s", size, "-r", "5", "-i", raw, "-vf", params, *codec]
    run_ffmpeg([*args, *said, path])


def read_patches(path: Path, count: int, *, filters: str = "null") -> list[RGB]:
    """Return the 8-bit samples of a video's first picture, in 4:2:0: the mean of each patch's inner half."""
    args = ["ffmpeg", "-v", "error", "-i", str(path), "-vf", filters, "-frames:v", "1", "-f", "rawvideo", "pipe:1"]
    data = subprocess.run(args, capture_output=True, check=True).stdout
    width, height = count * PATCH_PX, PATCH_PX
    assert len(data) == width * height * 3 // 2
    luma, chroma = width * height, width * height // 4
    planes = [
        (data[:luma], width, PATCH_PX),
        (data[luma : luma + chroma], width // 2, PATCH_PX // 2),
        (data[luma + chroma :], width // 2, PATCH_PX // 2),
    ]
    rows = [[_mean(plane, across, side, number) for number in range(count)] for plane, across, side in planes]
    return [(y, u, v) for y, u, v in zip(*rows, strict=True)]


def _mean(plane: bytes, width: int, side: int, number: int) -> float:
    inner = range(side // 4, side - side // 4)
    values = [plane[y * width + number * side + x] for y in inner for x in inner]
    return sum(values) / len(values)


def _parts(sample: RGB, is_full: bool, bits: int) -> RGB:
    luma, blue, red = sample
    if is_full:
        most = (1 << bits) - 1
        return luma / most, (blue - (1 << bits - 1)) / most, (red - (1 << bits - 1)) / most
    step = 1 << bits - 8
    return (luma / step - 16) / 219, (blue / step - 128) / 224, (red / step - 128) / 224


def _signal(parts: RGB, tags: Tags) -> RGB:
    luma, to_blue, to_red = parts
    if tags.matrix == "ycgco":
        return luma - to_blue + to_red, luma + to_blue, luma - to_blue - to_red
    red_share, blue_share = _shares(tags)
    green_share = 1 - red_share - blue_share
    if tags.matrix in ("bt2020c", "chroma-derived-c"):
        red = luma + to_red * 2 * (_oetf(1 - red_share) if to_red < 0 else 1 - _oetf(red_share))
        blue = luma + to_blue * 2 * (_oetf(1 - blue_share) if to_blue < 0 else 1 - _oetf(blue_share))
        light = [_inverse_oetf(min(1, max(0, value))) for value in (red, luma, blue)]
        return red, _oetf((light[1] - red_share * light[0] - blue_share * light[2]) / green_share), blue
    red, blue = luma + 2 * (1 - red_share) * to_red, luma + 2 * (1 - blue_share) * to_blue
    return red, (luma - red_share * red - blue_share * blue) / green_share, blue


def _shares(tags: Tags) -> tuple[float, float]:
    if tags.matrix in _LUMA:
        return _LUMA[tags.matrix]
    luminance = _to_xyz(tags.primaries)[1]
    return luminance[0], luminance[2]


def _oetf(light: float) -> float:
    return 4.5 * light if light < 0.018053968 else 1.09929682 * light**0.45 - 0.09929682


def _inverse_oetf(signal: float) -> float:
    return signal / 4.5 if signal < 0.08124286 else ((signal + 0.09929682) / 1.09929682) ** (1 / 0.45)


def _light(signal: float, transfer: str) -> float:
    curves = {
        "bt470m": lambda: signal**2.2,
        "bt470bg": lambda: signal**2.8,
        "linear": lambda: signal,
        "log100": lambda: math.pow(10, 2 * (signal - 1)),
        "log316": lambda: math.pow(10, 2.5 * (signal - 1)),
        "iec61966-2-1": lambda: signal / 12.92 if signal <= 0.04045 else ((signal + 0.055) / 1.055) ** 2.4,
        "smpte428": lambda: 52.37 / 48 * signal**2.6,
    }
    return float(curves.get(transfer, lambda: signal**2.4)())


def _code(light: float, transfer: str) -> float:
    if transfer == "iec61966-2-1":
        return 12.92 * light if light <= 0.0031308 else float(1.055 * light ** (1 / 2.4) - 0.055)
    return float(light ** (1 / {"bt470m": 2.2, "bt470bg": 2.8}.get(transfer, 2.4)))


def _to_bt709(primaries: str) -> list[list[float]]:
    bradford = [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
    here, there = (_times(bradford, _white(_GAMUTS[name][3])) for name in (primaries, "bt709"))
    cone = [[there[row] / here[row] * bradford[row][place] for place in range(3)] for row in range(3)]
    seen = _solved(bradford, cone)
    return _solved(_to_xyz("bt709"), _product(seen, _to_xyz(primaries)))


def _to_xyz(primaries: str) -> list[list[float]]:
    *points, white = _GAMUTS[primaries]
    rows = [[x for x, _ in points], [y for _, y in points], [1 - x - y for x, y in points]]
    amounts = [row[0] for row in _solved(rows, [[value] for value in _white(white)])]
    return [[value * amount for value, amount in zip(row, amounts, strict=True)] for row in rows]


def _white(point: tuple[float, float]) -> RGB:
    x, y = point
    return x / y, 1.0, (1 - x - y) / y


def _times(rows: Sequence[Sequence[float]], column: Sequence[float]) -> tuple[float, ...]:
    return tuple(sum(a * b for a, b in zip(row, column, strict=True)) for row in rows)


def _product(left: Sequence[Sequence[float]], right: Sequence[Sequence[float]]) -> list[list[float]]:
    return [
        [sum(a * b for a, b in zip(row, column, strict=True)) for column in zip(*right, strict=True)] for row in left
    ]


def _solved(rows: Sequence[Sequence[float]], wanted: Sequence[Sequence[float]]) -> list[list[float]]:
    """Return X where rows·X = wanted, by elimination."""
    table = [[*row, *right] for row, right in zip(rows, wanted, strict=True)]
    for place in range(3):
        pivot = max(range(place, 3), key=lambda row: abs(table[row][place]))
        table[place], table[pivot] = table[pivot], table[place]
        table[place] = [value / table[place][place] for value in table[place]]
        for other in (row for row in range(3) if row != place):
            table[other] = [a - table[other][place] * b for a, b in zip(table[other], table[place], strict=True)]
    return [row[3:] for row in table]


def _clipped(signal: RGB) -> RGB:
    red, green, blue = (min(1.0, max(0.0, value)) for value in signal)
    return red, green, blue
