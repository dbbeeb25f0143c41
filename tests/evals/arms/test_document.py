"""docs/arms.md says what there is, and its new arm runs as it stands there."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from evals.arms import arm, costs
from evals.arms.arm import Arm, Choice
from evals.arms.table import ARMS
from evals.run import main
from evals.running.ledger import Ledger
from tests.evals.medpix_shaped import write_medpix_shaped

_TEXT = (Path(__file__).parents[3] / "docs" / "arms.md").read_text("utf-8")


def test_every_arm_of_the_table_is_explained() -> None:
    rows = [line.split("|")[1] for line in _TEXT.splitlines() if line.startswith("| `")]
    explained = {name for row in rows for name in re.findall(r"`([\w-]+)`", row)}
    assert set(ARMS) <= explained


def test_the_new_arm_of_the_document_is_short_and_runs(tmp_path: Path) -> None:
    (snippet,) = re.findall(r"```python\n(.*?)```", _TEXT, flags=re.DOTALL)
    assert len([line for line in snippet.splitlines() if line.strip()]) <= 10
    names = {**vars(arm), **vars(costs)}
    exec(compile(snippet, "docs/arms.md", "exec"), names)
    made: Callable[[Choice], Arm] = names["longest_word_arm"]
    data, out = write_medpix_shaped(tmp_path / "set"), tmp_path / "out"
    argv = ["--data", str(data), "--view", "V3", "--arm", "longest-word", "--out", str(out)]
    assert main(argv, {"longest-word": made}) == 0
    with Ledger(out / "results.jsonl") as ledger:
        said = {line.case: line.predictions[0].name for line in ledger.lines()}
    assert said["SYN0003"] == "enhancement"
