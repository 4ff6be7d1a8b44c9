"""A day in a cell: 2026-11-21, or the one other form that the person names, such as DD-MM-YYYY.

No form is guessed: 03-05-2026 is a day in March to some and in May to others. What is guessed is
only the form to propose. A year has four digits.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date
from functools import lru_cache
from itertools import pairwise
from typing import Final

import msgspec

from testamur.errors import Refusal

_RULE: Final = "cohort-cell"
_ISO: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TOKEN: Final = re.compile(r"YYYY|MM?|DD?|[-/., ]+")
_ORDERS: Final = ("YMD", "DMY", "MDY")
_DIGITS: Final = {"YYYY": "{4}", "MM": "{2}", "DD": "{2}", "M": "{1,2}", "D": "{1,2}"}
_NUMBERS: Final = re.compile(
    r"([0-9]{1,4})([-/.] ?|, ?| )([0-9]{1,4})([-/.] ?|, ?| )([0-9]{1,4})(\.?)"
)
_IN_WORDS: Final = re.compile(
    r"[0-9]{1,2}[-/. ]{1,2}[^\W\d_]{3,}\.?(?:[-/. ]{1,2}(?:[0-9]{4}|[0-9]{2}))?"
    # As a spreadsheet writes a month alone; ABC-26 may be the number of a learner.
    r"|[^\W\d_][a-z\u00df-\u00ff]{2,8}\.?[-/. ][0-9]{2}"
)
_WITH_TIME: Final = re.compile(r"(?P<day>[0-9][^T:]{4,20})[T ] ?[0-9]{1,2}:[0-9]{2}.*")
_UNREADABLE: Final = (
    (re.compile(r"[0-9]{4,6}([.,][0-9]+)?"), "it is a spreadsheet's count of days"),
    (re.compile(r".*[0-9][T ] ?[0-9]{1,2}:[0-9]{2}.*"), "it has a time of day"),
    (re.compile(r"([0-9]{1,2}[-/. ]{1,2}){2}[0-9]{2}\.?"), "its year has two digits"),
    (_IN_WORDS, "its month is a word"),
)
_EARLIEST: Final = date(1905, 1, 1)
# Programs write 9999-12-31 for no end, and the Buddhist calendar is 543 years ahead.
_LATEST: Final = date(2199, 12, 31)
_MOST: Final = 0.9
# A list in one form has a few that may be meant; each is tried on every cell.
_LOOKED_AT: Final = 100
_TRIED: Final = 8


class Form(msgspec.Struct, frozen=True):
    """How a day is written: `text` is DD-MM-YYYY or the like, which `pattern` matches."""

    text: str
    pattern: str


class Proposal(msgspec.Struct, frozen=True):
    """The forms that read the most of `total` cells: one, or several that cannot be told apart."""

    forms: tuple[str, ...]
    read: int
    total: int


@lru_cache(maxsize=256)
def form(text: str) -> Form:
    """Return the form that `text` names, such as DD-MM-YYYY or M/D/YYYY; raises `ValueError`.

    D and M stand for one or two digits, DD and MM for two. YYYY-MM-DD is read beside any form.
    """
    tokens = _TOKEN.findall(text.upper())
    parts = [token for token in tokens if token in _DIGITS]
    apart = all(a not in _DIGITS or b not in _DIGITS for a, b in pairwise(tokens))
    fixed = {"YYYY", "MM", "DD"} == set(parts)
    order = "".join(part[0] for part in parts)
    if "".join(tokens) != text.upper() or order not in _ORDERS or not (apart or fixed):
        raise ValueError(text)
    pattern = "".join(
        f"(?P<{token[0]}>[0-9]{_DIGITS[token]})" if token in _DIGITS else re.escape(token)
        for token in tokens
    )
    return Form(text.upper(), pattern)


def read_day(text: str, written: Form | None = None) -> date:
    """Return the day in a cell; raises `Refusal` (`cohort-cell`) with what to do."""
    found = _day(text, written)
    if found is None:
        raise Refusal(_RULE, f"not a date such as 2026-11-21{_remedy(text)}", value=text)
    if found < _EARLIEST:
        detail = (
            f"before {_EARLIEST}: spreadsheets show such a day for an empty cell, and some "
            "calendars count other years; mend it"
        )
        raise Refusal(_RULE, detail, value=text)
    if found > _LATEST:
        detail = (
            f"after {_LATEST}: leave the cell empty if there is no end; a year is one of the "
            "Gregorian calendar, as in 2026-11-21"
        )
        raise Refusal(_RULE, detail, value=text)
    return found


def looks_like_a_day(text: str) -> bool:
    """Return whether a spreadsheet may have made `text` out of a date."""
    if timed := _WITH_TIME.fullmatch(text):
        text = timed["day"]
    if _IN_WORDS.fullmatch(text):
        return True
    if not (found := _NUMBERS.fullmatch(text)):
        return False
    numbers = (found[1], found[3], found[5])
    longest = max(map(len, numbers))
    if longest == 3:
        return False
    for order in _ORDERS:
        year, month, day = (numbers[order.index(part)] for part in "YMD")
        if len(year) == longest and _exists(int(year) + 2000 * (longest < 4), int(month), int(day)):
            return True
    return False


def propose(cells: Sequence[str]) -> Proposal | None:
    """Return the forms that read nine in ten of the cells, and read the most; None if none do."""
    named = Counter(each for cell in cells[:_LOOKED_AT] for each in _forms_of(cell))
    tried = [each for each, _ in named.most_common(_TRIED)]
    read = {each: sum(_day(cell, form(each)) is not None for cell in cells) for each in tried}
    most = max(read.values(), default=0)
    if most < _MOST * len(cells) or len(cells) < 2:
        return None
    best = [each for each in tried if read[each] == most]
    # DD is a D that always has two digits: the narrower form, where both read the same cells.
    narrow = [each for each in best if "DD" in each] or best
    return Proposal(tuple(sorted(narrow)), most, len(cells))


def quoted(written: str) -> str:
    """Return a form as it is typed at the command line."""
    return f"'{written}'" if " " in written else written


@lru_cache(maxsize=4096)
def _day(text: str, written: Form | None) -> date | None:
    try:
        if _ISO.fullmatch(text):
            return date.fromisoformat(text)
        if written and (found := re.fullmatch(written.pattern, text)):
            return date(int(found["Y"]), int(found["M"]), int(found["D"]))
    except ValueError:
        pass
    return None


def _remedy(text: str) -> str:
    as_date = "format the column as a date, YYYY-MM-DD"
    if _ISO.fullmatch(text):
        return ": there is no such day"
    forms = [each for each in _forms_of(text) if "DD" in each] or list(_forms_of(text))
    if forms:
        options = " or ".join(f"--dates {quoted(each)}" for each in forms)
        return f"; {options} reads it"
    for pattern, why in _UNREADABLE:
        if pattern.fullmatch(text):
            return f": {why}; {as_date}"
    return f"; {as_date}" if any(map(str.isdigit, text)) else ""


def _forms_of(text: str) -> Iterator[str]:
    """Return the forms that read `text`, of those that people use; none if it needs no form."""
    if _ISO.fullmatch(text) or not (found := _NUMBERS.fullmatch(text)):
        return
    for order, (day, month) in ((o, p) for p in (("DD", "MM"), ("D", "M")) for o in _ORDERS):
        part = {"Y": "YYYY", "M": month, "D": day}
        each = f"{part[order[0]]}{found[2]}{part[order[1]]}{found[4]}{part[order[2]]}{found[6]}"
        if _day(text, form(each)):
            yield each


def _exists(year: int, month: int, day: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True
