"""Events as lines of the log: each has one spelling, and every other one is refused.

Decoding is strict: a line that does not re-encode to the very same bytes is refused, and so is a
set whose members are not in order. So one fact has one spelling and one leaf hash. A cohort of
issuances that differ in commitment and id alone is decoded in a few calls into C.
"""

from __future__ import annotations

from binascii import a2b_base64
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import msgspec
from msgspec.structs import replace

from testamur.catalogue.events import CredentialIssued, Event
from testamur.catalogue.ids import all_uuid7
from testamur.catalogue.members import FORMS, encoder, excerpt
from testamur.catalogue.table import CREATED
from testamur.errors import Refusal, first_difference
from testamur.private_keys import THIS_IS_ONE, holds_private_key
from testamur.schema import explained
from testamur.tlog.tiles import MAX_ENTRY

_decoder: Final[msgspec.json.Decoder[Event]] = msgspec.json.Decoder(Event)
# Most cohorts are issuances throughout, and where the type is known beforehand it need not be
# searched for: it stands near the end of a line, and finding it there costs half as much again.
_issuances: Final = msgspec.json.Decoder(CredentialIssued)
# From so many lines on it is worth seeing whether they are alike.
_COHORT: Final = 8
_BEFORE: Final = b'"commitment":"'
_BETWEEN: Final = b'","credential":"'
_SEXTETS: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


def encode_event(event: Event) -> bytes:
    """Return the event's one canonical line (RFC 8785), without LF."""
    return encoder.encode(event)


def decode_event(line: bytes) -> Event:
    """Return the event that `line` (without LF) spells.

    Raises `Refusal` (rules `entry-size`, `json`, `event-schema`, `set-order`, `canonical-json`,
    `id-form`).
    """
    if len(line) > MAX_ENTRY:
        raise Refusal(
            "entry-size", f"an entry is at most {MAX_ENTRY} bytes", value=f"{len(line)} bytes"
        )
    try:
        event = _decoder.decode(line)
    except msgspec.ValidationError as error:
        if isinstance(error.__cause__, Refusal):  # what `WithSets` found
            raise error.__cause__ from None
        raise _misfit(error, line) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refusal("json", f"not one JSON object: {error}", value=excerpt(line)) from None
    canonical = encoder.encode(event)
    if canonical != line:
        if holds_private_key(line):
            raise Refusal("private-key", THIS_IS_ONE)
        at = first_difference(canonical, line)
        raise Refusal(
            "canonical-json",
            f"not RFC 8785 canonical JSON, or a member given twice or at its default: "
            f"differs at byte {at}, where the canonical form has "
            f"{excerpt(canonical[at : at + 20])}",
            value=excerpt(line[at : at + 20]),
        )
    member = CREATED.get(type(event))
    if member is not None and not all_uuid7([getattr(event, member)]):
        raise Refusal(
            "id-form",
            f"{member} must be a lower-case UUID of version 7 (RFC 9562)",
            value=getattr(event, member),
        )
    return event


def decode_events(lines: Sequence[bytes]) -> list[Event]:
    """Return the events that `lines` (each without LF) spell, in order.

    What `decode_event` returns for each, or the `Refusal` of the first bad line with its line
    number in the submission (the header being line 1). A cohort is decoded in a few calls into
    C; only when something is wrong is it gone through line by line to say where.
    """
    if len(lines) >= _COHORT and (alike := _alike(lines)) is not None:
        return alike
    body = b"\n".join((*lines, b""))
    try:
        events = _decoded(body)
        # Canonical JSON holds no bare LF, so equality here is equality line by line, unless
        # a "line" held an LF or was empty: then the counts differ.
        sound = (
            len(events) == len(lines)
            and encoder.encode_lines(events) == body
            and max(map(len, lines)) <= MAX_ENTRY
            and _ids_well_formed(events)
        )
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError):
        sound = False
    if sound:
        return events
    return [_decode_at(number, line) for number, line in enumerate(lines, start=2)]


def _alike(lines: Sequence[bytes]) -> list[Event] | None:
    """Return issuances that differ in commitment and id alone, as cohorts do; None if others.

    The first line is decoded and found canonical. A canonical line is a function of its members,
    so a line that differs in these two values alone is the canonical line of the event that
    differs in them alone, if they are spelt canonically.
    """
    first = lines[0]
    # Inside a string its quotes would be escaped, so this is the member and nothing else.
    at = first.find(_BEFORE)
    if at < 0:
        return None
    start = at + len(_BEFORE)
    end = start + 44 + len(_BETWEEN) + 36
    head, tail = first[:start], first[end:]
    different = [line[start:end] for line in lines if line[:start] == head and line[end:] == tail]
    if len(different) != len(lines):
        return None
    commitments = [each[:44] for each in different]
    names = [each[-36:].decode("latin-1") for each in different]
    if not (
        {each[44:-36] for each in different} == {_BETWEEN}
        and _canonical_digests(commitments)
        and all_uuid7(names)
    ):
        return None
    try:
        event = decode_event(first)
    except Refusal:
        return None
    if type(event) is not CredentialIssued:
        return None
    return [
        replace(event, commitment=a2b_base64(digest), credential=name)
        for digest, name in zip(commitments, names, strict=True)
    ]


def _canonical_digests(texts: Sequence[bytes]) -> bool:
    """Return whether each text of 44 bytes is the standard base64 of 32 bytes (RFC 4648)."""
    joined, count = b"".join(texts), len(texts)
    return (
        joined.translate(None, _SEXTETS) == b"=" * count
        and joined[43::44] == b"=" * count
        # Two bits of the last character stand for nothing, and are zero.
        and not joined[42::44].strip(_SEXTETS[::4])
    )


def _decoded(body: bytes) -> list[Event]:
    try:
        return list[Event](_issuances.decode_lines(body))
    except msgspec.ValidationError:
        return _decoder.decode_lines(body)


def bad_lines(lines: Iterable[bytes]) -> Iterator[Refusal]:
    """Yield the refusal of every bad line, for a dry run that lists them."""
    for number, line in enumerate(lines, start=2):
        try:
            _decode_at(number, line)
        except Refusal as refusal:
            yield refusal


def _decode_at(number: int, line: bytes) -> Event:
    try:
        return decode_event(line)
    except Refusal as refusal:
        raise refusal.at(number) from None


def _ids_well_formed(events: Sequence[Event]) -> bool:
    if set(map(type, events)) == {CredentialIssued}:
        return all_uuid7([event.credential for event in events])  # type: ignore[union-attr]
    return all_uuid7(
        [getattr(event, CREATED[type(event)]) for event in events if type(event) in CREATED]
    )


def _misfit(error: msgspec.ValidationError, line: bytes) -> Refusal:
    try:
        document = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        document = None
    detail, value = explained(error, document, FORMS, Event)
    return Refusal("event-schema", detail, value=excerpt(line) if value is None else value)
