"""Output for people and for programs: results on stdout, everything else on stderr.

With `--out -` stdout is the file, and the results go to stderr too.

Control characters in text from files and registries are escaped, so no name or error text can
move the cursor, colour a verdict or hide a line. Programs get JSON.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from itertools import takewhile
from typing import IO, Annotated, Any, Final, Protocol, TypeVar

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from testamur.errors import escaped, shows
from testamur.verification.replay import Progress as OnProgress

# Wide enough that nothing is folded when the output goes into a file or a pipe.
_UNFOLDED: Final = 10_000
_PIECE: Final = 1 << 20
_STYLES: Final = {
    "holds": "green",
    "refuted": "bold red",
    "refused": "bold red",
    "could not check": "yellow",
    "valid": "green",
    "not valid": "bold red",
    "could not tell": "yellow",
}


_T = TypeVar("_T")

# Whether the content of a file went to stdout, where a result beside it would spoil it.
_stdout_taken: Final = ContextVar("_stdout_taken", default=False)

Json = Annotated[bool, typer.Option("--json", help="Answer in JSON, errors included.")]


class Track(Protocol):
    """Shows progress through what it passes on."""

    def __call__(self, items: Iterable[_T], total: int | None) -> Iterable[_T]: ...


class NotShown(Exception):
    """Standard output cannot be written, so the result did not reach its reader."""


def wants_json(arguments: Sequence[str]) -> bool:
    """Return whether `arguments` hold `--json`, even if they cannot be parsed."""
    return "--json" in takewhile(lambda each: each != "--", arguments)


def show_json(document: Mapping[str, Any] | Sequence[Any]) -> None:
    """Print `document` on stdout."""
    with _writing_stdout():
        text = _visible_json(json.dumps(document, indent=2, ensure_ascii=False))
        typer.echo(text, err=_stdout_taken.get())


def show_json_line(document: Mapping[str, Any]) -> None:
    """Print `document` on one line of stdout."""
    with _writing_stdout():
        text = json.dumps(document, separators=(",", ":"), ensure_ascii=False)
        typer.echo(_visible_json(text), err=_stdout_taken.get())


def say_line(text: str) -> None:
    """Print a line on stdout as it is: control characters must have been escaped."""
    with _writing_stdout():
        typer.echo(text, err=_stdout_taken.get())


def _visible_json(text: str) -> str:
    # Characters that do not print occur in strings only, where JSON can escape them.
    return "".join(c if shows(c) or c == "\n" else json.dumps(c)[1:-1] for c in text)


def begin() -> None:
    """Forget what an earlier command in this process wrote."""
    _stdout_taken.set(False)


def write_stdout(data: bytes) -> None:
    """Write the content of a file on stdout; what is shown from here on goes to stderr."""
    _stdout_taken.set(True)
    with _writing_stdout():
        typer.echo(data, nl=False)


def copy_to_stdout(file: IO[bytes]) -> None:
    """Write the rest of a file on stdout."""
    while piece := file.read(_PIECE):
        write_stdout(piece)


def show_fields(fields: Mapping[str, object]) -> None:
    """Print names and values on stdout, one pair a line; a value of None is left out."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in fields.items():
        if value is not None:
            # Plain digits: people copy these numbers, such as a position.
            table.add_row(Text(plain(name)), _cell(f"{value}" if type(value) is int else value))
    _print(table)


def show_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table on stdout."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in columns:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*map(_cell, row))
    _print(table)


def say(text: str, style: str = "") -> None:
    """Print a line on stdout."""
    with _writing_stdout():
        typer.echo(_line(_out(), text, style), nl=False, err=_stdout_taken.get())


def note(text: str, style: str = "") -> None:
    """Print a line on stderr: for the person at the terminal, not part of the result."""
    with suppress(OSError):  # stderr is closed too; nowhere left to report it
        typer.echo(_line(_err(), text, style), err=True, nl=False)


def plain(value: object) -> str:
    """Return `value` as a line of text in which every character is a visible one."""
    # A file may be named by a stranger: what stood after a line break would look like an answer.
    return "".join(char if shows(char) else escaped(char) for char in str(value))


@contextmanager
def track(what: str, *, shown: bool = True) -> Iterator[Track]:
    """Show how far a loop is, on stderr, if that is a terminal; `total` is how long it is.

    Where it is not `shown`, another thing is printed meanwhile.
    """
    console = _err()
    hidden = not shown or not console.is_terminal
    with Progress(console=console, transient=True, disable=hidden) as bar:

        def tracked(items: Iterable[_T], total: int | None) -> Iterable[_T]:
            return bar.track(items, total=total, description=what)

        yield tracked


@contextmanager
def progress(what: str) -> Iterator[OnProgress]:
    """Show how far a replay is, on stderr, if that is a terminal."""
    console = _err()
    columns: list[ProgressColumn] = [
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        _Count(),
        TimeRemainingColumn(),
    ]
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task(what, total=None)

        def on_progress(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        yield on_progress


class _Count(ProgressColumn):
    def render(self, task: Task) -> Text:
        speed = f", {task.speed:,.0f}/s" if task.speed else ""
        return Text(f"{task.completed:,.0f} of {task.total or 0:,.0f} entries{speed}")


def _print(table: Table) -> None:
    console = _out()
    with _writing_stdout():
        with console.capture() as captured:
            console.print(table)
        # Rich pads each cell to its column, the last one included.
        for line in captured.get().splitlines():
            typer.echo(line.rstrip(), err=_stdout_taken.get())


def _line(console: Console, text: str, style: str) -> str:
    with console.capture() as captured:
        console.print(Text(plain(text), style), soft_wrap=True)
    return captured.get()


@contextmanager
def _writing_stdout() -> Iterator[None]:
    # Rich must not write to stdout itself: on a broken pipe it ends the process with 1.
    try:
        yield
    except OSError as error:
        raise NotShown(f"standard output cannot be written: {error.strerror}") from error


def _cell(value: object) -> Text:
    match value:
        case bool():
            text = "yes" if value else "no"
        case int():
            text = f"{value:,}"
        case list():
            text = ", ".join(map(plain, value)) or "none"
        case _:
            text = plain(value)
    return Text(text, _STYLES.get(text, ""))


def _out() -> Console:
    return _console(stderr=_stdout_taken.get())


def _err() -> Console:
    return _console(stderr=True)


def _console(*, stderr: bool) -> Console:
    console = Console(stderr=stderr, highlight=False, markup=False)
    if not console.is_terminal:
        console.width = _UNFOLDED
    return console
