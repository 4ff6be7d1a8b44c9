"""From what a provider has (a cohort in CSV, Open Badges) to the events it signs.

Every award becomes an Open Badge 3.0 credential, every credential one `credential.issued/1`
event and one holder file. The events hold no personal data and no trace of the order in which
the learners were listed: an alphabetical class list must not be readable from the log. What
cannot be prepared is refused, each with its place and reason, and all of them, not the first.
Nothing is admitted here: the register may still refuse what this module prepares.
"""

from __future__ import annotations

import csv
import hashlib
import io
import os
import re
import secrets
import shutil
import stat
import tempfile
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Final, TypeAlias, TypeVar, get_args
from urllib.parse import unquote

import msgspec
from msgspec import Meta

from testamur.canonical import MAX_DOCUMENT, parse_strict
from testamur.commitment import HolderFile, commit, new_blind, render_holder_file
from testamur.data_integrity import SUITE, sign, verify_proofs
from testamur.errors import Refusal, Refuted, Unavailable
from testamur.events import (
    Country,
    CredentialIssued,
    Definition,
    Did,
    Name,
    Suite,
    Url,
    Version,
    encode_event,
)
from testamur.ids import Uuid7, new_id
from testamur.keys import PrivateKey
from testamur.openbadges import (
    OB_3,
    VC_2,
    Badge,
    achievement_object,
    parse_credential,
    read_badge,
)

MAX_EVENTS: Final = 100_000
MAX_FILE: Final = 64 * 1024 * 1024
# A list longer than this is a wrong file, not a file to mend; it also bounds memory.
MAX_REFUSED: Final = 1_000
_MAX_COLUMNS: Final = 64
_MAX_CELL: Final = 2_000
_MAX_EVIDENCE: Final = 10

_NOT_TEXT: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
_SHEET_ERROR: Final = re.compile(r"#(N/A|REF!|NAME\?|VALUE!|DIV/0!|NUM!|NULL!|SPILL!|CALC!)")
_ADDRESS: Final = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")

Source: TypeAlias = tuple[str, bytes | Refusal]
"""Where a document comes from, and its bytes or why it could not be read."""
T = TypeVar("T")


class _Given(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True
):
    """What the provider says beside the credentials; members are camelCase in its files."""


class Provider(_Given, frozen=True, kw_only=True):
    """Who awards: the issuer of every credential of a cohort."""

    country: Country
    did: Did
    name: Name
    url: Url | None = None


class Registered(_Given, frozen=True, kw_only=True):
    """An achievement as the register knows it."""

    achievement: Uuid7
    accreditation: Uuid7 | None = None
    version: Version = 1


class Offering(Registered, frozen=True, kw_only=True):
    """An achievement to award, with what a credential has to say of it.

    `definition` is the one of the `achievement.defined/1` event; `criteria` is Markdown.
    """

    criteria: Annotated[str, Meta(min_length=1, max_length=20_000)]
    definition: Definition
    description: Annotated[str, Meta(min_length=1, max_length=5_000)]


