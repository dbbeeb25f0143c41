from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_windowing

from tools.imaging.windows import (
    WINDOWS,
    Window,
    apply_window,
    apply_windows,
    medgemma_rgb,
    note_rgb,
)

EVERY_INT16 = np.arange(-32768, 32768, dtype=np.int16)


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
        (-1024, (0, 0, 0), (55, 0, 0)),  # note: 326 / 1500 * 255 = 55.4
        (-135, (111, 0, 0), (207, 0, 52)),  # 889 / 2048 * 255 = 110.7; 206.6; 51.7
        (
            0,
            (128, 98, 0),
            (230, 91, 71),
        ),  # 127.5 to even; 135 / 350 * 255 = 98.4; 229.5; 91.1; 70.8
        (40, (132, 128, 128), (236, 120, 76)),
        (80, (137, 157, 255), (243, 149, 82)),
        (150, (146, 208, 255), (255, 200, 92)),  # 146.2; 207.6; note: 200.4; 92.1
        (215, (154, 255, 255), (255, 248, 101)),  # 1239 / 2048 * 255 = 154.3; note: 247.7; 101.3
        (1024, (255, 255, 255), (255, 255, 216)),  # note: 1524 / 1800 * 255 = 215.9
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


def test_the_presets_are_those_that_radiologists_name() -> None:
    assert {w.name: (w.level_hu, w.width_hu) for w in WINDOWS.values()} == {
        "lung": (-600, 1500),
        "soft tissue": (50, 350),
        "mediastinum": (40, 400),
        "bone": (400, 1800),
        "brain": (40, 80),
        "subdural": (75, 215),
        "stroke": (40, 40),
        "liver": (60, 160),
        "angio": (300, 600),
        "wide": (0, 2048),
    }


@pytest.mark.parametrize("name", sorted(WINDOWS))
def test_the_table_gives_what_the_formula_gives_for_every_int16(name: str) -> None:
    by_formula = apply_window(EVERY_INT16.astype(np.float64), WINDOWS[name])
    assert np.array_equal(apply_window(EVERY_INT16, WINDOWS[name]), by_formula)


@pytest.mark.parametrize("composite", [medgemma_rgb, note_rgb])
def test_composite_tables_give_what_the_formula_gives(
    composite: Callable[[np.ndarray], np.ndarray],
) -> None:
    by_formula = composite(EVERY_INT16.astype(np.float32))
    assert np.array_equal(composite(EVERY_INT16), by_formula)


def test_many_windows_at_once_are_the_same_as_one_by_one() -> None:
    # More than one word holds, more than one block holds, and not in C order.
    hu = np.random.default_rng(3).integers(-2000, 4000, (300, 250, 2)).astype(np.int16).T
    together = apply_windows(hu, tuple(WINDOWS.values()))
    assert len(together) == 10
    for grey, window in zip(together, WINDOWS.values(), strict=True):
        assert grey.shape == (2, 250, 300)
        assert np.array_equal(grey, apply_window(hu.astype(np.float64), window))


def test_another_byte_order_changes_nothing() -> None:
    hu = np.array([-600, 0, 40, 400], dtype=np.int16)
    assert np.array_equal(medgemma_rgb(hu.astype(">i2")), medgemma_rgb(hu))


def test_a_volume_without_voxels_has_no_grey() -> None:
    assert apply_window(np.zeros((0, 4, 4), dtype=np.int16), WINDOWS["lung"]).shape == (0, 4, 4)
