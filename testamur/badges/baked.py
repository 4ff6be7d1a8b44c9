"""A holder file in a picture: a badge baked into a PNG or an SVG (Open Badges 3.0, section 5.3).

    PNG   an iTXt chunk `openbadgecredential`, and one `testamur-holder`
    SVG   an element <openbadges:credential>, and one <testamur:holder>

The credential stands where every reader of Open Badges looks for it, and nowhere else, so that no
two readers are shown two. Beside it stands what else the holder file says: blind, id and log.
Such a picture is personal data, as the file is: anybody who has it can prove the credential.

Sources: Open Badges 3.0 section 5.3 (baking), PNG (W3C, third edition) sections 5.3 and 11.3.3.4.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from typing import Any, Final

from testamur.canonical import MAX_DEPTH, MAX_DOCUMENT, MAX_VALUES, jcs, parse_strict
from testamur.errors import Refusal

_RULE: Final = "baked-badge"
_ANEW: Final = "get the picture anew, or the holder file itself"
# What bounds a holder file bounds the badge in one (`MAX_HOLDER_FILE`).
_MAX: Final = 2 * MAX_DOCUMENT + 16 * MAX_VALUES
_MAX_BESIDE: Final = 1_024  # bytes: an origin has 255 at most

_PNG: Final = b"\x89PNG\r\n\x1a\n"
_BEFORE: Final = b"IDAT"
_CREDENTIAL: Final = b"openbadgecredential"
_HOLDER: Final = b"testamur-holder"
# Not compressed, which Open Badges forbids; in no language, and with no translated keyword.
_PLAIN: Final = b"\0\0\0\0\0"

_OPENING: Final = re.compile(r"<svg(?:\s(?:[^>\"']|\"[^\"]*\"|'[^']*')*)?>")
_ELEMENT: Final = r"<{0}(?:\s[^>]*)?>(.*?)</{0}\s*>"
_NAMES: Final = {_CREDENTIAL: "openbadges:credential", _HOLDER: "testamur:holder"}
_ELEMENTS: Final = {
    keyword: re.compile(_ELEMENT.format(name), re.DOTALL) for keyword, name in _NAMES.items()
}
_CDATA: Final = re.compile(r"\s*<!\[CDATA\[(.*)\]\]>\s*", re.DOTALL)
# In JSON these stand in texts alone, where they may be written so. XML then means nothing by them.
_MARKUP: Final = {"&": "\\u0026", "<": "\\u003c", ">": "\\u003e"}


def bake(picture: bytes, holder_file: bytes) -> bytes:
    """Return a picture, a PNG or SVG without a badge in it, with a holder file in it.

    Raises `Refusal`: `baked-badge` for another picture, those of `parse_strict` for the file.
    """
    document = dict(parse_strict(holder_file, max_bytes=_MAX, max_depth=MAX_DEPTH + 3))
    credential = jcs(document.pop("credential"))
    if picture.startswith(_PNG):
        return _into_png(picture, credential, jcs(document))
    return _into_svg(_text(picture), credential.decode(), jcs(document).decode()).encode()


def unbaked(data: bytes) -> dict[str, Any] | None:
    """Return the holder file, as a document, that a picture holds; None if there is none in it.

    Raises `Refusal`: `baked-badge` for a picture that is damaged or holds two, and those of
    `parse_strict`. What the document says is for its reader to judge.
    """
    if data.startswith(_PNG):
        found = _in_png(data) if _HOLDER + b"\0" in data else {}
    else:
        found = _in_svg(_text(data)) if b"<testamur:holder" in data else {}
    if _HOLDER not in found:
        return None
    if _CREDENTIAL not in found:
        raise Refusal(_RULE, f"the badge is gone from this picture; {_ANEW}")
    beside = parse_strict(found[_HOLDER], max_bytes=_MAX_BESIDE)
    if not isinstance(beside, dict) or "credential" in beside:
        raise Refusal(_RULE, f"the picture does not say which credential it holds; {_ANEW}")
    credential = parse_strict(found[_CREDENTIAL], max_bytes=_MAX, max_depth=MAX_DEPTH + 2)
    return {**beside, "credential": credential}


# --- PNG ---


def _into_png(picture: bytes, credential: bytes, beside: bytes) -> bytes:
    ours = {_CREDENTIAL: credential, _HOLDER: beside}
    out, is_in = bytearray(_PNG), False
    for kind, data in _chunks(picture):
        if _keyword(kind, data) in ours:
            raise Refusal(_RULE, "there is a badge in this picture already; give one without")
        if kind == _BEFORE and not is_in:
            for keyword, text in ours.items():
                out += _chunk(b"iTXt", keyword + _PLAIN + text)
            is_in = True
        out += _chunk(kind, data)
    return bytes(out)


def _in_png(data: bytes) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    for kind, content in _chunks(data):
        keyword = _keyword(kind, content)
        if keyword not in (_CREDENTIAL, _HOLDER):
            continue
        if keyword in found:
            raise Refusal(_RULE, f"there are two badges in this picture; {_ANEW}")
        if not content.startswith(keyword + b"\0\0"):
            raise Refusal(_RULE, f"the badge in this picture is compressed; {_ANEW}")
        # Language tag and translated keyword, each ended by NUL, mean nothing to Open Badges.
        found[keyword] = content[len(keyword) + 3 :].split(b"\0", 2)[-1]
    return found


def _keyword(kind: bytes, data: bytes) -> bytes:
    return data.partition(b"\0")[0] if kind == b"iTXt" else b""


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield type and content of each chunk to the last, IEND; what follows that is no picture."""
    at, kind = len(_PNG), b""
    while kind != b"IEND":
        end = at + 8 + int.from_bytes(data[at : at + 4], "big")
        kind, content = data[at + 4 : at + 8], data[at + 8 : end]
        if data[at : end + 4] != _chunk(kind, content):
            raise Refusal(_RULE, f"this PNG picture is damaged or cut off; {_ANEW}")
        yield kind, content
        at = end + 4


def _chunk(kind: bytes, data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")


# --- SVG ---


def _into_svg(picture: str, credential: str, beside: str) -> str:
    opening = _OPENING.search(picture)
    if opening is None:
        raise Refusal(_RULE, "a badge goes into a PNG or SVG picture, and this is neither")
    if any(pattern.search(picture) for pattern in _ELEMENTS.values()):
        raise Refusal(_RULE, "there is a badge in this picture already; give one without")
    return (
        picture[: opening.end()]
        + '<openbadges:credential xmlns:openbadges="https://purl.imsglobal.org/ob/v3p0">'
        + _as_xml(credential)
        + '</openbadges:credential><testamur:holder xmlns:testamur="urn:testamur:holder:1">'
        + _as_xml(beside)
        + "</testamur:holder>"
        + picture[opening.end() :]
    )


def _in_svg(text: str) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    for name, pattern in _ELEMENTS.items():
        # Counted first: to look for the end of each of a million openings would take hours.
        if text.count(f"<{_NAMES[name]}") > 1:
            raise Refusal(_RULE, f"there are two badges in this picture; {_ANEW}")
        for content in pattern.findall(text):
            quoted = _CDATA.fullmatch(content)
            if quoted is None and "&" in content:
                raise Refusal(_RULE, f"a program has written this badge anew; {_ANEW}")
            found[name] = (quoted[1] if quoted else content).strip().encode()
    return found


def _as_xml(json: str) -> str:
    return re.sub("[&<>]", lambda mark: _MARKUP[mark[0]], json)


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise Refusal(_RULE, "an SVG picture is text in UTF-8, and this is not") from None
