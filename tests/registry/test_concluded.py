"""What is concluded before the write lock holds under it, or is drawn anew."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from registry import concluded, counted
from registry.gate import Recorded
from testamur.catalogue import events as e
from testamur.errors import Refusal
from testamur.rules import credentials, reach, status
from testamur.rules.accreditors import Accreditors
from testamur.rules.reach import Reach, Sums
from testamur.rules.said import Said
from testamur.rules.spans import Spans, changed
from tests.harness.gates import Desk
from tests.harness.stores import Kept
from tests.harness.story import Party, Story, party, uuid7
from tests.registry.test_costs import Watched, watched

__all__ = ["watched"]

Act = tuple[Party, list[e.Event]]
BETWEEN = party("an authority in between")
NEWCOMER = party("a newcomer")


@pytest.fixture
def elsewhere(kept: Kept, desk: Desk, story: Story) -> Iterator[Desk]:
    """Give another process's gate to the same log."""
    assert desk.committed()
    with Desk(kept, story) as elsewhere:
        yield elsewhere


def withdrawn(recognition: str) -> e.RecognitionWithdrawn:
    return e.RecognitionWithdrawn(recognition=recognition, reason="voluntary")


def nothing(_: Story) -> list[Act]:
    return []


def id_of_between(story: Story) -> str:
    """Return the id of the recognition that makes an authority of the one in between."""
    return uuid7(story.milliseconds, 99)


def by_one_in_between(story: Story) -> list[Act]:
    """Let the accreditor be recognised by an authority that the root authority recognised."""
    return [
        (story.authority, [story.registered(story.authority, BETWEEN, "authority")]),
        (story.authority, [story.recognised(id_of_between(story), as_="authority", of=BETWEEN)]),
        (BETWEEN, [story.recognised(story.new_id())]),
        (story.authority, [withdrawn(story.recognition)]),
    ]


def suspended(story: Story) -> list[Act]:
    event = e.AccreditationSuspended(accreditation=story.accreditation, reason="misconduct")
    return [(story.accreditor, [event])]


def overdue(story: Story) -> list[Act]:
    yesterday = story.today - timedelta(days=1)
    restated = msgspec.structs.replace(story.accreditation_restated(), review_by=yesterday)
    return [(story.accreditor, [restated])]


def no_recognition(story: Story) -> list[Act]:
    return [(story.authority, [withdrawn(story.recognition)])]


def recognised_again(story: Story) -> list[Act]:
    return [(story.authority, [story.recognised(story.new_id())])]


def authority_declared(story: Story) -> list[Act]:
    return [(story.authority.founding, [story.key_compromised(story.authority, 2)])]


def accreditor_closed(story: Story) -> list[Act]:
    return [(story.accreditor, [story.closed()])]


def authority_closed(story: Story) -> list[Act]:
    return [(story.authority, [story.closed()])]


def between_withdrawn(story: Story) -> list[Act]:
    return [(story.authority, [withdrawn(id_of_between(story))])]


def between_closed(story: Story) -> list[Act]:
    return [(BETWEEN, [story.closed()])]


def retired(story: Story) -> list[Act]:
    return [(story.provider, [e.AchievementRetired(achievement=story.achievement)])]


def revised(story: Story) -> list[Act]:
    event = e.AchievementRevised(
        achievement=story.achievement, definition=story.definition(), version=2
    )
    return [(story.provider, [event])]


