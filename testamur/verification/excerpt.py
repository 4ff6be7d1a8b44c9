"""The fold of an excerpt: what its entries say, whether they count or not.

The result is frozen, and holds everything the steps may ask: each answer is about a position of
one register as of the size that the evidence tells of. No rule of admission is asked here. What
is asked is whose words the entries are: each header's signature, and that of the founding key
under each registration. Inclusion proofs are not looked at: steps 2, 4 and 5 prove that the
entries are what they seem, and the others rest on these.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec
from msgspec.structs import replace

from testamur.catalogue import events as e
from testamur.catalogue.lines import decode_event
from testamur.catalogue.members import Definition
from testamur.catalogue.registration import verify_registration
from testamur.catalogue.submission import SignedHeader, parse_submission_entry
from testamur.catalogue.touched import History, Thing, touched
from testamur.errors import Refusal, Refuted, Unavailable, detached
from testamur.keys import PublicKey
from testamur.rules import Credential, Register
from testamur.rules.admission import check_issued_at
from testamur.rules.key_admission import CAPS
from testamur.rules.key_table import KeyTable
from testamur.rules.said import Said, Signed
from testamur.tlog.note import ED25519
from testamur.tlog.policy import Policy
from testamur.verification.evidence import Evidence, LoggedEvent
from testamur.verification.histories import FewCredentials, folded
from testamur.verification.issuance import Issuance, first_counting, issuance_of
from testamur.verification.tree import Tree

# Evidence of a log that keeps its rules comes near none of these, whatever thieves added to it; a
# file that is made to cost its reader does.
MAX_HISTORY: Final = 8192
"""Events of one history: what a thousand keys may spend on a thing."""
MAX_KEY_EVENTS: Final = 1024
"""Key events of one organization in its life."""
MAX_KEPT: Final = 36 * CAPS.kept_ranges
"""Ranges that all declarations keep, 140 bytes of memory each while a file is read.

Issuer and accreditor, four authorities in each of eight chains, and an organization with its
successor may each keep all they can.
"""
MAX_ORGANIZATIONS: Final = 512
MAX_GRANTS: Final = 1024
MAX_WORK: Final = 2_000_000
"""Events about successions that are gone through for all acts of others than the owner."""


MAX_DECLARED: Final = 250_000
"""Declarations that are asked, of every submission shown, whether they cut it off."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A submission as the evidence shows it: its header read, its events as they lie there."""

    position: int
    entry: str
    inclusion: tuple[bytes, ...]
    recorded_at: int
    header: SignedHeader
    events: tuple[LoggedEvent, ...]

    @property
    def end(self) -> int:
        """The position after its last entry."""
        return self.position + 1 + self.header.payload.events

    @property
    def signed(self) -> Signed:
        """Who signed it, with which key, where and when."""
        payload = self.header.payload
        return Signed(payload.iss, self.header.key_id, self.position, self.recorded_at)


