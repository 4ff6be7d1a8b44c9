"""Which entries of a log bear on a credential, found by reading the whole log.

They are those that `premises.py` leads to. It is a list of positions: the entries and their
proofs come from the log (`evidence.py`), and nothing shows afterwards that the list leaves
nothing out.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

from testamur.catalogue import events as e
from testamur.catalogue.table import Kind, row_of, subject_of
from testamur.verification.premises import Occurred, Part, Stream, bearing_on
from testamur.verification.replay import ReplayedSubmission

_GENESIS: Final = 0


class Bearing:
    """Takes submissions in log order, and then names the events that bear on a credential.

    It keeps everything but credentials, and of these the ones asked for: give `credentials` all
    that `positions` will be asked about. `missing` names those that take another reading.
    """

    def __init__(self, credentials: Iterable[str]) -> None:
        self._credentials = frozenset(credentials)
        self._streams: dict[tuple[Kind, str], list[Occurred]] = defaultdict(list)
        self._recognised: dict[str, list[str]] = defaultdict(list)
        self._headers: list[int] = [_GENESIS]  # of submissions with an event that is kept

    def read(self, submission: ReplayedSubmission) -> None:
        """Take in one submission."""
        actor = submission.header.payload.iss
        for position, event in enumerate(submission.events, start=submission.position + 1):
            row, name = row_of(event), subject_of(event)
            if row.kind is Kind.LOG or (
                row.kind is Kind.CREDENTIAL and name not in self._credentials
            ):
                continue
            if self._headers[-1:] != [submission.position]:
                self._headers.append(submission.position)
            refers = {member: getattr(event, member) for member in row.refers} or row.refers
            occurred = Occurred(position, row.event, actor, refers)
            self._streams[row.kind.stream, name].append(occurred)
            if isinstance(event, e.RecognitionGranted):
                self._recognised[event.accreditor].append(name)

    @property
    def missing(self) -> set[str]:
        """Credentials that superseded those asked for, and were not asked for themselves."""
        successors = {
            str(each.refers["successor"])
            for name in self._credentials
            for each in self._streams.get((Kind.CREDENTIAL, name), ())
            if each.event is e.CredentialSuperseded
        }
        return successors - self._credentials

    def positions(self, credential: str) -> list[tuple[int, list[int]]]:
        """Return (header position, its event positions), in log order; empty if never issued.

        Raises `KeyError` for a credential, or a successor of it, that was not asked for.
        """
        found = bearing_on(credential, self._events_of)
        if not found:
            return []
        events: dict[int, list[int]] = defaultdict(list)
        for position in sorted({_GENESIS + 1, *found}):
            header = self._headers[bisect_right(self._headers, position - 1) - 1]
            events[header].append(position)
        return sorted(events.items())

    def _events_of(self, stream: Stream) -> Sequence[Occurred]:
        name = str(stream.name)
        if stream.kind is Kind.CREDENTIAL and name not in self._credentials:
            raise KeyError(name)
        match stream.part:
            case Part.RECOGNITIONS:
                return [
                    each
                    for recognition in self._recognised.get(name, ())
                    for each in self._streams[Kind.RECOGNITION, recognition]
                ]
            case Part.FIRST:
                return self._streams.get((stream.kind, name), [])[:1]
            case Part.ALL:
                return self._streams.get((stream.kind, name), [])
