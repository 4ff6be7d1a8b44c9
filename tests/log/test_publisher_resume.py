"""What resuming checks, what it refuses to build on, and what it finishes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from log.publisher import Publisher, Stopped
from testamur.errors import Unavailable
from testamur.tlog.source import NotFound
from tests.harness.checked_log import (
    KEY,
    OTHER_KEY,
    OTHER_LOG,
    TestLog,
    ignore,
    note_of,
    refused,
)
from tests.harness.simulators import (
    Fault,
    FaultyStore,
    flipped,
)
from tests.harness.tile_resources import tile_resources


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


@pytest.mark.slow
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


@pytest.mark.slow
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


def test_the_progress_of_a_start_is_reported_and_the_callback_can_end_it() -> None:
    log = TestLog().publish(2, 254, 300, 1)
    reported: list[tuple[int, int]] = []

    def checked(done: int, of: int) -> None:
        reported.append((done, of))
        if len(reported) == 5:
            raise Unavailable("enough")

    publisher = Publisher(
        log.source, log.store, log.last_signed, KEY, published=ignore, checked=checked
    )
    publisher.resume()
    assert reported == [(256, 557), (512, 557), (557, 557)]
    publisher = Publisher(
        log.source, log.store, log.last_signed, KEY, published=ignore, checked=checked
    )
    with pytest.raises(Unavailable, match="enough"):
        publisher.resume()
    with pytest.raises(Stopped):
        publisher.publish_once()
    assert reported[3:] == [(256, 557), (512, 557)]


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