@dataclass(frozen=True, slots=True)
class Excerpt:
    """What the entries shown say, folded in log order.

    `written` are the issuances of the credential by the organization that first wrote its id, and
    `known` what was said of it; `definitions` has what was written of each version.
    """

    credential: str
    register: Register
    known: Credential | None
    written: tuple[Said, ...]
    definitions: Mapping[tuple[str, int], tuple[Said, ...]]
    said: tuple[Said, ...]
    submissions: tuple[Signed, ...]

    @property
    def recorded_at(self) -> int:
        """When the last submission shown was recorded, in Unix milliseconds."""
        return self.submissions[-1].recorded_at

    def issued(self) -> Issuance:
        """Return the issuance that counts, or the first one if none does.

        Raises `Unavailable` if none is shown.
        """
        said = first_counting(self.register, self.written) or next(iter(self.written), None)
        if said is None or self.known is None:
            raise Unavailable("the evidence holds no issuance of this credential")
        return issuance_of(self.register, self.known, said)

    def written_definition(self, issued: Issuance) -> tuple[Said, Definition] | None:
        """Return the definition that an issuance names: the one that counts, or else the first."""
        event = issued.event
        found = [
            said
            for said in self.definitions.get((event.achievement, event.achievement_version), ())
            if said.actor == issued.issuer and said.position < issued.position
        ]
        said = first_counting(self.register, found) or next(iter(found), None)
        if said is None:
            return None
        return said, _defined(said.event)

    def check_listed(self) -> None:
        """Raise `Unavailable` if something is shown whose signer listed the key in what is not.

        Of an organization whose registration is shown, all key events must be: no log admits what
        was signed with a key that was not listed before. The genesis shows the registrations of
        root authorities on whom nothing rests. A registration stands whatever sponsor submits it.
        """
        for each in self.said:
            organization = self.register.organizations.get(each.actor)
            if organization is None or organization.root:
                continue
            registers = isinstance(each.event, e.OrganizationRegistered)
            if not registers and each.signed.key not in organization.keys.keys:
                raise Unavailable(
                    f"the evidence leaves out where {each.actor} listed the key that signed the "
                    f"submission at {each.signed.position}"
                )

    def submission_of(self, position: int) -> Signed:
        """Return the submission that an entry shown at `position` is in."""
        after = bisect_right(self.submissions, position, key=lambda each: each.position)
        return self.submissions[max(after - 1, 0)]


def shown(evidence: Evidence) -> tuple[Shown, ...]:
    """Return the submissions of the evidence, headers read; raises `Refusal` for one that is none.

    The roots that the headers name, and their signatures, are not looked at here.
    """
    found = []
    for each in evidence.submissions:
        recorded_at, header = parse_submission_entry(each.entry.encode())
        found.append(
            Shown(each.position, each.entry, each.inclusion, recorded_at, header, each.events)
        )
    return tuple(found)


def fold(credential: str, submissions: Sequence[Shown], tree: Tree, policy: Policy) -> Excerpt:
    """Return what the submissions say about a credential, from the genesis on.

    Raises `Refuted` for what its signer did not say, or not there, and `Unavailable` for an excerpt
    that leaves out what must be shown, or shows more than evidence holds.
    """
    if submissions[0].position != 0:
        raise Unavailable("the evidence leaves out the genesis, which names the root authorities")
    reading = _Reading(tree.checkpoint.origin, policy)
    for each in submissions:
        try:
            reading.take(each)
        except Refusal as refusal:
            raise Refuted(f"submission at {each.position}: {detached(refusal)}") from None
    return reading.excerpt(credential)


