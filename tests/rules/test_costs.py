"""What the rules do for one event is bounded, whatever stands in the register."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import msgspec
import pytest

from testamur.catalogue import events as e
from testamur.catalogue.members import Scope
from testamur.catalogue.table import Kind
from testamur.rules import (
    LIMITS,
    Limits,
    Register,
    accreditation,
    accreditors,
    chain,
    credentials,
    status,
)
from testamur.rules.chain import Moment
from testamur.rules.granting import LOOKED_AT, NAMES_LOOKED_AT
from testamur.rules.register import Grant
from testamur.rules.said import Signed
from testamur.rules.scope import exceeding, names_in, sets_of, uncovered
from tests.harness.memory_gate import MemoryGate
from tests.harness.story import Story, uuid7
from tests.rules.members import registrar


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that grows with each comparison of scopes by how much it looks through."""
    sizes: list[int] = []

    def counted(child: Scope | None, parent: Scope | None) -> list[str]:
        sizes.append(names_in(parent))
        return exceeding(child, parent)

    def covered(scope: Scope | None, *about: Any) -> list[str]:
        sizes.append(names_in(scope))
        return uncovered(scope, *about)

    monkeypatch.setattr(accreditation, "exceeding", counted)
    monkeypatch.setattr(credentials, "uncovered", covered)
    return sizes


@pytest.mark.slow
@pytest.mark.parametrize("recognitions", [10, 100, 400])
@pytest.mark.parametrize("names", [1, 900])
def test_an_accreditation_is_compared_with_few_recognitions(
    gate: MemoryGate, story: Story, compared: list[int], recognitions: int, names: int
) -> None:
    """However many there are, each lacking something else."""
    ids = tuple(uuid7(1, number) for number in range(names))
    granted = [
        msgspec.structs.replace(
            story.recognised(story.new_id()),
            scope=Scope(achievements=ids, fields=(f"{number % 90 + 10}",)),
        )
        for number in range(recognitions)
    ]
    gate.limits = Limits(grants=2_000)
    gate.admit(
        story.authority,
        e.RecognitionWithdrawn(recognition=story.recognition, reason="voluntary"),
        *granted,
    )
    scope = Scope(achievements=ids, fields=("01",))
    event = msgspec.structs.replace(story.accredited(story.new_id()), scope=scope)

    assert gate.flags(story.accreditor, event) == ("outside-recognition",)
    assert len(compared) <= LOOKED_AT
    assert sum(compared) <= NAMES_LOOKED_AT


def test_issuances_are_judged_once_for_each_achievement_and_accreditation(
    gate: MemoryGate, story: Story, compared: list[int]
) -> None:
    """However many distinct terms they have."""
    others = [story.defined(story.new_id()) for _ in range(3)]
    gate.admit(story.provider, *others)
    more = [story.accredited(story.new_id()) for _ in range(2)]
    gate.admit(story.accreditor, *more)
    compared.clear()
    issued = [
        msgspec.structs.replace(
            story.issued(achievement=defined.achievement),
            accreditation=accredited.accreditation,
            valid_from=date(2026, 11, 20) - timedelta(days=days),
        )
        for defined in others
        for accredited in more
        for days in range(50)
    ]
    # Events about credentials in between change nothing that they are judged by.
    events = [each for one in issued for each in (one, revoked(one.credential))]
    flags = [admitted.flags for admitted in gate.admit(story.provider, *events)][::2]

    assert flags == [() if days < 30 else ("backdated",) for days in range(50)] * 6
    assert len(compared) == 6


def revoked(credential: str) -> e.CredentialRevoked:
    return e.CredentialRevoked(credential=credential, reason="misconduct")


def test_the_sets_of_a_scope_are_made_once() -> None:
    scope = Scope(fields=("06", "07"), languages=("en", "nl"))
    made = sets_of(scope)

    assert uncovered(scope, "", Story().definition(), "NL") == ["fields"]
    assert exceeding(scope, Scope(languages=("en",))) == ["languages"]
    assert sets_of(scope) is made
    assert scope == Scope(fields=("06", "07"), languages=("en", "nl"))


