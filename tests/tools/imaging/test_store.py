"""The artifact store on disk."""

from __future__ import annotations

import errno
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tools.errors import UserError
from tools.imaging.store import ArtifactStore
from tools.imaging.volume import Volume, pack_valid


def _volume() -> Volume:
    voxels = np.arange(2 * 3 * 4, dtype=np.int16).reshape(2, 3, 4)
    return Volume(
        voxels=voxels,
        unit="HU",
        affine_lps_mm=np.diag([2.5, 0.7, 0.7, 1.0]),
        spacing_mm=(2.5, 0.7, 0.7),
        valid_bits=pack_valid(voxels > 3),
    )


def test_a_volume_comes_back_from_disk_as_it_was(tmp_path: Path) -> None:
    kept = _volume()
    ref = ArtifactStore(tmp_path).put(kept)
    found = ArtifactStore(tmp_path).get(ref)
    assert np.array_equal(found.voxels, kept.voxels)
    assert (found.unit, found.spacing_mm) == ("HU", (2.5, 0.7, 0.7))
    assert found.affine_lps_mm is not None
    assert np.array_equal(found.affine_lps_mm, np.diag([2.5, 0.7, 0.7, 1.0]))
    assert found.valid is not None
    assert np.array_equal(found.valid, kept.voxels > 3)


def test_what_differs_in_anything_has_another_reference(tmp_path: Path) -> None:
    store, kept = ArtifactStore(tmp_path), _volume()
    others = [
        replace(kept, voxels=kept.voxels + np.int16(1)),
        replace(kept, voxels=kept.voxels.reshape(2, 4, 3), valid_bits=None),
        replace(kept, unit="stored"),
        replace(kept, spacing_mm=(2.0, 0.7, 0.7)),
        replace(kept, affine_lps_mm=None),
        replace(kept, valid_bits=None),
    ]
    assert len({store.put(one) for one in (kept, *others)}) == 7
    assert store.put(_volume()) == store.put(kept)


def test_a_full_disk_leaves_nothing_half_written(tmp_path: Path) -> None:
    # In a process of its own: the limit is for every file that a process writes.
    code = (
        "import numpy, pathlib, resource, sys\n"
        "from tools.imaging.store import ArtifactStore\n"
        "from tools.imaging.volume import Volume\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n"
        "voxels = numpy.zeros((2, 30, 40), dtype=numpy.int16)\n"
        "volume = Volume(voxels=voxels, unit='HU', affine_lps_mm=None, spacing_mm=None)\n"
        "try:\n"
        "    ArtifactStore(pathlib.Path(sys.argv[1])).put(volume)\n"
        "except OSError as error:\n"
        "    sys.exit(error.errno)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.DEVNULL, check=False
    )
    assert done.returncode == errno.EFBIG
    assert list(tmp_path.iterdir()) == []


def test_a_volume_that_is_gone_asks_for_the_study_again(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="attach the study again"):
        ArtifactStore(tmp_path).get("0" * 64)
