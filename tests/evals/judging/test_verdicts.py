from __future__ import annotations

from pathlib import Path

import pytest

from agent.case import Case
from evals.judging.verdicts import Ruling, Rulings, Verdict, read_rulings, with_verdicts
from evals.matching.level import Level
from evals.matching.levels import judge_list
from evals.running.ledger import Item, Line
from evals.truth import Truth
from tools.errors import UserError


def ruling(item: str, verdict: Verdict) -> Ruling:
    return Ruling(item=item, truth="thymoma", verdict=verdict, judge="j")


def line(*names: str) -> Line:
    truth = Truth(primary="thymoma")
    return Line(
        case="c", patient="c", view="V3", arm="a", seed=0, config="", status="OK", input=Case(),
        truth=truth, predictions=tuple(Item(name=n, probability=None) for n in names),
        scores={"curated": judge_list(names, truth)}, latency_s=0.0,
    )  # fmt: skip


def test_a_verdict_fills_only_what_the_matcher_left_open() -> None:
    said = {
        ("gland mass", "thymoma"): Verdict.BROADER,
        ("tumour of thymic epithelium", "thymoma"): Verdict.SAME,
        ("thymoma", "thymoma"): Verdict.DIFFERENT,
    }
    (judged,) = with_verdicts(
        [line("cyst", "gland mass", "tumour of thymic epithelium", "thymoma")], said
    )
    assert judged.scores["judge"].levels == (
        Level.DIFFERENT, Level.L3, Level.L1, Level.L0,
    )  # fmt: skip
    assert (judged.rank("curated"), judged.rank("judge")) == (4, 3)
    assert judged.rank("judge", "broader") == 2


@pytest.mark.parametrize("verdict", [Verdict.CANNOT_TELL, Verdict.DIFFERENT])
def test_who_cannot_tell_accepts_nothing(verdict: Verdict) -> None:
    (judged,) = with_verdicts([line("gland mass")], {("gland mass", "thymoma"): verdict})
    assert judged.rank("judge", "broader") is None


def test_a_name_with_a_line_separator_of_its_own_is_one_line(tmp_path: Path) -> None:
    with Rulings(tmp_path / "judge.jsonl") as rulings:
        rulings.append(ruling("gland\u2028mass\x85", Verdict.SAME))
        assert [each.item for each in rulings.by("j")] == ["gland\u2028mass\x85"]


def test_a_torn_last_line_is_cut_and_a_broken_one_is_told(tmp_path: Path) -> None:
    path = tmp_path / "judge.jsonl"
    with Rulings(path) as rulings:
        rulings.append(ruling("a", Verdict.SAME))
    with path.open("ab") as file:
        file.write(b'{"item": "b", "tru')
    assert [each.item for each in read_rulings(path)] == ["a"]  # a report may read meanwhile
    with Rulings(path) as rulings:
        rulings.append(ruling("b", Verdict.BROADER))
        assert [each.item for each in rulings.by("j")] == ["a", "b"]
        with pytest.raises(UserError, match="another judge"):
            Rulings(path)
    path.write_text("{}\n")
    with pytest.raises(UserError, match="line 1"):
        read_rulings(path)
