"""What can be asked of the tables: sizes, times, names and lists."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from projections import accreditations, achievements, credentials, keys, organizations, submissions
from projections.evidence import evidence_positions
from projections.page import MAX_PAGE, MAX_PAGE_TEXT, Page
from testamur.catalogue import events as e
from testamur.catalogue.members import Definition, Outcome
from testamur.catalogue.table import Kind
from testamur.errors import Refusal, Unavailable
from testamur.rules.reach import Reach, Sums
from tests.harness.chronicle import Chronicle
from tests.harness.story import party
from tests.projections import pages
from tests.projections.pages import all_pages

pytestmark = pytest.mark.usefixtures("each_database")

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
        assert credentials.credential_at(connection, one, 10) is None
        active = credentials.credential_at(connection, one, 12)
        revoked = credentials.credential_at(connection, one, 14)
    assert active is not None
    assert revoked is not None
    assert (active.standing.status, active.size, active.standing.acts) == ("active", 12, ())
    assert (revoked.standing.status, revoked.size) == ("revoked", 14)
    (act,) = revoked.standing.acts
    assert (revoked.issued.position, act.said.position) == (11, 13)


def test_an_answer_never_changes_once_given(told: Chronicle) -> None:
    """What was answered as of a size is answered the same after the log has grown."""
    story = told.story
    (one,) = told.issued()
    with told.answers() as connection:
        before = credentials.credential_at(connection, one, 12)
        listed = pages.credentials_of(connection, story.provider.did, 12)
        held = keys.keys_at(connection, story.provider.did, 12)
    told.offer(story.provider, e.CredentialRevoked(credential=one, reason="misconduct"))
    told.offer(story.provider, e.OrganizationUpdated(country="FR", name="Other"))
    assert told.offer(story.provider.recovery, story.key_compromised(story.provider, 8))
    with told.answers() as connection:
        assert before == credentials.credential_at(connection, one, 12)
        assert listed == pages.credentials_of(connection, story.provider.did, 12)
        assert held == keys.keys_at(connection, story.provider.did, 12)


# --- What counts ---


def test_a_declaration_makes_a_credential_as_if_it_had_never_been_issued(told: Chronicle) -> None:
    """The answer still names the entry, and says which key event took it away."""
    story = told.story
    (one,) = told.issued()
    assert told.offer(story.provider.recovery, story.key_compromised(story.provider, 10))
    with told.answers() as connection:
        assert credentials.credential_at(connection, one, 12).standing.status == "active"  # type: ignore[union-attr]
        found = credentials.credential_at(connection, one, 14)
        (line,) = pages.credentials_of(connection, story.provider.did, 14).items
    assert found is not None
    assert (found.standing.status, found.standing.began, found.issued.position) == (None, None, 11)
    (cut,) = found.standing.fallen
    assert (cut.position, cut.because.position) == (11, 13)
    assert (line.status, line.because) == (None, cut.because)


def test_a_revocation_by_a_thief_falls_with_the_key_and_what_was_kept_stays(
    told: Chronicle,
) -> None:
    story = told.story
    (one,) = told.issued()
    told.offer(story.provider, e.CredentialRevoked(credential=one, reason="misconduct"))
    kept = ((10, 10),)
    assert told.offer(story.provider.recovery, story.key_compromised(story.provider, 10, kept))
    with told.answers() as connection:
        assert credentials.credential_at(connection, one, 14).standing.status == "revoked"  # type: ignore[union-attr]
        found = credentials.credential_at(connection, one, 16)
    assert found is not None
    assert (found.standing.status, found.standing.began) == ("active", 10)
    assert [(cut.position, cut.event) for cut in found.standing.fallen] == [
        (13, "credential.revoked/1")
    ]


def test_a_declaration_says_how_much_it_took_back_and_let_count_again(told: Chronicle) -> None:
    """In the history and beside the key alike; as of then, whatever was declared since."""
    story, did = told.story, told.story.provider.did
    (one,) = told.issued()
    told.offer(story.provider, e.CredentialRevoked(credential=one, reason="misconduct"))
    first = story.key_compromised(story.provider, 8)
    assert told.offer(story.provider.recovery, first, story.key_listed(party("fresh")))
    mended = story.key_compromised(story.provider, 12)
    assert told.offer(story.provider.recovery, mended)
    took_back = Reach(fallen=Sums(issuances=1, endings=1))
    with told.answers() as connection:
        lines = organizations.organization_history(connection, did, 19).items
        held = [keys.keys_at(connection, did, size) for size in (17, 19)]
    told_of = [(each.event, each.reach) for each in lines[-3:]]
    assert told_of == [
        ("key.compromised/1", took_back),
        ("key.listed/1", None),
        ("key.compromised/1", Reach(returned=Sums(issuances=1))),
    ]
    declared = [
        one.reach
        for page in held
        if page is not None
        for each in page.items
        for one in each.compromised
    ]
    assert declared == [took_back, Reach(returned=Sums(issuances=1))]


def test_an_id_that_counts_no_more_comes_back_where_its_owner_wrote_it_again(
    told: Chronicle,
) -> None:
    story = told.story
    event = story.issued()
    assert told.offer(story.provider, event)
    assert told.offer(story.provider.recovery, story.key_compromised(story.provider, 10))
    fresh = story.provider.with_key("fresh")
    assert told.offer(story.provider.recovery, story.key_listed(fresh))
    assert not told.offer(fresh, msgspec.structs.replace(event, valid_until=None))
    assert told.offer(fresh, event)
    with told.answers() as connection:
        found = credentials.credential_at(connection, event.credential, 18)
        (line,) = pages.credentials_of(connection, story.provider.did, 18).items
        history = credentials.credential_history(connection, event.credential, 18).items
    assert found is not None
    assert (found.standing.status, found.issued.position, found.version) == ("active", 17, 2)
    assert (line.status, line.issued.position) == ("active", 17)
    assert [(each.position, each.status, each.because is None) for each in history] == [
        (11, None, False),
        (17, "active", True),
    ]


def test_what_others_successors_said_stands_beside_the_status(told: Chronicle) -> None:
    """An answer that rests on no anchors is by the owner and the successor that it named."""
    story = told.story
    (one,) = told.issued()
    heir = party("heir")
    assert told.offer(story.accreditor, story.registered(story.accreditor, heir, "provider"))
    assert told.offer(story.accreditor, story.succeeded(story.provider, heir))
    story.now += 31 * 86400
    assert told.offer(heir, e.CredentialRevoked(credential=one, reason="misconduct"))
    size = len(told.log.entries)
    with told.answers() as connection:
        found = credentials.credential_at(connection, one, size)
    assert found is not None
    assert (found.standing.status, found.standing.acts) == ("active", ())
    (other,) = found.standing.others
    assert (other.said.actor, other.acted_for) == (heir.did, (story.accreditor.did,))


def test_the_successor_that_the_owner_named_sets_the_status_and_for_whom_is_told(
    told: Chronicle,
) -> None:
    story = told.story
    (one,) = told.issued()
    heir = party("heir")
    assert told.offer(story.accreditor, story.registered(story.accreditor, heir, "provider"))
    assert told.offer(story.provider, story.succeeded(story.provider, heir), e.OrganizationClosed())
    assert told.offer(heir, e.CredentialRevoked(credential=one, reason="misconduct"))
    size = len(told.log.entries)
    with told.answers() as connection:
        found = credentials.credential_at(connection, one, size)
        owner = organizations.organization_at(connection, story.provider.did, size)
        last = credentials.credential_history(connection, one, size).items[-1]
    assert found is not None
    assert owner is not None
    assert (found.standing.status, found.standing.others) == ("revoked", ())
    assert found.standing.acts[0].acted_for == last.acted_for == (story.provider.did,)
    assert owner.closed is not None
    assert found.closed == owner.closed.position
    assert [each.naming.successor for each in found.successors] == [heir.did]


def test_a_grant_tells_the_word_in_force_and_since_when_it_counts(told: Chronicle) -> None:
    story = told.story
    assert told.offer(story.accreditor, story.accreditation_restated("New Name"))
    fresh = story.accreditor.with_key("fresh")
    assert told.offer(story.accreditor.recovery, story.key_listed(fresh))
    assert told.offer(story.accreditor.recovery, story.key_compromised(story.accreditor, 10))
    with told.answers() as connection:
        then = accreditations.accreditation_at(connection, story.accreditation, 12)
        now = accreditations.accreditation_at(connection, story.accreditation, 16)
    assert then is not None
    assert now is not None
    assert (then.vouched.name, then.position) == ("New Name", 11)
    assert (now.vouched.name, now.position, now.standing.status) == (
        "An Organization",
        7,
        "active",
    )


def test_an_organization_stands_whatever_becomes_of_its_sponsor(told: Chronicle) -> None:
    """Its sponsor's submission counts no more, and with it falls the accreditation alone."""
    story = told.story
    assert told.offer(story.accreditor.recovery, story.key_compromised(story.accreditor, 5))
    with told.answers() as connection:
        found = organizations.organization_at(connection, story.provider.did, 12)
        granted = accreditations.accreditation_at(connection, story.accreditation, 12)
        vouched = list(organizations.vouched_for(connection, story.provider.did, 12))
    assert found is not None
    assert granted is not None
    assert found.organization.sponsor == story.accreditor.did
    assert (granted.standing.status, vouched) == (None, [])


