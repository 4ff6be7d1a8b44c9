"""A body is read whole within bounds, or refused without a trace."""

from __future__ import annotations

import asyncio
import gzip
import socket
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from api.http.intake import FIRST_BYTES, Intake
from api.http.problems import Problem
from testamur.catalogue.submission import MEDIA_TYPE
from testamur.verification.receipt import parse_receipt, verify_receipt
from tests.api.asking import connection_to, exchanged, first_line_of, memory_of, posting
from tests.harness.served import TYPE, Served, problem

LIMIT = 64 * 1024 * 1024


def test_a_compressed_submission_is_the_same_submission(served: Served) -> None:
    body = served.story.cohort(500)
    answer = served.post(gzip.compress(body), Content_Encoding="gzip")
    assert answer.status_code == 201
    verify_receipt(parse_receipt(answer.content), body, served.policy)


@pytest.mark.parametrize(
    "media_type", ["application/json", "text/plain", "", "application/vnd.testamur.submissions"]
)
def test_another_media_type_is_not_taken(served: Served, media_type: str) -> None:
    answer = served.post(served.story.cohort(1), Content_Type=media_type)
    problem(answer, 415, "media-type")
    assert answer.headers["accept-post"] == MEDIA_TYPE


@pytest.mark.parametrize("coding", ["br", "deflate", "gzip, gzip", "x-gzip"])
def test_another_content_coding_is_not_taken(served: Served, coding: str) -> None:
    answer = served.post(served.story.cohort(1), Content_Encoding=coding)
    problem(answer, 415, "content-encoding")
    assert answer.headers["accept-encoding"] == "gzip"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not gzip at all",
        gzip.compress(b"x" * 1000)[:-9],
        gzip.compress(b"x\n") + b"trailing",
        gzip.compress(b"x\n") + gzip.compress(b"y\n"),
        zlib.compress(b"x\n"),
    ],
    ids=["empty", "not gzip", "cut short", "trailing bytes", "two members", "zlib"],
)
def test_bad_gzip_is_refused(served: Served, body: bytes) -> None:
    problem(served.post(body, Content_Encoding="gzip"), 400, "content-encoding")


def test_a_body_that_says_it_is_too_large_is_not_read(served: Served) -> None:
    head = posting(f"Content-Length: {LIMIT + 1}")
    answer = exchanged(served, head)
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"submission-size" in answer


def test_a_body_that_turns_out_too_large_is_stopped(served: Served) -> None:
    def endless() -> Iterator[bytes]:
        yield first_line_of(served.story.cohort(1))
        for _ in range(80):
            yield b"x" * (1 << 20)

    answer = served.client.post(served.url + "/submissions", content=endless(), headers=TYPE)
    problem(answer, 413, "submission-size")


def zeros_after(start: bytes, mebibytes: int) -> bytes:
    """Return gzip that unfolds to `start` and so many MiB of zeros, and has no end."""
    deflate = zlib.compressobj(9, wbits=31)
    made = deflate.compress(start) + deflate.flush(zlib.Z_FULL_FLUSH)
    return made + (deflate.compress(bytes(1 << 20)) + deflate.flush(zlib.Z_FULL_FLUSH)) * mebibytes


def test_a_gzip_bomb_is_stopped_while_it_unfolds(served: Served) -> None:
    bomb = zeros_after(first_line_of(served.story.cohort(1)), 1 << 10)
    before = memory_of(served)
    problem(served.post(bomb, Content_Encoding="gzip"), 413, "submission-size")
    assert memory_of(served) - before < 3 * LIMIT
    assert served.get("/healthz").status_code == 200


@pytest.mark.parametrize("sent", [0, 1, 200, -1])
def test_an_upload_that_is_cut_off_leaves_no_trace(served: Served, sent: int) -> None:
    """The client states the length, sends less, and hangs up; or shuts its side and waits."""
    body = served.story.cohort(2)
    before = served.size
    for linger in (False, True):
        with connection_to(served) as connection:
            connection.sendall(posting(f"Content-Length: {len(body)}") + body[:sent])
            if linger:
                connection.shutdown(socket.SHUT_WR)
                assert not connection.recv(65536).startswith(b"HTTP/1.1 2")
    served.submit(served.story.cohort(1))
    assert served.size == before + 2


