"""What the server answers, and above all what it refuses, asked over HTTP of the real process."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
import socket
import time
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import httpx2
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from api.http.intake import Intake
from api.http.problems import Problem, problem_of
from api.processes.wakeups import Wakeups
from api.questions.moment import parse_moment
from registry.outcomes import Outcome, Overloaded, Recorded, StorageFull
from testamur.catalogue import events as e
from testamur.catalogue.members import Definition
from testamur.catalogue.submission import MEDIA_TYPE
from testamur.errors import Refusal, Unavailable
from testamur.tlog.checkpoint import Checkpoint
from testamur.tlog.merkle import leaf_hashes, tree_root
from testamur.verification.evidence import parse_evidence
from testamur.verification.receipt import parse_receipt, verify_receipt
from tests.harness.served import TYPE, Served, problem
from tests.harness.story import Party, credentials_of, party, private_key, signed_otherwise

LIMIT = 64 * 1024 * 1024


@pytest.fixture(scope="module")
def served(opened_log: Served, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server of a log whose provider may issue."""
    log = opened_log.copy(tmp_path_factory.mktemp("api") / "data")
    with log.running():
        yield log
    assert "Traceback" not in log.errors()
    log.close()


# --- Receipts ---


def test_a_published_receipt_proves_itself(served: Served) -> None:
    body = served.story.cohort(5)
    answer = served.post(body)
    assert answer.status_code == 201
    assert answer.headers["content-type"] == "application/json"
    receipt = parse_receipt(answer.content)
    assert (receipt.state, receipt.events, receipt.repeated) == ("published", 5, False)
    assert verify_receipt(receipt, body, served.policy).checkpoint.size >= receipt.position + 6


def test_published_is_what_is_waited_for_unless_another_is_asked_for(served: Served) -> None:
    assert parse_receipt(served.post(served.story.cohort(1)).content).state == "published"
    asked = served.post(served.story.cohort(1), wait="published")
    assert parse_receipt(asked.content).state == "published"


def test_a_durable_receipt_promises_and_its_later_self_proves(served: Served) -> None:
    body = served.story.cohort(2)
    durable = parse_receipt(served.post(body, wait="durable").content)
    assert durable.state in ("durable", "published")
    published = parse_receipt(served.post(body).content)
    verify_receipt(published, body, served.policy)
    assert (published.position, published.entry) == (durable.position, durable.entry)


def test_the_same_submission_has_one_receipt(served: Served) -> None:
    body = served.story.cohort(3)
    first = served.post(body)
    again = served.post(body)
    by_name = served.get(name_of(first))
    assert (first.status_code, again.status_code, by_name.status_code) == (201, 200, 200)
    receipts = [parse_receipt(answer.content) for answer in (first, again, by_name)]
    for receipt in receipts:
        verify_receipt(receipt, body, served.policy)
    assert len({(r.position, r.recorded_at, r.entry, r.flags) for r in receipts}) == 1
    assert [r.repeated for r in receipts] == [False, True, True]


def test_many_copies_at_once_are_recorded_once(served: Served) -> None:
    body = served.story.cohort(4)
    before = served.size
    with ThreadPoolExecutor(16) as crowd:
        answers = list(crowd.map(lambda _: served.post(body), range(32)))
    assert {answer.status_code for answer in answers} <= {200, 201}
    assert len({parse_receipt(answer.content).position for answer in answers}) == 1
    assert sum(answer.status_code == 201 for answer in answers) == 1
    assert served.size == before + 5


def test_a_provider_gets_his_receipt_though_another_signature_was_recorded(served: Served) -> None:
    """Who holds an ES256 submission can send it with S negated before its provider does."""
    story, newcomer = served.story, party("a provider with P-256", "P-256")
    accreditor = story.accreditor
    served.submit(story.submission(accreditor, story.registered(accreditor, newcomer, "provider")))
    body = story.submission(newcomer, story.defined(story.new_id()))
    first = served.post(signed_otherwise(body))
    again = served.post(body)
    assert (first.status_code, again.status_code) == (201, 200)
    verify_receipt(parse_receipt(again.content), body, served.policy)


def test_another_submission_under_the_same_name_is_a_conflict(served: Served) -> None:
    jti = served.story.new_id()
    served.submit(served.story.cohort(1, jti=jti))
    found = problem(served.post(served.story.cohort(1, jti=jti)), 409, "jti-conflict")
    assert found["value"] == jti


