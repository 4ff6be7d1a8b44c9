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
   12 proof          the credential proof: embedded in the credential itself, if we can examine it
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal, assert_never, get_args

from testamur.badges.commitment import HolderFile, verify_commitment
from testamur.badges.data_integrity import proofs_of, verify_proofs
from testamur.badges.openbadges import Badge, read_badge
from testamur.catalogue import events as e
from testamur.catalogue.lifecycle import CredentialStatus, KeyStatus
from testamur.catalogue.lines import decode_event
from testamur.catalogue.members import Definition
from testamur.catalogue.submission import SignedHeader, format_time, parse_submission_entry
from testamur.errors import Irreparable, Refusal, Refuted, Unavailable, printable
from testamur.keys import PublicKey
from testamur.rules import (
    MAX_AHEAD,
    Flag,
    Flags,
    Register,
    admit_events,
    admit_genesis,
    admit_header,
)
from testamur.rules.accreditation import recognitions_in_force
from testamur.rules.register import Accreditation, CredentialState
from testamur.rules.scope import uncovered
from testamur.tlog.checkpoint import Checkpoint
from testamur.tlog.merkle import leaf_hash, verify_inclusion
from testamur.tlog.note import ED25519
from testamur.tlog.policy import Policy, Verified
from testamur.verification.anchors import Anchored
from testamur.verification.compromise import CutOff, Followed, Owed, check_owed, stolen
from testamur.verification.evidence import Evidence, LoggedSubmission
from testamur.verification.report import REPORT, Check, CheckName, Report, Verdict

# A report is read by people, and its parts come from strangers.
_DETAIL: Final = 1000
_NOTES: Final = 100
# Far beyond what the log takes for a name, however it is normalised.
_NAME: Final = 4000
# Of recognitions that lead to an anchor, so many are tried for one that no thief signed: more than
# an organization can have keys.
_TRIED: Final = 100


def verify(
    holder: HolderFile,
    evidence: Evidence,
    policy: Policy,
    *,
    anchors: frozenset[str],
    now: datetime,
    at: datetime | None = None,
) -> Report:
    """Judge the credential in `holder` by `evidence`, without any I/O.

    `policy` says which log and witnesses are believed; `anchors` are the DIDs of the authorities
    whose recognition the verifier accepts, each alone or with a key, DID#MULTIKEY; `now` (aware)
    is the time of asking, and `at` the one that its dates are judged as of, the same by default.
    Raises `Refusal` for an anchor that is none, as `parse_anchor` does.
    """
    case = _Case(holder, evidence, policy, Anchored(anchors), now, at or now)
    if at is not None:
        case.note(f"its dates are judged as of {at.isoformat()}")
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
        notes=case.told(),
    )


class _NotApplicable(Exception):
    """There is nothing for this check to look at, so it is left out of the report."""


@dataclass(slots=True)
class _Recognised:
    """A recognition of the accreditor that covers the credential, as it was at the issuance."""

    id: str
    authority: str
    closed: bool
    anchor: str | None  # that the key which signed it leads back to


@dataclass(slots=True)
class _Issuance:
    """What the fold saw at the issuing event, with the register as it then stood."""

    event: e.CredentialIssued
    position: int
    header: SignedHeader
    flags: Flags
    recognitions: list[_Recognised]
    accreditation: Accreditation | None
    standing: list[SignedHeader]
    definition: Definition
    chosen: _Recognised | None  # of the recognitions, the one that the verdict rests on

    @property
    def issuer(self) -> str:
        """The organization that issued it."""
        return self.header.payload.iss

    @property
    def anchored(self) -> list[_Recognised]:
        """The recognitions that lead to an anchor."""
        return [each for each in self.recognitions if each.anchor is not None]


