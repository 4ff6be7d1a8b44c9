"""Issuing, and what becomes of a credential: what is refused, and what is only flagged."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from testamur.catalogue import events as e
from testamur.catalogue.lifecycle import CREDENTIAL, CredentialStatus
from testamur.catalogue.members import Definition, Scope
from testamur.errors import Refusal
from testamur.rules import CredentialState
from testamur.rules.credentials import BACKDATED_AFTER, POSTDATED_AFTER
from tests.harness.memory_gate import MemoryGate
from tests.harness.story import Party, Story, party, uuid7

TODAY = date(2026, 11, 21)
DAY = timedelta(days=1)
NOWHERE = uuid7(1, 1)


@pytest.fixture
def gate() -> MemoryGate:
    return MemoryGate.opened()


@pytest.fixture
def story(gate: MemoryGate) -> Story:
    return gate.story


def issued(story: Story, **members: Any) -> e.CredentialIssued:
    return msgspec.structs.replace(story.issued(), **members)


def rival_provider(gate: MemoryGate) -> Party:
    rival = party("rival")
    gate.admit(
        gate.story.accreditor, gate.story.registered(gate.story.accreditor, rival, "provider")
    )
    return rival


# --- What is refused ---


def test_only_a_provider_issues(gate: MemoryGate, story: Story) -> None:
    for signer in (story.authority, story.accreditor):
        assert gate.refused(signer, story.issued()).rule == "role"


def test_a_credential_is_issued_once(gate: MemoryGate, story: Story) -> None:
    """Not twice in one submission, not again later, not by another, not after revocation."""
    first = story.issued()
    assert gate.refused(story.provider, first, first).rule == "already-issued"
    gate.admit(story.provider, first)
    rival = rival_provider(gate)
    gate.admit(rival, story.defined(own := story.new_id()))
    gate.admit(story.provider, e.CredentialRevoked(credential=first.credential, reason="duplicate"))

    assert gate.refused(story.provider, first).rule == "already-issued"
    stolen = issued(story, credential=first.credential, achievement=own, accreditation=None)
    assert gate.refused(rival, stolen).rule == "already-issued"


def test_a_provider_awards_its_own_achievements(gate: MemoryGate, story: Story) -> None:
    rival = rival_provider(gate)

    assert gate.refused(rival, issued(story, accreditation=None)).rule == "achievement-of-another"
    assert gate.refused(story.provider, issued(story, achievement=NOWHERE)).rule == (
        "unknown-achievement"
    )


def test_a_provider_claims_its_own_accreditations(gate: MemoryGate, story: Story) -> None:
    rival = rival_provider(gate)
    gate.admit(rival, story.defined(own := story.new_id()))

    assert gate.refused(rival, issued(story, achievement=own)).rule == "accreditation-of-another"
    assert gate.refused(story.provider, issued(story, accreditation=NOWHERE)).rule == (
        "unknown-accreditation"
    )


def test_a_version_is_one_that_was_published(gate: MemoryGate, story: Story) -> None:
    assert gate.refused(story.provider, issued(story, achievement_version=2)).rule == (
        "achievement-version"
    )


def test_a_credential_does_not_end_before_it_begins(gate: MemoryGate, story: Story) -> None:
    one_day = issued(story, valid_from=TODAY, valid_until=TODAY)
    backwards = issued(story, valid_from=TODAY, valid_until=TODAY - DAY)

    assert gate.refused(story.provider, backwards).rule == "dates"
    gate.admit(story.provider, one_day)


def test_one_bad_event_spoils_its_whole_submission(gate: MemoryGate, story: Story) -> None:
    good = [story.issued() for _ in range(4)]
    refusal = gate.refused(story.provider, *good, issued(story, achievement=NOWHERE), *good[:1])

    assert (refusal.rule, refusal.line) == ("unknown-achievement", 6)
    assert not any(event.credential in gate.credentials for event in good)


def test_what_one_event_changes_bears_on_the_next(gate: MemoryGate, story: Story) -> None:
    retired = e.AchievementRetired(achievement=story.achievement)
    new = story.defined(story.new_id())
    flags = [
        each.flags
        for each in gate.admit(
            story.provider,
            story.issued(),
            retired,
            story.issued(),
            new,
            issued(story, achievement=new.achievement),
        )
    ]

    assert flags == [(), (), ("achievement-retired",), (), ()]


# --- What is flagged ---


def flag(gate: MemoryGate, **members: Any) -> tuple[str, ...]:
    return gate.flags(gate.story.provider, issued(gate.story, **members))


def test_nothing_amiss_is_nothing_flagged(gate: MemoryGate) -> None:
    assert flag(gate) == ()


def test_an_issuance_that_claims_no_accreditation_is_flagged(gate: MemoryGate) -> None:
    assert flag(gate, accreditation=None) == ("no-accreditation-claimed",)


OUT_OF_FORCE: dict[str, Callable[[MemoryGate], str]] = {}


def out_of_force(make: Callable[[MemoryGate], str]) -> Callable[[MemoryGate], str]:
    OUT_OF_FORCE[make.__name__] = make
    return make


def _granted(gate: MemoryGate, **members: Any) -> str:
    id_ = gate.story.new_id()
    event = msgspec.structs.replace(gate.story.accredited(id_), **members)
    gate.admit(gate.story.accreditor, event)
    return id_


@out_of_force
def suspended(gate: MemoryGate) -> str:
    id_ = _granted(gate)
    gate.admit(
        gate.story.accreditor, e.AccreditationSuspended(accreditation=id_, reason="misconduct")
    )
    return id_


@out_of_force
def withdrawn(gate: MemoryGate) -> str:
    id_ = _granted(gate)
    gate.admit(
        gate.story.accreditor, e.AccreditationWithdrawn(accreditation=id_, reason="misconduct")
    )
    return id_


@out_of_force
def not_begun(gate: MemoryGate) -> str:
    return _granted(gate, valid_from=TODAY + DAY)


@out_of_force
def over(gate: MemoryGate) -> str:
    return _granted(gate, valid_until=TODAY - DAY)


@pytest.mark.parametrize("how", OUT_OF_FORCE)
def test_issuing_under_an_accreditation_out_of_force_is_flagged(gate: MemoryGate, how: str) -> None:
    assert flag(gate, accreditation=OUT_OF_FORCE[how](gate)) == ("accreditation-not-in-force",)


def test_an_accreditation_counts_again_once_it_is_reinstated(gate: MemoryGate) -> None:
    id_ = suspended(gate)
    gate.admit(gate.story.accreditor, e.AccreditationReinstated(accreditation=id_))

    assert flag(gate, accreditation=id_) == ()


def test_issuing_outside_the_accredited_scope_is_flagged(gate: MemoryGate) -> None:
    inside = _granted(gate, scope=Scope(fields=("08",), jurisdictions=("NL",)))
    outside = _granted(gate, scope=Scope(fields=("09",)))

    assert flag(gate, accreditation=inside) == ()
    assert flag(gate, accreditation=outside) == ("outside-accredited-scope",)


def test_issuing_under_an_accreditor_no_longer_recognised_is_flagged(
    gate: MemoryGate, story: Story
) -> None:
    gate.admit(
        story.authority, e.RecognitionWithdrawn(reason="misconduct", recognition=story.recognition)
    )

    assert flag(gate) == ("accreditor-not-recognised",)


@pytest.mark.parametrize("by", ["itself", "its sponsor"])
def test_issuing_under_an_accreditor_that_closed_is_flagged(
    gate: MemoryGate, story: Story, by: str
) -> None:
    """It can withdraw nothing any more, so what it granted stands and nobody watches over it."""
    signer = story.accreditor if by == "itself" else story.authority
    gate.admit(signer, e.OrganizationClosed(organization=story.accreditor.did))

    assert flag(gate) == ("accreditor-closed",)
    assert flag(gate, accreditation=None) == ("no-accreditation-claimed",)


def test_issuing_under_an_accreditor_recognised_by_closed_authorities_alone_is_flagged(
    gate: MemoryGate, story: Story
) -> None:
    peer = party("peer")
    gate.admit(
        story.authority,
        story.registered(story.authority, peer, "authority"),
        e.OrganizationClosed(organization=story.authority.did),
    )
    assert flag(gate) == ("authority-closed",)

    gate.admit(peer, story.recognised(second := story.new_id()))
    assert flag(gate) == ()
    gate.admit(peer, e.RecognitionWithdrawn(reason="voluntary", recognition=second))
    assert flag(gate) == ("authority-closed",)


def test_a_recognition_withdrawn_before_its_authority_closed_does_not_count(
    gate: MemoryGate, story: Story
) -> None:
    gate.admit(
        story.authority,
        e.RecognitionWithdrawn(reason="voluntary", recognition=story.recognition),
        e.OrganizationClosed(organization=story.authority.did),
    )

    assert flag(gate) == ("accreditor-not-recognised",)


def test_issuing_under_an_accreditation_of_its_own_is_flagged(
    gate: MemoryGate, story: Story
) -> None:
    both = party("both")
    gate.admit(
        story.authority,
        story.registered(story.authority, both, "accreditor", "provider"),
        msgspec.structs.replace(story.recognised(story.new_id()), accreditor=both.did),
    )
    own, achievement = story.new_id(), story.new_id()
    granted = msgspec.structs.replace(story.accredited(own), provider=both.did)
    gate.admit(both, granted, story.defined(achievement))
    foreign = msgspec.structs.replace(story.accredited(story.new_id()), provider=both.did)
    gate.admit(story.accreditor, foreign)

    under = partial(issued, story, achievement=achievement)
    assert gate.flags(both, under(accreditation=own)) == ("self-accreditation",)
    assert gate.flags(both, under(accreditation=foreign.accreditation)) == ()


def test_a_provider_is_in_the_country_that_it_states_at_the_position(
    gate: MemoryGate, story: Story
) -> None:
    """It may move into the scope of an accreditation, but not unseen."""
    abroad = _granted(gate, scope=Scope(jurisdictions=("BE",)))
    assert flag(gate, accreditation=abroad) == ("outside-accredited-scope",)
    moved = e.OrganizationUpdated(country="BE", name="A", organization=story.provider.did)
    assert gate.flags(story.provider, moved) == ("country-changed",)

    assert flag(gate, accreditation=abroad) == ()


def test_issuing_a_retired_achievement_is_flagged(gate: MemoryGate, story: Story) -> None:
    gate.admit(story.provider, e.AchievementRetired(achievement=story.achievement))

    assert flag(gate) == ("achievement-retired",)


def test_issuing_an_outdated_version_is_flagged(gate: MemoryGate, story: Story) -> None:
    gate.admit(
        story.provider,
        e.AchievementRevised(
            achievement=story.achievement, definition=story.definition(), version=2
        ),
    )

    assert flag(gate, achievement_version=1) == ("achievement-version-outdated",)
    assert flag(gate, achievement_version=2) == ()


@pytest.mark.parametrize(
    ("days", "flags"),
    [(0, ()), (29, ()), (30, ()), (31, ("backdated",)), (3650, ("backdated",))],
)
def test_more_than_thirty_days_back_is_backdated(
    gate: MemoryGate, days: int, flags: tuple[str, ...]
) -> None:
    assert timedelta(days=30) == BACKDATED_AFTER
    assert flag(gate, valid_from=TODAY - days * DAY) == flags


@pytest.mark.parametrize(("days", "flags"), [(1, ()), (2, ("postdated",)), (365, ("postdated",))])
def test_more_than_a_day_ahead_is_postdated(
    gate: MemoryGate, days: int, flags: tuple[str, ...]
) -> None:
    """A day, since it may be tomorrow already where the provider is."""
    assert timedelta(days=1) == POSTDATED_AFTER
    assert flag(gate, valid_from=TODAY + days * DAY) == flags


def test_the_day_is_the_day_it_was_recorded_in_utc(gate: MemoryGate, story: Story) -> None:
    last_moment = 1_795_305_599_999  # 2026-11-21T23:59:59.999Z
    event = issued(story, valid_from=TODAY - 30 * DAY)

    assert gate.flags(story.provider, event, recorded_at=last_moment) == ()
    later = issued(story, valid_from=TODAY - 30 * DAY)
    assert gate.flags(story.provider, later, recorded_at=last_moment + 1) == ("backdated",)


def test_issuing_what_lacks_an_element_is_flagged(gate: MemoryGate, story: Story) -> None:
    bare = Definition(name="A", achievement_type="MicroCredential")
    gate.admit(
        story.provider, e.AchievementDefined(achievement=(id_ := story.new_id()), definition=bare)
    )

    assert flag(gate, achievement=id_) == ("elements-missing",)


def test_flags_add_up_in_one_order(gate: MemoryGate, story: Story) -> None:
    bare = Definition(name="A", achievement_type="MicroCredential")
    id_ = story.new_id()
    gate.admit(
        story.provider,
        e.AchievementDefined(achievement=id_, definition=bare),
        e.AchievementRevised(achievement=id_, definition=bare, version=2),
        e.AchievementRetired(achievement=id_),
    )
    gate.admit(
        story.authority, e.RecognitionWithdrawn(reason="misconduct", recognition=story.recognition)
    )
    narrow = _granted(gate, valid_until=TODAY - DAY, scope=Scope(fields=("09",)))

    assert flag(
        gate, achievement=id_, accreditation=narrow, valid_from=date(2020, 1, 1), valid_until=None
    ) == (
        "accreditation-not-in-force",
        "outside-accredited-scope",
        "accreditor-not-recognised",
        "achievement-retired",
        "achievement-version-outdated",
        "backdated",
        "elements-missing",
    )


def test_each_credential_of_a_cohort_is_flagged_for_itself(gate: MemoryGate, story: Story) -> None:
    """Terms are looked up once each, and never taken one for the other."""
    events = [
        story.issued(),
        issued(story, valid_from=TODAY - 31 * DAY),
        story.issued(),
        issued(story, accreditation=None),
        issued(story, valid_from=TODAY + 2 * DAY),
        story.issued(),
    ]

    assert [each.flags for each in gate.admit(story.provider, *events)] == [
        (),
        ("backdated",),
        (),
        ("no-accreditation-claimed",),
        ("postdated",),
        (),
    ]


# --- What becomes of a credential ---


def change(name: str, credential: str, successor: str = NOWHERE) -> e.Event:
    match name:
        case "suspended":
            return e.CredentialSuspended(credential=credential, reason="administrative")
        case "reinstated":
            return e.CredentialReinstated(credential=credential)
        case "revoked":
            return e.CredentialRevoked(credential=credential, reason="misconduct")
        case _:
            return e.CredentialSuperseded(credential=credential, successor=successor)


CHANGES = ("suspended", "reinstated", "revoked", "superseded")


@pytest.mark.parametrize("name", CHANGES)
def test_a_credential_is_changed_by_who_issued_it_alone(
    gate: MemoryGate, story: Story, name: str
) -> None:
    event, successor = story.issued(), story.issued()
    gate.admit(story.provider, event, successor)
    if name == "reinstated":
        gate.admit(story.provider, change("suspended", event.credential))
    rival = rival_provider(gate)
    later = change(name, event.credential, successor.credential)

    for other in (rival, story.accreditor, story.authority):
        assert gate.refused(other, later).rule == "credential-of-another"
    (admitted,) = gate.admit(story.provider, later)
    assert admitted.version == (3 if name == "reinstated" else 2)
    assert str(admitted.stream) == event.credential


@pytest.mark.parametrize("name", CHANGES)
def test_a_credential_never_issued_does_not_change(
    gate: MemoryGate, story: Story, name: str
) -> None:
    assert gate.refused(story.provider, change(name, NOWHERE)).rule == "unknown-credential"


def test_a_revoked_credential_cannot_be_reinstated(gate: MemoryGate, story: Story) -> None:
    event = story.issued()
    gate.admit(story.provider, event)
    gate.admit(story.provider, change("revoked", event.credential))

    for name in ("reinstated", "suspended", "revoked"):
        assert gate.refused(story.provider, change(name, event.credential)).rule == "transition"


def test_a_credential_is_issued_and_revoked_in_one_submission(
    gate: MemoryGate, story: Story
) -> None:
    event = story.issued()
    admitted = gate.admit(
        story.provider,
        event,
        change("suspended", event.credential),
        change("reinstated", event.credential),
        change("revoked", event.credential),
    )

    assert [each.version for each in admitted] == [1, 2, 3, 4]
    assert gate.credentials[event.credential] == CredentialState(
        story.provider.did, CredentialStatus.REVOKED, 4
    )


def test_nothing_supersedes_itself(gate: MemoryGate, story: Story) -> None:
    event = story.issued()
    gate.admit(story.provider, event)

    refusal = gate.refused(story.provider, change("superseded", event.credential, event.credential))
    assert refusal.rule == "successor"


def test_a_successor_was_issued_by_the_same_provider(gate: MemoryGate, story: Story) -> None:
    rival = rival_provider(gate)
    gate.admit(rival, story.defined(own := story.new_id()))
    theirs = issued(story, achievement=own, accreditation=None)
    gate.admit(rival, theirs)
    event = story.issued()
    gate.admit(story.provider, event)

    for successor, rule in (
        (theirs.credential, "credential-of-another"),
        (NOWHERE, "unknown-credential"),
    ):
        refusal = gate.refused(story.provider, change("superseded", event.credential, successor))
        assert refusal.rule == rule


@pytest.mark.parametrize("end", ["revoked", "superseded"])
def test_nothing_is_superseded_by_what_is_void_itself(
    gate: MemoryGate, story: Story, end: str
) -> None:
    """So a chain of successors always ends, and never in a circle."""
    one, two, three = story.issued(), story.issued(), story.issued()
    gate.admit(story.provider, one, two, three)
    gate.admit(story.provider, change(end, one.credential, two.credential))

    refusal = gate.refused(story.provider, change("superseded", two.credential, one.credential))

    assert refusal.rule == "successor"
    gate.admit(story.provider, change("superseded", two.credential, three.credential))


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(st.integers(0, 2), st.sampled_from(CHANGES), st.integers(0, 2)), max_size=14)
)
def test_whatever_is_tried_a_credential_follows_its_table(
    steps: list[tuple[int, str, int]],
) -> None:
    """Against a second, plain model: one status and one counter for each credential."""
    gate = MemoryGate.opened()
    events = [gate.story.issued() for _ in range(3)]
    gate.admit(gate.story.provider, *events)
    status: list[CredentialStatus | None] = [CredentialStatus.ACTIVE] * 3
    version = [1] * 3
    for which, name, successor in steps:
        event = change(name, events[which].credential, events[successor].credential)
        after = CREDENTIAL.get((status[which], type(event)))
        void = (CredentialStatus.REVOKED, CredentialStatus.SUPERSEDED)
        if name == "superseded" and (which == successor or status[successor] in void):
            after = None
        try:
            (admitted,) = gate.admit(gate.story.provider, event)
        except Refusal:
            possible = False
        else:
            possible = True
            version[which] += 1
            assert admitted.version == version[which]
        assert possible == (after is not None)
        status[which] = after or status[which]
        state = gate.credentials[events[which].credential]
        assert (state.status, state.version) == (status[which], version[which])


@pytest.mark.parametrize(
    ("members", "rule"),
    [
        ({"valid_until": TODAY - 90 * DAY}, "dates"),
        ({"accreditation": NOWHERE}, "unknown-accreditation"),
        ({"achievement": NOWHERE}, "unknown-achievement"),
        ({"achievement_version": 2}, "achievement-version"),
    ],
)
def test_one_bad_issuance_in_the_middle_of_a_cohort_is_named(
    gate: MemoryGate, story: Story, members: dict[str, Any], rule: str
) -> None:
    refusal = gate.refused(story.provider, story.issued(), issued(story, **members), story.issued())
    assert (refusal.rule, refusal.line) == (rule, 3)
