"""A holder link carries one holder file, whole, in one spelling, and of bounded size."""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any

import pytest

from testamur.badges.commitment import HolderFile, read_holder_file, render_holder_file
from testamur.badges.holder_link import (
    MAX_FRAGMENT,
    MAX_IN_QR,
    MAX_INFLATED,
    holder_link,
    read_holder_link,
)
from testamur.catalogue.ids import new_id
from testamur.catalogue.submission import base64url_decode, base64url_encode
from testamur.errors import Refusal

FORMATS = Path(__file__).parents[1] / "vectors/formats"
FOUND = json.loads((FORMATS / "holder-link.json").read_text("utf-8"))
GOOD = read_holder_file(
    json.loads((FORMATS / "holder-file.json").read_text("utf-8"))["good"].encode()
)


def holder(**members: Any) -> HolderFile:
    return HolderFile(
        blind=bytes(32), credential=members, id=new_id(), log="register.example/testamur"
    )


def link_to(raw: bytes) -> str:
    return f"https://register.example/holder#1.{base64url_encode(raw)}"


def deflated(data: bytes) -> bytes:
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    return compressor.compress(data) + compressor.flush()


def refused(link: str) -> Refusal:
    with pytest.raises(Refusal) as caught:
        read_holder_link(link)
    return caught.value


def test_a_link_is_read_back_from_any_page() -> None:
    one = holder(name="Grüße, مرحبا, 🎓", credits=3)
    link = holder_link("https://register.example", one)
    assert link.startswith("https://register.example/holder#1.")
    assert read_holder_link(link) == one
    assert read_holder_link(f" {link}\n") == one
    assert read_holder_link("https://mirror.example/kept/holder?x=1#" + link.split("#")[1]) == one
    assert holder_link("https://register.example/", one) == link


def test_the_link_carries_the_file_in_its_canonical_form() -> None:
    raw = base64url_decode(holder_link("https://r.example", GOOD).split("#1.")[1])
    assert zlib.decompress(raw, -15) + b"\n" == render_holder_file(GOOD)


def test_the_link_of_a_usual_badge_goes_into_a_qr_code() -> None:
    assert len(holder_link("https://register.example", GOOD)) < MAX_IN_QR / 2


def test_the_example_is_taken() -> None:
    assert read_holder_link(FOUND["good"]) == GOOD


@pytest.mark.parametrize("case", FOUND["refused"], ids=lambda case: case["desc"])
def test_a_link_in_another_form_is_refused(case: Any) -> None:
    of_file = {"the credential alone": "blind-missing", "nothing": "holder-file"}
    due = of_file | {"a file that is cut off": "json"}
    assert refused(case["link"]).rule == due.get(case["desc"], "holder-link")


@pytest.mark.parametrize("kept", range(1, 60, 7))
def test_a_link_that_was_cut_off_on_its_way_is_refused(kept: int) -> None:
    link = holder_link("https://register.example", GOOD)
    assert refused(link[:-kept]).rule == "holder-link"


def test_a_link_that_inflates_to_more_than_a_badge_is_refused_before_it_is_held() -> None:
    bomb = deflated(b" " * (MAX_INFLATED * 40))
    assert len(bomb) < MAX_FRAGMENT / 1.5
    assert "at most 1048576 bytes" in refused(link_to(bomb)).detail
    exactly = render_holder_file(GOOD).ljust(MAX_INFLATED)
    assert read_holder_link(link_to(deflated(exactly))) == GOOD
    assert refused(link_to(deflated(exactly + b" "))).rule == "holder-link"


def test_a_longer_fragment_is_refused_unread() -> None:
    assert str(MAX_FRAGMENT) in refused("#1." + "A" * MAX_FRAGMENT).detail


def test_a_credential_that_no_link_has_room_for_is_refused_with_what_to_do() -> None:
    noise = "".join(map(str, range(60_000)))
    for members in ({"narrative": noise}, {"narrative": " " * MAX_INFLATED}):
        with pytest.raises(Refusal, match="hand over the holder file itself") as caught:
            holder_link("https://register.example", holder(**members))
        assert caught.value.rule == "holder-link"


def test_nothing_of_a_link_is_shown() -> None:
    secret = holder_link("https://register.example", GOOD).split("#1.")[1]
    for link in (f"#2.{secret}", f"#1.{secret}=", f"#1.{secret[:-3]}", secret):
        assert secret[:12] not in str(refused(link))
