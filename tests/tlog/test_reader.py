"""Reading a published log that need not be trusted: what is believed, and what is not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from testamur.errors import Refuted, Unavailable
from testamur.tlog.checkpoint import Checkpoint, WrongOrigin, sign_checkpoint
from testamur.tlog.log_keys import UnknownLogKey
from testamur.tlog.merkle import (
    CompactRange,
    InvalidProof,
    leaf_hash,
    leaf_hashes,
    tree_root,
    verify_inclusion,
)
from testamur.tlog.note import BadSignature, SignerKey, Unsigned
from testamur.tlog.reader import LogReader
from testamur.tlog.source import NotFound
from testamur.tlog.tiles import bundle_path, encode_bundle, tile_path
from tests.harness.published_log import PublishedLog, opened_log
from tests.harness.story import Story


@pytest.fixture
def log(tmp_path: Path) -> PublishedLog:
    """A log of 621 entries: two full bundles and a partial one of 109."""
    return opened_log(tmp_path / "log", 600, 9)[0]


def edge_of(entries: list[bytes]) -> CompactRange:
    return CompactRange.empty().extended(leaf_hashes(entries))


def read_all(log: PublishedLog, *, since: int = 0, bundles: int = 16) -> list[bytes]:
    reader = log.reader()
    checkpoint = reader.checkpoint()
    found: list[bytes] = []
    for stretch in reader.stretches(edge_of(log.entries[:since]), checkpoint, bundles=bundles):
        assert stretch.start == since + len(found)
        assert stretch.leaves == leaf_hashes(stretch.entries)
        found += stretch.entries
    return found


# --- Checkpoints ---


def test_a_checkpoint_is_the_logs_own(log: PublishedLog) -> None:
    checkpoint = log.reader().checkpoint()

    assert checkpoint.size == len(log.entries)
    assert checkpoint.root == edge_of(log.entries).root()


def test_a_checkpoint_by_another_key_is_not_believed(log: PublishedLog) -> None:
    other = SignerKey.generate(log.signer.name)

    with pytest.raises(UnknownLogKey):
        LogReader(log.source(), other.verifier).checkpoint()


def test_a_checkpoint_of_another_log_under_the_same_key_is_not_believed(
    log: PublishedLog,
) -> None:
    other = SignerKey.from_seed("other.example/log", Story().log_key.raw())
    log.write("checkpoint", sign_checkpoint(Checkpoint(other.name, 0, edge_of([]).root()), other))

    with pytest.raises(Unsigned):
        log.reader().checkpoint()
    text = Checkpoint("other.example/log", 0, edge_of([]).root()).render()
    log.write("checkpoint", text + b"\n" + log.signer.sign(text))
    with pytest.raises(WrongOrigin):
        log.reader().checkpoint()


def test_a_changed_checkpoint_is_not_believed(log: PublishedLog) -> None:
    note = log.source().fetch("checkpoint")
    log.write("checkpoint", note.replace(b"\n%d\n" % len(log.entries), b"\n12\n"))

    with pytest.raises(BadSignature):
        log.reader().checkpoint()


# --- Entries ---


@pytest.mark.slow
@pytest.mark.parametrize("size", [2, 10, 255, 256, 257, 511, 512, 513, 621])
@pytest.mark.parametrize("bundles", [1, 2, 16])
def test_every_entry_is_read_in_order_whatever_the_size(
    log: PublishedLog, tmp_path: Path, size: int, bundles: int
) -> None:
    grown = PublishedLog(tmp_path / "grown")
    grown.append_entries(*log.entries)
    grown.publish(size)

    assert read_all(grown, bundles=bundles) == log.entries[:size]


@pytest.mark.parametrize("since", [0, 1, 9, 255, 256, 257, 500, 512, 620, 621])
def test_reading_goes_on_from_anywhere(log: PublishedLog, since: int) -> None:
    assert read_all(log, since=since) == log.entries[since:]
    assert read_all(log, since=since, bundles=1) == log.entries[since:]


def test_one_entry_is_read_and_proven(log: PublishedLog) -> None:
    reader = log.reader()
    checkpoint = reader.checkpoint()
    for index in (0, 1, 255, 256, 511, 512, 513, 620):
        assert reader.entry(index, checkpoint) == log.entries[index]
    for index in (-1, 621, 10**9):
        with pytest.raises(NotFound):
            reader.entry(index, checkpoint)


def test_an_entry_is_read_where_only_published_sizes_have_partial_bundles(
    tmp_path: Path,
) -> None:
    """A log of 100 entries published at once has no bundle of width 6 to show entry 5."""
    log, _ = opened_log(tmp_path / "log", 89)
    assert log.size == 100
    reader = log.reader()

    assert reader.entry(5, reader.checkpoint()) == log.entries[5]
    assert list(reader.bundles(3, 7, size=100)) == [(0, log.entries[3:7])]


def test_an_inclusion_proof_leads_to_the_root(log: PublishedLog) -> None:
    reader = log.reader()
    checkpoint = reader.checkpoint()
    for index in (0, 300, 620):
        path = reader.inclusion(index, checkpoint.size)
        leaf = leaf_hash(log.entries[index])
        verify_inclusion(index, checkpoint.size, leaf, path, checkpoint.root)


def test_leaf_hashes_are_read_from_the_tiles(log: PublishedLog) -> None:
    assert log.reader().leaves(250, 520, 621) == leaf_hashes(log.entries[250:520])
    tree = log.reader().tree(250, 520, 621)
    path = tree.inclusion_proof(7)
    root = tree_root(leaf_hashes(log.entries[250:520]))
    verify_inclusion(7, 270, leaf_hash(log.entries[257]), path, root)


def test_a_large_tree_is_read_once_and_only_the_last_few_are_kept(
    log: PublishedLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("testamur.tlog.reader._LARGE", 50)
    reader = log.reader()
    first = reader.tree(0, 100, 621)
    assert reader.tree(0, 100, 621) is first
    assert reader.tree(0, 20, 621) is not reader.tree(0, 20, 621)
    for end in range(200, 204):
        reader.tree(0, end, 621)
    assert reader.tree(0, 100, 621) is not first


def test_an_empty_stretch_of_bundles_is_empty(log: PublishedLog) -> None:
    for at in (0, 5, 256, 621):
        assert list(log.reader().bundles(at, at, size=621)) == []


# --- Lies ---


def test_a_log_that_shrank_is_refuted(log: PublishedLog) -> None:
    reader = log.reader()
    known = edge_of(log.entries)
    log.republish(log.entries[:256])

    with pytest.raises(Refuted, match="shrank"):
        list(reader.stretches(known, reader.checkpoint()))


@pytest.mark.parametrize("since", [1, 255, 256, 300, 512, 620, 621])
def test_a_log_that_rewrote_what_was_read_is_refuted(log: PublishedLog, since: int) -> None:
    """Also when nothing is new, and also when what was read ends with a bundle."""
    known = edge_of(log.entries[:since])
    log.republish([b"{}", *log.entries[1:]])
    reader = log.reader()

    with pytest.raises(Refuted, match="rewritten"):
        list(reader.stretches(known, reader.checkpoint()))


@pytest.mark.parametrize("size", [256, 512])
def test_a_fork_at_the_very_size_that_was_read_is_refuted(log: PublishedLog, size: int) -> None:
    known = edge_of(log.entries[:size])
    log.republish([*log.entries[: size - 1], b"{}"])
    reader = log.reader()

    with pytest.raises(Refuted):
        list(reader.stretches(known, reader.checkpoint()))


@pytest.mark.parametrize("at", [0, 255, 256, 511, 600, 620])
def test_an_entry_changed_in_its_bundle_is_never_handed_out(log: PublishedLog, at: int) -> None:
    changed = list(log.entries)
    changed[at] = changed[at].replace(b"e", b"f", 1)
    index = at // 256
    bundle = changed[index * 256 : (index + 1) * 256]
    log.write(bundle_path(index, len(bundle)), encode_bundle(bundle))
    reader = log.reader()
    checkpoint = reader.checkpoint()

    with pytest.raises(InvalidProof):
        reader.entry(at, checkpoint)
    found: list[bytes] = []
    with pytest.raises(Refuted):
        found.extend(
            entry
            for stretch in reader.stretches(CompactRange.empty(), checkpoint, bundles=1)
            for entry in stretch.entries
        )
    assert found == log.entries[: index * 256]


@pytest.mark.parametrize("lie", ["swapped", "dropped", "doubled", "shifted"])
def test_entries_in_another_order_or_number_are_never_handed_out(
    log: PublishedLog, lie: str
) -> None:
    first = log.entries[:256]
    bundle = {
        "swapped": [first[1], first[0], *first[2:]],
        "dropped": first[:-1],
        "doubled": [first[0], *first[:-1]],
        "shifted": log.entries[1:257],
    }[lie]
    log.write(bundle_path(0), encode_bundle(bundle))

    with pytest.raises(Refuted):
        read_all(log)


@pytest.mark.parametrize("cut", [0, 1, 2, -1, -2, 4000])
def test_a_bundle_cut_short_is_refuted(log: PublishedLog, cut: int) -> None:
    path = bundle_path(0)
    log.write(path, log.source().fetch(path)[:cut])

    with pytest.raises(Refuted):
        read_all(log)


def test_a_bundle_with_bytes_left_over_is_refuted(log: PublishedLog) -> None:
    path = bundle_path(0)
    log.write(path, log.source().fetch(path) + b"\0\0")

    with pytest.raises(Refuted):
        read_all(log)


@pytest.mark.parametrize("missing", [bundle_path(1), bundle_path(2, 109), tile_path(0, 2, 109)])
def test_what_is_missing_could_not_be_examined(log: PublishedLog, missing: str) -> None:
    (log.root / missing).unlink()

    with pytest.raises(Unavailable):
        read_all(log, bundles=1)


def test_a_partial_bundle_that_is_gone_is_read_from_the_full_one(log: PublishedLog) -> None:
    """The log grew, and dropped its partial files, after the checkpoint was taken."""
    reader = log.reader()
    checkpoint = reader.checkpoint()
    older = list(log.entries)
    log.append_entries(*[b"{}"] * 400)
    log.publish()
    for path in (bundle_path(2, 109), tile_path(0, 2, 109)):
        (log.root / path).unlink()

    stretches = reader.stretches(CompactRange.empty(), checkpoint)

    assert [entry for stretch in stretches for entry in stretch.entries] == older
    assert reader.entry(600, checkpoint) == older[600]


def test_a_checkpoint_is_a_value(log: PublishedLog) -> None:
    checkpoint = log.reader().checkpoint()

    assert replace(checkpoint) == checkpoint
