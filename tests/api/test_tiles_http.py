"""The published log over HTTP, as c2sp.org/tlog-tiles asks for it, and nothing besides."""

from __future__ import annotations

import asyncio
import gc
import gzip
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

import pytest

from api.published import Published
from api.tiles import Tiles
from log.directory import DirectoryStore
from testamur.tlog.checkpoint import Checkpoint, open_checkpoint
from testamur.tlog.source import NotFound
from testamur.tlog.tiles import bundle_path, tile_path
from tests.harness.checkpoints import no_newer
from tests.harness.served import Served, api
from tests.harness.simulators import flipped
from tests.harness.tile_resources import tile_resources

IMMUTABLE = "public, max-age=31536000, immutable"


@pytest.fixture(scope="module")
def served(opened_log: Served, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server of a log of 612 entries: two full bundles, and partial ones."""
    log = opened_log.copy(tmp_path_factory.mktemp("tiles") / "data")
    with log.running():
        log.submit(log.story.cohort(601))
        assert log.size == 612
        yield log
    log.close()


# --- What is there ---


def test_every_file_that_the_checkpoint_implies_is_served_whole(served: Served) -> None:
    for path in tile_resources(612):
        answer = served.get(f"/log/{path}")
        assert answer.status_code == 200
        assert answer.content == (served.data / "log" / path).read_bytes()
        assert answer.headers["content-type"] == "application/octet-stream"
        assert answer.headers["cache-control"] == IMMUTABLE


def test_the_checkpoint_is_fresh_text_signed_by_the_log(served: Served) -> None:
    answer = served.get("/log/checkpoint")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["cache-control"] == "public, max-age=1"
    assert open_checkpoint(answer.content, served.key)[0].size == 612


def test_the_verifier_key_is_told_as_one_line(served: Served) -> None:
    answer = served.get("/log/vkey")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.text == f"{served.vkey}\n"


def test_pages_from_anywhere_may_read_the_log(served: Served) -> None:
    for path in ("checkpoint", "tile/0/000", "tile/entries/000", "tile/0/999"):
        answer = served.get(f"/log/{path}", headers={"Origin": "https://elsewhere.example"})
        assert answer.headers["access-control-allow-origin"] == "*"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cross-origin-resource-policy"] == "cross-origin"


def test_head_tells_the_headers_alone(served: Served) -> None:
    for path in ("checkpoint", "tile/0/000", "tile/entries/002.p/100"):
        got = served.get(f"/log/{path}", headers={"Accept-Encoding": "identity"})
        head = served.client.head(
            f"{served.url}/log/{path}", headers={"Accept-Encoding": "identity"}
        )
        assert (head.status_code, head.content) == (200, b"")
        kept = ("content-length", "content-type", "cache-control", "etag")
        assert {n: head.headers[n] for n in kept} == {n: got.headers[n] for n in kept}


def test_a_file_that_the_reader_has_is_not_sent_again(served: Served) -> None:
    for path in ("checkpoint", "tile/0/000", "tile/entries/001"):
        first = served.get(f"/log/{path}")
        again = served.get(f"/log/{path}", headers={"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == first.headers["etag"]
        stale = served.get(f"/log/{path}", headers={"If-None-Match": '"other", W/"another"'})
        assert (stale.status_code, stale.content) == (200, first.content)


def test_bundles_are_compressed_for_those_who_take_it(served: Served) -> None:
    plain = raw(served, "/log/tile/entries/000", "Accept-Encoding: identity")
    zipped = raw(served, "/log/tile/entries/000", "Accept-Encoding: br, gzip;q=0.5")
    refused = raw(served, "/log/tile/entries/000", "Accept-Encoding: gzip;q=0")
    assert b"content-encoding: gzip" in zipped[0]
    assert b"content-encoding" not in plain[0]
    assert refused[1] == plain[1] == gzip.decompress(zipped[1])
    assert len(zipped[1]) < len(plain[1]) / 2
    assert b"vary: accept-encoding" in plain[0]
    assert b"vary: accept-encoding" in zipped[0]
    # Two representations: a cache must not take one for the other.
    assert etag(plain[0]) != etag(zipped[0])


def test_tiles_of_hashes_are_sent_as_they_are(served: Served) -> None:
    head, body = raw(served, "/log/tile/0/000", "Accept-Encoding: gzip")
    assert b"content-encoding" not in head
    assert len(body) == 8192


# --- What is not ---


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/002",  # not full yet
        "tile/0/002.p/101",  # one more than the checkpoint has
        "tile/0/003",
        "tile/1/000",
        "tile/1/000.p/3",
        "tile/2/000.p/1",
        "tile/63/000",
        "tile/entries/002",
        "tile/entries/002.p/101",
        "tile/0/x999/x999/x999/x999/x999/x999/999",
    ],
)
def test_a_file_that_no_checkpoint_implies_is_not_there(served: Served, path: str) -> None:
    answer = served.get(f"/log/{path}")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"


def test_what_was_written_ahead_of_its_checkpoint_is_not_served(served: Served) -> None:
    """A publication that was cut short leaves such files."""
    ahead = served.data / "log" / "tile/0/002.p/200"
    ahead.write_bytes(bytes(32 * 200))
    try:
        assert served.get("/log/tile/0/002.p/200").status_code == 404
    finally:
        ahead.unlink()


@pytest.mark.parametrize(
    "path",
    [
        "tile",
        "tile/",
        "tile/0",
        "tile/0/0",
        "tile/0/00",
        "tile/0/0000",
        "tile/00/000",
        "tile/0/x000/000",
        "tile/0/000.p/256",
        "tile/0/000.p/0",
        "tile/0/000.p/01",
        "tile/0/000.p",
        "tile/0/000/",
        "tile//0/000",
        "tile/0/%30%30%30",
        "tile/entries/%300%30",
        "tile/0/%D9%A0%D9%A0%D9%A0",  # digits, but not ASCII ones
        "tile/-1/000",
        "tile/64/000",
        "tile/data/000",
        "Tile/0/000",
        "checkpoint/",
        "checkpoint%00",
        "CHECKPOINT",
        "../key",
        "%2e%2e/key",
        "tile/../../key",
        "tile/0/..%2f..%2f..%2fkey",
        "tile/0/000\\..\\key",
        ".tmp-0123456789abcdef",
        "tile/0/.tmp-0123456789abcdef",
    ],
)
def test_there_is_one_spelling_and_no_way_out_of_the_folder(served: Served, path: str) -> None:
    encoded = path.encode().replace(b"\\", b"%5c")
    head, body = raw(served, b"/log/" + encoded)
    assert head.startswith(b"HTTP/1.1 404")
    assert b"PRIVATE" not in body


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_a_log_is_only_read(served: Served, method: str) -> None:
    answer = served.client.request(method, f"{served.url}/log/checkpoint", content=b"x")
    assert answer.status_code == 405
    assert "GET" in answer.headers["allow"]


def test_a_browser_is_told_what_it_may_do(served: Served) -> None:
    answer = served.client.options(f"{served.url}/log/tile/0/000")
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-methods"] == "GET, HEAD, OPTIONS"


@pytest.mark.parametrize("path", ["tile/0/000", "tile/entries/001", "tile/1/000.p/2"])
def test_a_damaged_file_is_not_sent_and_a_repaired_one_is(
    opened_log: Served, tmp_path: Path, path: str
) -> None:
    with closing(opened_log.copy(tmp_path / "data")) as log, log.running():
        log.submit(log.story.cohort(601))
        store = DirectoryStore(log.data / "log")
        whole = store.read(path)
        store.put_back(path, flipped(whole))
        answer = log.get(f"/log/{path}")
        assert (answer.status_code, answer.json()["rule"]) == (503, "damaged")
        assert answer.headers["cache-control"] == "no-store"
        repairing = api("fsck", "--data", log.data, "--repair")
        assert store.read(path) == whole, repairing.stderr
        assert log.get(f"/log/{path}").content == whole


# --- How it is served ---


class CountingStore:
    """A store of made-up tiles that counts what is read, and can be slow."""

    def __init__(self, body: bytes = bytes(8192)) -> None:
        self.body = body
        self.read_paths: list[str] = []
        self._lock = Lock()

    def read(self, path: str) -> bytes:
        """Return the same bytes for every path but one."""
        with self._lock:
            self.read_paths.append(path)
        if path == tile_path(0, 13):
            raise NotFound(f"/secret/place/{path} does not exist")
        return self.body


def published(size: int) -> Published:
    """Return a checkpoint of `size`, signed by nobody."""
    return Published(Checkpoint("o", size, bytes(32)), b"o\n")


def latest() -> Published:
    """Return a checkpoint that covers every file asked for below."""
    return published(10**6)


async def ask(tiles: Tiles, path: str, **headers: str) -> tuple[int, dict[bytes, bytes], bytes]:
    """Return (status, headers, body) of one GET."""
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        raise AssertionError

    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    at = f"/log/{path}"
    scope = {"method": "GET", "path": at, "raw_path": at.encode(), "headers": named}
    await tiles(scope, receive, send)
    return sent[0]["status"], dict(sent[0]["headers"]), sent[1]["body"]


def test_a_tile_is_read_from_the_disk_once() -> None:
    store = CountingStore()
    tiles = Tiles(store, latest, no_newer(latest), "vkey")

    async def crowd() -> None:
        path = tile_path(0, 1)
        answers = await asyncio.gather(*(ask(tiles, path) for _ in range(200)))
        assert {status for status, _, _ in answers} == {200}
        await ask(tiles, path)

    asyncio.run(crowd())
    tiles.close()
    assert store.read_paths == [tile_path(0, 1)]


def test_what_is_kept_in_memory_is_bounded() -> None:
    store = CountingStore()
    tiles = Tiles(store, latest, no_newer(latest), "vkey", cache_bytes=10 * 8192)

    async def walk() -> None:
        for index in range(20, 40):
            await ask(tiles, tile_path(0, index))
        gc.collect()  # a file that nobody holds any more may be in a circle that asyncio left
        for index in (39, 30, 29):
            await ask(tiles, tile_path(0, index))

    asyncio.run(walk())
    tiles.close()
    # The ten read last are kept, the one before them is not.
    assert store.read_paths[20:] == [tile_path(0, 29)]


def test_a_huge_bundle_does_not_push_the_tiles_out() -> None:
    store = CountingStore(bytes(3 * 1024 * 1024))
    tiles = Tiles(store, latest, no_newer(latest), "vkey")

    async def walk() -> None:
        # Clients that are sent it at the same time share one copy; afterwards it is read anew.
        while len(store.read_paths) < 2:
            status, _, body = await ask(tiles, bundle_path(7))
            assert (status, len(body)) == (200, 3 * 1024 * 1024)
            await asyncio.sleep(0.01)

    asyncio.run(asyncio.wait_for(walk(), 10))
    tiles.close()


def test_a_missing_file_is_a_404_that_tells_nothing_of_our_disk() -> None:
    tiles = Tiles(CountingStore(), latest, no_newer(latest), "vkey")
    status, _, body = asyncio.run(ask(tiles, tile_path(0, 13)))
    tiles.close()
    assert status == 404
    assert b"secret" not in body


# --- Asking without a client that tidies up ---


def raw(served: Served, path: str | bytes, *headers: str) -> tuple[bytes, bytes]:
    """Return head and body of a GET whose target is sent byte for byte."""
    target = path.encode() if isinstance(path, str) else path
    host = urlsplit(served.url)
    assert host.hostname is not None
    lines = [b"GET %b HTTP/1.1" % target, b"Host: x", b"Connection: close"]
    request = b"\r\n".join([*lines, *(each.encode() for each in headers), b"", b""])
    with socket.create_connection((host.hostname, host.port or 80), timeout=30) as connection:
        connection.sendall(request)
        answer = b""
        while part := connection.recv(65536):
            answer += part
    head, _, body = answer.partition(b"\r\n\r\n")
    return head.lower().replace(b"http/1.1", b"HTTP/1.1", 1), body


def etag(head: bytes) -> bytes:
    """Return the entity tag in an answer's head."""
    (line,) = (line for line in head.split(b"\r\n") if line.startswith(b"etag:"))
    return line
