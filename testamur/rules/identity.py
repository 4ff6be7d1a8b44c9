"""Which ids are free: one id names one thing, and belongs to the organization that wrote it first.

The ids of recognitions, accreditations and achievements are in the register; those of
credentials are in the mapping that the caller supplies. A caller that does not keep all
credentials in memory must also look up the ids that other events create, or have a unique index
that refuses them.
"""

from __future__ import annotations

from typing import Final

from testamur.catalogue import events as e
from testamur.catalogue.table import TABLE
from testamur.errors import Refusal
from testamur.rules.register import Credentials, Register, Thing, Written
from testamur.rules.status import ended_by_owner, existing

_ISSUED: Final = TABLE[e.CredentialIssued].name


def check_free(register: Register, credentials: Credentials, event: e.Event, id_: str) -> None:
    """Raise `Refusal` (rule `id-taken`) if `id_` names a thing of another kind than `event`'s."""
    earlier = _ISSUED if id_ in credentials else register.creator(id_)
    if earlier not in (None, TABLE[type(event)].name):
        raise taken(id_, earlier)


def taken(id_: str, earlier: str | None) -> Refusal:
    """Return the refusal of an id that an event with the wire name `earlier` created."""
    return Refusal(
        "id-taken", f"this id came with an earlier {earlier}; make a fresh one", value=id_
    )


def check_again(
    register: Register,
    thing: Thing,
    written: Written,
    actor: str,
    id_: str,
    *,
    rule: str = "id-taken",
) -> None:
    """Raise `Refusal` unless what was `written` of `thing` may be written again by `actor`.

    Its first writer may, while it does not count. The caller then calls `check_line`. `rule` is
    the name under which an id in use is refused.
    """
    if thing.owner != actor:
        raise Refusal(
            rule, f"{thing.owner} wrote this id first, so it belongs to it; make one", value=id_
        )
    if existing(register, written) is not None:
        raise Refusal(rule, "this id is in use already; make a fresh one", value=id_)


def check_line(register: Register, thing: Thing, event: e.Event, first: e.Event, id_: str) -> None:
    """Raise `Refusal` unless `event` is the line that first wrote the id, and it may come back.

    Rules `another-line`, `ended-by-owner`. Equal events have equal lines, since each has one
    spelling.
    """
    if event != first:
        raise Refusal(
            "another-line",
            "while it does not count, an id is written again by the very same line only; submit "
            "that line, or make a fresh id",
            value=id_,
        )
    if ended_by_owner(register, thing):
        raise Refusal(
            "ended-by-owner",
            "its owner ended it for good, though it does not count now; make a fresh id",
            value=id_,
        )
