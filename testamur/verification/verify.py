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

from datetime import datetime
from typing import Final

from testamur.badges.commitment import HolderFile
from testamur.badges.openbadges import Badge, read_badge
from testamur.badges.restated import NOTHING_ADDED, Added, added
from testamur.errors import Refusal, Unavailable
from testamur.rules.register import KeyState
from testamur.tlog.policy import Policy
from testamur.verification.checks import CheckName
from testamur.verification.conclusion import conclude
from testamur.verification.evidence import Evidence
from testamur.verification.excerpt import Excerpt, Shown, fold, shown
from testamur.verification.finding import Fault, Finding, attempt, judge, need, rested
from testamur.verification.issuance import Issuance
from testamur.verification.report import EvidenceFrom, Report, Verdict
from testamur.verification.steps.accreditation import accreditation, recognition
from testamur.verification.steps.claims import achievement, issuer, validity
from testamur.verification.steps.log import checkpoint, inclusion
from testamur.verification.steps.proof import proof
from testamur.verification.steps.status import status
from testamur.verification.steps.submission import commitment, signature, submission
from testamur.verification.tree import Tree, read_tree
from testamur.verification.trust.anchors import Anchored

_NO_TREE: Final = "there is no checkpoint that the policy believes"


def verify(
    holder: HolderFile,
    evidence: Evidence,
    policy: Policy,
    *,
    anchors: frozenset[str],
    now: datetime,
    at: datetime | None = None,
    evidence_from: EvidenceFrom = EvidenceFrom.FILE,
) -> Report:
    """Judge the credential in `holder` by `evidence`, without any I/O.

    `policy` says which log and witnesses are believed; `anchors` are the DIDs of the authorities
    whose recognition the verifier accepts, each alone or with a key, DID#MULTIKEY; `now` (aware)
    is the time of asking, and `at` the one that its dates are judged as of, the same by default.
    `evidence_from` says whether the verifier itself fetched or found the evidence: what a file
    leaves out cannot be told.

    Raises `Refusal` for an anchor that is none, as `parse_anchor` does.
    """
    anchored = Anchored(anchors)
    tree = attempt(lambda: read_tree(evidence, policy))
    submissions = attempt(lambda: shown(evidence))
    excerpt = attempt(lambda: _fold(holder, evidence, submissions, tree, policy, anchored))
    badge = attempt(lambda: _read_badge(holder))
    findings = rested(_steps(holder, submissions, tree, excerpt, badge, now, at or now))
    commits = findings["commitment"].verdict is Verdict.HOLDS
    notes = () if at is None else (f"its dates are judged as of {at.isoformat()}",)
    return conclude(
        holder.id,
        tree if isinstance(tree, Tree) else None,
        excerpt if isinstance(excerpt, Excerpt) else None,
        findings,
        evidence_from,
        _additions(holder, excerpt, badge) if commits else NOTHING_ADDED,
        now=now,
        notes=notes,
    )


def _fold(
    holder: HolderFile,
    evidence: Evidence,
    submissions: tuple[Shown, ...] | Fault,
    tree: Tree | Fault,
    policy: Policy,
    anchors: Anchored,
) -> Excerpt:
    if evidence.credential != holder.id:
        raise Unavailable(f"the evidence is about credential {evidence.credential}")
    entries = need(submissions, "not every submission shown can be read")
    return fold(holder.id, entries, need(tree, _NO_TREE), policy, anchors)


def _steps(
    holder: HolderFile,
    submissions: tuple[Shown, ...] | Fault,
    tree: Tree | Fault,
    excerpt: Excerpt | Fault,
    badge: Badge | Fault,
    now: datetime,
    at: datetime,
) -> dict[CheckName, Finding]:
    def log() -> Tree:
        return need(tree, _NO_TREE)

    def folded() -> Excerpt:
        return need(excerpt)

    def issued() -> Issuance:
        return folded().issued()

    return {
        "commitment": judge(lambda: commitment(holder, issued())),  # 1
        "submission": judge(lambda: submission(need(submissions))),  # 2
        "signature": judge(lambda: signature(folded(), log(), now)),  # 3
        "inclusion": judge(lambda: inclusion(need(submissions), log())),  # 4
        "checkpoint": judge(lambda: checkpoint(need(tree), holder.log)),  # 5
        "status": judge(lambda: status(folded(), log())),  # 6
        "accreditation": judge(lambda: accreditation(issued(), folded().vouching)),  # 7
        "recognition": judge(lambda: recognition(folded())),  # 8
        "achievement": judge(lambda: achievement(issued(), need(badge))),  # 9
        "issuer": judge(lambda: issuer(issued(), need(badge), folded().vouching)),  # 10
        "validity": judge(lambda: validity(issued(), need(badge), at)),  # 11
        "proof": judge(
            lambda: proof(holder.credential, badge, _keys(excerpt), at=at, now=now)
        ),  # 12
    }


def _additions(holder: HolderFile, excerpt: Excerpt | Fault, badge: Badge | Fault) -> Added:
    if not isinstance(excerpt, Excerpt) or not isinstance(badge, Badge):
        return NOTHING_ADDED
    issued = excerpt.issued()
    name = excerpt.vouching.named(issued.issuer)
    return added(holder.credential, badge, issued.event, issued.definition, name)


def _read_badge(holder: HolderFile) -> Badge:
    try:
        return read_badge(holder.credential)
    except Refusal as refusal:
        raise Unavailable(f"the credential cannot be read: {refusal}") from None


def _keys(excerpt: Excerpt | Fault) -> tuple[KeyState, ...]:
    if not isinstance(excerpt, Excerpt) or excerpt.issuance is None:
        return ()
    return excerpt.register.organizations[excerpt.issuance.issuer].keys
