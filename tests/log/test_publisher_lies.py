"""A source or a store that returns wrong bytes is found out before anything is signed."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from log.publisher import Publisher
from testamur.tlog.note import BadSignature, SignerKey
from tests.harness.checked_log import (
    KEY,
    SCRIPT,
    TestLog,
    ignore,
    refused,
    undisturbed,
)
from tests.harness.simulators import (
    FaultyStore,
    MemorySource,
    Plan,
    flipped,
)

CALLS = undisturbed().plan.calls


@pytest.mark.parametrize("position", [2, 100, 255, 256, 301])
def test_a_bit_that_flipped_in_the_source_is_named_and_not_even_written(position: int) -> None:
    log = TestLog().publish(2)
    log.source.submit(300)
    files = dict(log.store.files)
    entry = log.source.entries[position]
    log.source.entries[position] = flipped(entry)
    damage = refused(log, log.publisher.publish_once)
    assert (damage.path, damage.rule) == ("source", "altered-entry")
    assert f"entry {position} hashes to" in damage.detail
    assert log.store.files == files
    log.source.entries[position] = entry  # mended, publishing goes on
    log.publisher.resume()
    log.publish(1)


def test_a_leaf_hash_that_changed_since_admission_is_named() -> None:
    log = TestLog().publish(2)
    log.source.submit(300)
    log.source.leaves[77] = flipped(log.source.leaves[77])
    damage = refused(log, log.publisher.publish_once)
    assert (damage.path, damage.rule) == ("source", "altered-entry")
    assert "entry 77" in damage.detail


@pytest.mark.parametrize("kept", [(0, 0), (0, 46), (46, 0), (46, 45), (47, 47)])
def test_a_source_that_gives_too_little_or_too_much_is_refused(kept: tuple[int, int]) -> None:
    class Wrong(MemorySource):
        def read(self, start: int, limit: int) -> tuple[list[bytes], list[bytes]]:
            entries, leaves = super().read(start, min(limit, 256 - start % 256))
            if start < 256:
                return entries, leaves
            return (entries * 2)[: kept[0]], (leaves * 2)[: kept[1]]

    log = TestLog(source=Wrong()).publish(2)
    log.source.submit(300)
    damage = refused(log, log.publisher.publish_once)
    assert (damage.path, damage.rule) == ("source", "missing-entries")
    assert "from 256 on" in damage.detail


def test_a_source_that_shrank_is_refused() -> None:
    log = TestLog().publish(2, 300)
    del log.source.entries[300:]
    damage = refused(log, log.publisher.publish_once)
    assert (damage.path, damage.rule) == ("source", "rewound")
    assert "300 entries" in damage.detail
    assert "302" in damage.detail


READS = [at for at, name in enumerate(CALLS) if name == "read" and at > CALLS.index("write files")]


@pytest.mark.parametrize("step", READS)
def test_a_bit_that_flips_on_the_way_to_or_from_the_store_is_never_signed(step: int) -> None:
    log = TestLog(plan=Plan({step: "flip"}))
    log.publisher.resume()
    for count in SCRIPT:
        log.source.submit(count)
        if len(log.plan.calls) + CALLS[len(log.plan.calls) :].index("swap") > step:
            break
        log.publisher.publish_once()
    damage = refused(log, log.publisher.publish_once)
    assert damage.path.startswith("tile")
    assert damage.rule in {"altered-entry", "altered-tile", "malformed", "not-an-extension"}


@pytest.mark.parametrize(
    "path", ["tile/entries/000", "tile/entries/001.p/46", "tile/0/000", "tile/1/000.p/1"]
)
def test_a_store_that_keeps_other_bytes_than_it_was_given_is_named(path: str) -> None:
    log = TestLog().publish(2)
    log.source.submit(300)

    class Corrupting(FaultyStore):
        def write_many(self, files: Sequence[tuple[str, bytes]]) -> None:
            super().write_many(
                [(name, flipped(data) if name == path else data) for name, data in files]
            )

    store = Corrupting(log.store, log.plan)
    log.publisher = Publisher(log.source, store, log.last_signed, KEY, published=ignore)
    log.publisher.resume()
    damage = refused(log, log.publisher.publish_once)
    assert damage.path == path
    assert damage.rule == ("altered-entry" if "entries" in path else "altered-tile")


@pytest.mark.parametrize(
    "path", ["tile/entries/000", "tile/entries/001.p/46", "tile/0/000", "tile/1/000.p/1"]
)
def test_other_bytes_where_we_are_about_to_write_are_refused(path: str) -> None:
    log = TestLog().publish(2)
    log.source.submit(300)
    log.store.files[path] = b"somebody else's"
    damage = refused(log, log.publisher.publish_once)
    assert (damage.path, damage.rule) == (path, "immutable")
    assert log.store.files[path] == b"somebody else's"


@pytest.mark.parametrize("size", [256, 512, 700])
def test_a_tile_at_the_edge_that_is_damaged_while_we_run_is_never_signed_over(size: int) -> None:
    """It was sound when it was written, and the next publication needs it without writing it."""
    log = TestLog().publish(size)
    log.restarted().resume()  # which reads it, and finds it sound
    path = f"tile/1/000.p/{size // 256}"
    log.store.files[path] = flipped(log.store.files[path])
    log.source.submit(10)
    damage = refused(log, log.publisher.publish_once)
    assert (damage.path, damage.rule) == ("tile", "not-an-extension")


def test_a_signature_that_came_out_wrong_never_leaves() -> None:
    """Of an Ed25519 signature that a processor got wrong, the key can be worked out."""

    class Miscalculating(SignerKey):
        def sign(self, text: bytes) -> bytes:
            return super().sign(text.replace(b"\n302\n", b"\n303\n"))

    log = TestLog().publish(2)
    signer = Miscalculating(KEY.name, KEY.private)
    log.publisher = Publisher(log.source, log.store, log.last_signed, signer, published=ignore)
    log.publisher.resume()
    log.source.submit(300)
    signed, public = list(log.last_signed.signed), log.store.files["checkpoint"]
    with pytest.raises(BadSignature):
        log.publisher.publish_once()
    assert (log.last_signed.signed, log.store.files["checkpoint"]) == (signed, public)
    assert isinstance(log.publisher.failure, BadSignature)


def test_an_entry_that_no_bundle_can_hold_stops_publishing() -> None:
    log = TestLog().publish(2)
    log.source.append([bytes(65_536)])
    with pytest.raises(ValueError, match="65536 bytes"):
        log.publisher.publish_once()
    assert [checkpoint.size for checkpoint in log.signed()] == [2]
