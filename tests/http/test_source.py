"""Reading a log over HTTP, from a server that need not be trusted."""

from __future__ import annotations

import gzip
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx2
import pytest

from testamur.errors import Refuted, Unavailable
from testamur.http.source import HttpSource, open_source
from testamur.tlog.merkle import (
    CompactRange,
)
from testamur.tlog.reader import LogReader
from testamur.tlog.source import MAX_RESOURCE, NotFound
from tests.harness.published_log import PublishedLog, opened_log


@pytest.fixture
def log(tmp_path: Path) -> PublishedLog:
    """A log of 621 entries: two full bundles and a partial one of 109."""
    return opened_log(tmp_path / "log", 600, 9)[0]


Answer = tuple[int, dict[str, str], bytes]


class Server:
    """A web server on this machine; `answers` holds its answer to each path."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer | Callable[[int], Answer]] = {}
        self.asked: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(self.path)
                answer = outer.answers.get(self.path, (404, {}, b""))
                if callable(answer):
                    answer = answer(outer.asked.count(self.path))
                status, headers, body = answer
                if status == 0:
                    self.close_connection = True
                    return
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def serve(self, log: PublishedLog, prefix: str = "/log/") -> None:
        for file in log.root.rglob("*"):
            if file.is_file():
                path = prefix + file.relative_to(log.root).as_posix()
                self.answers[path] = (200, {}, file.read_bytes())

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.fixture
def client() -> Iterator[httpx2.Client]:
    with httpx2.Client(timeout=5) as client:
        yield client


def test_a_log_is_read_over_http_as_from_a_folder(
    log: PublishedLog, server: Server, client: httpx2.Client
) -> None:
    server.serve(log)
    reader = LogReader(HttpSource(server.url + "/log", client), log.key)
    stretches = reader.stretches(CompactRange.empty(), reader.checkpoint(), bundles=1)

    assert [entry for stretch in stretches for entry in stretch.entries] == log.entries
    assert reader.entry(300, reader.checkpoint()) == log.entries[300]


def test_a_walk_that_is_given_up_half_way_leaves_nothing_running(
    log: PublishedLog, server: Server, client: httpx2.Client
) -> None:
    server.serve(log)
    reader = LogReader(HttpSource(server.url + "/log", client), log.key)
    walk = reader.bundles(0, 621)
    next(walk)

    del walk

    assert not [t for t in threading.enumerate() if t.name.startswith("testamur-fetch")]


@pytest.mark.parametrize("status", [404, 410])
def test_what_a_server_does_not_have_is_not_found(
    server: Server, client: httpx2.Client, status: int
) -> None:
    server.answers["/checkpoint"] = (status, {}, b"")

    with pytest.raises(NotFound):
        HttpSource(server.url, client).fetch("checkpoint")


@pytest.mark.parametrize("status", [204, 403, 429, 500, 503])
def test_any_other_answer_could_not_be_examined(
    server: Server, client: httpx2.Client, status: int
) -> None:
    server.answers["/checkpoint"] = (status, {}, b"")

    with pytest.raises(Unavailable) as caught:
        HttpSource(server.url, client).fetch("checkpoint")
    assert not isinstance(caught.value, NotFound)


def test_a_connection_that_fails_is_tried_three_times(
    server: Server, client: httpx2.Client
) -> None:
    server.answers["/checkpoint"] = lambda time: (0, {}, b"") if time < 3 else (200, {}, b"x")

    assert HttpSource(server.url, client).fetch("checkpoint") == b"x"
    server.answers["/checkpoint"] = (0, {}, b"")
    server.asked.clear()
    with pytest.raises(Unavailable):
        HttpSource(server.url, client).fetch("checkpoint")
    assert len(server.asked) == 3


def test_nobody_there_could_not_be_examined(server: Server, client: httpx2.Client) -> None:
    server.close()

    with pytest.raises(Unavailable):
        HttpSource(server.url, client).fetch("checkpoint")


def test_a_compressed_answer_is_read(server: Server, client: httpx2.Client) -> None:
    server.answers["/checkpoint"] = (200, {"Content-Encoding": "gzip"}, gzip.compress(b"x" * 999))

    assert HttpSource(server.url, client).fetch("checkpoint") == b"x" * 999


def test_a_compressed_answer_that_is_broken_could_not_be_examined(
    server: Server, client: httpx2.Client
) -> None:
    server.answers["/checkpoint"] = (200, {"Content-Encoding": "gzip"}, b"this is no gzip")

    with pytest.raises(Unavailable):
        HttpSource(server.url, client).fetch("checkpoint")


def test_a_circle_of_redirects_could_not_be_examined(server: Server, client: httpx2.Client) -> None:
    server.answers["/checkpoint"] = (302, {"Location": "/checkpoint"}, b"")

    with pytest.raises(Unavailable):
        HttpSource(server.url, client).fetch("checkpoint")


def test_a_redirect_is_followed_and_what_it_says_besides_is_not_read(
    server: Server, client: httpx2.Client
) -> None:
    """It may be without end, and the client itself would read all of it."""
    server.answers["/checkpoint"] = (200, {}, b"found")
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection, suppress(OSError):
                connection.recv(4096)
                there = f"Location: {server.url}/checkpoint"
                connection.sendall(f"HTTP/1.1 302 Found\r\n{there}\r\n\r\n".encode())
                while True:
                    connection.sendall(bytes(65_536))

        endless = threading.Thread(target=answer)
        endless.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        assert HttpSource(url, client).fetch("checkpoint") == b"found"
        endless.join()


@pytest.mark.parametrize("place", ["http://a..b/", f"http://{'a' * 64}.example/", "http://[::1"])
def test_a_redirect_to_nowhere_could_not_be_examined(
    server: Server, client: httpx2.Client, place: str
) -> None:
    server.answers["/checkpoint"] = (302, {"Location": place}, b"")

    with pytest.raises(Unavailable):
        HttpSource(server.url, client).fetch("checkpoint")


def test_a_redirect_away_from_tls_is_not_followed() -> None:
    """Else anybody on the way could show an older tree, in which a revocation is not yet."""

    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.url.scheme == "http":
            return httpx2.Response(200, stream=httpx2.ByteStream(b"old"))
        return httpx2.Response(302, headers={"Location": "http://log.example/checkpoint"})

    with httpx2.Client(transport=httpx2.MockTransport(answer)) as client:
        assert HttpSource("http://log.example", client).fetch("checkpoint") == b"old"
        with pytest.raises(Unavailable, match="has no TLS"):
            HttpSource("https://log.example", client).fetch("checkpoint")


def test_a_gzip_bomb_stops_where_the_bound_is(server: Server, client: httpx2.Client) -> None:
    bomb = gzip.compress(bytes(MAX_RESOURCE + 1))
    server.answers["/tile/0/000"] = (200, {"Content-Encoding": "gzip"}, bomb)

    with pytest.raises(Refuted):
        HttpSource(server.url, client).fetch("tile/0/000")


def test_a_server_is_found_by_its_own_address_or_its_logs(
    log: PublishedLog, server: Server
) -> None:
    server.serve(log)

    assert str(open_source(server.url)) == server.url + "/log/"
    assert str(open_source(server.url + "/log/")) == server.url + "/log/"
    server.answers.clear()
    with pytest.raises(Unavailable):
        open_source(server.url)


def test_a_server_is_asked_through_the_client_that_is_given(
    log: PublishedLog, server: Server
) -> None:
    server.serve(log)

    with httpx2.Client() as client:
        source = open_source(server.url, client)
        assert source.fetch("checkpoint") == log.source().fetch("checkpoint")
        assert not client.is_closed
    with pytest.raises(RuntimeError, match="closed"):
        source.fetch("checkpoint")


def test_a_folder_is_found_with_or_without_its_last_part(tmp_path: Path) -> None:
    log, _ = opened_log(tmp_path / "data" / "log")
    note = log.source().fetch("checkpoint")

    assert open_source(str(tmp_path / "data")).fetch("checkpoint") == note
    assert open_source(str(tmp_path / "data" / "log")).fetch("checkpoint") == note
    with pytest.raises(Unavailable):
        open_source(str(tmp_path))
