"""Proofs from the log: that an entry is in a tree, and that one tree extends another.

Every hash was computed from the files of the log and leads to the root that the log signed last.
A reader who does not believe this server computes the same from the tiles, or checks these proofs
against a checkpoint that they kept.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Final

from fastapi import APIRouter, Path, Query, Response

from api.http import examples
from api.http.problems import Problem
from api.questions import links as at
from api.questions.answerer import View
from api.questions.links import Links
from api.questions.moment import MAX_SIZE, When
from api.questions.question import Asking, Shape, answered, described
from projections import submissions
from projections.submissions import SubmissionAt
from testamur.catalogue.submission import format_time
from testamur.tlog.merkle import beside_subtree, leaf_hash, shared_subtrees

routes: Final = APIRouter(tags=["log"])


class Subtree(Shape, frozen=True, gc=False, kw_only=True):
    """The root over the entries from `start` to `end`, which is not among them, in base64."""

    start: int
    end: int
    hash: bytes


class InSubmission(Shape, frozen=True, gc=False, kw_only=True):
    """The submission that an entry belongs to: its header is number 0, its events count from 1."""

    position: int
    number: int
    events: int
    issuer: str
    jti: str
    recorded_at: str


class ProvenEntry(Shape, frozen=True, gc=False, kw_only=True):
    """An entry, byte for byte, in the tree of `size` entries with this `root`.

    `path` are the hashes from the entry up (RFC 6962 section 2.1.1); `leaf` is the entry's own.
    """

    size: int
    recorded_at: str | None
    position: int
    entry: str
    leaf: bytes
    path: tuple[Subtree, ...]
    root: bytes
    submission: InSubmission
    links: Links


class ProvenGrowth(Shape, frozen=True, gc=False, kw_only=True):
    """The tree of `size` entries with this `root` begins with those of the `earlier` tree.

    `path` is the proof of it (RFC 6962 section 2.1.2), which is empty if `earlier` is 0 or `size`.
    """

    size: int
    recorded_at: str | None
    earlier: int
    earlier_root: bytes
    root: bytes
    path: tuple[Subtree, ...]


SHAPES: Final = (ProvenEntry, ProvenGrowth)


@routes.get(
    "/entries/{position}",
    summary="An entry, and the proof that it is in the log.",
    description="The hashes that lead from the entry to the root of the tree of `size`: by "
    "default of the newest checkpoint.",
    responses=described(ProvenEntry),
)
async def entry(
    asker: Asking,
    when: When,
    position: Annotated[
        int,
        Path(
            ge=0,
            le=MAX_SIZE,
            description="The position of the entry; the first is 0.",
            examples=[examples.POSITION],
        ),
    ],
) -> Response:
    def find(view: View) -> ProvenEntry:
        holding = submissions.holding(view.connection, position, view.size)
        if holding is None:
            raise view.missing("entry", str(position))
        found = asker.answerer.inclusion(position, view.size)
        return ProvenEntry(
            size=view.size,
            recorded_at=view.recorded_at,
            position=position,
            entry=found.entry.decode(),
            leaf=leaf_hash(found.entry),
            path=subtrees(beside_subtree((0, position), view.size), found.path),
            root=found.root,
            submission=_in_submission(holding, position),
            links={
                "self": at.proven_entry(position),
                "text": at.entry(position),
                "submission": at.submission(holding.signed.organization, holding.jti),
                **at.signer(holding.signed.organization, holding.signed.position, "issuer"),
            },
        )

    return await answered(asker, when, ProvenEntry, find)


@routes.get(
    "/consistency",
    summary="The proof that the log only grew since an earlier size.",
    description="Compare the root of the earlier tree with the one in a checkpoint that you kept: "
    "if they differ, the log was rewritten.",
    responses=described(ProvenGrowth),
)
async def consistency(
    asker: Asking,
    when: When,
    earlier: Annotated[
        int,
        Query(
            ge=0,
            le=MAX_SIZE,
            description="The size of the earlier tree.",
            examples=[examples.POSITION],
        ),
    ],
) -> Response:
    def find(view: View) -> ProvenGrowth:
        if earlier > view.size:
            detail = f"the tree of {view.size} entries extends none of {earlier}"
            raise Problem(422, "size-ahead", detail, value=earlier)
        found = asker.answerer.growth(earlier, view.size)
        return ProvenGrowth(
            size=view.size,
            recorded_at=view.recorded_at,
            earlier=earlier,
            earlier_root=found.earlier_root,
            root=found.root,
            path=subtrees(shared_subtrees(earlier, view.size), found.path),
        )

    return await answered(asker, when, ProvenGrowth, find)


def subtrees(ranges: Iterable[tuple[int, int]], hashes: Iterable[bytes]) -> tuple[Subtree, ...]:
    """Return the hashes of a proof, each with the entries [start, end) that it covers."""
    return tuple(
        Subtree(start=start, end=end, hash=digest)
        for (start, end), digest in zip(ranges, hashes, strict=True)
    )


def _in_submission(found: SubmissionAt, position: int) -> InSubmission:
    return InSubmission(
        position=found.signed.position,
        number=position - found.signed.position,
        events=found.events,
        issuer=found.signed.organization,
        jti=found.jti,
        recorded_at=format_time(found.signed.recorded_at),
    )
