"""Verification of a credential on somebody else's machine: named checks, never one boolean.

Each check *holds*, is *refuted*, or *could not be checked*, and says on what basis: **proven**
by signatures and hashes in the evidence, or **stated** by the register as of a tree size.
Inclusion proves what happened, never that nothing else did; so "not revoked", "key not cut off
before" and "accreditation not withdrawn before" are stated, not proven, however good the proofs
are. The report does not say whether to hire.

The steps, in the order of the report:

    1 commitment     the credential, with its blind, opens the commitment that was logged
    2 submission     every event shown is under the root its provider signed
    3 signature      every submission was signed by a key that is listed, and active there
    4 inclusion      every entry shown is in the log, in a whole submission
    5 checkpoint     the log, and the quorum of witnesses the policy asks for, signed the tree
    6 status         issued, and neither suspended, revoked nor superseded as of that size
    7 accreditation  in force and in scope at the position of issuance
    8 recognition    by an accreditor recognised up to one of the verifier's own trust anchors
    9 achievement    the credential names the achievement that was logged for it
   10 issuer         the credential names the organization that issued it on the log
   11 validity       the credential's own dates: those that were logged, at the time of asking
   12 proof          the credential's own embedded proof, if it has one we can examine
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from operator import itemgetter
from typing import Final, Literal, get_args

import msgspec

from testamur import events as e
from testamur.anchors import Anchored
from testamur.checkpoint import Checkpoint
from testamur.commitment import HolderFile, verify_commitment
from testamur.data_integrity import proofs_of, verify_proofs
from testamur.errors import Irreparable, Refusal, Refuted, Unavailable, printable
from testamur.evidence import Evidence, LoggedSubmission
from testamur.keys import PublicKey
from testamur.lifecycle import CredentialStatus, KeyStatus
from testamur.merkle import leaf_hash, verify_inclusion
from testamur.note import ED25519
from testamur.openbadges import Badge, read_badge
from testamur.policy import Policy, Verified
from testamur.rules import MAX_AHEAD, Register, admit_events, admit_genesis, admit_header
from testamur.rules.accreditation import recognitions_in_force
from testamur.rules.register import CredentialState, Organization
from testamur.rules.scope import uncovered
from testamur.submission import SignedHeader, format_time, parse_submission_entry

REPORT: Final = "testamur/report/1"
# A report is read by people, and its parts come from strangers.
_DETAIL: Final = 1000

CheckName = Literal[
    "commitment",
    "submission",
    "signature",
    "inclusion",
    "checkpoint",
    "status",
    "accreditation",
    "recognition",
    "achievement",
    "issuer",
    "validity",
    "proof",
]


class Verdict(StrEnum):
    """What came of one check."""

    HOLDS = "holds"
    REFUTED = "refuted"
    UNCHECKED = "could not check"


class Check(msgspec.Struct, frozen=True, gc=False):
    """One check: its verdict, what it rests on, and why in one sentence."""

    name: CheckName
    verdict: Verdict
    basis: Literal["proven", "stated"]
    detail: str


class Report(msgspec.Struct, frozen=True, gc=False, rename="camel", kw_only=True):
    """What was found about a credential, as of a tree size of a log.

    `size` and `root` (hex) are those of the checkpoint; `as_of` is the size up to which the
    evidence tells what happened, the same unless an earlier one was asked for; `recorded_at` is
    the register's own time of the last event shown; `witnessed_at` the latest time a witness of
    the policy vouched for.
    """

    format: Literal["testamur/report/1"]
    credential: str
    log: str
    size: int
    as_of: int
    root: str
    checked_at: str
    recorded_at: str | None
    witnessed_at: str | None
    subject: dict[str, str]
    checks: tuple[Check, ...]
    notes: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """1 if any check is refuted, else 2 if any could not be made, else 0."""
        verdicts = {check.verdict for check in self.checks}
        if Verdict.REFUTED in verdicts:
            return 1
        return 2 if Verdict.UNCHECKED in verdicts else 0

    def check(self, name: CheckName) -> Check:
        """Return the check of this name; raises `KeyError` if there was nothing to look at."""
        return {check.name: check for check in self.checks}[name]

    def to_json(self) -> bytes:
        """Return the report as JSON."""
        return msgspec.json.encode(self, order="sorted")


def verify(
    holder: HolderFile,
    evidence: Evidence,
    policy: Policy,
    *,
    anchors: frozenset[str],
    now: datetime,
) -> Report:
    """Judge the credential in `holder` by `evidence`, without any I/O.

    `policy` says which log and witnesses are believed; `anchors` are the DIDs of the authorities
    whose recognition the verifier accepts, each alone or with a key, DID#MULTIKEY; `now` (aware)
    is the time of asking. Raises `Refusal` for an anchor that is none, as `parse_anchor` does.
    """
    case = _Case(holder, evidence, policy, Anchored(anchors), now)
    made = {name: _judge(name, basis, step, case) for name, basis, step in _STEPS}
    order: tuple[CheckName, ...] = get_args(CheckName)
    checkpoint = case.claimed
    witnessed_at = case.witnessed_at()
    return Report(
        format=REPORT,
        credential=holder.id,
        log=checkpoint.origin if checkpoint else "",
        size=checkpoint.size if checkpoint else 0,
        as_of=case.as_of,
        root=checkpoint.root.hex() if checkpoint else "",
        checked_at=format_time(int(now.timestamp() * 1000)),
        recorded_at=format_time(case.register.recorded_at) if case.folded else None,
        witnessed_at=None if witnessed_at is None else format_time(witnessed_at * 1000),
        subject=case.subject,
        checks=tuple(check for name in order if (check := made.get(name)) is not None),
        notes=tuple(case.notes),
    )


class _NotApplicable(Exception):
    """There is nothing for this check to look at, so it is left out of the report."""


@dataclass(slots=True)
class _Issuance:
    """What the fold saw at the issuing event, with the register as it then stood."""

    event: e.CredentialIssued
    position: int
    issuer: str
    flags: tuple[str, ...]
    authorities: list[str]
    paths: list[tuple[bool, list[str]]]  # to an anchor: whether its keys bear it out, and over whom
    definition: e.Definition
    accreditor: str | None


@dataclass(slots=True)
class _Followed:
    """A submission that the fold went through, with those of its events that were shown."""

    position: int
    header: SignedHeader
    events: list[e.Event]


@dataclass(slots=True)
class _Case:
    """One verification under way: what it was given, and what the steps have found so far."""

    holder: HolderFile
    evidence: Evidence
    policy: Policy
    anchors: Anchored
    now: datetime
    claimed: Checkpoint | None = None
    verified: Verified | None = None
    headers: list[tuple[int, SignedHeader]] = field(default_factory=list)
    register: Register = field(default_factory=Register)
    credentials: dict[str, CredentialState] = field(default_factory=dict)
    followed: dict[tuple[str, str], _Followed] = field(default_factory=dict)
    vouched_urls: dict[str, str | None] = field(default_factory=dict)
    lent: dict[str, str] = field(default_factory=dict)  # keys that a sponsor added, and who
    folded: bool = False
    issuance: _Issuance | None = None
    badge: Badge | None = None
    subject: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def issued(self) -> _Issuance:
        """Return the issuance, or raise `Unavailable` when the fold did not get that far."""
        if self.issuance is None:
            raise Unavailable(
                "the evidence holds no issuance of this credential"
                if self.folded
                else "the signatures behind it could not be followed"
            )
        return self.issuance

    def believed(self) -> Checkpoint:
        """Return the checkpoint the policy believes, or raise `Unavailable`."""
        if self.verified is None:
            raise Unavailable("there is no checkpoint that the policy believes")
        return self.verified.checkpoint

    @property
    def size(self) -> int:
        """The size that the evidence tells as of; raises as `believed` does, and `Refuted`."""
        tree = self.believed().size
        if self.evidence.size is None:
            return tree
        if self.evidence.size > tree:
            raise Refuted(
                f"the evidence tells as of size {self.evidence.size}, its checkpoint is of {tree}"
            )
        return self.evidence.size

    @property
    def as_of(self) -> int:
        """The size that the evidence claims to tell as of, believed or not; 0 without a claim."""
        tree = self.claimed.size if self.claimed else 0
        return tree if self.evidence.size is None else min(self.evidence.size, tree)

    def witnessed_at(self) -> int | None:
        """Return the latest time (POSIX seconds) of a cosignature, leaving out future ones."""
        ahead = self.now.timestamp() + MAX_AHEAD
        witnesses = self.verified.witnesses if self.verified else ()
        return max((time for _, time in witnesses if time <= ahead), default=None)

    def read(self) -> Badge:
        """Return the credential's own content, or raise `Unavailable`."""
        if self.badge is None:
            try:
                self.badge = read_badge(self.holder.credential)
            except Refusal as refusal:
                raise Unavailable(f"the credential cannot be read: {refusal}") from None
        return self.badge


