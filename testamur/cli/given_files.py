"""Which files are meant by the names and folders that a command is given?

A folder may be one that a stranger filled: links in it are not followed, hidden files are passed
over, and it is bounded. Each other file in it is named in the answer, whatever it is, so that
nobody takes a file that was passed over for one that was checked.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

from testamur.badges.commitment import HolderFile
from testamur.badges.prepared_folder import EVENTS, HOLDERS, INDEX, by_number
from testamur.cli.files import STDIN, read_holder
from testamur.cli.values import is_id, refuse_missing
from testamur.errors import Unavailable
from testamur.verification.evidence import FILE_ENDING

MAX_FILES: Final = 200_000
# What systems for the desktop leave in a folder.
_PASSED_OVER: Final = frozenset({"desktop.ini", "thumbs.db"})


class GivenId(NamedTuple):
    """A credential that was named by its id."""

    label: str

    def credential(self) -> str:
        """Return its id."""
        return self.label


class GivenFile(NamedTuple):
    """A file that was named, or that was found in a folder that was."""

    path: Path
    in_folder: bool

    @property
    def label(self) -> str:
        """Its name."""
        return str(self.path)

    def credential(self) -> str:
        """Return the id of the credential in it; raises `Refusal` and `Unavailable`."""
        return self.holder().id

    def holder(self) -> HolderFile:
        """Return the credential in it; raises `Refusal` and `Unavailable`."""
        self.refuse_link()
        return read_holder(self.path)

    def refuse_link(self) -> None:
        """Raise `Unavailable` for a symbolic link that nobody named."""
        if self.in_folder and self.path.is_symlink():
            raise Unavailable(
                f"{self.path} is a symbolic link, which is not followed in a folder; name it"
            )


Named: TypeAlias = GivenId | GivenFile
"""A credential, as it was named."""


class Meant(NamedTuple):
    """The files of credentials, and those of evidence, which their names tell apart."""

    credentials: list[GivenFile]
    evidence: list[GivenFile]

    def every(self) -> list[GivenFile]:
        """Return all of them, whatever their names say."""
        return [*self.credentials, *self.evidence]


def is_many(given: Sequence[Path]) -> bool:
    """Return whether more than one credential may be meant."""
    return len(given) != 1 or (given[0] != STDIN and given[0].is_dir())


def credentials_meant(given: Iterable[str]) -> list[Named]:
    """Return the credentials that ids, names of holder files and of folders mean."""
    found: list[Named] = []
    for text in given:
        if is_id(text):
            found.append(GivenId(text))
            continue
        refuse_missing(text)
        found += files_meant([Path(text)]).credentials
    return found


def files_meant(given: Iterable[Path]) -> Meant:
    """Return the files that were named and those in the folders that were, each once.

    Raises `Unavailable` for more than `MAX_FILES`, or a folder that cannot be read.
    """
    found = Meant([], [])
    for file in dict.fromkeys(each for path in given for each in _files(path)):
        kind = found.evidence if file.path.name.endswith(FILE_ENDING) else found.credentials
        kind.append(file)
        if len(kind) > MAX_FILES:
            raise Unavailable(f"more than {MAX_FILES:,} files were given")
    return found


def _files(path: Path) -> Iterator[GivenFile]:
    if path == STDIN or not path.is_dir():
        yield GivenFile(path, in_folder=False)
        return
    found = False
    for each in _walk(path):
        found = True
        yield GivenFile(each, in_folder=True)
    if not found:
        raise Unavailable(f"{path} holds no file")


def _walk(folder: Path) -> Iterator[Path]:
    for place, folders, files in os.walk(folder, onerror=_unreadable, followlinks=False):
        if HOLDERS in folders and EVENTS in files:
            # What `prepare` writes beside its holder files is no credential. Anybody can make
            # a folder look like one of its: so what else is in there is not passed over.
            files[:] = [name for name in files if name not in (EVENTS, INDEX)]
        folders[:] = sorted((name for name in folders if not _hidden(name)), key=by_number)
        links = [name for name in folders if Path(place, name).is_symlink()]
        for name in sorted(files + links, key=by_number):
            if not _hidden(name):
                yield Path(place, name)


def _hidden(name: str) -> bool:
    return name.startswith(".") or name.casefold() in _PASSED_OVER


def _unreadable(error: OSError) -> None:
    raise Unavailable(f"{error.filename} cannot be read: {error.strerror}") from error
