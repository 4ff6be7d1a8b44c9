"""The register: everything that was said on the log before `size`, by the thing it is about.

It is a pure function of the entries (`fold.py`). It keeps what does not count beside what does,
because a later key event may change which is which: for each small thing the short stream of what
was said about it, never a status. `counts` is the one function that tells what counts; `status.py`
and `chain.py` draw every conclusion from it. Credentials are not in here, because there are
millions: the rules read them from the `Credentials` that the caller supplies.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Hashable, Iterator, Mapping, MutableMapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, fields
from datetime import UTC, date, datetime
from heapq import heappop, heappush
from operator import attrgetter
from types import MappingProxyType
from typing import Any, Final, NamedTuple, Protocol, TypeAlias, TypeVar, cast

import msgspec

from testamur.catalogue import events as e
from testamur.catalogue.members import Country, Identifier, RecognisedAs, Role
from testamur.catalogue.table import TABLE, Kind
from testamur.rules.conclusions import Concluding, Conclusions
from testamur.rules.drafts import Draft, NotingDraft
from testamur.rules.facets import Facets, read_facets
from testamur.rules.key_table import KeyTable
from testamur.rules.pasts import Past
from testamur.rules.said import Said, Signed

_Value = TypeVar("_Value")


class Particulars(msgspec.Struct, frozen=True, gc=False):
    """What an organization says of itself: its own word, on which nobody relies."""

    name: str
    country: Country
    identifiers: tuple[Identifier, ...] | None = None
    url: str | None = None


class Organization(msgspec.Struct, frozen=True, gc=False):
    """An organization: its first registration, its keys, and what was said of it since.

    `registered` is the position of the header of the submission that registered it, `sponsor` who
    signed that one; a root authority of the genesis has none. `said` holds, oldest first, its own
    updates, closings, objections and namings of a successor; `closings` has the closings once more,
    since everybody asks for them. `entries` counts the entries in its stream in the store.
    """

    did: str
    registered: int
    sponsor: str | None
    roles: tuple[Role, ...]
    registration: Particulars
    keys: KeyTable
    said: tuple[Said, ...] = ()
    closings: tuple[Said, ...] = ()
    entries: int = 1

    @property
    def root(self) -> bool:
        """Whether it is a root authority of the genesis."""
        return self.sponsor is None


class Written(Protocol):
    """What exists from the first writing of it that counts."""

    def written(self) -> Iterator[tuple[int, Signed]]:
        """Yield where its owner wrote it, oldest first: a position, and the submission there.

        The position of a credential's issuance is that of the submission's header.
        """
        ...


class Thing(Written, Protocol):
    """What a status is asked of: whose it is, where it was written, and what was said of it."""

    @property
    def owner(self) -> str:
        """The organization that first wrote its id, whether that counts or not."""
        ...

    @property
    def stream(self) -> tuple[Said, ...]:
        """What was said about it after it was first written, oldest first."""
        ...

    @property
    def entries(self) -> int:
        """How many entries its stream has in the store."""
        ...


class Grant(msgspec.Struct, frozen=True, gc=False):
    """A recognition or an accreditation: every time its owner wrote it, in the same words."""

    grants: tuple[Said, ...]
    stream: tuple[Said, ...] = ()

    @property
    def owner(self) -> str:
        """The organization that granted it."""
        return self.grants[0].actor

    @property
    def event(self) -> e.RecognitionGranted | e.AccreditationGranted:
        """The line that grants it, which is the same each time."""
        return cast("e.RecognitionGranted | e.AccreditationGranted", self.grants[0].event)

    @property
    def subject(self) -> str:
        """The organization that it is granted to."""
        event = self.event
        return event.provider if isinstance(event, e.AccreditationGranted) else event.organization

    @property
    def makes(self) -> RecognisedAs | None:
        """What a recognition makes of its subject; None for an accreditation."""
        event = self.event
        return event.as_ if isinstance(event, e.RecognitionGranted) else None

    @property
    def entries(self) -> int:
        """How many entries its stream has in the store."""
        return len(self.grants) + len(self.stream)

    def written(self) -> Iterator[tuple[int, Signed]]:
        """Yield each grant's position and submission, oldest first."""
        return ((each.position, each.signed) for each in self.grants)


