"""One case walked through, as docs/how-it-thinks.md shows it: `python -m evals.walk`.

The case is made up. Everything between the marks `<!-- NAME -->` and `<!-- /NAME -->` of that page,
and its two figures, come from a run of the offline planner on it; --check compares and writes
nothing.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.memory import InMemorySaver

from agent import Report, Settings, build_agent
from agent.settings import build_settings
from evals.walk_figures import draw_gains, draw_ledger

HISTORY = (
    "36-year-old woman, never smoked, short of breath for two years. CT chest: innumerable "
    "thin-walled cysts in both lungs. Small left pneumothorax. No honeycombing."
)
FOLLOW_UP = "Abdominal CT: a renal angiomyolipoma on the left. The cysts are not oddly shaped."
PAGE = Path("docs/how-it-thinks.md")
_CONFIG: RunnableConfig = {"configurable": {"thread_id": "walk"}}
_LINES = 6


def walk(settings: Settings) -> tuple[Report, Report, list[str]]:
    """The report of the first message, that of the follow-up, and the calls of the first."""
    agent = build_agent(settings, checkpointer=InMemorySaver())
    first = agent.invoke({"messages": [HumanMessage(HISTORY)]}, _CONFIG)
    second = agent.invoke({"messages": [HumanMessage(FOLLOW_UP)]}, _CONFIG)
    return (
        Report.model_validate(first["report"]),
        Report.model_validate(second["report"]),
        _calls(first["messages"]),
    )


def parts(first: Report, second: Report, calls: Sequence[str]) -> dict[str, str]:
    """What the page shows, by the name of its marks: Markdown."""
    return {
        "case": f"> {HISTORY}",
        "findings": _findings(first),
        "calls": "\n".join(f"{n}. `{call}`" for n, call in enumerate(calls, start=1)),
        "ledger": _ledger(first),
        "gains": _gains(first),
        "differential": _differential(first),
        "follow-up": f"> {FOLLOW_UP}",
        "after": _differential(second),
        "considered": _considered(second),
    }


def written_into(page: str, shown: Mapping[str, str]) -> str:
    """The page with its marked parts replaced.

    Raises:
        ValueError: When a part has no marks in the page.
    """
    for name, text in shown.items():
        mark = re.compile(
            rf"(<!-- {re.escape(name)} -->\n).*?(\n<!-- /{re.escape(name)} -->)", re.S
        )
        if not mark.search(page):
            raise ValueError(f"the page has no part marked <!-- {name} --> ... <!-- /{name} -->")
        page = mark.sub(lambda found, text=text: found[1] + text + found[2], page)  # type: ignore[misc]
    return page


def _calls(messages: Sequence[Any]) -> list[str]:
    return [
        f"{call['name']}({', '.join(f'{k}={v!r}' for k, v in call['args'].items())})"
        if call["name"] != "submit_differential"
        else "submit_differential(...)"
        for message in messages
        if isinstance(message, AIMessage)
        for call in message.tool_calls
    ]


def _findings(report: Report) -> str:
    rows = [
        f"| {f.id} | {f.name} | {'present' if f.present else 'absent'} | {f.side or '-'} "
        f"| {f.certainty:.2f} | {f.source} | {f.value} |"
        for f in report.findings
    ]
    head = (
        "| id | finding | | side | certainty | source | read from |\n|---|---|---|---|---|---|---|"
    )
    return "\n".join([head, *rows])


def _ledger(report: Report) -> str:
    ids = [f.id for f in report.findings]
    rows = []
    for line in report.ledger[:_LINES]:
        weights = {**line.speaks_for, **line.speaks_against}
        cells = " | ".join(f"{weights[i]:+.2f}" if i in weights else "0" for i in ids)
        rest = "; ".join(f"{what} {ln:+.2f}" for what, ln in line.background.items())
        unknown = ", ".join(line.unknown[:3])
        rows.append(f"| {line.name} | {line.probability:.1%} | {cells} | {rest} | {unknown} |")
    head = f"| candidate | probability | {' | '.join(ids)} | also counted | unknown |"
    return "\n".join([head, "|---|" + "---|" * (len(ids) + 3), *rows])


def _gains(report: Report) -> str:
    leading = [line.disease_id for line in report.ledger[:3]]
    head = f"| question | window | gain, bits | p(yes) | {' | '.join(leading)} |"
    rows = [
        f"| {q.question} | {q.window} | {q.gain:.3f} | {q.p_yes:.2f} | "
        f"{' | '.join(f'{q.splits[d]:.2f}' if d in q.splits else '-' for d in leading)} |"
        for q in report.questions
    ]
    return "\n".join([head, "|---|" + "---|" * (len(leading) + 3), *rows])


def _differential(report: Report) -> str:
    rows = [
        f"| {n} | {d.name} | {d.probability:.1%} | {', '.join(d.evidence_for) or '-'} "
        f"| {', '.join(d.evidence_against) or '-'} | {', '.join(d.passages) or '-'} |"
        for n, d in enumerate(report.differential.diagnoses[:_LINES], start=1)
    ]
    other = report.differential.other_probability
    head = "| # | diagnosis | probability | for | against | passages |\n|---|---|---|---|---|---|"
    return "\n".join([head, *rows, f"| | other | {other:.1%} | | | |"])


def _considered(report: Report) -> str:
    named = [f"- {c.name}: {c.why_not}" for c in report.differential.considered]
    return "\n".join(named or ["- none"])


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the page and its figures; with --check, 1 when they are not what a run gives."""
    parser = argparse.ArgumentParser(prog="python -m evals.walk", description=__doc__)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args(arguments)
    first, second, calls = walk(build_settings(planner="offline", vision="none"))
    figures = PAGE.parent / "figures"
    made = {
        PAGE: written_into(PAGE.read_text("utf-8"), parts(first, second, calls)),
        figures / "ledger.svg": draw_ledger(first, _LINES),
        figures / "gains.svg": draw_gains(first),
    }
    stale = [str(p) for p, text in made.items() if not p.exists() or p.read_text("utf-8") != text]
    if options.check:
        sys.stdout.write("".join(f"stale: {path}\n" for path in stale))
        return 1 if stale else 0
    figures.mkdir(exist_ok=True)
    for path, text in made.items():
        path.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
