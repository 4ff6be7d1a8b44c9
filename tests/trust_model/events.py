"""The events of the model: what an organization can say, with names in the place of bytes.

An organization, a key, an id and a commitment are plain strings. An organization is named by
its founding key, as a DID is. Two events are the same line when they are equal. Every field
that no rule of trust reads is left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

Role = Literal["accreditor", "authority", "endorser", "provider"]
KeyKind = Literal["recovery", "signing"]
RecognisedAs = Literal["accreditor", "authority"]


@dataclass(frozen=True, slots=True)
class Words:
    """What a speaker vouches for about another organization."""

    name: str
    country: str = "NL"
    other_names: tuple[str, ...] = ()
    other_ids: tuple[str, ...] = ()
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Definition:
    """The public facts of one version of an achievement."""

    level: int
    achievement_type: str = "MicroCredential"
    workload: int = 30


@dataclass(frozen=True, slots=True)
class Scope:
    """What a recognition or an accreditation covers; None covers everything."""

    levels: tuple[int, ...] | None = None
    achievement_types: tuple[str, ...] | None = None
    achievements: tuple[str, ...] | None = None
    jurisdictions: tuple[str, ...] | None = None

    def covers(self, achievement: str, definition: Definition, country: str) -> bool:
        """Return whether an issuance of `achievement` in `country` lies within this scope."""
        pairs = (
            (self.levels, definition.level),
            (self.achievement_types, definition.achievement_type),
            (self.achievements, achievement),
            (self.jurisdictions, country),
        )
        return all(allowed is None or value in allowed for allowed, value in pairs)


@dataclass(frozen=True, slots=True)
class Term:
    """The UTC days, counted from the first day of the story, in which a grant is in force."""

    first: int = 0
    last: int | None = None

    def covers(self, day: int) -> bool:
        """Return whether the grant is in force on `day`."""
        return self.first <= day and (self.last is None or day <= self.last)


EVERYTHING: Final = Scope()
ALWAYS: Final = Term()


@dataclass(frozen=True, slots=True)
class Registered:
    """A registration: the founding key signs it, the sponsor signs the submission around it."""

    organization: str
    roles: frozenset[Role]
    sponsor: str
    until: int
    """The last UTC day on which the gate takes it."""
    recovery_keys: tuple[str, ...] = ()
    signing_keys: tuple[str, ...] = ()
    country: str = "NL"
    origin: str = "log.example"
    signed_by: str | None = None
    """The key that signed it; None stands for the founding key."""


@dataclass(frozen=True, slots=True)
class Opened:
    """The genesis: the root authorities, who have no sponsor."""

    authorities: tuple[Registered, ...]


@dataclass(frozen=True, slots=True)
class KeyListed:
    """A further key of the signer."""

    key: str
    kind: KeyKind


@dataclass(frozen=True, slots=True)
class KeyRetired:
    """The key signs no more."""

    key: str


@dataclass(frozen=True, slots=True)
class KeyCompromised:
    """The key was another's from position `since` on, save the submissions in `kept`."""

    key: str
    since: int | None = None
    """None in what a key says of itself: from the end of that submission on."""
    kept: tuple[tuple[int, int], ...] = ()
    """Disjoint ranges of header positions, in order, both ends included."""


@dataclass(frozen=True, slots=True)
class Updated:
    """What the signer says of itself: its own word, which nobody else is heard on."""

    name: str
    country: str = "NL"


@dataclass(frozen=True, slots=True)
class Closed:
    """The signer acts no more."""


@dataclass(frozen=True, slots=True)
class Succeeded:
    """`successor` may act for `organization`, whom the signer may name a successor for."""

    organization: str
    successor: str


@dataclass(frozen=True, slots=True)
class Objected:
    """The signer ends every succession that others said of it before."""


@dataclass(frozen=True, slots=True)
class RecognitionGranted:
    """An authority makes its subject an accreditor or an authority."""

    recognition: str
    organization: str
    recognised_as: RecognisedAs
    words: Words
    scope: Scope = EVERYTHING
    term: Term = ALWAYS


@dataclass(frozen=True, slots=True)
class AccreditationGranted:
    """An accreditor accredits a provider."""

    accreditation: str
    organization: str
    words: Words
    scope: Scope = EVERYTHING
    term: Term = ALWAYS


@dataclass(frozen=True, slots=True)
class Restated:
    """The signer of a grant says anew what it vouches for."""

    kind: Literal["recognition", "accreditation"]
    id: str
    words: Words


@dataclass(frozen=True, slots=True)
class Defined:
    """One version of an achievement: `achievement.defined` for version 1, else `revised`."""

    achievement: str
    version: int
    definition: Definition


@dataclass(frozen=True, slots=True)
class Issued:
    """A credential was awarded; the log holds a commitment to it."""

    credential: str
    achievement: str
    version: int
    commitment: str
    accreditation: str | None = None


Kind = Literal["recognition", "accreditation", "achievement", "credential"]
Verb = Literal["suspend", "reinstate", "revoke", "supersede", "withdraw", "retire"]


@dataclass(frozen=True, slots=True)
class Changed:
    """A status event: `verb` happened to the thing named."""

    verb: Verb
    kind: Kind
    id: str
    replacement: str | None = None
    """The credential that takes the place of a superseded one."""


KeyEvent: TypeAlias = KeyListed | KeyRetired | KeyCompromised
Grant: TypeAlias = RecognitionGranted | AccreditationGranted
Created: TypeAlias = Grant | Defined | Issued
Event: TypeAlias = (
    Opened
    | Registered
    | KeyEvent
    | Updated
    | Closed
    | Succeeded
    | Objected
    | Created
    | Restated
    | Changed
)


def created_id(event: Created) -> tuple[Kind, str, int]:
    """Return the kind, id and version of what the event brings into being."""
    match event:
        case RecognitionGranted():
            return "recognition", event.recognition, 1
        case AccreditationGranted():
            return "accreditation", event.accreditation, 1
        case Defined():
            return "achievement", event.achievement, event.version
        case Issued():
            return "credential", event.credential, 1
