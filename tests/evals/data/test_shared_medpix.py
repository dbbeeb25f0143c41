"""Against the real data, where HOOFBEAT_DATA names its folder; nothing of it stands here."""

from __future__ import annotations

from pathlib import Path

from evals.data.groups import find_patients, groups_of
from evals.data.medpix import load_medpix
from evals.matching.levels import judge
from evals.statistics.clusters import clusters


def test_no_two_visible_cases_are_of_one_patient_and_some_share_a_diagnosis(
    shared_data: Path,
) -> None:
    cases = load_medpix(shared_data / "medpix", "all", None).cases
    assert groups_of(cases) == {}
    assert len(set(find_patients(cases).values())) == len(cases) == 325
    numbers = clusters([(case.id, case.patient, case.truth.primary) for case in cases])
    assert 280 < len(set(numbers.values())) < 325


def test_pictures_are_there_for_every_case_of_dev_and_their_files_are_known(
    shared_data: Path,
) -> None:
    dataset = load_medpix(shared_data / "medpix", "dev", None)
    assert all(case.pictures for case in dataset.cases)
    assert len(dataset.files) == sum(len(case.pictures) for case in dataset.cases)


def test_a_title_alone_gives_the_curated_answer_for_five_cases_in_six(
    shared_data: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "untold"
    folder.mkdir()
    for name in ("Case_topic.json", "Descriptions.json", "splitted_dataset"):
        (folder / name).symlink_to(shared_data / "medpix" / name)
    curated = {c.id: c.truth for c in load_medpix(shared_data / "medpix", "train", None).cases}
    titled = {c.id: c.truth for c in load_medpix(folder, "train", None).cases}
    right = sum(judge(titled[i].primary, curated[i]).is_right for i in curated)
    assert right / len(curated) > 5 / 6
