"""Fusion of rankings by weighted reciprocal rank (Cormack, Clarke and Büttcher, SIGIR 2009).

A place is that of the disease, not of the passage: three passages of one disease at the head of a
ranking do not push the next disease down to fourth.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from knowledge.index.passages import Chunk, Passage
from knowledge.search.hits import Hit

# What each ranking counts; "kin" is how much of what speaks for a disease's other passages also
# speaks for a passage.
FUSION: Mapping[str, float] = {
    "dense": 1.0, "words": 0.25, "entry": 2.0, "name": 2.0, "finding": 1.0, "kin": 0.8,
}  # fmt: skip
# The mimics facet describes other diseases as well, so finding it says less about its own.
FACET_WEIGHT: Mapping[str, float] = {"imaging": 1.0, "clinical": 0.8, "mimics": 0.4}
RRF = 20  # 60 in the paper; a single entry is wanted here, at the head of the list


def fuse(
    made: Sequence[Chunk],
    rankings: Mapping[str, Sequence[Hit]],
    *,
    limit: int,
    per_disease: int,
) -> list[Passage]:
    """The best passages over all rankings, best first.

    Args:
        made: All chunks; a hit's row is a place in it.
        rankings: Hits, best first, by a name of FUSION.
        per_disease: At most so many passages of one disease.
    """
    own: dict[int, float] = {}
    best: dict[str, dict[str, float]] = {}
    why: dict[int, list[str]] = {}
    exact: dict[str, list[str]] = {}  # by disease: names and findings are the entry's, not a text's
    for source, hits in rankings.items():
        places: dict[str, int] = {}
        for hit in hits:
            chunk = made[hit.row]
            place = places.setdefault(chunk.disease_id, len(places) + 1)
            gain = FUSION[source] * FACET_WEIGHT[chunk.facet] / (RRF + place)
            own[hit.row] = own.get(hit.row, 0.0) + gain
            gains = best.setdefault(chunk.disease_id, {})
            gains[source] = max(gain, gains.get(source, 0.0))
            if hit.why:
                exact.setdefault(chunk.disease_id, []).append(hit.why)
            else:
                why.setdefault(hit.row, []).append(f"{source} {place}")

    of_disease = {disease_id: sum(gains.values()) for disease_id, gains in best.items()}
    kin_share = FUSION["kin"]
    scores = {
        row: (1 - kin_share) * gain + kin_share * of_disease[made[row].disease_id]
        for row, gain in own.items()
    }
    taken: dict[str, int] = {}
    passages: list[Passage] = []
    for row in sorted(scores, key=lambda r: (-scores[r], made[r].id)):
        chunk = made[row]
        if len(passages) == limit:
            break
        if taken.get(chunk.disease_id, 0) >= per_disease:
            continue
        taken[chunk.disease_id] = taken.get(chunk.disease_id, 0) + 1
        passages.append(
            Passage(
                disease_id=chunk.disease_id,
                disease=chunk.disease,
                facet=chunk.facet,
                modality=chunk.modality,
                text=chunk.text,
                source=f"knowledge/{chunk.id}",
                score=round(scores[row], 5),
                why=(*exact.get(chunk.disease_id, ()), *why.get(row, ())),
            )
        )
    return passages
