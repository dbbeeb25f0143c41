"""The commands beside diagnosis: list series, draw a montage, de-identify, examine the set-up."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape

from agent.cli import steps
from agent.settings import build_settings
from tools.errors import ToolFailure, UserError

if TYPE_CHECKING:
    from tools.imaging.files import Loaded

_NOT_CHECKED = "no empty study was shown to the vision model: mend first what does not work"


def _load(options: argparse.Namespace) -> Loaded:
    from tools.imaging.files import load_paths

    return load_paths(
        [Path(p) for p in options.paths],
        release_quarantined=options.release_quarantined,
        modality=options.modality,
    )


def series(options: argparse.Namespace) -> int:
    """List the series of a study, the one that is read first at the top."""
    from tools.imaging.fit import describe_series

    console = Console()
    with steps(Console(stderr=True)) as on_step:
        on_step("reading the images")
        loaded = _load(options)
    for number, (one, _) in enumerate(loaded.volumes, start=1):
        console.print(f"[bold]S{number}[/bold] {escape(describe_series(one))}", highlight=False)
        for limit in one.limits:
            console.print(f"   {escape(limit)}", highlight=False, style="yellow")
    if loaded.chosen:
        console.print(escape(loaded.chosen), highlight=False)
    for note in loaded.notes:
        console.print(escape(note), highlight=False, style="yellow")
    return 0


def montage(options: argparse.Namespace) -> int:
    """Draw evenly spaced slices of one series in its windows as a PNG."""
    from tools.imaging.montage import save_montage
    from tools.imaging.raster import windows_for

    if not options.png.parent.is_dir():
        raise UserError(f"no folder {options.png.parent.name!r} to write {options.png.name!r} into")
    with steps(Console(stderr=True)) as on_step:
        on_step("reading the images")
        loaded = _load(options)
        ids = [f"S{number}" for number in range(1, len(loaded.volumes) + 1)]
        wanted = options.series.strip().upper() or ids[0]
        if wanted not in ids:
            raise UserError(f"no series {wanted!r}; there are {', '.join(ids)}")
        _, volume = loaded.volumes[ids.index(wanted)]
        known = windows_for(volume)
        windows = list(known) if "all" in options.window else options.window or [known[0]]
        on_step(f"drawing {wanted}: {', '.join(windows)}")
        try:
            save_montage(options.png, volume, wanted, windows, count=options.count)
        except ToolFailure as refusal:
            raise UserError(str(refusal)) from refusal
    return 0


def deidentify(options: argparse.Namespace) -> int:
    """Copy DICOM files without what identifies the patient; quarantined ones are not copied."""
    from tools.imaging.deidentify_files import deidentify_files
    from tools.imaging.pseudonyms import open_key

    out = options.out.resolve()  # "." has no name that the key could be called by
    key_file = options.key or out.parent / f"{out.name}.key"
    if key_file.resolve().is_relative_to(out):
        raise UserError(
            f"the key file {key_file.name!r} lies in the output folder, and would go with the "
            "copies; name a file outside it with --key"
        )
    with steps(Console(stderr=True)) as on_step:
        on_step("de-identifying")
        summary = deidentify_files(
            [Path(p) for p in options.paths],
            options.out,
            key=open_key(key_file),
            release_quarantined=options.release_quarantined,
        )
    console = Console()
    for line in summary.lines():
        console.print(escape(line), highlight=False)
    return 0


def doctor(options: argparse.Namespace) -> int:
    """Try every configured part; 1 when one does not work."""
    from agent.doctor import check_eyes, examine

    settings = build_settings(
        planner=options.planner, vision=options.vision or None, cache_dir=options.cache_dir
    )
    console = Console()
    is_sound = True
    with steps(Console(stderr=True)) as on_step:
        for line in examine(settings, on_step=on_step):
            is_sound &= line.works
            mark = "[green]works[/green]" if line.works else "[red]does not work[/red]"
            console.print(f"{escape(line.what)}: {mark}; {escape(line.detail)}", highlight=False)
        if options.vision is not None:
            said = check_eyes(settings, on_step=on_step) if is_sound else (_NOT_CHECKED,)
            for line_said in said:
                console.print(escape(line_said), highlight=False)
    return 0 if is_sound else 1


def threads(options: argparse.Namespace) -> int:
    """List kept threads, show or delete one, or go on with one whose run did not end."""
    from agent.threads.command import run

    return run(options)


def chat(options: argparse.Namespace) -> int:
    """Talk about a case in a thread that is kept."""
    from agent.chat import chat as talk

    return talk(options)


COMMANDS: Mapping[str, Callable[[argparse.Namespace], int]] = MappingProxyType(
    {
        "series": series,
        "montage": montage,
        "deidentify": deidentify,
        "doctor": doctor,
        "chat": chat,
        "threads": threads,
    }
)
