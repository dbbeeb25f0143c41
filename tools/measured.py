"""Findings from lung measurements: numbers to vocabulary terms by fixed thresholds.

Every threshold stands in THRESHOLDS with its reason. Between "present" and "absent" lies a band in
which measurement says nothing. What it cannot tell stays unsaid: cysts and emphysema with sharp
round holes look the same to it, cysts missing from the thin lung of the costophrenic angles may
only be hidden, a lung is only dark beside the other or against full inspiration,
and hyperinflation would need volumes predicted from height, sex and age.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from knowledge.reading.sides import Side
from knowledge.vocabulary import load_vocabulary
from tools.findings import Finding
from tools.imaging.measure import LungMeasurement

BACKEND = "lung measurement 2"


@dataclass(frozen=True, kw_only=True, slots=True)
class Threshold:
    """From `present` up a term is present, below `absent` it is absent, between it is unsaid.

    Attributes:
        absent: None when measuring below `present` says nothing.
    """

    present: float
    absent: float | None
    why: str

    def excludes(self, value: float) -> bool:
        """Whether a value is low enough to call the term absent."""
        return self.absent is not None and value < self.absent


THRESHOLDS: Mapping[str, Threshold] = MappingProxyType(
    {
        "cyst count": Threshold(
            present=11,
            absent=5,
            why="more than ten thin-walled round cysts are the European Respiratory Society's "
            "CT criterion for lymphangioleiomyomatosis (2010); single cysts come with age",
        ),
        "cyst fraction": Threshold(
            present=0.01,
            absent=0.002,
            why="specks of noise in thin lung pass as small cysts but fill next to nothing",
        ),
        "cyst ring HU": Threshold(
            present=-600,
            absent=None,
            why="below this a ring some 3 mm off the lumen is lung, so the wall is thin "
            "(Fleischner: under 2 mm); a thick wall brings the ring towards soft tissue",
        ),
        "LAA-950": Threshold(
            present=0.10,
            absent=0.05,
            why="5 to 6 % is the usual bound of normal on thin slices at full inspiration; "
            "sharp kernels and thin slices raise it, so twice as much is asked",
        ),
        "side difference HU": Threshold(
            present=40,
            absent=25,
            why="healthy lungs differ by some 10 HU from gravity and breath",
        ),
        "dark side HU": Threshold(
            present=-880,
            absent=None,
            why="above this the lung is not dark; the other may be dense instead",
        ),
        "left share": Threshold(
            present=0.38,
            absent=None,
            why="the left lung holds 44 to 48 % of the air; right of 0.55 the right is small",
        ),
        "dense fraction": Threshold(
            present=0.01,
            absent=0.005,
            why="peripheral lung reaches +100 HU only where it calcifies; contrast in small "
            "vessels gives some tenths of a percent",
        ),
        "specks": Threshold(
            present=300,
            absent=None,
            why="innumerable: granulomas are a handful",
        ),
    }
)
_RIGHT_SMALL_SHARE = 0.55
_PREDOMINANT = 2.0  # one end of the lungs holds twice the share of the other
_EVEN = 0.4  # the poorest third holds at least this share of the richest
_SYMMETRIC = 0.5
_NOT_SPARED = 0.5  # the angles hold at least half of the average share


def findings_from_lungs(m: LungMeasurement, series_id: str) -> list[Finding]:
    """Name what the numbers show and what they exclude.

    Args:
        m: Of one series.
        series_id: S1 and on; the findings carry it.

    Returns:
        Findings without ids, present ones first; every term once.
    """
    found = [*_cysts(m), *_attenuation(m), *_volume(m), *_dense(m)]
    once: dict[str, Finding] = {}
    for finding in found:
        once.setdefault(finding.term, finding)
    findings = [f.model_copy(update={"series": series_id}) for f in once.values()]
    return sorted(findings, key=lambda f: not f.present)


def _cysts(m: LungMeasurement) -> list[Finding]:
    cysts, number, share = m.cysts, THRESHOLDS["cyst count"], THRESHOLDS["cyst fraction"]
    value = (
        f"{cysts.count} round air clusters of 5 to 40 mm, {_percent(cysts.fraction)} of the lung"
    )
    if cysts.diameters_mm is not None:
        value += ", 10th, 50th and 90th percentile {:.0f}, {:.0f} and {:.0f} mm".format(
            *cysts.diameters_mm
        )
    if number.excludes(cysts.count) and share.excludes(cysts.fraction):
        return [_finding("lung-cysts", False, 0.7, value)]
    both = min(cysts.left, cysts.right) >= 3
    if cysts.count < number.present or cysts.fraction < share.present or not both:
        return []
    shown, sure = cysts.slices, 0.85 if cysts.fraction >= 3 * share.present else 0.7
    found = [_finding("lung-cysts", True, sure, value, shown, "bilateral")]
    ring = cysts.median_ring_hu
    if ring is not None and ring < THRESHOLDS["cyst ring HU"].present:
        wall = f"{ring:.0f} HU some 3 mm off the lumen"
        found.append(_finding("thin-walled-cysts", True, sure - 0.1, wall, shown, "bilateral"))
    found.extend(_where(cysts.thirds, (cysts.left_fraction, cysts.right_fraction), shown, "cysts"))
    # Cysts found in the angles exclude sparing; none found there may be thin lung hiding them.
    if cysts.costophrenic_fraction >= _NOT_SPARED * cysts.fraction:
        there = (
            f"{_percent(cysts.costophrenic_fraction)} cysts in the lowest 25 mm, "
            f"{_percent(cysts.fraction)} in all"
        )
        found.append(_finding("costophrenic-angle-sparing", False, 0.7, there))
    return found


def _attenuation(m: LungMeasurement) -> list[Finding]:
    low = THRESHOLDS["LAA-950"]
    share = {"left": m.left.laa950_fraction, "right": m.right.laa950_fraction}
    value = (
        f"LAA-950 left {_percent(share['left'])}, right {_percent(share['right'])}; "
        f"mean left {m.left.mean_hu:.0f} HU, right {m.right.mean_hu:.0f} HU; "
        f"15th percentile {m.both.percentile15_hu} HU; {m.conditions.summary()}"
    )
    found: list[Finding] = []
    dark = [name for name, s in share.items() if s >= low.present]
    side: Side = "bilateral" if len(dark) == 2 else "left" if dark == ["left"] else "right"
    if dark:
        term = "decreased-lung-attenuation"
        # A sharp kernel spreads normal lung below -950 HU, so its word is worth less.
        sure = 0.6 if m.conditions.sharpness == "sharp" else 0.8
        found.append(_finding(term, True, sure, value, m.low_slices, side))
    elif low.excludes(max(share.values())):
        found.append(_finding("decreased-lung-attenuation", False, 0.75, value))

    apart = THRESHOLDS["side difference HU"]
    difference = abs(m.left.mean_hu - m.right.mean_hu)
    darker: Side = "left" if m.left.mean_hu < m.right.mean_hu else "right"
    darkest = min(m.left.mean_hu, m.right.mean_hu)
    value = f"the {darker} lung is {difference:.0f} HU darker; {value}"
    term = "unilateral-hyperlucent-lung"
    if difference >= apart.present and darkest < THRESHOLDS["dark side HU"].present:
        if dark == [darker]:
            found.append(_finding(term, True, 0.85, value, m.widest_slices, darker))
    elif apart.excludes(difference):
        found.append(_finding(term, False, 0.85, value))
    return found


def _volume(m: LungMeasurement) -> list[Finding]:
    """Aerated volume only: fluid, collapse and a small lung all take air away."""
    left = m.left.volume_l / m.both.volume_l
    value = f"aerated lung: left {m.left.volume_l:.2f} l, right {m.right.volume_l:.2f} l"
    if left < THRESHOLDS["left share"].present:
        return [_finding("lung-volume-loss", True, 0.6, value, m.widest_slices, "left")]
    if left > _RIGHT_SMALL_SHARE:
        return [_finding("lung-volume-loss", True, 0.6, value, m.widest_slices, "right")]
    return []


def _dense(m: LungMeasurement) -> list[Finding]:
    dense, share = m.dense, THRESHOLDS["dense fraction"]
    value = (
        f"{_percent(dense.fraction)} of the peripheral lung above +100 HU, "
        f"{dense.specks} specks of at most 5 mm"
    )
    least = min(dense.left_fraction, dense.right_fraction)
    if share.excludes(max(dense.left_fraction, dense.right_fraction)):
        return [
            _finding("calcified-micronodules", False, 0.8, value),
            _finding("high-attenuation-lung", False, 0.8, value),
        ]
    if least < share.present:
        return []
    found = [_finding("high-attenuation-lung", True, 0.8, value, dense.slices, "bilateral")]
    if dense.specks >= THRESHOLDS["specks"].present:
        term = "calcified-micronodules"
        found.insert(0, _finding(term, True, 0.8, value, dense.slices, "bilateral"))
    sides = dense.left_fraction, dense.right_fraction
    return found + _where(dense.thirds, sides, dense.slices, "dense lung")


def _where(
    thirds: tuple[float, float, float],
    sides: tuple[float, float],
    slices: tuple[int, ...],
    what: str,
) -> list[Finding]:
    """Distribution over the height and the sides of the lungs."""
    upper, _, lower = thirds
    value = f"{what}: " + ", ".join(
        f"{name} third {_percent(share)}"
        for name, share in zip(("upper", "middle", "lower"), thirds, strict=True)
    )
    found: list[Finding] = []
    if upper >= _PREDOMINANT * lower:
        found.append(_finding("upper-lung-predominance", True, 0.7, value, slices))
    elif lower >= _PREDOMINANT * upper:
        found.append(_finding("lower-lung-predominance", True, 0.7, value, slices))
    elif min(thirds) >= _EVEN * max(thirds):
        found.append(_finding("diffuse-distribution", True, 0.7, value, slices))
    if min(sides) >= _SYMMETRIC * max(sides):
        halves = f"{what}: left {_percent(sides[0])}, right {_percent(sides[1])}"
        term = "bilateral-symmetric-distribution"
        found.append(_finding(term, True, 0.7, halves, slices, "bilateral"))
    return found


def _finding(
    term: str,
    present: bool,
    certainty: float,
    value: str,
    slices: tuple[int, ...] = (),
    side: Side = "",
) -> Finding:
    return Finding(
        term=term,
        name=load_vocabulary()[term].name,
        present=present,
        certainty=certainty,
        source="measurement",
        backend=BACKEND,
        slices=slices,
        side=side,
        value=value,
    )


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