def test_a_revision_costs_the_same_however_many_versions_there_are(
    gate: MemoryGate, story: Story
) -> None:
    """Its achievement alone changes, by one definition."""
    gate.limits = Limits(revisions=2_000)
    for version in range(2, 40):
        before = gate.register.achievements[story.achievement].definitions
        changed = revised(gate, story, version)
        assert [name for name, states in changed.items() if states] == ["achievements"]
        (after,) = changed["achievements"].values()
        assert all(one is other for one, other in zip(before, after.definitions, strict=False))
        assert len(after.definitions) == len(before) + 1


def revision(story: Story, version: int) -> e.AchievementRevised:
    """Return a version of the story's achievement."""
    return e.AchievementRevised(
        achievement=story.achievement, definition=story.definition(), version=version
    )


def revised(gate: MemoryGate, story: Story, version: int) -> dict[str, dict[str, Any]]:
    """Revise the story's achievement and return what changed in the register."""
    outer = gate.register.draft()
    inner = MemoryGate(story, outer, limits=gate.limits)
    inner.admit(story.provider, revision(story, version))
    gate.register.absorb(outer)
    return outer.changes()


def test_an_authority_makes_others_authorities_at_the_same_cost_without_end(
    gate: MemoryGate, story: Story
) -> None:
    """Its recognitions are kept one by one: no list is made anew for each."""
    changed: list[int] = []
    for _ in range(40):
        newcomer = registrar(gate, "provider", name=f"newcomer {len(changed)}")
        outer = gate.register.draft()
        MemoryGate(story, outer).admit(
            story.authority, story.recognised(story.new_id(), as_="authority", of=newcomer)
        )
        gate.register.absorb(outer)
        values = [each for states in outer.changes().values() for each in states.values()]
        changed.append(len(values) + sum(len(each) for each in values if isinstance(each, tuple)))
    assert set(changed) == {changed[0]}
    assert len(list(gate.register.authorised_by(story.authority.did))) == 40


def test_what_accreditors_say_of_a_succession_lengthens_nothing_of_the_organizations(
    gate: MemoryGate, story: Story
) -> None:
    """Any accreditor may accredit anybody, so there is no end of them."""
    before = gate.register.organizations[story.provider.did]
    for number in range(5):
        stranger = registrar(gate, "accreditor", name=f"stranger {number}")
        naming = story.succeeded(story.provider, stranger)
        gate.admit(stranger, story.accredited(story.new_id()), naming)

    after = gate.register.organizations[story.provider.did]
    assert after == msgspec.structs.replace(before, entries=before.entries + 5)
    assert [len(said) for said in gate.register.successions.values()] == [1] * 5


def test_the_credentials_of_a_submission_share_what_is_kept_of_them(
    gate: MemoryGate, story: Story
) -> None:
    events = [story.issued() for _ in range(3)]
    gate.admit(story.provider, *events)

    assert len({id(gate.credentials[each.credential]) for each in events}) == 1


