"""Questions to the register, each answered as of a tree size.

Without `size` or `at` an answer is as of all that the projections hold. With `size` it never
changes, and the server waits a little for the projections to get there: so a reader who holds a
receipt is never told that what it shows does not exist. An answer states what the register says;
`/credentials/{id}/evidence` proves it.

Each file holds the questions about one kind, beside the shapes of their answers (`SHAPES`).
`question.py` holds what they share, `answerer.py` asks the projections, in threads of its own.
"""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter

from api.questions import (
    accreditations,
    achievements,
    credentials,
    numbers,
    organizations,
    proofs,
    providers,
    recognised,
    submissions,
    successions,
    whole_log,
)

_KINDS: Final = (
    credentials,
    organizations,
    successions,
    achievements,
    accreditations,
    numbers,
    providers,
    recognised,
    submissions,
    proofs,
    whole_log,
)

routes: Final = APIRouter()
for _kind in _KINDS:
    routes.include_router(_kind.routes)

SHAPES: Final = tuple(shape for kind in _KINDS for shape in kind.SHAPES)
"""What the OpenAPI document describes."""
