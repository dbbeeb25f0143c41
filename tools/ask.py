"""Asking: closed questions to a vision model, each answered with a probability of yes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from knowledge.vocabulary import Term
from tools.errors import ToolFailure
from tools.findings import Finding
from tools.imaging.windows import View
from tools.prompts import render
from tools.shown import Look, Shown, show
from tools.vision.base import ClosedQuestion, HowAnswered, VisionModel


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """The answer to one closed question.

    Attributes:
        p_yes: 0..1, not calibrated. None when the model answered neither yes nor no.
        how: What p_yes was read from.
        samples: How many samples it is the share of; 0 unless `how` is "samples".
        cached: From the reply cache; the model did not run.
    """

    term: Term
    question: str
    p_yes: float | None
    how: HowAnswered
    samples: int = 0
    cached: bool = False
    shown: Shown


def ask_findings(
    vision: VisionModel,
    views: Sequence[View],
    terms: Sequence[Term],
    *,
    is_volume: bool,
    modality: str = "",
) -> tuple[Answer, ...]:
    """Ask of each term whether it is there, all on the same views and in one call.

    Args:
        vision: Who looks.
        views: Of one series in one window, in order; thinned evenly to what the backend takes.
        terms: What to look for; the question of each is asked.
        is_volume: Whether the views are slices in anatomical order.
        modality: DICOM's, "" when unknown.

    Returns:
        An answer for each term, in order.

    Raises:
        ToolFailure: When the backend cannot answer now.
        ValueError: Without views, or when they are of several series or windows.
    """
    return ask_look(
        vision,
        Look(views=tuple(views), terms=tuple(terms), is_volume=is_volume, modality=modality),
    )


def ask_finding(
    vision: VisionModel, views: Sequence[View], term: Term, *, is_volume: bool, modality: str = ""
) -> Answer:
    """Ask whether one finding is there: `ask_findings` for a single term."""
    (answer,) = ask_findings(vision, views, (term,), is_volume=is_volume, modality=modality)
    return answer


def ask_look(vision: VisionModel, look: Look) -> tuple[Answer, ...]:
    """Ask of each term of a look whether it is there; as `ask_findings`."""
    if not look.terms:
        return ()
    prompt, shown = show(vision, look)
    questions = [
        ClosedQuestion(text=render("ask_finding", question=term.question), finding=term.name)
        for term in look.terms
    ]
    return tuple(
        Answer(
            term=term,
            question=term.question,
            p_yes=said.p_yes,
            how=said.how,
            samples=said.samples,
            cached=said.is_cached,
            shown=shown,
        )
        for term, said in zip(look.terms, vision.answer(prompt, questions), strict=True)
    )


def finding_from_answer(answer: Answer) -> Finding:
    """The finding that an answer amounts to: present from p(yes) 0.5 on.

    Raises:
        ToolFailure: When the model did not answer yes or no.
    """
    if answer.p_yes is None:
        raise ToolFailure(
            f"the vision model could not answer {answer.question!r} with yes or no in the "
            f"{answer.shown.window} window; try another window or other slices"
        )
    present = answer.p_yes >= 0.5
    certainty = max(answer.p_yes, 1 - answer.p_yes)
    value = f"p(yes) {answer.p_yes:.2f}"
    if answer.how == "samples":
        # Laplace's rule of succession: five samples that agree are no certainty.
        certainty = (certainty * answer.samples + 1) / (answer.samples + 2)
        value += f" ({answer.samples} samples)"
    elif answer.how == "classification":
        value += " (classification)"
    if answer.cached:
        value += ", cached"
    return Finding(
        term=answer.term.id,
        name=answer.term.name,
        present=present,
        certainty=certainty,
        source="vision",
        backend=answer.shown.backend,
        series=answer.shown.series,
        slices=answer.shown.slices if present else (),
        window=answer.shown.window,
        value=value,
        sightings=answer.shown.sightings(
            present=present, certainty=certainty, cached=answer.cached
        ),
    )
