"""A folder that others may have filled: only files of a log are read, and none without bound."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from testamur.errors import Refuted, Unavailable
from testamur.tlog.source import MAX_RESOURCE, DirectorySource, NotFound
from testamur.tlog.tiles import tile_path
from tests.harness.no_files import NO_FILES, UNREADABLE
from tests.harness.published_log import PublishedLog, opened_log


@pytest.fixture
def log(tmp_path: Path) -> PublishedLog:
    """A log of 621 entries: two full bundles and a partial one of 109."""
    return opened_log(tmp_path / "log", 600, 9)[0]


@pytest.mark.parametrize(
    "path",
    [
        "",
        ".",
        "tile",
        "tile/0",
        "checkpoint/",
        "../checkpoint",
        "tile/../checkpoint",
        "tile/0/../../../etc/passwd",
        "tile/0/000/",
        "tile/00/000",
        "tile/0/0",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "/etc/passwd",
        "tile\\0\\000",
    ],
)
def test_a_folder_serves_the_paths_of_a_log_and_no_others(log: PublishedLog, path: str) -> None:
    with pytest.raises(NotFound):
        log.source().fetch(path)


def test_a_file_beyond_all_bounds_is_refused_unread(log: PublishedLog) -> None:
    path = log.root / tile_path(0, 0)
    with path.open("wb") as file:
        file.truncate(MAX_RESOURCE)
    assert len(log.source().fetch(tile_path(0, 0))) == MAX_RESOURCE
    with path.open("wb") as file:
        file.truncate(MAX_RESOURCE + 1)

    with pytest.raises(Refuted):
        log.source().fetch(tile_path(0, 0))


def test_a_folder_in_the_place_of_a_file_is_not_there(log: PublishedLog) -> None:
    (log.root / "tile/0/005").mkdir()

    with pytest.raises(NotFound):
        log.source().fetch("tile/0/005")
    with pytest.raises(NotFound):
        DirectorySource(log.root / "checkpoint").fetch("tile/0/000")


def test_a_folder_in_the_place_of_a_file_is_not_held_open(log: PublishedLog) -> None:
    (log.root / "tile/0/000").unlink()
    (log.root / "tile/0/000").mkdir()
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(5):
        with pytest.raises(NotFound):
            log.source().fetch("tile/0/000")
    assert len(list(Path("/proc/self/fd").iterdir())) == before


@pytest.mark.parametrize("path", ["checkpoint", "tile/0/000", "tile/entries/000"])
@pytest.mark.parametrize("kind", list(NO_FILES))
def test_what_is_no_regular_file_is_not_found_and_blocks_no_reader(
    log: PublishedLog, path: str, kind: str
) -> None:
    file = log.root / path
    file.unlink()
    NO_FILES[kind](file)
    with pytest.raises(Unavailable) as caught:
        log.source().fetch(path)
    assert isinstance(caught.value, NotFound) is (kind not in UNREADABLE)


def test_a_socket_in_the_place_of_a_file_could_not_be_examined(
    log: PublishedLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    (log.root / "tile/0/000").unlink()
    monkeypatch.chdir(log.root / "tile/0")  # the address of a socket must be short
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind("000")
    with pytest.raises(Unavailable):
        log.source().fetch("tile/0/000")
