"""The register answers as of any size or time, and says what it does not know."""

from __future__ import annotations

import time
from base64 import b64encode
from urllib.parse import quote

import msgspec
import pytest

from api.questions.moment import parse_moment
from testamur.catalogue import events as e
from testamur.catalogue.members import Definition
from testamur.catalogue.registration import verify_registration
from testamur.verification.evidence import parse_evidence
from testamur.verification.receipt import parse_receipt
from tests.harness.served import Served, problem
from tests.harness.story import credentials_of, party


def test_who_holds_a_receipt_reads_what_it_shows(served: Served) -> None:
    """However far behind the projections are at that moment."""
    for _ in range(20):
        body = served.story.cohort(1)
        receipt = parse_receipt(served.post(body).content)
        size = receipt.position + 1 + receipt.events
        (credential,) = credentials_of(body)
        answer = served.answer(f"/credentials/{credential}?size={size}")
        assert answer.status_code == 200, answer.text
        assert answer.json()["issued"]["position"] == receipt.position + 1
        assert int(answer.headers["testamur-size"]) == answer.json()["size"] == size


def test_a_credential_answers_with_all_that_the_register_states(served: Served) -> None:
    story = served.story
    issued = story.issued()
    receipt = served.submit(story.submission(story.provider, issued))
    size = receipt.position + 2
    found = served.answer(f"/credentials/{issued.credential}?size={size}").json()
    assert found.pop("links")["self"] == f"/credentials/{issued.credential}"
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
        "vouched": {
            "by": story.accreditor.did,
            "words": {"name": "An Organization", "country": "NL"},
        },
        "format": "OpenBadgeCredential/3.0",
        "commitment": b64encode(issued.commitment).decode(),
        "assessment": "writtenExamination",
        "participation": "blended",
        "supervision": "supervisedOnSiteWithIdentity",
        "suite": "eddsa-rdfc-2022",
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
    missing = served.answer(f"/credentials/{name}?size={first.position}")
    found = problem(missing, 404, "unknown-credential")
    assert str(first.position) in str(found["detail"])
    assert missing.headers["testamur-size"] == str(first.position)
    history = served.answer(f"/credentials/{name}/history?size={last.position + 2}").json()
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
    missing = served.answer(f"/credentials/{name}/evidence?size={first.position}")
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
        ("cursor=-1", "cursor"),
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
        ("/credentials/{id}", "the parameters here are lang, size, at"),
        (
            "/credentials/{id}/history",
            "the parameters here are flag, size, at, cursor, limit, since, until, after",
        ),
        ("/credentials/{id}/evidence", "the parameters here are anchor, size, at"),
        ("/organizations/{did}/keys", "the parameters here are size, at, cursor, limit"),
        (
            "/organizations/{did}/submissions",
            "the parameters here are key, flag, size, at, cursor, limit, since, until, after",
        ),
        ("/entries", "the parameters here are start, limit"),
        ("/stream", "the parameters here are start"),
        ("/submissions/{did}/{id}", "the parameters here are size, at"),
    ],
)
def test_a_misspelt_parameter_is_not_passed_over(served: Served, path: str, takes: str) -> None:
    """Else a question about the past would get the answer of today."""
    where = path.format(id=served.story.new_id(), did=served.story.provider.did)
    found = problem(served.get(f"{where}?sizes=1"), 422, "parameter")
    assert found["detail"] == f"there is no such parameter: {takes}"
    assert found["value"] == "sizes"


def test_a_size_inside_a_submission_is_told_where_nothing_is_found(served: Served) -> None:
    story = served.story
    event = story.issued()
    receipt = served.submit(story.submission(story.provider, event, story.issued()))
    inside, start = receipt.position + 2, receipt.position
    answer = served.answer(f"/credentials/{event.credential}?size={inside}")
    found = problem(answer, 404, "unknown-credential")
    assert found["detail"] == (
        f"{inside} lies inside the submission at {start}..{start + 2}; "
        f"no such credential as of size {start}"
    )
    assert served.answer(f"/credentials/{event.credential}?size={start + 3}").status_code == 200


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
    for query in ("", "?after=1", "?after=1&limit=1"):
        problem(served.get(f"/{kind}s/{unknown}/history{query}"), 404, f"unknown-{kind}")
    problem(served.get(f"/{kind}s/{unknown}0"), 422, "parameter")
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
    keys = served.get(f"/organizations/{provider}/keys").json()["items"]
    assert [(key["use"], key.get("rank"), key["inForce"]) for key in keys[:3]] == [
        ("recovery", 0, True),
        ("recovery", 1, True),
        ("signing", None, True),
    ]
    assert keys[2]["key"] == story.provider.key.public.multikey()
    assert {"key": keys[2]["key"], "use": "signing"} in found["keys"]
    registered = msgspec.convert(found["registration"], e.OrganizationRegistered)
    assert (registered.name, registered.sponsor) == ("An Organization", story.accreditor.did)
    verify_registration(registered)
    assert [(one["by"], one["id"]) for one in found["vouched"]] == [
        (story.accreditor.did, story.accreditation)
    ]
    # Other tests let the same organization say more.
    granted, *_ = served.get(f"/organizations/{provider}/accreditations").json()["items"]
    assert granted["id"] == story.accreditation
    assert served.get(f"/accreditations/{story.accreditation}").json() == granted
    defined, *_ = served.get(f"/organizations/{provider}/achievements").json()["items"]
    assert served.get(f"/achievements/{story.achievement}").json() == defined
    assert defined["definition"]["name"] == "Soil Science"
    receipt = served.submit(story.cohort(2))
    size = receipt.position + 1 + receipt.events
    issued = served.answer(f"/organizations/{provider}/credentials?limit=3&size={size}")
    issued = issued.json()["items"]
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
    assert (recognised["organization"], recognised["as"]) == (story.accreditor.did, "accreditor")
    authority = quote(story.authority.did, safe="")
    made = served.get(f"/organizations/{authority}/recognitions?by=authority").json()["items"]
    assert made == [recognised]
    assert served.get(f"/recognitions/{story.recognition}").json() == recognised
    by = served.get(f"/organizations/{accreditor}/accreditations?by=accreditor").json()["items"]
    assert by[0]["id"] == story.accreditation  # the first; other tests grant more
    assert {granted["accreditor"] for granted in by} == {story.accreditor.did}
    unknown = quote(party("nobody").did, safe="")
    for path in ("", "/keys", "/history", "/accreditations", "/achievements", "/credentials"):
        answer = served.get(f"/organizations/{unknown}{path}")
        problem(answer, 404, "unknown-organization")


