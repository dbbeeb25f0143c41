"""Small DICOM files for tests, each valid unless an edit makes it otherwise."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian

from tools.errors import UserError
from tools.imaging.files import Loaded, load_paths
from tools.imaging.series import Series
from tools.imaging.volume import Volume

Edit = Callable[[Dataset], object]


def ct_slice(stored: NDArray[Any], *, z_mm: float = 0.0, number: int = 1) -> FileDataset:
    """An axial CT slice: signed 16 bit, HU = stored - 1024, 1.5 x 1.5 mm pixels."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = UID(f"2.25.7{number}")
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made = FileDataset("", {}, preamble=b"\0" * 128, file_meta=meta)
    made.SOPClassUID = CTImageStorage
    made.SOPInstanceUID = f"2.25.7{number}"
    made.SeriesInstanceUID, made.FrameOfReferenceUID = "2.25.5", "2.25.4"
    made.PatientID = "T-0001"
    made.PatientName = "TEST^PERSON"
    made.Modality = "CT"
    made.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    made.InstanceNumber = number
    made.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    made.ImagePositionPatient = [-10, -20, z_mm]
    made.PixelSpacing = [1.5, 1.5]
    made.SliceThickness = 2
    made.RescaleSlope, made.RescaleIntercept = 1, -1024
    made.SamplesPerPixel = 1
    made.PhotometricInterpretation = "MONOCHROME2"
    made.BitsAllocated, made.BitsStored, made.HighBit = 16, 16, 15
    made.PixelRepresentation = 1
    made.Rows, made.Columns = stored.shape[-2:]
    made.PixelData = stored.astype("<i2").tobytes()
    made["PixelData"].VR = "OW"
    return made


def write(folder: Path, *slices: Dataset) -> Path:
    """Write slices as 1.dcm, 2.dcm and on; returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, one in enumerate(slices, start=1):
        one.save_as(folder / f"{number}.dcm", enforce_file_format=True)
    return folder


def stack(count: int = 5, step_mm: float = 2.0, edit: Edit | None = None) -> list[FileDataset]:
    """Slices of 6 x 8; the stored value of slice n (from 1) is 1000 n, head last."""
    slices = []
    for n in range(1, count + 1):
        made = ct_slice(np.full((6, 8), 1000 * n), z_mm=step_mm * n, number=n)
        if edit is not None:
            edit(made)
        slices.append(made)
    return slices


def compress(folder: Path, made: FileDataset, name: str, syntax: UID) -> Path:
    """Write one file compressed; `made` keeps its own pixels."""
    packed = copy.deepcopy(made)
    packed.compress(syntax, generate_instance_uid=False)
    folder.mkdir(parents=True, exist_ok=True)
    packed.save_as(folder / name, enforce_file_format=True)
    return folder / name


def bundled(name: str) -> Path:
    """A file that pydicom carries."""
    found = get_testdata_file(name, download=False)
    assert isinstance(found, str)
    return Path(found)


def only(loaded: Loaded) -> tuple[Series, Volume]:
    """The one series there is."""
    assert len(loaded.volumes) == 1
    return loaded.volumes[0]


def refusal(*paths: Path) -> str:
    """The one line with which the loader refuses these paths."""
    with pytest.raises(UserError) as caught:
        load_paths(paths)
    message = str(caught.value)
    assert "\n" not in message
    return message
