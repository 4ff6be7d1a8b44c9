"""The whole log: replay it, export it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from testamur.catalogue.submission import format_time
from testamur.cli.files import refuse_existing
from testamur.cli.terminal import Json, progress, say, show_fields, show_json, show_table
from testamur.cli.trust import MaybeTrust, TrustedLog, opened, trusted_log
from testamur.exports.row_files import Form
from testamur.exports.whole_log import export as write_export
from testamur.verification.replay import Statistics
from testamur.verification.replay import replay as read_all

app = typer.Typer()
_PANEL: Final = "The whole log"

Place = Annotated[
    str,
    typer.Argument(metavar="URL|DIR", help="A log, or the server of one."),
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
                log.key,
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
    out: Annotated[Path, typer.Option(metavar="FILE", help="New file to write.")],
    form: Annotated[Form, typer.Option("--format", help="Form of the file.")] = "ndjson",
    trust: MaybeTrust = None,
    *,
    json: Json = False,
) -> None:
    """Write a whole log to a file, one row for each event, all of them checked by a replay.

    There is no file unless the replay comes to its end. Parquet takes the extra
    `testamur[parquet]`. In CSV a text that a spreadsheet would run has an apostrophe before it.

    Example: `testamur export https://registry.example --vkey log.vkey --format parquet
    --out log.parquet`
    """
    refuse_existing(out)
    with opened(place) as source:
        log = trusted_log(source, trust)
        with progress("Exporting") as on_progress:
            replayed = write_export(
                source, log.key, out, form, checkpoint=log.checkpoint, progress=on_progress
            )
    rows = replayed.statistics.events.total()
    fields = {**_head(log, replayed.statistics), "rows": rows, "file": str(out)}
    if json:
        show_json(fields)
    else:
        show_fields(fields)


def _head(log: TrustedLog, counted: Statistics) -> dict[str, Any]:
    return {
        "log": counted.origin,
        "key": str(log.key),
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
