"""Questions about the tree of recognition: whom an authority made accreditors and authorities."""

from __future__ import annotations

from typing import Final, cast

import msgspec
from fastapi import APIRouter, Response

from api.questions import links as at
from api.questions.answerer import View
from api.questions.links import Links
from api.questions.moment import When
from api.questions.question import Asking, Did, Shape, answered, described
from projections import organizations
from projections.recognised import EACH, MOST, OPENED, Branch, recognised
from testamur.catalogue import events as e
from testamur.catalogue.lifecycle import RecognitionStatus
from testamur.rules import Flags

routes: Final = APIRouter(tags=["accreditations"])


class BranchLine(Shape, frozen=True, gc=False, kw_only=True):
    """A recognition by the organization `depth` steps below the one that is asked about.

    `name` is what its authority vouches for. `cut` says that the organization is an authority whose
    recognitions are not all listed here: ask about that one.
    """

    depth: int
    by: str
    organization: str
    name: str
    as_: str = msgspec.field(name="as")
    status: RecognitionStatus | None
    recognition: str
    flags: Flags
    cut: bool
    links: Links


class RecognisedAnswer(Shape, frozen=True, gc=False, kw_only=True):
    """Recognitions, each before those below it; `cut` says that the organization granted more."""

    size: int
    recorded_at: str | None
    organization: str
    items: tuple[BranchLine, ...]
    cut: bool
    links: Links


SHAPES: Final = (RecognisedAnswer,)


def recognised_by(view: View, did: str) -> RecognisedAnswer:
    """Return the tree below an organization."""
    tree = recognised(view.connection, did, view.size)
    path = at.organization(did)
    return RecognisedAnswer(
        size=view.size,
        recorded_at=view.recorded_at,
        organization=did,
        items=tuple(map(_line, tree.branches)),
        cut=tree.cut,
        links={
            "self": f"{path}/recognised",
            "organization": path,
            "all": f"{path}/recognitions?by=authority",
        },
    )


def _line(branch: Branch) -> BranchLine:
    found = branch.found
    terms = cast("e.RecognitionGranted", found.grant.event)
    status = found.standing.status
    return BranchLine(
        depth=branch.depth,
        by=found.grant.owner,
        organization=terms.organization,
        name=found.vouched.name,
        as_=terms.as_,
        status=None if status is None else RecognitionStatus(status),
        recognition=found.id,
        flags=found.flags,
        cut=branch.cut,
        links={
            "organization": at.organization(terms.organization),
            "recognition": at.recognition(found.id),
        },
    )


@routes.get(
    "/organizations/{did}/recognised",
    summary="Whom an authority recognised, and whom those recognised: the tree below it.",
    description=f"At most {MOST} recognitions, {EACH} of each of the first {OPENED + 1} "
    "authorities. What is left out is marked, and asked for at that organization.",
    responses=described(RecognisedAnswer),
)
async def recognised_of(asker: Asking, when: When, did: Did) -> Response:
    def find(view: View) -> RecognisedAnswer:
        view.known("organization", did, organizations.organization_at)
        return recognised_by(view, did)

    return await answered(asker, when, RecognisedAnswer, find)