@dataclass(slots=True)
class _Case:
    """One verification under way: what it was given, and what the steps have found so far."""

    holder: HolderFile
    evidence: Evidence
    policy: Policy
    anchors: Anchored
    now: datetime
    at: datetime
    claimed: Checkpoint | None = None
    verified: Verified | None = None
    headers: list[tuple[int, SignedHeader]] = field(default_factory=list)
    register: Register = field(default_factory=Register)
    credentials: dict[str, CredentialState] = field(default_factory=dict)
    followed: dict[tuple[str, str], Followed] = field(default_factory=dict)
    entered: dict[str, tuple[str, str | None]] = field(default_factory=dict)  # name and url
    # By accreditation, what it rests on: its grant, and the last time it was reinstated.
    standing: dict[str, list[SignedHeader]] = field(default_factory=dict)
    lent: dict[str, str] = field(default_factory=dict)  # keys that a sponsor added, and who
    folded: bool = False
    issuance: _Issuance | None = None
    badge: Badge | None = None
    subject: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        """Add a note to the report, unless it is there."""
        if text not in self.notes[: _NOTES + 1]:
            self.notes.append(text)

    def told(self) -> tuple[str, ...]:
        """Return the notes as a report shows them."""
        left_off = len(self.notes) - _NOTES
        rest = [f"and {left_off} more notes"] if left_off > 0 else []
        return *(printable(note, _DETAIL) for note in self.notes[:_NOTES]), *rest

    def named(self, did: str) -> str:
        """Return the name under which an organization was brought in, and note if it has another.

        Whoever brought it in signed that one; others are its own word, or that of a thief.
        """
        name, _ = self.entered[did]
        own = self.register.organizations[did].name
        if own != name:
            self.note(f"{name} ({did}) calls itself {own}")
        return name

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
    name = case.named(issued.issuer)
    case.subject |= {
        "issuer": name,
        "issuerDid": issued.issuer,
        "position": str(issued.position),
    }
    return (
        f"{name} ({issued.issuer}) signed the issuance at position {issued.position} "
        "with a key that it had listed; that the key was not cut off before is stated, not proven"
    )


# Rules of which a breach could be made good by an event that was left out: a reinstatement, a
# revision, a key. A rule of this kind must be listed here, else an excerpt that leaves something
# out counts as a proof that somebody broke the rule.
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
    events = [decode_event(event.line.encode()) for event in submission.events]
    if submission.position == 0:
        key = _log_key(case, header)
        header.verify_signature(key)
        admit_genesis(register, header, events, recorded_at, key)
        if register.origin != case.believed().origin:
            raise Refuted(f"the log of {case.believed().origin} opens as {register.origin}")
        case.anchors.follow(header, events)
        case.entered = {each.did: (each.name, None) for each in register.organizations.values()}
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
    _remember(case, header, events)
    numbers = [event.number for event in submission.events]
    issuance = None
    for shown, event in enumerate(events, 1):
        if isinstance(event, e.CredentialIssued) and event.credential == case.holder.id:
            # Judged by what came before it, not by what its own submission goes on to change.
            then, credentials = register.draft(), dict(case.credentials)
            upto = numbers[:shown]
            admitted = admit_events(
                then, credentials, header, events[:shown], recorded_at, numbers=upto
            )
            position = submission.position + upto[-1]
            issuance = _at_issuance(case, then, event, position, header, admitted[-1].flags)
    admit_events(register, case.credentials, header, events, recorded_at, numbers=numbers)
    case.issuance = issuance or case.issuance
    case.followed[name] = Followed(submission.position, header, events)


def _remember(case: _Case, header: SignedHeader, events: list[e.Event]) -> None:
    """Keep what the register does not: who said what of somebody else."""
    for event in events:
        # The register keeps all that there is to know of these.
        if isinstance(event, e.RecognitionEvent | e.AchievementEvent | e.CredentialEvent):
            continue
        match event:
            case e.OrganizationRegistered():
                case.entered[event.organization] = event.name, event.url
            case e.AccreditationGranted():
                case.standing[event.accreditation] = [header]
            case e.AccreditationReinstated():
                grant = case.standing.get(event.accreditation, [])[:1]
                case.standing[event.accreditation] = [*grant, header]
            case e.KeyAdded():
                lender = case.lent.get(header.protected.kid, header.payload.iss)
                if lender != event.organization:
                    case.lent[f"{event.organization}#{event.key.id}"] = lender
            case e.OrganizationUpdated() | e.OrganizationClosed() | e.LogOpened():
                pass  # what an organization says of itself, or the log of its start
            case (
                e.KeyRetired()
                | e.KeyCompromised()
                | e.AccreditationSuspended()
                | e.AccreditationWithdrawn()
            ):
                pass  # the register keeps these, with who decided
            case _:
                assert_never(event)


