"""Feed mutants to persistent workers: `python -m tests.fuzz.run --mutants 10000`.

A crash, more than 10 s on one file and more than 2 GiB are faults; the file that did it is kept.
"""

from __future__ import annotations

import argparse
import selectors
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz.limits import MOST_BYTES, MOST_SECONDS
from tests.fuzz.mutate import mutant, originals

ROOT = Path(__file__).parent.parent.parent


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What one mutant did: loaded, refused, or how it went wrong."""

    number: int
    what: str
    peak_mib: int

    @property
    def is_fault(self) -> bool:
        """Whether it is a crash, a hang or too much memory."""
        return self.what not in ("loaded", "refused") or self.peak_mib << 20 > MOST_BYTES


class Worker:
    """A loading process, started again when it dies or hangs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process = self._start()

    def load(self, number: int, content: bytes) -> Outcome:
        """Load one file and say what came of it."""
        path = self._folder / f"{number}.bin"
        path.write_bytes(content)
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(f"{path}\n")
        stdin.flush()
        with selectors.DefaultSelector() as ready:
            ready.register(stdout, selectors.EVENT_READ)
            line = stdout.readline() if ready.select(MOST_SECONDS) else None
        path.unlink()
        if line is None:
            self.close()
            self._process = self._start()
            return Outcome(number=number, what=f"hang over {MOST_SECONDS:g} s", peak_mib=0)
        if not line:
            code = self._process.wait()
            self._process = self._start()
            return Outcome(number=number, what=f"crash of the process ({code})", peak_mib=0)
        peak, _, what = line.strip().partition(" ")
        return Outcome(number=number, what=what, peak_mib=int(peak))

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()

    def _start(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "tests.fuzz.worker"], cwd=ROOT, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip


def fuzz(count: int, seed: int, workers: int = 2) -> list[Outcome]:
    """The outcomes of mutants 0 to count - 1, in no order."""
    files = originals()

    def share(numbers: Iterable[int]) -> list[Outcome]:
        with tempfile.TemporaryDirectory(prefix="hoofbeat-fuzz-") as folder:
            worker = Worker(Path(folder))
            try:
                return [worker.load(n, mutant(files, seed, n)) for n in numbers]
            finally:
                worker.close()

    with ThreadPoolExecutor(workers) as pool:
        shares = pool.map(share, (range(w, count, workers) for w in range(workers)))
        return [outcome for done in shares for outcome in done]


def main() -> int:
    """Run from the command line; 1 when a mutant was a fault."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.run", description=__doc__)
    parser.add_argument("--mutants", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="write files at fault here")
    options = parser.parse_args()
    started = time.monotonic()
    outcomes = fuzz(options.mutants, options.seed, options.workers)
    counts = Counter("fault" if o.is_fault else o.what for o in outcomes)
    print(  # noqa: T201
        f"{len(outcomes)} mutants in {time.monotonic() - started:.0f} s: "
        + ", ".join(f"{n} {what}" for what, n in counts.most_common())
        + f"; most memory {max(o.peak_mib for o in outcomes)} MiB"
    )
    faults = [o for o in outcomes if o.is_fault]
    for fault in faults:
        print(f"  {fault.number}: {fault.what}, {fault.peak_mib} MiB")  # noqa: T201
        if options.keep:
            options.keep.mkdir(parents=True, exist_ok=True)
            content = mutant(originals(), options.seed, fault.number)
            (options.keep / f"{options.seed}-{fault.number}.bin").write_bytes(content)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
