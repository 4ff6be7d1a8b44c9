"""Which grants of a subject are looked at: bounded, so that an event costs the same however many.

Flags look at the recognitions that make an accreditor, and at those that made their authorities;
roles look at these and at the accreditations of a provider. Each of the three has a bound of its
own. Strangers grant without end, so grants that do not count make room first, then those by
somebody far from the root authorities: the oldest of the organization that granted the most.
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
"""How many things the scopes of these may name in all."""


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
    names = {id_: names_in(grant.event.scope) for id_, grant in kept.items()}
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


def is_root(register: Register, did: str) -> bool:
    """Return whether an organization is a root authority of the genesis."""
    organization = register.organizations.get(did)
    return organization is not None and organization.root


def _dispensable(register: Register, kept: Mapping[str, Grant], shares: Mapping[str, int]) -> str:
    """Return the grant that makes room; one without a share stays."""
    sharing = {id_: kept[id_] for id_, share in shares.items() if share}
    vain = [id_ for id_, grant in sharing.items() if existing(register, grant) is None]
    near = {each: near_root(register, each) for each in {grant.owner for grant in sharing.values()}}
    far = [id_ for id_, grant in sharing.items() if not near[grant.owner]]
    first = vain or far or list(sharing)
    of_granter: Counter[str] = Counter()
    for id_ in first:
        of_granter[sharing[id_].owner] += shares[id_]
    granter, most = of_granter.most_common(1)[0]
    if most == 1:
        return first[-1]  # one each: those that were there first stay
    return next(id_ for id_ in first if sharing[id_].owner == granter)
