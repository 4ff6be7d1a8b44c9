"""Which entries of a log bear on a credential, found by reading the whole log.

Folding what is found here with the rules, from the genesis on, leads to the same status, flags
and register of those involved as folding the whole log. It is a list of positions: the entries
and their proofs come from the log (`evidence.py`), and nothing shows afterwards that the list
leaves nothing out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Final, NamedTuple

from testamur.catalogue import events as e
from testamur.verification.replay import ReplayedSubmission

_GENESIS: Final = (0, 1)


class _Occurred(NamedTuple):
    """An event that is not about a credential, where it is and who caused it."""

    submission: int
    position: int
    actor: str
    event: e.Event


class Bearing:
    """Takes submissions in log order, and then tells which of their events bear on a credential.

    Keeps everything but credentials, and of these the ones asked for: give `credentials` all
    that `positions` will be asked about. `missing` names those that take another reading.
    """

    def __init__(self, credentials: Iterable[str]) -> None:
        self._credentials: dict[str, list[_Occurred]] = {name: [] for name in credentials}
        self._streams: dict[tuple[str, str], list[_Occurred]] = defaultdict(list)

    def read(self, submission: ReplayedSubmission) -> None:
        """Take in one submission."""
        actor = submission.header.payload.iss
        for position, event in enumerate(submission.events, start=submission.position + 1):
            if isinstance(event, e.CredentialEvent):
                if (stream := self._credentials.get(event.credential)) is not None:
                    stream.append(_Occurred(submission.position, position, actor, event))
            elif not isinstance(event, e.LogOpened):
                self._keep(_Occurred(submission.position, position, actor, event))

    @property
    def missing(self) -> set[str]:
        """Credentials that superseded those asked for, and were not asked for themselves."""
        successors = {
            each.event.successor
            for stream in self._credentials.values()
            for each in stream
            if isinstance(each.event, e.CredentialSuperseded)
        }
        return successors - self._credentials.keys()

    def positions(self, credential: str) -> list[tuple[int, list[int]]]:
        """Return (header position, its event positions), in log order; empty if never issued.

        They are all events of the credential, its issuer and its achievement; of the
        accreditation it claims, of every recognition of that accreditor; the issuance of what
        superseded it; and of all who caused any of these, up to the genesis.
        """
        stream = self._credentials[credential]
        if not stream:
            return []
        found = {each.position: each for each in stream}
        waiting = list(stream)
        while waiting:
            for each in self._behind(waiting.pop()):
                if each.position not in found:
                    found[each.position] = each
                    waiting.append(each)
        events: dict[int, list[int]] = defaultdict(list, {_GENESIS[0]: [_GENESIS[1]]})
        for position in sorted(found):
            events[found[position].submission].append(position)
        return sorted(events.items())

    def _keep(self, occurred: _Occurred) -> None:
        event = occurred.event
        if isinstance(event, e.OrganizationEvent):
            stream = "organization", event.organization
        elif isinstance(event, e.RecognitionGranted | e.RecognitionWithdrawn):
            stream = "recognition", event.recognition
            if isinstance(event, e.RecognitionGranted):
                self._streams["recognised", event.accreditor].append(occurred)
        elif isinstance(event, e.AccreditationEvent):
            stream = "accreditation", event.accreditation
        else:
            assert isinstance(event, e.AchievementEvent), event  # noqa: S101  # the set is closed
            stream = "achievement", event.achievement
        self._streams[stream].append(occurred)

    def _behind(self, occurred: _Occurred) -> Iterable[_Occurred]:
        """Yield what an event builds on: its actor, and the streams that it names."""
        event = occurred.event
        names = [("organization", occurred.actor)]
        match event:
            case e.CredentialIssued():
                names.append(("achievement", event.achievement))
                if event.accreditation is not None:
                    names.append(("accreditation", event.accreditation))
            case e.CredentialSuperseded():
                # Only that it was issued: what became of it later is its own story.
                yield from self._credentials[event.successor][:1]
            case e.AccreditationGranted():
                names += [
                    ("accreditation", event.accreditation),
                    ("organization", event.provider),
                    ("recognised", occurred.actor),
                ]
            case e.RecognitionGranted():
                names += [("recognition", event.recognition), ("organization", event.accreditor)]
        for name in names:
            yield from self._streams.get(name, ())
