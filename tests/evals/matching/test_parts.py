from __future__ import annotations

import pytest

from evals.matching.parts import Parts, read_claim


def only(name: str) -> Parts:
    (names,) = read_claim(name).alternatives
    return names[0]


def test_a_name_falls_into_core_site_side_kind_and_timing() -> None:
    parts = only("Acute traumatic rupture of the left kidney")
    assert parts.core == ("rupture",)
    assert parts.sites == {"kidney"}
    assert parts.bare_sides == {"left"}
    assert parts.kinds == {"traumatic"}
    assert parts.timing == {"acute"}


@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        ("Type A aortic dissection", {"a"}),
        ("Grade IV vesicoureteral reflux", {"4"}),
        ("Chiari II malformation with syrinx", {"2"}),
        ("Second branchial cleft cyst", {"2"}),
        ("Gastric volvulus", set()),
    ],
)
def test_types_grades_and_ordinals_are_numbers(name: str, numbers: set[str]) -> None:
    assert read_claim(name).alternatives[0][-1].numbers == numbers


def test_vertebrae_are_kept_and_sizes_are_not() -> None:
    parts = only("L4-L5 disc herniation, 6.2 x 4 mm")
    assert parts.levels == {"l4", "l5"}
    assert parts.numbers == frozenset()


@pytest.mark.parametrize(
    ("name", "relation"),
    [
        ("Pancreatitis with pseudocyst", "with"),
        ("Pancreatitis and pseudocyst", "and"),
        ("Pseudocyst due to pancreatitis", "cause"),
        ("Pseudocyst secondary to pancreatitis", "cause"),
        ("Pancreatitis complicated by pseudocyst", "effect"),
        ("Pancreatitis without necrosis", "without"),
    ],
)
def test_what_goes_with_a_disease_is_told_by_how(name: str, relation: str) -> None:
    assert [how for how, _ in only(name).others] == [relation]


@pytest.mark.parametrize(
    "name", ["Sarcoid vs. lymphoma", "Sarcoid or lymphoma", "Sarcoid/lymphoma"]
)
def test_two_answers_in_one_item_are_alternatives(name: str) -> None:
    claim = read_claim(name)
    assert [each.casefold() for each in claim.texts] == ["sarcoid", "lymphoma"]
    assert len(claim.alternatives) == 2


@pytest.mark.parametrize(
    "name",
    [
        "Probable thymoma",
        "?thymoma",
        "Thymoma?",
        "rule out thymoma",
        "Findings of thymoma",
        "r/o thymoma",
    ],
)
def test_a_hedge_is_no_part_of_the_name(name: str) -> None:
    assert only(name) == only("thymoma")


def test_a_bracket_is_a_second_name_or_a_qualifier() -> None:
    cores = {parts.core for parts in read_claim("Abdominal cocoon (thymoma)").alternatives[0]}
    assert ("thymoma",) in cores
    assert only("Hemangioma (benign)").kinds == {"benign"}
    assert {p.core for p in read_claim("Pyomyositis, also known as thymoma").alternatives[0]} == {
        ("pyomyositis",), ("thymoma",),
    }  # fmt: skip


def test_the_side_within_a_fixed_term_does_not_break_it() -> None:
    parts = only("Torsion of the right spermatic cord")
    assert parts.core == only("Testicular torsion").core
    assert parts.bare_sides == {"right"}


def test_denials_are_marked() -> None:
    assert read_claim("No evidence of thymoma").denied
    assert not read_claim("Thymoma").denied


@pytest.mark.parametrize("name", ["", "?", "...", "of the"])
def test_a_name_without_a_word_of_a_disease_has_no_reading(name: str) -> None:
    assert read_claim(name).alternatives == ()
