"""One id names one thing: an id that is taken cannot be given to another thing.

The ids of recognitions, accreditations and achievements are in the register; those of
credentials are in the mapping that the caller supplies. A caller that does not keep all
credentials in memory must also look up the ids that other events create, or have a unique index
that refuses them.
"""

from __future__ import annotations

from typing import Final

from testamur.catalogue import events as e
from testamur.catalogue.table import TABLE, row_of, subject_of
from testamur.errors import Refusal
from testamur.rules.register import Credentials, Register

_ISSUED: Final = TABLE[e.CredentialIssued].name


def check_free(register: Register, credentials: Credentials, event: e.Event) -> None:
    """Raise `Refusal` (rule `id-taken`) if `event` creates an id that names another kind of thing.

    The lifecycle refuses an id that names a thing of the same kind.
    """
    row = row_of(event)
    if not row.creates:
        return
    name = subject_of(event)
    earlier = _ISSUED if name in credentials else register.creator(name)
    if earlier not in (None, row.name):
        raise taken(name, earlier)


def taken(name: str, earlier: str | None) -> Refusal:
    """Return the refusal of an id that an event with the wire name `earlier` created."""
    return Refusal("id-taken", f"this id came with an earlier {earlier}", value=name)
