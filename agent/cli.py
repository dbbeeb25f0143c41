"""What the commands do, and how a report looks in a terminal."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from agent.case import Case
from agent.demo import DEMO_CASES, demo_case
from agent.report import Report
from agent.run import build_agent, diagnose
from agent.settings import Settings, build_settings
from knowledge.entry import load_entries
from tools.errors import UserError
from tools.findings import Finding


def run(options: argparse.Namespace) -> int:
    """Run the parsed command; returns its exit code."""
    if options.command not in ("diagnose", "demo"):
        from agent.commands import COMMANDS

        return COMMANDS[options.command](options)
    settings = build_settings(
        planner=options.planner, vision=options.vision, cache_dir=options.cache_dir
    )
    for target in (options.report, options.json):
        if target is not None and not target.parent.is_dir():
            raise UserError(f"no folder {str(target.parent)!r} to write {target.name!r} into")
    told = Console(stderr=True)
    with steps(told) as on_step:
        built = any((settings.cache_dir / "index").glob("*/manifest.json"))
        if not built and settings.chroma_server is None:
            on_step("the first search builds the knowledge index, once: some 20 seconds")
        case = _case(options, settings, on_step)
        report = _diagnosed(case, settings, on_step)
        if options.report is not None:
            on_step("drawing the report")
            report.save_html(options.report, settings)
    if options.json is not None:
        from agent.page import write_whole

        write_whole(options.json, report.model_dump_json(indent=1))
    show(report, Console())
    if options.command == "demo" and not options.lesion_free:
        planted = load_entries()[DEMO_CASES[options.case].planted].name
        told.print(f"[dim]planted in this phantom: {planted}[/dim]", highlight=False)
    for target in (options.report, options.json):
        if target is not None:
            told.print(f"[dim]written: {escape(str(target))}[/dim]", highlight=False)
    return 0


def _diagnosed(case: Case, settings: Settings, on_step: Callable[[str], None]) -> Report:
    """Diagnose, in a thread where the settings name a place for one."""
    if settings.threads.get_secret_value() == "memory":
        return diagnose(case, settings, on_step=on_step)
    from agent.threads import open_threads

    with open_threads(settings) as saver:
        agent = build_agent(settings, checkpointer=saver)
        thread_id = uuid4().hex[:12]
        on_step(f"thread {thread_id}")
        return diagnose(case, agent=agent, thread_id=thread_id, on_step=on_step)


@contextmanager
def steps(told: Console) -> Iterator[Callable[[str], None]]:
    """A callback that shows each step as it begins, with a spinner until the block ends."""
    with told.status("starting", spinner="dots") as status:

        def on_step(step: str) -> None:
            status.update(escape(step))
            told.print(f"[dim]·[/dim] {escape(step)}", highlight=False)

        yield on_step


def _case(options: argparse.Namespace, settings: Settings, on_step: Callable[[str], None]) -> Case:
    if options.command == "demo":
        on_step("making a synthetic chest CT")
        if options.dicom is not None:
            return demo_case(options.case, options.dicom, settings, lesion_free=options.lesion_free)
        with tempfile.TemporaryDirectory(prefix="hoofbeat-demo-") as folder:
            return demo_case(options.case, Path(folder), settings, lesion_free=options.lesion_free)
    if not options.paths and not options.history and not options.findings:
        raise UserError("nothing to read: give a PATH, --history or --findings (see --help)")
    if options.paths:
        on_step("reading the images")
    return case_of(options, settings)


def case_of(options: argparse.Namespace, settings: Settings) -> Case:
    """The case that the options describe; reads its images."""
    return Case.load(
        options.paths,
        history=options.history,
        findings_text=options.findings,
        age_years=options.age,
        sex=options.sex,
        modality=options.modality,
        first_series=options.series,
        release_quarantined=options.release_quarantined,
        settings=settings,
    )


def show(report: Report, console: Console) -> None:
    """The report as tables: differential, findings that are present, limits, what it is."""
    differential = report.differential
    if differential.abstained:
        console.print(f"\n[bold]No differential:[/bold] {escape(differential.abstained_why)}.\n")
    else:
        table = Table(title="Differential", title_justify="left", show_lines=False)
        table.add_column("", justify="right")
        table.add_column("Diagnosis", overflow="fold")
        table.add_column("Probability", justify="right")
        table.add_column("For", overflow="fold")
        table.add_column("Against", overflow="fold")
        for number, line in enumerate(differential.diagnoses, start=1):
            flag = " [red]must not be missed[/red]" if line.cant_miss else ""
            table.add_row(
                str(number),
                escape(line.name) + flag,
                f"{line.probability:.1%}",
                ", ".join(line.evidence_for),
                ", ".join(line.evidence_against),
            )
        table.add_row("", "Other", f"{differential.other_probability:.1%}", "", "")
        console.print(table)
        for line in differential.diagnoses:
            if line.differs_because and line.ledger_probability is not None:
                console.print(
                    f"{escape(line.name)}: the ledger gives {line.ledger_probability:.1%}; "
                    f"{escape(line.differs_because)}",
                    highlight=False,
                )
        if differential.diagnoses[0].settles:
            console.print(
                f"What would settle the first: {escape(differential.diagnoses[0].settles)}"
            )
    _show_outlook(report, console)
    if report.case.chosen:
        console.print(f"Series: {escape(report.case.chosen)}.", highlight=False)
    _show_findings(report, console)
    for limit in differential.limits:
        console.print(f"[yellow]Limit:[/yellow] {escape(limit)}", highlight=False)
    console.print(f"[dim]{escape(report.planner)}[/dim]", highlight=False)
    console.print(f"[bold]{report.notice}[/bold]")


def _show_outlook(report: Report, console: Console) -> None:
    """What is dangerous and near, what is undecided, and what to do or ask next."""
    differential = report.differential
    for near in differential.considered:
        console.print(
            f"[red]Considered:[/red] {escape(near.name)} ({near.probability:.1%}): "
            f"{escape(near.why_not)}",
            highlight=False,
        )
    if differential.undecided_why:
        console.print(f"[yellow]Undecided:[/yellow] {escape(differential.undecided_why)}")
    if differential.next_step:
        console.print(f"Next: {escape(differential.next_step)}", highlight=False)
    elif report.questions:
        best = report.questions[0]
        console.print(
            f"Question that would tell most: {escape(best.question)} ({best.window}, "
            f"{best.gain:.2f} bits)",
            highlight=False,
        )


def _show_findings(report: Report, console: Console) -> None:
    if not report.findings:
        return
    table = Table(title="Findings", title_justify="left")
    for column in ("Id", "Finding", "", "Source", "Slices", "Value"):
        table.add_column(column, overflow="fold")
    for finding in sorted(report.findings, key=lambda f: not f.present):
        slices = ", ".join(str(n) for n in finding.slices[:4])
        if len(finding.slices) > 4:
            slices += " …"
        side = f" ({finding.side})" if finding.side not in finding.name else ""
        table.add_row(
            finding.id,
            escape(finding.name + side),
            _standing(finding),
            finding.source,
            slices,
            escape(finding.refuted or finding.value),
        )
    console.print(table)


def _standing(finding: Finding) -> str:
    if finding.refuted:
        return "[dim]refuted[/dim]"
    return "present" if finding.present else "[dim]absent[/dim]"
