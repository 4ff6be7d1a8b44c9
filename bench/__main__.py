"""Every bench in turn, each in a process of its own: `python -m bench`."""

from __future__ import annotations

import subprocess
import sys
from typing import Final

BENCHES: Final = (
    ("append", "--events", "1000000", "--batch", "1000"),
    ("single",),
    ("replay", "--events", "1000000", "--batch", "1000"),
    ("project", "--events", "1000000", "--batch", "1000"),
    ("tiles",),
    ("verify",),
    ("gate_worst",),
)


def main() -> None:
    """Run them all; stop at the first that fails."""
    for name, *options in BENCHES:
        subprocess.run([sys.executable, "-m", f"bench.{name}", *options], check=True)


if __name__ == "__main__":
    main()
