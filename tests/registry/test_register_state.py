"""The register that the gate decides by: folded from the entries, shared with readers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
from msgspec.structs import replace

from registry import register_state
from registry.gate import Gate
from registry.shared_register import SharedRegister
from registry.store import Reading, Store
from testamur.catalogue import events as e
from testamur.errors import Unavailable
from testamur.rules import Register
from tests.harness.gates import OPENING, Desk, other_provider
from tests.harness.stores import Kept
from tests.harness.story import Story


def test_a_start_folds_the_register_that_the_gate_came_to(kept: Kept, story: Story) -> None:
    """With everything that was said, counting or not, in the order in which it came."""
    with Desk(kept, story) as desk:
        desk.open_log()
        every_kind_of_change(desk)
        latest = desk.gate._committer.register
        before = copied(latest)
        assert desk.register() == before
        desk.examine()
    with Desk(kept, story) as desk:
        assert copied(desk.gate._committer.register) == before


@pytest.mark.slow
@pytest.mark.parametrize("at_once", range(65, 74))
def test_a_register_read_in_pieces_is_the_same(
    desk: Desk, story: Story, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    """A piece may end within a submission; one of key events is folded whole."""
    provider, keys = story.provider, [story.provider.with_key(f"k{at}") for at in range(8)]
    desk.record(
        story.submission(provider, *(story.defined(story.new_id()) for _ in range(at_once - 15)))
    )
    desk.record(story.submission(provider.founding, *map(story.key_listed, keys)))
    desk.record(
        story.submission(provider.founding, *(story.key_compromised(key, 10) for key in keys))
    )
    desk.record(story.submission(provider, *(story.defined(story.new_id()) for _ in range(150))))
    whole = desk.register()
    monkeypatch.setattr(register_state, "_AT_ONCE", at_once)
    assert desk.register() == whole == copied(desk.gate._committer.register)


def test_a_start_steps_over_credentials(desk: Desk, story: Story) -> None:
    desk.record(story.cohort(300))
    desk.record(story.submission(story.provider, story.issued(), story.defined(story.new_id())))
    asked = Asked(desk.store)
    with asked.reading() as reading:
        register = register_state.load(reading)
    assert register == desk.register()
    assert asked.entries == desk.committed() - 301 - 2 - 4  # headers and credentials


def test_texts_and_submissions_are_shared_by_all_that_name_them(desk: Desk, story: Story) -> None:
    """A register is mostly names of the same organizations and keys."""
    first, second = story.new_id(), story.new_id()
    desk.record(story.submission(story.provider, story.defined(first), story.defined(second)))
    for register in (desk.register(), desk.gate._committer.register):
        provider = register.organizations[story.provider.did]
        one, other = register.achievements[first], register.achievements[second]
        assert one.owner is other.owner is provider.did
        assert one.definitions[0].signed is other.definitions[0].signed
        assert one.definitions[0].signed.key is provider.keys.keys[story.provider.key_id].key
        assert one.definitions[0].facets is other.definitions[0].facets


def test_two_gates_on_one_store_know_of_each_other(kept: Kept, desk: Desk) -> None:
    story = desk.story
    with Desk(kept, story) as elsewhere:
        newcomer = other_provider(elsewhere)
        achievement = story.new_id()
        desk.record(story.submission(newcomer, story.defined(achievement)))
        issued = story.issued(achievement=achievement, accredited=False)
        elsewhere.record(story.submission(newcomer, issued))
        body = story.submission(
            newcomer, e.CredentialRevoked(credential=issued.credential, reason="misconduct")
        )
        recorded = desk.record(body)
        assert elsewhere.record(body) == replace(recorded, repeated=True)
        assert desk.committed() == elsewhere.committed() == OPENING + 8
        assert copied(desk.gate._committer.register) == desk.register()
    desk.examine()


class Interrupted:
    """A store to which another gate appends after every question of a reading."""

    def __init__(self, store: Store, meanwhile: Callable[[], object]) -> None:
        self._store = store
        self._meanwhile = meanwhile

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    @contextmanager
    def reading(self) -> Iterator[Any]:
        """Enter a reading of which every method ends in an append."""
        with self._store.reading() as reading:
            yield _InterruptedReading(reading, self._meanwhile)


class _InterruptedReading:
    def __init__(self, reading: Reading, meanwhile: Callable[[], object]) -> None:
        self._reading = reading
        self._meanwhile = meanwhile

    def __getattr__(self, name: str) -> Any:
        def ask(*values: Any, **options: Any) -> Any:
            answer = getattr(self._reading, name)(*values, **options)
            self._meanwhile()
            return answer

        return ask


class Asked(Interrupted):
    """A store of which every entry of the register that is read is counted."""

    def __init__(self, store: Store) -> None:
        super().__init__(store, lambda: None)
        self.entries = 0

    @contextmanager
    def reading(self) -> Iterator[Any]:
        """Enter a reading that counts."""
        with self._store.reading() as reading:
            read = reading.register_entries

            def register_entries(first: int, limit: int) -> Any:
                found = read(first, limit)
                self.entries += len(found)
                return found

            reading.register_entries = register_entries  # type: ignore[method-assign]  # to count
            yield reading


def test_what_others_append_while_a_gate_opens_is_no_damage(kept: Kept, desk: Desk) -> None:
    """Head, submissions and entries are asked for one after the other, as of one moment."""
    story = desk.story

    with closing(kept.open()) as store:
        interrupted: Any = Interrupted(store, lambda: desk.record(story.cohort(1)))
        late = Gate(interrupted, log_key=story.log_key.public, settled=lambda _: None)
        assert OPENING == late._committer.register.size < desk.committed()
        late.close()
    desk.record(story.cohort(1))


def every_kind_of_change(desk: Desk) -> None:
    """Add and replace something in every mapping of the register."""
    story, authority, accreditor, provider = (
        desk.story,
        desk.story.authority,
        desk.story.accreditor,
        desk.story.provider,
    )
    revised = e.AchievementRevised(
        achievement=story.achievement, definition=story.definition(), version=2
    )
    withdrawn = e.RecognitionWithdrawn(recognition=story.recognition, reason="voluntary")
    suspended = e.AccreditationSuspended(accreditation=story.accreditation, reason="misconduct")
    fresh = provider.with_key("k2")
    promoted = story.recognised(story.new_id(), as_="authority")
    for signer, events in (
        (provider.founding, (story.key_listed(fresh), story.key_listed(provider.with_key("k3")))),
        (provider, (revised, story.defined(story.new_id()), story.issued(), story.updated())),
        (authority, (withdrawn, story.recognised(story.new_id()), promoted)),
        (accreditor, (suspended, story.accredited(story.new_id()))),
        (accreditor, (story.succeeded(provider, accreditor),)),
        (provider.founding, (story.key_compromised(provider, desk.committed()),)),
        (fresh, (story.defined(story.new_id()),)),
    ):
        desk.record(story.submission(signer, *events))
    other_provider(desk)


def copied(register: Register) -> Register:
    """Return what a view of a register shows, in mappings of its own."""
    mappings: dict[str, Any] = {
        name: {key: states[key] for key in states} for name, states in register.mappings().items()
    }
    return Register(register.origin, register.size, register.recorded_at, **mappings)


def test_a_register_in_use_is_never_changed(desk: Desk) -> None:
    """Other threads read it without a lock, while the gate goes on."""
    held = desk.gate._committer.register
    before = copied(held)
    every_kind_of_change(desk)
    between = desk.gate._committer.register
    kept = copied(between)
    assert kept != before
    fresh = desk.story.provider.with_key("k2")
    desk.record(desk.story.submission(fresh, desk.story.defined(desk.story.new_id())))
    assert (copied(held), copied(between)) == (before, kept)
    with pytest.raises(TypeError, match="change it in a draft"):
        held.claimed["it"] = "changed"


def test_what_is_not_durable_is_seen_by_nobody(kept: Kept, story: Story) -> None:
    """A COMMIT that fails leaves the register that others read as it was."""
    with Desk(kept, story).open_log() as desk:
        before = copied(desk.register())

        def commit(_: object) -> None:
            raise Unavailable("the disk is gone")

        with desk.store.writing() as transaction:
            driver = type(transaction)
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(driver, "commit", commit)
            outcome = desk.submit(story.submission(story.provider, story.defined(story.new_id())))
        assert isinstance(outcome, Unavailable)
        assert copied(desk.gate._committer.register) == before


def test_a_view_reads_the_same_however_it_falls_between_the_steps_of_a_change() -> None:
    """What is replaced goes to the versions before it is replaced, never after."""
    seen: list[object] = []

    class Watched(dict[str, Any]):
        def update(self, *others: Any, **named: Any) -> None:
            seen.append(view.claimed.get("a"))
            super().update(*others, **named)
            seen.append(view.claimed.get("a"))

    register = Register(claimed=Watched(a="before"))
    shared = SharedRegister(register)
    view = shared.latest
    draft = shared.draft()
    draft.claimed.update({"a": "after", "b": "new"})
    shared.absorb(draft)
    assert seen == ["before", "before"]
    assert (view.claimed.get("b"), "b" in view.claimed) == (None, False)
    assert (shared.latest.claimed["a"], shared.latest.claimed["b"]) == ("after", "new")