def test_a_witnessed_receipt_is_not_pretended_and_nothing_is_recorded(served: Served) -> None:
    body = served.story.cohort(1)
    before = served.size
    problem(served.post(body, wait="witnessed"), 422, "no-witness-policy")
    assert served.size == before
    jws = json.loads(served.post(body, path="/submissions/check").content)
    assert jws["accepted"]


@pytest.mark.parametrize("wait", ["", "Published", "published ", "soon", "durable,published"])
def test_what_cannot_be_waited_for_is_refused(served: Served, wait: str) -> None:
    found = problem(served.post(served.story.cohort(1), wait=wait), 422, "parameter")
    assert found["value"] == wait


def test_the_receipt_of_what_was_never_submitted_is_not_found(served: Served) -> None:
    did = served.story.provider.did
    unknown = served.get(f"/submissions/{quote(did, safe='')}/{served.story.new_id()}")
    problem(unknown, 404, "unknown-submission")
    found = problem(served.get("/submissions/nobody/nothing"), 422, "parameter")
    assert found["detail"] == "path issuer is not a DID such as did:web:university.example"


# --- What the signer may not ---


def test_a_changed_line_is_refused_by_its_root(served: Served) -> None:
    lines = served.story.cohort(3).split(b"\n")
    lines[2] = lines[2].replace(b'"blended"', b'"research"')
    found = problem(served.post(b"\n".join(lines)), 422, "root")
    assert found["line"] == 1


def test_a_bad_line_is_named_with_its_number_and_value(served: Served) -> None:
    lines = served.story.cohort(3).split(b"\n")
    lines[3] = lines[3].replace(b'"credential.issued/1"', b'"credential.blessed/1"')
    found = problem(served.post(b"\n".join(lines)), 422, "event-schema")
    assert found["line"] == 4
    assert found["value"]


def test_a_forged_signature_is_forbidden(served: Served) -> None:
    story = served.story
    forger = Party(story.provider.did, private_key("forger"), story.provider.key_id)
    found = problem(served.post(story.submission(forger, story.issued())), 403, "signature")
    assert found["line"] == 1


def test_who_is_not_in_the_register_is_forbidden(served: Served) -> None:
    story = served.story
    stranger = story.submission(party("a stranger"), story.issued())
    problem(served.post(stranger), 403, "unknown-organization")
    unlisted = replace(story.provider, key_id="another-key")
    problem(served.post(story.submission(unlisted, story.issued())), 403, "unknown-key")


def test_who_may_not_issue_is_forbidden(served: Served) -> None:
    story = served.story
    body = story.submission(story.accreditor, story.issued())
    assert problem(served.post(body), 403, "role")["line"] == 2


def test_what_is_for_another_log_is_refused(served: Served) -> None:
    story = served.story
    body = story.submission(story.provider, story.issued(), aud="other.example/log")
    problem(served.post(body), 422, "audience")


def test_an_event_about_an_organization_nobody_knows_is_not_a_matter_of_rights(
    served: Served,
) -> None:
    story = served.story
    granted = story.accredited(story.new_id())
    elsewhere = e.AccreditationGranted(
        accreditation=granted.accreditation,
        decision="positive",
        kind="institutional",
        provider="did:web:nobody.example",
        valid_from=granted.valid_from,
    )
    body = story.submission(story.accreditor, elsewhere)
    assert problem(served.post(body), 422, "unknown-organization")["line"] == 2


def test_a_refused_submission_leaves_no_trace(served: Served) -> None:
    story = served.story
    twice = story.issued()
    body = story.submission(story.provider, story.issued(), twice, twice)
    before = served.size
    assert problem(served.post(body), 422, "already-issued")["line"] == 4
    assert served.size == before
    problem(served.get(f"/credentials/{twice.credential}"), 404, "unknown-credential")


# --- Bodies ---


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
        for _ in range(80):
            yield b"x" * (1 << 20)

    answer = served.client.post(served.url + "/submissions", content=endless(), headers=TYPE)
    problem(answer, 413, "submission-size")


