"""A client hands in once, however often it has to ask, and never takes silence for a verdict."""

from __future__ import annotations

import gzip
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from testamur.errors import Refusal, Refuted, Unavailable
from testamur.http.client import GRADES, RegistryClient
from testamur.http.exchange import PROBLEM, Answer
from testamur.http.submitting import submit
from testamur.tlog.note import VerifierKey
from testamur.tlog.policy import Log, Policy
from testamur.tlog.source import NotFound
from testamur.verification.receipt import verify_receipt
from tests.harness.http_registry import HttpRegistry, Reply
from tests.harness.published_log import opened_log
from tests.harness.story import Story


class World:
    """A log behind HTTP, a client of it, and how long the client would have waited."""

    def __init__(self, server: HttpRegistry, story: Story) -> None:
        self.server = server
        self.story = story
        self.pauses: list[float] = []
        self.reasons: list[str] = []
        self.client = self.registry()

    def registry(self, **options: Any) -> RegistryClient:
        return RegistryClient(
            self.server.url,
            pause=self.pauses.append,
            on_retry=lambda reason, _: self.reasons.append(reason),
            **options,
        )

    def policy(self) -> Policy:
        return Policy((Log(self.server.log.key),), (), (), None)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    log, story = opened_log(tmp_path / "log")
    with HttpRegistry(log) as server:
        found = World(server, story)
        yield found
        found.client.close()


# --- Handing in ---


def test_a_submission_gets_a_receipt_that_verifies(world: World) -> None:
    body = world.story.cohort(5)
    receipt = world.client.submit(body)
    assert not receipt.repeated
    verified = verify_receipt(receipt, body, world.policy())
    assert verified.checkpoint.size == receipt.position + 6
    (asked,) = world.server.submitted()
    assert asked.query == {"wait": "published", "flags": "refuse"}
    assert asked.headers["Content-Type"] == "application/vnd.testamur.submission"


def test_a_large_submission_is_compressed_and_arrives_as_it_was(world: World) -> None:
    body = world.story.cohort(2000)
    world.client.submit(body)
    (asked,) = world.server.submitted()
    assert asked.body == body
    assert asked.headers["Content-Encoding"] == "gzip"
    assert int(asked.headers["Content-Length"]) < len(body) / 2
    assert "Transfer-Encoding" not in asked.headers


def test_a_small_submission_is_sent_as_it_is(world: World) -> None:
    body = world.story.cohort(1)
    world.client.submit(body)
    (asked,) = world.server.submitted()
    assert asked.body == body
    assert "Content-Encoding" not in asked.headers


@pytest.mark.parametrize("failure", ["unheard", "unanswered"])
def test_a_broken_connection_is_tried_again_and_records_once(world: World, failure: Any) -> None:
    world.server.script += [failure, failure]
    body = world.story.cohort(2)
    receipt = world.client.submit(body)
    assert len(world.server.submitted()) == 3
    assert receipt.repeated is (failure == "unanswered")
    assert sum(b'"submission"' in entry for entry in world.server.log.entries) == 5
    assert "cannot be reached" in world.reasons[0]


def test_a_registry_that_asks_for_time_gets_it(world: World) -> None:
    busy = Reply.problem(503, retry_after=7, rule="overloaded", detail="the queue is full")
    world.server.script += [busy, busy]
    assert world.client.submit(world.story.cohort(1)).events == 1
    assert world.pauses == [7.0, 7.0]
    assert "503: overloaded: the queue is full" in world.reasons[0]


def test_a_registry_that_asks_for_no_time_is_not_hammered(world: World) -> None:
    world.server.script += [Reply.problem(503, retry_after=0)] * 5
    world.client.submit(world.story.cohort(1))
    assert world.pauses == [0.25, 0.5, 1, 2, 4]


@pytest.mark.slow
@pytest.mark.parametrize("status", [408, 425, 429, 502, 503, 504])
def test_what_decides_nothing_is_asked_again(world: World, status: int) -> None:
    world.server.script.append(Reply(status))
    assert world.client.submit(world.story.cohort(1)).events == 1
    assert world.pauses == [0.25]


def test_patience_is_bounded(world: World) -> None:
    world.server.script += [Reply(502)] * 50
    with world.registry(patience=10) as registry, pytest.raises(Unavailable, match="answered 502"):
        registry.submit(world.story.cohort(1))
    assert sum(world.pauses) <= 10
    assert len(world.server.submitted()) == len(world.pauses) + 1


