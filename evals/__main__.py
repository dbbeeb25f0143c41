"""The evaluation's commands: `evals COMMAND ...`, the same as `python -m evals COMMAND ...`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module

# Each is a module with a main(argv), and a line of help.
COMMANDS: Mapping[str, tuple[str, str]] = {
    "run": ("evals.run", "run arms over a data set"),
    "report": ("evals.report", "write a run as one HTML page, with every case"),
    "compare": ("evals.compare", "compare two runs case by case"),
    "verify": ("evals.verify", "judge a run's answers again and check what it was made from"),
    "misses": ("evals.misses", "count where a run's misses come from"),
    "match": ("evals.match", "check the matcher on labelled pairs"),
    "judge": ("evals.judge", "let a model judge the pairs that the matcher left undecided"),
    "probe": ("evals.probe", "ask a model what it knows of the cases by heart"),
    "power": ("evals.statistics.power", "how many cases a comparison needs"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Hand the arguments to the command that the first one names; returns its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments or arguments[0] in ("-h", "--help"):
        width = max(map(len, COMMANDS))
        lines = "\n".join(f"  {name:<{width}}  {what}" for name, (_, what) in COMMANDS.items())
        print(f"usage: evals COMMAND ...\n\n{lines}\n\n`evals COMMAND --help` says more.")
        return 0 if arguments else 2
    if arguments[0] not in COMMANDS:
        sys.stderr.write(f"error: no command {arguments[0]!r}: there is {', '.join(COMMANDS)}\n")
        return 2
    command: Callable[[Sequence[str]], int] = import_module(COMMANDS[arguments[0]][0]).main
    return command(arguments[1:])


if __name__ == "__main__":
    sys.exit(main())
