"""The command line: `hoofbeat COMMAND`, the same as `python -m agent COMMAND`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from agent.parser import build_parser
from tools.errors import UserError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code.

    0 done, 1 a part that does not work (doctor), 2 input or set-up to mend, 130 interrupted.
    """
    options = build_parser().parse_args(arguments)
    from agent.cli import run  # the parser answers --help without loading the graph
    from knowledge.yaml_source import KnowledgeError

    try:
        return run(options)
    except (UserError, KnowledgeError) as error:
        print(f"hoofbeat: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("hoofbeat: interrupted", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
