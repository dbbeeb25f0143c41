"""Findings of the vision model that a measurement of the same series excludes.

Only what a measurement can exclude is refuted, so the rules are few and their limits strict. Not
refuted, whatever the numbers: decreased attenuation, mosaic attenuation and air trapping (dark only
beside their neighbours), bullae and paraseptal emphysema (a few millilitres in one place), single
cysts or calcified nodules, loss of volume in one lobe (the rest of the lung makes up for it).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from knowledge.reading.sides import Side
from knowledge.vocabulary import Vocabulary, load_vocabulary
from tools.findings import Finding
from tools.imaging.measure import LungMeasurement


@dataclass(frozen=True, kw_only=True, slots=True)
class Limit:
    """A number that a measurement must stay below to refute, and why that number."""

    below: float
    why: str


LIMITS: Mapping[str, Limit] = MappingProxyType(
    {
        "emphysema thickness mm": Limit(
            below=3.1, why="thicker slices blur the holes of emphysema until they are above -950 HU"
        ),
        "emphysema LAA-950": Limit(
            below=0.005,
            why="emphysema that is more than a trace fills at least 0.5 % of a zone of the lung "
            "(Fleischner Society, 2015)",
        ),
        "emphysema pocket mm": Limit(
            below=3,
            why="a hole of 5 mm, about the least that is seen, leaves a pocket of more than 3 mm "
            "in such slices",
        ),
        "panlobular LAA-950": Limit(
            below=0.01,
            why="panlobular emphysema darkens whole lobules over wide areas, many times 1 % of "
            "a third of a lung",
        ),
        "cyst thickness mm": Limit(
            below=1.3, why="thicker slices hide cysts of less than 5 mm from measurement"
        ),
        "cyst pixel mm": Limit(below=1.05, why="coarser pixels hide them as well"),
        "cyst pocket mm": Limit(
            below=2,
            why="among cysts in both lungs some are 5 mm wide, and each leaves a pocket of more "
            "than 2 mm in such slices, however blurred",
        ),
        "side difference HU": Limit(
            below=15,
            why="that is less than three of the lung window's 256 greys, too little to be seen",
        ),
        "specks": Limit(
            below=30, why="countless specks as white as calcium are more than a person can count"
        ),
        "speckled fraction": Limit(
            below=0.0005, why="specks that run together fill more; vessels with contrast as well"
        ),
        "dense fraction": Limit(
            below=0.0002, why="lung as white as calcium is above +100 HU, and next to none is"
        ),
    }
)
# A healthy left lung holds 0.44 to 0.48 of the air; 0.01 more each way for the measurement.
_LEFT_SHARE = (0.43, 0.49)
# Lung without air is no part of what is measured, and what is dense in it is not counted.
_AIRLESS = ("consolidation", "atelectasis", "pulmonary-mass", "pleural-effusion")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Rule:
    """Which terms one check can refute.

    Attributes:
        terms: With all narrower terms of the vocabulary, but for those in `not_terms`.
        excludes: Says in numbers why a finding cannot be so, or nothing.
        needs_aerated_lung: It judges all lung, so it is silent where some has no air.
    """

    terms: tuple[str, ...]
    not_terms: tuple[str, ...] = ()
    excludes: Callable[[Finding, LungMeasurement], str]
    needs_aerated_lung: bool = False


def refute(findings: Sequence[Finding], measured: LungMeasurement) -> list[Finding]:
    """Mark present findings of the vision model that the measurement of their series excludes.

    Findings of other sources and series, absent findings, and those refuted or retracted already
    are returned as they are; nothing is dropped and nothing turns present.

    Args:
        findings: All of the case, since consolidated or collapsed lung limits what is excluded.
        measured: Made with its series given.

    Returns:
        The findings in their order; the refuted ones with the reason and its numbers.

    Raises:
        ValueError: When the measurement does not say which series it is of.
    """
    if not measured.series:
        raise ValueError("the measurement has no series id; pass series= to measure_lungs")
    vocabulary = load_vocabulary()
    airless = any(
        f.present and not f.retracted and _is_a(vocabulary, f.term, _AIRLESS) for f in findings
    )
    return [
        f.model_copy(update={"refuted": reason})
        if (reason := _reason(f, measured, vocabulary, airless))
        else f
        for f in findings
    ]


def _reason(
    finding: Finding, measured: LungMeasurement, vocabulary: Vocabulary, airless: bool
) -> str:
    live = finding.present and not (finding.refuted or finding.retracted)
    if not live or finding.source != "vision" or finding.series != measured.series:
        return ""
    for rule in _RULES:
        meant = _is_a(vocabulary, finding.term, rule.terms)
        spared = _is_a(vocabulary, finding.term, rule.not_terms)
        silent = airless and rule.needs_aerated_lung
        if meant and not (spared or silent) and (reason := rule.excludes(finding, measured)):
            return reason
    return ""


def _is_a(vocabulary: Vocabulary, term: str, broader: Sequence[str]) -> bool:
    """Whether a term is one of these or narrower than one."""
    if term not in vocabulary:
        return False
    return not {term, *vocabulary.ancestors(term)}.isdisjoint(broader)


def _no_emphysema(finding: Finding, m: LungMeasurement) -> str:
    low, pocket = LIMITS["emphysema LAA-950"], LIMITS["emphysema pocket mm"]
    most, widest = _most_low(finding.side, m), m.cysts.largest_pocket_mm
    thin = _is_thin(m, "emphysema thickness mm")
    if not thin or most >= low.below or widest >= pocket.below:
        return ""
    return (
        f"{_low_text(most, m)}, and no round pocket of low attenuation is {pocket.below:g} mm "
        f"wide: {low.why}"
    )


def _no_panlobular(finding: Finding, m: LungMeasurement) -> str:
    low, most = LIMITS["panlobular LAA-950"], _most_low(finding.side, m)
    if not _is_thin(m, "emphysema thickness mm") or most >= low.below:
        return ""
    return f"{_low_text(most, m)}: {low.why}"


def _no_cysts(finding: Finding, m: LungMeasurement) -> str:
    pocket = LIMITS["cyst pocket mm"]
    is_small = m.conditions.pixel_mm < LIMITS["cyst pixel mm"].below
    fine = _is_thin(m, "cyst thickness mm") and is_small
    if not fine or finding.side != "bilateral" or m.cysts.largest_pocket_mm >= pocket.below:
        return ""
    return (
        f"no round pocket of low attenuation is {pocket.below:g} mm wide "
        f"({m.conditions.summary()}): {pocket.why}"
    )


def _no_dark_lung(finding: Finding, m: LungMeasurement) -> str:
    """The mean alone would miss a dark lobe, the 15th percentile alone an even change."""
    limit = LIMITS["side difference HU"]
    mean = m.right.mean_hu - m.left.mean_hu  # above 0 where the left is darker
    low = float(m.right.percentile15_hu - m.left.percentile15_hu)
    darker = {"left": max(mean, low), "right": max(-mean, -low)}
    most = darker.get(finding.side, max(darker.values()))
    if most >= limit.below:
        return ""
    return (
        f"mean left {m.left.mean_hu:.0f} HU, right {m.right.mean_hu:.0f} HU; 15th percentile left "
        f"{m.left.percentile15_hu} HU, right {m.right.percentile15_hu} HU: {limit.why}"
    )


def _no_small_lung(finding: Finding, m: LungMeasurement) -> str:
    left = m.left.volume_l / m.both.volume_l
    least, most = _LEFT_SHARE
    small = left < least if finding.side == "left" else left > most
    if finding.side not in ("left", "right"):
        small = not least <= left <= most
    if small:
        return ""
    return (
        f"the left lung holds {m.left.volume_l:.2f} of {m.both.volume_l:.2f} l of air, "
        f"{100 * left:.0f} %: 44 to 48 % is normal"
    )


def _no_specks(finding: Finding, m: LungMeasurement) -> str:
    specks, share = LIMITS["specks"], LIMITS["speckled fraction"]
    dense = _dense_share(finding.side, m)
    if m.dense.specks >= specks.below or dense >= share.below:
        return ""
    return f"{_dense_text(dense)}, in {m.dense.specks} specks: {specks.why}"


def _no_dense_lung(finding: Finding, m: LungMeasurement) -> str:
    limit, dense = LIMITS["dense fraction"], _dense_share(finding.side, m)
    return f"{_dense_text(dense)}: {limit.why}" if dense < limit.below else ""


_RULES = (
    _Rule(terms=("panlobular-emphysema",), excludes=_no_panlobular),
    _Rule(
        terms=("pulmonary-emphysema-pattern",),
        not_terms=("paraseptal-emphysema", "panlobular-emphysema"),
        excludes=_no_emphysema,
    ),
    _Rule(
        # A single lesion of several cysts may hold fluid, which measurement takes for tissue.
        terms=("lung-cysts",),
        not_terms=("multicystic-lung-lesion",),
        excludes=_no_cysts,
    ),
    _Rule(terms=("unilateral-hyperlucent-lung",), excludes=_no_dark_lung),
    _Rule(terms=("small-lung",), excludes=_no_small_lung, needs_aerated_lung=True),
    _Rule(terms=("calcified-micronodules",), excludes=_no_specks),
    _Rule(terms=("high-attenuation-lung",), excludes=_no_dense_lung, needs_aerated_lung=True),
)


def _is_thin(m: LungMeasurement, limit: str) -> bool:
    """Whether slices are known to be thin enough; unknown is not."""
    thickness = m.conditions.thickness_mm
    return thickness is not None and thickness < LIMITS[limit].below


def _most_low(side: Side, m: LungMeasurement) -> float:
    """The largest share below -950 HU of any third of the lungs in question."""
    shares = {"left": m.left_laa950_thirds, "right": m.right_laa950_thirds}
    return max(shares.get(side, m.left_laa950_thirds + m.right_laa950_thirds))


def _low_text(most: float, m: LungMeasurement) -> str:
    return (
        f"LAA-950 is at most {100 * most:.1f} % in any third of a lung ({m.conditions.summary()})"
    )


def _dense_share(side: Side, m: LungMeasurement) -> float:
    shares = {"left": m.dense.left_fraction, "right": m.dense.right_fraction}
    return shares.get(side, max(shares.values()))


def _dense_text(share: float) -> str:
    return f"{100 * share:.2f} % of the peripheral lung is above +100 HU"
