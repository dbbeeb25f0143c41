"""What a call costs, worked by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from langchain_core.messages.ai import UsageMetadata

from agent.planner.prices import Prices, model_of
from tests.gemini_server import GeminiServer, candidate, text
from tests.gemini_ways import ask, planner_for
from tools.errors import UserError

_MILLION = UsageMetadata(input_tokens=1_000_000, output_tokens=100_000, total_tokens=1_100_000)
_OWN = {
    "as_of": "2031-05-01",
    "models": {
        "house": {"input": 10, "output": 20},
        "house-large": {"input": 30, "cached_input": 3, "output": 40},
        "gemini": {"input": 100, "output": 1000},
    },
}


@pytest.fixture
def own(tmp_path: Path) -> Prices:
    path = tmp_path / "prices.json"
    path.write_text(json.dumps(_OWN))
    return Prices.load(path)


@pytest.mark.parametrize(
    ("model", "dollars"),
    [
        ("house", 12.0),  # 1 x 10 + 0.1 x 20
        ("house-small-001", 12.0),
        ("house-large-002", 34.0),  # the longest row counts: 30 + 0.1 x 40
        ("publishers/google/models/house-large", 34.0),
        ("houseboat", None),  # "house" is no part of its name
        ("gemini-2.5-flash", 200.0),  # a row of one's own beats a longer one that was shipped
        ("", None),
    ],
)
def test_the_longest_row_that_begins_the_name_counts(
    own: Prices, model: str, dollars: float | None
) -> None:
    assert own.dollars(model, _MILLION) == dollars


def test_tokens_read_from_a_cache_have_a_price_of_their_own(own: Prices) -> None:
    usage = UsageMetadata(
        input_tokens=1_000_000, output_tokens=0, total_tokens=1_000_000,
        input_token_details={"cache_read": 400_000},
    )  # fmt: skip
    assert own.dollars("house-large", usage) == pytest.approx(0.6 * 30 + 0.4 * 3)
    assert own.dollars("house", usage) == pytest.approx(10)  # no such price: as any input


def test_the_shipped_table_has_a_date_and_prices_no_alias() -> None:
    prices = Prices.load()
    (table,) = prices.tables
    assert "check them against https://ai.google.dev" in table.check
    assert prices.as_of("gemini-2.5-pro-preview-06-05") == table.as_of
    assert prices.dollars("gemini-flash-latest", _MILLION) is None
    assert prices.as_of("gemini-flash-latest") is None
    assert prices.dollars("gemini-2.5-flash", None) is None


def test_thinking_repairs_and_cached_tokens_of_a_real_reply_are_all_in_the_price(
    own: Prices,
) -> None:
    usage = {
        "promptTokenCount": 1000, "cachedContentTokenCount": 600,
        "candidatesTokenCount": 20, "thoughtsTokenCount": 30,
    }  # fmt: skip
    said = {"usageMetadata": usage, "modelVersion": "house-large-001"}
    slip = {**candidate(finish="MALFORMED_FUNCTION_CALL"), **said}
    with GeminiServer([slip, {**text("x"), **said}]) as server:
        reply = ask(planner_for(server, model="house-latest"), "look", "invoke")
    assert model_of(reply.response_metadata) == "house-large-001"
    dollars = own.dollars(model_of(reply.response_metadata), reply.usage_metadata)
    assert dollars == pytest.approx(2 * (400 * 30 + 600 * 3 + 50 * 40) / 1e6)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "cannot be read"),
        ("{", "is no JSON"),
        ('{"as_of": "2026-01-01", "models": {"m": {"input": -1, "output": 2}}}', "models.m.input"),
        ('{"models": {}}', "as_of"),
    ],
)
def test_a_price_file_that_does_not_fit_says_what_it_should_be(
    tmp_path: Path, content: str | None, says: str
) -> None:
    path = tmp_path / "mine.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(UserError, match=says) as caught:
        Prices.load(path)
    assert "give a file like" in str(caught.value)


def test_batch_mode_costs_a_share_where_the_table_says_so(own: Prices) -> None:
    assert Prices.load().batch_share("gemini-2.5-flash-001") == 0.5
    assert own.batch_share("gemini-2.5-flash-001") == 1.0  # a table that does not say
    assert own.batch_share("nobody's") is None
