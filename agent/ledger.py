"""The ledger: every finding against every candidate, and what is left for "other"."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

from knowledge.ranking.evidence import Ranked, Ranking
from knowledge.vocabulary import Vocabulary
from tools.findings import Finding
from tools.weigh import contradictions, side_conflicts

_SPEAKS = 0.05  # ln likelihood ratio under which a finding is neutral


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One candidate: finding ids with their ln likelihood ratios, strongest first.

    Attributes:
        neutral: Standing findings that the entry does not list, or that say nothing either way.
        background: What else counted: words, history, age, sex, rarity, the kind of study.
        not_looked_for: Names of findings that it mostly shows and nobody has looked for.
    """

    disease_id: str
    probability: float
    speaks_for: Mapping[str, float]
    speaks_against: Mapping[str, float]
    neutral: tuple[str, ...] = ()
    background: Mapping[str, float]
    not_looked_for: tuple[str, ...]


class Lines(Mapping[str, Line]):
    """Lines by disease id, best first; each is made when it is looked at."""

    def __init__(
        self, ranking: Ranking, finding_ids: Sequence[str], vocabulary: Vocabulary
    ) -> None:
        self._ranking = ranking
        self._finding_ids = tuple(finding_ids)
        self._known = frozenset(finding_ids)
        self._vocabulary = vocabulary

    def __getitem__(self, disease_id: str) -> Line:
        """The line of that id; KeyError when there is none."""
        ranked = self._ranking.ranked.of(disease_id)
        if ranked is None:
            raise KeyError(disease_id)
        return self._line(ranked)

    def __iter__(self) -> Iterator[str]:
        return iter(self._ranking.ranked.ids)

    def __len__(self) -> int:
        return len(self._ranking.ranked)

    def _line(self, ranked: Ranked) -> Line:
        weights = sorted(
            ((c.source, c.log_ratio) for c in ranked.contributions), key=lambda part: -abs(part[1])
        )
        spoke = {s: w for s, w in weights if s in self._known and abs(w) > _SPEAKS}
        return Line(
            disease_id=ranked.disease_id,
            probability=ranked.probability,
            speaks_for={s: w for s, w in spoke.items() if w > 0},
            speaks_against={s: w for s, w in spoke.items() if w < 0},
            neutral=tuple(i for i in self._finding_ids if i not in spoke),
            background={s: w for s, w in weights if s not in self._known},
            not_looked_for=tuple(self._vocabulary[t].name for t in ranked.not_seen),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Ledger:
    """The weighed case.

    Attributes:
        lines: By disease id, best first.
        contradictions: Pairs of finding ids that cannot both hold.
        side_conflicts: Pairs of finding ids of one thing, on the left by one source and on the
            right by the other.
    """

    lines: Mapping[str, Line]
    other_probability: float
    contradictions: tuple[tuple[str, str], ...] = ()
    side_conflicts: tuple[tuple[str, str], ...] = ()

    def likely(self, least: float) -> list[Line]:
        """The lines of at least this probability, best first."""
        return list(takewhile(lambda line: line.probability >= least, self.lines.values()))


def ledger_of(ranking: Ranking, findings: Sequence[Finding], vocabulary: Vocabulary) -> Ledger:
    """The ledger over a ranking of these findings; retracted and refuted ones weigh nothing."""
    standing = [f.id for f in findings if not f.retracted and not f.refuted]
    return replace(
        without_ranking(findings, vocabulary),
        lines=Lines(ranking, standing, vocabulary),
        other_probability=ranking.other_probability,
    )


def without_ranking(findings: Sequence[Finding], vocabulary: Vocabulary) -> Ledger:
    """The ledger of a case whose findings nothing weighs: only what they say of each other."""
    return Ledger(
        lines={},
        other_probability=0.0,
        contradictions=tuple((a.id, b.id) for a, b in contradictions(findings, vocabulary)),
        side_conflicts=tuple((a.id, b.id) for a, b in side_conflicts(findings)),
    )
