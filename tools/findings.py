"""Finding: one thing seen, measured or told, with where it comes from."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from knowledge.reading.sides import Side

Source = Literal["vision", "measurement", "person", "report"]


class Sighting(BaseModel):
    """One time that a finding was seen: a window of a series, by one backend.

    Attributes:
        present: What this sighting said; one that says the opposite is no part of the finding.
        certainty: 0..1, of this sighting alone.
        slices: 1-based.
        cached: The backend's answer came from the reply cache.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    series: str
    window: str
    slices: tuple[int, ...] = ()
    present: bool
    certainty: float = Field(ge=0, le=1)
    backend: str
    cached: bool = False


class Finding(BaseModel):
    """A vocabulary term that is present or absent.

    Attributes:
        id: F1, F2 ...; empty until the case takes the finding in.
        term: Id of a term of the finding vocabulary.
        certainty: 0..1, how sure the source is of `present`.
        source: vision (a model looked), measurement (computed from HU), report (the text of the
            findings that came with the case), person (the history or a chat message).
        backend: What produced it: a model and revision, a measurement and its version, or "text".
        series, slices: Where it was seen: the series id and 1-based slice numbers.
        value: What was measured, with its unit, or the words it was read from.
        sightings: Every window and slab that a merged finding was seen in; empty when there was
            only one, which the finding's own fields describe.
        box_px: On a radiograph: (left, top, right, bottom) in pixels of the image as loaded.
        refuted: Why a measurement says that it cannot be so; it stays in the record, is shown with
            that reason and weighs nothing.
        retracted: The person said that it is wrong; it stays in the record and weighs nothing.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = ""
    term: str
    name: str
    present: bool
    certainty: float = Field(ge=0, le=1)
    source: Source
    backend: str
    series: str = ""
    slices: tuple[int, ...] = ()
    window: str = ""
    place: str = ""
    side: Side = ""
    value: str = ""
    sightings: tuple[Sighting, ...] = ()
    box_px: tuple[int, int, int, int] | None = None
    refuted: str = ""
    retracted: bool = False
