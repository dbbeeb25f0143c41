"""A MedPix-shaped set as large as wanted: the invented cases again and again, told apart."""

from __future__ import annotations

from dataclasses import replace
from itertools import cycle, islice
from pathlib import Path

from tests.evals.medpix_shaped import INVENTED, write_medpix_shaped


def write_many(folder: Path, count: int) -> Path:
    """Write so many scoreable cases; returns the folder."""
    scoreable = [case for case in INVENTED if not case.why_not]
    return write_medpix_shaped(
        folder,
        [
            replace(case, id=f"SYN{number:04}", history=f"{case.history} Visit {number}.")
            for number, case in enumerate(islice(cycle(scoreable), count), start=1)
        ],
    )
