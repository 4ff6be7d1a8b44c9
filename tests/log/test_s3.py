"""A log in a bucket: what an answer of the server means, and what it does not."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path

import obstore
import pytest

from log.bucket import Bucket, Limits
from log.headers import headers_of
from log.s3 import S3Store
from log.store import FileDamage
from testamur.errors import Unavailable
from testamur.tlog.source import MAX_RESOURCE, NotFound
from tests.harness import object_servers
from tests.harness.faulty_objects import FaultyProxy, Request, answering, faulty

pytestmark = pytest.mark.objects

TILE = "tile/0/x001/234"
IMPATIENT = Limits(connecting=2, request=1, retries=0, retrying=1)
PATIENT = Limits(request=20, pause=0.01)


class Place:
    """One log in a bucket, before which there is a proxy; each `open` is another process."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._server = object_servers.any_shared()
        self._prefix = object_servers.prefix_of(folder)
        self._stack = stack
        self.proxy: FaultyProxy = stack.enter_context(faulty(self._server.endpoint))

    def address(self, *, direct: bool = False) -> str:
        endpoint = None if direct else self.proxy.endpoint
        return self._server.address(self._prefix, endpoint=endpoint)

    def open(self, *, direct: bool = False, limits: Limits = IMPATIENT) -> S3Store:
        store = S3Store(Bucket.parse(self.address(direct=direct)), limits=limits)
        return self._stack.enter_context(closing(store))

    def fail(self, kind: str, *faults: str | None) -> None:
        """Let the next requests of a kind go wrong like this, one after the other."""
        coming = iter(faults)

        def plan(request: Request) -> str | None:
            return next(coming, None) if request.kind == kind else None

        self.proxy.plan = plan


def opened(endpoint: str) -> S3Store:
    """Return a store at an endpoint that is no real server."""
    return S3Store(Bucket("logs", endpoint=endpoint), limits=IMPATIENT)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with ExitStack() as stack:
        yield Place(tmp_path, stack)


# --- Creating ---


@pytest.mark.parametrize("fault", ["stored, 503", "stored, cut", "503", "cut", "409"])
def test_a_create_whose_answer_was_lost_or_a_conflict_is_finished(place: Place, fault: str) -> None:
    store = place.open(limits=PATIENT)
    place.fail("put", fault)
    store.write_many([(TILE, b"tile")])
    assert place.open(direct=True).read(TILE) == b"tile"


def test_a_conflict_in_which_nothing_was_stored_is_not_taken_for_success(place: Place) -> None:
    store = place.open()
    place.fail("put", *["409"] * 100)
    with pytest.raises(Unavailable, match="says that it exists, and that it does not"):
        store.write_many([(TILE, b"tile")])
    assert list(place.open(direct=True).paths()) == []
    assert len(place.proxy.requests) == 10  # five creates, and what each of them found


@pytest.mark.parametrize("fault", ["stored, 409", "stored, 503", None])
def test_other_bytes_are_damage_however_the_create_was_answered(
    place: Place, fault: str | None
) -> None:
    place.open(direct=True).write_many([(TILE, b"tile")])
    place.fail("put", fault)
    with pytest.raises(FileDamage, match=r"immutable: .* byte 0 is 0x74, not 0x54"):
        place.open(limits=PATIENT).write_many([(TILE, b"Tile"), ("tile/0/000", b"new")])
    assert place.open(direct=True).read(TILE) == b"tile"


def test_damage_is_said_before_an_outage(place: Place) -> None:
    place.open(direct=True).write_many([("tile/0/001", b"held")])
    store = place.open()

    def plan(request: Request) -> str | None:
        return "503" if request.target.endswith(("000", "002")) else None

    place.proxy.plan = plan
    files = [(f"tile/0/{number:03d}", b"other") for number in range(3)]
    with pytest.raises(FileDamage, match="tile/0/001: immutable"):
        store.write_many(files)


def test_no_more_requests_are_under_way_than_were_promised(place: Place) -> None:
    store = place.open(limits=PATIENT)
    turn, under_way, most = threading.Lock(), 0, 0
    full = threading.Event()

    def plan(_: Request) -> None:
        nonlocal under_way, most
        with turn:
            under_way += 1
            most = max(most, under_way)
            if under_way >= store.at_once:
                full.set()
        full.wait(20)
        with turn:
            under_way -= 1

    place.proxy.plan = plan
    store.write_many([(f"tile/0/{number:03d}", b"x") for number in range(50)])
    assert most == store.at_once == 16


