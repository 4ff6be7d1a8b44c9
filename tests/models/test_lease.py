"""Every interleaving of publishers of one log, and what each guard is for."""

from __future__ import annotations

from typing import Any, Final

import pytest

from tests.models.explore import explore
from tests.models.lease import Guard, Lease

PLAIN: Final[dict[str, Any]] = {}
STOPPED: Final = {"crashes": 0, "stops": 1}
SET_BACK: Final = {"crashes": 0, "size": 3, "restores": True}


@pytest.mark.slow
@pytest.mark.parametrize(
    "bounds",
    [
        {"cuts": 1},
        {"cuts": 2, "stops": 1, "crashes": 0},
        {"publishers": 3, "crashes": 0, "stops": 1},
        {"lies": True},
        {**SET_BACK, "size": 2},
        {"cuts": 0, "lies": True, "restores": True, "size": 1, "publishers": 3},
    ],
    ids=[
        "killed-and-cut-off",
        "stopped",
        "three-publishers",
        "lying-source",
        "set-back",
        "set-back-and-lying",
    ],
)
def test_no_interleaving_of_publishers_and_faults_breaks_a_promise(bounds: dict[str, Any]) -> None:
    found = explore(Lease(**bounds))
    assert found.violation is None, str(found.violation)
    assert found.states > 1_000


@pytest.mark.parametrize(
    ("without", "bounds", "promise"),
    [
        (Guard.LOCK, PLAIN, "one publisher at a time holds the claim"),
        (Guard.LEASE, STOPPED, "progress"),
        (Guard.EPOCH, PLAIN, "nobody signs after a successor has claimed the log"),
        (Guard.COMPARE, SET_BACK, "each signed checkpoint extends the one before"),
        (Guard.CLAIM_BEFORE_READ, PLAIN, "who is told of another publisher has met one"),
        (Guard.TILES_BEFORE_SIGNING, PLAIN, "what is signed is there"),
        (Guard.SWAP_BEFORE_PUBLISHING, PLAIN, "what is public was signed and stored before"),
        (Guard.RESUME_PUBLISHES, PLAIN, "progress"),
        (Guard.IF_MATCH, PLAIN, "the public checkpoint never goes back"),
        (Guard.NO_RETRY, PLAIN, "who is told of another publisher has met one"),
        (Guard.FROM_THE_FUTURE, SET_BACK, "the public checkpoint never goes back"),
    ],
    ids=lambda value: value.name if isinstance(value, Guard) else "",
)
def test_without_a_guard_a_promise_breaks(
    without: Guard, bounds: dict[str, Any], promise: str
) -> None:
    found = explore(Lease(without, **bounds))
    assert found.violation is not None, f"nothing needs {without}"
    assert found.violation.promise.startswith(promise), str(found.violation)


def test_of_epoch_and_comparison_one_is_enough_against_a_second_history() -> None:
    lying: dict[str, Any] = {"cuts": 1, "crashes": 0, "lies": True}
    assert explore(Lease(Guard.COMPARE, **lying)).violation is None
    found = explore(Lease(Guard.COMPARE, Guard.EPOCH, **lying))
    assert found.violation is not None


def test_a_store_that_replaces_any_checkpoint_may_go_back_and_stay_there() -> None:
    """Then the successor has published everything, and has nothing to do."""
    found = explore(Lease(Guard.IF_MATCH, backwards=True))
    assert found.violation is not None
    assert found.violation.promise.startswith("progress")
    assert found.violation.trace[-1] in (
        "publishes",
        "a checkpoint nobody waits for arrives",
    )
