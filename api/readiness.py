"""Whether a process does its part of the work: what `/readyz` says, part by part."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

import msgspec

MAX_LAG: Final = 100_000
"""How many entries publication, or the projections, may lag while a process is ready."""
HUNG_SECONDS: Final = 10.0
"""How long a part may have work and make no progress while a process is ready."""


class Alive(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """The process answers."""

    status: Literal["alive"]


class PartState(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One part of the server; `detail` says what is wrong, or how far it is."""

    part: str
    state: Literal["works", "lags", "failed", "ends"]
    detail: str


class Readiness(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Whether requests should be sent here, part by part."""

    ready: bool
    parts: tuple[PartState, ...]


class Progress(NamedTuple):
    """The size that each part has reached, and what stopped or delays it, if anything."""

    committed: int
    published: int
    projected: int
    gate_failure: BaseException | None
    publisher_failure: BaseException | None
    follower_failure: BaseException | None
    follower_obstacle: BaseException | None = None
    publisher_obstacle: BaseException | None = None


def readiness(progress: Progress, *, leaving: bool = False) -> Readiness:
    """Return the state of every part of a process that takes requests."""
    return joined(
        part_state("gate", progress.committed, progress.committed, progress.gate_failure),
        part_state(
            "log",
            progress.published,
            progress.committed,
            progress.publisher_failure,
            progress.publisher_obstacle,
        ),
        part_state(
            "projections",
            progress.projected,
            progress.published,
            progress.follower_failure,
            progress.follower_obstacle,
        ),
        leaving=leaving,
    )


def joined(*parts: PartState, leaving: bool) -> Readiness:
    """Return whether all parts work, and the process is not about to end."""
    if leaving:
        parts = (*parts, PartState(part="server", state="ends", detail="it is about to end"))
    return Readiness(ready=all(part.state == "works" for part in parts), parts=parts)


def part_state(
    name: str,
    size: int,
    of: int,
    failure: BaseException | None,
    obstacle: BaseException | None = None,
) -> PartState:
    """Return the state of a part that has reached `size` of `of` entries."""
    if failure is not None:
        # The kind alone: a message may hold a path of ours.
        detail = f"stopped at {size} of {of} entries: {type(failure).__name__}"
        return PartState(part=name, state="failed", detail=detail)
    # With an obstacle it would lag for an unknown time, however few entries arrive.
    lags = of - size > (MAX_LAG if obstacle is None else 0)
    state: Literal["works", "lags"] = "lags" if lags else "works"
    return PartState(part=name, state=state, detail=f"at {size} of {of} entries")


def hung(seconds: float) -> TimeoutError | None:
    """Return the obstacle of a part that had work for so long and made no progress."""
    return TimeoutError(f"nothing for {seconds:.0f} s") if seconds > HUNG_SECONDS else None
