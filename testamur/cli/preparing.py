"""From a cohort or from Open Badges to the events that a provider signs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

import msgspec
import typer

from testamur.badges import days, headings
from testamur.badges.award_days import latest_day
from testamur.badges.cohort_csv import (
    Award,
    Offering,
    Provider,
    Registered,
    read_cohort,
    read_given,
)
from testamur.badges.columns import Reading
from testamur.badges.data_integrity import SUITE, SUITE_CURVE
from testamur.badges.prepare import Made, Refused, each_award, each_badge, refused_rows
from testamur.badges.sources import read_sources
from testamur.badges.spreadsheet import MAX_FILE
from testamur.canonical import MAX_DOCUMENT
from testamur.cli.asking import asked, reached
from testamur.cli.awarded_ledger import Ledger
from testamur.cli.comparing_prepared import Comparison
from testamur.cli.files import naming, read, read_key, refuse_existing, write
from testamur.cli.key_folder import KeyFolder
from testamur.cli.outcome import HOLDS, REFUTED
from testamur.cli.prepared import Capitals, Prepared, show, write_made
from testamur.cli.profile import is_offered, unless
from testamur.cli.receipts import look_for_strangers
from testamur.cli.signer import Keys, Signer, folder_at_hand, signing_key
from testamur.cli.signing import AcceptFlags
from testamur.cli.terminal import Json, note, track
from testamur.cli.values import as_id, checked_url, cut, is_id, log_name
from testamur.errors import Refusal
from testamur.files import refuse_irregular
from testamur.http.exchange import NoServer
from testamur.keys import PrivateKey
from testamur.recording.objections import check_given

app = typer.Typer()
_PANEL: Final = "Events"

_TEXTS: Final = (".csv", ".tsv", ".tab", ".txt")
# A workbook is no text, but its user means a cohort, so the error says how to save it as one.
_SHEETS: Final = (*_TEXTS, ".xlsx", ".xlsm", ".xls", ".ods", ".numbers", ".gz")
T = TypeVar("T")


def _form_of_days(text: str) -> days.Form:
    try:
        return days.form(text)
    except ValueError:
        raise typer.BadParameter(
            f"{cut(text)} is not DD, MM and YYYY (D and M for one digit or two) in the order of "
            "your dates, with what stands between them, such as DD-MM-YYYY, M/D/YYYY or "
            "DD.MM.YYYY; a year has four digits"
        ) from None


def _own_heading(text: str) -> tuple[str, str]:
    name, equals, heading = text.partition("=")
    if name not in headings.COLUMNS or not equals or not headings.plain(heading):
        names = ", ".join(headings.COLUMNS)
        raise typer.BadParameter(
            f"{cut(text)} is not such as learner=E-mail: one of {names}, and your heading for it"
        )
    return name, heading


@app.command(rich_help_panel=_PANEL)
def prepare(
    context: typer.Context,
    source: Annotated[
        Path,
        typer.Argument(
            metavar="SOURCE", help="A cohort: .csv, .tsv, .txt; or badges: .json, .ndjson, folder."
        ),
    ],
    achievement: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE|ID",
            help="What is awarded. For a cohort: a JSON file with `achievement` (its id), "
            "`definition`, `description` and `criteria`; may be repeated. For badges: the id, "
            "or a JSON file that maps the achievement ids in the badges to such objects.",
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="New folder to write.")] = None,
    provider: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="JSON file with `did`, `name` and `country` of the issuer, and if need be the "
            "`offset` of its days from UTC. Badges of others are refused.",
        ),
    ] = None,
    accreditation: Annotated[
        str | None,
        typer.Option(metavar="ID", parser=as_id, help="Accreditation that an ID is awarded under."),
    ] = None,
    keys: Keys = None,
    key: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Sign each credential (eddsa-jcs-2022) with this signing key; with --keys, the "
            "newest one there.",
        ),
    ] = None,
    url: Annotated[
        str | None,
        typer.Option(
            "--url",
            metavar="URL",
            parser=checked_url,
            help="Compare with this registry, before anything is written; needs --keys, or --key "
            "and --provider. With --keys it is also asked whether others submit in your name.",
        ),
    ] = None,
    log: Annotated[
        str | None,
        typer.Option(metavar="ORIGIN", parser=log_name, help="Log to name in holder files."),
    ] = None,
    dates: Annotated[
        Any,
        typer.Option(
            metavar="FORM",
            parser=_form_of_days,
            help="How the days of a cohort are written: DD-MM-YYYY, M/D/YYYY, DD.MM.YYYY ... "
            "2026-11-21 is always read.",
        ),
    ] = None,
    own: Annotated[
        list[Any] | None,
        typer.Option(
            "--map",
            metavar="COLUMN=HEADING",
            parser=_own_heading,
            help="Your heading of a column, such as learner=E-mail; may be repeated.",
        ),
    ] = None,
    *,
    future_dates: Annotated[
        bool, typer.Option("--future-dates", help="Take awards of days that are still to come.")
    ] = False,
    learner_as_written: Annotated[
        bool,
        typer.Option(
            "--learner-as-written",
            help="Take learners that look like a mistake, such as the number 12.345.678-9. Look "
            "at each: nobody can mend a credential that is on the log.",
        ),
    ] = False,
    template: Annotated[
        bool, typer.Option("--template", help="Write SOURCE, a new .csv with the columns alone.")
    ] = False,
    allow_refused: Annotated[
        bool, typer.Option("--allow-refused", help="Write the good ones, leave out the others.")
    ] = False,
    accept_flags: AcceptFlags = False,
    award_again: Annotated[
        bool,
        typer.Option("--award-again", help="Award to learners what they hold already, too."),
    ] = False,
    json: Json = False,
) -> None:
    """Make credentials, holder files and events of a cohort or of Open Badges.

    A cohort is a table with a row for each award, as a spreadsheet saves it: commas, semicolons or
    tabs, in UTF-8 or "Unicode text". Its columns, in any order: `learner` (e-mail address or
    number) or `learnerId` (a DID); `awarded` (2026-11-21); and if need be `name`, `validUntil`,
    `evidence` (URLs, spaces between), `achievement` (its id or name, if several are on offer).
    Empty rows are passed over. A cell that may be a mistake is refused with its row and with what
    to do: errors and formulas of the spreadsheet, numbers with separators, dates and names in
    place of a learner, addresses that are none. A learner is hashed as written here, the domain
    of an address in small letters: nobody who types another spelling can open the credential.

    A day is a day in UTC, or in the zone of the provider if its file states the `offset` of that,
    such as "+09:00". A credential is valid from the first moment of the day awarded, or from now on
    if that is still to come today, and to the last second of `validUntil`.

    DIR gets `events.ndjson`, to be signed, `holders/` with one file for each holder, and
    `index.csv`. All but the events is personal data. If anything is refused nothing is written,
    unless --allow-refused: to prepare all anew would then issue the good ones twice. A source that
    could not be read to its end is never written in part.

    With --url all is compared with the log: the definition, the accreditation and its scope, the
    names and the days. Flags that you can mend are named with what to do, and stop it. With --keys
    a learner who holds the achievement already is refused, by `awarded.ledger` beside your keys,
    which `testamur submit` writes. One whose credential was revoked, replaced, or has run out may
    be awarded anew.

    Examples:

    `testamur prepare cohort.csv --template`

    `testamur prepare cohort.csv --achievement soils.json --provider college.json --out spring`

    `testamur prepare class.txt --map learner=E-mail --map awarded=Datum --dates DD.MM.YYYY
    --achievement soils.json --provider college.json --out spring`

    `testamur prepare badges/ --achievement 019a3b1c-7f00-7abc-8def-0123456789ab --out spring`
    """
    if template:
        _write_template(source)
        return
    if out is None or not achievement:
        missing = "--out" if achievement else "--achievement"
        raise typer.BadParameter("is missing", param_hint=missing)
    own_headings = _by_column(own or [])
    refuse_existing(out)
    issuer = None if provider is None else _settings(provider, Provider)
    offset = None if issuer is None else issuer.offset
    reading = Reading(
        as_written=learner_as_written,
        dates=dates,
        headings=own_headings,
        latest=None if future_dates else latest_day(datetime.now(UTC), offset),
    )
    folder = None if keys is None else _own_folder(keys, issuer)
    url = unless(context, "url", url, taken=folder is None and (key is None or issuer is None))
    secret = _proof_key(folder, key)
    signer = None if url is None else _signer(folder, issuer, secret)
    url = reached(context, url, "nothing is compared with the log")
    if not source.is_dir():
        refuse_irregular(source)
    made: Iterable[Made | Award | Refused]
    capitals = Capitals()
    if source.suffix.lower() in _SHEETS:
        if accreditation is not None:
            where = "goes with badges; of a cohort, the file given as --achievement names it"
            raise typer.BadParameter(where, param_hint="--accreditation")
        made, total = _of_cohort(
            source, achievement, reading, issuer, secret, log, capitals, partial=allow_refused
        )
    else:
        if own or dates or future_dates or learner_as_written:
            where = "go with a cohort: a file named .csv, .tsv or .txt"
            hint = "--map, --dates, --future-dates, --learner-as-written"
            raise typer.BadParameter(where, param_hint=hint)
        registered, total = _registered(achievement, accreditation), None
        made = each_badge(
            read_sources(source),
            registered,
            now=datetime.now(UTC),
            issuer=None if issuer is None else issuer.issuer,
            key=secret,
            log=log,
        )
    ledger = _ledger(folder_at_hand(keys, key))
    with (
        nullcontext() if url is None else asked(url) as registry,
        track("Preparing") as tracked,
    ):
        try:
            compared = Comparison(registry, signer, ledger, log=log, again=award_again)
            if url is not None and folder is not None:
                look_for_strangers(url, folder, log)
        except NoServer as error:
            if not is_offered(context, "url"):
                raise
            note(f"{error}; nothing is compared with the log", "yellow")
            compared = Comparison(None, None, ledger, log=log, again=award_again)
        prepared = write_made(
            tracked(made, total), out, compared, partial=allow_refused, accept_flags=accept_flags
        )
    _refuse_nothing(prepared, source)
    show(prepared, capitals.warning(), out if prepared.written else None, json=json)
    raise typer.Exit(HOLDS if prepared.written else REFUTED)


def _own_folder(keys: Path, issuer: Provider | None) -> KeyFolder:
    folder = KeyFolder.read(keys)
    if issuer is not None and issuer.did != folder.did:
        raise Refusal("key-folder", f"{keys} holds keys of {folder.did}", value=issuer.did)
    return folder


def _ledger(folder: KeyFolder | None) -> Ledger | None:
    """Return the ledger of a folder of keys; None if it cannot be kept there, which is told."""
    if folder is None:
        return None
    if not os.access(folder.path, os.W_OK):
        note(
            f"Nothing can be written into {folder.path}, so a second award to one of these "
            "learners will not be noticed",
            "yellow",
        )
        return None
    return Ledger.of(folder)


def _signer(folder: KeyFolder | None, issuer: Provider | None, secret: PrivateKey | None) -> Signer:
    """Return who signs what a registry is asked; `secret` is the key of the credentials' proofs."""
    if folder is not None:
        return Signer(folder.did, secret or signing_key(folder))
    if issuer is None or secret is None:
        needed = "needs --keys, or --key and --provider, since what it is asked is signed"
        raise typer.BadParameter(needed, param_hint="--url")
    return Signer(issuer.did, secret)


