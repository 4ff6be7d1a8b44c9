"""Which grants of a subject are looked at: bounded, so that an event costs the same however many.

Flags look at the recognitions that make an accreditor, and at those that made their authorities;
roles look at these and at the accreditations of a provider. Each of the three has a bound of its
own. Strangers grant without end, so grants that do not count make room first, then those by
somebody far from the root authorities: the oldest of the organization that granted the most. An
accreditor is near them if a recognition of it is by an authority that is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final

from testamur.rules.register import Grant, Register
from testamur.rules.scope import names_in
from testamur.rules.status import existing

LOOKED_AT: Final = 64
"""How many accreditations of one subject are looked at, or recognitions as an accreditor."""

AUTHORITY_LOOKED_AT: Final = 8
"""How many recognitions as an authority: flags ask them of the authority of each of the others."""

NAMES_LOOKED_AT: Final = 8192
"""How many things the scopes of recognitions that are looked at may name in all."""

_OF_ACCREDITOR: Final = 16
"""How many recognitions of an accreditor, the first ones, are asked how near it is."""


def looked_at(
    register: Register, grants: Mapping[str, Grant], ids: tuple[str, ...]
) -> tuple[str, ...]:
    """Return those of a subject's grants that are looked at from here on.

    `ids` are those looked at so far, oldest first, and the one granted now.
    """
    makes = grants[ids[-1]].makes
    kept = {id_: grants[id_] for id_ in ids if grants[id_].makes == makes}
    if len(kept) > (AUTHORITY_LOOKED_AT if makes == "authority" else LOOKED_AT):
        del kept[_dispensable(register, kept, dict.fromkeys(kept, 1))]
    # Nobody asks an accreditation what it covers before an issuance names it.
    scoped = {} if makes is None else kept
    names = {id_: names_in(grant.event.scope) for id_, grant in scoped.items()}
    while sum(names.values()) > NAMES_LOOKED_AT:
        gone = _dispensable(register, kept, names)
        del kept[gone], names[gone]
    return tuple(id_ for id_ in ids if id_ in kept or grants[id_].makes != makes)


def near_root(register: Register, did: str) -> bool:
    """Return whether an authority is a root authority, or one of these recognised it."""
    return is_root(register, did) or any(
        grant.makes == "authority"
        and is_root(register, grant.owner)
        and existing(register, grant) is not None
        for id_ in register.recognised.get(did, ())
        if (grant := register.recognitions[id_])
    )


def _recognised_near_root(register: Register, accreditor: str, near: dict[str, bool]) -> bool:
    """Return whether an authority near the root recognises it; `near` has what was found before."""
    looked = register.recognised.get(accreditor, ())[:_OF_ACCREDITOR]
    for grant in (register.recognitions[id_] for id_ in looked):
        if grant.makes != "accreditor":
            continue
        if grant.owner not in near:
            near[grant.owner] = near_root(register, grant.owner)
        if near[grant.owner] and existing(register, grant) is not None:
            return True
    return False


def is_root(register: Register, did: str) -> bool:
    """Return whether an organization is a root authority of the genesis."""
    organization = register.organizations.get(did)
    return organization is not None and organization.root


def _dispensable(register: Register, kept: Mapping[str, Grant], shares: Mapping[str, int]) -> str:
    """Return the grant that makes room; one without a share stays."""
    sharing = {id_: kept[id_] for id_, share in shares.items() if share}
    vain = [id_ for id_, grant in sharing.items() if existing(register, grant) is None]
    near = _near(register, sharing)
    far = [id_ for id_, grant in sharing.items() if not near[grant.owner]]
    first = vain or far or list(sharing)
    of_granter: Counter[str] = Counter()
    for id_ in first:
        of_granter[sharing[id_].owner] += shares[id_]
    granter, most = of_granter.most_common(1)[0]
    if most == 1:
        return first[-1]  # one each: those that were there first stay
    return next(id_ for id_ in first if sharing[id_].owner == granter)


def _near(register: Register, grants: Mapping[str, Grant]) -> dict[str, bool]:
    """Return by organization that granted one of these, all of one kind, whether it is near."""
    owners = {grant.owner: grant.makes for grant in grants.values()}
    found: dict[str, bool] = {}
    return {
        each: _recognised_near_root(register, each, found)
        if makes is None
        else near_root(register, each)
        for each, makes in owners.items()
    }
