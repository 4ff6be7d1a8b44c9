"""The ways a check can end badly, which callers must never confuse.

Refuted        the evidence was examined and does not hold
  Refusal      ... and it broke a named rule, at a known line of a submission
Unavailable    the evidence could not be examined, so nothing is known either way
"""

from __future__ import annotations

_SHOWN = 120


class Refuted(ValueError):
    """The evidence was examined and does not hold."""


class Unavailable(Exception):
    """The evidence could not be examined, so nothing is known either way."""


class Refusal(Refuted):
    """A rule was broken: which one, by what value, and on which line if there are lines.

    `rule` is a stable kebab-case name that programs may match on; `detail` is one English
    sentence; `line` counts from 1, the header of a submission being line 1; `value` is the
    offending value as text, cut to 120 characters so that an attacker cannot fill a log file.
    """

    def __init__(
        self, rule: str, detail: str, *, line: int | None = None, value: object = None
    ) -> None:
        self.rule = rule
        self.detail = detail
        self.line = line
        self.value = None if value is None else shown(value)
        super().__init__(str(self))

    def __str__(self) -> str:
        where = "" if self.line is None else f"line {self.line}: "
        what = "" if self.value is None else f" (found {self.value})"
        return f"{where}{self.rule}: {self.detail}{what}"

    def at(self, line: int) -> Refusal:
        """Return the same refusal, placed on `line` unless it already names one."""
        return (
            self
            if self.line is not None
            else Refusal(self.rule, self.detail, line=line, value=self.value)
        )


def shown(value: object) -> str:
    """Return `value` as printable text of at most 120 characters."""
    text = value if isinstance(value, str) else repr(value)
    text = text.encode("unicode_escape").decode("ascii")
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
