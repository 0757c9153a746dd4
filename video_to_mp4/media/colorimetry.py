"""Turns the colours of ITU-T H.273 into those of BT.709, by filters that every build of ffmpeg has.

swscale and zscale know some of the standard's matrices, curves and primaries each, and not the same ones in all
versions. Here all is done by two filters in 16 bits, whose numbers are worked out from the standard: `lutrgb` for what
concerns each channel alone, `colorchannelmixer` for what mixes them. Y', Cb and Cr are handed to them in the places of
green, blue and red. Light is what a screen makes of a signal (BT.1886: a power of 2.4), not what a camera saw.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Vector = tuple[float, float, float]
Rows = tuple[Vector, Vector, Vector]

_Point = tuple[float, float]

_D65, _C, _E, _DCI = (0.3127, 0.3290), (0.310, 0.316), (1 / 3, 1 / 3), (0.314, 0.351)
_P3 = ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060))
_SMPTE_C = ((0.630, 0.340), (0.310, 0.595), (0.155, 0.070))
_EBU_3213 = ((0.630, 0.340), (0.295, 0.605), (0.155, 0.077))

PRIMARIES: Mapping[str, tuple[tuple[_Point, _Point, _Point], _Point]] = {
    # red, green, blue and white: H.273, table 2
    "bt709": (((0.640, 0.330), (0.300, 0.600), (0.150, 0.060)), _D65),
    "bt470m": (((0.670, 0.330), (0.210, 0.710), (0.140, 0.080)), _C),
    "bt470bg": (((0.640, 0.330), (0.290, 0.600), (0.150, 0.060)), _D65),
    "smpte170m": (_SMPTE_C, _D65),
    "smpte240m": (_SMPTE_C, _D65),
    "film": (((0.681, 0.319), (0.243, 0.692), (0.145, 0.049)), _C),
    "bt2020": (((0.708, 0.292), (0.170, 0.797), (0.131, 0.046)), _D65),
    "smpte428": (((1.0, 0.0), (0.0, 1.0), (0.0, 0.0)), _E),
    "smpte431": (_P3, _DCI),
    "smpte432": (_P3, _D65),
    "jedec-p22": (_EBU_3213, _D65),
    "ebu3213": (_EBU_3213, _D65),
}

_LUMA: Mapping[str, tuple[float, float]] = {
    # what red and blue add to luma: H.273, table 4
    "bt709": (0.2126, 0.0722),
    "fcc": (0.30, 0.11),
    "bt470bg": (0.299, 0.114),
    "smpte170m": (0.299, 0.114),
    "smpte240m": (0.212, 0.087),
    "bt2020nc": (0.2627, 0.0593),
    "bt2020c": (0.2627, 0.0593),
}
_DERIVED = frozenset({"chroma-derived-nc", "chroma-derived-c"})
_CONSTANT_LUMINANCE = frozenset({"bt2020c", "chroma-derived-c"})
_YCGCO = "ycgco"
MATRICES = frozenset({*_LUMA, *_DERIVED, _YCGCO})
"""What `rgb_filters` can read."""


@dataclass(frozen=True)
class _Curve:
    """What a screen makes of a signal, and the way back, as ffmpeg's expressions; both go from 0 to 1."""

    light: str
    signal: str
    peak: float = 1.0
    """How much light the greatest signal is, by which the expression's light is divided."""


_VIDEO = _Curve("pow({x},2.4)", "pow({x},1/2.4)")
_SHOWN: Mapping[str, _Curve] = {
    # what players know and show: these stay as they are
    "iec61966-2-1": _Curve(
        "if(lte({x},0.04045),{x}/12.92,pow(({x}+0.055)/1.055,2.4))",
        "if(lte({x},0.0031308),12.92*{x},1.055*pow({x},1/2.4)-0.055)",
    ),
    "bt470m": _Curve("pow({x},2.2)", "pow({x},1/2.2)"),
    "bt470bg": _Curve("pow({x},2.8)", "pow({x},1/2.8)"),
}
_UNSHOWN: Mapping[str, _Curve] = {
    "linear": _Curve("{x}", _VIDEO.signal),
    "log100": _Curve("pow(10,2*({x}-1))", _VIDEO.signal),
    "log316": _Curve("pow(10,2.5*({x}-1))", _VIDEO.signal),
    "smpte428": _Curve("pow({x},2.6)", _VIDEO.signal, peak=52.37 / 48),
}
SHOWN_CURVES, UNSHOWN_CURVES = frozenset(_SHOWN), frozenset(_UNSHOWN)
_CURVES = {**_SHOWN, **_UNSHOWN}
"""All of H.273's table 3 but HDR's and the variants of BT.709's, which a picture gets instead of an unknown one."""

