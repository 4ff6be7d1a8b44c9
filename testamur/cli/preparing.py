"""From a cohort or from Open Badges to the events that a provider signs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final, TypeVar

import msgspec
import typer

from testamur.badges.cohort_csv import (
    MAX_FILE,
    UNREAD,
    Offering,
    Provider,
    Registered,
    read_cohort,
    read_given,
)
from testamur.badges.prepare import (
    Prepared,
    prepare_badges,
    prepare_cohort,
    read_sources,
    write_prepared,
)
from testamur.canonical import MAX_DOCUMENT
from testamur.cli.files import naming, read, read_key, refuse_existing
from testamur.cli.outcome import HOLDS, REFUTED, described
from testamur.cli.terminal import Json, note, show_fields, show_json, show_table, track
from testamur.cli.values import as_id, is_id, log_name
from testamur.errors import Refusal
from testamur.files import refuse_irregular
from testamur.keys import PrivateKey
from testamur.recording.names import check_name, names_in

app = typer.Typer()
_PANEL: Final = "Events"

_LISTED: Final = 50
# A workbook is no CSV file, but its user means a cohort, so the error speaks of rows.
_SHEETS: Final = (".csv", ".xlsx", ".xls")
T = TypeVar("T")


@app.command(rich_help_panel=_PANEL)
def prepare(
    source: Annotated[
        Path,
        typer.Argument(metavar="SOURCE", help="A .csv cohort, or badges: .json, .ndjson, folder."),
    ],
    achievement: Annotated[
        list[str],
        typer.Option(
            metavar="FILE|ID",
            help="What is awarded. For a cohort: a JSON file with `achievement` (its id), "
            "`definition`, `description` and `criteria`; may be repeated. For badges: the id, "
            "or a JSON file that maps the achievement ids in the badges to such objects.",
        ),
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="New folder to write.")],
    provider: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="JSON file with `did`, `name` and `country` of the issuer. Badges of others "
            "are refused.",
        ),
    ] = None,
    accreditation: Annotated[
        str | None,
        typer.Option(metavar="ID", parser=as_id, help="Accreditation that an ID is awarded under."),
    ] = None,
    key: Annotated[
        Path | None, typer.Option(metavar="KEY", help="Sign each credential (eddsa-jcs-2022).")
    ] = None,
    log: Annotated[
        str | None,
        typer.Option(metavar="ORIGIN", parser=log_name, help="Log to name in holder files."),
    ] = None,
    *,
    allow_refused: Annotated[
        bool, typer.Option("--allow-refused", help="Write the good ones, leave out the others.")
    ] = False,
    json: Json = False,
) -> None:
    """Make credentials, holder files and events of a cohort or of Open Badges.

    A cohort is a CSV file with a row for each award. Its columns, in any order: `learner` (e-mail
    address or number) or `learnerId` (a DID); `awarded` (2026-11-21); and if need be `name`,
    `validUntil`, `evidence` (URLs, spaces between), `achievement` (its id or name, if several are
    on offer).

    DIR gets `events.ndjson`, to be signed, `holders/` with one file for each holder, and
    `index.csv`. All but the events is personal data. If anything is refused nothing is written,
    unless --allow-refused: to prepare all anew would then issue the good ones twice. What could
    not be read to its end is never written in part.

    Examples:

    `testamur prepare cohort.csv --achievement soils.json --provider college.json --out spring`

    `testamur prepare badges/ --achievement 019a3b1c-7f00-7abc-8def-0123456789ab --out spring`
    """
    refuse_existing(out)
    secret = None if key is None else read_key(key)
    issuer = None if provider is None else _settings(provider, Provider)
    if not source.is_dir():
        refuse_irregular(source)
    if source.suffix.lower() in _SHEETS:
        if accreditation is not None:
            where = "goes with badges; of a cohort, the file given as --achievement names it"
            raise typer.BadParameter(where, param_hint="--accreditation")
        prepared = _of_cohort(source, achievement, issuer, secret, log)
    else:
        registered = _registered(achievement, accreditation)
        prepared = _of_badges(source, registered, issuer, secret, log)
    _refuse_nothing(prepared, source)
    unread = any(why.rule == UNREAD for _, why in prepared.refused)
    written = bool(prepared.events) and (not prepared.refused or (allow_refused and not unread))
    if written:
        write_prepared(prepared, out, partial=allow_refused)
    _show(prepared, out if written else None, json=json)
    raise typer.Exit(HOLDS if written else REFUTED)


def _of_cohort(
    source: Path,
    achievements: list[str],
    provider: Provider | None,
    key: PrivateKey | None,
    log: str | None,
) -> Prepared:
    if provider is None:
        raise typer.BadParameter("a cohort needs its issuer", param_hint="--provider")
    offerings = [_settings(Path(file), Offering) for file in achievements]
    with naming(source):
        awards, refused = read_cohort(read(source, MAX_FILE), offerings)
    with track("Preparing") as tracked:
        return prepare_cohort(
            awards,
            provider,
            now=datetime.now(UTC),
            key=key,
            log=log,
            refused=refused,
            source=source.name,
            track=tracked,
        )


def _of_badges(
    source: Path,
    registered: Registered | Mapping[str, Registered],
    provider: Provider | None,
    key: PrivateKey | None,
    log: str | None,
) -> Prepared:
    with track("Preparing") as tracked:
        return prepare_badges(
            read_sources(source),
            registered,
            now=datetime.now(UTC),
            issuer=None if provider is None else provider.did,
            key=key,
            log=log,
            track=tracked,
        )


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
            for name in names_in(found):
                check_name(name)
        return found


def _refuse_nothing(prepared: Prepared, source: Path) -> None:
    if prepared.events or prepared.refused:
        return
    if source.suffix.lower() in _SHEETS:
        raise Refusal("cohort-empty", f"{source}: has no row below the names of its columns")
    raise Refusal("no-badges", f"{source}: holds no badge")


def _show(prepared: Prepared, out: Path | None, *, json: bool) -> None:
    counts = {
        "prepared": len(prepared.events),
        "refused": len({where for where, _ in prepared.refused}),
        "proofs not examined": len(prepared.notes),
        "achievements": len({event.achievement for event in prepared.events}),
        "written to": None if out is None else str(out),
    }
    if json:
        refused = [{"source": where, **described(why)} for where, why in prepared.refused]
        notes = [{"source": where, "detail": why} for where, why in prepared.notes]
        show_json({**counts, "refused": refused, "notes": notes})
        return
    if prepared.refused:
        rows = [
            [where, each.rule, each.detail, each.value or ""]
            for where, each in prepared.refused[:_LISTED]
        ]
        show_table(["source", "rule", "why", "found"], rows)
        if len(prepared.refused) > _LISTED:
            note(f"... and {len(prepared.refused) - _LISTED:,} more; --json lists them all")
    for where, each in prepared.refused:
        if each.rule == UNREAD:
            note(f"{where}: {each.detail}", "yellow")
    for where, why in prepared.notes[:_LISTED]:
        note(f"{where}: {why}")
    show_fields(counts)
    if out is None:
        note("Nothing was written.", "yellow")
    else:
        note(f"Next: testamur sign {out}/events.ndjson --key KEY --log ORIGIN --out FILE")
