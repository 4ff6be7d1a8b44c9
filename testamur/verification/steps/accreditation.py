"""Steps 7 and 8: who accredited the issuer for it, and who recognised the accreditor."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from testamur.catalogue.lifecycle import AccreditationStatus
from testamur.catalogue.table import Kind
from testamur.errors import Refuted, Unavailable
from testamur.rules.register import Grant
from testamur.rules.said import Said
from testamur.rules.scope import uncovered
from testamur.rules.status import existing, statuses
from testamur.rules.status import status as status_of
from testamur.verification.excerpt import Excerpt
from testamur.verification.finding import Finding
from testamur.verification.issuance import Issuance
from testamur.verification.report import Verdict
from testamur.verification.steps.afterwards import after_the_issuance, closings
from testamur.verification.steps.decision import decision, reviews
from testamur.verification.trust.anchors import Anchors
from testamur.verification.trust.declared import circumstances, taken_back, uncounted
from testamur.verification.trust.speakers import Speakers

_ITSELF: Final = "the issuer accredited itself"


def accreditation(excerpt: Excerpt, speakers: Speakers, now: datetime) -> Finding:
    """(7) An accreditation in force and in scope at the position of issuance.

    `now` (aware) tells which reviews are overdue, which is noted and judges nothing.
    """
    issued = excerpt.issued()
    name = _definition_name(excerpt, issued)
    subject = {} if name is None else {"achievement": name}
    if issued.event.accreditation is None:
        return Finding(
            "the issuer claimed no accreditation for it", Verdict.REFUTED, subject=subject
        )
    granted = _granted(issued, issued.event.accreditation, speakers)
    by = speakers.called(granted.owner)
    subject["accreditor"] = by
    declared = taken_back(speakers, _before(issued, granted))
    lacking, why = _fault(issued, granted, name)
    at = f"position {issued.position}"
    if why is not None:
        detail = f"accreditation {issued.event.accreditation} by {by} {why} at {at}"
        return Finding(detail, Verdict.REFUTED, lacking=lacking, subject=subject, declared=declared)
    if issued.facets() is None:
        raise Unavailable("there is no definition to judge the scope of the accreditation by")
    decided = decision(granted)
    return Finding(
        f"{by} ({granted.owner}) {'conditionally ' if decided.conditional else ''}accredited the "
        f"issuer for it ({decided.words}), in force and in scope at {at}",
        notes=(
            *((_ITSELF,) if granted.owner == issued.issuer else ()),
            *decided.documents,
            *reviews(issued, granted, now.astimezone(UTC).date()),
            *after_the_issuance("the accreditation", granted, issued, speakers),
            *closings([granted.owner], issued, speakers),
        ),
        subject=subject,
        declared=declared,
    )


def _granted(issued: Issuance, id_: str, speakers: Speakers) -> Grant:
    """Return the accreditation, granted to the issuer before the issuance; else raise."""
    register = issued.register
    granted = register.accreditations.get(id_)
    if granted is None:
        raise Unavailable(f"the evidence leaves out accreditation {id_}, which the issuance names")
    if existing(register, granted, issued.position) is None:
        first = granted.grants[0]
        if first.position >= issued.position:
            raise Refuted(
                f"accreditation {id_} was granted at {first.position}, after the issuance"
            )
        raise uncounted(speakers, first)
    if granted.subject != issued.issuer:
        raise Refuted(f"accreditation {id_} was granted to {granted.subject}, not to the issuer")
    return granted


def _before(issued: Issuance, grant: Grant) -> Iterator[Said]:
    """Yield what was said of a grant before the issuance: no more bears on the verdict."""
    return (each for each in grant.stream if each.position < issued.position)


def _fault(issued: Issuance, granted: Grant, name: str | None) -> tuple[bool, str | None]:
    """Return what is wrong with an accreditation, and whether an entry not shown could mend it."""
    event, day = granted.event, issued.signed.day
    found = status_of(issued.register, Kind.ACCREDITATION, granted, before=issued.position)
    if found is not AccreditationStatus.ACTIVE:
        return found is AccreditationStatus.SUSPENDED, f"was {found}{_why(issued, granted)}"
    if day < event.valid_from or (event.valid_until is not None and event.valid_until < day):
        until = f" until {event.valid_until}" if event.valid_until else ""
        return False, f"is of {event.valid_from}{until}, so was not in force"
    covered = issued.covered()
    outside = [] if covered is None else uncovered(event.scope, *covered)
    if outside:
        # The country is that of the words in force, which are restated; nothing else changes.
        return outside == ["jurisdictions"], f"did not cover {name} ({', '.join(outside)})"
    return False, None


def _why(issued: Issuance, granted: Grant) -> str:
    """Return the reason that was stated for the status before the issuance, in brackets."""
    *_, last = (None, *statuses(issued.register, granted, before=issued.position))
    return "" if last is None else circumstances(last[0])


def _definition_name(excerpt: Excerpt, issued: Issuance) -> str | None:
    written = excerpt.written_definition(issued)
    return None if written is None else written[1].name


def recognition(issued: Issuance, anchors: Anchors, speakers: Speakers) -> Finding:
    """(8) One chain of recognitions leads from an anchor to the accreditor."""
    granted = issued.accreditation()
    if granted is None:
        raise Unavailable("no accreditation was granted, so there is no accreditor to look up")
    name, register = speakers.called(granted.owner), issued.register
    if speakers.path is None:
        return _unanchored(issued, granted, anchors, speakers)
    if not speakers.path:
        return Finding(f"{name} ({granted.owner}) is itself {anchors.named()}")
    *_, last = path = [register.recognitions[id_].owner for id_ in speakers.path]
    chain = ", recognised by ".join(
        f"{speakers.called(did)} ({did})" for did in dict.fromkeys(reversed(path))
    )
    itself = ("the accreditor recognised itself",) if last == granted.owner else ()
    stopped = [
        line
        for id_ in speakers.path
        for line in taken_back(speakers, _before(issued, register.recognitions[id_]))
    ]
    later = (
        line
        for id_, did in zip(speakers.path, path, strict=True)
        for line in after_the_issuance(
            f"the recognition by {speakers.called(did)}",
            register.recognitions[id_],
            issued,
            speakers,
        )
    )
    return Finding(
        f"{name} was recognised by {chain}, {anchors.named()}",
        notes=(*itself, *later, *closings(path, issued, speakers)),
        declared=tuple(stopped),
    )


def _unanchored(issued: Issuance, granted: Grant, anchors: Anchors, speakers: Speakers) -> Finding:
    """Return what a verifier is told when no chain leads to an anchor."""
    name, register = speakers.called(granted.owner), issued.register
    fallen = tuple(
        line
        for grant in register.recognitions.values()
        if grant.subject == granted.owner
        for line in taken_back(speakers, grant.grants)
    )
    whose = "of yours" if anchors.given else "among the root authorities of the log"
    return Finding(
        f"no recognition in force at position {issued.position} leads from an anchor {whose} to "
        f"{name} ({granted.owner})",
        Verdict.REFUTED,
        lacking=True,
        declared=fallen,
    )
