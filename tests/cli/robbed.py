"""A provider with a folder of keys on a served register, and a thief who copied its signing key."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from testamur.catalogue import events as e
from testamur.catalogue.lines import encode_event
from testamur.cli.receipts import keep_receipt
from testamur.http.client import RegistryClient
from testamur.verification.receipt import Receipt, parse_receipt
from tests.cli.commands import Ended, key_folder, run
from tests.harness.served import Served
from tests.harness.story import Story


class Robbed:
    """Runs the commands of the provider in `folder`, where its keys lie in `keys`.

    `began` is the size of the log before it issued anything.
    """

    def __init__(self, folder: Path, served: Served, story: Story) -> None:
        self.folder = folder
        self.served = served
        self.story = story
        self.began = served.size
        self.keys = key_folder(folder / "keys", story.provider)
        (folder / "log.vkey").write_bytes(served.get("/log/vkey").content)
        self._files = 0
        with RegistryClient(served.url) as registry:
            for line in registry.submissions(self.keys.did, size=served.size):
                keep_receipt(self.keys, registry.receipt(self.keys.did, line.jti))

    def says(self, *events: e.Event) -> Receipt:
        """Let the provider sign and submit; its receipt is kept beside its keys."""
        name = self.writes(events)
        assert self.signs(name).code == 0
        done = self.submits(name)
        assert done.code == 0, done.err
        jti = done.json["jti"]
        return parse_receipt((self.folder / f"keys/receipts/{jti}.json").read_bytes())

    def signs(self, name: str) -> Ended:
        where = ["--log", self.story.origin, "--out", f"{name}.signed"]
        return run("sign", name, "--keys", "keys", *where)

    def submits(self, name: str, *more: str) -> Ended:
        where = ["--url", self.served.url, "--vkey", "log.vkey", "--keys", "keys", "--json"]
        return run("submit", f"{name}.signed", *where, *more)

    def thief_says(self, *events: e.Event) -> Receipt:
        """Let the thief sign with the same key; nobody keeps the receipt."""
        return self.served.submit(self.story.submission(self.story.provider, *events))

    def recover(self, *more: object, out: str = "out") -> Ended:
        where = ["--keys", "keys", "--url", self.served.url, "--out", out]
        return run("recover", *where, "--compromised", "signing-1", *more)

    def submits_all(self, files: Sequence[str]) -> None:
        """Sign and submit what `recover` wrote, in order."""
        for name in files:
            assert self.signs(name).code == 0, name
            done = self.submits(name)
            assert done.code == 0, done.out + done.err

    def status(self, credential: str) -> str | None:
        """Return the status of a credential as the register answers now."""
        answer = self.served.answer(f"/credentials/{credential}?size={self.served.size}")
        found: str | None = answer.json()["status"]
        return found

    def writes(self, events: Sequence[e.Event]) -> str:
        """Write the events into a new file, and return its name."""
        self._files += 1
        name = f"events-{self._files}"
        lines = b"".join(encode_event(event) + b"\n" for event in events)
        (self.folder / name).write_bytes(lines)
        return name
