"""A made-up thorax in HU: ellipses, tubes and branching vessels, drawn slice by slice.

Coordinates are millimetres: x grows to the patient's left, y to the back, z to the head; x = y = 0
is the middle of the field and z = 0 its lower edge. Sizes are those of a slim adult in round
numbers: anatomy to test software on, not to learn from.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from tools.imaging.phantom_vessels import Canvas, Floats, Mask, Point, Tube, grow_vessels

FIELD_MM = (275.0, 358.4, 358.4)  # slices, rows, columns

_FAT_HU, _MUSCLE_HU, _BLOOD_HU, _LIVER_HU, _SPLEEN_HU = -100.0, 52.0, 42.0, 60.0, 48.0
_MARROW_HU, _CORTEX_HU, _CARTILAGE_HU, _DISC_HU = 170.0, 750.0, 110.0, 80.0
_LUNG_HU, _POSTERIOR_HU = -865.0, 45.0  # lung, and how much denser it is at the back than in front
_RIB_STEP_MM, _RIB_DROP_MM = 27.0, 80.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Build:
    """What two otherwise identical thoraxes may differ in.

    Attributes:
        shift_mm: How far heart and mediastinum stand to the left of normal.
        left_dome_mm: How much higher than normal the left diaphragm stands.
        left_calibre: Calibre of the left lung's vessels against normal.
        left_lung_hu: Added to the left lung's attenuation.
    """

    shift_mm: float = 0.0
    left_dome_mm: float = 0.0
    left_calibre: float = 1.0
    left_lung_hu: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Thorax:
    """The drawing, before blur and noise.

    Attributes:
        canvas: The voxels, lowest slice first.
        left, right: The lungs with the vessels in them, (slices, rows, columns) bool.
    """

    canvas: Canvas
    left: Mask
    right: Mask


def draw_thorax(shape: tuple[int, int, int], seed: int, build: Build) -> Thorax:
    """Draw a thorax; the same shape, seed and build give the same voxels."""
    steps = [field / n for field, n in zip(FIELD_MM, shape, strict=True)]
    canvas = Canvas.blank(shape, (steps[0], steps[1], steps[2]))
    lungs = np.zeros(shape, dtype=np.bool_)
    for k, z in enumerate(canvas.z):
        lungs[k] = _draw_slice(canvas.hu[k], canvas, float(z), build)
    for tube in _great_vessels(build.shift_mm):
        painted = canvas.tube(tube)
        lungs[painted.box] &= painted.coverage < 0.1
    on_left = canvas.x > build.shift_mm
    left, right = lungs & on_left, lungs & ~on_left
    _fill_lungs(canvas, left, right, build, seed)
    for mask, side, calibre in ((left, 1, build.left_calibre), (right, -1, 1.0)):
        hilum = (136.0, 6.0, side * 36.0 + build.shift_mm)
        for tube in grow_vessels(canvas, mask, hilum, calibre, 2 * seed + (side > 0)):
            canvas.tube(tube, within=mask)
    airways = _airways(build.shift_mm)
    for tube in airways:  # all walls first, so that no wall crosses a lumen
        wall = tuple(r + 1.2 for r in tube.radius_mm)
        canvas.tube(Tube(start=tube.start, end=tube.end, radius_mm=(wall[0], wall[1]), hu=20.0))
    for tube in airways:
        painted = canvas.tube(tube)
        for mask in (left, right):
            mask[painted.box] &= painted.coverage < 0.5
    return Thorax(canvas=canvas, left=left, right=right)


def _draw_slice(hu: Floats, canvas: Canvas, z: float, build: Build) -> Mask:
    """Draw one slice but for its tubes; returns where lung belongs."""
    x, y = canvas.x, canvas.y
    taper = _taper(z)
    middle = 20.0 * (1.0 - taper)
    ring = np.hypot(x / (134.0 * taper), (y - middle) / (91.0 * taper))
    depth = np.hypot(x, y - middle) * (1.0 - 1.0 / np.maximum(ring, 1e-3))  # mm outside the chest
    chest = ring < 1.0
    head = (z / FIELD_MM[0]) ** 2
    skin = np.hypot(x / (166.0 - 34.0 * head), (y - 8 - 17 * head) / (120.0 - 20.0 * head))

    hu[skin < 1.0] = _MUSCLE_HU
    hu[(skin < 0.99) & (skin > 0.90 + 0.025 * np.cos(2 * np.arctan2(y, x)))] = _FAT_HU
    hu[(np.abs(depth - 15.0) < 1.2) & (skin < 0.9)] = _FAT_HU  # between two layers of muscle
    _draw_ribs(hu, canvas, z, depth, middle)

    along = x - build.shift_mm
    column = np.clip(25.0 + (y + 15) * 0.38, 1.8, 25.0) * (1.0 - 0.25 * max(0.0, (z - 180) / 78))
    spine = np.hypot(x / 27.0, (y - 88) / 30.0) < 1
    heart = ((along - 20) / 60) ** 2 + ((y + 27) / 47) ** 2 + ((z - 88) / 56) ** 2
    left_side = x > 0
    dome = np.where(
        left_side,
        _dome(x - 70, y, 76.0 + build.left_dome_mm),
        _dome(x + 68, y, 88.0),
    )
    below = (z < dome) & chest
    lung = chest & (np.abs(along) >= column) & ~spine & ~below & (heart > 1.08)
    hu[chest] = _FAT_HU
    hu[chest & (heart < 1.0) & ~below] = _BLOOD_HU
    _draw_belly(hu, canvas, z, below & (z < dome - 3))
    hu[(z < dome) & (z >= dome - 3) & chest] = _MUSCLE_HU  # the diaphragm
    _draw_spine(hu, canvas, z)
    sternum = (np.abs(x) < 17) & (np.abs(y - middle + 91 * taper + 8) < 5)
    if 70 < z < 225:
        hu[sternum] = _MARROW_HU
        edge = (np.abs(x) > 15) | (np.abs(y - middle + 91 * taper + 8) > 3.5)
        hu[sternum & edge] = _CORTEX_HU * 0.6
    return np.asarray(lung, dtype=np.bool_)


def _taper(z: float) -> float:
    """Size of the chest at a height, 1 below; the apex ends at 256 mm."""
    rise = min(max((z - 95.0) / 165.0, 0.0), 0.975)
    return float((1.0 - rise**2.6) ** 0.58)


def _dome(x: Floats, y: Floats, top_mm: float) -> Floats:
    """Height of a diaphragm; deep at the back and the side, never under 18 mm."""
    height = top_mm - 62.0 * (np.abs(x) / 66.0) ** 2.4 - 62.0 * (np.abs(y + 8.0) / 88.0) ** 2.4
    return np.asarray(np.maximum(height, 18.0), dtype=np.float32)


def _draw_ribs(hu: Floats, canvas: Canvas, z: float, depth: Floats, middle: float) -> None:
    """Ribs run down and forward round the chest; their front ends are cartilage."""
    shell = (depth > 0) & (depth < 13)
    turn = np.arctan2(np.abs(canvas.x), canvas.y - middle)  # 0 at the back, pi in front
    drop = _RIB_DROP_MM * (1.0 - np.cos(turn)) / 2.0
    offset = np.mod(z + drop, _RIB_STEP_MM) - _RIB_STEP_MM / 2.0
    rib = np.hypot((depth - 6.5) / 4.2, offset / 6.0)
    rib[~shell | (turn > 2.75) | (turn < 0.28)] = 9.0
    hu[rib < 1.0] = np.where(turn > 2.35, _CARTILAGE_HU, _CORTEX_HU)[rib < 1.0]
    hu[(rib < 0.55) & (turn <= 2.35)] = _MARROW_HU
    if 150 < z < 245:  # the shoulder blades
        blade = (np.abs(depth - 24 - 0.05 * (z - 150)) < 2.5) & (turn > 0.55) & (turn < 1.15)
        hu[blade] = _CORTEX_HU * 0.7


def _draw_spine(hu: Floats, canvas: Canvas, z: float) -> None:
    x, y = canvas.x, canvas.y
    body = np.hypot(x / 18.0, (y - 82) / 14.5)
    height = z % 26.0
    if height < 5.0:
        hu[body < 0.95] = _DISC_HU
    else:
        endplate = height < 6.6 or height > 24.4
        hu[body < 1.0] = _CORTEX_HU * 0.6
        hu[body < 0.9] = _CORTEX_HU * 0.5 if endplate else _MARROW_HU
    ring = np.hypot(x / 14.0, (y - 103) / 11.0)
    hu[(ring < 1.0) & (body > 1.0)] = _CORTEX_HU * 0.7
    hu[ring < 0.68] = 25.0
    if height > 12.0:
        hu[(np.abs(x) < 3.0) & (y > 112) & (y < 121)] = _CORTEX_HU * 0.7
        processes = (np.abs(y - 104 - 0.1 * np.abs(x)) < 4) & (np.abs(x) > 12) & (np.abs(x) < 32)
        hu[processes] = _CORTEX_HU * 0.6


def _draw_belly(hu: Floats, canvas: Canvas, z: float, below: Mask) -> None:
    x, y = canvas.x, canvas.y
    hu[below] = _FAT_HU
    liver = (((x + 55) / 92) ** 2 + ((y + 2) / 84) ** 2 < 1) & (x < 45 - 0.5 * y)
    hu[below & liver] = _LIVER_HU
    spleen = np.hypot((x - 88) / 30, (y - 38) / 38) < 1
    hu[below & spleen] = _SPLEEN_HU
    stomach = ((x - 62) / 40) ** 2 + ((y + 18) / 36) ** 2 + ((z - 30) / 30) ** 2
    hu[below & (stomach < 1.0)] = 30.0
    hu[below & (stomach < 0.85) & (y < -32)] = -1000.0  # a gas bubble is not lung


def _fill_lungs(canvas: Canvas, left: Mask, right: Mask, build: Build, seed: int) -> None:
    """Lung: denser at the back and faintly mottled."""
    random = np.random.default_rng([seed, 2])
    waves = random.uniform(-0.05, 0.05, size=(6, 3)), random.uniform(0, 2 * np.pi, size=6)
    z, y, x = canvas.grid((slice(None), slice(None), slice(None)))
    texture = _LUNG_HU + _POSTERIOR_HU * (y + 10.0) / 90.0
    mottle = np.zeros(canvas.hu.shape, dtype=np.float32)
    for (a, b, c), phase in zip(*waves, strict=True):
        mottle += np.float32(4.0) * np.sin(a * z + b * y + np.float32(phase)) * np.cos(c * x)
    lungs = left | right
    canvas.hu[lungs] = (texture + mottle)[lungs]
    canvas.hu[left] += np.float32(build.left_lung_hu)


def _chain(points: list[Point], radius_mm: float, hu: float) -> list[Tube]:
    return [
        Tube(start=a, end=b, radius_mm=(radius_mm, radius_mm), hu=hu) for a, b in pairwise(points)
    ]


def _moved(points: list[Point], shift_mm: float) -> list[Point]:
    """Shift to the left, less towards neck and abdomen, where things are tied down."""
    return [(z, y, x + shift_mm * max(0.0, 1.0 - abs(z - 130.0) / 130.0)) for z, y, x in points]


def _great_vessels(shift_mm: float) -> list[Tube]:
    lines: tuple[tuple[float, list[Point]], ...] = (
        (14.5, [(112, -22, -10), (150, -24, -14), (172, -20, -12), (184, -4, 2), (182, 18, 14),
                (170, 44, 22), (140, 62, 27), (0, 62, 25)]),
        (13.0, [(112, -34, 14), (134, -28, 18), (142, -14, 20)]),
        (9.0, [(140, -14, 16), (138, -4, -10), (137, 2, -34)]),
        (9.0, [(142, -14, 20), (142, 2, 34)]),
        (9.0, [(100, -10, -26), (150, -14, -26), (205, -10, -22)]),
        (5.5, [(186, -6, -2), (215, -2, -14), (275, 8, -24)]),
        (4.5, [(186, 4, 8), (220, 8, 18), (275, 12, 26)]),
        (10.0, [(0, 22, -22), (70, 4, -24), (90, -6, -22)]),
    )  # fmt: skip
    tubes = [t for r, line in lines for t in _chain(_moved(line, shift_mm), r, _BLOOD_HU)]
    gullet: list[Point] = [(0, 44, 8), (150, 46, 4), (275, 40, 2)]
    return tubes + _chain(_moved(gullet, shift_mm), 7.0, 32.0)


def _airways(shift_mm: float) -> list[Tube]:
    lines: tuple[tuple[float, list[Point]], ...] = (
        (8.5, [(275, 20, 0), (158, 22, 0)]),
        (6.5, [(158, 22, 0), (140, 18, -34)]),
        (5.6, [(158, 22, 0), (134, 20, 40)]),
        (3.4, [(140, 18, -34), (158, 16, -52), (176, 10, -62)]),
        (3.4, [(140, 18, -34), (116, 26, -48), (94, 40, -60)]),
        (3.2, [(134, 20, 40), (150, 8, 56), (166, -8, 64)]),
        (3.2, [(134, 20, 40), (112, 32, 56), (94, 46, 68)]),
    )
    return [t for r, line in lines for t in _chain(_moved(line, shift_mm), r, -995.0)]