_Step = Callable[[_Case], str]


def _judge(
    name: CheckName, basis: Literal["proven", "stated"], step: _Step, case: _Case
) -> Check | None:
    try:
        return Check(name, Verdict.HOLDS, basis, step(case))
    except _NotApplicable:
        return None
    except Refuted as error:
        return Check(name, Verdict.REFUTED, basis, printable(str(error), _DETAIL))
    except Unavailable as error:
        return Check(name, Verdict.UNCHECKED, basis, printable(str(error), _DETAIL))


def _checkpoint(case: _Case) -> str:
    note = case.evidence.checkpoint.encode()
    case.verified = case.policy.check(note)
    case.claimed = case.verified.checkpoint
    if case.holder.log not in (None, case.claimed.origin):
        raise Unavailable(
            f"the evidence is of log {case.claimed.origin}, the holder file names {case.holder.log}"
        )
    names = [name for name, _ in case.verified.witnesses]
    seen = f"cosigned by {', '.join(names)}" if names else "no witness is asked for by the policy"
    return f"{case.claimed.origin} signed tree size {case.claimed.size}; {seen}"


def _inclusion(case: _Case) -> str:
    checkpoint, size = case.believed(), case.size
    count = 0
    for submission in case.evidence.submissions:
        _check_whole(submission, size)
        shown = [(submission.position, submission.entry, submission.inclusion)]
        shown += [
            (submission.position + event.number, event.line, event.inclusion)
            for event in submission.events
        ]
        for position, text, path in shown:
            if position >= size:
                raise Refuted(f"entry {position} is shown as evidence as of size {size}")
            leaf = leaf_hash(text.encode())
            verify_inclusion(position, checkpoint.size, leaf, path, checkpoint.root)
            count += 1
    return f"all {count} entries shown are in the tree of size {checkpoint.size}"


