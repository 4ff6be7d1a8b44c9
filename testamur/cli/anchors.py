"""Trust anchors on the command line: DIDs of authorities or accreditors, or a file of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import typer

from testamur.cli.files import STDIN, read
from testamur.cli.values import cut
from testamur.errors import Refusal
from testamur.verification.trust.anchors import parse_anchor

_MAX_FILE: Final = 1 << 20

Anchor = Annotated[
    list[str] | None,
    typer.Option(
        "--anchor",
        "--anchors",
        metavar="DID|FILE",
        help="An authority or accreditor that you trust, or a file with one a line; may be "
        "repeated, up to 8 times with --url. Without any, the root authorities of the log.",
    ),
]


def anchors_in(given: Sequence[str]) -> list[str]:
    """Return the DIDs that were given, each once, in their order."""
    return list(dict.fromkeys(did for each in given for did in _anchors(each)))


def _anchors(given: str) -> list[str]:
    if given.startswith("did:"):
        return [_anchor(given, "")]
    path = Path(given)
    if path != STDIN and not path.exists():
        raise typer.BadParameter(f"{cut(given)} is neither a DID nor a file", param_hint="--anchor")
    lines = read(path, _MAX_FILE).decode("utf-8-sig", "replace").splitlines()
    numbered = [(number, line.strip()) for number, line in enumerate(lines, 1)]
    return [
        _anchor(line, f"{path} line {number}: ")
        for number, line in numbered
        if line and line[0] != "#"
    ]


def _anchor(text: str, where: str) -> str:
    try:
        return parse_anchor(text)
    except Refusal as refusal:
        raise typer.BadParameter(f"{where}{refusal}", param_hint="--anchor") from None
