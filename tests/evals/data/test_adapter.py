from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from PIL import Image

from evals.data.adapter import load_with_adapter
from tools.errors import UserError

DOCUMENT = Path(__file__).parents[3] / "docs" / "datasets.md"


def eurorad_like(folder: Path) -> Path:
    """Two made-up cases, one folder each; the second has no image."""
    for number, name in (("17", "Silicosis"), ("18", "Caplan syndrome")):
        case = folder / number
        case.mkdir(parents=True)
        (case / "case.json").write_text(
            json.dumps({"age": 60, "sex": "male", "section": "thorax", "diagnosis": name})
        )
        (case / "history.txt").write_text(f"A miner, case {number}.")
        (case / "findings.txt").write_text("Nodules in the upper lobes.")
    Image.new("L", (16, 16), 90).save(folder / "17" / "b.jpg")
    Image.new("L", (16, 16), 90).save(folder / "17" / "a.jpg")
    return folder


def test_the_adapter_of_the_documentation_reads_a_eurorad_like_folder(tmp_path: Path) -> None:
    (block,) = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text("utf-8"), flags=re.DOTALL)
    adapter = tmp_path / "eurorad.py"
    adapter.write_text(block)
    folder = eurorad_like(tmp_path / "set")
    dataset = load_with_adapter(f"{adapter}:load", folder, "all", None)
    first, second = dataset.cases
    assert (first.id, first.age_years, first.sex, first.region) == ("17", 60, "male", "thorax")
    assert first.history == "A miner, case 17."
    assert first.findings == "Nodules in the upper lobes."
    assert [path.name for path in first.pictures] == ["a.jpg", "b.jpg"]
    assert second.pictures == ()
    assert second.truth.primary == "Caplan syndrome"
    assert sorted(dataset.files) == ["17/a.jpg", "17/b.jpg"]
    body = [line for line in block.splitlines() if line.strip() and "import" not in line]
    assert len(body) <= 20


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("gone.py:load", "gone.py is missing"),
        ("no.such.module:load", "there is no module 'no.such.module'"),
        ("json:read", "has no function 'read'"),
        ("paths.py:load", "gave a PosixPath"),
    ],
)
def test_a_name_that_leads_to_no_adapter_is_answered(
    tmp_path: Path, name: str, message: str
) -> None:
    (tmp_path / "file").touch()
    adapter = tmp_path / "paths.py"
    adapter.write_text("def load(folder):\n    return sorted(folder.iterdir())\n")
    if name.startswith(adapter.name):
        name = f"{adapter.parent}/{name}"
    with pytest.raises(UserError, match=message):
        load_with_adapter(name, tmp_path, "all", None)


def test_a_picture_that_an_adapter_names_and_that_is_not_there_is_told(tmp_path: Path) -> None:
    adapter = tmp_path / "one.py"
    adapter.write_text(
        "from evals.data.dataset import EvalCase\n"
        "from evals.truth import Truth\n"
        "def load(folder):\n"
        "    truth = Truth(primary='x')\n"
        "    yield EvalCase(id='1', patient='1', pictures=(folder / 'no.png',), truth=truth)\n"
    )
    with pytest.raises(UserError, match=r"case '1': .*no\.png is missing"):
        load_with_adapter(f"{adapter}:load", tmp_path, "all", None)
