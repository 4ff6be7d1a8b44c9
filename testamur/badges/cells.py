"""What a cell of any column must not be: what spreadsheets and programs write without being asked.

The rules go by form, not by lists of words, since each language has its own `#N/A`. A formula is
refused because a spreadsheet would run it in a file made from this one. A private key does not
belong in a cohort. An invisible character gives an address another hash, or reverses the text after
it. These two are refused whatever else is allowed.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from testamur.catalogue.names import JOINERS, UNSEEN
from testamur.errors import Refusal

RULE: Final = "cohort-cell"

_UNSEEN, _UNSEEN_OR_JOINER = (
    re.compile(f"[{''.join(f'{chr(first)}-{chr(last)}' for first, last in ranges)}]")
    for ranges in (UNSEEN, (*UNSEEN, *JOINERS))
)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_LOST: Final = "\ufffd"
# LibreOffice writes Err:502, and in other languages another word, and a wide colon.
_NUMBERED_ERROR: Final = re.compile(r"[^\W\d_]{2,12}\.? ?[:\uff1a] ?[0-9]{3}")
# How bytes C2 to F4 and 80 to BF look in Windows-1252 and Latin-1: UTF-8 beyond ASCII is pairs.
_PAIR: Final = re.compile(
    "[\u00c2-\u00f4][\u0080-\u00bf"
    + "".join(bytes([byte]).decode("cp1252", "ignore") for byte in range(0x80, 0xA0))
    + "]"
)
# How UTF-8 looks that was read in the encoding of another system: boxes and signs, which no name
# has, or pairs of letters, which some names have, but then the rest of them is no UTF-8.
_OTHERS: Final = (
    ("cp437", re.compile("[\u2500-\u259f]")),
    ("cp850", re.compile("[\u2500-\u259f]")),
    ("mac_roman", re.compile("[\u221a\u2248\u2206\u0192\u00ac]")),
    ("cp1251", re.compile("[\u0420\u0421][^\u0410-\u044f ]")),
)
_NOTHING: Final = frozenset({"N/A", "NULL", "NONE", "NAN", "TRUE", "FALSE", "UNDEFINED"})


def check_seen(text: str, *, joined: bool) -> None:
    """Raise `Refusal` if `text` holds an invisible character, and name it.

    With `joined` the two joiners pass, since they are part of the spelling of some languages.
    """
    found = (_UNSEEN if joined else _UNSEEN_OR_JOINER).search(text)
    if found is None:
        return
    what = f"U+{ord(found[0]):04X} {unicodedata.name(found[0], '')}".rstrip()
    if found[0] == _LOST:
        detail = f"holds {what}, where a letter was lost; write the letter"
    elif _CONTROL.match(found[0]):
        detail = f"holds a line break or an invisible character ({what}); leave it out"
    else:
        detail = f"holds an invisible character ({what}); leave it out, or type the cell anew"
    raise Refusal(RULE, detail, value=text)


def fault_in(text: str) -> str | None:
    """Return why a spreadsheet or a program seems to have made `text`; None if none did."""
    # Some of these are honest, but none can be told from a formula.
    first = text[0] if text.isascii() else unicodedata.normalize("NFKC", text[0])
    if first in "=+-@":
        return "a formula, or what a spreadsheet takes for one; write the value"
    if first == "#":
        return (
            "begins with #, as the errors of spreadsheets do, and cells that are too narrow: "
            "mend the formula, or widen the column and save again"
        )
    return None


def misprint_in(text: str) -> str | None:
    """Return why no person can have written `text`; None if one may have."""
    # There are people called Null and True, who write themselves so.
    if text.upper() in _NOTHING and ("/" in text or not text.istitle()):
        return "what a program writes for an empty cell; write the value, or empty the cell"
    if _NUMBERED_ERROR.fullmatch(text):
        return "a numbered error of a spreadsheet; mend the formula"
    meant = _read_in_another_encoding(text)
    if meant is not None:
        return f"letters were read in another encoding; write {meant}, or save as UTF-8 again"
    return None


def _read_in_another_encoding(text: str) -> str | None:
    """Return what UTF-8 was, before somebody read it in the encoding of one system or another."""
    charsets = ["cp1252", "latin-1"] if _PAIR.search(text) else []
    charsets += [charset for charset, signs in _OTHERS if signs.search(text)]
    for charset in charsets:
        try:
            return text.encode(charset).decode()
        except UnicodeError:
            continue
    return None