@dataclass(slots=True)
class _Reading:
    """Submissions being read, before they are folded; nothing outside this module sees it."""

    origin: str
    policy: Policy
    said: list[Said] = field(default_factory=list)
    submissions: list[Signed] = field(default_factory=list)
    named: dict[tuple[str, str], int] = field(default_factory=dict)
    lengths: Counter[Thing] = field(default_factory=Counter)
    organizations: int = 0
    grants: int = 0
    kept: int = 0
    end: int = 0

    def take(self, submission: Shown) -> None:
        """Take in a submission; raises `Refuted` and `Unavailable`."""
        self._check_place(submission)
        header, signed = submission.header, submission.signed
        events = [self._decoded(each) for each in submission.events]
        if submission.position == 0:
            self._open(header, events)
        else:
            header.verify_signature(header.key())
        check_issued_at(header.payload.iat, signed.recorded_at)
        _check_keys_whole(submission, events)
        for shown_event, event in zip(submission.events, events, strict=True):
            self._check_event(header, event)
            self.said.append(Said(submission.position + shown_event.number, signed, event))
        self.submissions.append(signed)
        self.end = submission.end

    def _decoded(self, shown_event: LoggedEvent) -> e.Event:
        event = decode_event(shown_event.line.encode())
        if isinstance(event, e.KeyCompromised):
            self.kept += len(event.kept or ())
            if self.kept > MAX_KEPT:
                raise _too_much(f"{MAX_KEPT} ranges that declarations keep")
        return event

    def excerpt(self, credential: str) -> Excerpt:
        """Return what was read, folded."""
        register, credentials = Register(), FewCredentials()
        folded(register, self.said, credentials)
        register.size = self.end
        _answer_once(register)
        known = credentials.get(credential)
        if known is not None:
            # An issuance that does not count is not shown, and its owner's revocation stands.
            known = credentials[credential] = replace(
                known, stream=tuple(_changes(credential, self.said))
            )
        _check_work(register, credentials)
        _check_declared(register, self.submissions)
        definitions: dict[tuple[str, int], tuple[Said, ...]] = {}
        for said in self.said:
            for version in _versions(said.event):
                definitions[version] = (*definitions.get(version, ()), said)
        return Excerpt(
            credential=credential,
            register=register,
            known=known,
            written=tuple(_written(credential, known, self.said)),
            definitions=definitions,
            said=tuple(self.said),
            submissions=tuple(self.submissions),
        )

    def _check_place(self, submission: Shown) -> None:
        position, payload = submission.position, submission.header.payload
        if position < self.end:
            raise Refuted(f"submission at {position} overlaps the one that ends at {self.end}")
        if payload.aud != self.origin:
            raise Refuted(f"submission at {position} was signed for the log {payload.aud}")
        name = payload.iss, payload.jti
        if name in self.named:
            raise Refuted(
                f"submission at {position} is the one at {self.named[name]} again, "
                "which its signer meant once"
            )
        self.named[name] = position
        if self.submissions and submission.recorded_at < self.submissions[-1].recorded_at:
            raise Refuted(
                f"submission at {position} is recorded before the one at "
                f"{self.submissions[-1].position}"
            )

    def _open(self, header: SignedHeader, events: Sequence[e.Event]) -> None:
        header.verify_signature(_log_key(self.policy, self.origin, header))
        opened = events[0]
        if not isinstance(opened, e.LogOpened) or header.payload.events != 1:
            raise Refuted("the log does not begin with a genesis, exactly one log.opened/1")
        if opened.origin != self.origin:
            raise Refuted(f"the log of {self.origin} opens as {opened.origin}")

    def _check_event(self, header: SignedHeader, event: e.Event) -> None:
        if isinstance(event, e.LogOpened):
            if self.submissions:
                raise Refuted("only entry 1 opens the log")
            for authority in event.authorities:
                self._check_registration(authority, self.origin)
        elif isinstance(event, e.OrganizationRegistered):
            self._check_registration(event, header.payload.iss)
        elif isinstance(event, e.RecognitionGranted | e.AccreditationGranted):
            self.grants += 1
        things = touched(header, event)
        if isinstance(event, e.CredentialIssued):
            things = (Thing(History.CREDENTIAL, event.credential),)
        for thing in things:
            self.lengths[thing] += 1
            most = MAX_KEY_EVENTS + 1 if thing.kind is History.KEYS else MAX_HISTORY
            if self.lengths[thing] > most:
                raise _too_much(f"{most} events of the history {thing.kind} {thing.name}")
        if self.grants > MAX_GRANTS:
            raise _too_much(f"{MAX_GRANTS} recognitions and accreditations")

    def _check_registration(self, event: e.OrganizationRegistered, sponsor: str) -> None:
        self.organizations += 1
        if self.organizations > MAX_ORGANIZATIONS:
            raise _too_much(f"{MAX_ORGANIZATIONS} registrations")
        verify_registration(event)
        for what, meant, here in (
            ("log", event.origin, self.origin),
            ("sponsor", event.sponsor, sponsor),
        ):
            if meant != here:
                raise Refuted(
                    f"the registration of {event.organization} was signed for the {what} {meant}, "
                    f"not for {here}"
                )


