"""Questions to the register, each answered as of a tree size.

Without `size` or `at` an answer is as of all that was read so far; with `size` it is what it was
then and will always be, and the server waits a little for its projections to get there, so that
whoever holds a receipt is never told that what it shows does not exist. The answer states what
the register says; `/credentials/{id}/evidence` lets it be proven.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal, TypeVar, cast
from urllib.parse import quote, urlencode

import msgspec
from fastapi import APIRouter, Depends, Path, Query, Request, Response
from sqlalchemy import Connection

from api import answers
from api.answers import Listed
from api.following import Following
from api.moment import DID, UUID, Asked, Moment, PageOf, Turned, When
from api.openapi import answer, problems
from api.problems import Problem, not_now
from api.waiting import Published
from projections import accreditations, achievements, credentials, organizations, submissions
from projections.evidence import evidence_positions
from projections.page import Page
from testamur.errors import Refuted
from testamur.events import CredentialIssued, decode_event
from testamur.evidence import FILE_ENDING, Evidence, build_evidence, render_evidence
from testamur.reader import LogReader
from testamur.submission import format_time

T = TypeVar("T")
Item = TypeVar("Item")

CATCH_UP_SECONDS: Final = 5.0
_POLL_SECONDS: Final = 0.005
_EXCERPTS: Final = 2
_encode: Final = msgspec.json.Encoder().encode


Did = Annotated[str, Path(pattern=DID, max_length=240, examples=["did:web:university.example"])]
Uuid = Annotated[str, Path(pattern=UUID, examples=["019aa5f0-5c00-7000-8000-000000000001"])]
Flagged = Annotated[bool, Query(description="Only what was admitted in breach of policy.")]


class Register:
    """Answers from the projections, in threads.

    `read` returns a reader of the log that no other thread uses, `latest` the checkpoint that is
    out.
    """

    def __init__(
        self,
        following: Following,
        read: Callable[[], LogReader],
        latest: Callable[[], Published | None],
    ) -> None:
        self._following = following
        self._read = read
        self._latest = latest
        # Evidence of a huge cohort is a second's work; questions must not queue behind it.
        self._excerpts = asyncio.Semaphore(_EXCERPTS)

    async def ask(self, when: Asked, question: Callable[[Connection, Moment], T]) -> T:
        """Return the answer to `question` as of the moment asked about."""
        await self._caught_up(when)
        return await asyncio.to_thread(self._answer, when, question)

    async def _caught_up(self, when: Asked) -> None:
        """Wait until the projections reach the size asked about, if that is published."""
        size = self.published().size
        if when.time is not None and when.time > datetime.now(UTC).timestamp() * 1000:
            raise Problem(
                422, "time-ahead", "that time is yet to come", value=_shown_time(when.time)
            )
        if when.size is None or when.size <= self._following.size:
            return
        if when.size > size:
            raise Problem(422, "size-ahead", f"the log has {size} entries", value=when.size)
        for _ in range(round(CATCH_UP_SECONDS / _POLL_SECONDS)):
            await asyncio.sleep(_POLL_SECONDS)
            if when.size <= self._following.size:
                return
        raise not_now(
            "projections-behind",
            f"answers reach size {self._following.size}, not yet {when.size}",
        )

    def _answer(self, when: Asked, question: Callable[[Connection, Moment], T]) -> T:
        with self._following.engine.connect() as connection:
            size = submissions.as_of(connection, size=when.size, time=when.time)
            return question(connection, Moment(size, _time_of(connection, size)))

    # --- What is on the log rather than in a table ---

    def issuance(self, position: int) -> CredentialIssued:
        """Return the issuance that is entry `position`."""
        # Up to the size that is published now: only partial bundles of that size surely exist.
        walk = self._read().bundles(position, self.published().size)
        _, (line, *_) = next(walk)
        event = decode_event(line)
        if not isinstance(event, CredentialIssued):
            raise Refuted(f"entry {position} is no issuance, as the projections have it")
        return event

    async def evidence(self, credential: str) -> tuple[bytes, int]:
        """Return the evidence file of a credential, and the size it is as of; 404 if none.

        It is always as of the checkpoint that is out: under a later one, an excerpt as of an
        earlier size could leave out a revocation and yet look as new as its checkpoint.
        """
        published = self.published()

        def find(connection: Connection, moment: Moment) -> bytes:
            positions = evidence_positions(connection, credential, moment.size)
            if not positions:
                raise _missing("credential", credential, moment)
            excerpt = build_evidence(self._read(), published.note, credential, positions)
            return render_evidence(excerpt)

        async with self._excerpts:
            return await self.ask(Asked(published.size, None), find), published.size

    def published(self) -> Published:
        """Return the checkpoint that is out; raises a 503 `Problem` before the first."""
        latest = self._latest()
        if latest is None:
            raise not_now("nothing-published", "no checkpoint is published yet")
        return latest


def _time_of(connection: Connection, size: int) -> str | None:
    if size == 0:
        return None
    header = submissions.header_position(connection, size - 1)
    found = submissions.submission_at(connection, header, size)
    return None if found is None else format_time(found.recorded_at)


def _shown_time(milliseconds: int) -> str:
    """Return a time as text, however far ahead."""
    return format_time(min(milliseconds, 253_402_300_799_999))


def _sent(found: Any, when: Asked) -> Response:
    return Response(
        _encode(found),
        media_type="application/json",
        headers={
            "Testamur-Size": str(found.size),
            # What was so at a size stays so; what is so at a time does once the time is past.
            "Cache-Control": "no-cache" if when.size is None else "public, max-age=3600",
        },
    )


def _missing(kind: str, name: str, moment: Moment) -> Problem:
    return Problem(
        404,
        f"unknown-{kind}",
        f"no such {kind} as of size {moment.size}",
        value=name,
        headers={"Testamur-Size": str(moment.size)},
    )


_NO_SUCH: Final = problems(
    p404="Not in the register as of that size, which the problem names.",
    p422="A parameter is wrong, or asks about what is yet to come.",
    p503="The projections have not reached that size yet.",
)


def _register(request: Request) -> Register:
    return cast("Register", request.app.state.register)


Answering = Annotated[Register, Depends(_register)]


def _page(
    request: Request,
    page: Page[Item],
    shown: Callable[[Item], Any],
    moment: Moment,
    turn: Turned,
    **choice: str | bool,
) -> Listed[Any]:
    """Return a page of a list; the address of the next one holds to the same size and choice."""
    following = None
    if page.next is not None:
        chosen = {name: str(value).lower() for name, value in choice.items()}
        query = urlencode({"cursor": page.next, "limit": turn.limit, "size": moment.size, **chosen})
        following = f"{quote(request.url.path, safe='/:')}?{query}"
    return Listed(
        size=moment.size,
        as_of=moment.as_of,
        items=tuple(map(shown, page.items)),
        next=following,
    )


def _known(connection: Connection, did: str, moment: Moment) -> organizations.OrganizationAt:
    found = organizations.organization_at(connection, did, moment.size)
    if found is None:
        raise _missing("organization", did, moment)
    return found


def _shown(kind: Any) -> dict[int | str, dict[str, Any]]:
    return {200: answer(kind, "As of the size named.", sized=True), **_NO_SUCH}


routes: Final = APIRouter()


@routes.get(
    "/credentials/{credential}",
    tags=["credentials"],
    summary="A credential and its status.",
    responses=_shown(answers.CredentialAnswer),
)
async def one_credential(register: Answering, credential: Uuid, when: When) -> Response:
    def find(connection: Connection, moment: Moment) -> answers.CredentialAnswer:
        found = credentials.status(connection, credential, moment.size)
        if found is None:
            raise _missing("credential", credential, moment)
        issued = register.issuance(found.issued)
        organization = organizations.organization_at(connection, found.issuer, moment.size)
        definition = achievements.definition_at(
            connection, found.achievement, issued.achievement_version, moment.size
        )
        history = credentials.history(
            connection, credential, moment.size, after=found.version - 1, limit=1
        )
        return answers.credential_answer(
            found,
            issued,
            history.items[0],
            issuer="" if organization is None else organization.organization.name,
            achievement="" if definition is None else definition.name,
            as_of=moment.as_of,
        )

    return _sent(await register.ask(when, find), when)


@routes.get(
    "/credentials/{credential}/history",
    tags=["credentials"],
    summary="Everything that happened to a credential.",
    responses=_shown(Listed[answers.HistoryLine]),
)
async def credential_history(
    register: Answering, request: Request, credential: Uuid, when: When, turn: PageOf
) -> Response:
    def find(connection: Connection, moment: Moment) -> Listed[answers.HistoryLine]:
        page = credentials.history(connection, credential, moment.size, **turn.options)
        if not page.items and turn.cursor is None:
            raise _missing("credential", credential, moment)
        return _page(request, page, answers.credential_event, moment, turn)

    return _sent(await register.ask(when, find), when)


@routes.get(
    "/credentials/{credential}/evidence",
    tags=["credentials"],
    summary="What a verifier needs to judge a credential offline.",
    responses=_shown(Evidence),
)
async def credential_evidence(register: Answering, credential: Uuid) -> Response:
    file, size = await register.evidence(credential)
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
    "/organizations",
    tags=["organizations"],
    summary="Every organization, in the order they came in.",
    responses=_shown(Listed[answers.OrganizationAnswer]),
)
async def every_organization(
    register: Answering, request: Request, when: When, turn: PageOf
) -> Response:
    def find(connection: Connection, moment: Moment) -> Listed[answers.OrganizationAnswer]:
        page = organizations.organizations(connection, moment.size, **turn.options)

        def shown(found: organizations.OrganizationAt) -> answers.OrganizationAnswer:
            return answers.organization_answer(found, moment.as_of)

        return _page(request, page, shown, moment, turn)

    return _sent(await register.ask(when, find), when)


@routes.get(
    "/organizations/{did}",
    tags=["organizations"],
    summary="An organization and its keys.",
    responses=_shown(answers.OrganizationAnswer),
)
async def one_organization(register: Answering, did: Did, when: When) -> Response:
    def find(connection: Connection, moment: Moment) -> answers.OrganizationAnswer:
        return answers.organization_answer(_known(connection, did, moment), moment.as_of)

    return _sent(await register.ask(when, find), when)


@routes.get(
    "/organizations/{did}/keys",
    tags=["organizations"],
    summary="The keys of an organization, and from and to which position each may sign.",
    responses=_shown(Listed[answers.KeyAnswer]),
)
async def keys(register: Answering, did: Did, when: When) -> Response:
    def find(connection: Connection, moment: Moment) -> Listed[answers.KeyAnswer]:
        found = _known(connection, did, moment)
        items = tuple(map(answers.key_answer, found.organization.keys))
        return Listed(size=moment.size, as_of=moment.as_of, items=items)

    return _sent(await register.ask(when, find), when)


@routes.get(
    "/organizations/{did}/history",
    tags=["organizations"],
    summary="Everything that happened to an organization and its keys.",
    responses=_shown(Listed[answers.HistoryLine]),
)
async def organization_history(
    register: Answering, request: Request, did: Did, when: When, turn: PageOf
) -> Response:
    def find(connection: Connection, moment: Moment) -> Listed[answers.HistoryLine]:
        _known(connection, did, moment)
        page = organizations.history(connection, did, moment.size, **turn.options)
        return _page(request, page, answers.organization_event, moment, turn)

    return _sent(await register.ask(when, find), when)


@routes.get(
    "/organizations/{did}/accreditations",
    tags=["organizations"],
    summary="The accreditations an organization was granted, or with by=accreditor granted.",
    responses=_shown(Listed[answers.AccreditationAnswer]),
)
async def accreditations_of(
    register: Answering,
    request: Request,
    did: Did,
    when: When,
    turn: PageOf,
    by: Annotated[Literal["provider", "accreditor"], Query()] = "provider",
) -> Response:
    def find(connection: Connection, moment: Moment) -> Listed[answers.AccreditationAnswer]:
        _known(connection, did, moment)
        listed = (
            accreditations.accreditations_of
            if by == "provider"
            else accreditations.accreditations_by
        )
        page = listed(connection, did, moment.size, **turn.options)

        def shown(found: accreditations.AccreditationAt) -> answers.AccreditationAnswer:
            return answers.accreditation_answer(found, moment.as_of)

        return _page(request, page, shown, moment, turn, by=by)

    return _sent(await register.ask(when, find), when)


@routes.get(
    "/organizations/{did}/recognitions",
    tags=["organizations"],
    summary="The recognitions an accreditor was granted.",
    responses=_shown(Listed[answers.RecognitionAnswer]),
)
async def recognitions_of(
    register: Answering, request: Request, did: Did, when: When, turn: PageOf
) -> Response:
    def find(connection: Connection, moment: Moment) -> Listed[answers.RecognitionAnswer]:
        _known(connection, did, moment)
        page = accreditations.recognitions_of(connection, did, moment.size, **turn.options)

        def shown(found: accreditations.RecognitionAt) -> answers.RecognitionAnswer:
            return answers.recognition_answer(found, moment.as_of)

        return _page(request, page, shown, moment, turn)

    return _sent(await register.ask(when, find), when)


@routes.get(
    "/organizations/{did}/achievements",
    tags=["organizations"],
    summary="What an organization ever defined.",
    responses=_shown(Listed[answers.AchievementAnswer]),
)
async def achievements_of(
    register: Answering, request: Request, did: Did, when: When, turn: PageOf
) -> Response:
    def find(connection: Connection, moment: Moment) -> Listed[answers.AchievementAnswer]:
        _known(connection, did, moment)
        page = achievements.achievements_of(connection, did, moment.size, **turn.options)

        def shown(found: achievements.AchievementAt) -> answers.AchievementAnswer:
            return answers.achievement_answer(found, moment.as_of)

        return _page(request, page, shown, moment, turn)

    return _sent(await register.ask(when, find), when)


@routes.get(
    "/organizations/{did}/credentials",
    tags=["organizations"],
    summary="What an organization issued, or with flagged=true what of it broke policy.",
    responses=_shown(Listed[answers.CredentialLine]),
)
async def credentials_of(
    register: Answering,
    request: Request,
    did: Did,
    when: When,
    turn: PageOf,
    *,
    flagged: Flagged = False,
) -> Response:
    def find(connection: Connection, moment: Moment) -> Listed[answers.CredentialLine]:
        _known(connection, did, moment)
        page = credentials.credentials_of(
            connection, did, moment.size, flagged=flagged, **turn.options
        )
        return _page(request, page, answers.credential_line, moment, turn, flagged=flagged)

    return _sent(await register.ask(when, find), when)


@routes.get(
    "/organizations/{did}/submissions",
    tags=["organizations"],
    summary="What an organization submitted.",
    responses=_shown(Listed[answers.SubmissionLine]),
)
async def submissions_of(
    register: Answering, request: Request, did: Did, when: When, turn: PageOf
) -> Response:
    def find(connection: Connection, moment: Moment) -> Listed[answers.SubmissionLine]:
        _known(connection, did, moment)
        page = submissions.submissions_of(connection, did, moment.size, **turn.options)
        return _page(request, page, answers.submission_line, moment, turn)

    return _sent(await register.ask(when, find), when)


@routes.get(
    "/achievements/{achievement}",
    tags=["achievements"],
    summary="An achievement, in its newest version or the one asked for.",
    responses=_shown(answers.AchievementAnswer),
)
async def one_achievement(
    register: Answering,
    achievement: Uuid,
    when: When,
    version: Annotated[int | None, Query(ge=1, le=1_000_000)] = None,
) -> Response:
    def find(connection: Connection, moment: Moment) -> answers.AchievementAnswer:
        found = achievements.achievement_at(connection, achievement, moment.size)
        if found is None:
            raise _missing("achievement", achievement, moment)
        if version is None or version == found.revision:
            return answers.achievement_answer(found, moment.as_of)
        definition = achievements.definition_at(connection, achievement, version, moment.size)
        if definition is None:
            raise _missing("achievement-version", str(version), moment)
        # The flags in `found` are those of the newest definition.
        earlier = msgspec.structs.replace(found, revision=version, definition=definition, flags=())
        return answers.achievement_answer(earlier, moment.as_of)

    return _sent(await register.ask(when, find), when)


@routes.get(
    "/achievements/{achievement}/history",
    tags=["achievements"],
    summary="Everything that happened to an achievement.",
    responses=_shown(Listed[answers.HistoryLine]),
)
async def achievement_history(
    register: Answering, request: Request, achievement: Uuid, when: When, turn: PageOf
) -> Response:
    def find(connection: Connection, moment: Moment) -> Listed[answers.HistoryLine]:
        page = achievements.achievement_history(
            connection, achievement, moment.size, **turn.options
        )
        if not page.items and turn.cursor is None:
            raise _missing("achievement", achievement, moment)
        return _page(request, page, answers.stream_event, moment, turn)

    return _sent(await register.ask(when, find), when)


@routes.get(
    "/achievements/{achievement}/credentials",
    tags=["achievements"],
    summary="What was issued for an achievement, or with flagged=true what broke policy.",
    responses=_shown(Listed[answers.CredentialLine]),
)
async def credentials_for(
    register: Answering,
    request: Request,
    achievement: Uuid,
    when: When,
    turn: PageOf,
    *,
    flagged: Flagged = False,
) -> Response:
    def find(connection: Connection, moment: Moment) -> Listed[answers.CredentialLine]:
        if achievements.achievement_at(connection, achievement, moment.size) is None:
            raise _missing("achievement", achievement, moment)
        page = credentials.credentials_for(
            connection, achievement, moment.size, flagged=flagged, **turn.options
        )
        return _page(request, page, answers.credential_line, moment, turn, flagged=flagged)

    return _sent(await register.ask(when, find), when)


@routes.get(
    "/accreditations/{accreditation}",
    tags=["accreditations"],
    summary="An accreditation of a provider.",
    responses=_shown(answers.AccreditationAnswer),
)
async def one_accreditation(register: Answering, accreditation: Uuid, when: When) -> Response:
    def find(connection: Connection, moment: Moment) -> answers.AccreditationAnswer:
        found = accreditations.accreditation_at(connection, accreditation, moment.size)
        if found is None:
            raise _missing("accreditation", accreditation, moment)
        return answers.accreditation_answer(found, moment.as_of)

    return _sent(await register.ask(when, find), when)


@routes.get(
    "/accreditations/{accreditation}/history",
    tags=["accreditations"],
    summary="Everything that happened to an accreditation.",
    responses=_shown(Listed[answers.HistoryLine]),
)
async def accreditation_history(
    register: Answering, request: Request, accreditation: Uuid, when: When, turn: PageOf
) -> Response:
    def find(connection: Connection, moment: Moment) -> Listed[answers.HistoryLine]:
        page = accreditations.accreditation_history(
            connection, accreditation, moment.size, **turn.options
        )
        if not page.items and turn.cursor is None:
            raise _missing("accreditation", accreditation, moment)
        return _page(request, page, answers.stream_event, moment, turn)

    return _sent(await register.ask(when, find), when)


@routes.get(
    "/recognitions/{recognition}",
    tags=["accreditations"],
    summary="A recognition of an accreditor.",
    responses=_shown(answers.RecognitionAnswer),
)
async def one_recognition(register: Answering, recognition: Uuid, when: When) -> Response:
    def find(connection: Connection, moment: Moment) -> answers.RecognitionAnswer:
        found = accreditations.recognition_at(connection, recognition, moment.size)
        if found is None:
            raise _missing("recognition", recognition, moment)
        return answers.recognition_answer(found, moment.as_of)

    return _sent(await register.ask(when, find), when)


@routes.get(
    "/recognitions/{recognition}/history",
    tags=["accreditations"],
    summary="Everything that happened to a recognition.",
    responses=_shown(Listed[answers.HistoryLine]),
)
async def recognition_history(
    register: Answering, request: Request, recognition: Uuid, when: When, turn: PageOf
) -> Response:
    def find(connection: Connection, moment: Moment) -> Listed[answers.HistoryLine]:
        page = accreditations.recognition_history(
            connection, recognition, moment.size, **turn.options
        )
        if not page.items and turn.cursor is None:
            raise _missing("recognition", recognition, moment)
        return _page(request, page, answers.stream_event, moment, turn)

    return _sent(await register.ask(when, find), when)
