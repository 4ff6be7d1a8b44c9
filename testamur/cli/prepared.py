"""What became of a cohort or of badges: written whole or not at all, counted, and shown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from testamur.badges.addresses import has_capitals
from testamur.badges.cohort_csv import MAX_REFUSED, Award
from testamur.badges.prepare import Made, Refused
from testamur.badges.prepared_folder import ID, INDEX, NewFolder, new_folder
from testamur.badges.spreadsheet import UNREAD
from testamur.cli.comparing_prepared import Comparison
from testamur.cli.flags import can_be_mended, tell_of_registry
from testamur.cli.outcome import described
from testamur.cli.profile import to_type
from testamur.cli.terminal import note, show_fields, show_json, show_table
from testamur.errors import Refusal
from testamur.http.check_report import CheckReport

_LISTED: Final = 50
# From so many refusals with the same reason on, it is shown once.
_ALIKE: Final = 3


class Prepared(msgspec.Struct, kw_only=True):
    """What became of a source: how many credentials of which achievements, and what was refused.

    Of the `notes` the first `MAX_REFUSED` are kept. `tried` is what a registry made of the events,
    and `sources` names what is on the lines that it tells of. `unnamed` are credentials whose
    learners could not be compared with those awarded before.
    """

    achievements: set[str] = msgspec.field(default_factory=set)
    count: int = 0
    noted: int = 0
    notes: list[tuple[str, str]] = msgspec.field(default_factory=list)
    refused: list[Refused] = msgspec.field(default_factory=list)
    tried: CheckReport | None = None
    sources: dict[int, str] = msgspec.field(default_factory=dict)
    unnamed: int = 0
    written: bool = False

    @property
    def mendable(self) -> bool:
        """Whether the events would have flags that their sender can mend."""
        return self.tried is not None and any(map(can_be_mended, self.tried.flags))

    def made(self, *, partial: bool) -> bool:
        """Return whether something may be written: all of it, or with `partial` a part."""
        unread = any(why.rule == UNREAD for _, why in self.refused)
        return bool(self.count) and not unread and (partial or not self.refused)

    def add(self, made: Made | Award | Refused) -> None:
        """Count what was made or could be, and keep what was refused."""
        if isinstance(made, tuple):
            self.refused.append(made)
            return
        self.count += 1
        if isinstance(made, Award):
            self.achievements.add(made.offering.achievement)
            return
        self.achievements.add(made.event.achievement)
        if made.note is not None:
            self.noted += 1
            if len(self.notes) < MAX_REFUSED:
                self.notes.append((made.source, made.note))


def write_made(
    made: Iterable[Made | Award | Refused],
    out: Path,
    compared: Comparison | None = None,
    *,
    partial: bool,
    accept_flags: bool = False,
) -> Prepared:
    """Write what is made into the new folder, or nothing if anything is refused.

    With `partial` what is made is written beside refusals, unless the source was not read to its
    end. What was `compared` with the log is refused for that, too, and for flags that can be mended
    unless they are accepted.
    """
    prepared = Prepared()
    with new_folder(out) as folder:
        for each in made:
            prepared.add(each)
            if prepared.refused and not partial:
                folder.discard()
            elif isinstance(each, Made):
                folder.add(each)
                if compared is not None:
                    compared.take(each)
        if compared is not None and prepared.made(partial=partial):
            _compare(prepared, folder, compared)
        if prepared.made(partial=partial) and (accept_flags or not prepared.mendable):
            if compared is not None:
                # If we stop between these two, credentials are remembered that nobody gets.
                compared.remember()
            folder.finish()
            prepared.written = True
    return prepared


def _compare(prepared: Prepared, folder: NewFolder, compared: Comparison) -> None:
    """Take out of the folder what the log or the ledger speaks against."""
    events = folder.events() if compared.asks else []
    found = compared.found(events)
    flags = () if found.tried is None else found.tried.flags
    # A registry may name lines that are none.
    lines = {each.first_line for each in flags if 2 <= each.first_line < len(events) + 2}
    names = {line: events[line - 2][:ID].decode() for line in lines}
    sources = folder.sources({*found.refused, *names.values()})
    prepared.tried, prepared.unnamed = found.tried, compared.unnamed
    prepared.sources = {line: sources[name] for line, name in names.items()}
    for name, refusals in found.refused.items():
        prepared.refused += [(sources[name], refusal) for refusal in refusals]
    if found.unread is not None:
        prepared.refused.append(("the registry", found.unread))
    prepared.count -= len(found.refused)
    folder.drop(found.refused)


class Capitals:
    """Addresses that not everybody types alike, noticed as their awards pass by."""

    def __init__(self) -> None:
        self._count, self._first = 0, ""

    def noticed(self, awards: Iterable[Award]) -> Iterator[Award]:
        """Pass the awards on."""
        for award in awards:
            if award.learner and has_capitals(award.learner):
                self._count += 1
                self._first = self._first or f"row {award.row} ({award.learner})"
            yield award

    def warning(self) -> str | None:
        """Return what to look at, if there is anything."""
        if not self._count:
            return None
        return (
            f"{self._count:,} of the addresses have capitals before the @, the first in "
            f"{self._first}: a credential opens to this spelling alone, so write small letters if "
            "the learner does"
        )


def show(prepared: Prepared, warning: str | None, out: Path | None, *, json: bool) -> None:
    """Print how many were prepared, and what was refused; `out` is where they were written."""
    counts = {
        "prepared": prepared.count,
        "refused": len({where for where, _ in prepared.refused}),
        "proofs not examined": prepared.noted,
        "achievements": len(prepared.achievements),
        "written to": None if out is None else str(out),
    }
    if json:
        refused = [{"source": where, **described(why)} for where, why in prepared.refused]
        notes = [{"source": where, "detail": why} for where, why in prepared.notes]
        warnings = [] if warning is None else [warning]
        told = {"refused": refused, "notes": notes, "warnings": warnings}
        show_json({**counts, **told, "flags": _flags(prepared)})
        return
    if prepared.refused:
        rows = _alike(prepared)
        show_table(["source", "rule", "why", "found"], rows[:_LISTED])
        if len(rows) > _LISTED:
            note(f"... and {len(rows) - _LISTED:,} more; --json lists them all")
    for where, each in prepared.refused:
        if each.rule == UNREAD:
            note(f"{where}: {each.detail}", "yellow")
    for where, why in prepared.notes[:_LISTED]:
        note(f"{where}: {why}")
    if warning is not None:
        note(warning, "yellow")
    _tell_of_comparison(prepared)
    show_fields(counts)
    if out is None and prepared.mendable and prepared.made(partial=False):
        note(
            "Nothing was written, since you can mend flags. Leave them so: --accept-flags", "yellow"
        )
    elif out is None:
        note("Nothing was written.", "yellow")
    else:
        note(f"{out / INDEX} says whose each credential is: personal data, which stays with you")
        note(f"Next: testamur sign {out}/events.ndjson{to_type('keys', 'log')} --out FILE")


def _tell_of_comparison(prepared: Prepared) -> None:
    if prepared.unnamed:
        note(
            f"{prepared.unnamed:,} credentials name their learner by a hash alone: nobody can tell "
            "whether these learners hold the achievement already"
        )
    tell_of_registry(prepared.tried, lambda line: prepared.sources.get(line, f"line {line}"))


def _flags(prepared: Prepared) -> list[dict[str, Any]]:
    """Return the flags, each with the source that it is on first."""
    flags = () if prepared.tried is None else prepared.tried.flags
    return [
        {**msgspec.to_builtins(each), "source": prepared.sources.get(each.first_line)}
        for each in flags
    ]


def _alike(prepared: Prepared) -> list[list[str]]:
    """Return the rows of the table of refusals: those with one reason are one row."""
    groups: dict[tuple[str, str], list[tuple[str, Refusal]]] = {}
    for where, why in prepared.refused:
        groups.setdefault((why.rule, why.detail), []).append((where, why))
    sources = len({where for where, _ in prepared.refused}) + prepared.count
    rows = []
    for group in groups.values():
        where, first = group[0]
        if len(group) < _ALIKE:
            rows += [[at, why.rule, why.detail, why.value or ""] for at, why in group]
            continue
        if len(group) == sources:
            where = f"all {len(group):,}, {where} first"
        else:
            where = f"{where} and {len(group) - 1:,} more"
        rows.append([where, first.rule, first.detail, first.value or ""])
    return rows
