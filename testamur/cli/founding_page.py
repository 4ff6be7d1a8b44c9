"""The page on which the founding key is printed, and how it is read back from paper.

    -----BEGIN TESTAMUR FOUNDING PRIVATE KEY-----
    1  z3u2 WQbM 7cNv h4Tj  5f
    2  ...
    3  ...
    -----END TESTAMUR FOUNDING PRIVATE KEY-----

The lines spell the secret Multikey. Each ends in two hexadecimal digits of SHA-256 over its number
and its characters, so that a mistake of the typist is found in its line. The first and the last
line of the block may be left out by who types.
"""

from __future__ import annotations

import re
from datetime import date
from hashlib import sha256
from typing import Final

from testamur.errors import Refusal
from testamur.keys import PrivateKey

MAX_PAGE: Final = 8000
"""No page has more bytes."""

_BEGIN: Final = "-----BEGIN TESTAMUR FOUNDING PRIVATE KEY-----"
_END: Final = "-----END TESTAMUR FOUNDING PRIVATE KEY-----"
_GROUP: Final = 4
_LINE: Final = 16
_NUMBERED: Final = re.compile(r"\s*([1-9])\s+(\S.*?)\s*")
_DID: Final = re.compile(r"\bdid:key:z[1-9A-HJ-NP-Za-km-z]{40,64}\b")

_PAGE: Final = """\
TESTAMUR FOUNDING KEY

Organization  {did}
Made on       {made}

This is the secret key that the organization is named after. It cannot be replaced: an
organization that loses it and every recovery key has to begin again under another name. A thief
who reads this page can list and retire keys in the organization's name.

1. Print this page, on two sheets of paper. Use a printer that keeps no copy.
2. Type the numbered lines below from the paper into a new file, and check it:
       testamur keygen --read-back FILE
3. Delete both files. Lock the sheets away in two places.

The key is needed again to list or retire recovery keys. Type the lines into a file then, give
that file as --key, and delete it afterwards.

{block}
"""


def render_page(key: PrivateKey, made: date) -> str:
    """Return the page to print."""
    return _PAGE.format(did=key.public.did_key(), made=made, block=_block(key.multikey()))


def is_page(text: str) -> bool:
    """Return whether `text` is such a page, or the numbered lines of one, rather than a key."""
    # No Multikey begins with a digit.
    return _BEGIN in text or text.lstrip().startswith("1")


def read_page(text: str) -> PrivateKey:
    """Return the key on a page, or in lines typed from one.

    Raises `Refusal` (`founding-page`, `key-form`), which names the line and shows nothing of it.
    """
    lines = _numbered_lines(text)
    if [number for number, _ in lines] != list(range(1, len(lines) + 1)) or not lines:
        raise Refusal("founding-page", "type all numbered lines of the page, in their order")
    return PrivateKey.from_multikey("".join(_spelt(*line) for line in lines))


def did_on_page(text: str) -> str | None:
    """Return the DID that is printed on the page, if it is there."""
    found = _DID.search(text)
    return found[0] if found else None


def _block(secret: str) -> str:
    lines = [_BEGIN]
    for number, at in enumerate(range(0, len(secret), _LINE), 1):
        part = secret[at : at + _LINE]
        groups = " ".join(part[i : i + _GROUP] for i in range(0, len(part), _GROUP))
        lines.append(f"{number}  {groups:<19}  {_check(number, part)}")
    return "\n".join([*lines, _END])


def _numbered_lines(text: str) -> list[tuple[int, str]]:
    inside = text.partition(_BEGIN)[2].partition(_END)[0] if _BEGIN in text else text
    found = map(_NUMBERED.fullmatch, inside.splitlines())
    return [(int(each[1]), each[2]) for each in found if each]


def _spelt(number: int, typed: str) -> str:
    *groups, check = typed.split()
    part = "".join(groups)
    if check.lower() != _check(number, part):
        raise Refusal(
            "founding-page",
            f"line {number} is not as it was printed; compare it with the paper, capitals and "
            "small letters too",
        )
    return part


def _check(number: int, part: str) -> str:
    return sha256(f"{number} {part}".encode()).hexdigest()[:2]
