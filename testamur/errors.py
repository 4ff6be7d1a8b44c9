"""The ways a check can end badly, which callers must never confuse.

Refuted        the evidence was examined and does not hold
  Refusal      ... and it broke a named rule, at a known line of a submission
Unavailable    the evidence could not be examined, so nothing is known either way
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterable
from typing import Final, TypeVar

from testamur.private_keys import without_private_keys

_Error = TypeVar("_Error", bound=BaseException)

_SHOWN = 120
_SEARCHED = 4096
_DETAIL = 600
# Letters and marks for Python, and nothing at all on a screen.
_BLANK = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0"
    "\U000e0100-\U000e01ef]"
)


class Refuted(ValueError):
    """The evidence was examined and does not hold."""


class Unavailable(Exception):
    """The evidence could not be examined, so nothing is known either way."""


class Refusal(Refuted):
    """A rule was broken: which one, by what value, and on which line if there are lines.

    `rule` is a stable kebab-case name that programs may match on; `detail` is one English
    sentence; `line` counts from 1, the header of a submission being line 1; `value` is the
    offending value as text. Both are printable and cut (`value` to 120 characters), so that an
    attacker can neither fill a log file nor send control characters to a terminal.
    """

    def __init__(
        self, rule: str, detail: str, *, line: int | None = None, value: object = None
    ) -> None:
        self.rule = rule
        self.detail = printable(detail, _DETAIL)
        self.line = line
        self.value = None if value is None else shown(value)
        # `copy` and `pickle` build a copy from these arguments; `__str__` makes the text to show.
        super().__init__(rule, self.detail)

    def __str__(self) -> str:
        where = "" if self.line is None else f"line {self.line}: "
        what = "" if self.value is None else f" (found {self.value})"
        return f"{where}{self.rule}: {self.detail}{what}"

    def at(self, line: int) -> Refusal:
        """Return the same refusal, placed on `line` unless it already names one."""
        if self.line is not None:
            return self
        placed = copy.copy(self)
        placed.line = line
        return placed


class Refusals(list[Refusal]):
    """The first `MOST` refusals of many, and how many more there were: `left_off`."""

    MOST: Final = 1_000
    """A person mends a file long before this many."""

    def __init__(self, refusals: Iterable[Refusal] = ()) -> None:
        super().__init__()
        self.left_off = 0
        for each in refusals:
            self.add(each)

    def add(self, refusal: Refusal) -> None:
        """Keep the refusal, without the frames it came through, or count it."""
        if len(self) < self.MOST:
            self.append(detached(refusal))
        else:
            self.left_off += 1

    @property
    def total(self) -> int:
        """How many there were."""
        return len(self) + self.left_off


def detached(error: _Error) -> _Error:
    """Return an error that will be kept, without the frames it came through.

    Traceback frames keep the parsed body alive and, through a future, the error itself: a reference
    cycle of megabytes until the cyclic garbage collector runs.
    """
    error.__traceback__ = error.__context__ = error.__cause__ = None
    return error


def shown(value: object) -> str:
    """Return `value` as printable text of at most 120 characters, without private keys.

    Letters are shown as letters, what does not show (`shows`) by its escape, and what is no text as
    the JSON that it was read from, if it is.
    """
    if isinstance(value, dict | list | bool):
        # JSON spells every control character, so that none is escaped a second time.
        return printable(json.dumps(value, ensure_ascii=False, default=repr), _SHOWN)
    return printable(value if isinstance(value, str) else repr(value), _SHOWN)


def first_difference(one: bytes, other: bytes) -> int:
    """Return where two byte strings first differ: where the shorter ends, if it begins both."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))


def printable(text: str, most: int) -> str:
    """Return `text` in at most `most` characters, all of which show, without private keys."""
    text = without_private_keys(text[:_SEARCHED])[: most + 1]
    if not text.isascii() or not text.isprintable():
        text = "".join(char if shows(char) else escaped(char) for char in text)
    return text if len(text) <= most else text[: most - 1] + "…"


def shows(char: str) -> bool:
    """Return whether a character is one that is seen; a space is, a filler is not."""
    return char.isprintable() and not _BLANK.match(char)


def escaped(char: str) -> str:
    """Return the escape of a character that does not show, such as `\\u200b`."""
    return char.encode("unicode_escape").decode()
