"""A made-up entry that passes every check, and a few real ones to compare it with."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from knowledge.check import CORPUS, TERMS

_PROSE = {
    "presentation": (
        "Gardeners past fifty who inhale quill dust for ten years come with a dry whistle on "
        "stairs and feathered nails, and without any fever."
    ),
    "settles": "Prone thin-section CT, on which the quill lines keep their place below the apex.",
    "course": (
        "Lines fade within two years of leaving the garden; one gardener in nine loses a fifth of "
        "the vital capacity."
    ),
    "imaging": (
        "CT, lung window: parallel quill lines 2 to 3 cm long below both apices, each ending in a "
        "4 mm bead, with clear lung between them and a free pleural rim of 5 mm. Mediastinal "
        "window: beads measure 60 HU and no node passes 8 mm. Radiograph: a comb of fine lines "
        "above the second rib, seen best on the lordotic view, with normal hila and bases."
    ),
    "summary": (
        "A dust disease of gardeners that scars the apices in parallel. A comb of beaded apical "
        "lines is its signature."
    ),
}
_DIFFERENCES = (
    "Silica leaves round nodules and calcified nodes, never a comb of beaded lines.",
    "Granulomas follow the bronchi and hila, where the comb stays under the apex.",
)
_FINDINGS = ("reticulation", "upper-lung-predominance", "honeycombing")


def copy_few(folder: Path) -> Path:
    """A corpus of three entries of the real one, which takes seconds to read."""
    (folder / "thorax").mkdir(parents=True)
    for name in ("silicosis", "sarcoidosis", "lymphangioleiomyomatosis"):
        shutil.copy(CORPUS / "thorax" / f"{name}.yaml", folder / "thorax")
    return folder


def stand_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let check and new see these few entries, and the terms of the lung, instead of all."""
    few = copy_few(folder / "corpus")
    (folder / "terms").mkdir()
    shutil.copy(TERMS / "lung.yaml", folder / "terms")
    monkeypatch.setattr("knowledge.check.TERMS", folder / "terms")
    for module in ("knowledge.check", "knowledge.new"):
        monkeypatch.setattr(f"{module}.CORPUS", few)


def fill(template: Path) -> Path:
    """Fill every TODO of a template, in place."""
    text = template.read_text("utf-8")
    for key, prose in _PROSE.items():
        text = re.sub(rf"^({key}: >-\n)  TODO.*$", rf"\1  {prose}", text, flags=re.MULTILINE)
    for term, frequency in zip(_FINDINGS, ("frequent", "0.8", "very rare"), strict=True):
        text = re.sub(
            r"\{term: TODO.*\}",
            f"{{term: {term}, modality: CT, window: lung, frequency: {frequency}}}",
            text,
            count=1,
        )
    for mimic, difference in zip(("silicosis", "sarcoidosis"), _DIFFERENCES, strict=True):
        text = re.sub(
            r"\{id: TODO.*\}", f'{{id: {mimic}, difference: "{difference}"}}', text, count=1
        )
    for key, value in (
        ("synonyms", "[quill comb lung]"),
        ("rarity", "rare"),
        ("sites", "[lung]"),
        ("age_years", "[50, 80]"),
        ("female_share", "0.4"),
        ("risk_factors", "[quill dust]"),
        ("clinical_terms", "[dry whistle]"),
        ("author", "the tests"),
    ):
        text = re.sub(rf"^( *{key}:) .*$", rf"\1 {value}", text, flags=re.MULTILINE)
    template.write_text(text, "utf-8")
    return template