def _check_whole(submission: LoggedSubmission, size: int) -> None:
    # All or nothing: else what a provider revoked in one breath could be shown half said.
    events = parse_submission_entry(submission.entry.encode())[1].payload.events
    if submission.position < size <= submission.position + events:
        raise Refuted(
            f"size {size} cuts the submission at {submission.position}, which has {events} events"
        )


def _submission(case: _Case) -> str:
    count = 0
    for submission in case.evidence.submissions:
        recorded_at, header = parse_submission_entry(submission.entry.encode())
        total = header.payload.events
        for event in submission.events:
            leaf = leaf_hash(event.line.encode())
            verify_inclusion(event.number - 1, total, leaf, event.path, header.root)
            count += 1
        case.headers.append((recorded_at, header))
    return f"all {count} events shown lie under the roots their submitters signed"


def _signature(case: _Case) -> str:
    case.believed()
    submissions = case.evidence.submissions
    if case.evidence.credential != case.holder.id:
        raise Unavailable(f"the evidence is about credential {case.evidence.credential}")
    if len(case.headers) != len(submissions):
        raise Unavailable("not every event shown lies under the root its submitter signed")
    if submissions[0].position != 0:
        raise Unavailable("the evidence leaves out the genesis, which names the root authorities")
    for submission, (recorded_at, header) in zip(submissions, case.headers, strict=True):
        try:
            _fold(case, submission, recorded_at, header)
        except Refusal as refusal:
            _place(submission.position, refusal)
    case.folded = True
    _check_recorded(case)
    issued = case.issued()
    _check_compromises(case, issued)
    issuer = case.register.organizations[issued.issuer]
    case.subject |= {
        "issuer": issuer.name,
        "issuerDid": issuer.did,
        "position": str(issued.position),
    }
    return (
        f"{issuer.name} ({issuer.did}) signed the issuance at position {issued.position} "
        "with a key that it had listed; that the key was not cut off before is stated, not proven"
    )


