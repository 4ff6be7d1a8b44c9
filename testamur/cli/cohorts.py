"""Whose credentials is a command given: those of a folder of `prepare`, or of holder files.

Ids name files later, so an id is one only if it has the form of one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from testamur.badges.commitment import HolderFile
from testamur.badges.identities import check_learner, read_asked
from testamur.badges.prepared_folder import HOLDERS, INDEX
from testamur.cli.files import naming
from testamur.cli.given_files import MAX_FILES, GivenFile, files_meant
from testamur.cli.prepared_index import index_rows
from testamur.cli.values import is_id
from testamur.errors import Refusal, Refuted, Unavailable

_RULE: Final = "cohort-index"


class Award(NamedTuple):
    """A credential of a cohort: its id and file, and what the index says of it, "" without one."""

    credential: str
    file: GivenFile
    learner: str = ""
    row: str = ""

    def holder(self) -> HolderFile:
        """Return the holder file, if it is the one that the index means.

        Raises `Refusal` (`cohort-index`), and `Unavailable` for a file that cannot be read.
        """
        found = self.file.holder()
        with naming(self.file.path):
            if found.id != self.credential:
                raise Refusal(_RULE, f"holds not {self.credential} but", value=found.id)
            self._check_learner(found)
        return found

    def _check_learner(self, holder: HolderFile) -> None:
        """Refuse a credential that names somebody else: it would be mailed to a stranger."""
        if not self.learner:
            return
        # The index has an apostrophe before whatever a spreadsheet would run.
        spellings = (self.learner, self.learner.removeprefix("'"), self.learner.replace("'", ""))
        if not any(_may_be(holder, each) for each in spellings):
            raise Refusal(_RULE, "names another learner than the index does", value=self.learner)


def awards_in(given: Sequence[Path]) -> list[Award]:
    """Return the awards that are meant, in the order of the spreadsheet if there is an index.

    Raises `Refusal` (`cohort-index`) for an index of another form, and for a credential that is
    there twice.
    """
    index = given[0] / INDEX
    found = list(_indexed(given[0]) if len(given) == 1 and index.is_file() else _files(given))
    if not found:
        raise Refusal(_RULE, f"{given[0]} holds no credential")
    seen: set[str] = set()
    for each in found:
        if each.credential in seen:
            raise Refusal(_RULE, f"{given[0]} holds a credential twice", value=each.credential)
        seen.add(each.credential)
    return found


def _indexed(folder: Path) -> Iterator[Award]:
    with naming(folder / INDEX) as index:
        for number, row in enumerate(index_rows(index, _RULE)):
            credential = row.get("credential") or ""
            if not is_id(credential):
                raise Refusal(_RULE, "column credential: is not an id", value=credential)
            if number >= MAX_FILES:
                raise Refusal(_RULE, f"has more than {MAX_FILES:,} rows")
            file = GivenFile(folder / HOLDERS / f"{credential}.json", in_folder=True)
            yield Award(credential, file, row.get("learner") or "", row.get("row") or "")


def _files(given: Sequence[Path]) -> Iterator[Award]:
    return (Award(file.credential(), file) for file in files_meant(given).credentials)


def _may_be(holder: HolderFile, learner: str) -> bool:
    """Return whether a credential does not name another learner than this one."""
    try:
        asked = read_asked(learner, or_name=False)
    except Refusal:
        return True  # taken as it was written, and of no kind that can be compared
    try:
        check_learner(holder.credential, asked)
    except Unavailable:
        return True
    except Refuted:
        return False
    return True
