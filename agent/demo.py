"""The demo cases: a synthetic chest CT with one lesion pattern each, and a history that names none.

The lesion-free twin has the same anatomy and the same history: what tells them apart is measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from agent.case import Case
from agent.settings import Settings
from tools.imaging.phantom import Patient, write_phantom
from tools.imaging.phantom_lesions import Lesion


@dataclass(frozen=True, kw_only=True, slots=True)
class DemoCase:
    """A named demo: what is planted, in whom, and what the request says.

    Attributes:
        planted: Id of the knowledge entry whose pattern the phantom shows.
    """

    lesion: Lesion
    planted: str
    age_years: int
    sex: Literal["female", "male"]
    history: str
    seed: int


DEMO_CASES: Mapping[str, DemoCase] = {
    "cystic-lung": DemoCase(
        lesion=Lesion.CYSTS,
        planted="lymphangioleiomyomatosis",
        age_years=36,
        sex="female",
        history="Progressive shortness of breath on exertion over two years. Never smoked.",
        seed=11,
    ),
    "hyperlucent-lung": DemoCase(
        lesion=Lesion.HYPERLUCENT_LUNG,
        planted="swyer-james-macleod-syndrome",
        age_years=27,
        sex="male",
        history="Mild shortness of breath on exertion; frequent chest infections since childhood.",
        seed=22,
    ),
    "microlithiasis": DemoCase(
        lesion=Lesion.MICROLITHIASIS,
        planted="pulmonary-alveolar-microlithiasis",
        age_years=38,
        sex="male",
        history="Dry cough for some months; otherwise well. Chest film was called abnormal.",
        seed=33,
    ),
}


def demo_study(name: str, folder: Path, *, lesion_free: bool = False) -> Path:
    """Write the demo's DICOM series into a folder and return it; the same files each time."""
    demo = DEMO_CASES[name]
    write_phantom(
        folder,
        lesion=Lesion.NONE if lesion_free else demo.lesion,
        seed=demo.seed,
        patient=Patient(age_years=demo.age_years, sex=demo.sex),
    )
    return folder


def demo_case(name: str, folder: Path, settings: Settings, *, lesion_free: bool = False) -> Case:
    """The demo as a Case, read back from the DICOM files that were written."""
    study = demo_study(name, folder, lesion_free=lesion_free)
    return Case.load([study], history=DEMO_CASES[name].history, settings=settings)
