"""Ranking by evidence: from findings, history and demographics to a posterior over the entries.

Odds form of Bayes' rule, shown finding by finding as LIRICAL does (Robinson et al., AJHG 2020).
The likelihood ratio of a reported finding is

    P(reported | disease) / P(reported | any other disease)

with P(reported) = sensitivity * p + (1 - specificity) * (1 - p); p is the entry's frequency, or the
term's background rate, and sensitivity and specificity are those of the source. A term that an
entry does not list is neutral: p is the background rate. Terms of one family (a term and its
broader ones) tell the same thing twice, so only the strongest counts in full.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from knowledge.entry import Entry
from knowledge.normalise import Prose
from knowledge.vocabulary import Vocabulary

# Fixed constants, never counted from cases: how often a case that is brought to a differential
# turns out to be one entry of the class. The gap is far narrower than between the prevalences
# (1 : 100 : 10,000), because the common and typical is seldom brought.
PRIORS: Mapping[str, float] = {"rare": 1.0, "uncommon": 2.5, "common": 5.0}
# A disease that has no entry: its share before any finding, and how often it shows a finding that
# is seen: three times the background rate, since something is wrong with the patient.
OTHER_PRIOR = 0.25
OTHER_RATIO = 3.0
# Sensitivity and specificity by source. Vision: MedGemma 1.5 4B is right in 61 % of balanced CT
# questions (model card); the others are this project's estimates.
TRUST: Mapping[str, tuple[float, float]] = {
    "measurement": (0.95, 0.97),
    "report": (0.93, 0.98),
    "person": (0.90, 0.97),
    "vision": (0.61, 0.61),
}
_FAMILY_WEIGHT = 0.35  # what a second term of the same family still adds
_DISTRIBUTION_WEIGHT = 0.5  # where a finding lies qualifies it and says less than what it is
_CLINICAL_HIT = 0.30  # P(a history names one of the entry's clinical terms | disease)
_CLINICAL_FLOOR = 0.04  # P(the same words | any other disease), at the least
_CLINICAL_CAP = 4.0  # ln: history alone never outweighs this
_AGE_DECAY_YEARS = 12.0
_AGE_FLOOR = 0.15
_SEX_FLOOR = 0.04


@dataclass(frozen=True, kw_only=True, slots=True)
class Observation:
    """A finding as the ranking takes it: which term, present or not, how sure, from where.

    `modality` is CT, XR, MR, US or NM when it is known: then only what the entries expect in that
    modality counts. A lucent hemithorax on a radiograph may be free air; on CT it is the lung.
    """

    id: str
    term: str
    present: bool
    certainty: float
    source: str
    modality: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Contribution:
    """What one finding (or "age", "sex", "history: ...") adds to a disease; ln likelihood ratio."""

    source: str
    log_ratio: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Ranked:
    """One disease with its posterior and all that spoke for or against it."""

    disease_id: str
    probability: float
    contributions: tuple[Contribution, ...]
    not_seen: tuple[str, ...] = field(default=())


@dataclass(frozen=True, kw_only=True, slots=True)
class Ranking:
    """All entries in descending probability; with other_probability they sum to one."""

    ranked: tuple[Ranked, ...]
    other_probability: float


def rank(
    entries: Mapping[str, Entry],
    vocabulary: Vocabulary,
    observations: Sequence[Observation],
    *,
    history: str = "",
    age_years: float | None = None,
    sex: str | None = None,
) -> Ranking:
    """Order every entry by its posterior.

    Args:
        observations: Findings; one term once (the caller merges sources).
        history: Free text, searched for the entries' clinical terms.
        age_years: In years, None when unknown.
        sex: "female", "male" or None.
    """
    shares = _clinical_shares(entries)
    prose = Prose(history)
    weights = _family_weights(vocabulary, observations)
    scored = []
    for entry in entries.values():
        parts = [
            *_demographic(entry, age_years, sex),
            *_clinical(entry, prose, shares),
            *(_finding(entry, vocabulary, o, weights[o.id]) for o in observations),
        ]
        score = math.log(PRIORS[entry.rarity]) + sum(p.log_ratio for p in parts)
        scored.append((score, entry, tuple(p for p in parts if abs(p.log_ratio) > 0.05)))
    total_prior = sum(PRIORS[e.rarity] for e in entries.values())
    other = math.log(max(total_prior, 1.0) * OTHER_PRIOR / (1 - OTHER_PRIOR)) + sum(
        _other(vocabulary, o, weights[o.id]) for o in observations
    )
    top = max([other, *(score for score, _, _ in scored)])
    mass = math.exp(other - top) + sum(math.exp(score - top) for score, _, _ in scored)
    looked_for = {o.term for o in observations}
    ranked = [
        Ranked(
            disease_id=entry.id,
            probability=math.exp(score - top) / mass,
            contributions=parts,
            not_seen=tuple(
                dict.fromkeys(
                    f.term
                    for f in entry.findings
                    if f.frequency >= 0.5 and f.term not in looked_for
                )
            ),
        )
        for score, entry, parts in scored
    ]
    ranked.sort(key=lambda r: (-r.probability, r.disease_id))
    return Ranking(ranked=tuple(ranked), other_probability=math.exp(other - top) / mass)


def _reported(p: float, source: str, *, present: bool) -> float:
    sensitivity, specificity = TRUST[source]
    seen = sensitivity * p + (1 - specificity) * (1 - p)
    return seen if present else 1 - seen


def _finding(
    entry: Entry, vocabulary: Vocabulary, observed: Observation, weight: float
) -> Contribution:
    frequency = expected_frequency(entry, vocabulary, observed.term, observed.modality)
    if frequency is None:
        return Contribution(source=observed.id, log_ratio=0.0)
    background = vocabulary[observed.term].background
    ratio = _reported(frequency, observed.source, present=observed.present) / _reported(
        background, observed.source, present=observed.present
    )
    return Contribution(source=observed.id, log_ratio=weight * observed.certainty * math.log(ratio))


def expected_frequency(
    entry: Entry, vocabulary: Vocabulary, term: str, modality: str = ""
) -> float | None:
    """How often the disease shows the term; a narrower listed term implies the broader one.

    None when the entry says nothing of it (in that modality, when one is given).
    """
    expected = [f for f in entry.findings if not modality or f.modality == modality]
    listed = [f.frequency for f in expected if f.term == term]
    if listed:
        return max(listed)
    implied = [
        f.frequency for f in expected if f.frequency >= 0.1 and term in vocabulary.ancestors(f.term)
    ]
    return max(implied) if implied else None


def _other(vocabulary: Vocabulary, observed: Observation, weight: float) -> float:
    if not observed.present:
        return 0.0
    background = vocabulary[observed.term].background
    frequency = min(0.5, OTHER_RATIO * background)
    ratio = _reported(max(frequency, background), observed.source, present=True) / _reported(
        background, observed.source, present=True
    )
    return weight * observed.certainty * math.log(ratio)


def _family_weights(
    vocabulary: Vocabulary, observations: Sequence[Observation]
) -> dict[str, float]:
    """1 for the rarest observed term of a family, _FAMILY_WEIGHT for its kin."""
    weights: dict[str, float] = {}
    for observed in observations:
        family = set(vocabulary.ancestors(observed.term))
        kin = [
            o
            for o in observations
            if o is not observed
            and o.present == observed.present
            and (o.term in family or observed.term in vocabulary.ancestors(o.term))
        ]
        mine = (vocabulary[observed.term].background, observed.id)
        others = [(vocabulary[o.term].background, o.id) for o in kin]
        if not observed.present:  # of absent terms the broadest says most
            leads = all(mine >= other for other in others)
        else:
            leads = all(mine <= other for other in others)
        weight = 1.0 if leads else _FAMILY_WEIGHT
        if vocabulary[observed.term].kind == "distribution":
            weight *= _DISTRIBUTION_WEIGHT
        weights[observed.id] = weight
    return weights


def _demographic(entry: Entry, age_years: float | None, sex: str | None) -> Iterable[Contribution]:
    who = entry.demographics
    if age_years is not None:
        low, high = who.age_years
        beyond = max(low - age_years, age_years - high, 0.0)
        fit = max(_AGE_FLOOR, math.exp(-beyond / _AGE_DECAY_YEARS))
        width = max(high - low, 10.0)
        narrow = math.log(min(2.5, max(1.0, 80.0 / width))) if beyond == 0 else 0.0
        yield Contribution(source="age", log_ratio=math.log(fit) + 0.5 * narrow)
    if sex is not None:
        share = who.female_share if sex == "female" else 1 - who.female_share
        yield Contribution(source="sex", log_ratio=math.log(2 * max(_SEX_FLOOR, share)))


def _clinical_shares(entries: Mapping[str, Entry]) -> dict[str, float]:
    counts: dict[str, int] = {}
    for entry in entries.values():
        for words in set(_clinical_words(entry)):
            counts[words] = counts.get(words, 0) + 1
    return {words: count / len(entries) for words, count in counts.items()}


def _clinical_words(entry: Entry) -> tuple[str, ...]:
    words = (*entry.clinical_terms, *entry.demographics.risk_factors, *entry.demographics.genes)
    return tuple(dict.fromkeys(w.casefold() for w in words))


def _clinical(entry: Entry, prose: Prose, shares: Mapping[str, float]) -> Iterable[Contribution]:
    spent = 0.0
    for words in _clinical_words(entry):
        if prose.states(words) is not True:
            continue
        ratio = math.log(max(1.0, _CLINICAL_HIT / (_CLINICAL_FLOOR + 0.5 * shares[words])))
        ratio = min(ratio, _CLINICAL_CAP - spent)
        if ratio > 0:
            spent += ratio
            yield Contribution(source=f"history: {words}", log_ratio=ratio)
