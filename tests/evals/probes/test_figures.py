from __future__ import annotations

import pytest

from agent.case import Case
from evals.matching.levels import judge_list
from evals.probes.figures import (
    completion_figures,
    paraphrase_figures,
    split_figures,
    title_figures,
)
from evals.probes.steps import RecalledTitle
from evals.running.ledger import Item, Line
from evals.truth import Truth


def line(case: str, primary: str, *said: str, reply: str = "", history: str = "") -> Line:
    truth = Truth(primary=primary)
    return Line(
        case=case, patient=case, view="V1", arm="asked", seed=0, config="c",
        status="OK" if said else "NO_ANSWER",
        input=Case(history=history), truth=truth, latency_s=0.0, reply=reply,
        predictions=tuple(Item(name=name, probability=None) for name in said),
        scores={"curated": judge_list(said, truth)},
    )  # fmt: skip


def title(case: str, primary: str, said: str, *, is_remembered: bool = False) -> Line:
    reply = RecalledTitle(title=said, is_remembered=is_remembered).model_dump_json()
    return line(case, primary, said, reply=reply)


def test_titles_are_scored_by_the_matcher_and_beside_other_cases() -> None:
    found = title_figures(
        [
            title("A", "sarcoidosis", "Sarcoidosis", is_remembered=True),
            title("B", "lipoma", "sarcoidosis", is_remembered=True),
            title("C", "abscess", "Abscess"),
            line("D", "hamartoma"),  # no answer
        ]
    )
    assert (found.right.count, found.right.n) == (2, 4)
    assert (found.remembered.count, found.remembered.n) == (2, 4)
    assert found.remembered_right is not None
    assert (found.remembered_right.count, found.remembered_right.n) == (1, 2)
    assert found.against_chance is not None
    # B's answer is right for A: one of the twelve pairs that do not belong together.
    assert found.against_chance.chance == pytest.approx(1 / 12)
    assert found.recognised == {"A": True, "B": False, "C": True, "D": False}


SECOND = {
    "A": "she later lost nine kilograms over two months and coughed blood",
    "B": "she later lost nine kilograms over two months and felt well",
    "C": "a fall from a ladder three weeks before and pain ever since",
}


def test_a_half_is_recognised_by_a_long_run_that_no_other_case_shares() -> None:
    found = completion_figures(
        [
            line("A", "x", "she later lost nine kilograms over two months and coughed blood"),
            # nine words, which the other case's half holds as well
            line("B", "x", "she later lost nine kilograms over two months and so on"),
            line("C", "x"),
        ],
        SECOND,
    )
    assert found.recognised == {"A": True, "B": False, "C": False}
    assert (found.recognised_share.count, found.recognised_share.n) == (1, 3)
    assert found.chance_share == pytest.approx(2 / 6)  # A's and B's answers with each other's half
    assert found.run is not None
    assert found.run.own == pytest.approx((11 / 11 + 9 / 11 + 0) / 3)
    assert found.ngrams is not None
    assert found.ngrams.own == pytest.approx((9 / 9 + 7 / 9 + 0) / 3)


def test_paraphrases_are_paired_with_the_history_as_written() -> None:
    written = [
        line("A", "lipoma", "lipoma", history="one two three four"),
        line("B", "abscess", "abscess", history="one two three four"),
        line("C", "abscess", "lipoma"),
    ]
    paraphrased = [
        line("A", "lipoma", "abscess", history="one two three and four"),
        line("B", "abscess", "abscess", history="quite other words"),
    ]
    found = paraphrase_figures(written, paraphrased, 5)
    assert found is not None
    assert (found.contrast.n, found.contrast.only_a, found.contrast.only_b) == (2, 1, 0)
    assert found.without == 3
    assert found.kept == pytest.approx((1 / 2 + 0) / 2)
    assert paraphrase_figures(written, [], 3) is None


def test_a_run_is_split_by_what_was_recognised() -> None:
    # 8 of 10 recognised and 3 of 10 others are right.
    run = [
        line(f"{group}{at}", "lipoma", "lipoma" if at < right else "abscess")
        for group, right in (("r", 8), ("o", 3))
        for at in range(10)
    ]
    recognised = {one.case: one.case.startswith("r") for one in run}
    found = split_figures("title", recognised, [*run, line("apart", "lipoma", "lipoma")])
    assert found.recognised is not None
    assert found.others is not None
    assert (found.recognised.count, found.others.count, found.apart) == (8, 3, 1)
    assert found.difference is not None
    # Newcombe's square-and-add from the Wilson intervals 0.4902-0.9433 and 0.1078-0.6032:
    # 0.5 - sqrt(0.3098^2 + 0.3032^2) and 0.5 + sqrt(0.1433^2 + 0.1922^2).
    assert found.difference == pytest.approx((0.5, 0.0665, 0.7398), abs=5e-4)
    assert found.p == pytest.approx(0.0698, abs=5e-4)  # R: fisher.test(matrix(c(8,2,3,7),2))


def test_a_split_with_an_empty_side_has_no_difference() -> None:
    found = split_figures("title", {"A": True}, [line("A", "lipoma", "lipoma")])
    assert (found.others, found.difference, found.p) == (None, None, None)
