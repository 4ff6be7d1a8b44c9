"""The command that shows and writes the profile."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer

from testamur.cli.anchors import Anchor, anchors_in
from testamur.cli.files import replace
from testamur.cli.key_folder import KeyFolder
from testamur.cli.profile import IN_ENVIRONMENT, Profile, profile_file, read_profile
from testamur.cli.terminal import Json, note, show_fields, show_json
from testamur.cli.trust import policy_text
from testamur.cli.values import cut, log_name, own_address

app = typer.Typer()
_PANEL: Final = "Settings"

MEMBERS: Final = Profile.__struct_fields__


def _member(name: str) -> str:
    if name not in MEMBERS:
        raise typer.BadParameter(f"{cut(name)} is none of {', '.join(MEMBERS)}")
    return name


@app.command(rich_help_panel=_PANEL)
def profile(
    url: Annotated[
        str | None,
        typer.Option("--url", metavar="URL", parser=own_address, help="Address of your registry."),
    ] = None,
    trust: Annotated[
        str | None,
        typer.Option(
            "--policy",
            "--vkey",
            metavar="FILE|VKEY",
            help="Policy, or the log's verifier key: the file, of which the text is kept, or the "
            "key itself.",
        ),
    ] = None,
    anchor: Anchor = None,
    keys: Annotated[
        Path | None, typer.Option("--keys", metavar="DIR", help="Folder of your keys.")
    ] = None,
    log: Annotated[
        str | None,
        typer.Option("--log", metavar="ORIGIN", parser=log_name, help="Name of the log."),
    ] = None,
    unset: Annotated[
        list[Any] | None,
        typer.Option(
            "--unset",
            metavar="NAME",
            parser=_member,
            help=f"Forget one of {', '.join(MEMBERS)}; may be repeated.",
        ),
    ] = None,
    *,
    json: Json = False,
) -> None:
    """Keep what you would type each time, or show what is kept.

    Commands take from it what they need and you did not type; what you type comes first, then
    TESTAMUR_URL and TESTAMUR_VKEY, then the profile. It is `profile.toml` in your folder of
    settings; TESTAMUR_PROFILE names another file, for those who use several registries.

    Examples:

    `testamur profile --url https://registry.example --vkey log.vkey --anchor DID`

    `testamur profile --keys keys --log log.example/testamur`

    `testamur profile`
    """
    file = profile_file()
    before = read_profile(file)
    given: dict[str, Any] = {
        "url": url,
        "vkey": None if trust is None else policy_text(trust),
        "anchors": anchors_in(anchor or []) or None,
        "keys": None if keys is None else str(_own(keys)),
        "log": log,
    }
    changed = {name: value for name, value in given.items() if value is not None}
    forgotten = dict.fromkeys(unset or ())
    after = msgspec.structs.replace(before, **forgotten, **changed)
    if after != before:
        data = after.render()
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace(file, data)
    shown = msgspec.structs.asdict(after)
    if json:
        show_json({"file": str(file), **shown})
        return
    show_fields({"file": str(file), **shown})
    if after == Profile():
        note("Nothing is kept: testamur profile --help")
    for variable, member in IN_ENVIRONMENT:
        if os.environ.get(variable):
            note(f"{variable} is set in the environment, and comes before {member}")


def _own(keys: Path) -> Path:
    """Return the folder's place from the root; raises `Unavailable` and `Refusal` if it is none."""
    KeyFolder.read(keys)
    return keys.absolute()
