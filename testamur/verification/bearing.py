"""Which entries of a log bear on a credential, found by reading the whole log.

They are those that `premises.py` leads to. It is a list of positions: the entries and their
proofs come from the log (`evidence.py`), and nothing shows afterwards that the list leaves
nothing out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from testamur.catalogue import events as e
from testamur.catalogue.touched import Thing, touched
from testamur.rules import Flags
from testamur.rules.said import Said
from testamur.verification.premises import bearing_on, issuance_in
from testamur.verification.replay import ReplayedSubmission


class Bearing:
    """Takes submissions in log order, and then names the events that bear on a credential.

    It keeps the histories of everything but credentials, and of these the ones asked for: give
    `credentials` all that `positions` will be asked about. It is `Histories`.
    """

    def __init__(self, credentials: Iterable[str]) -> None:
        self._credentials = frozenset(credentials)
        self._histories: dict[Thing, list[Said]] = defaultdict(list)
        self._issuances: dict[str, list[Said]] = defaultdict(list)
        self._flags: dict[int, Flags] = {}
        # By granter and subject.
        self._authorised: dict[str, dict[str, dict[str, None]]] = defaultdict(
            lambda: defaultdict(dict)
        )
        self._accreditors: dict[str, set[str]] = defaultdict(set)
        self._grants: dict[tuple[str, str], dict[str, None]] = defaultdict(dict)
        self._genesis: Said | None = None

    def read(self, submission: ReplayedSubmission) -> None:
        """Take in one submission."""
        first = submission.position + 1
        for position, event in enumerate(submission.events, start=first):
            if isinstance(event, e.CredentialEvent) and event.credential not in self._credentials:
                continue
            said = Said(position, submission.signed, event)
            for thing in touched(submission.header, event):
                self._histories[thing].append(said)
            if isinstance(event, e.CredentialIssued):
                self._issuances[event.credential].append(said)
                self._flags[position] = submission.admitted[position - first].flags
            elif isinstance(event, e.RecognitionGranted):
                self._grant(said.actor, event.organization, event.recognition)
                if event.as_ == "accreditor":
                    self._accreditors[event.organization].add(said.actor)
                else:
                    _once(self._authorised[said.actor][event.organization], event.recognition)
            elif isinstance(event, e.AccreditationGranted):
                self._grant(said.actor, event.provider, event.accreditation)
            elif isinstance(event, e.LogOpened):
                self._genesis = said

    def positions(
        self, credential: str, anchors: Collection[str] = ()
    ) -> list[tuple[int, list[int]]]:
        """Return (header position, its event positions), in log order; empty if never issued.

        Raises `KeyError` for a credential that was not asked for.
        """
        return bearing_on(self, credential, anchors)

    def flags(self, credential: str) -> Flags:
        """Return the flags of the issuance that is judged; empty if it was never issued."""
        issued = issuance_in(self, credential)
        return () if issued is None else self._flags[issued.position]

    # --- Histories ---

    def history(self, thing: Thing, /) -> Sequence[Said]:
        """Return every event that touches a thing."""
        return self._histories.get(thing, ())

    def genesis(self) -> Said:
        """Return the event that opened the log; raises `LookupError` before it was read."""
        if self._genesis is None:
            raise LookupError("the genesis was not read")
        return self._genesis

    def issuances(self, credential: str, /) -> Sequence[Said]:
        """Return every issuance of a credential that was asked for."""
        if credential not in self._credentials:
            raise KeyError(credential)
        return self._issuances.get(credential, ())

    def links(self, anchor: str, accreditor: str, length: int, /) -> Mapping[str, Sequence[str]]:
        """Return, by granter, the recognitions as authority that could be links of a chain."""
        steps = [{anchor}]
        for _ in range(length - 1):
            steps.append({one for did in steps[-1] for one in self._authorised.get(did, ())})
        found: dict[str, dict[str, None]] = defaultdict(dict)
        after = steps.pop() & self._accreditors.get(accreditor, set())
        for step in reversed(steps):
            leading = {did for did in step if after & self._authorised.get(did, {}).keys()}
            for granter in leading:
                for subject in after & self._authorised[granter].keys():
                    found[granter].update(self._authorised[granter][subject])
            after = leading
        return {granter: tuple(ids) for granter, ids in found.items()}

    def grants(self, subject: str, granter: str, /) -> Sequence[str]:
        """Return all that one organization granted another."""
        return tuple(self._grants.get((subject, granter), ()))

    def _grant(self, granter: str, subject: str, id_: str) -> None:
        _once(self._grants[subject, granter], id_)


def _once(ids: dict[str, None], id_: str) -> None:
    """Add an id; written again, it is no other grant."""
    ids.setdefault(id_)
