"""How long the command line takes to answer: `python -m benchmarks.startup`.

Median of 5 warm runs each, beside the same interpreter doing nothing.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time

_RUNS = 5
_COMMANDS = {
    "python -c pass (reference)": ["-c", "pass"],
    "hoofbeat --help": ["-m", "agent", "--help"],
    "import agent": ["-c", "import agent"],
    "hoofbeat demo": ["-m", "agent", "demo"],
}


def main() -> None:
    """Print seconds and the ratio to the bare interpreter."""
    reference = 0.0
    with tempfile.TemporaryDirectory() as folder:
        report = ["--report", f"{folder}/report.html"]
        for name, arguments in _COMMANDS.items():
            extra = report if name.endswith("demo") else []
            times = [_seconds([*arguments, *extra]) for _ in range(_RUNS + 1)][1:]
            median = statistics.median(times)
            reference = reference or median
            print(f"{name:28} {median:7.3f} s   x{median / reference:.1f}")


def _seconds(arguments: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
