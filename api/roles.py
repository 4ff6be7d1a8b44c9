"""What a process of the server does: take requests, publish, or keep the tables."""

from __future__ import annotations

from typing import Final, get_args

from api.operations.series import Role
from testamur.errors import Unavailable, shown

ALL: Final[tuple[Role, ...]] = get_args(Role)


def parse_roles(text: str) -> frozenset[Role]:
    """Return the roles in a list such as `api,publish`; raises `Unavailable`."""
    names = text.split(",")
    for name in names:
        if name not in ALL:
            raise Unavailable(f"{shown(name)} is no role: roles are {', '.join(ALL)}")
    if len(set(names)) != len(names):
        raise Unavailable("a role is given twice")
    return frozenset(role for role in ALL if role in names)
