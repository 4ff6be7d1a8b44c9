"""The flags of an accreditor at a moment: whether anybody near the root authorities recognises it.

Only the recognitions that `Register.recognised` lists are looked at, those with the shortest
histories first, and no further once `SAID_LOOKED_AT` entries about them were gone through. A
verifier asks more, from anchors of its own: `chain.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import count
from operator import attrgetter
from typing import Final

from testamur.catalogue.members import RecognisedAs
from testamur.catalogue.table import Kind
from testamur.rules.chain import Moment, in_force
from testamur.rules.flags import Flag
from testamur.rules.granting import is_root
from testamur.rules.register import Grant, Register
from testamur.rules.said import Signed
from testamur.rules.status import closed

SAID_LOOKED_AT: Final = 256
"""How much is gone through that was said about recognitions; one may be as long by itself."""


_actor: Final = attrgetter("signed.organization")
_signed: Final = attrgetter("signed")


class Accreditors:
    """What is found of accreditors at one moment: once for each, however many events ask.

    It holds as long as nothing is said of recognitions, and nobody closes or names a successor.
    """

    def __init__(self, register: Register, moment: Moment) -> None:
        self._register = register
        self._moment = moment
        self._recognised: dict[str, tuple[list[Grant], Iterator[Grant]]] = {}
        self._flags: dict[str, tuple[Flag, ...]] = {}

    def flags(self, accreditor: str, provider: str) -> list[Flag]:
        """Return the flags of any accreditation of `provider` by `accreditor`.

        A decision outlives the organization that made it, for its term. A closed organization can
        no longer review or withdraw it, so that is flagged.
        """
        found = self._flags.get(accreditor)
        if found is None:
            found = self._flags[accreditor] = self._register.concluded(
                ("accreditor", accreditor, self._moment.day), lambda: tuple(self._of(accreditor))
            )
        own = (Flag.SELF_ACCREDITATION,) if accreditor == provider else ()
        return [*found, *own]

    def recognised(self, accreditor: str) -> Iterator[Grant]:
        """Yield the recognitions looked at that make it an accreditor.

        Each is by a root authority, or by an authority that one of these made one and that is so
        at the moment. Those of closed authorities are among them.
        """
        if accreditor not in self._recognised:
            looking = _Looking(self._register, self._moment)
            self._recognised[accreditor] = [], looking.at_accreditor(accreditor)
        found, further = self._recognised[accreditor]
        for place in count():
            if place == len(found):
                grant = next(further, None)
                if grant is None:
                    return
                found.append(grant)
            yield found[place]

    def _of(self, accreditor: str) -> Iterator[Flag]:
        owners: dict[str, bool] = {}  # and whether each has closed
        for each in self.recognised(accreditor):
            if each.owner not in owners:
                owners[each.owner] = closed(self._register, each.owner)
            if not all(owners.values()) and owners.keys() != {accreditor}:
                break  # no further one changes anything
        if not owners:
            yield Flag.ACCREDITOR_NOT_RECOGNISED
        elif all(owners.values()):
            yield Flag.AUTHORITY_CLOSED
        if owners.keys() == {accreditor}:
            yield Flag.SELF_RECOGNITION
        if closed(self._register, accreditor):
            yield Flag.ACCREDITOR_CLOSED


def said_of_recognitions(register: Register, accreditor: str) -> Iterator[Signed]:
    """Yield the submissions that say something of recognitions which the flags may look at.

    Whether they count may then be worked out before it is needed. As many are gone through as for
    the flags, so of recognitions that do not hold some may be left out.
    """
    return _Looking(register, Moment(register.size, date.min)).submissions(accreditor)


class _Looking:
    """One look at recognitions, which ends when too much was gone through."""

    def __init__(self, register: Register, moment: Moment) -> None:
        self._register = register
        self._moment = moment
        self._left = SAID_LOOKED_AT
        self._near: dict[str, bool] = {}

    def at_accreditor(self, accreditor: str) -> Iterator[Grant]:
        for grant in self._in_force(accreditor, "accreditor"):
            if grant.owner not in self._near:
                self._near[grant.owner] = self._near_root(grant.owner)
            if self._near[grant.owner]:
                yield grant

    def _near_root(self, authority: str) -> bool:
        return is_root(self._register, authority) or any(
            True for _ in self._in_force(authority, "authority", by_root=True)
        )

    def submissions(self, accreditor: str) -> Iterator[Signed]:
        """Yield who said something of the recognitions looked at, whether or not that counts."""
        authorities: set[str] = set()
        for grant in self._looked_at(accreditor, "accreditor"):
            yield from _submissions(grant)
            if grant.owner in authorities or is_root(self._register, grant.owner):
                continue
            authorities.add(grant.owner)
            for each in self._looked_at(grant.owner, "authority", by_root=True):
                yield from _submissions(each)

    def _in_force(
        self, subject: str, makes: RecognisedAs, *, by_root: bool = False
    ) -> Iterator[Grant]:
        """Yield those of its recognitions that are in force, as far as they are looked at."""
        for grant in self._looked_at(subject, makes, by_root=by_root):
            if in_force(self._register, Kind.RECOGNITION, grant, self._moment):
                yield grant

    def _looked_at(
        self, subject: str, makes: RecognisedAs, *, by_root: bool = False
    ) -> Iterator[Grant]:
        register = self._register
        granted = (register.recognitions[id_] for id_ in register.recognised.get(subject, ()))
        asked = [
            each
            for each in granted
            if each.makes == makes and (not by_root or is_root(register, each.owner))
        ]
        for grant in sorted(asked, key=self._said_about):
            if self._left <= 0:
                return
            self._left -= self._said_about(grant)
            if not {grant.owner}.issuperset(map(_actor, grant.stream)):
                # What its owner said of successors is gone through, too.
                self._left -= len(register.organizations[grant.owner].said)
            yield grant

    def _said_about(self, grant: Grant) -> int:
        return grant.entries + len(self._register.organizations[grant.owner].closings)


def _submissions(grant: Grant) -> Iterator[Signed]:
    """Yield who wrote a grant, and who said something of it."""
    yield from (signed for _, signed in grant.written())
    yield from map(_signed, grant.stream)
