"""`hoofbeat threads`: list, show, resume, delete."""

from __future__ import annotations

import argparse

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from agent.cli import show, steps
from agent.settings import Settings, build_settings
from agent.threads.keep import kept_in, lasting, open_threads
from agent.threads.saver import ThreadSaver
from agent.threads.shelf import Threads
from tools.errors import UserError


def run(options: argparse.Namespace) -> int:
    """Run one verb on the store that the settings name, or on the default file; returns 0."""
    settings = lasting(
        build_settings(
            planner=getattr(options, "planner", None),
            vision=getattr(options, "vision", None),
            cache_dir=options.cache_dir,
        )
    )
    with open_threads(settings) as saver:
        shelf = Threads(saver, settings)
        if options.verb == "list":
            _list(shelf, settings)
        elif options.verb == "show":
            show(shelf.show(options.id), Console())
        elif options.verb == "resume":
            _resume(options.id, saver, settings)
        else:
            _delete(shelf, options)
    return 0


def _list(shelf: Threads, settings: Settings) -> None:
    console = Console()
    lines = shelf.list()
    if lines:
        table = Table()
        for column in ("Id", "Started (UTC)", "Turns", "About"):
            table.add_column(column, overflow="fold")
        for line in lines:
            table.add_row(escape(line.id), line.started, str(line.turns), escape(line.about))
        console.print(table)
    else:
        console.print("no threads")
    Console(stderr=True).print(f"[dim]kept in {escape(kept_in(settings))}[/dim]", highlight=False)


def _resume(thread_id: str, saver: ThreadSaver, settings: Settings) -> None:
    from agent.run import build_agent, resume

    with steps(Console(stderr=True)) as on_step:
        agent = build_agent(settings, checkpointer=saver)
        report = resume(thread_id, agent=agent, on_step=on_step)
    show(report, Console())


def _delete(shelf: Threads, options: argparse.Namespace) -> None:
    if bool(options.id) == options.all:
        raise UserError("name one thread to delete, or all of them with --all --yes")
    gone = sorted(shelf.ids()) if options.all else [options.id]
    if options.all and not options.yes:
        raise UserError(f"--all would delete {len(gone)} threads; confirm it with --yes")
    deleted = [shelf.delete(thread_id) for thread_id in gone]
    Console().print(
        f"deleted: {len(deleted)} threads, {sum(d.images for d in deleted)} volumes and images, "
        f"{sum(d.replies for d in deleted)} cached replies",
        highlight=False,
    )
