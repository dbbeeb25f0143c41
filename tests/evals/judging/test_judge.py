"""The judge against a local server that speaks Gemini's protocol, faults included."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from agent.planner.prices import Prices
from evals.judging.judge import Judge, Limits, Sitting, undecided
from evals.judging.verdicts import Question, Rulings, Verdict, read_rulings
from evals.matching.known import Disease, know
from evals.matching.level import Level
from evals.truth import Truth
from tests.gemini_server import GeminiServer, Json, Reply, Request, Step, refused, text
from tests.gemini_ways import planner_for
from tools.errors import UserError

QUESTIONS: set[Question] = {("alpha", "beta"), ("gamma", "delta"), ("epsilon", "zeta")}


def says(verdict: str) -> Json:
    return {**text(json.dumps({"verdict": verdict})), "modelVersion": "gemini-2.5-flash"}


def asked(request: Request) -> Question:
    said = request.contents[0]["parts"][0]["text"]
    first, second = re.findall(r'^(?:First|Second): "(.*)"$', said, re.MULTILINE)
    return first, second


def sit(
    server: GeminiServer, path: Path, questions: Iterable[Question] = QUESTIONS, **limits: float
) -> Sitting:
    judge = Judge(planner_for(server, model="gemini-2.5-flash", attempts=2), Prices.load())
    chosen = Limits(concurrent=1, max_dollars=limits.get("max_dollars"))
    with Rulings(path) as rulings:
        return asyncio.run(judge.sit(questions, rulings, chosen))


def test_a_pair_is_ruled_on_once_blind_and_with_its_cost(tmp_path: Path) -> None:
    path = tmp_path / "judge.jsonl"
    with GeminiServer(lambda request: says("narrower")) as server:
        sitting = sit(server, path)
        assert {asked(request) for request in server.requests} == QUESTIONS
        assert (sitting.asked, sitting.unanswered, sitting.left) == (3, 0, 0)
        assert sitting.costs["input_tokens"] == 33  # the server's 11 a call
        assert sitting.costs["dollars"] > 0
        config = server.requests[0].body["generationConfig"]
        assert (config["temperature"], config["seed"]) == (0.0, 0)
        assert config["responseJsonSchema"]["$defs"]["Verdict"]["enum"] == list(Verdict)
        assert sit(server, path).asked == 0
        assert len(server.requests) == 3
    assert {ruling.verdict for ruling in read_rulings(path)} == {Verdict.NARROWER}


def test_cannot_tell_is_a_ruling_and_a_word_outside_the_enum_is_none(tmp_path: Path) -> None:
    def reply(request: Request) -> Reply:
        return says("perhaps") if asked(request)[0] == "alpha" else says("cannot tell")

    path = tmp_path / "judge.jsonl"
    with GeminiServer(reply) as server:
        sitting = sit(server, path)
        assert len(server.requests) == 4  # it is told once why its answer does not fit
    assert (sitting.asked, sitting.unanswered) == (2, 1)
    assert {ruling.verdict for ruling in read_rulings(path)} == {Verdict.CANNOT_TELL}


def test_a_blocked_pair_is_asked_again_by_the_next_sitting(tmp_path: Path) -> None:
    path = tmp_path / "judge.jsonl"
    script: list[Step] = [{"promptFeedback": {"blockReason": "SAFETY"}}, says("same")]
    with GeminiServer(script) as server:
        assert sit(server, path, [("alpha", "beta")]).unanswered == 1
        assert sit(server, path, [("alpha", "beta")]).asked == 1


def test_a_busy_service_is_tried_again_and_a_refusal_stops_with_what_there_is(
    tmp_path: Path,
) -> None:
    path = tmp_path / "judge.jsonl"
    busy = refused(429, "RESOURCE_EXHAUSTED")
    with GeminiServer([busy, says("same"), refused(403, "PERMISSION_DENIED")]) as server:
        with pytest.raises(UserError, match="403"):
            sit(server, path)
        assert len(read_rulings(path)) == 1
    with GeminiServer(lambda request: says("same")) as server:
        assert sit(server, path).asked == 2


def test_no_call_is_started_once_the_money_is_spent(tmp_path: Path) -> None:
    with GeminiServer(lambda request: says("same")) as server:
        sitting = sit(server, tmp_path / "judge.jsonl", max_dollars=1e-9)
        assert len(server.requests) == 1
    assert (sitting.asked, sitting.left) == (1, 2)


def test_a_limit_in_dollars_without_a_price_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "judge.jsonl"
    with GeminiServer(lambda request: {**says("same"), "modelVersion": "novel-1"}) as server:
        judge = Judge(planner_for(server), Prices.load())
        with Rulings(path) as rulings, pytest.raises(UserError, match="novel-1 has none"):
            asyncio.run(judge.sit(QUESTIONS, rulings, Limits(concurrent=1, max_dollars=1.0)))


def test_what_another_judge_ruled_does_not_count(tmp_path: Path) -> None:
    path = tmp_path / "judge.jsonl"
    with GeminiServer(lambda request: says("same")) as server:
        sit(server, path)
        other = Judge(planner_for(server), Prices.load(), seed=1)
        with Rulings(path) as rulings:
            assert asyncio.run(other.sit(QUESTIONS, rulings, Limits())).asked == 3


@pytest.mark.parametrize(
    ("name", "is_asked"),
    [
        ("gray lung", True),
        ("no gray lung", False),  # denied
        ("beta", False),  # another entry, and known to be
        ("Stone lung, type 2", False),  # another number
        ("", False),
    ],
)
def test_only_what_neither_matched_nor_is_known_to_differ_is_undecided(
    name: str, is_asked: bool
) -> None:
    known = know([Disease(id="s", names=("stone lung",)), Disease(id="b", names=("beta",))])
    truth = Truth(primary="stone lung", synonyms=("stone lung type 1",))
    numbered = Truth(primary="stone lung type 1")
    which = numbered if "type" in name else truth
    assert undecided(name, which, Level.DIFFERENT, known) is is_asked
    assert not undecided(name, which, Level.L3, known)
