"""The montage a person looks at: every window, the right way round, whole or not there."""

from __future__ import annotations

import resource
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from tests.tools.imaging.chest_shapes import flipped
from tools.errors import ToolFailure, UserError
from tools.imaging.montage import save_montage
from tools.imaging.raster import AS_DISPLAYED, windows_for
from tools.imaging.volume import Volume

CAPTION, TILE = 14, 256
AXIAL = np.array([[0, 0, 2, 0], [0, 2, 0, 0], [3, 0, 0, 0], [0, 0, 0, 1.0]])


def _volume(voxels: NDArray[np.int16], affine: NDArray[np.float64] | None = AXIAL) -> Volume:
    """Slices to the head, rows to the back, columns to the patient's left."""
    spacing = None if affine is None else (3.0, 2.0, 2.0)
    return Volume(voxels=voxels, unit="HU", affine_lps_mm=affine, spacing_mm=spacing)


def _black(slices: int = 1) -> Volume:
    return _volume(np.full((slices, 64, 64), -1024, dtype=np.int16))


def _sheet(path: Path) -> NDArray[np.uint8]:
    with Image.open(path) as sheet:
        return np.asarray(sheet)


def _tiles(path: Path, columns: int) -> NDArray[np.uint8]:
    """(rows, columns, TILE, TILE, 3) of a sheet of square tiles, without captions."""
    sheet = _sheet(path)
    lines = sheet.shape[0] // (TILE + CAPTION)
    grid = sheet.reshape(lines, TILE + CAPTION, columns, TILE, 3).swapaxes(1, 2)
    return grid[:, :, CAPTION:]


# 100 HU by hand. LINEAR: (100 - level + 0.5) / (width - 1) + 0.5, times 255. Composites: red, green
# and blue are (100 + 1024) / 2048, (100 + 135) / 350 and 1; or 150, 225 of 350, 600 of 1800 HU.
_GREYS = {
    "lung": (247, 247, 247), "soft tissue": (164, 164, 164), "mediastinum": (166, 166, 166),
    "bone": (85, 85, 85), "brain": (255, 255, 255), "subdural": (158, 158, 158),
    "stroke": (255, 255, 255), "liver": (192, 192, 192), "angio": (43, 43, 43),
    "wide": (140, 140, 140), "medgemma": (140, 171, 255), "note-rgb": (247, 164, 85),
}  # fmt: skip


@pytest.mark.parametrize("window", windows_for(_black()))
def test_every_window_of_ct_can_be_drawn(window: str, tmp_path: Path) -> None:
    volume = _volume(np.full((2, 64, 64), 100, dtype=np.int16))
    save_montage(tmp_path / "sheet.png", volume, "S1", [window], count=2)
    tiles = _tiles(tmp_path / "sheet.png", 2)
    assert tiles[0, 0, 64, 64].tolist() == pytest.approx(_GREYS[window], abs=1)
    assert tiles[0, 1, 64, 64].tolist() == tiles[0, 0, 64, 64].tolist()


def test_what_is_not_in_hu_is_drawn_as_displayed(tmp_path: Path) -> None:
    grey = np.zeros((1, 64, 64), dtype=np.float32)
    grey[:, 16:48, 16:48] = 200
    picture = Volume(voxels=grey, unit="stored", affine_lps_mm=None, spacing_mm=None)
    save_montage(tmp_path / "sheet.png", picture, "S1", [AS_DISPLAYED], count=1)
    tile = _tiles(tmp_path / "sheet.png", 1)[0, 0]
    assert tile[128, 128].tolist() == [200, 200, 200]
    assert not tile[:48].any()  # no letters and no scale bar where neither is known
    assert not tile[-48:].any()
    with pytest.raises(ToolFailure, match="not in HU; ask for one of: as displayed"):
        save_montage(tmp_path / "sheet.png", picture, "S1", ["lung"], count=1)


def test_slices_stand_in_order_evenly_apart(tmp_path: Path) -> None:
    hu = np.broadcast_to(np.arange(0, 100, 10, dtype=np.int16)[:, None, None], (10, 64, 64))
    save_montage(tmp_path / "sheet.png", _volume(hu.copy()), "S1", ["brain"], count=7)
    tiles = _tiles(tmp_path / "sheet.png", 6)
    assert tiles.shape[0] == 2  # six side by side, then the seventh
    # round(i / 7 * 9) + 1 for i = 1..7: slices 2, 4, 5, 6, 7, 9, 10, so 10, 30, 40 ... 90 HU.
    # Brain is 40/80: (HU - 39.5) / 79 + 0.5, times 255.
    greys = [int(tile[64, 64, 0]) for tile in (*tiles[0], tiles[1, 0])]
    assert greys == pytest.approx([32, 97, 129, 161, 194, 255, 255], abs=1)
    assert not tiles[1, 1:].any()


def test_more_than_there_are_means_all(tmp_path: Path) -> None:
    save_montage(tmp_path / "sheet.png", _black(3), "S1", ["wide"], count=99)
    assert _sheet(tmp_path / "sheet.png").shape == (TILE + CAPTION, 3 * TILE, 3)


