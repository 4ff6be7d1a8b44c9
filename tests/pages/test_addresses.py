"""What a learner shares leads to the credential, and a code or a form holds all of it."""

from __future__ import annotations

import io
from datetime import date
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec
import pytest
import zxingcpp
from PIL import Image

from testamur.badges.commitment import HolderFile
from testamur.badges.holder_link import MAX_FRAGMENT, MAX_IN_QR, read_holder_link
from testamur.pages.addresses import (
    Addresses,
    addresses_of,
    linkedin_address,
    linkedin_page,
    qr_png,
)
from testamur.pages.facts import Facts
from tests.pages.conftest import REGISTER


def with_picture(holder: HolderFile, characters: int) -> HolderFile:
    """Return a holder file that is longer by a picture, which does not compress."""
    noise = "".join(f"{(number * 2654435761) % 2**32:08x}" for number in range(characters // 8))
    return msgspec.structs.replace(
        holder, credential={**holder.credential, "image": {"id": f"data:{noise}", "type": "Image"}}
    )


def scanned(png: bytes) -> str:
    found = zxingcpp.read_barcodes(Image.open(io.BytesIO(png)))
    assert len(found) == 1
    return str(found[0].text)


def form(address: str) -> dict[str, str]:
    assert address.startswith("https://www.linkedin.com/profile/add?startTask=CERTIFICATION_NAME&")
    return dict(parse_qsl(urlsplit(address).query, strict_parsing=True))


def test_the_link_carries_the_credential(addresses: Addresses, holder: HolderFile) -> None:
    assert addresses.carries
    assert addresses.link == addresses.shared
    assert read_holder_link(addresses.link) == holder


def test_a_link_too_long_for_a_code_gives_way_to_the_status(
    facts: Facts, holder: HolderFile
) -> None:
    found = addresses_of(facts, with_picture(holder, 4_000), REGISTER, None)
    assert found.carries
    assert len(found.link) > MAX_IN_QR
    assert found.shared == f"{REGISTER}/credentials/{holder.id}"
    assert form(found.linkedin)["certUrl"] == found.shared


def test_a_credential_too_long_for_any_link_has_its_status(
    facts: Facts, holder: HolderFile
) -> None:
    found = addresses_of(facts, with_picture(holder, 4 * MAX_FRAGMENT), REGISTER, None)
    assert not found.carries
    assert found.link == found.shared == f"{REGISTER}/credentials/{holder.id}"


@pytest.mark.parametrize("length", [40, 700, MAX_IN_QR])
def test_a_code_of_every_length_is_read_back(length: int) -> None:
    address = f"{REGISTER}/holder#1.{'aZ9_-' * length}"[:length]
    assert scanned(qr_png(address)) == address


def test_linkedin_is_given_its_own_parameters(facts: Facts, addresses: Addresses) -> None:
    given = form(addresses.linkedin)
    assert given == {
        "startTask": "CERTIFICATION_NAME",
        "name": "Soil Science",
        "organizationName": "An Organization",
        "issueYear": "2026",
        "issueMonth": "11",
        "certUrl": addresses.shared,
        "certId": facts.credential,
    }


def test_the_number_of_a_page_stands_for_the_name_of_the_issuer(facts: Facts) -> None:
    ends = msgspec.structs.replace(facts, valid_until=date(2029, 2, 28))
    given = form(linkedin_address(ends, REGISTER, "1337"))
    assert given["organizationId"] == "1337"
    assert "organizationName" not in given
    assert (given["expirationYear"], given["expirationMonth"]) == ("2029", "2")


@pytest.mark.parametrize("title", ["A&certUrl=https://evil.example", "ü #?=%00", "علوم"])
def test_no_title_adds_a_parameter(facts: Facts, title: str) -> None:
    changed: Any = msgspec.structs.replace(facts, title=title, issuer=title)
    given = form(linkedin_address(changed, REGISTER))
    assert (given["name"], given["organizationName"]) == (title, title)
    assert given["certUrl"] == REGISTER


@pytest.mark.parametrize(
    ("issuer", "number"),
    [
        ({"url": "https://www.linkedin.com/company/1337/"}, "1337"),
        ({"otherIdentifier": {"identifier": "https://nl.linkedin.com/school/42"}}, "42"),
        ({"otherIdentifier": [None, {}, {"identifier": "https://linkedin.com/edu/7"}]}, "7"),
        ({"url": "https://www.linkedin.com/company/a-college"}, None),
        ({"url": "https://www.linkedin.com.evil.example/company/1"}, None),
        ({"url": "https://www.linkedin.com/company/1?x=https://evil.example"}, None),
        ({"url": 1337}, None),
        ("did:example:issuer", None),
    ],
)
def test_the_number_is_taken_from_the_credential_if_it_states_one(
    facts: Facts, holder: HolderFile, issuer: Any, number: str | None
) -> None:
    stated = {**holder.credential, "issuer": issuer}
    changed = msgspec.structs.replace(holder, credential=stated)
    assert linkedin_page(stated) == number
    given = form(addresses_of(facts, changed, REGISTER, None).linkedin)
    assert given.get("organizationId") == number
    assert form(addresses_of(facts, changed, REGISTER, "9").linkedin)["organizationId"] == "9"
