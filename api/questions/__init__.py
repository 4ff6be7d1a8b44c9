"""Questions to the register, each answered as of a tree size.

Without `size` or `at` an answer is as of all that was read so far; with `size` it is what it was
then and will always be, and the server waits a little for its projections to get there, so that
whoever holds a receipt is never told that what it shows does not exist. The answer states what
the register says; `/credentials/{id}/evidence` lets it be proven.

A file holds the questions of one kind of thing. `asking.py` is what a question is made of, and
`register.py` who answers it.
"""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter

from api.questions import accreditations, achievements, credentials, organizations

routes: Final = APIRouter()
for _kind in (credentials, organizations, achievements, accreditations):
    routes.include_router(_kind.routes)
