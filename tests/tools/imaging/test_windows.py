from __future__ import annotations

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_windowing

from tools.imaging.windows import WINDOWS, Window, apply_window, medgemma_rgb, note_rgb


def test_soft_tissue_window_edges_follow_dicom_linear() -> None:
    soft_tissue = Window(name="soft", level_hu=40, width_hu=400)
    grey = apply_window(np.array([-1000.0, -160.0, 239.0, 1000.0]), soft_tissue)
    assert grey.tolist() == [0, 0, 255, 255]


def test_the_middle_of_a_window_is_middle_grey() -> None:
    # (40 - 39.5) / 399 + 0.5 = 0.50125; times 255 = 127.8
    grey = apply_window(np.array([40]), WINDOWS["mediastinum"])
    assert grey.tolist() == [128]


def test_a_window_of_width_one_is_a_step() -> None:
    grey = apply_window(np.array([9, 10, 11]), Window(name="step", level_hu=10, width_hu=1))
    assert grey.tolist() == [0, 255, 255]


def test_a_window_narrower_than_one_is_refused() -> None:
    with pytest.raises(ValueError, match=r"width must be >= 1 HU, got 0\.5"):
        apply_window(np.zeros(1), Window(name="none", level_hu=0, width_hu=0.5))


@pytest.mark.parametrize("name", sorted(WINDOWS))
def test_every_preset_agrees_with_pydicom(name: str) -> None:
    window = WINDOWS[name]
    hu = np.arange(-1024, 3072, dtype=np.int16)
    header = Dataset()
    header.WindowCenter, header.WindowWidth = window.level_hu, window.width_hu
    header.PhotometricInterpretation = "MONOCHROME2"
    header.BitsStored, header.PixelRepresentation = 16, 1
    theirs = apply_windowing(hu, header)  # -32768..32767 for signed 16 bit
    assert apply_window(hu, window).tolist() == pytest.approx(
        np.rint((theirs + 32768) / 65535 * 255).tolist(), abs=1
    )


@pytest.mark.parametrize(
    ("hu", "medgemma", "note"),
    [
        (-600, (53, 0, 0), (128, 0, 0)),
        (40, (132, 128, 128), (236, 120, 76)),
        (80, (137, 157, 255), (243, 149, 82)),
        (400, (177, 255, 255), (255, 255, 128)),
        (-2000, (0, 0, 0), (0, 0, 0)),
        (3000, (255, 255, 255), (255, 255, 255)),
    ],
)
def test_composites_give_the_published_values(
    hu: int, medgemma: tuple[int, ...], note: tuple[int, ...]
) -> None:
    slices = np.full((2, 3, 4), hu, dtype=np.int16)
    assert medgemma_rgb(slices).shape == (2, 3, 4, 3)
    assert tuple(medgemma_rgb(slices)[1, 2, 3]) == medgemma
    assert tuple(note_rgb(slices)[0, 0, 0]) == note
