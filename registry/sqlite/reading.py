"""What can be asked of the sequence in a file of SQLite: the statements behind `store.Reading`.

Each step of SQLite gives up Python's interpreter lock, and beside busy threads it takes up to
5 ms to come back. So what the committer and the publisher read comes back as one row, however
many it stands for, and one prepared statement serves any number of ids.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final, TypeVar

import msgspec

from registry.sqlite.connection import Connection, Value
from registry.store import Entry, RegisterEntry, StorageDamaged, StreamEntry, SubmissionRow

_T = TypeVar("_T")

_READ_AT_ONCE: Final = 1024
_ALL: Final = 2**63 - 1  # entries

# Canonical JSON holds no bare LF. The three aggregates walk the same rows, so the ids show the
# order of all.
_READ: Final = """
    SELECT group_concat(notification_id, ' '), group_concat(CAST(state AS TEXT), char(10)),
           group_concat(hex(leaf), '')
    FROM (SELECT notification_id, state, leaf FROM entries
          WHERE notification_id BETWEEN ? AND ? ORDER BY notification_id)
"""
_READ_ROW_BY_ROW: Final = """
    SELECT notification_id, state, leaf FROM entries
    WHERE notification_id BETWEEN ? AND ? ORDER BY notification_id
"""
_ENTRIES: Final = """
    SELECT notification_id - 1, originator_id, originator_version, topic, state, leaf
    FROM entries
"""
_AMONG: Final = "topic IN (SELECT value FROM json_each(?))"
# `asked` spreads a blob of 16-byte ids.
_ASKED: Final = """
    WITH RECURSIVE asked(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM asked WHERE i + 1 < ?2)
"""
_HEADER: Final = "s.position, s.issuer, s.key, s.recorded_at"
# `after` spreads a blob of versions in so many digits, which are 0 beyond its end.
_DIGITS: Final = 10
_AFTER: Final = (
    f"coalesce(CAST(CAST(substr(?6, {_DIGITS} * i + 1, {_DIGITS}) AS TEXT) AS INTEGER), 0)"
)
# The topic of version 1 is asked of the row itself, so that a long stream asks nothing twice.
_STREAMS: Final = f"""
    {_ASKED}
    SELECT json_group_array(json(entry)) FROM (SELECT json_array(
        i, e.originator_version, e.notification_id - 1, e.topic,
        CASE WHEN e.originator_version = 1 OR e.topic <> f.topic THEN CAST(e.state AS TEXT) END,
        {_HEADER}) AS entry
    FROM asked
    CROSS JOIN entries f ON f.originator_id = substr(?1, 16 * i + 1, 16)
        AND f.originator_version = 1
    CROSS JOIN entries e ON e.originator_id = f.originator_id
        AND e.originator_version > {_AFTER}
        AND e.originator_version <= CASE WHEN f.topic = ?5 THEN {_ALL} ELSE 1 END
    CROSS JOIN submissions s ON s.position =
        (SELECT position FROM submissions WHERE position < e.notification_id
         ORDER BY position DESC LIMIT 1)
    WHERE e.notification_id <= ?3
    LIMIT ?4)
"""  # noqa: S608  # our own words
_REGISTER: Final = f"""
    SELECT json_group_array(json_array(r.position, e.topic, hex(e.leaf), {_HEADER})),
        group_concat(CAST(e.state AS TEXT), char(10))
    FROM (SELECT * FROM register WHERE position >= ? ORDER BY position LIMIT ?) r
    CROSS JOIN entries e ON e.notification_id = r.position + 1
    CROSS JOIN submissions s ON s.position = r.header
"""  # noqa: S608
_SUBMISSION: Final = (
    "s.position, s.events, s.issuer, s.key, s.recorded_at, s.register_events, s.flags,"
    " s.issuances, s.grants, s.endings"
)
_LISTED: Final = _SUBMISSION.replace("s.flags", "CASE WHEN s.flags NOTNULL THEN hex(s.flags) END")
_SUBMISSIONS: Final = f"""
    {_ASKED}
    SELECT json_group_array(json_array(i, json_array({_LISTED}), CAST(e.state AS TEXT)))
    FROM asked
    CROSS JOIN entries e ON e.originator_id = substr(?1, 16 * i + 1, 16)
    CROSS JOIN submissions s ON s.position = e.notification_id - 1
