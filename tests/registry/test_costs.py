"""What an event costs inside the write lock: never the size of the register, never a signature."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, NoReturn
from uuid import UUID

import msgspec
import pytest

from registry import committer, known
from registry.gate import Recorded
from testamur.catalogue import events as e
from testamur.catalogue.members import Scope
from testamur.errors import Refusal
from testamur.keys import PublicKey
from testamur.rules.reach import Reach, Sums
from testamur.rules.register import MAPPINGS
from testamur.rules.scope import sets_of
from tests.harness.gates import Desk
from tests.harness.stores import Kept
from tests.harness.story import Party, Story, party


class NeverWalked(dict[str, Any]):
    """A mapping that can be asked and changed, but not walked, copied or counted by hand."""

    def _walked(self) -> NoReturn:
        raise AssertionError("a mapping of the register was walked")

    __iter__ = keys = values = items = copy = __reversed__ = _walked


class Watched:
    """A store that knows whether its write lock is held, and what is asked for meanwhile."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.locked = False
        self.transactions = 0
        self.folded = 0
        self.appended = 0
        self.histories = 0
        self.totals = 0
        self.asked_again = 0
        self.before_the_lock: Callable[[], object] = lambda: None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    @contextmanager
    def writing(self) -> Iterator[Any]:
        """Enter a transaction that is watched."""
        self.before_the_lock()
        with self._store.writing() as transaction:
            self.locked = True
            self.transactions += 1
            try:
                yield _WatchedTransaction(transaction, self)
            finally:
                self.locked = False


class _WatchedTransaction:
    def __init__(self, transaction: Any, watched: Watched) -> None:
        self._transaction = transaction
        self._watched = watched

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transaction, name)

    def register_entries(self, first: int, limit: int) -> Any:
        found = self._transaction.register_entries(first, limit)
        self._watched.folded += len(found)
        return found

    def streams(self, *asked: Any, **options: Any) -> Any:
        found = self._transaction.streams(*asked, **options)
        self._watched.histories += len(found)
        return found

    def totals(self, issuer: str, key: str, positions: Any) -> Any:
        self._watched.totals += len(positions)
        return self._transaction.totals(issuer, key, positions)

    def submissions(self, streams: Any) -> Any:
        self._watched.asked_again += len(streams)
        return self._transaction.submissions(streams)

    def append(self, *rows: Any) -> None:
        self._watched.appended += len(rows[0])
        self._transaction.append(*rows)


@pytest.fixture
def watched(desk: Desk) -> Watched:
    """Watch the store of `desk`, whose register cannot be walked from now on."""
    watched = Watched(desk.store)
    gate = desk.gate._committer
    gate._store = watched
    live = gate._shared._live
    for name in MAPPINGS:
        setattr(live, name, NeverWalked(getattr(live, name)))
    gate._shared.absorb(gate._shared.draft())
    gate._shared.latest = gate._shared._view()
    return watched


