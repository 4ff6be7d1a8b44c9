"""A certificate keeps every rule of PDF/A-3, levels A and B, as veraPDF judges it."""

from __future__ import annotations

import io
from pathlib import Path

import msgspec
import pikepdf
import pytest

from testamur.badges.commitment import HolderFile, render_holder_file
from testamur.pages.addresses import Addresses, qr_png
from testamur.pages.certificate import certificate_pdf
from testamur.pages.facts import Facts
from testamur.pages.picture import badge_svg
from tests.harness.verapdf import broken_rules

pytestmark = [pytest.mark.verapdf, pytest.mark.usefixtures("pango")]
OUTCOMES = tuple(f"Outcome {number}, which takes a line of its own" for number in range(40))


def changes() -> dict[str, dict[str, object]]:
    """Return what is changed of the facts, by the name of a certificate."""
    return {
        "plain": {},
        "nameless": {"learner": None},
        "arabic": {"title": "علوم التربة", "learner": "عبد الله بن مسعود"},
        "long": {"title": "W" * 500, "learner": "Ada " * 50, "issuer": "M" * 500},
        "many-pages": {"outcomes": OUTCOMES * 3, "lines": (("Assessment", "quiz " * 200),)},
        "markup": {"title": "<b>&amp;</b> ]]>", "issuer": '"><x>', "learner": "a\u0301 \ufb01 ß"},
    }


def test_each_certificate_is_an_archive(
    facts: Facts, addresses: Addresses, holder: HolderFile, tmp_path: Path
) -> None:
    files = []
    for name, changed in changes().items():
        odd = msgspec.structs.replace(facts, **changed)
        pdf = certificate_pdf(
            odd,
            picture=badge_svg(odd).encode(),
            code=qr_png(addresses.shared),
            addresses=addresses,
            holder=render_holder_file(holder),
            evidence=b'{"format":"testamur/evidence/1"}\n' * 100,
        )
        (tmp_path / name).write_bytes(pdf)
        files.append(tmp_path / name)
    for flavour in ("3a", "3b"):
        assert broken_rules(flavour, files) == {name: [] for name in changes()}


def test_the_judge_finds_what_is_wrong(
    facts: Facts, addresses: Addresses, holder: HolderFile, tmp_path: Path
) -> None:
    pdf = certificate_pdf(
        facts,
        picture=badge_svg(facts).encode(),
        code=qr_png(addresses.shared),
        addresses=addresses,
        holder=render_holder_file(holder),
        evidence=b"{}",
    )
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        del opened.Root.OutputIntents
        opened.save(tmp_path / "bent")
    assert broken_rules("3b", [tmp_path / "bent"])["bent"]
