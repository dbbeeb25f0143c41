"""Batch mode: the real google-genai client against a local server of batch jobs."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import pytest
from pydantic import SecretStr

import agent.planner.gemini_batch as gemini_batch
from agent.settings import Settings
from evals.arms.arm import Arm, Choice
from evals.arms.prior import prior_arm
from evals.running.batch import is_batchable, run_batch
from evals.running.execute import Bench, Work, run_one
from tests.evals.running.batch_stage import USAGE, Stage, knows_lam, said
from tests.gemini_batch_server import AfterMaking, GeminiBatchServer
from tests.gemini_server import GeminiServer, Json, candidate, refused, text
from tools.errors import UserError


@pytest.fixture
def stage(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Stage:
    return Stage(tmp_path, Settings(cache_dir=tmp_path_factory.mktemp("cache")))


def test_a_batch_gives_the_lines_of_a_live_run_at_half_the_price(stage: Stage) -> None:
    with GeminiBatchServer(knows_lam) as server:
        stage.run(server)
    assert len(server.jobs) == 1
    with GeminiServer(lambda request: knows_lam(request.body)["response"]) as live:
        bench = stage.bench(live.base_url)
        asked = [Work(case=c, view="V1", arm="asked", seed=0, config="c") for c in
                 stage.dataset.cases]  # fmt: skip
        lines = [asyncio.run(run_one(work, bench)) for work in asked]
    differs = {"latency_s", "costs", "versions"}
    assert [line.model_dump(exclude=differs) for line in stage.lines] == [
        line.model_dump(exclude=differs) for line in lines
    ]
    # 2.5 Flash: 0.30 and 2.50 dollars a million, so 1000 in and 100 out are 0.00055 dollars.
    assert lines[0].costs["dollars"] == pytest.approx(0.00055)
    assert stage.lines[0].costs == {**lines[0].costs, "dollars": pytest.approx(0.000275)}
    assert stage.lines[0].versions == {**lines[0].versions, "mode": "batch"}
    assert [line.rank() for line in stage.lines] == [1, None, None, None]
    assert stage.lines[0].latency_s == 600.0  # of the job


@pytest.mark.parametrize("pictures", [False, True])
def test_batch_and_live_requests_are_the_same_on_the_wire(
    pictures: bool, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    settings = Settings(cache_dir=tmp_path_factory.mktemp("cache"))
    stage = Stage(tmp_path, settings, pictures=pictures)
    with GeminiBatchServer(knows_lam) as server:
        stage.run(server)
    with GeminiServer(lambda request: knows_lam(request.body)["response"]) as live:
        bench = stage.bench(live.base_url)
        stage.lines.clear()
        for work in stage.work():
            asyncio.run(run_one(work, bench))
    assert [body.pop("model") for body in server.bodies] == ["models/gemini-2.5-flash"] * 4
    as_sent = [json.dumps(body, sort_keys=True) for body in server.bodies]
    assert as_sent == [json.dumps(request.body, sort_keys=True) for request in live.requests]
    assert ("inlineData" in as_sent[0]) is pictures
    assert "SYN0" not in json.dumps([job.entries for job in server.jobs])


async def _cut_off(stage: Stage, server: GeminiBatchServer, *, until: Callable[[], bool]) -> None:
    task = asyncio.create_task(stage.begin(server))
    while not until():
        await asyncio.sleep(0.005)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("is_name_lost", [False, True])
def test_a_run_cut_off_takes_the_same_job_up_again(
    stage: Stage, is_name_lost: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    with GeminiBatchServer(knows_lam, looks=3) as server:
        asyncio.run(_cut_off(stage, server, until=lambda: ("get", 200) in server.asked))
        assert stage.lines == []
        assert "batch jobs go on at the service" in capsys.readouterr().err
        if is_name_lost:  # as after a kill between making the job and writing its name down
            entry = {**stage.book[0], "name": ""}
            (stage.folder / "batches.json").write_text(json.dumps([entry]))
        stage.run(server)
        stage.run(server)  # nothing is left to do
    assert [verb for verb, _ in server.asked].count("create") == 1
    assert [line.rank() for line in stage.lines] == [1, None, None, None]
    assert stage.book[0]["open"] == []


def test_a_job_that_was_written_down_and_never_made_is_made(stage: Stage) -> None:
    with GeminiBatchServer(knows_lam, faults={"create": [refused(503, "UNAVAILABLE")] * 4}) as down:
        with pytest.raises(UserError, match="not available"):
            stage.run(down)
        assert stage.book[0]["name"] == ""
        stage.run(down)
        assert len(down.jobs) == 1
    assert len(stage.lines) == 4
    assert len(stage.book) == 1


def test_passing_faults_are_waited_out_and_no_job_is_made_twice(stage: Stage) -> None:
    busy, broken = refused(429, "RESOURCE_EXHAUSTED"), refused(500, "INTERNAL")
    faults = {"create": [busy, AfterMaking(reply=broken)], "get": [broken, busy], "list": [broken]}
    with GeminiBatchServer(knows_lam, faults=faults) as server:  # type: ignore[arg-type]
        stage.run(server)
    assert len(server.jobs) == 1
    assert [status for verb, status in server.asked if verb == "create"] == [429, 500]
    assert len(stage.lines) == 4


@pytest.mark.parametrize("lost", [{"error": {"code": 13, "message": "internal"}}, None])
def test_a_request_that_a_job_lost_is_asked_in_one_more_job_and_then_given_up(
    stage: Stage, lost: Json | None
) -> None:
    times: list[Json] = []

    def answer(body: Json) -> Json | None:
        if "collapsed lung" in str(body) and len(times) < 1:
            times.append(body)
            return lost
        return None if "smokes" in str(body) else knows_lam(body)

    with GeminiBatchServer(answer) as server:
        stage.run(server)
    assert [len(job.entries) for job in server.jobs] == [4, 2]
    assert stage.outcomes() == {
        "SYN0001": ("OK", ""),
        "SYN0002": ("NO_ANSWER", "ServiceUnavailable"),
        "SYN0003": ("OK", ""),
        "SYN0004": ("OK", ""),
    }
    assert all(line.versions["mode"] == "batch" for line in stage.lines)  # the failed one as well


@pytest.mark.parametrize("end", ["EXPIRED", "CANCELLED", "FAILED"])
def test_a_job_that_did_not_succeed_is_submitted_once_more(stage: Stage, end: str) -> None:
    with GeminiBatchServer(knows_lam, ends=[end]) as server:
        stage.run(server)
    assert [len(job.entries) for job in server.jobs] == [4, 4]
    assert {line.status for line in stage.lines} == {"OK"}


def test_after_two_jobs_without_an_answer_every_case_is_a_miss_that_can_be_retried(
    stage: Stage,
) -> None:
    with GeminiBatchServer(knows_lam, ends=["EXPIRED", "EXPIRED"]) as server:
        stage.run(server)
        assert set(stage.outcomes().values()) == {("NO_ANSWER", "ServiceUnavailable")}
        assert len(stage.lines) == 4
        stage.lines.clear()  # as --retry-failed does
        stage.run(server)
    assert len(server.jobs) == 3
    assert {line.status for line in stage.lines} == {"OK"}


def test_a_job_that_the_service_does_not_know_is_not_paid_again_unasked(stage: Stage) -> None:
    with GeminiBatchServer(knows_lam, looks=10**6) as first:
        asyncio.run(_cut_off(stage, first, until=lambda: ("get", 200) in first.asked))
    with GeminiBatchServer(knows_lam) as other:
        with pytest.raises(UserError, match=r"no batch job 'batches/job1'.*delete batches.json"):
            stage.run(other)
        assert other.jobs == []
        (stage.folder / "batches.json").unlink()
        stage.run(other)
    assert len(stage.lines) == 4


def test_an_answer_that_does_not_fit_is_told_so_once_and_both_are_paid(stage: Stage) -> None:
    def answer(body: Json) -> Json:
        is_told = "does not fit the schema" in str(body)
        if "collapsed lung" in str(body) and not is_told:
            return {"response": {**said(), **text("LAM, I think"), "usageMetadata": USAGE}}
        if "smokes" in str(body):
            return {"response": {**said(), **text("PAP"), "usageMetadata": USAGE}}
        return knows_lam(body)

    with GeminiBatchServer(answer) as server:
        stage.run(server)
    assert [len(job.entries) for job in server.jobs] == [4, 2]
    by_case = {line.case: line for line in stage.lines}
    assert by_case["SYN0001"].rank() == 1
    assert by_case["SYN0001"].costs["input_tokens"] == 2000
    assert stage.outcomes()["SYN0002"] == ("NO_ANSWER", "AnswerUnusable")


def test_a_blocked_answer_is_a_miss_and_not_asked_again(stage: Stage) -> None:
    blocked = {"response": candidate({"text": ""}, finish="SAFETY")}
    with GeminiBatchServer(lambda _: blocked) as server:
        stage.run(server)
    assert len(server.jobs) == 1
    assert set(stage.outcomes().values()) == {("NO_ANSWER", "AnswerBlocked")}


@pytest.mark.parametrize("code", [3, 400])
def test_a_request_refused_for_what_it_holds_is_a_miss_and_not_asked_again(
    stage: Stage, code: int
) -> None:
    refusals = iter([{"error": {"code": code, "message": "bad"}}])
    with GeminiBatchServer(lambda body: next(refusals, None) or knows_lam(body)) as server:
        stage.run(server)
    assert [len(job.entries) for job in server.jobs] == [4]
    assert Counter(stage.outcomes().values()) == {
        ("OK", ""): 3, ("NO_ANSWER", "ServiceRefused"): 1
    }  # fmt: skip
    assert not any(line.may_pass for line in stage.lines)


def test_a_request_refused_for_its_sender_stops_the_run_when_the_others_are_recorded(
    stage: Stage,
) -> None:
    refusals = iter([{"error": {"code": 7, "message": "bad"}}])
    with GeminiBatchServer(lambda body: next(refusals, None) or knows_lam(body)) as server:
        with pytest.raises(UserError, match=r"refused 1 of 4 requests .*code 7"):
            stage.run(server)
        assert len(stage.lines) == 3
        stage.run(server)
    assert [len(job.entries) for job in server.jobs] == [4, 1]
    assert len(stage.lines) == 4


def test_a_job_whose_requests_are_all_refused_stops_the_run(stage: Stage) -> None:
    refusal: Json = {"error": {"code": 3, "message": "bad"}}
    with (
        GeminiBatchServer(lambda _: refusal) as server,
        pytest.raises(UserError, match=r"refused 4 of 4 requests .*code 3"),
    ):
        stage.run(server)
    assert stage.lines == []


def test_requests_past_the_inline_limit_go_in_several_jobs(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = stage.bench("http://127.0.0.1:9")
    assert isinstance(bench.arms["asked"], Arm)
    monkeypatch.setattr(gemini_batch, "MOST_BYTES", 6000)
    with GeminiBatchServer(knows_lam) as server:
        stage.run(server)
    sizes = [len(json.dumps(job.entries)) for job in server.jobs]
    assert len(sizes) > 1
    assert sum(len(job.entries) for job in server.jobs) == 4
    assert max(sizes) < 7000
    assert len(stage.lines) == 4


def test_answers_without_keys_are_read_in_the_order_of_the_requests(stage: Stage) -> None:
    with GeminiBatchServer(knows_lam, echoes_keys=False) as server:
        stage.run(server)
    assert [line.rank() for line in stage.lines] == [1, None, None, None]


def test_an_arm_of_another_kind_is_refused_before_anything_is_sent(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = stage.bench("http://127.0.0.1:9")
    assert is_batchable(bench.arms["asked"])
    mixed = Bench(
        arms={**bench.arms, "prior": prior_arm(Choice(settings=stage.settings))},
        viewer=bench.viewer, scorers=bench.scorers, timeout_s=30,
    )  # fmt: skip
    assert not is_batchable(mixed.arms["prior"])
    todo: Sequence[Work] = [
        *stage.work(),
        Work(case=stage.dataset.cases[0], view="V1", arm="prior", seed=0, config="c"),
    ]
    with pytest.raises(UserError, match="'prior' cannot run in batch mode"):
        asyncio.run(run_batch(todo, mixed, stage.lines.append, stage.folder))
    assert not (stage.folder / "batches.json").exists()


@pytest.mark.parametrize("words", ["{", '[{"arm": 1}]'])
def test_a_list_of_jobs_that_is_none_is_one_line(stage: Stage, words: str) -> None:
    stage.folder.mkdir()
    (stage.folder / "batches.json").write_text(words)
    with (
        GeminiBatchServer(knows_lam) as server,
        pytest.raises(UserError, match="no list of batch jobs"),
    ):
        stage.run(server)


def test_a_bad_key_is_one_line_and_leaves_no_job_behind(stage: Stage) -> None:
    stage.settings = stage.settings.model_copy(update={"gemini_api_key": SecretStr("wrong")})
    with GeminiBatchServer(knows_lam) as server, pytest.raises(UserError, match="key"):
        stage.run(server)
    assert stage.book == []
    answers: Iterable[tuple[str, int]] = server.asked
    assert list(answers) == [("create", 403)]
