"""Feed mutants to persistent workers: `python -m tests.fuzz.run --mutants 10000`.

A crash, more than 10 s of computing on one file and more than 2 GiB are faults; the file that did
it is kept.
"""

from __future__ import annotations

import argparse
import os
import selectors
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz.limits import MOST_BYTES, MOST_CPU_S, MOST_WAIT_S
from tests.fuzz.mutate import mutant, originals

ROOT = Path(__file__).parent.parent.parent
_LOADER = (sys.executable, "-m", "tests.fuzz.worker")
_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


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
    """A loading process, started again when it dies or hangs.

    It hangs when it computes longer than `most_cpu_s` on a file, or keeps silent for
    `most_wait_s`.
    """

    def __init__(
        self,
        folder: Path,
        program: Sequence[str] = _LOADER,
        *,
        most_cpu_s: float = MOST_CPU_S,
        most_wait_s: float = MOST_WAIT_S,
    ) -> None:
        self._folder = folder
        self._program = program
        self._most_cpu_s = most_cpu_s
        self._most_wait_s = most_wait_s
        self._process = self._start()

    def load(self, number: int, content: bytes) -> Outcome:
        """Load one file and say what came of it."""
        path = self._folder / f"{number}.bin"
        path.write_bytes(content)
        line = self._answer(path)
        path.unlink()
        if line is None:
            self.close()
            self._process = self._start()
            return Outcome(number=number, what="hang", peak_mib=0)
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

    def _answer(self, path: Path) -> str | None:
        """What the process says of a file; None when it hangs."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        until, before_s = time.monotonic() + self._most_wait_s, self._cpu_s()
        stdin.write(f"{path}\n")
        stdin.flush()
        with selectors.DefaultSelector() as ready:
            ready.register(stdout, selectors.EVENT_READ)
            while time.monotonic() < until and self._cpu_s() < before_s + self._most_cpu_s:
                if ready.select(0.2):
                    return stdout.readline()
        return None

    def _cpu_s(self) -> float:
        """Seconds that the process and those it has waited for have computed."""
        status = Path(f"/proc/{self._process.pid}/stat").read_text()
        user_and_system = status.rpartition(")")[2].split()[11:15]
        return sum(map(int, user_and_system)) / _TICKS_A_SECOND

    def _start(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self._program, cwd=ROOT, text=True,
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