RACES: dict[str, tuple[Callable[[Story], list[Act]], Callable[[Story], list[Act]], list[str]]] = {
    "the accreditation is suspended": (nothing, suspended, ["accreditation-not-in-force"]),
    "a review is stated to be due": (nothing, overdue, ["review-overdue"]),
    "the recognition is withdrawn": (nothing, no_recognition, ["accreditor-not-recognised"]),
    "another recognition is granted": (no_recognition, recognised_again, []),
    "the authority's key is declared": (nothing, authority_declared, ["accreditor-not-recognised"]),
    "the accreditor closes": (nothing, accreditor_closed, ["accreditor-closed"]),
    "the authority closes": (nothing, authority_closed, ["authority-closed"]),
    "the authority is an authority no longer": (
        by_one_in_between,
        between_withdrawn,
        ["accreditor-not-recognised"],
    ),
    "the authority in between closes": (by_one_in_between, between_closed, ["authority-closed"]),
    "the achievement is retired": (nothing, retired, ["achievement-retired"]),
    "the achievement is revised": (nothing, revised, ["achievement-version-outdated"]),
}


@pytest.mark.parametrize("where", ["another process", "the same group"])
@pytest.mark.parametrize("race", RACES)
def test_what_changes_in_the_last_moment_is_heard(
    desk: Desk, elsewhere: Desk, story: Story, watched: Watched, race: str, where: str
) -> None:
    before, change, expected = RACES[race]
    for signer, events in before(story):
        desk.record(story.submission(signer, *events))
    changes = [story.submission(signer, *events) for signer, events in change(story)]
    flagged = [code for _, code in desk.record(story.cohort(1)).flags]
    assert flagged != expected, "or else nothing was tried"
    if where == "another process":
        watched.before_the_lock = lambda: [elsewhere.record(body) for body in changes]
        (outcome,) = desk.together(story.cohort(1))
        watched.before_the_lock = lambda: None
    else:
        *_, outcome = desk.together(*changes, story.cohort(1))
    assert isinstance(outcome, Recorded), outcome
    assert [code for _, code in outcome.flags] == expected
    desk.examine()


@pytest.mark.parametrize("where", ["another process", "the same group", "the same submission"])
def test_what_is_defined_and_granted_in_the_last_moment_may_be_named(
    desk: Desk, elsewhere: Desk, story: Story, watched: Watched, where: str
) -> None:
    """Nothing could be concluded of it before: an absence was read."""
    defined, accredited = story.defined(story.new_id()), story.accredited(story.new_id())
    named = msgspec.structs.replace(
        story.issued(achievement=defined.achievement), accreditation=accredited.accreditation
    )
    granting = story.submission(story.accreditor, accredited)
    if where == "another process":
        defining = story.submission(story.provider, defined)
        watched.before_the_lock = lambda: [elsewhere.record(body) for body in (granting, defining)]
        outcomes = desk.together(story.submission(story.provider, named))
        watched.before_the_lock = lambda: None
    elif where == "the same group":
        defining = story.submission(story.provider, defined)
        outcomes = desk.together(granting, defining, story.submission(story.provider, named))
    else:
        outcomes = desk.together(granting, story.submission(story.provider, defined, named))
    assert [getattr(each, "flags", each) for each in outcomes] == [()] * len(outcomes)
    desk.examine()


def test_what_a_submission_says_is_heard_by_its_own_next_lines(desk: Desk, story: Story) -> None:
    event = e.AchievementRevised(
        achievement=story.achievement, definition=story.definition(), version=2
    )
    body = story.submission(story.provider, story.issued(), event, story.issued())
    assert desk.record(body).flags == ((4, "achievement-version-outdated"),)
    desk.examine()


def test_a_role_that_falls_or_returns_in_the_last_moment_is_heard(
    desk: Desk, elsewhere: Desk, story: Story, watched: Watched
) -> None:
    """A newcomer is a provider by an accreditation whose key is declared meanwhile."""
    accreditor = story.accreditor
    entering = story.registered(story.authority, NEWCOMER, "accreditor")
    desk.record(story.submission(story.authority, entering))
    thief = accreditor.with_key("a thief's")
    desk.record(story.submission(accreditor.founding, story.key_listed(thief)))
    since = desk.committed()
    desk.record(story.submission(thief, story.accredited(story.new_id(), of=NEWCOMER)))
    defined = story.defined(story.new_id())
    desk.record(story.submission(NEWCOMER, defined))
    issued = story.issued(achievement=defined.achievement, accredited=False)
    declared = story.submission(accreditor.founding, story.key_compromised(thief, since))
    watched.before_the_lock = lambda: elsewhere.record(declared)
    refused = desk.refuse(story.submission(NEWCOMER, issued))
    watched.before_the_lock = lambda: None
    assert refused.rule == "role"
    granted = story.submission(accreditor, story.accredited(story.new_id(), of=NEWCOMER))
    watched.before_the_lock = lambda: elsewhere.record(granted)
    desk.record(story.submission(NEWCOMER, issued))
    watched.before_the_lock = lambda: None
    desk.examine()


