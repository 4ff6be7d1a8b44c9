"""Small builders of a log's story: who is in it, what they sign, and when.

Everything is made from names, so that the same story has the same keys, ids and bytes every
time (ES256 signatures excepted). `Story()` alone is a log about to be opened by an authority,
with an accreditor, a provider, an accreditation and an achievement waiting to enter it:

    story = Story()
    for body in story.opening():      # genesis, accreditor, provider, achievement
        ...
    body = story.cohort(1_000)        # a submission of a thousand credentials

Builders of events return the event; `submission` signs any of them into a file.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import NamedTuple
from uuid import UUID

from testamur.catalogue import dry_run
from testamur.catalogue import events as e
from testamur.catalogue.lines import decode_events, encode_event
from testamur.catalogue.members import (
    Definition,
    KeyUse,
    Level,
    Outcome,
    Range,
    RecognisedAs,
    Role,
    Workload,
)
from testamur.catalogue.registration import UNSIGNED, sign_registration
from testamur.catalogue.submission import base64url_decode, base64url_encode, seal
from testamur.keys import Curve, PrivateKey, PublicKey

NOW = 1_795_255_200
"""The second most stories take place in: 2026-11-21T10:00:00Z."""

_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


class FirstKeys(NamedTuple):
    """The keys that an organization enters the register with."""

    founding: PrivateKey
    recovery: PrivateKey
    signing: PrivateKey


@dataclass(frozen=True)
class Party:
    """An organization as its own staff sees it: its DID, the key it signs with, its first keys.

    `key_id` is what the header says of the key; of an honest party it is the key's Multikey.
    """

    did: str
    key: PrivateKey
    key_id: str
    keys: FirstKeys

    @property
    def kid(self) -> str:
        """What the JWS header names: the DID URL of the key."""
        return f"{self.did}#{self.key_id}"

    @property
    def founding(self) -> Party:
        """The same organization signing with its founding key."""
        return self.signing_with(self.keys.founding)

    @property
    def recovery(self) -> Party:
        """The same organization signing with its first recovery key below the founding one."""
        return self.signing_with(self.keys.recovery)

    def with_key(self, name: str, curve: Curve = "Ed25519") -> Party:
        """Return the same organization signing with another key of its own."""
        return self.signing_with(private_key(name, curve))

    def signing_with(self, key: PrivateKey) -> Party:
        """Return the same organization signing with this key."""
        return replace(self, key=key, key_id=key.public.multikey())


def private_key(name: str, curve: Curve = "Ed25519") -> PrivateKey:
    """Return the key that belongs to `name` in every story."""
    return PrivateKey(curve, sha256(f"{curve} key of {name}".encode()).digest())


def party(name: str, curve: Curve = "Ed25519") -> Party:
    """Return an organization that signs with its signing key; its DID spells its founding key."""
    keys = FirstKeys(
        private_key(f"{name} founding", curve),
        private_key(f"{name} recovery", curve),
        private_key(f"{name} signing", curve),
    )
    return organization(keys)


def organization(keys: FirstKeys) -> Party:
    """Return the organization with these first keys, signing with its signing key."""
    return Party(keys.founding.public.did_key(), keys.signing, keys.signing.public.multikey(), keys)


def log_itself(key: PrivateKey) -> Party:
    """Return the signer of the genesis: the log, which has the one key."""
    return organization(FirstKeys(key, key, key))


def uuid7(milliseconds: int, number: int) -> str:
    """Return the UUID of version 7 with this Unix time and these 74 free bits."""
    return str(
        UUID(
            int=(milliseconds << 80)
            | (0x7 << 76)
            | ((number >> 62 & 0xFFF) << 64)
            | (0b10 << 62)
            | (number & (1 << 62) - 1)
        )
    )


@dataclass
class Story:
    """One log and the organizations in it. `now` is in Unix seconds and dates every signature.

    Stories of one `name` tell of the same organizations; with another `series` their ids differ.
    """

    origin: str = "log.example/testamur"
    now: int = NOW
    name: str = "story"
    series: int = 0
    log_key: PrivateKey = field(init=False)
    authority: Party = field(init=False)
    accreditor: Party = field(init=False)
    provider: Party = field(init=False)
    recognition: str = field(init=False)
    accreditation: str = field(init=False)
    achievement: str = field(init=False)
    _made: int = field(init=False, default=3)

    def __post_init__(self) -> None:
        self.log_key = private_key(f"{self.name} log")
        self.authority = party(f"{self.name} authority")
        self.accreditor = party(f"{self.name} accreditor")
        self.provider = party(f"{self.name} provider")
        self.recognition, self.accreditation, self.achievement = (
            uuid7(self.milliseconds, number) for number in (1, 2, 3)
        )

    # --- Names and times ---

    def of_another_provider(self, number: int) -> Story:
        """Return the story that the provider of this number lives on the same log.

        Its `joining` brings it in; its ids are not those of this story.
        """
        other = copy(self)
        other.series = number
        other.provider = party(f"{self.name} provider {number}")
        other.accreditation, other.achievement = other.new_id(), other.new_id()
        return other

    def new_id(self) -> str:
        """Return an id never used before in this story; later ones sort after earlier ones."""
        self._made += 1
        return uuid7(self.now * 1000, (self.series << 40) + self._made)

    @property
    def milliseconds(self) -> int:
        """The story's time as a clock in Unix milliseconds would tell it."""
        return self.now * 1000

    @property
    def today(self) -> date:
        """The UTC day of the story's time."""
        return datetime.fromtimestamp(self.now, UTC).date()

    # --- Signing ---

    def submission(
        self,
        signer: Party,
        *events: e.Event,
        jti: str | None = None,
        iat: int | None = None,
        aud: str | None = None,
    ) -> bytes:
        """Return the submission file over `events`, signed by `signer`."""
        return seal(
            [encode_event(event) for event in events],
            key=signer.key,
            kid=signer.kid,
            aud=self.origin if aud is None else aud,
            iat=self.now if iat is None else iat,
            jti=self.new_id() if jti is None else jti,
        )

    def dry_run(
        self, signer: Party, *events: e.Event, iat: int | None = None, aud: str | None = None
    ) -> bytes:
        """Return the dry run of `events`, signed by `signer`."""
        return dry_run.seal(
            [encode_event(event) for event in events],
            key=signer.key,
            kid=signer.kid,
            aud=self.origin if aud is None else aud,
            iat=self.now if iat is None else iat,
        )

    def rehearsed(self, body: bytes) -> bytes:
        """Return the dry run of the events in a submission, signed by the provider."""
        lines = body[:-1].split(b"\n")[1:]
        return dry_run.seal(
            lines, key=self.provider.key, kid=self.provider.kid, aud=self.origin, iat=self.now
        )

    # --- How a log begins ---

    def genesis(self, *, authorities: Sequence[Party] | None = None) -> bytes:
        """Return the submission that opens the log, signed by the log's own key."""
        opened = e.LogOpened(
            admission="testamur/admission/1",
            authorities=tuple(
                self.registration(each, "authority", sponsor=self.origin, name="Authority")
                for each in authorities or [self.authority]
            ),
            format="testamur/log/1",
            origin=self.origin,
        )
        return self.submission(log_itself(self.log_key), opened)

    def opening(self) -> list[bytes]:
        """Return the submissions after which the provider can issue, in order.

        Genesis (entries 0-1), accreditor and its recognition (2-4), provider and its
        accreditation (5-7), achievement (8-9): ten entries in all.
        """
        return [
            self.genesis(),
            self.submission(
                self.authority,
                self.registered(self.authority, self.accreditor, "accreditor"),
                self.recognised(),
            ),
            *self.joining(),
        ]

    def joining(self) -> list[bytes]:
        """Return the last two of these, by which the accreditor brings the provider in."""
        return [
            self.submission(
                self.accreditor,
                self.registered(self.accreditor, self.provider, "provider"),
                self.accredited(),
            ),
            self.submission(self.provider, self.defined()),
        ]

    # --- Events ---

    def registration(
        self,
        newcomer: Party,
        *roles: Role,
        sponsor: str,
        until: date | None = None,
        name: str = "An Organization",
    ) -> e.OrganizationRegistered:
        """Return the registration that the newcomer's founding key signed.

        `sponsor` is a DID, or the origin for the genesis. `until` is in half of the 30 days that a
        registration lasts, so that a clock may run on or go back in the story.
        """
        registered = e.OrganizationRegistered(
            country="NL",
            name=name,
            organization=newcomer.did,
            origin=self.origin,
            recovery_keys=(newcomer.keys.recovery.public.multikey(),),
            roles=tuple(sorted(roles)),
            signature=UNSIGNED,
            signing_keys=(newcomer.keys.signing.public.multikey(),),
            sponsor=sponsor,
            until=until or self.today + timedelta(days=15),
        )
        return sign_registration(registered, newcomer.keys.founding)

    def registered(
        self, sponsor: Party, newcomer: Party, *roles: Role, until: date | None = None
    ) -> e.OrganizationRegistered:
        """Return the event by which `sponsor` brings `newcomer` in."""
        return self.registration(newcomer, *roles, sponsor=sponsor.did, until=until)

    def updated(self, name: str = "Another Name", country: str = "NL") -> e.OrganizationUpdated:
        """Return the signer's new particulars."""
        return e.OrganizationUpdated(country=country, name=name)

    def closed(self) -> e.OrganizationClosed:
        """Return the event by which its signer closes."""
        return e.OrganizationClosed()

    def succeeded(self, of: Party, by: Party) -> e.OrganizationSucceeded:
        """Return the event that names `by` the successor of `of`."""
        return e.OrganizationSucceeded(organization=of.did, successor=by.did)

    def objected(self) -> e.OrganizationObjected:
        """Return the event by which its signer ends the successions that others stated."""
        return e.OrganizationObjected()

    def key_listed(self, fresh: Party | PublicKey, as_: KeyUse = "signing") -> e.KeyListed:
        """Return the event that lists a key of the signer, or the one that `fresh` signs with."""
        return e.KeyListed(as_=as_, key=_multikey(fresh))

    def key_retired(self, key: Party | PublicKey) -> e.KeyRetired:
        """Return the event that retires a key of the signer."""
        return e.KeyRetired(key=_multikey(key))

    def key_compromised(
        self,
        key: Party | PublicKey,
        since: int | None = None,
        kept: tuple[Range, ...] | None = None,
    ) -> e.KeyCompromised:
        """Return the event that declares a key of the signer compromised."""
        return e.KeyCompromised(key=_multikey(key), since=since, kept=kept)

    def recognised(
        self,
        recognition: str | None = None,
        *,
        as_: RecognisedAs = "accreditor",
        of: Party | None = None,
    ) -> e.RecognitionGranted:
        """Return the authority's recognition, of the accreditor unless of another."""
        return e.RecognitionGranted(
            as_=as_,
            country="NL",
            name="An Organization",
            organization=(of or self.accreditor).did,
            recognition=recognition or self.recognition,
            valid_from=date(2026, 1, 1),
        )

    def recognition_restated(
        self, name: str = "Another Name", country: str = "NL"
    ) -> e.RecognitionRestated:
        """Return what the authority vouches for from here on."""
        return e.RecognitionRestated(country=country, name=name, recognition=self.recognition)

    def accredited(
        self, accreditation: str | None = None, *, of: Party | None = None
    ) -> e.AccreditationGranted:
        """Return the accreditor's accreditation, without end and of wide scope.

        It is of the provider unless of another.
        """
        return e.AccreditationGranted(
            accreditation=accreditation or self.accreditation,
            country="NL",
            decision="positive",
            kind="institutional",
            name="An Organization",
            provider=(of or self.provider).did,
            valid_from=date(2026, 1, 1),
        )

    def accreditation_restated(
        self, name: str = "Another Name", country: str = "NL"
    ) -> e.AccreditationRestated:
        """Return what the accreditor vouches for from here on."""
        return e.AccreditationRestated(accreditation=self.accreditation, country=country, name=name)

    def definition(self) -> Definition:
        """Return a definition with every mandatory element, so that nothing is flagged."""
        return Definition(
            name="Soil Science",
            achievement_type="MicroCredential",
            assessment=("writtenExamination",),
            field="0811",
            languages=("en",),
            level=Level(framework="EQF", value=6),
            outcomes=(Outcome(name="Reads a soil profile"),),
            participation=("blended",),
            quality_assurance=("institutional",),
            supervision="supervisedOnSiteWithIdentity",
            workload=Workload(amount=50, unit="tenthOfEcts"),
        )

    def defined(self, achievement: str | None = None) -> e.AchievementDefined:
        """Return the definition of an achievement."""
        return e.AchievementDefined(
            achievement=achievement or self.achievement, definition=self.definition()
        )

    def issued(
        self,
        credential: str | None = None,
        *,
        achievement: str | None = None,
        accredited: bool = True,
    ) -> e.CredentialIssued:
        """Return one issuance; without `accredited` it claims none and is flagged for it."""
        credential = credential or self.new_id()
        return e.CredentialIssued(
            accreditation=self.accreditation if accredited else None,
            achievement=achievement or self.achievement,
            achievement_version=1,
            assessment="writtenExamination",
            commitment=sha256(credential.encode()).digest(),
            credential=credential,
            format="OpenBadgeCredential/3.0",
            participation="blended",
            suite="eddsa-rdfc-2022",
            supervision="supervisedOnSiteWithIdentity",
            valid_from=date(2026, 11, 20),
            valid_until=date(2031, 11, 20),
        )

    def cohort(self, size: int, *, jti: str | None = None) -> bytes:
        """Return the provider's submission of `size` new credentials."""
        return self.submission(self.provider, *(self.issued() for _ in range(size)), jti=jti)


def _multikey(key: Party | PublicKey) -> str:
    return key.key_id if isinstance(key, Party) else key.multikey()


def signed_otherwise(body: bytes) -> bytes:
    """Return an ES256 submission with the other good signature, which takes no key to make."""
    jws, lines = body.split(b"\n", 1)
    signed, _, signature = jws.decode().rpartition(".")
    raw = base64url_decode(signature)
    negated = _P256_ORDER - int.from_bytes(raw[32:])
    return f"{signed}.{base64url_encode(raw[:32] + negated.to_bytes(32))}\n".encode() + lines


def credentials_of(body: bytes) -> list[str]:
    """Return the ids of the credentials that a submission issues, in its order."""
    events = decode_events(body[:-1].split(b"\n")[1:])
    return [event.credential for event in events if isinstance(event, e.CredentialIssued)]
