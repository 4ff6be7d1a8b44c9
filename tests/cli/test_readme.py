"""What the README shows of files and commands is what the commands take."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from testamur.badges.headings import COLUMNS
from tests.cli.commands import Ended, key_folder, run
from tests.cli.parameters import COMMANDS
from tests.harness.pango import certificates_are_made
from tests.harness.served import PROJECT, Served

README = (PROJECT / "README.md").read_text(encoding="utf-8")


def shown(name: str) -> str:
    """Return the file of that name as the README shows it."""
    found = re.search(rf"`{re.escape(name)}`[^\n]*\n\n```[a-z]*\n(.*?)```", README, re.DOTALL)
    assert found is not None, name
    return found[1]


def commands(after: str) -> list[list[str]]:
    """Return the commands of the first block after these words, each as arguments."""
    found = re.search(rf"{re.escape(after)}.*?\n```sh\n(.*?)```", README, re.DOTALL)
    assert found is not None, after
    lines = found[1].replace("\\\n", " ").splitlines()
    return [shlex.split(line, comments=True) for line in lines]


class Reader:
    """Somebody who does what the README says, in a folder, with a registry that is served."""

    def __init__(self, folder: Path, served: Served) -> None:
        self.folder = folder
        self.served = served
        story = served.story
        self.words = {
            "URL": served.url,
            "ORIGIN": story.origin,
            "SPONSOR-DID": story.accreditor.did,
            "DID": story.authority.did,
        }

    def does(self, after: str) -> list[Ended]:
        """Run the commands after these words, and expect each to end with 0."""
        done = []
        for program, *arguments in commands(after):
            assert program == "testamur"
            done.append(run(*(self.said(each) for each in arguments)))
            assert done[-1].code == 0, (arguments, done[-1].out, done[-1].err)
            assert "flagged" not in done[-1].err, (arguments, done[-1].err)
        return done

    def said(self, argument: str) -> str:
        name, sign, value = argument.rpartition("=")
        return name + sign + self.words.get(value, value)

    def writes(self, name: str, **ids: Any) -> None:
        """Write a file of the README, with ids of its own in the place of those shown."""
        text = shown(name)
        if ids:
            text = json.dumps(json.loads(text) | ids)
        today = f"{datetime.now(UTC):%Y-%m-%d}"
        (self.folder / name).write_text(text.replace("2026-11-20", today))

    def events(self, name: str) -> list[Any]:
        return [json.loads(line) for line in (self.folder / name).read_text().splitlines()]


@pytest.fixture
def reader(at: Path, tmp_path: Path) -> Iterator[Reader]:
    served = Served(tmp_path / "data")
    served.init()
    with served.running():
        story = served.story
        registered = story.registered(story.authority, story.accreditor, "accreditor")
        served.submit(story.submission(story.authority, registered, story.recognised()))
        key_folder(at / "accreditor-keys", story.accreditor)
        (at / "log.vkey").write_bytes(served.get("/log/vkey").content)
        yield Reader(at, served)
    served.close()


@pytest.mark.server
def test_everybody_can_do_what_the_readme_says(reader: Reader) -> None:
    """On a registry that is served: from a key of one's own to a credential that is verified."""
    made, _ = reader.does("A provider makes its keys")
    provider = re.search(r"did:key:\w+", made.out)
    assert provider is not None
    reader.words["PROVIDER-DID"] = provider[0]
    reader.does("**An accreditor**")
    reader.writes("definition.json")
    reader.does("The provider defines it:")

    (defined,) = reader.events("define.ndjson")
    _, accredited = reader.events("registration.ndjson")
    reader.writes("cohort.csv")
    reader.writes("provider.json", did=provider[0])
    named = {"accreditation": accredited["accreditation"], "achievement": defined["achievement"]}
    reader.writes("achievement.json", **named)
    prepared, *_ = reader.does("**A registrar**")
    assert "it would flag none" in prepared.err
    assert (reader.folder / "keys" / "awarded.ledger").read_text().count("\nawarded ") == 2

    if certificates_are_made():
        reader.does("**What learners get.**")
        assert len(list((reader.folder / "spring-pages").glob("*/certificate.pdf"))) == 2

    holder = next((reader.folder / "spring" / "holders").iterdir())
    holder.rename(reader.folder / "credential.json")
    verified, _ = reader.does("**An employer**")
    assert "holds: 12" in verified.out
    offline = ["--evidence", "credential.testamur.json", "--vkey", "log.vkey"]
    alone = run("verify", "credential.json", *offline, "--anchor", reader.words["DID"])
    assert alone.code == 2
    assert "could not be told offline: add --url" in alone.out
    (document,) = reader.does("**Badges that every other verifier takes too.**")
    assert document.json["id"] == "did:web:college.example"
    *_, keys = reader.does("**A new key**")
    assert "signing-2" in keys.out
    assert "somebody else" not in keys.err
    reader.does("**A researcher**")
    assert (reader.folder / "log.csv").read_text().count("credential.issued/1") == 2


SECURITY = (PROJECT / "SECURITY.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("text", ["README.md", "SECURITY.md"])
def test_a_command_that_is_named_takes_the_options_that_are_shown(text: str) -> None:
    page = README if text == "README.md" else SECURITY
    shown_commands = re.findall(r"testamur ((?:[a-z][a-z-]*)(?: [^`\n]*?)?)(?:`|\n|  +#)", page)
    assert shown_commands
    for words in shown_commands:
        command, *rest = words.split()
        assert command in COMMANDS, words
        options = {each for one in COMMANDS[command].params for each in one.opts} | {"--help"}
        assert {each for each in rest if each.startswith("--")} <= options, words


@pytest.mark.parametrize("column", COLUMNS)
def test_every_column_of_a_cohort_is_listed_in_the_help(column: str) -> None:
    assert re.search(rf"\b{column}\b", run("prepare", "--help").out)


# --- Where things are ---


@pytest.mark.parametrize("name", sorted(set(re.findall(r"\]\(([^)#:]+)\)", README))))
def test_a_file_or_folder_that_is_named_is_there(name: str) -> None:
    assert (PROJECT / name).exists()


def _glossary() -> list[str]:
    table = README[README.index("## Glossary") :]
    return [
        word.strip()
        for row in re.findall(r"^\| ([^|]+) \|", table, re.MULTILINE)[1:]
        for word in row.split(",")
        if set(word) - set("- ")
    ]


SOURCE = "\n".join(
    path.read_text(encoding="utf-8").lower()
    for folder in ("testamur", "registry", "log", "projections", "api")
    for path in sorted((PROJECT / folder).rglob("*.py"))
)


@pytest.mark.parametrize("word", _glossary())
def test_a_word_of_the_glossary_is_a_word_of_the_code(word: str) -> None:
    """One word for one thing: what is explained is what is written."""
    plural_of = word.lower().removeprefix("consistency ")
    assert re.search(rf"\b{re.escape(plural_of)}", SOURCE), word


def test_the_protocols_readme_names_every_room_and_every_file_it_sends_to() -> None:
    text = (PROJECT / "testamur" / "README.md").read_text(encoding="utf-8")
    table = text[text.index("## Where to look") :]
    rooms = {path.parent.name for path in (PROJECT / "testamur").glob("*/__init__.py")}

    assert {room for room in rooms if f"`{room}/`" not in table} == set()
    for name in re.findall(r"`(\w+\.py)`", table):
        assert list((PROJECT / "testamur").rglob(name)), name