class Definition(msgspec.Struct, frozen=True, gc=False):
    """One version of an achievement: where it was first written, and where `again`.

    The definition itself is on the log; `facets` is what the rules ask of it
    (`rules/facets.py`). `place` is its number in its submission, from 1 on: a small integer, of
    which there is one object.
    """

    version: int
    facets: str
    place: int
    signed: Signed
    again: tuple[tuple[int, Signed], ...] = ()

    @property
    def position(self) -> int:
        """The position where it was first written."""
        return self.signed.position + self.place

    def written(self) -> Iterator[tuple[int, Signed]]:
        """Yield each position and submission, oldest first."""
        yield self.position, self.signed
        yield from self.again


class Achievement(msgspec.Struct, frozen=True, gc=False):
    """An achievement of the provider that first wrote its id.

    `definitions` holds its versions, each a thing of its own: version 2 stands without version 1,
    and an excerpt may show it alone. `stream` holds its retirements. `entries` counts the entries
    in its stream in the store.
    """

    definitions: tuple[Definition, ...]
    stream: tuple[Said, ...] = ()
    entries: int = 1

    @property
    def owner(self) -> str:
        """The provider, which wrote every version."""
        return self.definitions[0].signed.organization

    @property
    def highest(self) -> int:
        """The highest version ever written."""
        return self.definitions[-1].version

    def definition(self, version: int) -> Definition | None:
        """Return a version as it was written, or None for one that was not."""
        place = bisect_left(self.definitions, version, key=attrgetter("version"))
        found = self.definitions[place : place + 1]
        return found[0] if found and found[0].version == version else None

    def written(self) -> Iterator[tuple[int, Signed]]:
        """Yield each position and submission at which a version of it was written, oldest first."""
        again: list[tuple[int, Signed]] = []
        # Lazily: the first of ten thousand versions is the answer to most questions.
        for each in sorted(self.definitions, key=attrgetter("position")):
            while again and again[0][0] < each.position:
                yield heappop(again)
            yield each.position, each.signed
            for one in each.again:
                heappush(again, one)
        yield from sorted(again)


class Credential(msgspec.Struct, frozen=True, gc=False):
    """What was said of a credential. The credentials of a cohort may share one such object.

    `accreditation` is the one that its line names; `issuances` are the submissions in which its
    owner wrote that line, oldest first.
    """

    accreditation: str | None
    issuances: tuple[Signed, ...]
    stream: tuple[Said, ...] = ()

    @property
    def owner(self) -> str:
        """The organization that first wrote its id."""
        return self.issuances[0].organization

    def written(self) -> Iterator[tuple[int, Signed]]:
        """Yield, for each issuance, the position of its submission's header and the submission."""
        return ((each.position, each) for each in self.issuances)

    @property
    def entries(self) -> int:
        """How many entries its stream has in the store."""
        return len(self.issuances) + len(self.stream)


class Credentials(Protocol):
    """The credentials that the rules may ask about, and change as they admit events."""

    def get(self, credential: str, /) -> Credential | None:
        """Return what was said of a credential, or None if its id was never written."""
        ...

    def __setitem__(self, credential: str, value: Credential, /) -> None:
        """Take note of what was said of it now."""
        ...

    def __contains__(self, credential: object, /) -> bool:
        """Return whether the id was ever written."""
        ...

    def issuance(self, credential: str, /) -> e.CredentialIssued:
        """Return the line that first wrote the id; asked only when it is written again."""
        ...


class Judged(NamedTuple):
    """What somebody worked out before, by the keys that organizations still have.

    `fallen` has the positions of headers whose submissions do not count. `began` has the first
    writing that counts, of achievements by the position of their first writing. In `speakers`
    `status.py` keeps what it finds of successors while nothing but credentials is said.
    `conclusions` know by themselves which of them still hold. `pasts` has long streams of
    credentials, by the position of their first entries.
    """

    fallen: AbstractSet[int] = frozenset()
    began: Mapping[int, tuple[int, Signed]] = MappingProxyType({})
    speakers: MutableMapping[tuple[str, str | None], Any] | None = None
    conclusions: Concluding | None = None
    pasts: Mapping[int, Past] = MappingProxyType({})

    def past(self, stream: Sequence[Said]) -> Past | None:
        """Return the past that a stream goes on from, if it was gone through before."""
        if not self.pasts or not stream:
            return None
        known = self.pasts.get(stream[0].position)
        return known if known is not None and known.begins(stream) else None


