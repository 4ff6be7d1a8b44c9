"""What the rules say of one thing: its status, who set it and for whom, and what does not count.

The status is by the owner and the successor that it named. What successors did that others named
is told beside it, since it counts only for those whose anchors lead to the one who named them.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from enum import StrEnum

import msgspec

from projections.histories import Logged
from projections.page import Page
from testamur.catalogue.events import wire_name
from testamur.catalogue.lifecycle import AFTER
from testamur.catalogue.table import Kind
from testamur.rules.effective import effective_at
from testamur.rules.flags import Flags
from testamur.rules.key_table import NotCounted
from testamur.rules.reach import Reach
from testamur.rules.register import Register, Thing
from testamur.rules.said import Said, Signed
from testamur.rules.status import Act, acts, existing, speakers, status, statuses


class Fallen(msgspec.Struct, frozen=True):
    """An entry that does not count: its position, its event's wire name, who said it, and why."""

    position: int
    event: str
    signed: Signed
    because: NotCounted


class Standing(msgspec.Struct, frozen=True):
    """A thing as of a size.

    `status` is None for what does not exist, `began` where it came into being. `acts` set its
    status, by its owner or the successor that this named; `others` are what other successors did.
    """

    status: StrEnum | None
    began: int | None
    acts: tuple[Act, ...]
    others: tuple[Act, ...]
    fallen: tuple[Fallen, ...]


class Happened(msgspec.Struct, frozen=True):
    """An event at `position`, as an answer tells it.

    `version` is that in its stream, `flags` those of its admission. `status` is what it set the
    status to, if it did, `effective_at` the day from which it says that it holds; `acted_for` are
    those for whom its signer acted. `because` says why it does not count, if it does not. `reach`
    is what a declaration changed about the counting of earlier submissions.
    """

    position: int
    event: str
    signed: Signed
    version: int
    flags: Flags
    reach: Reach | None = None
    status: StrEnum | None = None
    acted_for: tuple[str, ...] = ()
    because: NotCounted | None = None
    reason: str | None = None
    effective_at: date | None = None
    successor: str | None = None


def standing(
    register: Register, kind: Kind, thing: Thing, written: Iterable[tuple[int, str, Signed]]
) -> Standing:
    """Return what the rules say of a thing.

    `written` are the entries that wrote it: position, wire name and submission.
    """
    began = existing(register, thing)
    said = ((each.position, wire_name(each.event), each.signed) for each in thing.stream)
    return Standing(
        status=status(register, kind, thing),
        began=None if began is None else began[0],
        acts=tuple(_act(register, thing, each) for each, _ in statuses(register, thing)),
        others=tuple(
            act
            for act in acts(register, thing)
            if act.acted_for and thing.owner not in act.acted_for
        ),
        fallen=fallen(register, (*written, *said)),
    )


def fallen(register: Register, entries: Iterable[tuple[int, str, Signed]]) -> tuple[Fallen, ...]:
    """Return those entries (position, wire name, submission) that do not count."""
    return tuple(
        Fallen(position, event, signed, because)
        for position, event, signed in entries
        if (because := why_not(register, signed)) is not None
    )


def happened(register: Register, thing: Thing | None, logged: Iterable[Logged]) -> list[Happened]:
    """Return events as an answer tells them; `thing` is what they are about, if it has a status."""
    after = {} if thing is None else {said.position: new for said, new in statuses(register, thing)}
    began = existing(register, thing)
    return [
        Happened(
            position=each.position,
            event=wire_name(each.said.event),
            signed=each.said.signed,
            version=each.version,
            flags=each.flags,
            reach=each.reach,
            status=AFTER.get(type(each.said.event))
            if began is not None and each.position == began[0]
            else after.get(each.position),
            acted_for=_acted_for(register, thing, each.said),
            because=why_not(register, each.said.signed),
            reason=getattr(each.said.event, "reason", None),
            effective_at=effective_at(each.said.event),
            successor=getattr(each.said.event, "successor", None),
        )
        for each in logged
    ]


def told(page: Page[Logged], register: Register, thing: Thing | None) -> Page[Happened]:
    """Return a page of events as an answer tells them."""
    return Page(page.size, tuple(happened(register, thing, page.items)), page.next)


def why_not(register: Register, signed: Signed) -> NotCounted | None:
    """Return why a submission does not count, or None if it does."""
    organization = register.organizations.get(signed.organization)
    if organization is None:
        return None  # the genesis, by the log's own key
    return organization.keys.why_not(signed.key, signed.position, signed.recorded_at)


def _acted_for(register: Register, thing: Thing | None, said: Said) -> tuple[str, ...]:
    if thing is None or type(said.event) not in AFTER or not register.counts(said.signed):
        return ()
    return speakers(register, thing, said.signed, said.position)


def _act(register: Register, thing: Thing, said: Said) -> Act:
    return Act(said, speakers(register, thing, said.signed, said.position))
