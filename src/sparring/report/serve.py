"""Serves two pages to this machine alone, and no file.

Knows HTTP; what is on the pages is made elsewhere.
"""

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import create_server, socket
from typing import Any, Protocol

from sparring.errors import RequestError

LOOPBACK, MAX_PORT = "127.0.0.1", 65535


class Pages(Protocol):
    """What is served, as HTML."""

    def page(self) -> str:
        """The whole page, at /."""

    def now(self) -> str:
        """The part of it that is renewed, at /now."""


class _Handler(BaseHTTPRequestHandler):
    """Answers for two addresses."""

    server: "Server"

    def do_GET(self) -> None:
        if self.headers.get("Host") not in self.server.hosts:
            self.send_error(403)  # a page elsewhere whose name was pointed here
        elif self.path == "/":
            self._send(self.server.pages.page())
        elif self.path == "/now":
            self._send(self.server.pages.now())
        else:
            self.send_error(404)

    def _send(self, html: str) -> None:
        body = html.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are no news."""


class Server(ThreadingHTTPServer):
    """Serves at a socket that listens already, each request in a thread of its own."""

    def __init__(self, listening: socket, pages: Pages) -> None:
        super().__init__(listening.getsockname(), _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket, self.pages = listening, pages
        port = listening.getsockname()[1]
        self.hosts = {f"{name}:{port}" for name in (LOOPBACK, "localhost")}

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that has gone away is no error."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def listen(port: int) -> socket:
    """A socket at `port` of this machine alone, 0: one that is free. Raises RequestError."""
    if not 0 <= port <= MAX_PORT:
        raise RequestError(f"--port must lie in 0..{MAX_PORT}, not be {port}")
    try:
        return create_server((LOOPBACK, port))
    except OSError as error:
        raise RequestError(f"--port {port}: {error.strerror}; name another, or none") from error


def address(listening: socket) -> str:
    """Where a browser finds it."""
    return f"http://{LOOPBACK}:{listening.getsockname()[1]}/"
