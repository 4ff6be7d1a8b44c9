"""Running commands as a user does, in a folder with the files that users have."""

from __future__ import annotations

import json
import sys
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import typer
from typer.testing import CliRunner

from testamur.badges.commitment import render_holder_file
from testamur.cli import app
from testamur.cli.founding_page import render_page
from testamur.cli.key_folder import ORGANIZATION, KeyFolder, OwnKey, Use
from testamur.keys import PrivateKey
from tests.harness.awards import awards
from tests.harness.published_log import opened_log
from tests.harness.story import Party, Story

COMMAND: Final = typer.main.get_command(app)
"""All commands, built once: that takes ten times as long as most of them run."""


class Ended:
    """How a command ended: its code, and what it printed where."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code = code
        self.out = out
        self.err = err

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def run(*arguments: object, stdin: bytes = b"") -> Ended:
    """Run a command in this process; what is not an exit is a bug and comes through."""
    code: object = None
    with CliRunner().isolation(input=stdin) as (out, err, _):
        try:
            COMMAND.main(args=[str(each) for each in arguments], prog_name="testamur")
        except SystemExit as ended:
            code = ended.code
        sys.stdout.flush()
        sys.stderr.flush()
        assert isinstance(code, int), "each command ends with an exit code"
        return Ended(code, _text(out), _text(err))


def _text(written: BytesIO) -> str:
    return written.getvalue().decode("utf-8", "replace").replace("\r\n", "\n")


def key_file(folder: Path, who: Party, name: str) -> Path:
    """Write the key that `who` signs with into a file."""
    path = folder / name
    path.write_text(who.key.multikey() + "\n")
    path.chmod(0o600)
    return path


def key_folder(path: Path, who: Party) -> KeyFolder:
    """Write the folder of keys that `who` would have from `testamur keygen`."""
    path.mkdir(mode=0o700)
    uses: list[tuple[str, Use, PrivateKey]] = [
        ("founding-key.txt", "founding", who.keys.founding),
        ("recovery-1.key", "recovery", who.keys.recovery),
        ("signing-1.key", "signing", who.keys.signing),
    ]
    for file, use, key in uses:
        text = render_page(key, date(2026, 11, 21)) if use == "founding" else key.multikey() + "\n"
        (path / file).write_text(text)
        (path / file).chmod(0o600)
    keys = tuple(OwnKey(file, key.public.multikey(), use) for file, use, key in uses)
    folder = KeyFolder(path=path, did=who.did, keys=keys)
    (path / ORGANIZATION).write_bytes(folder.render())
    return folder


class World:
    """A log with three real credentials on it, and the files people have of it."""

    def __init__(self, folder: Path, story: Story | None = None) -> None:
        self.folder = folder
        self.log, self.story = opened_log(folder / "log", story=story)
        prepared = awards(self.story, 3)
        self.holders = prepared.holders
        self.log.append(self.story.submission(self.story.provider, *prepared.events))
        self.log.publish()
        for number, holder in enumerate(self.holders):
            (folder / f"{number}.json").write_bytes(render_holder_file(holder))
        (folder / "log.vkey").write_text(f"{self.log.key}\n")
        (folder / "policy.txt").write_text(f"log {self.log.key}\nquorum none\n")

    @property
    def anchor(self) -> str:
        return self.story.authority.did

    def evidence(self, number: int = 0) -> str:
        done = run("evidence", f"{number}.json", "--log", "log", "--vkey", "log.vkey", "--out", "e")
        assert done.code == 0, done.err
        return "e"