# --- Names that nobody has ---


@pytest.mark.slow
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
        assert credentials.credential_at(connection, unknown, size) is None
        assert accreditations.accreditation_at(connection, unknown, size) is None
        assert accreditations.recognition_at(connection, unknown, size) is None
        assert achievements.achievement_at(connection, unknown, size) is None
        assert achievements.definition_at(connection, unknown, 1, size) is None
        assert organizations.organization_at(connection, unknown, size) is None
        assert keys.keys_at(connection, unknown, size) is None
        assert evidence_positions(connection, unknown, size, told.issuance) == []
        empty: Page[Any] = Page(size, (), None)
        assert empty == credentials.credential_history(connection, unknown, size)
        assert empty == pages.credentials_of(connection, unknown, size)
        assert empty == pages.credentials_for(connection, unknown, size)
        assert empty == pages.submissions_of(connection, unknown, size)
        assert empty == pages.submissions_of(connection, unknown, size, key=unknown)
        for kind in (Kind.ACCREDITATION, Kind.RECOGNITION):
            assert empty == accreditations.granted_to(connection, kind, unknown, size)
            assert empty == pages.granted_by(connection, kind, unknown, size)
            assert empty == accreditations.grant_history(connection, kind, unknown, size)
        assert empty == pages.achievements_of(connection, unknown, size)
        assert empty == achievements.achievement_history(connection, unknown, size)
        assert empty == organizations.organization_history(connection, unknown, size)


