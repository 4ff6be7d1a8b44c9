"""Organizations that a test brings into the register, with the roles it asks for."""

from __future__ import annotations

from testamur.catalogue.members import Role
from tests.harness.memory_gate import MemoryGate
from tests.harness.story import Party, party


def registrar(gate: MemoryGate, *roles: Role, name: str = "registrar") -> Party:
    """Return a member of the register that has these roles."""
    who = party(f"{name} {' '.join(roles)}")
    gate.admit(gate.story.authority, gate.story.registered(gate.story.authority, who, *roles))
    return who


def robbed(gate: MemoryGate, who: Party, since: int) -> Party:
    """Declare the signing key of an organization compromised; return it with a fresh key."""
    fresh = who.with_key(f"fresh key from {gate.register.size} on")
    story = gate.story
    gate.admit(who.founding, story.key_compromised(who, since=since), story.key_listed(fresh))
    return fresh
