"""What an organization says of itself, and how it closes."""

from __future__ import annotations

import pytest

from testamur.rules.status import closed
from testamur.rules.vouching import particulars
from tests.harness.memory_gate import MemoryGate
from tests.harness.story import Story, party
from tests.rules.members import robbed


def test_an_update_is_about_its_signer_and_changes_no_role(gate: MemoryGate, story: Story) -> None:
    gate.admit(story.provider, story.updated("New", "BE"))

    found = gate.register.organizations[story.provider.did]
    now = particulars(gate.register, found)
    assert (now.name, now.country) == ("New", "BE")
    assert (found.roles, found.sponsor) == (("provider",), story.accreditor.did)
    accreditor = gate.register.organizations[story.accreditor.did]
    assert particulars(gate.register, accreditor) is accreditor.registration


def test_an_update_that_counts_no_more_is_as_if_absent(gate: MemoryGate, story: Story) -> None:
    gate.admit(story.provider, story.updated("First", "BE"))
    since = gate.register.size
    gate.admit(story.provider, story.updated("Mill", "US"))
    robbed(gate, story.provider, since)

    now = particulars(gate.register, gate.register.organizations[story.provider.did])
    assert (now.name, now.country) == ("First", "BE")


def test_another_country_is_flagged_and_nothing_else_is(gate: MemoryGate, story: Story) -> None:
    """A region is another one than its country: a scope may name either."""

    def flags(country: str, name: str = "A") -> tuple[str, ...]:
        return gate.flags(story.provider, story.updated(name, country))

    assert [flags("NL"), flags("NL", "Renamed")] == [(), ()]
    assert [flags("NL-UT"), flags("NL-UT"), flags("NL"), flags("BE")] == [
        ("country-changed",),
        (),
        ("country-changed",),
        ("country-changed",),
    ]


def test_only_the_organization_closes_itself(gate: MemoryGate, story: Story) -> None:
    """The event names nobody, so a sponsor that signs it closes itself."""
    gate.admit(story.accreditor, story.closed())

    assert closed(gate.register, story.accreditor.did)
    assert not closed(gate.register, story.provider.did)
    gate.admit(story.provider, story.issued())


def test_a_closed_organization_is_not_heard(gate: MemoryGate, story: Story) -> None:
    gate.admit(story.provider, story.closed())

    for event in (story.issued(), story.updated(), story.closed(), story.objected()):
        refusal = gate.refused(story.provider, event)
        assert (refusal.rule, refusal.line) == ("organization-closed", 2)


def test_an_organization_that_closes_says_nothing_more_in_the_same_submission(
    gate: MemoryGate, story: Story
) -> None:
    for more in (story.issued(), story.defined(story.new_id()), story.closed()):
        refusal = gate.refused(story.provider, story.issued(), story.closed(), more)
        assert (refusal.rule, refusal.line) == ("organization-closed", 4)
    gate.admit(story.provider, story.issued(), story.closed())


# --- Who may name a successor ---


@pytest.mark.parametrize("which", ["organization", "successor"])
def test_a_succession_is_between_members_of_the_register(
    gate: MemoryGate, story: Story, which: str
) -> None:
    pair = (story.provider, party("stranger"))
    event = story.succeeded(*(pair if which == "successor" else reversed(pair)))

    refusal = gate.refused(story.provider, event)
    assert (refusal.rule, refusal.value) == ("unknown-organization", party("stranger").did)


def test_a_successor_is_named_by_the_organization_or_an_accreditor_of_it(
    gate: MemoryGate, story: Story
) -> None:
    event = story.succeeded(story.provider, story.accreditor)
    assert gate.refused(story.authority, event).rule == "succession-of-another"
    for signer in (story.provider, story.accreditor):
        gate.admit(signer, event)
    own = story.succeeded(story.accreditor, story.provider)
    assert gate.refused(story.provider, own).rule == "succession-of-another"


def test_an_accreditation_that_counts_no_more_names_no_successor(
    gate: MemoryGate, story: Story
) -> None:
    gate.admit(story.accreditor, event := story.succeeded(story.provider, story.authority))
    fresh = robbed(gate, story.accreditor, since=0)

    assert gate.refused(fresh, event).rule == "succession-of-another"


def test_a_succession_lies_in_the_stream_of_the_organization_that_it_names(
    gate: MemoryGate, story: Story
) -> None:
    event = story.succeeded(story.provider, story.accreditor)
    versions = []
    for signer in (story.accreditor, story.provider):
        (admitted,) = gate.admit(signer, event)
        versions.append(admitted.version)

    assert versions == [2, 3]
    assert gate.register.organizations[story.accreditor.did].entries == 1
