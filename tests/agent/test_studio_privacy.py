"""What `langgraph dev` writes after a chat over identified files: nothing of the patient."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from langgraph_sdk import get_client
from langgraph_sdk.errors import APIStatusError

from tests.agent.identified import FINDINGS, HISTORY, blocks, encoded, traces_below, write_study
from tests.agent.studio_server import StudioServer, studio_server
from tests.http_server import CountingServer, counting_server


@pytest.fixture(scope="module")
def listener() -> Iterator[CountingServer]:
    """A server that no message may make anybody call."""
    with counting_server() as server:
        yield server


def _message(content: Any) -> Any:
    """A run's input that says one thing."""
    return {"messages": [{"role": "user", "content": content}]}


def _run(given: Any) -> Any:
    return {"assistant_id": "hoofbeat", "input": given}


async def _refused(call: Any) -> str:
    with pytest.raises((APIStatusError, httpx.HTTPStatusError)) as caught:
        await call
    assert caught.value.response.status_code == 422
    return str(caught.value.response.json()["detail"])


async def _chat(server: StudioServer, files: list[Path], url: str) -> None:
    async with get_client(url=server.url) as client:
        named = {"title": "Mrs Amelia Holloway 2024-03-17"}
        thread = (await client.threads.create(metadata=named))["thread_id"]
        content = [{"type": "text", "text": f"{HISTORY} {FINDINGS}"}, *blocks(files)]
        first: Any = await client.runs.wait(
            thread, "hoofbeat", input=_message(content), metadata=named,
        )  # fmt: skip
        assert first["case"]["series"][0]["slices"] == len(files)
        assert first["case"]["age_years"] == 72
        assert "thin-walled-cysts" in [f["term"] for f in first["findings"]]
        said = _message("Mrs Holloway smokes, says Dr Quistberg.")
        async for part in client.runs.stream(thread, "hoofbeat", input=said):
            assert part.event != "error", part.data
        await client.threads.update_state(thread, {"messages": [("user", HISTORY)]})
        # Another client answers or streams by commands.
        run = _run(said)
        command: Any = {"method": "run.start", "id": 1, "params": run}
        answered: Any = await client.http.post(f"/threads/{thread}/commands", json=command)
        assert answered["type"] == "success", answered
        case = {"history": HISTORY, "findings_text": FINDINGS}
        await client.runs.wait(None, "hoofbeat", input={"case": case, **said})
        await client.runs.create_batch([run])
        forged = {"findings": [{"id": "F1", "term": "nodule"}]}
        assert "messages and a case" in await _refused(client.threads.update_state(thread, forged))
        image = {"type": "image_url", "image_url": {"url": url}}
        asked = _message([image])
        assert "never fetched" in await _refused(client.runs.wait(thread, "hoofbeat", input=asked))
        assert "webhook" in await _refused(
            client.runs.wait(thread, "hoofbeat", input=said, webhook=url)
        )
        path = {"type": "file", "path": str(files[0].parent)}
        named_path = _message([path])
        told = await _refused(client.runs.wait(thread, "hoofbeat", input=named_path))
        assert "no folder may be read" in told
        for way in ("/store/items", "/mcp", "/a2a/hoofbeat"):
            with pytest.raises((APIStatusError, httpx.HTTPStatusError)):
                await client.http.post(way, json={"value": HISTORY})


@pytest.mark.slow
def test_a_chat_over_identified_files_leaves_no_trace_in_threads_or_logs(
    cache_dir: Path, tmp_path: Path, listener: CountingServer
) -> None:
    files = write_study(tmp_path / "input")[:4]
    folder = tmp_path / "server"
    folder.mkdir()
    url = listener.url
    with studio_server(folder, HOOFBEAT_CACHE_DIR=str(cache_dir), LOG_LEVEL="DEBUG") as server:
        asyncio.run(_chat(server, files, url))
    written = {p.name for p in folder.rglob("*") if p.is_file()}
    assert "server.log" in written
    assert any("checkpoint" in name for name in written)
    assert any("ops" in name for name in written)
    assert traces_below(folder, encoded(files[0])) == {}
    assert (folder / ".langgraph_api").stat().st_mode & 0o077 == 0
    assert "run_id" in server.log.read_text("utf-8")  # at level DEBUG it says much of every run
    assert listener.hits == 0
