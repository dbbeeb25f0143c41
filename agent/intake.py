"""Intake: what a person sent, in whatever shape it comes, becomes a turn of the case."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.messages import HumanMessage
from langgraph.runtime import Runtime

from agent.attachments import split_content
from agent.brief import BRIEF, JOINED, make_brief
from agent.budget import RunContext, is_interactive
from agent.case import Case, Reading, keep_attachments
from agent.corrections import overruled, retracted, spoken_of
from agent.demographics import read_age, read_sex
from agent.progress import tell, trace_step
from agent.state import CaseState
from tools.errors import UserError
from tools.imaging.deidentify import scrub_text
from tools.text_findings import findings_from_text
from tools.workbench import Workbench

_NO_MESSAGE = "the case has no message from a person; send the history, with images if any"
_FOLLOW_UP = "a follow-up needs words or an attachment"


class Intake:
    """The first node: normalise, load, scrub, read the findings that stand in words."""

    def __init__(self, bench: Workbench, *, interactive: bool = False) -> None:
        self._bench = bench
        self._interactive = interactive

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
        case = _case(state.get("case"), said, loaded, is_first=is_first)
        denied = () if is_first else self._bench.knowledge.ranker.denied(said)
        denied = tuple(d for d in denied if d not in case.taken_back)
        case = case.model_copy(update={"taken_back": (*case.taken_back, *denied)})
        found = self._findings(state, case, said, is_first=is_first)
        standing = state.get("findings", [])
        wrong = (
            []
            if is_first
            else [
                *retracted(said, standing, spoken_of(state["messages"])),
                *overruled(found, standing),
            ]
        )
        brief = make_brief(
            said="" if is_first else said,
            case=case.model_dump(mode="json") if is_first or loaded["series"] else None,
            findings=found,
            retracted=[f["id"] for f in wrong],
            taken_back=denied,
            vision=self._bench.vision.identity if self._bench.vision else "",
            chat=is_interactive(runtime.context, default=self._interactive),
        )
        changed = bool(found or wrong or denied or loaded["series"])
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
            try:
                said, attachments = split_content(message.content)
                words.append(scrub_text(said)[0].strip())
                if attachments:
                    reading = Reading(
                        question=" ".join((given.get("history", ""), *words)),
                        modality=given.get("modality", ""),
                        first_number=_series_count(state) + len(loaded["series"]) + 1,
                    )
                    read = keep_attachments(attachments, self._bench.store, reading=reading)
                    loaded["series"] += read["series"]
                    loaded["chosen"] = loaded["chosen"] or read["chosen"]
                    loaded["limits"] += read["limits"]
                    loaded["age_years"] = loaded["age_years"] or read["age_years"]
                    loaded["sex"] = loaded["sex"] or read["sex"]
            except UserError:
                if message is messages[-1]:
                    raise
                loaded["limits"] += ("an attachment of an earlier message could not be read",)
        return "\n".join(w for w in words if w), loaded

    def _findings(
        self, state: CaseState, case: Case, said: str, *, is_first: bool
    ) -> list[dict[str, Any]]:
        knowledge = self._bench.knowledge
        read = []
        if is_first:
            read += findings_from_text(
                case.findings_text, "report", knowledge.normaliser, knowledge.vocabulary
            )
        told = case.history if is_first else said
        read += findings_from_text(told, "person", knowledge.normaliser, knowledge.vocabulary)
        count = len(state.get("findings", []))
        return [
            {**f.model_dump(mode="json"), "id": f"F{number}"}
            for number, f in enumerate(read, start=count + 1)
        ]


def _people(state: CaseState) -> list[HumanMessage]:
    return [m for m in state["messages"] if isinstance(m, HumanMessage)]


def _series_count(state: CaseState) -> int:
    return len(state.get("case", {}).get("series", []))


def _case(
    old: Mapping[str, Any] | None, said: str, loaded: Mapping[str, Any], *, is_first: bool
) -> Case:
    """The case with what is new: scrubbed words, images, age and sex where they were missing."""
    case = Case.model_validate(old) if old else Case()
    update: dict[str, Any] = {
        name: scrub_text(getattr(case, name))[0]
        for name in ("history", "findings_text", "region", "modality")
    }
    is_history = not (old and is_first)  # the first message of a given case repeats its history
    if is_history and said:
        update["history"] = f"{update['history']}\n{said}".strip()
    update["series"] = (*case.series, *loaded["series"])
    update["chosen"] = case.chosen or loaded["chosen"]
    update["limits"] = tuple(dict.fromkeys((*case.limits, *loaded["limits"])))
    if case.age_years is None:
        update["age_years"] = loaded["age_years"] or read_age(update["history"])
    if case.sex is None:
        update["sex"] = loaded["sex"] or read_sex(update["history"])
    return case.model_copy(update=update)


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
