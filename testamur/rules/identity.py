"""One id, one thing: what an id names already, it goes on naming alone.

The ids of recognitions, accreditations and achievements are in the register; those of
credentials are in the mapping that the caller supplies. Who keeps no credentials in memory must
look up what policy events create as well, or have a unique index that refuses it.
"""

from __future__ import annotations

from typing import Final

from testamur.catalogue import events as e
from testamur.catalogue.table import CREATED
from testamur.errors import Refusal
from testamur.rules.register import Credentials, Register

_ISSUED: Final = str(e.CredentialIssued.__struct_config__.tag)


def check_free(register: Register, credentials: Credentials, event: e.Event) -> None:
    """Raise `Refusal` (rule `id-taken`) if `event` creates what another kind of thing is called.

    An id that names a thing of the same kind is for the lifecycle to refuse.
    """
    member = CREATED.get(type(event))
    if member is None:
        return
    name = getattr(event, member)
    earlier = _ISSUED if name in credentials else register.named.get(name)
    if earlier not in (None, e.wire_name(event)):
        raise taken(name, earlier)


def taken(name: str, earlier: str | None) -> Refusal:
    """Return the refusal of an id that came with an event whose wire name is `earlier`."""
    return Refusal("id-taken", f"this id came with an earlier {earlier}", value=name)
