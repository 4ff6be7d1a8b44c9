"""What comes by the network, or says where something is."""

from __future__ import annotations

from itertools import islice
from typing import Any, Final

import httpx2

from api.http.parameters import check_named
from api.http.problems import Problem
from api.questions.moment import parse_day_or_time
from api.roles import parse_roles
from log.bucket import Bucket
from registry.postgres.address import Address
from testamur.errors import Refuted, Unavailable
from testamur.http.body import read_body
from testamur.http.client import RegistryClient
from testamur.http.source import is_url, open_source
from tests.fuzz import samples
from tests.fuzz.row import Row, as_line, as_text, texts


def _answered(data: bytes) -> bytes:
    """Take the first line for the content coding, the rest for the body of an answer."""
    coding, _, body = data.partition(b"\n")
    headers = [(b"content-encoding", coding)]

    def answer(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers=headers, stream=httpx2.ByteStream(body))

    with (
        httpx2.Client(transport=httpx2.MockTransport(answer)) as client,
        client.stream("GET", "http://log.example") as response,
    ):
        return read_body(response, 10_000)


def _asked(data: bytes) -> Any:
    """Have the registry answer each question of a client with these bytes."""
    name, position = samples.SECRET.public.did_key(), 9
    faults: list[Unavailable | Refuted] = []

    def answer(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, stream=httpx2.ByteStream(data))

    transport = httpx2.MockTransport(answer)
    with (
        httpx2.Client(transport=transport) as client,
        RegistryClient("http://log.example", client=client, patience=0.0) as registry,
    ):
        for ask in (
            registry.checkpoint,
            lambda: registry.receipt(name, "0190a1b2-0000-7000-8000-000000000000"),
            lambda: registry.check(b"x"),
            lambda: registry.credential(_ID),
            lambda: registry.definition(_ID, 1, size=position),
            lambda: registry.accreditation(_ID, size=position),
            lambda: registry.organization(name, size=position),
            lambda: registry.status(_ID, size=position),
            lambda: registry.evidence(_ID),
            lambda: list(islice(registry.submissions(name), 100)),
            lambda: list(islice(registry.history(name), 100)),
            lambda: registry.keys(name),
        ):
            try:
                ask()
            except (Refuted, Unavailable) as error:
                faults.append(error)
    if len(faults) == _QUESTIONS:
        raise faults[0]
    return len(faults)


def _source(data: bytes) -> Any:
    place = data.decode("utf-8", "surrogateescape")
    # Nobody is asked: what is behind an address is not what is tried here.
    transport = httpx2.MockTransport(
        lambda _: httpx2.Response(200, stream=httpx2.ByteStream(samples.log().note))
    )
    with httpx2.Client(transport=transport) as client:
        source = open_source(place, client)
        return source.fetch("checkpoint") if is_url(place) else None


def _query(data: bytes) -> Any:
    pairs = [part.partition("=")[::2] for part in data.decode("utf-8", "replace").split("&")]
    return check_named(pairs, {"size": False, "flag": True})


_ADDRESS: Final = "postgresql://user:correcthorsebattery@db.example:5432/log?sslmode=require"

_ID: Final = "01a1fd8c-6900-7000-8000-000000000023"
_QUESTIONS: Final = 12
_PAGE: Final = b'{"items":[],"next":null,"size":9}'

ROWS: Final = (
    Row(
        ("testamur.http.body.read_body",),
        _answered,
        lambda: [
            b"\nhello",
            b"gzip\n" + samples.gzipped(b"hello" * 100),
            b"gzip\n" + samples.gzipped(b"\0" * 20_000),
        ],
    ),
    Row(
        ("testamur.http.client.RegistryClient of every answer",),
        _asked,
        lambda: [samples.log().note, samples.receipt(), samples.evidence(), _PAGE],
    ),
    Row(
        ("testamur.http.source.open_source",),
        _source,
        texts("https://log.example/x", "http://127.0.0.1:8765", "/nowhere/log"),
    ),
    Row(
        ("registry.postgres.address.Address.parse",),
        as_text(Address.parse),
        texts(
            _ADDRESS,
            _ADDRESS.replace("5432", "54x2"),
            "postgresql://h1,h2/log?password=correcthorsebattery",
        ),
        secrets=("correcthorsebattery",),
    ),
    Row(
        ("log.bucket.Bucket.parse",),
        as_text(Bucket.parse),
        texts(
            "s3://bucket/prefix?endpoint=http://127.0.0.1:8333&region=eu-1",
            "s3://bucket",
            "s3://user:correcthorsebattery@bucket/prefix",
        ),
        secrets=("correcthorsebattery",),
    ),
    Row(
        ("api.roles.parse_roles",),
        as_text(parse_roles),
        texts("api,publish,project", "api"),
    ),
    Row(
        ("api.questions.moment.parse_day_or_time", "api.questions.moment.parse_moment"),
        as_line(lambda text: parse_day_or_time("since", text, end=True)),
        texts("2026-11-21", "2026-11-21T10:00:00Z", "0001-01-01T00:00:00-14:00"),
        errors=(Problem,),
    ),
    Row(
        ("api.http.parameters.check_named",),
        _query,
        texts("size=1&flag=a&flag=b", "at=x"),
        errors=(Problem,),
    ),
)
