"""What one connection may take of the server, and that its end disturbs nobody."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import pytest
import uvloop
from uvicorn import Config
from uvicorn.server import ServerState

from api.http import connection
from api.http.answers import ANSWERS_BYTES, Answers
from api.http.asgi import Receive, Scope, Send
from api.http.connection import HEAD_SECONDS, MAX_HEAD_BYTES, MAX_QUEUED, STALL_SECONDS, Connection
from api.leaving import Leaving
from tests.harness.served import Served

# Closing with this sends a reset: everything under way is lost at once.
RESET = struct.pack("ii", 1, 0)
REQUEST = b"GET / HTTP/1.1\r\nHost: log.example\r\n\r\n"
Meanwhile = Callable[[], Awaitable[None]]


async def at_once() -> None:
    """Do nothing before the answer."""


async def wait_for_ever() -> None:
    """Never come to the answer."""
    await asyncio.Event().wait()


class Client:
    """A client's end of one connection; `protocol` is the server's end."""

    def __init__(
        self, end: socket.socket, state: ServerState, answered: asyncio.Event, answers: Answers
    ) -> None:
        self.end = end
        self.answered = answered
        self.answers = answers
        self._state = state
        self._taken = b""
        self._loop = asyncio.get_running_loop()

    @property
    def protocol(self) -> Connection:
        (found,) = self._state.connections
        return cast("Connection", found)

    async def ask_for_what_is_not_taken(self) -> None:
        """Send a request, and return once the server waits for the client to take the answer."""
        await self.send(REQUEST)
        async with asyncio.timeout(60):
            while not self.protocol.flow.write_paused:  # noqa: ASYNC110  # the server's own state
                await asyncio.sleep(0.001)

    async def send(self, data: bytes) -> None:
        await self._loop.sock_sendall(self.end, data)
        await asyncio.sleep(0.01)

    async def receive(self) -> bytes:
        """Return what comes next, or nothing when the server has closed."""
        async with asyncio.timeout(5):
            return await self._loop.sock_recv(self.end, 65536)

    async def receive_answer(self) -> None:
        """Take one whole answer."""
        while b"\r\n0\r\n\r\n" not in self._taken:
            self._taken += await self.receive()
        answer, _, self._taken = self._taken.partition(b"\r\n0\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 200 OK\r\n")

    def later(self, seconds: float) -> None:
        """Let the server look for slow clients as if so many seconds had gone by."""
        self.protocol.end_if_slow(self._loop.time() + seconds)


@asynccontextmanager
async def connected(
    meanwhile: Meanwhile = at_once,
    *,
    body: bytes = b"whole",
    linger: bytes | None = None,
    heads: list[Any] | None = None,
    budget: int = ANSWERS_BYTES,
) -> AsyncIterator[Client]:
    """Connect to a server that answers `body` after `meanwhile`; its loop may not complain."""
    complaints: list[dict[str, Any]] = []
    answered = asyncio.Event()

    async def app(scope: Scope, _: Receive, send: Send) -> None:
        await meanwhile()
        if heads is not None:
            heads.append(scope["headers"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body, "more_body": True})
        await asyncio.sleep(0)  # what was written is sent in the next turn
        await send({"type": "http.response.body", "body": b""})
        answered.set()

    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: complaints.append(context))
    config = Config(app, log_config=None, lifespan="off")
    config.load()
    state = ServerState()
    answers, leaving = Answers(budget), Leaving(announce=0, grace=20)
    server = await loop.create_server(
        lambda: Connection(config, state, {}, answers=answers, leaving=leaving), "127.0.0.1", 0
    )
    try:
        with socket.socket() as end:
            if linger is not None:
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            end.setblocking(False)
            await loop.sock_connect(end, server.sockets[0].getsockname())
            while not state.connections:  # noqa: ASYNC110  # the server's own set
                await asyncio.sleep(0.001)
            yield Client(end, state, answered, answers)
        for _ in range(20):  # whatever was put off to a later turn of the loop has its turn
            await asyncio.sleep(0.001)
        assert complaints == []
        assert state.connections == set()
        assert answers.held == 0
    finally:
        server.close()
        for left in state.connections:  # or the loop would wait for them
            left.transport.abort()
        for task in state.tasks:
            task.cancel()


def problem(answer: bytes) -> tuple[int, str]:
    """Return status and rule of a problem document, which says all that every answer says."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"\r\ncontent-type: application/problem+json\r\n" in head
    assert b"\r\nconnection: close\r\n" in head
    assert b"\r\nx-content-type-options: nosniff" in head
    assert b"\r\ncontent-length: %d\r\n" % len(body) in head
    found = json.loads(body)
    assert head.startswith(b"HTTP/1.1 %d " % found["status"])
    return found["status"], found["rule"]


# --- Clients that go ---