# What an event that was left out could have made good: a reinstatement, a revision, a key.
_OMISSIONS: Final = frozenset({"transition", "achievement-version", "last-key"})


def _place(position: int, refusal: Refusal) -> None:
    omitted = refusal.rule.startswith("unknown-") or refusal.rule in _OMISSIONS
    if omitted and not isinstance(refusal, Irreparable):
        # An excerpt that leaves something out proves nothing against anybody.
        raise Unavailable(
            f"the evidence leaves out what the submission at {position} builds on: {refusal}"
        ) from None
    raise Refuted(f"submission at {position}: {refusal}") from None


def _fold(
    case: _Case, submission: LoggedSubmission, recorded_at: int, header: SignedHeader
) -> None:
    register = case.register
    events = [e.decode_event(event.line.encode()) for event in submission.events]
    if submission.position == 0:
        key = _log_key(case, header)
        header.verify_signature(key)
        admit_genesis(register, header, events, recorded_at, key)
        if register.origin != case.believed().origin:
            raise Refuted(f"the log of {case.believed().origin} opens as {register.origin}")
        case.anchors.follow(header, events)
        return
    if submission.position < register.size:
        raise Refuted(
            f"submission at {submission.position} overlaps the one that ends at {register.size}"
        )
    name = header.payload.iss, header.payload.jti
    if name in case.followed:
        raise Refuted(
            f"submission at {submission.position} is the one at {case.followed[name].position} "
            "again, which its signer meant once"
        )
    register.size = submission.position
    header.verify_signature(admit_header(register, header, recorded_at))
    case.anchors.follow(header, events)
    numbers = [event.number for event in submission.events]
    for shown, event in enumerate(events, 1):
        if isinstance(event, e.OrganizationRegistered):
            case.vouched_urls[event.organization] = event.url
        if isinstance(event, e.KeyAdded):
            lender = case.lent.get(header.protected.kid, header.payload.iss)
            if lender != event.organization:
                case.lent[f"{event.organization}#{event.key.id}"] = lender
        if isinstance(event, e.CredentialIssued) and event.credential == case.holder.id:
            # Judged by what came before it, not by what its own submission goes on to change.
            then, credentials = register.draft(), dict(case.credentials)
            upto = numbers[:shown]
            admitted = admit_events(
                then, credentials, header, events[:shown], recorded_at, numbers=upto
            )
            position = submission.position + upto[-1]
            case.issuance = _at_issuance(case, then, event, position, header, admitted[-1].flags)
    admit_events(register, case.credentials, header, events, recorded_at, numbers=numbers)
    case.followed[name] = _Followed(submission.position, header, events)


def _at_issuance(
    case: _Case,
    register: Register,
    event: e.CredentialIssued,
    position: int,
    header: SignedHeader,
    flags: tuple[str, ...],
) -> _Issuance:
    issuer = header.payload.iss
    definition = register.achievements[event.achievement].definitions[event.achievement_version - 1]
    accreditor, authorities, paths = None, [], []
    if event.accreditation is not None:
        accreditor = register.accreditations[event.accreditation].accreditor
        country = register.organizations[issuer].country
        for recognition in recognitions_in_force(register, accreditor, register.today()):
            if not uncovered(recognition.scope, event.achievement, definition, country):
                authorities.append(recognition.authority)
                path = _path_to_anchor(register, recognition.authority, case.anchors)
                if path is not None:
                    paths.append((case.anchors.recognised(recognition.id), path))
    return _Issuance(event, position, issuer, flags, authorities, paths, definition, accreditor)


