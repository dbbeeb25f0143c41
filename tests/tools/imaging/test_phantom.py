from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread

from tests.tools.imaging.phantom_volumes import SEED, phantom
from tools.imaging.phantom import make_phantom, write_phantom
from tools.imaging.phantom_lesions import Lesion

SMALL = (24, 64, 64)


@pytest.mark.parametrize("lesion", list(Lesion))
def test_the_same_seed_gives_the_same_voxels(lesion: Lesion) -> None:
    first, second = (make_phantom(lesion=lesion, seed=5, shape=SMALL) for _ in range(2))
    other = make_phantom(lesion=lesion, seed=6, shape=SMALL)
    assert np.array_equal(first.hu, second.hu)
    assert not np.array_equal(first.hu, other.hu)


def test_files_are_byte_for_byte_the_same(tmp_path: Path) -> None:
    runs = [
        write_phantom(tmp_path / name, lesion=Lesion.NONE, seed=2, shape=SMALL) for name in "ab"
    ]
    assert len(runs[0]) == 24
    for one, two in zip(*runs, strict=True):
        assert one.read_bytes() == two.read_bytes()


def test_the_header_is_made_up_and_says_so(tmp_path: Path) -> None:
    files = write_phantom(tmp_path, lesion=Lesion.CYSTS, seed=2, shape=SMALL)
    header = dcmread(files[0])
    assert header.PatientName == "PHANTOM^HOOFBEAT"
    assert header.SOPInstanceUID.startswith("2.25.")
    assert header.ImagePositionPatient[2] > dcmread(files[-1]).ImagePositionPatient[2]


@pytest.mark.parametrize("lesion", [Lesion.CYSTS, Lesion.MICROLITHIASIS])
def test_a_lesion_changes_nothing_outside_the_lungs(lesion: Lesion) -> None:
    sick, twin = phantom(lesion), phantom(Lesion.NONE)
    lungs = twin.left | twin.right
    # Blur carries a lesion two pixels past the edge of a lung.
    near = np.copy(lungs)
    for axis in (1, 2):
        for shift in (-2, -1, 1, 2):
            near |= np.roll(near, shift, axis=axis)
    assert np.array_equal(sick.hu[~near], twin.hu[~near])
    assert not np.array_equal(sick.hu[lungs], twin.hu[lungs])


def test_tissues_have_the_hu_of_tissue() -> None:
    made = phantom(Lesion.NONE)
    lung = made.hu[made.left | made.right]
    assert -880 < np.median(lung) < -820
    middle = made.hu[40]
    assert np.median(middle[middle > 400]) > 400  # bone is there
    assert made.hu[:, 0, 0].mean() == pytest.approx(-1000, abs=10)


def test_cysts_are_round_apart_and_of_the_size_told() -> None:
    cysts = phantom(Lesion.CYSTS).cysts
    radii = np.array([c.radius_mm for c in cysts])
    centres = np.array([c.centre_mm for c in cysts])
    assert len(cysts) > 300
    assert radii.min() >= 1.5
    assert radii.max() <= 10.0
    distance = np.linalg.norm(centres[:, None] - centres[None], axis=2)
    np.fill_diagonal(distance, np.inf)
    assert bool(np.all(distance > radii[:, None] + radii[None]))


def test_stones_are_denser_below_than_above() -> None:
    made = phantom(Lesion.MICROLITHIASIS)
    share = made.stones.sum(axis=(1, 2)) / np.maximum((made.left | made.right).sum(axis=(1, 2)), 1)
    assert share[20:35].mean() > 3 * share[85:95].mean()
    assert SEED == 4
