"""The running totals of every key: how much it issued, granted and ended before any position.

They count every submission of the key. What counts among these is a difference of two of them
(`testamur/rules/reach.py`), so a declaration changes no row.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Connection,
    Engine,
    Select,
    String,
    TableValuedAlias,
    bindparam,
    cast,
    func,
    select,
)

from projections.submissions import SUBMISSIONS
from testamur.rules.reach import Counts, Sums

_last: Final = SUBMISSIONS.alias("last")
_earlier: Final = SUBMISSIONS.alias("earlier")
_positions: Final = bindparam("positions", type_=String)


def _below(asked: TableValuedAlias) -> Select[Any]:
    """Return the question for the totals at all positions that `asked` lists (key, value)."""
    return (
        select(asked.c.key, _last.c.issuances, _last.c.grants, _last.c.endings)
        .join_from(
            asked,
            _last,
            _last.c.position
            == select(func.max(_earlier.c.position))
            .where(
                _earlier.c.issuer == bindparam("issuer"),
                _earlier.c.key == bindparam("signing"),
                _earlier.c.position < cast(asked.c.value, BigInteger),
                _earlier.c.position < bindparam("size"),
            )
            .correlate(asked)
            .scalar_subquery(),
            isouter=True,
        )
        .order_by(asked.c.key)
    )


# All positions in one statement: a declaration may keep a thousand ranges. How the elements of an
# array become rows is the one thing that no two databases spell alike.
_BELOW: Final = {
    "sqlite": _below(func.json_each(_positions).table_valued("key", "value")),
    "postgresql": _below(
        func.json_array_elements_text(cast(_positions, JSON))
        .table_valued("value", with_ordinality="key", name="asked")
        .render_derived()
    ),
}
_FIRST: Final = select(func.min(SUBMISSIONS.c.position)).where(
    SUBMISSIONS.c.recorded_at >= bindparam("time"), SUBMISSIONS.c.position < bindparam("size")
)
_newest: Final = select(func.max(SUBMISSIONS.c.position)).group_by(
    SUBMISSIONS.c.issuer, SUBMISSIONS.c.key
)
_NEWEST: Final = select(
    SUBMISSIONS.c.issuer,
    SUBMISSIONS.c.key,
    SUBMISSIONS.c.issuances,
    SUBMISSIONS.c.grants,
    SUBMISSIONS.c.endings,
).where(SUBMISSIONS.c.position.in_(_newest))


class KeyTotals:
    """The totals of the submissions in the tables, and of those that are still to be written.

    It is the `Totals` of the rules. `size` returns the tree size that the tables reach as this
    follower knows it, `pending` the rows of the submissions after it, in log order, and `end` the
    position after all of them.
    """

    def __init__(
        self,
        engine: Engine,
        numbers: Mapping[str, int],
        size: Callable[[], int],
        pending: Callable[[], Sequence[Mapping[str, Any]]],
        end: Callable[[], int],
    ) -> None:
        self._engine = engine
        self._numbers = numbers
        self._pending = pending
        self._size = size
        self._end = end

    def totals(self, organization: str, key: str, positions: Sequence[int]) -> list[Counts]:
        """Return, for each position, the sums over the key's submissions with headers below it."""
        issuer = self._numbers[organization]
        asked = {
            "positions": json.dumps(list(positions)),
            "issuer": issuer,
            "signing": key,
            "size": self._size(),
        }
        with self._engine.connect() as connection:
            found = [
                (row.issuances or 0, row.grants or 0, row.endings or 0)
                for row in connection.execute(_BELOW[connection.dialect.name], asked)
            ]
        mine = [row for row in self._pending() if (row["issuer"], row["key"]) == (issuer, key)]
        headers = [row["position"] for row in mine]
        for place, position in enumerate(positions):
            before = bisect_left(headers, position)
            if before:
                last = mine[before - 1]
                found[place] = last["issuances"], last["grants"], last["endings"]
        return found

    def first_recorded(self, recorded_at: int) -> int:
        """Return the position of the first header recorded at that time (Unix ms) or later."""
        with self._engine.connect() as connection:
            first: int | None = connection.scalar(
                _FIRST, {"time": recorded_at, "size": self._size()}
            )
        if first is not None:
            return first
        late = (row["position"] for row in self._pending() if row["recorded_at"] >= recorded_at)
        return next(late, self._end())


def newest(connection: Connection) -> dict[tuple[int, str], Sums]:
    """Return the totals of every key with all its submissions, by its organization's number."""
    return {
        (row.issuer, row.key): Sums(row.issuances, row.grants, row.endings)
        for row in connection.execute(_NEWEST)
    }
