"""Steps 7 and 8: who accredited the issuer for it, and who recognised the accreditor."""

from __future__ import annotations

from typing import Final

from testamur.catalogue.lifecycle import AccreditationStatus
from testamur.errors import Refuted, Unavailable
from testamur.rules import Flag, Flags
from testamur.verification.excerpt import Excerpt
from testamur.verification.finding import Finding
from testamur.verification.issuance import Issuance
from testamur.verification.report import Verdict
from testamur.verification.trust.vouching import Vouching

# Flags that tell of who vouched. They refute nothing: it was decided while its deciders acted.
_REMARKS: Final[dict[Flag, str]] = {
    Flag.ACCREDITOR_CLOSED: "the accreditor had closed before it was issued, so that nobody could "
    "withdraw the accreditation any more",
    Flag.AUTHORITY_CLOSED: "every authority that recognised the accreditor had closed before it "
    "was issued",
    Flag.SELF_ACCREDITATION: "the provider accredited itself",
    Flag.SELF_RECOGNITION: "the accreditor was recognised by nobody but itself",
}


def accreditation(issued: Issuance, vouching: Vouching) -> Finding:
    """(7) An accreditation in force and in scope at the position of issuance."""
    subject = {"achievement": issued.definition.name}
    granted = issued.accreditation
    if granted is None:
        return Finding(
            "the issuer claimed no accreditation for it", Verdict.REFUTED, subject=subject
        )
    name = vouching.named(granted.accreditor)
    subject["accreditor"] = name
    at = f"position {issued.position}"
    remarks = tuple(_REMARKS[flag] for flag in flags_of(issued) if flag in _REMARKS)
    verdict = Verdict.HOLDS
    if Flag.ACCREDITATION_NOT_IN_FORCE in issued.flags:
        verdict = Verdict.REFUTED
        detail = f"accreditation {granted.id} by {name} was not in force at {at}"
    elif Flag.OUTSIDE_ACCREDITED_SCOPE in issued.flags:
        verdict = Verdict.REFUTED
        detail = (
            f"{issued.definition.name} was outside the scope of accreditation {granted.id} by "
            f"{name} at {at}"
        )
    else:
        how = "conditionally " if granted.decision == "conditional" else ""
        detail = f"{name} {how}accredited the issuer for it, in force and in scope at {at}"
    lacking = verdict is Verdict.REFUTED and granted.status is AccreditationStatus.SUSPENDED
    return Finding(detail, verdict, lacking=lacking, notes=remarks, subject=subject)


def flags_of(issued: Issuance) -> Flags:
    """Return the flags of the issuance; of recognitions only those count that lead to an anchor."""
    flags, anchored = set(issued.flags), issued.anchored
    if anchored and issued.accreditation is not None:
        accreditor = issued.accreditation.accreditor
        flags -= {Flag.AUTHORITY_CLOSED, Flag.SELF_RECOGNITION}
        if all(each.closed for each in anchored):
            flags.add(Flag.AUTHORITY_CLOSED)
        if all(each.authority == accreditor for each in anchored):
            flags.add(Flag.SELF_RECOGNITION)
    return tuple(flag for flag in Flag if flag in flags)


def recognition(excerpt: Excerpt) -> Finding:
    """(8) The accreditor was recognised up to one of the verifier's own trust anchors."""
    issued, chosen, vouching = excerpt.issued(), excerpt.weighed.chosen, excerpt.vouching
    if issued.accreditation is None:
        raise Unavailable("no accreditation was claimed, so there is no accreditor to look up")
    accreditor = issued.accreditation.accreditor
    name = vouching.named(accreditor)
    if accreditor not in excerpt.register.recognised:
        raise Unavailable(f"the evidence shows no recognition of {name}")
    if not issued.recognitions:
        raise Refuted(f"no authority recognised {name} for this at position {issued.position}")
    if chosen is None:
        raise _unanchored(issued, vouching, name)
    path = vouching.path(chosen.authority, chosen.anchor)
    notes = vouching.unproven(path[-1]) if vouching.anchors.unpinned(path[-1]) else ()
    recognised = f"{name} was recognised by {vouching.chain(path)}, a trust anchor of yours"
    _check_whose_key(issued, vouching, recognised)
    return Finding(recognised, notes=notes)


def _unanchored(issued: Issuance, vouching: Vouching, name: str) -> Refuted | Unavailable:
    """Return what a verifier is told when no recognition leads to an anchor."""
    authorities = [each.authority for each in issued.recognitions]
    in_name = next((path for each in authorities if (path := vouching.path(each, None))), None)
    if in_name is not None:
        return Refuted(
            f"{name} was recognised by {vouching.chain(in_name)}, with a key that does not lead "
            "back to that anchor"
        )
    others = [f"{vouching.named(did)} ({did})" for did in authorities]
    if not vouching.anchors:
        return Unavailable(f"no trust anchors were given; {name} was recognised by {others[0]}")
    return Refuted(f"{name} was recognised by {', '.join(others)}, none a trust anchor of yours")


def _check_whose_key(issued: Issuance, vouching: Vouching, recognised: str) -> None:
    # A recognition names the accreditor, and anybody who lists a key under that name could be it.
    for header in issued.standing:
        by = vouching.whose_word(header)
        if by is not None:
            raise Unavailable(
                f"{recognised}, as {header.payload.iss}; that {header.protected.kid} is a key of "
                f"it is the word of {vouching.named(by)} ({by}), which leads to no anchor of yours"
            )


def own_names(excerpt: Excerpt) -> tuple[str, ...]:
    """Return notes on the issuer and those who vouch for it, where one gave itself another name."""
    issued, chosen, vouching = excerpt.issuance, excerpt.weighed.chosen, excerpt.vouching
    if issued is None:
        return ()
    dids = [issued.issuer]
    if issued.accreditation is not None:
        dids.append(issued.accreditation.accreditor)
    if chosen is not None:
        dids += vouching.path(chosen.authority, chosen.anchor)
    else:
        dids += [each.authority for each in issued.recognitions]
    return vouching.own_names(dict.fromkeys(dids))
