"""The pictures of a case, for a model that is asked outright: what is shown, and in which window.

Data in HU can be shown in three ways; all else has its window baked in and is shown as it is.

- medgemma: MedGemma 1.5's format for CT: wide, soft tissue and brain in red, green and blue.
- note-rgb: lung, soft tissue and bone in red, green and blue.
- as-displayed: grey, one window a picture, as on a viewer: lung and soft tissue for a chest, brain
  for a head, soft tissue for the rest.
"""

from __future__ import annotations

from agent.case import Case
from evals.arms.arm import Windows
from tools.errors import UserError
from tools.imaging.raster import AS_DISPLAYED, even_slices, slice_views
from tools.imaging.series import Series
from tools.imaging.store import ArtifactStore
from tools.imaging.windows import View
from tools.looks import displayed_windows

MOST_PICTURES = 16
"""Of one request, shared evenly by the first so many series."""


def check_windows(case: Case, windows: Windows | None) -> None:
    """Refuse a choice of windows that nothing in the case can be shown in.

    Raises:
        UserError: When the case has images, and none is in HU.
    """
    if windows in (None, "as-displayed") or not case.series:
        return
    if not any(series.unit == "HU" for series in case.series):
        raise UserError(
            f"--windows {windows} needs data in HU, and the images of a case are "
            f"{case.series[0].origin} images with their window baked in; leave --windows out or "
            "give as-displayed"
        )


def views_of(case: Case, store: ArtifactStore, windows: Windows | None) -> tuple[View, ...]:
    """At most MOST_PICTURES views over all series, in their order; none for a case without images.

    Args:
        windows: For series in HU; None is medgemma.

    Raises:
        UserError: As of check_windows, or when the store has lost the pixels.
    """
    check_windows(case, windows)
    shown = case.series[:MOST_PICTURES]
    share = MOST_PICTURES // max(1, len(shown))
    return tuple(
        view
        for series in shown
        for view in _views(series, store, _names(series, case.region, windows), share)
    )


def is_one_volume(case: Case, views: tuple[View, ...]) -> bool:
    """Whether the views are the slices of one series in one window, in anatomical order."""
    first = case.series[0] if case.series else None
    return (
        first is not None
        and first.kind != "image"
        and first.unit != "display"
        and len({(view.series, view.window) for view in views}) == 1
    )


def _views(
    series: Series, store: ArtifactStore, windows: tuple[str, ...], share: int
) -> list[View]:
    volume = store.get(series.ref)
    shown = windows[: max(1, share)]
    slices = even_slices(volume.slices, max(1, share // len(shown)))
    return [view for w in shown for view in slice_views(volume, series.id, w, slices)]


def _names(series: Series, region: str, windows: Windows | None) -> tuple[str, ...]:
    """The windows that a series is shown in, in the words of tools.imaging."""
    if series.unit != "HU":
        return (AS_DISPLAYED,)
    if windows != "as-displayed":
        return (windows or "medgemma",)
    return displayed_windows(series.body_part, region)
