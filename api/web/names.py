"""What organizations call themselves, for pages that name them."""

from __future__ import annotations

from collections.abc import Iterable

from api.questions.answerer import View
from api.questions.moment import is_did
from projections import organizations


def names_of(view: View, dids: Iterable[str | None]) -> dict[str, str]:
    """Return the names of organizations by DID. A root authority's sponsor has none."""
    return organizations.names(view.connection, {did for did in dids if is_did(did)}, view.size)
