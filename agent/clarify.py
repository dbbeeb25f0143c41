"""What a person can say that the case does not: asked once, before anything is planned."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.messages import HumanMessage
from langgraph.types import interrupt

from agent.case import Case
from agent.progress import tell, trace_step
from agent.state import CaseState
from agent.yes_no import AGE_AND_SEX, CONTRAST, MALIGNANCY
from tools.imaging.deidentify import scrub_text

_CONTRAST = re.compile(r"\b(?:contrast|enhanced|unenhanced|non-?enhanced|plain)\b", re.IGNORECASE)
_CANCER = re.compile(
    r"\b(?:cancer|carcinom\w*|malignan\w*|tumou?r\w*|metasta\w*|lymphoma|leuk[a]?emia|sarcoma\w*|"
    r"melanoma|myeloma|oncolog\w*|neoplas\w*)\b",
    re.IGNORECASE,
)
# Terms whose meaning turns on whether the patient is known to have cancer.
_TURNS_ON_CANCER = re.compile(
    r"nodule|mass|lymph|lytic|sclerotic-lesion|ring-enhanc|hypodens|lesion"
)
ASKED = "hoofbeat_asked"  # under which an answer carries the questions that it answers
_NOTHING = re.compile(r"^\W*(?:skip|no answer|unknown|do(?:es)? not know|don't know)?\W*$", re.I)


def open_points(case: Case, findings: Sequence[Mapping[str, Any]]) -> list[str]:
    """What is decisive, missing, and the person's to know; as questions, the first matters most."""
    if not case.series and not findings:
        return []  # there is no case yet
    words = f"{case.history}\n{case.findings_text}"
    asked: list[str] = []
    unknown = [s.id for s in case.series if s.modality == "CT" and s.contrast is None]
    if unknown and not _CONTRAST.search(words):
        asked.append(f"{CONTRAST} ({', '.join(unknown)})?")
    telling = [f for f in findings if f["present"] and _TURNS_ON_CANCER.search(f["term"])]
    if telling and not _CANCER.search(words):
        asked.append(MALIGNANCY)
    if case.age_years is None or case.sex is None:
        asked.append(AGE_AND_SEX)
    return asked


def clarify(state: CaseState) -> dict[str, Any]:
    """Interrupt with the open points; the answer joins the case as the person's next message."""
    started = time.perf_counter()
    case = Case.model_validate(state["case"])
    points = open_points(case, state.get("findings", []))
    said = interrupt({"ask": points, "how": "answer in words, or 'skip'"}) if points else ""
    if isinstance(said, dict):
        said = " ".join(str(value) for value in said.values())
    answer = said if isinstance(said, list) else scrub_text(str(said or ""))[0].strip()
    update: dict[str, Any] = {
        # A greeting is no case: what it lacks is asked for when there is one.
        "clarified": bool(points or case.series or state.get("findings")),
        "trace": [trace_step("clarify", "; ".join(points) or "nothing to ask", started)],
    }
    if isinstance(answer, list) or not _NOTHING.match(answer):  # a list holds an attachment
        tell("taking in the answer")
        update["messages"] = [HumanMessage(answer, additional_kwargs={ASKED: points})]
    return update
