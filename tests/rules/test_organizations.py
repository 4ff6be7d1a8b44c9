"""Who enters the register, on whose word, and how an organization changes and closes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, get_args

import msgspec
import pytest

from testamur.catalogue import events as e
from testamur.catalogue.lifecycle import OrganizationStatus
from testamur.catalogue.members import Key, Role
from testamur.keys import Curve
from testamur.rules.organizations import possession_statement
from tests.harness.memory_gate import MemoryGate
from tests.harness.story import Party, Story, party, private_key
from tests.rules.members import registrar

ROLES: tuple[Role, ...] = get_args(Role)

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
    event = gate.story.registered(by, party("newcomer"), newcomer)

    if newcomer in MAY_BRING_IN[sponsor]:
        gate.admit(by, event)
        found = gate.register.organizations[party("newcomer").did]
        assert (found.sponsor, found.roles) == (by.did, (newcomer,))
    else:
        assert gate.refused(by, event).rule == "sponsor-role"


def test_every_role_of_a_newcomer_needs_the_sponsors_right(gate: MemoryGate, story: Story) -> None:
    event = story.registered(story.accreditor, party("both"), "accreditor", "provider")

    assert gate.refused(story.accreditor, event).rule == "sponsor-role"


def test_the_rights_of_several_roles_add_up(gate: MemoryGate) -> None:
    by = registrar(gate, "authority", "provider")
    gate.admit(by, gate.story.registered(by, party("newcomer"), "accreditor", "provider"))


def test_an_organization_is_registered_once(gate: MemoryGate, story: Story) -> None:
    """Not again by its sponsor, nor over again by another, nor a root authority by its peer."""
    rival = registrar(gate, "authority")
    for by, who in (
        (story.accreditor, story.provider),
        (rival, story.provider),
        (rival, story.authority),
    ):
        event = story.registered(by, who, "provider")
        assert gate.refused(by, event).rule == "transition"


def test_a_closed_organization_does_not_come_back(gate: MemoryGate, story: Story) -> None:
    gate.admit(story.provider, e.OrganizationClosed(organization=story.provider.did))
    event = story.registered(story.accreditor, story.provider, "provider")

    assert gate.refused(story.accreditor, event).rule == "transition"


# --- Possession: the newcomer's own word ---


def test_nobody_is_entered_without_a_signature_by_its_own_key(
    gate: MemoryGate, story: Story
) -> None:
    newcomer = party("newcomer")
    event = story.registered(story.accreditor, newcomer, "provider")
    other = story.possession(story.accreditor, replace(newcomer, key=private_key("other")))

    for possession in (bytes(64), other):
        forged = msgspec.structs.replace(event, possession=possession)
        assert gate.refused(story.accreditor, forged).rule == "possession"


def _statement(story: Story, **other: Any) -> bytes:
    newcomer = party("newcomer")
    terms = {
        "origin": story.origin,
        "sponsor": story.accreditor.did,
        "organization": newcomer.did,
        "key": newcomer.listed,
        **other,
    }
    return newcomer.key.sign(possession_statement(**terms))


@pytest.mark.parametrize(
    "other",
    {
        "another log": {"origin": "log.example/other"},
        "another sponsor": {"sponsor": party("another sponsor").did},
        "another organization": {"organization": "did:web:newcomer.example"},
        "another key id": {
            "key": Key(id="k9", public_key_multibase=party("newcomer").key.public.multikey())
        },
    }.values(),
)
def test_a_possession_made_for_something_else_is_of_no_use(
    gate: MemoryGate, story: Story, other: dict[str, Any]
) -> None:
    event = story.registered(story.accreditor, party("newcomer"), "provider")
    replayed = msgspec.structs.replace(event, possession=_statement(story, **other))

    assert gate.refused(story.accreditor, replayed).rule == "possession"
    gate.admit(story.accreditor, msgspec.structs.replace(event, possession=_statement(story)))


def test_a_possession_does_not_serve_the_sponsors_rival(gate: MemoryGate, story: Story) -> None:
    rival = registrar(gate, "accreditor")
    event = story.registered(story.accreditor, party("newcomer"), "provider")

    assert gate.refused(rival, event).rule == "possession"


def test_a_possession_says_what_it_says_to_the_byte() -> None:
    key = Key(id="k1", public_key_multibase="z6Mk")

    assert possession_statement("log.example", "did:web:a", "did:web:b", key) == (
        b"testamur/possession/1\n"
        b'{"key":{"id":"k1","publicKeyMultibase":"z6Mk"},"log":"log.example",'
        b'"organization":"did:web:b","sponsor":"did:web:a"}'
    )


def test_nobody_takes_a_did_key_that_spells_anothers_key(gate: MemoryGate, story: Story) -> None:
    """The squatter signs with its own key under the victim's DID."""
    victim, squatter = party("victim"), private_key("squatter")
    posing = Party(victim.did, squatter, squatter.public.multikey())
    event = story.registered(story.accreditor, posing, "provider")

    assert gate.refused(story.accreditor, event).rule == "key-of-did"


