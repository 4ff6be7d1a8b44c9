"""One id, one thing: what is issued or defined once cannot be again, while it counts."""

from __future__ import annotations

from uuid import UUID

import pytest

from registry.gate import Recorded, StorageDamaged
from testamur.catalogue import events as e
from testamur.errors import Refusal
from tests.harness.gates import OPENING, Desk, other_provider
from tests.harness.story import Party, Story


@pytest.mark.parametrize("size", [1, 3, 700])
def test_a_credential_issued_twice_later_is_refused_at_its_line(
    desk: Desk, story: Story, size: int
) -> None:
    credential = story.new_id()
    desk.record(story.submission(story.provider, story.issued(credential)))
    events = [story.issued() for _ in range(size)]
    refusal = desk.refuse(story.submission(story.provider, *events, story.issued(credential)))
    assert (refusal.rule, refusal.line) == ("already-issued", size + 2)
    assert refusal.value == credential


def test_a_credential_issued_twice_in_one_submission_is_refused(desk: Desk, story: Story) -> None:
    again = story.issued()
    refusal = desk.refuse(story.submission(story.provider, again, story.issued(), again))
    assert (refusal.rule, refusal.line) == ("already-issued", 4)


def test_of_two_submissions_racing_for_one_credential_one_is_refused(
    desk: Desk, story: Story
) -> None:
    credential = story.new_id()
    first, second = desk.together(
        story.submission(story.provider, story.issued(credential)),
        story.submission(story.provider, story.issued(), story.issued(credential)),
    )
    assert isinstance(first, Recorded)
    assert isinstance(second, Refusal)
    assert (second.rule, second.line) == ("already-issued", 3)


def test_two_providers_cannot_issue_one_credential(desk: Desk, story: Story) -> None:
    credential = story.new_id()
    newcomer = other_provider(desk)
    achievement = story.new_id()
    desk.record(story.submission(newcomer, story.defined(achievement)))
    desk.record(story.submission(story.provider, story.issued(credential)))
    stolen = story.issued(credential, achievement=achievement, accredited=False)
    assert desk.refuse(story.submission(newcomer, stolen)).rule == "already-issued"


def test_an_id_names_one_thing_only(desk: Desk, story: Story) -> None:
    """An achievement's id is no credential's, whether in the log or in the same submission."""
    refusal = desk.refuse(story.submission(story.provider, story.issued(story.achievement)))
    assert (refusal.rule, refusal.line, refusal.value) == ("id-taken", 2, story.achievement)
    fresh = story.new_id()
    refusal = desk.refuse(
        story.submission(story.provider, story.defined(fresh), story.issued(fresh))
    )
    assert (refusal.rule, refusal.line, refusal.value) == ("id-taken", 3, fresh)
    credential = story.new_id()
    desk.record(story.submission(story.provider, story.issued(credential)))
    refusal = desk.refuse(story.submission(story.provider, story.defined(credential)))
    assert (refusal.rule, refusal.line, refusal.value) == ("id-taken", 2, credential)


def test_of_two_submissions_racing_for_one_id_one_is_refused(desk: Desk, story: Story) -> None:
    achievement, credential = story.new_id(), story.new_id()
    outcomes = desk.together(
        story.submission(story.provider, story.defined(achievement)),
        story.submission(story.provider, story.issued(achievement)),
        story.submission(story.provider, story.issued(credential)),
        story.submission(story.provider, story.defined(credential)),
    )
    assert [getattr(outcome, "rule", "recorded") for outcome in outcomes] == [
        *("recorded", "id-taken") * 2
    ]


def test_a_status_of_something_else_is_refused(desk: Desk, story: Story) -> None:
    event = e.CredentialRevoked(credential=story.achievement, reason="misconduct")
    assert desk.refuse(story.submission(story.provider, event)).rule == "unknown-credential"


def test_another_providers_credential_cannot_be_revoked(desk: Desk, story: Story) -> None:
    credential = story.new_id()
    desk.record(story.submission(story.provider, story.issued(), story.issued(credential)))
    newcomer = other_provider(desk)
    event = e.CredentialRevoked(credential=credential, reason="misconduct")
    refusal = desk.refuse(story.submission(newcomer, event))
    assert refusal.rule == "credential-of-another"
    assert story.provider.did in refusal.detail


@pytest.mark.parametrize("together", [True, False])
def test_a_revoked_credential_stays_revoked(desk: Desk, story: Story, together: bool) -> None:  # noqa: FBT001
    credential = story.new_id()
    desk.record(story.submission(story.provider, story.issued(credential)))
    changes = [
        story.submission(story.provider, event)
        for event in (
            e.CredentialRevoked(credential=credential, reason="misconduct"),
            e.CredentialReinstated(credential=credential),
            e.CredentialRevoked(credential=credential, reason="misconduct"),
            e.CredentialSuspended(credential=credential, reason="misconduct"),
        )
    ]
    outcomes = desk.together(*changes) if together else [desk.submit(body) for body in changes]
    found = [getattr(outcome, "rule", "recorded") for outcome in outcomes]
    # Revoking is admitted in every status, so that a thief's word takes nobody's place.
    assert found == ["recorded", "transition", "recorded", "transition"]


def test_a_successor_must_exist(desk: Desk, story: Story) -> None:
    one, other = story.new_id(), story.new_id()
    desk.record(story.submission(story.provider, story.issued(one)))
    superseded = e.CredentialSuperseded(credential=one, successor=other)
    assert desk.refuse(story.submission(story.provider, superseded)).rule == "successor"
    desk.record(story.submission(story.provider, story.issued(other), superseded))