def _proof_key(folder: KeyFolder | None, key: Path | None) -> PrivateKey | None:
    """Return the key that signs the credentials themselves; None if they are to have no proof."""
    if key is None:
        found = None if folder is None else signing_key(folder)
        if found is not None and found.curve != SUITE_CURVE:
            note(f"The credentials get no proof of their own: {SUITE} needs an {SUITE_CURVE} key.")
            return None
        return found
    secret = read_key(key)
    own = None if folder is None else folder.find(secret.public.multikey())
    if folder is not None and (own is None or own.use != "signing"):
        raise Refusal("key-use", f"{key} is none of the signing keys of {folder.did}")
    return secret


def _of_cohort(
    source: Path,
    achievements: list[str],
    reading: Reading,
    provider: Provider | None,
    key: PrivateKey | None,
    log: str | None,
    capitals: Capitals,
    *,
    partial: bool,
) -> tuple[Iterable[Made | Award | Refused], int]:
    """Return what is refused and then what is made of the other awards, and how many these are.

    Where they are not to be written without the refused ones, nothing is made of them.
    """
    if provider is None:
        raise typer.BadParameter("a cohort needs its issuer", param_hint="--provider")
    offerings = [_settings(Path(file), Offering) for file in achievements]
    with naming(source):
        awards, refused = read_cohort(read(source, MAX_FILE), offerings, reading)
    good = capitals.noticed(awards)
    made: Iterable[Made | Award] = good
    if partial or not refused:
        now = datetime.now(UTC)
        made = each_award(good, provider, now=now, key=key, log=log, source=source.name)
    return chain(refused_rows(refused, source.name), made), len(awards)


