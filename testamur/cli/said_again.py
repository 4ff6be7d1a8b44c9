"""The events of submissions that no longer count, to be signed anew, line by line the same.

The lines come from the log. That they are what the owner signed follows from the receipt: it holds
the signed header with the root over them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from testamur.catalogue.events import (
    KEY_EVENTS,
    CredentialEvent,
    CredentialSuperseded,
    Event,
    OrganizationRegistered,
)
from testamur.catalogue.lines import decode_event, decode_events
from testamur.catalogue.submission import MAX_BYTES, MAX_EVENTS, parse_submission_entry
from testamur.errors import Refuted
from testamur.http.listings import SubmissionLine
from testamur.recording.histories import ALONE, BESIDES, FOR_EACH
from testamur.recording.objections import MAX_OTHERS
from testamur.tlog.merkle import leaf_hashes
from testamur.tlog.reader import read_bundle
from testamur.tlog.source import Source
from testamur.tlog.tiles import WIDTH
from testamur.verification.receipt import Receipt

# The header of the new submission takes its part of the bytes.
_MAX_FILE: Final = MAX_BYTES - 16 * 1024
# A registration stands whatever becomes of its submission, and key events are another key's.
_STANDS: Final = KEY_EVENTS | {OrganizationRegistered}


def lines_to_say_again(
    source: Source, size: int, fallen: Iterable[SubmissionLine], receipts: Mapping[int, Receipt]
) -> Iterator[bytes]:
    """Yield the event lines of the fallen submissions, in order.

    `size` is that of the log in `source`. Raises `Refuted` if the log holds other lines than were
    signed, `Unavailable` if it cannot be read.
    """
    for submission in fallen:
        lines = _entries(source, size, submission)
        entry = receipts[submission.position].entry if submission.position in receipts else None
        _, header = parse_submission_entry(lines[0] if entry is None else entry.encode())
        if (header.payload.jti, header.key_id) != (submission.jti, submission.key):
            raise Refuted(f"another submission is at {submission.position} than was listed")
        try:
            header.verify_root(leaf_hashes(lines[1:]))
            header.verify_signature(header.key())
        except Refuted as error:
            raise Refuted(f"the submission at {submission.position}: {error}") from None
        for line, event in zip(lines[1:], decode_events(lines[1:]), strict=True):
            if type(event) not in _STANDS:
                yield line


def said_before(
    source: Source, size: int, submissions: Iterable[SubmissionLine], again: Iterable[bytes]
) -> Counter[str]:
    """Return how often the submissions of an organization spoke of each credential of `again`.

    Raises `Refuted` and `Unavailable` as `lines_to_say_again` does.
    """
    named = {each for line in again for each in _named(decode_event(line))}
    found: Counter[str] = Counter()
    for submission in submissions if named else ():
        for line in _entries(source, size, submission)[1:]:
            event = decode_event(line)
            if isinstance(event, CredentialEvent) and event.credential in named:
                found[event.credential] += 1
    return found


def in_files(lines: Iterable[bytes], before: Counter[str]) -> Iterator[list[bytes]]:
    """Yield the lines in as few lists as there have to be submissions.

    `before` counts what the log says of each credential when the first of them is recorded.
    """
    file, said = _File(before), before.copy()
    for line in lines:
        event = decode_event(line)
        if not file.has_room(line, event):
            yield file.lines
            file = _File(said.copy())
        file.add(line, event)
        if isinstance(event, CredentialEvent):
            said[event.credential] += 1
    if file.lines:
        yield file.lines


class _File:
    """The lines of one submission, which has bounds; `before` is what was said before it."""

    def __init__(self, before: Counter[str]) -> None:
        self.lines: list[bytes] = []
        self._before = before
        self._named: set[str] = set()
        self._bytes = self._others = self._read = 0

    def has_room(self, line: bytes, event: Event) -> bool:
        """Return whether a registry would take the line beside those that are here."""
        if not self.lines:
            return True
        new = [each for each in _named(event) if each not in self._named]
        read = self._read + sum(self._before[each] for each in new)
        named = len(self._named) + len(new)
        return (
            len(self.lines) < MAX_EVENTS
            and self._bytes + len(line) + 1 <= _MAX_FILE
            and self._others + _is_other(event) <= MAX_OTHERS
            and (named <= ALONE or read <= BESIDES + FOR_EACH * named)
        )

    def add(self, line: bytes, event: Event) -> None:
        """Add the line."""
        self.lines.append(line)
        self._bytes += len(line) + 1
        self._others += _is_other(event)
        for each in _named(event):
            if each not in self._named:
                self._named.add(each)
                self._read += self._before[each]


def _named(event: Event) -> tuple[str, ...]:
    """Return the credentials whose histories a registry reads for an event."""
    if not isinstance(event, CredentialEvent):
        return ()
    if isinstance(event, CredentialSuperseded):
        return event.credential, event.successor
    return (event.credential,)


def _is_other(event: Event) -> bool:
    return not isinstance(event, CredentialEvent)


def _entries(source: Source, size: int, submission: SubmissionLine) -> Sequence[bytes]:
    if submission.end > size:
        raise Refuted(f"the log of size {size} ends before the submission at {submission.position}")
    first, last = submission.position // WIDTH, (submission.end - 1) // WIDTH
    entries: list[bytes] = []
    for index in range(first, last + 1):
        entries += read_bundle(source.fetch, index, min(WIDTH, size - index * WIDTH))
    start = submission.position - first * WIDTH
    return entries[start : start + 1 + submission.events]
