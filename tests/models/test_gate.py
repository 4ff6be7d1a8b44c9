"""Every interleaving of gates over one store, and what each guard is for."""

from __future__ import annotations

from typing import Any, Final

import pytest

from tests.models.explore import explore
from tests.models.gate import DECLARES, PLAIN, SIGNED, Gate, Guard

ONCE: Final = ((PLAIN, 1), (DECLARES, 1), (SIGNED, 1))
TWICE: Final = ((PLAIN, 2), (DECLARES, 1))
ORDERED: Final = ((DECLARES, 1), (SIGNED, 1))
QUIET: Final = {"sends": ONCE, "crashes": 0, "cuts": 0}
AGAIN: Final = {"sends": ((PLAIN, 2),), "crashes": 0, "cuts": 0}
CUT: Final = {"sends": ONCE, "crashes": 0, "cuts": 1}
STOPPED: Final = {"sends": ((PLAIN, 1),), "crashes": 0, "cuts": 0, "restarts": 1}


@pytest.mark.slow
@pytest.mark.parametrize(
    "bounds",
    [
        {"sends": ONCE, "crashes": 1, "cuts": 1},
        {"sends": ONCE, "crashes": 0, "cuts": 0, "restarts": 1},
        {"sends": TWICE, "crashes": 1, "cuts": 1},
        {"sends": ORDERED, "crashes": 2, "cuts": 2, "restarts": 1},
        {"sends": ((PLAIN, 3),), "processes": 3, "crashes": 0, "cuts": 1},
    ],
    ids=["killed-and-cut", "server-restarted", "sent-again", "everything", "three-processes"],
)
def test_no_interleaving_of_processes_and_faults_breaks_a_promise(bounds: dict[str, Any]) -> None:
    found = explore(Gate(**bounds))
    assert found.violation is None, str(found.violation)
    assert found.states > 1_000


@pytest.mark.parametrize(
    ("without", "bounds", "promise"),
    [
        ((Guard.LOCK,), QUIET, "a sound store is never called damaged"),
        ((Guard.LOCK, Guard.POSITION_INDEX), QUIET, "gapless"),
        ((Guard.LOCK_UNTIL_COMMIT,), QUIET, "a sound store is never called damaged"),
        ((Guard.READ_AFTER_LOCK,), QUIET, "rules are judged as of the position"),
        ((Guard.FROM_HEAD,), CUT, "gapless"),
        ((Guard.LOOK_UP,), AGAIN, "a sound store is never called damaged"),
        ((Guard.LOOK_UP, Guard.STREAM_INDEX), AGAIN, "a submission is recorded once"),
        ((Guard.ANSWER_AFTER_COMMIT,), QUIET, "what was acknowledged is where"),
        ((Guard.ASK_AFTER_LOSS,), CUT, "what was acknowledged is where"),
        ((Guard.NOT_THERE_IS_UNKNOWN,), CUT, "who was told that nothing was recorded"),
        ((Guard.ABSORB_AFTER_COMMIT,), CUT, "a refusal is true"),
        ((Guard.DURABLE,), STOPPED, "what was acknowledged is where"),
        ((Guard.POLL, Guard.WAKE_AGAIN), CUT, "progress"),
    ],
    ids=lambda value: "+".join(g.name for g in value) if isinstance(value, tuple) else "",
)
def test_without_a_guard_a_promise_breaks(
    without: tuple[Guard, ...], bounds: dict[str, Any], promise: str
) -> None:
    found = explore(Gate(*without, **bounds))
    assert found.violation is not None, f"nothing needs {without}"
    assert found.violation.promise.startswith(promise), str(found.violation)


@pytest.mark.parametrize(
    "second",
    [Guard.POSITION_INDEX, Guard.STREAM_INDEX, Guard.WAKE_AGAIN, Guard.POLL],
    ids=lambda guard: guard.name,
)
def test_a_second_line_is_needed_only_when_the_first_has_failed(second: Guard) -> None:
    found = explore(Gate(second, sends=((PLAIN, 2),), crashes=0, cuts=1))
    assert found.violation is None, str(found.violation)
