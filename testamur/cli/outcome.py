"""How a command ends: 0 it holds, 1 it was refused or refuted, 2 it could not be checked.

Wrong usage also ends with 2, as do errors of the machine: no permission, a full disk. An
interrupted command ends with 130. Any other exception is a bug, and shows its traceback.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import typer
from typer.core import TyperGroup

from testamur.cli.profile import Offers, how_to_offer, is_offered, source, takes
from testamur.cli.terminal import NotShown, begin, note, show_json, wants_json
from testamur.errors import Refusal, Refuted, Unavailable
from testamur.private_keys import THIS_IS_ONE, holds_private_key
from testamur.tlog.log_keys import UnknownLogKey
from testamur.verification.replay import BadEntry

HOLDS: Final = 0
REFUTED: Final = 1
UNCHECKED: Final = 2
_KEY: Final = (
    "which key signs follows from --keys DIR, the folder of your keys, or from --key FILE with "
    "--organization DID; its name (kid) is worked out from these"
)
_INSTEAD: Final = {
    "--kid": _KEY,
    "--did": _KEY,
    "--issuer": _KEY,
}
# The base of the errors about arguments, which typer does not export.
_UsageError: Final[Any] = typer.BadParameter.__bases__[0]


class Commands(TyperGroup):
    """The commands, with one place where the ways of failing become exit codes."""

    def make_context(self, info_name: Any, args: list[str], *more: Any, **extra: Any) -> Any:
        """Parse the options before the command."""
        begin()
        with _reported(list(args)):
            _refuse_private_keys(args)
            return super().make_context(info_name, args, *more, **extra)

    def invoke(self, ctx: Any) -> Any:
        """Run the command and report the errors that are its verdicts; let a bug through."""
        with _reported(ctx.args, ctx):
            return super().invoke(ctx)


def _refuse_private_keys(arguments: Sequence[str]) -> None:
    # Before they are parsed: whatever is wrong with an argument, the error quotes it.
    if any(holds_private_key(each.encode("utf-8", "surrogateescape")) for each in arguments):
        raise Unavailable(
            f"among the arguments: {THIS_IS_ONE}. Commands take the name of its "
            "file. Your shell may have kept what you typed, so make another key"
        )


@contextmanager
def _reported(arguments: Sequence[str], context: Any = None) -> Iterator[None]:
    """Report `Refuted`, `Unavailable`, `OSError` and, if JSON is asked for, wrong usage."""
    in_json = wants_json(arguments)
    try:
        try:
            yield
        except BrokenPipeError as broken:
            raise NotShown from broken
        except (Refuted, Unavailable, OSError) as caught:
            error = _unavailable(caught) if isinstance(caught, OSError) else caught
            if in_json:
                show_json(described(error))
            else:
                note(*_sentence(error))
                if isinstance(error, Refuted | UnknownLogKey) and _is_offered_policy(context):
                    # Else nobody knows which policy the error is about.
                    note(f"The policy is that of {source('trust')}")
            raise typer.Exit(REFUTED if isinstance(error, Refuted) else UNCHECKED) from None
        except _UsageError as error:
            _explain(error)
            if not in_json:
                raise
            show_json({"error": "usage", "detail": error.format_message()})
            raise typer.Exit(UNCHECKED) from None
    except NotShown as error:
        # A reader that stopped early, such as `head`, is no error worth a message.
        if not isinstance(error.__cause__, BrokenPipeError):
            note(str(error), "yellow")
        raise typer.Exit(UNCHECKED) from None


def _is_offered_policy(context: Any) -> bool:
    offers = None if context is None else context.obj
    return isinstance(offers, Offers) and "trust" in offers.used


def _explain(error: Any) -> None:
    """Say what to give instead of an option that is not there, and whence a bad value came."""
    # What typer's validator puts before its own sentences says nothing to a user.
    error.message = (error.message or "").removeprefix("Value error, ")
    instead = _INSTEAD.get(getattr(error, "option_name", ""))
    if instead is not None:
        error.message, error.possibilities = f"{error.message}: {instead}", None
    context, name = error.ctx, getattr(getattr(error, "param", None), "name", None)
    if context is None or name is None or not takes(context.info_name, name):
        return
    if is_offered(context, name):
        error.message = f"{error.message} (from {source(name)})"
    elif not error.message:
        error.message = how_to_offer(name)


def _unavailable(error: OSError) -> Unavailable:
    where = f"{error.filename}: " if error.filename is not None else ""
    return Unavailable(f"{where}{error.strerror or error}")


def described(error: Refuted | Unavailable) -> dict[str, Any]:
    """Return the error as a JSON object; members without a value are left out."""
    match error:
        case Refusal():
            found = {"rule": error.rule, "detail": error.detail, "line": error.line}
            return _known({"error": "refused", **found, "value": error.value})
        case BadEntry():
            found = {"rule": error.rule, "detail": error.detail, "where": error.where}
            return _known({"error": "refuted", **found, "position": error.position})
        case Refuted():
            return {"error": "refuted", "detail": str(error)}
        case Unavailable():
            return {"error": "unavailable", "detail": str(error)}


def _sentence(error: Refuted | Unavailable) -> tuple[str, str]:
    """Return the message, and its style."""
    if isinstance(error, Unavailable):
        return str(error), "yellow"
    return f"{described(error)['error']}: {error}", "bold red"


def _known(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}
