"""The ledger in a folder of keys: which learner was awarded what, so that nobody is awarded twice.

    ledger.key          a secret that never goes anywhere; without it the ledger tells nothing
    awarded.ledger      a line for each credential whose receipt was verified, and for each ended
    prepared/ID.ledger  the same of credentials that `prepare` made, until they are recorded

Learners stand there as tokens (`testamur.badges.learner_tokens`). A thief of the whole folder can
test guesses: is this address among them? Lines are only ever added, under a lock. One that was cut
off by a crash is passed over, and the same submission sent again writes it anew.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import secrets
import stat
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final, NamedTuple, Self

from testamur.badges.learner_tokens import KEY_SIZE, check_of, token
from testamur.catalogue.events import (
    CredentialIssued,
    CredentialRevoked,
    CredentialSuperseded,
    Event,
)
from testamur.cli.alone import alone
from testamur.cli.files import read_secret_text, replace
from testamur.cli.key_folder import KeyFolder
from testamur.cli.terminal import note
from testamur.errors import Refusal, Unavailable
from testamur.files import open_to_append, refuse_irregular

KEY: Final = "ledger.key"
LEDGER: Final = "awarded.ledger"
PREPARED: Final = "prepared"
MAX_BYTES: Final = 1 << 30
"""Ten million awards."""
MOST_FILES: Final = 50
"""Files of what was prepared and never recorded that are looked at for a second award."""

_BEGINS: Final = "PRIVATE+KEY+testamur-ledger+"  # known as a secret wherever text is read
_FORMAT: Final = "testamur/awarded/1"
_LINE: Final = re.compile(
    r"(?P<said>(?P<kind>awarded|ended|prepared|again) (?P<log>[!-*,-~]{1,255})"
    r"(?: (?P<token>[A-Za-z0-9_-]{43}))? (?P<credential>[0-9a-f-]{36})) (?P<check>[0-9a-f]{8})"
)
_NO_LOG: Final = "-"
_TIME: Final = slice(13)
"""What of an id says when it was made: a file holds the ids of one moment, and is named by one."""
_LONGEST: Final = 512


class Entry(NamedTuple):
    """A line: what became of the credential of a learner, on which log."""

    kind: str
    log: str
    token: str
    credential: str

    def line(self) -> bytes:
        """Return the line, with the check by which a line that was cut off is noticed."""
        said = " ".join(filter(None, self)).encode()
        return said + b" " + _check(said).encode() + b"\n"


class Prepared(NamedTuple):
    """The tokens of a credential that `prepare` made; `again` if a second award is meant."""

    tokens: tuple[str, ...]
    again: bool


@dataclass(frozen=True, slots=True)
class Ledger:
    """The ledger in the folder `path`, read and written with its key."""

    path: Path
    key: bytes = field(repr=False)

    @classmethod
    def find(cls, folder: KeyFolder) -> Self | None:
        """Return the ledger of a folder, None if nothing was ever prepared there.

        Raises `Refusal` for a ledger without its key (`ledger-key`), a key without its ledger
        (`ledger-missing`), and those of a key file.
        """
        file = folder.path / KEY
        if file.exists() or file.is_symlink():
            return cls._found(folder.path)
        if _lines_in(folder.path / LEDGER):
            raise _other_key(folder.path)
        return None

    @classmethod
    def of(cls, folder: KeyFolder) -> Self:
        """Return the ledger of a folder, with a new key if there was none."""
        with _held(folder.path):
            if (folder.path / KEY).exists():
                return cls._with(folder.path)
            if _lines_in(folder.path / LEDGER):
                raise _other_key(folder.path)
            key = secrets.token_bytes(KEY_SIZE)
            text = f"{_BEGINS}{base64.urlsafe_b64encode(key).decode()}\n"
            replace(folder.path / KEY, text.encode(), secret=True)
            # If we stop before this line, the next command takes the ledger for lost, and says so.
            ledger = cls(folder.path, key)
            ledger._append(())
            return ledger

    @classmethod
    def _found(cls, path: Path) -> Self:
        if _lines_in(path / LEDGER):
            return cls._with(path)
        # Another process may just be making both.
        with _held(path):
            return cls._with(path)

    @classmethod
    def _with(cls, path: Path) -> Self:
        ledger = cls(path, _read_key(path / KEY))
        file = path / LEDGER
        if not file.exists() or file.stat().st_size < len(ledger._header()):
            raise Refusal(
                "ledger-missing",
                f"{file} is missing or empty, and with it who was awarded what: put that "
                f"file back. If it is lost, put {KEY} away; who was awarded before can then not be "
                "noticed any more",
            )
        return ledger

    def tokens(self, achievement: str, learners: Iterable[str]) -> tuple[str, ...]:
        """Return the tokens of a learner, who may be named in several ways."""
        return tuple(token(self.key, achievement, each) for each in learners)

    def prepare(self, made: Mapping[str, Prepared]) -> None:
        """Remember credentials, by id, that are about to be written for their holders."""
        files: dict[str, list[Entry]] = {}
        for credential, each in made.items():
            kind = "again" if each.again else "prepared"
            entries = [Entry(kind, _NO_LOG, one, credential) for one in each.tokens]
            files.setdefault(credential[_TIME], []).extend(entries)
        place = self.path / PREPARED
        for entries in filter(None, files.values()):
            place.mkdir(mode=0o700, exist_ok=True)
            data = b"".join([self._header(), *(entry.line() for entry in entries)])
            replace(place / f"{entries[0].credential}.ledger", data, secret=True)

    def prepared(self, credentials: Collection[str]) -> dict[str, Prepared]:
        """Return what is remembered of these credentials."""
        found: dict[str, Prepared] = {}
        times = {each[_TIME] for each in credentials}
        for file in self._files():
            for entry in self._entries(file) if file.stem[_TIME] in times else ():
                if entry.credential in credentials:
                    before = found.get(entry.credential, Prepared((), again=False))
                    again = before.again or entry.kind == "again"
                    found[entry.credential] = Prepared((*before.tokens, entry.token), again)
        return found

    def awarded(self, tokens: Collection[str], log: str | None) -> dict[str, list[str]]:
        """Return by token the credentials that its learner was awarded and that were not ended.

        With `log`, those on that log.
        """
        found: dict[str, list[str]] = {}
        ended: set[str] = set()
        file = self.path / LEDGER
        for entry in self._entries(file) if file.exists() else ():
            if log is not None and entry.log != log:
                continue
            if entry.kind == "ended":
                ended.add(entry.credential)
            elif entry.token in tokens:
                found.setdefault(entry.token, []).append(entry.credential)
        standing = {
            one: [each for each in dict.fromkeys(credentials) if each not in ended]
            for one, credentials in found.items()
        }
        return {one: credentials for one, credentials in standing.items() if credentials}

    def pending(self, tokens: Collection[str], besides: Collection[str]) -> Iterator[list[Entry]]:
        """Yield, newest first, what was prepared with one of these tokens and not recorded yet.

        Each list is of one file, hence of one `prepare`, and is not empty. Credentials in `besides`
        are left out, and so is what is older than the newest `MOST_FILES` files.
        """
        for file in reversed(self._files()[-MOST_FILES:]):
            found = [
                entry
                for entry in self._entries(file)
                if entry.token in tokens and entry.credential not in besides
            ]
            if found:
                yield found

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other commands from awarding with the keys of this folder meanwhile."""
        with _held(self.path):
            yield

    def record(self, log: str, events: Iterable[Event]) -> None:
        """Write down what a submission whose receipt was verified awards and ends.

        The caller is `alone`.
        """
        issued: set[str] = set()
        entries = []
        for event in events:
            if isinstance(event, CredentialIssued):
                issued.add(event.credential)
            elif isinstance(event, CredentialRevoked | CredentialSuperseded):
                entries.append(Entry("ended", log, "", event.credential))
        awarded = [
            Entry("awarded", log, one, credential)
            for credential, each in self.prepared(issued).items()
            for one in each.tokens
        ]
        if awarded or entries:
            self._append([*awarded, *entries])
        # If we stop before this line, the next record of the same submission does it.
        self._forget(issued)

    def _append(self, entries: Iterable[Entry]) -> None:
        file = self.path / LEDGER
        try:
            with open_to_append(file, secret=True) as opened:
                _refuse_readable(opened, file)
                begin = self._mended(opened)
                opened.write(begin + b"".join(entry.line() for entry in entries))
                opened.flush()
                os.fsync(opened.fileno())
        except OSError as error:
            raise Unavailable(f"{file} cannot be written: {error.strerror}") from error

    def _mended(self, opened: IO[bytes]) -> bytes:
        """Return what has to come before the next line: after a crash the last may be cut off."""
        header = self._header()
        if opened.tell() < len(header):
            opened.truncate(0)
            return header
        opened.seek(-1, os.SEEK_END)
        # It is ended, and passed over from now on.
        return b"" if opened.read(1) == b"\n" else b"\n"

    def _forget(self, recorded: Collection[str]) -> None:
        times = {each[_TIME] for each in recorded}
        for file in (each for each in self._files() if each.stem[_TIME] in times):
            if all(entry.credential in recorded for entry in self._entries(file)):
                file.unlink(missing_ok=True)

    def _files(self) -> list[Path]:
        place = self.path / PREPARED
        return sorted(place.glob("*.ledger")) if place.is_dir() else []

    def _header(self) -> bytes:
        return f"{_FORMAT} {check_of(self.key)}\n".encode()

    def _entries(self, file: Path) -> Iterator[Entry]:
        """Yield the entries of a file; those cut off are counted, told and passed over."""
        damaged = 0
        refuse_irregular(file)
        try:
            with file.open("rb") as opened:
                _refuse_readable(opened, file)
                first, header = opened.readline(_LONGEST), self._header()
                if first != header:
                    if header.startswith(first):  # cut off by a crash, before any line
                        return
                    raise _other_key(self.path)
                while line := opened.readline(_LONGEST):
                    entry = _entry(line)
                    if entry is not None:
                        yield entry
                    elif line.strip():
                        damaged += 1
        except OSError as error:
            raise Unavailable(f"{file} cannot be read: {error.strerror}") from error
        if damaged:
            note(
                f"{damaged:,} damaged lines in {file} were passed over; submit the last submission "
                "again, and they are written anew",
                "yellow",
            )


