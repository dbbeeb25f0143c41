"""The real chest CT through every window, the tiny model and measurement."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from knowledge.vocabulary import Term
from tests.tools.vision.scripted import never
from tools.ask import ask_look
from tools.extract import extract_findings
from tools.imaging.files import load_paths
from tools.imaging.measure import measure_lungs
from tools.imaging.raster import windows_for
from tools.looks import Choice, make_look
from tools.measured import findings_from_lungs
from tools.merge import merge_findings, window_conflicts
from tools.refute import refute
from tools.vision.transformers_model import TransformersVision


@pytest.mark.slow
def test_every_window_of_the_real_chest_gives_findings_that_are_merged_and_held_against_hu(
    shared_data: Path, vision: TransformersVision, terms: Sequence[Term]
) -> None:
    (loaded,) = load_paths([shared_data / "dicom" / "chest_ct"]).volumes
    series, volume = loaded[0].model_copy(update={"id": "S1"}), loaded[1]
    windows = windows_for(volume)
    assert len(windows) == 12  # ten presets and two composites
    looks = [
        make_look(volume, series, window, Choice(slices=(40, 70)), terms) for window in windows
    ]
    extracted = extract_findings(vision, looks, is_disease=never, max_findings=1)
    assert [one.shown.window for one in extracted] == list(windows)
    assert [one.failure for one in extracted] == [""] * 12
    found = [finding for one in extracted for finding in one.findings]
    assert found
    merged = merge_findings(found)
    said = {(f.term, f.present) for f in merged}
    assert said == {(f.term, f.present) for f in found}
    both = {term for term, present in said if present} & {t for t, present in said if not present}
    assert both or not window_conflicts(merged)
    measured = measure_lungs(volume, series=series)
    held = refute([*merged, *findings_from_lungs(measured, "S1")], measured)
    assert len(held) == len(merged) + len(findings_from_lungs(measured, "S1"))
    assert all(f.source == "vision" for f in held if f.refuted)
    assert len(ask_look(vision, looks[0])) == len(terms)
