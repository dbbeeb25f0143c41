"""Pictures as an arm sees them: cleaned, without metadata, under names that say nothing."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from agent.case import Case
from evals.views.cleaning import clean
from evals.views.kept import picture_path
from knowledge.whole_file import whole_file
from tools.errors import UserError
from tools.imaging.pictures import read_picture
from tools.imaging.pixels import LeftOut
from tools.imaging.sources import open_sources
from tools.imaging.store import ArtifactStore, reference_of
from tools.imaging.volume import Volume


def read_pixels(path: Path) -> NDArray[np.uint8]:
    """A PNG, JPEG or WebP file upright: (rows, columns) grey, or (rows, columns, 3) in colour.

    Raises:
        UserError: When it is missing or no such picture.
    """
    with open_sources([path]) as sources:
        if len(sources) != 1 or sources[0].form != "picture":
            raise UserError(f"{path} is no picture; a case's images are PNG, JPEG or WebP files")
        try:
            shown, _ = read_picture(sources[0])
        except LeftOut as reason:
            raise UserError(f"{path}: {reason.reason}; {reason.advice}") from reason
    pixels: NDArray[np.uint8] = shown[0].astype(np.uint8)
    return pixels


@contextmanager
def cleaned(paths: Iterable[Path]) -> Iterator[list[Path]]:
    """Cleaned copies in a folder that lasts as long as the context, in the same order.

    Raises:
        UserError: When one cannot be read.
    """
    with tempfile.TemporaryDirectory(prefix="hoofbeat-") as folder:
        copies = []
        for number, path in enumerate(paths, start=1):
            copies.append(Path(folder) / f"{number:04d}.png")
            Image.fromarray(clean(read_pixels(path))).save(copies[-1])
        yield copies


def keep_pictures(case: Case, store: ArtifactStore, folder: Path) -> None:
    """Write each picture of a case, pixel for pixel as it is in the store, to where a report looks.

    Args:
        case: As an arm is handed it.
        store: That holds what its series refer to.
        folder: The run's.
    """
    for path, ref in zip(pictures_of(case, folder), _references(case), strict=True):
        if path.exists():
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as file:
            Image.fromarray(store.get(ref).voxels[0].astype(np.uint8)).save(file, "PNG")


def is_kept_whole(path: Path) -> bool:
    """Whether a kept picture still holds what its name says: the pixels of that reference."""
    try:
        with Image.open(path) as image:
            pixels = np.asarray(image, dtype=np.float32)[np.newaxis]
    except OSError:  # cut off, or no picture at all
        return False
    volume = Volume(voxels=pixels, unit="stored", affine_lps_mm=None, spacing_mm=None)
    return reference_of(volume) == path.stem


def pictures_of(case: Case, folder: Path) -> list[Path]:
    """Where the pictures of a case lie in a run's folder; none for data in HU.

    Args:
        case: A line's input.
        folder: The run's.
    """
    return [picture_path(folder, ref) for ref in _references(case)]


def _references(case: Case) -> list[str]:
    return [series.ref for series in case.series if series.origin == "picture"]
