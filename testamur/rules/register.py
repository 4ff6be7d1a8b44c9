"""The register: what the log says so far, folded into organizations and their decisions.

It is a pure function of the entries before `size`. The gate keeps one to decide by, every
replayer builds its own, and the two must agree. Credentials are not in here, because there are
millions: the rules read them from the `Credentials` mapping that the caller supplies.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field, fields
from datetime import UTC, date, datetime
from typing import Any, Final, TypeAlias, assert_never

import msgspec

from testamur.catalogue import events as e
from testamur.catalogue.lifecycle import (
    AccreditationStatus,
    AchievementStatus,
    CredentialStatus,
    KeyStatus,
    OrganizationStatus,
    RecognitionStatus,
)
from testamur.catalogue.members import Country, Identifier, Role, Scope
from testamur.catalogue.table import TABLE, Kind
from testamur.keys import PublicKey
from testamur.rules.drafts import Draft
from testamur.rules.facets import Facets, read_facets


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
    """A provider's achievement. `revision` is the version of its newest definition.

    The definitions themselves are on the log; `facets` is what the rules ask of version 1
    (`rules/facets.py`). Those of later versions are in `Register.revisions`.
    """

    id: str
    provider: str
    facets: str
    revision: int
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

    `recognised` lists, for each accreditor, the ids of the recognitions that flags look at
    (`rules/accreditation.py`). `revisions` holds the facets of each version of a definition but
    the first, by "ID/VERSION". Nothing is ever taken out of a mapping.
    """

    origin: str | None = None
    size: int = 0
    recorded_at: int = 0
    organizations: MutableMapping[str, Organization] = field(default_factory=dict)
    recognitions: MutableMapping[str, Recognition] = field(default_factory=dict)
    recognised: MutableMapping[str, tuple[str, ...]] = field(default_factory=dict)
    accreditations: MutableMapping[str, Accreditation] = field(default_factory=dict)
    achievements: MutableMapping[str, Achievement] = field(default_factory=dict)
    revisions: MutableMapping[str, str] = field(default_factory=dict)

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

    def creator(self, name: str) -> str | None:
        """Return the wire name of the event that created this id, unless it is free.

        One id names one thing. Ids of credentials are not known here.
        """
        for wire_name, states in (
            (_GRANTED_RECOGNITION, self.recognitions),
            (_GRANTED_ACCREDITATION, self.accreditations),
            (_DEFINED, self.achievements),
        ):
            if name in states:
                return wire_name
        return None

    def facets(self, achievement: Achievement, version: int) -> Facets:
        """Return what the rules ask of one version of a definition, which must exist."""
        first = version == 1
        return read_facets(
            achievement.facets if first else self.revisions[f"{achievement.id}/{version}"]
        )

    def mappings(self) -> dict[str, MutableMapping[str, Any]]:
        """Return the mappings by their names."""
        return {name: getattr(self, name) for name in MAPPINGS}

    def copied(self) -> Register:
        """Return a register with mappings of its own, holding the same frozen states.

        It costs as much as the register is large: the gate makes drafts instead.
        """
        copies: dict[str, Any] = {name: dict(states) for name, states in self.mappings().items()}
        return Register(self.origin, self.size, self.recorded_at, **copies)

    def draft(self) -> Register:
        """Return a register that reads through to this one and keeps its changes to itself."""
        layers = {name: Draft(states) for name, states in self.mappings().items()}
        return Register(self.origin, self.size, self.recorded_at, **layers)

    def changes(self) -> dict[str, dict[str, Any]]:
        """Return, of a `draft()`, what it changed in each mapping."""
        return {name: states.changed for name, states in self.mappings().items()}  # type: ignore[attr-defined]  # a draft's are drafts

    def absorb(self, draft: Register) -> None:
        """Take over the changes of a `draft()` of this register: as many steps as changes."""
        self.origin, self.size, self.recorded_at = draft.origin, draft.size, draft.recorded_at
        for name, changed in draft.changes().items():
            if changed:
                getattr(self, name).update(changed)

    def closed(self, did: str) -> bool:
        """Return whether an organization of the register has closed."""
        return self.organizations[did].status is OrganizationStatus.CLOSED

    def today(self) -> date:
        """Return the UTC day of the last `recordedAt`: the log's own clock."""
        return datetime.fromtimestamp(self.recorded_at // 1000, UTC).date()


MAPPINGS: Final = tuple(each.name for each in fields(Register) if each.default_factory is dict)
"""The names of the mappings of a register."""

_GRANTED_RECOGNITION: Final = TABLE[e.RecognitionGranted].name
_GRANTED_ACCREDITATION: Final = TABLE[e.AccreditationGranted].name
_DEFINED: Final = TABLE[e.AchievementDefined].name


class _Snapshot(msgspec.Struct, frozen=True):
    origin: str | None
    size: int
    recorded_at: int
    organizations: dict[str, Organization]
    recognitions: dict[str, Recognition]
    recognised: dict[str, tuple[str, ...]]
    accreditations: dict[str, Accreditation]
    achievements: dict[str, Achievement]
    revisions: dict[str, str]


def dump_register(register: Register) -> bytes:
    """Return the register as bytes; equal registers give equal bytes."""
    parts = {name: dict(states) for name, states in register.mappings().items()}
    snapshot = _Snapshot(register.origin, register.size, register.recorded_at, **parts)
    return msgspec.json.encode(snapshot, order="sorted")


def load_register(data: bytes) -> Register:
    """Return the register that `dump_register` wrote; raises `msgspec.DecodeError`."""
    snapshot = msgspec.json.decode(data, type=_Snapshot)
    return Register(**{name: getattr(snapshot, name) for name in snapshot.__struct_fields__})


def _within(day: date, start: date, end: date | None) -> bool:
    return start <= day and (end is None or day <= end)
