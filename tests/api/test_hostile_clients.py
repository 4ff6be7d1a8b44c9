"""Crowds that read nothing, and strangers that send much: they cost the server little.

The server is the real process, the clients are sockets, and memory is what the kernel says.
"""

from __future__ import annotations

import base64
import gzip
import resource
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from msgspec.structs import replace as altered

from api.http.connection import MAX_HEADERS
from testamur.catalogue import events as e
from testamur.catalogue.members import Outcome
from testamur.rules.admission import MAX_AGE
from testamur.tlog.tiles import WIDTH, bundle_path
from tests.api.asking import connection_to, exchanged, first_line_of, metric, posting
from tests.harness.served import Served, problem
from tests.harness.story import party
from tests.harness.waiting import until

MIB = 1 << 20
CLIENTS = 100


@pytest.fixture(scope="module")
def served(opened_log: Served, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server whose log holds a bundle of 10 MB."""
    log = opened_log.copy(tmp_path_factory.mktemp("hostile") / "data")
    outcome = Outcome(name="x" * 200, url="https://example.org/" + "x" * 400)
    long = altered(log.story.definition(), outcomes=(outcome,) * 65)
    with log.running():
        ids = [log.story.new_id() for _ in range(2 * WIDTH)]
        events = [e.AchievementDefined(achievement=each, definition=long) for each in ids]
        log.submit(log.story.submission(log.story.provider, *events))
    with log.running():  # whose memory is not that of the submission
        yield log
    assert "Traceback" not in log.errors()
    log.close()


def memory(log: Served) -> int:
    """Return the bytes that the server's process has in memory."""
    assert log.process is not None
    pages = Path(f"/proc/{log.process.pid}/statm").read_text().split()[1]
    return int(pages) * resource.getpagesize()


@pytest.mark.parametrize(
    "path", [f"/log/{bundle_path(1)}", f"/entries?start={WIDTH}&limit=100000"], ids=["log", "lines"]
)
def test_clients_that_read_nothing_cost_a_bounded_amount_of_memory(
    served: Served, path: str
) -> None:
    """Each of them was sent 10 MB, which the server kept until it was read."""
    assert len(served.get(path).content) > 10 * MIB
    before = memory(served)
    with ExitStack() as stack:
        for _ in range(CLIENTS):
            client = stack.enter_context(connection_to(served))
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        most = 0
        for _ in range(20):
            time.sleep(0.05)
            most = max(most, memory(served))
            assert served.get("/healthz").status_code == 200
        until(lambda: metric(served, "testamur_answer_bytes") > 0)
        # An honest client, meanwhile, gets all of it.
        assert len(served.get(path).content) > 10 * MIB
    assert most - before < 384 * MIB, (before // MIB, most // MIB)
    until(lambda: metric(served, "testamur_answer_bytes") == 0)


def first_lines(log: Served) -> dict[str, bytes]:
    """Return first lines that are refused, by the rule that each breaks."""
    story = log.story
    good = first_line_of(story.cohort(1))
    signed, _, _ = good.rpartition(b".")
    forged = base64.urlsafe_b64encode(bytes(63) + b"\1").rstrip(b"=")
    unlisted = story.provider.with_key("unlisted")
    old = story.submission(story.provider, story.issued(), iat=story.now - MAX_AGE - 3600)
    return {
        "header-form": b"no header at all\n",
        "header-size": b"x" * 5000,
        "signature": signed + b"." + forged + b"\n",
        "unknown-organization": first_line_of(story.submission(party("nobody"), story.issued())),
        "unknown-key": first_line_of(story.submission(unlisted, story.issued())),
        "issued-at": first_line_of(old),
        "audience": first_line_of(story.submission(story.provider, story.issued(), aud="other")),
    }


RULES = [
    "header-form",
    "header-size",
    "signature",
    "unknown-organization",
    "unknown-key",
    "issued-at",
    "audience",
]


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("coding", ["identity", "gzip"])
def test_what_the_first_line_breaks_is_refused_before_the_rest_is_read(
    served: Served, rule: str, coding: str
) -> None:
    """The rest is never sent here, and the answer comes all the same."""
    start = first_lines(served)[rule] + b'{"a":1}\n' * 10_000
    if coding == "gzip":
        start = gzip.compress(start, 0)[:70_000]
    head = posting("Content-Length: 60000000", f"Content-Encoding: {coding}")
    answer = exchanged(served, head + start)
    assert f'"rule":"{rule}"'.encode() in answer
    assert metric(served, "testamur_body_bytes") == 0


@pytest.mark.parametrize("rule", RULES)
def test_the_same_is_named_first_when_all_came_at_once(served: Served, rule: str) -> None:
    answer = served.post(first_lines(served)[rule] + b"no event\n")
    assert answer.json()["rule"] == rule


def test_what_is_recorded_gets_its_receipt_although_it_could_not_be_recorded_now(
    served: Served,
) -> None:
    """Its key is retired by then: it came in pieces, so its first line was examined alone."""
    story = served.story
    second = story.provider.with_key("second")
    served.submit(story.submission(story.provider.recovery, story.key_listed(second)))
    body = story.submission(second, *(story.issued() for _ in range(400)))
    receipt = served.submit(body)
    served.submit(story.submission(story.provider.recovery, story.key_retired(second)))
    assert served.submit(body).position == receipt.position
    problem(served.post(story.submission(second, story.issued())), 403, "key-inactive")


def test_strangers_that_send_much_at_once_cost_little_memory(served: Served) -> None:
    before = memory(served)
    body = first_lines(served)["unknown-organization"] + b'{"a":1}\n' * 100_000
    with ExitStack() as stack:
        clients = [stack.enter_context(connection_to(served)) for _ in range(CLIENTS)]
        for client in clients:
            client.sendall(posting(f"Content-Length: {len(body)}") + body[:200_000])
        for client in clients:
            assert client.recv(65536).startswith(b"HTTP/1.1 403")
    assert memory(served) - before < 128 * MIB


def test_a_request_has_so_many_headers(served: Served) -> None:
    few = b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + b"a:\r\n" * (MAX_HEADERS - 1) + b"\r\n"
    with connection_to(served) as client:
        client.sendall(few)
        assert client.recv(65536).startswith(b"HTTP/1.1 200")
    many = b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + b"a:\r\n" * MAX_HEADERS + b"\r\n"
    answer = exchanged(served, many)
    assert answer.startswith(b"HTTP/1.1 431")
    assert b'"rule":"head-size"' in answer
