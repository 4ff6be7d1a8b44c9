"""What strangers can make the server hold on to: nothing, once they have been answered.

The server is the real process, and its memory is what the kernel says it is.
"""

from __future__ import annotations

import gzip
import os
import resource
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest

from api.readiness import HUNG_SECONDS
from testamur.catalogue.submission import MEDIA_TYPE
from tests.harness.served import Served, problem, processes
from tests.harness.waiting import until

MIB = 1 << 20


@pytest.fixture(scope="module")
def served(opened_log: Served, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server of a log whose provider may issue."""
    log = opened_log.copy(tmp_path_factory.mktemp("overload") / "data")
    with log.running():
        yield log
    assert "Traceback" not in log.errors()
    log.close()


def memory(log: Served) -> int:
    """Return the bytes that the server's process has in memory."""
    assert log.process is not None
    pages = Path(f"/proc/{log.process.pid}/statm").read_text().split()[1]
    return int(pages) * resource.getpagesize()


def publisher(log: Served) -> int:
    (found,) = processes(b"api.processes.publisher", os.fsencode(log.data))
    return found


def identical_lines(log: Served) -> bytes:
    """A header of the provider's over 100,000 times the same event: refused at its end."""
    header, line = log.story.cohort(100_000).split(b"\n")[:2]
    return gzip.compress(header + b"\n" + (line + b"\n") * 100_000)


def bad_lines(log: Served) -> bytes:
    """A dry run of 100,000 lines, each of them wrong, and of another root."""
    lines = b"\n" + b'{"x":1.5}\n' * 100_000
    return gzip.compress(log.story.rehearsed(log.story.cohort(1)).partition(b"\n")[0] + lines)


@pytest.mark.parametrize(
    ("made", "ask", "status"),
    [(identical_lines, lambda log: log.post, 422), (bad_lines, lambda log: log.check, 200)],
    ids=["refused", "rehearsed"],
)
def test_what_was_refused_is_not_kept(
    served: Served,
    made: Callable[[Served], bytes],
    ask: Callable[[Served], Callable[..., httpx2.Response]],
    status: int,
) -> None:
    """Errors point to frames, frames to what was read: kept together they were gigabytes."""
    body = made(served)
    sizes = []
    for _ in range(5):
        answer = ask(served)(body, Content_Encoding="gzip")
        assert answer.status_code == status, answer.text
        sizes.append(memory(served))
    # The first few find out how much one needs; from then on it is the same again and again.
    assert sizes[-1] - sizes[2] < 64 * MIB, [size // MIB for size in sizes]
    assert sizes[-1] < 512 * MIB


def test_a_dry_run_lists_so_many_refusals_and_counts_the_others(served: Served) -> None:
    answer = served.check(bad_lines(served), Content_Encoding="gzip")
    found = answer.json()
    assert len(found["refusals"]) == 1_000
    assert found["leftOff"] == 100_001 - 1_000
    assert not found["accepted"]


def test_gzip_that_inflates_to_nothing_is_bounded_too(served: Served) -> None:
    nothing = b"\x00\x00\x00\xff\xff" * 200_000  # empty blocks that are not the last
    body = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff" + nothing * 70

    def parts() -> Iterator[bytes]:
        for at in range(0, len(body), MIB):
            yield body[at : at + MIB]

    headers = {"Content-Type": MEDIA_TYPE, "Content-Encoding": "gzip"}
    with served.client.stream(
        "POST", served.url + "/submissions", content=parts(), headers=headers
    ) as answer:
        answer.read()
        problem(answer, 413, "submission-size")


def test_a_publisher_that_hangs_is_noticed_and_nothing_more_is_taken_in(served: Served) -> None:
    until(lambda: served.get("/readyz").status_code == 200)
    hung = publisher(served)
    os.kill(hung, signal.SIGSTOP)
    try:
        body = served.story.cohort(1)
        assert served.post(body, wait="durable").status_code == 201
        until(lambda: served.get("/readyz").status_code == 503, HUNG_SECONDS + 10)
        parts = {part["part"]: part["state"] for part in served.get("/readyz").json()["parts"]}
        assert parts["log"] == "lags"
        problem(served.post(served.story.cohort(1)), 503, "publication-delayed")
        problem(served.post(served.story.cohort(1), wait="durable"), 503, "publication-delayed")
    finally:
        os.kill(hung, signal.SIGCONT)
    until(lambda: served.get("/readyz").status_code == 200)
    served.submit(served.story.cohort(1))
    assert served.post(body).status_code == 200


def test_a_follower_that_hangs_is_noticed(served: Served) -> None:
    words = b"projections", os.fsencode(served.data / "projections")
    until(lambda: len(processes(*words)) == 1)
    (hung,) = processes(*words)
    os.kill(hung, signal.SIGSTOP)
    try:
        served.submit(served.story.cohort(1))
        until(lambda: served.get("/readyz").status_code == 503, HUNG_SECONDS + 10)
    finally:
        os.kill(hung, signal.SIGCONT)
    until(lambda: served.get("/readyz").status_code == 200)


def test_a_server_that_had_no_descriptor_left_goes_on_when_it_has(served: Served) -> None:
    """A checkpoint is told of once: one that could not be read just then must not be forgotten."""
    assert served.process is not None
    pid = served.process.pid
    body = served.story.cohort(3)
    address = urlsplit(served.url)
    host, port = str(address.hostname), int(address.port or 0)
    inside = socket.create_connection((host, port))
    inside.settimeout(60)
    head = (
        f"POST /submissions HTTP/1.1\r\nHost: {host}\r\nContent-Type: {MEDIA_TYPE}\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    inside.sendall(head.encode() + body[:50])
    time.sleep(0.2)
    _, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, hard))  # what is open stays open
    inside.sendall(body[50:])
    time.sleep(1.5)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (hard, hard))
    answer = b""
    while part := inside.recv(65536):
        answer += part
    inside.close()
    assert answer.startswith((b"HTTP/1.1 201", b"HTTP/1.1 503")), answer[:200]

    until(lambda: served.get("/readyz").status_code == 200)
    assert served.post(body).status_code in (200, 201)
    served.submit(served.story.cohort(1))


def test_a_client_that_queues_requests_behind_a_stream_and_leaves_takes_the_stream_along(
    served: Served,
) -> None:
    address = urlsplit(served.url)
    both = b"GET /stream HTTP/1.1\r\nHost: x\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    for _ in range(5):
        with socket.create_connection((str(address.hostname), int(address.port or 0))) as end:
            end.sendall(both)
            assert b"text/event-stream" in end.recv(65536)
    until(lambda: "\ntestamur_streams 0.0\n" in served.metrics())
