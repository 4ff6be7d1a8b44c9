"""What the README shows of files and commands is what the commands take."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from testamur.badges.cohort_csv import _CELLS
from testamur.keys import PrivateKey
from tests.cli.commands import run

README = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")


def shown(name: str) -> str:
    """Return the file of that name as the README shows it."""
    found = re.search(rf"`{re.escape(name)}`[^\n]*\n\n```[a-z]*\n(.*?)```", README, re.DOTALL)
    assert found is not None, name
    return found[1]


def test_the_files_of_a_cohort_are_prepared(at: Path) -> None:
    for name in ("cohort.csv", "provider.json", "achievement.json"):
        (at / name).write_text(shown(name))
    line = re.search(r"^testamur (prepare .*)$", README, re.MULTILINE)
    assert line is not None
    done = run(*shlex.split(line[1]), "--json")
    assert (done.code, done.json["prepared"]) == (0, 2), done.out


def test_a_provider_is_registered_as_is_shown(at: Path) -> None:
    block = re.search(r"```\n(testamur possession .*?)```", README, re.DOTALL)
    assert block is not None
    text = block[1].replace("\\\n", " ").replace("ORIGIN", "log.example/testamur")
    for name in ("SPONSOR-DID", "PROVIDER-DID"):
        text = text.replace(name, PrivateKey.generate().public.did_key())
    run("keygen", "--out", "provider.key")
    for line in text.splitlines():
        _, *arguments = shlex.split(line, comments=True)
        done = run(*arguments)
        assert done.code == 0, done.err
    assert run("check", "in.ndjson").code == 0
    assert run("check", "define.ndjson").code == 0


@pytest.mark.parametrize("column", [name for name in _CELLS if name])
def test_every_column_of_a_cohort_is_listed_in_the_help(column: str) -> None:
    assert re.search(rf"\b{column}\b", run("prepare", "--help").out)