def test_a_gzip_bomb_is_stopped_while_it_unfolds(served: Served) -> None:
    bomb = gzip.compress(bytes(1 << 30), 9)
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
        (b"\n", "event-count"),
        (b"x", "submission-truncated"),
        (b"a.b.c\n{}\n", "base64url"),
        (b"no jws\n{}\n", "header-form"),
        (b"\xff\xfe\n{}\n", "header-form"),
        (b"\n" * 200_000, "event-count"),
        (b"x" * 5000 + b"\n{}\n", "header-size"),
        (b"a.b.c\n" + b"x" * 70_000 + b"\n", "entry-size"),
    ],
)
def test_what_is_no_submission_is_refused_by_name(served: Served, body: bytes, rule: str) -> None:
    answer = served.post(body)
    assert answer.json()["rule"] == rule, answer.text
    assert answer.status_code == (413 if rule.endswith("-size") else 422)


# --- Dry run ---


def test_a_dry_run_lists_every_refusal_and_records_nothing(served: Served) -> None:
    lines = served.story.cohort(4).split(b"\n")
    lines[2] = lines[2][:-1]
    lines[4] = b'{"type":"credential.blessed/1"}'
    before = served.size
    found = served.post(b"\n".join(lines), path="/submissions/check").json()
    assert (found["format"], found["accepted"]) == ("testamur/check/1", False)
    assert {(each["rule"], each.get("line")) for each in found["refusals"]} >= {
        ("json", 3),
        ("event-schema", 5),
    }
    assert served.size == before


def test_a_dry_run_tells_the_flags_before_they_are_public(served: Served) -> None:
    story = served.story
    body = story.submission(
        story.provider, story.issued(), *(story.issued(accredited=False) for _ in range(3))
    )
    found = served.post(body, path="/submissions/check").json()
    assert found["accepted"]
    flags = {flag["code"]: (flag["count"], flag["firstLine"]) for flag in found["flags"]}
    assert flags["no-accreditation-claimed"] == (3, 3)
    receipt = served.submit(body)
    assert {flag.code: (flag.count, flag.first_line) for flag in receipt.flags} == flags


def test_what_passes_the_dry_run_is_admitted(served: Served) -> None:
    body = served.story.cohort(50)
    found = served.post(gzip.compress(body), path="/submissions/check", Content_Encoding="gzip")
    assert found.json()["accepted"]
    assert found.json()["size"] == served.size
    assert served.post(body).status_code == 201


# --- Questions ---


def test_who_holds_a_receipt_reads_what_it_shows(served: Served) -> None:
    """However far behind the projections are at that moment."""
    for _ in range(20):
        body = served.story.cohort(1)
        receipt = parse_receipt(served.post(body).content)
        size = receipt.position + 1 + receipt.events
        (credential,) = credentials_of(body)
        answer = served.get(f"/credentials/{credential}?size={size}")
        assert answer.status_code == 200, answer.text
        assert answer.json()["issued"]["position"] == receipt.position + 1
        assert int(answer.headers["testamur-size"]) == answer.json()["size"] == size


def test_a_credential_answers_with_all_that_the_register_states(served: Served) -> None:
    story = served.story
    issued = story.issued()
    receipt = served.submit(story.submission(story.provider, issued))
    size = receipt.position + 2
    found = served.get(f"/credentials/{issued.credential}?size={size}").json()
    assert found == {
        "id": issued.credential,
        "status": "active",
        "issuer": {"did": story.provider.did, "name": "An Organization"},
        "achievement": {"id": story.achievement, "version": 1, "name": "Soil Science"},
        "accreditation": story.accreditation,
        "validFrom": str(issued.valid_from),
        "validUntil": str(issued.valid_until),
        "issued": {
            "event": "credential.issued/1",
            "position": receipt.position + 1,
            "recordedAt": receipt.recorded_at,
        },
        "lastEvent": {
            "event": "credential.issued/1",
            "position": receipt.position + 1,
            "recordedAt": receipt.recorded_at,
        },
        "version": 1,
        "flags": [flag.code for flag in receipt.flags],
        "size": size,
        "recordedAt": receipt.recorded_at,
    }


