"""Small NIfTI files for tests, written by nibabel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from numpy.typing import NDArray

from tools.imaging.nifti import read_nifti
from tools.imaging.series import Series
from tools.imaging.sources import Source
from tools.imaging.volume import Volume

nib: Any = nibabel  # its classes are not annotated


def ct_values(shape: tuple[int, int, int], seed: int = 5) -> NDArray[np.int16]:
    """Air, soft tissue and a little bone, each with noise, along the file's axes."""
    random = np.random.default_rng(seed)
    values = np.where(random.random(shape) < 0.4, -980, 40) + random.normal(0, 20, shape)
    values[: shape[0] // 8 + 1] = 700
    rounded: NDArray[np.int16] = np.rint(values.clip(-1024)).astype(np.int16)
    return rounded


def ras_affine(*axes: str, sizes: tuple[float, float, float] = (0.7, 0.8, 2.5)) -> NDArray[Any]:
    """The affine whose file axes run to R, L, A, P, S or I."""
    unit = {"R": (0, 1), "L": (0, -1), "A": (1, 1), "P": (1, -1), "S": (2, 1), "I": (2, -1)}
    affine = np.eye(4)
    affine[:3, :3] = 0
    for column, (axis, size) in enumerate(zip(axes, sizes, strict=True)):
        affine[unit[axis][0], column] = unit[axis][1] * size
    affine[:3, 3] = (-31.5, 17.25, -104.0)
    return affine


def image(values: NDArray[Any], affine: NDArray[Any] | None, **changes: Any) -> Any:
    """A NIfTI-1 image in millimetres; `changes` set header fields as they are."""
    made = nib.Nifti1Image(values, affine)
    made.header.set_xyzt_units("mm")
    for name, value in changes.items():
        made.header[name] = value
    return made


def write(path: Path, made: Any) -> Source:
    """Write an image and give it as the loader would."""
    nib.save(made, path)
    return source(path)


def read(tmp_path: Path, made: Any, *, modality: str = "CT") -> tuple[Series, Volume]:
    """Write an image and read it back."""
    return read_nifti(write(tmp_path / "one.nii.gz", made), modality=modality)


def source(path: Path) -> Source:
    """A file on disk as a source."""
    return Source(name=path.name, form="nifti", _path=path)
