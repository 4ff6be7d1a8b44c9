"""One client's connection: how much it may send, how slow it may be, how an answer is written.

uvicorn's protocol would read a request head without end, wait for one without end, and keep an
answer for a client that reads nothing. Many such clients would use up memory and descriptors, and
limits on requests do not help, since they never complete one. It also writes the head and the body
of an answer in two system calls: for a tile that was a fifth of the cost.

A long answer goes out in pieces, the next one when the client has read most of the one before.
The budget of `answers.py` counts all that a connection holds meanwhile.
"""

from __future__ import annotations

import asyncio
import fcntl
import termios
from collections.abc import Awaitable, MutableMapping
from typing import Any, Final, cast

from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from api.http.answers import Answers
from api.http.asgi import Send, problem_headers, whole_headers
from api.http.problems import Problem, not_now
from api.leaving import Leaving

MAX_CONNECTIONS: Final = 8192
MAX_HEAD_BYTES: Final = 64 * 1024
"""How long a request head, or the trailers of a body, may be, beyond one read."""
MAX_HEADERS: Final = 128
"""Headers of one request: a short one takes 150 bytes of memory."""
MAX_QUEUED: Final = 100
"""Requests that a client may send before it has the answer to the first of them."""
MAX_QUEUED_BYTES: Final = 256 * 1024
"""What the bodies of these may have, beyond one read."""
PIECE_BYTES: Final = 64 * 1024
"""A longer answer is sent in pieces of this size."""
UNREAD_BYTES: Final = 16 * 1024
"""A client that has more than this to read is waited for, and counted."""
_REQUEST_BYTES: Final = 3 * 1024  # what a queued request takes, its body apart
HEAD_SECONDS: Final = 10.0
"""How long a client may take for a request head, or for its first byte."""
LAST_HEAD_SECONDS: Final = 2.0
"""The same once the server listens no more."""
STALL_SECONDS: Final = 30.0
"""How long a client may read nothing of an answer under way."""

_WITHOUT_BODY: Final = frozenset(("GET", "HEAD", "OPTIONS"))
_FRAMING: Final = (b"content-length", b"transfer-encoding")