class Award(msgspec.Struct, frozen=True, kw_only=True):
    """One good row of a cohort. Personal data."""

    row: int
    awarded: date
    offering: Offering
    evidence: tuple[str, ...] = ()
    learner: str | None = None
    learner_did: str | None = None
    name: str | None = None
    valid_until: date | None = None


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it; `events`, `holders` and `sources` run in parallel.

    `events` may be published. The rest is for the provider alone.
    """

    events: list[CredentialIssued]
    holders: list[HolderFile]
    sources: list[str]
    refused: list[tuple[str, Refusal]]
    notes: list[tuple[str, str]]
    """Proofs of suites or keys that could not be examined; their credentials are prepared."""


def read_offering(data: bytes) -> Offering:
    """Return the offering that a JSON file describes; raises `Refusal` (`offering`, `json-*`)."""
    return _convert(data, Offering, "offering")


def read_provider(data: bytes) -> Provider:
    """Return the provider that a JSON file describes; raises `Refusal` (`provider`, `json-*`)."""
    return _convert(data, Provider, "provider")


def read_mapping(data: bytes) -> dict[str, Registered]:
    """Return, by Open Badges achievement id, the achievements that a JSON file maps them to.

    Raises `Refusal` (`mapping`, `json-*`).
    """
    return _convert(data, dict[str, Registered], "mapping")


# --- A cohort ---------------------------------------------------------------------------


def read_cohort(
    data: bytes, offerings: Sequence[Offering], *, source: str = "cohort.csv"
) -> tuple[list[Award], list[tuple[str, Refusal]]]:
    """Return the awards of a CSV file, and a refusal for everything wrong in its other rows.

    Columns, in any order: `learner` (e-mail address or number) or `learnerId` (a DID),
    `awarded` (2026-11-21), and if need be `name`, `validUntil`, `evidence` (URLs, by spaces),
    `achievement` (id or name of one of `offerings`). Rows count as a spreadsheet counts them,
    the header being row 1. Raises `Refusal` (`cohort-size`, `cohort-encoding`, `cohort-header`,
    `cohort-achievement`) when the file as a whole cannot be read.
    """
    if len(data) > MAX_FILE:
        raise Refusal(
            "cohort-size", f"a file is at most {MAX_FILE} bytes", value=f"{len(data)} bytes"
        )
    if not offerings:
        raise Refusal("cohort-achievement", "no achievement is given to award")
    rows = _rows(_cohort_text(data))
    number, header = next(rows, (1, []))
    if isinstance(header, Refusal):
        raise header
    columns = _columns(header)
    awards, refused = [], []
    seen: dict[tuple[str, str], int] = {}
    for number, row in rows:
        if number > MAX_EVENTS + 1:
            raise Refusal(
                "cohort-size", f"a cohort has at most {MAX_EVENTS} rows, empty ones included"
            )
        found = row if isinstance(row, Refusal) else _award(number, columns, row, offerings, seen)
        if isinstance(found, Award):
            awards.append(found)
            continue
        refused += [(f"{source} row {number}", refusal) for refusal in _listed(found)]
        if len(refused) >= MAX_REFUSED:
            refused.append((source, _too_many()))
            break
    return awards, refused


def prepare_cohort(
    awards: Iterable[Award],
    provider: Provider,
    *,
    now: datetime,
    refused: Sequence[tuple[str, Refusal]] = (),
    log: str | None = None,
    key: PrivateKey | None = None,
    source: str = "cohort.csv",
) -> Prepared:
    """Return a new credential, holder file and event for each award.

    With `key`, the credentials are signed (eddsa-jcs-2022) as of `now`; the provider's DID must
    then be the did:key of `key`, or `Refusal` (`signing-key`) is raised.
    """
    if key:
        _check_key(key, provider.did)
    profile = _profile(provider)
    achievements: dict[str, dict[str, Any]] = {}
    prepared = Prepared(events=[], holders=[], sources=[], refused=list(refused), notes=[])
    for award in _shuffled(awards):
        offering = award.offering
        if offering.achievement not in achievements:
            achievements[offering.achievement] = _achievement(offering)
        credential_id = new_id()
        credential = _credential(
            award, credential_id, profile, achievements[offering.achievement]
        )
        if key:
            credential = sign(credential, key, created=now)
        # Read back what was written: one way only leads from a credential to an event.
        badge = read_badge(credential)
        label = f"{source} row {award.row}"
        _add(prepared, label, credential, badge, offering, credential_id, log)
    return prepared


def _cohort_text(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Refusal(
            "cohort-encoding", "the file is UTF-16; save it as “CSV UTF-8”", value=data[:2].hex()
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Refusal(
            "cohort-encoding",
            f"line {data.count(b'\n', 0, error.start) + 1} is not UTF-8; save the file as "
            "“CSV UTF-8”",
            value=data[max(0, error.start - 10) : error.end + 10].decode("latin-1"),
        ) from None
    if "\0" in text:
        raise Refusal(
            "cohort-encoding",
            f"line {text.count('\n', 0, text.index('\0')) + 1} holds a NUL character: "
            "this is no text file",
        )
    return text


def _rows(text: str) -> Iterator[tuple[int, list[str] | Refusal]]:
    """Yield each row that is not empty, with its number, or why it is no row."""
    header = text[: text.find("\n")]
    delimiter = ";" if header.count(";") > header.count(",") else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    number = 0
    while True:
        number += 1
        try:
            row = next(reader, None)
        except csv.Error as error:
            # The quotes are out of step: where this row ends is anybody's guess.
            yield number, Refusal("cohort-row", f"not CSV at line {reader.line_num}: {error}")
            return
        if row is None:
            return
        if any(cell.strip() for cell in row):
            yield number, row


def _columns(header: list[str]) -> list[str]:
    """Return the column names in our spelling; "" is a column without a name."""
    if len(header) > _MAX_COLUMNS:
        raise Refusal("cohort-header", f"more than {_MAX_COLUMNS} columns", value=len(header))
    known = {name.casefold(): name for name in _READERS}
    columns = []
    for cell in header:
        # "Valid until", "valid_until" and "validUntil" are one name to a registrar.
        plain = re.sub(r"[\s_-]", "", cell).casefold()
        if plain and plain not in known:
            raise Refusal(
                "cohort-header", f"unknown column; the columns are {', '.join(_READERS)}", value=cell
            )
        columns.append(known.get(plain, ""))
    twice = [name for name in columns if name and columns.count(name) > 1]
    if twice:
        raise Refusal("cohort-header", "a column given twice", value=twice[0])
    if "awarded" not in columns or not {"learner", "learnerId"} & set(columns):
        raise Refusal(
            "cohort-header",
            "row 1 must name the columns, among them `awarded` and `learner` or `learnerId`",
            value=", ".join(header),
        )
    return columns


def _award(
    number: int,
    columns: list[str],
    row: list[str],
    offerings: Sequence[Offering],
    seen: dict[tuple[str, str], int],
) -> Award | list[Refusal]:
    """Return the award that a row spells, or everything that is wrong with it."""
    if len(row) != len(columns):
        return [
            Refusal("cohort-row", f"has {len(row)} cells under {len(columns)} columns; a cell that "
                    "holds the delimiter must be quoted")
        ]
    values: dict[str, Any] = {}
    wrong = []
    for column, cell in zip(columns, row, strict=True):
        try:
            if text := cell.strip():
                values[column] = _READERS[column](_clean(text))
        except KeyError:
            wrong.append(Refusal("cohort-cell", "a cell under no column name", value=cell))
        except Refusal as refusal:
            detail = f"column {column}: {refusal.detail}"
            wrong.append(Refusal(refusal.rule, detail, value=refusal.value))
    for check in (_check_row, _check_offering):
        try:
            check(values, columns, offerings)
        except Refusal as refusal:
            wrong.append(refusal)
    if wrong:
        return wrong
    award = Award(
        row=number,
        awarded=values["awarded"],
        offering=_check_offering(values, columns, offerings),
        evidence=values.get("evidence", ()),
        learner=values.get("learner"),
        learner_did=values.get("learnerId"),
        name=values.get("name"),
        valid_until=values.get("validUntil"),
    )
    who = award.learner_did or (award.learner or "").casefold()
    first = seen.setdefault((who, award.offering.achievement), number)
    if first != number:
        return [Refusal("cohort-duplicate", f"the learner of row {first} again", value=who)]
    return award