_SCENE = _Curve(
    "if(lt({x},0.08124),{x}/4.5,pow(({x}+0.0993)/1.0993,1/0.45))",
    "if(lt({x},0.01805),4.5*{x},1.0993*pow({x},0.45)-0.0993)",
)
"""BT.2020's own curve: with constant luminance, luma is a sum of the camera's light."""

_ONE = 65280
"""The largest number that `lutrgb` writes in 16 bits."""

_FULL_PARTS = ("val/65535", "val/65535")
_LIMITED_PARTS = ("(val-4096)/56064", "(val-32768)/57344+0.5")
"""Luma, and a chroma whose zero is one half."""

_LARGEST_GAIN = 2.0
"""The most that `colorchannelmixer` takes."""

_BRADFORD: Rows = ((0.8951, 0.2664, -0.1614), (-0.7502, 1.7135, 0.0367), (0.0389, -0.0685, 1.0296))


def rgb_filters(matrix: str, primaries: str, *, is_full: bool) -> list[str]:
    """Return what makes R'G'B' in 16 bits, with alpha, of Y'CbCr; `primaries` decide about derived matrices."""
    filters = ["format=yuva444p16le", _renamed("gbrap16le")]
    luma, chroma = _FULL_PARTS if is_full else _LIMITED_PARTS
    if matrix == _YCGCO:
        return [*filters, _lut(chroma, luma, chroma), _mix(((1, 1, -1), (0, 1, 1), (-1, 1, -1)), (0, -0.5, 1))]
    red, blue = _shares(matrix, primaries)
    if matrix in _CONSTANT_LUMINANCE:
        return [*filters, *_constant_luminance(luma, chroma, red, blue)]
    green = 1 - red - blue
    to_red, to_blue = 2 * (1 - red), 2 * (1 - blue)
    red_in_green, blue_in_green = -to_red * red / green, -to_blue * blue / green
    rows = ((to_red, 1, 0), (red_in_green, 1, blue_in_green), (0, 1, to_blue))
    offsets = (-to_red / 2, -(red_in_green + blue_in_green) / 2, -to_blue / 2)
    return [*filters, _lut(chroma, luma, chroma), _mix(rows, offsets)]


def opaque_rgb_filters() -> list[str]:
    """Return what makes R'G'B' in 16 bits, with alpha, of R'G'B' without it."""
    return ["format=gbrap16le", _same_lut("val/65535")]


def ycbcr_filters() -> list[str]:
    """Return what makes Y'CbCr, by BT.709's matrix and in limited range, of R'G'B' in 16 bits with alpha."""
    red, blue = _LUMA["bt709"]
    green = 1 - red - blue
    luma, chroma = 56064 / _ONE, 57344 / _ONE
    to_blue, to_red = chroma / (2 * (1 - blue)), chroma / (2 * (1 - red))
    rows = (
        ((1 - red) * to_red, -green * to_red, -blue * to_red),
        (red * luma, green * luma, blue * luma),
        (-red * to_blue, -green * to_blue, (1 - blue) * to_blue),
    )
    half = 32768 / _ONE
    return [_mix(rows, (half, 4096 / _ONE, half)), _renamed("yuva444p16le"), "scale=in_range=tv:out_range=tv"]


def bt709_filters(primaries: str, transfer: str) -> list[str]:
    """Return what makes 16-bit R'G'B' one of BT.709's primaries, and of its curve if players don't know its own."""
    curve = _CURVES.get(transfer, _VIDEO)
    if primaries not in PRIMARIES or primaries == "bt709":
        is_same = transfer not in UNSHOWN_CURVES
        return [] if is_same else [_same_lut(curve.signal.format(x=f"({curve.light}*{curve.peak:.6f})"))]
    rows = _scaled(_to_bt709(primaries), curve.peak)
    gain = max(1.0, max(abs(value) for row in rows for value in row) / _LARGEST_GAIN)
    signal = curve.signal.format(x=f"({{x}}*{gain:.6f})")
    return [_same_lut(curve.light), _mix(_scaled(rows, 1 / gain)), _same_lut(signal)]


