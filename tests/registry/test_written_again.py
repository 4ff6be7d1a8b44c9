"""An id whose line no longer counts: its owner alone may write it again, and that line alone."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest

from registry.gate import Recorded
from testamur.catalogue import events as e
from testamur.errors import Refusal
from testamur.rules.status import existing
from tests.harness.gates import Desk, other_provider
from tests.harness.stores import Kept
from tests.harness.story import Party, Story


@pytest.fixture
def fresh(desk: Desk, story: Story) -> Party:
    """Return the provider with the signing key that takes the place of the stolen one."""
    fresh = story.provider.with_key("fresh")
    desk.record(story.submission(story.provider.founding, story.key_listed(fresh)))
    return fresh


@pytest.fixture(params=["stored", "in the same group"])
def when(request: pytest.FixtureRequest) -> Iterator[str]:
    """Return whether what is written again is in the store by then."""
    return request.param  # type: ignore[no-any-return]  # pytest does not say


def cut_off(desk: Desk, story: Story) -> bytes:
    """Return the declaration that cuts off what the provider's key signs from here on."""
    declared = story.key_compromised(story.provider, desk.committed())
    return story.submission(story.provider.founding, declared)


def outcomes(desk: Desk, when: str, *bodies: bytes) -> list[str]:
    """Return "recorded" or the rule for each submission, in one group or each by itself."""
    one_by_one = when == "stored"
    found = [desk.submit(body) for body in bodies] if one_by_one else desk.together(*bodies)
    desk.examine()
    assert all(isinstance(one, Recorded | Refusal) for one in found), found
    return [getattr(one, "rule", "recorded") for one in found]


def test_a_credential_is_issued_again_by_the_same_line(
    desk: Desk, story: Story, fresh: Party, when: str
) -> None:
    events = [story.issued() for _ in range(3)]
    found = outcomes(
        desk,
        when,
        story.submission(story.provider, *events),
        cut_off(desk, story),
        story.submission(fresh, story.issued(), *reversed(events)),
        story.submission(fresh, events[1]),
    )
    assert found == ["recorded", "recorded", "recorded", "already-issued"]
    issued = "credential.issued/1"
    assert desk.stream(events[0].credential) == [(1, issued), (2, issued)]


def test_another_line_does_not_take_its_place(
    desk: Desk, story: Story, fresh: Party, when: str
) -> None:
    event = story.issued()
    other = msgspec.structs.replace(event, commitment=bytes(32))
    found = outcomes(
        desk,
        when,
        story.submission(story.provider, event),
        cut_off(desk, story),
        story.submission(fresh, other),
    )
    assert found == ["recorded", "recorded", "another-line"]


def test_nobody_else_takes_the_id(desk: Desk, story: Story, when: str) -> None:
    stranger, achievement = other_provider(desk), story.new_id()
    desk.record(story.submission(stranger, story.defined(achievement)))
    credential = story.new_id()
    taking: list[e.Event] = [
        story.issued(credential, achievement=achievement, accredited=False),
        story.defined(credential),
    ]
    found = outcomes(
        desk,
        when,
        story.submission(story.provider, story.issued(credential)),
        cut_off(desk, story),
        *(story.submission(stranger, event) for event in taking),
    )
    assert found == ["recorded", "recorded", "already-issued", "id-taken"]


def test_what_the_owner_revoked_does_not_come_back(
    desk: Desk, story: Story, fresh: Party, when: str
) -> None:
    event = story.issued()
    revoked = e.CredentialRevoked(credential=event.credential, reason="misconduct")
    found = outcomes(
        desk,
        when,
        story.submission(story.provider, event),
        story.submission(fresh, revoked),
        cut_off(desk, story),
        story.submission(fresh, event),
    )
    assert found == ["recorded", "recorded", "recorded", "ended-by-owner"]


def test_a_thiefs_revocation_falls_and_the_issuance_stands(
    desk: Desk, story: Story, fresh: Party
) -> None:
    event = story.issued()
    desk.record(story.submission(fresh, event))
    declared = cut_off(desk, story)
    revoked = e.CredentialRevoked(credential=event.credential, reason="misconduct")
    desk.record(story.submission(story.provider, revoked))
    reinstated = e.CredentialReinstated(credential=event.credential)
    assert desk.refuse(story.submission(fresh, reinstated)).rule == "transition"
    desk.record(declared)
    desk.record(story.submission(fresh, reinstated))
    desk.examine()


def test_a_definition_is_written_again_by_the_same_line(
    desk: Desk, story: Story, fresh: Party, when: str
) -> None:
    """The line is on the log alone, or in the rows of this very group."""
    achievement = story.new_id()
    event = story.defined(achievement)
    renamed = msgspec.structs.replace(story.definition(), name="Something Else")
    other = e.AchievementDefined(achievement=achievement, definition=renamed)
    issued = story.issued(achievement=achievement)
    found = outcomes(
        desk,
        when,
        story.submission(story.provider, event),
        cut_off(desk, story),
        story.submission(fresh, issued),
        story.submission(fresh, other),
        story.submission(fresh, event),
        story.submission(fresh, issued),
    )
    assert found == [
        *("recorded", "recorded"),
        *("unknown-achievement", "another-line", "recorded", "recorded"),
    ]
    assert [version for version, _ in desk.stream(achievement)] == [1, 2]


def test_a_grant_is_written_again_by_the_same_line(desk: Desk, story: Story, when: str) -> None:
    accreditor = story.accreditor
    fresh = accreditor.with_key("fresh")
    desk.record(story.submission(accreditor.founding, story.key_listed(fresh)))
    granted = story.accredited(story.new_id())
    declared = story.key_compromised(accreditor, desk.committed())
    found = outcomes(
        desk,
        when,
        story.submission(accreditor, granted),
        story.submission(accreditor.founding, declared),
        story.submission(fresh, msgspec.structs.replace(granted, name="Another")),
        story.submission(fresh, granted),
    )
    assert found == ["recorded", "recorded", "another-line", "recorded"]
    register = desk.register()
    assert existing(register, register.accreditations[granted.accreditation]) is not None


def test_an_organization_that_a_thief_sponsored_stays(desk: Desk, story: Story) -> None:
    declared = story.submission(
        story.accreditor.founding, story.key_compromised(story.accreditor, desk.committed())
    )
    newcomer = other_provider(desk)
    desk.record(declared)
    desk.record(story.submission(newcomer, story.defined(story.new_id())))


def test_a_declaration_by_another_process_is_known_before_the_next_decision(
    kept: Kept, desk: Desk, story: Story
) -> None:
    with Desk(kept, story) as elsewhere:
        checked = desk.gate.check(story.cohort(1))
        elsewhere.record(cut_off(desk, story))
        (outcome,) = desk.gate._committer.commit([checked])
    assert isinstance(outcome, Refusal)
    assert outcome.rule == "key-inactive"
    desk.examine()
