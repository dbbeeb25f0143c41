"""What the tests' HTTP servers share: many callers, no log, and a connection that can be reset."""

from __future__ import annotations

import socket
import struct
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
