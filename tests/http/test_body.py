"""An answer is read as far as the question can need, and no further, whatever sends it."""

from __future__ import annotations

import gzip
import os
import time
import zlib
from collections.abc import Iterator

import httpx2
import pytest

from testamur.errors import Unavailable
from testamur.http.body import TooLarge, read_body


def answer(pieces: Iterator[bytes] | list[bytes], coding: str | None = None) -> httpx2.Response:
    headers = {} if coding is None else {"Content-Encoding": coding}
    asked = httpx2.Request("GET", "http://registry.example/")
    return httpx2.Response(200, headers=headers, content=iter(pieces), request=asked)


def endless(piece: bytes, pause: float = 0.0) -> Iterator[bytes]:
    while True:
        time.sleep(pause)
        yield piece


@pytest.mark.parametrize("size", [0, 1, 999, 1000])
def test_a_body_is_what_was_sent(size: int) -> None:
    body = bytes(range(256)) * 4
    body = body[:size]
    packed = gzip.compress(body)
    halves = [packed[:7], packed[7:]]
    assert read_body(answer([body[:3], body[3:]]), 1000) == body
    for coding in ("gzip", "x-gzip", " GZIP ", "gzip,", "aws-chunked, gzip"):
        assert read_body(answer(halves, coding), 1000) == body
    assert read_body(answer([body], "identity"), 1000) == body


def test_gzip_of_several_members_is_read_to_its_end() -> None:
    packed = b"".join(gzip.compress(part) for part in (b"one", b"", b"two")) + bytes(40)
    for size in (1, 7, 1000):
        pieces = [packed[at : at + size] for at in range(0, len(packed), size)]
        assert read_body(answer(pieces, "gzip"), 6) == b"onetwo"
    with pytest.raises(Unavailable, match="cut short"):
        read_body(answer([packed + b"x"], "gzip"), 1000)
    with pytest.raises(TooLarge):
        read_body(answer([packed], "gzip"), 5)


def test_what_does_not_compress_may_be_longer_in_gzip() -> None:
    body = os.urandom(100_000)
    packed = gzip.compress(body)
    assert len(packed) > len(body)
    assert read_body(answer([packed], "gzip"), len(body)) == body


@pytest.mark.parametrize(
    "sent",
    [
        answer([bytes(1001)]),
        answer(endless(b"x")),
        answer([gzip.compress(bytes(1001), mtime=0)], "gzip"),
        answer([gzip.compress(bytes(10**7), mtime=0)], "gzip"),
    ],
    ids=["one byte more", "without end", "inflated", "bomb"],
)
def test_nothing_beyond_the_bound_is_read(sent: httpx2.Response) -> None:
    with pytest.raises(TooLarge, match="more than 1000 bytes"):
        read_body(sent, 1000)


def test_what_inflates_to_nothing_is_counted_as_it_comes() -> None:
    deflate = zlib.compressobj(wbits=31)
    head = deflate.compress(b"") + deflate.flush(zlib.Z_SYNC_FLUSH)
    nothing = deflate.flush(zlib.Z_FULL_FLUSH)

    def sent() -> Iterator[bytes]:
        yield head
        yield from endless(nothing or b"\x00\x00\x00\xff\xff")

    with pytest.raises(TooLarge):
        read_body(answer(sent(), "gzip"), 1000)


def test_a_body_that_drips_is_given_up() -> None:
    begun = time.monotonic()
    with pytest.raises(Unavailable, match="took more than"):
        read_body(answer(endless(b"x", 0.02)), 10**9, seconds=0.2)
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize(
    ("body", "coding", "why"),
    [
        (b"no gzip", "gzip", "bad gzip"),
        (gzip.compress(b"x" * 500, mtime=0)[:-9], "gzip", "cut short"),
        (b"", "gzip", "cut short"),
        (b"x", "br", "content coding 'br'"),
        (b"x", "deflate", "content coding"),
        (gzip.compress(gzip.compress(b"x", mtime=0), mtime=0), "gzip, gzip", "content coding"),
    ],
    ids=["not gzip", "cut short", "empty", "brotli", "deflate", "gzip twice"],
)
def test_what_cannot_be_decoded_could_not_be_examined(body: bytes, coding: str, why: str) -> None:
    with pytest.raises(Unavailable, match=why):
        read_body(answer([body], coding), 1000)
