"""The register: what the log says so far, folded into organizations and their decisions.

It is a pure function of the entries before `size`. The gate keeps one to decide by, every
replayer builds its own, and the two must agree. Credentials are not in here, because there are
millions: the rules read them from the `Credentials` mapping that the caller supplies.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field, fields
from datetime import UTC, date, datetime
from typing import Final, TypeAlias, assert_never

import msgspec

from testamur.catalogue.lifecycle import (
    AccreditationStatus,
    AchievementStatus,
    CredentialStatus,
    KeyStatus,
    OrganizationStatus,
    RecognitionStatus,
)
from testamur.catalogue.members import Country, Definition, Identifier, Role, Scope
from testamur.catalogue.table import TABLE, Kind, Row
from testamur.keys import PublicKey


class KeyState(msgspec.Struct, frozen=True, gc=False):
    """A key and the positions that bound it: `until` is the first at which it may not sign."""

    id: str
    multikey: str
    status: KeyStatus
    added: int
    until: int | None = None

    def public(self) -> PublicKey:
        """Return the verification key."""
        return PublicKey.from_multikey(self.multikey)


class Organization(msgspec.Struct, frozen=True, gc=False):
    """An organization. `version` counts the events of its stream; 0 is straight from genesis."""

    did: str
    name: str
    country: Country
    roles: tuple[Role, ...]
    sponsor: str | None
    status: OrganizationStatus
    keys: tuple[KeyState, ...]
    registered: int
    version: int
    identifiers: tuple[Identifier, ...] | None = None
    url: str | None = None

    def key(self, key_id: str) -> KeyState | None:
        """Return the key with this id, whatever its status."""
        return next((key for key in self.keys if key.id == key_id), None)


class Recognition(msgspec.Struct, frozen=True, gc=False):
    """An authority's recognition of an accreditor."""

    id: str
    authority: str
    accreditor: str
    status: RecognitionStatus
    valid_from: date
    version: int
    scope: Scope | None = None
    valid_until: date | None = None

    def in_force(self, day: date) -> bool:
        """Return whether it is in force on `day` (UTC)."""
        return self.status is RecognitionStatus.ACTIVE and _within(
            day, self.valid_from, self.valid_until
        )


class Accreditation(msgspec.Struct, frozen=True, gc=False):
    """An accreditor's accreditation of a provider."""

    id: str
    accreditor: str
    provider: str
    decision: str
    kind: str
    status: AccreditationStatus
    valid_from: date
    version: int
    scope: Scope | None = None
    valid_until: date | None = None

    def in_force(self, day: date) -> bool:
        """Return whether it is in force on `day` (UTC)."""
        return self.status is AccreditationStatus.ACTIVE and _within(
            day, self.valid_from, self.valid_until
        )


class Achievement(msgspec.Struct, frozen=True, gc=False):
    """A provider's achievement; `definitions[v - 1]` is its version v."""

    id: str
    provider: str
    definitions: tuple[Definition, ...]
    status: AchievementStatus
    version: int


class CredentialState(msgspec.Struct, frozen=True, gc=False):
    """The state of a credential; many credentials may share one such object."""

    issuer: str
    status: CredentialStatus
    version: int


Credentials: TypeAlias = MutableMapping[str, CredentialState]

State: TypeAlias = Organization | Recognition | Accreditation | Achievement
"""The state that the register keeps of a thing."""


@dataclass(slots=True)
class Register:
    """The folded state after `size` entries. `recorded_at` is Unix milliseconds.

    `recognised` lists, for each accreditor, the ids of the recognitions it was ever granted.
    `named` holds, for the id of each recognition, accreditation and achievement, the wire name
    of the event that created it: one look-up shows whether an id is taken.
    """

    origin: str | None = None
    size: int = 0
    recorded_at: int = 0
    organizations: MutableMapping[str, Organization] = field(default_factory=dict)
    recognitions: MutableMapping[str, Recognition] = field(default_factory=dict)
    recognised: MutableMapping[str, tuple[str, ...]] = field(default_factory=dict)
    accreditations: MutableMapping[str, Accreditation] = field(default_factory=dict)
    achievements: MutableMapping[str, Achievement] = field(default_factory=dict)
    named: MutableMapping[str, str] = field(default_factory=dict)

    def states(self, kind: Kind) -> Mapping[str, State]:
        """Return the states of the things whose streams hold the events of `kind`, by name."""
        match kind:
            case Kind.ORGANIZATION | Kind.KEY:
                return self.organizations
            case Kind.RECOGNITION:
                return self.recognitions
            case Kind.ACCREDITATION:
                return self.accreditations
            case Kind.ACHIEVEMENT:
                return self.achievements
            case Kind.CREDENTIAL | Kind.LOG:
                raise ValueError(f"a register keeps no state of a {kind}")
            case _:
                assert_never(kind)

    def copied(self) -> Register:
        """Return a register with mappings of its own, holding the same frozen states."""
        mappings = {name: dict(getattr(self, name)) for name in _MAPPINGS}
        return Register(self.origin, self.size, self.recorded_at, **mappings)

    def draft(self) -> Register:
        """Return a register that reads through to this one and keeps its changes to itself."""
        layers = {name: ChainMap({}, getattr(self, name)) for name in _MAPPINGS}
        return Register(self.origin, self.size, self.recorded_at, **layers)

    def absorb(self, draft: Register) -> None:
        """Take over the changes of a `draft()` of this register."""
        self.origin, self.size, self.recorded_at = draft.origin, draft.size, draft.recorded_at
        for name in _MAPPINGS:
            getattr(self, name).update(getattr(draft, name).maps[0])

    def closed(self, did: str) -> bool:
        """Return whether an organization of the register has closed."""
        return self.organizations[did].status is OrganizationStatus.CLOSED

    def today(self) -> date:
        """Return the UTC day of the last `recordedAt`: the log's own clock."""
        return datetime.fromtimestamp(self.recorded_at // 1000, UTC).date()


_MAPPINGS: Final = tuple(each.name for each in fields(Register) if each.default_factory is dict)
_CREATING: Final[tuple[Row, ...]] = tuple(
    row for row in TABLE.values() if row.creates and row.kind is not Kind.CREDENTIAL
)


class _Snapshot(msgspec.Struct, frozen=True):
    origin: str | None
    size: int
    recorded_at: int
    organizations: dict[str, Organization]
    recognitions: dict[str, Recognition]
    recognised: dict[str, tuple[str, ...]]
    accreditations: dict[str, Accreditation]
    achievements: dict[str, Achievement]


def naming(register: Register) -> dict[str, str]:
    """Return what `named` must hold, worked out from the other mappings."""
    return {name: row.name for row in _CREATING for name in register.states(row.kind)}


def dump_register(register: Register) -> bytes:
    """Return the register as bytes; equal registers give equal bytes."""
    parts = {name: dict(getattr(register, name)) for name in _MAPPINGS if name != "named"}
    snapshot = _Snapshot(register.origin, register.size, register.recorded_at, **parts)
    return msgspec.json.encode(snapshot, order="sorted")


def load_register(data: bytes) -> Register:
    """Return the register that `dump_register` wrote; raises `msgspec.DecodeError`."""
    snapshot = msgspec.json.decode(data, type=_Snapshot)
    register = Register(**{name: getattr(snapshot, name) for name in snapshot.__struct_fields__})
    register.named = naming(register)
    return register


def _within(day: date, start: date, end: date | None) -> bool:
    return start <= day and (end is None or day <= end)