# --- Lists ---


@pytest.mark.parametrize("limit", [0, -1, MAX_PAGE + 1])
def test_a_page_is_bounded(told: Chronicle, limit: int) -> None:
    with told.answers() as connection, pytest.raises(ValueError, match="a page holds 1 to 1000"):
        pages.credentials_of(connection, told.story.provider.did, 10, limit=limit)


@pytest.mark.slow
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
            return pages.achievements_of(
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
        first = pages.credentials_of(connection, did, 18, limit=4)
    issued += told.issued(2)
    assert first.next is not None
    with told.answers() as connection:
        rest = pages.credentials_of(connection, did, 21, after=first.next, limit=4)
    assert issued == [item.issued.credential for item in (*first.items, *rest.items)]
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
            pages.credentials_of(connection, told.story.provider.did, size, limit=2),
            pages.credentials_for(connection, told.story.achievement, size, limit=2),
        ):
            assert [item.issued.credential for item in page.items] == [one, two]
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
            listed = pages.credentials_for(connection, achievement, size)
            assert [event.credential for event in events[offset::2]] == [
                item.issued.credential for item in listed.items
            ]


def test_the_accreditor_finds_every_flagged_issuance_and_no_other(told: Chronicle) -> None:
    told.issued(2)
    flagged = told.issued(2, accredited=False)
    told.issued(1)
    with told.answers() as connection:
        size = submissions.as_of(connection)
        found = pages.credentials_of(connection, told.story.provider.did, size, flagged=True)
        assert flagged == [item.issued.credential for item in found.items]
        assert {item.issued.flags for item in found.items} == {("no-accreditation-claimed",)}
        assert [item.issued.position for item in found.items] == [14, 15]
        (submission,) = [
            item
            for item in pages.submissions_of(connection, told.story.provider.did, size).items
            if item.flags
        ]
        assert (submission.signed.position, submission.events) == (13, 2)
