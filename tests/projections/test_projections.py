"""What can be asked of the tables: sizes, times, names and lists."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from sqlalchemy.event import listen

from projections import accreditations, achievements, credentials, organizations, submissions
from projections.evidence import evidence_positions
from projections.page import MAX_PAGE, MAX_PAGE_TEXT, Page
from testamur.catalogue import events as e
from testamur.catalogue.lifecycle import CredentialStatus
from testamur.catalogue.members import Definition, Outcome
from testamur.errors import Refusal, Unavailable
from tests.harness.chronicle import Chronicle
from tests.harness.random_submissions import RandomSubmissions
from tests.projections.pages import all_pages

# --- As of ---


def test_a_size_that_cuts_a_submission_is_answered_as_of_the_last_whole_one(
    told: Chronicle,
) -> None:
    told.issued(3)  # entries 10 to 13
    with told.answers() as connection:
        answers = [submissions.as_of(connection, size=size) for size in range(8, 15)]
        assert answers == [8, 8, 10, 10, 10, 10, 14]


def test_a_size_not_read_yet_is_unavailable_rather_than_guessed(told: Chronicle) -> None:
    with told.answers() as connection:
        assert submissions.as_of(connection) == submissions.as_of(connection, size=10) == 10
        with pytest.raises(Unavailable, match="up to size 10, not yet to 11"):
            submissions.as_of(connection, size=11)


@pytest.mark.parametrize("asked", [{"size": -1}, {"time": -1}])
def test_a_negative_size_or_time_is_refused(told: Chronicle, asked: dict[str, int]) -> None:
    with told.answers() as connection, pytest.raises(Refusal, match="as-of"):
        submissions.as_of(connection, **asked)


def test_a_time_means_all_that_was_recorded_by_then_and_nothing_after(told: Chronicle) -> None:
    story = told.story
    opened = story.milliseconds
    story.now += 60
    told.issued()
    told.issued()  # in the same millisecond
    later = story.milliseconds
    with told.answers() as connection:
        asked = [opened - 1, opened, later - 1, later, later + 10**9]
        assert [submissions.size_at(connection, time) for time in asked] == [0, 10, 10, 14, 14]
        assert submissions.as_of(connection, time=later, size=12) == 12
        assert submissions.as_of(connection, time=later - 1, size=14) == 10


def test_a_credential_is_unknown_before_it_was_issued_and_active_before_it_was_revoked(
    told: Chronicle,
) -> None:
    (one,) = told.issued()
    assert told.offer(
        told.story.provider, e.CredentialRevoked(credential=one, reason="keyCompromise")
    )
    with told.answers() as connection:
        assert credentials.status(connection, one, 10) is None
        active = credentials.status(connection, one, 12)
        revoked = credentials.status(connection, one, 14)
    assert active is not None
    assert revoked is not None
    assert (active.status, active.size, active.reason) == (CredentialStatus.ACTIVE, 12, None)
    assert (revoked.status, revoked.size, revoked.reason) == (
        CredentialStatus.REVOKED,
        14,
        "keyCompromise",
    )
    assert (revoked.issued, revoked.position) == (11, 13)


def test_an_answer_never_changes_once_given(told: Chronicle) -> None:
    """What was answered as of a size is answered the same after the log has grown."""
    (one,) = told.issued()
    with told.answers() as connection:
        before = credentials.status(connection, one, 12)
        listed = credentials.credentials_of(connection, told.story.provider.did, 12)
    told.offer(told.story.provider, e.CredentialRevoked(credential=one, reason="misconduct"))
    told.offer(
        told.story.provider,
        e.OrganizationUpdated(country="FR", name="Other", organization=told.story.provider.did),
    )
    with told.answers() as connection:
        assert before == credentials.status(connection, one, 12)
        assert listed == credentials.credentials_of(connection, told.story.provider.did, 12)


# --- Names that nobody has ---


@pytest.mark.parametrize(
    "unknown",
    [
        "",
        "01a1fd8c-6900-7000-8000-00000000ffff",
        "not a uuid at all, but of 36 letters",
        "01A1FD8C-6900-7000-8000-000000000003",
        "01a1fd8c69007000800000000000000003",
        "01a1fd8c 6900 7000 8000 000000000003",
    ],
)
def test_an_unknown_name_has_no_answer_and_empty_lists(told: Chronicle, unknown: str) -> None:
    """Only the one spelling of an id names anything: upper case is another name."""
    told.issued()
    with told.answers() as connection:
        size = submissions.as_of(connection)
        assert credentials.status(connection, unknown, size) is None
        assert accreditations.accreditation_at(connection, unknown, size) is None
        assert accreditations.recognition_at(connection, unknown, size) is None
        assert achievements.achievement_at(connection, unknown, size) is None
        assert achievements.definition_at(connection, unknown, 1, size) is None
        assert organizations.organization_at(connection, unknown, size) is None
        assert evidence_positions(connection, unknown, size) == []
        assert credentials.states(connection, [unknown]) == {}
        empty: Page[Any] = Page(size, (), None)
        assert empty == credentials.history(connection, unknown, size)
        assert empty == credentials.credentials_of(connection, unknown, size)
        assert empty == credentials.credentials_for(connection, unknown, size)
        assert empty == submissions.submissions_of(connection, unknown, size)
        assert empty == accreditations.accreditations_of(connection, unknown, size)
        assert empty == accreditations.recognitions_of(connection, unknown, size)
        assert empty == achievements.achievements_of(connection, unknown, size)
        assert empty == organizations.history(connection, unknown, size)


# --- Lists ---


@pytest.mark.parametrize("limit", [0, -1, MAX_PAGE + 1])
def test_a_page_is_bounded(told: Chronicle, limit: int) -> None:
    with told.answers() as connection, pytest.raises(ValueError, match="a page holds 1 to 1000"):
        credentials.credentials_of(connection, told.story.provider.did, 10, limit=limit)


def test_a_page_of_long_items_is_shorter_and_none_is_missed(told: Chronicle) -> None:
    """A definition may be as long as an entry: a thousand of them are no one answer."""
    story = told.story
    long = Definition(
        name="Long",
        achievement_type="Badge",
        outcomes=tuple(Outcome(name=f"{number} " + "x" * 180) for number in range(40)),
    )
    events = [e.AchievementDefined(achievement=story.new_id(), definition=long) for _ in range(100)]
    assert told.offer(story.provider, *events)
    with told.answers() as connection:
        size = submissions.as_of(connection)

        def turn(after: int, limit: int) -> Page[achievements.AchievementAt]:
            return achievements.achievements_of(
                connection, story.provider.did, size, after=after, limit=limit
            )

        page = turn(0, MAX_PAGE)
        held = sum(len(msgspec.json.encode(item.definition)) for item in page.items)
        assert MAX_PAGE_TEXT <= held < MAX_PAGE_TEXT + 65_535
        listed = [item.achievement for item in all_pages(turn, 0, MAX_PAGE)]
        assert [story.achievement, *(event.achievement for event in events)] == listed


def test_turning_pages_while_the_log_grows_repeats_and_misses_nothing(told: Chronicle) -> None:
    issued = told.issued(3) + told.issued(3)
    did = told.story.provider.did
    with told.answers() as connection:
        first = credentials.credentials_of(connection, did, 18, limit=4)
    issued += told.issued(2)
    assert first.next is not None
    with told.answers() as connection:
        rest = credentials.credentials_of(connection, did, 21, after=first.next, limit=4)
    assert issued == [item.credential for item in (*first.items, *rest.items)]
    assert rest.next is None


def test_a_page_is_full_whatever_happened_between_the_issuances(told: Chronicle) -> None:
    (one,) = told.issued()
    for number in range(6):
        event: e.Event = (
            e.CredentialReinstated(credential=one)
            if number % 2
            else e.CredentialSuspended(credential=one, reason="administrative")
        )
        assert told.offer(told.story.provider, event)
    (two,) = told.issued()
    with told.answers() as connection:
        size = submissions.as_of(connection)
        for page in (
            credentials.credentials_of(connection, told.story.provider.did, size, limit=2),
            credentials.credentials_for(connection, told.story.achievement, size, limit=2),
        ):
            assert [item.credential for item in page.items] == [one, two]
            assert page.next is None


def test_a_list_by_achievement_leaves_out_what_stands_between(told: Chronicle) -> None:
    """One submission may issue several achievements in turn."""
    story = told.story
    other = story.new_id()
    assert told.offer(story.provider, story.defined(other))
    events = [story.issued(achievement=(story.achievement, other)[n % 2]) for n in range(10)]
    assert told.offer(story.provider, *events)
    with told.answers() as connection:
        size = submissions.as_of(connection)
        for offset, achievement in enumerate((story.achievement, other)):
            listed = credentials.credentials_for(connection, achievement, size)
            assert [event.credential for event in events[offset::2]] == [
                item.credential for item in listed.items
            ]


def test_the_accreditor_finds_every_flagged_issuance_and_no_other(told: Chronicle) -> None:
    told.issued(2)
    flagged = told.issued(2, accredited=False)
    told.issued(1)
    with told.answers() as connection:
        size = submissions.as_of(connection)
        found = credentials.credentials_of(connection, told.story.provider.did, size, flagged=True)
        assert flagged == [item.credential for item in found.items]
        assert {item.flags for item in found.items} == {("no-accreditation-claimed",)}
        assert [item.issued for item in found.items] == [14, 15]
        (submission,) = [
            item
            for item in submissions.submissions_of(connection, told.story.provider.did, size).items
            if item.flags
        ]
        assert (submission.position, submission.events) == (13, 2)


def questions_as_of_a_size() -> set[tuple[str, str]]:
    """Return (file, function) of every question that the read models answer as of a size."""
    files = (accreditations, achievements, credentials, organizations, submissions)
    return {
        (file.__name__.rpartition(".")[2], name)
        for file in files
        for name, function in inspect.getmembers(file, inspect.isfunction)
        if function.__module__ == file.__name__
        and not name.startswith("_")
        and {"connection", "size"} <= set(inspect.signature(function).parameters)
        and name != "load"  # what the follower begins with, which is all there is
    }


def test_no_question_reads_a_whole_table(told: Chronicle) -> None:
    """A question costs what its answer is long, at ten entries as at ten million."""
    (one,) = told.issued()
    RandomSubmissions(told, 3).go(40)
    story = told.story
    plans: dict[str, list[str]] = {}

    def explain(_: Any, cursor: Any, statement: str, parameters: Any, *__: Any) -> None:
        if statement.startswith("SELECT"):
            cursor = cursor.connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            plans[statement] = [row[3] for row in cursor.fetchall()]

    with told.answers() as connection:
        size = submissions.as_of(connection)
        listen(connection, "before_cursor_execute", explain)
        ask: list[Callable[[], object]] = [
            lambda: submissions.as_of(connection, size=9),
            lambda: submissions.as_of(connection, time=story.milliseconds),
            lambda: submissions.submissions_of(connection, story.provider.did, size),
            lambda: submissions.last_before(connection, size),
            lambda: credentials.status(connection, one, size),
            lambda: credentials.states(connection, [one]),
            lambda: credentials.history(connection, one, size),
            lambda: credentials.credentials_of(connection, story.provider.did, size),
            lambda: credentials.credentials_for(connection, story.achievement, size),
            lambda: credentials.credentials_of(connection, story.provider.did, size, flagged=True),
            lambda: credentials.credentials_for(connection, story.achievement, size, flagged=True),
            lambda: organizations.organization_at(connection, story.provider.did, size),
            lambda: organizations.organizations(connection, size),
            lambda: organizations.history(connection, story.provider.did, size),
            lambda: accreditations.accreditation_at(connection, story.accreditation, size),
            lambda: accreditations.recognition_at(connection, story.recognition, size),
            lambda: accreditations.accreditations_of(connection, story.provider.did, size),
            lambda: accreditations.accreditations_by(connection, story.accreditor.did, size),
            lambda: accreditations.recognitions_of(connection, story.accreditor.did, size),
            lambda: accreditations.accreditation_history(connection, story.accreditation, size),
            lambda: accreditations.recognition_history(connection, story.recognition, size),
            lambda: achievements.achievement_at(connection, story.achievement, size),
            lambda: achievements.achievement_at(connection, story.achievement, size, revision=1),
            lambda: achievements.definition_at(connection, story.achievement, 1, size),
            lambda: achievements.achievements_of(connection, story.provider.did, size),
            lambda: achievements.achievement_history(connection, story.achievement, size),
            lambda: evidence_positions(connection, one, size),
        ]
        for question in ask:
            question()
    # `organizations.organizations` is one name twice.
    named = {(question.__code__.co_names * 2)[:2] for question in ask}
    assert questions_as_of_a_size() <= named, "a question is not asked here"
    assert len(plans) >= len(ask)
    for statement, plan in plans.items():
        costly = [step for step in plan if step.startswith("SCAN") or "TEMP B-TREE" in step]
        assert not costly, statement
    # Nor all issuances to find the few among them that are flagged.
    for index in ("submission_flagged", "credential_flagged", "credential_flagged_for"):
        assert any(f"INDEX {index} (" in step for plan in plans.values() for step in plan)
