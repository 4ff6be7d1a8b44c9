"""What a provider awards: definitions, which are versioned and never change in place."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias, assert_never

from testamur.catalogue import events as e
from testamur.catalogue.lifecycle import may_follow
from testamur.catalogue.table import Kind
from testamur.errors import Refusal
from testamur.rules.facets import missing_elements
from testamur.rules.flags import Flag, Flags
from testamur.rules.identity import check_again, check_free, check_line
from testamur.rules.register import Credentials, Register
from testamur.rules.rights import check_change, of_another
from testamur.rules.roles import require_role
from testamur.rules.said import Said
from testamur.rules.status import status

EventAt: TypeAlias = Callable[[int], e.Event]
"""Returns the event of the log at a position."""


def admit_achievement(
    register: Register,
    credentials: Credentials,
    said: Said,
    event: e.AchievementEvent,
    event_at: EventAt,
) -> Flags:
    """Let a provider define, revise or retire an achievement of its own. Raises `Refusal`."""
    id_ = event.achievement
    match event:
        case e.AchievementDefined():
            require_role(register, said.actor, "provider")
            check_free(register, credentials, event, id_)
            _check_version(register, said, event, 1, event_at)
        case e.AchievementRevised():
            require_role(register, said.actor, "provider")
            known = register.achievements.get(id_)
            if known is None:
                raise Refusal("unknown-achievement", "no such achievement was defined", value=id_)
            if known.owner != said.actor:
                raise of_another(Kind.ACHIEVEMENT, known.owner, said.actor, id_)
            _check_version(register, said, event, event.version, event_at)
        case e.AchievementRetired():
            known = register.achievements.get(id_)
            check_change(register, Kind.ACHIEVEMENT, known, said, id_)
            return ()
        case _:
            assert_never(event)
    return (Flag.ELEMENTS_MISSING,) if missing_elements(event.definition) else ()


def _check_version(
    register: Register,
    said: Said,
    event: e.AchievementDefined | e.AchievementRevised,
    version: int,
    event_at: EventAt,
) -> None:
    """Raise `Refusal` unless this version comes next, or is written again as it was.

    A version is one more than the highest ever written, whether that counts or not.
    """
    id_ = event.achievement
    known = register.achievements.get(id_)
    if known is None:
        return
    before = known.definition(version)
    if before is not None:
        check_again(register, known, before, said.actor, id_)
        check_line(register, known, event, event_at(before.position), id_)
    if known.stream:  # else it was never retired, however many versions there are
        may_follow(status(register, Kind.ACHIEVEMENT, known), event, id_)
    if before is None and version != known.highest + 1:
        raise Refusal(
            "achievement-version", f"the next version is {known.highest + 1}", value=version
        )
