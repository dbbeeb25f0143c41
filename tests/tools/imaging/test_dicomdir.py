"""DICOMDIR: the index of a CD."""

from __future__ import annotations

import gc
import shutil
import warnings
from pathlib import Path

import pytest
from pydicom.fileset import FileSet

from tests.tools.imaging.dicom_files import only, refusal, stack, write
from tools.imaging.files import load_paths


@pytest.fixture
def disc(tmp_path: Path) -> Path:
    """A folder as on a CD, with an index and files without a suffix."""
    with warnings.catch_warnings():  # FileSet leaves its temporary folder to the collector
        warnings.simplefilter("ignore", ResourceWarning)
        contents = FileSet()
        for made in stack(5):
            made.StudyInstanceUID, made.StudyDate, made.StudyTime = "2.25.3", "20200101", "1010"
            made.StudyID, made.SeriesNumber, made.AccessionNumber = "1", 1, ""
            contents.add(made)
        contents.write(tmp_path / "disc")
        del contents, made
        gc.collect()
    return tmp_path / "disc"


def test_an_index_stands_for_the_files_it_lists(disc: Path) -> None:
    write(disc / "other", *stack(2))
    loaded = load_paths([disc / "DICOMDIR"])
    assert (only(loaded)[0].slices, loaded.notes) == (5, ())


def test_an_index_in_a_folder_is_passed_over(disc: Path) -> None:
    for path in (disc, [disc, disc / "DICOMDIR"]):
        loaded = load_paths(path if isinstance(path, list) else [path])
        assert (only(loaded)[0].slices, loaded.notes) == (5, ())


def test_an_index_in_a_zip_is_passed_over(disc: Path) -> None:
    packed = shutil.make_archive(str(disc), "zip", disc)
    loaded = load_paths([Path(packed)])
    assert (only(loaded)[0].slices, loaded.notes) == (5, ())


def test_an_index_whose_files_are_in_lower_case_finds_them(disc: Path) -> None:
    for path in sorted(disc.rglob("*"), reverse=True):
        if path.name != "DICOMDIR":
            path.rename(path.with_name(path.name.lower()))
    assert only(load_paths([disc / "DICOMDIR"]))[0].slices == 5


def test_an_index_of_files_with_a_suffix_finds_them(disc: Path) -> None:
    first = next(p for p in sorted(disc.rglob("*")) if p.is_file() and p.name != "DICOMDIR")
    name = first.name[:-4] + ".dcm"
    content = (disc / "DICOMDIR").read_bytes()
    assert content.count(first.name.encode()) == 1
    (disc / "DICOMDIR").write_bytes(content.replace(first.name.encode(), name.encode()))
    first.rename(first.with_name(name))
    assert only(load_paths([disc / "DICOMDIR"]))[0].slices == 5


def test_an_index_without_its_files_says_what_to_give(disc: Path, tmp_path: Path) -> None:
    shutil.copy(disc / "DICOMDIR", tmp_path / "DICOMDIR")
    assert "none of its files lies beside it; give the whole folder" in refusal(
        tmp_path / "DICOMDIR"
    )


@pytest.mark.parametrize("way", ["dots", "link"])
def test_an_index_does_not_lead_out_of_its_folder(disc: Path, tmp_path: Path, way: str) -> None:
    outside = write(tmp_path / "out", *stack(1)) / "1.dcm"
    first = next(p for p in sorted(disc.rglob("*")) if p.is_file() and p.name != "DICOMDIR")
    parts = first.relative_to(disc).parts
    if way == "link":
        first.unlink()
        first.symlink_to(outside)
    else:
        content = (disc / "DICOMDIR").read_bytes()
        old = "\\".join(parts).encode()
        new = b"..\\out\\1.dcm".ljust(len(old))
        assert len(new) == len(old)
        assert old in content
        (disc / "DICOMDIR").write_bytes(content.replace(old, new))
    loaded = load_paths([disc / "DICOMDIR"])
    assert only(loaded)[0].slices == 4


def test_a_broken_index_says_what_to_give(disc: Path) -> None:
    content = (disc / "DICOMDIR").read_bytes()
    (disc / "DICOMDIR").write_bytes(content[:400])
    assert "give the folder it lies in instead" in refusal(disc / "DICOMDIR")
