"""Questions about credentials: status, history, evidence, and what was issued by whom for what."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated, Final, NamedTuple

from fastapi import APIRouter, Query, Response
from pydantic import StringConstraints

from api.http import conditional, examples
from api.http.openapi import problems
from api.questions import links as at
from api.questions.accreditations import Words, words_of
from api.questions.answerer import View
from api.questions.filters import (
    Accreditor,
    AchievementAsked,
    FlagOfCredential,
    ListOf,
    ListRequest,
    Provider,
    check_flag,
    number_of,
)
from api.questions.links import Links
from api.questions.moment import DID, Moment, When
from api.questions.question import (
    Act,
    Asker,
    Asking,
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
from api.web.languages import LanguageAsked
from projections import achievements, organizations, successions
from projections import credentials as projected
from projections.credential_lists import Chosen
from projections.credentials import ISSUED, CredentialAt
from projections.issuances import Issued
from testamur.catalogue.events import CredentialIssued
from testamur.catalogue.lifecycle import CredentialStatus
from testamur.catalogue.submission import format_time
from testamur.catalogue.table import Kind
from testamur.rules import Flag, Flags, status
from testamur.verification.chains import MAX_CHAINS
from testamur.verification.evidence import FILE_ENDING, Evidence

routes: Final = APIRouter(tags=["credentials"])

Anchors = Annotated[
    tuple[Annotated[str, StringConstraints(pattern=DID)], ...],
    Query(
        max_length=MAX_CHAINS,
        description="The DID of a trust anchor of yours, to which a chain is wanted; may be "
        "repeated. The root authorities of the log are tried after them.",
        examples=[[examples.DID]],
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
    links: Links
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
    links: Links
    effective_at: date | None = None
    accreditation: str | None = None
    because_of: BecauseOf | None = None


class Wanted(NamedTuple):
    """Which credentials are asked for; organizations are named by their DIDs."""

    provider: str | None
    achievement: str | None
    accreditor: str | None
    flagged: bool
    flag: Flag | None


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
        links=at.below(at.credential(found.credential), "history", "evidence")
        | _links(issued, found.accreditor),
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


def _links(issued: Issued, accreditor: str | None = None) -> Links:
    found = {
        "issuer": at.organization(issued.signed.organization),
        "achievement": at.achievement(issued.achievement),
        "entry": at.entry(issued.position),
    }
    if issued.accreditation is not None:
        found["accreditation"] = at.accreditation(issued.accreditation)
    return found if accreditor is None else {**found, "accreditor": at.organization(accreditor)}


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
        links={"self": at.credential(issued.credential), **_links(issued)},
        effective_at=found.effective_at,
        because_of=because_of(found.because),
    )


@routes.get(
    "/credentials/{credential}",
    summary="A credential and its status.",
    description="The status is by the issuer and the successor that it named. Whether a "
    "credential has expired follows from its dates, which the reader compares. It "
    "states what the register says; the evidence proves it.",
    responses=described(CredentialAnswer),
)
async def one_credential(
    asker: Asking,
    when: When,
    credential: Uuid,
    lang: LanguageAsked = None,  # noqa: ARG001 - the asker has it
) -> Response:
    def find(view: View) -> CredentialAnswer:
        found = view.known("credential", credential, projected.credential_at)
        return _credential(view, found, asker.answerer.issuance(found.issued.position))

    return await answered(asker, when, CredentialAnswer, find)


@routes.get(
    "/credentials/{credential}/history",
    summary="Everything that happened to a credential.",
    description="In log order, with who signed each event, whether it counts, and what it did to "
    "the status.",
    responses=described(Listed[HistoryLine]),
)
async def credential_history(
    asker: Asking, when: When, page: ListOf, credential: Uuid, flag: FlagOfCredential = None
) -> Response:
    check_flag(flag, Kind.CREDENTIAL)

    def find(view: View) -> Listed[HistoryLine]:
        view.known("credential", credential, projected.credential_at)
        events = projected.credential_history(
            view.connection, credential, view.size, flag=flag, **page.options(view)
        )
        return listed(view, page, events, history_line)

    return await answered(asker, when, Listed[HistoryLine], find)


@routes.get(
    "/credentials/{credential}/evidence",
    summary="What a verifier needs to judge a credential offline.",
    description="One JSON file (docs/evidence.md) with the entries that bear on the credential, "
    "their proofs and a checkpoint: `testamur verify` reads it. Without `size` it is "
    "under the newest checkpoint.",
    responses=described(Evidence, csv=False)
    | problems(p413="More is relevant to this credential than evidence may hold: replay the log."),
)
async def credential_evidence(
    asker: Asking, when: When, credential: Uuid, anchor: Anchors = ()
) -> Response:
    asker.takes(("application/json",))
    file, size = await asker.answerer.evidence(credential, when, frozenset(anchor))
    headers = {
        "Testamur-Size": str(size),
        "Content-Disposition": f'attachment; filename="{credential}{FILE_ENDING}"',
        "Cache-Control": "no-cache",
        "Vary": "Accept-Encoding",
    }
    return conditional.answer(file, "application/json", headers, asker.held)


_FLAGGED: Final = (
    " `flagged=true` leaves what broke policy alone, `flag` what broke it in one way. Of the "
    "issuances that an index names, 10,000 are looked at for a page: one with `next` may hold "
    "fewer than `limit`, or none."
)


@routes.get(
    "/credentials",
    summary="Credentials, in the order in which they were issued.",
    description="All of them, or those that the filters leave." + _FLAGGED,
    responses=described(Listed[CredentialLine]),
)
async def every_credential(
    asker: Asking,
    when: When,
    page: ListOf,
    provider: Provider = None,
    achievement: AchievementAsked = None,
    accreditor: Accreditor = None,
    flag: FlagOfCredential = None,
    *,
    flagged: Flagged = False,
) -> Response:
    wanted = Wanted(provider, achievement, accreditor, flagged=flagged, flag=flag)
    return await _credentials(asker, when, page, wanted)


@routes.get(
    "/organizations/{did}/credentials",
    summary="What an organization issued.",
    description="All of it, or what the filters leave." + _FLAGGED,
    responses=described(Listed[CredentialLine]),
)
async def credentials_of(
    asker: Asking,
    when: When,
    page: ListOf,
    did: Did,
    achievement: AchievementAsked = None,
    accreditor: Accreditor = None,
    flag: FlagOfCredential = None,
    *,
    flagged: Flagged = False,
) -> Response:
    wanted = Wanted(did, achievement, accreditor, flagged=flagged, flag=flag)
    return await _credentials(asker, when, page, wanted)


@routes.get(
    "/achievements/{achievement}/credentials",
    summary="What was issued for an achievement.",
    description="All of it, or what the filters leave." + _FLAGGED,
    responses=described(Listed[CredentialLine]),
)
async def credentials_for(
    asker: Asking,
    when: When,
    page: ListOf,
    achievement: Uuid,
    provider: Provider = None,
    accreditor: Accreditor = None,
    flag: FlagOfCredential = None,
    *,
    flagged: Flagged = False,
) -> Response:
    wanted = Wanted(provider, achievement, accreditor, flagged=flagged, flag=flag)
    return await _credentials(asker, when, page, wanted)


async def _credentials(asker: Asker, when: Moment, page: ListRequest, wanted: Wanted) -> Response:
    check_flag(wanted.flag, Kind.CREDENTIAL)

    def find(view: View) -> Listed[CredentialLine]:
        if wanted.achievement is not None:
            view.known("achievement", wanted.achievement, achievements.achievement_at)
        chosen = Chosen(
            number_of(view, wanted.provider),
            wanted.achievement,
            number_of(view, wanted.accreditor),
            flagged=wanted.flagged,
            flag=wanted.flag,
        )
        found = projected.credentials(view.connection, chosen, view.size, **page.options(view))
        return listed(view, page, found, _line)

    return await answered(asker, when, Listed[CredentialLine], find)
