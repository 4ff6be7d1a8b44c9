"""The fold of an excerpt: what its entries say when the rules of the register are applied to them.

The result is frozen, and holds everything the steps may ask. Folding does not look at inclusion
proofs: steps 2, 4 and 5 prove that the entries are what they seem, and the others rest on these.
An excerpt that does not follow the rules is folded as far as it does, with the fault that ended it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from testamur.catalogue import events as e
from testamur.catalogue.lines import decode_event
from testamur.catalogue.members import Definition
from testamur.catalogue.submission import SignedHeader, parse_submission_entry
from testamur.errors import Irreparable, Refusal, Refuted, Unavailable, detached
from testamur.keys import PublicKey
from testamur.rules import Flags, Register, admit_events, admit_genesis, admit_header
from testamur.rules.register import CredentialState
from testamur.tlog.note import ED25519
from testamur.tlog.policy import Policy
from testamur.verification.evidence import Evidence, LoggedEvent
from testamur.verification.finding import Fault
from testamur.verification.issuance import Issuance, issuance_at
from testamur.verification.tree import Tree
from testamur.verification.trust.anchors import Anchored
from testamur.verification.trust.compromise import Followed, Weighed, weigh
from testamur.verification.trust.meaning import Entered, Meaning, Need, meaning_of
from testamur.verification.trust.vouching import Vouching

# Rules of which a breach could be made good by an event that was left out: a reinstatement, a
# revision, a key. A rule of this kind must be listed here, else an excerpt that leaves something
# out counts as a proof that somebody broke the rule.
OMISSIONS: Final = frozenset({"transition", "achievement-version", "last-key"})


@dataclass(frozen=True, slots=True)
class Shown:
    """A submission as the evidence shows it: its header read, its events as they lie there."""

    position: int
    entry: str
    inclusion: tuple[bytes, ...]
    recorded_at: int
    header: SignedHeader
    events: tuple[LoggedEvent, ...]


@dataclass(frozen=True, slots=True)
class Excerpt:
    """What the entries shown say, folded in log order.

    `followed` are the submissions that the fold went through, each with its header, hence who
    signed it with which key; `register` and `credentials` are as of the last of them; `issuance`
    holds the register as of the issuance; `weighed` says whether what the credential owes
    something to counts. `fault` is why the fold ended before the excerpt did, None if it did not.
    """

    credential: str
    followed: tuple[Followed, ...]
    register: Register
    credentials: Mapping[str, CredentialState]
    vouching: Vouching
    issuance: Issuance | None
    weighed: Weighed
    fault: Fault | None

    def issued(self) -> Issuance:
        """Return the issuance, or raise `Unavailable` when the fold did not get that far."""
        if self.issuance is None:
            raise Unavailable(
                "the evidence holds no issuance of this credential"
                if self.fault is None
                else "the signatures behind it could not be followed"
            )
        return self.issuance

    def state(self) -> CredentialState:
        """Return the state of the credential, or raise `Unavailable` when the fold ended early."""
        self.issued()
        if self.fault is not None:
            raise Unavailable("what happened to it since could not be followed")
        return self.credentials[self.credential]


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


def fold(
    credential: str, submissions: Sequence[Shown], tree: Tree, policy: Policy, anchors: Anchored
) -> Excerpt:
    """Return what the submissions say about a credential, followed from the genesis on."""
    folding = _Folding(credential, tree, policy, anchors)
    fault: Fault | None = None
    if submissions[0].position != 0:
        fault = Unavailable("the evidence leaves out the genesis, which names the root authorities")
    else:
        fault = folding.follow(submissions)
    return folding.ended(fault)


def _placed(position: int, refusal: Refusal) -> Fault:
    omitted = refusal.rule.startswith("unknown-") or refusal.rule in OMISSIONS
    if omitted and not isinstance(refusal, Irreparable):
        # An excerpt that leaves something out proves nothing against anybody.
        return Unavailable(
            f"the evidence leaves out what the submission at {position} builds on: {refusal}"
        )
    return Refuted(f"submission at {position}: {refusal}")


@dataclass(slots=True)
class _Folding:
    """A fold under way; nothing outside this module sees it."""

    credential: str
    tree: Tree
    policy: Policy
    anchors: Anchored
    register: Register = field(default_factory=Register)
    credentials: dict[str, CredentialState] = field(default_factory=dict)
    followed: dict[tuple[str, str], Followed] = field(default_factory=dict)
    entered: dict[str, Entered] = field(default_factory=dict)
    lent: dict[str, str] = field(default_factory=dict)
    # By accreditation: the submission that granted it, and the one that last reinstated it.
    standing: dict[str, tuple[SignedHeader, ...]] = field(default_factory=dict)
    # All that each accreditor was granted, oldest first, and every version of a definition.
    recognised: dict[str, list[str]] = field(default_factory=dict)
    definitions: dict[tuple[str, int], Definition] = field(default_factory=dict)
    issuance: Issuance | None = None

    def follow(self, submissions: Sequence[Shown]) -> Fault | None:
        """Take in the submissions; return why it ended, if it did before the last of them."""
        for each in submissions:
            try:
                self._take(each)
            except Refusal as refusal:
                return _placed(each.position, refusal)
            except (Refuted, Unavailable) as fault:
                return detached(fault)
        return None

    def ended(self, fault: Fault | None) -> Excerpt:
        """Return what came of it."""
        followed = tuple(self.followed.values())
        vouching = Vouching(self.anchors, self.entered, self.lent, self.register.organizations)
        weighed = Weighed(None)
        if self.issuance is not None and fault is None:
            weighed = weigh(followed, self.issuance, vouching)
        elif self.issuance is not None:
            weighed = Weighed(next(iter(self.issuance.anchored), None))
        return Excerpt(
            credential=self.credential,
            followed=followed,
            register=self.register,
            credentials=self.credentials,
            vouching=vouching,
            issuance=self.issuance,
            weighed=weighed,
            fault=fault,
        )

    def _take(self, submission: Shown) -> None:
        header, recorded_at = submission.header, submission.recorded_at
        events = [decode_event(event.line.encode()) for event in submission.events]
        if submission.position == 0:
            self._open(header, events, recorded_at)
            return
        register, position = self.register, submission.position
        if position < register.size:
            raise Refuted(f"submission at {position} overlaps the one that ends at {register.size}")
        name = header.payload.iss, header.payload.jti
        if name in self.followed:
            raise Refuted(
                f"submission at {position} is the one at {self.followed[name].position} again, "
                "which its signer meant once"
            )
        register.size = position
        header.verify_signature(admit_header(register, header, recorded_at))
        meanings = self._remember(header, events)
        numbers = [event.number for event in submission.events]
        issuance = None
        for count, event in enumerate(events, 1):
            if isinstance(event, e.CredentialIssued) and event.credential == self.credential:
                issuance = self._issuance(submission, events[:count], numbers[:count], event)
        admit_events(register, self.credentials, header, events, recorded_at, numbers=numbers)
        self.issuance = issuance or self.issuance
        self.followed[name] = Followed(position, header, tuple(events), meanings)

    def _open(self, header: SignedHeader, events: list[e.Event], recorded_at: int) -> None:
        origin = self.tree.checkpoint.origin
        key = _log_key(self.policy, origin, header)
        header.verify_signature(key)
        admit_genesis(self.register, header, events, recorded_at, key)
        if self.register.origin != origin:
            raise Refuted(f"the log of {origin} opens as {self.register.origin}")
        self._remember(header, events)

    def _remember(self, header: SignedHeader, events: Sequence[e.Event]) -> tuple[Meaning, ...]:
        """Keep what the register does not: who brought whom in, and who lists whose keys."""
        meanings = tuple(map(meaning_of, events))
        self.anchors.follow(header, meanings)
        for meaning in meanings:
            self.entered.update((each.did, each) for each in meaning.enters)
            for did, key, entering in meaning.lists:
                lender = self.lent.get(header.protected.kid, header.payload.iss)
                if not entering and lender != did:
                    self.lent[f"{did}#{key.id}"] = lender
            if meaning.needed is not None and meaning.needed.need is Need.ACCREDITATION:
                granted = self.standing.get(meaning.needed.name, ())[:1]
                self.standing[meaning.needed.name] = (*granted, header)
        for event in events:
            if isinstance(event, e.RecognitionGranted):
                self.recognised.setdefault(event.accreditor, []).append(event.recognition)
            elif isinstance(event, e.AchievementDefined):
                self.definitions[event.achievement, 1] = event.definition
            elif isinstance(event, e.AchievementRevised):
                self.definitions[event.achievement, event.version] = event.definition
        return meanings

    def _issuance(
        self,
        submission: Shown,
        events: Sequence[e.Event],
        numbers: Sequence[int],
        event: e.CredentialIssued,
    ) -> Issuance:
        # Judged by what came before it, not by what its own submission goes on to change.
        then = self.register.copied()
        admitted = admit_events(
            then,
            dict(self.credentials),
            submission.header,
            events,
            submission.recorded_at,
            numbers=numbers,
        )
        flags: Flags = admitted[-1].flags
        return issuance_at(
            submission.position + numbers[-1],
            event,
            submission.header,
            flags,
            then,
            definition=self.definitions[event.achievement, event.achievement_version],
            recognised=self.recognised,
            anchors=self.anchors,
            standing=self.standing.get(event.accreditation or "", ()),
        )


def _log_key(policy: Policy, origin: str, header: SignedHeader) -> PublicKey:
    keys = [
        PublicKey("Ed25519", log.key.public)
        for log in policy.logs
        if log.key.name == origin and log.key.algorithm == ED25519
    ]
    if not keys:
        raise Unavailable(f"the policy has no Ed25519 key of {origin}, which opened the log")
    # A policy may list several keys of one log; only one of them opened it.
    return next((key for key in keys if key.did_key() == header.payload.iss), keys[0])
