"""One row per event: its kind, what it is about, what it refers to, and what it does.

Everything that has to know events reads this table: the decoder, the rules, the store, the read
models, evidence, the command line. A row states facts of form alone; whether an event may happen
is decided in `rules/`. An event without a row, or without a status in `lifecycle.py` where
its kind has one, stops the import of this module, which names every one that is missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

import msgspec

from testamur.catalogue import events as e
from testamur.catalogue import lifecycle


class Kind(StrEnum):
    """The kinds of things that events are about."""

    CREDENTIAL = "credential"
    ACCREDITATION = "accreditation"
    RECOGNITION = "recognition"
    ACHIEVEMENT = "achievement"
    ORGANIZATION = "organization"
    KEY = "key"
    LOG = "log"

    @property
    def stream(self) -> Kind:
        """The kind of thing whose stream holds such events: a key's are its organization's."""
        return Kind.ORGANIZATION if self is Kind.KEY else self


class Effect(StrEnum):
    """What an event does to rights, seen from the thing that it is about."""

    GIVES = "gives"
    """From here on something counts that did not count before."""
    TAKES_AWAY = "takes away"
    """From here on something counts no more."""
    REPLACES = "replaces"
    """It takes the place of what earlier events of this type said about the same thing."""
    TELLS = "tells"
    """It states something and changes nobody's rights."""


_NOTHING: Final[Mapping[str, Kind]] = MappingProxyType({})


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """What an event is about and does.

    `subject` is the member with the name of the thing that it is about; None if that is its
    signer. `creates` says whether that name is a new id, which must be a UUID of version 7.
    `refers` has the members that name organizations or other things, each with the kind of thing
    it names.
    """

    event: type[e.Event]
    name: str
    kind: Kind
    subject: str | None
    effect: Effect
    creates: bool = False
    refers: Mapping[str, Kind] = _NOTHING


def _row(
    event: type[e.Event],
    kind: Kind,
    subject: str | None,
    effect: Effect,
    *,
    creates: bool = False,
    **refers: Kind,
) -> Row:
    return Row(
        event=event,
        name=str(event.__struct_config__.tag),
        kind=kind,
        subject=subject,
        effect=effect,
        creates=creates,
        refers=MappingProxyType(refers),
    )


_ROWS: Final = (
    _row(e.LogOpened, Kind.LOG, "origin", Effect.GIVES),
    # It names no other: its sponsor is its signer, or in the genesis the log.
    _row(e.OrganizationRegistered, Kind.ORGANIZATION, "organization", Effect.GIVES),
    _row(e.OrganizationUpdated, Kind.ORGANIZATION, None, Effect.REPLACES),
    _row(e.OrganizationClosed, Kind.ORGANIZATION, None, Effect.TAKES_AWAY),
    _row(
        e.OrganizationSucceeded,
        Kind.ORGANIZATION,
        "organization",
        Effect.GIVES,
        organization=Kind.ORGANIZATION,
        successor=Kind.ORGANIZATION,
    ),
    _row(e.OrganizationObjected, Kind.ORGANIZATION, None, Effect.TAKES_AWAY),
    _row(e.KeyListed, Kind.KEY, None, Effect.GIVES),
    _row(e.KeyRetired, Kind.KEY, None, Effect.TAKES_AWAY),
    _row(e.KeyCompromised, Kind.KEY, None, Effect.TAKES_AWAY),
    _row(
        e.RecognitionGranted,
        Kind.RECOGNITION,
        "recognition",
        Effect.GIVES,
        creates=True,
        organization=Kind.ORGANIZATION,
    ),
    _row(e.RecognitionRestated, Kind.RECOGNITION, "recognition", Effect.REPLACES),
    _row(e.RecognitionWithdrawn, Kind.RECOGNITION, "recognition", Effect.TAKES_AWAY),
    _row(
        e.AccreditationGranted,
        Kind.ACCREDITATION,
        "accreditation",
        Effect.GIVES,
        creates=True,
        provider=Kind.ORGANIZATION,
    ),
    _row(e.AccreditationRestated, Kind.ACCREDITATION, "accreditation", Effect.REPLACES),
    _row(e.AccreditationSuspended, Kind.ACCREDITATION, "accreditation", Effect.TAKES_AWAY),
    _row(e.AccreditationReinstated, Kind.ACCREDITATION, "accreditation", Effect.REPLACES),
    _row(e.AccreditationWithdrawn, Kind.ACCREDITATION, "accreditation", Effect.TAKES_AWAY),
    _row(e.AchievementDefined, Kind.ACHIEVEMENT, "achievement", Effect.GIVES, creates=True),
    _row(e.AchievementRevised, Kind.ACHIEVEMENT, "achievement", Effect.GIVES),
    _row(e.AchievementRetired, Kind.ACHIEVEMENT, "achievement", Effect.TAKES_AWAY),
    _row(
        e.CredentialIssued,
        Kind.CREDENTIAL,
        "credential",
        Effect.GIVES,
        creates=True,
        achievement=Kind.ACHIEVEMENT,
        accreditation=Kind.ACCREDITATION,
    ),
    _row(e.CredentialSuspended, Kind.CREDENTIAL, "credential", Effect.TAKES_AWAY),
    _row(e.CredentialReinstated, Kind.CREDENTIAL, "credential", Effect.REPLACES),
    _row(e.CredentialRevoked, Kind.CREDENTIAL, "credential", Effect.TAKES_AWAY),
    _row(
        e.CredentialSuperseded,
        Kind.CREDENTIAL,
        "credential",
        Effect.TAKES_AWAY,
        successor=Kind.CREDENTIAL,
    ),
)

