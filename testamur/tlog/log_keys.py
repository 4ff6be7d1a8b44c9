"""Which keys sign for one log: the key that opened it, and those that took its place later.

A log keeps its origin when its key changes. From a day that it publishes both keys sign every
checkpoint, and later the new one alone. A verifier keeps the first key, which signed the genesis,
and adds the others. Nothing on the log says that a key is the log's: a verifier decides it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, TypeAlias

from testamur.errors import Unavailable, shown
from testamur.tlog.note import ED25519, MalformedKey, Note, VerifierKey

MAX_LOG_KEYS: Final = 64
"""A log that changes its key every year keeps to this for a lifetime."""


class UnknownLogKey(Unavailable):
    """The log's name is on a signature by a key that is not known here: nothing is known of it."""


@dataclass(frozen=True, slots=True)
class LogKeys:
    """The Ed25519 keys (type 1) of one log, at least one, the one that opened the log first.

    Raises `MalformedKey` when there is none, when two are the same key, when one is of another
    log or of another type, or when there are more than `MAX_LOG_KEYS`.
    """

    keys: tuple[VerifierKey, ...]

    def __post_init__(self) -> None:
        if not 1 <= len(self.keys) <= MAX_LOG_KEYS:
            raise MalformedKey(f"a log has 1 to {MAX_LOG_KEYS} keys, not {len(self.keys)}")
        publics = set[bytes]()
        ids = set[bytes]()
        for key in self.keys:
            if key.name != self.name:
                raise MalformedKey(
                    f"{shown(key.name)}+{key.key_id.hex()} is a key of another log than "
                    f"{shown(self.name)}"
                )
            if key.algorithm != ED25519:
                raise MalformedKey(f"{_named(key)} is of type 0x{key.algorithm:02x}, not 0x01")
            if key.public in publics:
                raise MalformedKey(f"{_named(key)} is listed twice")
            if key.key_id in ids:
                raise MalformedKey(f"two keys are both {_named(key)}")
            publics.add(key.public)
            ids.add(key.key_id)

    @classmethod
    def parse(cls, text: str) -> LogKeys:
        """Return the keys that a text spells, one verifier key a line, as `/log/vkey` serves it.

        Raises `MalformedKey`.
        """
        return cls(tuple(VerifierKey.parse(line) for line in text.removesuffix("\n").split("\n")))

    def render(self) -> str:
        """Return the text that `parse` reads."""
        return "".join(f"{key}\n" for key in self.keys)

    @property
    def first(self) -> VerifierKey:
        """The key that opened the log."""
        return self.keys[0]

    @property
    def name(self) -> str:
        """The log's origin."""
        return self.keys[0].name

    def __str__(self) -> str:
        return ", ".join(map(_named, self.keys))


LogKey: TypeAlias = VerifierKey | LogKeys
"""One key of a log that never changed it, or all of them."""


def log_keys(key: LogKey) -> LogKeys:
    """Return the keys of a log of which one or all are given."""
    return key if isinstance(key, LogKeys) else LogKeys((key,))


def unknown_key(note: Note, name: str, known: Iterable[VerifierKey]) -> UnknownLogKey | None:
    """Return the error of a note signed for the log `name`, and by none of its `known` keys.

    None if the name is on no signature. Such a line proves nothing, and it refutes nothing.
    """
    signers = [f"{line.name}+{line.key_id.hex()}" for line in note.signatures if line.name == name]
    if not signers:
        return None
    return UnknownLogKey(
        f"the checkpoint is signed by {shown(', '.join(signers))}, and the keys known of that log "
        f"are {', '.join(map(_named, known))}; if it has changed its key, add the line of the new "
        "one beside the first (it serves them all at /log/vkey), and compare it with another source"
    )


def _named(key: VerifierKey) -> str:
    return f"{key.name}+{key.key_id.hex()}"
