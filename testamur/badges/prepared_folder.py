"""The folder that `prepare` writes: events to be signed, holder files, and an index of these.

It appears whole or not at all, and is readable by its owner alone, since all but the events is
personal data. Nothing is ever overwritten. Holder files are written one after another, so that
memory does not grow with what is in them.
"""

from __future__ import annotations

import csv
import io
import os
import re
import shutil
import tempfile
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from itertools import compress
from pathlib import Path
from struct import Struct
from typing import Final, NamedTuple

from testamur.badges.commitment import render_holder_file
from testamur.badges.prepare import Made, Prepared
from testamur.catalogue.lines import decode_event, encode_event
from testamur.errors import Refusal, Unavailable
from testamur.formulas import UTF8_MARK, inert

EVENTS: Final = "events.ndjson"
INDEX: Final = "index.csv"
HOLDERS: Final = "holders"
PERSONAL: Final = "personal data: stays with the provider"
"""Heads the last column of the index, which is empty: a reader sees it first."""
_SOURCE: Final = "source"
_NAME: Final = "credential"
_COLUMNS: Final = ("row", "learner", _NAME, "holderFile", _SOURCE, PERSONAL)
_UNSORTED: Final = ".events"
_PLACE: Final = Struct(">QI")
ID: Final = 36
"""Bytes of an id."""


