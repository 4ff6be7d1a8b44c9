"""The port for operators: `/metrics`, `/healthz` and `/readyz`, apart from the public face.

Numbers tell a stranger how busy a registry is, what it refuses and when it was restarted, so they
are not served where everybody asks. It answers from threads of its own, and so does even a server
whose event loop hangs. It listens on loopback unless told otherwise, and asks nobody who they are:
only the monitoring may reach it. A web page must not reach it through a browser behind the
firewall either: a name that anybody can register may lead to any address (DNS rebinding), so a
`Host` of such a name is refused.
"""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from threading import BoundedSemaphore, Lock, Thread
from typing import Final, NamedTuple, TypeAlias, cast

from api.operations.numbers import CONTENT_TYPE, Numbers
from testamur.errors import Unavailable

_JSON: Final = "application/json"
_AT_ONCE: Final = 8
_SECONDS: Final = 5.0  # for the whole head of a request, and again for the answer to be taken
_HOST: Final = re.compile(r"(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<name>[^\[\]:]+))(?::[0-9]{0,5})?")
_REFUSED: Final = (
    b"Host must be an address, localhost, a name without a dot, or the name of --ops-host\n"
)


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
        self.named = host
        # Clients whose request is not whole yet, the oldest first, and until when it must be.
        self._waiting: dict[socket.socket, float] = {}
        self._turn = Lock()
        self._room = BoundedSemaphore(_AT_ONCE)
        super().__init__((host, port), _Handler)

    def server_bind(self) -> None:
        # Not that of HTTPServer, which asks the name service for the name of the address.
        socket.socket.setsockopt(self.socket, socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]

    def process_request(self, request: object, client_address: object) -> None:
        connection = cast(socket.socket, request)
        if not self._make_room():
            self.shutdown_request(connection)
            return
        with self._turn:
            self._waiting[connection] = time.monotonic() + _SECONDS
        super().process_request(connection, client_address)

    def process_request_thread(self, request: object, client_address: object) -> None:
        connection = cast(socket.socket, request)
        try:
            super().process_request_thread(connection, client_address)
        finally:
            self.on_whole(connection)
            self._room.release()

    def service_actions(self) -> None:
        """End the clients that send their head too slowly; called twice a second."""
        with self._turn:
            now = time.monotonic()
            for connection in [each for each, due in self._waiting.items() if due <= now]:
                self._end(connection)

    def on_whole(self, connection: socket.socket) -> None:
        """Note that the head of a request is there, so its client gets the answer."""
        with self._turn:
            self._waiting.pop(connection, None)

    def _make_room(self) -> bool:
        """Return whether there is a thread for one more client, if need be that of the oldest."""
        if self._room.acquire(blocking=False):
            return True
        with self._turn:
            oldest = next(iter(self._waiting), None)
            if oldest is None:
                return False  # all are being answered
            self._end(oldest)
        return self._room.acquire(timeout=1)

    def _end(self, connection: socket.socket) -> None:
        del self._waiting[connection]
        with suppress(OSError):  # it hung up meanwhile
            connection.shutdown(socket.SHUT_RDWR)  # its thread reads the end

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a client that hung up."""


class _Handler(BaseHTTPRequestHandler):
    timeout = _SECONDS
    server: _Server

    def do_GET(self) -> None:
        self.server.on_whole(self.connection)
        asked = self.server.answers.get(self.path)
        if not is_own_name(self.headers.get_all("Host", []), self.server.named):
            found = Answer(403, "text/plain", _REFUSED)
        else:
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


def is_own_name(hosts: Sequence[str], named: str) -> bool:
    """Return whether the `Host` fields of a request are none, or one that no stranger can register.

    That is an address, `localhost`, a name without a dot as container networks give them, or
    `named`. Clients of HTTP/1.0, which no browser is, may send none.
    """
    if len(hosts) != 1:
        return not hosts
    found = _HOST.fullmatch(hosts[0].strip())
    if found is None:
        return False
    name = (found["v6"] or found["name"]).lower()
    if "." not in name and ":" not in name:
        return True
    return name == named.lower() or _is_address(name)


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
