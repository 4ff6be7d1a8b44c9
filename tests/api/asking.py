"""Asking a server byte by byte, as no client library would, and reading its numbers and events."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from urllib.parse import quote, urlsplit

import httpx2
from msgspec.structs import replace

from testamur.catalogue.members import encoder
from testamur.catalogue.submission import MEDIA_TYPE, base64url_encode, parse_header
from testamur.tlog.merkle import leaf_hashes, tree_root
from testamur.verification.receipt import parse_receipt
from tests.harness.served import Served
from tests.harness.story import Story


def name_of(answer: httpx2.Response) -> str:
    """Return the path of a receipt, from the receipt."""
    receipt = parse_receipt(answer.content)
    return f"/submissions/{quote(receipt.issuer, safe='')}/{receipt.jti}"


def connection_to(served: Served) -> socket.socket:
    """Return a connection to the server."""
    host = urlsplit(served.url)
    assert host.hostname is not None
    return socket.create_connection((host.hostname, host.port or 80), timeout=30)


def posting(*headers: str) -> bytes:
    """Return the head of a submission request."""
    lines = ["POST /submissions HTTP/1.1", "Host: x", f"Content-Type: {MEDIA_TYPE}", *headers]
    return "\r\n".join([*lines, "", ""]).encode()


def first_line_of(body: bytes) -> bytes:
    """Return line 1 of a submission, with its LF."""
    return body.partition(b"\n")[0] + b"\n"


def signed_over(story: Story, *lines: bytes) -> bytes:
    """Return a submission of the provider's over lines that may be no events at all."""
    header = parse_header(first_line_of(story.cohort(1))[:-1])
    root = base64url_encode(tree_root(leaf_hashes(lines)))
    payload = replace(header.payload, events=len(lines), root=root)
    signed = b".".join(
        base64url_encode(encoder.encode(part)).encode() for part in (header.protected, payload)
    )
    signature = base64url_encode(story.provider.key.sign(signed)).encode()
    return b"\n".join((signed + b"." + signature, *lines, b""))


def exchanged(served: Served, request: bytes) -> bytes:
    """Return the problem that the server answers to these bytes."""
    with connection_to(served) as connection:
        connection.sendall(request)
        answer = connection.recv(65536)
        while not answer.endswith(b"}"):  # the end of a problem document
            answer += connection.recv(65536)
    return answer


def memory_of(served: Served) -> int:
    """Return the server's memory in use, in bytes."""
    return int(metric(served, "process_resident_memory_bytes"))


def metric(served: Served, name: str) -> float:
    """Return one number from /metrics."""
    (line,) = (line for line in served.metrics().splitlines() if line.startswith(f"{name} "))
    return float(line.split()[1])


def read_events(stream: httpx2.Response) -> Iterator[dict[str, str]]:
    """Yield server-sent events, their fields by name."""
    fields: dict[str, str] = {}
    for line in stream.iter_lines():
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif "data" in fields:
            yield fields
            fields = {}
        else:
            fields = {}