def _read(strip: NDArray[np.uint8]) -> str:
    """Which of DICOM's letters stands in a strip, by its own likeness."""
    font = ImageFont.load_default(size=11)
    likeness: dict[str, float] = {}
    seen = strip.max(axis=-1) > 100
    for letter in "RLAPHF":
        image = Image.new("L", (16, 16))
        ImageDraw.Draw(image).text((3, 1), letter, fill=200, font=font)
        glyph = np.asarray(image) > 100
        rows, columns = np.nonzero(glyph)
        glyph = glyph[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
        high, wide = glyph.shape
        places = np.lib.stride_tricks.sliding_window_view(seen, (high, wide))
        likeness[letter] = float((places == glyph).mean(axis=(2, 3)).max())
    return max(likeness, key=lambda letter: likeness[letter])


def _edges(tile: NDArray[np.uint8]) -> str:
    """The letters at the left, right, top and bottom of a tile."""
    middle = slice(118, 138)
    strips = (tile[middle, :16], tile[middle, -16:], tile[:18, middle], tile[-18:, middle])
    return "".join(_read(strip) for strip in strips)


# Voxel axes as (slices, rows, columns) run along patient axes (x: left, y: back, z: head).
_PLANES = {
    "RLAP": AXIAL,
    "RLHF": np.array([[0, 0, 2, 0], [3, 0, 0, 0], [0, -2, 0, 0], [0, 0, 0, 1.0]]),
    "APHF": np.array([[3, 0, 0, 0], [0, 0, 2, 0], [0, -2, 0, 0], [0, 0, 0, 1.0]]),
}


@pytest.mark.parametrize("letters", list(_PLANES))
def test_edges_say_which_side_of_the_patient_they_are(letters: str, tmp_path: Path) -> None:
    black = _volume(np.full((1, 64, 64), -1024, dtype=np.int16), _PLANES[letters])
    save_montage(tmp_path / "sheet.png", black, "S1", ["wide"], count=1)
    assert _edges(_tiles(tmp_path / "sheet.png", 1)[0, 0]) == letters


@pytest.mark.parametrize("axes", [(), (1,), (2,), (1, 2), (0, 1, 2)])
def test_the_patients_left_is_at_l_however_the_series_is_stored(
    axes: tuple[int, ...], tmp_path: Path
) -> None:
    hu = np.full((3, 64, 64), -1024, dtype=np.int16)
    hu[:, 40:56, 44:60] = 1300  # at the back and on the patient's left
    save_montage(tmp_path / "sheet.png", flipped(_volume(hu), axes), "S1", ["bone"], count=1)
    tile = _tiles(tmp_path / "sheet.png", 1)[0, 0]
    assert _edges(tile) == "RLAP"
    assert tile[192, 208].tolist() == [255, 255, 255]
    assert not tile[48:96, 48:96].any()


def test_without_geometry_no_side_is_named(tmp_path: Path) -> None:
    loose = _volume(np.full((1, 64, 64), -1024, dtype=np.int16), None)
    save_montage(tmp_path / "sheet.png", loose, "S1", ["wide"], count=1)
    assert not _tiles(tmp_path / "sheet.png", 1).any()


def _refused(path: Path) -> str:
    with pytest.raises(UserError, match="name another place") as caught:
        save_montage(path, _black(), "S1", ["wide"], count=1)
    return str(caught.value)


@pytest.mark.parametrize("place", ["no/sheet.png", "file/sheet.png", "folder", "n" * 300 + ".png"])
def test_a_place_that_cannot_be_written_is_said_and_left_as_it_was(
    place: str, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(b"kept")
    (tmp_path / "folder").mkdir()
    said = _refused(tmp_path / place)
    assert said.startswith(f"cannot write {Path(place).name!r}: ")
    assert str(tmp_path) not in said
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "folder"]
    assert (tmp_path / "file").read_bytes() == b"kept"


def test_a_full_disk_leaves_the_old_sheet_whole(tmp_path: Path) -> None:
    path = tmp_path / "sheet.png"
    save_montage(path, _black(), "S1", ["wide"], count=1)
    before = path.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))  # a write beyond fails, as it would
    try:
        said = _refused(path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "File too large" in said
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["sheet.png"]


def test_another_file_beside_it_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "sheet.png.part").write_bytes(b"kept")
    (tmp_path / "sheet.png").write_bytes(b"an older sheet")
    save_montage(tmp_path / "sheet.png", _black(), "S1", ["wide"], count=1)
    assert (tmp_path / "sheet.png.part").read_bytes() == b"kept"
    assert _sheet(tmp_path / "sheet.png").shape == (TILE + CAPTION, TILE, 3)
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("count", [0, -3])
def test_a_sheet_of_nothing_is_refused(count: int, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=f"at least 1 slice, got {count}"):
        save_montage(tmp_path / "sheet.png", _black(), "S1", ["wide"], count=count)
    assert list(tmp_path.iterdir()) == []


def test_a_window_that_does_not_fit_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(ToolFailure, match=r"'lungs' cannot be shown.*ask for one of: lung, soft"):
        save_montage(tmp_path / "sheet.png", _black(), "S1", ["lungs"], count=1)
    assert list(tmp_path.iterdir()) == []


def test_each_of_several_windows_has_a_row_of_its_own(tmp_path: Path) -> None:
    hu = np.stack([np.full((64, 64), value) for value in (-1000, 40)]).astype(np.int16)
    save_montage(tmp_path / "sheet.png", _volume(hu), "S1", ["lung", "bone"])
    tiles = _tiles(tmp_path / "sheet.png", 2)
    greys = [[tile[64, 64, 0] for tile in row] for row in tiles]
    # 255 x ((HU - level + 0.5) / (width - 1) + 0.5): 59.5 and 236.5 of lung, 0 and 76.5 of bone.
    assert greys == [[60, 236], [0, 77]]


def test_a_montage_needs_a_window(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="at least 1 window"):
        save_montage(tmp_path / "sheet.png", _black(), "S1", [])
