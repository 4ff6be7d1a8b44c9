"""`python -m demo`: play a realistic story on a real server, and prove what happened.

Exit codes: 0 everything held, 1 something did not, 2 the story could not be played.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from demo import stage
from testamur.errors import Refuted, Unavailable

_console = Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)


def demo(
    data: Annotated[Path, typer.Option("--data", help="The folder that holds everything.")],
    port: Annotated[int, typer.Option(min=0, max=65_535, help="0 picks a free one.")] = 8765,
    *,
    once: Annotated[
        bool, typer.Option("--once", help="Stop after the story instead of serving on.")
    ] = False,
) -> None:
    """Play a realistic story on a real server in the folder DATA, and prove what happened."""
    try:
        stage.run(data, port, once=once)
    except (stage.DemoFailed, Refuted) as error:
        _console.print(f"The demo did not hold: {error}", markup=False)
        raise typer.Exit(1) from None
    except (Unavailable, OSError) as error:
        _console.print(f"The demo could not be played: {error}", markup=False)
        raise typer.Exit(2) from None


if __name__ == "__main__":
    app = typer.Typer(
        add_completion=False,
        context_settings={"help_option_names": ["-h", "--help"]},
        pretty_exceptions_enable=False,
    )
    app.command()(demo)
    app(prog_name="python -m demo")
