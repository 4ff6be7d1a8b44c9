"""What answers hold decoded is bounded over all of them, and given back with the answer."""

from __future__ import annotations

import pytest

from projections.decoding import Decoding, Share
from projections.lookups import LookUps
from projections.too_long import TooLong
from testamur.catalogue.touched import History, Thing
from tests.harness.chronicle import Chronicle

KIB = 1024


def test_answers_under_way_hold_so_much_together_and_the_next_is_told_to_wait() -> None:
    decoding = Decoding(1024 * KIB)
    first, second = Share(decoding), Share(decoding)
    first.add(700 * KIB)
    with pytest.raises(TooLong, match="1048576 bytes"):
        second.add(400 * KIB)
    del first  # the answer was sent
    second.add(400 * KIB)


def test_a_small_answer_is_not_counted() -> None:
    decoding = Decoding(1024 * KIB)
    shares = [Share(decoding) for _ in range(100)]
    for share in shares:
        share.add(200 * KIB)


def test_look_ups_count_what_they_read(told: Chronicle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("projections.decoding._AT_ONCE", 0)
    monkeypatch.setattr("projections.decoding.ALL._most", 100)
    with told.answers() as connection, pytest.raises(TooLong):
        LookUps(connection, 10).history(Thing(History.KEYS, told.story.provider.did))
