"""What the offline planner makes of a follow-up: an answer from the ledger, or a call to make.

It knows a handful of questions by their words; what it does not know, it says that it does not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from agent.planner.thread import Thread
from agent.submission import SUBMIT

Calls = list[tuple[str, dict[str, Any]]]

NO_CASE = (
    "I read radiology cases: send a history, findings or images, and I rank what could explain "
    "them. Anything else is outside what I do. Not for clinical use."
)
NOT_UNDERSTOOD = (
    "Nothing in that changes the case, and without a language model I answer only these: what "
    "speaks for or against a line, what would settle it, what to ask next, compare two lines, look "
    "again (with a vision model), compare with the prior study, take a finding back (F3 is wrong)."
)
_NEWS = ("findings", "retracted", "taken_back", "news", "report_is_behind", "case")
_ORDINALS = {
    "first": 0, "1st": 0, "top": 0, "leading": 0, "second": 1, "2nd": 1, "third": 2, "3rd": 2,
    "fourth": 3, "4th": 3, "fifth": 4, "5th": 4,
}  # fmt: skip
_NUMBER = re.compile(r"(?:#|\bnumber\s+|\bno\.?\s*|\bline\s+)(\d{1,2})\b", re.IGNORECASE)
_AGAINST = re.compile(r"\b(?:against|why\s+not|contradict\w*|rules?\s+out)\b", re.IGNORECASE)
_FOR = re.compile(r"\b(?:for|why|supports?|favou?rs?|evidence|explain)\b", re.IGNORECASE)
_SETTLE = re.compile(
    r"\b(?:settle\w*|confirm\w*|prove|next\s+(?:test|step|view|sequence|scan|study))\b", re.I
)
_ASK_NEXT = re.compile(
    r"\b(?:what|which)\b[^.?]*\b(?:ask|look\s+for|question|missing|separate\w*|discriminat\w*)\b",
    re.IGNORECASE,
)
_PRIOR = re.compile(
    r"\b(?:prior|previous|earlier|last|old)\s+(?:study|scan|exam\w*|ct|film)\b", re.I
)
_COMPARE = re.compile(r"\b(?:compare|difference|differ|distinguish|versus|vs)\b", re.IGNORECASE)
_AGAIN = re.compile(r"\blook\b[^.?]*\b(?:again|once\s+more|at)\b|\bre-?look\b", re.IGNORECASE)
_WINDOWS = ("lung", "soft tissue", "bone", "brain", "liver", "subdural", "angio")
_SLICES = re.compile(r"\bslices?\s+(\d+)(?:\s*(?:-|to)\s*(\d+))?", re.IGNORECASE)
_SERIES = re.compile(r"\bS(\d+)\b", re.IGNORECASE)
_MOST_SLICES = 12


def follow_up(thread: Thread) -> str | Calls:
    """Words that answer the person, calls to make first, or "" when the case has to be read anew.

    A message that brought findings, images or corrections is no question.
    """
    lines = _submitted(thread)
    brief = thread.briefs[-1] if thread.briefs else {}
    if not thread.said or any(brief.get(news) for news in _NEWS):
        return ""
    if not thread.called(SUBMIT) or thread.called(SUBMIT, this_turn=True):
        return ""
    said = thread.said
    if _AGAIN.search(said):
        return _look_again(thread, said)
    if _PRIOR.search(said):
        return _beside_prior(thread)
    named = _named(said, lines)
    if _COMPARE.search(said) and len(named) > 1:
        return _compared(thread, named)
    if _ASK_NEXT.search(said):
        return _next(thread)
    if _SETTLE.search(said):
        return _each(named or lines[:1], lambda line: line.get("settles") or "nothing is known")
    if _AGAINST.search(said):
        return _each(named or lines[:1], lambda line: _against(thread, line))
    if _FOR.search(said):
        return _each(named or lines[:1], lambda line: _for(thread, line))
    return NOT_UNDERSTOOD


def _submitted(thread: Thread) -> list[dict[str, Any]]:
    last = (thread.called(SUBMIT) or [{}])[-1]
    return [d for d in last.get("diagnoses", []) if isinstance(d, dict)]


def _named(said: str, lines: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The lines that the words mean, by place or by name, in the order of the words."""
    at: dict[int, int] = {}
    folded = said.casefold()
    for number, line in enumerate(lines):
        place = folded.find(str(line["name"]).casefold())
        if place >= 0:
            at[number] = place
    for word, number in _ORDINALS.items():
        found = re.search(rf"\b{word}\b", folded)
        if found:
            at.setdefault(number, found.start())
    for found in _NUMBER.finditer(said):
        at.setdefault(int(found[1]) - 1, found.start())
    return [lines[n] for n in sorted(at, key=lambda n: at[n]) if 0 <= n < len(lines)]


