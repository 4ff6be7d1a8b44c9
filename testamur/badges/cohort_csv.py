"""A cohort in CSV, and the Open Badges 3.0 credentials that its rows ask for.

How a table is read off a file is in `spreadsheet.py`, what headings mean in `headings.py`, and what
a cell of each column may say in `columns.py`.
Everything wrong is refused with its row, column and value and with what to do, and all of it is
listed; only days that are all written in another form are refused once, with its name. The
result is personal data and goes into credentials only. The register decides whether the
achievement may be awarded.
"""

from __future__ import annotations

import hashlib
import math
import secrets
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import date
from functools import partial
from typing import Annotated, Any, Final, TypeAlias, TypeVar

import msgspec
from msgspec import Meta

from testamur.badges import days
from testamur.badges.award_days import Dates, Offset
from testamur.badges.columns import Reading, read_cell
from testamur.badges.headings import columns, meanings, plain
from testamur.badges.openbadges import OB_3, VC_2, achievement_object
from testamur.badges.spreadsheet import UNREAD, Table, read_table
from testamur.canonical import MAX_DOCUMENT, parse_strict
from testamur.catalogue.ids import Uuid7
from testamur.catalogue.members import (
    FORMS,
    Country,
    Definition,
    Did,
    Name,
    OtherId,
    Url,
    Version,
)
from testamur.errors import Refusal, detached
from testamur.schema import explained, pattern_of

MAX_REFUSED: Final = 1_000
"""More errors than this mean the wrong file, not one that needs mending."""
_LONGEST_DAY: Final = 24

T = TypeVar("T")


