"""A process that loads one file after another: `python -m tests.fuzz.worker`.

Reads a path a line, answers a line: the outcome, and the most memory it has held, in MiB.
"""

from __future__ import annotations

import resource
import sys
from pathlib import Path

from tests.fuzz.limits import MOST_BYTES
from tools.errors import UserError
from tools.imaging.files import load_paths


def main() -> None:
    """Load until the input ends; anything but a UserError is a crash."""
    resource.setrlimit(resource.RLIMIT_AS, (2 * MOST_BYTES, 2 * MOST_BYTES))
    for line in sys.stdin:
        _forget_peak()
        try:
            load_paths([Path(line.rstrip("\n"))], release_quarantined=True)
            outcome = "loaded"
        except UserError:
            outcome = "refused"
        except Exception as error:  # noqa: BLE001 - the point is to see what escapes
            frame = error.__traceback__
            while frame is not None and frame.tb_next is not None:
                frame = frame.tb_next
            where = (
                "" if frame is None else f"{frame.tb_frame.f_code.co_filename}:{frame.tb_lineno}"
            )
            outcome = f"crash {type(error).__name__} at {where}"
        print(f"{_peak_mib()} {outcome}", flush=True)  # noqa: T201 - the answer to the parent


def _forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


def _peak_mib() -> int:
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) >> 10


if __name__ == "__main__":
    main()
