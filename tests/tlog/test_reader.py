"""Reading a log that somebody else serves: what is believed, and what is not."""

from __future__ import annotations

import gzip
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx2
import pytest

from testamur.errors import Refuted, Unavailable
from testamur.http.source import HttpSource, open_source
from testamur.tlog.checkpoint import Checkpoint, WrongOrigin, sign_checkpoint
from testamur.tlog.merkle import (
    CompactRange,
    InvalidProof,
    leaf_hash,
    leaf_hashes,
    verify_inclusion,
)
from testamur.tlog.note import BadSignature, SignerKey, Unsigned
from testamur.tlog.reader import LogReader
from testamur.tlog.source import MAX_RESOURCE, DirectorySource, NotFound
from testamur.tlog.tiles import bundle_path, encode_bundle, tile_path
from tests.harness.published_log import PublishedLog, opened_log
from tests.harness.story import Story


@pytest.fixture
def log(tmp_path: Path) -> PublishedLog:
    """A log of 621 entries: two full bundles and a partial one of 109."""
    return opened_log(tmp_path / "log", 600, 9)[0]


def edge_of(entries: list[bytes]) -> CompactRange:
    return CompactRange.empty().extended(leaf_hashes(entries))


def read_all(log: PublishedLog, *, since: int = 0, bundles: int = 16) -> list[bytes]:
    reader = log.reader()
    checkpoint = reader.checkpoint()
    found: list[bytes] = []
    for stretch in reader.stretches(edge_of(log.entries[:since]), checkpoint, bundles=bundles):
        assert stretch.start == since + len(found)
        assert stretch.leaves == leaf_hashes(stretch.entries)
        found += stretch.entries
    return found


# --- Checkpoints ---


def test_a_checkpoint_is_the_logs_own(log: PublishedLog) -> None:
    checkpoint = log.reader().checkpoint()

    assert checkpoint.size == len(log.entries)
    assert checkpoint.root == edge_of(log.entries).root()


def test_a_checkpoint_by_another_key_is_not_believed(log: PublishedLog) -> None:
    other = SignerKey.generate(log.signer.name)

    with pytest.raises(Unsigned):
        LogReader(log.source(), other.verifier).checkpoint()


def test_a_checkpoint_of_another_log_under_the_same_key_is_not_believed(
    log: PublishedLog,
) -> None:
    other = SignerKey.from_seed("other.example/log", Story().log_key.raw())
    log.write("checkpoint", sign_checkpoint(Checkpoint(other.name, 0, edge_of([]).root()), other))

    with pytest.raises(Unsigned):
        log.reader().checkpoint()
    text = Checkpoint("other.example/log", 0, edge_of([]).root()).render()
    log.write("checkpoint", text + b"\n" + log.signer.sign(text))
    with pytest.raises(WrongOrigin):
        log.reader().checkpoint()


def test_a_changed_checkpoint_is_not_believed(log: PublishedLog) -> None:
    note = log.source().fetch("checkpoint")
    log.write("checkpoint", note.replace(b"\n%d\n" % len(log.entries), b"\n12\n"))

    with pytest.raises(BadSignature):
        log.reader().checkpoint()


# --- Entries ---


@pytest.mark.parametrize("size", [2, 10, 255, 256, 257, 511, 512, 513, 621])
@pytest.mark.parametrize("bundles", [1, 2, 16])
def test_every_entry_is_read_in_order_whatever_the_size(
    log: PublishedLog, tmp_path: Path, size: int, bundles: int
) -> None:
    grown = PublishedLog(tmp_path / "grown")
    grown.append_entries(*log.entries)
    grown.publish(size)

    assert read_all(grown, bundles=bundles) == log.entries[:size]


@pytest.mark.parametrize("since", [0, 1, 9, 255, 256, 257, 500, 512, 620, 621])
def test_reading_goes_on_from_anywhere(log: PublishedLog, since: int) -> None:
    assert read_all(log, since=since) == log.entries[since:]
    assert read_all(log, since=since, bundles=1) == log.entries[since:]


def test_one_entry_is_read_and_proven(log: PublishedLog) -> None:
    reader = log.reader()
    checkpoint = reader.checkpoint()
    for index in (0, 1, 255, 256, 511, 512, 513, 620):
        assert reader.entry(index, checkpoint) == log.entries[index]
    for index in (-1, 621, 10**9):
        with pytest.raises(NotFound):
            reader.entry(index, checkpoint)


