"""Names and kinds from an ontology's own file, as the person downloaded it.

Each file is known for itself: what one calls a synonym is not carried over into another.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from evals.matching.known import Disease, Known, know
from knowledge.importers.log import ImportLog
from knowledge.importers.mondo import read_mondo
from knowledge.importers.obo import read_stanzas, split_qualifiers
from knowledge.importers.orphanet import read_orphanet
from knowledge.importers.table import read_table
from knowledge.search.imported import ImportedDisease
from knowledge.yaml_source import KnowledgeError
from tools.errors import UserError


def read_ontology(path: Path) -> Known:
    """The diseases of one file.

    Args:
        path: OBO of Mondo or of the Disease Ontology, with their is_a; Orphanet's spreadsheet
            (.xlsx) or ORPHApackets (a folder, .zip or .json); or a table (.csv, .tsv) with the
            columns name and synonyms. The last three say nothing of what is a kind of what.

    Raises:
        UserError: If it is none of these.
    """
    if not path.exists():
        raise UserError(f"--ontology {path} does not exist; give a downloaded file")
    try:
        return know(_diseases(path), by_parts=False)
    except KnowledgeError as error:
        raise UserError(f"--ontology {path.name}: {error}") from error


def _diseases(path: Path) -> Iterator[Disease]:
    suffix = path.suffix.lower()
    log = ImportLog()
    found: Iterable[ImportedDisease]
    parents: Mapping[str, frozenset[str]] = {}
    if suffix == ".obo":
        found, parents = read_mondo(path, log), _parents(path)
    elif suffix in (".csv", ".tsv", ".txt"):
        found = read_table(path, log)
    else:
        found = read_orphanet(path, log)
    for at, disease in enumerate(found):
        # Two rows of a table may bear one name, and so one id, without being one disease.
        of = f"{disease.id} {at}" if suffix in (".csv", ".tsv", ".txt") else disease.id
        yield Disease(
            id=of,
            names=(disease.name, *disease.synonyms),
            parents=parents.get(disease.id, frozenset()),
        )


def _parents(path: Path) -> Mapping[str, frozenset[str]]:
    """The direct parents (is_a) of each term, under the ids of the importer."""
    found: dict[str, frozenset[str]] = {}
    for stanza in read_stanzas(path):
        if stanza.kind == "Term":
            above = (split_qualifiers(value)[0] for value in stanza.tags.get("is_a", ()))
            found[_id(stanza.first("id"))] = frozenset(map(_id, above))
    return found


def _id(code: str) -> str:
    return code.replace(":", "-").lower()
