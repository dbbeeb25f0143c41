"""The finding vocabulary: the one language of extraction, search, ledger and questions."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from knowledge.yaml_source import KnowledgeError, read_yaml

Modality = Literal["CT", "XR", "MR", "US", "NM"]
WindowName = Literal[
    "lung", "soft tissue", "mediastinum", "bone", "brain", "subdural", "stroke", "liver", "angio",
    "T1", "T2", "FLAIR", "DWI", "SWI", "STIR", "post-contrast", "radiograph", "fluoroscopy",
    "mammogram", "grey scale", "Doppler", "scintigraphy", "PET",
]  # fmt: skip

Region = Literal["head", "neck", "chest", "breast", "abdomen", "pelvis", "spine", "limb"]

SLUG = r"^[a-z0-9]+(-[a-z0-9]+)*$"


class Term(BaseModel):
    """One imaging finding, in the words of RadLex or the Fleischner Society where they have one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=SLUG)
    name: str = Field(min_length=3)
    synonyms: tuple[str, ...] = ()
    modality: tuple[Modality, ...] = Field(min_length=1)
    window: WindowName = Field(description="Where it is best seen.")
    region: tuple[Region, ...] = Field(
        default=(), description="Where in the body it is looked for; empty: anywhere."
    )
    parent: str | None = Field(default=None, description="The id of the broader term.")
    opposite: tuple[str, ...] = Field(default=(), description="Ids that cannot hold beside it.")
    question: str = Field(pattern=r"\?$", description="A closed question: yes or no.")
    background: float = Field(
        gt=0, lt=1, description="How often it is seen in a patient imaged for something else."
    )
    kind: Literal["finding", "distribution"] = "finding"
    reference: Literal["Fleischner", "RadLex", "common usage"] = "common usage"

    def is_seen_in(self, regions: Collection[str]) -> bool:
        """Whether a study of these regions can show it; one of unknown regions can."""
        return not regions or not self.region or not set(self.region).isdisjoint(regions)


class Vocabulary(BaseModel):
    """All terms, looked up by id; every parent and opposite exists."""

    model_config = ConfigDict(frozen=True)

    terms: Mapping[str, Term]

    @model_validator(mode="after")
    def _links_exist(self) -> Vocabulary:
        for term in self.terms.values():
            for link in (*((term.parent,) if term.parent else ()), *term.opposite):
                if link not in self.terms:
                    raise ValueError(f"term {term.id!r} points to {link!r}, which is no term")
        return self

    def __getitem__(self, term_id: str) -> Term:
        """The term of that id; KeyError when there is none."""
        return self.terms[term_id]

    def __contains__(self, term_id: object) -> bool:
        """Whether there is a term of that id."""
        return term_id in self.terms

    def for_window(
        self, window: str, modality: str, regions: Collection[str] = ()
    ) -> tuple[Term, ...]:
        """The terms that are best looked for in one window of one modality, in file order.

        Args:
            regions: Regions of the body that the study shows; empty when that is not known.
        """
        return tuple(
            t
            for t in self.terms.values()
            if t.window == window and modality in t.modality and t.is_seen_in(regions)
        )

    def ancestors(self, term_id: str) -> tuple[str, ...]:
        """The broader terms of a term, nearest first."""
        found: list[str] = []
        parent = self.terms[term_id].parent
        while parent is not None and parent not in found:
            found.append(parent)
            parent = self.terms[parent].parent
        return tuple(found)


def build_vocabulary(terms: Iterable[Term]) -> Vocabulary:
    """Index terms by id.

    Raises:
        KnowledgeError: On an id, name or synonym that two terms share.
    """
    by_id: dict[str, Term] = {}
    owners: dict[str, str] = {}
    for term in terms:
        if term.id in by_id:
            raise KnowledgeError(f"two terms have the id {term.id!r}: keep one")
        by_id[term.id] = term
        for word in {w.casefold() for w in (term.name, *term.synonyms)}:
            if owners.setdefault(word, term.id) != term.id:
                raise KnowledgeError(
                    f"{word!r} names both {owners[word]!r} and {term.id!r}: keep it on one term"
                )
    return Vocabulary(terms=by_id)


def read_vocabulary(folder: Traversable) -> Vocabulary:
    """The terms of a folder of YAML files.

    Raises:
        KnowledgeError: On a file that does not parse or fit, or on what two terms share.
    """
    sources = sorted(
        (p for p in folder.iterdir() if p.name.endswith(".yaml")), key=lambda p: p.name
    )
    terms: list[Term] = []
    for source in sources:
        terms.extend(read_yaml(source, list[Term]))
    return build_vocabulary(terms)


@cache
def load_vocabulary() -> Vocabulary:
    """The vocabulary that ships with the package (knowledge/terms/*.yaml)."""
    return read_vocabulary(files("knowledge") / "terms")
