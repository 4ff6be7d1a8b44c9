"""A register that notes what is read of it while conclusions are drawn (`conclusions.py`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

from testamur.rules.conclusions import Drawing
from testamur.rules.drafts import Draft
from testamur.rules.register import Judged, Register


class ReadRegister(Register):
    """A register as `drawing` reads it: its mappings note each name that is asked of them.

    It has no size, no time and no origin, so no conclusion can depend on them. Nothing that was
    judged before is used, since that would hide what it was judged by.
    """

    def __init__(self, register: Register, drawing: Drawing) -> None:
        for name, states in register.mappings().items():
            setattr(self, name, _Read(states, name, drawing))
        self.judged = Judged(conclusions=drawing)

    def _untold(self) -> NoReturn:
        raise TypeError("a conclusion drawn from the size or time of a register would not last")

    size = recorded_at = origin = property(_untold)


class _Read(Draft[Any]):
    """A mapping of the register. It refuses to be changed, and to be walked."""

    __slots__ = ("_drawing", "_name")

    def __init__(self, beneath: Mapping[str, Any], name: str, drawing: Drawing) -> None:
        super().__init__(beneath)
        self._name = name
        self._drawing = drawing

    def __getitem__(self, name: str) -> Any:
        self._drawing.note(self._name, name)
        return self.beneath[name]

    def get(self, name: str, default: Any = None) -> Any:
        """Return the value of `name`, or `default`, and note that it was asked."""
        self._drawing.note(self._name, name)
        return self.beneath.get(name, default)

    def __contains__(self, name: object) -> bool:
        self._drawing.note(self._name, str(name))
        return name in self.beneath

    def __setitem__(self, name: str, value: Any) -> NoReturn:
        raise TypeError(f"conclusions are drawn from this register: {name} stays as it is")

    def __iter__(self) -> Iterator[str]:
        raise TypeError("a conclusion from all of a mapping would hold for a moment only")
