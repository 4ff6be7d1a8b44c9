"""What may stand for a learner: an e-mail address, or the number that a provider gives.

A cell is taken only if it cannot be misread: the hash is logged for ever, and a person who types
something else cannot open the credential. So a number has digits, and nothing that a spreadsheet
or a person puts between them. Some real numbers look otherwise: `as_written` lets them pass.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from testamur.badges import addresses, cells
from testamur.badges.days import looks_like_a_day
from testamur.errors import Refusal
from testamur.recording.names import imitation

_MOST: Final = 320
# Most of a cohort. Whatever matches keeps all the rules below.
_PLAIN_ADDRESS: Final = re.compile(
    r"(?=[^@]{1,32}@)(?=.{1,64}\Z)"
    r"[A-Za-z\u00df-\u00f6\u00f8-\u00ff0-9]+(?:[._+-][A-Za-z\u00df-\u00f6\u00f8-\u00ff0-9]+)*"
    r"@(?:[a-z0-9]+(?:-[a-z0-9]+)*\.)+[a-z]{2,}"
)
_PLAIN_NUMBER: Final = re.compile(r"[A-Za-z]?0{0,9}[1-9][0-9]{0,14}")

_BETWEEN: Final = r"[.,'\u2019\u00b7\u066b\u066c_ ]"
_NUMBERS: Final = (
    # A long number that a spreadsheet took for a quantity: with an exponent, or with its digits
    # after the fifteenth replaced by zeros.
    (
        re.compile(r"[0-9]+([.,][0-9]+)?[Ee][+-]?[0-9]+|[1-9][0-9]{14}0+"),
        "a number that a spreadsheet has rounded: make the column text, and enter it again",
    ),
    (re.compile(r"0+"), "zero, as a spreadsheet shows an empty cell; write the number"),
    (re.compile(r"[0-9]{1,2}(:[0-9]{2}){1,2}"), "a time of day; write the number"),
    (
        re.compile(rf"[0-9]+(?:{_BETWEEN}[0-9]+)+(?:-[0-9A-Za-z])?"),
        "a number with separators or decimals; write its digits alone",
    ),
)
_NUMBER: Final = re.compile(r"[^\W_](?:[\w./:-]*[^\W_])?")


def read_learner(text: str, *, as_written: bool = False) -> str:
    """Return the one spelling of a learner; raises `Refusal` (`cohort-cell`) with what to do.

    `text` is without spaces around it, without invisible characters, and in NFC.
    """
    if _PLAIN_ADDRESS.fullmatch(text) or _PLAIN_NUMBER.fullmatch(text):
        return text
    if len(text) > _MOST:
        raise Refusal(cells.RULE, f"longer than {_MOST} characters", value=text)
    learner = addresses.spelled(text)
    fault = _fault_in(learner)
    if fault is None:
        return learner
    if as_written:
        return text
    raise Refusal(cells.RULE, f"{fault}; if it is right, --learner-as-written takes it", value=text)


def _fault_in(text: str) -> str | None:
    if text.casefold().startswith("did:"):
        return "a DID goes into column learnerId"
    fault = cells.fault_in(text) or cells.misprint_in(text)
    if fault is not None:
        return fault
    plain = unicodedata.normalize("NFKC", text)
    if plain != text:
        return f"holds a letter or digit in another form; write {plain}, if that is meant"
    if "@" in text:
        return addresses.fault_in(text) or imitation(text)
    return _fault_in_number(text)


def _fault_in_number(text: str) -> str | None:
    if looks_like_a_day(text):
        return "a date, or what a spreadsheet made into one; write the number"
    for pattern, words in _NUMBERS:
        if pattern.fullmatch(text):
            return words
    if not any(map(str.isdecimal, text)):
        return "neither a number nor an e-mail address; names go into column name"
    if any(char.isdecimal() and not char.isascii() for char in text):
        return "holds digits of another script; write 0 to 9"
    if not _NUMBER.fullmatch(text):
        return (
            "a number has letters, digits and . - _ / : between them, and nothing else; "
            "leave out what is not part of it"
        )
    # Beside a Latin word, so that a number all in letters that look Latin is one that may mislead.
    return imitation(f"x {text}")
