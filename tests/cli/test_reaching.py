"""What a declaration changes is said in words that its signer understands."""

from __future__ import annotations

import pytest

from testamur.cli.reaching import did, would
from testamur.rules.reach import Reach, Sums


@pytest.mark.parametrize(
    ("reach", "words"),
    [
        (Reach(), "would take back nothing"),
        (Reach(Sums(12, 1, 3)), "would take back 12 issuances, 1 grant, 3 endings"),
        (Reach(Sums(1, 0, 1)), "would take back 1 issuance, 1 ending"),
        (Reach(Sums(), Sums(2)), "would let 2 issuances count again"),
        (
            Reach(Sums(0, 2000), Sums(0, 0, 1)),
            "would take back 2,000 grants and let 1 ending count again",
        ),
    ],
)
def test_sums_are_told_without_those_that_are_0(reach: Reach, words: str) -> None:
    assert would(reach) == words


def test_what_was_done_is_told_as_done() -> None:
    assert did(Reach(Sums(12, 1, 3))) == "took back 12 issuances, 1 grant, 3 endings"
    assert did(Reach(Sums(1), Sums(2))) == "took back 1 issuance and let 2 issuances count again"
