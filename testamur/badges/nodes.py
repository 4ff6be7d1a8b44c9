"""Places in a JSON-LD document, read as text, number, date or URI, or refused by path and value.

A text is a string, or a string with its language (JSON-LD 1.1 section 4.2, VC Data Model 2.0
section 11.1); where several may stand, each is another wording of one thing. What a member means
is not known here (`openbadges.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final, NamedTuple, NoReturn

from testamur.errors import Refusal

_URI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\x00-\x20\x7f<>\"{}|\\^`]+")
# XML Schema dateTimeStamp: the zone is mandatory (VC Data Model 2.0 section 4.9).
_DATE_TIME_STAMP: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})"
)
# XML Schema 1.1 section 3.3.7: no zone is further from UTC.
_FURTHEST: Final = timedelta(hours=14)
_NUMBER: Final = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,9})?")
MAX_WORDINGS: Final = 50
"""Of one text, in as many languages."""

_VALUE, _LANGUAGE, _DIRECTION = "@value", "@language", "@direction"


class Wording(NamedTuple):
    """A text, and the tag of its language in small letters, if it names one."""

    text: str
    language: str | None = None


class Node:
    """A place in the document: a value, and from where and by which step it is reached."""

    __slots__ = ("above", "step", "value")

    def __init__(self, value: Any, above: Node | None = None, step: str = "$") -> None:
        self.value, self.above, self.step = value, above, step

    @property
    def path(self) -> str:
        """The JSON path that leads here, built only when an error shows it."""
        steps: list[str] = []
        node: Node | None = self
        while node is not None:
            steps.append(node.step)
            node = node.above
        return "".join(reversed(steps))

    def refuse(self, detail: str, rule: str = "ob-member") -> NoReturn:
        """Raise `Refusal` with the path and the value."""
        raise Refusal(rule, f"{self.path} {detail}", value=self.value)

    def get(self, name: str) -> Node | None:
        """Return the member of this name; None if there is none, or null."""
        if not isinstance(self.value, dict):
            self.refuse("must be an object")
        # JSON-LD takes null for absence (JSON-LD 1.1 section 4.1), and so do issuers.
        value = self.value.get(name)
        return None if value is None else Node(value, self, f".{name}")

    def need(self, name: str) -> Node:
        """Return the member of this name, which must be there."""
        found = self.get(name)
        if found is None:
            raise Refusal("ob-member", f"{self.path}.{name} is missing")
        return found

    def many(self) -> list[Node]:
        """Return the items of an array, or the one value that stands for it."""
        if isinstance(self.value, list):
            return [Node(item, self, f"[{i}]") for i, item in enumerate(self.value)]
        return [self]

    def objects(self) -> Iterator[Node]:
        """Yield those of `many` that are objects."""
        if isinstance(self.value, dict):
            yield self
        elif isinstance(self.value, list):
            for i, item in enumerate(self.value):
                if isinstance(item, dict):
                    yield Node(item, self, f"[{i}]")

    def one(self) -> Node:
        """Return the value, or the only item of an array: both are in use, and mean the same."""
        items = self.many()
        if len(items) != 1:
            self.refuse(f"must be one, found {len(items)}: one credential is one award")
        return items[0]

    def wording(self) -> Wording:
        """Return the one text here, with its language if it names one."""
        if not isinstance(self.value, dict) or _VALUE not in self.value:
            text, language = self.value, None
        else:
            if not self.value.keys() <= {_VALUE, _LANGUAGE, _DIRECTION}:
                self.refuse(f"must hold {_VALUE}, {_LANGUAGE} and {_DIRECTION} alone")
            text, language = self.value[_VALUE], self.value.get(_LANGUAGE)
        if not isinstance(text, str) or not text.strip():
            self.refuse('must be text that is not empty, or {"@value": text, "@language": tag}')
        if language is not None and not isinstance(language, str):
            self.refuse(f"must name its {_LANGUAGE} in text")
        return Wording(text, None if language is None else language.lower())

    def wordings(self) -> tuple[Wording, ...]:
        """Return each text here: one, or an array of them, in one or several languages."""
        items = self.many()
        if not 1 <= len(items) <= MAX_WORDINGS:
            self.refuse(f"must be 1 to {MAX_WORDINGS} texts, found {len(items)}")
        return tuple(dict.fromkeys(item.wording() for item in items))

    def text(self) -> str:
        """Return the one text here, whatever its language."""
        return self.one().wording().text if isinstance(self.value, list) else self.wording().text

    def texts(self) -> list[str]:
        """Return each text here."""
        return [item.text() for item in self.many()]

    def label(self) -> str:
        """Return a text, or a number as the text that it is written in."""
        plain = type(self.value) in (int, float) and _NUMBER.fullmatch(repr(self.value))
        return repr(self.value) if plain else self.text()

    def uri(self) -> str:
        """Return a URI, which is a plain string."""
        if not _URI.fullmatch(self._plain()):
            self.refuse("must be a URI")
        return self._plain()

    def number(self) -> Decimal:
        """Return a number: of JSON, or the same as text, which some issuers write."""
        text = self.value if isinstance(self.value, str) else repr(self.value)
        if isinstance(self.value, bool) or not _NUMBER.fullmatch(text):
            self.refuse("must be a number")
        return Decimal(text)

    def date_time(self) -> datetime:
        """Return a moment in the zone that it is written in, whose day is the one that it names."""
        text = self._plain()
        try:
            if _DATE_TIME_STAMP.fullmatch(text) is None:
                raise ValueError(text)  # noqa: TRY301  # Python reads more than XML Schema
            found = datetime.fromisoformat(text)
            found.astimezone(UTC)  # else a moment outside Python's calendar overflows later
            if abs(found.utcoffset() or timedelta()) > _FURTHEST:
                raise ValueError(text)  # noqa: TRY301  # nor is there such a zone
        except (ValueError, OverflowError):
            self.refuse("must be a date and time with a zone: 2026-11-21T00:00:00Z", "ob-date")
        return found

    def _plain(self) -> str:
        if not isinstance(self.value, str) or not self.value.strip():
            self.refuse("must be text that is not empty")
        return self.value
