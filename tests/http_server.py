"""What the tests' HTTP servers share: many callers, no log, and a connection that can be reset."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class QuietServer(ThreadingHTTPServer):
    """Says nothing of clients that give up."""

    request_queue_size = 256  # the default of 5 makes a hundred callers wait for SYN retries
    daemon_threads = True

    def shutdown_request(self, request: Any) -> None:
        """Close at once: a FIN sent before would hide the reset that `reset` asks for."""
        self.close_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that gave up is part of the tests."""


class QuietHandler(BaseHTTPRequestHandler):
    """HTTP/1.1 without delays and without a log."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def reset(self) -> None:
        """End the connection with RST: lingering for 0 s makes close() send it instead of FIN."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        """Keep quiet."""


class CountingServer(QuietServer):
    """Counts whoever asks it for anything; for tests in which nobody may.

    Attributes:
        hits: Requests so far.
    """

    hits = 0

    @property
    def url(self) -> str:
        """Of a picture that it would serve."""
        return f"http://127.0.0.1:{self.server_address[1]}/scan.png"


class _Counting(QuietHandler):
    server: CountingServer

    def do_GET(self) -> None:
        self.server.hits += 1
        self.send_response(204)
        self.end_headers()

    do_HEAD = do_POST = do_GET  # noqa: N815


@contextmanager
def counting_server() -> Iterator[CountingServer]:
    """One that runs until the block ends."""
    server = CountingServer(("127.0.0.1", 0), _Counting)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
