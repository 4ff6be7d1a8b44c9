"""The folder of a cohort's pages: a folder for each learner, and one sheet for the mail merge.

A learner's folder is named by the id of the credential, since names may be alike, of any length
and of any letters. It appears whole or not at all, so a run that was cut off is taken up again, and
what is finished is kept. All of it is personal data, readable by its owner alone. A folder of
another cohort, of another register or of somebody else is never written into.
"""

from __future__ import annotations

import csv
import hashlib
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from testamur.errors import Refusal, Unavailable
from testamur.files import is_there, read_text_file
from testamur.formulas import UTF8_MARK, inert

SHEET: Final = "mail-merge.csv"
SETTINGS: Final = "pages.json"
PERSONAL: Final = "personal data: each row is for its learner alone"
"""Heads the last column of the sheet, which is empty."""
_MAX_SETTINGS: Final = 4096
_RULE: Final = "pages-folder"


class Settings(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="testamur/pages/1"):
    """What all pages of a folder have in common; `cohort` is a digest of the ids."""

    cohort: str
    register: str
    linkedin: str | None
    pdf: bool


def digest_of(credentials: Iterable[str]) -> str:
    """Return what stands for a cohort, whatever the order."""
    return hashlib.sha256("\n".join(sorted(credentials)).encode()).hexdigest()


class PagesFolder:
    """A folder that pages are written into, new or of the same cohort."""

    def __init__(self, path: Path, settings: Settings, files: Sequence[str]) -> None:
        """Make the folder, or take it up; `files` are the names of those of each learner.

        Raises `Refusal` (`pages-folder`), and `Unavailable` if it cannot be written.
        """
        self.path, self._files = path, files
        wanted = msgspec.json.format(msgspec.json.encode(settings)) + b"\n"
        if is_there(path):
            _check(path, wanted)
            return
        try:
            path.mkdir(mode=0o700, parents=True)
        except OSError as error:
            raise Unavailable(f"{path} cannot be written: {error.strerror}") from error
        _write(path / SETTINGS, wanted)

    def has(self, credential: str) -> bool:
        """Return whether all files of a learner are there, from this run or an earlier one."""
        folder = self.path / credential
        return not folder.is_symlink() and all((folder / name).is_file() for name in self._files)

    def add(self, credential: str, files: Mapping[str, bytes]) -> None:
        """Write the files of a learner, durably; raises `Unavailable` if that cannot be done."""
        hidden, folder = self.path / f".{credential}.new", self.path / credential
        try:
            # Left over by a run that was cut off here. What stands in the place of a learner's
            # folder without being one is not ours to remove: the rename fails.
            shutil.rmtree(hidden, ignore_errors=True)
            hidden.mkdir(mode=0o700)
            for name in self._files:
                _write(hidden / name, files[name])
            hidden.rename(folder)
        except OSError as error:
            raise Unavailable(f"{folder} cannot be written: {error.strerror}") from error

    def write_sheet(self, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Put the sheet in the place of an earlier one, whole; its cells are no formulas."""
        hidden = self.path / f".{SHEET}.new"
        try:
            hidden.unlink(missing_ok=True)
            with os.fdopen(_opened(hidden), "w", encoding="utf-8", newline="") as file:
                file.write(UTF8_MARK)
                table = csv.writer(file)
                table.writerow([*columns, PERSONAL])
                table.writerows([*map(inert, row), ""] for row in rows)
                file.flush()
                os.fsync(file.fileno())
            hidden.replace(self.path / SHEET)
        except OSError as error:
            raise Unavailable(f"{self.path / SHEET} cannot be written: {error.strerror}") from error


def _check(path: Path, wanted: bytes) -> None:
    settings = path / SETTINGS
    if path.is_symlink() or not path.is_dir() or not settings.is_file():
        raise Unavailable(f"{path} exists already, and nothing is overwritten")
    if read_text_file(settings, _MAX_SETTINGS) != wanted:
        raise Refusal(
            _RULE,
            f"{path} holds the pages of another cohort, or was made for another register or with "
            "other options; give a new folder as --out",
        )


def _write(path: Path, data: bytes) -> None:
    with os.fdopen(_opened(path), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _opened(path: Path) -> int:
    # O_EXCL: never over a file that is there; 0600: for the owner alone.
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    return os.open(path, flags, 0o600)
