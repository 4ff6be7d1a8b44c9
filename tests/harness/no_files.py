"""Things other than a regular file that may be in the place of a file of a log."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

NO_FILES: Final[dict[str, Callable[[Path], None]]] = {
    "fifo": os.mkfifo,
    "device": lambda place: place.symlink_to("/dev/zero"),
    "folder": lambda place: place.mkdir(),
    "dangling link": lambda place: place.symlink_to("nowhere"),
    "link to itself": lambda place: place.symlink_to(place.name),
}
UNREADABLE: Final = {"link to itself"}
"""Those that the system cannot open, and does not report as missing."""
