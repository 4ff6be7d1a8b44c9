"""The last signed checkpoint in PostgreSQL: a claim that is a lease, and a fence behind it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from log.last_signed import Overtaken
from log.postgres import PostgresLastSigned
from log.store import FileDamage
from registry.postgres.address import Address
from testamur.errors import Unavailable
from tests.harness import postgres
from tests.harness.waiting import until

pytestmark = pytest.mark.postgres

ROOT = Path(__file__).resolve().parents[2]
LEASE = 1.5
CUT = """
    SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted
    AND classid = 2121507592 AND objid = 'published'::regclass::oid
"""
Open = Callable[[], PostgresLastSigned]


@pytest.fixture
def url(tmp_path: Path) -> str:
    return postgres.address(tmp_path)


@pytest.fixture
def opened(url: str) -> Iterator[Open]:
    """Give a function that opens the note as another process would."""
    with ExitStack() as stack:

        def open_one() -> PostgresLastSigned:
            one = PostgresLastSigned(Address.parse(url).connect, lease=LEASE)
            return stack.enter_context(closing(one))

        yield open_one


def claimed(publisher: PostgresLastSigned) -> bool:
    try:
        publisher.claim()
    except Unavailable:
        return False
    return True


def test_the_last_signed_note_survives_its_process(opened: Open) -> None:
    first = opened()
    first.compare_and_swap(None, b"one")
    first.close()
    assert opened().get() == b"one"


def test_of_many_that_replace_the_same_note_one_succeeds(opened: Open) -> None:
    publishers = [opened() for _ in range(6)]

    def replaced(number: int) -> bytes | None:
        note = b"note %d" % number
        try:
            publishers[number].compare_and_swap(None, note)
        except Overtaken:
            return None
        return note

    with ThreadPoolExecutor(6) as threads:
        outcomes = list(threads.map(replaced, range(6)))
    assert [note for note in outcomes if note is not None] == [publishers[0].get()]


def test_a_second_publisher_cannot_claim_the_log_until_the_first_lets_go(opened: Open) -> None:
    first, second = opened(), opened()
    first.claim()
    first.claim()  # it is its own already
    with pytest.raises(Unavailable, match="another publisher"):
        second.claim()
    assert second.get() is None  # reading needs no claim
    first.release()
    second.claim()
    assert not claimed(first)
    second.close()
    assert claimed(first)


def test_a_claim_outlives_its_lease_while_its_process_is_there(opened: Open) -> None:
    first, second = opened(), opened()
    first.claim()
    until_over = time.monotonic() + 2 * LEASE
    until(lambda: time.monotonic() > until_over)
    assert not claimed(second)
    first.compare_and_swap(None, b"one")


def test_who_claimed_the_log_later_is_the_only_one_to_sign(url: str, opened: Open) -> None:
    """The first one's session is cut: the lock is gone, and it does not know."""
    first, second = opened(), opened()
    first.claim()
    first.compare_and_swap(None, b"one")
    assert postgres.sql(url, CUT)
    until(lambda: claimed(second))
    for _ in range(2):
        with pytest.raises((Overtaken, Unavailable)):
            first.compare_and_swap(b"one", b"first's")
    assert second.get() == b"one"
    second.compare_and_swap(b"one", b"two")
    assert not claimed(first)


def test_a_claim_that_was_cut_and_taken_by_nobody_is_taken_anew(url: str, opened: Open) -> None:
    first = opened()
    first.claim()
    assert postgres.sql(url, CUT)
    until(lambda: claimed(first))
    first.compare_and_swap(None, b"one")


def test_a_note_is_replaced_in_the_session_that_holds_the_lock_alone(
    url: str, opened: Open
) -> None:
    """Nobody else claimed the log, but the lock is free: another may be about to."""
    first, second = opened(), opened()
    first.claim()
    first.compare_and_swap(None, b"one")
    assert postgres.sql(url, CUT)
    with pytest.raises(Unavailable):
        first.compare_and_swap(b"one", b"two")
    assert first.get() == b"one"  # in a new session
    with pytest.raises(Unavailable, match="the session that held the claim is gone"):
        first.compare_and_swap(b"one", b"two")
    second.claim()
    assert not claimed(first)
    with pytest.raises(Unavailable, match="the session that held"):
        first.compare_and_swap(b"one", b"two")
    second.release()
    first.claim()
    first.compare_and_swap(b"one", b"two")
    assert second.get() == b"two"


STOPPED = """
import sys
from log.postgres import PostgresLastSigned
from registry.postgres.address import Address
mine = PostgresLastSigned(Address.parse(sys.argv[1]).connect, lease=float(sys.argv[2]))
mine.claim()
mine.compare_and_swap(None, b"one")
print("claimed", flush=True)
sys.stdin.readline()
try:
    mine.compare_and_swap(b"one", b"the stopped one's")
except Exception as error:
    print(type(error).__name__, flush=True)
else:
    print("signed", flush=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGSTOP, signal.SIGKILL])
def test_a_publisher_that_is_stopped_or_dies_is_succeeded_within_three_seconds(
    url: str, opened: Open, how: signal.Signals
) -> None:
    """A stopped one keeps its connection, and its lock with it, until the lease is over."""
    with subprocess.Popen(
        [sys.executable, "-c", STOPPED, url, str(LEASE)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as first:
        assert first.stdin is not None
        assert first.stdout is not None
        assert first.stdout.readline() == "claimed\n"
        second = opened()
        assert not claimed(second)
        os.kill(first.pid, how)
        began = time.monotonic()
        until(lambda: claimed(second))
        assert time.monotonic() - began < LEASE + 2
        second.compare_and_swap(b"one", b"two")
        if how == signal.SIGSTOP:
            os.kill(first.pid, signal.SIGCONT)
            first.stdin.write("\n")
            first.stdin.flush()
            assert first.stdout.readline() in ("Overtaken\n", "Unavailable\n")
    assert second.get() == b"two"


def test_a_note_that_is_lost_is_damage_and_not_a_new_log(url: str, opened: Open) -> None:
    first = opened()
    first.compare_and_swap(None, b"one")
    postgres.sql(url, "DELETE FROM published")
    for ask in (first.get, first.claim, lambda: first.compare_and_swap(b"one", b"two"), opened):
        with pytest.raises(FileDamage, match="last-signed: malformed: "):
            ask()


def test_a_database_that_is_away_is_unavailable(opened: Open, url: str) -> None:
    first = opened()
    first.claim()
    postgres.sql(url, "ALTER TABLE published RENAME TO gone")
    with pytest.raises(FileDamage):
        first.get()
    postgres.sql(url, "ALTER TABLE gone RENAME TO published")
    with pytest.raises(Unavailable, match="cannot be reached"):
        PostgresLastSigned(Address.parse("postgresql://nobody@127.0.0.1:1/log").connect)
    assert first.get() is None
