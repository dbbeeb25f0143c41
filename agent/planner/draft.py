"""What the offline planner submits: the lines that something supports, or why there is none."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from agent.planner.thread import Thread

_SHOWN_FROM = 0.005  # a line under half a percent goes to "other"
_SUBMITTED = 10
_FEW = 5
_FROM_IMAGES = frozenset({"measurement", "vision"})
_WORDS_SPEAK = 1.0  # ln likelihood ratio from which words alone keep a line


def kept(weighed: Mapping[str, Any], thread: Thread) -> list[Mapping[str, Any]]:
    """The candidates to submit: what something supports, from half a percent on.

    Where so little is known that none reaches that, the first few of them, low as they are.
    """
    supported = [c for c in weighed.get("candidates", []) if is_supported(c, thread)]
    likely = [c for c in supported if c["probability"] >= _SHOWN_FROM]
    return likely[:_SUBMITTED] or supported[:_FEW]


def is_supported(candidate: Mapping[str, Any], thread: Thread) -> bool:
    """Whether something speaks for it: a finding where there are any, else a word of the case.

    A disease that explains nothing of what images showed is left to "other"; one that explains no
    finding that was read from a text stays when the text's other words speak for it.
    """
    present = [f for f in thread.findings() if f.get("present")]
    if candidate["explains"]:
        return True
    if any(f.get("source") in _FROM_IMAGES for f in present):
        return False
    if present:
        words = (v for k, v in candidate["for"].items() if k.startswith("words"))
        return max(words, default=0.0) >= _WORDS_SPEAK
    spoken = [v for k, v in candidate["for"].items() if k.startswith("words")]
    return any(k.startswith("history: ") for k in candidate["for"]) or (
        max(spoken, default=0.0) >= _WORDS_SPEAK
    )


def abstain(thread: Thread) -> str:
    """Why the planner has nothing to rank; empty when it has.

    A history alone is ranked when there are no images. When images were read and showed nothing
    abnormal, it is not: the study was asked, and it did not answer.
    """
    findings = thread.findings()
    if any(f.get("present") for f in findings):
        return ""
    if any(a for a in (*thread.answers("measure"), *thread.answers("look"))):
        return (
            "nothing abnormal was found among what was measured or seen; what cannot be measured "
            "was not looked at, so this is not a normal report"
        )
    if thread.case.get("history") or any(b.get("said") for b in thread.briefs):
        return ""
    return (
        "the case has neither findings nor a history, and its images could not be read by "
        "measurement"
    )


def abstention(thread: Thread, why: str) -> dict[str, Any]:
    """A submission without a list."""
    return {
        "diagnoses": [],
        "other_probability": 1.0,
        "abstain_because": why,
        "limits": limits(thread),
    }


def submission(
    thread: Thread, weighed: Mapping[str, Any], candidates: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """The candidates as they were weighed; what is left over goes to "other"."""
    known = {f["id"] for f in thread.findings() if f.get("id")}
    passages: dict[str, list[str]] = {}
    for passage in thread.passages():
        kept = passages.setdefault(passage["disease_id"], [])
        if passage["id"] not in kept:
            kept.append(passage["id"])
    lines = [
        {
            "name": c["name"],
            "disease_id": c["disease_id"],
            "probability": c["probability"],
            "evidence_for": _in_order(c["for"], known),
            "evidence_against": _in_order(c["against"], known),
            "passages": passages.get(c["disease_id"], [])[:2],
            "settles": c["settles"],
        }
        for c in candidates
    ]
    rest = max(0.0, 1 - sum(c["probability"] for c in candidates))
    return {
        "diagnoses": lines,
        "other_probability": round(rest, 4),
        "limits": limits(thread),
    }


def _in_order(sources: Mapping[str, float], known: Collection[str]) -> list[str]:
    """The findings among the sources, F2 before F10."""
    return sorted((s for s in sources if s in known), key=lambda s: int(s[1:]))


def limits(thread: Thread) -> list[str]:
    """What nobody looked at."""
    said = []
    if thread.case.get("series") and not thread.has_vision:
        said.append(
            "No vision model looked at the images: only what can be measured in Hounsfield units "
            "was read from them."
        )
    return said
