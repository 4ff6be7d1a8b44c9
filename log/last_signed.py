"""The contract of the last signed checkpoint, which keeps a log from signing two histories.

A checkpoint may leave only once it has replaced, in one durable step, the very one it extends. So
of two publishers that both extend the same checkpoint one fails, and the log never signs two
trees of which neither contains the other. The words MUST and MAY are used as in RFC 2119.
`sqlite.py` is the driver for a file, `postgres.py` that for a database.

It cannot detect that its own storage was restored from a backup: the publisher compares it with
the public checkpoint, and so must an operator before restoring it.
"""

from __future__ import annotations

from typing import Protocol

from testamur.errors import Refuted, Unavailable


class Overtaken(Refuted):
    """The note to be replaced is not the last one signed: another publisher is at work."""


class Claimed(Unavailable):
    """Another publisher holds the claim on the log."""


class SignedNote(Protocol):
    """The last signed note, as `fsck` reads it."""

    def get(self) -> bytes | None:
        """Return the last signed note byte for byte, None before the first.

        It MUST see every `compare_and_swap` that returned before, in any process. It MUST raise
        `Unavailable` when the storage cannot be read, and `FileDamage` (`last-signed`,
        `malformed`) when it holds something else than was written. A note that was lost MUST NOT
        be answered with None if the driver can tell: None lets a publisher begin a new log.
        """
        ...


class LastSignedStore(SignedNote, Protocol):
    """The last signed note, as a publisher replaces it. Threads may share one."""

    def compare_and_swap(self, old: bytes | None, new: bytes) -> None:
        """Put `new` in the place of `old`, and return once that is durable.

        Compare and replace MUST be one step (serializable) whatever other processes do, or two
        publishers could both sign. It MUST raise `Overtaken`, and change nothing, if the stored
        note is not `old`; a driver whose claims can be lost MUST also raise it if another
        publisher has claimed the log since. It MUST raise `Unavailable` when the storage fails;
        then either note MAY be the one stored, and the publisher asks with `get`. A driver MUST
        NOT retry after a lost answer: its own `new` would look like another's.
        """
        ...

    def claim(self) -> None:
        """Become the one publisher of this log until `release`, or until the process ends.

        It MUST raise `Claimed` while another holds the claim. Called again by its holder it
        MUST make sure that the claim still stands, or take it anew: a session may have been cut.
        Safety does not rest on it, which `compare_and_swap` sees to; it keeps two publishers from
        undoing each other's work. So a claim MAY expire when its holder does not respond.
        """
        ...

    def release(self) -> None:
        """Give up the claim, if it is held."""
        ...
