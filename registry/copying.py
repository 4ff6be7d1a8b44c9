"""A sequence copied from one store to another, and compared with the source to the last byte.

Nobody can append to the source meanwhile, unless it is copied live, for a backup. Afterwards both
stores hold the same log: only one of them may go on, and the publisher sees to it, since it extends
what it signed last or stops.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from registry.store import Entry, Reading, StorageDamaged, Store, SubmissionRow
from testamur.errors import Refuted
from testamur.tlog.merkle import CompactRange, leaf_hashes

_AT_ONCE: Final = 5_000  # entries, or one submission if that is longer
_SUBMISSIONS_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class Copied:
    """What both stores hold: how many entries, and the root of the tree over them.

    `signed_root` is that of the tree over the first entries, as many as the caller named.
    """

    size: int
    root: bytes
    signed_root: bytes


def copy_sequence(
    source: Store,
    target: Store,
    progress: Callable[[int, int], None] = lambda _, __: None,
    *,
    signed: int = 0,
    live: bool = False,
) -> Copied:
    """Copy what `target` lacks of `source`, and compare all of it.

    A copy that was interrupted goes on where it stopped. `progress` is called with (entries
    compared, entries in all). `signed` is the size of the tree whose root is wanted besides. A
    source that is `live` is copied as it stands, and others may append to it meanwhile.

    Raises `StorageDamaged` when the source is damaged, `Refuted` when the target holds something
    else, and what `registry.store` lists.
    """
    source.examine()
    with source.reading() if live else source.writing() as held:
        _copy(held, target)
        with target.reading() as copied:
            found = _compared(held, copied, progress, signed)
    target.examine()
    return found


def _copy(source: Reading, target: Store) -> None:
    size = source.count()
    while True:
        with target.writing() as transaction:
            start = transaction.count()
            if start == size:
                return
            if start > size:
                raise Refuted(
                    f"the target has {start} entries, the source {size}: it is another log's, or "
                    "went on"
                )
            submissions = _next(source, start)
            end = submissions[-1].position + 1 + submissions[-1].events
            transaction.append(
                [
                    (one.position + 1, one.stream, one.version, one.topic, one.entry, one.leaf)
                    for one in source.entries(start, end - 1)
                ],
                submissions,
                _register(source, submissions),
            )
            transaction.commit()


def _next(source: Reading, start: int) -> list[SubmissionRow]:
    """Return the submissions from `start` on that are copied in one transaction."""
    chosen: list[SubmissionRow] = []
    entries = 0
    for one in source.submissions_from(start, _SUBMISSIONS_AT_ONCE):
        entries += 1 + one.events
        if chosen and entries > _AT_ONCE:
            break
        chosen.append(one)
    if not chosen or chosen[0].position != start:
        raise StorageDamaged(f"no submission begins at {start}")
    return chosen


def _register(source: Reading, submissions: Sequence[SubmissionRow]) -> list[tuple[int, int]]:
    number = sum(one.register_events for one in submissions)
    found = source.register_entries(submissions[0].position, number) if number else []
    return [(one.position, one.header) for one in found]


def _compared(
    source: Reading, target: Reading, progress: Callable[[int, int], None], signed: int
) -> Copied:
    tree = signed_tree = CompactRange.empty()
    size = source.count()
    if signed > size:
        raise Refuted(f"a tree of {signed} entries is signed, but the source has {size}")
    while tree.size < size:
        start = tree.size
        submissions = _next(source, start)
        end = submissions[-1].position + 1 + submissions[-1].events
        entries = source.entries(start, end - 1)
        _check_same(start, entries, target.entries(start, end - 1))
        _check_same(start, submissions, target.submissions_from(start, len(submissions)))
        register = _register(source, submissions)
        _check_same(start, register, _register(target, submissions))
        leaves = _leaves(entries)
        signed_tree = signed_tree.extended(leaves[: max(0, signed - start)])
        tree = tree.extended(leaves)
        progress(tree.size, size)
    if target.count() != size:
        raise Refuted(f"the target has {target.count()} entries, the source {size}")
    return Copied(size, tree.root(), signed_tree.root())


def _leaves(entries: Sequence[Entry]) -> list[bytes]:
    leaves = leaf_hashes([one.entry for one in entries])
    for one, leaf in zip(entries, leaves, strict=True):
        if one.leaf != leaf:
            raise StorageDamaged(f"entry {one.position} does not hash to its leaf")
    return leaves


def _check_same(start: int, copied: Sequence[object], found: Sequence[object]) -> None:
    for one, other in zip(copied, found, strict=False):
        if one != other:
            raise Refuted(f"from entry {start} on, the target holds something else: {other!r:.200}")
    if len(copied) != len(found):
        raise Refuted(f"from entry {start} on, the target has {len(found)} rows of {len(copied)}")
