"""The port for operators: `/metrics`, `/healthz` and `/readyz`, apart from the public face.

Numbers tell a stranger how busy a registry is, what it refuses and when it was restarted, so they
are not served where everybody asks. It answers from threads of its own, and so does even a server
whose event loop hangs. It listens on loopback unless told otherwise, and asks nobody who they are:
only the monitoring may reach it.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import BoundedSemaphore, Thread
from typing import Final, NamedTuple, TypeAlias

from api.operations.numbers import CONTENT_TYPE, Numbers
from testamur.errors import Unavailable

_JSON: Final = "application/json"
_AT_ONCE: Final = 8
_SECONDS: Final = 5.0  # that a client may be silent


class Answer(NamedTuple):
    """One answer."""

    status: int
    media_type: str
    body: bytes


Answers: TypeAlias = Mapping[str, Callable[[], Answer]]


def shown(numbers: Numbers, ready: Callable[[], tuple[bool, bytes]]) -> Answers:
    """Return what a process shows: its numbers, that it lives, and what `ready` returns.

    That is whether the process is ready, and why or why not, as JSON.
    """

    def readyz() -> Answer:
        is_ready, why = ready()
        return Answer(200 if is_ready else 503, _JSON, why)

    return {
        "/metrics": lambda: Answer(200, CONTENT_TYPE, numbers.exposition()),
        "/healthz": lambda: Answer(200, _JSON, b'{"status":"alive"}'),
        "/readyz": readyz,
    }


class OperationsPort:
    """Answers GET of the paths in `answers` on `host`:`port` between `start` and `close`.

    `answers` are called on threads of this port. Port 0 picks a free one; `address` tells which.
    Raises `Unavailable` when the address cannot be used.
    """

    def __init__(self, host: str, port: int, answers: Answers) -> None:
        try:
            self._server = _Server(host, port, answers)
        except OSError as error:
            raise Unavailable(f"cannot listen on {host} port {port}: {error.strerror}") from error
        self._thread = Thread(target=self._server.serve_forever, name="operations", daemon=True)

    @property
    def address(self) -> str:
        """The URL of the port."""
        host, port = self._server.server_address[:2]
        host = str(host)
        return f"http://{f'[{host}]' if ':' in host else host}:{port}"

    def start(self) -> None:
        """Answer from now on."""
        self._thread.start()

    def close(self) -> None:
        """Stop answering."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 16

    def __init__(self, host: str, port: int, answers: Answers) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.answers = answers
        self._room = BoundedSemaphore(_AT_ONCE)
        super().__init__((host, port), _Handler)

    def server_bind(self) -> None:
        # Not that of HTTPServer, which asks the name service for the name of the address.
        socket.socket.setsockopt(self.socket, socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]

    def process_request(self, request: object, client_address: object) -> None:
        if self._room.acquire(blocking=False):
            super().process_request(request, client_address)  # type: ignore[arg-type]
        else:
            self.shutdown_request(request)  # type: ignore[arg-type]

    def process_request_thread(self, request: object, client_address: object) -> None:
        try:
            super().process_request_thread(request, client_address)  # type: ignore[arg-type]
        finally:
            self._room.release()

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a client that hung up."""


class _Handler(BaseHTTPRequestHandler):
    timeout = _SECONDS
    server: _Server

    def do_GET(self) -> None:
        asked = self.server.answers.get(self.path)
        found = Answer(404, "text/plain", b"no such path\n") if asked is None else asked()
        self.send_response(found.status)
        self.send_header("Content-Type", found.media_type)
        self.send_header("Content-Length", str(len(found.body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        with suppress(ConnectionError):
            self.wfile.write(found.body)

    def version_string(self) -> str:
        return "testamur"

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        """Log no request."""
