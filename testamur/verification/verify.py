"""Verification of a credential on somebody else's machine: named checks, never one boolean.

Each check *holds*, is *refuted*, or *could not be checked*, and says on what basis (`basis.py`):
**proven** by signatures and hashes of the entries shown, **attested** by those whom it names,
**stated by the register**, or **the bearer's word**, which is never enough to hold. Inclusion
proves what happened, never that nothing else did. The report does not say whether to hire.

A conclusion is no stronger than its premises: `checks.py` says which step rests on which, and one
that rests on what does not hold could not be checked.

The steps, in the order of the report:

    1 commitment     the credential, with its blind, opens the commitment that was logged
    2 submission     every event shown is under the root its provider signed
    3 signature      every submission was signed by the key it names; the issuance's counts
    4 inclusion      every entry shown is in the log, in a whole submission
    5 checkpoint     the log, and the quorum of witnesses the policy asks for, signed the tree
    6 status         issued, and neither suspended, revoked nor superseded as of that size
    7 accreditation  in force and in scope at the position of issuance
    8 recognition    a chain of recognitions from one of the verifier's own trust anchors
    9 achievement    the credential names the achievement that was logged for it
   10 issuer         the credential names its issuer as the accreditor vouches for it
   11 validity       the credential's own dates: those that were logged, at the time of asking
   12 proof          the credential proof, embedded in the credential: by a key of the issuer
   13 learner        the credential names the learner that the verifier asks about
   14 blockcert      the receipt of a Blockcert is for this document, and leads to its root
   15 blockchain     that root is in the transaction named: never looked up here

The last four are left out where there is no proof, nobody to ask about, and no Blockcert.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from testamur.badges.blockcert_receipts import SUITES
from testamur.badges.blockcerts import read_credential
from testamur.badges.commitment import HolderFile
from testamur.badges.data_integrity import proofs_of, suite_of
from testamur.badges.identities import Asked, read_asked
from testamur.badges.openbadges import Badge
from testamur.badges.restated import added, suite_difference
from testamur.badges.unexamined import unexamined
from testamur.errors import Refusal, Refuted, Unavailable
from testamur.rules import Flag
from testamur.tlog.policy import Policy
from testamur.verification.checks import CheckName
from testamur.verification.conclusion import conclude
from testamur.verification.evidence import Evidence
from testamur.verification.excerpt import Excerpt, Shown, fold, shown
from testamur.verification.finding import Fault, Finding, attempt, judge, need, rested
from testamur.verification.flags import derived, disagreements, reported
from testamur.verification.issuance import Issuance
from testamur.verification.report import EvidenceFrom, Report, Verdict
from testamur.verification.steps.accreditation import accreditation, recognition
from testamur.verification.steps.blockcert import blockcert, blockchain, receipts
from testamur.verification.steps.claims import achievement, issuer, validity
from testamur.verification.steps.learner import learner as learner_step
from testamur.verification.steps.log import checkpoint, inclusion
from testamur.verification.steps.proof import proof
from testamur.verification.steps.status import status
from testamur.verification.steps.submission import commitment, signature, submission
from testamur.verification.together import together
from testamur.verification.tree import Tree, read_tree
from testamur.verification.trust.anchors import Anchors, anchors_of, parse_anchor
from testamur.verification.trust.speakers import Speakers, speakers

_NO_TREE: Final = "there is no checkpoint that the policy believes"
_UNREAD: Final = "not every submission shown can be read"
_NOT_FOLLOWED: Final = "the signatures behind it could not be followed"


def verify(
    holder: HolderFile,
    evidence: Evidence,
    policy: Policy,
    *,
    anchors: Collection[str],
    now: datetime,
    at: datetime | None = None,
    evidence_from: EvidenceFrom = EvidenceFrom.FILE,
    stated: Collection[Flag] | None = None,
    learner: str | None = None,
    beside: Evidence | None = None,
) -> Report:
    """Judge the credential in `holder` by `evidence`, without any I/O.

    `policy` says which log and witnesses are believed; `anchors` are the DIDs of the authorities
    and accreditors that the verifier trusts to begin with, without any the root authorities of the
    genesis; `now` (aware) is the time of asking, and `at` the one that its dates are judged as of,
    the same by default. `evidence_from` says whether the verifier itself fetched or found the
    evidence, for chains to all of `anchors`: what a file leaves out cannot be told. `stated` are
    the flags of the issuance that the register stated to the verifier, None if it was not asked.
    `learner` is the DID, e-mail address or number of the person that it should name, if any.
    `beside` is other evidence, of no later size, whose entries are read with these: the caller
    found already that they lie in a tree which the policy believes.

    Raises `Refusal` for an anchor that is none, as `parse_anchor` does, and for a learner that can
    be none, as `read_asked` does.
    """
    asked = None if learner is None else read_asked(learner)
    given = frozenset(map(parse_anchor, anchors))
    tree = attempt(lambda: read_tree(evidence, policy))
    submissions = attempt(lambda: shown(evidence))
    known = attempt(lambda: _with(submissions, beside))
    excerpt = attempt(lambda: _fold(holder, evidence, known, tree, policy))
    badge = attempt(lambda: _read_badge(holder))
    case = attempt(lambda: _case(need(excerpt), given))
    findings = rested(_steps(holder, submissions, tree, case, badge, asked, now, at or now))
    commits = findings["commitment"].verdict is Verdict.HOLDS
    counts = findings["signature"].verdict is Verdict.HOLDS
    heard = case if isinstance(case, _Case) else None
    flags = heard.flags() if heard is not None and counts else ()
    if not counts or evidence_from is EvidenceFrom.FILE:
        stated = None  # nobody stated anything of what is shown
    return conclude(
        holder.id,
        tree if isinstance(tree, Tree) else None,
        findings,
        evidence_from,
        issuer_only=_additions(holder, heard, badge) if commits else (),
        unexamined=unexamined(holder.credential) if commits else (),
        now=now,
        at=at,
        logged_at=heard.issued.signed.recorded_at if heard is not None and counts else None,
        recorded_at=None if heard is None else heard.excerpt.recorded_at,
        flags=reported(flags, stated, evidence_from),
        further_flags=counts and stated is None,
        notes=(*_notes(heard, badge if commits else None), *disagreements(flags, stated)),
    )


@dataclass(frozen=True, slots=True)
class _Case:
    """What an excerpt shows of the credential, and who is heard on it."""

    excerpt: Excerpt
    issued: Issuance
    anchors: Anchors
    speakers: Speakers

    def flags(self) -> tuple[Flag, ...]:
        written = self.excerpt.written_definition(self.issued)
        return derived(self.issued, None if written is None else written[1])


def _case(excerpt: Excerpt, given: frozenset[str]) -> _Case:
    issued, anchors = excerpt.issued(), anchors_of(given, excerpt.register)
    granted, path = issued.accredited(), None
    if granted is not None:
        path = anchors.chain(excerpt.register, granted.owner, issued.moment())
    return _Case(excerpt, issued, anchors, speakers(issued, granted, path))


def _with(submissions: tuple[Shown, ...] | Fault, beside: Evidence | None) -> tuple[Shown, ...]:
    entries = need(submissions, _UNREAD)
    return entries if beside is None else together(entries, shown(beside))


def _fold(
    holder: HolderFile,
    evidence: Evidence,
    submissions: tuple[Shown, ...] | Fault,
    tree: Tree | Fault,
    policy: Policy,
) -> Excerpt:
    if evidence.credential != holder.id:
        raise Unavailable(f"the evidence is about credential {evidence.credential}")
    return fold(holder.id, need(submissions), need(tree, _NO_TREE), policy)


def _steps(
    holder: HolderFile,
    submissions: tuple[Shown, ...] | Fault,
    tree: Tree | Fault,
    case: _Case | Fault,
    badge: Badge | Fault,
    asked: Asked | None,
    now: datetime,
    at: datetime,
) -> dict[CheckName, Finding]:
    held = attempt(lambda: receipts(holder.credential, _logged_format(case)))

    def log() -> Tree:
        return need(tree, _NO_TREE)

    def followed() -> _Case:
        # A forgery is told once, where the signatures are looked at.
        return need(case, _NOT_FOLLOWED if isinstance(case, Refuted) else None)

    def issued() -> Issuance:
        return followed().issued

    def heard() -> Speakers:
        return followed().speakers

    def excerpt() -> Excerpt:
        return followed().excerpt

    def own_proof() -> Finding:
        if SUITES.issuperset(map(suite_of, proofs_of(holder.credential))):
            return Finding("", None)  # there is none, or receipts alone, which are a check each
        return proof(holder.credential, issued(), heard(), at=at, now=now)

    return {
        "commitment": judge(lambda: commitment(holder, issued())),  # 1
        "submission": judge(lambda: submission(need(submissions))),  # 2
        "signature": judge(lambda: signature(need(case).excerpt, log(), heard(), now)),  # 3
        "inclusion": judge(lambda: inclusion(need(submissions), log())),  # 4
        "checkpoint": judge(lambda: checkpoint(need(tree), holder.log)),  # 5
        "status": judge(lambda: status(excerpt(), log(), followed().anchors, heard())),  # 6
        "accreditation": judge(lambda: accreditation(excerpt(), heard(), now)),  # 7
        "recognition": judge(lambda: recognition(issued(), followed().anchors, heard())),  # 8
        "achievement": judge(lambda: achievement(excerpt(), heard(), need(badge))),  # 9
        "issuer": judge(lambda: issuer(issued(), need(badge), heard())),  # 10
        "validity": judge(lambda: validity(issued(), need(badge), at, now)),  # 11
        "proof": judge(own_proof),  # 12
        "learner": judge(lambda: learner_step(holder.credential, badge, asked)),  # 13
        "blockcert": judge(lambda: blockcert(held)),  # 14
        "blockchain": judge(lambda: blockchain(held)),  # 15
    }


def _logged_format(case: _Case | Fault) -> str | None:
    return case.issued.event.format if isinstance(case, _Case) else None


def _additions(holder: HolderFile, case: _Case | None, badge: Badge | Fault) -> tuple[str, ...]:
    if case is None or not isinstance(badge, Badge):
        return ()
    written = case.excerpt.written_definition(case.issued)
    if written is None:
        return ()
    word = case.speakers.words.get(case.issued.issuer)
    names = () if word is None else word.names
    return added(holder.credential, badge, case.issued.event, written[1], names)


def _notes(case: _Case | None, badge: Badge | Fault | None) -> tuple[str, ...]:
    if case is None:
        return ()
    suite = suite_difference(badge, case.issued.event) if isinstance(badge, Badge) else None
    return (*case.speakers.own_names(), *([suite] if suite else []))


def _read_badge(holder: HolderFile) -> Badge:
    try:
        return read_credential(holder.credential)
    except Refusal as refusal:
        raise Unavailable(f"the credential cannot be read: {refusal}") from None
