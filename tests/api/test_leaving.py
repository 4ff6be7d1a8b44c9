"""A client whose connection stood before the end of a server gets an answer."""

from __future__ import annotations

import contextlib
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest

from api.listening import Listener
from tests.harness.served import Served

REQUEST = b"GET /log/checkpoint HTTP/1.1\r\nHost: log.example\r\n\r\n"
CROWD = 400
WAIT = 30


@pytest.fixture
def log(opened_log: Served, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Served]:
    """A server of its own, which announces its end for a second, or for as long as is asked."""
    with contextlib.closing(opened_log.copy(tmp_path / "data")) as log:
        log.start("--announce", getattr(request, "param", "1"), "--grace", "20")
        yield log
        assert "Traceback" not in log.errors()


def connect(log: Served) -> socket.socket:
    address = urlsplit(log.url)
    return socket.create_connection((str(address.hostname), int(address.port or 0)), WAIT)


def received(end: socket.socket) -> bytes:
    """Return all that comes until the server closes."""
    return b"".join(iter(lambda: end.recv(65536), b""))


def begin_to_end(log: Served) -> None:
    assert log.process is not None
    log.process.send_signal(signal.SIGTERM)
    while httpx2.get(f"{log.operations}/readyz").status_code != httpx2.codes.SERVICE_UNAVAILABLE:
        time.sleep(0.02)


@pytest.mark.parametrize("log", ["0", "1"], indirect=True)
def test_requests_that_the_server_has_not_accepted_when_it_is_told_to_end_are_answered(
    log: Served,
) -> None:
    assert log.process is not None
    with contextlib.ExitStack() as stack:
        log.process.send_signal(signal.SIGSTOP)
        ends = [stack.enter_context(connect(log)) for _ in range(CROWD)]
        for end in ends:
            end.sendall(REQUEST)
        log.process.send_signal(signal.SIGTERM)
        log.process.send_signal(signal.SIGCONT)
        for end in ends:
            assert received(end).startswith(b"HTTP/1.1 200 ")
    assert log.stop() == 0


@pytest.mark.parametrize("sent", [REQUEST[:1], REQUEST[:-2]], ids=["a byte", "all but the end"])
@pytest.mark.parametrize("before", [b"", REQUEST], ids=["first", "second"])
def test_a_request_that_had_begun_when_the_server_listened_no_more_is_answered(
    log: Served, before: bytes, sent: bytes
) -> None:
    with connect(log) as end:
        if before:
            end.sendall(before)
            assert end.recv(65536).startswith(b"HTTP/1.1 200 ")
        end.sendall(sent)
        begin_to_end(log)
        until_refused(log)
        end.sendall(REQUEST[len(sent) :])
        assert received(end).startswith(b"HTTP/1.1 200 ")
    assert log.stop() == 0


def until_refused(log: Served) -> None:
    """Wait until the server has closed its listener; a connection may be dropped before that."""
    address = urlsplit(log.url)
    while True:
        try:
            socket.create_connection((str(address.hostname), int(address.port or 0)), 0.2).close()
        except ConnectionRefusedError:
            return
        except TimeoutError:
            pass
        time.sleep(0.02)


def test_a_client_that_sends_nothing_keeps_no_server_from_its_end(log: Served) -> None:
    began = time.monotonic()
    with connect(log) as idle, connect(log) as begun:
        begun.sendall(REQUEST[:9])
        assert log.stop() == 0
        for end in (idle, begun):
            assert received(end).startswith(b"HTTP/1.1 408 ")
    assert time.monotonic() - began < 15  # of 20


def test_while_a_listener_drops_new_connections_those_that_stand_are_accepted() -> None:
    with Listener("127.0.0.1", 0) as listener:
        first, *_ = listener.sockets
        address = first.getsockname()
        with socket.create_connection(address, WAIT) as before:
            listener.drop_new()
            with pytest.raises(TimeoutError):
                socket.create_connection(address, 0.5)
            before.sendall(b"sent")
            first.settimeout(WAIT)
            assert listener.waiting == 1
            accepted, _ = first.accept()
            assert listener.waiting == 0
            with accepted:
                assert accepted.recv(4) == b"sent"
                accepted.sendall(b"back")
            assert before.recv(4) == b"back"
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address, WAIT)
