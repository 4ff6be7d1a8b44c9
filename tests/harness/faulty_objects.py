"""A proxy before an object store, honest until its plan says otherwise at a given request.

    with faulty(server.endpoint) as proxy:
        proxy.plan = lambda request: "503" if request.number == 3 else None

It passes on what it gets, to the byte and under the same `Host`, so signatures hold.
"""

from __future__ import annotations

import http.client
import socketserver
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import urlsplit

from tests.harness.simulators import flipped

# A server that fails before it did anything, or after it did everything.
FAILURES: Final = ("503", "stored, 503", "cut", "stored, cut", "silence", "stored, silence")
WRITE_FAULTS: Final = (*FAILURES, "409", "stored, 409", "lost")
READ_FAULTS: Final = ("503", "cut", "silence", "absent", "older", "cut short", "short", "flipped")
LIST_FAULTS: Final = ("503", "cut", "silence", "cut short")

_UNAVAILABLE: Final = b"<Error><Code>SlowDown</Code><Message>Reduce your rate.</Message></Error>"
_CONFLICT: Final = b"<Error><Code>ConditionalRequestConflict</Code></Error>"
_ABSENT: Final = b"<Error><Code>NoSuchKey</Code></Error>"
# Of one connection, or made anew by the sender of the message.
_HOP: Final = {"connection", "keep-alive", "transfer-encoding", "content-length"}


@dataclass(frozen=True)
class Request:
    """One request: its number from 0, its method, and its path with the query."""

    number: int
    method: str
    target: str

    @property
    def kind(self) -> str:
        """What it does: `list`, `get`, `put`, `delete`."""
        if self.method == "GET":
            return "list" if "list-type" in self.target else "get"
        return {"PUT": "put", "POST": "delete", "DELETE": "delete"}[self.method]


@dataclass
class Answer:
    """What a server said."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


@dataclass
class FaultyProxy:
    """A proxy at `endpoint` that was told a plan, and keeps the requests it got."""

    upstream: str
    endpoint: str = ""
    plan: Callable[[Request], str | None] = lambda _: None
    requests: list[Request] = field(default_factory=list)
    oldest: dict[str, Answer] = field(default_factory=dict)  # the first body each key was read with
    turn: threading.Lock = field(default_factory=threading.Lock)
    ended: threading.Event = field(default_factory=threading.Event)

    def arrived(self, method: str, target: str) -> tuple[Request, str | None]:
        """Keep a request, and return it with what is to go wrong."""
        with self.turn:
            request = Request(len(self.requests), method, target)
            self.requests.append(request)
        return request, self.plan(request)

    def forward(self, request: Request, headers: Mapping[str, str], body: bytes) -> Answer:
        """Pass a request on, and return the answer."""
        place = urlsplit(self.upstream).netloc
        with closing(http.client.HTTPConnection(place, timeout=60)) as connection:
            connection.putrequest(
                request.method, request.target, skip_host=True, skip_accept_encoding=True
            )
            for name, value in headers.items():
                if name.lower() not in _HOP:
                    connection.putheader(name, value)
            connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            found = connection.getresponse()
            kept = [pair for pair in found.getheaders() if pair[0].lower() not in _HOP]
            answer = Answer(found.status, kept, found.read())
        if request.kind == "get" and answer.status == 200:
            self.oldest.setdefault(request.target, answer)
        return answer


class _Handler(BaseHTTPRequestHandler):
    """Answers requests; `proxy` is set in a subclass."""

    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16  # head and body in one packet: else each answer waits 40 ms for an ACK
    disable_nagle_algorithm = True
    proxy: FaultyProxy

    def _do(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        request, fault = self.proxy.arrived(self.command, self.path)
        if fault == "absent":
            self._answer(Answer(404, [], _ABSENT))
        elif fault == "lost":
            self._answer(Answer(200, [("ETag", '"0123456789abcdef0123456789abcdef"')], b""))
        elif fault is None or fault.startswith("stored") or fault in _CHANGES:
            answer = self.proxy.forward(request, dict(self.headers.items()), body)
            if fault in _CHANGES:
                answer = _CHANGES[fault](answer, self.proxy.oldest.get(request.target))
            self._go_wrong((fault or "").removeprefix("stored, "), answer)
        else:
            self._go_wrong(fault, Answer(503, [], _UNAVAILABLE))

    do_GET = do_PUT = do_POST = do_DELETE = _do  # noqa: N815  # as the library calls them

    def _go_wrong(self, fault: str, answer: Answer) -> None:
        if fault == "503":
            self._answer(Answer(503, [], _UNAVAILABLE))
        elif fault == "409":
            self._answer(Answer(409, [], _CONFLICT))
        elif fault == "cut":
            self.close_connection = True
        elif fault == "silence":
            self.proxy.ended.wait(30)  # longer than any patience in a test
            self.close_connection = True
        elif fault == "cut short":
            self._answer(answer, sent=len(answer.body) // 2)
        else:
            self._answer(answer)

    def _answer(self, answer: Answer, *, sent: int | None = None) -> None:
        """Answer, with less of the body than is announced if `sent` is given."""
        with suppress(OSError):  # it has given up waiting
            self.send_response_only(answer.status)
            for name, value in answer.headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body[:sent])
            self.wfile.flush()
        if sent is not None:
            self.close_connection = True

    def log_message(self, *_: Any) -> None:
        """Say nothing: tests look at `requests`."""


_CHANGES: Final[dict[str | None, Callable[[Answer, Answer | None], Answer]]] = {
    "cut short": lambda answer, _: answer,
    "short": lambda answer, _: Answer(
        answer.status, answer.headers, answer.body[: len(answer.body) // 2]
    ),
    "flipped": lambda answer, _: Answer(
        answer.status, answer.headers, answer.body and flipped(answer.body)
    ),
    "older": lambda answer, oldest: oldest or answer,
}


class _Server(ThreadingHTTPServer):
    """A server whose clients may go without a word."""

    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, *_: Any) -> None:
        """Say nothing: a client that gave up is no error of this side."""


@contextmanager
def faulty(upstream: str) -> Iterator[FaultyProxy]:
    """Run a proxy before the server at `upstream` on a free port of the loopback."""
    proxy = FaultyProxy(upstream)
    handler = type("_Bound", (_Handler,), {"proxy": proxy})
    with _Server(("127.0.0.1", 0), handler) as server:
        proxy.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield proxy
        finally:
            proxy.ended.set()
            server.shutdown()
            thread.join()


@contextmanager
def answering(page: bytes) -> Iterator[str]:
    """Answer whatever is asked with these bytes, and end the connection; yields the endpoint."""

    class Always(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            head = list(iter(lambda: self.rfile.readline().strip().lower(), b""))
            lengths = [line for line in head if line.startswith(b"content-length:")]
            # Unread bytes would reset the connection, and perhaps take the answer with them.
            self.rfile.read(sum(int(line.partition(b":")[2]) for line in lengths))
            self.wfile.write(page)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

        def handle_error(self, *_: Any) -> None:
            """Say nothing: the client may hang up before it has read all."""

    with Server(("127.0.0.1", 0), Always) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