def _by_column(own: Sequence[tuple[str, str]]) -> dict[str, str]:
    found = dict(own)
    if len(found) != len(own):
        raise typer.BadParameter("names a column twice", param_hint="--map")
    return found


def _write_template(file: Path) -> None:
    if file.suffix.lower() != ".csv":
        raise typer.BadParameter("a template is a new file named .csv", param_hint="SOURCE")
    write(file, headings.template())
    note(f"Next: fill {file} in, a row for each award; columns that stay empty may be deleted")


def _registered(
    given: list[str], accreditation: str | None
) -> Registered | Mapping[str, Registered]:
    if len(given) != 1:
        raise typer.BadParameter("badges take one: an id, or a map", param_hint="--achievement")
    if is_id(given[0]):
        return Registered(achievement=given[0], accreditation=accreditation)
    if accreditation is not None:
        raise typer.BadParameter("goes with an id alone", param_hint="--accreditation")
    return _settings(Path(given[0]), dict[str, Registered])


def _settings(path: Path, kind: type[T]) -> T:
    with naming(path):
        found = read_given(read(path, MAX_DOCUMENT), kind)
        if isinstance(found, msgspec.Struct):
            check_given(found)
        return found


def _refuse_nothing(prepared: Prepared, source: Path) -> None:
    if prepared.count or prepared.refused:
        return
    if source.suffix.lower() in _SHEETS:
        raise Refusal("cohort-empty", f"{source}: has no row below the names of its columns")
    raise Refusal("no-badges", f"{source}: holds no badge")
