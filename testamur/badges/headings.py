"""Which column of a cohort holds what: the headings in row 1, in our words or in the person's own.

A heading that means nothing is refused, not passed over: it may be one of ours with a slip in it,
and then its cells would be missing in every credential.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Final

from testamur.badges.spreadsheet import MAX_COLUMNS
from testamur.errors import Refusal

COLUMNS: Final = (
    "learner",
    "learnerId",
    "name",
    "awarded",
    "validUntil",
    "evidence",
    "achievement",
)
_RULE: Final = "cohort-header"


def plain(heading: str) -> str:
    """Return what headings are compared by: "Valid until" and "valid_until" are one."""
    return re.sub(r"[\s_-]", "", unicodedata.normalize("NFC", heading)).casefold()


def meanings(own: Mapping[str, str]) -> dict[str, str]:
    """Return the column of each plain heading; `own` has the person's heading of a column."""
    found = {plain(name): name for name in COLUMNS if name not in own}
    return {**found, **{plain(heading): name for name, heading in own.items()}}


def columns(headings: Sequence[str], own: Mapping[str, str]) -> list[str]:
    """Return the column that each heading names, "" where the heading is empty.

    Raises `Refusal` (`cohort-header`).
    """
    if len(headings) > MAX_COLUMNS:
        raise Refusal(_RULE, f"more than {MAX_COLUMNS} columns", value=len(headings))
    known = meanings(own)
    keys = [plain(heading) for heading in headings]
    for name, heading in own.items():
        if plain(heading) not in keys:
            detail = f"row 1 has no heading {heading!r}, which --map takes for {name}"
            raise Refusal(_RULE, detail, value=", ".join(headings))
    unknown = [each for each, key in zip(headings, keys, strict=True) if key and key not in known]
    if unknown:
        raise Refusal(
            _RULE,
            f"row 1 names the columns, and the columns are: {', '.join(COLUMNS)}; delete the "
            "others and what stands above them, or say which is which: --map learner=HEADING",
            value=", ".join(unknown),
        )
    named = [known[key] for key in keys if key]
    if len(set(named)) != len(named):
        raise Refusal(_RULE, "row 1 names a column twice", value=", ".join(headings))
    if "awarded" not in named or not {"learner", "learnerId"} & set(named):
        raise Refusal(
            _RULE,
            "row 1 names the columns; it needs `awarded`, and `learner` or `learnerId`",
            value=", ".join(headings),
        )
    return [known.get(key, "") for key in keys]


def template() -> bytes:
    """Return a cohort without rows, as spreadsheets open it: with a byte order mark."""
    return f"\ufeff{','.join(COLUMNS)}\r\n".encode()
