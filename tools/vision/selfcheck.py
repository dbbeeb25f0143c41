"""Hallucination control: what a vision model claims to see where there is nothing to see."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from knowledge.vocabulary import Term, Vocabulary
from tools.ask import ask_look
from tools.errors import ToolFailure
from tools.extract import Extraction, extract_each
from tools.imaging.raster import slice_views
from tools.imaging.volume import Volume
from tools.imaging.windows import View
from tools.shown import Look
from tools.vision.base import VisionModel

WINDOWS = ("lung", "soft tissue", "bone")
"""Windows that are checked; the vocabulary has terms for each."""

_SHAPE = (16, 256, 256)
_SEED = 7
_TERMS = 24
_QUESTIONS = 16
_HEALTHY, _SHUFFLED, _BLACK = "healthy phantom", "its slices shuffled", "black pictures"


@dataclass(frozen=True, kw_only=True, slots=True)
class Invented:
    """What one window of one empty study was said to show.

    Attributes:
        study: The healthy phantom, the same with its slices shuffled, or black pictures.
        present: Ids of the terms said to be present: all of them invented.
        absent: How many terms were said to be absent.
        diseases: How often a disease was named.
        failure: Why the model gave no list; "" when it did.
    """

    study: str
    window: str
    present: tuple[str, ...]
    absent: int
    diseases: int
    failure: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SelfCheck:
    """Counts of a check; there is nothing to be seen in any of its pictures.

    Attributes:
        backend: Identity of the vision model.
        terms: How many terms each list offered, by window.
        invented: A row for each study and window.
        repaired: Lists that could be read only after a repair turn.
        questions: Closed questions asked on black pictures.
        yes: Of them, how many were answered with p(yes) of 0.5 or more.
        unanswered: Of them, how many were answered neither yes nor no.
        questions_failure: Why no question was answered; "" when they were.
    """

    backend: str
    terms: Mapping[str, int]
    invented: tuple[Invented, ...]
    repaired: int
    questions: int
    yes: int
    unanswered: int
    questions_failure: str

    def lines(self) -> tuple[str, ...]:
        """The check as a person reads it, counts with what they are of."""
        rows = [
            f"{row.study}, {row.window} window: no list ({row.failure})"
            if row.failure
            else f"{row.study}, {row.window} window: {len(row.present)} of "
            f"{self.terms[row.window]} findings invented"
            + (f" ({', '.join(row.present)})" if row.present else "")
            + (f", {row.diseases} diseases named" if row.diseases else "")
            for row in self.invented
        ]
        failed = sum(bool(row.failure) for row in self.invented)
        asked = (
            f"closed questions on {_BLACK}: none answered ({self.questions_failure})"
            if self.questions_failure
            else f"closed questions on {_BLACK}: yes to {self.yes} of {self.questions}, "
            f"{self.unanswered} answered neither yes nor no"
        )
        return (
            f"{self.backend}: nothing is to be seen in these pictures",
            *rows,
            asked,
            f"lists that needed a repair turn: {self.repaired} of {len(self.invented)}, "
            f"lists that failed: {failed} of {len(self.invented)}",
        )


def check_vision(
    vision: VisionModel,
    vocabulary: Vocabulary,
    *,
    is_disease: Callable[[str], bool],
    windows: Sequence[str] = WINDOWS,
    shape: tuple[int, int, int] = _SHAPE,
) -> SelfCheck:
    """Show a model studies without any finding, and count what it finds.

    A healthy made-up chest CT, the same with its slices shuffled, and black pictures each go
    through extraction in every window, with the first 24 CT findings that the vocabulary has for
    it; then 16 closed questions are asked on black pictures. A model that looks says that nothing
    is there. A list holds twelve findings at most, as in use.

    Args:
        vision: Who looks; without a reply cache, or the check repeats what an earlier one found.
        vocabulary: Where the terms are from.
        is_disease: Whether words name a disease; see `tools.diseases.disease_finder`.
        windows: Presets of CT for which the vocabulary has terms.
        shape: Slices, rows and columns of the phantom.

    Raises:
        UserError: When the person must mend a setting of the backend.
        ValueError: When the vocabulary has no CT finding for a window.
    """
    terms = {window: _terms(vocabulary, window) for window in windows}
    healthy = _phantom(shape)
    looks: list[tuple[str, Look]] = []
    for window in windows:
        views = slice_views(healthy, "S1", window, range(1, healthy.slices + 1))
        shuffled = np.random.default_rng(_SEED).permutation(len(views))
        for study, shown in (
            (_HEALTHY, views),
            (_SHUFFLED, tuple(views[n] for n in shuffled)),
            (_BLACK, _black(views)),
        ):
            looks.append((study, _look(shown, terms[window])))
    extracted = extract_each(vision, [look for _, look in looks], is_disease=is_disease)
    # The questions of the window that has most to be seen.
    first = windows[0]
    asked = _look(_black(looks[0][1].views), terms[first][:_QUESTIONS])
    failure = ""
    p_yes: list[float | None] = []
    try:
        p_yes = [answer.p_yes for answer in ask_look(vision, asked)]
    except ToolFailure as error:
        failure = str(error)
    return SelfCheck(
        backend=vision.identity,
        terms={window: len(offered) for window, offered in terms.items()},
        invented=tuple(_row(study, one) for (study, _), one in zip(looks, extracted, strict=True)),
        repaired=sum(one.repaired for one in extracted),
        questions=len(asked.terms),
        yes=sum(p is not None and p >= 0.5 for p in p_yes),
        unanswered=sum(p is None for p in p_yes),
        questions_failure=failure,
    )


def _terms(vocabulary: Vocabulary, window: str) -> tuple[Term, ...]:
    found = [t for t in vocabulary.for_window(window, "CT", {"chest"}) if t.kind == "finding"]
    if not found:
        raise ValueError(f"the vocabulary has no CT finding for the window {window!r}")
    return tuple(found[:_TERMS])


def _phantom(shape: tuple[int, int, int]) -> Volume:
    from tools.imaging.phantom import make_phantom
    from tools.imaging.phantom_lesions import Lesion

    healthy = make_phantom(lesion=Lesion.NONE, seed=_SEED, shape=shape)
    return Volume(voxels=healthy.hu, unit="HU", affine_lps_mm=None, spacing_mm=healthy.spacing_mm)


def _black(views: Sequence[View]) -> tuple[View, ...]:
    return tuple(replace(view, pixels=np.zeros_like(view.pixels)) for view in views)


def _look(views: Sequence[View], terms: tuple[Term, ...]) -> Look:
    return Look(views=tuple(views), terms=terms, is_volume=True, modality="CT", body_part="CHEST")


def _row(study: str, one: Extraction) -> Invented:
    present = tuple(finding.term for finding in one.findings if finding.present)
    return Invented(
        study=study,
        window=one.shown.window,
        present=present,
        absent=len(one.findings) - len(present),
        diseases=one.diseases_dropped,
        failure=one.failure,
    )
