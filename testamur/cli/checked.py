"""What is found about a file of events or a submission, by its own lines: gathered, and shown.

A registry counts lines with the header being line 1; in a file without one, event 1 is on line 1.
Where `prepare` wrote the file, an index beside it tells which row each event was made of.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from testamur.badges.prepared_folder import INDEX
from testamur.catalogue.events import CredentialIssued, Event
from testamur.cli import reaching
from testamur.cli.comparing import compare
from testamur.cli.files import read
from testamur.cli.flags import can_be_mended, tell_of_flags
from testamur.cli.key_folder import KeyFolder
from testamur.cli.outcome import described
from testamur.cli.signer import Signer
from testamur.cli.terminal import note, show_json, show_table
from testamur.errors import Refusal, Refusals, Unavailable
from testamur.http.check_report import CheckReport

MAX_INDEX: Final = 64 * 1024 * 1024
"""Bytes of the index of a prepared folder."""


def is_submission(data: bytes) -> bool:
    """Return whether line 1 is no event, and so ought to be the header of a submission."""
    return not data.lstrip().startswith(b"{")


def lines_of(data: bytes) -> list[bytes]:
    """Return the events of a file of events, or those of a submission."""
    # With its own line 1 the registry could submit what it is asked to try.
    return (data.partition(b"\n")[2] if is_submission(data) else data)[:-1].split(b"\n")


class Checked(NamedTuple):
    """What is wrong with a file, by its own lines, and what a registry made of it.

    `rows` names what the events on some of these lines were made of, such as "cohort.csv row 7".
    """

    refusals: Refusals
    tried: CheckReport | None
    rows: Mapping[int, str]

    def holds(self, *, accept_flags: bool) -> bool:
        """Return whether the events may be signed, and with which flags."""
        flags = () if self.tried is None else self.tried.flags
        return not self.refusals and (accept_flags or not any(map(can_be_mended, flags)))

    def place(self, line: int) -> str:
        """Return where a person finds what is on a line."""
        row = self.rows.get(line)
        return f"line {line}" if row is None else f"line {line} ({row})"


def of_form(refusals: Refusals) -> Checked:
    """Return what is wrong with the form of a file, of which nobody else was asked."""
    return Checked(refusals, None, {})


def against_the_log(
    file: Path,
    data: bytes,
    events: Sequence[Event],
    url: str,
    signer: Signer,
    folder: KeyFolder | None,
    log: str | None,
) -> Checked:
    """Return what the log says against a file whose form is good."""
    lines = lines_of(data)
    found = compare(file, lines, events, url=url, signer=signer, folder=folder, log=log)
    refusals = [each.refusal() for each in found.tried.refusals]
    for line, event in enumerate(events, 2):
        if isinstance(event, CredentialIssued) and event.credential in found.refused:
            refusals += [each.at(line) for each in found.refused[event.credential]]
    listed = Refusals(sorted(refusals, key=lambda refusal: refusal.line or 0))
    listed.left_off += found.tried.left_off
    told = {each.line for each in listed} | {each.first_line for each in found.tried.flags}
    rows = _rows(file, events, told)
    if is_submission(data):
        return Checked(listed, found.tried, rows)
    for each in listed:
        above(each)
    rows = {line - 1: row for line, row in rows.items()}
    return Checked(listed, _without_header(found.tried), rows)


def _rows(file: Path, events: Sequence[Event], lines: Collection[int | None]) -> dict[int, str]:
    """Return what the issuances on these lines were made of, by the index beside their file."""
    names = {
        event.credential: line
        for line, event in enumerate(events, 2)
        if line in lines and isinstance(event, CredentialIssued)
    }
    index = file.parent / INDEX
    if not names or not index.is_file():
        return {}
    try:
        rows = csv.DictReader(io.StringIO(read(index, MAX_INDEX).decode("utf-8-sig"), newline=""))
        pairs = [(row.get("credential"), row.get("source")) for row in rows]
    except (UnicodeDecodeError, csv.Error, Unavailable):
        return {}  # it helps a person to find the row, and nothing rests on it
    return {names[name]: source for name, source in pairs if name in names and source}


def tell(file: Path, checked: Checked, *, json: bool) -> None:
    if json:
        listed = [_described(checked, each) for each in checked.refusals]
        left_off, tried = checked.refusals.left_off, msgspec.to_builtins(checked.tried)
        show_json({"file": str(file), "refusals": listed, "leftOff": left_off, "registry": tried})
    else:
        _show(file, checked)


def _described(checked: Checked, refusal: Refusal) -> dict[str, Any]:
    row = None if refusal.line is None else checked.rows.get(refusal.line)
    return described(refusal) | ({} if row is None else {"source": row})


def _show(file: Path, checked: Checked) -> None:
    refusals, tried = checked.refusals, checked.tried
    if refusals:
        rows = [[_at(checked, each), each.rule, each.detail, each.value or ""] for each in refusals]
        show_table(["line", "rule", "why", "found"], rows)
        if refusals.left_off:
            note(f"... and {refusals.left_off:,} more, which are not listed: mend these first")
    tell_of_flags(tried.flags if tried else (), checked.place)
    if tried is not None and tried.reach is not None:
        note(f"This {reaching.would(tried.reach)}.")
    by_whom = f"by the registry, at {tried.size:,} entries" if tried else "for its form"
    no_flags = ", no flags" if tried is not None and not tried.flags else ""
    verdict = f"{refusals.total:,} refused" if refusals else f"nothing refused{no_flags}"
    note(f"{file}: {verdict} {by_whom}")
    if tried is not None and any(map(can_be_mended, tried.flags)):
        note(
            "You can mend flags of these events: do it before they are signed, or leave them so: "
            "--accept-flags",
            "yellow",
        )


def _at(checked: Checked, refusal: Refusal) -> str:
    return "" if refusal.line is None else checked.place(refusal.line).removeprefix("line ")


def above(refusal: Refusal) -> Refusal:
    """Return the refusal with its line in a file without a header."""
    if refusal.line is not None:
        refusal.line -= 1
    return refusal


def _without_header(tried: CheckReport) -> CheckReport:
    flags = tuple(
        msgspec.structs.replace(each, first_line=each.first_line - 1) for each in tried.flags
    )
    refusals = tuple(
        each if each.line is None else msgspec.structs.replace(each, line=each.line - 1)
        for each in tried.refusals
    )
    return msgspec.structs.replace(tried, flags=flags, refusals=refusals)
