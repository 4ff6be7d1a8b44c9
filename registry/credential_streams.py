"""What has become of the credentials that a set of events names, read from their own streams.

A credential has no row of its own and no object: its status is the fold of its stream's topics
by the lifecycle table, and its issuer is whoever signed the submission that issued it. All
streams are read in one query. Issuing reads nothing: the unique index tells what exists.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final, get_args
from uuid import UUID

import msgspec

from registry.sequence import Database, Row, StorageDamaged
from testamur.catalogue import events as e
from testamur.catalogue.lifecycle import CREDENTIAL
from testamur.errors import Refusal
from testamur.rules import CredentialState

# `asked` spreads a blob of 16-byte ids (see `submissions._RECORDED`).
_STREAMS: Final = """
    WITH RECURSIVE asked(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM asked WHERE i + 1 < ?2)
    SELECT json_group_array(json_array(i, e.originator_version, e.topic,
        CASE e.originator_version WHEN 1 THEN
            (SELECT issuer FROM submissions
             WHERE position < e.notification_id - 1 ORDER BY position DESC LIMIT 1)
        END))
    FROM asked
    CROSS JOIN entries e ON e.originator_id = substr(?1, 16 * i + 1, 16)
    WHERE e.notification_id <= ?3
"""
_ALL: Final = 2**63 - 1  # entries
_found: Final = msgspec.json.Decoder(list[tuple[int, int, str, str | None]])
_ISSUED: Final = e.CredentialIssued.__struct_config__.tag
_CHANGES: Final = frozenset(get_args(e.CredentialStatusEvent))
# What is not spelled like this was never issued; UUIDs are compared as text by the rules.
_ID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def changed_by(events: Sequence[e.Event]) -> list[str]:
    """Return the ids of credentials that must exist for these events: changed, or succeeding."""
    if _CHANGES.isdisjoint(map(type, events)):
        return []  # as in every cohort of nothing but issuances
    named: dict[str, None] = {}
    for event in events:
        if isinstance(event, e.CredentialStatusEvent):
            named[event.credential] = None
            if isinstance(event, e.CredentialSuperseded):
                named[event.successor] = None
    return list(named)


def states(
    database: Database, credentials: Iterable[str], *, size: int = _ALL
) -> dict[str, CredentialState]:
    """Return the state of each of these credentials that the first `size` entries issue.

    Raises `StorageDamaged` when a stream tells a history that the lifecycle does not know.
    """
    asked = [credential for credential in credentials if _ID.fullmatch(credential)]
    if not asked:
        return {}
    keys = bytes.fromhex("".join(asked).replace("-", ""))
    (found,) = database.execute(_STREAMS, (keys, len(asked), size)).fetchone()
    folded: dict[str, CredentialState] = {}
    for i, version, topic, issuer in sorted(_found.decode(found)):
        if topic.startswith("credential."):
            folded[asked[i]] = _next(folded.get(asked[i]), asked[i], version, topic, issuer)
    return folded


def already_taken(database: Database, rows: Sequence[Row]) -> Refusal | None:
    """Return the refusal of the first of `rows` that creates what exists, or None.

    `rows` are those of one submission, header first; the id may be taken in the sequence or
    earlier among `rows`. Raises `StorageDamaged` when a row clashes that creates nothing.
    """
    keys = b"".join(row[1] for row in rows)
    (found,) = database.execute(_STREAMS, (keys, len(rows), _ALL)).fetchone()
    taken = {(rows[i][1], version): topic for i, version, topic, _ in _found.decode(found)}
    for line, (_, stream, version, topic, _, _) in enumerate(rows, start=1):
        there = taken.get((stream, version))
        taken[stream, version] = topic
        if there is None:
            continue
        if version != 1 or line == 1:
            raise StorageDamaged(f"stream {stream.hex()} was judged without its version {version}")
        name = str(UUID(bytes=stream))
        if there == topic == _ISSUED:
            return Refusal("already-issued", "this credential exists", line=line, value=name)
        return Refusal("id-taken", f"this id came with an earlier {there}", line=line, value=name)
    return None


def _next(
    before: CredentialState | None, credential: str, version: int, topic: str, issuer: str | None
) -> CredentialState:
    status = CREDENTIAL.get((before.status if before else None, e.EVENTS.get(topic, object)))
    expected = before.version + 1 if before else 1
    issuer = before.issuer if before else issuer
    if status is None or issuer is None or version != expected:
        raise StorageDamaged(
            f"credential {credential}: version {version} of its stream is {topic!r}, "
            f"after {before.status if before else 'nothing'} at version {expected - 1}"
        )
    return CredentialState(issuer, status, version)
