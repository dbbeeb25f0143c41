"""Looking: findings from views through a vision model, never a diagnosis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from knowledge.vocabulary import Term
from tools.errors import ToolFailure
from tools.findings import Finding
from tools.imaging.raster import AS_DISPLAYED, even_slices
from tools.imaging.windows import View
from tools.prompts import render
from tools.vision.base import VisionModel, VisionPrompt
from tools.vision.extraction import (
    FORM,
    MAX_SLICES,
    BadReplyError,
    Seen,
    findings_schema,
    read_reply,
)

_MAX_NEW_TOKENS = 2000  # as in MedGemma's CT notebook
_QUOTED_REPLY = 1500  # characters of a bad reply that the repair turn shows


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


@dataclass(frozen=True, kw_only=True, slots=True)
class Extraction:
    """The findings of one window of one series.

    Attributes:
        findings: Present and absent, without ids.
        dropped: Lines of the reply that were not used: no term of the vocabulary, named twice,
            contradictory, or beyond the limit.
        raw_length: Characters of the reply that was used.
    """

    findings: tuple[Finding, ...]
    dropped: int
    raw_length: int
    shown: Shown


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """The answer to one closed question.

    Attributes:
        p_yes: 0..1, as the model's own token probabilities give it; not calibrated. None when yes
            and no together were not its likely answers.
    """

    term: Term
    question: str
    p_yes: float | None
    shown: Shown


def extract_findings(
    vision: VisionModel,
    views: Sequence[View],
    terms: Sequence[Term],
    *,
    is_volume: bool,
    max_findings: int = 12,
) -> Extraction:
    """Ask which findings of a closed list the views show, and which are not there.

    Args:
        vision: Who looks.
        views: Of one series in one window, in order; thinned evenly to what the backend takes.
        terms: The closed list, usually `Vocabulary.for_window`.
        is_volume: Whether the views are slices in anatomical order.
        max_findings: How many lines the reply may have.

    Raises:
        ToolFailure: Nothing to look for, or no usable answer after one repair turn.
        ValueError: Without views, or when they are of several series or windows.
    """
    looked, shown = _choose(vision, views)
    if not terms:
        raise ToolFailure(
            f"the vocabulary has no finding for the {shown.window} window; ask for another window"
        )
    numbered = len(looked) if is_volume else 0
    question = render(
        "extract_findings",
        terms="\n".join(f"- {term.id} ({term.name})" for term in terms),
        max_findings=max_findings,
        max_slices=MAX_SLICES,
        form=FORM % (', "slices": [NUMBERS]' if numbered else ""),
    )
    schema = findings_schema(terms, max_findings=max_findings, slices=numbered)
    asked = question
    for turn in ("first", "repair"):
        prompt = _prompt(looked, shown, asked, is_volume)
        reply = vision.generate(
            prompt,
            schema=schema if vision.capabilities.guided_json else None,
            max_new_tokens=_MAX_NEW_TOKENS,
        )
        try:
            lines, dropped = read_reply(reply, terms, max_findings=max_findings)
        except BadReplyError as error:
            if turn == "repair":
                break
            asked = render(
                "repair_findings", question=question, problem=error, reply=reply[:_QUOTED_REPLY]
            )
            continue
        return Extraction(
            findings=tuple(_finding(line, looked, shown, is_volume) for line in lines),
            dropped=dropped,
            raw_length=len(reply),
            shown=shown,
        )
    raise ToolFailure(
        f"the vision model twice gave no readable list of findings for the {shown.window} window; "
        "ask single yes/no questions, or try another window"
    )


def ask_finding(
    vision: VisionModel, views: Sequence[View], term: Term, *, is_volume: bool
) -> Answer:
    """Ask whether one finding is there, and read the probability of yes from the model.

    Args:
        vision: Who looks.
        views: Of one series in one window, in order; thinned evenly to what the backend takes.
        term: What to look for; its question is asked.
        is_volume: Whether the views are slices in anatomical order.

    Raises:
        ToolFailure: When the backend gives no probabilities.
        ValueError: Without views, or when they are of several series or windows.
    """
    looked, shown = _choose(vision, views)
    if not vision.capabilities.log_probabilities:
        raise ToolFailure(
            f"{shown.backend} gives no probabilities; extract findings from the window instead"
        )
    question = render("ask_finding", question=term.question)
    p_yes = vision.yes_probability(_prompt(looked, shown, question, is_volume))
    return Answer(term=term, question=term.question, p_yes=p_yes, shown=shown)


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
    return Finding(
        term=answer.term.id,
        name=answer.term.name,
        present=present,
        certainty=max(answer.p_yes, 1 - answer.p_yes),
        source="vision",
        backend=answer.shown.backend,
        series=answer.shown.series,
        slices=answer.shown.slices if present else (),
        window=answer.shown.window,
        value=f"p(yes) {answer.p_yes:.2f}",
    )


def _choose(vision: VisionModel, views: Sequence[View]) -> tuple[tuple[View, ...], Shown]:
    if not views or len({(view.series, view.window) for view in views}) > 1:
        raise ValueError(f"needs views of one series in one window, got {len(views)} views")
    numbers = even_slices(len(views), vision.capabilities.images_per_prompt)
    looked = tuple(views[number - 1] for number in numbers)
    return looked, Shown(
        series=views[0].series,
        window=views[0].window,
        slices=_slices(looked),
        left_out=len(views) - len(looked),
        backend=vision.identity,
    )


def _prompt(looked: tuple[View, ...], shown: Shown, question: str, is_volume: bool) -> VisionPrompt:
    instruction = render(
        "instruction_volume" if is_volume else "instruction_image",
        count=len(looked),
        shown_as=_shown_as(shown.window),
    )
    return VisionPrompt(
        instruction=instruction, views=looked, question=question, is_volume=is_volume
    )


def _shown_as(window: str) -> str:
    if window == AS_DISPLAYED:
        return "shown as displayed"
    if window == "medgemma":
        return "with a wide window in red, soft tissue in green and brain in blue"
    if window == "note-rgb":
        return "with the lung window in red, soft tissue in green and bone in blue"
    return f"shown in the {window} window"


def _finding(line: Seen, looked: tuple[View, ...], shown: Shown, is_volume: bool) -> Finding:
    """A line of the reply with its place.

    A present finding that names no slice shown was seen somewhere among all of them; an absent one
    was seen on none.
    """
    named = [looked[n - 1] for n in line.numbers if is_volume and 1 <= n <= len(looked)]
    return Finding(
        term=line.term.id,
        name=line.term.name,
        present=line.present,
        certainty=line.certainty,
        source="vision",
        backend=shown.backend,
        series=shown.series,
        slices=_slices(named or looked) if line.present else (),
        window=shown.window,
        side=line.side,
    )


def _slices(views: Sequence[View]) -> tuple[int, ...]:
    return tuple(sorted({number for view in views for number in view.slices}))
