"""Whatever fails, lies or dies on the way, nothing false is signed and nothing is lost."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from log.fsck import fsck
from log.last_signed import LastSigned
from log.publisher import Publisher, Stopped
from log.store import Damage, DirectoryStore
from testamur.errors import Unavailable
from testamur.tlog.note import BadSignature, SignerKey
from testamur.tlog.source import NotFound
from testamur.tlog.tiles import tile_resources
from tests.harness.checked_log import KEY, OTHER_LOG, TestLog, ignore, note_of
from tests.harness.simulators import (
    Fault,
    FaultyStore,
    GrowingSource,
    MemorySource,
    Plan,
    flipped,
)

# --- Crashes and faults: at every step, stored or not ---

SCRIPT = (2, 254, 300, 1)
CLOSING = (300, 1, 1)  # published at last, so that all tidying is done
FAULTS = ("before", "after", "half", "flip")


def undisturbed() -> TestLog:
    log = TestLog()
    log.publisher.resume()
    for count in SCRIPT:
        log.source.submit(count)
        log.publisher.publish_once()
    return log


def disturbed(faults: dict[int, str], *, process: str = "new") -> TestLog:
    """Publish the script while these steps go wrong, recovering after each."""
    log = TestLog(plan=Plan(dict(faults.items())))
    with suppress(Unavailable):
        log.publisher.resume()
    for count in SCRIPT:
        log.source.submit(count)
        for _ in range(10):
            try:
                if log.publisher.failure is not None:
                    log.publisher.resume()
                log.publisher.publish_once()
                break
            except (Unavailable, Damage):
                log.check()
                if process == "new":
                    with suppress(Unavailable, Damage):
                        log.restarted().resume()
        else:
            raise AssertionError("it did not recover")
    return log


def closed(log: TestLog) -> tuple[dict[str, bytes], bytes | None]:
    """Return the final state, after one more restart and a few more publications."""
    log.plan.faults.clear()
    log.restarted().resume()
    for count in CLOSING:
        log.source.submit(count)
        log.publisher.publish_once()
    log.check()
    return log.store.files, log.last_signed.get()


CALLS = undisturbed().plan.calls
FINAL = closed(undisturbed())


def test_the_script_takes_every_kind_of_step() -> None:
    kinds = {"claim", "sweep", "get last signed", "read", "write files", "swap"}
    assert set(CALLS) == kinds | {"write checkpoint", "remove partials"}


def faults_of(step: int) -> tuple[str, ...]:
    """Return the ways in which a step can go wrong that differ in what they leave behind."""
    return {"read": ("before", "flip"), "write files": ("before", "half", "after")}.get(
        CALLS[step], ("before", "after")
    )


@pytest.mark.parametrize("process", ["new", "same"])
@pytest.mark.parametrize(
    ("step", "fault"), [(step, fault) for step in range(len(CALLS)) for fault in faults_of(step)]
)
def test_a_fault_at_any_step_changes_nothing_in_the_end(
    step: int, fault: str, process: str
) -> None:
    assert closed(disturbed({step: fault}, process=process)) == FINAL


@pytest.mark.parametrize("fault", ["after", "flip"])
@pytest.mark.parametrize("gap", range(1, 16))
def test_a_fault_in_the_recovery_from_a_fault_changes_nothing_in_the_end(
    gap: int, fault: str
) -> None:
    # Raio 2025h2a was hurt by such a pair: the reload after a failed write failed too.
    for step, name in enumerate(CALLS):
        if name in {"write files", "swap", "write checkpoint"}:
            assert closed(disturbed({step: "after", step + gap: fault})) == FINAL


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(
        st.integers(0, len(CALLS) + 40), st.sampled_from(FAULTS), min_size=3, max_size=6
    ),
    st.sampled_from(["new", "same"]),
)
def test_many_faults_change_nothing_in_the_end(faults: dict[int, str], process: str) -> None:
    assert closed(disturbed(faults, process=process)) == FINAL


def test_a_checkpoint_that_was_signed_and_not_published_is_published_on_resume() -> None:
    log = TestLog().publish(2)
    log.source.submit(300)
    log.plan.faults["write checkpoint"] = "before"
    with pytest.raises(Fault):
        log.publisher.publish_once()
    signed = log.last_signed.get()
    assert signed != log.store.files["checkpoint"]
    log.source.submit(7)  # which that checkpoint does not cover
    log.plan.faults.clear()
    log.restarted().resume()
    assert log.store.files["checkpoint"] == signed
    assert log.told == [2, 302]
    log.check()
    log.publish(1)


def test_files_of_a_tree_that_was_never_signed_do_no_harm() -> None:
    log = TestLog().publish(2)
    log.source.submit(300)
    log.plan.faults["swap"] = "before"
    with pytest.raises(Fault):
        log.publisher.publish_once()
    assert "tile/0/001.p/46" in log.store.files
    log.plan.faults.clear()
    log.source.submit(300)
    log.restarted().resume()
    assert log.told == [2, 2]
    log.check()
    log.publish(1, 1)


def test_writes_that_never_succeed_publish_nothing() -> None:
    log = TestLog().publish(2)
    log.source.submit(300)
    log.plan.faults["write files"] = "half"
    for _ in range(5):
        with pytest.raises(Fault):
            log.publisher.publish_once()
        log.publisher.resume()
        log.check()
    assert [checkpoint.size for checkpoint in log.signed()] == [2]
    assert set(log.told) == {2}


# --- Lies while publishing, found before anything is signed ---


def refused(log: TestLog, act: Callable[[], object]) -> Damage:
    """Return the damage that `act` names; nothing may be signed or made public by it."""
    signed, public = list(log.last_signed.signed), log.store.files.get("checkpoint")
    with pytest.raises(Damage) as caught:
        act()
    assert log.last_signed.signed == signed
    assert log.store.files.get("checkpoint") == public
    assert log.publisher.failure is caught.value
    with pytest.raises(Stopped):
        log.publisher.publish_once()
    return caught.value


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


# --- Damage that resuming refuses to build on ---


def with_file(path: str, data: bytes) -> Callable[[TestLog], None]:
    def damage(log: TestLog) -> None:
        assert log.store.files.get(path) != data
        log.store.files[path] = data

    return damage


def changed(path: str, change: Callable[[bytes], bytes]) -> Callable[[TestLog], None]:
    def damage(log: TestLog) -> None:
        log.store.files[path] = change(log.store.files[path])

    return damage


def with_last_signed(note: bytes) -> Callable[[TestLog], None]:
    def damage(log: TestLog) -> None:
        log.last_signed.signed.append(note)

    return damage


def forgotten(log: TestLog) -> None:
    log.last_signed.signed.clear()


def rolled_back(log: TestLog) -> None:
    log.last_signed.signed.pop()


def shrunk_source(log: TestLog) -> None:
    del log.source.entries[556:]
    del log.source.leaves[556:]


def altered_source(log: TestLog) -> None:
    log.source.entries[520] = b"another entry"


def another_history(log: TestLog) -> None:
    del log.source.entries[520:], log.source.leaves[520:]
    log.source.append([b"since the backup %d" % number for number in range(100)])


OTHER_KEY = SignerKey.from_seed(KEY.name, bytes(32))
DAMAGES: dict[str, tuple[Callable[[TestLog], None], str, str]] = {
    "checkpoint from the future": (
        with_file("checkpoint", note_of(600, bytes(32))), "checkpoint", "from-the-future",
    ),
    "checkpoint of another tree of the same size": (
        with_file("checkpoint", note_of(557, bytes(32))), "checkpoint", "another-tree",
    ),
    "older checkpoint of another tree": (
        with_file("checkpoint", note_of(300, bytes(32))), "checkpoint", "another-tree",
    ),
    "checkpoint by another key": (
        with_file("checkpoint", note_of(557, bytes(32), OTHER_KEY)), "checkpoint", "not-ours",
    ),
    "checkpoint of another log": (
        with_file("checkpoint", note_of(557, bytes(32), OTHER_LOG)), "checkpoint", "not-ours",
    ),
    "checkpoint with a flipped bit": (changed("checkpoint", flipped), "checkpoint", "not-ours"),
    "checkpoint cut short": (
        changed("checkpoint", lambda note: note[:40]), "checkpoint", "not-ours",
    ),
    "empty checkpoint": (with_file("checkpoint", b""), "checkpoint", "not-ours"),
    "last signed lost": (forgotten, "checkpoint", "from-the-future"),
    "last signed restored from an old copy": (rolled_back, "checkpoint", "from-the-future"),
    "last signed of another tree": (
        with_last_signed(note_of(557, bytes(32))), "last-signed", "another-tree",
    ),
    "last signed garbled": (with_last_signed(b"garbage"), "last-signed", "not-ours"),
    "last signed beyond the source": (
        with_last_signed(note_of(900, bytes(32))), "source", "rewound",
    ),
    "tile at the edge flipped": (
        changed("tile/0/002.p/45", flipped), "tile/0/002.p/45", "altered-hash",
    ),
    "upper tile at the edge flipped": (
        changed("tile/1/000.p/2", flipped), "tile/1/000.p/2", "altered-hash",
    ),
    "oldest tile flipped": (changed("tile/0/000", flipped), "tile/0/000", "altered-hash"),
    "oldest tile cut short": (
        changed("tile/0/000", lambda tile: tile[:-32]), "tile/0/000", "malformed",
    ),
    "oldest bundle flipped": (
        changed("tile/entries/000", flipped), "tile/entries/000", "altered-entry",
    ),
    "oldest bundle too long": (
        changed("tile/entries/000", lambda data: data + b"x"), "tile/entries/000", "malformed",
    ),
    "tile cut short": (
        changed("tile/0/002.p/45", lambda tile: tile[:-1]), "tile/0/002.p/45", "malformed",
    ),
    "tile too long": (
        changed("tile/1/000.p/2", lambda tile: tile + tile), "tile/1/000.p/2", "malformed",
    ),
    "last bundle flipped": (
        changed("tile/entries/002.p/45", flipped), "tile/entries/002.p/45", "altered-entry",
    ),
    "last bundle cut short": (
        changed("tile/entries/002.p/45", lambda data: data[:-1]),
        "tile/entries/002.p/45",
        "malformed",
    ),
    "source restored from an old copy": (shrunk_source, "source", "rewound"),
    "source with an altered entry": (altered_source, "source", "altered-entry"),
    "source restored and grown anew": (another_history, "source", "altered-entry"),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
def test_resume_refuses_to_build_on(damage: str) -> None:
    inflict, path, rule = DAMAGES[damage]
    log = TestLog().publish(2, 254, 300, 1)
    inflict(log)
    found = refused(log, log.restarted().resume)
    assert (found.path, found.rule) == (path, rule)


TREE = list(tile_resources(557))


@pytest.mark.parametrize("path", TREE)
def test_resume_refuses_to_go_on_without(path: str) -> None:
    log = TestLog().publish(2, 254, 300, 1)
    del log.store.files[path]
    found = refused(log, log.restarted().resume)
    assert (found.path, found.rule) == (path, "missing")


@pytest.mark.parametrize("path", TREE)
def test_a_file_that_cannot_be_read_is_no_damage(path: str) -> None:
    log = TestLog().publish(2, 254, 300, 1)

    class Unreadable(FaultyStore):
        def read(self, path: str) -> bytes:
            if path == unreadable:
                raise Fault(path)
            return super().read(path)

    unreadable = path
    store = Unreadable(log.store, log.plan)
    publisher = Publisher(log.source, store, log.last_signed, KEY, published=ignore)
    with pytest.raises(Unavailable, match=path):
        publisher.resume()
    unreadable = ""
    publisher.resume()


def interrupted(log: TestLog) -> None:
    """Let the publisher, which has gone through everything, fail for want of the disk."""
    log.publisher.resume()
    log.source.submit(1)
    log.plan.faults["write files"] = "before"
    with pytest.raises(Fault):
        log.publisher.publish_once()
    log.plan.faults.clear()


EDGE = {
    "last signed of another tree": ("tile", "another-tree"),
    "tile at the edge flipped": ("tile", "another-tree"),
    "upper tile at the edge flipped": ("tile", "another-tree"),
    "last bundle flipped": ("tile/entries/002.p/45", "another-tree"),
}


@pytest.mark.parametrize("damage", [name for name in DAMAGES if not name.startswith("oldest")])
def test_the_end_of_the_tree_is_checked_again_after_any_failure(damage: str) -> None:
    inflict, path, rule = DAMAGES[damage]
    log = TestLog().publish(2, 254, 300, 1)
    interrupted(log)
    inflict(log)
    found = refused(log, log.publisher.resume)
    assert (found.path, found.rule) == EDGE.get(damage, (path, rule))


def test_the_last_full_tile_is_checked_again_when_there_is_no_partial_one() -> None:
    log = TestLog().publish(2, 254, 256)
    interrupted(log)
    log.store.files["tile/0/001"] = flipped(log.store.files["tile/0/001"])
    damage = refused(log, log.publisher.resume)
    assert (damage.path, damage.rule) == ("tile/entries/001", "another-tree")


def test_after_damage_everything_is_gone_through_again_and_after_a_full_disk_it_is_not() -> None:
    log = TestLog().publish(2, 254, 300, 1)
    interrupted(log)
    cold = log.store.files["tile/entries/000"]
    log.store.files["tile/entries/000"] = flipped(cold)
    log.publisher.resume()
    edge = log.store.files.pop("tile/1/000.p/2")
    log.source.submit(1)
    with pytest.raises(NotFound):
        log.publisher.publish_once()
    log.store.files["tile/1/000.p/2"] = flipped(edge)
    refused(log, log.publisher.resume)
    log.store.files["tile/1/000.p/2"] = edge
    damage = refused(log, log.publisher.resume)
    assert (damage.path, damage.rule) == ("tile/entries/000", "altered-entry")
    log.store.files["tile/entries/000"] = cold
    log.publisher.resume()
    log.publish(1)


def test_whoever_waits_for_a_start_is_told_how_far_it_is_and_can_end_it() -> None:
    log = TestLog().publish(2, 254, 300, 1)
    told: list[tuple[int, int]] = []

    def checked(done: int, of: int) -> None:
        told.append((done, of))
        if len(told) == 5:
            raise Unavailable("enough")

    publisher = Publisher(
        log.source, log.store, log.last_signed, KEY, published=ignore, checked=checked
    )
    publisher.resume()
    assert told == [(256, 557), (512, 557), (557, 557)]
    publisher = Publisher(
        log.source, log.store, log.last_signed, KEY, published=ignore, checked=checked
    )
    with pytest.raises(Unavailable, match="enough"):
        publisher.resume()
    with pytest.raises(Stopped):
        publisher.publish_once()
    assert told[3:] == [(256, 557), (512, 557)]


def test_an_older_checkpoint_of_the_same_tree_is_brought_up_to_date() -> None:
    log = TestLog().publish(2, 254)
    older = log.store.files["checkpoint"]
    log.publish(300)
    newer = log.store.files["checkpoint"]
    log.store.files["checkpoint"] = older
    log.restarted().resume()
    assert log.store.files["checkpoint"] == newer


def test_a_lost_checkpoint_file_is_written_again() -> None:
    log = TestLog().publish(2, 254)
    note = log.store.files.pop("checkpoint")
    log.restarted().resume()
    assert log.store.files["checkpoint"] == note


def test_cosignatures_on_the_public_checkpoint_are_kept_on_resume() -> None:
    log = TestLog().publish(2)
    cosigned = log.store.files["checkpoint"] + OTHER_LOG.sign(b"what witnesses sign\n")
    log.store.files["checkpoint"] = cosigned
    log.restarted().resume()
    assert log.store.files["checkpoint"] == cosigned
    log.publish(3)


# --- A real process, killed ---

PROCESS = """
import sys
from pathlib import Path
from log.last_signed import LastSigned
from log.publisher import Publisher
from log.store import DirectoryStore
from testamur.tlog.note import SignerKey
from tests.harness.simulators import GrowingSource

