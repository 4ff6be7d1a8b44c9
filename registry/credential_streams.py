"""What was said of credentials, read from their own streams.

A credential has no row of its own and no object that stays: what the rules ask of it is its
stream, which is short, because every key may say only so much about a thing. One question reads
the streams of all credentials that a group changes. Issuing reads nothing: the unique index tells
which ids were written before, and only then are the streams of the group's ids read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Final, get_args

import msgspec

from registry import submissions
from registry.store import Reading, StorageDamaged, StreamEntry
from testamur.catalogue import events as e
from testamur.catalogue.lines import decode_event
from testamur.catalogue.table import TABLE, Kind, wire_names
from testamur.errors import Refusal
from testamur.rules import Credential, Said, Signed

_CHANGES: Final = frozenset(get_args(e.CredentialStatusEvent))
_ISSUED: Final = TABLE[e.CredentialIssued].name
# Streams of other things. A topic that is in neither set is damage.
_OF_OTHERS: Final = {submissions.TOPIC, *wire_names(*Kind)} - {*wire_names(Kind.CREDENTIAL)}
# A credential with an id spelled otherwise was never issued: the rules compare UUIDs as text.
_ID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


class _Issuance(msgspec.Struct, frozen=True, gc=False):
    """All that is asked of most issuances: the accreditation that the line names."""

    accreditation: str | None = None


_issuance: Final = msgspec.json.Decoder(_Issuance)


class TooLong(Exception):
    """More was said of the credentials that were asked for than the caller wants to read."""


class CredentialStreams(dict[str, Credential]):
    """Credentials by id, as rules ask for them (`testamur.rules.Credentials`).

    It starts with what the store has of them. `written_now` returns the line that first wrote an
    id which is not in the store yet.
    """

    def __init__(
        self,
        states: Iterable[tuple[str, Credential]] = (),
        lines: dict[str, str] | None = None,
        written_now: Callable[[str], bytes] | None = None,
    ) -> None:
        super().__init__(states)
        self._lines = {} if lines is None else lines
        self._written_now = written_now

    def with_lines_of(self, written_now: Callable[[str], bytes]) -> CredentialStreams:
        """Return a copy that asks `written_now` for lines which are not in the store yet."""
        return CredentialStreams(self.items(), self._lines, written_now)

    def line(self, credential: str) -> str:
        """Return the line that first wrote an id which the store has."""
        return self._lines[credential]

    def issuance(self, credential: str) -> e.CredentialIssued:
        """Return the line that first wrote the id; raises `StorageDamaged` if it is none."""
        stored = self._lines.get(credential)
        if stored is not None:
            line = stored.encode()
        elif self._written_now is not None:
            line = self._written_now(credential)
        else:
            raise KeyError(credential)
        event = _decoded(credential, line)
        if not isinstance(event, e.CredentialIssued):
            raise StorageDamaged(f"credential {credential}: its stream begins with another event")
        return event


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


def read(
    reading: Reading,
    credentials: Iterable[str],
    *,
    earlier: CredentialStreams | None = None,
    size: int | None = None,
    most: int | None = None,
) -> CredentialStreams:
    """Return what the first `size` entries say of those of these credentials that they issue.

    What `earlier` has of them, by fewer entries, is not read again.

    Raises `StorageDamaged` when a stream does not begin with an issuance, has a hole, or holds an
    event that is none of a credential's; `TooLong` when there are more than `most` entries.
    """
    asked = [credential for credential in credentials if _ID.fullmatch(credential)]
    if not asked:
        return CredentialStreams()
    joined = bytes.fromhex("".join(asked).replace("-", ""))
    streams = [joined[at : at + 16] for at in range(0, len(joined), 16)]
    signatures: dict[int, Signed] = {}
    before = CredentialStreams() if earlier is None else earlier
    known = [before.get(credential) for credential in asked]
    found = reading.streams(
        streams,
        _ISSUED,
        after=[0 if each is None else each.entries for each in known] if before else (),
        size=size,
        most=None if most is None else most + 1,
    )
    if most is not None and len(found) > most:
        raise TooLong
    states: dict[str, Credential] = {}
    lines: dict[str, str] = {}
    for credential, each in zip(asked, known, strict=True):
        if each is not None:
            states[credential], lines[credential] = each, before.line(credential)
    for place, entries in groupby(sorted(found), key=attrgetter("asked")):
        credential, state, others = asked[place], known[place], list(entries)
        if state is None:
            first = others.pop(0)
            if first.topic in _OF_OTHERS:
                continue
            state = _issued(credential, first, signatures)
            lines[credential] = first.entry or ""
        states[credential] = _folded(credential, state, others, signatures)
    return CredentialStreams(states.items(), lines)


def _issued(credential: str, first: StreamEntry, signatures: dict[int, Signed]) -> Credential:
    """Return what the first entry of a stream says."""
    if first.topic != _ISSUED or first.version != 1:
        raise _impossible(credential, first)
    try:
        accreditation = _issuance.decode(first.entry or "").accreditation
    except msgspec.DecodeError as error:
        raise StorageDamaged(f"credential {credential}: {error}") from None
    return Credential(accreditation, (_signed(first, signatures),))


def _folded(
    credential: str,
    state: Credential,
    others: Sequence[StreamEntry],
    signatures: dict[int, Signed],
) -> Credential:
    """Return what a stream says with the `others`, which come next.

    Entries of one submission share one object of `signatures`.
    """
    if not others:
        return state
    issuances, stream = [*state.issuances], [*state.stream]
    for version, entry in enumerate(others, state.entries + 1):
        if entry.version != version:
            raise _impossible(credential, entry)
        signed = _signed(entry, signatures)
        if entry.topic == _ISSUED:
            issuances.append(signed)
        else:
            event = _decoded(credential, (entry.entry or "").encode())
            if type(event) not in _CHANGES or TABLE[type(event)].name != entry.topic:
                raise _impossible(credential, entry)
            stream.append(Said(entry.position, signed, event))
    return Credential(state.accreditation, tuple(issuances), tuple(stream))


def _signed(entry: StreamEntry, signatures: dict[int, Signed]) -> Signed:
    known = signatures.get(entry.header)
    if known is None:
        known = signatures[entry.header] = Signed(
            entry.issuer, entry.key, entry.header, entry.recorded_at
        )
    return known


def _decoded(credential: str, line: bytes) -> e.Event:
    try:
        return decode_event(line)
    except Refusal as refusal:
        raise StorageDamaged(f"credential {credential}: {refusal}") from None


def _impossible(credential: str, entry: StreamEntry) -> StorageDamaged:
    return StorageDamaged(
        f"credential {credential}: version {entry.version} of its stream is {entry.topic!r}"
    )