def _at_issuance(
    case: _Case,
    register: Register,
    event: e.CredentialIssued,
    position: int,
    header: SignedHeader,
    flags: Flags,
) -> _Issuance:
    issuer = header.payload.iss
    definition = register.achievements[event.achievement].definitions[event.achievement_version - 1]
    accreditation, recognitions = None, []
    if event.accreditation is not None:
        accreditation = register.accreditations[event.accreditation]
        country = register.organizations[issuer].country
        for each in recognitions_in_force(register, accreditation.accreditor, register.today()):
            if not uncovered(each.scope, event.achievement, definition, country):
                anchor = case.anchors.behind_recognition(each.id)
                closed = register.closed(each.authority)
                recognitions.append(_Recognised(each.id, each.authority, closed, anchor))
    chosen = next((each for each in recognitions if each.anchor is not None), None)
    return _Issuance(
        event=event,
        position=position,
        header=header,
        flags=flags,
        recognitions=recognitions,
        accreditation=accreditation,
        standing=case.standing.get(event.accreditation or "", []),
        definition=definition,
        chosen=chosen,
    )


def _path(case: _Case, authority: str, anchor: str | None) -> list[str]:
    """Return the authorities from one up to `anchor`, by who sponsored whom; none if it is not met.

    Without an `anchor`, up to the first that is one by name.
    """
    path: list[str] = []
    did: str | None = authority
    while did is not None:  # who sponsors was there before: it goes round in no circle
        path.append(did)
        if did == anchor or (anchor is None and did in case.anchors):
            return path
        did = case.register.organizations[did].sponsor
    return []


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
    """Choose the recognition that counts, and refute what is owed to a key in other hands."""
    followed = list(case.followed.values())
    cut_off = CutOff(followed)
    candidates: list[_Recognised | None] = [*_candidates(issued, followed, cut_off)]
    for candidate in candidates or [None]:
        issued.chosen = candidate
        try:
            counted = check_owed(followed, _owed(case, issued), cut_off)
            break
        except (Refuted, Unavailable):
            if candidate is None or candidate is candidates[-1]:
                raise
    for each in reversed(counted):
        _note_lent_key(case, each)
    for each in followed:
        told_only = all(isinstance(event, e.KeyCompromised) for event in each.events)
        if cut_off.since(each) is not None and not told_only:
            case.note(stolen(each, cut_off))


def _candidates(issued: _Issuance, followed: list[Followed], cut_off: CutOff) -> list[_Recognised]:
    """Return the recognitions to try: those in no doubt, of each authority and key the latest."""
    granting = {
        event.recognition: each
        for each in followed
        for event in each.events
        if isinstance(event, e.RecognitionGranted)
    }
    good: dict[tuple[str, str], _Recognised] = {}
    for each in issued.anchored:
        granted = granting[each.id]
        if cut_off.clear(granted):
            good[each.authority, granted.header.protected.kid] = each
    return list(good.values())[-_TRIED:] or issued.anchored[:1]


def _owed(case: _Case, issued: _Issuance) -> Owed:
    organizations, chosen = {issued.issuer}, issued.chosen
    if issued.accreditation is not None:
        organizations.add(issued.accreditation.accreditor)
    if chosen is not None:
        organizations.update(_path(case, chosen.authority, chosen.anchor))
    recognition = None if chosen is None else chosen.id
    return Owed(issued.event, issued.issuer, issued.position, organizations, recognition)


def _note_lent_key(case: _Case, each: Followed) -> None:
    # So that who lost its keys can act again; but its sponsor could act in its name.
    lender = case.lent.get(each.header.protected.kid)
    if lender is not None:
        case.note(
            f"submission at {each.position} was signed with {each.header.protected.kid}, "
            f"a key that {case.named(lender)} ({lender}) added"
        )


