"""Which flags of a submission its sender can still mend.

A line that does not count any more, such as after a theft, is written again as it was or not at
all. So nobody can mend what it is flagged for, whatever the flag.
"""

from __future__ import annotations

from collections.abc import Sequence

from testamur.catalogue import events as e
from testamur.catalogue.table import CREATED
from testamur.rules.admission import Admitted
from testamur.rules.flags import MENDABLE
from testamur.rules.register import Register


def to_mend(
    events: Sequence[e.Event], admitted: Sequence[Admitted], before: Register
) -> list[tuple[int, str]]:
    """Return the flags that the sender of admitted events can mend, as (line, code).

    `before` is the register before them; the header is line 1.
    """
    if not any(map(MENDABLE.intersection, {one.flags for one in admitted})):
        return []
    return [
        (line, flag.value)
        for line, (event, one) in enumerate(zip(events, admitted, strict=True), 2)
        if one.flags and not _again(event, one.version, before)
        for flag in one.flags
        if flag in MENDABLE
    ]


def _again(event: e.Event, version: int, before: Register) -> bool:
    """Return whether a line is written again, given its version in its stream."""
    if isinstance(event, e.AchievementRevised):
        known = before.achievements.get(event.achievement)
        return known is not None and known.definition(event.version) is not None
    return type(event) in CREATED and version > 1
