"""How a command ends: 0 it holds, 1 it was refused or refuted, 2 it could not be checked.

Wrong usage is 2 as well, and an interrupted command 130. An exception that is none of ours is a
bug and goes through to the interpreter with its traceback.
"""

from __future__ import annotations

from typing import Any, Final

import typer
from typer.core import TyperGroup

from testamur.cli.terminal import note, show_json, wants_json
from testamur.errors import Refusal, Refuted, Unavailable
from testamur.replay import Damage

HOLDS: Final = 0
REFUTED: Final = 1
UNCHECKED: Final = 2


class Commands(TyperGroup):
    """The commands, with one place where the two ways of failing become exit codes."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; report `Refuted` and `Unavailable`, let everything else pass."""
        try:
            return super().invoke(ctx)
        except (Refuted, Unavailable) as error:
            if wants_json(ctx):
                show_json(described(error))
            else:
                note(*_sentence(error))
            raise typer.Exit(REFUTED if isinstance(error, Refuted) else UNCHECKED) from None


def described(error: Refuted | Unavailable) -> dict[str, Any]:
    """Return the error as a JSON object; what is not known is left out."""
    match error:
        case Refusal():
            found = {"rule": error.rule, "detail": error.detail, "line": error.line}
            return _known({"error": "refused", **found, "value": error.value})
        case Damage():
            found = {"rule": error.rule, "detail": error.detail, "where": error.where}
            return _known({"error": "refuted", **found, "position": error.position})
        case Refuted():
            return {"error": "refuted", "detail": str(error)}
        case Unavailable():
            return {"error": "unavailable", "detail": str(error)}


def _sentence(error: Refuted | Unavailable) -> tuple[str, str]:
    """Return what to say, and in which style."""
    if isinstance(error, Unavailable):
        return str(error), "yellow"
    return f"{described(error)['error']}: {error}", "bold red"


def _known(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}