def test_an_entry_is_read_where_only_published_sizes_have_partial_bundles(
    tmp_path: Path,
) -> None:
    """A log of 100 entries published at once has no bundle of width 6 to show entry 5."""
    log, _ = opened_log(tmp_path / "log", 89)
    assert log.size == 100
    reader = log.reader()

    assert reader.entry(5, reader.checkpoint()) == log.entries[5]
    assert list(reader.bundles(3, 7, size=100)) == [(0, log.entries[3:7])]


def test_an_inclusion_proof_leads_to_the_root(log: PublishedLog) -> None:
    reader = log.reader()
    checkpoint = reader.checkpoint()
    for index in (0, 300, 620):
        path = reader.inclusion(index, checkpoint.size)
        leaf = leaf_hash(log.entries[index])
        verify_inclusion(index, checkpoint.size, leaf, path, checkpoint.root)


def test_leaf_hashes_are_read_from_the_tiles(log: PublishedLog) -> None:
    assert log.reader().leaves(250, 520, 621) == leaf_hashes(log.entries[250:520])


def test_an_empty_stretch_of_bundles_is_empty(log: PublishedLog) -> None:
    for at in (0, 5, 256, 621):
        assert list(log.reader().bundles(at, at, size=621)) == []


# --- Lies ---


def test_a_log_that_shrank_is_refuted(log: PublishedLog) -> None:
    reader = log.reader()
    known = edge_of(log.entries)
    log.republish(log.entries[:256])

    with pytest.raises(Refuted, match="shrank"):
        list(reader.stretches(known, reader.checkpoint()))


@pytest.mark.parametrize("since", [1, 255, 256, 300, 512, 620, 621])
def test_a_log_that_rewrote_what_was_read_is_refuted(log: PublishedLog, since: int) -> None:
    """Also when nothing is new, and also when what was read ends with a bundle."""
    known = edge_of(log.entries[:since])
    log.republish([b"{}", *log.entries[1:]])
    reader = log.reader()

    with pytest.raises(Refuted, match="rewritten"):
        list(reader.stretches(known, reader.checkpoint()))


@pytest.mark.parametrize("size", [256, 512])
def test_a_fork_at_the_very_size_that_was_read_is_refuted(log: PublishedLog, size: int) -> None:
    known = edge_of(log.entries[:size])
    log.republish([*log.entries[: size - 1], b"{}"])
    reader = log.reader()

    with pytest.raises(Refuted):
        list(reader.stretches(known, reader.checkpoint()))


@pytest.mark.parametrize("at", [0, 255, 256, 511, 600, 620])
def test_an_entry_changed_in_its_bundle_is_never_handed_out(log: PublishedLog, at: int) -> None:
    changed = list(log.entries)
    changed[at] = changed[at].replace(b"e", b"f", 1)
    index = at // 256
    bundle = changed[index * 256 : (index + 1) * 256]
    log.write(bundle_path(index, len(bundle)), encode_bundle(bundle))
    reader = log.reader()
    checkpoint = reader.checkpoint()

    with pytest.raises(InvalidProof):
        reader.entry(at, checkpoint)
    found: list[bytes] = []
    with pytest.raises(Refuted):
        found.extend(
            entry
            for stretch in reader.stretches(CompactRange.empty(), checkpoint, bundles=1)
            for entry in stretch.entries
        )
    assert found == log.entries[: index * 256]


@pytest.mark.parametrize("lie", ["swapped", "dropped", "doubled", "shifted"])
def test_entries_in_another_order_or_number_are_never_handed_out(
    log: PublishedLog, lie: str
) -> None:
    first = log.entries[:256]
    bundle = {
        "swapped": [first[1], first[0], *first[2:]],
        "dropped": first[:-1],
        "doubled": [first[0], *first[:-1]],
        "shifted": log.entries[1:257],
    }[lie]
    log.write(bundle_path(0), encode_bundle(bundle))

    with pytest.raises(Refuted):
        read_all(log)


@pytest.mark.parametrize("cut", [0, 1, 2, -1, -2, 4000])
def test_a_bundle_cut_short_is_refuted(log: PublishedLog, cut: int) -> None:
    path = bundle_path(0)
    log.write(path, log.source().fetch(path)[:cut])

    with pytest.raises(Refuted):
        read_all(log)


