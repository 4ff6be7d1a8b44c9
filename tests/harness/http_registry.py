"""A small registry behind real HTTP on this machine, to test its clients with.

    with HttpRegistry(log) as registry:
        RegistryClient(registry.url).submit(body)

It is an honest implementation of what a client sees: it records what it is handed, publishes
it, proves it, and answers the same submission with the same receipt. It can be told to fail:
what is put on `script` is what the next requests meet instead, but for the files of the log, which
lie elsewhere. It judges the form of a
submission and none of the rules.
"""

from __future__ import annotations

import gzip
import json
import re
import sys
from collections import deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, ClassVar, Literal, Self, TypeAlias
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec

from testamur.catalogue import dry_run
from testamur.catalogue.submission import (
    Submission,
    format_time,
    parse,
    parse_submission_entry,
    submission_entry,
)
from testamur.errors import Refusal
from testamur.tlog.proof import TlogProof
from testamur.verification.bearing import Bearing
from testamur.verification.evidence import build_evidence, render_evidence
from testamur.verification.receipt import Receipt, encode_path
from testamur.verification.replay import replay
from tests.harness.published_log import PublishedLog

Failing: TypeAlias = Literal["unheard", "unanswered"]
"""The connection breaks before the request is acted on, or after that and before the answer."""


@dataclass
class Reply:
    """An answer; a problem document unless its headers say otherwise."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def problem(cls, status: int, *, retry_after: int | None = None, **members: Any) -> Reply:
        headers = {"Content-Type": "application/problem+json"}
        if retry_after is not None:
            headers["Retry-After"] = str(retry_after)
        return cls(status, json.dumps({"status": status, **members}).encode(), headers)


@dataclass
class Asked:
    """A request as it arrived; `body` is decompressed."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # so that closing waits for every connection

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print what went wrong here; a client that is killed resets its connections."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class HttpRegistry:
    """Serves `log`, and takes submissions into it."""

    def __init__(self, log: PublishedLog) -> None:
        self.log = log
        self.asked: list[Asked] = []
        self.script: deque[Reply | Failing] = deque()
        self._receipts: dict[tuple[str, str], Receipt] = {}
        self._server = _Server(("127.0.0.1", 0), self._handler())
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def submitted(self) -> list[Asked]:
        """Return the submissions handed in, repeated ones too."""
        return [asked for asked in self.asked if asked.path == "/submissions"]

    def answer(self, asked: Asked) -> Reply:
        """Return the honest answer."""
        match asked.method, [unquote(part) for part in asked.path.strip("/").split("/")]:
            case "POST", ["submissions"]:
                return self._submit(asked.body)
            case "POST", ["submissions", "check"]:
                return self._check(asked.body)
            case "GET", ["submissions", issuer, jti] if (issuer, jti) in self._receipts:
                return _json(200, self._receipts[issuer, jti])
            case "GET", ["credentials", name, "evidence"]:
                return self._evidence(name)
            case "GET", ["log", *parts]:
                return self._file("/".join(parts))
        return Reply.problem(404, title="Not Found", rule="unknown-path", detail="nothing is here")

    def _submit(self, body: bytes) -> Reply:
        try:
            submission = parse(body)
        except Refusal as refusal:
            return _refused(refusal)
        payload = submission.header.payload
        names = payload.iss, payload.jti
        if names in self._receipts:
            return _json(200, msgspec.structs.replace(self._receipts[names], repeated=True))
        position = self.log.append(body)
        self.log.publish()
        self._receipts[names] = self._receipt(submission, position)
        return _json(201, self._receipts[names])

    def _receipt(self, submission: Submission, position: int) -> Receipt:
        payload = submission.header.payload
        recorded_at = parse_submission_entry(self.log.entries[position])[0]
        size, reader = self.log.size, self.log.reader()
        note = self.log.source().fetch("checkpoint")
        proof = TlogProof(position, tuple(reader.inclusion(position, size)), note)
        return Receipt(
            format="testamur/receipt/1",
            state="published",
            log=payload.aud,
            issuer=payload.iss,
            jti=payload.jti,
            position=position,
            events=payload.events,
            recorded_at=format_time(recorded_at),
            entry=submission_entry(submission.header.jws, recorded_at).decode(),
            proof=proof.render().decode(),
            end_path=encode_path(reader.inclusion(position + payload.events, size)),
        )

    def _check(self, body: bytes) -> Reply:
        refusals = []
        try:
            dry_run.parse_header(body.partition(b"\n")[0])
        except Refusal as refusal:
            return _refused(refusal)
        try:
            dry_run.parse(body)
        except Refusal as refusal:
            refusals.append(_members(refusal))
        found = {"accepted": not refusals, "size": self.log.size, "refusals": refusals, "flags": []}
        return _json(200, {"format": "testamur/check/1", **found})

    def _evidence(self, credential: str) -> Reply:
        bearing = Bearing([credential])
        replay(self.log.source(), self.log.key, on_submission=bearing.read)
        note = self.log.source().fetch("checkpoint")
        positions = bearing.positions(credential)
        return Reply(
            200, render_evidence(build_evidence(self.log.reader(), note, credential, positions))
        )

    def _file(self, path: str) -> Reply:
        file = self.log.root / path
        inside = re.fullmatch(r"checkpoint|tile/[0-9a-z/.]+", path) and file.is_file()
        return Reply(200, file.read_bytes()) if inside else Reply(404)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        registry = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            rbufsize: ClassVar[int] = 65536

            def do_GET(self) -> None:
                self._meet()

            def do_POST(self) -> None:
                self._meet()

            def log_message(self, *_: object) -> None:
                pass

            def _meet(self) -> None:
                asked = self._read()
                registry.asked.append(asked)
                public = asked.path.startswith("/log/")
                planned = registry.script.popleft() if registry.script and not public else None
                reply = planned if isinstance(planned, Reply) else None
                if reply is None and planned != "unheard":
                    reply = registry.answer(asked)
                if reply is None or planned == "unanswered":
                    self.close_connection = True
                    return
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(reply.body)))
                self.end_headers()
                self.wfile.write(reply.body)

            def _read(self) -> Asked:
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                parts = urlsplit(self.path)
                query = dict(parse_qsl(parts.query))
                return Asked(self.command, parts.path, query, dict(self.headers), body)

        return Handler


def _json(status: int, value: object) -> Reply:
    return Reply(status, msgspec.json.encode(value), {"Content-Type": "application/json"})


def _refused(refusal: Refusal) -> Reply:
    return Reply.problem(400, **_members(refusal))


def _members(refusal: Refusal) -> dict[str, Any]:
    members = {"rule": refusal.rule, "detail": refusal.detail, "line": refusal.line}
    found = {**members, "value": refusal.value}
    return {name: value for name, value in found.items() if value is not None}