def _path_to_anchor(register: Register, did: str | None, anchors: Anchored) -> list[str] | None:
    """Return the authorities from `did` up to an anchor, following who sponsored whom."""
    path: list[str] = []
    while did is not None and did not in path:
        path.append(did)
        if did in anchors:
            return path
        did = register.organizations[did].sponsor
    return None


def _log_key(case: _Case, header: SignedHeader) -> PublicKey:
    origin = case.believed().origin
    keys = [
        PublicKey("Ed25519", log.key.public)
        for log in case.policy.logs
        if log.key.name == origin and log.key.algorithm == ED25519
    ]
    if not keys:
        raise Unavailable(f"the policy has no Ed25519 key of {origin}, which opened the log")
    # A policy may list several keys of one log; only one of them opened it.
    return next((key for key in keys if key.did_key() == header.payload.iss), keys[0])


def _check_compromises(case: _Case, issued: _Issuance) -> None:
    """Refute what was signed at or after the position from which a key was in other hands.

    But for what nothing hangs on. Else a thief could spoil with one signature what had been
    issued before, and the news itself, which often only the stolen key is there to sign.
    """
    signing: set[str] = set()
    told = False
    for each in reversed(case.followed.values()):
        # All are looked at before what they count for: of several updates, the last one does.
        counted = [
            event
            for event in each.events
            if _counts(event, each.position, issued, signing, told=told)
        ]
        told = told or any(isinstance(event, e.OrganizationUpdated) for event in counted)
        if counted:
            signing.add(each.header.protected.kid)
            _note_lent_key(case, each)
        key = case.register.organizations[each.header.payload.iss].key(each.header.key_id)
        if key is None or key.status is not KeyStatus.COMPROMISED or key.until is None:
            continue
        if each.position < key.until:
            continue
        stolen = (
            f"submission at {each.position} was signed with {each.header.protected.kid}, "
            f"which was compromised from position {key.until} on"
        )
        if counted:
            raise Refuted(stolen)
        if not all(isinstance(event, e.KeyCompromised) for event in each.events):
            case.notes.append(stolen)


def _note_lent_key(case: _Case, each: _Followed) -> None:
    # So that who lost its keys can act again; but its sponsor could act in its name.
    lender = case.lent.get(each.header.protected.kid)
    if lender is not None:
        case.notes.append(
            f"submission at {each.position} was signed with {each.header.protected.kid}, "
            f"a key that {case.register.organizations[lender].name} added"
        )


def _counts(
    event: e.Event, position: int, issued: _Issuance, signing: set[str], *, told: bool
) -> bool:
    """Return whether the credential owes anything to `event` of the submission at `position`.

    `signing` are the keys that signed what it does owe something to, among what came later;
    `told` says whether a later update gave its issuer's particulars.
    """
    before = position < issued.position
    match event:
        case e.CredentialIssued() | e.CredentialReinstated():
            return True
        case e.KeyAdded():
            return f"{event.organization}#{event.key.id}" in signing
        case e.OrganizationUpdated():
            return before and not told and event.organization == issued.issuer
        case e.AchievementRevised():
            return event.version == issued.event.achievement_version
        case (
            e.OrganizationRegistered()
            | e.RecognitionGranted()
            | e.AccreditationGranted()
            | e.AccreditationReinstated()
            | e.AchievementDefined()
        ):
            return before
        case _:
            return False  # whatever ends or takes something away can only count against it


def _check_recorded(case: _Case) -> None:
    # `recordedAt` is the operator's word; the witnesses' clocks bound it from above.
    witnessed_at, recorded_at = case.witnessed_at(), case.register.recorded_at
    if witnessed_at is not None and recorded_at > (witnessed_at + MAX_AHEAD) * 1000:
        raise Refuted(
            f"the log says {format_time(recorded_at)} of an entry that witnesses saw at "
            f"{format_time(witnessed_at * 1000)}"
        )


def _commitment(case: _Case) -> str:
    issued = case.issued()
    verify_commitment(case.holder.credential, case.holder.blind, issued.event.commitment)
    return f"credential and blind open the commitment logged at position {issued.position}"


