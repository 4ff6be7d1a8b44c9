"""Every answer holds as of a size: it is what folding the log up to there, no further, gives."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, inspect, select
from sqlalchemy.event import listen

from projections import accreditations, achievements, credentials, organizations, submissions
from projections.database import sqlite_engine
from projections.evidence import evidence_positions
from projections.flags import mask, names
from projections.follower import Follower
from projections.page import MAX_PAGE, MAX_PAGE_TEXT, Page
from projections.position import reached
from projections.register import known_at
from projections.tables import LAYOUT, METADATA, uuid_bytes, uuid_text
from testamur.catalogue import events as e
from testamur.catalogue.lifecycle import CredentialStatus
from testamur.catalogue.lines import decode_events
from testamur.catalogue.members import Definition, Outcome
from testamur.catalogue.submission import parse_submission_entry
from testamur.catalogue.table import TABLE, Kind, event_types
from testamur.errors import Refusal, Unavailable
from testamur.rules import (
    CredentialState,
    Flag,
    Register,
    admit_events,
    admit_genesis,
    admit_header,
)
from testamur.rules.register import dump_register
from testamur.tlog.merkle import leaf_hash, leaf_hashes, verify_inclusion
from testamur.verification.evidence import build_evidence
from testamur.verification.replay import ReplayedSubmission, Replayer
from tests.harness.chronicle import Chronicle
from tests.harness.published_log import PublishedLog
from tests.harness.random_submissions import RandomSubmissions
from tests.harness.story import party


@pytest.fixture
def told(tmp_path: Path) -> Chronicle:
    return Chronicle.opened(tmp_path / "log")


def all_pages(turn: Callable[[Any, int], Page[Any]], start: int, limit: int) -> list[Any]:
    """Return the items of every page of a list, turned by its cursors."""
    found: list[Any] = []
    after: int | None = start
    while after is not None:
        page = turn(after, limit)
        found += page.items
        after = page.next
    return found


# --- The naive fold to compare with ---


@dataclass
class Naive:
    """The log's entries fed one by one, with everything remembered."""

    replayer: Replayer
    cohorts: list[ReplayedSubmission] = field(default_factory=list)

    @classmethod
    def of(cls, log: PublishedLog) -> Iterator[Naive]:
        """Yield the fold of every prefix of the log, from no entries to all of them."""
        naive = cls(Replayer(log.log_key))
        yield naive
        for entry in log.entries:
            naive.cohorts += naive.replayer.feed([entry], leaf_hashes([entry]))
            yield naive

    @classmethod
    def of_entries(cls, log: PublishedLog, size: int) -> Naive:
        """Return the fold of the first `size` entries, the end of a submission."""
        naive = cls(Replayer(log.log_key))
        naive.cohorts += naive.replayer.feed(log.entries[:size], leaf_hashes(log.entries[:size]))
        return naive

    @property
    def size(self) -> int:
        return self.replayer.register.size

    def located(self) -> Iterator[tuple[int, ReplayedSubmission, Any, Any]]:
        for cohort in self.cohorts:
            for number, (event, admitted) in enumerate(
                zip(cohort.events, cohort.admitted, strict=True), start=1
            ):
                yield cohort.position + number, cohort, event, admitted