def every_kind(story: Story) -> list[tuple[Party, list[e.Event]]]:
    """Return submissions that hold every kind of event, in an order in which they may come."""
    authority, accreditor, provider = story.authority, story.accreditor, story.provider
    newcomer, fresh, stolen = party("newcomer"), provider.with_key("k2"), provider.with_key("k3")
    one, two = story.issued(), story.issued()
    defined = story.defined(story.new_id())
    recognised, accredited = story.recognised(story.new_id()), story.accredited(story.new_id())
    revised = e.AchievementRevised(
        achievement=defined.achievement, definition=story.definition(), version=2
    )
    suspended = e.CredentialSuspended(credential=one.credential, reason="misconduct")
    accreditation = accredited.accreditation
    return [
        (accreditor, [story.registered(accreditor, newcomer, "provider"), accredited]),
        (authority, [recognised, story.recognition_restated()]),
        (provider.founding, [story.key_listed(fresh), story.key_listed(stolen)]),
        (provider, [defined, revised, one, two]),
        (fresh, [suspended, e.CredentialReinstated(credential=one.credential)]),
        (
            provider,
            [
                e.CredentialSuperseded(credential=one.credential, successor=two.credential),
                e.CredentialRevoked(credential=two.credential, reason="misconduct"),
                e.AchievementRetired(achievement=defined.achievement),
                story.updated("Renamed"),
                story.succeeded(provider, newcomer),
                story.objected(),
            ],
        ),
        (
            accreditor,
            [
                story.accreditation_restated(),
                e.AccreditationSuspended(accreditation=accreditation, reason="misconduct"),
                e.AccreditationReinstated(accreditation=accreditation),
                e.AccreditationWithdrawn(accreditation=accreditation, reason="misconduct"),
                story.succeeded(provider, newcomer),
            ],
        ),
        (
            authority,
            [e.RecognitionWithdrawn(recognition=recognised.recognition, reason="voluntary")],
        ),
        (provider.recovery, [story.key_retired(fresh), story.key_compromised(stolen, 20)]),
        (provider, [story.closed()]),
    ]


def test_no_kind_of_event_walks_over_the_register(
    desk: Desk, story: Story, watched: Watched
) -> None:
    """Not when it is recorded, not in a dry run, not when it is refused."""
    seen: set[type] = {e.LogOpened}
    for signer, events in every_kind(story):
        seen.update(map(type, events))
        body = story.submission(signer, *events)
        assert desk.gate.dry_run(story.dry_run(signer, *events)).refusals == []
        desk.record(body)
        again = desk.refuse(story.submission(signer, *events, story.recognised()))
        assert again.rule not in ("", "internal")
    assert seen == {*e.EVENTS.values()}


def test_a_group_reads_and_writes_nothing_but_its_own(
    desk: Desk, story: Story, watched: Watched
) -> None:
    many = [story.defined(story.new_id()) for _ in range(200)]
    desk.record(story.submission(story.provider, *many))
    desk.record(story.submission(story.provider, story.issued(), story.defined(story.new_id())))
    desk.record(story.cohort(5))
    assert (watched.appended, watched.folded) == (201 + 3 + 6, 0)