def _status(case: _Case) -> str:
    case.issued()
    if not case.folded:
        raise Unavailable("what happened to it since could not be followed")
    size, tree = case.size, case.believed().size
    if size < tree:
        case.notes.append(
            f"the evidence tells of the first {size} entries, as it was asked for, and of none "
            f"of the {tree - size} that followed under its checkpoint"
        )
    status = case.credentials[case.holder.id].status
    # Whoever reads this one word must not take an earlier status for the present one.
    case.subject["status"] = status.value if size == tree else f"{status} as of size {size}"
    as_of = f"as of size {size}, stated by the register and not proven"
    if status is not CredentialStatus.ACTIVE:
        raise Refuted(
            f"the credential is {status}, by an event signed in its issuer's name ({as_of})"
        )
    return f"active {as_of}"


# Flags that tell of who vouched. They refute nothing: it was decided while its deciders acted.
_REMARKS: Final = {
    "accreditor-closed": "the accreditor had closed before it was issued, so that nobody could "
    "withdraw the accreditation any more",
    "authority-closed": "every authority that recognised the accreditor had closed before it was "
    "issued",
    "self-accreditation": "the provider accredited itself",
    "self-recognition": "the accreditor was recognised by nobody but itself",
}


def _accreditation(case: _Case) -> str:
    issued = case.issued()
    case.subject["achievement"] = issued.definition.name
    if issued.event.accreditation is None:
        raise Refuted("the issuer claimed no accreditation for it")
    case.notes.extend(_REMARKS[flag] for flag in issued.flags if flag in _REMARKS)
    accreditation = case.register.accreditations[issued.event.accreditation]
    accreditor = case.register.organizations[accreditation.accreditor]
    case.subject["accreditor"] = accreditor.name
    if "accreditation-not-in-force" in issued.flags:
        raise Refuted(
            f"accreditation {accreditation.id} by {accreditor.name} was not in force at "
            f"position {issued.position}"
        )
    if "outside-accredited-scope" in issued.flags:
        raise Refuted(
            f"{issued.definition.name} was outside the scope of accreditation "
            f"{accreditation.id} by {accreditor.name} at position {issued.position}"
        )
    how = "conditionally " if accreditation.decision == "conditional" else ""
    return (
        f"{accreditor.name} {how}accredited the issuer for it, in force and in scope at position "
        f"{issued.position}; that it was not withdrawn before is stated, not proven"
    )


def _recognition(case: _Case) -> str:
    issued = case.issued()
    if issued.accreditor is None:
        raise Unavailable("no accreditation was claimed, so there is no accreditor to look up")
    name = case.register.organizations[issued.accreditor].name
    if issued.accreditor not in case.register.recognised:
        raise Unavailable(f"the evidence shows no recognition of {name}")
    if not issued.authorities:
        raise Refuted(f"no authority recognised {name} for this at position {issued.position}")
    if issued.paths:
        borne_out, path = max(issued.paths, key=itemgetter(0))
        chain = [case.register.organizations[did].name for did in path]
        recognised = f"{name} was recognised by {', under '.join(chain)}"
        if not borne_out:
            raise Refuted(f"{recognised}, with a key that does not lead back to that anchor")
        if case.anchors.unpinned(path[-1]):
            _note_whose_word(case, case.register.organizations[path[-1]])
        return f"{recognised}, a trust anchor of yours"
    chain = [f"{case.register.organizations[did].name} ({did})" for did in issued.authorities]
    if not case.anchors:
        raise Unavailable(f"no trust anchors were given; {name} was recognised by {chain[0]}")
    raise Refuted(f"{name} was recognised by {', '.join(chain)}, none a trust anchor of yours")


def _achievement(case: _Case) -> str:
    issued = case.issued()
    named, logged = case.read().achievement.name, issued.definition.name
    # Else an accredited course could lend its standing to a credential that says anything.
    if _folded_text(named) != _folded_text(logged):
        raise Refuted(f"the credential is about {named!r}, what was logged is {logged!r}")
    return f"{logged}, version {issued.event.achievement_version}"


