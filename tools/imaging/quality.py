"""The quality gate: what a series cannot show, before anyone looks at it.

Every sentence stands for something that the headers or the voxels show; where they leave it open,
nothing is said. It adds to `Series.limits`, which hold what loading found.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from tools.imaging.artefacts import limits_of_ct
from tools.imaging.body import regions_named, regions_shown, spoken
from tools.imaging.colour import luminance
from tools.imaging.pages import limits_of_picture
from tools.imaging.series import Series
from tools.imaging.volume import Volume

_FEW_SLICES = {"CT": 20, "MR": 10}
_ANISOTROPY = 2.5
_THICK_MM, _GAP = 5.0, 1.2

# What only one modality shows, in words that mean nothing else.
_ONLY_MR = re.compile(
    r"\b(?:flair|restricted diffusion|diffusion restriction|t[12][- ](?:weighted|hyperintens\w+"
    r"|hypointens\w+|signal)|(?:bone )?marrow o?edema|menisc(?:al|us) tears?)\b"
)
_ONLY_CT = re.compile(r"\b(?:hounsfield|coronary calcium|calcium score|emphysema index|in hu)\b")


def limits_of(series: Series, volume: Volume, *, question: str = "") -> tuple[str, ...]:
    """What the study cannot show, each as one sentence for a person and the planner.

    Args:
        series: With its modality, body part, spacing and thickness.
        volume: Its voxels; those of an image are as displayed, in grey or colour.
        question: The history or the request in plain words; the region it names is held against
            the body part of the series.
    """
    found = [*_against_question(series, question)]
    if series.kind == "image":
        shown = np.clip(np.rint(volume.voxels[0]), 0, 255).astype(np.uint8)
        return (*found, *limits_of_picture(luminance(shown)))
    found.extend(_sampling(series))
    if series.modality == "CT":
        if series.contrast is None and not series.contrast_phase:
            found.append("it is not known whether contrast was given: enhancement cannot be judged")
        region = spoken(series.body_part)
        found.extend(limits_of_ct(volume, may_show_lungs=not region or "chest" in region))
    return tuple(found)


def _against_question(series: Series, question: str) -> Iterator[str]:
    shown, named = regions_shown(series.body_part), regions_named(question)
    if shown and named and not set(shown) & set(named):
        asked = " and ".join(named)
        yield (
            f"the study shows the {spoken(series.body_part)}, the question is about the {asked}: "
            "it cannot answer it"
        )
    plain = question.casefold()
    if series.modality == "CT" and (word := _ONLY_MR.search(plain)):
        yield f"the question names {word[0]!r}, which MR shows and CT does not"
    if series.modality == "MR" and (word := _ONLY_CT.search(plain)):
        yield f"the question names {word[0]!r}, which CT shows and MR does not"


def _sampling(series: Series) -> Iterator[str]:
    fewest = _FEW_SLICES.get(series.modality, 0)
    if 1 < series.slices < fewest:
        yield f"only {series.slices} slices: most of the region may not be shown"
    if series.thickness_mm is not None and series.thickness_mm > _THICK_MM:
        yield f"slices {series.thickness_mm:.3g} mm thick: small lesions may be missed"
    if series.spacing_mm is None:
        return
    apart, pixel = series.spacing_mm[0], min(series.spacing_mm[1:])
    if apart > _ANISOTROPY * pixel:
        yield (
            f"slices {apart:.3g} mm apart, {apart / pixel:.1f} times the pixel: reformats are "
            "coarse"
        )
    if series.thickness_mm is not None and apart > _GAP * series.thickness_mm:
        yield f"{apart - series.thickness_mm:.3g} mm between slices are not imaged"
