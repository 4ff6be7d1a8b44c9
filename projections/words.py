"""The words of a name as people look for them: without case, accents or punctuation.

A word is found by its beginning: "agri" finds "Agricultural Science". Pure text; nothing here
reads or writes.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Final

SHORTEST: Final = 2
LONGEST: Final = 8
"""How many letters of a word are looked at. What is longer is found by its first letters."""
MOST: Final = 16
"""So many words of a name, the first ones, can be looked for."""

# Letters that Unicode does not take apart, as people write them who lack the key.
_ALONE: Final = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ħ": "h"}
)
_WORD: Final = re.compile(r"[^\W_]+")


def words(text: str) -> list[str]:
    """Return the first words of `text`, folded and cut, each once, in their order."""
    spelt = unicodedata.normalize("NFKD", text.casefold().translate(_ALONE))
    plain = "".join(each for each in spelt if not unicodedata.combining(each)).casefold()
    return list(dict.fromkeys(word[:LONGEST] for word in _WORD.findall(plain)))[:MOST]


def beginnings(names: Iterable[str]) -> Iterator[str]:
    """Yield every text by which one of the names is found, and some of them more than once."""
    for name in names:
        for word in words(name):
            yield word
            for length in range(SHORTEST, len(word)):
                yield word[:length]
