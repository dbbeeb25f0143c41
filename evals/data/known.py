"""The data that the project's own figures are of, by hash: a run on other data says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """The hashes of a Dataset."""

    sha256: str
    truth_sha256: str


# The part of MedPix 2.0 that docs/evaluation.md reports on: its splits train and dev.
KNOWN: Mapping[str, Known] = {
    "medpix": Known(
        sha256="81b0713fae4e59407966d4725485627f1e4b6ce9eba88d5dfe870a58dc26c7ed",
        truth_sha256="58c05c3d42ffd22028f12e7a4caee363a5c2e9ada6edfa99159eecb63d30340e",
    )
}
