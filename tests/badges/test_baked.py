"""A picture holds one badge, with what links it to the log: it is read as the file, or refused."""

from __future__ import annotations

import json
import re
import zlib
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from testamur.badges.baked import bake, unbaked
from testamur.badges.commitment import HolderFile, read_holder_file, render_holder_file
from testamur.canonical import jcs
from testamur.catalogue.ids import new_id
from testamur.errors import Refusal
from tests.harness.shared_vectors import SHARED, needs_shared

HOLDER = HolderFile(
    blind=bytes(range(32)),
    credential={"id": "urn:uuid:1", "name": "R&D <in> ]]> \u2028 مرحبا 🎓", "credits": 3.0},
    id=new_id(),
    log="a<b>&c]]>.example/testamur",
)
FILE = render_holder_file(HOLDER)
READ = read_holder_file(FILE)
GONE = {"baked-badge", "picture"}  # a keyword that is damaged too is none


def chunk(kind: bytes, data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")


HEAD = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", bytes((0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0)))
REST = chunk(b"IDAT", zlib.compress(b"\0\0")) + chunk(b"IEND", b"")
PNG = HEAD + REST
SVG = (
    b"<?xml version='1.0'?>\n<!DOCTYPE svg>\n<svg title='a > b' "
    b'xmlns="http://www.w3.org/2000/svg"><path d="M0 0"/></svg>\n'
)


def text_chunk(keyword: bytes, text: bytes, flags: bytes = b"\0\0", kind: bytes = b"iTXt") -> bytes:
    return chunk(kind, keyword + b"\0" + flags + b"\0\0" + text)


def refused(data: bytes) -> Refusal:
    with pytest.raises(Refusal) as caught:
        read_holder_file(data)
    return caught.value


@pytest.mark.parametrize("picture", [PNG, SVG], ids=["png", "svg"])
def test_what_is_put_into_a_picture_is_read_out_of_it(picture: bytes) -> None:
    baked = bake(picture, FILE)
    assert read_holder_file(baked) == READ
    with pytest.raises(Refusal, match="already"):
        bake(baked, FILE)


def test_other_readers_find_the_credential_where_open_badges_puts_it() -> None:
    credential = json.loads(jcs(HOLDER.credential))
    root = ET.fromstring(bake(SVG, FILE))  # noqa: S314
    found = root.findtext("{https://purl.imsglobal.org/ob/v3p0}credential")
    assert found is not None
    assert json.loads(found) == credential
    png = bake(PNG, FILE)
    at = png.index(b"iTXtopenbadgecredential\0\0\0\0\0") + 28
    assert json.JSONDecoder().raw_decode(png[at:].decode("utf-8", "replace"))[0] == credential
    assert png.index(b"IHDR") < at < png.index(b"IDAT")


def test_the_picture_itself_stays_as_it_was() -> None:
    baked = bake(PNG, FILE)
    assert baked.startswith(HEAD)
    assert baked.endswith(REST)
    assert re.sub(rb"<(\w+:\w+).*?</\1>", b"", bake(SVG, FILE)) == SVG


def test_the_badge_is_found_wherever_other_programs_move_it() -> None:
    whole = bake(PNG, FILE)
    ours = whole[len(HEAD) : -len(REST)]
    note = chunk(b"tEXt", b"Software\0editor")
    for moved in (
        HEAD + note + REST[:-12] + ours + REST[-12:],
        HEAD + ours + note + REST + b"more",
    ):
        assert read_holder_file(moved) == READ
    spaced = bake(SVG, FILE).decode().replace("<testamur:", "\n  <testamur:").encode()
    assert read_holder_file(spaced) == READ
    quoted = re.sub(rb"(<testamur:holder [^>]*>)(.*?)(</)", rb"\1\n <![CDATA[\2]]>\n\3", spaced)
    assert read_holder_file(quoted) == READ


def test_every_byte_of_the_badge_in_a_png_counts() -> None:
    baked = bake(PNG, FILE)
    for at in range(len(HEAD) + 8, len(baked) - len(REST), 7):
        assert refused(baked[:at] + bytes((baked[at] ^ 1,)) + baked[at + 1 :]).rule in GONE


@pytest.mark.parametrize("kept", range(40, len(FILE), 41))
def test_a_png_that_was_cut_off_is_refused(kept: int) -> None:
    assert refused(bake(PNG, FILE)[: len(HEAD) + kept]).rule in GONE


OTHER = json.loads(FILE)
CREDENTIAL = text_chunk(b"openbadgecredential", jcs(OTHER.pop("credential")))
BESIDE = text_chunk(b"testamur-holder", jcs(OTHER))
DAMAGED: dict[str, tuple[bytes, str]] = {
    "two credentials": (HEAD + CREDENTIAL + CREDENTIAL + BESIDE + REST, "baked-badge"),
    "two holders": (HEAD + BESIDE + CREDENTIAL + BESIDE + REST, "baked-badge"),
    "the credential gone": (HEAD + BESIDE + REST, "picture"),
    "the holder gone": (HEAD + CREDENTIAL + REST, "baked-badge"),
    "the badge behind the end": (PNG + CREDENTIAL + BESIDE, "baked-badge"),
    "compressed": (
        HEAD + text_chunk(b"openbadgecredential", b"{}", b"\1\0") + BESIDE + REST,
        "baked-badge",
    ),
    "a credential that is no JSON": (
        HEAD + text_chunk(b"openbadgecredential", b"{") + BESIDE + REST,
        "json",
    ),
    "a credential that is no object": (
        HEAD + text_chunk(b"openbadgecredential", b"[]") + BESIDE + REST,
        "holder-file",
    ),
    "a second credential in the holder": (
        HEAD + CREDENTIAL + text_chunk(b"testamur-holder", FILE.strip()) + REST,
        "baked-badge",
    ),
    "a holder that is a list": (
        HEAD + CREDENTIAL + text_chunk(b"testamur-holder", b"[]") + REST,
        "baked-badge",
    ),
    "a holder without a blind": (
        HEAD + CREDENTIAL + text_chunk(b"testamur-holder", jcs({**OTHER, "blind": ""})) + REST,
        "holder-file",
    ),
    "two in a drawing": (
        bake(SVG, FILE).replace(b"<path", bake(b"<svg>", FILE)[5:] + b"<path"),
        "baked-badge",
    ),
    "a drawing with entities": (
        bake(SVG, FILE).replace(b"\\u0026", b"&amp;"),
        "baked-badge",
    ),
    "a drawing in Latin-1": (bake(SVG, FILE) + b"<!-- \xe9 -->", "baked-badge"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_picture_is_refused(name: str) -> None:
    data, rule = DAMAGED[name]
    assert refused(data).rule == rule


def test_the_blind_in_a_picture_is_never_shown() -> None:
    for data, _ in DAMAGED.values():
        assert OTHER["blind"] not in str(refused(data))


def test_a_drawing_of_many_openings_is_refused_at_once() -> None:
    opened = b"<svg>" + b"<openbadges:credential>" * 50_000 + b"<testamur:holder>"

    assert "two badges" in refused(opened).detail


@pytest.mark.parametrize("picture", [b"GIF89a", b"%PDF", b"{}", b"<p>svg</p>", HEAD[:20]])
def test_a_badge_goes_into_no_other_file(picture: bytes) -> None:
    with pytest.raises(Refusal) as caught:
        bake(picture, FILE)
    assert caught.value.rule == "baked-badge"


@needs_shared
def test_published_pictures_hold_a_badge_without_a_blind() -> None:
    folder = Path(SHARED) / "1edtech-public-validator/ob30"
    for name in ("simple-json.png", "simple-json.svg", "simple-jwt.svg"):
        data: Any = (folder / name).read_bytes()
        assert unbaked(data) is None
        assert refused(data).rule == "baked-badge"