def test_a_chunked_upload_that_is_cut_off_leaves_no_trace(served: Served) -> None:
    body = served.story.cohort(2)
    before = served.size
    with connection_to(served) as connection:
        head = posting("Transfer-Encoding: chunked")
        connection.sendall(head + b"%x\r\n%b\r\n" % (len(body), body))  # and no last chunk
    served.submit(served.story.cohort(1))
    assert served.size == before + 2


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        (b"", "submission-empty"),
        (b"\n", "header-form"),
        (b"x", "submission-truncated"),
        (b"a.b.c\n{}\n", "base64url"),
        (b"no jws\n{}\n", "header-form"),
        (b"\xff\xfe\n{}\n", "header-form"),
        (b"\n" * 200_000, "header-form"),
        (b"x" * 5000 + b"\n{}\n", "header-size"),
        (b"a.b.c\n" + b"x" * 70_000 + b"\n", "base64url"),
    ],
)
def test_what_is_no_submission_is_refused_by_name(served: Served, body: bytes, rule: str) -> None:
    answer = served.post(body)
    assert answer.json()["rule"] == rule, answer.text
    assert answer.status_code == (413 if rule.endswith("-size") else 422)


def test_all_bodies_together_are_bounded() -> None:
    """A crowd of slow uploads is turned away, and what they held is free again."""

    async def crowd() -> list[int]:
        with ThreadPoolExecutor(1) as pool:
            intake = Intake(pool, limit=1000, budget=2500)
            gate = asyncio.Event()

            async def upload() -> int:
                sent = 0

                async def receive() -> dict[str, Any]:
                    nonlocal sent
                    sent += 1
                    if sent > 1:
                        await gate.wait()
                    return {"type": "http.request", "body": bytes(500), "more_body": sent < 2}

                headers = [(b"content-type", MEDIA_TYPE.encode())]
                try:
                    body = await intake.read({"headers": headers}, receive, [MEDIA_TYPE])
                except Problem as found:
                    return found.document.status
                intake.release(len(body))
                return 200

            tasks = [asyncio.create_task(upload()) for _ in range(8)]
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            gate.set()
            statuses = await asyncio.gather(*tasks)
            assert intake.held == 0
            return statuses

    statuses = asyncio.run(crowd())
    assert set(statuses) == {200, 503}
    assert statuses.count(503) >= 3


def test_slow_uploads_cannot_keep_others_out() -> None:
    """The one that has held most for longest makes way; a small one never does."""

    async def crowd() -> None:
        with ThreadPoolExecutor(1) as pool:
            intake = Intake(pool, limit=1000, budget=2500)
            never = asyncio.Event()

            async def upload(size: int, *, whole: bool) -> int:
                parts = [bytes(size)]

                async def receive() -> dict[str, Any]:
                    if not parts:
                        await never.wait()
                    return {"type": "http.request", "body": parts.pop(), "more_body": not whole}

                headers = [(b"content-type", MEDIA_TYPE.encode())]
                try:
                    body = await intake.read({"headers": headers}, receive, [MEDIA_TYPE])
                except Problem as found:
                    return found.document.status
                intake.release(len(body))
                return 200

            slow = []
            for size in (100, 900, 800, 700):
                slow.append(asyncio.create_task(upload(size, whole=False)))
                await asyncio.sleep(0.01)
            assert await upload(900, whole=True) == 200
            assert await slow[1] == 503
            assert [each.done() for each in slow] == [False, True, False, False]
            assert intake.held == 1600
            for each in slow:
                each.cancel()
            await asyncio.gather(*slow, return_exceptions=True)
            assert intake.held == 0

    asyncio.run(crowd())


@pytest.mark.slow
def test_how_a_body_begins_is_looked_at_before_the_rest_is_read() -> None:
    """Also of one that comes compressed: what is refused is not inflated."""

    async def story(body: bytes, headers: list[tuple[bytes, bytes]]) -> None:
        with ThreadPoolExecutor(1) as pool:
            intake = Intake(pool, limit=1 << 30, budget=1 << 30)
            seen: list[bytes] = []

            async def look(start: bytes) -> bool:
                seen.append(start)
                raise Problem(422, "enough", "seen enough")

            async def receive() -> dict[str, Any]:
                return {"type": "http.request", "body": body, "more_body": True}

            with pytest.raises(Problem):
                await intake.read({"headers": headers}, receive, [MEDIA_TYPE], look=look)
            assert len(seen[0]) <= FIRST_BYTES
            assert intake.held == 0

    typed = [(b"content-type", MEDIA_TYPE.encode())]
    asyncio.run(story(b"x" * 200_000, typed))
    asyncio.run(story(zeros_after(b"", 1 << 8), [*typed, (b"content-encoding", b"gzip")]))
