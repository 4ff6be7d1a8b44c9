"""A certificate is PDF/A-3, carries its proof byte for byte, and is the same each time."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import msgspec
import pikepdf
import pytest
import zxingcpp

from testamur.badges.commitment import HolderFile, render_holder_file
from testamur.errors import Unavailable
from testamur.pages.addresses import Addresses, qr_png
from testamur.pages.certificate import NAMES, certificate_pdf
from testamur.pages.facts import Facts
from testamur.pages.picture import badge_svg
from tests.harness.http_registry import HttpRegistry
from tests.harness.published_log import opened_log
from tests.harness.story import Story

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("pango")]
EVIDENCE = b'{"format":"testamur/evidence/1"}\n\0\xff endstream >>'


def certificate(facts: Facts, addresses: Addresses, holder: HolderFile) -> bytes:
    return certificate_pdf(
        facts,
        picture=badge_svg(facts).encode(),
        code=qr_png(addresses.shared),
        addresses=addresses,
        holder=render_holder_file(holder),
        evidence=EVIDENCE,
    )


def opened(pdf: bytes) -> pikepdf.Pdf:
    return pikepdf.open(io.BytesIO(pdf))


def test_what_is_attached_comes_out_byte_for_byte(
    facts: Facts, addresses: Addresses, holder: HolderFile
) -> None:
    with opened(certificate(facts, addresses, holder)) as pdf:
        attached = {name: each.get_file().read_bytes() for name, each in pdf.attachments.items()}
        assert attached == {NAMES.holder: render_holder_file(holder), NAMES.evidence: EVIDENCE}
        associated: Any = pdf.Root.AF
        relations = {str(each.UF): str(each.AFRelationship) for each in associated}
    assert relations == {NAMES.holder: "/Source", NAMES.evidence: "/Supplement"}


def test_it_says_that_it_is_an_archive_and_what_it_is_about(
    facts: Facts, addresses: Addresses, holder: HolderFile
) -> None:
    with opened(certificate(facts, addresses, holder)) as pdf, pdf.open_metadata() as told:
        assert told.pdfa_status == "3A"
        assert told["dc:title"] == facts.title
        assert str(told["xmp:CreateDate"]).startswith("2026-11-20")
        assert str(pdf.Root.Lang) == "en"
        assert bool(pdf.Root.MarkInfo.Marked)


def test_it_runs_and_loads_nothing(facts: Facts, addresses: Addresses, holder: HolderFile) -> None:
    with opened(certificate(facts, addresses, holder)) as pdf:
        assert "/OpenAction" not in pdf.Root
        assert "/JavaScript" not in pdf.Root.Names
        actions = [each.A for page in pdf.pages for each in page.get("/Annots", []) if "/A" in each]
        assert {str(each.S) for each in actions} == {"/URI"}
        assert {str(each.URI) for each in actions} == {addresses.link}


def test_the_same_input_makes_the_same_bytes(
    facts: Facts, addresses: Addresses, holder: HolderFile
) -> None:
    first = certificate(facts, addresses, holder)
    assert certificate(facts, addresses, holder) == first
    assert (
        certificate(msgspec.structs.replace(facts, level="EQF level 7"), addresses, holder) != first
    )


@pytest.mark.parametrize(
    "name",
    [
        "عبد الله بن مسعود",
        "W" * 200,
        "<img src='https://evil.example/x.png'><link rel=attachment href='file:///etc/passwd'>",
        "<style>@import 'https://evil.example'</style>",
        "\U0001d49c\u0301 é ß ﬁ",
    ],
)
def test_a_name_of_any_kind_is_text_in_it(
    facts: Facts, addresses: Addresses, holder: HolderFile, name: str
) -> None:
    odd = msgspec.structs.replace(facts, learner=name, title=name, issuer=name)
    with opened(certificate(odd, addresses, holder)) as pdf, pdf.open_metadata() as told:
        assert told["dc:title"] == name
        assert set(pdf.attachments) == set(NAMES)


def test_a_letter_that_no_font_has_is_told_of_and_is_no_box(
    facts: Facts, addresses: Addresses, holder: HolderFile
) -> None:
    # Nobody draws a letter where Unicode has assigned none.
    odd = msgspec.structs.replace(facts, learner="Ada \U000fffff")
    with pytest.raises(Unavailable, match="fonts-noto"):
        certificate(odd, addresses, holder)
    certificate(facts, addresses, holder)


def test_its_code_is_read_off_the_page(
    facts: Facts, addresses: Addresses, holder: HolderFile
) -> None:
    with opened(certificate(facts, addresses, holder)) as pdf:
        (page,) = pdf.pages
        found: list[Any] = list(page.get_images().values())
        images = [pikepdf.PdfImage(each).as_pil_image() for each in found]
        pictures = [each for each in page.Resources.XObject.values() if each.Subtype == "/Form"]
    assert pictures
    assert [code.text for image in images for code in zxingcpp.read_barcodes(image)] == [
        addresses.shared
    ]


def test_nothing_is_loaded_that_a_picture_names(
    facts: Facts, addresses: Addresses, holder: HolderFile, tmp_path: Path
) -> None:
    story = Story()
    with HttpRegistry(opened_log(tmp_path / "log", story=story)[0]) as elsewhere:
        image = f'<image href="{elsewhere.url}/x.svg" width="9" height="9"/></svg>'
        certificate_pdf(
            facts,
            picture=badge_svg(facts).replace("</svg>", image).encode(),
            code=qr_png(addresses.shared),
            addresses=addresses,
            holder=render_holder_file(holder),
            evidence=EVIDENCE,
        )
        assert elsewhere.asked == []