@pytest.mark.parametrize("ends", ["accreditation", "recognition"])
def test_a_conclusion_of_yesterday_is_not_one_of_today(
    kept: Kept, story: Story, monkeypatch: pytest.MonkeyPatch, ends: str
) -> None:
    """The clock passes midnight between the look and the lock."""
    now = [story.milliseconds]
    replace = msgspec.structs.replace
    granted: dict[str, tuple[Party, e.AccreditationGranted | e.RecognitionGranted]] = {
        "accreditation": (story.accreditor, replace(story.accredited(), valid_until=story.today)),
        "recognition": (story.authority, replace(story.recognised(), valid_until=story.today)),
    }
    with Desk(kept, story, clock=lambda: now[0]) as desk:
        desk.open_log()
        signer, event = granted[ends]
        id_ = story.new_id()
        desk.record(story.submission(signer, replace(event, **{ends: id_})))
        issued = story.issued()
        if ends == "accreditation":
            issued = replace(issued, accreditation=id_)
        else:
            desk.record(story.submission(signer, withdrawn(story.recognition)))
        watched = Watched(desk.gate._committer._store)
        monkeypatch.setattr(desk.gate._committer, "_store", watched)

        def midnight() -> None:
            now[0] += 24 * 3600 * 1000

        watched.before_the_lock = midnight
        (outcome,) = desk.together(story.submission(story.provider, issued))
        watched.before_the_lock = lambda: None
        assert isinstance(outcome, Recorded), outcome
        expected = {
            "accreditation": "accreditation-not-in-force",
            "recognition": "accreditor-not-recognised",
        }
        assert [code for _, code in outcome.flags] == [expected[ends]]
        desk.examine()


