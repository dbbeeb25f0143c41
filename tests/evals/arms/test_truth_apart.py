"""No arm can know the answer, nor what the truth says of the case's organ system and rarity."""

from __future__ import annotations

import ast
import json
from pathlib import Path

from agent.case import Case
from evals.arms import table
from evals.arms.arm import Arm, Named, Prediction
from evals.arms.prior import COMMON_BY_REGION
from evals.run import main
from evals.views.show import VIEWS
from tests.evals.medpix_shaped import write_medpix_shaped

_ARMS = Path(table.__file__).parent
_OF_THE_TRUTH = ("evals.truth", "evals.data", "evals.matching", "evals.views", "evals.running")
_MARK = "quaggasystem"


def test_arms_import_nothing_that_holds_the_truth() -> None:
    imported = {
        f"{source.name}: {name}"
        for source in _ARMS.rglob("*.py")
        for node in ast.walk(ast.parse(source.read_text("utf-8")))
        for name in _names(node)
        if name.startswith(_OF_THE_TRUTH)
    }
    assert imported == set()


def test_an_arm_is_handed_a_case_that_has_no_place_for_them() -> None:
    assert {"system", "rare", "kind", "primary", "synonyms"}.isdisjoint(Case.model_fields)
    assert Case.model_config["extra"] == "forbid"


def test_system_rarity_and_names_of_the_truth_reach_no_input_in_any_view(tmp_path: Path) -> None:
    data = write_medpix_shaped(tmp_path / "set")
    truth = [json.loads(line) for line in (data / "truth.jsonl").read_text().splitlines()]
    marked = [
        {**line, "system": _MARK, "rare": True, "kind": _MARK, "broader": [_MARK]} for line in truth
    ]
    (data / "truth.jsonl").write_text("\n".join(map(json.dumps, marked)))
    handed: list[str] = []

    async def predict(case: Case, seed: int) -> Prediction:
        handed.append(case.model_dump_json())
        return Prediction(diagnoses=(Named(name="LAM"),))

    argv = ["--data", str(data), "--split", "all", "--arm", "spy", "--view", *VIEWS]
    spy = {"spy": lambda choice: Arm(predict=predict, config={})}
    assert main([*argv, "--out", str(tmp_path / "out")], spy) == 0
    assert len(handed) == 7 * len(VIEWS)
    assert not any(_MARK in case for case in handed)
    assert not any('"rare"' in case or '"system"' in case for case in handed)


def test_the_prior_is_a_constant_of_the_region(tmp_path: Path) -> None:
    data = write_medpix_shaped(tmp_path / "set")
    argv = ["--data", str(data), "--split", "all", "--arm", "prior", "--view", "V0", "V3"]
    assert main([*argv, "--out", str(tmp_path / "out")]) == 0
    lines = [json.loads(x) for x in (tmp_path / "out" / "results.jsonl").read_text().splitlines()]
    for line in lines:
        named = tuple(item["name"] for item in line["predictions"])
        assert named == COMMON_BY_REGION[line["input"]["region"]]


def _names(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module:
        return [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return []
