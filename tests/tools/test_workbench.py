"""The bench: measured once, under the right name; the series that was meant."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from knowledge.search.retrieve import KnowledgeBase
from tests.tools.imaging.chest_shapes import make_chest
from tools.errors import ToolFailure, UserError
from tools.imaging.preconditions import CannotMeasure
from tools.imaging.series import Series
from tools.imaging.store import ArtifactStore
from tools.imaging.volume import Volume
from tools.workbench import Workbench, pick_series


class _Counting(ArtifactStore):
    """A store that counts how often pixels are fetched: once a measurement."""

    fetched = 0

    def get(self, ref: str) -> Volume:
        self.fetched += 1
        return super().get(ref)


@pytest.fixture
def store(tmp_path: Path) -> _Counting:
    return _Counting(tmp_path / "store")


@pytest.fixture
def bench(store: _Counting, shipped: KnowledgeBase) -> Workbench:
    return Workbench(store=store, knowledge=shipped)


def _series(ref: str, **changes: Any) -> Series:
    fields: dict[str, Any] = {
        "id": "S1", "ref": ref, "kind": "volume", "modality": "CT", "unit": "HU", "slices": 76,
        "rows": 140, "columns": 187, "thickness_mm": 2.5,
    }  # fmt: skip
    return Series(**(fields | changes))


@pytest.fixture
def chest(store: _Counting) -> Series:
    return _series(store.put(make_chest().volume))


def test_lungs_are_measured_once(bench: Workbench, store: _Counting, chest: Series) -> None:
    first = bench.lungs_of(chest)
    assert bench.lungs_of(chest) == first
    assert store.fetched == 1
    assert first.both.volume_l == pytest.approx(1.70, rel=0.02)


def test_another_case_with_the_same_images_gets_them_under_its_own_series(
    bench: Workbench, store: _Counting, chest: Series
) -> None:
    first = bench.lungs_of(chest)
    other = bench.lungs_of(chest.model_copy(update={"id": "S2", "limits": ("few slices",)}))
    assert (first.series, other.series) == ("S1", "S2")
    assert other.both == first.both
    assert store.fetched == 1


def test_numbers_state_the_conditions_of_their_own_header(
    bench: Workbench, store: _Counting, chest: Series
) -> None:
    bench.lungs_of(chest)
    thin = bench.lungs_of(chest.model_copy(update={"thickness_mm": 1.25}))
    assert thin.conditions.thickness_mm == 1.25
    assert store.fetched == 2


def test_the_measurements_used_last_are_kept(
    bench: Workbench, store: _Counting, chest: Series, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.workbench._KEPT_MEASUREMENTS", 2)
    sharp, soft = (chest.model_copy(update={"kernel": kernel}) for kernel in ("B70f", "B30f"))
    for series in (chest, sharp, chest, soft, chest, soft):
        bench.lungs_of(series)
    assert store.fetched == 3
    bench.lungs_of(sharp)  # pushed out by the third
    assert store.fetched == 4


def test_what_cannot_be_measured_is_refused_each_time(bench: Workbench, store: _Counting) -> None:
    blank = np.full((20, 40, 40), -1000, dtype=np.int16)
    volume = Volume(voxels=blank, unit="HU", affine_lps_mm=None, spacing_mm=None)
    series = _series(store.put(volume))
    for _ in range(2):
        with pytest.raises(CannotMeasure, match="spacing of the slices is not known"):
            bench.lungs_of(series)


def test_images_that_are_gone_are_the_persons_to_attach_again(bench: Workbench) -> None:
    with pytest.raises(UserError, match="attach the study again"):
        bench.lungs_of(_series("0" * 64))


def test_no_id_means_the_first_series() -> None:
    two = [_series("", id="S1"), _series("", id="S2")]
    assert pick_series(two, "").id == "S1"
    assert pick_series(two, "S2").id == "S2"


def test_a_series_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(ToolFailure, match="no series 'S3'; there are S1, S2"):
        pick_series([_series("", id="S1"), _series("", id="S2")], "S3")
    with pytest.raises(ToolFailure, match="no images; work with the findings supplied in text"):
        pick_series([], "S1")