def test_under_the_lock_nothing_is_worked_out_of_accreditors(
    desk: Desk, story: Story, watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor of achievements, though each line names others."""
    defined = [story.defined(story.new_id()) for _ in range(3)]
    desk.record(story.submission(story.provider, *defined))
    worked: list[str] = []
    of, latest = Accreditors._of, credentials._latest_of

    def counted_of(accreditors: Accreditors, accreditor: str) -> Any:
        worked.append("of") if watched.locked else None
        return of(accreditors, accreditor)

    def counted_latest(*args: Any) -> Any:
        worked.append("latest") if watched.locked else None
        return latest(*args)

    monkeypatch.setattr(Accreditors, "_of", counted_of)
    monkeypatch.setattr(credentials, "_latest_of", counted_latest)
    issued = [story.issued(achievement=each.achievement) for each in defined]
    # Not even after its signer said something about another thing.
    desk.record(story.submission(story.provider, story.defined(story.new_id()), *issued))
    assert worked == []
    desk.examine()


def test_what_follows_a_long_history_in_the_same_submission_is_heard(
    desk: Desk, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (counted, concluded):
        monkeypatch.setattr(module, "LONG", 1)
    issued = story.issued()
    suspended = e.CredentialSuspended(credential=issued.credential, reason="misconduct")
    revoked = e.CredentialRevoked(credential=issued.credential, reason="misconduct")
    desk.record(story.submission(story.provider, issued, suspended))
    refused = desk.refuse(story.submission(story.provider, revoked, suspended))
    assert (refused.rule, refused.line) == ("transition", 3)


@pytest.mark.parametrize("meanwhile", ["nothing", "another cohort", "a declaration"])
def test_where_a_declared_key_counts_is_worked_out_before_the_lock(
    desk: Desk,
    elsewhere: Desk,
    story: Story,
    watched: Watched,
    monkeypatch: pytest.MonkeyPatch,
    meanwhile: str,
) -> None:
    """Wherever the declaration comes to stand, unless the same key is declared in between."""
    since, founding = desk.committed(), story.provider.founding
    for _ in range(4):
        desk.record(story.cohort(2))
    ranges = ((since, since), (since + 3, since + 3))
    worked: list[bool] = []

    def counted_changes(before: Spans, after: Spans) -> tuple[Spans, Spans]:
        worked.append(watched.locked)
        return changed(before, after)

    between = {
        "nothing": [],
        "another cohort": [story.cohort(5)],
        "a declaration": [
            story.submission(founding, story.key_compromised(story.provider, since + 6))
        ],
    }[meanwhile]
    watched.before_the_lock = lambda: [elsewhere.record(body) for body in between]
    monkeypatch.setattr(reach, "changed", counted_changes)
    declared = story.key_compromised(story.provider, since, ranges)
    (fell,) = desk.together(story.submission(founding, declared))
    watched.before_the_lock = lambda: None
    assert isinstance(fell, Recorded)
    expected = {
        "nothing": Reach(fallen=Sums(issuances=4)),
        "another cohort": Reach(fallen=Sums(issuances=4 + 5)),
        "a declaration": Reach(),
    }
    assert (fell.reach or Reach()) == expected[meanwhile]
    assert any(worked) == (meanwhile == "a declaration")
    desk.examine()


@pytest.mark.parametrize("meanwhile", ["nothing", "one of them revokes", "its key is declared"])
def test_what_successors_of_the_accreditor_said_is_worked_out_before_the_lock(
    desk: Desk,
    elsewhere: Desk,
    story: Story,
    watched: Watched,
    monkeypatch: pytest.MonkeyPatch,
    meanwhile: str,
) -> None:
    """The next act of another successor is judged by it, unless more is known by then."""
    for module in (counted, concluded):
        monkeypatch.setattr(module, "LONG", 1)
    one, other = party("one heir"), party("another heir")
    issued = story.issued()
    revoked = e.CredentialRevoked(credential=issued.credential, reason="administrative")
    suspended = e.CredentialSuspended(credential=issued.credential, reason="administrative")
    entering = [story.registered(story.accreditor, each, "provider") for each in (one, other)]
    for signer, events in (
        (story.provider, [issued]),
        (story.accreditor, entering),
        (story.accreditor, [story.succeeded(story.provider, each) for each in (one, other)]),
        (story.provider, [story.closed()]),
    ):
        desk.record(story.submission(signer, *events))
    since = desk.committed()
    said = revoked if meanwhile == "its key is declared" else suspended
    desk.record(story.submission(one, said))
    applied: list[bool] = []
    applying = status._Applying.__call__

    def counted_applying(self: status._Applying, said: Said) -> bool:
        applied.append(watched.locked)
        return applying(self, said)

    monkeypatch.setattr(status._Applying, "__call__", counted_applying)
    between = {
        "nothing": [],
        "one of them revokes": [story.submission(one, revoked)],
        "its key is declared": [story.submission(one.founding, story.key_compromised(one, since))],
    }[meanwhile]
    watched.before_the_lock = lambda: [elsewhere.record(body) for body in between]
    reinstated = e.CredentialReinstated(credential=issued.credential)
    (outcome,) = desk.together(story.submission(other, reinstated))
    watched.before_the_lock = lambda: None
    refused = isinstance(outcome, Refusal) and outcome.rule == "transition"
    assert refused == (meanwhile == "one of them revokes"), outcome
    assert (True in applied) == (meanwhile != "nothing")
    desk.examine()
