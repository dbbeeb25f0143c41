"""`langgraph dev` as a person starts it, driven with langgraph-sdk: no key, no network."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langgraph_sdk import get_client

from tests.agent.pictures import png
from tests.agent.studio_server import studio_server


@pytest.fixture(scope="module")
def server(cache_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with studio_server(
        tmp_path_factory.mktemp("studio"), HOOFBEAT_CACHE_DIR=str(cache_dir)
    ) as running:
        yield running.url


async def _say(client: Any, thread: str, content: Any) -> tuple[list[str], list[Any]]:
    """The kinds of events in order, and the streamed messages."""
    events, messages = [], []
    async for part in client.runs.stream(
        thread,
        "hoofbeat",
        input={"messages": [{"role": "human", "content": content}]},
        stream_mode=["messages-tuple", "custom", "updates"],
    ):
        events.append(part.event)
        if part.event == "messages":
            messages.append(part.data[0])
    return events, messages


@pytest.mark.slow
def test_a_chat_with_an_image_streams_a_differential_and_a_second_message_refines_it(
    server: str,
) -> None:
    data = png(seed=1)

    async def chat() -> None:
        async with get_client(url=server) as client:
            thread = (await client.threads.create())["thread_id"]
            words = "Adult with dyspnea. CT: lung cysts in both lungs."
            events, messages = await _say(
                client,
                thread,
                [
                    {"type": "text", "text": words},
                    {"type": "image", "base64": data, "mime_type": "image/png"},
                ],
            )
            assert "error" not in events
            assert {"messages", "custom", "updates"} <= set(events)
            answers = [m for m in messages if m.get("name") == "hoofbeat"]
            assert "Lymphangioleiomyomatosis" in answers[-1]["content"]
            assert "Not for clinical use" in answers[-1]["content"]
            first: Any = (await client.threads.get_state(thread))["values"]
            assert data not in str(first)
            assert first["case"]["series"][0]["kind"] == "image"
            await _say(client, thread, "She is a 35-year-old woman with a renal angiomyolipoma.")
            second: Any = (await client.threads.get_state(thread))["values"]
            assert len(second["findings"]) > len(first["findings"])
            assert _probability(second) > _probability(first)

    asyncio.run(chat())


@pytest.mark.slow
def test_studio_gets_the_schemas_it_needs_for_chat_mode(server: str) -> None:
    async def look() -> None:
        async with get_client(url=server) as client:
            (assistant,) = await client.assistants.search()
            schemas = await client.assistants.get_schemas(assistant["assistant_id"])
        assert "messages" in str(schemas["input_schema"])
        assert "findings" in str(schemas["state_schema"])

    asyncio.run(look())


def _probability(values: Any) -> float:
    (line,) = (
        d
        for d in values["report"]["differential"]["diagnoses"]
        if d["disease_id"] == "lymphangioleiomyomatosis"
    )
    return float(line["probability"])
