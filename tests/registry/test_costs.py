"""What an event costs inside the write lock: never the size of the register, never a signature."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import msgspec
import pytest

from registry import committer
from registry.gate import Overloaded, Recorded
from registry.store import StateRow
from testamur.catalogue import events as e
from testamur.catalogue.members import Scope
from testamur.errors import Refusal
from testamur.keys import PublicKey
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
        self.states: list[StateRow] = []
        self.submissions_read = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    @contextmanager
    def writing(self) -> Iterator[Any]:
        """Enter a transaction that is watched."""
        with self._store.writing() as transaction:
            self.locked = True
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

    def save_states(self, rows: list[StateRow]) -> None:
        self._watched.states += rows
        self._transaction.save_states(rows)

    def submissions_from(self, position: int, limit: int) -> Any:
        found = self._transaction.submissions_from(position, limit)
        self._watched.submissions_read += len(found)
        return found


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
    newcomer, fresh = party("newcomer"), provider.with_key("k2")
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
        (authority, [recognised]),
        (provider, [story.key_added(provider, fresh), defined, revised, one, two]),
        (provider, [suspended, e.CredentialReinstated(credential=one.credential)]),
        (
            provider,
            [
                e.CredentialSuperseded(credential=one.credential, successor=two.credential),
                e.CredentialRevoked(credential=two.credential, reason="misconduct"),
                e.AchievementRetired(achievement=defined.achievement),
                e.OrganizationUpdated(country="NL", name="Renamed", organization=provider.did),
                e.KeyRetired(key="k2", organization=provider.did),
            ],
        ),
        (
            accreditor,
            [
                e.AccreditationSuspended(accreditation=accreditation, reason="misconduct"),
                e.AccreditationReinstated(accreditation=accreditation),
                e.AccreditationWithdrawn(accreditation=accreditation, reason="misconduct"),
                e.OrganizationClosed(organization=newcomer.did),
            ],
        ),
        (
            authority,
            [e.RecognitionWithdrawn(recognition=recognised.recognition, reason="voluntary")],
        ),
        (provider, [e.KeyCompromised(key="k2", organization=provider.did, since=20)]),
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


def test_what_is_stored_of_the_register_is_what_a_group_changed(
    desk: Desk, story: Story, watched: Watched
) -> None:
    many = [story.defined(story.new_id()) for _ in range(200)]
    desk.record(story.submission(story.provider, *many))
    assert len(watched.states) == 200 + 1
    watched.states.clear()
    desk.record(story.submission(story.provider, story.issued(), story.defined(story.new_id())))
    assert [kind for kind, _, _ in watched.states] == ["achievements", "head"]
    watched.states.clear()
    desk.record(story.cohort(5))
    assert watched.states == []


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
    then = story.submission(third, story.key_added(third, third.with_key("k2")))
    outcomes = desk.together(entering, story.cohort(1), at_once, then, then)
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
    forged = story.submission(
        Party(newcomer.did, impostor.key, newcomer.key_id), story.defined(story.new_id())
    )
    genuine = story.submission(newcomer, story.defined(story.new_id()))
    entered, refused, recorded = desk.together(entering, forged, genuine)
    assert isinstance(entered, Recorded)
    assert isinstance(refused, Refusal)
    assert refused.rule == "signature"
    assert isinstance(recorded, Recorded)
    assert recorded.position == entered.position + 2


def test_one_who_enters_just_then_with_many_new_keys_sends_again(
    desk: Desk, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The committer's thread is everybody's: so many signatures are for the sender's own."""
    monkeypatch.setattr(committer, "_NEW_KEYS", 2)
    sponsor = party("an accreditor")
    entering = story.submission(
        story.authority, story.registered(story.authority, sponsor, "accreditor")
    )
    crowd = [story.registered(sponsor, party(f"p{number}"), "provider") for number in range(3)]
    body = story.submission(sponsor, *crowd)
    entered, later = desk.together(entering, body)
    assert isinstance(entered, Recorded)
    assert isinstance(later, Overloaded)
    desk.record(body)


def test_a_gate_that_is_far_behind_catches_up_before_it_takes_the_lock(
    kept: Kept, desk: Desk, story: Story, watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(committer, "_FAR_BEHIND", 4)
    with Desk(kept, story) as elsewhere:
        for _ in range(3):
            elsewhere.record(story.cohort(1))
            elsewhere.record(story.submission(story.provider, story.defined(story.new_id())))
        desk.record(story.cohort(1))
        assert watched.submissions_read == 0
        elsewhere.record(story.cohort(1))
        desk.record(story.cohort(1))
        assert watched.submissions_read == 1
    desk.examine()