def _constant_luminance(luma: str, chroma: str, red: float, blue: float) -> list[str]:
    """BT.2020's: what red and blue differ from luma has a scale of its own above and below 0 (table 4)."""
    least, most = _differences(red)
    of_red = _piecewise(chroma, least, most)
    of_blue = _piecewise(chroma, *_differences(blue))
    green = 1 - red - blue
    return [
        _lut(of_red, luma, of_blue),
        _mix(((2, 1, 0), (0, 1, 0), (0, 1, 2)), (-1, 0, -1)),
        _same_lut(_SCENE.light),
        _mix(((1, 0, 0), (-red / green, 1 / green, -blue / green), (0, 0, 1))),
        _same_lut(_SCENE.signal),
    ]


def _differences(share: float) -> tuple[float, float]:
    """Return how far below and above luma a colour gets that adds so much to it."""

    def signal(light: float) -> float:
        return float(1.0993 * light**0.45 - 0.0993)

    return signal(1 - share), 1 - signal(share)


def _piecewise(chroma: str, below: float, above: float) -> str:
    """Return half of a difference, around one half, of its stored value from 0 to 1."""
    return f"0.5+(({chroma})-0.5)*if(lt({chroma},0.5),{below:.6f},{above:.6f})"


def _shares(matrix: str, primaries: str) -> tuple[float, float]:
    if matrix in _DERIVED:
        luminance = _to_xyz(primaries if primaries in PRIMARIES else "bt709")[1]
        return luminance[0], luminance[2]
    return _LUMA[matrix]


def _to_bt709(primaries: str) -> Rows:
    """Return what turns light of these primaries into BT.709's, their white into its white (Bradford)."""
    here, there = (_product(_BRADFORD, _column(PRIMARIES[name][1])) for name in (primaries, "bt709"))
    scales = [there[place] / here[place] for place in range(3)]
    cone = _rows([[_BRADFORD[row][column] * scales[row] for column in range(3)] for row in range(3)])
    adapted = _times(_times(_inverse(_BRADFORD), cone), _to_xyz(primaries))
    return _times(_inverse(_to_xyz("bt709")), adapted)


def _to_xyz(primaries: str) -> Rows:
    points, white = PRIMARIES[primaries]
    columns = [(x, y, 1 - x - y) for x, y in points]
    rows = _rows([[column[row] for column in columns] for row in range(3)])
    amounts = _product(_inverse(rows), _column(white))
    return _rows([[row[place] * amounts[place] for place in range(3)] for row in rows])


def _column(white: _Point) -> Vector:
    x, y = white
    return x / y, 1.0, (1 - x - y) / y


def _product(rows: Rows, column: Sequence[float]) -> Vector:
    first, second, third = (sum(row[place] * column[place] for place in range(3)) for row in rows)
    return first, second, third


def _times(left: Rows, right: Rows) -> Rows:
    columns = [_product(left, [row[place] for row in right]) for place in range(3)]
    return _rows([[column[row] for column in columns] for row in range(3)])


def _scaled(rows: Rows, factor: float) -> Rows:
    return _rows([[value * factor for value in row] for row in rows])


def _inverse(rows: Rows) -> Rows:
    (a, b, c), (d, e, f), (g, h, i) = rows
    size = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)
    adjugate = [
        [e * i - f * h, c * h - b * i, b * f - c * e],
        [f * g - d * i, a * i - c * g, c * d - a * f],
        [d * h - e * g, b * g - a * h, a * e - b * d],
    ]
    return _scaled(_rows(adjugate), 1 / size)


def _rows(values: Sequence[Sequence[float]]) -> Rows:
    first, second, third = ((row[0], row[1], row[2]) for row in values)
    return first, second, third


def _renamed(pixel_format: str) -> str:
    """Take each plane for the one in its place in another format."""
    return "mergeplanes=" + ":".join(f"map{n}s=0:map{n}p={n}" for n in range(4)) + f":format={pixel_format}"


def _same_lut(expression: str) -> str:
    return _lut(expression, expression, expression)


def _lut(red: str, green: str, blue: str) -> str:
    """Write expressions from 0 to 1, of x or of the stored value, for whole numbers, which the filter rounds down."""
    channels = {"r": red, "g": green, "b": blue}
    curves = [f"{name}='{_ONE}*({text.format(x=f'(val/{_ONE})')})+0.5'" for name, text in channels.items()]
    return "lutrgb=" + ":".join([*curves, f"a={_ONE}"])


def _mix(rows: Rows, offsets: Vector = (0, 0, 0)) -> str:
    """Write a matrix; offsets are added by way of alpha, which is 1 everywhere."""
    gains = {
        f"{to}{by}": value
        for to, row, offset in zip("rgb", rows, offsets, strict=True)
        for by, value in zip("rgba", (*row, offset), strict=True)
    }
    return "colorchannelmixer=" + ":".join(f"{name}={value:.6f}" for name, value in gains.items())