class _Given(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What a provider says once for many credentials, in a JSON file."""


class Provider(_Given, frozen=True, kw_only=True):
    """Who awards: the issuer of every credential of a cohort.

    `id` is the address or DID by which its credentials name it, if not its `did`: one for which
    its accreditor vouches. `offset` says how far its days are from UTC, such as +09:00.
    """

    country: Country
    did: Did
    name: Name
    id: OtherId | None = None
    offset: Offset | None = None
    url: Url | None = None

    @property
    def issuer(self) -> str:
        """What its credentials name as the id of their issuer."""
        return self.id or self.did


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


_Found: TypeAlias = Callable[[], Iterator[tuple[int, Award | list[Refusal]]]]
"""Reads the rows anew."""


_PLAIN: Final = Reading()
_FORMS: Final = {**FORMS, pattern_of(Offset): "an offset from UTC such as +09:00"}


def read_given(data: bytes, kind: type[T]) -> T:
    """Return the `Provider`, `Offering` or mapping (`dict[str, Registered]`) in a JSON file.

    Raises `Refusal`: those of `parse_strict`, or `settings` naming the member at fault.
    """
    found = parse_strict(data, max_bytes=MAX_DOCUMENT)
    try:
        return msgspec.convert(found, kind)
    except msgspec.ValidationError as error:
        detail, value = explained(error, found, _FORMS, kind)
        raise Refusal("settings", detail, value=value) from None


class Awards:
    """The good rows of a cohort, in order.

    Each is read again when its turn comes, since a hundred thousand awards take more memory than
    their file does.
    """

    def __init__(self, found: _Found, good: int, bad: Collection[int], last: float) -> None:
        """Those of `found` up to row `last`, without the rows `bad`: `good` in number."""
        self._found, self._good, self._bad, self._last = found, good, frozenset(bad), last

    def __len__(self) -> int:
        return self._good

    def __iter__(self) -> Iterator[Award]:
        for number, found in self._found():
            if number > self._last:
                return
            if isinstance(found, Award) and number not in self._bad:
                yield found


def read_cohort(
    data: bytes, offerings: Sequence[Offering], reading: Reading = _PLAIN
) -> tuple[Awards, list[tuple[int, Refusal]]]:
    """Return the awards of a CSV file, and by row number all that is wrong in its other rows.

    Columns, in any order: `learner` (e-mail address or number) or `learnerId` (a DID),
    `awarded` (2026-11-21), and if need be `name`, `validUntil`, `evidence` (URLs, spaces
    between), `achievement` (id or name of one of `offerings`). Raises `Refusal`
    (`cohort-size`, `cohort-encoding`, `cohort-header`, `cohort-dates`, `private-key`) when the
    file as a whole is unreadable.
    """
    known = meanings(reading.headings)
    table = read_table(data, lambda heading: plain(heading) in known)
    named = columns(table.headings, reading.headings)
    _check_form_of_days(table, named, reading)
    found = partial(_read_rows, table, named, offerings, reading)
    good, last = 0, math.inf
    refused: list[tuple[int, Refusal]] = []
    first_row: dict[bytes, int] = {}
    for number, each in found():
        wrong = _repeats(each, first_row) if isinstance(each, Award) else each
        good += not wrong
        refused += [(number, detached(refusal)) for refusal in wrong]
        if len(refused) >= MAX_REFUSED:
            detail = f"more than {MAX_REFUSED} errors; the rows from here on were not read"
            refused.append((number, Refusal(UNREAD, detail)))
            last = number
            break
    return Awards(found, good, {row for row, _ in refused}, last), refused


def _read_rows(
    table: Table, named: Sequence[str], offerings: Sequence[Offering], reading: Reading
) -> Iterator[tuple[int, Award | list[Refusal]]]:
    """Yield the award in each row by its number, or everything that is wrong with the row."""
    for number, row in table.rows():
        if isinstance(row, Refusal):
            yield number, [row]
        else:
            yield number, _award(number, named, row, offerings, reading)


def profile(provider: Provider) -> dict[str, Any]:
    """Return the OB 3.0 Profile of the issuer, its country where Annex I looks for it."""
    country, _, subdivision = provider.country.partition("-")
    address = {"type": ["Address"], "addressCountryCode": country}
    if subdivision:
        address["addressRegion"] = provider.country  # ISO 3166-2
    found = {
        "id": provider.issuer,
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
    award: Award,
    credential_id: str,
    issuer: dict[str, Any],
    achievement: dict[str, Any],
    when: Dates,
) -> dict[str, Any]:
    """Return the OB 3.0 credential for `award`, unsigned; `credential_id` is a UUID."""
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
        "awardedDate": when.awarded,
        "validFrom": when.valid_from,
        "credentialSubject": {**subject, "achievement": achievement},
    }
    if when.valid_until:
        found["validUntil"] = when.valid_until
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


def _check_form_of_days(table: Table, named: Sequence[str], reading: Reading) -> None:
    """Raise `Refusal` (`cohort-dates`) if the days are written in another form, all alike."""
    written = next(_cells_with_days(table, named), None)
    if written is None or _is_day(written, reading):
        return
    proposal = days.propose([*_cells_with_days(table, named)])
    if proposal is None:
        return
    read, total = proposal.read, proposal.total
    how_many = f"all {total:,}" if read == total else f"{read:,} of {total:,}"
    if len(proposal.forms) == 1:
        form = proposal.forms[0]
        detail = f"{how_many} dates look like {form}: `--dates {days.quoted(form)}` reads them"
    else:
        forms = " and like ".join(proposal.forms)
        options = " or ".join(f"`--dates {days.quoted(form)}`" for form in proposal.forms)
        detail = f"{how_many} dates look like {forms}, and no day tells which it is: say {options}"
    raise Refusal("cohort-dates", detail, value=written)


def _is_day(written: str, reading: Reading) -> bool:
    try:
        days.read_day(written, reading.dates)
    except Refusal:
        return False
    return True


def _cells_with_days(table: Table, named: Sequence[str]) -> Iterator[str]:
    where = [at for at, name in enumerate(named) if name in ("awarded", "validUntil")]
    for _, row in table.rows():
        if not isinstance(row, Refusal) and len(row) == len(named):
            # What is cut off is no day in any form.
            yield from filter(None, (row[at].strip()[:_LONGEST_DAY] for at in where))


def _award(
    number: int,
    named: Sequence[str],
    row: Sequence[str],
    offerings: Sequence[Offering],
    reading: Reading,
) -> Award | list[Refusal]:
    """Return the award that a row spells, or everything that is wrong with it."""
    if len(row) != len(named):
        detail = f"has not one cell for each of {len(named)} columns; quote what holds a delimiter"
        return [Refusal("cohort-row", detail, value=f"{len(row)} cells")]
    values: dict[str, Any] = {}
    wrong = []
    filled = {name: text for name, cell in zip(named, row, strict=True) if (text := cell.strip())}
    for name, text in filled.items():
        try:
            values[name] = read_cell(name, text, reading)
        except Refusal as refusal:
            wrong.append(_in_column(name, refusal))
    if "awarded" not in filled:
        wrong.append(Refusal("cohort-cell", "column awarded: is empty; write the day"))
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


def _repeats(award: Award, first_row: dict[bytes, int]) -> list[Refusal]:
    """Return what is wrong with an award that an earlier row made; remember it by a digest."""
    for who in filter(None, (award.learner_did, (award.learner or "").casefold())):
        both = f"{award.offering.achievement} {who}".encode()
        first = first_row.setdefault(hashlib.sha256(both).digest(), award.row)
        if first != award.row:
            detail = f"the same learner and achievement as in row {first}"
            return [Refusal("cohort-duplicate", detail, value=who)]
    return []


def _in_column(name: str, refusal: Refusal) -> Refusal:
    placed = Refusal(refusal.rule, f"column {name or 'without a name'}: {refusal.detail}")
    # Escaped already; doing so twice would garble it.
    placed.value = refusal.value
    return placed


def _offering(named: str | None, offerings: Sequence[Offering]) -> Offering | Refusal:
    if named is None:
        if len(offerings) == 1:
            return offerings[0]
        return Refusal(
            "cohort-achievement", f"is empty, and {len(offerings)} are on offer; name one"
        )
    found = [o for o in offerings if named in (o.achievement, o.definition.name)]
    if len(found) == 1:
        return found[0]
    offered = ", ".join(dict.fromkeys(each.definition.name for each in offerings))
    remedy = "write the id of one" if found else f"write the id or the name: {offered}"
    detail = f"names {len(found)} of those on offer; {remedy}"
    return Refusal("cohort-achievement", detail, value=named)