@pytest.mark.slow
@pytest.mark.parametrize("linger", [None, RESET], ids=["closed", "reset"])
@pytest.mark.parametrize("turns", range(8))
def test_a_client_that_goes_while_its_answer_is_written_disturbs_nobody(
    turns: int, linger: bytes | None
) -> None:
    async def go() -> None:
        async def leave() -> None:
            client.end.close()
            # The loop hears of it within a few turns; the answer is written in one of them.
            for _ in range(turns):
                await asyncio.sleep(0)

        async with connected(leave, linger=linger) as client:
            await asyncio.get_running_loop().sock_sendall(client.end, REQUEST)
            await client.answered.wait()

    uvloop.run(go())


# --- Clients that are slow ---


@pytest.mark.parametrize(
    "sent",
    [b"", b"G", b"GET / HTTP/1.1\r\nHost: log.ex", b"\r\n", REQUEST[:-2]],
    ids=["nothing", "a byte", "half a line", "a blank line", "all but the end"],
)
def test_a_head_that_does_not_come_is_waited_for_so_long_and_no_longer(sent: bytes) -> None:
    async def go() -> None:
        async with connected() as client:
            if sent:
                await client.send(sent)
            client.later(HEAD_SECONDS - 1)
            client.later(HEAD_SECONDS + 1)
            assert problem(await client.receive()) == (408, "timeout")
            assert await client.receive() == b""

    uvloop.run(go())


def test_a_second_head_gets_as_much_time_as_the_first_and_no_more() -> None:
    async def go() -> None:
        async with connected() as client:
            await client.send(REQUEST)
            await client.receive_answer()
            client.later(HEAD_SECONDS + 1)  # between requests a client may rest for longer
            await client.send(REQUEST[:9])
            client.later(HEAD_SECONDS - 1)
            client.later(HEAD_SECONDS + 1)
            assert problem(await client.receive()) == (408, "timeout")

    uvloop.run(go())


def test_a_client_that_waits_for_its_answer_is_not_slow() -> None:
    async def go() -> None:
        ready = asyncio.Event()

        async def wait() -> None:
            await ready.wait()

        async with connected(wait) as client:
            # A second request has begun meanwhile, and can go on only after the first.
            await client.send(REQUEST + REQUEST[:9])
            client.later(HEAD_SECONDS + 1)
            ready.set()
            await client.receive_answer()
            client.later(HEAD_SECONDS - 1)
            await client.send(REQUEST[9:])
            await client.receive_answer()

    uvloop.run(go())


def test_a_client_that_takes_nothing_of_its_answer_is_let_go() -> None:
    async def go() -> None:
        async with connected(body=bytes(64 << 20)) as client:
            await client.ask_for_what_is_not_taken()
            assert not client.answered.is_set()
            client.later(STALL_SECONDS - 1)
            assert not client.protocol.transport.is_closing()
            client.later(STALL_SECONDS + 1)
            await client.answered.wait()  # the producer of the answer is free again

    uvloop.run(go())


def test_a_client_that_takes_its_answer_slowly_gets_all_of_it() -> None:
    async def go() -> None:
        async with connected(body=bytes(8 << 20)) as client:
            await client.send(REQUEST)
            taken = 0
            while not client.answered.is_set():
                taken += len(await client.receive())
                # Within the patience for a client that takes nothing, but more than it in all.
                client.later(STALL_SECONDS / 2)
            assert taken > 1 << 20

    uvloop.run(go())


def test_what_a_client_does_not_take_is_counted_until_it_does() -> None:
    async def go() -> None:
        async with connected(body=bytes(8 << 20)) as client:
            await client.send(REQUEST)
            assert client.answers.held >= 8 << 20
            assert client.protocol.transport.get_write_buffer_size() < 1 << 20  # but not yet given
            while not client.answered.is_set():
                await client.receive()
            assert client.answers.held < 1 << 20

    uvloop.run(go())


def test_a_client_that_takes_nothing_is_let_go_at_once_when_memory_is_short() -> None:
    async def go() -> None:
        async with connected(body=bytes(64 << 20), budget=65 << 20) as client:
            await client.ask_for_what_is_not_taken()
            assert client.answers.held > 64 << 20
            client.answers.hold(_Other(), 2 << 20)
            await client.answered.wait()  # the producer of the answer is free again
            assert client.answers.make_room()  # what is left is the other's

    uvloop.run(go())


class _Other:
    def give_up(self) -> None:
        """Go."""


def test_requests_that_wait_behind_another_are_counted() -> None:
    async def go() -> None:
        ready = asyncio.Event()

        async def wait() -> None:
            await ready.wait()

        async with connected(wait) as client:
            await client.send(REQUEST * 50)
            assert client.answers.held > 50_000
            ready.set()
            for _ in range(50):
                await client.receive_answer()
            assert client.answers.held == 0

    uvloop.run(go())