def test_a_did_of_another_method_may_have_any_key(gate: MemoryGate, story: Story) -> None:
    """Who stands behind did:web is for the sponsor to know: it signs for it."""
    newcomer = Party("did:web:university.example", private_key("web"), "key-1")
    gate.admit(story.accreditor, story.registered(story.accreditor, newcomer, "provider"))

    gate.admit(newcomer, story.defined(story.new_id()))


@pytest.mark.parametrize("curve", get_args(Curve))
def test_a_newcomer_of_either_curve_signs_from_then_on(
    gate: MemoryGate, story: Story, curve: Curve
) -> None:
    newcomer = party(f"newcomer {curve}", curve)
    assert gate.refused(newcomer, story.defined(story.new_id())).rule == "unknown-organization"

    gate.admit(story.accreditor, story.registered(story.accreditor, newcomer, "provider"))

    gate.admit(newcomer, story.defined(story.new_id()))


# --- Particulars and closing ---


def test_only_the_organization_itself_restates_its_particulars(
    gate: MemoryGate, story: Story
) -> None:
    event = e.OrganizationUpdated(country="BE", name="New", organization=story.provider.did)

    for other in (story.accreditor, story.authority):
        assert gate.refused(other, event).rule == "not-own-organization"
    gate.admit(story.provider, event)
    found = gate.register.organizations[story.provider.did]
    assert (found.country, found.name, found.sponsor) == ("BE", "New", story.accreditor.did)
    assert found.roles == ("provider",)


def test_another_country_is_flagged_and_nothing_else_is(gate: MemoryGate, story: Story) -> None:
    """A region is another one than its country: a scope may name either."""

    def flags(country: str, name: str = "A") -> tuple[str, ...]:
        did = story.provider.did
        return gate.flags(
            story.provider, e.OrganizationUpdated(country=country, name=name, organization=did)
        )

    assert [flags("NL"), flags("NL", "Renamed")] == [(), ()]
    assert [flags("NL-UT"), flags("NL-UT"), flags("NL"), flags("BE")] == [
        ("country-changed",),
        (),
        ("country-changed",),
        ("country-changed",),
    ]


def test_an_organization_or_its_sponsor_ends_its_part_and_nobody_else(
    gate: MemoryGate, story: Story
) -> None:
    event = e.OrganizationClosed(organization=story.provider.did)

    assert gate.refused(story.authority, event).rule == "not-own-organization"
    gate.admit(story.accreditor, event)
    assert gate.register.organizations[story.provider.did].status is OrganizationStatus.CLOSED
    assert gate.refused(story.accreditor, event).rule == "transition"


def test_nobody_closes_a_root_authority_but_itself(gate: MemoryGate, story: Story) -> None:
    event = e.OrganizationClosed(organization=story.authority.did)
    peer = registrar(gate, "authority")

    for other in (peer, story.accreditor):
        assert gate.refused(other, event).rule == "not-own-organization"
    gate.admit(story.authority, event)


@pytest.mark.parametrize(
    "event",
    [
        e.OrganizationClosed(organization="did:web:nobody.example"),
        e.KeyCompromised(key="k", organization="did:web:nobody.example", since=1),
    ],
)
def test_what_happens_to_nobody_is_refused(gate: MemoryGate, story: Story, event: e.Event) -> None:
    assert gate.refused(story.authority, event).rule == "unknown-organization"
