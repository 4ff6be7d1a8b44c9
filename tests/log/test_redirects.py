"""A bucket cannot send us to other hosts, nor have us tell what it sent us to."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime

import pytest

from log.bucket import Bucket, Limits, redirects_refused
from log.proven_files import ProvenFiles
from log.s3 import S3Store
from log.store import FileDamage
from testamur.errors import Unavailable
from testamur.tlog.checkpoint import Checkpoint
from testamur.tlog.merkle import leaf_hash
from tests.harness.faulty_objects import answering

ANOTHER_HOST = "127.0.0.2"  # the loopback, but not where the bucket is
SECRET = b"what only this machine may read"
LIMITS = Limits(connecting=5, request=20, retries=1, retrying=20, pause=0.01)

ASKING: list[Callable[[S3Store], object]] = [
    lambda store: store.read("tile/0/000"),
    lambda store: store.read("checkpoint"),
    lambda store: list(store.paths()),
    lambda store: store.write_many([("tile/0/000.p/1", bytes(32))]),
    lambda store: store.write_checkpoint(b"note"),
    lambda store: store.put_back("tile/0/000.p/1", bytes(32)),
    lambda store: store.remove_partials("tile/0/000"),
]


@pytest.fixture(autouse=True)
def _(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.delenv("AWS_SHARED_CREDENTIALS_FILE", raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "A")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "B")


@contextmanager
def redirecting(place: str, status: int) -> Iterator[S3Store]:
    """Yield a store whose bucket leads all that is asked of it to `place`."""
    head = f"HTTP/1.1 {status} Elsewhere\r\nLocation: {place}\r\nContent-Length: 0\r\n\r\n"
    with answering(head.encode()) as endpoint:
        bucket = Bucket("logs", endpoint=endpoint, region="x")
        with closing(S3Store(bucket, limits=LIMITS)) as store:
            yield store


@pytest.mark.parametrize("ask", ASKING)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_leads_to_another_host(ask: Callable[[S3Store], object], status: int) -> None:
    with socket.create_server((ANOTHER_HOST, 0)) as other:
        other.setblocking(False)
        with (
            redirecting(f"http://{ANOTHER_HOST}:{other.getsockname()[1]}/", status) as store,
            pytest.raises(Unavailable),
        ):
            ask(store)
        with pytest.raises(BlockingIOError):
            other.accept()  # nobody came


def test_what_another_port_of_the_same_host_answers_is_not_believed() -> None:
    now = datetime.now(UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
    head = f"HTTP/1.1 200 OK\r\nLast-Modified: {now}\r\nContent-Length: {len(SECRET)}\r\n\r\n"
    signed = Checkpoint("log.example", 1, leaf_hash(b"entry"))
    with answering(head.encode() + SECRET) as place, redirecting(f"{place}/", 302) as store:
        assert store.read("tile/entries/000.p/1") == SECRET  # a store is not trusted
        files = ProvenFiles(store, lambda: signed)
        for path in ("tile/entries/000.p/1", "tile/0/000.p/1"):
            with pytest.raises(FileDamage) as refused:
                files.read(path)
            assert SECRET.decode() not in str(refused.value)


def test_where_other_hosts_have_to_be_asked_they_are() -> None:
    endpoint = "https://objects.example:8333"
    assert redirects_refused(endpoint, {})["proxy_excludes"] == "objects.example"
    assert redirects_refused("http://[::1]:80", {"HTTPS_PROXY": ""})["proxy_excludes"] == "::1"
    assert redirects_refused(None, {}) == {}
    for name in ("https_proxy", "HTTPS_PROXY", "ALL_PROXY", "http_proxy"):
        assert redirects_refused(endpoint, {name: "http://proxy.example"}) == {}
