from __future__ import annotations

from pathlib import Path

import pytest

from evals.data.known import KNOWN
from evals.data.medpix import load_medpix
from evals.running.manifest import Manifest
from evals.running.provenance import first_line, new_configurations

MEDPIX = KNOWN["medpix"]


def manifest(**other: object) -> Manifest:
    return Manifest.model_validate(
        {
            "dataset": "medpix",
            "split": "dev",
            "arm": "offline",
            "dataset_sha256": MEDPIX.sha256,
            "truth_sha256": MEDPIX.truth_sha256,
            "exclusions": {},
            "commit": "c" * 40,
            "is_dirty": False,
            "source_sha256": "5" * 64,
            "settings": {"planner": "offline", "lists": ("a", "b")},
            "packages": {},
            **other,
        }
    )


def test_the_first_line_names_commit_source_data_and_truth() -> None:
    assert first_line(manifest()) == (
        f"clean tree {'c' * 12} | source {'5' * 12} | data {MEDPIX.sha256[:12]} | "
        f"truth {MEDPIX.truth_sha256[:12]}"
    )


def test_a_dirty_tree_and_titles_for_truth_are_said() -> None:
    line = first_line(manifest(is_dirty=True, truth_sha256=""))
    assert line.startswith("DIRTY TREE cccc")
    assert "truth NOT CURATED, titles only" in line
    assert "OTHER TRUTH than the project's documented figures" in line


def test_data_other_than_the_documented_is_said_where_there_are_such_figures() -> None:
    assert "OTHER DATA than the project's" in first_line(manifest(dataset_sha256="d" * 64))
    assert "OTHER" not in first_line(manifest(dataset="jsonl", dataset_sha256="d" * 64))


def test_data_other_than_that_the_folder_began_with_is_said() -> None:
    began = [manifest(dataset_sha256="e" * 64), manifest()]
    assert "OTHER DATA than this folder began with (eeeeeeeeeeee)" in first_line(manifest(), began)
    truth = [manifest(truth_sha256="e" * 64)]
    assert "OTHER TRUTH than this folder began with (eeeeeeeeeeee)" in first_line(manifest(), truth)
    images = [manifest(files_sha256="e" * 64)]
    assert "OTHER" not in first_line(manifest(), images)  # text alone
    assert "OTHER DATA" in first_line(manifest(files_sha256="f" * 64), images)


def test_a_new_configuration_says_what_made_it_one() -> None:
    old = manifest()
    folder = {old.config: old}
    assert list(new_configurations([manifest()], folder)) == []
    new = manifest(source_sha256="6" * 64, settings={"planner": "gemini", "lists": ("a", "b")})
    (told,) = new_configurations([new], folder)
    assert told.startswith("offline: new configuration, because of another source, setting planner")
    assert list(new_configurations([manifest(arm="prior", source_sha256="6")], folder)) == []


def test_a_configuration_hashes_the_same_after_it_was_read_back() -> None:
    old = manifest()
    assert Manifest.model_validate_json(old.model_dump_json()).config == old.config
    for other in ({"timeout_s": 5.0}, {"split": "train"}, {"files_sha256": "f"}):
        assert manifest(**other).config != old.config
    assert manifest(commit="d", packages={"numpy": "0"}).config == old.config


@pytest.mark.parametrize("split", ["train", "all"])
def test_the_documented_data_is_what_is_known_by_hash(shared_data: Path, split: str) -> None:
    found = load_medpix(shared_data / "medpix", split, None)
    assert (found.sha256, found.truth_sha256) == (MEDPIX.sha256, MEDPIX.truth_sha256)
