"""Who could sign for an organization when: each key, who said what about it, and what it cut off.

It is what the organization's own key events come to as of a size, by the rules' one function.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec
from sqlalchemy import Connection

from projections.lookups import LookUps
from projections.page import MAX_PAGE_TEXT, Page
from projections.standing import why_not
from testamur.catalogue.members import KeyUse, Range
from testamur.catalogue.touched import History, Thing
from testamur.rules.key_table import LIMIT, SIGNING, KeyTable, ListedKey, NotCounted
from testamur.rules.reach import Reach
from testamur.rules.said import Signed

_RANGE_TEXT: Final = 24  # characters of one in an answer


class DeclaredAt(msgspec.Struct, frozen=True):
    """A declaration at `position`, signed with key `by`, that a key was compromised.

    What the key signed from position `since` on does not count, but for the submissions in `kept`
    and those recorded before `after` (Unix milliseconds). `reach` sums up what its submission
    changed about the counting of earlier ones, if anything.
    """

    position: int
    by: str
    since: int
    kept: tuple[Range, ...]
    after: int
    reach: Reach | None


class KeyAt(msgspec.Struct, frozen=True):
    """A key, listed at position `listed` by the key `lister`.

    `rank` orders recovery keys, the founding key being 0; signing keys have none. `counts` says
    whether its listing counts. `in_force` says whether it may sign the next submission.
    """

    key: str
    use: KeyUse
    rank: int | None
    listed: int
    lister: str
    counts: bool
    in_force: bool
    retired: int | None
    retired_by: str | None
    compromised: tuple[DeclaredAt, ...]


def keys_at(
    connection: Connection, did: str, size: int, *, after: int = 0, limit: int = 100
) -> Page[KeyAt] | None:
    """Return the keys of an organization in the order of listing, or `None` if there is none.

    `after` is how many keys to pass over.
    """
    look_ups = LookUps(connection, size)
    organization = look_ups.register().organizations.get(did)
    if organization is None:
        return None
    table = organization.keys
    reach = {each.position: each.reach for each in look_ups.logged(Thing(History.KEYS, did))}
    listed = list(table.keys.values())
    items: list[KeyAt] = []
    held = 0
    for each in listed[after : after + limit]:
        if held >= MAX_PAGE_TEXT:
            break
        items.append(_key(table, each, reach))
        held += sum(_RANGE_TEXT * len(one.kept) for one in items[-1].compromised)
    end = after + len(items)
    return Page(size, tuple(items), end if end < len(listed) else None)


def not_counted(
    connection: Connection, signed: Iterable[Signed], size: int
) -> dict[int, NotCounted]:
    """Return, by the position of its header, why a submission does not count as of `size`."""
    register = LookUps(connection, size).register()
    reasons = ((each.position, why_not(register, each)) for each in signed)
    return {position: because for position, because in reasons if because is not None}


def _key(table: KeyTable, listed: ListedKey, reach: Mapping[int, Reach | None]) -> KeyAt:
    return KeyAt(
        key=listed.key,
        use="signing" if listed.rank == SIGNING else "recovery",
        rank=None if listed.rank == SIGNING else listed.rank,
        listed=listed.listed,
        lister=listed.lister,
        counts=listed.listing_counts,
        in_force=listed.in_force,
        retired=listed.retired,
        retired_by=None if listed.retired is None else _signer(table, listed.retired),
        compromised=tuple(
            DeclaredAt(
                each.position,
                by,
                each.since,
                tuple(each.kept),
                each.first - LIMIT,
                reach.get(each.position),
            )
            for by, each in sorted(listed.compromised.items(), key=lambda one: one[1].position)
        ),
    )


def _signer(table: KeyTable, position: int) -> str | None:
    return next((each.key for each in table.history if each.position < position < each.end), None)
