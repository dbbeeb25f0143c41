"""The vocabulary as far as it can be read: all its faults at once, and entries checked anyway."""

from __future__ import annotations

from pathlib import Path

from knowledge.checks.problem import Problem
from knowledge.vocabulary import Term, Vocabulary
from knowledge.yaml_source import KnowledgeError, read_yaml


def read_terms(folder: Path) -> tuple[Vocabulary, list[Problem]]:
    """The terms of a folder, and what is wrong with them; of two with one id the first is kept."""
    problems: list[Problem] = []
    terms: dict[str, Term] = {}
    files: dict[str, Path] = {}
    owners: dict[str, str] = {}

    def fault(path: Path, key: str, text: str) -> None:
        problems.append(Problem(level="fault", files=(path,), key=key, text=text))

    for path in sorted(folder.glob("*.yaml")):
        try:
            read = read_yaml(path, list[Term])
        except KnowledgeError as error:
            fault(path, "", f"cannot be read, so its terms are unknown below ({error})")
            continue
        for term in read:
            if term.id in terms:
                fault(path, term.id, f"is an id of {files[term.id].name} too: keep one of the two")
                continue
            terms[term.id], files[term.id] = term, path
            for word in {w.casefold() for w in (term.name, *term.synonyms)}:
                if owners.setdefault(word, term.id) != term.id:
                    fault(path, term.id, f"{word!r} names {owners[word]!r} too: keep it on one")
    for term in list(terms.values()):
        links = (*((term.parent,) if term.parent else ()), *term.opposite)
        if unknown := [link for link in links if link not in terms]:
            fault(files[term.id], term.id, f"points to {unknown[0]!r}, which is no term")
            terms[term.id] = term.model_copy(update={"parent": None, "opposite": ()})
    return Vocabulary(terms=terms), problems