def test_a_wait_beyond_patience_is_not_begun(world: World) -> None:
    world.server.script.append(Reply.problem(503, retry_after=3600, detail="maintenance"))
    with pytest.raises(Unavailable, match="maintenance"):
        world.client.submit(world.story.cohort(1))
    assert world.pauses == []


def test_a_registry_out_of_reach_is_unavailable_and_never_a_refusal(world: World) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    client = RegistryClient(f"http://127.0.0.1:{port}", patience=0)
    with client, pytest.raises(Unavailable, match="cannot be reached"):
        client.submit(world.story.cohort(1))


@pytest.mark.parametrize("url", ["registry.example", "ftp://registry.example", "http://[::1", ""])
def test_what_is_no_url_is_unavailable_at_once(world: World, url: str) -> None:
    with RegistryClient(url, pause=world.pauses.append) as client, pytest.raises(Unavailable):
        client.submit(world.story.cohort(1))
    assert world.pauses == []


def test_what_is_no_submission_is_refused_before_it_is_sent(world: World) -> None:
    with pytest.raises(Refusal, match="header-form"):
        world.client.submit(b"{}\n")
    assert world.server.asked == []


# --- What comes back ---


def test_a_refusal_keeps_its_rule_line_and_value(world: World) -> None:
    members: dict[str, Any] = {
        "rule": "transition",
        "detail": "it cannot",
        "line": 7,
        "value": "caf\\xe9",
    }
    world.server.script.append(Reply.problem(422, **members))
    with pytest.raises(Refusal) as caught:
        world.client.submit(world.story.cohort(1))
    refusal = caught.value
    assert (refusal.rule, refusal.detail, refusal.line) == ("transition", "it cannot", 7)
    assert refusal.value == "caf\\xe9"
    assert str(refusal) == "line 7: transition: it cannot (found caf\\xe9)"
    assert world.pauses == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "reply",
    [
        Reply(400, b"<html>bad gateway, or so"),
        Reply(413),
        Reply(400, b'{"rule":"root","detail":"no"}', {"Content-Type": "text/plain"}),
        Reply(400, b"{", {"Content-Type": "application/problem+json"}),
        Reply.problem(401, title="Log in"),
        Reply.problem(500, rule="root", detail="a server at fault refutes nothing"),
        Reply(301, b"", {"Location": "https://elsewhere.example/submissions"}),
        Reply(204),
    ],
)
def test_an_error_that_names_no_rule_is_unavailable(world: World, reply: Reply) -> None:
    world.server.script.append(reply)
    with pytest.raises(Unavailable, match=f"answered {reply.status}"):
        world.client.submit(world.story.cohort(1))


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b'{"format":"testamur/receipt/2"}', b"\xff"])
def test_an_answer_that_is_no_receipt_does_not_refuse_the_submission(
    world: World, body: bytes
) -> None:
    world.server.script.append(Reply(201, body))
    with pytest.raises(Unavailable, match="no receipt"):
        world.client.submit(world.story.cohort(1))


def test_a_receipt_for_another_submission_is_refuted(world: World) -> None:
    world.client.submit(world.story.cohort(1))
    other = world.server.answer(world.server.asked[0])
    world.server.script.append(other)
    with pytest.raises(Refuted, match="gave the receipt of"):
        world.client.submit(world.story.cohort(1))


def test_an_answer_without_end_is_cut_off(world: World) -> None:
    bomb = Reply(201, gzip.compress(bytes(1 << 26)), {"Content-Encoding": "gzip"})
    world.server.script.append(bomb)
    with pytest.raises(Unavailable, match="more than"):
        world.client.submit(world.story.cohort(1))


@pytest.mark.parametrize(
    ("body", "coding"), [(b"x", "br"), (b"", "gzip"), (b"plain", "gzip"), (bytes(99_999), "")]
)
def test_whatever_an_error_says_besides_its_status_is_what_counts(
    world: World, body: bytes, coding: str
) -> None:
    """The error page of a proxy must not end the patience with an outage."""
    headers = {"Content-Encoding": coding}
    world.server.script += [Reply(503, body, headers), Reply(502, body, headers)]
    assert world.client.submit(world.story.cohort(1)).events == 1
    world.server.script.append(Reply(404, body, headers))
    with pytest.raises(NotFound):
        world.client.credential(world.story.new_id())


def test_an_answer_that_cannot_be_decompressed_is_unavailable(world: World) -> None:
    world.server.script.append(Reply(201, b"no gzip", {"Content-Encoding": "gzip"}))
    with pytest.raises(Unavailable, match="bad gzip"):
        world.client.submit(world.story.cohort(1))


# --- Questions ---


