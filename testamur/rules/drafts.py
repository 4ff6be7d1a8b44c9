"""A mapping laid over another: changes are kept apart until they are taken over or dropped.

Nothing beneath is copied or changed, so a draft costs as much as what it changes, however large
the mapping beneath it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any, NoReturn, TypeVar, cast

_State = TypeVar("_State")


class Draft(MutableMapping[str, _State]):
    """Reads through to the mapping `beneath`; `changed` is what was set here.

    No value is None, and nothing can be taken out: a register only adds and replaces.
    """

    __slots__ = ("beneath", "changed")

    def __init__(self, beneath: Mapping[str, _State]) -> None:
        self.beneath = beneath
        self.changed: dict[str, _State] = {}

    def __getitem__(self, name: str) -> _State:
        found = self.changed.get(name)
        return self.beneath[name] if found is None else found

    def get(self, name: str, default: Any = None) -> Any:
        """Return the value of `name`, or `default`."""
        found = self.changed.get(name)
        return self.beneath.get(name, default) if found is None else found

    def __contains__(self, name: object) -> bool:
        return name in self.changed or name in self.beneath

    def __setitem__(self, name: str, value: _State) -> None:
        self.changed[name] = value

    def __delitem__(self, name: str) -> NoReturn:
        raise TypeError(f"nothing is taken out of a register, not even {name}")

    def __iter__(self) -> Iterator[str]:
        yield from self.beneath
        yield from (name for name in self.changed if name not in self.beneath)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def layers(mapping: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    """Return the mappings that hold what is asked of a mapping now, in the order of asking.

    They are those of a draft, without the drafts: asking them costs a fifth. A draft in which
    nothing was set has another layer once something is.
    """
    found: list[Mapping[str, Any]] = []
    while type(mapping) in (Draft, NotingDraft):
        draft = cast("Draft[Any]", mapping)
        if draft.changed:
            found.append(draft.changed)
        mapping = draft.beneath
    return *found, mapping


class NotingDraft(Draft[_State]):
    """A draft that adds (`mapping`, name) to `replaced` for each name that is set in it."""

    __slots__ = ("_mapping", "_replaced")

    def __init__(
        self, beneath: Mapping[str, _State], mapping: str, replaced: set[tuple[str, str]]
    ) -> None:
        super().__init__(beneath)
        self._mapping = mapping
        self._replaced = replaced

    def __setitem__(self, name: str, value: _State) -> None:
        self._replaced.add((self._mapping, name))
        self.changed[name] = value
