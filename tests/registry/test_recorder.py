"""The recorder of `eventsourcing` over any store: what the library expects of one."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar
from uuid import UUID, uuid4

import pytest
from eventsourcing import cryptography
from eventsourcing.persistence import StoredEvent

from registry.recorder import SequenceRecorder
from registry.store import StorageDamaged
from testamur.errors import Refuted
from tests.harness.stores import DRIVERS, Kept
from tests.harness.writing_recorder import WritingRecorder

with pytest.MonkeyPatch.context() as patch:
    # The library's test cases import its AES cipher in the make that needs pycryptodome; this
    # is the same class on the package that we have.
    patch.setitem(sys.modules, "eventsourcing.cipher", cryptography)
    from eventsourcing.tests.persistence import ApplicationRecorderTestCase


class LibrarysPromises(ApplicationRecorderTestCase[WritingRecorder]):
    """The library's own promises. `AggregateRecorderTestCase` is not among them: it wants a
    recorder without notification ids, and there is none here; what else it asks is below.
    """

    driver: ClassVar[str]

    def create_recorder(self) -> WritingRecorder:
        """Return a recorder on a fresh store."""
        folder = TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        store = Kept(self.driver, Path(folder.name)).open()
        self.addCleanup(store.close)
        return WritingRecorder(store)

    def test_insert_subscribe(self) -> None:
        """Subscriptions, which the library's own SQLite recorder has not."""
        self.optional_test_insert_subscribe()


for _driver in DRIVERS:
    _name = f"TestLibraryRecorder_{_driver}"
    _tests = type(_name, (LibrarysPromises,), {"driver": _driver})
    globals()[_name] = pytest.mark.postgres(_tests) if _driver == "postgres" else _tests

# The bases are abstract, and unittest would collect them here as well.
del ApplicationRecorderTestCase, LibrarysPromises, _tests


@pytest.fixture
def recorder(kept: Kept) -> Iterator[WritingRecorder]:
    with closing(kept.open()) as store:
        yield WritingRecorder(store)


def stored(stream: UUID | None = None, version: int = 1, state: bytes = b"state") -> StoredEvent:
    return StoredEvent(stream or uuid4(), version, "topic", state)


def test_the_recorder_of_the_product_writes_nothing(recorder: WritingRecorder) -> None:
    with pytest.raises(Refuted, match="1 events without a signature"):
        SequenceRecorder(recorder.store).insert_events([stored()])
    assert recorder.max_notification_id() is None


def test_an_event_comes_with_its_place(recorder: WritingRecorder) -> None:
    stream, state = uuid4(), bytes(range(256))
    recorder.insert_events([stored(), stored(stream, state=state)])
    (found,) = recorder.select_events(stream)
    assert (found.originator_id, found.state, found.id) == (stream, state, 2)


def test_streams_can_be_read_in_part_and_backwards(recorder: WritingRecorder) -> None:
    stream = uuid4()
    recorder.insert_events([stored(stream, version) for version in (1, 2, 3, 4)])
    recorder.insert_events([stored()])

    def versions(**options: Any) -> list[int]:
        return [event.originator_version for event in recorder.select_events(stream, **options)]

    assert versions() == [1, 2, 3, 4]
    assert versions(gt=1, lte=3) == [2, 3]
    assert versions(desc=True, limit=1) == [4]
    assert versions(gt=4) == []


def test_streams_not_named_by_uuids_are_refused(recorder: WritingRecorder) -> None:
    with pytest.raises(ValueError, match="badly formed"):
        recorder.select_events("a name")


# --- Subscriptions ---


def test_a_subscription_sees_what_another_process_wrote(
    kept: Kept, recorder: WritingRecorder
) -> None:
    """A store need not tell of it; the subscription looks for itself."""
    with closing(kept.open()) as store, recorder.subscribe(gt=0) as subscription:
        WritingRecorder(store).insert_events([stored(state=b"1"), stored(state=b"2")])
        assert [next(subscription).state, next(subscription).state] == [b"1", b"2"]


def test_a_subscription_misses_nothing_while_many_write(recorder: WritingRecorder) -> None:
    with recorder.subscribe() as subscription:
        with ThreadPoolExecutor(4) as threads:
            for _ in range(40):
                threads.submit(recorder.insert_events, [stored() for _ in range(7)])
        seen = [next(subscription).id for _ in range(280)]
    assert seen == list(range(1, 281))


def test_a_subscription_hands_over_the_error_that_ended_it(
    kept: Kept, recorder: WritingRecorder
) -> None:
    recorder.insert_events([stored()])
    with recorder.subscribe() as subscription:
        next(subscription)
        kept.sql("ALTER TABLE entries RENAME TO gone")
        with pytest.raises(StorageDamaged, match="entries"):
            next(subscription)
