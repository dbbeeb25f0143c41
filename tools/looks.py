"""From what the planner asks to be shown, to views with their closed list of findings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from knowledge.ranking.leading import Relevance, leading
from knowledge.vocabulary import Term, Vocabulary
from tools.errors import ToolFailure
from tools.imaging.body import regions_named, regions_shown, spoken
from tools.imaging.raster import AS_DISPLAYED, COMPOSITES, even_slices, slice_views
from tools.imaging.series import Series
from tools.imaging.views import reformat_view, slab_view
from tools.imaging.volume import Volume
from tools.imaging.windows import WINDOWS, Projection, View
from tools.shown import RADIOGRAPHS, Look
from tools.weigh import knowledge_modality
from tools.workbench import ShownIn

Plane = Literal["", "coronal", "sagittal", "axial"]

# How many slices one look shows: enough to cross a chest every 2-3 cm, within what a GPU of 16 GB
# holds at 256 tokens an image.
_SLICES_PER_LOOK = 16
MOST_TERMS = 120  # some 1,800 tokens
_SLABS_PER_LOOK = 8
_CUTS_PER_LOOK = 6
# The upper abdomen at the lower end of a chest CT is not read as an abdomen.
_OF_THE_VOCABULARY = {
    **{
        region: region
        for region in ("head", "neck", "chest", "breast", "abdomen", "pelvis", "spine")
    },
    **{f"{part} spine": "spine" for part in ("cervical", "thoracic", "lumbar")},
    "upper abdomen": "",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """Which views of a series are wanted.

    Attributes:
        slices: 1-based numbers of slices, which slabs have in their middle; of rows or columns
            where a plane is given; () for an even choice, or one cut through the body's middle.
        plane: Reformat along it, one voxel thick; "" shows the slices as they were made.
        projection: "slice" for single slices, else how each slab becomes one picture.
        thickness_mm: Of a slab.
    """

    slices: tuple[int, ...] = ()
    plane: Plane = ""
    projection: Projection = "slice"
    thickness_mm: float = 10.0


def make_look(
    volume: Volume,
    series: Series,
    window: str,
    choice: Choice,
    terms: Sequence[Term],
    *,
    dicom_store: str = "",
) -> Look:
    """The views of one window, ready to be asked about.

    Args:
        dicom_store: DICOMweb root of the store that holds the study, for an endpoint that reads it
            there. Views that are a slice as it lies in the store carry its URI: radiographs, and
            CT in the window that such an endpoint makes itself, "medgemma".

    Raises:
        ToolFailure: When the window, the slices or the plane do not fit the series.
    """
    views = _views(volume, series.id, window, choice)
    is_as_stored = window in ("medgemma", AS_DISPLAYED) and not any(
        view.cut or view.projection != "slice" for view in views
    )
    uris: tuple[str, ...] = ()
    if dicom_store and is_as_stored and volume.instances is not None:
        uris = tuple(f"{dicom_store}/{volume.instances[v.slices[0] - 1]}" for v in views)
    return Look(
        views=views,
        dicomweb_uris=uris,
        terms=tuple(terms),
        # The frames of a clip are in order of time, and loose slices of CT and MR in that of space.
        is_volume=series.kind != "image" and series.unit != "display" and not choice.plane,
        modality=series.modality,
        body_part=series.body_part,
    )


def terms_for(vocabulary: Vocabulary, series: Series, window: str) -> tuple[Term, ...]:
    """The closed list of a window and body part: what the vocabulary says is best seen there.

    A window that no term is best seen in ("medgemma", "wide", "as displayed") gets the findings of
    the series' modality; a radiograph those of radiographs, an MR those of its sequence.

    Raises:
        ToolFailure: When the vocabulary has no finding for the modality.
    """
    modality = knowledge_modality(series.modality)
    place = window
    if window == AS_DISPLAYED:
        place = "radiograph" if series.modality in RADIOGRAPHS else series.sequence
    regions = _regions(series.body_part)
    terms = vocabulary.for_window(place, modality, regions) or tuple(
        t
        for t in vocabulary.terms.values()
        if t.kind == "finding"
        and (not modality or modality in t.modality)
        and t.is_seen_in(regions)
    )
    if not any(t.kind == "finding" for t in terms):
        where = f" of the {spoken(series.body_part)}" if regions else ""
        raise ToolFailure(
            f"the vocabulary has no finding of {series.modality}{where} for the {window} window; "
            "ask for another series or window"
        )
    return terms


def asked_of(terms: Sequence[Term], series: Series, weight: Relevance) -> tuple[Term, ...]:
    """The MOST_TERMS that lead a closed list; the finer ones are left to be asked for by name.

    Args:
        weight: How often the entries show each term (knowledge.ranking.leading).
    """
    return leading(terms, weight, knowledge_modality(series.modality), MOST_TERMS)


def _regions(body_part: str) -> frozenset[str]:
    """The vocabulary's regions that a DICOM Body Part Examined shows; empty when not known."""
    shown = regions_shown(body_part)
    return frozenset(_OF_THE_VOCABULARY.get(region, "limb") for region in shown) - {""}


