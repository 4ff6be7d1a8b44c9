"""Offline proofs that an entry is in a log, as c2sp.org/tlog-proof defines them.

    c2sp.org/tlog-proof@v1
    extra <base64>              (optional, and not authenticated)
    index <leaf index>
    <base64 hash>               (from the leaf's sibling up to the root's child; may be none)
    <empty line>
    <checkpoint with all its signatures>

`TlogProof.verify` guarantees that a leaf is at `index` in a tree that the policy believes. It does
not show that nothing happened in the log since, and `extra` is not authenticated.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass

from testamur.errors import Refuted, shown
from testamur.tlog.checkpoint import strict_decimal
from testamur.tlog.merkle import HASH_SIZE, verify_inclusion
from testamur.tlog.note import MAX_NOTE, strict_base64
from testamur.tlog.policy import Policy, Verified
from testamur.tlog.tiles import MAX_SIZE

HEADER = "c2sp.org/tlog-proof@v1"
FILE_ENDING = ".tlog-proof"
MAX_PROOF = 2 * MAX_NOTE  # bytes
MAX_PATH = 63  # hashes: no tree that a checkpoint can name is higher


class MalformedProof(Refuted):
    """The bytes are not a tlog-proof."""


@dataclass(frozen=True, slots=True)
class TlogProof:
    """Leaf `index`, the inclusion `path` of 32-byte hashes, and the bytes of a checkpoint.

    `extra` may help to rebuild the leaf, and must not be trusted for itself.
    """

    index: int
    path: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.index < MAX_SIZE:
            raise MalformedProof(f"no tree has a leaf {self.index}")
        if len(self.path) > MAX_PATH:
            raise MalformedProof(f"a path of {len(self.path)} hashes is above {MAX_PATH}")
        for digest in self.path:
            if len(digest) != HASH_SIZE:
                raise MalformedProof(f"found a {len(digest)}-byte hash, need {HASH_SIZE}")
        if not self.checkpoint:
            raise MalformedProof("the checkpoint is missing")
        if self.extra == b"":
            raise MalformedProof("extra data without bytes must be left out")

    @classmethod
    def parse(cls, data: bytes) -> TlogProof:
        """Return the proof that `data` spells; raises `MalformedProof` if it spells none.

        The checkpoint is taken as it stands: `verify` judges it.
        """
        if len(data) > MAX_PROOF:
            raise MalformedProof(f"a proof of {len(data)} bytes is above {MAX_PROOF}")
        head, blank, checkpoint = data.partition(b"\n\n")
        if not blank:
            raise MalformedProof("an empty line must part the proof from the checkpoint")
        try:
            proof = _from_lines(head.decode("ascii").split("\n"), checkpoint)
        except UnicodeDecodeError as error:
            raise MalformedProof(f"byte {error.start} before the checkpoint is not ASCII") from None
        except Refuted as error:
            raise MalformedProof(f"proof: {error}") from None
        if proof.render() != data:
            raise MalformedProof("not the canonical text of a proof")
        return proof

    def render(self) -> bytes:
        """Return the bytes of the proof."""
        extra = [] if self.extra is None else [b"extra " + base64.b64encode(self.extra)]
        hashes = [base64.b64encode(digest) for digest in self.path]
        lines = [HEADER.encode(), *extra, b"index %d" % self.index, *hashes]
        return b"\n".join(lines) + b"\n\n" + self.checkpoint

    def verify(self, leaf: bytes, policy: Policy) -> Verified:
        """Return the checkpoint that shows leaf hash `leaf` at `index` of a log of the policy.

        Raises `Refuted` or `Unavailable` as `Policy.check` does, and `InvalidProof`.
        """
        verified = policy.check(self.checkpoint)
        size, root = verified.checkpoint.size, verified.checkpoint.root
        verify_inclusion(self.index, size, leaf, self.path, root)
        return verified


def _from_lines(lines: list[str], checkpoint: bytes) -> TlogProof:
    if lines.pop(0) != HEADER:
        raise MalformedProof(f"the first line of a proof must be {HEADER}")
    extra = None
    if lines and lines[0].startswith("extra "):
        extra = strict_base64(lines.pop(0).removeprefix("extra "))
    if not lines or not lines[0].startswith("index "):
        raise MalformedProof(f"the index is missing: {shown(lines[:1])}")
    index = strict_decimal(lines.pop(0).removeprefix("index "))
    path = tuple(strict_base64(line) for line in lines[: MAX_PATH + 1])
    return TlogProof(index, path, checkpoint, extra)