State: TypeAlias = Organization | Grant | Achievement
"""What the register keeps of a thing."""


@dataclass(slots=True)
class Register:
    """What the first `size` entries say. `recorded_at` is Unix milliseconds.

    `grants_of` lists, by "SUBJECT GRANTER", the ids of all that one organization granted another,
    oldest first. `authorised` has, by "GRANTER NUMBER" from 0 on, the recognitions by which one
    makes authorities, and `authorities` how many these are: it may make them without end.
    `recognised` and `accredited` list, by subject, the ids of those grants that flags and roles
    look at (`granting.py`). `granted_with` counts, by `grants_with`, how often a key granted an
    organization something of a kind, and by `authorities_with` how often it made an authority.
    `successions` has, by "ORGANIZATION ACCREDITOR", what one accreditor said about the succession
    of an organization. `claimed` has, by identifier and by key, the organization that named it
    first. Nothing is ever taken out of a mapping.

    `judged` is what was worked out before of what counts; a draft has it too. `last_leaf` is the
    leaf hash of entry `size` - 1, which tells the gate whether its store still has that entry; it
    is None in a register that nobody keeps in step with a store.
    """

    origin: str | None = None
    size: int = 0
    recorded_at: int = 0
    organizations: MutableMapping[str, Organization] = field(default_factory=dict)
    recognitions: MutableMapping[str, Grant] = field(default_factory=dict)
    accreditations: MutableMapping[str, Grant] = field(default_factory=dict)
    achievements: MutableMapping[str, Achievement] = field(default_factory=dict)
    grants_of: MutableMapping[str, tuple[str, ...]] = field(default_factory=dict)
    authorised: MutableMapping[str, str] = field(default_factory=dict)
    authorities: MutableMapping[str, int] = field(default_factory=dict)
    recognised: MutableMapping[str, tuple[str, ...]] = field(default_factory=dict)
    accredited: MutableMapping[str, tuple[str, ...]] = field(default_factory=dict)
    granted_with: MutableMapping[str, int] = field(default_factory=dict)
    successions: MutableMapping[str, tuple[Said, ...]] = field(default_factory=dict)
    claimed: MutableMapping[str, str] = field(default_factory=dict)
    judged: Judged = field(default=Judged(), compare=False)
    last_leaf: bytes | None = field(default=None, compare=False)

    def counts(self, signed: Signed) -> bool:
        """Return whether a submission counts as of `size`, by its organization's key events."""
        counts = self.counting(signed.organization)
        return counts(signed.key, signed.position, signed.recorded_at)

    def counting(self, organization: str) -> Callable[[str, int, int], bool]:
        """Return what tells whether a submission of this organization counts as of `size`.

        It takes the submission's key, the position of its header, and when it was recorded.
        """
        known = self.organizations.get(organization)
        return _genesis_alone if known is None else known.keys.counts

    def concluded(self, name: Hashable, draw: Callable[[], _Value]) -> _Value:
        """Return what `draw` concludes from this register, perhaps as it was concluded before.

        `name` states what else the conclusion depends on: its kind, its arguments, the day.
        """
        conclusions = self.judged.conclusions
        return draw() if conclusions is None else conclusions.find(name, draw)

    def authorised_by(self, granter: str) -> Iterator[str]:
        """Yield the ids of the recognitions by which it makes authorities, oldest first."""
        for number in range(self.authorities.get(granter, 0)):
            yield self.authorised[f"{granter} {number}"]

    def grant(self, kind: Kind, id_: str) -> Grant | None:
        """Return a recognition or an accreditation, whether it counts or not."""
        return (self.recognitions if kind is Kind.RECOGNITION else self.accreditations).get(id_)

    def thing(self, credentials: Credentials, kind: Kind, id_: str) -> Thing | None:
        """Return what was said of a thing with a status, or None if its id was never written."""
        match kind:
            case Kind.CREDENTIAL:
                return credentials.get(id_)
            case Kind.ACHIEVEMENT:
                return self.achievements.get(id_)
            case Kind.RECOGNITION | Kind.ACCREDITATION:
                return self.grant(kind, id_)
            case _:
                return None

    def creator(self, name: str) -> str | None:
        """Return the wire name of the event that first wrote this id, unless it is free.

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

    def facets(self, achievement: str, version: int) -> Facets:
        """Return what the rules ask of one version of a definition, which must be written."""
        definition = self.achievements[achievement].definition(version)
        if definition is None:
            raise KeyError(f"{achievement}/{version}")
        return read_facets(definition.facets)

    def mappings(self) -> dict[str, MutableMapping[str, Any]]:
        """Return the mappings by their names."""
        return {name: getattr(self, name) for name in MAPPINGS}

    def copied(self) -> Register:
        """Return a register with mappings of its own, holding the same frozen states.

        It costs as much as the register is large: the gate makes drafts instead.
        """
        copies: dict[str, Any] = {name: dict(states) for name, states in self.mappings().items()}
        return Register(
            self.origin, self.size, self.recorded_at, last_leaf=self.last_leaf, **copies
        )

    def draft(self) -> Register:
        """Return a register that reads through to this one and keeps its changes to itself."""
        mappings, layers = self.mappings().items(), dict[str, Any]()
        conclusions = self.judged.conclusions
        if isinstance(conclusions, Conclusions):
            replaced = conclusions.replaced
            layers = {name: NotingDraft(states, name, replaced) for name, states in mappings}
        else:
            layers = {name: Draft(states) for name, states in mappings}
        return Register(
            self.origin,
            self.size,
            self.recorded_at,
            judged=self.judged,
            last_leaf=self.last_leaf,
            **layers,
        )

    def changes(self) -> dict[str, dict[str, Any]]:
        """Return, of a `draft()`, what it changed in each mapping."""
        return {name: states.changed for name, states in self.mappings().items()}  # type: ignore[attr-defined]  # a draft's are drafts

    def absorb(self, draft: Register) -> None:
        """Take over the changes of a `draft()` of this register: as many steps as changes."""
        self.origin, self.size, self.recorded_at = draft.origin, draft.size, draft.recorded_at
        self.last_leaf = draft.last_leaf
        for name, changed in draft.changes().items():
            if changed:
                getattr(self, name).update(changed)

    def today(self) -> date:
        """Return the UTC day of the last `recordedAt`: the log's own clock."""
        return datetime.fromtimestamp(self.recorded_at // 1000, UTC).date()


def _genesis_alone(_key: str, position: int, _recorded_at: int) -> bool:
    """Tell what counts of the log itself, whose own key opened it."""
    return position == 0


def grants_with(signed: Signed, event: e.RecognitionGranted | e.AccreditationGranted) -> str:
    """Return the name under which `Register.granted_with` counts what a key grants a subject."""
    kind = TABLE[type(event)].kind
    subject = event.provider if isinstance(event, e.AccreditationGranted) else event.organization
    return f"{kind} {subject} {signed.organization} {signed.key}"


def authorities_with(signed: Signed) -> str:
    """Return the name under which `Register.granted_with` counts the authorities a key makes."""
    return f"authority {signed.organization} {signed.key}"


MAPPINGS: Final = tuple(each.name for each in fields(Register) if each.default_factory is dict)
"""The names of the mappings of a register."""

_GRANTED_RECOGNITION: Final = TABLE[e.RecognitionGranted].name
_GRANTED_ACCREDITATION: Final = TABLE[e.AccreditationGranted].name
_DEFINED: Final = TABLE[e.AchievementDefined].name


def identifier_claims(identifiers: Sequence[Identifier] | None) -> list[str]:
    """Return the names under which `Register.claimed` holds identifiers."""
    return [f"{each.scheme} {each.value}" for each in identifiers or ()]
