"""Finding the holder files of a learner, among those that a provider or a holder keeps."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated, Final, Literal, TypeAlias

import typer

from testamur.badges.blockcerts import read_credential
from testamur.badges.identities import Asked, check_learner, read_asked
from testamur.cli.given_files import GivenFile, files_meant
from testamur.cli.listings import Form, Listed, listing, may_show_progress
from testamur.cli.outcome import HOLDS, REFUTED, UNCHECKED
from testamur.cli.terminal import Json, note, track
from testamur.cli.values import as_learner
from testamur.errors import Refuted, Unavailable

app = typer.Typer()
_PANEL: Final = "Verification"
_COLUMNS: Final = ("file", "credential", "achievement", "validFrom", "issuer", "how")
_TOLD: Final = 5
_Outcome: TypeAlias = Literal["found", "of others", "doubtful", "other"]
"""What a file is: the learner's, another learner's, a credential of either, no credential."""


@app.command(rich_help_panel=_PANEL)
def find(
    learner: Annotated[
        str,
        typer.Option(
            metavar="WHO",
            parser=as_learner,
            help="E-mail address, name, number or DID, in the spelling of the award.",
        ),
    ],
    places: Annotated[
        list[Path] | None,
        typer.Argument(metavar="FILE|DIR", help="Where to look; by default, here."),
    ] = None,
    form: Listed = None,
    *,
    json: Json = False,
) -> None:
    """Find the holder files of a learner.

    A credential has its learner as a hash: each file is opened and compared, nothing is sent.
    Exit code: 0 if there is one, 1 if none is the learner's, 2 if that could not be told of some.

    Example: `testamur find --learner ada@example.org spring/ autumn/`
    """
    asked = read_asked(learner)
    files = files_meant(places or [Path()]).credentials
    raise typer.Exit(_find(files, asked, form or ("jsonl" if json else "table")))


def _find(files: list[GivenFile], asked: Asked, form: Form) -> int:
    """Print a row for each file of the learner, and return the exit code."""
    rows = listing(form, _COLUMNS, _COLUMNS)
    counted: Counter[_Outcome] = Counter()
    with track("Looking", shown=may_show_progress(form)) as tracked:
        for file in tracked(files, len(files)):
            outcome, told = _compared(file, asked)
            counted[outcome] += 1
            if outcome == "found":
                rows.add(told, told, good=True)
            elif outcome == "doubtful" and counted[outcome] <= _TOLD:
                note(f"{file.path}: {told['why']}", "yellow")
    if counted["found"]:
        rows.close()
    note(_summary(counted))
    if counted["found"]:
        return HOLDS
    return REFUTED if counted["of others"] and not counted["doubtful"] else UNCHECKED


def _compared(file: GivenFile, asked: Asked) -> tuple[_Outcome, dict[str, str]]:
    """Return whether a file is the learner's, with its row or with why that could not be told."""
    try:
        holder = file.holder()
        badge = read_credential(holder.credential)
    except (Refuted, Unavailable):
        return "other", {}
    try:
        how = check_learner(holder.credential, asked)
    except Refuted:
        return "of others", {}
    except Unavailable as doubt:
        return "doubtful", {"why": str(doubt)}
    return "found", {
        "file": str(file.path),
        "credential": holder.id,
        "achievement": badge.achievement.name or "",
        "validFrom": badge.valid_from.date().isoformat(),
        "issuer": badge.issuer.name or badge.issuer.id,
        "how": how,
    }


def _summary(counted: Counter[_Outcome]) -> str:
    read = counted.total() - counted["other"]
    doubt = f"; {counted['doubtful']:,} could not be compared" if counted["doubtful"] else ""
    other = f"; {counted['other']:,} other files" if counted["other"] else ""
    return f"{counted['found']:,} found among {read:,} credentials{doubt}{other}"