@contextmanager
def _held(path: Path) -> Iterator[None]:
    file = path / LEDGER
    with open_to_append(file, secret=True) as opened, alone(opened, "awards with the same keys"):
        yield


def _entry(line: bytes) -> Entry | None:
    found = _LINE.fullmatch(line.removesuffix(b"\n").decode("ascii", "replace"))
    if found is None or not line.endswith(b"\n"):
        return None
    if _check(found["said"].encode()) != found["check"]:
        return None
    return Entry(found["kind"], found["log"], found["token"] or "", found["credential"])


def _check(said: bytes) -> str:
    return hashlib.sha256(said).hexdigest()[:8]


def _lines_in(file: Path) -> bool:
    return file.exists() and file.stat().st_size > 0


def _refuse_readable(opened: IO[bytes], file: Path) -> None:
    """Raise unless the file is its owner's alone, and no larger than any of its kind."""
    found = os.fstat(opened.fileno())
    if os.name == "posix" and found.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise Refusal(
            "ledger-mode",
            f"others can read who was awarded what; run: chmod 600 {file}",
            value=f"{stat.S_IMODE(found.st_mode):o}",
        )
    if found.st_size > MAX_BYTES:
        raise Unavailable(f"{file} holds more than {MAX_BYTES} bytes, more than any ledger")


def _read_key(file: Path) -> bytes:
    text = read_secret_text(file).removesuffix("\n")
    found = re.fullmatch(re.escape(_BEGINS) + "([A-Za-z0-9_-]{43}=)", text)
    key = b"" if found is None else base64.urlsafe_b64decode(found[1])
    if found is None or base64.urlsafe_b64encode(key).decode() != found[1]:
        raise Refusal("ledger-key", f"{file} is not as `prepare` wrote it")
    return key


def _other_key(path: Path) -> Refusal:
    return Refusal(
        "ledger-key",
        f"{path / LEDGER} was written under another {KEY}, without which nobody can tell who was "
        f"awarded what: put that file back. If it is lost, put {LEDGER} and {PREPARED} away; who "
        "was awarded before can then not be noticed any more",
    )
