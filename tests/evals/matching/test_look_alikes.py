from __future__ import annotations

from evals.matching.look_alikes import find_look_alikes


def test_every_pair_of_names_of_two_diseases_is_judged_both_ways() -> None:
    found = find_look_alikes(
        {
            "dissection": ["Aortic dissection", "Dissection of the aorta"],
            "type a": ["Type A aortic dissection"],
            "liver": ["Hepatic abscess"],
            "also liver": ["Abscess of the liver"],
        }
    )
    assert found.pairs == 18  # 5 x 5 less 2 x 2 less three alone
    assert {(each.item, each.truth) for each in found.exact} == {
        ("Hepatic abscess", "Abscess of the liver"),
        ("Abscess of the liver", "Hepatic abscess"),
    }
    assert {(each.item, each.truth) for each in found.narrower} == {
        ("Type A aortic dissection", "Aortic dissection"),
        ("Type A aortic dissection", "Dissection of the aorta"),
    }
