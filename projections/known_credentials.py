"""What the rules ask about credentials while the follower checks submissions.

What the entries of a stretch name is looked up at once: most of it is being issued, and is not
there yet.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Engine

from projections.histories import histories
from projections.issuances import Issued, already_issued, issuances
from projections.tables import Known, uuid_text
from projections.tallies import Award
from testamur.catalogue import events as e
from testamur.catalogue.lines import decode_event
from testamur.catalogue.touched import History, Thing
from testamur.errors import Refuted
from testamur.rules.register import Credential
from testamur.rules.said import Signed

_ID: Final = re.compile(
    rb'":"([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"'  # a member's value
)


class _Place(NamedTuple):
    """Where an id was first written, and what that line names: achievement and accreditation."""

    position: int
    achievement: int
    accreditation: int | None


class KnownCredentials(dict[str, Credential]):
    """Credentials by id, as rules ask for them (`testamur.rules.Credentials`).

    `size` returns the tree size that the tables reach as this follower knows it: another one may
    have gone further. `pending` returns the rows of the issuances after it, in log order.
    `entry_at` returns the bytes of an entry of the log, `known` has the short names of rows.
    """

    def __init__(
        self,
        engine: Engine,
        size: Callable[[], int],
        pending: Callable[[], Sequence[Mapping[str, Any]]],
        entry_at: Callable[[int], bytes],
        known: Known,
    ) -> None:
        super().__init__()
        self._engine = engine
        self._size = size
        self._pending = pending
        self._entry_at = entry_at
        self._known = known
        self._places: dict[str, _Place] = {}
        self._counted = 0
        self._judged: tuple[Sequence[e.Event], int] = (), 0
        self._lines: dict[str, tuple[int, bytes]] | None = None

    def clear(self) -> None:
        """Forget all, because the tables hold it now."""
        super().clear()
        self._places.clear()

    def written(self) -> None:
        """Take note that no row is pending any more."""
        self._counted = 0

    def look_up(self, entries: Sequence[bytes]) -> None:
        """Read from the tables every credential that these entries of the log name.

        Ids are found by their form, whatever they name, so that one question does for thousands of
        entries.
        """
        ids = set(_ID.findall(b"\n".join(entries)))
        keys = (bytes.fromhex(one.replace(b"-", b"").decode()) for one in ids)
        with self._engine.connect() as connection:
            found = already_issued(connection, keys, self._size())
            missing = [name for name in found if name not in self]
            if missing:
                self._read(connection, missing)

    def _read(self, connection: Connection, names: Collection[str]) -> None:
        written: dict[str, list[Signed]] = {}
        accreditations: dict[str, str | None] = {}
        for each in issuances(connection, names, self._size()):
            written.setdefault(each.credential, []).append(each.signed)
            accreditations.setdefault(each.credential, each.accreditation)
            self._places.setdefault(each.credential, self._place(each))
        things = {name: Thing(History.CREDENTIAL, name) for name in written}
        streams = histories(connection, things.values(), self._size())
        for name, signed in written.items():
            stream = tuple(each.said for each in streams.get(things[name], ()))
            self[name] = Credential(accreditations[name], tuple(signed), stream)

    def judging(self, events: Sequence[e.Event], position: int) -> KnownCredentials:
        """Take note that the submission with its header at `position` is judged next."""
        self._judged = events, position
        self._lines = None
        return self

    def issuance(self, credential: str, /) -> e.CredentialIssued:
        """Return the line that first wrote the id."""
        if self._lines is None:
            # For the whole submission at once, in log order: each part of the log is read once.
            places = sorted((place, id_) for id_, place in self._written_again().items())
            self._lines = {id_: (place, self._entry_at(place)) for place, id_ in places}
        place, line = self._lines[credential]
        event = decode_event(line)
        if not isinstance(event, e.CredentialIssued):
            raise Refuted(f"the tables call entry {place} an issuance, and it is not")
        return event

    def _written_again(self) -> dict[str, int]:
        """Return where the ids that the submission writes again were first written."""
        events, position = self._judged
        again = [
            event.credential
            for event in events
            if isinstance(event, e.CredentialIssued)
            and (known := self.get(event.credential)) is not None
            and known.issuances[0].position < position
        ]
        return {name: place.position for name, place in self._placed(again).items()}

    def awarded(self, credential: str) -> Award:
        """Return what a credential that is known here was issued for."""
        place = self._placed([credential])[credential]
        owner = self._known.organizations[self[credential].owner]
        return Award(owner, place.achievement, place.accreditation)

    def _placed(self, names: Collection[str]) -> dict[str, _Place]:
        """Return where the ids were first written, of those that are known here."""
        pending = self._pending()
        for row in pending[self._counted :]:
            place = _Place(row["position"], row["achievement"], row["accreditation"])
            self._places.setdefault(uuid_text(row["credential"]), place)
        self._counted = len(pending)
        # The rows of some were pending when their ids were looked up, and are in the tables since.
        missing = [name for name in names if name not in self._places]
        if missing:
            with self._engine.connect() as connection:
                for each in issuances(connection, missing, self._size()):
                    self._places.setdefault(each.credential, self._place(each))
        return {name: self._places[name] for name in names}

    def _place(self, issued: Issued) -> _Place:
        return _Place(
            issued.position,
            self._known.achievements[issued.achievement],
            self._known.accreditations.get(issued.accreditation or ""),
        )