def test_what_was_said_of_recognitions_is_gone_through_up_to_a_bound(
    gate: MemoryGate, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However much hundreds of keys said of each, and however many issuances ask."""
    monkeypatch.setattr(accreditors, "SAID_LOOKED_AT", 100)
    gone_through: list[int] = []

    def counted(register: Register, kind: Kind, grant: Grant, moment: Moment) -> bool:
        gone_through.append(grant.entries)
        return chain.in_force(register, kind, grant, moment)

    monkeypatch.setattr(accreditors, "in_force", counted)
    gate.limits = Limits(status_events=2_000)
    others = [story.recognised(story.new_id()) for _ in range(10)]
    gate.admit(story.authority, *others)
    # None holds, so that all would be looked at.
    for id_ in (story.recognition, *(each.recognition for each in others)):
        withdrawn = e.RecognitionWithdrawn(recognition=id_, reason="voluntary")
        gate.admit(story.authority, *[withdrawn] * 40)
    more = [story.accredited(story.new_id()) for _ in range(3)]
    gate.admit(story.accreditor, *more)
    assert sum(gone_through) <= 100 + 41

    gone_through.clear()
    issued = [
        msgspec.structs.replace(story.issued(), accreditation=each.accreditation) for each in more
    ]
    defined = (story.defined(story.new_id()) for _ in issued)
    gate.admit(
        story.provider, *(each for pair in zip(issued, defined, strict=True) for each in pair)
    )
    assert 0 < sum(gone_through) <= 100 + 41


def test_the_versions_of_an_achievement_are_gone_through_once_for_all_issuances(
    gate: MemoryGate, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many of them the issuances name."""
    asked: list[str] = []
    latest_of = credentials._latest_of

    def counted(register: Register, achievement: str) -> Any:
        asked.append(achievement)
        return latest_of(register, achievement)

    monkeypatch.setattr(credentials, "_latest_of", counted)
    for version in range(2, 30):
        revised(gate, story, version)
    issued = (
        msgspec.structs.replace(story.issued(), achievement_version=version)
        for version in range(1, 30)
    )
    flags = [admitted.flags for admitted in gate.admit(story.provider, *issued)]
    assert flags == [("achievement-version-outdated",)] * 28 + [()]
    assert len(asked) == 1


def test_authorities_are_gone_through_only_where_no_shorter_chain_is(
    gate: MemoryGate, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There may be thousands, made by a thief whom nobody noticed yet."""
    between = registrar(gate, "authority")
    gate.admit(story.authority, story.recognised(story.new_id(), as_="authority", of=between))
    moment = Moment(gate.register.size, gate.register.today())
    asked: list[str] = []
    authorised_by = Register.authorised_by

    def counted(register: Register, granter: str) -> Iterator[str]:
        asked.append(granter)
        return authorised_by(register, granter)

    monkeypatch.setattr(Register, "authorised_by", counted)
    accreditor, anchors = story.accreditor.did, [story.authority.did]

    assert chain.chain(gate.register, accreditor, moment, anchors) == (story.recognition,)
    assert asked == []
    gate.admit(
        story.authority,
        e.RecognitionWithdrawn(recognition=story.recognition, reason="voluntary"),
    )
    later = Moment(gate.register.size, gate.register.today())
    assert chain.chain(gate.register, accreditor, later, anchors) is None
    # The last recognition of the longest chain is the accreditor's: nobody is asked for more.
    assert asked == [story.authority.did, between.did]


@pytest.mark.parametrize(("stolen", "flags"), [(1, ("achievement-version-outdated",)), (2, ())])
def test_of_versions_that_fell_few_are_looked_at(
    gate: MemoryGate, story: Story, stolen: int, flags: tuple[str, ...]
) -> None:
    """One stolen key hides no later version, however much it revises."""
    provider = story.provider
    keys = [provider.with_key(f"stolen {number}") for number in range(stolen)]
    gate.admit(provider.founding, *map(story.key_listed, keys))
    since = gate.register.size
    revised(gate, story, 2)
    for number, key in enumerate(keys):
        first = 3 + number * LIMITS.revisions
        gate.admit(key, *(revision(story, first + each) for each in range(LIMITS.revisions)))
    gate.admit(provider.founding, *(story.key_compromised(key, since) for key in keys))

    assert gate.flags(provider, story.issued()) == flags


def test_what_an_accreditors_successors_said_is_not_weighed_for_the_owner(
    gate: MemoryGate, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They act in crowds, each a few times, and the owner is not barred by any of them."""
    heirs = [registrar(gate, "provider", name=f"heir {number}") for number in range(3)]
    gate.admit(story.accreditor, *(story.succeeded(story.provider, heir) for heir in heirs))
    story.now += 31 * 86_400
    gate.admit(story.provider, issued := story.issued())
    suspended = e.CredentialSuspended(credential=issued.credential, reason="misconduct")
    for heir in heirs:
        gate.admit(heir, suspended, e.CredentialReinstated(credential=issued.credential))
    weighed: list[int] = []
    of = status.Speakers.of

    def counted(speakers: status.Speakers, actor: Signed, position: int) -> tuple[str, ...]:
        weighed.append(position)
        return of(speakers, actor, position)

    monkeypatch.setattr(status.Speakers, "of", counted)
    gate.admit(story.provider, suspended)
    assert weighed == []  # not even for its own act