# --- The checkpoint ---


def test_a_publisher_that_was_asleep_cannot_put_an_older_checkpoint_in_place(place: Place) -> None:
    asleep, successor = place.open(), place.open()
    asleep.write_checkpoint(b"one")
    assert successor.read("checkpoint") == b"one"
    successor.write_checkpoint(b"two")
    for _ in range(2):
        with pytest.raises(Unavailable, match="another publisher is at work"):
            asleep.write_checkpoint(b"three")
    assert place.open().read("checkpoint") == b"two"
    successor.write_checkpoint(b"four")


def test_a_process_that_read_no_checkpoint_replaces_none(place: Place) -> None:
    place.open().write_checkpoint(b"one")
    with pytest.raises(Unavailable, match="another publisher is at work"):
        place.open().write_checkpoint(b"two")
    assert place.open().read("checkpoint") == b"one"


@pytest.mark.parametrize("fault", ["stored, 503", "stored, cut", "stored, 409"])
@pytest.mark.parametrize("first", [True, False])
def test_a_checkpoint_whose_answer_was_lost_is_recognised_as_our_own(
    place: Place, fault: str, *, first: bool
) -> None:
    store = place.open(limits=PATIENT)
    if not first:
        store.write_checkpoint(b"one")
    place.fail("put", fault)
    store.write_checkpoint(b"two")
    store.write_checkpoint(b"three")
    assert place.open().read("checkpoint") == b"three"


def test_one_of_many_writers_of_a_checkpoint_wins(place: Place) -> None:
    """A promise of the server, on which ours rests."""
    stores = [place.open(direct=True, limits=PATIENT) for _ in range(4)]
    stores[0].write_checkpoint(b"start")
    for turn in range(3):
        for store in stores:
            store.read("checkpoint")

        def won(number: int, turn: int = turn) -> bool:
            try:
                stores[number].write_checkpoint(b"%d by %d" % (turn, number))
            except Unavailable:
                return False
            return True

        with ThreadPoolExecutor(4) as threads:
            results = list(threads.map(won, range(4)))
        assert results.count(True) == 1
        winner = b"%d by %d" % (turn, results.index(True))
        assert place.open(direct=True).read("checkpoint") == winner


@pytest.mark.parametrize("kind", object_servers.KINDS)
def test_one_of_many_creators_of_a_key_wins(tmp_path: Path, kind: str) -> None:
    """A promise of the server: an earlier SeaweedFS let all of them win."""
    server = object_servers.shared(kind)
    address = Bucket.parse(server.address(object_servers.prefix_of(tmp_path)))
    with ExitStack() as stack, ThreadPoolExecutor(4) as threads:
        stores = [stack.enter_context(closing(S3Store(address))) for _ in range(4)]

        def won(number: int) -> bool:
            try:
                stores[number].write_many([(TILE, b"by %d" % number)])
            except FileDamage:
                return False
            return True

        results = list(threads.map(won, range(4)))
        assert results.count(True) == 1
        assert stores[0].read(TILE) == b"by %d" % results.index(True)


# --- Reading ---


@pytest.mark.parametrize("fault", ["503", "cut", "silence", "cut short"])
def test_what_cannot_be_read_is_unavailable_and_never_absent(place: Place, fault: str) -> None:
    place.open(direct=True).write_many([(TILE, b"x" * 5000)])
    store = place.open()
    place.fail("get", fault)
    with pytest.raises(Unavailable) as caught:
        store.read(TILE)
    assert not isinstance(caught.value, NotFound)
    assert store.read(TILE) == b"x" * 5000


@pytest.mark.parametrize("fault", ["503", "cut"])
def test_a_reading_is_tried_again_and_not_for_ever(place: Place, fault: str) -> None:
    place.open(direct=True).write_many([(TILE, b"x")])
    place.fail("get", fault, fault)
    assert place.open(limits=PATIENT).read(TILE) == b"x"
    place.fail("get", *[fault] * 100)
    with pytest.raises(Unavailable):
        place.open(limits=PATIENT).read(TILE)
    assert len(place.proxy.requests) <= 3 + 1 + PATIENT.retries