def _check_recorded(case: _Case) -> None:
    # `recordedAt` is the operator's word; our clock and those of witnesses bound it from above.
    witnessed_at, recorded_at = case.witnessed_at(), case.register.recorded_at
    if recorded_at > (case.now.timestamp() + MAX_AHEAD) * 1000:
        raise Refuted(
            f"the log says {format_time(recorded_at)} of an entry, and it is "
            f"{format_time(int(case.now.timestamp() * 1000))}"
        )
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
        case.note(
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
_REMARKS: Final[dict[Flag, str]] = {
    Flag.ACCREDITOR_CLOSED: "the accreditor had closed before it was issued, so that nobody could "
    "withdraw the accreditation any more",
    Flag.AUTHORITY_CLOSED: "every authority that recognised the accreditor had closed before it "
    "was issued",
    Flag.SELF_ACCREDITATION: "the provider accredited itself",
    Flag.SELF_RECOGNITION: "the accreditor was recognised by nobody but itself",
}


def _accreditation(case: _Case) -> str:
    issued = case.issued()
    case.subject["achievement"] = issued.definition.name
    accreditation = issued.accreditation
    if accreditation is None:
        raise Refuted("the issuer claimed no accreditation for it")
    for flag in _remarks(issued):
        case.note(_REMARKS[flag])
    name = case.named(accreditation.accreditor)
    case.subject["accreditor"] = name
    if Flag.ACCREDITATION_NOT_IN_FORCE in issued.flags:
        raise Refuted(
            f"accreditation {accreditation.id} by {name} was not in force at "
            f"position {issued.position}"
        )
    if Flag.OUTSIDE_ACCREDITED_SCOPE in issued.flags:
        raise Refuted(
            f"{issued.definition.name} was outside the scope of accreditation "
            f"{accreditation.id} by {name} at position {issued.position}"
        )
    how = "conditionally " if accreditation.decision == "conditional" else ""
    return (
        f"{name} {how}accredited the issuer for it, in force and in scope at position "
        f"{issued.position}; that it was not withdrawn before is stated, not proven"
    )


def _remarks(issued: _Issuance) -> list[Flag]:
    """Return the flags to remark on, of those of recognitions the ones that count for us."""
    flags, anchored = set(issued.flags), issued.anchored
    if anchored and issued.accreditation is not None:
        accreditor = issued.accreditation.accreditor
        flags -= {Flag.AUTHORITY_CLOSED, Flag.SELF_RECOGNITION}
        if all(each.closed for each in anchored):
            flags.add(Flag.AUTHORITY_CLOSED)
        if all(each.authority == accreditor for each in anchored):
            flags.add(Flag.SELF_RECOGNITION)
    return [flag for flag in _REMARKS if flag in flags]


def _recognition(case: _Case) -> str:
    issued, chosen = case.issued(), case.issued().chosen
    if issued.accreditation is None:
        raise Unavailable("no accreditation was claimed, so there is no accreditor to look up")
    accreditor = issued.accreditation.accreditor
    name = case.named(accreditor)
    if accreditor not in case.register.recognised:
        raise Unavailable(f"the evidence shows no recognition of {name}")
    if not issued.recognitions:
        raise Refuted(f"no authority recognised {name} for this at position {issued.position}")
    if chosen is not None:
        path = _path(case, chosen.authority, chosen.anchor)
        if case.anchors.unpinned(path[-1]):
            _note_whose_word(case, path[-1])
        recognised = f"{name} was recognised by {_chain(case, path)}, a trust anchor of yours"
        _check_whose_key(case, issued, recognised)
        return recognised
    authorities = [each.authority for each in issued.recognitions]
    in_name = next((path for each in authorities if (path := _path(case, each, None))), None)
    if in_name is not None:
        raise Refuted(
            f"{name} was recognised by {_chain(case, in_name)}, with a key that does not lead "
            "back to that anchor"
        )
    others = [f"{case.named(did)} ({did})" for did in authorities]
    if not case.anchors:
        raise Unavailable(f"no trust anchors were given; {name} was recognised by {others[0]}")
    raise Refuted(f"{name} was recognised by {', '.join(others)}, none a trust anchor of yours")


def _check_whose_key(case: _Case, issued: _Issuance, recognised: str) -> None:
    # A recognition names the accreditor, and whoever lists a key under that name could be it.
    for header in issued.standing:
        by = _whose_word(case, header)
        if by is not None:
            raise Unavailable(
                f"{recognised}, as {header.payload.iss}; that {header.protected.kid} is a key of "
                f"it is the word of {case.named(by)} ({by}), which leads to no anchor of yours"
            )


def _whose_word(case: _Case, header: SignedHeader) -> str | None:
    """Return on whose word a key is its owner's, unless that leads to an anchor or its did:key."""
    did = header.payload.iss
    if case.anchors.behind_key(did, header.key_id) is not None:
        return None
    lender = case.lent.get(header.protected.kid)
    if lender is None and did.startswith("did:key:"):
        return None
    return lender or case.register.organizations[did].sponsor or did


def _chain(case: _Case, path: list[str]) -> str:
    return ", under ".join(map(case.named, path))


def _achievement(case: _Case) -> str:
    issued = case.issued()
    named, logged = case.read().achievement.name, issued.definition.name
    if len(named) > _NAME:
        raise Refuted(f"the credential is about a name of {len(named)} characters, not {logged!r}")
    # Else an accredited course could lend its standing to a credential that says anything.
    if _folded_text(named) != _folded_text(logged):
        raise Refuted(f"the credential is about {named!r}, what was logged is {logged!r}")
    return f"{logged}, version {issued.event.achievement_version}"


def _issuer(case: _Case) -> str:
    issued = case.issued()
    claimed = case.read().issuer.id
    name = case.named(issued.issuer)
    _note_whose_word(case, issued.issuer)
    by, kid = _whose_word(case, issued.header), issued.header.protected.kid
    if by is not None and kid in case.lent:
        raise Unavailable(
            f"{name} ({issued.issuer}) issued it with {kid}, a key that {case.named(by)} ({by}) "
            "added, which leads to no anchor of yours"
        )
    if claimed == issued.issuer:
        return f"{name} ({claimed})"
    if claimed.startswith("did:"):
        raise Refuted(f"the credential names {claimed}, the log shows {issued.issuer} issued it")
    # Anybody can call any address its own, so it must be the sponsor who says so.
    if claimed == case.entered[issued.issuer][1]:
        return f"{name}, which its sponsor registered with address {claimed}"
    raise Unavailable(
        f"the credential names its issuer as {claimed}, which the register does not link to "
        f"{name} ({issued.issuer})"
    )


def _note_whose_word(case: _Case, did: str) -> None:
    # A did:key is its own proof; of any other DID the register has only somebody's word.
    if did.startswith("did:key:"):
        return
    sponsor = case.register.organizations[did].sponsor
    word = f"{case.named(sponsor)} ({sponsor})" if sponsor else "the log's genesis"
    case.note(f"that {did} is {case.named(did)}'s own is the word of {word}")


def _validity(case: _Case) -> str:
    badge = case.read()
    if case.at < badge.valid_from:
        raise Refuted(f"not valid before {badge.valid_from.isoformat()}")
    if badge.valid_until is not None and case.at > badge.valid_until:
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


def _credential_proof(case: _Case) -> str:
    if not proofs_of(case.holder.credential):
        raise _NotApplicable
    try:
        examined = verify_proofs(case.holder.credential)
    except Unavailable as error:
        # Our own chain of proof does not lean on it, so it is told, not counted.
        case.note(f"the credential's own proof was not examined: {error}")
        raise _NotApplicable from None
    for proven in examined.proven:
        if proven.expires is not None and proven.expires < case.at:
            raise Refuted(f"the proof by {proven.signer} expired at {proven.expires.isoformat()}")
        if (
            proven.created is not None
            and proven.created.timestamp() > case.now.timestamp() + MAX_AHEAD
        ):
            raise Refuted(
                f"the proof by {proven.signer} says {proven.created.isoformat()}, later than now"
            )
    signers = {proven.signer for proven in examined.proven}
    issuer = case.read().issuer.id
    if issuer.startswith("did:key:") and issuer not in signers and not examined.unexamined:
        raise Refuted(f"the credential names issuer {issuer} but is signed by {sorted(signers)}")
    good, cut_off = _did_keys(case)
    if not signers & ({issuer, *good} - cut_off):
        why = (
            "a key that was compromised, and when it was made nobody can tell"
            if signers & cut_off
            else f"which nothing here links to its issuer {issuer}"
        )
        case.note(f"the credential's own proof is by {', '.join(sorted(signers))}, {why}")
        raise _NotApplicable
    return f"signed by {', '.join(sorted(signers))}"


def _did_keys(case: _Case) -> tuple[set[str], set[str]]:
    """Return the issuer's keys as did:key DIDs: the good ones, and the compromised ones."""
    good: set[str] = set()
    cut_off: set[str] = set()
    if case.issuance is not None:
        for key in case.register.organizations[case.issuance.issuer].keys:
            compromised = key.status is KeyStatus.COMPROMISED
            (cut_off if compromised else good).add(f"did:key:{key.multikey}")
    return good, cut_off


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
    ("proof", "proven", _credential_proof),
)
