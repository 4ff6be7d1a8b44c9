"""A submission gets a receipt that proves itself, or a problem that names what is wrong with it."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from urllib.parse import quote

import msgspec
import pytest

from testamur.catalogue.dry_run import MEDIA_TYPE
from testamur.rules import Flag
from testamur.verification.receipt import parse_receipt, verify_receipt
from tests.api.asking import name_of, signed_over
from tests.harness.served import TYPE, Served, problem
from tests.harness.story import party, private_key, signed_otherwise


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


@pytest.mark.parametrize(
    "query", ["flag=refuse", "Flags=refuse", "flags=refuse&flags=admit", "wiat=durable", "size=1"]
)
def test_a_misspelt_wish_records_nothing(served: Served, query: str) -> None:
    """Else what its sender wanted refused for its flags would stand for ever."""
    before = served.size
    answer = served.client.post(
        f"{served.url}/submissions?{query}", content=served.story.cohort(1), headers=TYPE
    )
    problem(answer, 422, "parameter")
    assert served.size == before


def test_a_witnessed_receipt_is_not_pretended_and_nothing_is_recorded(served: Served) -> None:
    body = served.story.cohort(1)
    before = served.size
    problem(served.post(body, wait="witnessed"), 422, "no-witness-policy")
    assert served.size == before
    assert served.check(served.story.rehearsed(body)).json()["accepted"]


@pytest.mark.parametrize("wait", ["", "Published", "published ", "soon", "durable,published"])
def test_what_cannot_be_waited_for_is_refused(served: Served, wait: str) -> None:
    found = problem(served.post(served.story.cohort(1), wait=wait), 422, "parameter")
    assert found["value"] == wait


def test_the_receipt_of_what_was_never_submitted_is_not_found(served: Served) -> None:
    did = served.story.provider.did
    unknown = served.get(f"/submissions/{quote(did, safe='')}/{served.story.new_id()}")
    problem(unknown, 404, "unknown-submission")
    found = problem(served.get("/submissions/nobody/nothing"), 422, "parameter")
    assert found["detail"] == (
        "path issuer is not an organization's DID, the did:key of its founding key: did:key:z6Mk..."
    )


# --- What the signer may not ---


def test_a_changed_line_is_refused_by_its_root(served: Served) -> None:
    lines = served.story.cohort(3).split(b"\n")
    lines[2] = lines[2].replace(b'"blended"', b'"research"')
    found = problem(served.post(b"\n".join(lines)), 422, "root")
    assert found["line"] == 1


def test_a_bad_line_is_named_with_its_number_and_value(served: Served) -> None:
    lines = served.story.cohort(3).split(b"\n")[1:-1]
    lines[2] = lines[2].replace(b'"credential.issued/1"', b'"credential.blessed/1"')
    found = problem(served.post(signed_over(served.story, *lines)), 422, "event-schema")
    assert found["line"] == 4
    assert found["value"]


def test_a_line_that_was_changed_after_signing_is_not_even_decoded(served: Served) -> None:
    lines = served.story.cohort(3).split(b"\n")
    lines[3] = lines[3].replace(b'"credential.issued/1"', b'"credential.blessed/1"')
    found = problem(served.post(b"\n".join(lines)), 422, "root")
    assert found["line"] == 1


def test_a_forged_signature_is_forbidden(served: Served) -> None:
    story = served.story
    forger = replace(story.provider, key=private_key("forger"))
    found = problem(served.post(story.submission(forger, story.issued())), 403, "signature")
    assert found["line"] == 1


def test_who_is_not_in_the_register_is_forbidden(served: Served) -> None:
    story = served.story
    stranger = story.submission(party("a stranger"), story.issued())
    problem(served.post(stranger), 403, "unknown-organization")
    unlisted = story.provider.with_key("another key")
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
    elsewhere = story.accredited(story.new_id(), of=party("nobody"))
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


# --- Flags ---


@pytest.mark.parametrize("wait", ["published", "durable"])
def test_flags_that_the_sender_can_mend_refuse_it_if_that_is_asked_for(
    served: Served, wait: str
) -> None:
    story, before = served.story, served.size
    body = story.submission(story.provider, story.issued(), story.issued(accredited=False))
    found = problem(served.post(body, wait=wait, flags="refuse"), 422, "flags-refused")
    assert (found["line"], found["value"]) == (3, "no-accreditation-claimed")
    assert found["flags"] == [
        {
            "code": "no-accreditation-claimed",
            "count": 1,
            "firstLine": 3,
            "details": [f"achievement {story.achievement}"],
            "mendedBy": "sender",
            "remedy": Flag.NO_ACCREDITATION_CLAIMED.remedy,
        }
    ]
    assert served.size == before
    tried = served.check(story.rehearsed(body)).json()
    assert tried["flags"] == found["flags"]
    # Without the option it is recorded, and then the option changes nothing.
    receipt = served.submit(body)
    again = served.post(body, wait=wait, flags="refuse")
    assert again.status_code == 200
    assert parse_receipt(again.content).position == receipt.position


@pytest.mark.parametrize("flags", ["", "Refuse", "yes"])
def test_what_flags_may_do_is_one_of_two_words(served: Served, flags: str) -> None:
    answer = served.post(served.story.cohort(1), flags=flags)
    assert problem(answer, 422, "parameter")["value"] == flags


# --- What counts ---


def test_the_receipt_of_what_was_cut_off_says_that_it_no_longer_counts(served: Served) -> None:
    """A client that asks for it again, by its name or by sending it, gets the same."""
    story = served.story
    second = story.provider.with_key("second")
    served.submit(story.submission(story.provider.recovery, story.key_listed(second)))
    body = story.submission(second, story.issued())
    receipt = served.submit(body)
    assert receipt.counts
    declared = story.key_compromised(second, receipt.position)
    served.submit(story.submission(story.provider.recovery, declared))
    again = served.submit(body)
    assert (again.position, again.repeated, again.counts) == (receipt.position, True, False)
    named = f"/submissions/{quote(receipt.issuer, safe='')}/{receipt.jti}"
    assert not parse_receipt(served.get(named).content).counts
    asked = {"organization": story.provider.did, "key": second.key_id, "size": served.size}
    (line,) = served.get("/submissions", params=asked).json()["items"]
    assert (line["position"], line["jti"], line["counts"]) == (
        receipt.position,
        receipt.jti,
        False,
    )
    assert line["becauseOf"]["position"] == again.position + 3


def test_a_registration_is_held_to_its_founding_key(served: Served) -> None:
    story = served.story
    newcomer = party("a newcomer")
    forged = msgspec.structs.replace(
        story.registered(story.accreditor, newcomer, "provider"), name="A Famous University"
    )
    found = problem(
        served.post(story.submission(story.accreditor, forged)), 403, "registration-signature"
    )
    assert found["line"] == 2


# --- Dry run ---


def test_a_dry_run_lists_every_refusal_and_records_nothing(served: Served) -> None:
    lines = served.story.rehearsed(served.story.cohort(4)).split(b"\n")
    lines[2] = lines[2][:-1]
    lines[4] = b'{"type":"credential.blessed/1"}'
    before = served.size
    found = served.check(b"\n".join(lines)).json()
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
    found = served.check(story.rehearsed(body)).json()
    assert found["accepted"]
    flags = {flag["code"]: (flag["count"], flag["firstLine"]) for flag in found["flags"]}
    assert flags["no-accreditation-claimed"] == (3, 3)
    receipt = served.submit(body)
    assert {flag.code: (flag.count, flag.first_line) for flag in receipt.flags} == flags


def test_a_dry_run_is_not_a_submission_and_a_submission_no_dry_run(served: Served) -> None:
    before = served.size
    body = served.story.cohort(2)
    dry_run = served.story.rehearsed(body)
    problem(served.post(dry_run), 422, "header-schema")
    problem(served.check(body), 422, "header-schema")
    problem(served.post(body, path="/submissions/check"), 415, "media-type")
    problem(served.post(dry_run, Content_Type=MEDIA_TYPE), 415, "media-type")
    assert served.size == before


def test_a_stranger_is_answered_before_line_2_is_read(served: Served) -> None:
    story = served.story
    line, _, rest = story.dry_run(party("a stranger"), story.issued()).partition(b"\n")

    def parts() -> Iterator[bytes]:
        yield line + b"\n"
        # Never ending: an answer can only be to what came first.
        for _ in range(200):
            yield rest * 1_000

    url, headers = served.url + "/submissions/check", {"Content-Type": MEDIA_TYPE}
    with served.client.stream("POST", url, content=parts(), headers=headers) as answer:
        answer.read()
        problem(answer, 403, "unknown-organization")
    bomb = gzip.compress(b"a" * (32 << 20))
    problem(served.check(bomb, Content_Encoding="gzip"), 413, "header-size")


def test_what_passes_the_dry_run_is_admitted(served: Served) -> None:
    body = served.story.cohort(50)
    dry_run = served.story.rehearsed(body)
    found = served.check(gzip.compress(dry_run), Content_Encoding="gzip")
    assert found.json()["accepted"]
    assert found.json()["size"] == served.size
    assert served.post(body).status_code == 201
