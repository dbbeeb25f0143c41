"""A made-up chest CT as a real DICOM series, for the demonstration and for tests.

Nothing in it comes from a patient. A lesion and its lesion-free twin share seed and anatomy, so a
test can ask for what only the lesion explains.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from tools.imaging.phantom_anatomy import FIELD_MM, draw_thorax
from tools.imaging.phantom_lesions import (
    Cyst,
    Lesion,
    build_for,
    draw_cysts,
    draw_microliths,
)

if TYPE_CHECKING:
    from pydicom.dataset import Dataset
    from pydicom.uid import UID

SHAPE = (110, 256, 256)

_NOISE_HU = 17.0
_BLUR_PIXELS = 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class Patient:
    """Age and sex as the header will say them."""

    age_years: int = 42
    sex: Literal["female", "male"] = "female"


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Phantom:
    """A phantom with its ground truth.

    Attributes:
        hu: (slices, rows, columns) int16, lowest slice first.
        spacing_mm: Between slices, rows and columns.
        left, right: The lungs with the vessels and lesions in them, bool; left is the patient's.
        cysts: What was drawn, empty without.
        stones: Voxels that hold a stone, bool.
    """

    hu: NDArray[np.int16]
    spacing_mm: tuple[float, float, float]
    left: NDArray[np.bool_]
    right: NDArray[np.bool_]
    cysts: tuple[Cyst, ...]
    stones: NDArray[np.bool_]


def make_phantom(*, lesion: Lesion, seed: int, shape: tuple[int, int, int] = SHAPE) -> Phantom:
    """Draw, blur and add noise; the same arguments give the same voxels."""
    from scipy import ndimage

    thorax = draw_thorax(shape, seed, build_for(lesion))
    cysts = draw_cysts(thorax, seed) if lesion is Lesion.CYSTS else ()
    stones = np.zeros(shape, dtype=np.bool_)
    if lesion is Lesion.MICROLITHIASIS:
        stones = draw_microliths(thorax, seed) > 0
    blur = (0.0, _BLUR_PIXELS, _BLUR_PIXELS)
    hu = ndimage.gaussian_filter(thorax.canvas.hu, blur, truncate=3.0)
    random = np.random.default_rng([seed, 20])
    noise = random.standard_normal(shape, dtype=np.float32)
    noise = ndimage.gaussian_filter(noise, (0.0, 0.6, 0.6), truncate=2.0)
    hu += noise * np.float32(_NOISE_HU / noise[0].std())
    return Phantom(
        hu=np.clip(np.rint(hu), -1024, 3071).astype(np.int16),
        spacing_mm=thorax.canvas.spacing_mm,
        left=thorax.left,
        right=thorax.right,
        cysts=cysts,
        stones=stones,
    )


def write_phantom(
    folder: Path,
    *,
    lesion: Lesion,
    seed: int,
    patient: Patient | None = None,
    shape: tuple[int, int, int] = SHAPE,
) -> tuple[Path, ...]:
    """Write a phantom as a CT series, head first as scanners do.

    Args:
        folder: Created when missing; one file a slice goes there.
        lesion: What is wrong, Lesion.NONE for the healthy twin.
        seed: Chooses anatomy, lesion and noise, and the made-up UIDs.
        patient: Age and sex in the header.
        shape: Slices, rows and columns over a field of 275 x 358 x 358 mm.

    Returns:
        The files, in InstanceNumber order.
    """
    from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
    from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

    phantom = make_phantom(lesion=lesion, seed=seed, shape=shape)
    who = patient or Patient()
    folder.mkdir(parents=True, exist_ok=True)
    name = f"hoofbeat phantom {lesion.value} {seed} {shape}"
    common = Dataset()
    common.SOPClassUID = CTImageStorage
    common.PatientName = "PHANTOM^HOOFBEAT"
    common.PatientID = "PHANTOM"
    common.PatientAge = f"{who.age_years:03d}Y"
    common.PatientSex = "F" if who.sex == "female" else "M"
    common.StudyInstanceUID = _uid(f"{name} study")
    common.SeriesInstanceUID = _uid(f"{name} series")
    common.FrameOfReferenceUID = _uid(f"{name} frame")
    common.SeriesNumber = 1
    common.Modality = "CT"
    common.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    common.BodyPartExamined = "CHEST"
    common.PatientPosition = "HFS"
    common.ConvolutionKernel = "STANDARD"
    common.KVP = "120"
    _describe_pixels(common, phantom)

    files: list[Path] = []
    slices = len(phantom.hu)
    for number, index in enumerate(range(slices - 1, -1, -1), start=1):
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID = CTImageStorage
        meta.MediaStorageSOPInstanceUID = _uid(f"{name} {number}")
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        path = folder / f"{number:04d}.dcm"
        dataset = FileDataset(str(path), common, preamble=b"\0" * 128, file_meta=meta)
        dataset.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
        dataset.InstanceNumber = number
        z = index * phantom.spacing_mm[0]
        corner = [-(f - s) / 2 for f, s in zip(FIELD_MM[1:], phantom.spacing_mm[1:], strict=True)]
        dataset.ImagePositionPatient = [round(corner[1], 4), round(corner[0], 4), round(z, 4)]
        dataset.PixelData = (phantom.hu[index] + np.int16(1024)).astype("<i2").tobytes()
        dataset["PixelData"].VR = "OW"
        dataset.save_as(path, enforce_file_format=True)
        files.append(path)
    return tuple(files)


def _describe_pixels(common: Dataset, phantom: Phantom) -> None:
    common.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    common.PixelSpacing = [round(s, 6) for s in phantom.spacing_mm[1:]]
    common.SliceThickness = round(phantom.spacing_mm[0], 6)
    common.SamplesPerPixel = 1
    common.PhotometricInterpretation = "MONOCHROME2"
    common.Rows, common.Columns = phantom.hu.shape[1:]
    common.BitsAllocated = 16
    common.BitsStored = 16
    common.HighBit = 15
    common.PixelRepresentation = 1
    common.RescaleIntercept = -1024
    common.RescaleSlope = 1
    common.RescaleType = "HU"
    common.WindowCenter = -600
    common.WindowWidth = 1500


def _uid(name: str) -> UID:
    """A UID under 2.25 (made from a UUID), the same for the same name."""
    from pydicom.uid import UID

    return UID(f"2.25.{uuid.uuid5(uuid.NAMESPACE_URL, name).int}")
