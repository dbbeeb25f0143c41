"""What a vision model is shown: views of one series in one window, and how they are introduced."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from knowledge.vocabulary import Term
from tools.findings import Sighting
from tools.imaging.raster import AS_DISPLAYED, even_slices
from tools.imaging.windows import View
from tools.prompts import render
from tools.vision.base import VisionModel, VisionPrompt

RADIOGRAPHS = frozenset({"CR", "DX", "RG", "XR"})
"""DICOM's modalities of a radiograph, and the knowledge base's word for them."""

_COMPOSITES = {
    "medgemma": "with a wide window in red, soft tissue in green and brain in blue",
    "note-rgb": "with the lung window in red, soft tissue in green and bone in blue",
}
_PROJECTIONS = {
    "slice": "slices",
    "mean": "thick slabs",
    "maximum": "maximum intensity projections",
    "minimum": "minimum intensity projections",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """Views to be asked about together, and what to look for in them.

    Attributes:
        views: Of one series in one window, in order; thinned evenly to what the backend takes.
        terms: The closed list, usually `Vocabulary.for_window`.
        is_volume: Whether the views are slices in anatomical order.
        dicomweb_uris: As of VisionPrompt.
        modality: DICOM's: CT, MR, CR, DX ...; "" when unknown.
        body_part: DICOM's: CHEST, ABDOMEN ...; "" when unknown.
    """

    views: tuple[View, ...]
    terms: tuple[Term, ...]
    is_volume: bool
    dicomweb_uris: tuple[str, ...] = ()
    modality: str = ""
    body_part: str = ""

    def __post_init__(self) -> None:
        if len({(view.series, view.window) for view in self.views}) != 1:
            raise ValueError(
                f"needs views of one series in one window, got {len(self.views)} views"
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """What a model was shown: the context of every finding that comes of it.

    Attributes:
        slices: 1-based numbers of the slices shown.
        left_out: How many views were given and not shown, because the backend takes fewer.
        backend: Identity of the vision model.
    """

    series: str
    window: str
    slices: tuple[int, ...]
    left_out: int
    backend: str

    def sightings(self, *, present: bool, certainty: float, cached: bool) -> tuple[Sighting, ...]:
        """The sighting of a finding where its own fields cannot tell all of it.

        An absent finding has no slices of its own, so its sighting holds those that were searched;
        that a reply came from the cache stands in a sighting alone.
        """
        if present and not cached:
            return ()
        sighting = Sighting(
            series=self.series,
            window=self.window,
            slices=self.slices,
            present=present,
            certainty=certainty,
            backend=self.backend,
            cached=cached,
        )
        return (sighting,)


def show(vision: VisionModel, look: Look) -> tuple[VisionPrompt, Shown]:
    """The prompt of a look, its question still empty, and what it shows."""
    can = vision.capabilities
    numbers = even_slices(len(look.views), can.images_per_prompt)
    views = tuple(look.views[number - 1] for number in numbers)
    first = views[0]
    # A classifier looks at each view by itself anyway, and reads from this that it is a slice.
    is_volume = look.is_volume and (can.volumes or not can.generates)
    prompt = VisionPrompt(
        instruction=render(
            "instruction_volume" if is_volume else "instruction_image",
            count=len(views),
            pictures=_pictures(first, look),
            shown_as=_shown_as(first.window),
        ),
        views=views,
        question="",
        is_volume=is_volume,
        dicomweb_uris=tuple(look.dicomweb_uris[n - 1] for n in numbers if look.dicomweb_uris),
    )
    shown = Shown(
        series=first.series,
        window=first.window,
        slices=slices_of(views),
        left_out=len(look.views) - len(views),
        backend=vision.identity,
    )
    return prompt, shown


def slices_of(views: Sequence[View]) -> tuple[int, ...]:
    """The numbers of all slices that views are made of, in order, each once."""
    return tuple(sorted({number for view in views for number in view.slices}))


def _pictures(view: View, look: Look) -> str:
    if look.modality in RADIOGRAPHS:
        return "radiograph(s)"
    kind = _PROJECTIONS[view.projection] if look.is_volume else "picture(s)"
    return " ".join(filter(None, (view.plane, look.modality, kind)))


def _shown_as(window: str) -> str:
    if window == AS_DISPLAYED:
        return "shown as displayed"
    return _COMPOSITES.get(window, f"shown in the {window} window")
