"""The state of credentials, read from their own streams.

A credential has no row of its own and no object: its status is the fold of its stream's topics
by the lifecycle table, and its issuer is the issuer of the submission that issued it. All
streams are read by one question. Issuing reads nothing: the unique index tells what exists.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final, get_args

from registry import submissions
from registry.store import Reading, StorageDamaged, StreamEvent
from testamur.catalogue import events as e
from testamur.catalogue.lifecycle import CREDENTIAL
from testamur.catalogue.table import Kind, wire_names
from testamur.rules import CredentialState

_CHANGES: Final = frozenset(get_args(e.CredentialStatusEvent))
# Streams of other things. A topic that is in neither set is damage.
_OF_OTHERS: Final = {submissions.TOPIC, *wire_names(*Kind)} - {*wire_names(Kind.CREDENTIAL)}
# What is not spelled like this was never issued; UUIDs are compared as text by the rules.
_ID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def changed_by(events: Sequence[e.Event]) -> list[str]:
    """Return the ids of credentials that must exist for these events: changed, or succeeding."""
    if _CHANGES.isdisjoint(map(type, events)):
        return []  # as in every submission of nothing but issuances
    named: dict[str, None] = {}
    for event in events:
        if isinstance(event, e.CredentialStatusEvent):
            named[event.credential] = None
            if isinstance(event, e.CredentialSuperseded):
                named[event.successor] = None
    return list(named)


def states(
    reading: Reading, credentials: Iterable[str], *, size: int | None = None
) -> dict[str, CredentialState]:
    """Return the state of those of these credentials that the first `size` entries issue.

    Raises `StorageDamaged` when a stream tells a history that the lifecycle does not know.
    """
    asked = [credential for credential in credentials if _ID.fullmatch(credential)]
    if not asked:
        return {}
    joined = bytes.fromhex("".join(asked).replace("-", ""))
    streams = [joined[at : at + 16] for at in range(0, len(joined), 16)]
    folded: dict[str, CredentialState] = {}
    for event in sorted(reading.histories(streams, size=size)):
        if event.topic not in _OF_OTHERS:
            credential = asked[event.asked]
            folded[credential] = _next(folded.get(credential), credential, event)
    return folded


def _next(before: CredentialState | None, credential: str, event: StreamEvent) -> CredentialState:
    cause = e.EVENTS.get(event.topic, object)
    status = CREDENTIAL.get((before.status if before else None, cause))
    expected = before.version + 1 if before else 1
    issuer = before.issuer if before else event.issuer
    if status is None or issuer is None or event.version != expected:
        raise StorageDamaged(
            f"credential {credential}: version {event.version} of its stream is {event.topic!r}, "
            f"after {before.status if before else 'nothing'} at version {expected - 1}"
        )
    return CredentialState(issuer, status, event.version)
