"""Which keys has the log, and from which day to which does each sign?

`log-keys` in the folder of a log holds a line for each, the key that opened the log first:

    log.example/testamur+7a1b2c3d+AQ... 2026-01-01 2026-12-31
    log.example/testamur+9e8f7a6b+AQ... 2026-12-01 -

The days are UTC, and both are included; `-` stands for no last day. Lines are added and get a last
day, and are never removed: the list is what `/log/vkey` serves for ever. It holds no secret. A log
that never changed its key needs no such file.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

from testamur.errors import Refuted, shown
from testamur.tlog.log_keys import LogKeys
from testamur.tlog.note import VerifierKey

_OPEN: Final = "-"


class MalformedKeyList(Refuted):
    """The list of a log's keys contradicts itself, or is no list."""


@dataclass(frozen=True, slots=True)
class ListedKey:
    """A key, and the days (UTC, included) between which it signs every checkpoint."""

    key: VerifierKey
    first_day: date
    last_day: date | None = None

    def in_force(self, day: date) -> bool:
        """Return whether it signs on that day."""
        return self.first_day <= day and (self.last_day is None or day <= self.last_day)

    @property
    def id(self) -> str:
        """The key id as it is written in a verifier key: 8 hex digits."""
        return self.key.key_id.hex()

    def render(self) -> str:
        """Return its line."""
        return f"{self.key} {self.first_day} {self.last_day or _OPEN}\n"


@dataclass(frozen=True, slots=True)
class KeyList:
    """The keys of one log, the one that opened it first.

    Raises `MalformedKeyList`, and `MalformedKey` for what `LogKeys` refuses.
    """

    lines: tuple[ListedKey, ...]

    def __post_init__(self) -> None:
        _ = self.keys  # of one log, each once
        covered: date | None = self.lines[0].last_day
        for before, line in zip(self.lines, self.lines[1:], strict=False):
            if line.first_day < before.first_day:
                raise MalformedKeyList(
                    f"key {line.id} signs from {line.first_day} and stands behind {before.id}, "
                    f"which signs from {before.first_day}: the first key comes first"
                )
            if covered is not None and line.first_day > covered:
                raise MalformedKeyList(
                    f"key {line.id} signs from {line.first_day}, and those before it until "
                    f"{covered}: on one day at least both must sign"
                )
            covered = None if covered is None or line.last_day is None else max(
                covered, line.last_day
            )  # fmt: skip
        for line in self.lines:
            if line.last_day is not None and line.last_day < line.first_day:
                raise MalformedKeyList(
                    f"key {line.id} signs from {line.first_day} until {line.last_day}: no day"
                )
        if covered is not None:
            raise MalformedKeyList(f"no key signs after {covered}: add one first")

    @classmethod
    def parse(cls, text: str) -> KeyList:
        """Return the list that a text spells, as `render` writes it; raises as the class does."""
        found = cls(tuple(_line(line) for line in text.removesuffix("\n").split("\n")))
        if found.render() != text:
            raise MalformedKeyList("not the spelling of a list of log keys")
        return found

    def render(self) -> str:
        """Return the text that `parse` reads."""
        return "".join(line.render() for line in self.lines)

    @property
    def keys(self) -> LogKeys:
        """All keys, the first one first."""
        return LogKeys(tuple(line.key for line in self.lines))

    def in_force(self, day: date) -> list[ListedKey]:
        """Return the keys that sign on that day."""
        return [line for line in self.lines if line.in_force(day)]


def _line(text: str) -> ListedKey:
    fields = text.split(" ")
    if len(fields) != 3:
        raise MalformedKeyList(
            f"a line is a verifier key, its first day and its last, or -: {shown(text)}"
        )
    key, first, last = fields
    return ListedKey(VerifierKey.parse(key), _day(first), None if last == _OPEN else _day(last))


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise MalformedKeyList(f"a day is spelled 2026-12-31: {shown(text)}") from None
    if day.isoformat() != text:
        raise MalformedKeyList(f"a day is spelled 2026-12-31: {shown(text)}")
    return day