def test_a_bundle_with_bytes_left_over_is_refuted(log: PublishedLog) -> None:
    path = bundle_path(0)
    log.write(path, log.source().fetch(path) + b"\0\0")

    with pytest.raises(Refuted):
        read_all(log)


@pytest.mark.parametrize("missing", [bundle_path(1), bundle_path(2, 109), tile_path(0, 2, 109)])
def test_what_is_missing_could_not_be_examined(log: PublishedLog, missing: str) -> None:
    (log.root / missing).unlink()

    with pytest.raises(Unavailable):
        read_all(log, bundles=1)


def test_a_partial_bundle_that_is_gone_is_read_from_the_full_one(log: PublishedLog) -> None:
    """The log grew, and dropped its partial files, after the checkpoint was taken."""
    reader = log.reader()
    checkpoint = reader.checkpoint()
    older = list(log.entries)
    log.append_entries(*[b"{}"] * 400)
    log.publish()
    for path in (bundle_path(2, 109), tile_path(0, 2, 109)):
        (log.root / path).unlink()

    stretches = reader.stretches(CompactRange.empty(), checkpoint)

    assert [entry for stretch in stretches for entry in stretch.entries] == older
    assert reader.entry(600, checkpoint) == older[600]


# --- A folder ---


@pytest.mark.parametrize(
    "path",
    [
        "",
        ".",
        "tile",
        "tile/0",
        "checkpoint/",
        "../checkpoint",
        "tile/../checkpoint",
        "tile/0/../../../etc/passwd",
        "tile/0/000/",
        "tile/00/000",
        "tile/0/0",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "/etc/passwd",
        "tile\\0\\000",
    ],
)
def test_a_folder_serves_the_paths_of_a_log_and_no_others(log: PublishedLog, path: str) -> None:
    with pytest.raises(NotFound):
        log.source().fetch(path)


def test_a_file_beyond_all_bounds_is_refused_unread(log: PublishedLog) -> None:
    path = log.root / tile_path(0, 0)
    with path.open("wb") as file:
        file.truncate(MAX_RESOURCE)
    assert len(log.source().fetch(tile_path(0, 0))) == MAX_RESOURCE
    with path.open("wb") as file:
        file.truncate(MAX_RESOURCE + 1)

    with pytest.raises(Refuted):
        log.source().fetch(tile_path(0, 0))


def test_a_folder_in_the_place_of_a_file_is_not_there(log: PublishedLog) -> None:
    (log.root / "tile/0/005").mkdir()

    with pytest.raises(NotFound):
        log.source().fetch("tile/0/005")
    with pytest.raises(NotFound):
        DirectorySource(log.root / "checkpoint").fetch("tile/0/000")


def test_a_folder_in_the_place_of_a_file_is_not_held_open(log: PublishedLog) -> None:
    (log.root / "tile/0/000").unlink()
    (log.root / "tile/0/000").mkdir()
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(5):
        with pytest.raises(NotFound):
            log.source().fetch("tile/0/000")
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_what_is_no_file_is_not_there_and_nobody_waits_for_it(log: PublishedLog) -> None:
    file = log.root / "tile/0/000"
    file.unlink()
    os.mkfifo(file)
    with pytest.raises(NotFound):
        log.source().fetch("tile/0/000")
    file.unlink()
    file.symlink_to("/dev/zero")
    with pytest.raises(NotFound):
        log.source().fetch("tile/0/000")


def test_a_folder_is_found_with_or_without_its_last_part(tmp_path: Path) -> None:
    log, _ = opened_log(tmp_path / "data" / "log")
    note = log.source().fetch("checkpoint")

    assert open_source(str(tmp_path / "data")).fetch("checkpoint") == note
    assert open_source(str(tmp_path / "data" / "log")).fetch("checkpoint") == note
    with pytest.raises(Unavailable):
        open_source(str(tmp_path))


# --- A server ---


Answer = tuple[int, dict[str, str], bytes]


class Server:
    """A web server on this machine that answers a path as it is told to."""

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


def test_a_checkpoint_is_a_value(log: PublishedLog) -> None:
    checkpoint = log.reader().checkpoint()

    assert replace(checkpoint) == checkpoint
