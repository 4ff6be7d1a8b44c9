"""Step 6: what became of the credential since, who did it, and for whom they acted."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from testamur.catalogue.lifecycle import AFTER, FINAL, CredentialStatus
from testamur.catalogue.table import Kind
from testamur.errors import Unavailable
from testamur.rules.chain import Moment
from testamur.rules.heard import Heard
from testamur.rules.status import Act, acts, closing
from testamur.rules.status import status as status_of
from testamur.rules.succession import closed_in_words, namings_for
from testamur.verification.excerpt import Excerpt
from testamur.verification.finding import Finding
from testamur.verification.issuance import Issuance
from testamur.verification.report import Verdict
from testamur.verification.tree import Tree
from testamur.verification.trust.anchors import Anchors
from testamur.verification.trust.declared import antedated, circumstances, past, taken_back
from testamur.verification.trust.speakers import Speakers


def status(excerpt: Excerpt, tree: Tree, anchors: Anchors, speakers: Speakers) -> Finding:
    """(6) Issued, and neither suspended, revoked nor superseded as of the size told."""
    issued = excerpt.issued()
    heard = anchors.heard(excerpt)
    found = status_of(issued.register, Kind.CREDENTIAL, issued.credential, heard=heard)
    if found is None:
        raise Unavailable("nothing was issued that could have a status")
    size, whole = tree.size(), tree.checkpoint.size
    done = acts(issued.register, issued.credential)
    decided = _decided(done, issued.issuer, heard, found)
    by = "" if decided is None else f": it {_done(decided, issued, heard, speakers)}"
    # A program that reads this one word must not take an earlier status for the present one.
    subject = {"status": found.value if size == whole else f"{found} as of size {size}"}
    notes = (
        *_earlier(size, whole),
        *_closed(excerpt, issued, anchors, speakers),
        *(
            f"it {_done(each, issued, heard, speakers)}"
            for each in done
            if each.said.actor != issued.issuer and each is not decided
        ),
        *(
            note
            for each in done
            if _is_heard(each, issued.issuer, heard) and (note := antedated(each.said)) is not None
        ),
    )
    declared = taken_back(speakers, issued.credential.stream)
    if found is CredentialStatus.ACTIVE:
        detail = f"active as of size {size}{by}"
        return Finding(detail, notes=notes, subject=subject, declared=declared)
    return Finding(
        f"the credential is {found} as of size {size}{by}",
        Verdict.REFUTED,
        lacking=found is CredentialStatus.SUSPENDED,
        notes=notes,
        subject=subject,
        declared=declared,
    )


def _decided(done: list[Act], owner: str, heard: Heard, found: StrEnum) -> Act | None:
    """Return the act that the status follows from: the last that is heard, or the final one."""
    decided = None
    for act in done:
        if not _is_heard(act, owner, heard):
            continue
        decided = act
        if AFTER[type(act.said.event)] in FINAL:
            break
    if decided is not None and AFTER[type(decided.said.event)] is found:
        return decided
    return None


def _is_heard(act: Act, owner: str, heard: Heard) -> bool:
    return any(each == owner or heard(each, act.said.position) for each in act.acted_for)


def _done(act: Act, issued: Issuance, heard: Heard, speakers: Speakers) -> str:
    """Return an act in words, with for whom its signer acted, and whether that is heard."""
    said = act.said
    what, why = f"was {past(said.event)} at {said.position}", circumstances(said)
    if said.actor == issued.issuer:
        return f"{what} by its issuer{why}"
    who = f"{what} by {speakers.called(said.actor)} ({said.actor}){why}"
    if not act.acted_for:
        return f"{who}, which acted for nobody and is not heard"
    named = " and ".join(_named(each, issued, speakers) for each in act.acted_for)
    acted = f"{who}, which acted for {named}"
    if _is_heard(act, issued.issuer, heard):
        return acted
    return f"{acted}; that accreditor led to no anchor there, so this is not heard"


def _named(did: str, issued: Issuance, speakers: Speakers) -> str:
    whose = "the issuer" if did == issued.issuer else "the accreditor"
    return f"{whose} {speakers.called(did)} ({did}), who named it successor"


def _closed(
    excerpt: Excerpt, issued: Issuance, anchors: Anchors, speakers: Speakers
) -> Iterator[str]:
    """Yield whether the issuer closed, and who acts for it now: as far as the verifier hears it."""
    register, end, last = issued.register, issued.register.size, excerpt.submissions[-1]
    organization = register.organizations.get(issued.issuer)
    closed = None if organization is None else closing(register, organization)
    if closed is None:
        return
    named = []
    for each in namings_for(register, issued.credential, end, last.recorded_at):
        own = each.by == issued.issuer
        if own or anchors.chain(register, each.by, Moment(end, last.day)) is not None:
            by = "itself" if own else speakers.called(each.by)
            named.append(
                f"{_whom(each.successor, speakers)} (named by {by} at {each.said.position})"
            )
    yield closed_in_words("the issuer", closed.position, named)


def _whom(did: str, speakers: Speakers) -> str:
    name = speakers.called(did)
    return did if name == did else f"{name} ({did})"


def _earlier(size: int, whole: int) -> Iterator[str]:
    if size < whole:
        yield (
            f"the evidence tells of the first {size} entries, as it was asked for, and of none "
            f"of the {whole - size} that followed under its checkpoint"
        )
