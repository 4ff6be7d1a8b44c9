"""What holders and verifiers have."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from testamur.badges import blockcert_receipts, data_integrity
from testamur.badges.baked import bake
from testamur.badges.blockcerts import read_credential
from testamur.badges.commitment import read_holder_file, render_holder_file
from testamur.badges.holder_link import holder_link, read_holder_link
from testamur.badges.openbadges import parse_credential, read_badge
from testamur.badges.sources import read_sources
from testamur.cli.evidence_sources import read_evidence
from testamur.cli.files import read_holder
from testamur.errors import Refuted
from testamur.verification.evidence import parse_evidence, render_evidence
from testamur.verification.receipt import parse_receipt, verify_receipt
from testamur.verification.trust.anchors import parse_anchor
from testamur.verification.verify import verify
from tests.fuzz import samples
from tests.fuzz.row import Row, as_file, as_line, as_text, texts
from tests.harness.story import NOW


def _evidence(data: bytes) -> Any:
    """Read a file that ends in a newline: without it there is a second spelling."""
    if not data.endswith(b"\n"):
        raise Refuted("not tried here")
    return parse_evidence(data)


def _verified(data: bytes) -> Any:
    found = samples.log()
    return verify(
        found.holder,
        parse_evidence(data),
        found.policy,
        anchors=[found.story.authority.did],
        now=datetime.fromtimestamp(NOW + 90, UTC),
    )


def _holder_verified(data: bytes) -> Any:
    found = samples.log()
    return verify(
        read_holder_file(data),
        found.evidence,
        found.policy,
        anchors=[found.story.authority.did],
        now=datetime.fromtimestamp(NOW + 90, UTC),
    )


def _receipt_verified(data: bytes) -> Any:
    return verify_receipt(parse_receipt(data), samples.log().body, samples.log().policy)


def _badge(data: bytes) -> Any:
    return read_badge(parse_credential(data))


def _proofs(data: bytes) -> Any:
    return data_integrity.verify_proofs(parse_credential(data))


ROWS: Final = (
    Row(
        ("testamur.verification.evidence.parse_evidence",),
        _evidence,
        lambda: [samples.evidence()],
        render=render_evidence,
    ),
    Row(
        ("testamur.verification.verify.verify", "testamur.verification.tree.read_tree"),
        _verified,
        lambda: [samples.evidence()],
    ),
    Row(
        ("testamur.verification.verify.verify of a holder file",),
        _holder_verified,
        lambda: [samples.holder_file()],
    ),
    Row(
        ("testamur.cli.evidence_sources.read_evidence",),
        as_file(read_evidence),
        lambda: [samples.evidence()],
    ),
    Row(
        ("testamur.verification.receipt.parse_receipt",),
        parse_receipt,
        lambda: [samples.receipt()],
    ),
    Row(
        ("testamur.verification.receipt.verify_receipt",),
        _receipt_verified,
        lambda: [samples.receipt()],
    ),
    Row(
        ("testamur.verification.trust.anchors.parse_anchor",),
        as_text(parse_anchor),
        texts(samples.SECRET.public.did_key()),
        render=str.encode,
    ),
    Row(
        ("testamur.badges.commitment.read_holder_file",),
        read_holder_file,
        lambda: [samples.holder_file()],
    ),
    Row(
        ("testamur.badges.commitment.render_holder_file",),
        lambda data: render_holder_file(read_holder_file(data)),
        lambda: [samples.holder_file()],
        render=lambda text: render_holder_file(read_holder_file(text)),
    ),
    Row(
        ("testamur.badges.baked.unbaked",),
        read_holder_file,
        lambda: [bake(picture, samples.holder_file()) for picture in samples.PICTURES],
    ),
    Row(
        ("testamur.badges.holder_link.read_holder_link",),
        as_line(read_holder_link),
        lambda: [holder_link("https://register.example", samples.log().holder).encode()],
    ),
    Row(
        (
            "testamur.cli.files.read_holder",
            "testamur.cli.files.read",
            "testamur.files.read_text_file",
            "testamur.files.read_with_mode",
        ),
        as_file(read_holder),
        lambda: [samples.holder_file()],
    ),
    Row(
        ("testamur.badges.openbadges.parse_credential", "testamur.badges.openbadges.read_badge"),
        _badge,
        lambda: [samples.credential()],
    ),
    Row(
        ("testamur.badges.blockcerts.read_credential", "testamur.badges.openbadges.read_issuer"),
        lambda data: read_credential(parse_credential(data)),
        samples.blockcerts,
    ),
    Row(
        (
            "testamur.badges.blockcert_receipts.examine",
            "testamur.badges.inline_terms.read_contexts",
            "testamur.badges.merkle_proofs.read_2017",
            "testamur.badges.merkle_proofs.read_2019",
        ),
        lambda data: blockcert_receipts.examine(parse_credential(data)),
        samples.blockcerts,
    ),
    Row(
        ("testamur.badges.data_integrity.verify_proofs",),
        _proofs,
        lambda: [samples.credential()],
    ),
    Row(
        ("testamur.badges.sources.read_sources",),
        as_file(lambda path: list(read_sources(path)), "badges.ndjson"),
        lambda: [samples.credential() + b"\n" + samples.credential()],
    ),
)
