"""Organizations that a test brings into the register, with the roles it asks for."""

from __future__ import annotations

from testamur.catalogue.members import Role
from tests.harness.memory_gate import MemoryGate
from tests.harness.story import Party, party


def registrar(gate: MemoryGate, *roles: Role) -> Party:
    """Return a member of the register that has these roles."""
    who = party("registrar " + " ".join(roles))
    gate.admit(gate.story.authority, gate.story.registered(gate.story.authority, who, *roles))
    return who