def test_no_signature_is_verified_while_the_write_lock_is_held(
    desk: Desk, story: Story, watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not those of headers, not those by new keys, and not of those who enter just then."""
    held: list[bool] = []
    verify = PublicKey.verify

    def counted(key: PublicKey, signature: bytes, message: bytes) -> None:
        held.append(watched.locked)
        verify(key, signature, message)

    monkeypatch.setattr(PublicKey, "verify", counted)
    accreditor, third = party("an accreditor"), party("a third")
    entering = story.submission(
        story.authority, story.registered(story.authority, accreditor, "accreditor")
    )
    at_once = story.submission(accreditor, story.registered(accreditor, third, "provider"))
    then = story.submission(third, story.defined(story.new_id()))
    key = story.submission(third.founding, story.key_listed(third.with_key("k2")))
    outcomes = desk.together(entering, story.cohort(1), at_once, then, then, key)
    assert all(isinstance(outcome, Recorded) for outcome in outcomes), outcomes
    assert len(held) >= 8
    assert not any(held)


def test_what_a_scope_is_compared_by_is_made_before_the_lock_and_not_kept(
    desk: Desk, story: Story
) -> None:
    scope = Scope(fields=("0611", "0612"), languages=("en-GB",))
    for granted in (
        msgspec.structs.replace(story.accredited(story.new_id()), scope=scope) for _ in range(2)
    ):
        checked = desk.gate.check(story.submission(story.accreditor, granted))
        (event,) = checked.submission.events
        assert isinstance(event, e.AccreditationGranted)
        assert event.scope is not None
        made = sets_of(event.scope)
        assert len(made._held) == len(made.names)
        (outcome,) = desk.gate._committer.commit([checked])
        assert isinstance(outcome, Recorded)
        assert made._held == {}


def test_a_bad_signature_of_one_who_enters_just_then_is_refused(desk: Desk, story: Story) -> None:
    newcomer, impostor = party("newcomer"), party("impostor")
    entering = story.submission(
        story.accreditor, story.registered(story.accreditor, newcomer, "provider")
    )
    desk.gate.check(entering)
    forged = replace(newcomer, key=impostor.key)
    with pytest.raises(Refusal, match="signature"):
        desk.gate.check(story.submission(forged, story.defined(story.new_id())))
    genuine = story.submission(newcomer, story.defined(story.new_id()))
    entered, recorded = desk.together(entering, genuine)
    assert isinstance(entered, Recorded)
    assert isinstance(recorded, Recorded)
    assert recorded.position == entered.position + 2


def test_a_gate_that_is_far_behind_catches_up_before_it_takes_the_lock(
    kept: Kept, desk: Desk, story: Story, watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Far in entries of the register: credentials of others are stepped over."""
    monkeypatch.setattr(committer, "_FAR_BEHIND", 2)
    with Desk(kept, story) as elsewhere:
        for _ in range(3):
            elsewhere.record(story.cohort(50))
            elsewhere.record(story.submission(story.provider, story.defined(story.new_id())))
        desk.record(story.cohort(1))
        # It looked how much there is, left the lock, and found nothing left to fold in the next.
        assert watched.folded == 3
        elsewhere.record(story.submission(story.provider, story.defined(story.new_id())))
        desk.record(story.cohort(1))
        assert watched.folded == 3 + 2
    desk.examine()


def test_under_the_lock_only_the_latest_of_a_history_is_read(
    kept: Kept, desk: Desk, story: Story, watched: Watched
) -> None:
    """What another process says in the last moment is judged all the same."""
    issued = story.issued()
    suspended = e.CredentialSuspended(credential=issued.credential, reason="misconduct")
    reinstated = e.CredentialReinstated(credential=issued.credential)
    revoked = e.CredentialRevoked(credential=issued.credential, reason="misconduct")
    desk.record(story.submission(story.provider, issued, suspended, reinstated))
    desk.record(story.submission(story.provider, suspended))
    assert watched.histories == 0

    with Desk(kept, story) as elsewhere:
        theirs = [
            story.submission(story.provider, *events)
            for events in ([reinstated], [story.issued()], [revoked])
        ]
        watched.before_the_lock = lambda: elsewhere.record(theirs.pop(0))
        desk.record(story.submission(story.provider, suspended))
        assert watched.histories == 1
        desk.record(story.submission(story.provider, suspended))
        assert watched.histories == 1
        assert desk.refuse(story.submission(story.provider, suspended)).rule == "transition"
        assert watched.histories == 2
    assert [version for version, _ in desk.stream(issued.credential)] == list(range(1, 9))
    desk.examine()


def test_what_was_sent_before_is_looked_up_before_the_lock(
    kept: Kept, desk: Desk, story: Story, watched: Watched
) -> None:
    """What another process records in the last moment is found all the same."""
    ours, theirs = story.cohort(1), story.cohort(1)
    recorded = desk.record(ours)
    assert desk.record(ours).repeated
    assert watched.asked_again == 0

    with Desk(kept, story) as elsewhere:
        watched.before_the_lock = lambda: elsewhere.record(theirs)
        again, found = desk.together(ours, theirs)
        assert watched.asked_again == 2
    assert isinstance(again, Recorded)
    assert isinstance(found, Recorded)
    assert again.position == recorded.position
    assert again.repeated
    assert found.repeated
    desk.examine()


def test_of_what_is_no_credential_one_entry_is_read(desk: Desk, story: Story) -> None:
    """An achievement of a thousand versions is named where a credential should be."""
    revised = e.AchievementRevised(
        achievement=story.achievement, definition=story.definition(), version=2
    )
    desk.record(story.submission(story.provider, revised))
    stream = UUID(story.achievement).bytes
    with desk.store.reading() as reading:
        (first,) = reading.streams([stream], "credential.issued/1")
    assert (first.version, first.topic) == (1, "achievement.defined/1")
    named = e.CredentialRevoked(credential=story.achievement, reason="misconduct")
    assert desk.refuse(story.submission(story.provider, named)).rule == "unknown-credential"


def test_a_submission_of_key_events_costs_no_more_than_the_rules_allow(
    desk: Desk, story: Story
) -> None:
    """It is counted before it is judged, and its size is refused before a key is made of it."""
    events = [story.key_listed(story.provider.with_key("again"))] * 20_000
    checked = desk.gate.check(story.submission(story.provider.founding, *events))
    begun = time.process_time()
    (outcome,) = desk.gate._committer.commit([checked])
    assert isinstance(outcome, Refusal)
    assert outcome.rule == "key-events"
    assert time.process_time() - begun < 0.5


def test_what_is_read_of_histories_is_bounded_by_what_a_submission_names(
    desk: Desk, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The submission that asks too much is refused, and spoils nothing for its group."""
    monkeypatch.setattr(known, "_BESIDES", 0)
    issued = [story.issued() for _ in range(3)]
    desk.record(story.submission(story.provider, *issued))
    suspended = [
        e.CredentialSuspended(credential=each.credential, reason="misconduct") for each in issued
    ]
    reinstated = [e.CredentialReinstated(credential=each.credential) for each in issued]
    for _ in range(2):
        desk.record(story.submission(story.provider, *suspended, *reinstated))
    watched = Watched(desk.gate._committer._store)
    monkeypatch.setattr(desk.gate._committer, "_store", watched)
    others = [story.cohort(1) for _ in range(31)]
    outcomes = desk.together(
        *others[:17], story.submission(story.provider, *suspended), *others[17:]
    )
    assert [getattr(one, "rule", "recorded") for one in outcomes] == [
        *["recorded"] * 17,
        "stream-length",
        *["recorded"] * 14,
    ]
    # The halves without it, of 16, 8, 4, 2 and 1: what is too much is found before the lock.
    assert watched.transactions == 5
    (refusal,) = desk.gate.dry_run(story.dry_run(story.provider, *suspended)).refusals
    assert refusal.rule == "stream-length"
    # Nobody can make a history so long that a credential cannot be revoked.
    for each in issued:
        revoked = e.CredentialRevoked(credential=each.credential, reason="misconduct")
        desk.record(story.submission(story.provider, revoked))


def test_under_the_lock_only_the_latest_of_what_a_key_said_is_asked(
    kept: Kept, desk: Desk, story: Story, watched: Watched
) -> None:
    """What another process records in the last moment falls with the rest."""
    since = desk.committed()
    for _ in range(4):
        desk.record(story.cohort(2))
    founding, ranges = story.provider.founding, ((since, since + 3),)
    with Desk(kept, story) as elsewhere:
        theirs = story.cohort(1)
        watched.before_the_lock = lambda: elsewhere.record(theirs)
        nothing = e.CredentialReinstated(credential=story.new_id())
        declared = story.key_compromised(story.provider, since)
        # As long as theirs, so the declaration comes to stand where it was foreseen.
        refused, fell = desk.together(
            story.submission(story.provider, nothing), story.submission(founding, declared)
        )
    assert isinstance(refused, Refusal)
    assert isinstance(fell, Recorded)
    assert fell.reach == Reach(fallen=Sums(issuances=4 * 2 + 1))
    assert watched.totals == 1  # below its own header, where the other process put something
    watched.before_the_lock = lambda: None
    declared = story.key_compromised(story.provider, since, ranges)
    returned = desk.record(story.submission(founding, declared))
    assert returned.reach == Reach(returned=Sums(issuances=4))
    assert watched.totals == 1
    desk.examine()
