"""Asking about a credential: what a registry states."""

from __future__ import annotations

from typing import Any, Final

import typer

from testamur.cli.asking import asked
from testamur.cli.terminal import Json, show_fields, show_json
from testamur.cli.values import At, Credential, Size, Url, as_of, credential_id
from testamur.errors import Unavailable, shown

app = typer.Typer()
_PANEL: Final = "Verification"


@app.command(rich_help_panel=_PANEL)
def status(
    credential: Credential,
    url: Url,
    at: At = None,
    size: Size = None,
    *,
    json: Json = False,
) -> None:
    """Ask a registry for the status of a credential. Its answer is stated, not proven.

    Example: `testamur status credential.json --url https://registry.example --at 2026-11-21`
    """
    name = credential_id(credential)
    with asked(url) as registry:
        answer = registry.credential(name, as_of(at, size))
    if answer.get("id") != name:
        raise Unavailable(f"{url} answered about {shown(answer.get('id'))}, not about {name}")
    if json:
        show_json(answer)
    else:
        show_fields(_flat({**answer, "status": _since(answer)}))


_LEFT_OUT: Final = frozenset({"links"})


def _since(answer: dict[str, Any]) -> Any:
    """Return the status that a registry states, with the day from which it says that it holds."""
    status, last = answer.get("status"), answer.get("lastEvent")
    effective = last.get("effectiveAt") if isinstance(last, dict) else None
    if effective is None or not isinstance(last, dict):
        return status
    recorded = str(last.get("recordedAt")).partition("T")[0]
    return f"{status} with effect from {effective}, recorded {recorded}"


def _flat(answer: dict[str, Any]) -> dict[str, Any]:
    """Return the members of members under dotted names, as a person reads them best.

    Addresses that follow from the ids are for programs.
    """
    found: dict[str, Any] = {}
    for name, value in answer.items():
        if name in _LEFT_OUT:
            continue
        inner = value if isinstance(value, dict) else {"": _listed(value)}
        found |= {f"{name}.{each}".rstrip("."): _listed(inner[each]) for each in inner}
    return found


def _listed(value: Any) -> Any:
    """Return a list of objects as a list of texts, each with the names of its members."""
    if not isinstance(value, list):
        return value
    return [
        "; ".join(f"{name} {each[name]}" for name in each if name not in _LEFT_OUT)
        if isinstance(each, dict)
        else each
        for each in value
    ]
