"""The plan of a run: every piece of work, with what it is done on and how, before the first."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from evals.arms.arm import Arm
from evals.data.dataset import Dataset, EvalCase
from evals.data.files import sha256_of_all
from evals.data.groups import groups_of
from evals.running.execute import Work
from evals.running.ledger import Key, Mark
from evals.running.manifest import Manifest, git_state, package_versions
from evals.views.show import IMAGE_VIEWS, View
from tools.errors import UserError


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What the person asked for, of all the cases of a data set.

    Attributes:
        views, seeds: Without repetition, in order.
        timeout_s: For one case.
        unseen: Case id to why a case is not among them: a view has nothing to show of it.
        ontologies: SHA-256 of each ontology that the matcher knows, by file name.
        contrasts: The family of tests in words; none stands for the pre-registered one.
    """

    cases: Sequence[EvalCase]
    views: Sequence[View]
    seeds: Sequence[int]
    timeout_s: float
    unseen: Mapping[str, str] = field(default_factory=dict)
    ontologies: Mapping[str, str] = field(default_factory=dict)
    contrasts: Sequence[str] = ()


class Plan(BaseModel):
    """One start of a run, as plans.jsonl keeps it: what has to be there in the end.

    Attributes:
        began: UTC.
        configs: Hash of the configuration, by arm.
        cases: Ids.
        contrasts: The family of tests, decided before the first case.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    began: datetime
    configs: dict[str, str]
    views: tuple[str, ...]
    seeds: tuple[int, ...]
    cases: tuple[str, ...]
    contrasts: tuple[str, ...] = ()

    @property
    def keys(self) -> Iterator[Key]:
        """Of every piece of work."""
        for seed in self.seeds:
            for view in self.views:
                for arm, config in self.configs.items():
                    for case in self.cases:
                        yield (case, view, arm, seed, config)


def manifests_of(
    arms: Mapping[str, Arm], dataset: Dataset, asked: Asked, source: str
) -> dict[str, Manifest]:
    """The manifest of each arm.

    Args:
        source: Hash of the code that runs.
    """
    commit, is_dirty = git_state()
    files = dict(dataset.files) if IMAGE_VIEWS.intersection(asked.views) else {}
    return {
        name: Manifest(
            dataset=dataset.name,
            split=dataset.split,
            arm=name,
            dataset_sha256=dataset.sha256,
            files_sha256=sha256_of_all("images", files) if files else "",
            files=files,
            groups=groups_of(dataset.cases),
            truth_sha256=dataset.truth_sha256,
            exclusions={**dataset.exclusions, **asked.unseen},
            commit=commit,
            is_dirty=is_dirty,
            source_sha256=source,
            settings=dict(arm.config),
            packages=package_versions(),
            timeout_s=asked.timeout_s,
            ontologies=dict(asked.ontologies),
        )
        for name, arm in arms.items()
    }


def work_of(asked: Asked, configs: Mapping[str, str]) -> list[Work]:
    """Every piece of work: seed by seed, view by view, arm by arm.

    Args:
        configs: Hash of the configuration, by arm.
    """
    return [
        Work(case=case, view=view, arm=arm, seed=seed, config=config)
        for seed in asked.seeds
        for view in asked.views
        for arm, config in configs.items()
        for case in asked.cases
    ]


def is_due(mark: Mark | None, *, retries_failed: bool) -> bool:
    """Whether work is to be done, or done again.

    A fault of the harness or the system is no answer, so it is always tried again. A service that
    failed and a time that ran out are tried again when asked for. What a model answered, refused or
    abstained from stands.
    """
    if mark is None or mark.status == "UNSCORED":
        return True
    return retries_failed and mark.may_pass


def add_plan(path: Path, asked: Asked, configs: Mapping[str, str]) -> None:
    """Note the plan of a start; on the disk before the first case."""
    plan = Plan(
        began=datetime.now(UTC),
        configs=dict(configs),
        views=tuple(asked.views),
        seeds=tuple(asked.seeds),
        cases=tuple(case.id for case in asked.cases),
        contrasts=tuple(asked.contrasts),
    )
    with path.open("ab") as file:
        if file.tell() and not path.read_bytes().endswith(b"\n"):
            file.write(b"\n")  # a kill tore the last one
        file.write(plan.model_dump_json().encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


def read_plans(path: Path) -> list[Plan]:
    """The plans of a run's folder, the first one first; one that a kill tore is left out.

    Raises:
        UserError: When there is no such file, or a whole line is no plan.
    """
    if not path.is_file():
        raise UserError(f"{path} is missing: name the folder that evals run was given as --out")
    plans: list[Plan] = []
    for number, raw in enumerate(path.read_bytes().splitlines(), start=1):
        try:
            plans.append(Plan.model_validate_json(raw))
        except ValidationError as error:
            if error.errors()[0]["type"] != "json_invalid":
                raise UserError(
                    f"{path}, line {number} is no plan of this version of Hoofbeat"
                ) from error
    return plans
