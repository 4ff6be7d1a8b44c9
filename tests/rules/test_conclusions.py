"""A conclusion holds until something that was read on the way to it is replaced."""

from __future__ import annotations

import pytest

from testamur.rules.conclusions import Conclusions, Drawing
from testamur.rules.reading import ReadRegister
from testamur.rules.register import Register
from tests.harness.memory_gate import MemoryGate


def held(drawing: Drawing, name: str, *replaced: tuple[str, str]) -> bool:
    """Return whether a conclusion holds after something was replaced."""
    return Conclusions(drawing.drawn, replaced).find(name, lambda: "anew") == "before"


def test_it_rests_on_what_was_read_by_itself_and_by_what_it_was_drawn_from() -> None:
    drawing = Drawing()

    def inner() -> str:
        drawing.note("achievements", "a")
        return "before"

    def outer() -> str:
        drawing.note("organizations", "o")
        return drawing.find("inner", inner)

    drawing.find("inner", inner)
    drawing.find("outer", outer)
    assert held(drawing, "outer")
    assert held(drawing, "outer", ("organizations", "a"), ("achievements", "o"))
    assert not held(drawing, "outer", ("organizations", "o"))
    assert not held(drawing, "outer", ("achievements", "a"))
    assert held(drawing, "inner", ("organizations", "o"))
    assert not held(drawing, "inner", ("achievements", "a"))


def test_what_could_not_be_drawn_is_none() -> None:
    drawing, empty = Drawing(), dict[str, str]()
    with pytest.raises(KeyError):
        drawing.find("name", lambda: empty["nothing"])
    assert not drawing.drawn


def test_each_way_of_asking_a_mapping_is_noted(gate: MemoryGate) -> None:
    for number, ask in enumerate(
        (
            lambda register: register.organizations.get("absent"),
            lambda register: "absent" in register.organizations,
            lambda register: register.organizations[gate.story.provider.did],
        )
    ):
        drawing = Drawing()
        read = ReadRegister(gate.register, drawing)
        drawing.find("asked", lambda read=read, ask=ask: ask(read))  # type: ignore[misc]
        name = gate.story.provider.did if number == 2 else "absent"
        assert drawing.drawn["asked"].reads == {("organizations", name)}


def test_what_no_replaced_name_would_tell_cannot_be_read(gate: MemoryGate) -> None:
    read: Register = ReadRegister(gate.register, Drawing())
    for what in ("size", "recorded_at", "origin"):
        with pytest.raises(TypeError):
            getattr(read, what)
    with pytest.raises(TypeError):
        list(read.organizations)
    with pytest.raises(TypeError):
        read.organizations["did"] = gate.register.organizations[gate.story.provider.did]


def test_a_draft_tells_what_it_replaces(gate: MemoryGate) -> None:
    register = gate.register.draft()
    conclusions = Conclusions({}, ())
    register.judged = register.judged._replace(conclusions=conclusions)
    MemoryGate(gate.story, register.draft()).admit(gate.story.provider, gate.story.updated())
    assert conclusions.replaced == {("organizations", gate.story.provider.did)}
