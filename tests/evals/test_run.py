from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from agent.case import Case
from evals.arms.arm import Arm, Named, Prediction
from evals.arms.table import ARMS
from evals.run import main
from evals.running.ledger import Ledger, Line
from evals.running.manifest import Manifest, source_sha256
from tests.evals.medpix_shaped import write_medpix_shaped
from tools.errors import ToolFailure, UserError

Predict = Callable[[Case, int], Coroutine[Any, Any, Prediction]]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_medpix_shaped(tmp_path / "set")


def run(data: Path, out: Path, predict: Predict, *more: str) -> int:
    arms = {**ARMS, "test": lambda _: Arm(predict=predict, config={})}
    argv = ["--data", str(data), "--out", str(out), "--arm", "test", "--view", "V3", *more]
    return main(argv, arms)


def lines(out: Path) -> list[Line]:
    with Ledger(out / "results.jsonl") as ledger:
        return list(ledger.lines())


def named(*names: str) -> Prediction:
    return Prediction(diagnoses=tuple(Named(name=name, probability=0.1) for name in names))


async def thinks_of_lam(case: Case, seed: int) -> Prediction:
    return named("sarcoidosis", "pneumothorax", "cystic lung disease", "LAM")


def test_a_run_records_every_case_and_prints_figures_with_counts(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert run(data, out, thinks_of_lam) == 0
    by_case = {line.case: line for line in lines(out)}
    assert sorted(by_case) == ["SYN0001", "SYN0002", "SYN0003", "SYN0004"]
    first = by_case["SYN0001"]
    assert (first.rank(), first.rank(reading="broader")) == (4, 3)
    assert [str(level) for level in first.scores["curated"].levels] == [
        "different", "L4", "L3", "L1",
    ]  # fmt: skip
    assert by_case["SYN0002"].rank() is None
    assert "Thin-walled round cysts" in by_case["SYN0001"].input.findings_text
    printed = capsys.readouterr().out
    assert "source " in printed.splitlines()[0]
    assert "1 of the split left out" in printed
    assert "n 4 | answered 4 | abstained 0 | no answer 0 | unscored 0" in printed
    assert "1/4 25.0% [4.6, 69.9]" in printed  # Wilson by hand: 0.3724 -+ 0.3268
    assert "0.062" in printed  # MRR: (1/4 + 0 + 0 + 0) / 4
    assert "ontamination not excluded" in printed


def test_every_way_not_to_answer_is_a_miss_in_the_denominator(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def predict(case: Case, seed: int) -> Prediction:
        if "cysts" in case.findings_text:
            raise ToolFailure("no CT series")
        if "Geographic" in case.findings_text:
            await asyncio.sleep(60)
        if "segment 7" in case.findings_text:
            return named()
        return Prediction(diagnoses=(Named(name="Chiari II malformation"),), abstained=True)

    assert run(data, tmp_path / "out", predict, "--timeout-s", "0.2") == 0
    by_case = {line.case: line for line in lines(tmp_path / "out")}
    assert {line.status for line in by_case.values()} == {"NO_ANSWER"}
    assert {line.rank() for line in by_case.values()} == {None}
    assert by_case["SYN0001"].error.startswith("ToolFailure at test_run.py:")
    assert by_case["SYN0002"].error == "time-out after 0.2 s"
    assert by_case["SYN0003"].error == "empty list"
    assert by_case["SYN0004"].abstained
    assert by_case["SYN0004"].scores["curated"].levels[0] == "L0"  # kept, and not counted
    printed = capsys.readouterr().out
    assert "n 4 | answered 0 | abstained 1 | no answer 3 | unscored 0" in printed
    assert "0/4 0.0% [0.0, 49.0]" in printed


def test_a_fault_is_a_counted_miss_fails_the_run_and_is_tried_again(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[str] = []
    broken = True

    async def predict(case: Case, seed: int) -> Prediction:
        asked.append(case.findings_text)
        if broken and "cysts" in case.findings_text:
            raise KeyError("patient text")
        return named("LAM")

    out = tmp_path / "out"
    assert run(data, out, predict) == 3
    printed = capsys.readouterr().out
    assert "n 4 | answered 3 | abstained 0 | no answer 0 | unscored 1" in printed
    assert "1 x KeyError at test_run.py:" in printed
    assert "0/4" in printed
    assert "patient text" not in (out / "results.jsonl").read_text()

    broken = False
    asked.clear()
    assert run(data, out, predict) == 0
    assert len(asked) == 1
    assert len(lines(out)) == 5  # nothing is overwritten: the fault stays on record
    assert "1/4" in capsys.readouterr().out


def test_a_set_up_that_the_person_can_mend_stops_the_run_with_code_2(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def predict(case: Case, seed: int) -> Prediction:
        raise UserError("no key: set GEMINI_API_KEY")

    assert run(data, tmp_path / "out", predict) == 2
    assert "error: no key: set GEMINI_API_KEY" in capsys.readouterr().err
    assert lines(tmp_path / "out") == []


def test_no_more_cases_run_at_a_time_than_asked(data: Path, tmp_path: Path) -> None:
    running = most = 0

    async def predict(case: Case, seed: int) -> Prediction:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.01)
        running -= 1
        return named("LAM")

    assert run(data, tmp_path / "out", predict, "--split", "all", "--concurrent", "3") == 0
    assert most == 3


def test_region_modality_and_limit_choose_the_denominator(data: Path, tmp_path: Path) -> None:
    chest = ("--split", "all", "--region", "thorax", "--modality", "CT")
    assert run(data, tmp_path / "chest", thinks_of_lam, *chest) == 0
    assert [line.case for line in lines(tmp_path / "chest")] == [
        "SYN0001", "SYN0002", "SYN0006", "SYN0007",
    ]  # fmt: skip
    assert run(data, tmp_path / "mr", thinks_of_lam, "--split", "all", "--modality", "MR") == 0
    assert [line.case for line in lines(tmp_path / "mr")] == ["SYN0004"]
    assert run(data, tmp_path / "a", thinks_of_lam, "--split", "all", "--limit", "3") == 0
    assert run(data, tmp_path / "b", thinks_of_lam, "--split", "all", "--limit", "3") == 0
    drawn = [line.case for line in lines(tmp_path / "a")]
    assert len(drawn) == 3
    assert drawn == [line.case for line in lines(tmp_path / "b")]


def test_the_manifest_says_what_the_run_was_made_from(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"

    async def predict(case: Case, seed: int) -> Prediction:
        return Prediction(diagnoses=(Named(name="LAM"),), versions={"index": "abc"})

    assert run(data, out, predict) == 0
    (line, *_) = lines(out)
    manifest = Manifest.model_validate(json.loads((out / "manifest.json").read_text())[line.config])
    assert manifest.exclusions == {"SYN0005": "no diagnosis"}
    assert manifest.reported == {"index": "abc"}
    assert len(manifest.source_sha256) == len(manifest.dataset_sha256) == 64
    assert "scipy" in manifest.packages


def test_a_case_without_images_is_left_out_of_every_view_with_its_reason(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOFBEAT_CACHE_DIR", str(tmp_path / "cache"))
    (data / "images" / "SYN0002_synpic1.png").unlink()
    out = tmp_path / "out"
    assert run(data, out, thinks_of_lam, "--view", "V1", "V2", "V2x") == 0
    seen = {(line.case, line.view): line.input for line in lines(out)}
    kept = ("SYN0001", "SYN0003", "SYN0004")
    assert set(seen) == {(case, view) for case in kept for view in ("V1", "V2", "V2x")}
    assert seen["SYN0001", "V1"].series == ()
    assert seen["SYN0001", "V2"].series != seen["SYN0001", "V2x"].series != ()
    (manifest,) = json.loads((out / "manifest.json").read_text()).values()
    assert manifest["exclusions"]["SYN0002"] == "it has no images, for view V2"
    assert len(manifest["files"]["images/SYN0001_synpic1.png"]) == 64
    before = manifest["dataset_sha256"]
    (data / "images" / "SYN0003_synpic1.png").write_bytes(
        (data / "images" / "SYN0004_synpic1.png").read_bytes()
    )
    assert run(data, tmp_path / "again", thinks_of_lam, "--view", "V2") == 0
    (manifest,) = json.loads((tmp_path / "again" / "manifest.json").read_text()).values()
    assert manifest["files_sha256"] not in ("", before)


def test_a_person_s_own_cases_run_with_patients_that_a_file_names(tmp_path: Path) -> None:
    path = tmp_path / "cases.jsonl"
    row = '{"id": "%s", "history": "Cough.", "findings": "Cysts.", "truth": "LAM"}\n'
    path.write_text(row % "a" + row % "b")
    groups = tmp_path / "groups.jsonl"
    groups.write_text('{"id": "a", "patient": "p"}\n{"id": "b", "patient": "p"}\n')
    out = tmp_path / "out"
    assert run(path, out, thinks_of_lam, "--dataset", "jsonl", "--groups", str(groups)) == 0
    assert [(line.patient, line.rank()) for line in lines(out)] == [("p", 4), ("p", 4)]
    (manifest,) = json.loads((out / "manifest.json").read_text()).values()
    assert manifest["groups"] == {"p": ["a", "b"]}
    assert (manifest["dataset"], manifest["split"]) == ("jsonl", "all")


def test_the_source_hash_follows_prompts_and_code_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "agent" / "prompts").mkdir(parents=True)
    (tmp_path / "agent" / "prompts" / "planner.md").write_text("Think.")
    before = source_sha256(tmp_path)
    (tmp_path / "agent" / "cache.bin").write_bytes(b"1")
    assert source_sha256(tmp_path) == before
    (tmp_path / "agent" / "prompts" / "planner.md").write_text("Think twice.")
    assert source_sha256(tmp_path) != before


def test_two_views_and_changed_data_do_not_share_lines(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert run(data, out, thinks_of_lam) == 0
    assert run(data, out, thinks_of_lam, "--view", "V1") == 0
    assert len(lines(out)) == 8
    truth = data / "truth.jsonl"
    truth.write_text(truth.read_text() + "\n")
    assert run(data, out, thinks_of_lam) == 0
    assert len(lines(out)) == 12
    assert run(data, out, thinks_of_lam) == 0
    assert len(lines(out)) == 12


def test_the_prior_arm_needs_nothing_but_the_region(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    argv = ["--data", str(data), "--out", str(out), "--view", "V0", "--arm", "prior"]
    assert main(argv) == 0
    by_case = {line.case: line for line in lines(out)}
    assert by_case["SYN0003"].rank() == 8  # hepatic hemangioma, eighth of the abdomen's list
    assert by_case["SYN0001"].rank() is None


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--data", "/nowhere"], "Case_topic.json is missing"),
        (["--truth", "/nowhere/truth.jsonl"], "truth.jsonl is missing"),
        (["--region", "elbow"], "--region takes one of abdomen, head, thorax"),
    ],
)
def test_what_the_person_can_mend_is_one_line_and_code_2(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str], message: str
) -> None:
    argv = ["--data", str(data), "--out", str(tmp_path / "out"), "--arm", "prior", *more]
    assert main(argv) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert message in said
    assert said.count("\n") == 1


@pytest.mark.parametrize("more", [["--limit", "0"], ["--view", "V9"], ["--arm", "oracle"]])
def test_an_argument_that_does_not_fit_is_code_2(
    data: Path, tmp_path: Path, more: list[str]
) -> None:
    argv = ["--data", str(data), "--out", str(tmp_path / "out"), "--arm", "prior", *more]
    with pytest.raises(SystemExit) as caught:
        main(argv)
    assert caught.value.code == 2


@pytest.mark.slow
def test_the_offline_agent_answers_made_up_cases_without_a_fault(
    data: Path, tmp_path: Path, cache_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOFBEAT_CACHE_DIR", str(cache_dir))
    out = tmp_path / "out"
    argv = ["--data", str(data), "--out", str(out), "--view", "V3", "--arm", "offline"]
    assert main(argv) == 0
    by_case = {line.case: line for line in lines(out)}
    assert "UNSCORED" not in {line.status for line in by_case.values()}
    cysts = by_case["SYN0001"]
    assert cysts.status == "OK"
    assert all(item.probability is not None for item in cysts.predictions)
    assert cysts.versions
