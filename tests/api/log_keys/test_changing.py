"""A log gets another key and lets one end; a key that is not as listed is refused at the start."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from api.folder import Folder
from api.log_keys.private import open_signer, read_key_list
from testamur.errors import Refuted, Unavailable
from testamur.tlog.note import SignerKey, VerifierKey, parse_note
from tests.harness.served import Served, called

TODAY = datetime.now(UTC).date()
DAY = timedelta(days=1)


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Served]:
    served = Served(tmp_path / "data")
    served.init()
    yield served
    served.close()


def log_key(log: Served, *words: object) -> str:
    done = called("log-key", *map(str, words), "--data", log.data)
    assert done.returncode == 0, done.stderr
    return done.stdout


def refused(log: Served, *words: object) -> str:
    done = called("log-key", *map(str, words), "--data", log.data)
    assert done.returncode == 1, done.stdout
    return done.stderr


def test_a_key_is_added_and_the_old_one_ends(made: Served) -> None:
    new = VerifierKey.parse(log_key(made, "add", "--from", TODAY + DAY).strip())
    folder = Folder(made.data)
    listed = read_key_list(folder)
    assert [line.key for line in listed.lines] == [made.key, new]
    assert listed.in_force(TODAY) == [listed.lines[0]]
    assert folder.later_key(new.key_id.hex()).stat().st_mode & 0o777 == 0o600
    assert parse_note(b"t\n\n" + open_signer(folder).sign(b"t\n")).signatures[0].key_id == (
        made.key.key_id
    )
    assert new.key_id.hex() in refused(made, "retire", new.key_id.hex(), "--last-day", TODAY)
    log_key(made, "retire", made.key.key_id.hex(), "--last-day", TODAY + 5 * DAY)
    assert read_key_list(folder).lines[0].last_day == TODAY + 5 * DAY
    shown = log_key(made, "list").splitlines()
    assert shown[0].endswith(f" {TODAY + 5 * DAY} here")
    assert shown[1] == f"{new} {TODAY + DAY} - here"


def test_what_would_leave_the_log_without_a_key_is_refused(made: Served) -> None:
    own = made.key.key_id.hex()
    assert "no key signs after" in refused(made, "retire", own, "--last-day", TODAY)
    assert "is over" in refused(made, "add", "--from", TODAY - DAY)
    assert "has no key" in refused(made, "retire", "00000000", "--last-day", TODAY)
    log_key(made, "add", "--from", TODAY + 3 * DAY)
    assert "both must sign" in refused(made, "retire", own, "--last-day", TODAY + 2 * DAY)
    assert "the first key comes first" in refused(made, "add", "--from", TODAY + 2 * DAY)


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda f, new: f.later_key(new).unlink(), "is not there, and its key"),
        (lambda f, new: f.later_key(new).chmod(0o640), "open to others (mode 0640)"),
        (lambda f, _: f.key.chmod(0o604), "chmod 600"),
        (lambda f, new: f.later_key(new).write_bytes(f.key.read_bytes()), "is listed there"),
        (lambda f, new: _fifo(f.later_key(new)), "is not a file"),
        (lambda f, _: f.log_keys.write_text("nothing\n"), "a line is"),
        (lambda f, _: _swap(f), "the first key comes first"),
        (lambda f, _: _twice(f), "listed twice"),
        (lambda f, _: _other(f), "another log"),
    ],
)
def test_a_key_that_is_not_as_it_was_listed_is_refused_at_the_start(
    made: Served, damage: object, told: str
) -> None:
    new = log_key(made, "add", "--from", TODAY + DAY).split("+")[1]
    assert callable(damage)
    damage(Folder(made.data), new)
    with pytest.raises((Refuted, Unavailable)) as failure:
        open_signer(Folder(made.data))
    assert told in str(failure.value)
    assert "PRIVATE" not in str(failure.value)
    listed = called("log-key", "add", "--from", str(TODAY + 9 * DAY), "--data", made.data)
    assert listed.returncode in (1, 2)
    assert told in listed.stderr


def _fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path, 0o600)


def _swap(folder: Folder) -> None:
    first, second = folder.log_keys.read_text().splitlines()
    folder.log_keys.write_text(f"{second}\n{first}\n")


def _twice(folder: Folder) -> None:
    first, _ = folder.log_keys.read_text().splitlines()
    folder.log_keys.write_text(f"{first}\n{first}\n")


def _other(folder: Folder) -> None:
    first, _ = folder.log_keys.read_text().splitlines()
    other = SignerKey.generate("log.example/other").verifier
    folder.log_keys.write_text(f"{first}\n{other} {TODAY} -\n")