def test_a_declaration_is_told_where_it_changed_an_answer(served: Served) -> None:
    """What a thief revoked is active again, and the answer names the declaration."""
    story = served.story
    thief = story.provider.with_key("stolen")
    served.submit(story.submission(story.provider.recovery, story.key_listed(thief)))
    issued = story.issued()
    name = issued.credential
    served.submit(story.submission(story.provider, issued))
    revoked = e.CredentialRevoked(credential=name, reason="misconduct")
    harm = served.submit(story.submission(thief, revoked))
    assert served.answer(f"/credentials/{name}?size={served.size}").json()["status"] == "revoked"
    declared = story.key_compromised(thief, harm.position)
    word = served.submit(story.submission(story.provider.recovery, declared))
    found = served.answer(f"/credentials/{name}?size={served.size}").json()
    assert (found["status"], found["lastEvent"]["event"]) == ("active", "credential.issued/1")
    (fallen,) = found["notCounted"]
    assert (fallen["event"], fallen["position"]) == ("credential.revoked/1", harm.position + 1)
    assert fallen["becauseOf"]["position"] == word.position + 1
    history = served.answer(f"/credentials/{name}/history?size={served.size}").json()["items"]
    assert [(line["event"], line["counts"]) for line in history] == [
        ("credential.issued/1", True),
        ("credential.revoked/1", False),
    ]
    held = f"/organizations/{quote(story.provider.did, safe='')}/keys?size={served.size}&limit=1000"
    (key,) = [key for key in served.get(held).json()["items"] if key["key"] == thief.key_id]
    (told,) = key["compromised"]
    assert (key["inForce"], told["since"], told["by"], told["position"]) == (
        False,
        harm.position,
        story.provider.recovery.key_id,
        word.position + 1,
    )


def test_what_nothing_that_counts_issued_has_no_status_and_is_still_named(served: Served) -> None:
    story = served.story
    thief = story.provider.with_key("stolen too")
    served.submit(story.submission(story.provider.recovery, story.key_listed(thief)))
    issued = story.issued()
    harm = served.submit(story.submission(thief, issued))
    declared = story.key_compromised(thief, harm.position)
    served.submit(story.submission(story.provider.recovery, declared))
    found = served.answer(f"/credentials/{issued.credential}?size={served.size}").json()
    assert (found["status"], found["issued"]["position"]) == (None, harm.position + 1)
    assert found["notCounted"][0]["event"] == "credential.issued/1"
    again = served.submit(story.submission(story.provider, issued))
    found = served.answer(f"/credentials/{issued.credential}?size={served.size}").json()
    assert (found["status"], found["issued"]["position"]) == ("active", again.position + 1)


def test_evidence_has_a_chain_to_the_anchor_that_is_asked_for(served: Served) -> None:
    story = served.story
    (issued,) = [story.issued()]
    served.submit(story.submission(story.provider, issued))
    path = f"/credentials/{issued.credential}/evidence"
    asked = {"size": served.size, "anchor": [story.authority.did, story.accreditor.did]}
    assert parse_evidence(served.get(path, params=asked).content).submissions
    problem(served.get(path, params={"anchor": "did:web:a.example"}), 422, "parameter")
    many = {"anchor": [party(f"{number}").did for number in range(9)]}
    problem(served.get(path, params=many), 422, "parameter")


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


def test_the_next_page_holds_to_the_choice_of_the_first_and_to_its_size(served: Served) -> None:
    """A moment asked about as a time becomes the size that it stands for."""
    story = served.story
    achievement = story.new_id()
    served.submit(story.submission(story.provider, story.defined(achievement)))
    breaches = [story.issued(achievement=achievement, accredited=False) for _ in range(3)]
    fine = [story.issued(achievement=achievement) for _ in range(3)]
    mixed = [event for pair in zip(fine, breaches, strict=True) for event in pair]
    receipt = served.submit(story.submission(story.provider, *mixed))
    first = f"/achievements/{achievement}/credentials?flagged=true&limit=2"
    path: str | None = f"{first}&at={quote(receipt.recorded_at)}"
    seen = []
    while path is not None:
        page = served.get(path).json()
        seen += [line["id"] for line in page["items"]]
        path = page.get("next")
        assert path is None or ("flagged=true" in path and f"size={page['size']}" in path)
        assert path is None or "at=" not in path
    assert seen == [event.credential for event in breaches]
