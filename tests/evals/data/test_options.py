from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from evals.data.dataset import Dataset, EvalCase
from evals.data.options import add_data_options, load_dataset, select_cases
from evals.truth import Truth
from tests.evals.medpix_shaped import write_medpix_shaped
from tools.errors import UserError


def options(*argv: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_data_options(parser)
    return parser.parse_args(["--data", "x", *argv])


@pytest.fixture
def twenty() -> Dataset:
    cases = tuple(
        EvalCase(
            id=f"{n:02d}",
            patient=f"{n:02d}",
            region="head" if n % 2 else "thorax",
            modality="CT and MR" if n % 5 == 0 else "CT",
            truth=Truth(primary="x"),
        )
        for n in range(20)
    )
    return Dataset(name="t", cases=cases, exclusions={}, sha256="", truth_sha256="")


def test_a_draw_is_repeated_by_its_seed_and_holds_every_smaller_one(twenty: Dataset) -> None:
    def drawn(*argv: str) -> list[str]:
        return [case.id for case in select_cases(twenty, options(*argv))]

    five = drawn("--limit", "5", "--sample", "3")
    assert len(five) == 5
    assert five == sorted(five) == drawn("--limit", "5", "--sample", "3")
    assert set(five) < set(drawn("--limit", "9", "--sample", "3"))
    assert five != drawn("--limit", "5", "--sample", "4")
    assert len(drawn("--limit", "99")) == 20


def test_a_region_and_a_modality_choose_and_one_that_is_not_there_is_answered(
    twenty: Dataset,
) -> None:
    chosen = select_cases(twenty, options("--region", "thorax", "--modality", "MR"))
    assert [case.id for case in chosen] == ["00", "10"]
    with pytest.raises(UserError, match="one of head, thorax; --modality takes CT or MR"):
        select_cases(twenty, options("--region", "elbow"))


def test_each_kind_of_data_set_is_loaded_with_its_own_default_split(tmp_path: Path) -> None:
    folder = write_medpix_shaped(tmp_path / "set", with_truth=False)
    dataset = load_dataset(options("--data", str(folder)))
    assert (dataset.name, dataset.split, len(dataset.cases)) == ("medpix", "dev", 5)
    assert "LAM" in dataset.cases[0].truth.mask_words  # from the knowledge base
    path = tmp_path / "cases.jsonl"
    path.write_text('{"id": "1", "history": "a", "truth": "sarcoidosis"}\n')
    dataset = load_dataset(options("--dataset", "jsonl", "--data", str(path)))
    assert (dataset.name, dataset.split) == ("jsonl", "all")


def test_an_unknown_data_set_is_answered_with_those_there_are() -> None:
    with pytest.raises(UserError, match="takes medpix, jsonl or path/to/file"):
        load_dataset(options("--dataset", "radpedia"))
