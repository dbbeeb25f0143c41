"""Real and awkward files; skipped where their folder is not given."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread

from tools.errors import UserError
from tools.imaging.files import load_paths


def test_a_real_chest_ct_is_one_volume(shared_data: Path) -> None:
    loaded = load_paths([shared_data / "dicom" / "chest_ct"])
    ((series, volume),) = loaded.volumes
    assert (series.kind, series.slices, series.unit) == ("volume", 133, "HU")
    assert series.spacing_mm == pytest.approx((2.5, 0.703125, 0.703125))
    assert (series.kernel, series.body_part, series.contrast) == ("STANDARD", "CHEST", True)
    assert volume.affine_lps_mm is not None
    for path in sorted((shared_data / "dicom" / "chest_ct").glob("*.dcm"))[::40]:
        dataset = dcmread(path)
        at = np.linalg.solve(volume.affine_lps_mm, [*dataset.ImagePositionPatient, 1])
        expected = np.maximum(dataset.pixel_array.astype(int) - 1024, -1024)
        assert np.array_equal(volume.voxels[round(float(at[0]))], expected)


def test_a_tilted_uneven_series_is_only_looked_at(shared_data: Path) -> None:
    ((series, volume),) = load_paths([shared_data / "dicom" / "ge_tilt_uneven_gaps"]).volumes
    assert (series.kind, series.slices, volume.spacing_mm) == ("slices", 28, None)
    assert "1.1, 4, 7 mm apart" in series.limits[0]
    assert "tilted by 18.5 degrees" in series.limits[0]


def test_dose_pages_are_refused(shared_data: Path) -> None:
    with pytest.raises(UserError, match="may identify the patient"):
        load_paths([shared_data / "dicom" / "rgb_dose_pages"])


# How far a lossy file may be from the CT it was made of, in HU.
_LOSSY = {
    "JPEG2000TransferSyntax": 5,
    "JPEGLSLossyTransferSyntax": 1,
    "JPEGProcess1Transfer": 65,  # 8 bits
    "JPEGProcess2_4": 36,  # 12 bits
    "JPEGProcess6_8": 36,
    "JPEGProcess10_12": 36,
}


def test_all_transfer_syntaxes_of_one_ct_give_the_same_voxels(shared_data: Path) -> None:
    folder = shared_data / "dicom" / "transfer_syntaxes"
    plain = load_paths([folder / "CTImage.dcm"]).volumes[0][1].voxels.astype(int)
    paths = sorted(folder.glob("CTImage.dcm_*"))
    assert len(paths) == 15
    for path in paths:
        error = next((most for word, most in _LOSSY.items() if word in path.name), 0)
        voxels = load_paths([path]).volumes[0][1].voxels
        assert np.abs(voxels - plain).max() <= error, path.name


def test_frames_in_fragments_without_an_offset_table_decode(shared_data: Path) -> None:
    folder = shared_data / "dicom" / "transfer_syntaxes"
    (path,) = folder.glob("CT0012.fragmented*")
    ((series, volume),) = load_paths([path]).volumes
    assert (series.slices, series.rows, series.columns) == (2, 512, 512)
    assert float(np.std(volume.voxels)) > 100


def test_a_scout_is_left_out_and_the_radiograph_is_inverted(shared_data: Path) -> None:
    loaded = load_paths([shared_data / "dicom" / "single"])
    ((series, volume),) = loaded.volumes
    stored = dcmread(shared_data / "dicom" / "single" / "gdcm-CR-MONO1-10-chest.dcm").pixel_array
    assert (series.kind, series.modality) == ("image", "CR")
    assert np.corrcoef(stored.ravel(), volume.voxels.ravel())[0, 1] < -0.5
    assert any("localizer" in note for note in loaded.notes)


def test_no_value_of_an_identified_header_leaves_loading(shared_data: Path) -> None:
    folder = shared_data / "dicom" / "identified"
    loaded = load_paths([folder])
    said = repr([s.model_dump() for s, _ in loaded.volumes]) + repr(loaded.notes)
    dataset = dcmread(folder / "every_ps315_attribute.dcm")
    values = {str(e.value).strip() for e in dataset.iterall() if e.VR in {"PN", "LO", "UI", "DA"}}
    permitted = {"CT", "CHEST", "STANDARD", "YES", "NO"}
    leaked = {v for v in values - permitted if len(v) > 3 and v in said}
    assert leaked == set()
    assert any("ultrasound" in note for note in loaded.notes)
