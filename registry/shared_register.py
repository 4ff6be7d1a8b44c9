"""The register that a gate decides by, and how other threads read it while it moves on.

One thread changes it, by taking over drafts of what is durable. Others read views without a
lock. A view never changes: when a value is replaced, the versions before the change keep the old
one. A view looks into the register first, and then into these versions. So a change costs what it
changes, and a look-up in a view what it asks for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final, NoReturn

from testamur.rules import Register
from testamur.rules.drafts import Draft

_ABSENT: Final = object()


class SharedRegister:
    """A register and its newest view, `latest`."""

    def __init__(self, register: Register) -> None:
        self._live = register
        self._version = self._shown = Version()
        self.latest = self._view()

    @property
    def size(self) -> int:
        """How many entries the register is of."""
        return self._live.size

    @property
    def version(self) -> Version:
        """The version that `latest` shows, even if a change failed half-way since."""
        return self._shown

    def draft(self) -> Register:
        """Return a draft of the register; only the thread that changes the register may."""
        return self._live.draft()

    def replaced_since(self, version: Version) -> Iterator[tuple[str, str]]:
        """Yield what was replaced or added since a version: a mapping, and a name in it."""
        while version.later is not None:
            replaced, version = version.later
            yield from ((mapping, name) for mapping, names in replaced.items() for name in names)

    def absorb(self, draft: Register) -> None:
        """Take over the changes of a draft and show them in a new view."""
        changes = draft.changes()
        moved = any(changes.values())
        if moved:
            before = self._live.mappings()
            replaced = {
                name: {key: before[name].get(key, _ABSENT) for key in changed}
                for name, changed in changes.items()
            }
            # Before the change itself: a reader that meets the new value finds the old one here.
            version = Version()
            self._version.later = replaced, version
            self._version = version
        self._live.absorb(draft)
        if moved:
            self.latest = self._view()
            self._shown = self._version
        else:
            self.latest = replace(
                self.latest,
                origin=draft.origin,
                size=draft.size,
                recorded_at=draft.recorded_at,
                last_leaf=draft.last_leaf,
            )

    def _view(self) -> Register:
        live = self._live
        views: dict[str, Any] = {
            name: _View(states, name, self._version) for name, states in live.mappings().items()
        }
        return Register(live.origin, live.size, live.recorded_at, last_leaf=live.last_leaf, **views)


class Version:
    """A state of the register: what it replaced on its way to the next one, once there is one."""

    __slots__ = ("later",)

    def __init__(self) -> None:
        self.later: tuple[dict[str, dict[str, Any]], Version] | None = None


class _View(Draft[Any]):
    """A mapping of the register as of one version. It refuses to be changed."""

    __slots__ = ("_name", "_version")

    def __init__(self, live: Mapping[str, Any], name: str, version: Version) -> None:
        super().__init__(live)
        self._name = name
        self._version = version

    def get(self, name: str, default: Any = None) -> Any:
        """Return the value of `name` as of this version, or `default`."""
        # The register first, then the versions: a value replaced in between is in these.
        value = self.beneath.get(name, _ABSENT)
        version = self._version
        while version.later is not None:
            replaced, version = version.later
            if name in replaced[self._name]:
                value = replaced[self._name][name]
                break
        return default if value is _ABSENT else value

    def __getitem__(self, name: str) -> Any:
        value = self.get(name, _ABSENT)
        if value is _ABSENT:
            raise KeyError(name)
        return value

    def __contains__(self, name: object) -> bool:
        return self.get(str(name), _ABSENT) is not _ABSENT

    def __setitem__(self, name: str, value: Any) -> NoReturn:
        raise TypeError(f"others read this register: change {name} in a draft of it")

    def __iter__(self) -> Iterator[str]:
        # For tools: a copy of the names is one step of the interpreter, undisturbed by others.
        return (name for name in list(self.beneath) if name in self)