def test_a_receipt_can_be_asked_for_again(world: World) -> None:
    receipt = world.client.submit(world.story.cohort(1))
    assert world.client.receipt(receipt.issuer, receipt.jti) == receipt
    assert "%3A" not in receipt.issuer
    with pytest.raises(NotFound):
        world.client.receipt(receipt.issuer, world.story.new_id())


def test_a_dry_run_lists_every_refusal_and_records_nothing(world: World) -> None:
    size = world.server.log.size
    body = world.story.rehearsed(world.story.cohort(2))
    assert world.client.check(body).accepted
    refused = world.client.check(body.replace(b'"blended"', b'"Blended"', 1))
    assert not refused.accepted
    assert [each.refusal().rule for each in refused.refusals] == ["event-schema"]
    assert refused.refusals[0].line == 2
    assert world.server.log.size == size


def test_a_status_is_asked_for_as_of_a_moment(world: World) -> None:
    world.server.script.append(Reply(200, b'{"status":"active"}'))
    assert world.client.credential("a/b", {"at": "2026-11-21T10:00:00+01:00"}) == {
        "status": "active"
    }
    (asked,) = world.server.asked
    assert asked.path == "/credentials/a%2Fb"
    assert asked.query == {"at": "2026-11-21T10:00:00+01:00"}


@pytest.mark.parametrize(
    "body",
    [b"", b"[1]", b'"active"', b'{"a":' * 5000, b'{"a":' + b"[" * 900 + b"]" * 900 + b"}"],
)
def test_a_status_in_an_unknown_form_is_unavailable(world: World, body: bytes) -> None:
    world.server.script.append(Reply(200, body))
    with pytest.raises(Unavailable, match="unknown form"):
        world.client.credential(world.story.new_id())


def test_an_unknown_credential_is_not_found(world: World) -> None:
    with pytest.raises(NotFound, match="404: unknown-path"):
        world.client.credential(world.story.new_id())


def test_grades_rise_from_durable_to_witnessed() -> None:
    assert GRADES == ("durable", "published", "witnessed")


@pytest.mark.parametrize("body", [b'{"a":' + b"[" * 60_000, b"[]", b'{"detail":[]}', b"\xff"])
def test_a_problem_in_an_unknown_form_is_no_problem_of_ours(world: World, body: bytes) -> None:
    world.server.script.append(Reply(400, body, {"Content-Type": PROBLEM}))
    with pytest.raises(Unavailable, match="answered 400"):
        world.client.credential(world.story.new_id())


def test_a_registry_does_not_write_on_our_terminal(world: World) -> None:
    told: dict[str, Any] = {
        "rule": "x\x9b2J" * 100,
        "value": "\x1b[2J" * 100,
        "detail": "\u202e",
        "title": "\n",
    }
    world.server.script.append(Reply.problem(400, **told))
    with pytest.raises(Refusal) as caught:
        world.client.credential(world.story.new_id())
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 400
    for detail in ("a\nverified: all of it", "\x1b[2J"):
        world.server.script.append(Reply.problem(400, detail=detail))
        with pytest.raises(Unavailable) as unsure:
            world.client.credential(world.story.new_id())
        assert str(unsure.value).isprintable()


# --- Retry-After ---


def after(text: str) -> float:
    headers = httpx2.Headers([(b"Retry-After", text.encode("latin-1"))])
    return Answer("", 503, headers, b"").retry_after()


def test_retry_after_may_be_a_date() -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    assert 80 < after(soon) <= 90
    assert after("Wed, 21 Oct 2015 07:28:00 GMT") == 0
    assert after("Mon, 01 Jan 2020 00:00:00 +99999999999999") == 0
    assert after("Mon, 01 Jan 99999999999 00:00:00 GMT") == 0


@pytest.mark.slow
@given(
    st.text(st.characters(codec="latin-1"))
    | st.from_regex(
        r"Wed, [0-9]{1,3} Oct [0-9]{1,9} [0-9:]{1,9} (GMT|[+-][0-9]{1,9})", fullmatch=True
    )
)
def test_no_retry_after_is_an_error_or_negative(text: str) -> None:
    assert after(text) >= 0


def test_one_call_submits_and_verifies(world: World) -> None:
    body, policy = world.story.cohort(2), world.policy()
    receipt = submit(body, world.server.url, policy)
    assert receipt.events == 2
    assert submit(body, world.server.url, policy, flags="admit").position == receipt.position
    other = VerifierKey.of(world.story.origin, 1, world.story.provider.key.public.raw())
    strange = Policy((Log(other),), (), (), None)
    with pytest.raises((Refuted, Unavailable)):
        submit(body, world.server.url, strange)
