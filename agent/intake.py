"""Intake: what a person sent, in whatever shape it comes, becomes a turn of the case."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.messages import HumanMessage
from langgraph.runtime import Runtime

from agent.arrival import Desk, words_of
from agent.brief import BRIEF, JOINED, make_brief
from agent.budget import RunContext, is_interactive
from agent.case import Case, Reading
from agent.clarify import ASKED
from agent.corrections import overruled, retracted, spoken_of
from agent.demographics import read_age, read_sex
from agent.progress import tell, trace_step
from agent.standing import is_behind
from agent.state import CaseState
from agent.stated import stated
from agent.yes_no import AGE_AND_SEX, answered, lone_age
from agent.yes_no import told as yes_no_told
from knowledge.words import forms
from tools.errors import UserError
from tools.findings import Finding
from tools.imaging.deidentify import scrub_text
from tools.text_findings import findings_from_text
from tools.workbench import Workbench

READ_THIS = "Read this case."  # what stands for the words of a case without a history
_SIDE = re.compile(r"\b(?:left|right)\b", re.IGNORECASE)
_NO_MESSAGE = "the case has no message from a person; send the history, with images if any"
_FOLLOW_UP = "a follow-up needs words or an attachment"


class Intake:
    """The first node: normalise, load, scrub, read the findings that stand in words."""

    def __init__(self, bench: Workbench, *, interactive: bool = False) -> None:
        self._bench = bench
        self._interactive = interactive
        self._desk = Desk(store=bench.store, roots=bench.roots)

    def __call__(self, state: CaseState, runtime: Runtime[RunContext]) -> dict[str, Any]:
        """Take in every message that has not been; they keep words only, pixels go to the store."""
        started = time.perf_counter()
        new = [m for m in _people(state) if BRIEF not in m.additional_kwargs]
        if not new:
            raise UserError(_NO_MESSAGE)
        is_first = len(new) == len(_people(state))
        tell("reading the case")
        said, loaded = self._read(new, state)
        if not is_first and not said and not loaded["series"]:
            raise UserError(_FOLLOW_UP)
        points = new[-1].additional_kwargs.get(ASKED, [])
        news = _news(said, state.get("case"), points, is_first=is_first)
        case = _case(state.get("case"), news, loaded, points, is_first=is_first)
        standing = state.get("findings", [])
        wrong = [] if is_first else self._retracted(said, state)
        case, denied = (case, ()) if is_first else self._denied(case, news)
        found = self._findings(state, case, news, is_first=is_first)
        if not (is_first or points or found or denied or wrong):
            found = self._bare_answer(state, said)
        wrong = (
            wrong
            if is_first
            else [*wrong, *overruled(found, standing, self._bench.knowledge.vocabulary.ancestors)]
        )
        brief = make_brief(
            said="" if is_first else said,
            case=case.model_dump(mode="json") if is_first or loaded["series"] else None,
            findings=found,
            retracted=[f["id"] for f in wrong],
            taken_back=denied,
            news="" if is_first else news,
            asked=points,
            is_stale=not is_first and is_behind(state),
            vision=self._bench.vision.identity if self._bench.vision else "",
            chat=is_interactive(runtime.context, default=self._interactive),
        )
        changed = bool(found or wrong or denied or news or loaded["series"])
        what = f"{len(case.series)} series, {len(found)} findings in words"
        return {
            "messages": _taken(new, _shown(said, loaded["series"]), brief),
            "case": case.model_dump(mode="json"),
            "findings": [*found, *wrong],
            "submission": {},
            "problems": [],
            "turn": {"changed": int(changed), "seconds": time.perf_counter() - started},
            "trace": [trace_step("intake", what, started)],
        }

    def _read(
        self, messages: Sequence[HumanMessage], state: CaseState
    ) -> tuple[str, dict[str, Any]]:
        """The words, scrubbed, and the images of all new messages.

        An attachment of the last message that cannot be read is the person's to mend. One of an
        earlier message has been refused before: it is left out, and that is said.
        """
        words: list[str] = []
        loaded: dict[str, Any] = {
            "series": (), "chosen": "", "limits": (), "age_years": None, "sex": None
        }  # fmt: skip
        given = state.get("case", {})
        for message in messages:
            reading = Reading(
                question=" ".join((given.get("history", ""), *words)),
                modality=given.get("modality", ""),
                first_number=_series_count(state) + len(loaded["series"]) + 1,
            )
            try:
                said, study = self._desk.take_in(message.content, reading=reading)
            except UserError:
                if message is messages[-1]:
                    raise
                words.append(words_of(message.content))
                loaded["limits"] += ("an attachment of an earlier message could not be read",)
                continue
            words.append(said)
            if study is not None:
                loaded["series"] += study.series
                loaded["chosen"] = loaded["chosen"] or study.chosen
                loaded["limits"] += study.limits
                loaded["age_years"] = loaded["age_years"] or study.age_years
                loaded["sex"] = loaded["sex"] or study.sex
        return "\n".join(w for w in words if w), loaded

    def _findings(
        self, state: CaseState, case: Case, news: str, *, is_first: bool
    ) -> list[dict[str, Any]]:
        knowledge = self._bench.knowledge
        read = []
        if is_first:
            read += findings_from_text(
                case.findings_text, "report", knowledge.normaliser, knowledge.vocabulary
            )
        told = case.history if is_first else news
        read += findings_from_text(told, "person", knowledge.normaliser, knowledge.vocabulary)
        return _numbered(read, state)

    def _retracted(self, said: str, state: CaseState) -> list[dict[str, Any]]:
        """What the person takes back, by id, by name or as "that finding"."""
        standing = state.get("findings", [])
        vocabulary = self._bench.knowledge.vocabulary

        def named_in(words: str) -> list[str]:
            terms = {m.term for m in self._bench.knowledge.normaliser.mentions(words)}
            spoken = set(forms(words))
            return [
                f["id"]
                for f in standing
                if f["term"] in vocabulary
                and (
                    not terms.isdisjoint({f["term"], *vocabulary.ancestors(f["term"])})
                    or (not terms and forms(f["name"])[-1] in spoken)  # "the cysts"
                )
            ]

        return retracted(said, standing, spoken_of(state["messages"]), named_in=named_in)

    def _bare_answer(self, state: CaseState, said: str) -> list[dict[str, Any]]:
        bare = answered(said, state.get("report"), self._bench.knowledge.vocabulary)
        return _numbered([bare], state) if bare else []

    def _denied(self, case: Case, news: str) -> tuple[Case, tuple[str, ...]]:
        """The case with what is newly denied taken back, and what is said again no longer so."""
        ranker = self._bench.knowledge.ranker
        # What is denied of one side is not denied of the patient.
        denied = () if _SIDE.search(news) else ranker.denied(news)
        new = tuple(d for d in denied if d not in case.taken_back)
        kept = tuple(p for p in case.taken_back if p not in ranker.affirmed(news, case.taken_back))
        return case.model_copy(update={"taken_back": (*kept, *new)}), new


def _people(state: CaseState) -> list[HumanMessage]:
    return [m for m in state["messages"] if isinstance(m, HumanMessage)]


def _series_count(state: CaseState) -> int:
    return len(state.get("case", {}).get("series", []))


def _news(
    said: str, old: Mapping[str, Any] | None, points: Sequence[str], *, is_first: bool
) -> str:
    """What the message adds to the history: of a follow-up its statements alone."""
    if points:
        return yes_no_told(said, points)
    if not is_first:
        return stated(said)
    # The first message of a given case repeats its history, or stands for one.
    repeats = {READ_THIS, str((old or {}).get("history", "")).strip()}
    return "" if old and said.strip() in repeats else said


def _case(
    old: Mapping[str, Any] | None,
    news: str,
    loaded: Mapping[str, Any],
    points: Sequence[str],
    *,
    is_first: bool,
) -> Case:
    """The case with what is new: scrubbed words, images, and the age and sex that words correct."""
    case = Case.model_validate(old) if old else Case()
    update: dict[str, Any] = {
        name: scrub_text(getattr(case, name))[0]
        for name in ("history", "findings_text", "region", "modality")
    }
    if news:
        update["history"] = f"{update['history']}\n{news}".strip()
    update["series"] = (*case.series, *loaded["series"])
    update["chosen"] = case.chosen or loaded["chosen"]
    update["limits"] = tuple(dict.fromkeys((*case.limits, *loaded["limits"])))
    said_age = None if is_first else read_age(news)
    if said_age is None and AGE_AND_SEX in points:
        said_age = lone_age(news)
    said_sex = None if is_first else read_sex(news)
    update["age_years"] = said_age if said_age is not None else case.age_years
    update["sex"] = said_sex or case.sex
    if update["age_years"] is None:
        update["age_years"] = loaded["age_years"] or read_age(update["history"])
    if update["sex"] is None:
        update["sex"] = loaded["sex"] or read_sex(update["history"])
    return case.model_copy(update=update)


def _numbered(read: Sequence[Finding], state: CaseState) -> list[dict[str, Any]]:
    count = len(state.get("findings", []))
    return [
        {**f.model_dump(mode="json"), "id": f"F{number}"}
        for number, f in enumerate(read, start=count + 1)
    ]


def _taken(
    messages: Sequence[HumanMessage], shown: str, brief: Mapping[str, Any]
) -> list[HumanMessage]:
    """The messages as they stay: words and brief on the last, the earlier ones marked as joined."""
    kept = [
        HumanMessage("[taken in with the next message]", id=m.id, additional_kwargs={BRIEF: JOINED})
        for m in messages[:-1]
    ]
    return [*kept, HumanMessage(shown, id=messages[-1].id, additional_kwargs={BRIEF: dict(brief)})]


def _shown(said: str, series: Sequence[Any]) -> str:
    attached = ", ".join(f"{s.id} ({s.modality})" for s in series)
    return f"{said}\n[attached: {attached}]".strip() if attached else said
