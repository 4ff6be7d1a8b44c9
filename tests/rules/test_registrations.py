"""Who enters the register: by the word of its own founding key, and through which sponsor."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, get_args

import msgspec
import pytest

from testamur.catalogue import events as e
from testamur.catalogue.members import Identifier, Role
from testamur.catalogue.registration import sign_registration
from testamur.catalogue.submission import parse
from testamur.errors import Refusal
from testamur.keys import Curve
from testamur.rules import Signed, admit_events
from testamur.rules.registrations import verify_alone
from tests.harness.memory_gate import KeptCredentials, MemoryGate
from tests.harness.story import Party, Story, party, private_key
from tests.rules.members import registrar, robbed

ROLES: tuple[Role, ...] = get_args(Role)
TODAY = date(2026, 11, 21)
NEWCOMER = party("newcomer")


def registration(story: Story, **members: Any) -> e.OrganizationRegistered:
    """Return a newcomer's registration with other members, signed by its founding key."""
    event = story.registered(story.accreditor, NEWCOMER, "provider")
    return sign_registration(msgspec.structs.replace(event, **members), NEWCOMER.keys.founding)


# --- Who brings whom in ---


MAY_BRING_IN = {
    "authority": {"authority", "accreditor", "provider", "endorser"},
    "accreditor": {"provider", "endorser"},
    "endorser": set(),
    "provider": set(),
}


@pytest.mark.parametrize("sponsor", ROLES)
@pytest.mark.parametrize("newcomer", ROLES)
def test_a_sponsor_brings_in_whom_its_role_lets_it(
    gate: MemoryGate, sponsor: Role, newcomer: Role
) -> None:
    by = registrar(gate, sponsor)
    event = gate.story.registered(by, NEWCOMER, newcomer)

    if newcomer in MAY_BRING_IN[sponsor]:
        gate.admit(by, event)
        found = gate.register.organizations[NEWCOMER.did]
        assert (found.sponsor, found.roles) == (by.did, (newcomer,))
    else:
        assert gate.refused(by, event).rule == "sponsor-role"


def test_every_role_of_a_newcomer_needs_the_sponsors_right(gate: MemoryGate, story: Story) -> None:
    event = story.registered(story.accreditor, NEWCOMER, "accreditor", "provider")

    assert gate.refused(story.accreditor, event).rule == "sponsor-role"


def test_the_rights_of_several_roles_add_up(gate: MemoryGate) -> None:
    by = registrar(gate, "authority", "provider")
    gate.admit(by, gate.story.registered(by, NEWCOMER, "accreditor", "provider"))


@pytest.mark.parametrize("as_", ["accreditor", "authority"])
def test_a_recognition_that_counts_gives_the_role_that_it_names(
    gate: MemoryGate, story: Story, as_: Any
) -> None:
    subject = registrar(gate, "endorser")
    event = story.registered(subject, NEWCOMER, "provider")
    assert gate.refused(subject, event).rule == "sponsor-role"
    since = gate.register.size
    gate.admit(story.authority, story.recognised(story.new_id(), of=subject, as_=as_))

    wider = story.registered(subject, party("another"), "accreditor")
    if as_ == "authority":
        gate.admit(subject, wider)
    else:
        assert gate.refused(subject, wider).rule == "sponsor-role"
    gate.admit(subject, event)
    robbed(gate, story.authority, since)
    third = story.registered(subject, party("third"), "provider")
    assert gate.refused(subject, third).rule == "sponsor-role"


def test_an_organization_is_registered_once(gate: MemoryGate, story: Story) -> None:
    """Not again by its sponsor, nor over again by another, nor a root authority by its peer."""
    rival = registrar(gate, "authority")
    for by, who in (
        (story.accreditor, story.provider),
        (rival, story.provider),
        (rival, story.authority),
    ):
        event = story.registered(by, who, "provider")
        assert gate.refused(by, event).rule == "organization-twice"


