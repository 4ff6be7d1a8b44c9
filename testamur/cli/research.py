"""The whole log: replay it, export it."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from testamur.catalogue.submission import format_time
from testamur.cli.files import STDOUT, refuse_existing, write
from testamur.cli.terminal import (
    Json,
    copy_to_stdout,
    progress,
    say,
    show_fields,
    show_json,
    show_table,
)
from testamur.cli.trust import MaybeTrust, TrustedLog, opened, trusted_log
from testamur.cli.values import cut, moment
from testamur.exports.dictionary import ENDING, Form, dictionary
from testamur.exports.row_files import WRITERS
from testamur.exports.taking import Taken, take
from testamur.exports.whole_log import export as write_export
from testamur.exports.whole_log import write_rows
from testamur.verification.replay import Progress as OnProgress
from testamur.verification.replay import Replayed, Statistics
from testamur.verification.replay import replay as read_all

app = typer.Typer()
_PANEL: Final = "The whole log"
_FORMS: Final[dict[str, Form]] = {
    ".csv": "csv",
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".parquet": "parquet",
}

Place = Annotated[
    str,
    typer.Argument(
        metavar="URL|DIR", help="A log, or the server of one; else that of your profile."
    ),
]


@app.command(rich_help_panel=_PANEL)
def replay(place: Place, trust: MaybeTrust = None, *, json: Json = False) -> None:
    """Read a whole log and check all of it: every tile, root, signature and rule.

    Only the verifier key has to be trusted. Ends with 1 at the first damage, with 2 if something
    could not be fetched.

    Example: `testamur replay https://registry.example --vkey log.vkey`
    """
    with opened(place) as source:
        log = trusted_log(source, trust)
        with progress("Replaying") as on_progress:
            replayed = read_all(
                source,
                log.keys,
                checkpoint=log.checkpoint,
                now=datetime.now(UTC),
                progress=on_progress,
            )
    if json:
        show_json(_document(log, replayed.statistics))
    else:
        _show(log, replayed.statistics)


@app.command(rich_help_panel=_PANEL)
def export(
    place: Place,
    out: Annotated[
        Path,
        typer.Option(
            metavar="FILE", help="New file to write: .csv, .ndjson or .parquet; - is stdout."
        ),
    ],
    form: Annotated[
        Form | None, typer.Option("--format", help="Form of the file, if its name does not say it.")
    ] = None,
    trust: MaybeTrust = None,
    size: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Only the first N entries of the log.")
    ] = None,
    at: Annotated[
        datetime | None,
        typer.Option(
            metavar="TIME",
            parser=moment,
            help="Only what was recorded by this time; a date means its first moment, in UTC.",
        ),
    ] = None,
    beside: Annotated[
        Path | None,
        typer.Option(
            "--dictionary", metavar="FILE", help="With --out -: where the data dictionary goes."
        ),
    ] = None,
    *,
    json: Json = False,
) -> None:
    """Write a whole log to a file, one row for each event, all of them checked by a replay.

    There is no file unless the replay comes to its end. Beside it a data dictionary is written,
    FILE.datapackage.json, with what each column means, and the size and root of the log. With
    --size or --at it is the log as it was then, proven to be the beginning of the log as it is
    now. CSV opens in a spreadsheet: it has a byte order mark, and an apostrophe before a text
    that would be run. Parquet takes the extra `testamur[parquet]`.

    Examples:

    `testamur export https://registry.example --vkey log.vkey --out log.parquet`

    `testamur export https://registry.example --vkey log.vkey --at 2026-11-01 --out october.csv`
    """
    form = form or _form_of(out)
    if size is not None and at is not None:
        raise typer.BadParameter("give one of the two", param_hint="--size, --at")
    now = datetime.now(UTC)
    if at is not None and at > now:
        raise typer.BadParameter("is still to come, and more may be recorded", param_hint="--at")
    if out != STDOUT:
        if beside is not None:
            raise typer.BadParameter("goes with --out -", param_hint="--dictionary")
        refuse_existing(out)
        beside = out.with_name(out.name + ENDING)
    if beside is not None:
        refuse_existing(beside)
    with opened(place) as source:
        log = trusted_log(source, trust)
        milliseconds = None if at is None else int(at.timestamp() * 1000)
        taken = take(source, log.keys, log.note, size=size, at=milliseconds)
        with progress("Exporting") as on_progress:
            if out == STDOUT:
                replayed = _to_stdout(taken, form, beside, now, on_progress)
            else:
                replayed = write_export(taken, out, form, now=now, progress=on_progress)
    rows = replayed.statistics.events.total()
    fields = {**_head(log, replayed.statistics), "rows": rows}
    if out != STDOUT:
        fields["file"] = str(out)
    if beside is not None:
        fields["dictionary"] = str(beside)
    if json:
        show_json(fields)
    else:
        show_fields(fields)


def _form_of(out: Path) -> Form:
    found = _FORMS.get(out.suffix.lower())
    if found is None:
        raise typer.BadParameter(
            f"the name {cut(out.name)} does not say the form: end it in {', '.join(_FORMS)}, or "
            f"give --format {', '.join(WRITERS)}",
            param_hint="--out",
        )
    return found


def _to_stdout(
    taken: Taken, form: Form, beside: Path | None, now: datetime, on_progress: OnProgress
) -> Replayed:
    described = dictionary(form, "-", taken)
    # Rows are good once the replay has come to its end, so none is printed before.
    with tempfile.TemporaryFile() as file:
        replayed = write_rows(taken, file, form, described, now=now, progress=on_progress)
        if beside is not None:
            write(beside, described)
        file.seek(0)
        copy_to_stdout(file)
    return replayed


def _head(log: TrustedLog, counted: Statistics) -> dict[str, Any]:
    return {
        "log": counted.origin,
        "key": str(log.keys.first),
        "keyFrom": "the log's own word" if log.own_word else "policy",
        "size": counted.size,
        "root": counted.root.hex(),
        "witnesses": list(log.witnesses),
    }


def _document(log: TrustedLog, counted: Statistics) -> dict[str, Any]:
    return {
        **_head(log, counted),
        "submissions": counted.submissions,
        "organizations": counted.organizations,
        "tiles": counted.tiles,
        "firstRecordedAt": format_time(counted.first_recorded_at),
        "lastRecordedAt": format_time(counted.last_recorded_at),
        "events": dict(sorted(counted.events.items())),
        "credentials": dict(counted.credentials),
        "flags": dict(sorted(counted.flags.items())),
    }


def _show(log: TrustedLog, counted: Statistics) -> None:
    document = _document(log, counted)
    counts = {name: document.pop(name) for name in ("events", "credentials", "flags")}
    show_fields(document)
    for what, found in counts.items():
        if found:
            show_table([what, "count"], list(found.items()))
    say(
        f"It holds: {counted.size:,} entries lead to the root that {counted.origin} signed, "
        "and every submission keeps the rules.",
        "green",
    )
