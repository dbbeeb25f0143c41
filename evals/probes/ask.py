"""Asking the steps of the probes: bounded, resumable, each answer on the disk before the next."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from evals.arms.arm import Arm, Choice
from evals.data.dataset import Dataset, EvalCase
from evals.data.rows import read_rows
from evals.matching.levels import judge_list
from evals.probes.inputs import ProbeViewer
from evals.probes.steps import Step, build_step
from evals.running.execute import Bench
from evals.running.ledger import Ledger, Line, latest_lines
from evals.running.manifest import read_manifests, write_manifests
from evals.running.plan import Asked, is_due, manifests_of, work_of
from evals.running.provenance import first_line
from evals.running.schedule import Pace
from evals.running.session import Means, do_work
from tools.errors import UserError

_NO_DIAGNOSIS = ("history-completion", "paraphrase")


@dataclass(frozen=True, kw_only=True, slots=True)
class How:
    """How the steps are asked.

    Attributes:
        out: Folder of results.jsonl and manifest.json.
        source: Hash of the code that asks.
        in_batch: In Gemini's batch mode.
        retries_failed: Ask again where the service failed.
    """

    out: Path
    source: str
    pace: Pace
    timeout_s: float
    in_batch: bool = False
    retries_failed: bool = False


class Prober:
    """Asks steps of one data set; each answer is a line of results.jsonl, like a run's.

    Args:
        dataset: All its cases.
        choice: Whose planner is asked.
        how: Bounds and place.
    """

    def __init__(self, dataset: Dataset, choice: Choice, how: How) -> None:
        self._dataset = dataset
        self._choice = choice
        self._how = how

    def first_line(self) -> str:
        """Which code and which data the figures will be of."""
        step: Step = "case-id-to-title"
        arms: dict[str, Arm] = {step: build_step(step, self._choice)}
        return first_line(
            manifests_of(arms, self._dataset, self._asked(()), self._how.source)[step],
            read_manifests(self._how.out / "manifest.json").values(),
        )

    def lines(
        self,
        step: Step,
        cases: Sequence[EvalCase],
        paraphrases: Mapping[str, str] | None = None,
    ) -> list[Line]:
        """The line of every case, asked now where it does not stand yet.

        Args:
            step: What is asked.
            cases: Those that have what the step tells.
            paraphrases: By case id, for the step "paraphrased".

        Raises:
            UserError: When the planner is not set up, the money is spent, or another run writes to
                the folder.
        """
        how = self._how
        arm = build_step(step, self._choice, _digest(paraphrases or {}))
        asked = self._asked(cases)
        manifest = manifests_of({step: arm}, self._dataset, asked, how.source)[step]
        work = work_of(asked, {step: manifest.config})
        means = self._means(step, arm, paraphrases or {})
        path = how.out / "results.jsonl"
        with Ledger(path) as ledger:
            write_manifests(how.out / "manifest.json", {manifest.config: manifest})
            todo = [
                one
                for one in work
                if is_due(ledger.marks.get(one.key), retries_failed=how.retries_failed)
            ]
            before = [ledger.marks.get(one.key) for one in todo]
            do_work(todo, means, ledger, len(work))
            left = sum(
                ledger.marks.get(one.key) is mark for one, mark in zip(todo, before, strict=True)
            )
            if left:
                raise UserError(
                    f"${ledger.dollars:.2f} spent: {left} of {len(work)} left in {step}; the same "
                    "command with a higher --max-dollars goes on"
                )
        stand = latest_lines(path)
        return [stand[one.key] for one in work]

    def _asked(self, cases: Sequence[EvalCase]) -> Asked:
        how = self._how
        return Asked(cases=cases, views=("V1",), seeds=(0,), timeout_s=how.timeout_s)

    def _means(self, step: Step, arm: Arm, paraphrases: Mapping[str, str]) -> Means:
        how, settings = self._how, self._choice.settings
        viewer = ProbeViewer(self._dataset, how.out, settings, step=step, paraphrases=paraphrases)
        return Means(
            bench=Bench(
                arms={step: arm},
                viewer=viewer,
                scorers={} if step in _NO_DIAGNOSIS else {"curated": judge_list},
                timeout_s=how.timeout_s,
            ),
            makers={},
            choice=self._choice,
            dataset=self._dataset,
            out=how.out,
            source=how.source,
            pace=how.pace,
            in_batch=how.in_batch,
        )


class _Paraphrased(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    case: str
    history: str = Field(min_length=1)


def read_paraphrases(path: Path) -> dict[str, str]:
    """Histories in other words by case id, one JSON object a line: {"case": ..., "history": ...}.

    Raises:
        UserError: When the file is missing, a line is none such or a case is told twice; the line's
            text is not quoted.
    """
    found: dict[str, str] = {}
    for number, one in read_rows(path, _Paraphrased):
        if one.case in found:
            raise UserError(f"{path}, line {number}: case: a second line for one case; keep one")
        found[one.case] = one.history
    return found


def paraphrases_in(lines: Sequence[Line]) -> dict[str, str]:
    """What the step "paraphrase" made, by case id."""
    return {line.case: line.predictions[0].name for line in lines if line.status == "OK"}


def _digest(paraphrases: Mapping[str, str]) -> str:
    digest = hashlib.sha256()
    for case in sorted(paraphrases):
        digest.update(f"{case}\n{paraphrases[case]}\n".encode())
    return digest.hexdigest() if paraphrases else ""