def test_the_past_answers_as_it_was(served: Served) -> None:
    story = served.story
    issued = story.issued()
    name = issued.credential
    first = served.submit(story.submission(story.provider, issued))
    time.sleep(0.002)  # so that the revocation is recorded in a later millisecond
    revoked = e.CredentialRevoked(credential=name, reason="issuedInError")
    last = served.submit(story.submission(story.provider, revoked))

    def status(**when: object) -> object:
        return served.get(f"/credentials/{name}", params=when).json().get("status")

    assert status(size=last.position + 2) == "revoked"
    assert status(size=last.position + 1) == "active"  # the middle of a submission is before it
    assert status(size=last.position) == "active"
    assert status(at=last.recorded_at) == "revoked"
    assert status(at=first.recorded_at) == "active"
    assert status(at=last.recorded_at, size=last.position) == 422  # one moment at a time
    missing = served.get(f"/credentials/{name}?size={first.position}")
    found = problem(missing, 404, "unknown-credential")
    assert str(first.position) in str(found["detail"])
    assert missing.headers["testamur-size"] == str(first.position)
    history = served.get(f"/credentials/{name}/history?size={last.position + 2}").json()
    assert [(line["event"], line["status"], line["position"]) for line in history["items"]] == [
        ("credential.issued/1", "active", first.position + 1),
        ("credential.revoked/1", "revoked", last.position + 1),
    ]
    assert history["items"][1]["reason"] == "issuedInError"

    def excerpt(**when: object) -> tuple[int | None, int, str]:
        answer = served.get(f"/credentials/{name}/evidence", params=when)
        found = parse_evidence(answer.content)
        shown = found.submissions[-1].position
        return found.size, shown, answer.headers["testamur-size"]

    # The credential's own issuance is the last to bear on it, before it was revoked.
    before = last.position
    assert excerpt(size=before) == (before, first.position, str(before))
    assert excerpt(at=first.recorded_at) == (before, first.position, str(before))
    assert excerpt() == (None, before, str(served.size))
    assert excerpt(size=served.size) == excerpt()
    missing = served.get(f"/credentials/{name}/evidence?size={first.position}")
    found = problem(missing, 404, "unknown-credential")
    assert found["detail"] == f"no such credential as of size {first.position}"
    problem(served.get(f"/credentials/{name}/evidence?size=999999"), 422, "size-ahead")


@pytest.mark.parametrize(
    ("query", "rule"),
    [
        ("size=-1", "parameter"),
        ("size=x", "parameter"),
        ("size=1.5", "parameter"),
        ("size=99999999999999999999", "parameter"),
        ("size=1000000000", "size-ahead"),
        ("at=2999-01-01T00:00:00Z", "time-ahead"),
        ("at=yesterday", "time"),
        ("at=2026-11-21", "time"),
        ("at=2026-11-21T10:00:00", "time"),
        ("at=2026-02-30T10:00:00Z", "time"),
        ("at=1969-12-31T23:59:59Z", "time"),
        ("at=20261121T100000Z", "time"),
        ("cursor=-1", "parameter"),
        ("limit=0", "parameter"),
        ("limit=100000", "parameter"),
        ("size=1&at=2026-11-21T10:00:00Z", "parameter"),
        ("Size=1", "parameter"),
        ("as-of=1", "parameter"),
    ],
)
def test_a_moment_that_cannot_be_asked_about_is_refused(
    served: Served, query: str, rule: str
) -> None:
    problem(served.get(f"/organizations?{query}"), 422, rule)


@pytest.mark.parametrize(
    ("path", "takes"),
    [
        ("/credentials/{id}", "the parameters here are size, at"),
        ("/credentials/{id}/history", "the parameters here are size, at, cursor, limit"),
        ("/credentials/{id}/evidence", "the parameters here are size, at"),
        ("/entries", "the parameters here are start, limit"),
        ("/stream", "the parameters here are start"),
        ("/submissions/did:web:a.example/{id}", "none is taken here"),
    ],
)
def test_a_misspelt_parameter_is_not_passed_over(served: Served, path: str, takes: str) -> None:
    """Else a question about the past would get the answer of today."""
    where = path.format(id=served.story.new_id())
    found = problem(served.get(f"{where}?sizes=1"), 422, "parameter")
    assert found["detail"] == f"there is no such parameter: {takes}"
    assert found["value"] == "sizes"


def test_a_size_inside_a_submission_is_told_where_nothing_is_found(served: Served) -> None:
    story = served.story
    event = story.issued()
    receipt = served.submit(story.submission(story.provider, event, story.issued()))
    inside, start = receipt.position + 2, receipt.position
    answer = served.get(f"/credentials/{event.credential}?size={inside}")
    found = problem(answer, 404, "unknown-credential")
    assert found["detail"] == (
        f"{inside} lies inside the submission at {start}..{start + 2}; "
        f"no such credential as of size {start}"
    )
    assert served.get(f"/credentials/{event.credential}?size={start + 3}").status_code == 200


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T01:00:00+01:00", 0),
        ("1970-01-01T01:00:00 01:00", 0),  # a plus sign that was not percent-encoded
        ("2026-11-21T10:00:00.5Z", 1_795_255_200_500),
        ("2026-11-21T10:00:00.123456Z", 1_795_255_200_123),
    ],
)
def test_a_time_is_read_as_rfc_3339_writes_it(text: str, milliseconds: int) -> None:
    assert parse_moment(text) == milliseconds


