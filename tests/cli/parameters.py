"""Every parameter of every command, and how to call a command so that this one is reached."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any, Final, cast

import msgspec

from testamur.catalogue.submission import submission_entry
from tests.cli.commands import COMMAND, World, key_file, key_folder, run
from tests.harness.story import party

COMMANDS: Final = cast("dict[str, Any]", cast("Any", COMMAND).commands)
_ID: Final = "019a3b1c-7f00-7abc-8def-0123456789ab"
_DID: Final = party("somebody").did
_WHO: Final = {"name": "A College", "country": "NL", "role": "provider"}
_numbers: Final = count()
READ: Final = frozenset(
    {
        "anchor",
        "achievement",
        "by",
        "credential",
        "credentials",
        "events",
        "evidence",
        "file",
        "old",
        "provider",
    }
    | {"receipt", "submission", "trust"}
)
"""Parameters under which a file is read that ought to be public or a holder's."""
SECRET: Final = frozenset({"key", "keys", "read_back"})
"""Parameters under which a private key is read, or a folder of them."""
NAMES: Final = frozenset({"log", "name", "sponsor"})
"""Parameters that take nearly any word for a name."""
WRITTEN: Final = frozenset({"out", "to"})


def parameters(command: str) -> list[str]:
    """Return the parameters of a command that take a value."""
    return [
        each.name
        for each in COMMANDS[command].params
        if each.name != "help" and not getattr(each, "is_flag", False)
    ]


def outputs(command: str, parameter: str, value: str) -> Iterator[tuple[int, str]]:
    """Yield the exit code and all that is printed, for people and then for programs."""
    for more in ([], ["--json"]):
        words = call(command, parameter, value)
        done = run(words[0], *more, *words[1:])
        yield done.code, done.out + done.err


def call(command: str, parameter: str, value: str) -> list[str]:
    """Return the arguments with `value` for `parameter`, and good ones for those it needs."""
    good = _good("recover a key") if (command, parameter) == ("recover", "trust") else None
    given = {**(good or _good(command)), parameter: value}
    options, arguments = [], []
    for each in COMMANDS[command].params:
        if each.name not in given:
            continue
        if each.param_type_name == "argument":
            arguments.append(given[each.name])
        else:
            options += [each.opts[0], given[each.name]]
    return [command, *options, "--", *arguments]


def prepare_files(world: World) -> None:
    """Write the files that `call` names, into the folder where commands run."""
    story, folder = world.story, world.folder
    key_file(folder, story.provider, "good.key")
    key_folder(folder / "keys", story.provider)
    body = story.submission(story.provider, story.issued())
    (folder / "events.ndjson").write_bytes(body.partition(b"\n")[2])
    (folder / "good.submission").write_bytes(body)
    world.evidence()
    entry = submission_entry(body.partition(b"\n")[0].decode(), story.milliseconds).decode()
    receipt = {
        "format": "testamur/receipt/1", "state": "durable", "log": story.origin,
        "issuer": story.provider.did, "jti": _ID, "position": 1, "events": 1,
        "recordedAt": "2026-11-21T10:00:00.000Z", "entry": entry,
    }  # fmt: skip
    (folder / "receipt.json").write_bytes(msgspec.json.encode(receipt))
    (folder / "cohort.csv").write_text("learner,awarded\na@b.example,2026-11-21\n")
    offering = {
        "achievement": _ID, "criteria": "Pass.", "description": "Soils.",
        "definition": msgspec.to_builtins(story.definition()),
    }  # fmt: skip
    (folder / "offering.json").write_bytes(msgspec.json.encode(offering))
    provider = {"country": "NL", "did": story.provider.did, "name": "A College"}
    (folder / "provider.json").write_bytes(msgspec.json.encode(provider))


def _good(command: str) -> dict[str, str]:
    # A new name each time: a command that succeeds after all leaves its file behind.
    new, dead = f"new-{next(_numbers)}", {"url": "http://127.0.0.1:9"}
    found: dict[str, dict[str, str]] = {
        "keygen": {"out": new},
        "did": {"key": "good.key"},
        "did-document": {"name": "did:web:college.example", "keys": "keys"},
        "join": {"keys": "keys", "log": "l.example", "sponsor": _DID, "out": new, **_WHO},
        "keys": {"keys": "keys", "log": "log", "trust": "log.vkey"},
        "recover": {
            "keys": "keys", "out": new, "lost": _DID, "sponsor": _DID, "log": "l.example", **_WHO,
        },
        "recover a key": {"keys": "keys", "out": new, "compromised": "signing-1", "log": "log"},
        "events": {},
        "event": {"name": "key.retired"},
        "revoke": {"credentials": _ID, "reason": "misconduct"},
        "suspend": {"credentials": _ID, "reason": "misconduct"},
        "reinstate": {"credentials": _ID},
        "replace": {"old": _ID, "by": "019a3b1c-7f00-7abc-8def-0123456789ac"},
        "rotate-key": {"keys": "keys", "log": "l.example", "out": new},
        "prepare": {
            "source": "cohort.csv", "achievement": "offering.json", "out": new,
            "provider": "provider.json",
        },
        "check": {"file": "events.ndjson"},
        "sign": {"events": "events.ndjson", "keys": "keys", "log": "l.example", "out": new},
        "submit": {"submission": "good.submission", "patience": "0", **dead},
        "verify-receipt": {
            "receipt": "receipt.json", "submission": "good.submission", "trust": "log.vkey",
        },
        "verify": {"credentials": "0.json", "trust": "log.vkey", "evidence": "e"},
        "evidence": {"credentials": "0.json", "log": "log", "trust": "log.vkey", "out": new},
        "status": {"credential": "0.json", **dead},
        "pages": {"cohort": "0.json", "trust": "log.vkey", "out": new, **dead},
        "replay": {"place": "log", "trust": "log.vkey"},
        "find": {"learner": "ada@example.org", "places": "0.json"},
        "profile": {},
        "export": {"place": "log", "out": new, "form": "csv", "trust": "log.vkey"},
    }  # fmt: skip
    return found[command]