def check_credentials(connection: Connection, naive: Naive, ever: set[str]) -> None:
    size = naive.size
    streams: dict[str, list[tuple[int, int, int, str, tuple[str, ...]]]] = defaultdict(list)
    by_provider: dict[str, list[str]] = defaultdict(list)
    by_achievement: dict[str, list[str]] = defaultdict(list)
    for position, cohort, event, admitted in naive.located():
        if isinstance(event, e.CredentialIssued | e.CredentialStatusEvent):
            streams[event.credential].append(
                (position, cohort.position, admitted.version, e.wire_name(event), admitted.flags)
            )
        if isinstance(event, e.CredentialIssued):
            by_provider[cohort.header.payload.iss].append(event.credential)
            by_achievement[event.achievement].append(event.credential)
    for credential in ever:
        found = credentials.status(connection, credential, size)
        expected = naive.replayer.credentials.get(credential)
        assert (found is None) == (expected is None)
        if found is not None and expected is not None:
            assert (expected.issuer, expected.status, expected.version) == (
                found.issuer,
                found.status,
                found.version,
            )
            assert found.size == size
        events = all_pages(
            lambda after, limit, one=credential: credentials.history(  # type: ignore[misc]
                connection, one, size, after=after, limit=limit
            ),
            0,
            2,
        )
        told = [(x.position, x.submission, x.version, x.event, x.flags) for x in events]
        assert streams.get(credential, []) == told
    for provider, issued in by_provider.items():
        listed = all_pages(
            lambda after, limit, did=provider: credentials.credentials_of(  # type: ignore[misc]
                connection, did, size, after=after, limit=limit
            ),
            0,
            3,
        )
        assert issued == [item.credential for item in listed]
        flagged = all_pages(
            lambda after, limit, did=provider: credentials.credentials_of(  # type: ignore[misc]
                connection, did, size, flagged=True, after=after, limit=limit
            ),
            0,
            3,
        )
        assert [item.credential for item in listed if item.flags] == [
            item.credential for item in flagged
        ]
    for achievement, issued in by_achievement.items():
        listed = all_pages(
            lambda after, limit, one=achievement: credentials.credentials_for(  # type: ignore[misc]
                connection, one, size, after=after, limit=limit
            ),
            0,
            3,
        )
        assert issued == [item.credential for item in listed]


def check_policy(connection: Connection, naive: Naive) -> None:
    size, register = naive.size, naive.replayer.register
    known = known_at(connection, size).register
    assert (dump_register(register), register.named) == (dump_register(known), known.named)
    for did, organization in register.organizations.items():
        found = organizations.organization_at(connection, did, size)
        assert found is not None
        assert organization == found.organization
    for accreditation in register.accreditations.values():
        granted = accreditations.accreditation_at(connection, accreditation.id, size)
        assert granted is not None
        assert accreditation == granted.accreditation
    for recognition in register.recognitions.values():
        recognised = accreditations.recognition_at(connection, recognition.id, size)
        assert recognised is not None
        assert recognition == recognised.recognition
    for achievement in register.achievements.values():
        defined = achievements.achievement_at(connection, achievement.id, size)
        assert defined is not None
        assert (achievement.provider, achievement.status) == (defined.provider, defined.status)
        assert achievement.definitions[-1] == defined.definition
        assert len(achievement.definitions) == defined.revision
        revisions = range(1, len(achievement.definitions) + 2)
        assert [*achievement.definitions, None] == [
            achievements.definition_at(connection, achievement.id, revision, size)
            for revision in revisions
        ]


def check_submissions(connection: Connection, naive: Naive) -> None:
    size = naive.size
    by_issuer: dict[str, list[tuple[int, int, int, set[Flag]]]] = defaultdict(list)
    for cohort in naive.cohorts:
        flags = {flag for admitted in cohort.admitted for flag in admitted.flags}
        by_issuer[cohort.header.payload.iss].append(
            (cohort.position, cohort.recorded_at, len(cohort.events), flags)
        )
    for issuer, expected in by_issuer.items():
        listed = all_pages(
            lambda after, limit, did=issuer: submissions.submissions_of(  # type: ignore[misc]
                connection, did, size, after=after, limit=limit
            ),
            -1,
            3,
        )
        assert expected == [(x.position, x.recorded_at, x.events, set(x.flags)) for x in listed]
        assert {(x.issuer, x.size) for x in listed} == {(issuer, size)}