@pytest.mark.parametrize("kind", ["credential", "achievement", "accreditation", "recognition"])
def test_what_is_not_in_the_register_is_not_found(served: Served, kind: str) -> None:
    unknown = served.story.new_id()
    found = problem(served.get(f"/{kind}s/{unknown}"), 404, f"unknown-{kind}")
    assert "size" in str(found["detail"])
    for query in ("", "?cursor=1", "?cursor=1&limit=1"):
        problem(served.get(f"/{kind}s/{unknown}/history{query}"), 404, f"unknown-{kind}")
    problem(served.get(f"/{kind}s/{unknown.upper()}"), 422, "parameter")
    problem(served.get(f"/{kind}s/..%2f..%2fkey"), 404, "no-such-path")


def test_an_organization_and_all_that_is_its_own(served: Served) -> None:
    story = served.story
    provider = quote(story.provider.did, safe="")
    found = served.get(f"/organizations/{provider}").json()
    assert (found["did"], found["roles"], found["sponsor"], found["status"]) == (
        story.provider.did,
        ["provider"],
        story.accreditor.did,
        "registered",
    )
    (key,) = served.get(f"/organizations/{provider}/keys").json()["items"]
    assert key["publicKeyMultibase"] == story.provider.key.public.multikey()
    (granted,) = served.get(f"/organizations/{provider}/accreditations").json()["items"]
    assert granted["id"] == story.accreditation
    assert served.get(f"/accreditations/{story.accreditation}").json() == granted
    (defined,) = served.get(f"/organizations/{provider}/achievements").json()["items"]
    assert served.get(f"/achievements/{story.achievement}").json() == defined
    assert defined["definition"]["name"] == "Soil Science"
    issued = served.get(f"/organizations/{provider}/credentials?limit=3").json()["items"]
    assert {line["issuer"] for line in issued} == {story.provider.did}
    submitted = served.get(f"/organizations/{provider}/submissions?limit=3").json()["items"]
    assert submitted[0]["issuer"] == story.provider.did
    history = served.get(f"/organizations/{provider}/history").json()["items"]
    assert history[0]["event"] == "organization.registered/1"


def test_an_accreditor_is_shown_with_who_vouches_for_it(served: Served) -> None:
    story = served.story
    accreditor = quote(story.accreditor.did, safe="")
    (recognised,) = served.get(f"/organizations/{accreditor}/recognitions").json()["items"]
    assert recognised["authority"] == story.authority.did
    assert served.get(f"/recognitions/{story.recognition}").json() == recognised
    by = served.get(f"/organizations/{accreditor}/accreditations?by=accreditor").json()["items"]
    assert [granted["id"] for granted in by] == [story.accreditation]
    unknown = quote("did:web:nobody.example", safe="")
    for path in ("", "/keys", "/history", "/accreditations", "/achievements", "/credentials"):
        answer = served.get(f"/organizations/{unknown}{path}")
        problem(answer, 404, "unknown-organization")


def test_a_definition_can_be_read_in_each_version(served: Served) -> None:
    story = served.story
    achievement = story.new_id()
    better = Definition(name="Soil Science II", achievement_type="MicroCredential")
    served.submit(
        story.submission(story.provider, story.defined(achievement)),
        story.submission(
            story.provider,
            e.AchievementRevised(achievement=achievement, definition=better, version=2),
        ),
    )
    at = {"size": served.size}
    newest = served.get(f"/achievements/{achievement}", params=at).json()
    first = served.get(f"/achievements/{achievement}", params={**at, "version": 1}).json()
    assert (newest["version"], newest["definition"]["name"]) == (2, "Soil Science II")
    assert (first["version"], first["definition"]["name"]) == (1, "Soil Science")
    assert (first["flags"], newest["flags"]) == ([], ["elements-missing"])
    third = served.get(f"/achievements/{achievement}", params={**at, "version": 3})
    problem(third, 404, "unknown-achievement-version")


