"""A process that submits cohorts to a gate and says what was acknowledged; some get killed.

    python -m tests.harness.writing_process DRIVER FOLDER SERIES COHORTS SIZE

Each line it prints is one acknowledgement: position, number of events, jti.
"""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path
from threading import Semaphore

from registry.gate import Gate, Outcome, Recorded
from tests.harness.stores import Kept
from tests.harness.story import Story

_UNDER_WAY = 4


def main(kept: Kept, series: int, cohorts: int, size: int) -> None:
    """Submit cohorts of the story's provider, a few at a time."""
    story = Story(series=series)
    room = Semaphore(_UNDER_WAY)

    def settled(answers: list[tuple[object, Outcome]]) -> None:
        for jti, outcome in answers:
            if not isinstance(outcome, Recorded):
                raise outcome
            sys.stdout.write(f"{outcome.position} {outcome.events} {jti}\n")
            room.release()
        sys.stdout.flush()

    with (
        closing(kept.open()) as store,
        Gate(
            store,
            log_key=story.log_key.public,
            settled=settled,
            clock=lambda: story.milliseconds,
        ) as gate,
    ):
        for _ in range(cohorts):
            jti = story.new_id()
            checked = gate.check(story.cohort(size, jti=jti))
            room.acquire()
            gate.offer(checked, jti)


if __name__ == "__main__":
    main(Kept(sys.argv[1], Path(sys.argv[2])), *map(int, sys.argv[3:]))
