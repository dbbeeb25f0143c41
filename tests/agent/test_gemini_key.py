"""The API key: where it is taken from, and that it is never shown."""

from __future__ import annotations

import logging
import traceback

import pytest
from pydantic import SecretStr

from agent.planner.gemini import GeminiPlanner
from agent.planner.gemini_errors import PlannerError, PlannerRefused
from tests.gemini_server import KEY, GeminiServer, Scripted, refused, text
from tests.gemini_ways import TWO_WAYS, WAYS, ask, planner_for
from tools.errors import UserError

pytestmark = pytest.mark.filterwarnings("ignore:Inheritance class Aiohttp:DeprecationWarning")


@pytest.fixture(autouse=True)
def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GOOGLE_API_KEY", "GEMINI_API_KEY", "GOOGLE_GENAI_USE_VERTEXAI"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("way", WAYS)
def test_without_a_key_the_error_says_which_variables_hold_one(way: str) -> None:
    with pytest.raises(PlannerRefused, match="GEMINI_API_KEY or GOOGLE_API_KEY"):
        ask(GeminiPlanner(), "look", way)


@pytest.mark.parametrize("name", ["GOOGLE_API_KEY", "GEMINI_API_KEY"])
def test_the_key_is_taken_from_either_variable(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, KEY)
    with GeminiServer([text("x")]) as server:
        assert ask(planner_for(server, api_key=None), "look", "invoke").text == "x"


def test_a_given_key_beats_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", "another")
    with GeminiServer([text("x")]) as server:
        assert ask(planner_for(server), "look", "invoke").text == "x"


def test_the_environment_cannot_turn_vertex_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_GENAI_USE_VERTEXAI", "true")
    with GeminiServer([text("x")]) as server:
        ask(planner_for(server), "look", "invoke")
    assert server.requests[0].path.startswith("/v1beta/models/")


@pytest.mark.parametrize("way", TWO_WAYS)
def test_a_wrong_key_is_refused_by_the_name_of_its_variables(way: str) -> None:
    expected = pytest.raises(PlannerRefused, match="set a valid GEMINI_API_KEY or GOOGLE_API_KEY")
    with GeminiServer([]) as server, expected:
        ask(planner_for(server, api_key="not-the-key"), "look", way)
    assert len(server.requests) == 1


@pytest.mark.parametrize("way", TWO_WAYS)
@pytest.mark.parametrize(
    "fault",
    [
        refused(400, f"BAD {KEY}", message=f"key {KEY} or '{KEY}' is not right"),
        refused(503, f"BUSY {KEY}", message=KEY),
        Scripted(reset_after=0),
    ],
)
def test_the_key_is_in_no_error_and_no_log(
    fault: Scripted, way: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with GeminiServer([fault, fault]) as server, pytest.raises(PlannerError) as caught:
        ask(planner_for(server, attempts=2), "look", way)
    error = caught.value
    assert KEY not in "".join(traceback.format_exception(error)) + repr(error) + caplog.text
    # Nor in what a collector of errors would dig out of it.
    assert error.__cause__ is None
    assert error.__context__ is None


def test_the_key_is_in_no_representation_of_the_planner() -> None:
    planner = GeminiPlanner(api_key=SecretStr(KEY))
    shown = [repr(planner), str(planner), planner.model_dump_json()]
    shown += [str(planner._identifying_params), str(planner._get_ls_params())]
    assert KEY not in "".join(shown)


def test_an_address_that_is_not_http_is_refused() -> None:
    with pytest.raises(UserError, match="must start with http"):
        GeminiPlanner(api_key=KEY, base_url="localhost:80")


def test_vertex_without_project_or_key_says_what_it_needs() -> None:
    with pytest.raises(PlannerRefused, match="needs project and location"):
        ask(GeminiPlanner(vertexai=True), "look", "invoke")


@pytest.mark.parametrize("way", TWO_WAYS)
def test_vertex_without_credentials_says_how_to_log_in(
    way: str, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path_factory.mktemp("gcloud")))
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    planner = GeminiPlanner(vertexai=True, project="p", location="europe-west4")
    with pytest.raises(PlannerRefused, match="gcloud auth application-default login"):
        ask(planner, "look", way)
