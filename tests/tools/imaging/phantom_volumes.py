"""Phantoms and their measurements, made once for all tests that ask."""

from __future__ import annotations

from functools import cache

import numpy as np

from tools.imaging.measure import LungMeasurement, measure_lungs
from tools.imaging.phantom import Phantom, make_phantom
from tools.imaging.phantom_lesions import Lesion
from tools.imaging.volume import Volume

SEED = 4


@cache
def phantom(lesion: Lesion) -> Phantom:
    """One phantom for each lesion, all of the same patient."""
    return make_phantom(lesion=lesion, seed=SEED)


@cache
def measured(lesion: Lesion) -> LungMeasurement:
    """Its measurement."""
    return measure_lungs(as_volume(phantom(lesion)))


def as_volume(made: Phantom) -> Volume:
    """A phantom as loading would return it: feet first, rows to the back, columns to the left."""
    affine = np.zeros((4, 4))
    affine[2, 0], affine[1, 1], affine[0, 2] = made.spacing_mm
    affine[3, 3] = 1
    return Volume(voxels=made.hu, unit="HU", affine_lps_mm=affine, spacing_mm=made.spacing_mm)
