"""Intake: a message, in whatever shape it comes, becomes a turn of the case."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.messages import HumanMessage
from langgraph.config import get_stream_writer

from agent.attachments import split_content
from agent.brief import BRIEF, make_brief
from agent.case import Case, keep_attachments
from agent.state import CaseState
from tools.errors import UserError
from tools.imaging.deidentify import scrub_text
from tools.text_findings import findings_from_text
from tools.workbench import Workbench

_WRONG = re.compile(
    r"\b(?:(?:forget|drop|ignore|remove|retract)\s+(F\d+)"
    r"|(F\d+)\s+(?:is|was)\s+(?:wrong|false|an artifact|not true))\b",
    re.IGNORECASE,
)
_FOLLOW_UP = "a follow-up needs words or an attachment"
_AGE = re.compile(r"\b(\d{1,3})[\s-]*(?:years?|yrs?|y)[\s/-]*(?:old|o)\b", re.IGNORECASE)
_FEMALE = re.compile(r"\b(?:woman|female|girl|lady)\b", re.IGNORECASE)
_MALE = re.compile(r"\b(?:man|male|boy|gentleman)\b", re.IGNORECASE)


class Intake:
    """The first node: normalise, load, scrub, read the findings that stand in words."""

    def __init__(self, bench: Workbench) -> None:
        self._bench = bench

    def __call__(self, state: CaseState) -> dict[str, Any]:
        """Take the last message in; the message keeps words only, its pixels go to the store."""
        started = time.perf_counter()
        message = _last_human(state)
        said, attachments = split_content(message.content)
        said, _ = scrub_text(said)
        old = state.get("case")
        is_first = not any(
            BRIEF in m.additional_kwargs for m in state["messages"] if isinstance(m, HumanMessage)
        )
        if not is_first and not said.strip() and not attachments:
            raise UserError(_FOLLOW_UP)
        get_stream_writer()({"step": "reading the case"})
        loaded: Mapping[str, Any] = {}
        if attachments:
            first_number = len((old or {}).get("series", [])) + 1
            loaded = keep_attachments(attachments, self._bench.store, first_number=first_number)
        case = Case.model_validate(old) if old and is_first else _case(old, said, loaded)
        findings = self._findings(
            case, said, is_first=is_first, count=len(state.get("findings", []))
        )
        retracted = _retracted(said, state.get("findings", []))
        brief = make_brief(
            said="" if is_first else said,
            case=case.model_dump(mode="json") if is_first or loaded else None,
            findings=findings,
            retracted=[f["id"] for f in retracted],
            vision=self._bench.vision.identity if self._bench.vision else "",
        )
        kept = HumanMessage(
            _shown(said, loaded),
            id=message.id,
            additional_kwargs={**message.additional_kwargs, BRIEF: brief},
        )
        seconds = round(time.perf_counter() - started, 3)
        what = f"{len(case.series)} series, {len(findings)} findings in words"
        return {
            "messages": [kept],
            "case": case.model_dump(mode="json"),
            "findings": [*findings, *retracted],
            "submission": {},
            "problems": [],
            "turn": {},
            "trace": [{"node": "intake", "what": what, "seconds": seconds}],
        }

    def _findings(
        self, case: Case, said: str, *, is_first: bool, count: int
    ) -> list[dict[str, Any]]:
        knowledge = self._bench.knowledge
        read = []
        if is_first:
            read += findings_from_text(
                case.findings_text, "report", knowledge.normaliser, knowledge.vocabulary
            )
        told = case.history if is_first else said
        read += findings_from_text(told, "person", knowledge.normaliser, knowledge.vocabulary)
        return [
            {**f.model_dump(mode="json"), "id": f"F{count + number}"}
            for number, f in enumerate(read, start=1)
        ]


def _last_human(state: CaseState) -> HumanMessage:
    for message in reversed(state["messages"]):
        if isinstance(message, HumanMessage):
            return message
    raise UserError("the case has no message from a person; send the history, with images if any")


def _case(old: Mapping[str, Any] | None, said: str, loaded: Mapping[str, Any]) -> Case:
    if not old:
        return Case(
            history=said,
            age_years=loaded.get("age_years") or _age(said),
            sex=loaded.get("sex") or _sex(said),
            series=loaded.get("series", ()),
            limits=loaded.get("limits", ()),
        )
    case = Case.model_validate(old)
    update: dict[str, Any] = {}
    if said:
        update["history"] = f"{case.history}\n{said}".strip()
    if loaded:
        update["series"] = (*case.series, *loaded["series"])
        update["limits"] = (*case.limits, *loaded["limits"])
    history = f"{case.history}\n{said}"
    if case.age_years is None:
        update["age_years"] = loaded.get("age_years") or _age(history)
    if case.sex is None:
        update["sex"] = loaded.get("sex") or _sex(history)
    return case.model_copy(update=update)


def _retracted(said: str, findings: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    wrong = {(one or two).upper() for one, two in _WRONG.findall(said)}
    return [{**f, "retracted": True} for f in findings if f["id"] in wrong]


def _age(text: str) -> float | None:
    match = _AGE.search(text)
    return min(90.0, float(match.group(1))) if match else None


def _sex(text: str) -> str | None:
    female, male = bool(_FEMALE.search(text)), bool(_MALE.search(text))
    return None if female == male else ("female" if female else "male")


def _shown(said: str, loaded: Mapping[str, Any]) -> str:
    attached = ", ".join(f"{s.id} ({s.modality})" for s in loaded.get("series", ()))
    return f"{said}\n[attached: {attached}]".strip() if attached else said
