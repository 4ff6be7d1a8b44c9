"""A cohort in CSV, and the Open Badges 3.0 credentials that its rows ask for.

The file is what a spreadsheet saves: UTF-8 with or without a byte order mark, commas or
semicolons, empty rows and columns at the edges. A cell is taken only if it cannot be misread:
no formula, no invisible character, one spelling for dates. Everything wrong is refused with
its row, column and value, and all of it is listed. The result is personal data and
goes into credentials only. The register decides whether the achievement may be awarded.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
import secrets
import unicodedata
from collections.abc import Callable, Sequence
from datetime import date
from typing import Annotated, Any, Final, Protocol, TypeVar

import msgspec
from msgspec import Meta

from testamur.badges.openbadges import OB_3, VC_2, achievement_object
from testamur.canonical import MAX_DOCUMENT, parse_strict
from testamur.catalogue.ids import Uuid7
from testamur.catalogue.members import FORMS, Country, Definition, Did, Name, Url, Version
from testamur.errors import Refusal
from testamur.schema import explained

MAX_ROWS: Final = 100_000
MAX_FILE: Final = 64 * 1024 * 1024
MAX_REFUSED: Final = 1_000
"""More errors than this mean the wrong file, not one that needs mending."""
UNREAD: Final = "unread"
"""The rule of a refusal after which the file was not read on."""
_MAX_COLUMNS: Final = 64
_MAX_CELL: Final = 2_000
_MAX_EVIDENCE: Final = 10

# What .xlsx (a ZIP archive) and .xls (a compound file) begin with.
_WORKBOOK: Final = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
# Control characters, and those that reorder what a reader sees (Unicode UAX #9).
_INVISIBLE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff]")
_SHEET_ERROR: Final = re.compile(r"#(N/A|REF!|NAME\?|VALUE!|DIV/0!|NUM!|NULL!|SPILL!|CALC!)")
# A long number that a spreadsheet took for a quantity and rounded.
_ROUNDED: Final = re.compile(r"[0-9]([.,][0-9]+)?E\+?[0-9]+", re.IGNORECASE)
_ADDRESS: Final = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")

T = TypeVar("T")


class _Reader(Protocol):
    """What `csv.reader` returns, which has no public name."""

    line_num: int

    def __next__(self) -> list[str]: ...


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
        detail, value = explained(error, found, FORMS)
        raise Refusal("settings", detail, value=value) from None


def read_cohort(
    data: bytes, offerings: Sequence[Offering]
) -> tuple[list[Award], list[tuple[int, Refusal]]]:
    """Return the awards of a CSV file, and by row number all that is wrong in its other rows.

    Columns, in any order: `learner` (e-mail address or number) or `learnerId` (a DID),
    `awarded` (2026-11-21), and if need be `name`, `validUntil`, `evidence` (URLs, spaces
    between), `achievement` (id or name of one of `offerings`). Raises `Refusal`
    (`cohort-size`, `cohort-encoding`, `cohort-header`) when the file as a whole is unreadable.
    """
    reader = _reader(_text(data))
    columns = _columns(reader)
    awards: list[Award] = []
    refused: list[tuple[int, Refusal]] = []
    first_row: dict[tuple[str, str], int] = {}
    for number in range(2, MAX_ROWS + 3):
        try:
            cells = next(reader)
        except StopIteration:
            return awards, refused
        except csv.Error as error:
            # The quotes do not match, so where the next row begins is unknown.
            detail = f"not CSV at line {reader.line_num}, and not read any further: {error}"
            return awards, [*refused, (number, Refusal(UNREAD, detail))]
        if not any(cell.strip() for cell in cells):
            continue
        found = _award(number, columns, cells, offerings)
        if isinstance(found, Award):
            found = _only_once(found, first_row)
        if isinstance(found, Award):
            awards.append(found)
        else:
            refused += [(number, refusal) for refusal in found]
        if len(refused) >= MAX_REFUSED:
            detail = f"more than {MAX_REFUSED} errors; the rows from here on were not read"
            return awards, [*refused, (number, Refusal(UNREAD, detail))]
    raise Refusal("cohort-size", f"a cohort has at most {MAX_ROWS} rows, empty ones included")


def profile(provider: Provider) -> dict[str, Any]:
    """Return the OB 3.0 Profile of the issuer, its country where Annex I looks for it."""
    country, _, subdivision = provider.country.partition("-")
    address = {"type": ["Address"], "addressCountryCode": country}
    if subdivision:
        address["addressRegion"] = provider.country  # ISO 3166-2
    found = {
        "id": provider.did,
        "type": ["Profile"],
        "name": provider.name,
        "address": address,
    }
    return {**found, "url": provider.url} if provider.url else found


def offered_achievement(offering: Offering) -> dict[str, Any]:
    """Return the OB 3.0 Achievement that every credential of `offering` holds."""
    accreditation = offering.accreditation
    return achievement_object(
        offering.definition.url or f"urn:uuid:{offering.achievement}",
        offering.definition,
        description=offering.description,
        criteria=offering.criteria,
        version=offering.version,
        accreditation_url=f"urn:uuid:{accreditation}" if accreditation else None,
    )


def credential(
    award: Award, credential_id: str, issuer: dict[str, Any], achievement: dict[str, Any]
) -> dict[str, Any]:
    """Return the OB 3.0 credential for `award`, unsigned; `credential_id` is a UUID.

    It is valid from the start of the day awarded to the end of the day `valid_until`, UTC.
    """
    subject: dict[str, Any] = {"type": ["AchievementSubject"]}
    if award.learner_did:
        subject["id"] = award.learner_did
    if identifiers := _identifiers(award):
        subject["identifier"] = identifiers
    found: dict[str, Any] = {
        "@context": [VC_2, OB_3],
        "id": f"urn:uuid:{credential_id}",
        "type": ["VerifiableCredential", "OpenBadgeCredential"],
        "name": award.offering.definition.name,
        "issuer": issuer,
        "awardedDate": f"{award.awarded}T00:00:00Z",
        "validFrom": f"{award.awarded}T00:00:00Z",
        "credentialSubject": {**subject, "achievement": achievement},
    }
    if award.valid_until:
        found["validUntil"] = f"{award.valid_until}T23:59:59Z"
    if award.evidence:
        found["evidence"] = [{"id": url, "type": ["Evidence"]} for url in award.evidence]
    return found


def _identifiers(award: Award) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if award.learner:
        # The salt is beside the hash, so a bearer of the credential can test a guess. The hash
        # only keeps the address itself out of sight and of searches.
        salt = secrets.token_hex(16)
        digest = hashlib.sha256((award.learner + salt).encode()).hexdigest()
        found.append(
            {
                "type": "IdentityObject",
                "hashed": True,
                "identityHash": f"sha256${digest}",
                "identityType": "emailAddress" if "@" in award.learner else "identifier",
                "salt": salt,
            }
        )
    if award.name:
        # A name is meant to be read by those to whom the holder shows the credential.
        found.append(
            {
                "type": "IdentityObject",
                "hashed": False,
                "identityHash": award.name,
                "identityType": "name",
            }
        )
    return found


def _text(data: bytes) -> str:
    if len(data) > MAX_FILE:
        raise Refusal(
            "cohort-size", f"a file is at most {MAX_FILE} bytes", value=f"{len(data)} bytes"
        )
    if not data:
        raise Refusal("cohort-header", "is empty; row 1 names the columns")
    if data.startswith(_WORKBOOK):
        raise Refusal("cohort-encoding", 'is an Excel workbook; save it as "CSV UTF-8"')
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Refusal(
            "cohort-encoding", 'the file is UTF-16; save it as "CSV UTF-8"', value=data[:2].hex()
        )
    at = data.find(b"\0")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        at = error.start if at < 0 else min(at, error.start)
        text = ""
    if at >= 0:
        line = data.count(b"\n", 0, at) + 1
        raise Refusal(
            "cohort-encoding",
            f'line {line} is not UTF-8 text; save the file as "CSV UTF-8"',
            value=data[max(0, at - 20) : at + 20].decode("latin-1"),
        )
    return text


def _reader(text: str) -> _Reader:
    header = text[: text.find("\n") + 1] or text
    delimiter = ";" if header.count(";") > header.count(",") else ","
    return csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)


def _columns(reader: _Reader) -> list[str]:
    """Return the names in row 1 in our spelling; "" for a column without a name."""
    try:
        header = next(reader)
    except StopIteration:
        header = []
    except csv.Error as error:
        raise Refusal("cohort-header", f"row 1 is not CSV: {error}") from None
    # "Valid until", "valid_until" and "validUntil" are one name to a registrar.
    known = {name.casefold(): name for name in _CELLS}
    plain = [re.sub(r"[\s_-]", "", cell).casefold() for cell in header[: _MAX_COLUMNS + 1]]
    unknown = [cell for cell, name in zip(header, plain, strict=False) if name not in {"", *known}]
    columns = [known.get(name, "") for name in plain]
    named = [name for name in columns if name]
    if len(header) > _MAX_COLUMNS:
        raise Refusal("cohort-header", f"more than {_MAX_COLUMNS} columns", value=len(header))
    if unknown:
        known_names = ", ".join(_CELLS)
        raise Refusal("cohort-header", f"the columns are: {known_names}", value=unknown[0])
    if len(set(named)) != len(named):
        raise Refusal("cohort-header", "row 1 names a column twice", value=", ".join(named))
    if "awarded" not in named or not {"learner", "learnerId"} & set(named):
        raise Refusal(
            "cohort-header",
            "row 1 names the columns; it needs `awarded`, and `learner` or `learnerId`",
            value=", ".join(header),
        )
    return columns


def _award(
    number: int, columns: list[str], cells: list[str], offerings: Sequence[Offering]
) -> Award | list[Refusal]:
    """Return the award that a row spells, or everything that is wrong with it."""
    if len(cells) != len(columns):
        detail = f"{len(cells)} cells under {len(columns)} columns; quote what holds a delimiter"
        return [Refusal("cohort-row", detail)]
    values: dict[str, Any] = {}
    wrong = []
    filled = {name: cell.strip() for name, cell in zip(columns, cells, strict=True) if cell.strip()}
    for name, cell in filled.items():
        try:
            values[name] = _read_cell(name, cell)
        except Refusal as refusal:
            wrong.append(_in_column(name, refusal))
    if "awarded" not in filled:
        wrong.append(Refusal("cohort-cell", "column awarded: is empty"))
    if not {"learner", "learnerId"} & filled.keys():
        wrong.append(Refusal("cohort-cell", "column learner: is empty: whose award is this?"))
    until = values.get("validUntil")
    if until and "awarded" in values and until < values["awarded"]:
        detail = f"column validUntil: is before the day awarded, {values['awarded']}"
        wrong.append(Refusal("cohort-cell", detail, value=str(until)))
    offering = _offering(values.get("achievement"), offerings)
    if isinstance(offering, Refusal):
        wrong.append(_in_column("achievement", offering))
    if wrong or isinstance(offering, Refusal):
        return wrong
    return Award(
        row=number,
        awarded=values["awarded"],
        offering=offering,
        evidence=values.get("evidence", ()),
        learner=values.get("learner"),
        learner_did=values.get("learnerId"),
        name=values.get("name"),
        valid_until=until,
    )


def _only_once(award: Award, first_row: dict[tuple[str, str], int]) -> Award | list[Refusal]:
    for who in filter(None, (award.learner_did, (award.learner or "").casefold())):
        first = first_row.setdefault((who, award.offering.achievement), award.row)
        if first != award.row:
            detail = f"the same learner and achievement as in row {first}"
            return [Refusal("cohort-duplicate", detail, value=who)]
    return award


def _in_column(name: str, refusal: Refusal) -> Refusal:
    return Refusal(refusal.rule, f"column {name}: {refusal.detail}", value=refusal.value)


def _read_cell(column: str, text: str) -> Any:
    if not column:
        raise Refusal("cohort-cell", "a cell in a column without a name", value=text)
    if len(text) > _MAX_CELL:
        raise Refusal(
            "cohort-cell", f"longer than {_MAX_CELL} characters", value=f"{len(text)} characters"
        )
    if _INVISIBLE.search(text):
        raise Refusal("cohort-cell", "holds a line break or an invisible character", value=text)
    # Some of these are honest, but none can be told from a formula that a spreadsheet would
    # run when it opens a file made from this one.
    if text[0] in "=+-@" or _SHEET_ERROR.fullmatch(text):
        raise Refusal("cohort-cell", "a formula or its error, not a value", value=text)
    # A verifier hashes what a person types, so one spelling of each accented letter.
    return _CELLS[column](unicodedata.normalize("NFC", text))


def _learner(text: str) -> str:
    if any(unicodedata.category(character) == "Cf" for character in text):
        # A person who types the address leaves it out, and so gets another hash.
        raise Refusal("cohort-cell", "holds a character that nobody sees", value=text)
    if text.startswith("did:"):
        raise Refusal("cohort-cell", "a DID goes into column learnerId", value=text)
    if "@" in text and not _ADDRESS.fullmatch(text):
        raise Refusal("cohort-cell", "not an e-mail address", value=text)
    if _ROUNDED.fullmatch(text):
        raise Refusal(
            "cohort-cell", "a number that a spreadsheet has rounded: make it text", value=text
        )
    if len(text) > 320:
        raise Refusal("cohort-cell", "longer than 320 characters", value=text)
    return text


def _day(text: str) -> date:
    try:
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            raise ValueError(text)  # noqa: TRY301  # Python takes more spellings than one
        return date.fromisoformat(text)
    except ValueError:
        raise Refusal("cohort-cell", "not a date such as 2026-11-21", value=text) from None


def _evidence(text: str) -> tuple[str, ...]:
    urls = tuple(_url(url) for url in text.split())
    if len(urls) > _MAX_EVIDENCE:
        raise Refusal("cohort-cell", f"more than {_MAX_EVIDENCE} URLs", value=len(urls))
    return urls


def _like(kind: Any, what: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        try:
            return str(msgspec.convert(text, kind))
        except msgspec.ValidationError:
            raise Refusal("cohort-cell", f"not {what}", value=text) from None

    return read


def _offering(named: str | None, offerings: Sequence[Offering]) -> Offering | Refusal:
    if named is None:
        if len(offerings) == 1:
            return offerings[0]
        return Refusal("cohort-achievement", f"is empty, and {len(offerings)} are on offer")
    found = [o for o in offerings if named in (o.achievement, o.definition.name)]
    if len(found) == 1:
        return found[0]
    return Refusal("cohort-achievement", f"names {len(found)} of those on offer", value=named)


_url: Final = _like(Url, "a URL such as https://portfolio.example/7")
_CELLS: Final[dict[str, Callable[[str], Any]]] = {
    "learner": _learner,
    "learnerId": _like(Did, "a DID such as did:web:ada.example"),
    "name": _like(Name, "a name of at most 200 characters"),
    "awarded": _day,
    "validUntil": _day,
    "evidence": _evidence,
    "achievement": str,
}
