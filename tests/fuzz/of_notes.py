"""Notes, checkpoints, proofs, policies, tiles."""

from __future__ import annotations

from typing import Any, Final

from testamur.tlog.checkpoint import Checkpoint, open_checkpoint
from testamur.tlog.cosignature import Cosignature, verify_cosignature
from testamur.tlog.note import Signature, VerifierKey, open_note, parse_note
from testamur.tlog.policy import parse_policy
from testamur.tlog.proof import TlogProof
from testamur.tlog.reader import read_bundle
from testamur.tlog.tiles import RightEdge, encode_bundle, parse_path, read_tile
from tests.fuzz import samples
from tests.fuzz.row import Row, as_text, texts


def _edge(data: bytes) -> Any:
    files = samples.log().files
    path, _ = samples.tile()
    return RightEdge.load(len(samples.log().entries), lambda asked: data if asked == path else files[asked])  # noqa: E501 # fmt: skip


def _vkey() -> VerifierKey:
    return VerifierKey.parse(samples.log().vkey)


ROWS: Final = (
    Row(
        ("testamur.tlog.note.VerifierKey.parse",),
        as_text(VerifierKey.parse),
        lambda: [samples.log().vkey.encode(), str(samples.WITNESS.verifier).encode()],
        render=lambda key: str(key).encode(),
    ),
    Row(
        ("testamur.tlog.note.Signature.parse",),
        as_text(Signature.parse),
        lambda: samples.log().note.split(b"\n\n")[1].split(b"\n")[:-1],
        render=lambda one: one.render()[:-1],
    ),
    Row(
        ("testamur.tlog.note.parse_note",),
        parse_note,
        lambda: [samples.log().note],
        render=lambda note: note.render(),
    ),
    Row(
        ("testamur.tlog.note.open_note",),
        lambda data: open_note(data, [_vkey()]),
        lambda: [samples.log().note],
        render=lambda note: note.render(),
    ),
    Row(
        ("testamur.tlog.checkpoint.Checkpoint.parse",),
        Checkpoint.parse,
        lambda: [parse_note(samples.log().note).text],
        render=lambda found: found.render(),
    ),
    Row(
        ("testamur.tlog.checkpoint.open_checkpoint",),
        lambda data: open_checkpoint(data, _vkey()),
        lambda: [samples.log().note],
        render=lambda found: found[1].render(),
    ),
    Row(
        ("testamur.tlog.cosignature.Cosignature.parse",),
        lambda data: Cosignature.parse(data, samples.ALGORITHM),
        lambda: [samples.cosignature()],
        render=lambda one: one.render(),
    ),
    Row(
        ("testamur.tlog.cosignature.verify_cosignature",),
        lambda data: verify_cosignature(
            samples.WITNESS.verifier, parse_note(samples.log().note).text, data
        ),
        lambda: [samples.cosignature()],
    ),
    Row(
        ("testamur.tlog.policy.parse_policy",),
        parse_policy,
        lambda: [samples.log().policy_text],
    ),
    Row(
        ("testamur.tlog.policy.Policy.check",),
        lambda data: samples.log().policy.check(data),  # noqa: PLW0108  # made when it is needed
        lambda: [samples.log().note],
    ),
    Row(
        ("testamur.tlog.proof.TlogProof.parse",),
        TlogProof.parse,
        lambda: [samples.log().proof.render()],
        render=lambda proof: proof.render(),
    ),
    Row(
        ("testamur.tlog.tiles.parse_path",),
        as_text(parse_path),
        texts(
            "tile/0/x001/234.p/56", "tile/entries/000", "tile/3/000", "tile/entries/x123/456.p/7"
        ),
        render=lambda found: str(found).encode(),
    ),
    Row(
        ("testamur.tlog.tiles.decode_bundle", "testamur.tlog.reader.read_bundle"),
        lambda data: read_bundle(lambda _: data, 0, len(samples.log().entries)),
        lambda: [samples.bundle()[1]],
        render=encode_bundle,
    ),
    Row(
        ("testamur.tlog.tiles.read_tile",),
        lambda data: read_tile(lambda _: data, 0, 0, len(samples.log().entries)),
        lambda: [samples.tile()[1]],
        render=b"".join,
    ),
    Row(
        ("testamur.tlog.tiles.RightEdge.load",),
        _edge,
        lambda: [samples.tile()[1]],
    ),
)
