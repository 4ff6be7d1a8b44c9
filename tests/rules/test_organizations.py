"""Who gets into the register, with which keys, and what nobody may do to anybody else."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from testamur.catalogue import events as e
from testamur.catalogue.lifecycle import KeyStatus, OrganizationStatus
from testamur.catalogue.lines import decode_events
from testamur.catalogue.members import Authority, Key, Role
from testamur.catalogue.submission import parse, stream_of
from testamur.errors import Refusal
from testamur.keys import Curve
from testamur.rules import MAX_AGE, MAX_AHEAD, Register, admit_genesis
from testamur.rules.organizations import MAX_KEYS, possession_statement
from testamur.rules.register import dump_register, load_register
from tests.harness.memory_gate import MemoryGate
from tests.harness.story import NOW, Party, Story, party, private_key

ROLES: tuple[Role, ...] = get_args(Role)


@pytest.fixture
def gate() -> MemoryGate:
    return MemoryGate.opened()


@pytest.fixture
def story(gate: MemoryGate) -> Story:
    return gate.story


# --- How a log begins ---


def opener(story: Story) -> Party:
    public = story.log_key.public
    return Party(public.did_key(), story.log_key, public.multikey())


def genesis(story: Story, **members: Any) -> e.LogOpened:
    (opened,) = decode_events(story.genesis().split(b"\n")[1:2])
    return msgspec.structs.replace(opened, **members)  # type: ignore[return-value]


def authority(who: Party, *keys: Key) -> Authority:
    return Authority(
        country="NL", keys=keys or (who.listed,), name="Authority", organization=who.did
    )


def test_the_logs_own_key_opens_it_and_seats_the_root_authorities() -> None:
    gate = MemoryGate()
    (admitted,) = gate.offer(gate.story.genesis())

    assert (admitted.stream, admitted.version) == (stream_of("log", gate.story.origin), 1)
    assert gate.register.size == 2
    assert gate.register.origin == gate.story.origin
    seated = gate.register.organizations[gate.story.authority.did]
    assert (seated.roles, seated.sponsor, seated.version) == (("authority",), None, 0)


@pytest.mark.parametrize("who", ["authority", "provider"])
def test_nobody_else_opens_a_log(who: str) -> None:
    gate = MemoryGate()
    signer = getattr(gate.story, who)

    with pytest.raises(Refusal):
        gate.offer(gate.story.submission(signer, genesis(gate.story)))


def test_the_logs_key_opens_it_under_its_own_name_only() -> None:
    """A kid of the log's key within another DID is not the log's."""
    gate = MemoryGate()
    key = gate.story.log_key
    for signer in (
        Party("did:web:log.example", key, key.public.multikey()),
        Party(key.public.did_key(), key, "key-1"),
    ):
        assert gate.refused(signer, genesis(gate.story)).rule == "genesis-signer"


def test_a_genesis_says_one_thing_and_only_one_kind_of_thing() -> None:
    gate = MemoryGate()
    story = gate.story
    opened = genesis(story)

    for events in ([opened, opened], [opened, story.recognised()], [story.recognised()]):
        assert gate.refused(opener(story), *events).rule == "genesis-event"


def test_a_genesis_names_the_log_it_is_addressed_to() -> None:
    gate = MemoryGate()

    assert gate.refused(opener(gate.story), genesis(gate.story, origin="other.example")).rule == (
        "audience"
    )


def test_a_log_is_opened_once(gate: MemoryGate, story: Story) -> None:
    """Neither by its own key, which is nobody in the register, nor by an authority."""
    opened = genesis(story, authorities=(authority(party("usurper")),))

    assert gate.refused(opener(story), opened).rule == "unknown-organization"
    assert gate.refused(story.authority, opened).rule == "genesis-again"
    assert party("usurper").did not in gate.register.organizations


@pytest.mark.parametrize(
    ("rule", "make"),
    {
        "an authority twice": (
            "organization-twice",
            lambda a, b: (authority(a), authority(b), authority(a)),
        ),
        "a key id twice": (
            "key-twice",
            lambda a, b: (
                authority(
                    a, a.listed, Key(id=a.key_id, public_key_multibase=b.key.public.multikey())
                ),
            ),
        ),
        "a key twice": (
            "key-twice",
            lambda a, _: (
                authority(a, a.listed, Key(id="k2", public_key_multibase=a.key.public.multikey())),
            ),
        ),
        "somebody else's did:key": ("key-of-did", lambda a, b: (authority(a, b.listed),)),
        "its own key second": ("key-of-did", lambda a, b: (authority(a, b.listed, a.listed),)),
        "no key at all": (
            "key-form",
            lambda a, _: (authority(a, Key(id="k", public_key_multibase="z" + "2" * 46)),),
        ),
    }.values(),
)
def test_a_genesis_that_is_out_of_order_is_refused(
    rule: str, make: Callable[[Party, Party], tuple[Authority, ...]]
) -> None:
    gate = MemoryGate()
    seats = make(party("a"), party("b"))

    assert gate.refused(opener(gate.story), genesis(gate.story, authorities=seats)).rule == rule


def test_a_genesis_is_entry_0_and_nothing_else(gate: MemoryGate, story: Story) -> None:
    submission = parse(story.genesis())

    with pytest.raises(Refusal) as caught:
        admit_genesis(
            gate.register,
            submission.header,
            submission.events,
            story.milliseconds,
            story.log_key.public,
        )
    assert caught.value.rule == "genesis-position"


@pytest.mark.parametrize("late", [-MAX_AHEAD - 1, MAX_AGE + 1])
def test_a_genesis_is_recorded_when_it_is_signed(late: int) -> None:
    gate = MemoryGate()
    at = (NOW + late) * 1000

    assert gate.turned_away(gate.story.genesis(), recorded_at=at).rule == "issued-at"


def test_several_authorities_each_with_several_keys_may_be_seated() -> None:
    gate = MemoryGate()
    one, other = party("one"), party("other", "P-256")
    gate.admit(
        opener(gate.story),
        genesis(
            gate.story,
            authorities=(authority(one, one.listed, one.with_key("k2").listed), authority(other)),
        ),
    )

    for signer in (one, one.with_key("k2"), other):
        gate.admit(signer, e.OrganizationUpdated(country="DE", name="B", organization=signer.did))


def test_nothing_precedes_the_genesis() -> None:
    gate = MemoryGate()
    story = gate.story

    assert gate.refused(opener(story), story.recognised()).rule == "genesis-event"


# --- Who may speak ---


def test_a_submission_is_for_one_log(gate: MemoryGate, story: Story) -> None:
    body = story.submission(story.provider, story.issued(), aud="another.example/log")

    assert gate.turned_away(body).rule == "audience"


def test_a_stranger_is_not_heard(gate: MemoryGate, story: Story) -> None:
    assert gate.refused(party("stranger"), story.issued()).rule == "unknown-organization"


def test_a_key_nobody_listed_does_not_sign(gate: MemoryGate, story: Story) -> None:
    assert gate.refused(story.provider.with_key("unlisted"), story.issued()).rule == "unknown-key"


def test_a_listed_key_id_does_not_make_another_key_sign(gate: MemoryGate, story: Story) -> None:
    forger = replace(story.provider, key=private_key("forger"))

    assert gate.refused(forger, story.issued()).rule == "signature"


@pytest.mark.parametrize("late", [-MAX_AHEAD, 0, MAX_AGE])
def test_a_signature_is_taken_within_its_window(gate: MemoryGate, story: Story, late: int) -> None:
    gate.register.recorded_at = 0
    body = story.submission(story.provider, story.issued(), iat=NOW)

    gate.offer(body, recorded_at=(NOW + late) * 1000)


@pytest.mark.parametrize("milliseconds", [-MAX_AHEAD * 1000 - 1, (MAX_AGE + 1) * 1000, 10**14])
def test_a_signature_is_refused_outside_its_window(
    gate: MemoryGate, story: Story, milliseconds: int
) -> None:
    gate.register.recorded_at = 0
    body = story.submission(story.provider, story.issued(), iat=NOW)

    assert gate.turned_away(body, recorded_at=NOW * 1000 + milliseconds).rule == "issued-at"


def test_recorded_times_never_go_back(gate: MemoryGate, story: Story) -> None:
    last = story.milliseconds + 5
    gate.admit(story.provider, story.issued(), recorded_at=last)

    assert gate.refused(story.provider, story.issued(), recorded_at=last - 1).rule == "time-order"
    gate.admit(story.provider, story.issued(), recorded_at=last)


def test_a_closed_organization_is_not_heard(gate: MemoryGate, story: Story) -> None:
    gate.admit(story.provider, e.OrganizationClosed(organization=story.provider.did))

    refusal = gate.refused(story.provider, story.issued())
    assert (refusal.rule, refusal.line) == ("organization-closed", 1)


def test_an_organization_that_closes_itself_says_nothing_more_in_the_same_breath(
    gate: MemoryGate, story: Story
) -> None:
    closed = e.OrganizationClosed(organization=story.provider.did)
    for more in (story.issued(), story.defined(story.new_id()), closed):
        refusal = gate.refused(story.provider, story.issued(), closed, more)
        assert (refusal.rule, refusal.line) == ("organization-closed", 4)


def test_a_refusal_names_the_line_of_the_event(gate: MemoryGate, story: Story) -> None:
    events = [story.issued() for _ in range(5)]

    assert gate.refused(story.provider, *events, events[0]).line == 7


# --- Who brings whom in ---


def registrar(gate: MemoryGate, *roles: Role) -> Party:
    """Return a member of the register that has these roles."""
    who = party("registrar " + " ".join(roles))
    gate.admit(gate.story.authority, gate.story.registered(gate.story.authority, who, *roles))
    return who


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


# --- Keys ---


def test_a_key_is_added_by_its_owner_and_signs_from_then_on(gate: MemoryGate, story: Story) -> None:
    fresh = story.provider.with_key("k2", "P-256")
    gate.admit(story.provider, story.key_added(story.provider, fresh))

    gate.admit(fresh, story.issued())
    gate.admit(story.provider, story.issued())


def test_a_sponsor_helps_out_when_all_keys_are_lost(gate: MemoryGate, story: Story) -> None:
    fresh = story.provider.with_key("k2")
    gate.admit(story.accreditor, story.key_added(story.provider, fresh, by=story.accreditor))

    gate.admit(fresh, story.issued())


@pytest.mark.parametrize("who", ["authority", "stranger's provider"])
def test_nobody_else_adds_a_key(gate: MemoryGate, story: Story, who: str) -> None:
    other = story.authority if who == "authority" else registrar(gate, "provider")
    event = story.key_added(story.provider, story.provider.with_key("k2"), by=other)

    assert gate.refused(other, event).rule == "not-own-organization"


def test_a_key_is_added_with_its_own_word_for_who_adds_it(gate: MemoryGate, story: Story) -> None:
    fresh = story.provider.with_key("k2")
    for_sponsor = story.key_added(story.provider, fresh, by=story.accreditor)

    assert gate.refused(story.provider, for_sponsor).rule == "possession"


@pytest.mark.parametrize("end", ["active", "retired", "compromised"])
def test_a_key_id_is_never_used_again(gate: MemoryGate, story: Story, end: str) -> None:
    provider = story.provider
    gate.admit(provider, story.key_added(provider, provider.with_key("k2")))
    if end == "retired":
        gate.admit(provider, e.KeyRetired(key="k2", organization=provider.did))
    if end == "compromised":
        position = gate.register.size
        gate.admit(provider, e.KeyCompromised(key="k2", organization=provider.did, since=position))

    again = Party(provider.did, private_key("new"), "k2")
    assert gate.refused(provider, story.key_added(provider, again)).rule == "key-twice"
    same_key = Party(provider.did, provider.with_key("k2").key, "k3")
    assert gate.refused(provider, story.key_added(provider, same_key)).rule == "key-twice"


def test_a_key_that_is_none_is_not_added(gate: MemoryGate, story: Story) -> None:
    added = story.key_added(story.provider, story.provider.with_key("k2"))
    none = msgspec.structs.replace(added.key, public_key_multibase="z" + "2" * 46)

    refusal = gate.refused(story.provider, msgspec.structs.replace(added, key=none))

    assert refusal.rule == "key-form"


def test_an_organization_has_64_keys_in_its_life(gate: MemoryGate, story: Story) -> None:
    provider = story.provider
    gate.admit(
        provider,
        *(story.key_added(provider, provider.with_key(f"k{i}")) for i in range(MAX_KEYS - 1)),
    )

    one_more = story.key_added(provider, provider.with_key("more"))
    assert gate.refused(provider, one_more).rule == "key-count"


def test_a_retired_key_signs_no_more_but_what_it_signed_stands(
    gate: MemoryGate, story: Story
) -> None:
    provider, fresh = story.provider, story.provider.with_key("k2")
    gate.admit(provider, story.key_added(provider, fresh))
    position = gate.register.size
    # The submission that retires a key may go on under it: a key is judged at the header.
    gate.admit(
        provider,
        e.KeyRetired(key=provider.key_id, organization=provider.did),
        story.issued(),
    )

    assert gate.refused(provider, story.issued()).rule == "key-inactive"
    gate.admit(fresh, story.issued())
    key = gate.register.organizations[provider.did].key(provider.key_id)
    assert key is not None
    assert (key.status, key.until) == (KeyStatus.RETIRED, position + 1)


def test_only_its_owner_retires_a_key(gate: MemoryGate, story: Story) -> None:
    provider = story.provider
    gate.admit(provider, story.key_added(provider, provider.with_key("k2")))
    event = e.KeyRetired(key="k2", organization=provider.did)

    for other in (story.accreditor, story.authority):
        assert gate.refused(other, event).rule == "not-own-organization"


def test_the_last_active_key_is_not_retired(gate: MemoryGate, story: Story) -> None:
    provider = story.provider
    retire_first = e.KeyRetired(key=provider.key_id, organization=provider.did)
    retire_second = e.KeyRetired(key="k2", organization=provider.did)

    assert gate.refused(provider, retire_first).rule == "last-key"
    gate.admit(provider, story.key_added(provider, provider.with_key("k2")))
    assert gate.refused(provider, retire_first, retire_second).rule == "last-key"
    gate.admit(provider, retire_second)
    assert gate.refused(provider, retire_first).rule == "last-key"


def test_a_key_is_retired_once_and_only_if_it_exists(gate: MemoryGate, story: Story) -> None:
    provider = story.provider
    retire = e.KeyRetired(key="k2", organization=provider.did)
    assert gate.refused(provider, retire).rule == "unknown-key"
    gate.admit(provider, story.key_added(provider, provider.with_key("k2")))
    gate.admit(provider, retire)

    assert gate.refused(provider, retire).rule == "transition"


# --- Compromise ---


def compromised(who: Party, since: int, key: str | None = None) -> e.KeyCompromised:
    return e.KeyCompromised(key=key or who.key_id, organization=who.did, since=since)


def test_a_compromise_reaches_back_to_where_the_key_was_added_and_not_beyond(
    gate: MemoryGate, story: Story
) -> None:
    provider = story.provider
    known = gate.register.organizations[provider.did].keys[0]
    own_position = gate.register.size + 1
    for since in (known.added - 1, 0, own_position + 1, 2**53 - 1):
        assert gate.refused(provider, compromised(provider, since)).rule == "compromise-position"
    for since in (known.added, own_position):
        story_gate = MemoryGate.opened()
        story_gate.admit(provider, compromised(provider, since))
        key = story_gate.register.organizations[provider.did].keys[0]
        assert (key.status, key.until) == (KeyStatus.COMPROMISED, since)


def test_a_compromised_key_is_cut_off(gate: MemoryGate, story: Story) -> None:
    provider = story.provider
    gate.admit(provider, compromised(provider, gate.register.size + 1))

    assert gate.refused(provider, story.issued()).rule == "key-inactive"


def test_when_the_last_key_is_stolen_the_sponsor_gives_a_new_one(
    gate: MemoryGate, story: Story
) -> None:
    provider, fresh = story.provider, story.provider.with_key("k2")
    gate.admit(
        story.accreditor,
        compromised(provider, gate.register.size),
        story.key_added(provider, fresh, by=story.accreditor),
    )

    assert gate.refused(provider, story.issued()).rule == "key-inactive"
    gate.admit(fresh, story.issued())


@pytest.mark.parametrize("who", ["authority", "other provider"])
def test_nobody_else_cries_wolf(gate: MemoryGate, story: Story, who: str) -> None:
    other = story.authority if who == "authority" else registrar(gate, "provider")
    event = compromised(story.provider, gate.register.size)

    assert gate.refused(other, event).rule == "not-own-organization"


def test_a_compromise_is_never_taken_back(gate: MemoryGate, story: Story) -> None:
    provider, fresh = story.provider, story.provider.with_key("k2")
    gate.admit(provider, story.key_added(provider, fresh))
    since = gate.register.size
    gate.admit(fresh, compromised(provider, since))

    for event in (compromised(provider, since), compromised(provider, gate.register.size)):
        assert gate.refused(fresh, event).rule == "compromise-position"
    retired = e.KeyRetired(key=provider.key_id, organization=provider.did)
    assert gate.refused(fresh, retired).rule == "transition"


def test_a_thief_who_is_the_first_to_tell_does_not_say_since_when(
    gate: MemoryGate, story: Story
) -> None:
    """He names the latest position he can; the sponsor, who knows better, an earlier one."""
    provider = story.provider
    gate.admit(provider, compromised(provider, gate.register.size))
    since = gate.register.size - 3
    gate.admit(story.accreditor, compromised(provider, since))

    key = gate.register.organizations[provider.did].key(provider.key_id)
    assert key is not None
    assert (key.status, key.until) == ("compromised", since)


def test_a_retired_key_found_stolen_is_cut_off_at_the_earlier_of_both(
    gate: MemoryGate, story: Story
) -> None:
    provider, fresh = story.provider, story.provider.with_key("k2")
    gate.admit(provider, story.key_added(provider, fresh))
    retired_at = gate.register.size + 1
    gate.admit(provider, e.KeyRetired(key=provider.key_id, organization=provider.did))
    gate.admit(fresh, *(story.issued() for _ in range(10)))

    later, earlier = MemoryGate.opened(), MemoryGate.opened()
    for other, since, until in (
        (later, retired_at + 4, retired_at),
        (earlier, retired_at - 1, retired_at - 1),
    ):
        other.register = load_register(dump_register(gate.register))
        other.admit(fresh, compromised(provider, since))
        key = other.register.organizations[provider.did].key(provider.key_id)
        assert key is not None
        assert key.until == until


def test_a_key_may_turn_out_stolen_after_its_owner_closed(gate: MemoryGate, story: Story) -> None:
    provider = story.provider
    gate.admit(provider, e.OrganizationClosed(organization=provider.did))
    gate.admit(story.accreditor, compromised(provider, gate.register.size))

    fresh = story.key_added(provider, provider.with_key("k2"), by=story.accreditor)
    assert gate.refused(story.accreditor, fresh).rule == "transition"


# --- The register itself ---


def test_what_is_refused_leaves_no_trace(gate: MemoryGate, story: Story) -> None:
    provider, fresh = story.provider, story.provider.with_key("k2")
    good: list[tuple[Party, list[e.Event]]] = [
        (
            provider,
            [story.key_added(provider, fresh), story.issued(), story.defined(story.new_id())],
        ),
        (
            story.authority,
            [
                story.registered(story.authority, party("x"), "accreditor"),
                story.recognised(story.new_id()),
            ],
        ),
        (story.accreditor, [story.accredited(story.new_id())]),
        (provider, [e.OrganizationClosed(organization=provider.did)]),
    ]
    before = dump_register(gate.register)
    credentials = dict(gate.credentials)
    for signer, events in good:
        gate.refused(signer, *events, story.recognised() if signer is provider else genesis(story))

    assert dump_register(gate.register) == before
    assert gate.credentials == credentials


def test_a_draft_of_a_draft_keeps_its_changes_to_itself(gate: MemoryGate, story: Story) -> None:
    outer = gate.register.draft()
    inner = outer.draft()
    before = dump_register(gate.register)
    did = story.provider.did

    inner.organizations[did] = msgspec.structs.replace(inner.organizations[did], name="Changed")
    assert outer.organizations[did].name != "Changed"
    outer.absorb(inner)
    assert outer.organizations[did].name == "Changed"
    assert dump_register(gate.register) == before
    gate.register.absorb(outer)
    assert gate.register.organizations[did].name == "Changed"


def test_a_register_is_written_and_read_back_whole(gate: MemoryGate, story: Story) -> None:
    gate.admit(story.provider, story.key_added(story.provider, story.provider.with_key("k2")))
    gate.admit(
        story.authority, e.RecognitionWithdrawn(reason="voluntary", recognition=story.recognition)
    )
    data = dump_register(gate.register)

    again = load_register(data)

    assert again == gate.register
    assert dump_register(again) == data
    assert dump_register(again.draft()) == data
    assert load_register(dump_register(Register())) == Register()


@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(0, 7), max_size=12))
def test_every_stream_counts_its_versions_without_a_gap(choices: list[int]) -> None:
    gate = MemoryGate.opened()
    story, provider, accreditor = gate.story, gate.story.provider, gate.story.accreditor
    # What the opening left each stream at.
    versions = {str(stream_of("organization", provider.did)): 1}
    versions |= {story.achievement: 1, story.accreditation: 1}
    for choice in choices:
        fresh = provider.with_key(f"k{story.new_id()[-6:]}")
        steps: list[tuple[Party, e.Event]] = [
            (provider, story.issued()),
            (provider, story.defined(story.new_id())),
            (provider, story.key_added(provider, fresh)),
            (provider, e.AchievementRetired(achievement=story.achievement)),
            (accreditor, suspended(story)),
            (accreditor, e.AccreditationReinstated(accreditation=story.accreditation)),
            (accreditor, story.accredited(story.new_id())),
            (provider, e.OrganizationUpdated(country="NL", name="A", organization=provider.did)),
        ]
        with contextlib.suppress(Refusal):
            (admitted,) = gate.admit(*steps[choice])
            stream = str(admitted.stream)
            assert admitted.version == versions.get(stream, 0) + 1
            versions[stream] = admitted.version


def suspended(story: Story) -> e.AccreditationSuspended:
    return e.AccreditationSuspended(accreditation=story.accreditation, reason="unspecified")
