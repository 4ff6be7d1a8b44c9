"""How does a command of an operator end that could not do what it was asked?"""

from __future__ import annotations

from typing import Final, NoReturn

import typer
from rich.console import Console

from testamur.errors import Refuted, Unavailable

CONSOLE: Final = Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)


def fail(error: Refuted | Unavailable) -> NoReturn:
    """Say why on standard error, and exit: 1 examined and wrong, 2 not examined or not usable."""
    said = "refused" if isinstance(error, Refuted) else "unavailable"
    CONSOLE.print(f"{said}: {error}", markup=False)
    raise typer.Exit(1 if isinstance(error, Refuted) else 2)
