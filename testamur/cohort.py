"""A cohort in CSV, and the Open Badges 3.0 credentials that its rows ask for.

The file is what a spreadsheet saves: UTF-8 with or without a byte order mark, commas or
semicolons, empty rows and columns at the edges. A cell is taken only if it cannot be misread:
no formula, no invisible character, one spelling for dates. Everything wrong is refused with
its row, column and value, and all of it is listed. What comes out is personal data, and goes
into credentials only; whether the achievement may be awarded is for the register to say.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
import secrets
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import Annotated, Any, Final, TypeVar

import msgspec
from msgspec import Meta

from testamur.canonical import MAX_DOCUMENT, parse_strict
from testamur.errors import Refusal
from testamur.events import Country, Definition, Did, Name, Url, Version
from testamur.ids import Uuid7
from testamur.openbadges import OB_3, VC_2, achievement_object

MAX_ROWS: Final = 100_000
MAX_FILE: Final = 64 * 1024 * 1024
MAX_REFUSED: Final = 1_000
"""A longer list says that it is the wrong file, not that it needs mending."""
_MAX_COLUMNS: Final = 64
_MAX_CELL: Final = 2_000
_MAX_EVIDENCE: Final = 10

# Control characters, and those that reorder what a reader sees (Unicode UAX #9).
_INVISIBLE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff]")
_SHEET_ERROR: Final = re.compile(r"#(N/A|REF!|NAME\?|VALUE!|DIV/0!|NUM!|NULL!|SPILL!|CALC!)")
_ADDRESS: Final = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")

T = TypeVar("T")


class _Given(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What a provider says once for many credentials, in a JSON file."""


class Provider(_Given, frozen=True, kw_only=True):
    """Who awards: the issuer of every credential of a cohort."""

    country: Country
    did: Did
    name: Name
    url: Url | None = None


class Registered(_Given, frozen=True, kw_only=True):
    """An achievement as the register knows it, and the accreditation it is awarded under."""

    achievement: Uuid7
    accreditation: Uuid7 | None = None
    version: Version = 1


class Offering(Registered, frozen=True, kw_only=True):
    """An achievement to award, and what a credential has to say of it.

    `definition` is the one of the `achievement.defined/1` event; `criteria` is Markdown.
    """

    criteria: Annotated[str, Meta(min_length=1, max_length=20_000)]
    definition: Definition
    description: Annotated[str, Meta(min_length=1, max_length=5_000)]


class Award(msgspec.Struct, frozen=True, kw_only=True):
    """One good row. `row` counts as a spreadsheet does, the header being row 1."""

    row: int
    awarded: date
    offering: Offering
    evidence: tuple[str, ...] = ()
    learner: str | None = None
    learner_did: str | None = None
    name: str | None = None
    valid_until: date | None = None


def read_given(data: bytes, kind: type[T]) -> T:
    """Return the `Provider`, `Offering` or mapping (`dict[str, Registered]`) in a JSON file.

    Raises `Refusal`: those of `parse_strict`, or `settings` naming the member at fault.
    """
    found = parse_strict(data, max_bytes=MAX_DOCUMENT)
    try:
        return msgspec.convert(found, kind)
    except msgspec.ValidationError as error:
        raise Refusal("settings", str(error)) from None


def read_cohort(
    data: bytes, offerings: Sequence[Offering]
) -> tuple[list[Award], list[tuple[int, Refusal]]]:
    """Return the awards of a CSV file, and by row number what is wrong in its other rows.

    Columns, in any order: `learner` (e-mail address or number) or `learnerId` (a DID),
    `awarded` (2026-11-21), and if need be `name`, `validUntil`, `evidence` (URLs, spaces
    between), `achievement` (id or name of one of `offerings`). Raises `Refusal`
    (`cohort-size`, `cohort-encoding`, `cohort-header`) when the file as a whole is unreadable.
    """
    if len(data) > MAX_FILE:
        raise Refusal(
            "cohort-size", f"a file is at most {MAX_FILE} bytes", value=f"{len(data)} bytes"
        )
    rows = _rows(_text(data))
    columns = _columns(next(rows, (1, [])))
    awards: list[Award] = []
    refused: list[tuple[int, Refusal]] = []
    seen: dict[tuple[str, str], int] = {}
    for number, row in rows:
        if number > MAX_ROWS + 1:
            raise Refusal(
                "cohort-size", f"a cohort has at most {MAX_ROWS} rows, empty ones included"
            )
        wrong = row if isinstance(row, Refusal) else None
        if not isinstance(row, Refusal):
            award, refusals = _award(number, dict(zip(columns, row, strict=False)), offerings)
        refused += [(number, refusal) for refusal in wrong]
        if len(refused) >= MAX_REFUSED:
            refused.append((number, _too_many()))
            break
    return awards, refused
