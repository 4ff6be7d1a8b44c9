"""Which keys sign a checkpoint that is made now? Those in force on this day, each on a line.

A log keeps its origin when its key changes. On the days on which two keys are in force both sign
every checkpoint, so that readers may learn of the new one before it signs alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from testamur.errors import Unavailable
from testamur.tlog.note import Note, Signature, Signer, VerifierKey, check_text, parse_note


@dataclass(frozen=True, slots=True)
class DatedSigner:
    """A signer, and the days (UTC, included) between which it signs; None: no last day."""

    signer: Signer
    first_day: date
    last_day: date | None


class DatedSigners:
    """A `testamur.tlog.note.Signer` that signs with every key in force on the day.

    `verifier` is the key that opened the log, which may be in force no more. `today` tells the
    day (UTC).
    """

    def __init__(
        self, verifier: VerifierKey, signers: Sequence[DatedSigner], today: Callable[[], date]
    ) -> None:
        self.name = verifier.name
        self.verifier = verifier
        self._signers = signers
        self._today = today

    def sign(self, text: bytes) -> bytes:
        """Return a signature line for `text` by each key in force, newlines included.

        Each is compared with its public key first. Raises `BadSignature` when one does not hold,
        `MalformedNote`, and `Unavailable` when a key cannot be reached or none is in force.
        """
        check_text(text)
        day = self._today()
        lines = [
            _verified(each.signer, text)
            for each in self._signers
            if each.first_day <= day and (each.last_day is None or day <= each.last_day)
        ]
        if not lines:
            raise Unavailable(f"no key of {self.name} that is here signs on {day}: is that today?")
        return b"".join(lines)


def _verified(signer: Signer, text: bytes) -> bytes:
    # A device that computes wrongly, or another key than it says, is found before it is believed.
    line = signer.sign(text)
    note: Note = parse_note(text + b"\n" + line)
    for signature in note.signatures:
        _check(signer, text, signature)
    return line


def _check(signer: Signer, text: bytes, signature: Signature) -> None:
    if signature.key != (signer.name, signer.verifier.key_id):
        raise Unavailable(f"the signer of {signer.verifier} signed under another key")
    signer.verifier.verify(text, signature.blob)
