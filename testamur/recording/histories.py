"""How much a registry reads of what was said before, for one submission about many credentials.

A replayer reads whatever is there, so this is a bound of the gate alone. Who submits about
credentials with long histories submits fewer of them at a time.
"""

from __future__ import annotations

from typing import Final

BESIDES: Final = 2_000
"""Entries that are read of the histories of all credentials together, and more for each."""
FOR_EACH: Final = 4
"""Entries more for each credential that is named."""
ALONE: Final = 2
"""Credentials whose histories are read however long they are: one, and the one that supersedes
it."""
