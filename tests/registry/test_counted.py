"""What counts is worked out before the write lock, and judged anew where keys changed since."""

from __future__ import annotations

import pytest

from testamur.catalogue import events as e
from testamur.errors import Refusal
from testamur.rules.key_table import KeyTable
from tests.harness.gates import Desk
from tests.harness.stores import Kept
from tests.harness.story import Party, Story
from tests.registry.test_costs import Watched, watched

__all__ = ["watched"]

KEYS = 4


@pytest.fixture
def asked(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list that grows by each question, under the lock, whether a submission counts."""
    found: list[str] = []
    counts = KeyTable.counts

    def counted(table: KeyTable, key: str, position: int, recorded_at: int) -> bool:
        if watched.locked:
            found.append(key)
        return counts(table, key, position, recorded_at)

    monkeypatch.setattr(KeyTable, "counts", counted)
    return found


@pytest.fixture
def keys(desk: Desk, story: Story) -> list[Party]:
    """List further keys of the provider."""
    keys = [story.provider.with_key(f"key {number}") for number in range(KEYS)]
    desk.record(story.submission(story.provider.founding, *map(story.key_listed, keys)))
    return keys


def turns(credential: str, count: int) -> list[e.Event]:
    """Return suspensions and reinstatements in turn."""
    suspended = e.CredentialSuspended(credential=credential, reason="misconduct")
    pair: list[e.Event] = [suspended, e.CredentialReinstated(credential=credential)]
    return pair * (count // 2)


def declared(story: Story, keys: list[Party], since: int) -> bytes:
    """Return the declaration that the keys were compromised."""
    about = [story.key_compromised(key, since) for key in keys]
    return story.submission(story.provider.founding, *about)


def test_under_the_lock_a_long_history_is_not_gone_through_again(
    desk: Desk, story: Story, keys: list[Party], asked: list[str]
) -> None:
    since, issued = desk.committed(), story.issued()
    desk.record(story.submission(story.provider, issued))
    for key in keys:
        for turn in turns(issued.credential, 8):
            desk.record(story.submission(key, turn))
    desk.record(declared(story, keys, since))

    asked.clear()
    suspended, _ = turns(issued.credential, 2)
    desk.record(story.submission(story.provider, suspended))
    assert len(asked) < KEYS * 8 / 2
    desk.examine()


def test_under_the_lock_fallen_versions_are_not_gone_through_again(
    desk: Desk, story: Story, keys: list[Party], asked: list[str]
) -> None:
    since, defined = desk.committed(), story.defined(story.new_id())
    desk.record(story.submission(keys[0], defined))
    for version in range(2, 40):
        desk.record(story.submission(keys[version % KEYS], revised(story, defined, version)))
    desk.record(declared(story, keys, since))
    last = revised(story, defined, 40)

    asked.clear()
    desk.record(story.submission(story.provider, last))
    retired = e.AchievementRetired(achievement=defined.achievement)
    desk.record(story.submission(story.provider, retired))
    assert len(asked) < 30
    desk.examine()


def test_under_the_lock_fallen_words_about_terms_are_not_gone_through_again(
    desk: Desk, story: Story, asked: list[str]
) -> None:
    """Restated by stolen keys of authority and accreditor, as often as each may."""
    since = desk.committed()
    for owner, event in (
        (story.authority, story.recognition_restated()),
        (story.accreditor, story.accreditation_restated()),
    ):
        stolen = [owner.with_key(f"stolen {number}") for number in range(KEYS)]
        desk.record(story.submission(owner.founding, *map(story.key_listed, stolen)))
        for key in stolen * 8:
            desk.record(story.submission(key, event))
        about = [story.key_compromised(key, since) for key in stolen]
        desk.record(story.submission(owner.founding, *about))

    asked.clear()
    recorded = desk.record(story.submission(story.provider, story.issued()))
    assert recorded.flags == ()
    assert len(asked) < KEYS * 8 / 2
    desk.examine()


def revised(story: Story, defined: e.AchievementDefined, version: int) -> e.AchievementRevised:
    """Return a version of an achievement."""
    return e.AchievementRevised(
        achievement=defined.achievement, definition=story.definition(), version=version
    )


@pytest.mark.parametrize("where", ["another process", "the same group"])
def test_a_declaration_in_the_last_moment_is_heard(
    kept: Kept, desk: Desk, story: Story, keys: list[Party], watched: Watched, where: str
) -> None:
    """The revocation counts again with its key, so there is nothing left to suspend."""
    issued = story.issued()
    revoked = e.CredentialRevoked(credential=issued.credential, reason="misconduct")
    suspended, _ = turns(issued.credential, 2)
    desk.record(story.submission(story.provider, issued))
    since = desk.committed()
    desk.record(story.submission(keys[0], revoked))
    desk.record(declared(story, keys, since))
    bodies = [
        declared(story, keys, desk.committed()),
        story.submission(story.provider, suspended),
    ]
    outcome: object
    if where == "another process":
        with Desk(kept, story) as elsewhere:
            watched.before_the_lock = lambda: elsewhere.record(bodies[0])
            outcome = desk.refuse(bodies[1])
    else:
        _, outcome = desk.together(*bodies)
    assert isinstance(outcome, Refusal)
    assert outcome.rule == "transition"
    watched.before_the_lock = lambda: None
    desk.record(declared(story, keys, since))
    desk.record(story.submission(story.provider, suspended))
    desk.examine()


def test_a_withdrawal_that_counts_again_in_the_last_moment_is_heard(
    kept: Kept, desk: Desk, story: Story, watched: Watched
) -> None:
    """The key of an authority withdrew a recognition, was declared, and is declared anew."""
    authority, key = story.authority, story.authority.with_key("stolen")
    desk.record(story.submission(authority.founding, story.key_listed(key)))
    since = desk.committed()
    withdrawn = e.RecognitionWithdrawn(recognition=story.recognition, reason="voluntary")
    desk.record(story.submission(key, withdrawn))
    declaration = story.key_compromised(key, since)
    desk.record(story.submission(authority.founding, declaration))
    assert desk.record(story.submission(story.provider, story.issued())).flags == ()

    anew = story.key_compromised(key, desk.committed())
    with Desk(kept, story) as elsewhere:
        watched.before_the_lock = lambda: elsewhere.record(
            story.submission(authority.founding, anew)
        )
        recorded = desk.record(story.submission(story.provider, story.issued()))
    watched.before_the_lock = lambda: None
    assert [code for _, code in recorded.flags] == ["accreditor-not-recognised"]
    desk.examine()
