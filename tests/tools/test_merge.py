from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.findings import Finding, Sighting
from tools.merge import merge_findings, window_conflicts


def found(**given: Any) -> Finding:
    """A nodule on slice 5 in the lung window, as sure as "high" is."""
    usual: dict[str, Any] = {
        "term": "lung-nodule",
        "name": "lung nodule",
        "present": True,
        "certainty": 0.8,
        "source": "vision",
        "backend": "model",
        "series": "S1",
        "slices": (5,),
        "window": "lung",
    }
    return Finding(**{**usual, **given})


def gone(*searched: int, **given: Any) -> Finding:
    """The same term absent, searched for on those slices."""
    finding = found(**{"present": False, "slices": (), **given})
    sighting = Sighting(
        series=finding.series,
        window=finding.window,
        slices=searched,
        present=False,
        certainty=finding.certainty,
        backend=finding.backend,
    )
    return finding.model_copy(update={"sightings": (sighting,)})


def test_one_thing_seen_in_two_windows_is_one_finding_with_both_sources() -> None:
    lung = found(slices=(4, 5), certainty=0.65, place="upper zone")
    bone = found(slices=(5, 6), certainty=0.8, window="bone", side="left")
    (merged,) = merge_findings([lung, bone])
    assert (merged.window, merged.certainty, merged.slices) == ("bone", 0.8, (4, 5, 6))
    assert (merged.place, merged.side) == ("upper zone", "left")
    assert [(s.window, s.slices, s.certainty) for s in merged.sightings] == [
        ("bone", (5, 6), 0.8),
        ("lung", (4, 5), 0.65),
    ]


def test_agreement_of_windows_is_no_more_certain_than_the_surest_of_them() -> None:
    windows = ("lung", "bone", "angio")
    (merged,) = merge_findings([found(certainty=0.65, window=w) for w in windows])
    assert merged.certainty == 0.65
    assert len(merged.sightings) == 3


@pytest.mark.parametrize(
    "other",
    [
        {"term": "lung-cysts"},
        {"series": "S2"},
        {"place": "lower zone"},
        {"side": "right"},
        {"slices": (9,)},
        {"present": False, "slices": ()},
        {"source": "report"},
        {"id": "F1"},
        {"refuted": "no low attenuation"},
        {"retracted": True},
    ],
)
def test_what_is_not_surely_the_same_stays_apart(other: dict[str, Any]) -> None:
    one = found(place="upper zone", side="left")
    two = found(**{"place": "upper zone", "side": "left", "window": "bone", **other})
    assert merge_findings([one, two]) == (one, two)


def test_a_slab_between_two_others_joins_them() -> None:
    slabs = [found(slices=(1, 2)), found(slices=(4, 5)), found(slices=(2, 3, 4))]
    (merged,) = merge_findings(slabs)
    assert merged.slices == (1, 2, 3, 4, 5)


def test_both_sides_and_one_of_them_are_both() -> None:
    (merged,) = merge_findings([found(side="left"), found(side="bilateral", certainty=0.55)])
    assert merged.side == "bilateral"


def test_an_absence_merges_by_term_alone_and_by_side_with_the_lesser_certainty() -> None:
    left = gone(1, 2, side="left", certainty=0.8)
    right = gone(7, 8, side="right", certainty=0.65, window="bone")
    (merged,) = merge_findings([left, right])
    assert (merged.present, merged.side, merged.certainty) == (False, "bilateral", 0.65)
    assert [s.slices for s in merged.sightings] == [(1, 2), (7, 8)]


def test_a_slab_without_the_finding_says_nothing_against_the_slab_with_it() -> None:
    there = found(slices=(5,))
    assert merge_findings([gone(1, 2, 3), there]) == (there,)
    assert window_conflicts([gone(1, 2, 3), there]) == ()


def test_present_and_absent_on_the_same_slices_are_both_kept_and_named() -> None:
    there, not_there = found(slices=(5,)), gone(4, 5, window="bone", certainty=0.65)
    merged = merge_findings([there, not_there])
    assert merged == (there, not_there)
    assert window_conflicts(merged) == (
        "lung nodule (S1): present in the lung window (0.80), absent in the bone window (0.65)",
    )


def test_a_conflict_names_every_window_of_a_merged_finding() -> None:
    merged = merge_findings([found(), found(window="medgemma"), gone(5, window="bone")])
    assert "present in the lung and medgemma windows (0.80)" in window_conflicts(merged)[0]


@pytest.mark.parametrize(
    ("there", "not_there"),
    [
        ({"side": "left"}, {"side": "right"}),
        ({"series": "S2"}, {}),
        ({"term": "lung-cysts"}, {}),
        ({"source": "report"}, {}),
        ({"refuted": "it cannot be"}, {}),
        ({}, {"retracted": True}),
    ],
)
def test_no_conflict_where_both_can_be_true_or_one_does_not_count(
    there: dict[str, Any], not_there: dict[str, Any]
) -> None:
    assert window_conflicts([found(**there), gone(5, window="bone", **not_there)]) == ()


def test_findings_keep_the_order_in_which_they_first_came() -> None:
    first, second, third = found(term="a"), found(term="b", source="report"), found(term="c")
    again = found(term="c", window="bone")
    merged = merge_findings([first, second, third, again])
    assert [f.term for f in merged] == ["a", "b", "c"]


_some = st.builds(
    found,
    present=st.just(True),
    slices=st.lists(st.integers(1, 4), min_size=1, max_size=2, unique=True).map(
        lambda numbers: tuple(sorted(numbers))
    ),
    place=st.sampled_from(["", "upper zone", "lower zone"]),
    side=st.sampled_from(["", "left", "right", "bilateral"]),
    window=st.sampled_from(["lung", "bone"]),
    certainty=st.sampled_from([0.55, 0.65, 0.8]),
)
_absent = st.builds(
    lambda searched, **given: gone(*sorted(searched), **given),
    st.sets(st.integers(1, 4), min_size=1),
    side=st.sampled_from(["", "left"]),
)


@given(st.lists(st.one_of(_some, _absent), max_size=5))
def test_merging_again_changes_nothing_and_no_sighting_of_a_presence_is_lost(
    findings: list[Finding],
) -> None:
    merged = merge_findings(findings)
    assert merge_findings(merged) == merged
    seen = {s for f in merged for s in (f.sightings or (_as_sighting(f),)) if s.present}
    assert seen == {_as_sighting(f) for f in findings if f.present}


@given(st.lists(_some, min_size=2, max_size=4))
def test_the_order_in_which_findings_come_does_not_change_what_they_merge_to(
    findings: list[Finding],
) -> None:
    def key(finding: Finding) -> str:
        return finding.model_dump_json()

    expected = sorted(merge_findings(findings), key=key)
    for order in permutations(findings):
        assert sorted(merge_findings(order), key=key) == expected


def _as_sighting(finding: Finding) -> Sighting:
    return Sighting(
        series=finding.series,
        window=finding.window,
        slices=finding.slices,
        present=finding.present,
        certainty=finding.certainty,
        backend=finding.backend,
    )
