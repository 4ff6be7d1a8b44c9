"""What a cell of each column of a cohort may say, and what a person says of all of them.

What no cell must be is in `cells.py`; what learners and days are, in `learners.py` and `days.py`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, Final

import msgspec

from testamur.badges import cells, days
from testamur.badges.learners import read_learner
from testamur.catalogue import names
from testamur.catalogue.members import AnyDid, Name, Url
from testamur.errors import Refusal
from testamur.recording.names import imitation

_MAX_CELL: Final = 2_000
_MAX_EVIDENCE: Final = 10
# A URL may hold these, and another URL; at such a place they are what a list is written with.
_RUN_TOGETHER: Final = re.compile(r"[,;|](?:\s|https?://|\Z)")


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What a person says of a file that can be read in more than one way."""

    as_written: bool = False
    """Take learners that a rule refuses, save for private keys and invisible characters."""
    dates: days.Form | None = None
    """How days are written that are not written as 2026-11-21."""
    headings: Mapping[str, str] = msgspec.field(default_factory=dict)
    """The heading of a column, where it is not ours."""
    latest: date | None = None
    """No award is later, save for one whose day has not begun anywhere."""


def read_cell(column: str, text: str, reading: Reading) -> Any:
    """Return what a cell says that is not empty: text, a day, or the URLs of evidence.

    `column` is one of `headings.COLUMNS`, or "" for one without a name. Raises `Refusal`
    (`cohort-cell`).
    """
    if not column:
        raise Refusal(cells.RULE, "name the column, or empty the cell", value=text)
    if len(text) > _MAX_CELL:
        raise Refusal(
            cells.RULE, f"longer than {_MAX_CELL} characters", value=f"{len(text)} characters"
        )
    cells.check_seen(text, joined=column == "name")
    # A verifier hashes what a person types, so one spelling of each accented letter.
    text = unicodedata.normalize("NFC", text)
    if column == "learner":
        return read_learner(text, as_written=reading.as_written)
    fault = cells.fault_in(text)
    if fault is not None:
        raise Refusal(cells.RULE, fault, value=text)
    if column == "validUntil":
        return _last_day(text, reading)
    if column == "awarded":
        return _day_awarded(text, reading)
    return _CELLS[column](text)


def _last_day(text: str, reading: Reading) -> date:
    try:
        return days.read_day(text, reading.dates)
    except Refusal as refusal:
        if any(map(str.isdecimal, text)):
            raise
        detail = f"{refusal.detail}; leave the cell empty if there is no end"
        raise Refusal(refusal.rule, detail, value=text) from None


def _day_awarded(text: str, reading: Reading) -> date:
    found = days.read_day(text, reading.dates)
    if reading.latest is not None and found > reading.latest:
        detail = "in the future: mend it, or --future-dates takes it"
        raise Refusal(cells.RULE, detail, value=text)
    return found


def _name(text: str) -> str:
    fault = cells.misprint_in(text)
    if fault is None and "@" in text:
        fault = "an e-mail address goes into column learner"
    if fault is None and not any(map(str.isalpha, text)):
        fault = "holds no letter; leave the cell empty, or write the name"
    if fault is None and days.looks_like_a_day(text):
        fault = "a date; leave the cell empty, or write the name"
    fault = fault or imitation(text)
    try:
        return str(msgspec.convert(text if fault is None else "", Name))
    except msgspec.ValidationError:
        fault = fault or names.fault_of(text) or "not a name of at most 200 characters"
        raise Refusal(cells.RULE, fault, value=text) from None


def _evidence(text: str) -> tuple[str, ...]:
    if _RUN_TOGETHER.search(text):
        raise Refusal(cells.RULE, "has , or ; where URLs have spaces between them", value=text)
    urls = tuple(_url(url) for url in text.split())
    if len(urls) > _MAX_EVIDENCE:
        raise Refusal(cells.RULE, f"more than {_MAX_EVIDENCE} URLs", value=len(urls))
    return urls


def _like(kind: Any, what: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        try:
            return str(msgspec.convert(text, kind))
        except msgspec.ValidationError:
            raise Refusal("cohort-cell", f"not {what}", value=text) from None

    return read


_url: Final = _like(Url, "a URL such as https://portfolio.example/7")
_CELLS: Final[dict[str, Callable[[str], Any]]] = {
    "learnerId": _like(AnyDid, "a DID such as did:web:ada.example"),
    "name": _name,
    "evidence": _evidence,
    "achievement": str,
}