def _issuer(case: _Case) -> str:
    issued = case.issued()
    claimed = case.read().issuer.id
    organization = case.register.organizations[issued.issuer]
    if not organization.did.startswith("did:key:"):
        _note_whose_word(case, organization)
    if claimed == organization.did:
        return f"{organization.name} ({claimed})"
    if claimed.startswith("did:"):
        raise Refuted(f"the credential names {claimed}, the log shows {organization.did} issued it")
    # Anybody can call any address its own, so it must be the sponsor who says so.
    if claimed == case.vouched_urls.get(organization.did):
        return f"{organization.name}, which its sponsor registered with address {claimed}"
    raise Unavailable(
        f"the credential names its issuer as {claimed}, which the register does not link to "
        f"{organization.name} ({organization.did})"
    )


def _note_whose_word(case: _Case, organization: Organization) -> None:
    # A did:key is its own proof; of any other DID the register has only somebody's word.
    by = organization.sponsor
    sponsor = case.register.organizations[by].name if by else "the log's genesis"
    case.notes.append(
        f"that {organization.did} is {organization.name}'s own is the word of {sponsor}"
    )


def _validity(case: _Case) -> str:
    badge = case.read()
    if case.now < badge.valid_from:
        raise Refuted(f"not valid before {badge.valid_from.isoformat()}")
    if badge.valid_until is not None and case.now > badge.valid_until:
        raise Refuted(f"expired at {badge.valid_until.isoformat()}")
    _check_dates(badge, case.issued().event)
    end = f" until {badge.valid_until.isoformat()}" if badge.valid_until else ", without end"
    return f"valid from {badge.valid_from.isoformat()}{end}"


def _check_dates(badge: Badge, event: e.CredentialIssued) -> None:
    # Else a credential could be backdated under the eyes of its accreditor.
    stated = badge.valid_from.date(), badge.valid_until and badge.valid_until.date()
    logged = event.valid_from, event.valid_until
    if stated != logged:
        (start, end), (logged_start, logged_end) = stated, logged
        raise Refuted(
            f"the credential is valid from {start} until {end}, what was logged is valid from "
            f"{logged_start} until {logged_end}"
        )


def _proof(case: _Case) -> str:
    if not proofs_of(case.holder.credential):
        raise _NotApplicable
    try:
        examined = verify_proofs(case.holder.credential)
    except Unavailable as error:
        # Our own chain of proof does not lean on it, so it is told, not counted.
        case.notes.append(f"the credential's own proof was not examined: {error}")
        raise _NotApplicable from None
    for proven in examined.proven:
        if proven.expires is not None and proven.expires < case.now:
            raise Refuted(f"the proof by {proven.signer} expired at {proven.expires.isoformat()}")
    signers = {proven.signer for proven in examined.proven}
    issuer = case.read().issuer.id
    if issuer.startswith("did:key:") and issuer not in signers and not examined.unexamined:
        raise Refuted(f"the credential names issuer {issuer} but is signed by {sorted(signers)}")
    if not signers & {issuer, *_did_keys(case)}:
        case.notes.append(
            f"the credential's own proof is by {', '.join(sorted(signers))}, which nothing here "
            f"links to its issuer {issuer}"
        )
        raise _NotApplicable
    return f"signed by {', '.join(sorted(signers))}"


def _did_keys(case: _Case) -> set[str]:
    """Return the keys that the register lists for the issuer, as did:key DIDs."""
    if case.issuance is None:
        return set()
    keys = case.register.organizations[case.issuance.issuer].keys
    return {f"did:key:{key.multikey}" for key in keys}


def _folded_text(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


# In the order in which each can build on what the ones before it found.
_STEPS: Final[tuple[tuple[CheckName, Literal["proven", "stated"], _Step], ...]] = (
    ("checkpoint", "proven", _checkpoint),
    ("inclusion", "proven", _inclusion),
    ("submission", "proven", _submission),
    ("signature", "stated", _signature),
    ("commitment", "proven", _commitment),
    ("status", "stated", _status),
    ("accreditation", "stated", _accreditation),
    ("recognition", "stated", _recognition),
    ("achievement", "proven", _achievement),
    ("issuer", "proven", _issuer),
    ("validity", "proven", _validity),
    ("proof", "proven", _proof),
)
