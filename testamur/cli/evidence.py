"""Getting the evidence with which credentials can be verified offline."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import Annotated, Final, TypeAlias

import typer

from testamur.cli.anchors import Anchor, anchors_in
from testamur.cli.asking import AT_ONCE, ahead, reach
from testamur.cli.evidence_sources import Fresh, from_log, from_registry
from testamur.cli.files import STDOUT, refuse_existing, refuse_existing_file, write
from testamur.cli.given_files import Named, credentials_meant
from testamur.cli.listings import Form, Listed, Listing, listing, may_show_progress
from testamur.cli.outcome import HOLDS, UNCHECKED, described
from testamur.cli.profile import to_type, unless
from testamur.cli.terminal import Json, note, show_fields, show_json, track
from testamur.cli.trust import MaybeTrust
from testamur.cli.values import At, MaybeUrl, Size, as_of
from testamur.errors import Refuted, Unavailable, detached
from testamur.verification.evidence import FILE_ENDING, Evidence, render_evidence
from testamur.verification.finding import Fault

app = typer.Typer()
_PANEL: Final = "Verification"
_COLUMNS: Final = ("credential", "file", "submissions", "why")


@app.command(rich_help_panel=_PANEL)
def evidence(
    context: typer.Context,
    credentials: Annotated[
        list[str],
        typer.Argument(
            metavar="CREDENTIAL|DIR", help="Ids of credentials, their holder files, or folders."
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE|DIR",
            help="New file; of several credentials, the folder. By default the id names the file.",
        ),
    ] = None,
    url: MaybeUrl = None,
    log: Annotated[
        str | None,
        typer.Option(metavar="DIR|URL", help="Read the whole log there instead of asking."),
    ] = None,
    trust: MaybeTrust = None,
    at: At = None,
    size: Size = None,
    anchor: Anchor = None,
    form: Listed = None,
    *,
    json: Json = False,
) -> None:
    """Get the evidence with which credentials can be verified offline.

    With --url a registry is asked for it, and may be asked how things stood at an earlier time
    or size; the evidence then says that it leaves out what followed. With --log it is put
    together from the log itself, after a replay, so nobody learns which credential it is about. It
    leads to the root authorities of the log, and with --anchor to others.

    Of several credentials, or a folder of holder files, each gets a file in DIR named by its id;
    one that cannot be had stops no other.

    Examples:

    `testamur evidence credential.json --url https://registry.example
    --out credential.testamur.json`

    `testamur evidence spring/holders --log https://registry.example --vkey log.vkey
    --out spring/evidence`
    """
    url = unless(context, "url", url, taken=log is not None)
    if (url is None) == (log is None):
        raise typer.BadParameter("give one of the two", param_hint="--url, --log")
    moment = as_of(at, size)
    if moment and url is None:
        raise typer.BadParameter("goes with --url", param_hint="--at, --size")
    anchors = anchors_in(anchor or [])

    def source(ids: Sequence[str]) -> AbstractContextManager[Fresh]:
        if url is not None:
            return from_registry(url, anchors, moment, flags=False)
        return from_log(str(log), trust, anchors, ids)

    given = credentials_meant(credentials)
    if form is None and len(credentials) == 1 and not Path(credentials[0]).is_dir():
        _one(given[0].credential(), out, source, json=json)
        return
    if url is not None:
        reach(url)
    wanted = form or ("jsonl" if json else "table")
    raise typer.Exit(_many(given, out or Path(), source, wanted, asks=url is not None))


_Open: TypeAlias = Callable[[Sequence[str]], AbstractContextManager[Fresh]]


def _one(name: str, out: Path | None, source: _Open, *, json: bool) -> None:
    path = out or Path(f"{name}{FILE_ENDING}")
    refuse_existing_file(path)
    with source([name]) as fresh:
        found = fresh(name).evidence
    write(path, render_evidence(found))
    fields = {"credential": name, "file": str(path), "submissions": len(found.submissions)}
    if json:
        show_json(fields)
    else:
        show_fields(fields)
        note(f"Next: testamur verify CREDENTIAL --evidence {path}{to_type('trust', 'anchor')}")


def _many(given: Sequence[Named], out: Path, source: _Open, form: Form, *, asks: bool) -> int:
    """Write the evidence of each into the folder `out`, and return the exit code.

    `asks` says that each is a question over the network, of which a few run at once.
    """
    _make_folder(out)
    names = [(each.label, _id_of(each)) for each in given]
    rows, written = listing(form, _COLUMNS, _COLUMNS), 0
    with source([name for _, name in names if isinstance(name, str)]) as fresh:

        def fetched(named: tuple[str, str | Fault]) -> tuple[str, str, Evidence | Fault]:
            label, name = named
            if not isinstance(name, str):
                return label, "", name
            try:
                refuse_existing(out / f"{name}{FILE_ENDING}")
                return label, name, fresh(name).evidence
            except (Refuted, Unavailable) as error:
                return label, name, detached(error)

        with (
            closing(ahead(fetched, names, at_once=AT_ONCE if asks else 1)) as outcomes,
            track("Getting evidence", shown=may_show_progress(form)) as tracked,
        ):
            for label, name, found in tracked(outcomes, len(names)):
                written += _add(rows, label, out / f"{name}{FILE_ENDING}", found)
    rows.close()
    note(f"{written:,} of {len(given):,} written to {out}")
    return HOLDS if written == len(given) else UNCHECKED


def _add(rows: Listing, label: str, path: Path, found: Evidence | Fault) -> bool:
    """Write a file and add a row for it; return whether there is a file."""
    if isinstance(found, Evidence):
        try:
            write(path, render_evidence(found))
        except Unavailable as error:
            found = error
    if not isinstance(found, Evidence):
        rows.add(
            {"credential": label, "why": str(found)},
            {"credential": label, "error": described(found)},
            good=False,
        )
        return False
    told = {"credential": label, "file": str(path), "submissions": len(found.submissions)}
    rows.add({name: str(value) for name, value in told.items()}, told, good=True)
    return True


def _id_of(named: Named) -> str | Fault:
    try:
        return named.credential()
    except (Refuted, Unavailable) as error:
        return detached(error)


def _make_folder(out: Path) -> None:
    if out == STDOUT:
        refuse_existing(out)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Unavailable(f"{out} is no folder to write into: {error.strerror}") from error
