"""Against the real data, where HOOFBEAT_DATA names its folder; nothing of it stands here."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from evals.data.medpix import clean_text, load_medpix
from evals.matching.levels import judge
from evals.matching.names import words
from evals.statistics.metrics import proportion
from evals.truth import Truth
from evals.views.show import VIEWS, show


def test_the_visible_part_loads_with_its_splits(shared_data: Path) -> None:
    sizes = {}
    for split in ("train", "dev", "all"):
        dataset = load_medpix(shared_data / "medpix", split, None)
        sizes[split] = len(dataset.cases) + len(dataset.exclusions)
    assert sizes == {"train": 267, "dev": 66, "all": 333}


def test_every_case_has_a_region_that_is_a_plain_word_and_a_modality(shared_data: Path) -> None:
    cases = load_medpix(shared_data / "medpix", "all", None).cases
    assert {case.region for case in cases} == {
        "head", "head and neck", "orbit", "thorax", "abdomen", "spine",
        "urinary and reproductive system", "musculoskeletal system",
    }  # fmt: skip
    assert {case.modality for case in cases} == {"CT", "MR", "CT and MR"}


def test_no_mask_and_no_right_name_survives_in_any_view(shared_data: Path) -> None:
    for case in load_medpix(shared_data / "medpix", "all", None).cases:
        for view in VIEWS:
            shown = show(case, view)
            text = f"{shown.history}\n{shown.findings_text}"
            said = f" {' '.join(words(text))} "
            for mask in case.truth.mask:
                assert clean_text(mask).casefold() not in text.casefold(), case.id
            for name in (case.truth.primary, *case.truth.synonyms):
                assert f" {' '.join(words(name))} " not in said, case.id


def test_no_labelled_pair_that_is_not_the_same_is_accepted(shared_data: Path) -> None:
    accepted: Counter[str] = Counter()
    total: Counter[str] = Counter()
    with (shared_data / "medpix" / "pairs.jsonl").open(encoding="utf-8") as file:
        for pair in map(json.loads, file):
            total[pair["label"]] += 1
            accepted[pair["label"]] += judge(
                pair["prediction"], Truth(primary=pair["truth"])
            ).is_right
    assert accepted["different"] == accepted["component"] == accepted["broader"] == 0
    assert sum(total.values()) == 300
    # What 0 of 100 proves, and no more: at most 3.7 % of such pairs are wrongly accepted.
    assert proportion(accepted["different"], total["different"]).high < 0.04
