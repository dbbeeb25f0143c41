from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from evals.views.contact_sheet import main
from tests.evals.medpix_shaped import write_medpix_shaped


def test_every_picture_stands_on_a_sheet_before_and_after(tmp_path: Path) -> None:
    data = write_medpix_shaped(tmp_path / "set")  # 8 pictures
    out = tmp_path / "sheets"
    assert main(["--data", str(data), "--out", str(out), "--per-sheet", "5"]) == 0
    sizes = []
    for name in ("sheet01.png", "sheet02.png"):
        with Image.open(out / name) as sheet:
            sizes.append(sheet.size)
    assert sizes == [(5 * 2 * 260, 260), (5 * 2 * 260, 260)]


def test_a_folder_without_pictures_is_answered(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--data", str(tmp_path), "--out", str(tmp_path / "sheets")]) == 2
    assert "holds no picture" in capsys.readouterr().err