def test_pages_hold_to_one_size_while_the_log_grows(served: Served) -> None:
    story = served.story
    achievement = story.new_id()
    served.submit(story.submission(story.provider, story.defined(achievement)))
    issued = [story.issued(achievement=achievement) for _ in range(25)]
    served.submit(story.submission(story.provider, *issued))
    path: str | None = f"/achievements/{achievement}/credentials?limit=10&size={served.size}"
    seen: list[str] = []
    sizes = set()
    while path is not None:
        page = served.get(path).json()
        seen += [line["id"] for line in page["items"]]
        sizes.add(page["size"])
        path = page.get("next")
        served.submit(story.submission(story.provider, story.issued(achievement=achievement)))
    assert seen == [event.credential for event in issued]
    assert len(sizes) == 1


def test_only_what_broke_policy_when_that_is_asked_for(served: Served) -> None:
    story = served.story
    achievement = story.new_id()
    served.submit(story.submission(story.provider, story.defined(achievement)))
    fine, flagged = (
        story.issued(achievement=achievement),
        story.issued(achievement=achievement, accredited=False),
    )
    served.submit(story.submission(story.provider, fine, flagged))
    path = f"/achievements/{achievement}/credentials?size={served.size}"
    page = served.get(f"{path}&flagged=true").json()
    assert [line["id"] for line in page["items"]] == [flagged.credential]
    assert len(served.get(path).json()["items"]) == 2


# --- Entries and streams ---


def test_the_entries_are_those_the_checkpoint_is_over(served: Served) -> None:
    checkpoint = served.reader().checkpoint()
    entries: list[bytes] = []
    path: str | None = "/entries?limit=97"
    while path is not None:
        answer = served.get(path)
        assert answer.headers["content-type"] == "application/x-ndjson"
        for line in answer.text.splitlines():
            found = json.loads(line)
            assert found["position"] == len(entries)
            entries.append(found["entry"].encode())
        path = answer.links.get("next", {}).get("url")
    assert tree_root(leaf_hashes(entries[: checkpoint.size])) == checkpoint.root


def test_the_end_of_the_entries_is_empty_and_beyond_it_is_refused(served: Served) -> None:
    size = served.size
    at_end = served.get(f"/entries?start={size}")
    assert (at_end.status_code, at_end.content) == (200, b"")
    problem(served.get(f"/entries?start={size + 1}"), 422, "size-ahead")
    problem(served.get("/entries?limit=0"), 422, "parameter")
    problem(served.get("/entries?start=-1"), 422, "parameter")


def test_a_stream_goes_on_where_it_was_left_and_follows_the_log(served: Served) -> None:
    size = served.size
    body = served.story.cohort(2)
    headers = {"Last-Event-ID": str(size - 3)}
    with served.client.stream("GET", served.url + "/stream", headers=headers) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        events = read_events(stream)
        assert [next(events)["id"] for _ in range(2)] == [str(size - 2), str(size - 1)]
        assert json.loads(next(events)["data"])["size"] == size
        served.submit(body)
        entries = [next(events) for _ in range(3)]
        assert [json.loads(each["data"])["position"] for each in entries] == [
            size,
            size + 1,
            size + 2,
        ]
        lines = [json.loads(each["data"])["entry"].encode() for each in entries[1:]]
        assert lines == body.split(b"\n")[1:3]
        assert next(events)["event"] == "checkpoint"


@pytest.mark.parametrize("last", ["x", "-1", "1_0", "٣", "9" * 30])
def test_a_stream_cannot_be_resumed_at_what_is_no_position(served: Served, last: str) -> None:
    answer = served.get("/stream", headers={"Last-Event-ID": last.encode()})
    problem(answer, 422, "parameter")
    problem(served.get(f"/stream?start={served.size + 1}"), 422, "size-ahead")


def test_streams_that_were_left_are_forgotten(served: Served) -> None:
    for _ in range(5):
        with served.client.stream("GET", served.url + "/stream") as stream:
            next(stream.iter_raw())
    deadline = time.monotonic() + 10
    while metric(served, "testamur_streams") and time.monotonic() < deadline:
        time.sleep(0.05)
    assert metric(served, "testamur_streams") == 0


def test_the_server_stops_although_a_stream_is_open(opened_log: Served, tmp_path: Path) -> None:
    log = opened_log.copy(tmp_path / "data")
    log.start()
    with log.client.stream("GET", log.url + "/stream") as stream:
        next(stream.iter_raw())
        began = time.monotonic()
        assert log.stop() == 0
        assert time.monotonic() - began < 15
    log.close()


