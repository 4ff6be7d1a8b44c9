"""A gate that looks, before each lock, at its register as it was some groups ago.

    with looking_back(3) as looked:
        ...   # any gate; `looked` grows by the number of groups that a look lies behind

All that was judged and concluded from the older register must lead to the same answers as from
the newest, or be thrown away: as if other processes had recorded these groups in between.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from registry import committer, known
from registry.shared_register import SharedRegister
from testamur.rules import Register


@contextmanager
def looking_back(groups: int) -> Iterator[list[int]]:
    """Let gates that are opened meanwhile look so many groups back."""
    shown: dict[SharedRegister, list[tuple[Register, Any]]] = {}
    looked: list[int] = []
    older: list[Register] = []
    made, absorb, earlier = SharedRegister.__init__, SharedRegister.absorb, known.earlier

    def begin(shared: SharedRegister, register: Register) -> None:
        made(shared, register)
        shown[shared] = [(shared.latest, shared._version)]

    def absorbed(shared: SharedRegister, draft: Register) -> None:
        absorb(shared, draft)
        shown[shared].append((shared.latest, shared._version))

    def version(shared: SharedRegister) -> Any:
        behind = min(groups, len(shown[shared]) - 1)
        register, found = shown[shared][-1 - behind]
        looked.append(behind)
        older[:] = [register]
        return found

    def look(reading: Any, _: Register, *others: Any) -> Any:
        return earlier(reading, older[0], *others)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SharedRegister, "__init__", begin)
        patch.setattr(SharedRegister, "absorb", absorbed)
        patch.setattr(SharedRegister, "version", property(version))
        patch.setattr(committer, "earlier", look)
        yield looked
