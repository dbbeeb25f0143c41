"""Extraction: the findings of windows and slabs through a vision model, never a diagnosis."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from tools.ask import ask_look, finding_from_answer
from tools.errors import ToolFailure
from tools.findings import Finding
from tools.prompts import render
from tools.scrub import scrub_text
from tools.shown import Look, Shown, show, slices_of
from tools.vision.base import Reply, Request, VisionModel, VisionPrompt
from tools.vision.batches import generate_each
from tools.vision.extraction import (
    CERTAINTIES,
    MAX_OTHER,
    MAX_SLICES,
    BadReplyError,
    ClosedForm,
    Seen,
    read_reply,
)
from tools.vision.places import places_for

_MAX_NEW_TOKENS = 2000  # as in MedGemma's CT notebook
_QUOTED_REPLY = 1500  # characters of a bad reply that the repair turn shows
_OTHER_WORDS = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Extraction:
    """The findings of one window or slab of one series.

    Attributes:
        findings: Present and absent, without ids.
        other: What the model saw that the closed list has no term for: its own words, bounded,
            scrubbed, and no finding.
        dropped: Lines that were not used: named twice, contradictory, or beyond the limit.
        diseases_dropped: How often the model named a disease instead of a finding.
        asked: "list": the model wrote a list. "questions": it cannot write, and every term was
            asked as a closed question.
        repaired: The reply could only be read after a repair turn.
        cached: From the reply cache; the model did not run.
        failure: Why there is nothing, and what to do instead; "" when there is.
    """

    shown: Shown
    findings: tuple[Finding, ...] = ()
    other: tuple[str, ...] = ()
    dropped: int = 0
    diseases_dropped: int = 0
    asked: Literal["list", "questions"] = "list"
    repaired: bool = False
    cached: bool = False
    failure: str = ""


def extract_findings(
    vision: VisionModel,
    looks: Sequence[Look],
    *,
    is_disease: Callable[[str], bool],
    max_findings: int = 12,
) -> tuple[Extraction, ...]:
    """Ask of each look which findings of its closed list it shows, and which are not there.

    Looks go to the backend together, in batches or from several threads as it can take them, and
    one that fails does not lose the others.

    Args:
        vision: Who looks.
        looks: Windows and slabs, of one series or several.
        is_disease: Whether words name a disease; see `tools.diseases.disease_finder`.
        max_findings: How many findings each look may give.

    Returns:
        An extraction for each look, in order.

    Raises:
        ToolFailure: When every look failed; says why.
        UserError: When the person must mend a setting of the backend.
        ValueError: Without looks.
    """
    if not looks:
        raise ValueError("needs at least one look")
    extracted = extract_each(vision, looks, is_disease=is_disease, max_findings=max_findings)
    if all(one.failure for one in extracted):
        raise ToolFailure("; ".join(dict.fromkeys(one.failure for one in extracted)))
    return extracted


def extract_each(
    vision: VisionModel,
    looks: Sequence[Look],
    *,
    is_disease: Callable[[str], bool],
    max_findings: int = 12,
) -> tuple[Extraction, ...]:
    """As `extract_findings`, for who counts failures: also where every look failed."""
    if vision.capabilities.generates:
        return _listed(vision, looks, is_disease, max_findings)
    return tuple(_questioned(vision, look, max_findings) for look in looks)


def _listed(
    vision: VisionModel,
    looks: Sequence[Look],
    is_disease: Callable[[str], bool],
    max_findings: int,
) -> tuple[Extraction, ...]:
    """The findings of a model that writes: one turn, and a repair turn for what needs it."""
    asked = [_Asked(vision, look, max_findings) for look in looks]
    for is_repair in (False, True):
        waiting = [one for one in asked if one.extraction is None]
        replies = generate_each(vision, [one.request() for one in waiting])
        for one, came in zip(waiting, replies, strict=True):
            one.take(came, is_disease, is_repair=is_repair)
    return tuple(one.extraction or one.failed(_unreadable(one.shown)) for one in asked)


class _Asked:
    """One look on its way from the question to its extraction."""

    def __init__(self, vision: VisionModel, look: Look, max_findings: int) -> None:
        self.prompt, self.shown = show(vision, look)
        self.extraction: Extraction | None = None
        self._form = ClosedForm(
            terms=look.terms,
            places=places_for(look.body_part, self.shown.window),
            slices=len(self.prompt.views) if self.prompt.is_volume else 0,
            max_findings=max_findings,
        )
        self._is_guided = vision.capabilities.guided_json
        self._question = self._now = self._first_question()
        if not look.terms:
            self.extraction = self.failed(_no_terms(self.shown))

    def request(self) -> Request:
        return Request(
            prompt=replace(self.prompt, question=self._now),
            schema=self._form.schema if self._is_guided else None,
            max_new_tokens=_MAX_NEW_TOKENS,
        )

    def take(
        self, came: Reply | ToolFailure, is_disease: Callable[[str], bool], *, is_repair: bool
    ) -> None:
        """Read a reply; one of another form sets the question of the repair turn."""
        if isinstance(came, ToolFailure):
            self.extraction = self.failed(str(came))
            return
        if came.is_cut_off:
            self.extraction = self.failed(_cut_off(self.shown))
            return
        try:
            reading = read_reply(came.text, self._form, is_disease=is_disease)
        except BadReplyError as error:
            self._now = render(
                "repair_findings",
                question=self._question,
                problem=error,
                reply=came.text[:_QUOTED_REPLY],
            )
            return
        self.extraction = Extraction(
            shown=self.shown,
            findings=tuple(_finding(line, self.prompt, self.shown, came) for line in reading.seen),
            other=tuple(scrub_text(text)[0] for text in reading.other),
            dropped=reading.dropped,
            diseases_dropped=reading.diseases,
            repaired=is_repair,
            cached=came.is_cached,
        )

    def failed(self, failure: str) -> Extraction:
        return Extraction(shown=self.shown, failure=failure)

    def _first_question(self) -> str:
        return render(
            "extract_findings",
            terms="\n".join(f"- {term.id} ({term.name})" for term in self._form.terms),
            places=", ".join(self._form.places),
            max_findings=self._form.max_findings,
            max_slices=MAX_SLICES,
            max_other=MAX_OTHER,
            max_words=_OTHER_WORDS,
            form=self._form.example,
        )


def _finding(line: Seen, prompt: VisionPrompt, shown: Shown, reply: Reply) -> Finding:
    """A line of the reply with its place.

    A present finding that names no slice shown was seen somewhere among all of them; an absent one
    was seen on none.
    """
    views = prompt.views
    named = [views[n - 1] for n in line.numbers if prompt.is_volume and 1 <= n <= len(views)]
    return Finding(
        term=line.term.id,
        name=line.term.name,
        present=line.present,
        certainty=line.certainty,
        source="vision",
        backend=shown.backend,
        series=shown.series,
        slices=slices_of(named or views) if line.present else (),
        window=shown.window,
        place=line.place if line.present else "",
        side=line.side,
        sightings=shown.sightings(
            present=line.present, certainty=line.certainty, cached=reply.is_cached
        ),
    )


def _questioned(vision: VisionModel, look: Look, max_findings: int) -> Extraction:
    """The findings of a classifier: what is present first, then what is most surely absent."""
    _, shown = show(vision, look)
    if not look.terms:
        return Extraction(shown=shown, asked="questions", failure=_no_terms(shown))
    try:
        answers = ask_look(vision, look)
    except ToolFailure as failure:
        return Extraction(shown=shown, asked="questions", failure=str(failure))
    # Not calibrated: it may not outweigh what a model that writes is sure of.
    most = CERTAINTIES["high"]
    findings = [
        found.model_copy(update={"certainty": min(found.certainty, most)})
        for found in (finding_from_answer(a) for a in answers if a.p_yes is not None)
    ]
    findings.sort(key=lambda finding: (not finding.present, -finding.certainty))
    return Extraction(
        shown=shown,
        findings=tuple(findings[:max_findings]),
        dropped=len(answers) - len(findings[:max_findings]),
        asked="questions",
        cached=all(answer.cached for answer in answers),
    )


def _no_terms(shown: Shown) -> str:
    return f"the vocabulary has no finding for the {shown.window} window; ask for another window"


def _cut_off(shown: Shown) -> str:
    return (
        f"the vision model did not finish its answer for the {shown.window} window within "
        f"{_MAX_NEW_TOKENS} tokens; ask single yes/no questions, or show fewer slices"
    )


def _unreadable(shown: Shown) -> str:
    return (
        f"the vision model twice gave no readable list of findings for the {shown.window} window; "
        "ask single yes/no questions, or try another window"
    )
