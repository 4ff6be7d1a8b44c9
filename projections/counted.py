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
    BigInteger,
    ColumnElement,
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


def _pair(asked: TableValuedAlias) -> list[ColumnElement[int]]:
    """Return the two numbers of a pair; a time has more bits than an INTEGER of PostgreSQL."""
    return [cast(asked.c.value[at].as_string(), BigInteger) for at in (0, 1)]


def _totals(asked: TableValuedAlias) -> Select[Any]:
    """Return the question for the totals of counters below positions, as `asked` pairs them."""
    counter, position = _pair(asked)
    total = (
        select(COUNTS.c.total)
        .where(
            COUNTS.c.counter == counter,
            COUNTS.c.position < position,
            COUNTS.c.position < bindparam("size"),
        )
        .order_by(COUNTS.c.position.desc())
        .limit(1)
        .correlate(asked)
        .scalar_subquery()
    )
    return select(asked.c.key, func.coalesce(total, literal_column("0")).label("found"))


def _positions(asked: TableValuedAlias) -> Select[Any]:
    """Return the question for the first headers of times, which are second in the pairs."""
    _, time = _pair(asked)
    first = (
        select(SUBMISSIONS.c.position)
        .where(
            SUBMISSIONS.c.recorded_at >= time,
            SUBMISSIONS.c.position < bindparam("size"),
        )
        .order_by(SUBMISSIONS.c.recorded_at, SUBMISSIONS.c.position)
        .limit(1)
        .correlate(asked)
        .scalar_subquery()
    )
    return select(asked.c.key, func.coalesce(first, bindparam("size")).label("found"))


_pairs: Final = bindparam("pairs", type_=String)
# All in one statement. How the elements of an array become rows is what no two databases spell
# alike (as in `totals.py`).
_ASKED: Final = {
    "sqlite": func.json_each(_pairs).table_valued("key", column("value", JSON), name="asked"),
    "postgresql": func.json_array_elements(cast(_pairs, JSON))
    .table_valued(column("value", JSON), with_ordinality="key", name="asked")
    .render_derived(),
}
_TOTALS: Final = {dialect: _totals(asked) for dialect, asked in _ASKED.items()}
_POSITIONS: Final = {dialect: _positions(asked) for dialect, asked in _ASKED.items()}
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
    pairs = [(0, time) for time in times]
    return _in_order(connection, _POSITIONS, pairs, size) if pairs else []


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

    return counting(lambda time: positions_of(connection, [time], size)[0], listed, size)


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
    totals = iter(_in_order(connection, _TOTALS, pairs, size))
    for counter, spans in zip(counters, pieces, strict=True):
        yield counter, [_difference([next(totals) for _ in piece]) for piece in spans]


def _in_order(
    connection: Connection,
    statements: Mapping[str, Select[Any]],
    pairs: Sequence[tuple[int, int]],
    size: int,
) -> list[int]:
    """Return what a statement finds for each pair."""
    asked = {"pairs": json.dumps(pairs), "size": size}
    rows = connection.execute(statements[connection.dialect.name], asked)
    return [row.found for row in sorted(rows, key=lambda row: int(row.key))]


def _difference(totals: Sequence[int]) -> int:
    """Return the sum over spans, of totals below their beginnings and ends in turn."""
    return sum(totals[1::2]) - sum(totals[::2])
