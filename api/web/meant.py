"""What an address that leads nowhere may have meant: told by the form of what stands in it.

Pure text; nothing here asks the register. A suggestion leads to a page that may be empty too.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import Final, NamedTuple
from urllib.parse import quote, urlencode

from api.questions import links as at
from api.questions.moment import DID, MULTIKEY, UUID
from api.questions.spelling import spelling

_SECTIONS: Final = (
    "accreditations",
    "achievements",
    "credentials",
    "docs",
    "entries",
    "log",
    "organizations",
    "problems",
    "recognitions",
    "submissions",
    "verify",
)
_LONGEST: Final = 200  # characters that are looked at
_POSITION: Final = re.compile(r"[0-9]{1,15}", re.ASCII)
_WORDS: Final = re.compile(r"[^\W_]{2,}")


class Meant(NamedTuple):
    """What somebody may have meant, and where it is."""

    what: str
    address: str


def meant(path: str) -> list[Meant]:
    """Return what the address `path` (decoded) may have meant, the likeliest first."""
    section, _, rest = path.strip("/").partition("/")
    name = rest.partition("/")[0] or section
    return [*_by_form(name[:_LONGEST]), *_by_section(section, rest), *_by_name(name[:_LONGEST])]


def _by_form(text: str) -> list[Meant]:
    did, id_ = spelling(text, DID), spelling(text, UUID)
    if did is not None:
        return [Meant("an organization, by its DID", at.organization(did))]
    if spelling(text, MULTIKEY) is not None:
        return [Meant("an organization, by its key", at.organization(f"did:key:{text}"))]
    if id_ is not None:
        return [Meant("a thing with this id, of any kind", f"/find?{urlencode({'q': id_})}")]
    if _POSITION.fullmatch(text):
        return [Meant(f"the entry at position {int(text)}", at.entry(int(text)))]
    return []


def _by_section(section: str, rest: str) -> list[Meant]:
    close = get_close_matches(section.lower()[:_LONGEST], _SECTIONS, n=1, cutoff=0.75)
    if not close or close[0] == section:
        return []
    below = f"/{quote(rest[:_LONGEST], safe='/:')}" if rest else ""
    address = f"/{close[0]}{below}"
    return [Meant(f"the address {address}", address)]


def _by_name(text: str) -> list[Meant]:
    if text in _SECTIONS or _by_form(text):
        return []
    name = " ".join(_WORDS.findall(text))
    if not name:
        return []
    query = urlencode({"name": name})
    return [
        Meant(f"an organization called “{name}”", f"/organizations?{query}"),
        Meant(f"an achievement called “{name}”", f"/achievements?{query}"),
    ]
