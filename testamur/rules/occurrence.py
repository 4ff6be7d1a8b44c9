"""Where an event happens and who signed it: what the rules need beside the event itself."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple


class Occurrence(NamedTuple):
    """An event's position, the DID that signed it, and the UTC day it was recorded on.

    `possessed` says that the signature by the event's new key was found good before.
    """

    position: int
    actor: str
    day: date
    possessed: bool = False
