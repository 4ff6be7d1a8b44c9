"""Every credential of a replay, in memory: what was said of it, without the lines that issued it.

A line is asked for only when an id is written again, and is then read from the log once more.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NoReturn, TypeAlias

from testamur.catalogue.events import CredentialIssued, Event
from testamur.catalogue.lines import decode_event
from testamur.catalogue.submission import parse_submission_entry
from testamur.errors import Unavailable
from testamur.rules import Credential

# Members of a canonical line: inside a string the quotes would be escaped.
_CREDENTIAL: Final = re.compile(rb'"credential":"([0-9a-f-]{36})"')
_ISSUED: Final = b'"type":"credential.issued/1"'

EntriesAt: TypeAlias = Callable[[int, int], Sequence[bytes]]
"""Returns the entries from a position up to another one."""


def no_entries(start: int, _: int) -> NoReturn:
    """Stand for the log where nobody can read it again; raises `Unavailable`."""
    raise Unavailable(f"entry {start} was written again, and is not there to compare with")


class ReplayedCredentials(dict[str, Credential]):
    """Credentials by id, as rules ask for them (`testamur.rules.Credentials`)."""

    def __init__(self, entries_at: EntriesAt) -> None:
        super().__init__()
        self._entries_at = entries_at
        self._judged: tuple[Sequence[Event], int] = (), 0
        self._lines: dict[str, bytes] | None = None

    def judging(self, events: Sequence[Event], position: int) -> None:
        """Take note that the submission with its header at `position` is judged next."""
        self._judged = events, position
        self._lines = None

    def issuance(self, credential: str) -> CredentialIssued:
        """Return the line that first wrote the id; raises `Refusal` or `Unavailable`."""
        if self._lines is None:
            # For the whole submission at once: each of those that wrote its ids is read once.
            self._lines = dict(self._written_again())
        event = decode_event(self._lines[credential])
        if not isinstance(event, CredentialIssued):
            raise TypeError(f"{credential} was first written by another event")
        return event

    def event_at(self, position: int) -> Event:
        """Return the event at a position of the log; raises `Refusal` or `Unavailable`."""
        (entry,) = self._entries_at(position, position + 1)
        return decode_event(entry)

    def _written_again(self) -> Iterator[tuple[str, bytes]]:
        """Yield the ids that the submission writes again, and the lines that wrote them first."""
        events, position = self._judged
        by_header: dict[int, set[str]] = {}
        for event in events:
            if not isinstance(event, CredentialIssued) or event.credential not in self:
                continue
            first = self[event.credential].issuances[0].position
            if first < position:
                by_header.setdefault(first, set()).add(event.credential)
        for header, wanted in sorted(by_header.items()):
            (entry,) = self._entries_at(header, header + 1)
            _, signed = parse_submission_entry(entry)
            for line in self._entries_at(header + 1, header + 1 + signed.payload.events):
                named = _CREDENTIAL.search(line)
                if named is not None and named[1].decode() in wanted and _ISSUED in line:
                    wanted.remove(named[1].decode())
                    yield named[1].decode(), line