"""  # noqa: S608
_SUBMISSIONS_FROM: Final = f"""
    SELECT json_group_array(json_array({_LISTED}))
    FROM (SELECT * FROM submissions WHERE position >= ? ORDER BY position LIMIT ?) s
"""  # noqa: S608
_AROUND: Final = f"""
    SELECT {_SUBMISSION} FROM submissions s WHERE position <= ? ORDER BY position DESC LIMIT 1
"""  # noqa: S608

_LAST: Final = """
    SELECT json_group_array(json(coalesce((
        SELECT json_array(issuances, grants, endings) FROM submissions
        WHERE {} ORDER BY position DESC LIMIT 1), '[0,0,0]')))
    FROM json_each(?1) a
"""
_TOTALS: Final = _LAST.format("key = ?3 AND issuer = ?2 AND position < a.value")
_LATEST_TOTALS: Final = _LAST.format(
    "key = json_extract(a.value, '$[1]') AND issuer = json_extract(a.value, '$[0]')"
)
_FIRST_RECORDED: Final = (
    "SELECT position FROM submissions WHERE recorded_at >= ? ORDER BY recorded_at, position LIMIT 1"
)

_Listed = tuple[int, int, str, str, int, int, str | None, int, int, int]
_totals: Final = msgspec.json.Decoder(list[tuple[int, int, int]])
_streams: Final = msgspec.json.Decoder(list[StreamEntry])
_register: Final = msgspec.json.Decoder(list[tuple[int, str, str, int, str, str, int]])
_submissions: Final = msgspec.json.Decoder(list[tuple[int, _Listed, str]])
_submissions_from: Final = msgspec.json.Decoder(list[_Listed])


class SqliteReading:
    """A `store.Reading`, while a transaction is under way on `connection`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def count(self) -> int:
        """Return how many entries there are."""
        rows = self._connection.run("SELECT count FROM head")
        if not rows:
            raise StorageDamaged("the head row is missing")
        return int(rows[0][0])

    def read(self, start: int, limit: int) -> tuple[list[bytes], list[bytes]]:
        """Return at most `limit` entries from position `start` on, and their leaf hashes."""
        entries: list[bytes] = []
        leaves: list[bytes] = []
        end = min(start + limit, self.count())
        for at in range(start, end, _READ_AT_ONCE):
            some, hashes = self._read_some(at, min(at + _READ_AT_ONCE, end))
            entries += some
            leaves += hashes
        return entries, leaves

    def entries(
        self,
        first: int,
        last: int,
        *,
        topics: Sequence[str] = (),
        without: Sequence[str] = (),
        limit: int | None = None,
    ) -> list[Entry]:
        """Return the entries from position `first` to `last`, filtered by topic."""
        conditions = ["notification_id BETWEEN ? AND ?"]
        values: list[Value] = [first + 1, last + 1]
        if topics:
            conditions.append(_AMONG)
            values.append(json.dumps(topics))
        if without:
            conditions.append(f"NOT {_AMONG}")
            values.append(json.dumps(without))
        statement = f"{_ENTRIES} WHERE {' AND '.join(conditions)} ORDER BY notification_id LIMIT ?"
        values.append(-1 if limit is None else limit)
        return [Entry(*row) for row in self._connection.run(statement, values)]

    def stream(self, stream: bytes) -> list[Entry]:
        """Return all entries of one stream, by version."""
        statement = f"{_ENTRIES} WHERE originator_id = ? ORDER BY originator_version"
        return [Entry(*row) for row in self._connection.run(statement, (stream,))]

    def streams(
        self,
        streams: Sequence[bytes],
        begin: str,
        *,
        after: Sequence[int] = (),
        size: int | None = None,
        most: int | None = None,
    ) -> list[StreamEntry]:
        """Return entries of these streams among the first `size` entries, or `most` of them."""
        if not streams:
            return []
        asked = (
            b"".join(streams),
            len(streams),
            _ALL if size is None else size,
            -1 if most is None else most,
            begin,
            "".join(f"{version:0{_DIGITS}}" for version in after).encode(),
        )
        return self._one_for_many(_streams, _STREAMS, asked)

    def submissions(self, streams: Sequence[bytes]) -> dict[bytes, tuple[SubmissionRow, bytes]]:
        """Return, by stream id, these submissions as far as recorded, with header entries."""
        if not streams:
            return {}
        found = self._one_for_many(_submissions, _SUBMISSIONS, (b"".join(streams), len(streams)))
        return {streams[i]: (_row(listed), entry.encode()) for i, listed, entry in found}

    def submissions_from(self, position: int, limit: int) -> list[SubmissionRow]:
        """Return at most `limit` submissions at `position` and after it, in order."""
        found = self._one_for_many(_submissions_from, _SUBMISSIONS_FROM, (position, limit))
        return [_row(listed) for listed in found]

    def submission_around(self, position: int) -> SubmissionRow | None:
        """Return the last submission that begins at or before `position`."""
        rows = self._connection.run(_AROUND, (position,))
        return SubmissionRow(*rows[0]) if rows else None

    def totals(self, issuer: str, key: str, positions: Sequence[int]) -> list[tuple[int, int, int]]:
        """Return the running totals of an issuer's key at each position."""
        asked = json.dumps(positions), issuer, key
        return self._one_for_many(_totals, _TOTALS, asked) if positions else []

    def latest_totals(self, signers: Sequence[tuple[str, str]]) -> list[tuple[int, int, int]]:
        """Return, for each (issuer, key), its running totals after the last entry."""
        if not signers:
            return []
        return self._one_for_many(_totals, _LATEST_TOTALS, (json.dumps(signers),))

    def first_recorded(self, recorded_at: int) -> int | None:
        """Return the position of the first submission recorded then or later, or None."""
        rows = self._connection.run(_FIRST_RECORDED, (recorded_at,))
        return rows[0][0] if rows else None

    def register_entries(self, first: int, limit: int) -> list[RegisterEntry]:
        """Return at most `limit` entries of the register from position `first` on, in order."""
        ((listed, joined),) = self._connection.run(_REGISTER, (first, limit))
        rows = _decoded(_register, listed)
        # As JSON within JSON the entries would cost twice as much as all the rest.
        entries = joined.split("\n") if rows else []
        if len(entries) != len(rows):
            raise StorageDamaged(f"an entry of the register from {first} on is not one line")
        return sorted(
            RegisterEntry(row[0], row[1], entry, *row[2:])
            for entry, row in zip(entries, rows, strict=True)
        )

    def _one_for_many(
        self, decoder: msgspec.json.Decoder[_T], statement: str, values: Sequence[Value]
    ) -> _T:
        ((found,),) = self._connection.run(statement, values)
        return _decoded(decoder, found)

    def _read_some(self, start: int, end: int) -> tuple[list[bytes], list[bytes]]:
        try:
            ((ids, states, hashes),) = self._connection.run(_READ, (start + 1, end))
        except StorageDamaged:  # a flipped bit made it invalid UTF-8, or worse
            return self._read_row_by_row(start, end)
        expected = " ".join(map(str, range(start + 1, end + 1)))
        entries = (states or "").encode().split(b"\n")
        raw = bytes.fromhex(hashes or "")
        if ids != expected or len(entries) != end - start or len(raw) != 32 * (end - start):
            return self._read_row_by_row(start, end)
        return entries, [raw[at : at + 32] for at in range(0, len(raw), 32)]

    def _read_row_by_row(self, start: int, end: int) -> tuple[list[bytes], list[bytes]]:
        rows = self._connection.run(_READ_ROW_BY_ROW, (start + 1, end))
        for position, row in enumerate(rows, start):
            if row[0] != position + 1:
                raise StorageDamaged(f"entry {position} is missing")
        if len(rows) != end - start:
            raise StorageDamaged(f"entry {start + len(rows)} is missing")
        return [row[1] for row in rows], [row[2] for row in rows]


def _decoded(decoder: msgspec.json.Decoder[_T], found: str) -> _T:
    try:
        return decoder.decode(found)
    except msgspec.DecodeError as error:
        raise StorageDamaged(f"a value in the file is of another type: {error}") from None


def _row(listed: _Listed) -> SubmissionRow:
    flags = listed[6]
    packed = None if flags is None else bytes.fromhex(flags)
    return SubmissionRow(*listed[:6], packed, *listed[7:])
