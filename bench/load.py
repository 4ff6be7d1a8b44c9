"""A load generator that costs little: keep-alive connections, one request in flight on each."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import httptools


@dataclass(slots=True)
class Answers:
    """What came back: seconds each request took, when each answer came, answers by status."""

    seconds: list[float] = field(default_factory=list)
    came: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)
    begun: float = 0.0
    elapsed: float = 0.0

    def rate(self, start: int, end: int) -> float:
        """Return answers per second from the `start`th, counted from 0, to before the `end`th."""
        return (end - start) / (self.came[end - 1] - (self.came[start - 1] if start else 0.0))

    def only(self, *expected: int) -> None:
        """Stop the bench unless every answer had an expected status."""
        if set(self.statuses) - set(expected):
            raise SystemExit(f"answers by status: {self.statuses}, expected only {expected}")


def post(port: int, target: str, media_type: str, body: bytes) -> bytes:
    """Return the bytes of a POST request to this machine."""
    head = (
        f"POST {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
        f"Content-Type: {media_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def get(port: int, target: str) -> bytes:
    """Return the bytes of a GET request to this machine."""
    return f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()


async def drive(
    port: int, requests: Iterator[bytes], connections: int, answers: Answers | None = None
) -> Answers:
    """Send all `requests` over so many connections to 127.0.0.1 and wait for every answer.

    `answers` is filled as they come, and returned.
    """
    answers = Answers() if answers is None else answers
    loop = asyncio.get_running_loop()
    answers.begun = time.perf_counter()
    ends = []
    for _ in range(connections):
        connection = _Connection(requests, answers, loop.create_future())
        await loop.create_connection(lambda c=connection: c, "127.0.0.1", port)  # type: ignore[misc]
        ends.append(connection.ended)
    await asyncio.gather(*ends)
    answers.elapsed = time.perf_counter() - answers.begun
    return answers


class _Connection(asyncio.Protocol):
    """Sends the next request as soon as the last one is answered."""

    def __init__(
        self, requests: Iterator[bytes], answers: Answers, ended: asyncio.Future[None]
    ) -> None:
        self.ended = ended
        self._requests = requests
        self._answers = answers
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._sent = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101
        self._transport = transport
        self._next()

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        status = self._parser.get_status_code()
        now = time.perf_counter()
        self._answers.seconds.append(now - self._sent)
        self._answers.came.append(now - self._answers.begun)
        self._answers.statuses[status] = self._answers.statuses.get(status, 0) + 1
        self._parser = httptools.HttpResponseParser(self)
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_exception(exc or ConnectionError("the server closed the connection"))

    def _next(self) -> None:
        request = next(self._requests, None)
        if self._transport is None:
            return
        if request is None:
            self.ended.set_result(None)
            self._transport.close()
            return
        self._sent = time.perf_counter()
        self._transport.write(request)
