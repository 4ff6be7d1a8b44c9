"""The state of credentials, read from their own streams.

A credential has no row of its own and no object: its status is what its last event leads to by
the lifecycle table, and its issuer is the issuer of the submission that issued it. So one question
reads the first and the last event of each stream, however long the streams are. Issuing reads
nothing: the unique index tells what exists.
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

# By whether it is the first of its stream: every event leads to one status, whatever was before.
_LEADS_TO: Final = {(before is None, cause): after for (before, cause), after in CREDENTIAL.items()}
_CHANGES: Final = frozenset(get_args(e.CredentialStatusEvent))
# Streams of other things. A topic that is in neither set is damage.
_OF_OTHERS: Final = {submissions.TOPIC, *wire_names(*Kind)} - {*wire_names(Kind.CREDENTIAL)}
# A credential with an id spelled otherwise was never issued: the rules compare UUIDs as text.
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

    Raises `StorageDamaged` when a stream does not begin with an issuance, or when its last event is
    none that can happen to a credential.
    """
    asked = [credential for credential in credentials if _ID.fullmatch(credential)]
    if not asked:
        return {}
    joined = bytes.fromhex("".join(asked).replace("-", ""))
    streams = [joined[at : at + 16] for at in range(0, len(joined), 16)]
    folded: dict[str, CredentialState] = {}
    for event in sorted(reading.ends(streams, size=size)):
        if event.topic not in _OF_OTHERS:
            credential = asked[event.asked]
            folded[credential] = _next(folded.get(credential), credential, event)
    return folded


def _next(before: CredentialState | None, credential: str, event: StreamEvent) -> CredentialState:
    first = event.version == 1
    cause = e.EVENTS.get(event.topic, object)
    status = _LEADS_TO.get((first, cause))
    issuer = before.issuer if before else event.issuer
    if status is None or issuer is None or first is not (before is None):
        raise StorageDamaged(
            f"credential {credential}: version {event.version} of its stream is {event.topic!r}"
        )
    return CredentialState(issuer, status, event.version)
