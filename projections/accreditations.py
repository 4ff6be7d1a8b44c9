"""What became of an accreditation or a recognition, and what its signer vouches for, as of a size.

Whether one is in force on a day, the reader works out from its dates, as the rules do.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec
from sqlalchemy import Connection

from projections.dids import number_of
from projections.grants import grants
from projections.histories import history
from projections.lookups import LookUps
from projections.marks import List, party_mark
from projections.page import WHOLE, Page, Stretch, filled
from projections.standing import Happened, Standing, standing, told
from testamur.catalogue import events as e
from testamur.catalogue.events import wire_name
from testamur.catalogue.members import Vouched
from testamur.catalogue.table import Kind
from testamur.catalogue.touched import History, Thing
from testamur.rules.flags import Flag, Flags
from testamur.rules.register import Grant, Register
from testamur.rules.vouching import words

_encode: Final = msgspec.json.Encoder().encode
_RESTATED: Final = (e.AccreditationRestated, e.RecognitionRestated)


class GrantAt(msgspec.Struct, frozen=True):
    """A recognition or an accreditation as of `size`.

    `granted` is where it came into being, or was first written if it does not count; `flags` are
    those of that entry. `position` is that of its last change that counts. `vouched` is what its
    signer vouches for about its subject.
    """

    size: int
    id: str
    grant: Grant
    granted: int
    position: int
    flags: Flags
    vouched: Vouched
    standing: Standing


def accreditation_at(connection: Connection, id_: str, size: int) -> GrantAt | None:
    """Return an accreditation, or `None` if its id was not written by then."""
    return _one(connection, Thing(History.ACCREDITATION, id_), size)


def recognition_at(connection: Connection, id_: str, size: int) -> GrantAt | None:
    """Return a recognition, or `None` if its id was not written by then."""
    return _one(connection, Thing(History.RECOGNITION, id_), size)


def granted(
    connection: Connection,
    kind: Kind,
    size: int,
    *,
    marks: Sequence[str] = (),
    after: int = 0,
    limit: int = 100,
    within: Stretch = WHOLE,
) -> Page[GrantAt]:
    """Return what was ever granted and has the `marks`, in order; `after` is where one was.

    `kind` is that of accreditations or of recognitions.
    """
    where = {Kind.ACCREDITATION: List.ACCREDITATIONS, Kind.RECOGNITION: List.RECOGNITIONS}[kind]
    page = grants(connection, where, size, marks=marks, after=after, limit=limit, within=within)
    return _made(connection, page)


def granted_to(
    connection: Connection, kind: Kind, did: str, size: int, *, after: int = 0, limit: int = 100
) -> Page[GrantAt]:
    """Return what `did` was ever granted, in order; `after` is the position of a grant."""
    number = number_of(connection, did, size)
    if number is None:
        return Page(size, (), None)
    marks = [party_mark("to", number)]
    return granted(connection, kind, size, marks=marks, after=after, limit=limit)


def grant_history(
    connection: Connection,
    kind: Kind,
    id_: str,
    size: int,
    *,
    flag: Flag | None = None,
    after: int = 0,
    limit: int = 100,
    within: Stretch = WHOLE,
) -> Page[Happened]:
    """Return what was said of a recognition or an accreditation; `after` is a position."""
    thing = Thing(History(kind.value), id_)
    register = LookUps(connection, size).register()
    page = history(connection, [thing], size, flag=flag, after=after, limit=limit, within=within)
    return told(page, register, register.grant(kind, id_))


def _one(connection: Connection, thing: Thing, size: int) -> GrantAt | None:
    look_ups = LookUps(connection, size)
    return _grant_at(look_ups, look_ups.register(), thing)


def _made(connection: Connection, page: Page[tuple[int, Thing]]) -> Page[GrantAt]:
    look_ups = LookUps(connection, page.size)
    register = look_ups.register()

    def made(things: Sequence[Thing]) -> list[GrantAt]:
        look_ups.prefetch(things)
        look_ups.prefetch_actors(things)
        found = (_grant_at(look_ups, register, thing) for thing in things)
        return [each for each in found if each is not None]

    return filled(page, made, _weight)


def _weight(found: GrantAt) -> int:
    return len(_encode(found.grant.event)) + len(_encode(found.vouched))


def _grant_at(look_ups: LookUps, register: Register, thing: Thing) -> GrantAt | None:
    kind = Kind(thing.kind.value)
    grant = register.grant(kind, thing.name)
    if grant is None:
        return None
    written = ((each.position, wire_name(each.event), each.signed) for each in grant.grants)
    found = standing(register, kind, grant, written)
    granted = grant.grants[0].position if found.began is None else found.began
    entry = next(each for each in look_ups.logged(thing) if each.position == granted)
    return GrantAt(
        size=look_ups.size,
        id=thing.name,
        grant=grant,
        granted=granted,
        position=max((granted, *_changes(register, grant, found))),
        flags=entry.flags,
        vouched=words(register, grant, look_ups.size),
        standing=found,
    )


def _changes(register: Register, grant: Grant, found: Standing) -> Iterator[int]:
    """Yield where the status was set, and where its signer restated what it vouches for."""
    yield from (act.said.position for act in found.acts)
    for said in grant.stream if found.began is not None else ():
        restated = isinstance(said.event, _RESTATED) and said.actor == grant.owner
        if restated and register.counts(said.signed):
            yield said.position
