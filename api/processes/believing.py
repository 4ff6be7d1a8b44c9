"""Which checkpoint among the files of a log is believed, by a process that did not publish it?

A thief who can write these files may hold a key that the log used once. So a signature alone does
not do: no tree is believed that is larger than the one signed last, as the database has it, nor
another one. A signature by a key of these days, or the tiles, show that a smaller tree is part
of that.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

from api.log_keys.listed import KeyList
from api.log_keys.private import today
from log.last_signed import SignedNote
from log.store import CHECKPOINT, FileDamage, Files
from testamur.errors import Refuted
from testamur.tlog.checkpoint import Checkpoint, open_checkpoint
from testamur.tlog.log_keys import LogKeys, UnknownLogKey
from testamur.tlog.merkle import InvalidProof, prove_consistency, verify_consistency
from testamur.tlog.tiles import TileHashes


class Judge:
    """Opens checkpoints that lie among `files`. `signed` is asked for the one signed last."""

    def __init__(
        self,
        files: Files,
        keys: KeyList,
        signed: SignedNote,
        *,
        today: Callable[[], date] = today,
    ) -> None:
        self._files = files
        self._keys = keys
        self._signed = signed
        self._today = today

    def open(self, note: bytes) -> Checkpoint:
        """Return the checkpoint in `note`, which was read from the files just now.

        Raises `Refuted`: `FileDamage` if it is not of the log that the database signs, else what
        `open_checkpoint` raises; and `Unavailable` if the database or a tile cannot be read.
        """
        found = open_checkpoint(note, self._keys.keys)[0]
        # Read later than the file, and signed before it was public: never the older one.
        signed = self._signed.get()
        if signed == note:
            return found
        if signed is None:
            raise _damage(f"{found.size} entries are published, and the database signed none")
        last = open_checkpoint(signed, self._keys.keys)[0]
        if found.size > last.size:
            raise _damage(
                f"{found.size} entries are published, and {last.size} were signed last: the "
                "database was set back, or another one holds a key of this log"
            )
        if found.size == last.size:
            if found != last:
                raise _damage(f"of {found.size} entries another tree was signed last")
        elif not self._is_of_these_days(note):
            self._check_part(found, last)
        return found

    def _is_of_these_days(self, note: bytes) -> bool:
        """Return whether a key signed that is in force today, or was yesterday."""
        day = self._today()
        days = (day, day - timedelta(days=1))
        keys = (line.key for line in self._keys.lines if any(map(line.in_force, days)))
        try:
            open_checkpoint(note, LogKeys(tuple(keys)))
        except UnknownLogKey:
            return False
        return True

    def _check_part(self, found: Checkpoint, last: Checkpoint) -> None:
        """Raise `FileDamage` unless the tree `last` extends `found`, by the tiles."""
        try:
            proof = prove_consistency(
                found.size, last.size, TileHashes(last.size, self._files.read)
            )
            verify_consistency(found.size, last.size, found.root, last.root, proof)
        except InvalidProof as error:
            raise _damage(
                f"a key signed its {found.size} entries that signs no more, and the {last.size} "
                f"that were signed last do not extend them: {error}"
            ) from None


def _damage(detail: str) -> Refuted:
    return FileDamage(CHECKPOINT, "another-tree", detail)