def test_a_body_that_has_no_meaning_is_not_kept() -> None:
    async def go() -> None:
        async with connected(wait_for_ever) as client:
            await client.send(b"GET / HTTP/1.1\r\nContent-Length: 100000\r\n\r\n" + bytes(60_000))
            assert client.protocol.cycle.body == b""

    uvloop.run(go())


# --- Clients that send too much ---


@pytest.mark.slow
@pytest.mark.parametrize(
    "endless",
    [b"GET /", b"GET / HTTP/1.1\r\nX: ", b"GET / HTTP/1.1\r\n", b"GE"],
    ids=["path", "value", "fields", "name"],
)
def test_a_head_without_end_is_refused(endless: bytes) -> None:
    async def go() -> None:
        async with connected() as client:
            more = b"X-A: b\r\n" * 512 if endless.endswith(b"1.1\r\n") else b"a" * 4096
            sent = 0
            with pytest.raises(OSError, match=r".*"):  # noqa: PT012  # by then it has closed
                await client.send(endless)
                while sent < 8 * MAX_HEAD_BYTES:
                    await client.send(more)
                    sent += len(more)
            assert sent <= 2 * MAX_HEAD_BYTES

    uvloop.run(go())


def test_trailers_without_end_are_refused() -> None:
    async def go() -> None:
        async with connected(wait_for_ever) as client:
            chunked = REQUEST[:-2] + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n"
            sent = 0
            with pytest.raises(OSError, match=r".*"):  # noqa: PT012  # by then it has closed
                await client.send(chunked)
                while sent < 8 * MAX_HEAD_BYTES:
                    await client.send(b"X-A: b\r\n" * 512)
                    sent += 4096
            assert sent <= 2 * MAX_HEAD_BYTES

    uvloop.run(go())


def test_trailers_do_not_get_into_the_head() -> None:
    heads: list[Any] = []

    async def go() -> None:
        async with connected(heads=heads) as client:
            await client.send(
                REQUEST[:-2] + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n"
                b"0\r\nContent-Encoding: gzip\r\n\r\n"
            )
            await client.receive_answer()

    uvloop.run(go())
    assert [name for name, _ in heads[0]] == [b"host", b"transfer-encoding"]


def test_a_body_with_a_wish_to_upgrade_is_refused_rather_than_lost() -> None:
    """The parser would take the body for another protocol, and its bytes for the next request."""
    body = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
    head = (
        b"POST / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n"
        b"Content-Length: %d\r\n\r\n" % len(body)
    )

    async def go() -> None:
        async with connected() as client:
            await client.send(head + body)
            assert problem(await client.receive()) == (400, "http")
            assert await client.receive() == b""

    uvloop.run(go())


def test_requests_are_queued_up_to_a_number() -> None:
    async def go() -> None:
        async with connected() as client:
            await client.send(REQUEST * (MAX_QUEUED + 1))
            for _ in range(MAX_QUEUED + 1):
                await client.receive_answer()
            await client.send(REQUEST * (MAX_QUEUED + 2))
            assert await client.receive() == b""

    uvloop.run(go())


def test_what_is_not_http_is_refused_with_a_problem_document() -> None:
    async def go() -> None:
        async with connected() as client:
            await client.send(b"\x16\x03\x01 this is not HTTP\r\n\r\n")
            assert problem(await client.receive()) == (400, "http")
            assert await client.receive() == b""

    uvloop.run(go())


def test_what_is_not_http_does_not_break_into_the_answer_before_it() -> None:
    async def go() -> None:
        ready = asyncio.Event()

        async def wait() -> None:
            await ready.wait()

        async with connected(wait) as client:
            await client.send(REQUEST + b"\x00\x00\r\n\r\n")
            ready.set()
            assert await client.receive() == b""

    uvloop.run(go())


def test_a_connection_too_many_is_told_to_come_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "MAX_CONNECTIONS", 0)

    async def go() -> None:
        async with connected() as client:
            answer = await client.receive()
            assert problem(answer) == (503, "overloaded")
            assert b"\r\nretry-after: 5\r\n" in answer

    uvloop.run(go())


# --- The real server ---


def test_the_server_looks_for_slow_clients(served: Served) -> None:
    address = urlsplit(served.url)
    with socket.create_connection((str(address.hostname), int(address.port or 0))) as end:
        end.sendall(REQUEST[:-2])
        end.settimeout(HEAD_SECONDS + 20)
        assert problem(end.recv(65536)) == (408, "timeout")
        assert end.recv(65536) == b""


def test_the_server_may_open_as_many_files_as_it_takes_connections(served: Served) -> None:
    assert served.process is not None
    limits = Path(f"/proc/{served.process.pid}/limits").read_text()
    (line,) = [line for line in limits.splitlines() if line.startswith("Max open files")]
    assert int(line.split()[3]) >= connection.MAX_CONNECTIONS
