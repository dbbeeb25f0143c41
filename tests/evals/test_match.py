from __future__ import annotations

import json
from pathlib import Path

import pytest

from evals.match import main

LABELLED = (
    ("Liver haemangioma", "Hemangioma of the liver", "same"),
    ("Papillary renal cell carcinoma", "Renal cell carcinoma", "narrower"),
    ("Chiari I malformation", "Chiari II malformation", "different"),
    ("Aortic dissection", "Type A aortic dissection", "broader"),
    ("Cervical rib", "Thoracic outlet syndrome due to cervical rib", "component"),
)


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    path = tmp_path / "pairs.jsonl"
    with path.open("w") as file:
        for item, truth, label in LABELLED:
            line = {"prediction": item, "truth": truth, "label": label, "why": "", "group": "x"}
            file.write(json.dumps(line) + "\n")
    return path


@pytest.mark.slow
def test_the_confusion_table_is_printed_for_each_scoring_with_intervals(
    pairs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "names.csv"
    table.write_text("name,synonyms\nsomething,another\n")
    argv = ["--calibrate", str(pairs), "--half", "build", "--ontology", str(table), "--show"]
    assert main(argv) == 0
    printed = capsys.readouterr().out
    for scoring in ("curated", "kb", "ontology", "kb+ontology"):
        assert f"build half, 5 pairs, scoring {scoring}" in printed
    assert "same, accepted as right                  1/1 100.0% [20.7, 100.0]" in printed
    assert "different, accepted as right             0/1 0.0% [0.0, 79.3]" in printed
    assert "item specificity                         3/3" in printed


def test_a_missing_file_is_one_line_and_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--calibrate", "/nowhere/pairs.jsonl"]) == 2
    assert capsys.readouterr().err.startswith("error: /nowhere/pairs.jsonl is missing")


def test_one_task_is_asked_for() -> None:
    with pytest.raises(SystemExit) as caught:
        main([])
    assert caught.value.code == 2
