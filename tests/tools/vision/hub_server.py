"""A server that speaks as much of the hub's protocol as downloads and headers need."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import ClassVar

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub(BaseHTTPRequestHandler):
    """As much of the hub's protocol as a download needs; the model's name says how it goes."""

    folder: Path
    fetched: ClassVar[list[str]]
    commit: ClassVar[str] = COMMIT  # what every branch and tag means

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        name = path.removeprefix("/api/models").split("/")[2]
        if name == "gated":
            self.reply(403, b"", {"X-Error-Code": "GatedRepo"})
        elif name == "missing":
            self.reply(404, b"", {"X-Error-Code": "RepoNotFound"})
        elif name == "cut":
            self.connection.close()
        elif path.endswith("/revision/nope"):
            self.reply(404, b"", {"X-Error-Code": "RevisionNotFound"})
        elif "/revision/" in path:
            self.reply(200, json.dumps({"id": "lab/fine", "sha": self.commit}).encode(), {})
        elif "/tree/" in path:
            tree = [
                {"type": "file", "path": f.name, "size": f.stat().st_size, "oid": f.name}
                for f in sorted(self.folder.iterdir())
            ]
            self.reply(200, json.dumps(tree).encode(), {})
        else:
            file = self.folder / path.rsplit("/", 1)[1]
            if not file.is_file():
                self.reply(404, b"", {"X-Error-Code": "EntryNotFound"})
                return
            self.fetched.append(file.name)
            marks = {"ETag": f'"{file.name}"', "X-Repo-Commit": self.commit}
            self.reply(200, file.read_bytes(), marks)

    def reply(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for key, value in headers.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass
