"""Details as a page carries them: compressed, opened by its script when they are wanted."""

from __future__ import annotations

import base64
import gzip
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from evals.reporting.detail import Detail


class Side(BaseModel):
    """One run's part of an opened case; the title is "" where there is one run."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str = ""
    detail: Detail


class Opened(BaseModel):
    """What the page's script draws when a case is opened."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sides: tuple[Side, ...]


class Index(BaseModel):
    """Text that the search box looks in, one for each case, in the order of the page."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    words: tuple[str, ...]


def pack_case(sides: Sequence[Side]) -> str:
    """A case for its data block."""
    return pack(Opened(sides=tuple(sides)))


def pack(model: BaseModel) -> str:
    """JSON, gzip, base64."""
    text = model.model_dump_json()
    return base64.b64encode(gzip.compress(text.encode(), compresslevel=6, mtime=0)).decode()
