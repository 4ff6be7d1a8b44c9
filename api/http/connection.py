"""One client's connection: how much it may send, how slow it may be, how an answer is written.

uvicorn's protocol would read a request head without end, wait for one without end, and keep an
answer for a client that reads nothing. Many such clients would use up memory and descriptors, and
limits on requests do not help, since they never complete one. It also writes the head and the body
of an answer in two system calls: for a tile that was a fifth of the cost.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final, cast

from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from api.http.asgi import problem_headers, whole_headers
from api.http.problems import Problem, not_now

MAX_CONNECTIONS: Final = 8192
MAX_HEAD_BYTES: Final = 64 * 1024
"""How long a request head, or the trailers of a body, may be, beyond one read."""
MAX_QUEUED: Final = 100
"""Requests that a client may send before it has the answer to the first of them."""
HEAD_SECONDS: Final = 10.0
"""How long a client may take for a request head, or for its first byte."""
STALL_SECONDS: Final = 30.0
"""How long a client may read nothing of an answer under way."""

_FRAMING: Final = (b"content-length", b"transfer-encoding")


class Connection(HttpToolsProtocol):
    """The HTTP protocol of the server, with bounds, over a transport that joins writes."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a new connection, or refuse it when there are too many."""
        gathering = _Gathering(cast("asyncio.Transport", transport), self.loop)
        super().connection_made(cast("asyncio.Transport", gathering))
        self._running: RequestResponseCycle | None = None
        self._refusal: Problem | None = None
        self._unframed = 0  # bytes since the last head or piece of a body was whole
        self._head_since: float | None = self.loop.time()
        self._stalled_since: float | None = None
        if len(self.connections) > MAX_CONNECTIONS:
            self._dismiss(not_now("overloaded", "too many connections are open", retry_after=5))

    def end_if_slow(self, now: float) -> None:
        """End the connection if its client is too slow; `now` is the time of the loop."""
        if self._stalled_since is not None and now - self._stalled_since > STALL_SECONDS:
            self.transport.abort()
        elif (
            self._head_since is not None
            and now - self._head_since > HEAD_SECONDS
            and not self._answering
        ):
            self._dismiss(Problem(408, "timeout", f"no request head within {HEAD_SECONDS:.0f} s"))

    # --- What the transport calls ---

    def data_received(self, data: bytes) -> None:
        """Take bytes; refuse a head, or trailers, that are too long."""
        self._unframed += len(data)
        super().data_received(data)
        if self._unframed > MAX_HEAD_BYTES:
            detail = f"a request head is at most {MAX_HEAD_BYTES} bytes"
            self._dismiss(Problem(431, "head-size", detail))
        elif self._head_since is None and not self._answering:
            self._head_since = self.loop.time()  # blank lines, or a body that was refused

    def connection_lost(self, exc: Exception | None) -> None:
        """End the request that is being answered, which may not be the last that was read."""
        running, self._running = self._running, None
        if running is not None and not running.response_complete:
            running.disconnected = True
            running.message_event.set()
        self.pipeline.clear()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Note that the client reads nothing at the moment."""
        self._stalled_since = self.loop.time()
        super().pause_writing()

    def resume_writing(self) -> None:
        """Note that the client reads again."""
        self._stalled_since = None
        super().resume_writing()

    # --- What the parser calls ---

    def on_message_begin(self) -> None:
        """Begin on a request head."""
        if len(self.pipeline) >= MAX_QUEUED:
            self._refuse(Problem(400, "http", f"more than {MAX_QUEUED} requests are queued"))
        self._head_since = self.loop.time()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Begin to answer."""
        if self.parser.should_upgrade() and any(name in _FRAMING for name, _ in self.headers):
            # The parser would read the body as the first bytes of the other protocol.
            detail = "a request with a body cannot ask for an upgrade; this is HTTP/1.1 alone"
            self._refuse(Problem(400, "http", detail))
        self._unframed = 0
        self._head_since = None
        super().on_headers_complete()
        # Trailers after the body are discarded (RFC 9110 section 6.5.1), not added to the head.
        self.headers = []

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body."""
        self._unframed = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End a request."""
        self._unframed = 0
        super().on_message_complete()

    def _refuse(self, problem: Problem) -> None:
        """Stop the parser; it then calls `send_400_response`, which sends this problem."""
        self._refusal = problem
        raise ValueError(problem)

    # --- What the protocol calls ---

    def on_response_complete(self) -> None:
        """Restart the clock: a head that had begun may have waited for this answer."""
        if self._head_since is not None:
            self._head_since = self.loop.time()
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is not HTTP."""
        self._dismiss(self._refusal or Problem(400, "http", msg))

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        """Begin on an answer."""
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    @property
    def _answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _dismiss(self, problem: Problem) -> None:
        """Send the problem, unless another answer is under way, and close."""
        if self.transport.is_closing():
            return
        if not self._answering:
            body = problem.render()
            headers = [(b"connection", b"close"), *problem_headers(problem)]
            head = b"".join(b"%b: %b\r\n" % header for header in whole_headers(headers, body))
            self.transport.write(b"%b%b\r\n%b" % (STATUS_LINE[problem.document.status], head, body))
        self.transport.close()


class _Gathering:
    """A transport that joins the writes of one loop turn into one system call."""

    __slots__ = ("_loop", "_transport", "_written")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._written: list[bytes] = []

    def write(self, data: bytes) -> None:
        if not self._written:
            self._loop.call_soon(self._flush)
        self._written.append(data)

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        written, self._written = self._written, []
        # The client may be gone: writing to a closed transport raises.
        if written and not self._transport.is_closing():
            self._transport.write(b"".join(written))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