TABLE: Final[Mapping[type, Row]] = MappingProxyType({row.event: row for row in _ROWS})
"""The row of every event type."""

BY_NAME: Final[Mapping[str, Row]] = MappingProxyType({row.name: row for row in _ROWS})
"""The row of every event by its wire name."""

CREATED: Final[Mapping[type, str]] = MappingProxyType(
    {row.event: row.subject for row in _ROWS if row.creates and row.subject is not None}
)
"""The member by which an event brings a new id into the world.

Such an id is time-ordered, so the index it lands in stays warm."""

WITH_STATUS: Final = frozenset(
    {Kind.CREDENTIAL, Kind.ACCREDITATION, Kind.RECOGNITION, Kind.ACHIEVEMENT}
)
"""The kinds of things that have a status (`lifecycle.py`).

An organization is closed or not, and what a key may do follows from its history."""


def row_of(event: e.Event) -> Row:
    """Return the row of an event."""
    return TABLE[type(event)]


def kind_of(event: e.Event) -> Kind:
    """Return the kind of thing that an event is about."""
    return TABLE[type(event)].kind


def subject_of(event: e.Event, actor: str) -> str:
    """Return the name of the thing that an event is about: an id, a DID, or the log's origin.

    `actor` is the DID of the organization that signed it.
    """
    member = TABLE[type(event)].subject
    return actor if member is None else str(getattr(event, member))


def event_types(*kinds: Kind) -> frozenset[type[e.Event]]:
    """Return the types of the events of these kinds."""
    return frozenset(row.event for row in _ROWS if row.kind in kinds)


def wire_names(*kinds: Kind) -> tuple[str, ...]:
    """Return the wire names of the events of these kinds, in the order of the table."""
    return tuple(row.name for row in _ROWS if row.kind in kinds)


def gaps() -> list[str]:
    """Return, in a sentence each, what the catalogue leaves open about an event of the set."""
    found = []
    for name, event in e.EVENTS.items():
        row = TABLE.get(event)
        if row is None:
            found.append(f"{name} has no row in testamur/catalogue/table.py")
        else:
            found += [
                f"the row of {name} names {member}, which it does not have"
                for member in (row.subject, *row.refers)
                if member is not None and member not in event.__struct_fields__
            ]
        if name.partition(".")[0] in WITH_STATUS and not lifecycle.knows(event):
            found.append(f"{name} has no status in testamur/catalogue/lifecycle.py")
    return found


if _gaps := gaps():
    raise TypeError("; ".join(_gaps))
