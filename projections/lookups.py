"""What the log says as of a size, looked up in the tables history by history.

It is the `Histories` of `testamur/verification/histories.py`: a register drawn from it answers as
one that folded the whole log up to that size. So there is one path for now and for any earlier
size, and nothing that was concluded is ever stored.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from sqlalchemy import Connection

from projections.decoding import Share
from projections.grants import grants_between
from projections.histories import Logged, event_at, histories
from projections.issuances import issuances
from projections.links import links
from testamur.catalogue.events import CredentialIssued
from testamur.catalogue.touched import History, Thing
from testamur.errors import Unavailable
from testamur.rules.register import Register
from testamur.rules.said import Said
from testamur.verification.histories import drawn


class TooMany(Exception):  # named for the fact
    """More events were asked for than may be read."""


class LookUps:
    """Histories before `size`, which is the end of a submission; each is read once.

    `issuance` returns the line of an issuance by its position, which only the log holds; without
    it `issuances` may not be asked. With `most`, `TooMany` is raised once more events were read.
    """

    def __init__(
        self,
        connection: Connection,
        size: int,
        issuance: Callable[[int], CredentialIssued] | None = None,
        *,
        most: int | None = None,
    ) -> None:
        self.connection = connection
        self.size = size
        self._issuance = issuance
        self._most = most
        self._count = 0
        self._share = Share()
        self._read: dict[Thing, tuple[Logged, ...]] = {}

    def logged(self, thing: Thing) -> tuple[Logged, ...]:
        """Return the events that touch a thing, with the flags of their admission, in order."""
        self.prefetch([thing])
        return self._read[thing]

    def prefetch(self, things: Iterable[Thing]) -> None:
        """Read the histories of many things at once, rather than one after the other."""
        unread = dict.fromkeys(thing for thing in things if thing not in self._read)
        if unread:
            found = histories(self.connection, unread, self.size, self._share)
            self._read.update({thing: tuple(found.get(thing, ())) for thing in unread})
            self._count += sum(map(len, found.values()))
            if self._most is not None and self._count > self._most:
                raise TooMany

    def prefetch_actors(self, things: Collection[Thing], others: Iterable[str] = ()) -> None:
        """Read at once what tells whether events count, and whose successors their signers are.

        `things` are those whose histories they are in; `others` are further organizations.
        """
        self.prefetch(things)
        actors = {each.said.actor for thing in things for each in self.logged(thing)}
        self.prefetch_organizations({*actors, *others})

    def prefetch_organizations(self, organizations: Collection[str]) -> None:
        """Read at once what tells of these organizations which of their submissions count."""
        about = (History.KEYS, History.ORGANIZATION)
        self.prefetch(Thing(kind, did) for did in sorted(organizations) for kind in about)

    def register(self) -> Register:
        """Return a register that reads what it is asked for, as of `size`."""
        return drawn(self)

    # --- The duties of `Histories` ---

    def history(self, thing: Thing, /) -> Sequence[Said]:
        """Return every event that touches `thing`, in log order."""
        return [each.said for each in self.logged(thing)]

    def genesis(self) -> Said:
        """Return the event that opens the log."""
        opened = event_at(self.connection, 1)
        if opened is None:
            raise Unavailable("the log has not been read yet")
        return opened.said

    def issuances(self, credential: str, /) -> Sequence[Said]:
        """Return each time the credential was issued, in log order."""
        if self._issuance is None:
            raise TypeError("these look-ups have no log to read issuances from")
        return [
            Said(each.position, each.signed, self._issuance(each.position))
            for each in issuances(self.connection, [credential], self.size)
        ]

    def links(self, anchor: str, accreditor: str, length: int, /) -> Mapping[str, Sequence[str]]:
        """Return, by granter, the recognitions as authority that could be links of a chain."""
        found = links(self.connection, anchor, accreditor, length, self.size)
        things = [Thing(History.RECOGNITION, id_) for ids in found.values() for id_ in ids]
        self.prefetch_actors(things)
        return found

    def grants(self, subject: str, granter: str, /) -> Sequence[str]:
        """Return the ids of all that `granter` granted `subject`."""
        found = grants_between(self.connection, granter, subject, self.size)
        self.prefetch(found)
        return [thing.name for thing in found]