# --- The server itself ---


def test_the_server_says_what_it_is(served: Served) -> None:
    found = served.get("/").json()
    assert (found["origin"], found["vkey"]) == (served.story.origin, served.vkey)
    for path in found["links"].values():
        if path != "/stream":
            assert served.get(path).status_code == 200


def test_readiness_names_every_part(served: Served) -> None:
    found = served.get("/readyz").json()
    assert found["ready"]
    assert {part["part"]: part["state"] for part in found["parts"]} == {
        "gate": "works",
        "log": "works",
        "projections": "works",
    }
    assert served.get("/healthz").json() == {"status": "alive"}


def test_metrics_count_what_happened(served: Served) -> None:
    before = metric(served, "testamur_events_total")
    served.submit(served.story.cohort(7))
    served.post(b"nothing\n")
    assert metric(served, "testamur_events_total") == before + 7
    assert metric(served, "testamur_published_entries") == served.size
    text = served.get("/metrics").text
    assert 'testamur_problems_total{rule="event-count"}' in text
    sample = re.compile(r'[a-z_]+(\{[a-z]+="[^"\\\n]+"\})? [0-9.e+-]+')
    for line in text.splitlines():
        assert line.startswith("# ") or sample.fullmatch(line), line


@pytest.mark.parametrize(
    ("method", "path", "status", "rule"),
    [
        ("GET", "/nothing/here", 404, "no-such-path"),
        ("GET", "/credentials/", 404, "no-such-path"),
        ("DELETE", "/submissions", 405, "method"),
        ("GET", "/submissions", 405, "method"),
        ("POST", "/organizations", 405, "method"),
        ("PUT", "/credentials/x", 405, "method"),
    ],
)
def test_what_is_not_offered_is_a_problem_too(
    served: Served, method: str, path: str, status: int, rule: str
) -> None:
    answer = served.client.request(method, served.url + path)
    problem(answer, status, rule)
    if status == 405:
        assert answer.headers["allow"]


def test_every_answer_carries_the_headers_of_caution(served: Served) -> None:
    answers = [
        served.get("/"),
        served.get("/nothing"),
        served.get("/organizations"),
        served.get("/entries"),
        served.post(b""),
        served.client.options(served.url + "/submissions"),
    ]
    for answer in answers:
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "server" not in answer.headers


def test_head_answers_without_a_body(served: Served) -> None:
    for path in ("/", "/organizations", "/entries", "/healthz"):
        answer = served.client.head(served.url + path)
        assert (answer.status_code, answer.content) == (200, b"")
    assert served.client.head(served.url + "/stream").status_code == 405


def test_what_stops_publication_stops_new_submissions_and_is_told(
    opened_log: Served, tmp_path: Path
) -> None:
    """What is recorded must be published: while that cannot be, nothing more is taken in."""
    log = opened_log.copy(tmp_path / "data")
    with log.running():
        published = log.data / "log"
        published.rename(tmp_path / "elsewhere")
        published.write_text("a file where the folder was")
        log.post(log.story.cohort(1), wait="durable")
        deadline = time.monotonic() + 20
        while log.get("/readyz").status_code == 200 and time.monotonic() < deadline:
            time.sleep(0.05)
        refused = log.post(log.story.cohort(1))
        problem(refused, 503, "publication-stopped")
        assert int(refused.headers["retry-after"]) >= 1
        parts = log.get("/readyz").json()["parts"]
        assert [part["part"] for part in parts if part["state"] == "failed"] == ["log"]
        assert str(tmp_path) not in refused.text + json.dumps(parts)
        published.unlink()
        (tmp_path / "elsewhere").rename(published)
        while log.get("/readyz").status_code != 200 and time.monotonic() < deadline + 60:
            time.sleep(0.1)
        assert log.submit(log.story.cohort(1)).state == "published"
    log.close()


# --- Whatever is asked ---


@schemathesis.serializer(MEDIA_TYPE)
def as_it_is(_: schemathesis.SerializationContext, value: object) -> bytes:
    """Send a made-up submission as the text it is."""
    return (
        value.encode("utf-8", "surrogatepass") if isinstance(value, str) else repr(value).encode()
    )