def _each(lines: Sequence[Mapping[str, Any]], tell: Any) -> str:
    if not lines:
        return "There is no such line in the differential."
    return "\n".join(f"**{line['name']}**: {tell(line)}" for line in lines)


def _weighed(thread: Thread, line: Mapping[str, Any]) -> Mapping[str, Any]:
    for answer in reversed(thread.answers("weigh_evidence")):
        for candidate in answer.get("candidates", []):
            if candidate["disease_id"] == line.get("disease_id"):
                return dict(candidate)
    return {}


def _against(thread: Thread, line: Mapping[str, Any]) -> str:
    candidate = _weighed(thread, line)
    said = _sources(thread, candidate.get("against", {})) or "nothing that was found"
    missing = ", ".join(t.replace("-", " ") for t in candidate.get("not_looked_for", [])[:5])
    return said + (f"; expected and not looked for or not found: {missing}" if missing else "")


def _for(thread: Thread, line: Mapping[str, Any]) -> str:
    return _sources(thread, _weighed(thread, line).get("for", {})) or "nothing that was found"


def _sources(thread: Thread, weights: Mapping[str, float]) -> str:
    names = {
        f["id"]: f"{'' if f.get('present') else 'no '}{f['term'].replace('-', ' ')}"
        for f in thread.findings()
        if f.get("id")
    }
    ordered = sorted(weights.items(), key=lambda part: -abs(part[1]))
    return ", ".join(
        f"{source} {names[source]} ({ln:+.1f})" if source in names else f"{source} ({ln:+.1f})"
        for source, ln in ordered
    )


def _look_again(thread: Thread, said: str) -> str | Calls:
    if thread.called("look", this_turn=True):
        return ""
    if not thread.has_vision:
        return (
            "No vision model is configured, so nobody can look again: name one with --vision, or "
            "tell me what you see."
        )
    series = thread.case.get("series", [])
    if not series:
        return "The case has no images to look at."
    ids = [s["id"] for s in series]
    found = _SERIES.search(said)
    one = f"S{found[1]}" if found and f"S{found[1]}" in ids else ids[0]
    unit = next(s.get("unit") for s in series if s["id"] == one)
    windows = [w for w in _WINDOWS if w in said.casefold()] or ["lung", "soft tissue"]
    arguments: dict[str, Any] = {
        "windows": windows if unit == "HU" else ["as displayed"],
        "series": one,
    }
    if slices := _SLICES.search(said):
        low, high = int(slices[1]), int(slices[2] or slices[1])
        step = max(1, (high - low + 1) // _MOST_SLICES)
        arguments["slices"] = list(range(low, high + 1, step))
    return [("look", arguments)]


def _beside_prior(thread: Thread) -> str:
    """The findings of each series side by side, term by term."""
    ids = [s["id"] for s in thread.case.get("series", [])]
    if len(ids) < 2:
        return "There is one study in this thread: attach the other, and I set them side by side."
    rows: dict[str, dict[str, str]] = {}
    for finding in thread.findings():
        if finding.get("series") in ids:
            told = finding.get("value") or ("present" if finding.get("present") else "absent")
            rows.setdefault(finding["term"], {})[finding["series"]] = str(told)
    if not rows:
        return "Nothing was measured or seen in either series, so there is nothing to compare."
    table = [f"| finding | {' | '.join(ids)} |", "|---|" + "---|" * len(ids)]
    table += [
        f"| {term.replace('-', ' ')} | {' | '.join(of.get(i, '-') for i in ids)} |"
        for term, of in sorted(rows.items())
    ]
    return "\n".join(table)


def _compared(thread: Thread, named: Sequence[Mapping[str, Any]]) -> str | Calls:
    ids = [str(line["disease_id"]) for line in named if line.get("disease_id")][:6]
    if len(set(ids)) < 2:
        return "Name two lines of the differential that have an entry of the knowledge base."
    answers = thread.answers("compare_diseases", this_turn=True)
    if not answers:
        return [("compare_diseases", {"disease_ids": ids})]
    rows = answers[-1].get("differences", [])
    table = [f"| finding | {' | '.join(ids)} | this case |", "|---|" + "---|" * (len(ids) + 1)]
    table += [
        f"| {row['term'].replace('-', ' ')} | "
        f"{' | '.join(str(row['expected'].get(i, '-')) for i in ids)} | {row['case']} |"
        for row in rows
    ]
    return "\n".join(table)


def _next(thread: Thread) -> str | Calls:
    answers = thread.answers("next_question", this_turn=True)
    if not answers:
        return [("next_question", {"count": 3})]
    questions = answers[-1].get("questions", [])
    if not questions:
        return "Nothing that can be asked of this study would tell the candidates apart."
    return "\n".join(
        f"{number}. {q['question']} ({q['window']}; {q['gain']:.2f} bits, p(yes) {q['p_yes']:.2f})"
        for number, q in enumerate(questions, start=1)
    )
