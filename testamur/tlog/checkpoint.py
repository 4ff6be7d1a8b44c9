"""Checkpoints: what a log commits to, as c2sp.org/tlog-checkpoint defines them.

`open_checkpoint` guarantees that the log's key signed this size and this root for this origin.
It does not show that every reader sees the same log: a quorum of witnesses does (`policy.py`).
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass

from testamur.errors import Refuted, shown
from testamur.tlog.log_keys import LogKey, log_keys, unknown_key
from testamur.tlog.merkle import HASH_SIZE
from testamur.tlog.note import (
    Note,
    Signer,
    Unsigned,
    check_text,
    open_note,
    parse_note,
    strict_base64,
)
from testamur.tlog.tiles import MAX_SIZE

_DECIMAL = re.compile("0|[1-9][0-9]{0,18}")


class MalformedCheckpoint(Refuted):
    """The text is not a checkpoint."""


class WrongOrigin(Refuted):
    """The checkpoint is another log's."""


def strict_decimal(text: str, most: int = MAX_SIZE) -> int:
    """Return the number that ASCII digits without a leading zero spell, at most `most`.

    Raises `Refuted` for anything else, such as the `1_000` and `+7` that `int` takes.
    """
    if not _DECIMAL.fullmatch(text) or int(text) > most:
        raise Refuted(f"not a decimal number from 0 to {most}: {shown(text)}")
    return int(text)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The tree of `size` leaves with the 32-byte `root`, of the log named `origin`.

    `extensions` are further lines, which the log signs and no proof covers; we write none.
    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for line in (self.origin, *self.extensions):
            if not line or "\n" in line:
                raise MalformedCheckpoint(f"not a line of a checkpoint: {shown(line)}")
        if not 0 <= self.size <= MAX_SIZE:
            raise MalformedCheckpoint(f"a tree cannot have {self.size} leaves")
        if len(self.root) != HASH_SIZE:
            raise MalformedCheckpoint(f"a root has {HASH_SIZE} bytes, not {len(self.root)}")

    @classmethod
    def parse(cls, text: bytes) -> Checkpoint:
        """Return the checkpoint that the text of a note spells.

        Raises `MalformedCheckpoint` if it spells none, or spells one in another way than `render`.
        """
        try:
            check_text(text)
            lines = text.decode()[:-1].split("\n")
            if len(lines) < 3:
                raise MalformedCheckpoint(f"{len(lines)} lines are no origin, size and root")
            size, root = strict_decimal(lines[1]), strict_base64(lines[2])
        except Refuted as error:
            raise MalformedCheckpoint(f"checkpoint: {error}") from None
        parsed = cls(lines[0], size, root, tuple(lines[3:]))
        if parsed.render() != text:
            raise MalformedCheckpoint(f"not the canonical text of a checkpoint: {shown(text)}")
        return parsed

    def render(self) -> bytes:
        """Return the text that is signed, its last newline included."""
        root = base64.b64encode(self.root).decode("ascii")
        lines = (self.origin, str(self.size), root, *self.extensions)
        return "".join(f"{line}\n" for line in lines).encode()


def open_checkpoint(data: bytes, log_key: LogKey) -> tuple[Checkpoint, Note]:
    """Return the checkpoint that a key of the log signed, and its note.

    Every line that names one of the keys must hold. Raises `Refuted`: `MalformedNote` or
    `MalformedCheckpoint`, `BadSignature` or `Unsigned`, and `WrongOrigin` when the text names
    another log than the keys do. Raises `UnknownLogKey` (an `Unavailable`) when the log's name is
    on signatures by other keys alone: the log may have changed its key.
    """
    known = log_keys(log_key)
    try:
        note = open_note(data, known.keys)
    except Unsigned as unsigned:
        raise unknown_key(parse_note(data), known.name, known.keys) or unsigned from None
    checkpoint = Checkpoint.parse(note.text)
    if checkpoint.origin != known.name:
        raise WrongOrigin(
            f"the checkpoint is of {shown(checkpoint.origin)}, the key of {shown(known.name)}"
        )
    return checkpoint, note


def sign_checkpoint(checkpoint: Checkpoint, signer: Signer) -> bytes:
    """Return the signed note. The caller vouches that it extends the last one signed.

    Raises `WrongOrigin` when the key is not the log's own, `MalformedNote` when the origin or an
    extension holds a character that no note may hold, and what the signer raises.
    """
    if checkpoint.origin != signer.name:
        raise WrongOrigin(
            f"the key of {shown(signer.name)} must not sign for {shown(checkpoint.origin)}"
        )
    text = checkpoint.render()
    return text + b"\n" + signer.sign(text)