class _AskedOnce(KeyTable, frozen=True, gc=False):
    """A table that nothing is added to any more, which works out once what counts."""

    answers: dict[tuple[str, int], bool] = msgspec.field(default_factory=dict)

    def counts(self, key: str, position: int, recorded_at: int) -> bool:
        """Return whether a submission with its header there, signed by `key`, counts."""
        asked = key, position
        found = self.answers.get(asked)
        if found is None:
            found = self.answers[asked] = KeyTable.counts(self, key, position, recorded_at)
        return found


def _answer_once(register: Register) -> None:
    # Hundreds of keys may have declared one compromised, and each step asks of each submission.
    for did, organization in register.organizations.items():
        keys = organization.keys
        if any(each.compromised for each in keys.keys.values()):
            settled = _AskedOnce(keys.registered, keys.history, keys.keys)
            register.organizations[did] = replace(organization, keys=settled)


def _check_keys_whole(submission: Shown, events: Sequence[e.Event]) -> None:
    """Raise unless events about keys are shown with all that their submission holds."""
    about_keys = sum(type(event) in e.KEY_EVENTS for event in events)
    if not about_keys:
        return
    if about_keys < len(events):
        raise Refuted(
            f"submission at {submission.position} holds key events among others, which no log "
            "admits"
        )
    if about_keys < submission.header.payload.events:
        raise Unavailable(
            f"the evidence leaves out key events of the submission at {submission.position}"
        )


def _check_work(register: Register, credentials: FewCredentials) -> None:
    """Raise `Unavailable` if the acts of successors would take too long to judge."""
    named: Counter[str] = Counter()
    for pair, said in register.successions.items():
        named[pair.partition(" ")[0]] += len(said)
    work = 0
    for things in (credentials, register.accreditations, register.recognitions):
        for thing in things.values():
            others = sum(each.actor != thing.owner for each in thing.stream)
            owner = register.organizations.get(thing.owner)
            if others and owner is not None:
                work += others * (len(owner.said) + named[thing.owner])
    if work > MAX_WORK:
        raise _too_much("can be judged of what successors did")


def _check_declared(register: Register, submissions: Sequence[Signed]) -> None:
    """Raise `Unavailable` if it would take too long to judge what counts."""
    work = 0
    for signed in submissions:
        organization = register.organizations.get(signed.organization)
        listed = None if organization is None else organization.keys.keys.get(signed.key)
        work += 0 if listed is None else len(listed.compromised)
    if work > MAX_DECLARED:
        raise _too_much("can be judged of what keys were declared")


def _versions(event: e.Event) -> Iterator[tuple[str, int]]:
    if isinstance(event, e.AchievementDefined):
        yield event.achievement, 1
    elif isinstance(event, e.AchievementRevised):
        yield event.achievement, event.version


def _defined(event: e.Event) -> Definition:
    if isinstance(event, e.AchievementDefined | e.AchievementRevised):
        return event.definition
    raise TypeError(f"{e.wire_name(event)} defines nothing")


def _changes(credential: str, said: Sequence[Said]) -> Iterator[Said]:
    for each in said:
        event = each.event
        if isinstance(event, e.CredentialStatusEvent) and event.credential == credential:
            yield each


def _written(credential: str, known: Credential | None, said: Sequence[Said]) -> Iterator[Said]:
    for each in said:
        event = each.event
        issues = isinstance(event, e.CredentialIssued) and event.credential == credential
        if issues and known is not None and each.actor == known.owner:
            yield each


def _log_key(policy: Policy, origin: str, header: SignedHeader) -> PublicKey:
    keys = [
        PublicKey("Ed25519", log.key.public)
        for log in policy.logs
        if log.key.name == origin and log.key.algorithm == ED25519
    ]
    if not keys:
        raise Unavailable(f"the policy has no Ed25519 key of {origin}, which opened the log")
    # A log that changed its key has several; the first one opened it.
    return next((key for key in keys if key.did_key() == header.payload.iss), keys[0])


def _too_much(what: str) -> Unavailable:
    return Unavailable(f"the evidence shows more than {what}; it is too large to be read")
