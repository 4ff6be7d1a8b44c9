"""Whether an organization may act in a role at the gate: registered in it, or granted it.

A recognition that counts gives its subject the role that it names, and an accreditation that
counts the role of a provider, whatever their dates and status. A role says what the gate admits,
never what counts for a verifier.
"""

from __future__ import annotations

from collections.abc import Mapping

from testamur.catalogue.members import Role
from testamur.errors import Refusal
from testamur.rules.register import Grant, Register
from testamur.rules.status import existing


def has_role(register: Register, did: str, role: Role) -> bool:
    """Return whether an organization in the register may act in a role."""
    if role in register.organizations[did].roles:
        return True
    if role == "provider":
        return _granted(register, register.accreditations, register.accredited.get(did, ()), None)
    return _granted(register, register.recognitions, register.recognised.get(did, ()), role)


def require_role(register: Register, did: str, role: Role) -> None:
    """Raise `Refusal` (rule `role`) unless the organization may act in the role."""
    if not register.concluded(("role", did, role), lambda: has_role(register, did, role)):
        article = "an" if role[0] in "ae" else "a"
        raise Refusal(
            "role",
            f"{did} must be {article} {role}: registered so, or by a grant that counts",
            value=list(register.organizations[did].roles),
        )


def _granted(
    register: Register, grants: Mapping[str, Grant], ids: tuple[str, ...], makes: Role | None
) -> bool:
    return any(
        grant.makes == makes and existing(register, grant) is not None
        for id_ in ids
        if (grant := grants[id_])
    )
