"""One client's connection: how much it may send, how long it may dawdle, how an answer leaves.

The HTTP protocol beneath would take a request head that never ends, wait for one for ever, and
keep an answer for a client that takes nothing. A crowd of such clients would use up memory and
descriptors, and no limit on requests helps against who never makes one. It also calls the kernel
once for the head of an answer and once for its body: for a tile that was a fifth of the cost.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final, cast

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from api.asgi import problem_headers, whole_headers
from api.problems import Problem, not_now

MAX_CONNECTIONS: Final = 8192
MAX_HEAD_BYTES: Final = 64 * 1024
"""What a request head may take beyond the first bytes that arrive of it."""
HEAD_SECONDS: Final = 10.0
"""How long a client may take for a request head, or for its first byte."""
STALL_SECONDS: Final = 30.0
"""How long a client may take no more than the system buffers for it, with an answer under way."""


class Connection(HttpToolsProtocol):
    """The HTTP protocol of the server, with bounds, over a transport that gathers."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin on a new connection, or turn it away when there are too many."""
        gathering = _Gathering(cast("asyncio.Transport", transport), self.loop)
        super().connection_made(cast("asyncio.Transport", gathering))
        self._head_bytes = 0
        self._head_since: float | None = self.loop.time()
        self._stalled_since: float | None = None
        if len(self.connections) > MAX_CONNECTIONS:
            self._dismiss(not_now("overloaded", "too many connections are open", retry_after=5))

    def lose_patience(self, now: float) -> None:
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
        """Take bytes; a request head that goes on for too long is refused."""
        begun = self._head_since
        super().data_received(data)
        if self._head_since is None:
            if not self._answering:  # blank lines, or a body that was refused
                self._head_since = self.loop.time()
        elif self._head_since == begun:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                detail = f"a request head is at most {MAX_HEAD_BYTES} bytes"
                self._dismiss(Problem(431, "head-size", detail))

    def pause_writing(self) -> None:
        """Note that the client takes nothing just now."""
        self._stalled_since = self.loop.time()
        super().pause_writing()

    def resume_writing(self) -> None:
        """Note that it does again."""
        self._stalled_since = None
        super().resume_writing()

    # --- What the parser calls ---

    def on_message_begin(self) -> None:
        """Begin on a request head."""
        self._head_bytes = 0
        self._head_since = self.loop.time()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Begin to answer."""
        self._head_since = None
        super().on_headers_complete()

    # --- What the protocol calls ---

    def on_response_complete(self) -> None:
        """Be patient anew: a head that had begun may have waited for this answer to end."""
        if self._head_since is not None:
            self._head_since = self.loop.time()
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is not HTTP."""
        self._dismiss(Problem(400, "http", msg))

    @property
    def _answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _dismiss(self, problem: Problem) -> None:
        """Say why, unless another answer is under way, and close."""
        if not self._answering:
            body = problem.render()
            headers = [(b"connection", b"close"), *problem_headers(problem)]
            head = b"".join(b"%b: %b\r\n" % header for header in whole_headers(headers, body))
            self.transport.write(b"%b%b\r\n%b" % (STATUS_LINE[problem.document.status], head, body))
        self.transport.close()


class _Gathering:
    """A transport that sends what was written in one turn of the loop at the end of that turn."""

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
        # The client may have gone since: a closed transport takes nothing, and says so by raising.
        if written and not self._transport.is_closing():
            self._transport.write(b"".join(written))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
