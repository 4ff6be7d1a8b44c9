"""Receipts: made from the log and never stored, so the same submission gets the same receipt."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from msgspec.structs import replace

from api.http.problems import Problem
from api.published import Published
from log.proofs import Proofs
from registry.gate import Gate
from registry.outcomes import Recorded
from testamur.catalogue.submission import Header, format_time, parse_submission_entry
from testamur.tlog.proof import TlogProof
from testamur.verification.receipt import Receipt, encode_path, flagged


class Counted(NamedTuple):
    """Whether a submission counted as of a size.

    The register of the gate is that of the last entry, so this is asked of the projections.
    """

    size: int
    counts: bool


class Receipts:
    """Makes receipts; `latest` returns the newest published checkpoint."""

    def __init__(self, gate: Gate, proofs: Proofs, latest: Callable[[], Published]) -> None:
        self._gate = gate
        self._proofs = proofs
        self._latest = latest

    def find(self, issuer: str, jti: str, then: Counted | None = None) -> Receipt:
        """Return the receipt of a submission recorded before; raises a 404 `Problem`.

        With `then`, it says whether the submission counted as of that size.
        """
        recorded = self._gate.receipt(issuer, jti)
        if recorded is None:
            raise Problem(404, "unknown-submission", f"{issuer} never submitted this", value=jti)
        entry = self.entry(recorded)
        found = self.make(parse_submission_entry(entry)[1].payload, entry, recorded)
        return found if then is None else replace(found, as_of=then.size, counts=then.counts)

    def entry(self, recorded: Recorded) -> bytes:
        """Return the submission entry as it was recorded."""
        (entry,), _ = self._gate.entries.read(recorded.position, 1)
        return entry

    def make(self, header: Header, entry: bytes, recorded: Recorded) -> Receipt:
        """Return the receipt in the furthest state that holds now."""
        proof, end_path = self._proof(recorded.position, recorded.position + recorded.events)
        return Receipt(
            format="testamur/receipt/1",
            state="durable" if proof is None else "published",
            log=header.aud,
            issuer=header.iss,
            jti=header.jti,
            position=recorded.position,
            events=recorded.events,
            recorded_at=format_time(recorded.recorded_at),
            entry=entry.decode(),
            flags=flagged(recorded.flags),
            reach=recorded.reach,
            repeated=recorded.repeated,
            counts=recorded.counts,
            proof=proof,
            end_path=end_path,
        )

    def _proof(self, position: int, end: int) -> tuple[str, tuple[str, ...]] | tuple[None, None]:
        """Return the proof of entry `position` and the path of entry `end`, if published."""
        latest = self._latest()
        if latest.size <= end:
            return None, None
        path = self._proofs.inclusion(position, latest.checkpoint)
        proof = TlogProof(position, tuple(path), latest.note).render().decode()
        return proof, encode_path(self._proofs.inclusion(end, latest.checkpoint))
