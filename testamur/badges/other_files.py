"""What a file is that somebody gave in place of a credential, as far as its form tells.

People have badges as pictures, in envelopes, and as their editor saved them. Nothing is taken out
of these here: the answer is the file in words, so that an error can say what to do.
"""

from __future__ import annotations

import re
from typing import Any, Final, NamedTuple

from testamur.badges.blockcert_versions import version_of

PRESENTATION: Final = "VerifiablePresentation"
ENVELOPED: Final = "EnvelopedVerifiableCredential"

_JWT: Final = re.compile(rb"\s*eyJ[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*(\.[A-Za-z0-9_-]*|~)")
_MARKUP: Final = re.compile(rb"\s*<(!DOCTYPE|!--|\?xml|[a-z]+(:[a-z]+)?[\s/>])", re.IGNORECASE)
_SVG: Final = re.compile(rb"<svg[\s>/]")
_PICTURES: Final = (
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "a PNG picture"),
    (re.compile(rb"\xff\xd8\xff"), "a JPEG picture"),
    (re.compile(rb"GIF8"), "a GIF picture"),
    (re.compile(rb"RIFF.{4}WEBP", re.DOTALL), "a WebP picture"),
)
_OTHERS: Final = (
    (b"%PDF-", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive or an office document"),
    (b"\x1f\x8b", "a gzip archive"),
)
# The keywords of Open Badges 3.0 section 5.3 and of 2.0.
_BAKED_PNG: Final = (b"openbadgecredential\x00", b"openbadges\x00")
_BAKED_SVG: Final = (b"<openbadges:credential", b"<openbadges:assertion")
_FORMATS: Final = {
    "testamur/evidence/1": "evidence, which goes with --evidence",
    "testamur/receipt/1": "a receipt, which `testamur verify-receipt` checks",
    "testamur/report/1": "the report of a verification",
}


class OtherFile(NamedTuple):
    """A file in words, such as "a PNG picture"; `rule` is that of an error about it."""

    rule: str
    what: str
    remedy: str | None = None
    """How the badge in it is taken out; None if there is none, or nobody knows."""


def recognised(data: bytes) -> OtherFile | None:
    """Return what a file is that is no JSON; None if it may be, or nobody knows."""
    if _JWT.match(data):
        return OtherFile("vc-jwt", "a credential in JWT form (VC-JWT, SD-JWT)")
    if _MARKUP.match(data):
        return _markup(data)
    picture = next((what for start, what in _PICTURES if start.match(data)), None)
    if picture is not None:
        return _picture(picture, baked=any(keyword in data for keyword in _BAKED_PNG))
    other = next((what for start, what in _OTHERS if data.startswith(start)), None)
    return None if other is None else OtherFile("other-file", other)


def recognised_json(document: Any) -> OtherFile | None:
    """Return what a JSON document is that is no credential; None if it may be one."""
    if isinstance(document, list):
        return OtherFile("not-an-object", f"an array of {len(document)}", "give each of them alone")
    if not isinstance(document, dict):
        return None
    types = document.get("type", document.get("@type"))
    named = types if isinstance(types, list) else [types]
    if PRESENTATION in named or "verifiableCredential" in document:
        inside = "take the credential out of its `verifiableCredential`"
        return OtherFile("presentation", "a presentation", inside)
    if ENVELOPED in named:
        return OtherFile("vc-jwt", "an envelope around a credential in JWT form")
    if "Assertion" in named and version_of(document) is None:
        return OtherFile("open-badge-2", "an Open Badge of version 2 or older")
    form = document.get("format")
    what = _FORMATS.get(form) if isinstance(form, str) else None
    return None if what is None else OtherFile("other-file", what)


def _markup(data: bytes) -> OtherFile:
    if _SVG.search(data):
        return _picture("an SVG picture", baked=any(element in data for element in _BAKED_SVG))
    return OtherFile("other-file", "a web page or another XML document")


def _picture(what: str, *, baked: bool) -> OtherFile:
    if not baked:
        return OtherFile("picture", f"{what}, in which there is no badge")
    where = "<openbadges:credential>" if "SVG" in what else "its iTXt chunk `openbadgecredential`"
    return OtherFile("baked-badge", f"{what} with a badge in it", f"take the JSON out of {where}")
