"""Where a text leads that somebody typed into the one box: to a thing, an entry or a search."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final
from urllib.parse import urlencode

from api.questions import links as at
from api.questions.answerer import View
from api.questions.moment import DID, UUID
from projections import accreditations, achievements, credentials
from projections.defined import defined
from projections.dids import dids
from projections.marks import word_marks
from projections.page import Page

_POSITION: Final = re.compile(r"[0-9]{1,15}", re.ASCII)
_BY_ID: Final = (
    ("a credential", credentials.credential_at, at.credential),
    ("an achievement", achievements.achievement_at, at.achievement),
    ("an accreditation", accreditations.accreditation_at, at.accreditation),
    ("a recognition", accreditations.recognition_at, at.recognition),
)


def kinds_of(view: View, id_: str) -> Iterator[tuple[str, str]]:
    """Yield what the register has under an id, in words, and where it is; nothing for no id."""
    for kind, look_up, address in _BY_ID if re.match(UUID, id_) else ():
        if look_up(view.connection, id_, view.size) is not None:
            yield kind, address(id_)


def found(view: View, text: str) -> str:
    """Return the address that a text leads to.

    A DID leads to its organization, an id to what has it, a number to the entry at that position.
    All else is a name: of organizations, unless only achievements have one with these words.
    """
    typed = text.strip()
    bare = typed.removeprefix("urn:uuid:").lower()
    if re.match(DID, typed):
        return at.organization(typed)
    if re.match(UUID, bare):
        # Where there is none, the page of a credential says so.
        return next((address for _, address in kinds_of(view, bare)), at.credential(bare))
    number = typed.replace(",", "").replace(".", "")
    if _POSITION.fullmatch(number):
        return at.proven_entry(int(number))
    marks = word_marks(typed)
    achieved = marks and not _any(dids, view, marks) and _any(defined, view, marks)
    return f"/{'achievements' if achieved else 'organizations'}?{urlencode({'name': typed})}"


def _any(listed: Callable[..., Page[tuple[int, str]]], view: View, marks: Sequence[str]) -> bool:
    return bool(listed(view.connection, view.size, marks=marks, limit=1).items)
