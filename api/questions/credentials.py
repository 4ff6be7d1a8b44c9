"""Questions about credentials: status, history, evidence, and what was issued by whom for what."""

from __future__ import annotations

from datetime import date
from typing import Final

from fastapi import APIRouter, Response

from api.http.openapi import problems
from api.questions.answerer import View
from api.questions.moment import PageOf, When
from api.questions.question import (
    Answering,
    Did,
    Flagged,
    HistoryLine,
    Listed,
    Shape,
    Uuid,
    answered,
    described,
    listed,
)
from projections import achievements, credentials, organizations
from projections.credentials import CredentialAt, CredentialEvent
from testamur.catalogue.events import CredentialIssued
from testamur.catalogue.lifecycle import CredentialStatus
from testamur.catalogue.submission import format_time
from testamur.rules import Flags
from testamur.verification.evidence import FILE_ENDING, Evidence

routes: Final = APIRouter(tags=["credentials"])


class Named(Shape, frozen=True, gc=False, kw_only=True):
    """An organization and its name at the time."""

    did: str
    name: str


class Awarded(Shape, frozen=True, gc=False, kw_only=True):
    """The achievement a credential was issued for, in the version it was issued for."""

    id: str
    version: int
    name: str


class Occurred(Shape, frozen=True, gc=False, kw_only=True):
    """An event: its wire name, its position and the register's time of it."""

    event: str
    position: int
    recorded_at: str
    reason: str | None = None


class CredentialAnswer(Shape, frozen=True, gc=False, kw_only=True):
    """A credential. Status is what its events led to; dates are for the reader to compare.

    `flags` are those of its issuance.
    """

    id: str
    status: CredentialStatus
    issuer: Named
    achievement: Awarded
    valid_from: date
    issued: Occurred
    last_event: Occurred
    version: int
    flags: Flags
    size: int
    recorded_at: str | None
    accreditation: str | None = None
    valid_until: date | None = None
    successor: str | None = None


class CredentialLine(Shape, frozen=True, gc=False, kw_only=True):
    """A credential in a list; `position` and `recorded_at` are those of its issuance."""

    id: str
    status: CredentialStatus
    issuer: str
    achievement: str
    position: int
    recorded_at: str
    flags: Flags
    accreditation: str | None = None


SHAPES: Final = (CredentialAnswer, Listed[CredentialLine], Listed[HistoryLine])


def _credential(view: View, found: CredentialAt, issued: CredentialIssued) -> CredentialAnswer:
    """Return a credential with the names of its issuer and achievement, which other tables hold."""
    connection, size = view.connection, view.size
    issuer = organizations.organization_at(connection, found.issuer, size)
    definition = achievements.definition_at(
        connection, found.achievement, issued.achievement_version, size
    )
    (last,) = credentials.history(
        connection, found.credential, size, after=found.version - 1, limit=1
    ).items
    return CredentialAnswer(
        id=found.credential,
        status=found.status,
        issuer=Named(did=found.issuer, name="" if issuer is None else issuer.organization.name),
        achievement=Awarded(
            id=found.achievement,
            version=issued.achievement_version,
            name="" if definition is None else definition.name,
        ),
        valid_from=issued.valid_from,
        valid_until=issued.valid_until,
        issued=Occurred(
            event="credential.issued/1",
            position=found.issued,
            recorded_at=format_time(found.issued_at),
        ),
        last_event=Occurred(
            event=last.event,
            position=last.position,
            recorded_at=format_time(last.recorded_at),
            reason=last.reason,
        ),
        version=found.version,
        flags=found.flags,
        accreditation=found.accreditation,
        successor=found.successor,
        size=found.size,
        recorded_at=view.recorded_at,
    )


def _line(found: CredentialAt) -> CredentialLine:
    return CredentialLine(
        id=found.credential,
        status=found.status,
        issuer=found.issuer,
        achievement=found.achievement,
        accreditation=found.accreditation,
        position=found.issued,
        recorded_at=format_time(found.issued_at),
        flags=found.flags,
    )


def _history_line(found: CredentialEvent) -> HistoryLine:
    return HistoryLine(
        event=found.event,
        version=found.version,
        position=found.position,
        submission=found.submission,
        status=found.status.value,
        recorded_at=format_time(found.recorded_at),
        flags=found.flags,
        reason=found.reason,
        successor=found.successor,
    )


@routes.get(
    "/credentials/{credential}",
    summary="A credential and its status.",
    responses=described(CredentialAnswer),
)
async def one_credential(answerer: Answering, when: When, credential: Uuid) -> Response:
    def find(view: View) -> CredentialAnswer:
        found = view.known("credential", credential, credentials.status)
        return _credential(view, found, answerer.issuance(found.issued, view.size))

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
        view.known("credential", credential, credentials.status)
        events = credentials.history(view.connection, credential, view.size, **page.options)
        return listed(view, page, events, _history_line)

    return await answered(answerer, when, find)


@routes.get(
    "/credentials/{credential}/evidence",
    summary="What a verifier needs to judge a credential offline.",
    responses=described(Evidence)
    | problems(p413="More is relevant to this credential than evidence may hold: replay the log."),
)
async def credential_evidence(answerer: Answering, when: When, credential: Uuid) -> Response:
    file, size = await answerer.evidence(credential, when)
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
        found = credentials.credentials_of(
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
        found = credentials.credentials_for(
            view.connection, achievement, view.size, flagged=flagged, **page.options
        )
        return listed(view, page, found, _line)

    return await answered(answerer, when, find)
