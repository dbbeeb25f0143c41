"""Gemini on Vertex AI: a service account that logs in, and express mode with a key.

The login is Google's own library against a local token server; nothing of it is replaced.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from agent.planner import build_planner
from agent.planner.gemini import GeminiPlanner
from agent.settings import Settings
from tests.gemini_server import KEY, GeminiServer, text
from tests.gemini_ways import TWO_WAYS, ask
from tests.http_server import QuietHandler, QuietServer

TOKEN = "test-token-ya29-notReal"
PATH = "/v1beta1/projects/p-1/locations/europe-west4/publishers/google/models/gemini-x"


class _TokenServer(QuietServer):
    logins: list[dict[str, list[str]]]


class _Handler(QuietHandler):
    server: _TokenServer

    def do_POST(self) -> None:  # noqa: N802 - the name that http.server calls
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.logins.append(parse_qs(body))
        said = {"access_token": TOKEN, "expires_in": 3600, "token_type": "Bearer"}
        data = json.dumps(said).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@pytest.fixture
def login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[_TokenServer]:
    """A service account as the application default, whose tokens come from a local server."""
    server = _TokenServer(("127.0.0.1", 0), _Handler)
    server.logins = []
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    account = {
        "type": "service_account",
        "project_id": "p-1",
        "private_key_id": "1",
        "private_key": key.private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        ).decode(),
        "client_email": "hoofbeat@p-1.iam.gserviceaccount.com",
        "token_uri": f"http://127.0.0.1:{server.server_address[1]}/token",
    }
    path = tmp_path / "account.json"
    path.write_text(json.dumps(account))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def planner_of(server: GeminiServer, **given: Any) -> GeminiPlanner:
    settings = Settings(
        planner="gemini:gemini-x", gemini_vertex=True, gemini_base_url=server.base_url, **given
    )
    planner = build_planner(settings)
    assert isinstance(planner, GeminiPlanner)
    return planner


@pytest.mark.parametrize("way", TWO_WAYS)
def test_a_service_account_logs_in_and_its_token_is_sent(way: str, login: _TokenServer) -> None:
    with GeminiServer([text("x")], token=TOKEN) as server:
        planner = planner_of(server, gemini_project="p-1", gemini_location="europe-west4")
        assert ask(planner, "look", way).text == "x"
    (request,) = server.requests
    assert request.path.partition(":")[0] == PATH
    assert request.headers["authorization"] == f"Bearer {TOKEN}"
    assert len(login.logins) == 1
    assert login.logins[0]["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]


@pytest.mark.parametrize("name", ["GOOGLE_API_KEY", "GEMINI_API_KEY"])
def test_a_key_in_the_environment_does_not_stand_in_for_the_login(
    name: str, login: _TokenServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, KEY)
    with GeminiServer([text("x")], token=TOKEN) as server:
        planner = planner_of(server, gemini_project="p-1", gemini_location="europe-west4")
        ask(planner, "look", "invoke")
    assert "x-goog-api-key" not in server.requests[0].headers


def test_a_key_without_a_project_is_express_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", KEY)
    with GeminiServer([text("x")]) as server:
        ask(planner_of(server), "look", "invoke")
    path = "/v1beta1/publishers/google/models/gemini-x:generateContent"
    assert server.requests[0].path == path
