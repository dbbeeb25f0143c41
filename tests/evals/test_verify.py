from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from agent.case import Case
from evals.arms.arm import Arm, Named, Prediction
from evals.run import main as run
from evals.running.ledger import latest_lines
from evals.verify import main as verify
from tests.evals.medpix_shaped import write_medpix_shaped


async def thinks_of_lam(case: Case, seed: int) -> Prediction:
    return Prediction(diagnoses=(Named(name="sarcoidosis"), Named(name="LAM")))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_medpix_shaped(tmp_path / "set")


@pytest.fixture
def done(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    out = tmp_path / "out"
    argv = ["--data", str(data), "--out", str(out), "--arm", "lam"]
    assert run(argv, {"lam": lambda _: Arm(predict=thinks_of_lam, config={})}) == 0
    capsys.readouterr()
    return out


def change_lines(out: Path, change: Callable[[list[dict[str, object]]], object]) -> None:
    path = out / "results.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    change(lines)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def test_a_run_as_it_was_written_holds(
    data: Path, done: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verify([str(done), "--data", str(data)]) == 0
    said = capsys.readouterr().out
    assert "differs" not in said
    assert "holds   levels and ranks: 8 items of 4 lists judged again" in said
    # One arm, view and seed, two scorings, three readings, top-1, 3, 5, 10 and MRR.
    assert "holds   figures: 30 of them" in said
    assert "holds   plan and manifest: 4 planned, 4 there, 0 tried again, 1 configurations" in said


def test_a_level_that_was_changed_is_named_with_its_case_and_item(
    done: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def change(lines: list[dict[str, object]]) -> None:
        (line,) = (line for line in lines if line["case"] == "SYN0002")
        scores = json.loads(json.dumps(line["scores"]))
        scores["curated"] |= {"levels": ["L0", "different"], "rank": 1, "rank_exact": 1}
        line["scores"] = scores

    change_lines(done, change)
    assert verify([str(done)]) == 1
    said = capsys.readouterr().out
    assert "SYN0002 V1 lam seed 0, curated: 'sarcoidosis' stored L0, now different" in said
    assert "SYN0002 V1 lam seed 0, curated: ranks stored 1/1/-, now -/-/-" in said
    assert "curated, right, top-1: stored 1/4 25.0% [4.6, 69.9], now 0/4 0.0% [0.0, 49.0]" in said


def test_a_case_taken_out_of_the_denominator_is_missed(
    done: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change_lines(done, lambda lines: lines.pop())
    assert verify([str(done)]) == 1
    said = capsys.readouterr().out
    assert "1 of the planned cases are not there: view V1, arm lam, seed 0" in said


def test_a_second_answer_to_a_case_counts_only_after_a_failure(
    done: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change_lines(done, lambda lines: lines.append(lines[0]))
    assert verify([str(done)]) == 1
    assert "SYN0001 V1 lam seed 0: there twice" in capsys.readouterr().out

    def fail(lines: list[dict[str, object]]) -> None:
        lines[0] = {**lines[0], "status": "NO_ANSWER", "may_pass": True}

    change_lines(done, fail)
    assert verify([str(done)]) == 0
    assert "4 there, 1 tried again" in capsys.readouterr().out


def test_a_manifest_that_was_changed_does_not_hash_to_its_name(
    done: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = done / "manifest.json"
    path.write_text(path.read_text().replace('"timeout_s": 600.0', '"timeout_s": 6000.0'))
    assert verify([str(done)]) == 1
    assert "manifest.json was changed" in capsys.readouterr().out


def test_a_picture_that_is_not_what_its_name_says_is_named(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "seen"
    argv = ["--data", str(data), "--out", str(out), "--arm", "lam", "--view", "V2"]
    assert run(argv, {"lam": lambda _: Arm(predict=thinks_of_lam, config={})}) == 0
    assert verify([str(out)]) == 0
    changed, cut, *kept = sorted((out / "pictures").glob("*.png"))
    with Image.open(changed) as image:
        pixels = np.array(image)
    pixels[0, 0] ^= 1
    Image.fromarray(pixels).save(changed)
    cut.write_bytes(cut.read_bytes()[:100])
    assert verify([str(out)]) == 1
    said = capsys.readouterr().out
    assert f"{changed.name} holds something else" in said
    assert f"{cut.name} holds something else" in said
    assert not any(path.name in said for path in kept)


def test_another_truth_is_named_case_by_case(
    data: Path, done: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    truth = data / "truth.jsonl"
    truth.write_text(truth.read_text().replace('"alveolar lipoproteinosis"', '"sarcoidosis"'))
    assert verify([str(done), "--data", str(data)]) == 1
    said = capsys.readouterr().out
    assert "arm lam: the run's truth is" in said
    assert "SYN0002 V1 lam seed 0: judged against a truth that is not the data set's" in said
    assert "SYN0001" not in said


@pytest.mark.parametrize("lines", [None, "", "not json\n"])
def test_what_is_no_run_is_one_line_and_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], lines: str | None
) -> None:
    if lines is not None:
        (tmp_path / "results.jsonl").write_text(lines)
    assert verify([str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert said.count("\n") == 1


def test_a_run_with_an_ontology_is_judged_again_with_the_same_file(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = tmp_path / "names.csv"
    names.write_text("name,synonyms\nlymphangioleiomyomatosis,muscle cell overgrowth of the lung\n")
    out = tmp_path / "named"

    async def thinks(case: Case, seed: int) -> Prediction:
        return Prediction(diagnoses=(Named(name="muscle cell overgrowth of the lung"),))

    argv = ["--data", str(data), "--out", str(out), "--arm", "own", "--ontology", str(names)]
    assert run(argv, {"own": lambda _: Arm(predict=thinks, config={})}) == 0
    lines = latest_lines(out / "results.jsonl").values()
    (found,) = [line for line in lines if line.case == "SYN0001"]
    assert (found.rank(), found.rank("ontology")) == (None, 1)
    assert verify([str(out), "--ontology", str(names)]) == 0
    capsys.readouterr()
    assert verify([str(out)]) == 2
    assert "judged with these ontologies: names.csv" in capsys.readouterr().err
    names.write_text(names.read_text() + "\nsarcoidosis,Boeck disease\n")
    assert verify([str(out), "--ontology", str(names)]) == 2