# --- Clashes: an id that the unique index refuses ---


def outcomes_of(desk: Desk, *bodies: bytes) -> list[tuple[str, int | None, str | None] | None]:
    """Return (rule, line, value) of each submission of one group, None for a recorded one.

    The store is sound after it, and replays.
    """
    found = [
        (outcome.rule, outcome.line, outcome.value) if isinstance(outcome, Refusal) else None
        for outcome in desk.together(*bodies)
    ]
    desk.examine()
    return found


def test_the_first_of_two_that_clash_wins_and_the_others_are_decided_anew(
    desk: Desk, story: Story
) -> None:
    """The group is decided twice, because an id in it is taken; the order stays."""
    taken, fresh = story.new_id(), story.new_id()
    desk.record(story.submission(story.provider, story.issued(taken)))
    assert outcomes_of(
        desk,
        story.submission(story.provider, story.issued(fresh)),
        story.submission(story.provider, story.issued(), story.issued(fresh)),
        story.submission(story.provider, story.issued(taken)),
        story.submission(
            story.provider, e.CredentialRevoked(credential=fresh, reason="misconduct")
        ),
    ) == [None, ("already-issued", 3, fresh), ("already-issued", 2, taken), None]
    assert [topic for _, topic in desk.stream(fresh)] == [
        "credential.issued/1",
        "credential.revoked/1",
    ]


def test_a_submission_that_clashes_with_itself_leaves_its_ids_free(
    desk: Desk, story: Story
) -> None:
    taken, twice = story.new_id(), story.new_id()
    desk.record(story.submission(story.provider, story.issued(taken)))
    assert outcomes_of(
        desk,
        story.submission(story.provider, story.issued(twice), story.issued(twice)),
        story.submission(story.provider, story.issued(taken)),
        story.submission(story.provider, story.issued(twice)),
    ) == [("already-issued", 3, twice), ("already-issued", 2, taken), None]


def test_what_another_process_just_appended_is_taken(desk: Desk, story: Story) -> None:
    """The gate has not heard of it: only the index knows, then the look-up."""
    credential, achievement = story.new_id(), story.new_id()
    with Desk(desk.kept, story) as other:
        other.record(story.submission(story.provider, story.issued(credential)))
        other.record(story.submission(story.provider, story.defined(achievement)))
        assert outcomes_of(
            desk,
            story.cohort(3),
            story.submission(story.provider, story.issued(), story.issued(credential)),
            story.submission(story.provider, story.issued(achievement)),
            story.submission(story.provider, story.defined(credential)),
            story.cohort(1),
        ) == [
            None,
            ("already-issued", 3, credential),
            ("id-taken", 2, achievement),
            ("id-taken", 2, credential),
            None,
        ]
        assert desk.committed() == other.committed()


@pytest.mark.parametrize("kind", ["achievement", "accreditation", "recognition"])
def test_an_id_of_a_credential_is_taken_for_every_other_kind(
    desk: Desk, story: Story, kind: str
) -> None:
    credential = story.new_id()
    desk.record(story.submission(story.provider, story.issued(credential)))
    creating: dict[str, tuple[Party, e.Event]] = {
        "achievement": (story.provider, story.defined(credential)),
        "accreditation": (story.accreditor, story.accredited(credential)),
        "recognition": (story.authority, story.recognised(credential)),
    }
    signer, event = creating[kind]
    assert outcomes_of(desk, story.cohort(1), story.submission(signer, event), story.cohort(1)) == [
        None,
        ("id-taken", 2, credential),
        None,
    ]


def test_a_clash_in_a_group_that_changes_the_register_is_undone_whole(
    desk: Desk, story: Story
) -> None:
    """The first decision had the achievement defined; the second must not find it there."""
    taken, achievement = story.new_id(), story.new_id()
    desk.record(story.submission(story.provider, story.issued(taken)))
    assert outcomes_of(
        desk,
        story.submission(story.provider, story.defined(achievement), story.issued(taken)),
        story.submission(story.provider, story.issued(achievement=achievement)),
        story.submission(story.provider, story.defined(achievement)),
        story.submission(story.provider, story.issued(achievement=achievement, accredited=False)),
    ) == [
        ("already-issued", 3, taken),
        ("unknown-achievement", 2, achievement),
        None,
        None,
    ]
    assert desk.stream(achievement) == [(1, "achievement.defined/1")]


def test_a_refused_submission_that_clashed_may_come_again_without_the_clash(
    desk: Desk, story: Story
) -> None:
    taken, jti = story.new_id(), story.new_id()
    desk.record(story.submission(story.provider, story.issued(taken)))
    refused = story.submission(story.provider, story.issued(taken), jti=jti)
    mended = story.submission(story.provider, story.issued(), jti=jti)
    assert outcomes_of(desk, refused, mended, mended) == [
        ("already-issued", 2, taken),
        None,
        None,
    ]
    assert desk.committed() == OPENING + 4


def test_a_clash_that_no_id_explains_is_damage(desk: Desk, story: Story) -> None:
    """An entry beyond the head: the index refuses the next one, though its ids are free."""
    row = (OPENING + 1, UUID(int=0), 1, "note", b"{}", bytes(32))
    desk.kept.sql("INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?)", *row)
    outcome = desk.submit(story.cohort(1))
    assert "the rules saw every id of the group, yet" in str(outcome)
    assert isinstance(desk.gate.failure, StorageDamaged)