def test_whatever_is_asked_the_answer_is_one_that_was_announced(served: Served) -> None:
    """Never a 5xx, and always a status, a media type and a shape that the document names."""
    document = schemathesis.openapi.from_url(f"{served.url}/openapi.json")
    operations: list[Any] = [found.ok() for found in document.get_all_operations()]  # type: ignore[union-attr]
    assert len(operations) > 30
    for operation in operations:
        if operation.path == "/stream":
            continue  # it has no end

        @settings(
            max_examples=7, deadline=None, database=None, suppress_health_check=list(HealthCheck)
        )
        @given(case=operation.as_strategy())
        def ask(case: Any) -> None:
            # What is well-formed may still be refused: it breaks a rule, or is yet to come.
            case.call_and_validate(excluded_checks=[positive_data_acceptance])

        ask()


# --- Parts of it, by themselves ---


@pytest.mark.parametrize(
    ("error", "status", "rule", "retry"),
    [
        (Overloaded("100 wait", retry_after=3.0), 503, "overloaded", "3"),
        (StorageFull("full"), 503, "storage-full", "60"),
        (Unavailable("/srv/data/registry.db: disk I/O error"), 503, "unavailable", "5"),
        (Refusal("jti-conflict", "used"), 409, "jti-conflict", None),
        (Refusal("submission-size", "at most"), 413, "submission-size", None),
        (Refusal("unknown-organization", "?", line=1), 403, "unknown-organization", None),
        (Refusal("unknown-organization", "?", line=2), 422, "unknown-organization", None),
        (RuntimeError("/srv/data secret"), 500, "fault", None),
    ],
)
def test_each_kind_of_failure_has_its_status(
    error: Exception, status: int, rule: str, retry: str | None
) -> None:
    found = problem_of(error)
    assert (found.document.status, found.document.rule) == (status, rule)
    assert found.headers.get("Retry-After") == retry
    assert b"/srv" not in found.render()


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


def test_a_group_wakes_its_requests_and_a_checkpoint_those_it_covers() -> None:
    async def story() -> None:
        wakeups = Wakeups()
        wakeups.bind(asyncio.get_running_loop(), committed=2)
        wakeups.on_published(Checkpoint("o", 2, bytes(32)))
        await asyncio.sleep(0)
        tickets = [wakeups.ticket() for _ in range(3)]
        tickets[1].cancel()
        recorded = Recorded(2, 3, 0, (), repeated=False)
        outcomes: list[tuple[object, Outcome]] = [
            (tickets[0], recorded),
            (tickets[1], recorded),
            (tickets[2], Refusal("r", "d")),
        ]
        await asyncio.to_thread(wakeups.on_settled, outcomes)
        assert await tickets[0] == recorded
        assert isinstance(await tickets[2], Refusal)
        assert wakeups.unpublished == 4

        reached = [asyncio.create_task(wakeups.until(size)) for size in (2, 6, 6, 9)]
        left = asyncio.create_task(wakeups.until(8))
        await asyncio.sleep(0)
        left.cancel()
        await asyncio.to_thread(wakeups.on_published, Checkpoint("o", 6, bytes(32)))
        await asyncio.sleep(0.01)
        assert [task.done() for task in reached] == [True, True, True, False]
        assert wakeups.waiting == 1
        reached[3].cancel()

    asyncio.run(story())


# --- Asking without a client that tidies up ---


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
    (line,) = (
        line for line in served.get("/metrics").text.splitlines() if line.startswith(f"{name} ")
    )
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


def test_what_never_comes_is_waited_for_with_bounded_patience(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("api.processes.wakeups.COMMIT_SECONDS", 0.05)
    monkeypatch.setattr("api.processes.wakeups.PUBLISH_SECONDS", 0.1)
    monkeypatch.setattr("api.processes.wakeups._LOOK_EVERY", 0.01)

    async def story() -> None:
        wakeups = Wakeups()
        wakeups.bind(asyncio.get_running_loop(), committed=2)
        started = time.perf_counter()
        late, settled = wakeups.ticket(), wakeups.ticket()
        recorded = Recorded(2, 3, 0, (), repeated=False)
        wakeups.on_settled([(settled, recorded)])
        with pytest.raises(TimeoutError):
            await late
        assert await settled == recorded
        with pytest.raises(TimeoutError):
            await wakeups.until(9)
        assert wakeups.waiting == 0
        assert 0.1 < time.perf_counter() - started < 5
        # What comes after all finds nobody, and that is no error.
        wakeups.on_settled([(late, recorded)])
        await asyncio.sleep(0.05)

    asyncio.run(story())