def test_a_closed_organization_does_not_come_back(gate: MemoryGate, story: Story) -> None:
    gate.admit(story.provider, story.closed())
    event = story.registered(story.accreditor, story.provider, "provider")

    assert gate.refused(story.accreditor, event).rule == "organization-twice"


# --- The newcomer's own word ---


def test_nobody_is_entered_without_a_signature_by_its_founding_key(
    gate: MemoryGate, story: Story
) -> None:
    event = registration(story)
    other = private_key("other").sign(b"anything")
    for signature in (bytes(64), other):
        forged = msgspec.structs.replace(event, signature=signature)
        refusal = gate.refused(story.accreditor, forged)
        assert (refusal.rule, refusal.line) == ("registration-signature", 2)


@pytest.mark.parametrize(
    "changed",
    [
        {"name": "Another"},
        {"country": "BE"},
        {"roles": ("endorser",)},
        {"signing_keys": ()},
        {"recovery_keys": ()},
        {"url": "https://mill.example"},
        {"until": TODAY},
        {"organization": party("victim").did},
        {"identifiers": (Identifier(scheme="ROR", value="1"),)},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_a_sponsor_changes_nothing_of_what_the_newcomer_signed(
    gate: MemoryGate, story: Story, changed: dict[str, Any]
) -> None:
    forged = msgspec.structs.replace(registration(story), **changed)

    assert gate.refused(story.accreditor, forged).rule == "registration-signature"


def test_a_registration_serves_the_sponsor_that_it_names(gate: MemoryGate, story: Story) -> None:
    rival = registrar(gate, "accreditor")

    assert gate.refused(rival, registration(story)).rule == "sponsor"
    assert gate.refused(story.accreditor, registration(story, sponsor=rival.did)).rule == "sponsor"


def test_a_registration_serves_the_log_that_it_names(gate: MemoryGate, story: Story) -> None:
    event = registration(story, origin="log.example/other")

    assert gate.refused(story.accreditor, event).rule == "origin"


@pytest.mark.parametrize(
    ("days", "admitted"), [(-1, False), (0, True), (30, True), (31, False), (36_500, False)]
)
def test_a_registration_is_admitted_in_the_month_up_to_its_last_day(
    gate: MemoryGate, story: Story, days: int, admitted: Any
) -> None:
    event = registration(story, until=TODAY + timedelta(days=days))

    if admitted:
        gate.admit(story.accreditor, event)
    else:
        assert gate.refused(story.accreditor, event).rule == "until"


@pytest.mark.parametrize("until", [date.min, date.max])
def test_no_last_day_is_too_far_to_be_refused(gate: MemoryGate, story: Story, until: date) -> None:
    assert gate.refused(story.accreditor, registration(story, until=until)).rule == "until"


def key(name: str) -> str:
    return private_key(name).public.multikey()


FOUNDING = NEWCOMER.keys.founding.public.multikey()


@pytest.mark.parametrize(
    ("members", "rule"),
    [
        ({"signing_keys": (FOUNDING,)}, "key-twice"),
        ({"recovery_keys": (FOUNDING,)}, "key-twice"),
        ({"recovery_keys": (key("a"), key("a"))}, "key-twice"),
        ({"recovery_keys": (key("a"),), "signing_keys": (key("a"),)}, "key-twice"),
        ({"signing_keys": ("z" + "2" * 46,)}, "key-form"),
        ({"recovery_keys": ("z" + "2" * 46,)}, "key-form"),
    ],
)
def test_the_first_keys_are_keys_and_each_is_listed_once(
    gate: MemoryGate, story: Story, members: dict[str, Any], rule: str
) -> None:
    assert gate.refused(story.accreditor, registration(story, **members)).rule == rule


@pytest.mark.parametrize("curve", get_args(Curve))
def test_a_newcomer_of_either_curve_signs_from_then_on(
    gate: MemoryGate, story: Story, curve: Curve
) -> None:
    newcomer = party(f"newcomer {curve}", curve)
    assert gate.refused(newcomer, story.defined(story.new_id())).rule == "unknown-organization"

    gate.admit(story.accreditor, story.registered(story.accreditor, newcomer, "provider"))

    gate.admit(newcomer, story.defined(story.new_id()))


# --- What becomes of it ---


def test_a_registration_stands_though_its_submission_counts_no_more(
    gate: MemoryGate, story: Story
) -> None:
    """Only the sponsor's word falls: what the newcomer signed is its own."""
    since = gate.register.size
    granted = story.accredited(story.new_id(), of=NEWCOMER)
    gate.admit(story.accreditor, registration(story), granted)
    robbed(gate, story.accreditor, since)

    gate.admit(NEWCOMER, story.defined(achievement := story.new_id()))
    issued = story.issued(achievement=achievement, accredited=False)
    gate.admit(NEWCOMER, issued)
    fallen = msgspec.structs.replace(
        story.issued(achievement=achievement), accreditation=granted.accreditation
    )
    assert gate.refused(NEWCOMER, fallen).rule == "unknown-accreditation"


def test_the_same_claim_by_two_organizations_is_flagged_and_excludes_nobody(
    gate: MemoryGate, story: Story
) -> None:
    identifiers = (Identifier(scheme="ROR", value="https://ror.org/1"),)
    claim = msgspec.structs.replace(story.updated(), identifiers=identifiers)
    assert gate.flags(story.provider, claim) == ()
    assert gate.flags(story.provider, claim) == ()

    event = registration(story, identifiers=identifiers)
    assert gate.flags(story.accreditor, event) == ("identifier-shared",)
    assert gate.flags(story.authority, claim) == ("identifier-shared",)


def test_a_key_of_two_organizations_is_flagged(gate: MemoryGate, story: Story) -> None:
    event = registration(story, signing_keys=(story.provider.key.public.multikey(),))

    assert gate.flags(story.accreditor, event) == ("key-shared",)


def test_the_did_of_another_organization_among_the_words_of_a_grant_is_flagged(
    gate: MemoryGate, story: Story
) -> None:
    """A credential that names it as its issuer would look like one of that other organization."""
    restated = story.accreditation_restated("An Organization")
    dids = {
        story.provider.did: (),
        f"did:key:{story.provider.key_id}": (),
        "did:web:college.example": (),
        party("nobody").did: (),
        story.authority.did: ("did-of-another",),
        f"did:key:{story.accreditor.key_id}": ("did-of-another",),
    }
    for did, flags in dids.items():
        words = msgspec.structs.replace(restated, other_ids=(did,))
        assert gate.flags(story.accreditor, words) == flags
        granted = msgspec.structs.replace(
            story.accredited(accreditation=story.new_id()), other_ids=(did,)
        )
        assert gate.flags(story.accreditor, granted) == flags
    recognised = story.recognised(recognition=story.new_id()), story.recognition_restated()
    for each in recognised:
        famous = msgspec.structs.replace(each, other_ids=(story.provider.did,))
        assert gate.flags(story.authority, famous) == ("did-of-another",)


# --- Verified once ---


def judged(gate: MemoryGate, by: Party, event: e.Event, verified: tuple[int, ...]) -> None:
    events = parse(gate.story.submission(by, event)).events
    signed = Signed(by.did, by.key_id, gate.register.size, gate.story.milliseconds)
    admit_events(
        gate.register.draft(),
        KeptCredentials({}, {}),
        signed,
        events,
        event_at=gate.event_at,
        verified=verified,
    )


def test_a_signature_that_was_verified_before_is_not_verified_again(
    gate: MemoryGate, story: Story
) -> None:
    """The caller says which: by the place in the submission, from 1 on."""
    forged = msgspec.structs.replace(registration(story), signature=bytes(64))
    with pytest.raises(Refusal):
        verify_alone(forged)

    judged(gate, story.accreditor, forged, verified=(1,))
    for verified in ((), (2,)):
        with pytest.raises(Refusal) as caught:
            judged(gate, story.accreditor, forged, verified=verified)
        assert (caught.value.rule, caught.value.line) == ("registration-signature", 2)
