"""Labelled answers: what a source said of a term in a study, and what was true.

A CSV file with a header, or a JSON list of objects, with the columns of `Label`.
"""

from __future__ import annotations

import csv
import difflib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from knowledge.ranking.trust import TrustSource
from knowledge.vocabulary import Modality, Vocabulary
from tools.errors import UserError

_YES = frozenset({"1", "yes", "true", "present"})
_NO = frozenset({"0", "no", "false", "absent"})
_NEEDED = ("study", "term", "source", "truth")
_COLUMNS = (*_NEEDED, "modality", "said", "p_yes")
_WITHOUT_SERIES = frozenset({"report", "person"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Label:
    """One answer with its truth.

    Attributes:
        modality: CT, XR, MR, US or NM of the series; "" when unknown, and for report and person,
            whose findings come without a series.
        said: Whether the source called it present; from p_yes 0.5 on, as `ask` takes it.
        truth: Whether it is there.
    """

    study: str
    term: str
    source: str
    modality: str
    said: bool
    truth: bool


def read_labels(path: Path, vocabulary: Vocabulary) -> list[Label]:
    """Every label of a file, in its order.

    Raises:
        UserError: On a file that cannot be read or a row that does not fit; names the place (the
            line of a CSV file, the item of a JSON list), what came and what is accepted.
    """
    seen: dict[tuple[str, ...], str] = {}
    labels: list[Label] = []
    for place, row in _rows(path):
        label = _label(row, vocabulary, f"{path.name}, {place}")
        key = (label.study, label.term, label.source, label.modality)
        if key in seen:
            raise UserError(
                f"{path.name}, {place} labels the same study, term, source and modality as "
                f"{seen[key]}; keep one of them"
            )
        seen[key] = place
        labels.append(label)
    if not labels:
        raise UserError(f"{path.name} holds no label; give it rows of {', '.join(_COLUMNS)}")
    return labels


def _rows(path: Path) -> Iterator[tuple[str, Mapping[str, str]]]:
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            f"{str(path)!r} cannot be read ({type(error).__name__}); name a .csv or .json file "
            "in UTF-8"
        ) from error
    if path.suffix.lower() == ".csv":
        yield from _of_csv(text, path.name)
    elif path.suffix.lower() == ".json":
        yield from _of_json(text, path.name)
    else:
        raise UserError(f"{path.name!r} is neither .csv nor .json; save the labels as one of them")


def _of_csv(text: str, name: str) -> Iterator[tuple[str, Mapping[str, str]]]:
    reader = csv.DictReader(text.splitlines(), restkey="more")
    _check_columns(reader.fieldnames or (), f"{name}, line 1")
    for row in reader:
        place = f"line {reader.line_num}"
        if "more" in row:
            raise UserError(f"{name}, {place} has more fields than the header; quote commas")
        yield place, {key: (value or "").strip() for key, value in row.items()}


def _of_json(text: str, name: str) -> Iterator[tuple[str, Mapping[str, str]]]:
    try:
        items = json.loads(text)
    except json.JSONDecodeError as error:
        raise UserError(f"{name}, line {error.lineno} is no JSON: {error.msg}") from error
    if not isinstance(items, list):
        raise UserError(f"{name} holds a JSON {type(items).__name__}; give a list of objects")
    for number, item in enumerate(items, start=1):
        if not isinstance(item, dict):
            raise UserError(f"{name}, item {number} is no object; each label is one")
        row = {str(key): "" if value is None else str(value).strip() for key, value in item.items()}
        _check_columns(row, f"{name}, item {number}")
        yield f"item {number}", row


def _check_columns(found: Iterable[str], where: str) -> None:
    names = list(found)
    missing = [c for c in _NEEDED if c not in names]
    if missing or not {"said", "p_yes"} & set(names):
        lacks = ", ".join(missing) or "said or p_yes"
        raise UserError(
            f"{where} lacks {lacks}; the columns are {', '.join(_NEEDED)}, modality, and one of "
            "said and p_yes"
        )
    unknown = sorted(set(names) - set(_COLUMNS))
    if unknown:
        raise UserError(
            f"{where} has {', '.join(map(repr, unknown))}; the columns are {', '.join(_COLUMNS)}"
        )


def _label(row: Mapping[str, str], vocabulary: Vocabulary, where: str) -> Label:
    term, source, modality = row["term"], row["source"], row.get("modality", "")
    if not row["study"]:
        raise UserError(f"{where}: study is empty; give each study a name of its own")
    if term not in vocabulary:
        near = difflib.get_close_matches(term, vocabulary.terms, n=3)
        like = f"; near it are {', '.join(near)}" if near else ""
        raise UserError(f"{where}: {term!r} is no id of a finding term{like}")
    if source not in get_args(TrustSource):
        raise UserError(f"{where}: source {source!r}; takes {', '.join(get_args(TrustSource))}")
    if modality and modality not in get_args(Modality):
        raise UserError(
            f"{where}: modality {modality!r}; takes {', '.join(get_args(Modality))} or nothing"
        )
    if modality and source in _WITHOUT_SERIES:
        raise UserError(
            f"{where}: a finding of source {source!r} comes without a series; leave modality empty"
        )
    return Label(
        study=row["study"], term=term, source=source, modality=modality,
        said=_said(row, where), truth=_yes_or_no(row["truth"], "truth", where),
    )  # fmt: skip


def _said(row: Mapping[str, str], where: str) -> bool:
    said, p_yes = row.get("said", ""), row.get("p_yes", "")
    if bool(said) == bool(p_yes):
        raise UserError(f"{where}: give either said or p_yes, got {said!r} and {p_yes!r}")
    if said:
        return _yes_or_no(said, "said", where)
    try:
        share = float(p_yes)
    except ValueError as error:
        raise UserError(f"{where}: p_yes {p_yes!r} is no number; takes 0 to 1") from error
    if not 0 <= share <= 1:
        raise UserError(f"{where}: p_yes {p_yes!r}; takes 0 to 1")
    return share >= 0.5


def _yes_or_no(text: str, column: str, where: str) -> bool:
    folded = text.casefold()
    if folded not in _YES | _NO:
        raise UserError(
            f"{where}: {column} {text!r}; takes {', '.join(sorted(_YES))} or "
            f"{', '.join(sorted(_NO))}"
        )
    return folded in _YES
