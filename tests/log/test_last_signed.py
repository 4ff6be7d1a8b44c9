"""What every driver of the last signed note must do; a new driver is added to `DRIVERS`."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from log.last_signed import LastSignedStore, Overtaken
from log.sqlite import SqliteLastSigned
from tests.harness.simulators import MemoryLastSigned


def in_postgres(path: Path) -> LastSignedStore:
    """Return one in the cluster that all tests share, in a schema of its own."""
    from log.postgres import PostgresLastSigned
    from registry.postgres.address import Address
    from tests.harness import postgres

    return PostgresLastSigned(Address.parse(postgres.address(path)).connect)


DRIVERS: dict[str, Callable[[Path], LastSignedStore]] = {
    "sqlite": SqliteLastSigned,
    "memory": lambda _: MemoryLastSigned(),
    "postgres": in_postgres,
}
MARKED = ["sqlite", "memory", pytest.param("postgres", marks=pytest.mark.postgres)]


@pytest.fixture(params=MARKED)
def last_signed(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LastSignedStore]:
    opened = DRIVERS[request.param](tmp_path / "last-signed.db")
    yield opened
    if not isinstance(opened, MemoryLastSigned):
        opened.close()  # type: ignore[attr-defined]  # drivers that keep something open


def test_there_is_no_note_before_the_first(last_signed: LastSignedStore) -> None:
    assert last_signed.get() is None


@pytest.mark.parametrize("old", [None, b"", b"zero", b"one "])
def test_only_the_note_that_is_stored_can_be_replaced(
    last_signed: LastSignedStore, old: bytes | None
) -> None:
    last_signed.compare_and_swap(None, b"one")
    with pytest.raises(Overtaken):
        last_signed.compare_and_swap(old, b"two")
    assert last_signed.get() == b"one"
    last_signed.compare_and_swap(b"one", b"two")  # the refusal left no transaction open
    assert last_signed.get() == b"two"


def test_nothing_can_be_replaced_before_the_first_note(last_signed: LastSignedStore) -> None:
    with pytest.raises(Overtaken):
        last_signed.compare_and_swap(b"zero", b"one")
    assert last_signed.get() is None


def test_of_many_threads_that_replace_the_same_note_one_succeeds(
    last_signed: LastSignedStore,
) -> None:
    replaced: list[bytes] = []

    def race(note: bytes) -> None:
        try:
            last_signed.compare_and_swap(None, note)
        except Overtaken:
            return
        replaced.append(note)

    notes = [b"note %d" % number for number in range(8)]
    threads = [threading.Thread(target=race, args=(note,)) for note in notes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert replaced == [last_signed.get()]


def test_a_claim_may_be_taken_again_by_its_holder_and_given_up_twice(
    last_signed: LastSignedStore,
) -> None:
    for _ in range(2):
        last_signed.claim()
        last_signed.claim()
        last_signed.release()
        last_signed.release()
