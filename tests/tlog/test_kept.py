"""A file that was read is not fetched again, the checkpoint is, and what is held is bounded."""

from __future__ import annotations

import pytest

from testamur.tlog.kept import KeptSource
from testamur.tlog.source import NotFound


class Counted:
    """Holds files of ten bytes, and counts how often each is fetched."""

    at_once = 3

    def __init__(self) -> None:
        self.fetched: list[str] = []

    def fetch(self, path: str) -> bytes:
        self.fetched.append(path)
        if path == "nothing":
            raise NotFound(path)
        return path.encode().ljust(10)


def test_a_file_is_fetched_once_and_the_checkpoint_each_time() -> None:
    source = Counted()
    kept = KeptSource(source)
    for _ in range(3):
        assert kept.fetch("tile/0/000") == b"tile/0/000"
        assert kept.fetch("checkpoint") == b"checkpoint"
    assert source.fetched == ["tile/0/000", *["checkpoint"] * 3]
    assert kept.at_once == 3


def test_the_file_that_was_not_read_for_longest_goes_first() -> None:
    source = Counted()
    kept = KeptSource(source, at_most=20)
    for path in ("a", "b", "a", "c", "a", "b"):
        kept.fetch(path)
    assert source.fetched == ["a", "b", "c", "b"]


def test_a_file_that_is_larger_than_the_bound_is_not_held() -> None:
    source = Counted()
    kept = KeptSource(source, at_most=9)
    assert [kept.fetch("a"), kept.fetch("a")] == [b"a".ljust(10)] * 2
    assert source.fetched == ["a", "a"]


def test_what_is_not_there_is_asked_for_again() -> None:
    source = Counted()
    kept = KeptSource(source)
    for _ in range(2):
        with pytest.raises(NotFound):
            kept.fetch("nothing")
    assert source.fetched == ["nothing", "nothing"]
