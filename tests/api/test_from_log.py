"""What answers take from the log is what was signed, whatever its storage holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.published import Published
from api.questions.from_log import FromLog
from log.directory import DirectoryStore
from log.store import FileDamage
from testamur.errors import Unavailable
from testamur.tlog.merkle import (
    HASH_SIZE,
    leaf_hash,
    leaf_hashes,
    tree_root,
    verify_consistency,
    verify_inclusion,
)
from testamur.tlog.source import NotFound
from testamur.tlog.tiles import decode_bundle, encode_bundle
from testamur.verification.evidence import Evidence
from tests.harness.issued_log import IssuedLog
from tests.harness.tile_resources import tile_resources

SIZE = 14  # the opening of a log, and three credentials


class Told:
    """A log of which a process knows the newest checkpoint, and the files that lie there."""

    def __init__(self, folder: Path) -> None:
        self.log = IssuedLog(folder)
        note = self.log.publish()
        self.published = Published(self.log.log.reader().checkpoint(), note)
        self.store = DirectoryStore(folder)
        self.credential = self.log.holders[0].id
        self.positions = self.log.positions(self.credential)
        self.from_log = FromLog(self.log.log.reader)

    def evidence(self) -> Evidence:
        size = self.published.size
        return self.from_log.evidence(self.published, self.credential, self.positions, as_of=size)

    def entry(self, position: int) -> bytes:
        return self.from_log.entry(position, self.published.checkpoint)


@pytest.fixture
def told(tmp_path: Path) -> Told:
    found = Told(tmp_path)
    assert found.published.size == SIZE
    return found


def test_entries_and_evidence_are_those_of_the_log(told: Told) -> None:
    assert [told.entry(position) for position in range(SIZE)] == told.log.log.entries
    assert told.evidence() == told.log.evidence(told.log.holders[0])
    for position in (-1, SIZE):
        with pytest.raises(NotFound):
            told.entry(position)


@pytest.mark.parametrize("position", range(SIZE))
def test_an_altered_entry_is_not_told_and_the_repaired_one_is(told: Told, position: int) -> None:
    (path,) = (path for path in tile_resources(SIZE) if "entries" in path)
    whole = told.store.read(path)
    entries = decode_bundle(whole, SIZE)
    entries[position] = entries[position].replace(b'"', b"'", 1)
    told.store.put_back(path, encode_bundle(entries))
    with pytest.raises(FileDamage):
        told.entry(position)
    bears = {0}.union(*({header, *events} for header, events in told.positions))
    if position in bears:
        with pytest.raises(FileDamage):
            told.evidence()
    else:
        assert told.evidence()
    told.store.put_back(path, whole)
    assert told.entry(position) == told.log.log.entries[position]
    assert told.evidence() == told.log.evidence(told.log.holders[0])


@pytest.mark.parametrize("leaf", range(SIZE))
def test_a_proof_from_an_altered_tile_is_not_told_and_one_from_the_repaired_tile_is(
    told: Told, leaf: int
) -> None:
    """It would have a verifier refute what nobody forged."""
    (path,) = (path for path in tile_resources(SIZE) if path.startswith("tile/0/"))
    whole = told.store.read(path)
    at = leaf * HASH_SIZE
    told.store.put_back(path, whole[:at] + bytes(HASH_SIZE) + whole[at + HASH_SIZE :])
    with pytest.raises(FileDamage):
        told.evidence()
    told.store.put_back(path, whole)
    assert told.evidence() == told.log.evidence(told.log.holders[0])


@pytest.mark.parametrize("path", list(tile_resources(SIZE)))
def test_a_lost_file_is_no_damage(told: Told, path: str) -> None:
    whole = told.store.read(path)
    (told.log.log.root / path).unlink()
    with pytest.raises(Unavailable):
        told.evidence()
    told.store.put_back(path, whole)
    assert told.evidence()


# --- Proofs in trees of every size ---


def test_an_entry_is_proven_in_every_tree_that_has_it(told: Told) -> None:
    leaves = leaf_hashes(told.log.log.entries)
    for size in range(1, SIZE + 1):
        for position in range(size):
            found = told.from_log.inclusion(position, size, told.published.checkpoint)
            assert found.entry == told.log.log.entries[position]
            assert found.root == tree_root(leaves[:size])
            verify_inclusion(position, size, leaf_hash(found.entry), found.path, found.root)


def test_every_tree_is_proven_to_extend_every_earlier_one(told: Told) -> None:
    leaves = leaf_hashes(told.log.log.entries)
    for later in range(SIZE + 1):
        for earlier in range(later + 1):
            found = told.from_log.growth(earlier, later, told.published.checkpoint)
            assert found.earlier_root == tree_root(leaves[:earlier])
            assert found.root == tree_root(leaves[:later])
            verify_consistency(earlier, later, found.earlier_root, found.root, found.path)


def test_no_proof_is_made_of_an_altered_tile(told: Told) -> None:
    (path,) = (each for each in tile_resources(SIZE) if each.startswith("tile/0/"))
    whole = told.store.read(path)
    told.store.put_back(path, bytes(HASH_SIZE) + whole[HASH_SIZE:])
    with pytest.raises(FileDamage):
        told.from_log.inclusion(1, SIZE, told.published.checkpoint)
    with pytest.raises(FileDamage):
        told.from_log.growth(3, SIZE - 1, told.published.checkpoint)
    told.store.put_back(path, whole)
    assert told.from_log.growth(3, SIZE - 1, told.published.checkpoint)
