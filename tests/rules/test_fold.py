"""The fold takes what was said, counting or not, and refuses nothing: an excerpt folds as well."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest

from testamur.catalogue import events as e
from testamur.rules import Credential, Register, Signed
from testamur.rules.fold import take
from tests.harness.memory_gate import KeptCredentials, MemoryGate
from tests.harness.story import Party, Story, party
from tests.rules.members import robbed


class Excerpt:
    """A register of what somebody shows, with gaps."""

    def __init__(self) -> None:
        self.story = Story()
        self.register = Register()
        self.credentials: dict[str, Credential] = {}

    def shows(
        self, position: int, signer: Party, *events: e.Event, numbers: Sequence[int] = ()
    ) -> None:
        """Fold events of the submission with its header at `position`, by their places in it."""
        signed = Signed(signer.did, signer.key_id, position, self.story.milliseconds)
        places = numbers or range(1, len(events) + 1)
        credentials = KeptCredentials(self.credentials, {})
        numbered = [
            (position + number, event) for number, event in zip(places, events, strict=True)
        ]
        take(self.register, credentials, signed, numbered)
        self.credentials.update(credentials.changed)


@pytest.fixture
def excerpt() -> Excerpt:
    return Excerpt()


def revised(story: Story, version: int) -> e.AchievementRevised:
    return e.AchievementRevised(
        achievement=story.achievement, definition=story.definition(), version=version
    )


def test_the_gate_and_the_fold_make_the_same_register(gate: MemoryGate, story: Story) -> None:
    gate.admit(story.provider, issued := story.issued())
    gate.admit(story.provider, e.CredentialReinstated(credential=issued.credential))
    gate.admit(story.accreditor, story.succeeded(story.provider, story.authority))
    gate.admit(robbed(gate, story.provider, since=8), revised(story, 2))
    folded, credentials = Register(), KeptCredentials({}, {})
    headers = [at for at, event in enumerate(gate.log) if event is None]
    for header, end in zip(headers, [*headers[1:], len(gate.log)], strict=True):
        numbered = [(at, gate.event_at(at)) for at in range(header + 1, end)]
        take(folded, credentials, gate.signers[header], numbered)

    folded.size, folded.recorded_at = gate.register.size, gate.register.recorded_at
    assert folded == gate.register
    assert credentials.changed == gate.credentials


def test_what_is_about_nothing_that_is_shown_is_left_out(excerpt: Excerpt) -> None:
    story = excerpt.story
    for event in (
        revised(story, 2),
        e.AchievementRetired(achievement=story.achievement),
        story.recognition_restated(),
        e.AccreditationReinstated(accreditation=story.accreditation),
        e.CredentialReinstated(credential=story.new_id()),
        story.updated(),
        story.succeeded(story.accreditor, story.authority),
        story.key_retired(story.provider),
    ):
        excerpt.shows(20, story.provider, event)
    excerpt.register.achievements.clear()  # a version may be shown alone

    assert excerpt.register == Register()
    assert excerpt.credentials == {}


def test_an_id_stays_with_the_organization_that_wrote_it_first(excerpt: Excerpt) -> None:
    story, rival, issued = excerpt.story, party("rival"), Story().issued()
    written: list[e.Event] = [story.recognised(), story.accredited(), story.defined(), issued]
    for position, signer in ((20, story.provider), (30, rival)):
        excerpt.shows(position, signer, *written, revised(story, 2 if signer is not rival else 3))

    register = excerpt.register
    for owned in (
        register.recognitions[story.recognition],
        register.accreditations[story.accreditation],
        register.achievements[story.achievement],
        excerpt.credentials[issued.credential],
    ):
        assert owned.owner == story.provider.did
        assert [signed.position for _, signed in owned.written()][-1] == 20
    assert register.achievements[story.achievement].highest == 2


def test_the_first_registration_is_the_one(excerpt: Excerpt) -> None:
    story = excerpt.story
    registered = story.registered(story.accreditor, story.provider, "provider")
    excerpt.shows(20, story.accreditor, registered)
    excerpt.shows(30, story.authority, msgspec.structs.replace(registered, name="Mill"))

    found = excerpt.register.organizations[story.provider.did]
    assert (found.registered, found.sponsor) == (20, story.accreditor.did)
    assert found.registration.name == "An Organization"


def test_versions_that_are_shown_out_of_order_stand_in_order(excerpt: Excerpt) -> None:
    """Version 2 may be shown where it was written again, after version 5."""
    story = excerpt.story
    for position, version in ((30, 5), (50, 2), (70, 3), (90, 5)):
        excerpt.shows(position, story.provider, revised(story, version), numbers=[4])

    found = excerpt.register.achievements[story.achievement]
    assert [each.version for each in found.definitions] == [2, 3, 5]
    assert [position for position, _ in found.written()] == [34, 54, 74, 94]
    assert [version for version in range(7) if found.definition(version)] == [2, 3, 5]


def test_a_submission_of_key_events_is_folded_whole(excerpt: Excerpt) -> None:
    story, fresh = excerpt.story, Story().provider.with_key("fresh")
    registered = story.registered(story.accreditor, story.provider, "provider")
    excerpt.shows(20, story.accreditor, registered)
    listed = story.key_listed(fresh)
    excerpt.shows(30, story.provider.founding, listed, story.key_retired(story.provider))

    found = excerpt.register.organizations[story.provider.did]
    counting = [found.keys.counts(key, 40, 0) for key in (fresh.key_id, story.provider.key_id)]
    assert (counting, found.entries) == ([True, False], 3)
    assert excerpt.register.claimed[listed.key] == story.provider.did
