"""One disease of the knowledge base: what it looks like, in whom, and what it is mistaken for."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from knowledge.vocabulary import SLUG, Modality, WindowName
from knowledge.yaml_source import KnowledgeError, read_yaml

# HPO's frequency words and the number each stands for here: the middle of HPO's own band.
FREQUENCY_WORDS: Mapping[str, float] = {
    "obligate": 0.99,
    "very frequent": 0.90,
    "frequent": 0.55,
    "occasional": 0.17,
    "very rare": 0.03,
    "excluded": 0.005,
}


def _frequency(value: object) -> object:
    if isinstance(value, str):
        if value not in FREQUENCY_WORDS:
            raise ValueError(f"{value!r} is none of {', '.join(FREQUENCY_WORDS)} and no number")
        return FREQUENCY_WORDS[value]
    return value


Frequency = Annotated[float, BeforeValidator(_frequency), Field(gt=0, lt=1)]


System = Literal[
    "thorax", "cardiovascular", "neuro", "head and neck", "abdomen", "genitourinary",
    "musculoskeletal", "spine", "breast",
]  # fmt: skip


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Codes(_Part):
    """What the disease is called elsewhere; empty where no exact code is known."""

    orpha: str | None = Field(default=None, pattern=r"^ORPHA:\d+$")
    mondo: str | None = Field(default=None, pattern=r"^MONDO:\d{7}$")
    omim: tuple[Annotated[str, Field(pattern=r"^OMIM:\d{6}$")], ...] = ()
    icd11: str | None = None


class Demographics(_Part):
    """In whom it is seen. Ages in years; the typical range, not the possible one."""

    age_years: tuple[float, float] = Field(description="Typical youngest and oldest.")
    female_share: float = Field(ge=0, le=1, description="Share of patients who are female.")
    risk_factors: tuple[str, ...] = ()
    genes: tuple[str, ...] = ()


class ExpectedFinding(_Part):
    """A finding that the disease shows, how often, where and in which window."""

    term: str = Field(pattern=SLUG)
    modality: Modality
    window: WindowName
    place: str = ""
    distribution: str = ""
    frequency: Frequency
    specificity: Literal["low", "moderate", "high"] = "moderate"


class Mimic(_Part):
    """Another entry that looks like it, and how to tell the two apart."""

    id: str = Field(pattern=SLUG)
    difference: str = Field(min_length=20)


class Provenance(_Part):
    """Who wrote the entry, from what, and whether a radiologist has read it."""

    author: str
    basis: str
    review: Literal["not reviewed by a radiologist", "reviewed by a radiologist"]


class Entry(_Part):
    """A disease, normal variant, injury or state that a differential may name."""

    id: str = Field(pattern=SLUG)
    name: str
    synonyms: tuple[str, ...] = Field(default=(), description="Exact synonyms only.")
    ambiguous: tuple[str, ...] = Field(
        default=(), description="Names that other entries bear too; each of them says so."
    )
    narrower: tuple[str, ...] = Field(
        default=(),
        description="Names of kinds, causes or sites that this entry covers: found, never exact.",
    )
    codes: Codes = Codes()
    rarity: Literal["rare", "uncommon", "common"]
    system: System
    sites: tuple[str, ...]
    demographics: Demographics
    presentation: str = Field(min_length=40)
    clinical_terms: tuple[str, ...] = Field(
        default=(), description="Plain words of history and laboratory that point to it."
    )
    findings: tuple[ExpectedFinding, ...] = Field(min_length=3)
    mimics: tuple[Mimic, ...] = ()
    cant_miss: bool = False
    settles: str = Field(min_length=20, description="The view, test or sequence that settles it.")
    course: str = Field(min_length=20)
    imaging: str = Field(min_length=80, description="What it looks like, in prose.")
    summary: str = Field(min_length=60, description="Two sentences.")
    provenance: Provenance


def entry_files(corpus: Traversable) -> list[Traversable]:
    """The files of a corpus, a folder a system, in a stable order."""
    found = [
        entry
        for system in corpus.iterdir()
        if system.is_dir()
        for entry in system.iterdir()
        if entry.name.endswith(".yaml")
    ]
    return sorted(found, key=lambda entry: entry.name)


def read_entries(corpus: Traversable) -> Mapping[str, Entry]:
    """Every entry of a corpus by id.

    Raises:
        KnowledgeError: On a file that does not parse or fit, or whose name is not its id.
    """
    return {entry.id: entry for entry in map(read_entry, entry_files(corpus))}


def read_entry(source: Path | Traversable) -> Entry:
    """One entry.

    Raises:
        KnowledgeError: On a file that does not parse or fit, or whose name is not its id.
    """
    entry = read_yaml(source, Entry)
    if source.name != f"{entry.id}.yaml":
        raise KnowledgeError(f"{source.name}: holds the id {entry.id!r}; name the file after it")
    return entry


@cache
def load_entries() -> Mapping[str, Entry]:
    """The entries that ship with the package, by id; see read_entries."""
    return read_entries(files("knowledge") / "corpus")