class Connection(HttpToolsProtocol):
    """The HTTP protocol of the server, with bounds, over a transport that joins writes."""

    def __init__(self, *arguments: Any, answers: Answers, leaving: Leaving, **options: Any) -> None:
        """Take what uvicorn gives its protocols, and what all connections share."""
        super().__init__(*arguments, **options)
        self._answers = answers
        self._leaving = leaving

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a new connection, or refuse it when there are too many."""
        self._gathering = _Gathering(cast("asyncio.Transport", transport), self.loop)
        self._gathering.set_write_buffer_limits(high=UNREAD_BYTES)
        super().connection_made(cast("asyncio.Transport", self._gathering))
        self._running: RequestResponseCycle | None = None
        self._refusal: Problem | None = None
        self._unframed = 0  # bytes since the last head or piece of a body was whole
        self._head_since: float | None = self.loop.time()
        self._is_last = False  # the server listens no more, and ends after this request
        self._stalled_since: float | None = None
        self._unread = 0  # bytes that were written and not taken, when last looked at
        self._unread_since = 0.0
        self._sent: bytes | None = None  # the long answer that is being sent
        if len(self.connections) > MAX_CONNECTIONS:
            self._dismiss(not_now("overloaded", "too many connections are open", retry_after=5))

    def end_if_slow(self, now: float) -> None:
        """End the connection if its client is too slow; `now` is the time of the loop."""
        unread = self._gathering.get_write_buffer_size()
        if not unread or unread != self._unread:
            self._unread, self._unread_since = unread, now
        if (self._stalled_since is not None and now - self._stalled_since > STALL_SECONDS) or (
            # Too little to make `send` wait; the connection may even be closed on this side.
            now - self._unread_since > STALL_SECONDS
        ):
            self.transport.abort()
        elif (
            self._head_since is not None
            and now - self._head_since > self._head_seconds
            and not self._answering
        ):
            detail = f"no request head within {self._head_seconds:.0f} s"
            self._dismiss(Problem(408, "timeout", detail))

    def shutdown(self) -> None:
        """Close the connection after its requests: those that have come, wholly or in part.

        A client that is idle may send its next one just now. RFC 9112 section 9.3.1 has it retry
        then; one that has been idle for as long as the server announced its end could tell.
        """
        if self.transport.is_closing():
            return
        self._is_last = True
        if self._answering:
            self.cycle.keep_alive = False
        elif self._head_since is not None:
            self._head_since = self.loop.time()
        elif not self._has_arrived():
            self.transport.close()

    def give_up(self) -> None:
        """End the connection: it holds memory, and its client reads nothing."""
        self.transport.abort()

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
        elif self._answering and self.cycle.more_body and self.cycle.body:
            # No more of a body is read than the application asked for.
            self.flow.pause_reading()
        if self._queued:
            self._count()

    def connection_lost(self, exc: Exception | None) -> None:
        """End the request that is being answered, which may not be the last that was read."""
        running, self._running = self._running, None
        if running is not None and not running.response_complete:
            running.disconnected = True
            running.message_event.set()
        self.pipeline.clear()
        self._answers.hold(self, 0)
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Note that the client reads nothing at the moment."""
        self._stalled_since = self.loop.time()
        super().pause_writing()
        self._count()

    def resume_writing(self) -> None:
        """Note that the client reads again."""
        self._stalled_since = None
        super().resume_writing()
        self._answers.proceeds(self)
        self._count()

    # --- What the parser calls ---

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header, or a trailer."""
        if len(self.headers) >= MAX_HEADERS:
            detail = f"a request has at most {MAX_HEADERS} headers"
            self._refuse(Problem(431, "head-size", detail))
        super().on_header(name, value)

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
        if self.scope["method"] in _WITHOUT_BODY:
            return  # it has no meaning (RFC 9110 section 9.3.1), and would be kept unread
        super().on_body(body)
        if self.pipeline and len(self.cycle.body) > MAX_QUEUED_BYTES:
            self._refuse(Problem(400, "http", "a long body is queued behind another request"))

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
        queued = bool(self.pipeline)
        super().on_response_complete()
        if queued:
            self._count()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is not HTTP."""
        self._dismiss(self._refusal or Problem(400, "http", msg))

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        """Begin on an answer."""
        self._running = cycle
        if self._leaving.begun:
            cycle.keep_alive = False  # the client's next request goes to another server

        async def answering(scope: Any, receive: Any, send: Any) -> None:
            if scope["http_version"] == "1.0":
                send = _until_closed(cycle, send)

            def send_in_pieces(message: MutableMapping[str, Any]) -> Awaitable[None]:
                if len(message.get("body", b"")) <= PIECE_BYTES:
                    return cast("Awaitable[None]", send(message))
                return self._send_long(send, message)

            await app(scope, receive, cast("Any", send_in_pieces))
            if cycle.response_started and not cycle.response_complete and not cycle.disconnected:
                # The rest cannot be had, and the log says why. Without its end no client takes the
                # answer for a whole one.
                cycle.disconnected = True
                self.transport.close()

        super()._start_asgi_task(cycle, answering)

    # --- What is held meanwhile ---

    async def _send_long(self, send: Send, message: MutableMapping[str, Any]) -> None:
        """Send a long part of an answer in pieces, each when the client has room for it."""
        body, more = message["body"], message.get("more_body", False)
        self._sent = body
        self._count()
        try:
            for start in range(0, len(body), PIECE_BYTES):
                end = start + PIECE_BYTES
                piece = {"body": body[start:end], "more_body": more or end < len(body)}
                await send({"type": message["type"], **piece})
                # Only the transport knows whether there is room for more; `send` waits for it.
                self._gathering.flush()
                if not self.flow.write_paused:
                    self._answers.proceeds(self)
                    await asyncio.sleep(0)
                if self.transport.is_closing():
                    return
        finally:
            self._sent = None
            self._count()

    def _count(self) -> None:
        """State what this connection holds."""
        size = self._queued
        if self._stalled_since is not None:
            size += self._gathering.get_write_buffer_size()
        self._answers.hold(self, size, self._sent)

    @property
    def _queued(self) -> int:
        """The bytes that requests take while they wait behind another."""
        return sum(len(cycle.body) + _REQUEST_BYTES for cycle, _ in self.pipeline)

    @property
    def _head_seconds(self) -> float:
        return LAST_HEAD_SECONDS if self._is_last else HEAD_SECONDS

    def _has_arrived(self) -> bool:
        """Return whether bytes have come that were not read yet."""
        connected = self._gathering.get_extra_info("socket")
        waiting = fcntl.ioctl(connected.fileno(), termios.FIONREAD, bytes(4))
        return any(waiting)

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


def _until_closed(cycle: RequestResponseCycle, send: Any) -> Any:
    """Return the same `send` for a client that knows no chunks (RFC 9112 section 6.3).

    An answer of unknown length ends where the connection does, which uvicorn closes for HTTP/1.0.
    """
    chunked = False

    async def send_plainly(message: MutableMapping[str, Any]) -> None:
        nonlocal chunked
        if message["type"] == "http.response.start":
            chunked = all(name.lower() != b"content-length" for name, _ in message["headers"])
            if chunked:
                cycle.chunked_encoding = False
        elif chunked:
            cycle.expected_content_length = len(message.get("body", b""))
        await send(message)

    return send_plainly


class _Gathering:
    """A transport that joins the writes of one loop turn, unless they are long."""

    __slots__ = ("_loop", "_transport", "_written")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._written: list[bytes] = []

    def write(self, data: bytes) -> None:
        if not self._written:
            self._loop.call_soon(self.flush)
        self._written.append(data)

    def close(self) -> None:
        self.flush()
        self._transport.close()

    def flush(self) -> None:
        written, self._written = self._written, []
        # The client may be gone: writing to a closed transport raises.
        if written and not self._transport.is_closing():
            self._transport.write(b"".join(written))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
