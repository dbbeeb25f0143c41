from __future__ import annotations

from pathlib import Path

import pytest

from agent.settings import Settings
from evals.arms.arm import Choice
from evals.arms.search import bm25_arm, search_arm
from knowledge.search.retrieve import KnowledgeBase
from tests.evals.arms.conftest import Play


@pytest.mark.parametrize(("arm", "ranking"), [("bm25", "words"), ("dense", "dense")])
def test_search_alone_names_ten_different_diseases_in_its_own_order(
    play: Play, cache_dir: Path, shipped: KnowledgeBase, arm: str, ranking: str
) -> None:
    code, by_case = play("--arm", arm, "--view", "V3")
    assert code == 0
    for line in by_case.values():
        names = [item.name for item in line.predictions]
        text = f"{line.input.findings_text} {line.input.history}"
        found = shipped.search(text, limit=10, using=(ranking,))
        assert names == [shipped.entries[p.disease_id].name for p in found]
        assert len(set(names)) == 10
        assert {item.probability for item in line.predictions} == {None}
        assert line.costs["dollars"] == 0
    assert by_case["SYN0001"].versions["encoder"]


def test_without_words_search_has_no_answer(play: Play, cache_dir: Path) -> None:
    code, by_case = play("--arm", "bm25", "--view", "V0", "--limit", "1")
    (line,) = by_case.values()
    assert (code, line.status, line.error) == (0, "NO_ANSWER", "empty list")


def test_the_encoder_counts_for_vectors_alone(cache_dir: Path) -> None:
    settings = Settings(cache_dir=cache_dir)
    assert bm25_arm(Choice(settings=settings)).config == {"using": "words", "most": 10}
    with pytest.raises(ValueError, match="no ranking 'vibes'"):
        search_arm(Choice(settings=settings), using="vibes")