root, key = Path(sys.argv[1]), SignerKey.parse(sys.argv[2])
source = GrowingSource(root / "length", step=int(sys.argv[3]), most=int(sys.argv[4]))
publisher = Publisher(
    source, DirectoryStore(root / "log"), LastSigned(root / "last-signed.db"), key,
    published=lambda checkpoint, note: print(checkpoint.size, flush=True),
)
publisher.resume()
while publisher.publish_once() is not None:
    pass
"""


@pytest.mark.slow
def test_a_process_that_is_killed_again_and_again_publishes_the_same_log(tmp_path: Path) -> None:
    step, most = 333, 20_000
    source = GrowingSource(tmp_path / "length", step=0, most=most)
    store = DirectoryStore(tmp_path / "log")
    sizes: list[int] = []
    for life in range(6):
        command = [sys.executable, "-c", PROCESS, str(tmp_path), KEY.render(), str(step), str(most)]
        with subprocess.Popen(
            command, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            sizes += [int(process.stdout.readline()) for _ in range(2)]
            if life < 5:
                time.sleep(0.0037 * life)  # to die at another moment each time
                process.kill()
            sizes += [int(line) for line in process.stdout.read().splitlines()]
        last_signed = LastSigned(tmp_path / "last-signed.db")
        found = fsck(store, KEY.verifier, source, last_signed)
        last_signed.close()
        assert found.damage == []
    assert sizes == sorted(sizes)
    assert sizes[-1] == found.size == most
    assert not list(store.root.rglob(".tmp-*"))
