"""Which of several series fits measuring and looking best, and each series in one line.

The order, each rule only where those before it leave a tie:

1. a volume that may be measured, then one without spacing, then loose slices, then pictures;
2. HU, then another unit, then display grey;
3. at least 20 slices: fewer are a sample or a scout;
4. for CT, axial slices: coronal and sagittal ones are reformats;
5. thickness: 0.9 to 3 mm, then thinner (noisy), then up to 5 mm or unknown, then thicker;
6. for CT, the kernel: soft and medium, then unknown, then sharp, which sharpens noise into false
   emphysema (low attenuation) and false calcification;
7. most slices; then the order of loading.

The region of the body plays no part: which one matters is the question's to say.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from tools.errors import UserError
from tools.imaging.body import spoken
from tools.imaging.series import Series

Sharpness = Literal["soft", "medium", "sharp", ""]

_FEW_SLICES = 20
_THIN_MM, _USUAL_MM, _THICK_MM = 0.9, 3.05, 5.05  # headers round
_APART = 1.1  # slices that are that much further apart than thick, or closer, are said to be
_RADIOGRAPHS = frozenset({"CR", "DX", "MG", "IO", "PX", "XA", "RF"})

_NAMED: dict[str, Sharpness] = {
    # GE
    "SOFT": "soft", "STANDARD": "medium", "STND": "medium", "STD": "medium", "DETAIL": "medium",
    "CHEST": "medium", "LUNG": "sharp", "BONE": "sharp", "BONEPLUS": "sharp", "EDGE": "sharp",
    "ULTRA": "sharp",
    # Philips
    "A": "soft", "B": "medium", "D": "sharp", "E": "sharp", "L": "sharp", "YA": "sharp",
    "YB": "sharp", "YC": "sharp", "YD": "sharp", "SMOOTH": "soft", "SHARP": "sharp",
}  # fmt: skip
_CANON = re.compile(r"FC(\d{2})")
_SIEMENS = re.compile(r"[A-Z][A-Z]?(\d{2})[A-Z]?")


def kernel_sharpness(kernel: str) -> Sharpness:
    """How sharp a reconstruction kernel is, by its vendor's name; "" when that is not known.

    GE's and Philips' words and letters; Siemens' numbers (B30f, Br40d, Qr36, I70f), where below 30
    is smooth and from 50 sharp; Canon's and Toshiba's FC numbers, where FC30 to 35 are for bone and
    FC50 to 59 and 80 to 89 for lung and fine detail.
    """
    name = kernel.strip().upper().rstrip("+-")
    if name in _NAMED:
        return _NAMED[name]
    if canon := _CANON.fullmatch(name):
        number = int(canon[1])
        if number in (1, 2, 10, 11):
            return "soft"
        if 30 <= number <= 35 or 50 <= number <= 59 or 80 <= number <= 89:
            return "sharp"
        return "medium" if number in range(3, 6) or number in range(12, 15) else ""
    if siemens := _SIEMENS.fullmatch(name):
        number = int(siemens[1])
        return "soft" if number < 30 else "medium" if number < 50 else "sharp"
    return ""


def describe_series(series: Series) -> str:
    """A series in one line, as a radiologist would name it.

    For instance "CT chest, axial, 1.25 mm, sharp kernel B70f, portal venous, 133 slices of
    512x512"; what is not known is not said.
    """
    if series.origin == "picture":
        return f"picture as displayed, {series.columns}x{series.rows}"
    what = f"radiograph ({series.modality})" if _is_radiograph(series) else series.modality
    region = spoken(series.body_part)
    words = [f"{what} {region}" if region else what, series.sequence, series.plane]
    words.append(_thickness(series))
    if series.kernel:
        words.append(f"{kernel_sharpness(series.kernel)} kernel {series.kernel}".lstrip())
    contrast = {True: "with contrast", False: "non-contrast", None: ""}
    words.append(series.contrast_phase or contrast[series.contrast])
    if series.modality == "CT" and series.unit != "HU":
        words.append("not in HU")
    size = f"{series.columns}x{series.rows}"
    if series.kind == "image":
        words.append(size)
    else:
        plural = "slices" if series.slices > 1 else "slice"
        words.append(f"{series.slices} {'loose ' * (series.kind == 'slices')}{plural} of {size}")
    return ", ".join(word for word in words if word)


def rank_series(series: Sequence[Series]) -> tuple[list[int], str]:
    """The order of series, best first by the rules above, and why the first is it.

    Args:
        series: In the order of loading; where ids are still empty the first of the result will be
            S1, and is called that.

    Returns:
        Indices into `series`, and one sentence.

    Raises:
        ValueError: Without series.
    """
    if not series:
        raise ValueError("needs at least one series, got none")
    order = sorted(range(len(series)), key=lambda i: _rank(series[i]))
    best = series[order[0]]
    name = best.id or "S1"
    if len(series) == 1:
        return order, f"{name} is the only series: {describe_series(best)}"
    return order, f"{name} chosen of {len(series)}: {_why(best)}"


def choose(series: Sequence[Series], wanted_id: str) -> list[int]:
    """The order of series with the person's choice first and the others as ranked.

    Raises:
        UserError: When there is no series of that id.
    """
    wanted = wanted_id.strip().casefold()
    first = next((i for i, one in enumerate(series) if one.id.casefold() == wanted), None)
    if first is None or not wanted:
        there = "; ".join(f"{one.id} ({describe_series(one)})" for one in series)
        raise UserError(f"there is no series {wanted_id!r}; choose one of: {there or 'none'}")
    order, _ = rank_series(series)
    return [first, *(i for i in order if i != first)]


def _rank(series: Series) -> tuple[int, ...]:
    is_ct = series.modality == "CT"
    return (
        _use(series),
        ("HU", "stored", "display").index(series.unit),
        int(series.slices < _FEW_SLICES),
        int(is_ct and series.plane != "axial"),
        _thinness(series),
        {"soft": 0, "medium": 0, "": 1, "sharp": 2}[kernel_sharpness(series.kernel)] * is_ct,
        -series.slices,
    )


def _use(series: Series) -> int:
    if series.kind == "volume":
        return 0 if series.spacing_mm is not None else 1
    return 2 if series.kind == "slices" else 3


def _thickness_mm(series: Series) -> float | None:
    if series.thickness_mm is not None:
        return series.thickness_mm
    return None if series.spacing_mm is None else series.spacing_mm[0]


def _thinness(series: Series) -> int:
    thickness = _thickness_mm(series)
    if thickness is None:
        return 2
    if thickness < _THIN_MM:
        return 1
    return 0 if thickness <= _USUAL_MM else 2 if thickness <= _THICK_MM else 3


def _thickness(series: Series) -> str:
    thickness, spacing = series.thickness_mm, series.spacing_mm
    if thickness is None:
        return "" if spacing is None else f"slices {spacing[0]:.3g} mm apart"
    said = f"{thickness:.3g} mm"
    if spacing and not thickness / _APART <= spacing[0] <= thickness * _APART:
        said += f" every {spacing[0]:.3g} mm"
    return said


def _is_radiograph(series: Series) -> bool:
    return series.kind == "image" and series.modality in _RADIOGRAPHS


def _why(best: Series) -> str:
    """What speaks for the series that was chosen, in its own words."""
    if best.kind != "volume" or best.spacing_mm is None:
        return f"{describe_series(best)}; none of them can be measured"
    size = _thickness_mm(best)
    good: list[str] = []
    if size is not None and _thinness(best) <= 1:
        good.append(f"thin slices ({size:.3g} mm)")
    if (sharpness := kernel_sharpness(best.kernel)) in ("soft", "medium"):
        good.append(f"a {sharpness} kernel ({best.kernel})")
    if not good:
        good.append(f"{best.slices} slices")
    in_hu = "in HU " if best.unit == "HU" else ""
    return (
        f"a {best.modality} volume {in_hu}with {' and '.join(good)} fits measuring and looking best"
    )
