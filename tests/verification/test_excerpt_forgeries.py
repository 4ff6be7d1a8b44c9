"""An operator can write anything into a log; nobody's word is made of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from testamur.catalogue import events as e
from testamur.catalogue.registration import sign_registration
from testamur.verification.report import Report
from tests.harness.awards import awards
from tests.harness.issued_log import IssuedLog
from tests.harness.judged import issued_by, on_terms, refuted, unchecked
from tests.harness.story import Party, Story, party, private_key

NEWCOMER = party("a newcomer")
OTHER_LOG = "other.example/log"


@pytest.fixture
def issued(tmp_path: Path) -> IssuedLog:
    """A log whose provider awarded three credentials: entries 10 to 13."""
    return IssuedLog(tmp_path / "log")


def shown_too(issued: IssuedLog, *positions: tuple[int, list[int]]) -> Report:
    """Return the report on the first credential by evidence that shows these entries besides."""
    holder = issued.holders[0]
    issued.publish()
    lawful = [(0, [1]), (2, [3, 4]), (5, [6, 7]), (8, [9]), (10, [11, 12, 13])]
    return issued.report(holder, issued.evidence(holder, positions=[*lawful, *positions]))


def test_evidence_shown_by_hand_is_as_good_as_any(issued: IssuedLog) -> None:
    at = issued.says(issued.story.provider, issued.story.issued())

    assert shown_too(issued, (at, [at + 1])).exit_code == 0


# --- Headers ---


def test_a_submission_that_its_key_did_not_sign_is_refuted(issued: IssuedLog) -> None:
    forger = replace(issued.story.provider, key=private_key("forger"))
    at = issued.says(forger, issued.story.issued())

    report = shown_too(issued, (at, [at + 1]))

    assert refuted(report) == {"signature"}
    assert f"submission at {at}: line 1: signature: " in report.check("signature").detail


def test_what_was_signed_for_another_log_is_refuted(issued: IssuedLog) -> None:
    at = issued.says(issued.story.provider, issued.story.issued(), aud=OTHER_LOG)

    report = shown_too(issued, (at, [at + 1]))

    assert refuted(report) == {"signature"}
    assert f"was signed for the log {OTHER_LOG}" in report.check("signature").detail


def test_what_was_signed_long_before_it_was_recorded_is_refuted(issued: IssuedLog) -> None:
    story = issued.story
    at = issued.says(story.provider, story.issued(), iat=story.now - 8 * 24 * 3600)

    assert refuted(shown_too(issued, (at, [at + 1]))) == {"signature"}


def test_an_entry_that_is_recorded_before_an_earlier_one_is_refuted(issued: IssuedLog) -> None:
    story = issued.story
    body = story.submission(story.provider, story.issued(), iat=story.now - 1)
    at = issued.log.append(body, recorded_at=story.milliseconds - 1)

    report = shown_too(issued, (at, [at + 1]))

    assert refuted(report) == {"signature"}
    assert "is recorded before the one at 10" in report.check("signature").detail


def test_a_signature_that_falls_leaves_no_conclusion_but_the_proofs(issued: IssuedLog) -> None:
    """What cannot be followed is not followed half the way."""
    forger = replace(issued.story.provider, key=private_key("forger"))
    at = issued.says(forger, issued.story.issued())

    report = shown_too(issued, (at, [at + 1]))

    assert {each.name for each in report.checks if each.verdict == "holds"} == {
        "submission",
        "inclusion",
        "checkpoint",
    }


# --- Registrations ---


def _of_another_key(issued: IssuedLog, event: e.OrganizationRegistered) -> e.OrganizationRegistered:
    """Return a registration that the sponsor signed for the newcomer."""
    forged = sign_registration(
        msgspec.structs.replace(event, organization=issued.story.accreditor.did),
        issued.story.accreditor.keys.founding,
    )
    return msgspec.structs.replace(event, signature=forged.signature)


def _with_a_key_more(
    issued: IssuedLog, event: e.OrganizationRegistered
) -> e.OrganizationRegistered:
    keys = tuple(sorted((*event.signing_keys, issued.story.accreditor.key_id)))
    return msgspec.structs.replace(event, signing_keys=keys)


def _called_otherwise(_: IssuedLog, event: e.OrganizationRegistered) -> e.OrganizationRegistered:
    return msgspec.structs.replace(event, name="Famous University")


def _for_another_log(_: IssuedLog, event: e.OrganizationRegistered) -> e.OrganizationRegistered:
    return sign_registration(
        msgspec.structs.replace(event, origin=OTHER_LOG), NEWCOMER.keys.founding
    )


def _for_another_sponsor(
    issued: IssuedLog, event: e.OrganizationRegistered
) -> e.OrganizationRegistered:
    return sign_registration(
        msgspec.structs.replace(event, sponsor=issued.story.authority.did), NEWCOMER.keys.founding
    )


_Bend = Callable[[IssuedLog, e.OrganizationRegistered], e.OrganizationRegistered]


@pytest.mark.parametrize(
    ("bend", "why"),
    [
        (_of_another_key, "registration-signature"),
        (_with_a_key_more, "registration-signature"),
        (_called_otherwise, "registration-signature"),
        (_for_another_log, f"was signed for the log {OTHER_LOG}"),
        (_for_another_sponsor, "was signed for the sponsor"),
    ],
)
def test_a_registration_that_its_founding_key_did_not_sign_so_is_refuted(
    issued: IssuedLog, bend: _Bend, why: str
) -> None:
    story = issued.story
    registered = bend(issued, story.registered(story.accreditor, NEWCOMER, "provider"))
    at = issued.says(story.accreditor, registered)

    report = shown_too(issued, (at, [at + 1]))

    assert refuted(report) == {"signature"}
    assert why in report.check("signature").detail


class Seating(Story):
    """A story whose operator seats an authority that it has no registration of."""

    seated: Party

    def genesis(self, **_: object) -> bytes:
        registered = self.registration(self.authority, "authority", sponsor=self.origin)
        forged = msgspec.structs.replace(registered, name="The Ministry")
        opened = e.LogOpened(
            admission="testamur/admission/1",
            authorities=(forged,),
            format="testamur/log/1",
            origin=self.origin,
        )
        own = party("nobody").signing_with(self.log_key)
        return self.submission(replace(own, did=self.log_key.public.did_key()), opened)


def test_no_operator_seats_an_authority_that_did_not_sign_for_this_log(tmp_path: Path) -> None:
    issued = IssuedLog(tmp_path / "log", Seating())

    report = shown_too(issued)

    assert refuted(report) == {"signature"}
    assert "registration-signature" in report.check("signature").detail


def test_nobody_else_opens_the_log(issued: IssuedLog, tmp_path: Path) -> None:
    """A checkpoint under the log's key does not make another genesis the log's."""
    story = Story()
    story.log_key = private_key("an operator's other key")
    other = IssuedLog(tmp_path / "other", story)
    other.log.signer = issued.log.signer

    report = shown_too(other)

    assert refuted(report) == {"signature"}


# --- Key events ---


def test_key_events_among_others_are_no_submission_that_a_log_admits(issued: IssuedLog) -> None:
    story, provider = issued.story, issued.story.provider
    fresh = provider.with_key("fresh")
    for events in (
        (story.key_listed(fresh), story.issued()),
        (story.issued(), story.key_listed(fresh)),
    ):
        at = issued.says(provider.founding, *events)
        report = shown_too(issued, (at, [at + 1, at + 2]))
        assert refuted(report) == {"signature"}
        assert "key events among others" in report.check("signature").detail


def test_a_signing_key_lists_no_key(issued: IssuedLog) -> None:
    story, provider = issued.story, issued.story.provider
    fresh = provider.with_key("fresh")
    listed = issued.says(provider, story.key_listed(fresh))
    prepared = awards(story, 1)
    at = issued.says(fresh, *prepared.events)
    lawful = [(0, [1]), (2, [3, 4]), (5, [6, 7]), (8, [9])]
    shown = [*lawful, (listed, [listed + 1]), (at, [at + 1])]
    (holder,) = prepared.holders
    issued.publish()

    report = issued.report(holder, issued.evidence(holder, positions=shown))

    assert report.exit_code == 2
    assert "signature" in unchecked(report)


# --- Things of others ---


def test_nobody_writes_a_credential_of_another(issued: IssuedLog) -> None:
    """The id is the provider's: what an accomplice writes under it later issues nothing."""
    story = issued.story
    issued.says(story.accreditor, story.registered(story.accreditor, NEWCOMER, "provider"))
    achievement, accreditation = story.new_id(), story.new_id()
    issued.says(story.accreditor, story.accredited(accreditation, of=NEWCOMER))
    issued.says(NEWCOMER, story.defined(achievement))
    terms = {"achievement": achievement, "accreditation": accreditation}
    stolen = on_terms(issued_by(awards(story, 1), NEWCOMER), **terms)
    event = msgspec.structs.replace(stolen.events[0], credential=issued.holders[0].id)
    at = issued.says(NEWCOMER, event)
    holder = msgspec.structs.replace(stolen.holders[0], id=issued.holders[0].id)
    issued.publish()
    shown = [(0, [1]), (2, [3, 4]), (5, [6, 7]), (8, [9]), (10, [11, 12, 13])]
    shown += [(14, [15]), (16, [17]), (18, [19]), (at, [at + 1])]

    report = issued.report(holder, issued.evidence(holder, positions=shown))

    assert "commitment" in refuted(report)


def test_nobody_revokes_a_credential_of_another(issued: IssuedLog) -> None:
    revoked = e.CredentialRevoked(credential=issued.holders[0].id, reason="misconduct")
    at = issued.says(issued.story.accreditor, revoked)

    report = shown_too(issued, (at, [at + 1]))

    assert report.exit_code == 0
    assert [note for note in report.notes if "acted for nobody and is not heard" in note]