class _Events:
    """Events in a file as they come, and where each of them is."""

    def __init__(self, file: Path) -> None:
        self._file = file.open("x+b")
        # Each is behind its id, by which they are sorted.
        self._places: list[bytes] = []

    def __len__(self) -> int:
        return len(self._places)

    def add(self, id_: str, event: bytes) -> None:
        at = self._file.seek(0, os.SEEK_END)
        self._places.append(id_.encode() + _PLACE.pack(at, self._file.write(event + b"\n")))

    def in_order(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield the ids in their order, each with the event and its LF."""
        self._places.sort()
        for place in self._places:
            at, length = _PLACE.unpack(place[ID:])
            self._file.seek(at)
            yield place[:ID], self._file.read(length)

    def ids(self) -> Iterator[str]:
        return (place[:ID].decode() for place in self._places)

    def drop(self, ids: Collection[str]) -> None:
        self._places = [each for each in self._places if each[:ID].decode() not in ids]

    def close(self) -> None:
        self._file.close()


class _Begun(NamedTuple):
    """The hidden folder, and what was added to it so far."""

    hidden: Path
    events: _Events


class NewFolder:
    """A folder that is being written, under another name beside its final place."""

    def __init__(self, folder: Path) -> None:
        """Nothing is written yet. Raises `Refusal` (`output-exists`)."""
        if folder.exists() or folder.is_symlink():
            raise Refusal("output-exists", "the folder is there already", value=str(folder))
        self._folder = folder
        self._begun: _Begun | None = None
        self._index = [_row(*_COLUMNS)]

    def add(self, made: Made) -> None:
        """Write the holder file and the event, and remember the row of the index.

        Raises `Refusal` for an event that the register would refuse for its form.
        """
        hidden, events = self._begun or self._begin()
        event, name = encode_event(made.event), f"{HOLDERS}/{made.holder.id}.json"
        decode_event(event)
        _write(hidden / name, [render_holder_file(made.holder)])
        row = "" if made.row is None else str(made.row)
        # A file or a learner may be named like a formula, and the index is for spreadsheets.
        learner, source = inert(next(iter(made.learners), "")), inert(made.source)
        self._index.append(_row(row, learner, made.holder.id, name, source, ""))
        events.add(made.event.credential, event)

    def events(self) -> list[bytes]:
        """Return the events added, in the order of their ids: each its id, the event, and LF."""
        return [] if self._begun is None else [a + b for a, b in self._begun.events.in_order()]

    def sources(self, credentials: Collection[str]) -> dict[str, str]:
        """Return which source each of these credentials was made of, as the index names it."""
        rows = csv.DictReader(row.decode() for row in self._index)
        return {row[_NAME]: row[_SOURCE] for row in rows if row[_NAME] in credentials}

    def drop(self, credentials: Collection[str]) -> None:
        """Take out what was added of these credentials."""
        if self._begun is None or not credentials:
            return
        self._begun.events.drop(credentials)
        at = _COLUMNS.index(_NAME)
        cells = (next(csv.reader([row.decode()])) for row in self._index)
        kept = [row[at] not in credentials for row in cells]
        self._index = list(compress(self._index, kept))
        for name in credentials:
            (self._begun.hidden / HOLDERS / f"{name}.json").unlink()

    def finish(self) -> None:
        """Write the index, and the events in the order of their ids; give the folder its name.

        Raises `Refusal` (`output-empty`).
        """
        if self._begun is None or not self._begun.events:
            raise Refusal("output-empty", "there is nothing to write")
        hidden, events = self._begun
        _write(hidden / EVENTS, (event for _, event in events.in_order()))
        events.close()
        (hidden / _UNSORTED).unlink()
        _write(hidden / INDEX, [UTF8_MARK.encode(), *self._index])
        # All is written before anything is synced: three times as fast as one by one.
        for name in events.ids():
            _sync(hidden / HOLDERS / f"{name}.json")
        for name in (EVENTS, INDEX, HOLDERS, "."):
            _sync(hidden / name)
        # If we stop before this line, a hidden folder is left over and nothing else; after
        # it all is there. Blinds cannot be made again, so they must be on disk by then.
        hidden.rename(self._folder)
        self._begun = None
        _sync(self._folder.parent)

    def discard(self) -> None:
        """Remove what was written, unless it is finished."""
        if self._begun is not None:
            self._begun.events.close()
            shutil.rmtree(self._begun.hidden, ignore_errors=True)
            self._begun = None

    def _begin(self) -> _Begun:
        parent = self._folder.parent
        parent.mkdir(parents=True, exist_ok=True)
        # Beside its final place, so that the rename cannot cross file systems; mode 0700.
        hidden = Path(tempfile.mkdtemp(prefix=f".{self._folder.name}.", dir=parent))
        try:
            (hidden / HOLDERS).mkdir(mode=0o700)
            self._begun = _Begun(hidden, _Events(hidden / _UNSORTED))
        except OSError:
            shutil.rmtree(hidden, ignore_errors=True)
            raise
        return self._begun


def _row(*cells: str) -> bytes:
    row = io.StringIO(newline="")
    csv.writer(row).writerow(cells)
    return row.getvalue().encode()


@contextmanager
def new_folder(folder: Path) -> Iterator[NewFolder]:
    """Give a folder to add to, and remove what is in it unless it is finished.

    Raises `Refusal` (`output-exists`), and `Unavailable` when it cannot be written.
    """
    made = NewFolder(folder)
    try:
        yield made
    except OSError as error:
        raise Unavailable(f"{folder} cannot be written: {error.strerror}") from error
    finally:
        made.discard()


def write_prepared(prepared: Prepared, folder: Path, *, partial: bool = False) -> None:
    """Write `events.ndjson`, `holders/<credential id>.json` and `index.csv` into new `folder`.

    `events.ndjson` holds the lines 2 to n+1 of a submission. The index says which row and learner
    became which credential and holder file. Raises `Refusal`: `output-exists`; `output-partial`
    when something was refused and `partial` is not set, since preparing the rest again would issue
    the others twice; `output-empty`; and those of `decode_event`. Raises `Unavailable` when the
    folder cannot be written.
    """
    if prepared.refused and not partial:
        raise Refusal(
            "output-partial",
            f"{len(prepared.refused)} refused: mend them and prepare all anew, or ask for the rest",
        )
    with new_folder(folder) as made:
        for each in sorted(prepared.made, key=lambda each: by_number(each.source)):
            made.add(each)
        made.finish()


def by_number(text: str) -> list[tuple[int, str]]:
    """Return a key that puts row 9 before row 10."""
    parts = re.split(r"([0-9]{1,18})", text)
    return [(int(part), "") if i % 2 else (0, part) for i, part in enumerate(parts)]


def _write(path: Path, parts: Iterable[bytes]) -> None:
    # O_EXCL: never over a file that is there; 0600: for the owner alone.
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
        file.writelines(parts)


def _sync(path: Path) -> None:
    """Wait until a file, or a folder's list of names, is on disk."""
    if os.name == "nt":
        return  # Windows syncs neither folders nor what is open for reading
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
