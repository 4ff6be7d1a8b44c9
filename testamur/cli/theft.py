"""What to declare after a theft: which submissions of a key were the owner's, and which fall.

Pure: from the listing of submissions, and from the owner's word about which are its own.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from testamur.catalogue.members import Range
from testamur.errors import Refusal
from testamur.http.listings import SubmissionLine
from testamur.rules.key_admission import CAPS

MAX_RANGES: Final = CAPS.kept_by_recovery_key
"""A declaration keeps at most so many ranges of positions, whichever key is to sign it."""

_NO_ROOM: Final = 1
"""Entries between two submissions in which there is no third: it has a header and an event."""


@dataclass(frozen=True, slots=True)
class Recovery:
    """What a declaration about `key` says, and what follows from it.

    `kept` are the owner's submissions from `since` on, as ranges of header positions. `strange`
    are the others from there on, which stop to count. `fallen` are submissions of the owner, with
    whichever key, that do not count afterwards and have to be said again. `spanned` counts the
    gaps inside of ranges where there is room for a submission that nobody listed.
    """

    key: str
    since: int
    kept: tuple[Range, ...]
    strange: tuple[SubmissionLine, ...]
    fallen: tuple[SubmissionLine, ...]
    spanned: int


def plan_recovery(
    key: str,
    lines: Sequence[SubmissionLine],
    own: Container[int],
    since: int | None = None,
    *,
    proven: Container[int] | None = None,
) -> Recovery:
    """Return the declaration that keeps all submissions whose positions are in `own`.

    `lines` are all the organization's, with every key, in log order; of those in `proven`, by
    default all in `own`, it is known how many events they have. Without `since` it is the
    position of the first submission by `key` that is not in `own`. Raises `Refusal` (rule
    `since`) if there is none, or if a declaration since then would change nothing.
    """
    by_key = [line for line in lines if line.key == key]
    is_given = since is not None
    if since is None:
        since = next((line.position for line in by_key if line.position not in own), None)
        if since is None:
            raise Refusal(
                "since",
                "every submission by this key is yours; to cut it off all the same, give "
                "--since POSITION, such as that of your last submission with it plus one",
                value=key,
            )
    later = [line for line in by_key if line.position >= since]
    recent = [line for line in lines if line.position >= since]
    steps = list(_steps(key, recent, own, own if proven is None else proven))
    widest = _widest(steps)
    kept = _joined(steps, widest)[:MAX_RANGES]
    spanned = sum(step.gap is not None and _NO_ROOM < step.gap <= widest for step in steps)
    counting = {line.position for line in later if _within(kept, line.position)}
    fallen = (
        line
        for line in lines
        if line.position in own
        and line.position not in counting
        and (not line.counts or (line.key == key and line.position >= since))
    )
    strange = (line for line in later if line.position not in own)
    plan = Recovery(key, since, kept, tuple(strange), tuple(fallen), spanned)
    if not is_given and not plan.fallen and not any(line.counts for line in plan.strange):
        raise Refusal(
            "since",
            "nothing by this key that is not yours counts any more, and all that is yours does; "
            f"to declare it again all the same, give --since {since}",
            value=key,
        )
    return plan


class _Step(NamedTuple):
    """A submission to keep, and how many entries lie between it and the one to keep before it.

    The gap is None if another submission by the key is known to lie there.
    """

    gap: int | None
    position: int


def _steps(
    key: str, lines: Iterable[SubmissionLine], own: Container[int], proven: Container[int]
) -> Iterator[_Step]:
    end: int | None = None
    for line in lines:
        mine = line.position in own
        # A header and an event at least.
        after = line.end if line.position in proven else line.position + 2
        if line.key == key:
            if mine:
                yield _Step(None if end is None else line.position - end, line.position)
            end = after if mine else None
        elif mine and line.position == end:
            end = after  # nothing fits in between


def _widest(steps: Sequence[_Step]) -> int:
    """Return across how many entries a range reaches, so that all find room if that can be.

    A listing may leave a thief's submission out, so where there is room for one a range reaches
    across it only if it must.
    """
    surplus = len(_joined(steps, _NO_ROOM)) - MAX_RANGES
    gaps = sorted(step.gap for step in steps if step.gap is not None and step.gap > _NO_ROOM)
    return gaps[min(surplus, len(gaps)) - 1] if surplus > 0 and gaps else _NO_ROOM


def _joined(steps: Iterable[_Step], widest: int) -> tuple[Range, ...]:
    """Return the positions as ranges, which reach across gaps of at most `widest` entries."""
    found: list[Range] = []
    for gap, position in steps:
        if gap is not None and gap <= widest:
            found[-1] = found[-1][0], position
        else:
            found.append((position, position))
    return tuple(found)


def _within(ranges: Sequence[Range], position: int) -> bool:
    return any(first <= position <= last for first, last in ranges)
