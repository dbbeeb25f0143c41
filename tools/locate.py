"""Locating: the box around a finding on a radiograph."""

from __future__ import annotations

from dataclasses import replace

from knowledge.vocabulary import Term
from tools.errors import ToolFailure
from tools.findings import Finding
from tools.imaging.windows import View
from tools.prompts import render
from tools.shown import RADIOGRAPHS, Look, show
from tools.vision.base import Request, VisionModel
from tools.vision.boxes import parse_boxes

_MAX_NEW_TOKENS = 500


def locate_finding(
    vision: VisionModel, view: View, term: Term, modality: str
) -> tuple[int, int, int, int] | None:
    """Ask where on a radiograph a finding is.

    Args:
        vision: Who looks.
        view: The radiograph.
        term: What to find; it should have been seen before, because a model that is asked where
            something is rarely says that it is not there.
        modality: DICOM's, of the view's series.

    Returns:
        (left, top, right, bottom) in pixels of the image as loaded, right and bottom exclusive: the
        box that the model named first. None when it gave none.

    Raises:
        ToolFailure: When the series is no radiograph, the backend gives no boxes, or its answer
            was cut off.
    """
    if modality not in RADIOGRAPHS:
        raise ToolFailure(
            f"boxes exist for radiographs only, series {view.series} is {modality or 'unknown'}; "
            "ask for single slices to find the place of a finding"
        )
    if not vision.capabilities.localises:
        raise ToolFailure(
            f"{vision.identity} gives no boxes; ask for the finding's place and side instead"
        )
    look = Look(views=(view,), terms=(term,), is_volume=False, modality=modality)
    prompt, _ = show(vision, look)
    question = render("locate_finding", finding=term.name)
    request = Request(prompt=replace(prompt, question=question), max_new_tokens=_MAX_NEW_TOKENS)
    (reply,) = vision.generate((request,))
    if reply.is_cut_off:
        raise ToolFailure(
            "the vision model did not finish its list of boxes; ask for the finding's place and "
            "side instead"
        )
    rows, columns = view.pixels.shape[:2]
    boxes = parse_boxes(reply.text, (rows, columns), view.pixel_aspect)
    if not boxes:
        return None
    return boxes[0].left, boxes[0].top, boxes[0].right, boxes[0].bottom


def with_box(vision: VisionModel, look: Look, finding: Finding, term: Term) -> tuple[Finding, str]:
    """A finding with its box where there can be one, and why there is none where it failed."""
    is_radiograph = look.modality in RADIOGRAPHS and vision.capabilities.localises
    if not (finding.present and is_radiograph):
        return finding, ""
    try:
        box = locate_finding(vision, look.views[0], term, look.modality)
    except ToolFailure as failure:  # the answer stands without
        return finding, str(failure)
    return finding.model_copy(update={"box_px": box}), ""
