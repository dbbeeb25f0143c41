"""Asking the steps of the probes: bounded, resumable, each answer on the disk before the next."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from evals.arms.arm import Choice
from evals.data.dataset import Dataset, EvalCase
from evals.matching.levels import judge_list
from evals.probes.inputs import ProbeViewer
from evals.probes.steps import Step, build_step
from evals.running.batch import run_batch
from evals.running.execute import Bench, Work, run_one
from evals.running.ledger import Ledger, Line, latest_lines
from evals.running.manifest import Manifest, config_hash, write_manifest
from tools.errors import UserError


@dataclass(frozen=True, kw_only=True, slots=True)
class How:
    """How the steps are asked.

    Attributes:
        out: Folder of results.jsonl and manifest.json.
        in_batch: In Gemini's batch mode.
        retries: Ask again where the service failed.
    """

    out: Path
    concurrent: int
    timeout_s: float
    in_batch: bool = False
    retries: bool = False


class Prober:
    """Asks steps of one data set.

    Args:
        dataset: All its cases.
        choice: Whose planner is asked.
        how: Bounds and place.
        manifest: What all steps are made from; the step's own part is filled in.
    """

    def __init__(self, dataset: Dataset, choice: Choice, how: How, manifest: Manifest) -> None:
        self._manifest = manifest
        self._dataset = dataset
        self._choice = choice
        self._how = how

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
            UserError: When the planner is not set up, or another run writes to the folder.
        """
        how = self._how
        arm = build_step(step, self._choice, _digest(paraphrases or {}))
        made = self._manifest
        basis = (made.dataset_sha256, made.truth_sha256, made.source_sha256, made.split)
        config = config_hash(arm.config, *basis, str(how.timeout_s))
        work = [Work(case=case, view="V1", arm=step, seed=0, config=config) for case in cases]
        bench = Bench(
            arms={step: arm},
            viewer=ProbeViewer(
                self._dataset, how.out, self._choice.settings, step=step, paraphrases=paraphrases
            ),
            scorers={} if step in ("history-completion", "paraphrase") else {"curated": judge_list},
            timeout_s=how.timeout_s,
        )
        path = how.out / "results.jsonl"
        with Ledger(path) as ledger:
            step_made = made.model_copy(update={"arm": step, "settings": dict(arm.config)})
            write_manifest(how.out / "manifest.json", config, step_made)
            todo = [one for one in work if self._is_wanted(ledger, one)]
            asyncio.run(self._ask(todo, bench, ledger))
        stand = latest_lines(path)
        return [stand[one.key] for one in work]

    def _is_wanted(self, ledger: Ledger, work: Work) -> bool:
        mark = ledger.marks.get(work.key)
        if mark is None or mark.status == "UNSCORED":
            return True
        return self._how.retries and mark.may_pass

    async def _ask(self, todo: Sequence[Work], bench: Bench, ledger: Ledger) -> None:
        if self._how.in_batch:
            if todo:
                await run_batch(todo, bench, ledger.append, self._how.out)
            return
        limit = asyncio.Semaphore(self._how.concurrent)

        async def one(work: Work) -> None:
            async with limit:
                ledger.append(await run_one(work, bench))

        await asyncio.gather(*(one(work) for work in todo))


class _Paraphrased(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    case: str
    history: str


def read_paraphrases(path: Path) -> dict[str, str]:
    """Histories in other words by case id, one JSON object a line: {"case": ..., "history": ...}.

    Raises:
        UserError: When the file is missing or a line is none such; the line's text is not quoted.
    """
    if not path.is_file():
        raise UserError(f"{path} is missing: give --paraphrases a JSONL file, or leave it out")
    found: dict[str, str] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            one = _Paraphrased.model_validate_json(line)
        except ValidationError as error:
            raise UserError(
                f'{path}, line {number}: takes {{"case": ID, "history": TEXT}} and nothing else'
            ) from error
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
