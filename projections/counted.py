"""How much of it counts: issuances, endings and flags of one subject, in all and over time.

The totals of `tallies.py` count every submission. A key counts in spans of the log, which its
organization's own key events decide; what it said in one is the difference of two totals. So a
number is of events in submissions that count as of a size: it is no number of states, and the
same credential may be suspended twice. The question costs by keys and periods, never by events.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final, NamedTuple, TypeAlias

from sqlalchemy import (
    JSON,
    Connection,
    Row,
    Select,
    String,
    TableValuedAlias,
    bindparam,
    cast,
    column,
    func,
    literal_column,
    select,
)

from projections.dids import DIDS
from projections.lookups import LookUps
from projections.submissions import SUBMISSIONS
from projections.tallies import COUNTERS, COUNTS, Of
from projections.too_long import TooLong
from testamur.catalogue.touched import History, Thing
from testamur.rules.reach import counting
from testamur.rules.register import Register
from testamur.rules.spans import clipped

MAX_LOOKED_UP: Final = 20_000
"""Totals that one question looks up: keys, times what is counted, times periods and spans."""

Counted: TypeAlias = Mapping[int, int]
"""How many events of each kind that a counter counts (`What`, or that of a flag)."""


class _Counter(NamedTuple):
    """A counter, by number, and the spans of headers in which its key counts."""

    number: int
    thing: int
    what: int
    spans: list[int]


def _asked(asked: TableValuedAlias) -> Select[Any]:
    """Return the question for the totals below all positions that `asked` lists (key, value)."""
    pair = asked.c.value
    total = (
        select(COUNTS.c.total)
        .where(
            COUNTS.c.counter == pair[0].as_integer(),
            COUNTS.c.position < pair[1].as_integer(),
            COUNTS.c.position < bindparam("size"),
        )
        .order_by(COUNTS.c.position.desc())
        .limit(1)
        .correlate(asked)
        .scalar_subquery()
    )
    return select(asked.c.key, func.coalesce(total, literal_column("0")).label("total"))


_pairs: Final = bindparam("pairs", type_=String)
# All in one statement. How the elements of an array become rows is what no two databases spell
# alike (as in `totals.py`).
_TOTALS: Final = {
    "sqlite": _asked(
        func.json_each(_pairs).table_valued("key", column("value", JSON), name="asked")
    ),
    "postgresql": _asked(
        func.json_array_elements(cast(_pairs, JSON))
        .table_valued(column("value", JSON), with_ordinality="key", name="asked")
        .render_derived()
    ),
}
_COUNTERS: Final = (
    select(COUNTERS, DIDS.c.did)
    .join_from(COUNTERS, DIDS, DIDS.c.number == COUNTERS.c.signer)
    .where(
        COUNTERS.c.of == bindparam("of"),
        COUNTERS.c.thing.in_(bindparam("things", expanding=True)),
        COUNTERS.c.what.in_(bindparam("whats", expanding=True)),
        COUNTERS.c.first < bindparam("size"),
    )
    .limit(MAX_LOOKED_UP)
)
_FIRST_FROM: Final = (
    select(SUBMISSIONS.c.position)
    .where(SUBMISSIONS.c.recorded_at >= bindparam("time"))
    .where(SUBMISSIONS.c.position < bindparam("size"))
    .order_by(SUBMISSIONS.c.recorded_at, SUBMISSIONS.c.position)
    .limit(1)
)


def in_all(
    connection: Connection, of: Of, things: Collection[int], whats: Iterable[int], size: int
) -> dict[int, Counted]:
    """Return what was said about each of the things, in submissions that count, before `size`.

    Things are the numbers that rows name them with. Raises `TooLong` where too many keys signed.
    """
    found: dict[int, Counter[int]] = defaultdict(Counter)
    counters = _counters(connection, of, things, whats, size)
    for counter, below in _looked_up(connection, counters, [0, size], size):
        found[counter.thing][counter.what] += below[0]
    return {thing: found.get(thing, Counter()) for thing in things}


def between(
    connection: Connection,
    of: Of,
    thing: int,
    whats: Iterable[int],
    bounds: Sequence[int],
    size: int,
) -> list[Counted]:
    """Return the same of one thing, for each stretch between two of the positions `bounds`.

    These ascend. Raises `TooLong` as above: fewer stretches are cheaper.
    """
    found: list[Counter[int]] = [Counter() for _ in pairwise(bounds)]
    counters = _counters(connection, of, [thing], whats, size)
    for counter, counted in _looked_up(connection, counters, bounds, size):
        for stretch, count in zip(found, counted, strict=True):
            stretch[counter.what] += count
    return list(found)


def first_header(
    connection: Connection, of: Of, thing: int, whats: Iterable[int], size: int
) -> int | None:
    """Return the first header before `size` with something that is counted, counting or not."""
    asked = {"of": int(of), "things": [thing], "whats": list(map(int, whats)), "size": size}
    return min((row.first for row in connection.execute(_COUNTERS, asked)), default=None)


def positions_of(connection: Connection, times: Iterable[int], size: int) -> list[int]:
    """Return, for each time (Unix ms), the first header recorded then or later; `size` for none."""
    found = (_first_from(connection, time, size) for time in times)
    return [size if each is None else each for each in found]


def _first_from(connection: Connection, time: int, size: int) -> int | None:
    return connection.scalar(_FIRST_FROM, {"time": time, "size": size})


def _counters(
    connection: Connection, of: Of, things: Collection[int], whats: Iterable[int], size: int
) -> list[_Counter]:
    asked = {
        "of": int(of),
        "things": sorted(things),
        "whats": sorted(map(int, whats)),
        "size": size,
    }
    rows = connection.execute(_COUNTERS, asked).all()
    if len(rows) == MAX_LOOKED_UP:
        raise TooLong("too many keys signed what is counted")
    look_ups = LookUps(connection, size)
    look_ups.prefetch(Thing(History.KEYS, did) for did in sorted({row.did for row in rows}))
    register = look_ups.register()
    spans: dict[tuple[str, str], list[int]] = {}
    for row in rows:
        if (row.did, row.key) not in spans:
            spans[row.did, row.key] = _spans(connection, register, row, size)
    return [
        _Counter(row.number, row.thing, row.what, spans[row.did, row.key])
        for row in sorted(rows, key=lambda row: int(row.number))
    ]


def _spans(connection: Connection, register: Register, row: Row[Any], size: int) -> list[int]:
    organization = register.organizations.get(row.did)
    listed = None if organization is None else organization.keys.keys.get(row.key)
    if listed is None:
        return []

    def first_recorded(time: int) -> int:
        found = _first_from(connection, time, size)
        return size if found is None else found

    return counting(first_recorded, listed, size)


def _looked_up(
    connection: Connection, counters: Sequence[_Counter], bounds: Sequence[int], size: int
) -> Iterator[tuple[_Counter, list[int]]]:
    """Yield each counter, and what it counts in each stretch between two of the bounds."""
    stretches = list(pairwise(bounds))
    pieces = [[clipped(each.spans, *stretch) for stretch in stretches] for each in counters]
    pairs = [
        (counter.number, bound)
        for counter, spans in zip(counters, pieces, strict=True)
        for piece in spans
        for bound in piece
    ]
    if len(pairs) > MAX_LOOKED_UP:
        raise TooLong(f"what is counted needs {len(pairs)} look-ups, more than {MAX_LOOKED_UP}")
    statement = _TOTALS[connection.dialect.name]
    rows = connection.execute(statement, {"pairs": json.dumps(pairs), "size": size})
    totals = iter([row.total for row in sorted(rows, key=lambda row: int(row.key))])
    for counter, spans in zip(counters, pieces, strict=True):
        yield counter, [_difference([next(totals) for _ in piece]) for piece in spans]


def _difference(totals: Sequence[int]) -> int:
    """Return the sum over spans, of totals below their beginnings and ends in turn."""
    return sum(totals[1::2]) - sum(totals[::2])
