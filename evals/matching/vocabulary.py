"""What words mean inside a disease's name: general knowledge of names, in three YAML files.

It is textbook knowledge of anatomy, pathology and abbreviations, part of the matcher under every
scoring. It is made from neither the knowledge base nor the data set, so it is nobody's answer key.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import yaml
from pydantic import BaseModel, ConfigDict, TypeAdapter

from evals.matching.names import words

Tokens = tuple[str, ...]
_PREFIXES = frozenset(
    {"non", "pseudo", "anti", "post", "pre", "intra", "extra", "sub", "supra", "infra", "peri",
     "para", "retro", "endo", "trans", "hemi", "poly", "multi", "micro", "macro", "neuro", "hyper",
     "hypo", "un", "inter"}
)  # fmt: skip
_CELLS = frozenset({"cell"})
SIDES = frozenset({"left", "right", "bilateral"})


class _Words(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    short: Mapping[str, tuple[str, ...]]
    words: Mapping[str, tuple[str, ...]]
    tears: Mapping[str, tuple[str, ...]]
    empty: tuple[str, ...]
    sites: Mapping[str, tuple[str, ...]]
    within: Mapping[str, str]
    paired: tuple[str, ...]
    whole: tuple[str, ...]


class _Qualifiers(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    degree: tuple[str, ...]
    timing: tuple[str, ...]
    timed: tuple[str, ...]
    opposed: tuple[tuple[str, ...], ...]
    types: tuple[str, ...]
    entities: tuple[str, ...]


class Phrases:
    """Phrases and what each becomes; the longest that fits is taken, from left to right."""

    def __init__(self, pairs: Iterable[tuple[Tokens, Tokens]]) -> None:
        found: dict[str, dict[Tokens, Tokens]] = {}
        for phrase, to in pairs:
            if phrase:
                found.setdefault(phrase[0], {}).setdefault(phrase, to)
        self._by_first = {
            first: sorted(phrases.items(), key=lambda item: -len(item[0]))
            for first, phrases in found.items()
        }

    def put(self, tokens: Tokens) -> Tokens:
        """The tokens with every phrase replaced."""
        result: list[str] = []
        at = 0
        while at < len(tokens):
            for phrase, to in self._by_first.get(tokens[at], ()):
                if tokens[at : at + len(phrase)] == phrase:
                    result.extend(to)
                    at += len(phrase)
                    break
            else:
                result.append(tokens[at])
                at += 1
        return tuple(result)


def joined(tokens: Sequence[str]) -> Tokens:
    """Prefixes joined to what they stand before, and "X cell" as one word: "small cell"."""
    result: list[str] = []
    prefix = ""
    for token in tokens:
        if token in _PREFIXES:
            prefix += token
        elif token in _CELLS and result and not prefix:
            result[-1] += f"_{token}"
        else:
            result.append(prefix + token)
            prefix = ""
    return (*result, *([prefix] if prefix else ()))


@dataclass(frozen=True, kw_only=True, slots=True)
class Vocabulary:
    """The words of names, ready to be looked up.

    Attributes:
        first, second, third: The steps in which a name's words become tokens: abbreviations and
            equal words, sites, fixed terms and the diseases that have several names.
        whole: Abbreviations that count only as a whole name, and what each becomes.
        sites, paired, types, degree, timing, timed, empty: Tokens of each kind.
        within: Site to the sites that it lies in.
        opposed: Kinds that cannot be together.
        ligaments, tears: Of what a rupture is a tear, and the words for it.
        spelled: A disease of several names to the words of the first.
        lexicon: Every word that the files hold.
    """

    first: Phrases
    second: Phrases
    third: Phrases
    whole: Mapping[Tokens, Tokens]
    sites: frozenset[str]
    paired: frozenset[str]
    types: frozenset[str]
    degree: frozenset[str]
    timing: frozenset[str]
    timed: frozenset[str]
    empty: frozenset[str]
    within: Mapping[str, frozenset[str]]
    opposed: tuple[frozenset[str], ...]
    ligaments: frozenset[str]
    tears: frozenset[str]
    spelled: Mapping[str, Tokens]
    lexicon: frozenset[str]

    @property
    def qualifiers(self) -> frozenset[str]:
        """Every token that names no disease by itself."""
        return self.sites | self.types | self.degree | self.timing | SIDES

    def tokens(self, name: str) -> Tokens:
        """A name's tokens; abbreviations and synonyms are one token or the same tokens."""
        said = joined(words(name))
        if said in self.whole:
            return self.whole[said]
        split = self.second.put(self.first.put(said))
        whole = self.third.put(split)
        sides = [token for token in whole if token in SIDES]
        if len(sides) == 1:
            # "torsion of the right spermatic cord": the side stands within a fixed term.
            rest = self.third.put(tuple(token for token in split if token not in SIDES))
            if len(rest) < len(whole) - 1:
                return (*sides, *rest)
        return whole

    def spelled_out(self, tokens: Tokens) -> Tokens:
        """The tokens with each disease of several names as the words of its first name."""
        return tuple(word for token in tokens for word in self.spelled.get(token, (token,)))


