"""Telemetry of the libraries we load, off unless the person has turned it on."""

from __future__ import annotations

import os

_OFF = {"HF_HUB_DISABLE_TELEMETRY": "1", "ANONYMIZED_TELEMETRY": "False"}


def no_telemetry() -> None:
    """Call before a Hugging Face library or Chroma is imported; what the person has set stands."""
    for name, value in _OFF.items():
        os.environ.setdefault(name, value)
