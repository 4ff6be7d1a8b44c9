"""Questions about credentials: status, history, evidence, and what was issued by whom for what."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated, Final

from fastapi import APIRouter, Query, Response
from pydantic import StringConstraints

from api.http.openapi import problems
from api.questions.accreditations import Words, words_of
from api.questions.answerer import View
from api.questions.moment import DID, PageOf, When
from api.questions.question import (
    Act,
    Answering,
    BecauseOf,
    Did,
    Flagged,
    HistoryLine,
    Listed,
    NotCounted,
    Shape,
    Uuid,
    act,
    answered,
    because_of,
    described,
    history_line,
    listed,
    not_counted,
)
from api.questions.successions import (
    Predecessor,
    Successor,
    closing_sentence,
    predecessor,
    successor,
)
from projections import achievements, organizations, successions
from projections import credentials as projected
from projections.credentials import ISSUED, CredentialAt
from testamur.catalogue.events import CredentialIssued
from testamur.catalogue.lifecycle import CredentialStatus
from testamur.catalogue.submission import format_time
from testamur.rules import Flags, status
from testamur.verification.chains import MAX_CHAINS
from testamur.verification.evidence import FILE_ENDING, Evidence

routes: Final = APIRouter(tags=["credentials"])

Anchors = Annotated[
    tuple[Annotated[str, StringConstraints(pattern=DID)], ...],
    Query(
        max_length=MAX_CHAINS,
        description="The DID of a trust anchor of yours, to which a chain is wanted; may be "
        "repeated. The root authorities of the log are tried after them.",
    ),
]


class Named(Shape, frozen=True, gc=False, kw_only=True):
    """An organization and its name at the time; `closed` is where it closed, if it did."""

    did: str
    name: str
    closed: int | None = None


class Awarded(Shape, frozen=True, gc=False, kw_only=True):
    """The achievement a credential was issued for, in the version it was issued for."""

    id: str
    version: int
    name: str


class Occurred(Shape, frozen=True, gc=False, kw_only=True):
    """An event: its wire name, its position and the register's time of it.

    `effective_at` is the day from which it says that it holds; the status changed at `position`.
    """

    event: str
    position: int
    recorded_at: str
    reason: str | None = None
    effective_at: date | None = None


class Vouched(Shape, frozen=True, gc=False, kw_only=True):
    """What the accreditor that the credential names vouched for about its issuer."""

    by: str
    words: Words


class CredentialAnswer(Shape, frozen=True, gc=False, kw_only=True):
    """A credential. Status is what its events led to; dates are for the reader to compare.

    The status is by the issuer and the successor that it named; None where no issuance counts.
    `others_said` is what successors did that its accreditor named: it counts for those whose trust
    anchors lead to the accreditor. `last_event` is the one that set the status, done by
    `acted_for` or for them. `not_counted` are the entries about it that do not count, and why.
    `issuer.name` is the issuer's own word, `vouched` that of its accreditor at the issuance.
    `flags` are those of the issuance. `successors` may act for the issuer on this credential, and
    `predecessors` named the issuer their successor; `succession` says in a sentence that the issuer
    closed and who acts for it. The other members are those of the line that issues it.
    """

    id: str
    status: CredentialStatus | None
    issuer: Named
    achievement: Awarded
    valid_from: date
    issued: Occurred
    last_event: Occurred
    version: int
    flags: Flags
    size: int
    recorded_at: str | None
    format: str
    commitment: bytes
    accreditation: str | None = None
    vouched: Vouched | None = None
    valid_until: date | None = None
    assessment: str | None = None
    participation: str | None = None
    supervision: str | None = None
    suite: str | None = None
    succession: str | None = None
    successors: tuple[Successor, ...] = ()
    predecessors: tuple[Predecessor, ...] = ()
    successor: str | None = None
    acts: tuple[Act, ...] = ()
    others_said: tuple[Act, ...] = ()
    not_counted: tuple[NotCounted, ...] = ()


class CredentialLine(Shape, frozen=True, gc=False, kw_only=True):
    """A credential in a list; `position` and `recorded_at` are those of its issuance.

    Where no issuance counts, the status is None, and `because_of` says why. `effective_at` is the
    day from which the event that set the status says that it holds.
    """

    id: str
    status: CredentialStatus | None
    issuer: str
    achievement: str
    position: int
    recorded_at: str
    flags: Flags
    effective_at: date | None = None
    accreditation: str | None = None
    because_of: BecauseOf | None = None


SHAPES: Final = (CredentialAnswer, Listed[CredentialLine], Listed[HistoryLine])


def _credential(view: View, found: CredentialAt, line: CredentialIssued) -> CredentialAnswer:
    """Return a credential with the names of its issuer and achievement, which other tables hold."""
    connection, size, issued = view.connection, view.size, found.issued
    did = issued.signed.organization
    issuer = organizations.organization_at(connection, did, size)
    definition = achievements.definition_at(connection, issued.achievement, issued.revision, size)
    began = Occurred(
        event=ISSUED,
        position=issued.position,
        recorded_at=format_time(issued.signed.recorded_at),
    )
    acts = found.standing.acts
    last = acts[-1].said.event if acts else None
    return CredentialAnswer(
        id=found.credential,
        status=_status(found.standing.status),
        issuer=Named(did=did, name="" if issuer is None else issuer.own.name, closed=found.closed),
        achievement=Awarded(
            id=issued.achievement,
            version=issued.revision,
            name="" if definition is None else definition.name,
        ),
        valid_from=line.valid_from,
        valid_until=line.valid_until,
        issued=began,
        last_event=_occurred(acts[-1]) if acts else began,
        version=found.version,
        flags=issued.flags,
        accreditation=issued.accreditation,
        vouched=_vouched(found),
        format=line.format,
        commitment=line.commitment,
        assessment=line.assessment,
        participation=line.participation,
        supervision=line.supervision,
        suite=line.suite,
        succession=closing_sentence("the issuer", found.closed, found.successors),
        successors=tuple(map(successor, found.successors)),
        predecessors=tuple(map(predecessor, successions.predecessors(connection, did, size).items)),
        successor=getattr(last, "successor", None),
        acts=tuple(map(act, acts)),
        others_said=tuple(map(act, found.standing.others)),
        not_counted=not_counted(found.standing.fallen),
        size=found.size,
        recorded_at=view.recorded_at,
    )


def _occurred(found: status.Act) -> Occurred:
    told = act(found)
    return Occurred(
        event=told.event,
        position=told.position,
        recorded_at=told.recorded_at,
        reason=told.reason,
        effective_at=told.effective_at,
    )


def _vouched(found: CredentialAt) -> Vouched | None:
    if found.accreditor is None or found.vouched is None:
        return None
    return Vouched(by=found.accreditor, words=words_of(found.vouched))


def _status(found: StrEnum | None) -> CredentialStatus | None:
    return None if found is None else CredentialStatus(found)


def _line(found: projected.CredentialLine) -> CredentialLine:
    issued = found.issued
    return CredentialLine(
        id=issued.credential,
        status=_status(found.status),
        issuer=issued.signed.organization,
        achievement=issued.achievement,
        accreditation=issued.accreditation,
        position=issued.position,
        recorded_at=format_time(issued.signed.recorded_at),
        flags=issued.flags,
        effective_at=found.effective_at,
        because_of=because_of(found.because),
    )


@routes.get(
    "/credentials/{credential}",
    summary="A credential and its status.",
    responses=described(CredentialAnswer),
)
async def one_credential(answerer: Answering, when: When, credential: Uuid) -> Response:
    def find(view: View) -> CredentialAnswer:
        found = view.known("credential", credential, projected.credential_at)
        return _credential(view, found, answerer.issuance(found.issued.position, view.size))

    return await answered(answerer, when, find)


@routes.get(
    "/credentials/{credential}/history",
    summary="Everything that happened to a credential.",
    responses=described(Listed[HistoryLine]),
)
async def credential_history(
    answerer: Answering, when: When, page: PageOf, credential: Uuid
) -> Response:
    def find(view: View) -> Listed[HistoryLine]:
        view.known("credential", credential, projected.credential_at)
        events = projected.credential_history(
            view.connection, credential, view.size, **page.options
        )
        return listed(view, page, events, history_line)

    return await answered(answerer, when, find)


@routes.get(
    "/credentials/{credential}/evidence",
    summary="What a verifier needs to judge a credential offline.",
    responses=described(Evidence)
    | problems(p413="More is relevant to this credential than evidence may hold: replay the log."),
)
async def credential_evidence(
    answerer: Answering, when: When, credential: Uuid, anchor: Anchors = ()
) -> Response:
    file, size = await answerer.evidence(credential, when, frozenset(anchor))
    return Response(
        file,
        media_type="application/json",
        headers={
            "Testamur-Size": str(size),
            "Content-Disposition": f'attachment; filename="{credential}{FILE_ENDING}"',
            "Cache-Control": "no-cache",
        },
    )


@routes.get(
    "/organizations/{did}/credentials",
    summary="What an organization issued; with flagged=true only issuances that broke policy.",
    responses=described(Listed[CredentialLine]),
)
async def credentials_of(
    answerer: Answering, when: When, page: PageOf, did: Did, *, flagged: Flagged = False
) -> Response:
    def find(view: View) -> Listed[CredentialLine]:
        view.known("organization", did, organizations.organization_at)
        found = projected.credentials_of(
            view.connection, did, view.size, flagged=flagged, **page.options
        )
        return listed(view, page, found, _line)

    return await answered(answerer, when, find)


@routes.get(
    "/achievements/{achievement}/credentials",
    summary="What was issued for an achievement; with flagged=true only what broke policy.",
    responses=described(Listed[CredentialLine]),
)
async def credentials_for(
    answerer: Answering, when: When, page: PageOf, achievement: Uuid, *, flagged: Flagged = False
) -> Response:
    def find(view: View) -> Listed[CredentialLine]:
        view.known("achievement", achievement, achievements.achievement_at)
        found = projected.credentials_for(
            view.connection, achievement, view.size, flagged=flagged, **page.options
        )
        return listed(view, page, found, _line)

    return await answered(answerer, when, find)