def disease_names() -> tuple[tuple[str, ...], ...]:
    """Names of one disease together, as diseases.yaml lists them."""
    return TypeAdapter(tuple[tuple[str, ...], ...]).validate_python(_read("diseases.yaml"))


def tables() -> tuple[Mapping[str, tuple[str, ...]], ...]:
    """Abbreviations, equal words and sites, as words.yaml lists them."""
    said = _Words.model_validate(_read("words.yaml"))
    return said.short, said.words, said.sites


@cache
def load_vocabulary() -> Vocabulary:
    """The vocabulary that comes with the matcher."""
    said = _Words.model_validate(_read("words.yaml"))
    kinds = _Qualifiers.model_validate(_read("qualifiers.yaml"))
    whole = frozenset(joined(words(name)) for name in said.whole)

    first = Phrases(_variants((said.short, said.words)))

    def sites_of(name: str) -> Tokens:
        return first.put(joined(words(name)))

    second = Phrases(
        (phrase, (_token(site),))
        for name, variants in said.sites.items()
        for site in [sites_of(name)]
        for phrase in (site, *map(sites_of, variants))
    )

    def put(name: str) -> Tokens:
        return second.put(sites_of(name))

    groups = [[(put(name), joined(words(name))) for name in names] for names in disease_names()]
    known = [(phrase, group[0][0]) for group in groups for phrase, _ in group]
    fixed = [(put(name), put(name)) for name in (*kinds.entities, *kinds.types)]
    third = Phrases(
        (phrase, (_token(of),))
        for phrase, of in (*known, *fixed)
        if (len(phrase) > 1 or phrase != of) and phrase not in whole
    )

    kept = Phrases(
        (phrase, (_token(phrase),))
        for phrase, _ in fixed
        if len(phrase) > 1 and phrase not in dict(known)
    )

    def one(name: str) -> str:
        return _token(third.put(put(name)))

    return Vocabulary(
        first=first,
        second=second,
        third=third,
        whole={
            said_as: (_token(group[0][0]),)
            for group in groups
            for _, said_as in group
            if said_as in whole
        },
        sites=frozenset(map(one, said.sites)),
        paired=frozenset(map(one, said.paired)),
        types=frozenset(map(one, kinds.types)),
        degree=frozenset(map(one, kinds.degree)),
        timing=frozenset(map(one, kinds.timing)),
        timed=frozenset(map(one, kinds.timed)),
        empty=frozenset(said.empty),
        within=_closed({one(site): one(around) for site, around in said.within.items()}),
        opposed=tuple(frozenset(map(one, together)) for together in kinds.opposed),
        ligaments=frozenset(said.tears["of"]),
        tears=frozenset(said.tears["as"]),
        spelled={
            _token(group[0][0]): kept.put(group[0][0])
            for group in groups
            if group[0][0] not in dict(fixed)
        },
        lexicon=frozenset(
            word
            for name in (
                *(name for names in disease_names() for name in names),
                *(name for table in (said.short, said.words, said.sites) for name in table),
                *(v for t in (said.short, said.words, said.sites) for vs in t.values() for v in vs),
                *kinds.entities,
                *kinds.types,
                *kinds.degree,
                *kinds.timing,
                *said.empty,
            )
            for word in words(name)
        ),
    )


def _read(name: str) -> object:
    return yaml.safe_load((files("evals.matching") / name).read_text("utf-8"))


def _variants(tables: Sequence[Mapping[str, tuple[str, ...]]]) -> Iterator[tuple[Tokens, Tokens]]:
    for table in tables:
        for name, variants in table.items():
            for variant in (name, *variants):
                yield joined(words(variant)), joined(words(name))


def _token(tokens: Tokens) -> str:
    return "_".join(tokens)


def _closed(around: Mapping[str, str]) -> Mapping[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for site in around:
        above: list[str] = []
        each = site
        while each in around:
            each = around[each]
            above.append(each)
        found[site] = frozenset(above)
    return found
