"""A log is moved whole, and only what the log signed is moved."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from api.folder import Folder, locked
from api.moving import copy_log
from testamur.errors import Refuted, Unavailable
from testamur.tlog.merkle import leaf_hash
from tests.harness.served import Served


@pytest.fixture
def data(opened_log: Served, tmp_path: Path) -> Path:
    """Return the folder of a log that nobody serves."""
    with closing(opened_log.copy(tmp_path / "data")) as log:
        return log.data


@pytest.fixture
def target(tmp_path: Path) -> str:
    return f"sqlite://{tmp_path}/other.db"


def test_a_log_is_copied_and_its_root_is_that_of_its_checkpoint(data: Path, target: str) -> None:
    sizes: list[tuple[int, int]] = []
    found = copy_log(data, None, target, lambda *size: sizes.append(size))
    assert found.root == found.signed_root
    assert sizes[-1] == (found.size, found.size)
    assert copy_log(data, None, target) == found


def test_a_log_that_is_served_is_not_copied(data: Path, target: str) -> None:
    with locked(Folder(data)), pytest.raises(Unavailable, match="another server is at work"):
        copy_log(data, None, target)


def test_a_store_is_not_copied_to_itself(data: Path, target: str) -> None:
    for store in (None, target):
        with pytest.raises(Unavailable, match="from one store to another"):
            copy_log(data, store, store)


def test_what_was_not_signed_is_not_copied(data: Path, target: str) -> None:
    """Entry and leaf hash agree, but the checkpoint is of another tree."""
    with closing(sqlite3.connect(data / "registry.db")) as registry, registry:
        registry.execute(
            "UPDATE entries SET state = ?, leaf = ? WHERE notification_id = 5",
            (b"{}", leaf_hash(b"{}")),
        )
    with pytest.raises(Refuted, match="another root than the checkpoint signed"):
        copy_log(data, None, target)


def test_a_sequence_that_lacks_what_was_signed_is_not_copied(data: Path, target: str) -> None:
    with closing(sqlite3.connect(data / "registry.db")) as registry, registry:
        ((last,),) = registry.execute("SELECT max(position) FROM submissions").fetchall()
        registry.execute("DELETE FROM entries WHERE notification_id > ?", (last,))
        registry.execute("DELETE FROM submissions WHERE position = ?", (last,))
        registry.execute("DELETE FROM register WHERE position > ?", (last,))
        registry.execute("UPDATE head SET count = ?", (last,))
    with pytest.raises(Refuted, match="entries is signed, but the source has"):
        copy_log(data, None, target)


def test_a_log_whose_last_checkpoint_is_not_there_is_not_copied(data: Path, target: str) -> None:
    (data / "last-signed.db").unlink()
    with pytest.raises(Refuted, match="the source signed no checkpoint"):
        copy_log(data, None, target)


@pytest.mark.parametrize("address", ["postgresql:", "mysql://root:secret@host/log", "sqlite:log"])
def test_an_address_that_is_none_is_named_without_showing_it(data: Path, address: str) -> None:
    with pytest.raises(Unavailable) as found:
        copy_log(data, None, address)
    assert "secret" not in str(found.value)
