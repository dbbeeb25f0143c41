from __future__ import annotations

from evals.statistics.strata import stratify


def test_a_small_stratum_has_counts_and_no_share() -> None:
    ranks = [1] * 5 + [4] * 10 + [None] * 5 + [1, None, 11]
    large, small, unknown = stratify("region", ["head"] * 20 + ["thorax"] * 2 + [""], ranks)
    assert (large.factor, large.value, large.n) == ("region", "head", 20)
    assert large.shares is not None
    assert large.shares[1].count == 5
    assert large.hits == {1: 5, 3: 5, 5: 15, 10: 15}
    assert (small.value, small.n, small.hits, small.shares) == (
        "thorax", 2, {1: 1, 3: 1, 5: 1, 10: 1}, None,
    )  # fmt: skip
    assert (unknown.value, unknown.hits[10]) == ("not told", 0)


def test_nineteen_cases_are_too_few_for_a_share() -> None:
    (only,) = stratify("kind", ["disease"] * 19, [1] * 19)
    assert only.shares is None
