"""Who acts for whom: owners, the successors they named, and those their accreditors named."""

from __future__ import annotations

from enum import StrEnum

import msgspec
import pytest

from testamur.catalogue import events as e
from testamur.catalogue.lifecycle import CredentialStatus
from testamur.catalogue.table import Kind
from testamur.rules.heard import everybody, nobody
from testamur.rules.status import NOTICE, acts, status
from tests.harness.memory_gate import MemoryGate
from tests.harness.story import Party, Story
from tests.rules.members import registrar, robbed

DAY = 24 * 3600


def revoked(credential: str) -> e.CredentialRevoked:
    return e.CredentialRevoked(credential=credential, reason="misconduct")


def suspended(credential: str) -> e.CredentialSuspended:
    return e.CredentialSuspended(credential=credential, reason="administrative")


def issued(gate: MemoryGate, **members: object) -> str:
    event = msgspec.structs.replace(gate.story.issued(), **members)
    gate.admit(gate.story.provider, event)
    return event.credential


def later(story: Story, milliseconds: int) -> None:
    story.now += -(-milliseconds // 1000)


def status_of(gate: MemoryGate, credential: str, *, anchored: bool = True) -> StrEnum | None:
    return status(
        gate.register,
        Kind.CREDENTIAL,
        gate.credentials.get(credential),
        heard=everybody if anchored else nobody,
    )


@pytest.fixture
def successor(gate: MemoryGate) -> Party:
    return registrar(gate, "provider", name="successor")


# --- When a succession takes effect ---


def test_the_successor_that_the_owner_named_acts_once_the_owner_closed(
    gate: MemoryGate, story: Story, successor: Party
) -> None:
    credential = issued(gate)
    assert gate.refused(successor, revoked(credential)).rule == "credential-of-another"
    gate.admit(story.provider, story.succeeded(story.provider, successor))
    assert gate.refused(successor, revoked(credential)).rule == "credential-of-another"
    gate.admit(story.provider, story.closed())

    gate.admit(successor, revoked(credential))
    assert status_of(gate, credential, anchored=False) is CredentialStatus.REVOKED


def test_a_succession_takes_effect_thirty_days_after_it(
    gate: MemoryGate, story: Story, successor: Party
) -> None:
    assert NOTICE == 30 * DAY * 1000
    credential = issued(gate)
    gate.admit(story.provider, story.succeeded(story.provider, successor))
    later(story, NOTICE - 1000)
    assert gate.refused(successor, revoked(credential)).rule == "credential-of-another"
    later(story, 1000)

    gate.admit(successor, revoked(credential))


def test_a_successor_that_a_thief_named_acts_no_more_once_that_is_declared(
    gate: MemoryGate, story: Story, successor: Party
) -> None:
    credential = issued(gate)
    since = gate.register.size
    gate.admit(story.provider, story.succeeded(story.provider, successor))
    later(story, NOTICE)
    gate.admit(successor, revoked(credential))
    robbed(gate, story.provider, since)

    assert status_of(gate, credential) is CredentialStatus.ACTIVE
    assert gate.refused(successor, revoked(credential)).rule == "credential-of-another"


def test_a_successor_withdraws_what_was_granted(
    gate: MemoryGate, story: Story, successor: Party
) -> None:
    withdrawn = e.AccreditationWithdrawn(accreditation=story.accreditation, reason="voluntary")
    assert gate.refused(successor, withdrawn).rule == "accreditation-of-another"
    gate.admit(story.accreditor, story.succeeded(story.accreditor, successor), story.closed())
    restated = story.accreditation_restated()

    assert gate.refused(successor, restated).rule == "accreditation-of-another"
    gate.admit(successor, withdrawn)


def test_nobody_retires_an_achievement_but_its_provider(
    gate: MemoryGate, story: Story, successor: Party
) -> None:
    gate.admit(story.provider, story.succeeded(story.provider, successor), story.closed())

    retired = e.AchievementRetired(achievement=story.achievement)
    assert gate.refused(successor, retired).rule == "achievement-of-another"


def test_a_successor_supersedes_by_a_credential_of_its_own(
    gate: MemoryGate, story: Story, successor: Party
) -> None:
    old, other = issued(gate), issued(gate)
    gate.admit(successor, story.defined(achievement := story.new_id()))
    new = story.issued(achievement=achievement, accredited=False)
    gate.admit(successor, new)
    gate.admit(story.provider, story.succeeded(story.provider, successor), story.closed())

    theirs = e.CredentialSuperseded(credential=old, successor=other)
    assert gate.refused(successor, theirs).rule == "successor"
    own = e.CredentialSuperseded(credential=old, successor=new.credential)
    gate.admit(successor, own)
    assert status_of(gate, old) is CredentialStatus.SUPERSEDED


# --- Successors that an accreditor named ---


def test_an_accreditors_successor_acts_on_credentials_that_name_its_accreditation(
    gate: MemoryGate, story: Story, successor: Party
) -> None:
    under, without = issued(gate), issued(gate, accreditation=None)
    gate.admit(story.accreditor, story.succeeded(story.provider, successor))
    assert gate.refused(successor, revoked(under)).rule == "credential-of-another"
    later(story, NOTICE)

    gate.admit(successor, revoked(under))
    assert gate.refused(successor, revoked(without)).rule == "credential-of-another"
    assert status_of(gate, under) is CredentialStatus.REVOKED
    assert status_of(gate, under, anchored=False) is CredentialStatus.ACTIVE


def test_an_uninvited_accreditor_names_no_successor_of_what_names_another(
    gate: MemoryGate, story: Story, successor: Party
) -> None:
    """Any accreditor may accredit anybody."""
    credential, stranger = issued(gate), registrar(gate, "accreditor")
    gate.admit(
        stranger, story.accredited(story.new_id()), story.succeeded(story.provider, successor)
    )
    gate.admit(story.provider, story.closed())

    assert gate.refused(successor, revoked(credential)).rule == "credential-of-another"


def test_an_objection_ends_what_others_said_before_it_for_good(
    gate: MemoryGate, story: Story, successor: Party
) -> None:
    credential = issued(gate)
    named = story.succeeded(story.provider, successor)
    gate.admit(story.accreditor, named)
    gate.admit(story.provider, story.objected())
    later(story, NOTICE)
    assert gate.refused(successor, revoked(credential)).rule == "credential-of-another"
    gate.admit(story.provider, story.closed())
    assert gate.refused(successor, revoked(credential)).rule == "credential-of-another"

    gate.admit(story.accreditor, named)
    gate.admit(successor, revoked(credential))


def test_an_objection_leaves_the_successor_that_the_owner_named(
    gate: MemoryGate, story: Story, successor: Party
) -> None:
    credential = issued(gate)
    gate.admit(story.provider, story.succeeded(story.provider, successor), story.objected())
    later(story, NOTICE)

    gate.admit(successor, revoked(credential))


def test_what_one_speakers_successor_said_bars_nobody_that_another_named(
    gate: MemoryGate, story: Story, successor: Party
) -> None:
    credential, other = issued(gate), registrar(gate, "provider", name="other")
    gate.admit(story.accreditor, story.succeeded(story.provider, successor))
    gate.admit(story.provider, story.succeeded(story.provider, other))
    later(story, NOTICE)
    gate.admit(successor, revoked(credential))

    assert gate.refused(successor, suspended(credential)).rule == "transition"
    gate.admit(other, suspended(credential))
    gate.admit(story.provider, e.CredentialReinstated(credential=credential))
    found = acts(gate.register, gate.credentials[credential])
    assert [act.acted_for for act in found] == [
        (story.accreditor.did,),
        (story.provider.did,),
        (story.provider.did,),
    ]
    assert status_of(gate, credential, anchored=False) is CredentialStatus.ACTIVE


def test_who_acts_for_the_owner_is_barred_by_nobody_that_the_accreditor_named(
    gate: MemoryGate, story: Story, successor: Party
) -> None:
    """Not even if the accreditor named the same successor too."""
    credential, other = issued(gate), registrar(gate, "provider", name="other")
    for named in (successor, other):
        gate.admit(story.accreditor, story.succeeded(story.provider, named))
    gate.admit(story.provider, story.succeeded(story.provider, successor))
    later(story, NOTICE)
    gate.admit(other, revoked(credential))

    gate.admit(successor, suspended(credential))


def test_a_naming_is_heard_only_if_the_accreditor_had_accredited_the_owner_before(
    gate: MemoryGate, story: Story, successor: Party
) -> None:
    """Its first accreditation may count no more, and a later one counts from there on."""
    stranger = registrar(gate, "accreditor")
    named, since = story.succeeded(story.provider, successor), gate.register.size
    gate.admit(stranger, story.accredited(story.new_id()))
    fresh = stranger.with_key("fresh")
    gate.admit(stranger.founding, story.key_listed(fresh))
    gate.admit(fresh, named)
    gate.admit(stranger.founding, story.key_compromised(stranger, since=since))
    gate.admit(fresh, again := story.accredited(story.new_id()))
    credential = issued(gate, accreditation=again.accreditation)
    later(story, NOTICE)

    assert gate.refused(successor, revoked(credential)).rule == "credential-of-another"
    gate.admit(fresh, named)
    later(story, NOTICE)
    gate.admit(successor, revoked(credential))