def check_flags(connection: Connection, naive: Naive) -> None:
    """Check the breaches told with accreditations, definitions and changes of organizations.

    Those of credentials are in their histories.
    """
    size, register = naive.size, naive.replayer.register
    flags: dict[object, tuple[str, ...]] = {}
    for position, _, event, admitted in naive.located():
        flags[position] = admitted.flags
        if isinstance(event, e.AchievementDefined):
            flags[event.achievement, 1] = admitted.flags
        elif isinstance(event, e.AchievementRevised):
            flags[event.achievement, event.version] = admitted.flags
    for accreditation in register.accreditations:
        granted = accreditations.accreditation_at(connection, accreditation, size)
        assert granted is not None
        assert flags[granted.granted] == granted.flags
    for name, achievement in register.achievements.items():
        for revision in range(1, len(achievement.definitions) + 1):
            defined = achievements.achievement_at(connection, name, size, revision=revision)
            assert defined is not None
            assert flags[name, revision] == defined.flags
    for did in register.organizations:
        for change in organizations.history(connection, did, size).items:
            assert flags[change.position] == change.flags


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(seed=st.integers(0, 2**32))
def test_an_answer_as_of_any_size_is_the_fold_of_that_prefix(
    seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Status, history, lists, flags, keys and register, at every size of a wild story."""
    told = Chronicle.opened(tmp_path_factory.mktemp("wild") / "log")
    wild = RandomSubmissions(told, seed)
    wild.go(120)
    with told.answers() as connection:
        ever = set(wild.issued)
        ends = []
        for length, naive in enumerate(Naive.of(told.log)):
            assert naive.size == submissions.as_of(connection, size=length)
            if naive.size == length:
                ends.append(naive.size)
                check_policy(connection, naive)
                # Twice as often would take twice as long and show nothing more.
                if len(ends) % 4 == 0 or length == len(told.log.entries):
                    check_credentials(connection, naive, ever)
                    check_submissions(connection, naive)
                    check_flags(connection, naive)


# --- Evidence ---


@dataclass
class Sparse:
    """What a verifier knows who folds nothing but some entries."""

    register: Register = field(default_factory=Register)
    credentials: dict[str, CredentialState] = field(default_factory=dict)
    flags: dict[str, tuple[str, ...]] = field(default_factory=dict)


def sparse_fold(log: PublishedLog, positions: list[tuple[int, list[int]]]) -> Sparse:
    """Fold the entries at `positions` with the rules, signatures checked, as `verify` does."""
    known = Sparse()
    for position, events_at in positions:
        recorded_at, header = parse_submission_entry(log.entries[position])
        events = decode_events([log.entries[at] for at in events_at])
        if position == 0:
            header.verify_signature(log.log_key)
            admit_genesis(known.register, header, events, recorded_at, log.log_key)
            continue
        known.register.size = position
        header.verify_signature(admit_header(known.register, header, recorded_at))
        admitted = admit_events(
            known.register,
            known.credentials,
            header,
            events,
            recorded_at,
            numbers=[at - position for at in events_at],
        )
        for event, outcome in zip(events, admitted, strict=True):
            if isinstance(event, e.CredentialIssued):
                known.flags[event.credential] = outcome.flags
    return known


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_evidence_folded_alone_gives_the_verdict_of_the_whole_log(
    seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    told = Chronicle.opened(tmp_path_factory.mktemp("wild") / "log")
    wild = RandomSubmissions(told, seed)
    wild.go(120)
    with told.answers() as connection:
        ends = [naive.size for naive in Naive.of(told.log)]
        for size in (ends[len(ends) // 2], ends[-1]):
            naive = Naive.of_entries(told.log, size)
            whole = naive.replayer
            for credential in wild.issued:
                positions = evidence_positions(connection, credential, size)
                if credential not in whole.credentials:
                    assert not positions
                    continue
                alone = sparse_fold(told.log, positions)
                assert whole.credentials[credential] == alone.credentials[credential]
                issuance = next(
                    admitted
                    for _, _, event, admitted in naive.located()
                    if isinstance(event, e.CredentialIssued) and event.credential == credential
                )
                assert issuance.flags == alone.flags[credential]
                for kind in ("organizations", "accreditations", "achievements", "recognitions"):
                    for name, state in getattr(alone.register, kind).items():
                        assert getattr(whole.register, kind)[name] == state
                for did, organization in alone.register.organizations.items():
                    assert organization.sponsor in (None, *alone.register.organizations), did


def test_evidence_lists_nothing_about_other_credentials(told: Chronicle) -> None:
    first, *others = told.issued(5)
    told.offer(
        told.story.provider,
        e.CredentialRevoked(credential=others[0], reason="misconduct"),
        e.CredentialSuspended(credential=first, reason="administrative"),
    )
    with told.answers() as connection:
        # Genesis; accreditor and recognition; provider and accreditation; achievement; issuance;
        # suspension, which is the second event of its submission.
        assert evidence_positions(connection, first, len(told.log.entries)) == [
            (0, [1]),
            (2, [3, 4]),
            (5, [6, 7]),
            (8, [9]),
            (10, [11]),
            (16, [18]),
        ]


def test_evidence_shows_the_accreditor_even_if_somebody_else_brought_the_provider_in(
    told: Chronicle,
) -> None:
    story = told.story
    other, accreditation = party("other accreditor"), story.new_id()
    assert told.offer(story.authority, story.registered(story.authority, other, "accreditor"))
    assert told.offer(other, story.accredited(accreditation))
    event = msgspec.structs.replace(story.issued(), accreditation=accreditation)
    assert told.offer(story.provider, event)
    with told.answers() as connection:
        positions = evidence_positions(connection, event.credential, len(told.log.entries))
    alone = sparse_fold(told.log, positions)
    assert alone.flags[event.credential] == ("accreditor-not-recognised",)
    assert other.did in alone.register.organizations


def test_evidence_of_a_superseded_credential_shows_its_successor(told: Chronicle) -> None:
    story = told.story
    other = story.new_id()
    assert told.offer(story.provider, story.defined(other))
    (old,) = told.issued()
    (new,) = told.issued(achievement=other)
    assert told.offer(story.provider, e.CredentialRevoked(credential=new, reason="misconduct"))
    (newer,) = told.issued()
    assert told.offer(story.provider, e.CredentialSuperseded(credential=old, successor=newer))
    size = len(told.log.entries)
    with told.answers() as connection:
        listed = [at for _, events in evidence_positions(connection, old, size) for at in events]
        assert credentials.status(connection, newer, size).issued in listed  # type: ignore[union-attr]
        assert credentials.status(connection, new, size).issued not in listed  # type: ignore[union-attr]


def test_evidence_positions_are_what_the_evidence_file_is_built_from(told: Chronicle) -> None:
    (one, *_) = told.issued(300)
    size = len(told.log.entries)
    with told.answers() as connection:
        positions = evidence_positions(connection, one, size)
    reader = told.log.reader()
    evidence = build_evidence(reader, reader.signed_checkpoint(), one, positions)
    root = reader.checkpoint().root
    assert positions == [
        (shown.position, [shown.position + event.number for event in shown.events])
        for shown in evidence.submissions
    ]
    for shown in evidence.submissions:
        leaf = leaf_hash(shown.entry.encode())
        verify_inclusion(shown.position, size, leaf, shown.inclusion, root)
        for event in shown.events:
            at = shown.position + event.number
            verify_inclusion(at, size, leaf_hash(event.line.encode()), event.inclusion, root)


@pytest.mark.parametrize("bound", ["MAX_ENTRIES", "MAX_SUBMISSIONS", "MAX_EVENTS"])
def test_evidence_that_no_verifier_would_read_is_refused_before_it_is_built(
    told: Chronicle, monkeypatch: pytest.MonkeyPatch, bound: str
) -> None:
    """Whatever a provider piles up behind a credential; what just fits is given."""
    story = told.story
    (one,) = told.issued()
    for key in ("k1", "k2", "k3"):
        fresh = story.provider.with_key(key)
        assert told.offer(story.provider, story.key_added(story.provider, fresh))
    events: list[e.Event] = [
        e.OrganizationUpdated(country="NL", name=f"{number}", organization=story.provider.did)
        for number in range(5)
    ]
    assert told.offer(story.provider, *events)
    with told.answers() as connection:
        size = submissions.as_of(connection)
        found = evidence_positions(connection, one, size)
        held = {
            "MAX_ENTRIES": sum(len(events) for _, events in found),
            "MAX_SUBMISSIONS": len(found),
            "MAX_EVENTS": max(len(events) for _, events in found),
        }[bound]
        monkeypatch.setattr(f"projections.evidence.{bound}", held)
        assert found == evidence_positions(connection, one, size)
        monkeypatch.setattr(f"projections.evidence.{bound}", held - 1)
        with pytest.raises(Refusal, match="replay the log instead") as refusal:
            evidence_positions(connection, one, size)
    assert (refusal.value.rule, refusal.value.value) == ("evidence-size", one)


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
    assert len(plans) >= len(ask)
    for statement, plan in plans.items():
        costly = [step for step in plan if step.startswith("SCAN") or "TEMP B-TREE" in step]
        assert not costly, statement
    # Nor all issuances to find the few among them that are flagged.
    for index in ("submission_flagged", "credential_flagged", "credential_flagged_for"):
        assert any(f"INDEX {index} (" in step for plan in plans.values() for step in plan)


# --- Flags, ids, rows ---


def test_a_bit_keeps_its_meaning_within_a_layout_of_the_tables() -> None:
    """Whoever moves a flag counts `LAYOUT` on; a new one goes to the end."""
    assert (LAYOUT, list(Flag)) == (
        5,
        [
            "no-accreditation-claimed",
            "accreditation-not-in-force",
            "outside-accredited-scope",
            "accreditor-not-recognised",
            "authority-closed",
            "accreditor-closed",
            "self-accreditation",
            "outside-recognition",
            "achievement-retired",
            "achievement-version-outdated",
            "backdated",
            "postdated",
            "elements-missing",
            "country-changed",
            "self-recognition",
        ],
    )


def test_a_number_keeps_its_event_and_its_status_within_a_layout_of_the_tables() -> None:
    assert set(credentials.KINDS) == event_types(Kind.CREDENTIAL)
    assert (LAYOUT, [TABLE[kind].name for kind in credentials.KINDS]) == (
        5,
        [
            "credential.issued/1",
            "credential.suspended/1",
            "credential.reinstated/1",
            "credential.revoked/1",
            "credential.superseded/1",
        ],
    )
    assert credentials.STATUSES == ("active", "suspended", "revoked", "superseded")


@given(st.sets(st.sampled_from(list(Flag))))
def test_flags_survive_being_kept_as_bits(flags: set[Flag]) -> None:
    assert flags == set(names(mask(tuple(flags))))


def test_an_unknown_flag_is_not_dropped_silently() -> None:
    with pytest.raises(KeyError):
        mask(("never-heard-of",))


@given(st.uuids())
def test_an_id_survives_being_kept_as_bytes(one: Any) -> None:
    data = uuid_bytes(str(one))
    assert data is not None
    assert str(one) == uuid_text(data)
    assert uuid_bytes(str(one).upper()) in (None, data if str(one).upper() == str(one) else None)


def test_each_definition_has_the_flags_it_was_published_with(told: Chronicle) -> None:
    """A later definition with all elements does not clear the one that lacked them."""
    story = told.story
    achievement, bare = story.new_id(), Definition(name="Bare", achievement_type="Badge")
    defined = e.AchievementDefined(achievement=achievement, definition=bare)
    revised = e.AchievementRevised(
        achievement=achievement, definition=story.definition(), version=2
    )
    for event in (defined, revised, e.AchievementRetired(achievement=achievement)):
        assert told.offer(story.provider, event)
    with told.answers() as connection:

        def flags(size: int, revision: int | None = None) -> object:
            found = achievements.achievement_at(connection, achievement, size, revision=revision)
            return found and (found.revision, found.status.value, found.flags)

        assert flags(16) == flags(16, 2) == (2, "retired", ())
        assert flags(16, 1) == (1, "retired", ("elements-missing",))
        assert flags(12) == flags(12, 1) == (1, "defined", ("elements-missing",))
        assert [flags(12, 2), flags(16, 3), flags(16, 0), flags(10, 1)] == [None] * 4


def test_two_changes_of_one_organization_in_one_submission_make_one_state(
    told: Chronicle,
) -> None:
    story = told.story
    assert told.offer(
        story.provider,
        e.OrganizationUpdated(country="BE", name="First", organization=story.provider.did),
        e.OrganizationUpdated(country="FR", name="Second", organization=story.provider.did),
    )
    with told.answers() as connection:
        found = organizations.organization_at(connection, story.provider.did, 13)
        assert found is not None
        assert (found.organization.name, found.position) == ("Second", 12)
        events = organizations.history(connection, story.provider.did, 13).items
        assert [event.position for event in events] == [6, 11, 12]
        assert [event.flags for event in events] == [(), *[("country-changed",)] * 2]


def test_the_tables_hold_nothing_that_is_not_on_the_log(told: Chronicle) -> None:
    """No clock, no random number, no path: two folds of one log are the same rows."""
    RandomSubmissions(told, 11).go(40)
    with told.answers() as one:
        first = {table.name: one.execute(select(table)).all() for table in METADATA.sorted_tables}
        assert set(inspect(one).get_table_names()) == {
            table.name for table in METADATA.sorted_tables
        }
        assert reached(one).root == told.log.reader().checkpoint().root
    engine: Engine = sqlite_engine(told.log.root.parent / "again.db")
    Follower(engine, told.log.reader()).catch_up()
    with engine.connect() as two:
        again = {table.name: two.execute(select(table)).all() for table in METADATA.sorted_tables}
    engine.dispose()
    assert first == again
