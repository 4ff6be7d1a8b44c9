"""What a file is, in place of a credential: told in words, with what to do."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from testamur.badges.commitment import read_holder_file
from testamur.badges.openbadges import parse_credential
from testamur.badges.other_files import recognised, recognised_json
from testamur.errors import Refusal
from tests.badges.test_openbadges import BADGE
from tests.harness.shared_vectors import SHARED, needs_shared

BADGE_TEXT = json.dumps(BADGE)
PNG = b"\x89PNG\r\n\x1a\n" + bytes(30)
FILES: dict[str, tuple[bytes, str]] = {
    "a picture": (PNG, "a PNG picture, in which there is no badge"),
    "a baked picture": (PNG + b"iTXtopenbadgecredential\0{}", "a PNG picture with a badge in it"),
    "an old baked picture": (PNG + b"tEXtopenbadges\0{}", "a PNG picture with a badge in it"),
    "a drawing": (b"<?xml version='1.0'?>\n<svg >", "an SVG picture, in which there is no badge"),
    "a baked drawing": (
        b"<!DOCTYPE svg><svg><openbadges:credential/></svg>",
        "an SVG picture with a badge in it",
    ),
    "a photograph": (b"\xff\xd8\xff\xe0", "a JPEG picture"),
    "an animation": (b"GIF89a", "a GIF picture"),
    "a picture of the web": (b"RIFF\0\0\0\0WEBPVP8 ", "a WebP picture"),
    "a printed certificate": (b"%PDF-1.7", "a PDF document"),
    "an archive": (b"PK\x03\x04", "a ZIP archive or an office document"),
    "a compressed file": (gzip.compress(b"{}"), "a gzip archive"),
    "a page": (b"\r\n<!DOCTYPE html><html>", "a web page"),
    "a token": (b"eyJhbGciOiJFZERTQSJ9.e30.c2ln\n", "a credential in JWT form"),
    "a presentation": (
        json.dumps({"type": ["VerifiablePresentation"], "verifiableCredential": [BADGE]}).encode(),
        "a presentation",
    ),
    "an envelope": (b'{"type":"EnvelopedVerifiableCredential"}', "an envelope"),
    "a badge of version 2": (
        b'{"type":"Assertion","badge":"https://a.example"}',
        "an Open Badge of version 2",
    ),
    "evidence": (b'{"format":"testamur/evidence/1"}', "evidence, which goes with --evidence"),
    "a receipt": (b'{"format":"testamur/receipt/1"}', "a receipt"),
    "a report": (b'{"format":"testamur/report/1"}', "the report of a verification"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_no_holder_file_is_named_with_what_to_give(name: str) -> None:
    data, what = FILES[name]
    with pytest.raises(Refusal) as caught:
        read_holder_file(data)
    assert f"this is {what}" in caught.value.detail
    assert "give the holder file" in caught.value.detail


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_no_badge_to_prepare_is_named_with_what_to_do(name: str) -> None:
    data, what = FILES[name]
    with pytest.raises(Refusal) as caught:
        parse_credential(data)
    assert f"this is {what}" in caught.value.detail
    assert ("take the " in caught.value.detail) == ("badge in it" in what or "presentation" in what)


def test_a_badge_alone_is_told_apart_from_a_holder_file() -> None:
    with pytest.raises(Refusal, match="blind-missing: this is a credential without its blind"):
        read_holder_file(BADGE_TEXT.encode())


@pytest.mark.parametrize(
    "encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be", "latin-1"]
)
@pytest.mark.parametrize("read", [read_holder_file, parse_credential])
def test_a_file_in_another_encoding_says_how_to_save_it(read: Any, encoding: str) -> None:
    data = json.dumps(BADGE, ensure_ascii=False).replace("Ex", "\u00c9x").encode(encoding)
    with pytest.raises(Refusal) as caught:
        read(data)
    assert caught.value.rule == "json-encoding"
    assert "save it as UTF-8 without a byte order mark" in caught.value.detail


@pytest.mark.parametrize("data", [b"", b"{}", b"{", b" [", b"eyJ", b"RIFF", b"<", b"\x89PNG"])
def test_what_nobody_knows_is_left_to_the_reader_of_json(data: bytes) -> None:
    assert recognised(data) is None
    assert recognised_json(BADGE) is None
    assert recognised_json("text") is None


@needs_shared
def test_published_pictures_are_found_to_be_baked() -> None:
    folder = SHARED / "1edtech-public-validator" / "ob30"
    for name in ("simple-json.png", "simple-json.svg", "simple-jwt.svg"):
        found = recognised((folder / name).read_bytes())
        assert found is not None
        assert found.rule == "baked-badge"