def test_a_bucket_that_is_not_there_is_no_empty_log(place: Place) -> None:
    address = place.address(direct=True).replace("s3://logs/", "s3://no-such-bucket/")
    with closing(S3Store(Bucket.parse(address), limits=IMPATIENT)) as store:
        asked: list[Callable[[], object]] = [
            lambda: store.read("checkpoint"),
            lambda: list(store.paths()),
            store.sweep,
        ]
        for ask in asked:
            with pytest.raises(Unavailable, match="404 NoSuchBucket") as caught:
                ask()
            assert not isinstance(caught.value, NotFound)


def test_a_404_in_other_words_than_those_of_s3_is_no_empty_log(place: Place) -> None:
    page = b"HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 9\r\n\r\nnot here\n"
    with answering(page) as endpoint, closing(opened(endpoint)) as store:
        with pytest.raises(Unavailable, match=r"the answer was 404$") as caught:
            store.read("checkpoint")
        assert not isinstance(caught.value, NotFound)


def test_an_object_that_is_too_large_is_refused_before_it_is_read(place: Place) -> None:
    head = b'HTTP/1.1 200 OK\r\nETag: "1"\r\nLast-Modified: Sun, 29 Nov 2026 00:00:00 GMT\r\n'
    page = head + b"Content-Length: %d\r\n\r\n" % (MAX_RESOURCE + 1)
    with (
        answering(page) as endpoint,
        closing(opened(endpoint)) as store,
        pytest.raises(FileDamage, match="too-large"),
    ):
        store.read(TILE)


def test_a_body_that_is_longer_than_announced_is_not_read_to_its_end() -> None:
    head = b'HTTP/1.1 200 OK\r\nETag: "1"\r\nLast-Modified: Sun, 29 Nov 2026 00:00:00 GMT\r\n'
    announced = b"Content-Length: 10\r\nTransfer-Encoding: chunked\r\n\r\n"
    body = b"%x\r\n%b\r\n0\r\n\r\n" % (4 * MAX_RESOURCE, bytes(4 * MAX_RESOURCE))
    with answering(head + announced + body) as endpoint, closing(opened(endpoint)) as store:
        with pytest.raises(FileDamage, match="too-large") as caught:
            store.read(TILE)
        read = int(caught.value.detail.split()[2])
        assert MAX_RESOURCE < read < 2 * MAX_RESOURCE


def test_no_secret_and_no_words_of_the_server_get_into_a_message(place: Place) -> None:
    body = b"<Error><Code>X</Code><Message>\x1b[31m ignore all that</Message></Error>"
    page = (
        b"HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body)
        + body
    )
    with answering(page) as endpoint, closing(opened(endpoint)) as store:
        asked: list[Callable[[], object]] = [
            lambda: store.read(TILE),
            lambda: list(store.paths()),
            lambda: store.write_many([(TILE, b"x")]),
            lambda: store.write_checkpoint(b"x"),
        ]
        for ask in asked:
            with pytest.raises(Unavailable, match=r"the answer was 403 X$") as caught:
                ask()
            assert object_servers.SECRET not in str(caught.value)
            assert object_servers.ACCESS not in str(caught.value)


# --- Objects ---


@pytest.mark.parametrize("kind", object_servers.KINDS)
@pytest.mark.parametrize("path", [TILE, f"{TILE}.p/56", "tile/entries/000", "checkpoint"])
def test_objects_are_plain_and_have_the_headers_that_the_api_sends(
    tmp_path: Path, kind: str, path: str
) -> None:
    server = object_servers.shared(kind)
    prefix = object_servers.prefix_of(tmp_path)
    with closing(S3Store(Bucket.parse(server.address(prefix)))) as store:
        if path == "checkpoint":
            store.write_checkpoint(b"first")
            store.write_checkpoint(b"plain")
        else:
            store.write_many([(path, b"damaged")])
            store.put_back(path, b"plain")
        found = obstore.get(store._objects, f"{prefix}/{path}")
        assert bytes(found.bytes()) == b"plain"
        assert {name: found.attributes[name] for name in headers_of(path)} == headers_of(path)
        assert "Content-Encoding" not in found.attributes


def test_foreign_objects_are_listed_and_never_removed(place: Place) -> None:
    store = place.open(direct=True)
    foreign = ["readme.txt", "tile/0/000.p/x", "tile/0/000.p/7/8"]
    for path in foreign:
        obstore.put(store._objects, store._key(path), b"foreign")
    store.write_many([("tile/0/000", b"x")])
    store.remove_partials("tile/0/000")
    assert sorted(store.paths()) == sorted([*foreign, "tile/0/000"])
    assert store.sweep() == []
