"""What became of each credential, as of any size: folded from its short stream when it is asked.

The status is by the provider and the successor that it named. What was said by successors that
its accreditor named stands beside it. Whether a credential has expired, or is not valid yet,
follows from its dates and is not told here.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from enum import StrEnum
from typing import Final

import msgspec
from sqlalchemy import Connection

from projections.credential_lists import Chosen, listed
from projections.issuances import Issued, issuances
from projections.lookups import LookUps
from projections.page import WHOLE, Page, Stretch
from projections.standing import Happened, Standing, happened, standing, why_not
from projections.successions import Named, closed_at, successors_for
from projections.tables import uuid_text
from testamur.catalogue import events as e
from testamur.catalogue.members import Vouched
from testamur.catalogue.table import TABLE, Kind
from testamur.catalogue.touched import History, Thing
from testamur.rules.effective import effective_at
from testamur.rules.flags import Flag
from testamur.rules.key_table import NotCounted
from testamur.rules.register import Credential, Register
from testamur.rules.said import Signed
from testamur.rules.status import FIRST, existing, status, statuses
from testamur.rules.vouching import words

ISSUED: Final = TABLE[e.CredentialIssued].name


class CredentialAt(msgspec.Struct, frozen=True):
    """A credential as of `size`.

    `issued` is the issuance by which it came into being, or the first if none counts; `version`
    counts the entries about it. `accreditor` is who granted the accreditation that it names, and
    `vouched` what that one vouched for at the issuance. `closed` is where the issuer closed, if it
    did, and `successors` are those named for it, by itself or that accreditor.
    """

    size: int
    credential: str
    issued: Issued
    version: int
    standing: Standing
    accreditor: str | None
    vouched: Vouched | None
    closed: int | None
    successors: tuple[Named, ...]


class CredentialLine(msgspec.Struct, frozen=True):
    """A credential in a list: the issuance that counts, or the first, and the status.

    `effective_at` is the day from which the event that set the status says that it holds. Where no
    issuance counts, the status is None and `because` says why.
    """

    issued: Issued
    status: StrEnum | None
    effective_at: date | None
    because: NotCounted | None


def credential_at(connection: Connection, credential: str, size: int) -> CredentialAt | None:
    """Return a credential as it stood, or `None` if its id was not written by then."""
    look_ups = LookUps(connection, size)
    written = list(issuances(connection, [credential], size))
    if not written:
        return None
    thing = _thing(look_ups, written)
    register = look_ups.register()
    found = standing(register, Kind.CREDENTIAL, thing, map(_entry, written))
    began = [each for each in written if each.signed.position == found.began]
    issued = (began or written)[0]
    granted = register.accreditations.get(thing.accreditation or "")
    if granted is not None and existing(register, granted, issued.position) is None:
        granted = None
    return CredentialAt(
        size=size,
        credential=credential,
        issued=issued,
        version=thing.entries,
        standing=found,
        accreditor=None if granted is None else granted.owner,
        vouched=None if granted is None else words(register, granted, issued.position),
        closed=closed_at(register, thing.owner),
        successors=successors_for(connection, register, thing, size),
    )


def credential_history(
    connection: Connection,
    credential: str,
    size: int,
    *,
    flag: Flag | None = None,
    after: int = 0,
    limit: int = 100,
    within: Stretch = WHOLE,
) -> Page[Happened]:
    """Return what happened to a credential, in log order; `after` is a position."""
    look_ups = LookUps(connection, size)
    written = list(issuances(connection, [credential], size))
    if not written:
        return Page(size, (), None)
    thing = _thing(look_ups, written)
    register = look_ups.register()
    logged = look_ups.logged(Thing(History.CREDENTIAL, credential))
    began = existing(register, thing)
    issued = (_happened(register, each, began and began[1]) for each in written)
    entries = sorted((*issued, *happened(register, thing, logged)), key=lambda each: each.position)
    first = max(after + 1, within.first)
    left = [
        each
        for each in entries
        if first <= each.position < within.end and (flag is None or flag in each.flags)
    ]
    more = left[limit - 1].position if len(left) > limit else None
    return Page(size, tuple(left[:limit]), more)


def credentials(
    connection: Connection,
    chosen: Chosen,
    size: int,
    *,
    after: int = 0,
    limit: int = 100,
    within: Stretch = WHOLE,
) -> Page[CredentialLine]:
    """Return the credentials chosen; `after` is the position of an issuance."""
    page = listed(connection, chosen, size, within=within, after=after, limit=limit)
    return _lines(connection, page)


def _lines(connection: Connection, page: Page[bytes]) -> Page[CredentialLine]:
    """Return a page of credentials, each in the place of its first issuance."""
    look_ups = LookUps(connection, page.size)
    register = look_ups.register()
    written: dict[str, list[Issued]] = {uuid_text(key): [] for key in page.items}
    for each in issuances(connection, list(written), page.size):
        written[each.credential].append(each)
    things = [Thing(History.CREDENTIAL, name) for name in written]
    look_ups.prefetch(things)
    issuers = {each[0].signed.organization for each in written.values()}
    look_ups.prefetch_actors(things, issuers)
    lines = tuple(_line(look_ups, register, each) for each in written.values())
    return Page(page.size, lines, page.next)


def _line(look_ups: LookUps, register: Register, written: Sequence[Issued]) -> CredentialLine:
    thing = _thing(look_ups, written)
    current = status(register, Kind.CREDENTIAL, thing)
    *_, last = (None, *(said for said, _ in statuses(register, thing)))
    effective = None if last is None else effective_at(last.event)
    counting = [each for each in written if register.counts(each.signed)]
    because = None if counting else why_not(register, written[0].signed)
    return CredentialLine((counting or written)[0], current, effective, because)


def _thing(look_ups: LookUps, written: Sequence[Issued]) -> Credential:
    first = written[0]
    return Credential(
        first.accreditation,
        tuple(each.signed for each in written),
        tuple(look_ups.history(Thing(History.CREDENTIAL, first.credential))),
    )


def _entry(issued: Issued) -> tuple[int, str, Signed]:
    return issued.position, ISSUED, issued.signed


def _happened(register: Register, issued: Issued, began: Signed | None) -> Happened:
    return Happened(
        position=issued.position,
        event=ISSUED,
        signed=issued.signed,
        version=issued.version,
        flags=issued.flags,
        status=FIRST[Kind.CREDENTIAL] if issued.signed == began else None,
        acted_for=(),
        because=why_not(register, issued.signed),
    )
