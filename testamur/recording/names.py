"""Names that imitate another by letters of a second script: refused before they are recorded.

The idea is the level "highly restrictive" of Unicode Technical Standard 39, asked of each word,
so that "Открытый университет (OU)" passes. Scripts are read off the names of characters in
`unicodedata`, after NFKC. Two things are refused:

- a word of two scripts, as "Оxford" with a Cyrillic О. Han goes with kana, Bopomofo, Hangul and
  Latin, as these are written together, and Greek letters that look like no Latin one go with
  Latin, as in "Δt";
- beside Latin words, Greek or Cyrillic ones of which every letter looks Latin, as "ОСА College".
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from itertools import groupby
from typing import Final

RULE: Final = "mixed-scripts"

_LATIN: Final = "LATIN"
# Most names: Latin blocks and general punctuation, where there is nothing to mix.
_BEYOND_LATIN: Final = re.compile("[^\x00-\u024f\u1e00-\u1eff\u2000-\u206f]")
_TOGETHER: Final = (
    frozenset({_LATIN, "CJK", "HIRAGANA", "KATAKANA"}),
    frozenset({_LATIN, "CJK", "BOPOMOFO"}),
    frozenset({_LATIN, "CJK", "HANGUL"}),
)
_LOOKS_LATIN: Final = {
    "CYRILLIC": frozenset("АВЕЅІЈКМНОРСТУХҮԌԚԜӀЬаеорсухіјѕһӏԁԛԝүѵѴ"),
    "GREEK": frozenset("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧϹϳανικορτυχϲ"),
}
# Written in words of every script, whatever their names begin with.
_SHARED: Final = frozenset({"MODIFIER", "MASCULINE", "FEMININE", "MICRO"})
_HAN: Final = frozenset({"IDEOGRAPHIC", "VERTICAL"})


def imitation(name: str) -> str | None:
    """Return in words which characters of `name` may imitate others; None if none do."""
    if not _BEYOND_LATIN.search(name):
        return None
    words = list(_words(name))
    for word in words:
        if not _go_together(word):
            return (
                f"the word {_quoted(word)} mixes scripts: {_listed(word)}; "
                "write each word in letters of one script"
            )
    scripts = {script for word in words for _, script in word}
    for script in scripts & _LOOKS_LATIN.keys() if _LATIN in scripts else ():
        theirs = [word for word in words if any(each == script for _, each in word)]
        if all(_looks_latin(letter, each) for word in theirs for letter, each in word):
            return (
                f"the word {_quoted(theirs[0])} looks Latin, and is not: {_listed(theirs[0])}; "
                "write it in Latin letters"
            )
    return None


_Word = list[tuple[str, str]]
"""The letters of a word, each with its script."""


def _words(name: str) -> Iterator[_Word]:
    # Marks and digits belong to the word that they stand in.
    text = unicodedata.normalize("NFKC", name)
    for inside, chars in groupby(text, lambda char: unicodedata.category(char)[0] in "LMN"):
        letters = [(char, _script(char)) for char in chars] if inside else []
        word = [(char, script) for char, script in letters if script is not None]
        if word:
            yield word


@lru_cache(maxsize=8192)
def _script(char: str) -> str | None:
    if unicodedata.category(char)[0] != "L":
        return None
    first = unicodedata.name(char, "").partition(" ")[0]
    if first in _SHARED:
        return None
    return "CJK" if first in _HAN else first.partition("-")[0]


def _go_together(word: _Word) -> bool:
    scripts = {script for _, script in word}
    if len(scripts) == 1 or any(scripts <= each for each in _TOGETHER):
        return True
    # A Greek letter that looks like no other is a sign of mathematics or of units.
    return scripts == {_LATIN, "GREEK"} and not any(_looks_latin(*each) for each in word)


def _looks_latin(letter: str, script: str) -> bool:
    return letter in _LOOKS_LATIN.get(script, ())


def _quoted(word: _Word) -> str:
    return repr("".join(letter for letter, _ in word))


def _listed(word: _Word) -> str:
    """Return the first letter of each script in the word, by its code point and name."""
    first: dict[str, str] = {}
    for letter, script in word:
        first.setdefault(script, letter)
    return ", ".join(
        f"{letter} is U+{ord(letter):04X} {unicodedata.name(letter, script)}"
        for script, letter in first.items()
    )