def window_of(term: Term, series: Series) -> str:
    """The window that a term is asked in: where it is best seen, if the series has that window."""
    if series.unit != "HU":
        return AS_DISPLAYED
    return term.window if term.window in WINDOWS else "medgemma"


def displayed_windows(body_part: str, region: str = "") -> tuple[str, ...]:
    """The grey windows that a viewer shows such a CT in, the first one first.

    Args:
        body_part: DICOM's, "" when unknown.
        region: In plain words, for a series without one.
    """
    regions = set(regions_shown(body_part) or regions_named(region))
    if "chest" in regions:
        return ("lung", "soft tissue")
    return ("brain",) if regions == {"head"} else ("soft tissue",)


def shown_window(asked: str, series: Series, windows: ShownIn) -> str:
    """The window whose pixels stand for the one asked for.

    What is looked for stays that of the window asked for, so that pixels alone differ. A window
    that does not exist stays as it is, to be refused.
    """
    if series.unit != "HU" or windows == "as-asked" or asked not in (*WINDOWS, *COMPOSITES):
        return asked
    if windows != "as-displayed":
        return windows
    return asked if asked in WINDOWS else displayed_windows(series.body_part)[0]


def _views(volume: Volume, series_id: str, window: str, choice: Choice) -> tuple[View, ...]:
    if choice.plane:
        if choice.projection != "slice":
            raise ToolFailure(
                f"a {choice.plane} reformat is one voxel thick and has no projection; ask for the "
                f"{choice.projection} without a plane, or for the plane without a projection"
            )
        if len(choice.slices) > _CUTS_PER_LOOK:
            raise ToolFailure(
                f"one look shows at most {_CUTS_PER_LOOK} cuts of a plane, got "
                f"{len(choice.slices)}; name fewer rows or columns, or look twice"
            )
        positions: tuple[int | None, ...] = choice.slices or (None,)
        return tuple(reformat_view(volume, series_id, window, choice.plane, at) for at in positions)
    if choice.projection == "slice":
        slices = choice.slices or even_slices(volume.slices, _SLICES_PER_LOOK)
        return slice_views(volume, series_id, window, slices)
    centres = choice.slices or even_slices(volume.slices, _SLABS_PER_LOOK)
    slabs = tuple(
        slab_view(
            volume,
            series_id,
            window,
            projection=choice.projection,
            centre=centre,
            thickness_mm=choice.thickness_mm,
        )
        for centre in centres
    )
    if any(len(slab.slices) == 1 for slab in slabs):
        raise ToolFailure(
            f"a slab of {choice.thickness_mm:g} mm of series {series_id} holds one slice and "
            "projects nothing; ask for single slices"
        )
    return slabs
