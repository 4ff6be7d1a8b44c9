"""Merkle tree hashing, inclusion and consistency proofs, as RFC 6962 section 2.1 defines them.

Everything here is pure: no I/O, no clock, no settings. A proof that passes `verify_inclusion`
shows that one leaf sits at one index of the tree that a size and a root commit to; one that
passes `verify_consistency` shows that a larger tree begins with the very leaves of a smaller one.
It says nothing about who vouches for those roots: `checkpoint.py` and `policy.py` do.

A hash is 32 raw bytes. A *node* is named by (level, index): the root of the complete subtree over
the leaves [index * 2**level, (index + 1) * 2**level).

Provers split the tree from its root down, as RFC 6962 does. Verifiers climb from a leaf, as RFC
9162 does: `at` is the index, on the level reached, of the node above that leaf, and `last` that of
the level's last node (fn and sn in the RFC). At the root both are 0.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from testamur.errors import Refuted

_sha256 = hashlib.sha256  # one attribute look-up less in loops that run a million times a second

HASH_SIZE = _sha256().digest_size
EMPTY_ROOT = _sha256().digest()

Node = tuple[int, int]


class InvalidProof(Refuted):
    """The proof does not show what it claims to show."""


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash that stands for `entry` in the tree."""
    # The 0x00 here and the 0x01 in node_hash keep an entry whose bytes happen to be two
    # concatenated hashes from ever passing for an interior node.
    return _sha256(b"\x00" + entry).digest()


def leaf_hashes(entries: Sequence[bytes]) -> list[bytes]:
    """Return the leaf hash of each entry, in order."""
    sha256 = _sha256
    return [sha256(b"\x00" + entry).digest() for entry in entries]


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of the interior node over two subtrees."""
    return _sha256(b"\x01" + left + right).digest()


def parents(nodes: Sequence[bytes]) -> list[bytes]:
    """Return the hashes one level up; an odd node at the end has no parent yet and is left out."""
    sha256 = _sha256
    left_then_right = iter(nodes)
    return [
        sha256(b"\x01" + left + right).digest()
        for left, right in zip(left_then_right, left_then_right, strict=False)
    ]


def tree_root(leaves: Sequence[bytes]) -> bytes:
    """Return the root over leaf hashes: MTH(D[n]) of RFC 6962 section 2.1."""
    return _levels(leaves)[-1][0] if leaves else EMPTY_ROOT


def _levels(leaves: Sequence[bytes]) -> list[Sequence[bytes]]:
    """Return every level of the tree over at least one leaf hash, the leaves first.

    `levels[h][i]` is the root over the leaves [i * 2**h, (i + 1) * 2**h) as far as they exist:
    the last node of a level may cover fewer.
    """
    levels = [leaves]
    while len(levels[-1]) > 1:
        below = levels[-1]
        above = parents(below)
        if len(below) % 2:
            # The rightmost node of a level may have no sibling; it then rises unhashed
            # (RFC 6962 pads nothing and duplicates nothing).
            above.append(below[-1])
        levels.append(above)
    return levels


# --- Reading a tree ---


class HashReader(Protocol):
    """Reads hashes of complete subtrees, from wherever a tree is kept."""

    def read_hashes(self, nodes: Sequence[Node]) -> list[bytes]:
        """Return the hash of each node (level, index), in order: exactly as many, or raise."""
        ...


class _InMemory:
    """Reads the hashes of the tree over leaf hashes that are all at hand."""

    def __init__(self, leaves: Sequence[bytes]) -> None:
        self._levels = _levels(leaves)

    def read_hashes(self, nodes: Sequence[Node]) -> list[bytes]:
        return [self._levels[level][index] for level, index in nodes]


def root_from(size: int, reader: HashReader) -> bytes:
    """Return the root of the tree of the first `size` leaves."""
    return _roots([(0, size)], reader)[0] if size else EMPTY_ROOT


def _roots(ranges: Sequence[tuple[int, int]], reader: HashReader) -> list[bytes]:
    """Return the root over each range of leaves [start, end) that RFC 6962 makes a subtree."""
    parts = [_complete_nodes(start, end) for start, end in ranges]
    # One call, so that a reader can fetch all the tiles it lacks at once.
    hashes = reader.read_hashes([node for nodes in parts for node in nodes])
    roots = []
    at = 0
    for nodes in parts:
        roots.append(_folded(hashes[at : at + len(nodes)]))
        at += len(nodes)
    return roots


def _complete_nodes(start: int, end: int) -> list[Node]:
    """Return the nodes that make up the subtree [start, end), largest and leftmost first."""
    nodes = []
    width = end - start
    while width:
        level = width.bit_length() - 1
        nodes.append((level, start >> level))
        start += 1 << level
        width -= 1 << level
    return nodes


def _folded(hashes: Sequence[bytes]) -> bytes:
    """Return the root over complete subtrees that shrink to the right."""
    root = hashes[-1]
    for left in reversed(hashes[:-1]):
        root = node_hash(left, root)
    return root


def _middle(start: int, end: int) -> int:
    """Return where RFC 6962 splits a subtree of at least 2 leaves: k, a power of two, from `start`.

    k is the greatest one below the number of leaves.
    """
    return start + (1 << (end - start - 1).bit_length() - 1)


# --- Inclusion ---


def prove_inclusion(index: int, size: int, reader: HashReader) -> list[bytes]:
    """Return the audit path of leaf `index` in the tree of the first `size` leaves, leaf to root.

    This is PATH(m, D[n]) of RFC 6962 section 2.1.1. Raises `ValueError` when there is no such
    leaf, and what the reader raises.
    """
    if not 0 <= index < size:
        raise ValueError(f"leaf index {index} is outside a tree of {size} leaves")
    return prove_subtree((0, index), size, reader)


def prove_subtree(node: Node, size: int, reader: HashReader) -> list[bytes]:
    """Return the audit path of a complete subtree in the tree of the first `size` leaves.

    It is what the audit paths of its leaves have in common. Raises `ValueError` when the tree has
    no such complete subtree, and what the reader raises.
    """
    return _roots(beside_subtree(node, size), reader)


def beside_subtree(node: Node, size: int) -> list[tuple[int, int]]:
    """Return which leaves [start, end) each hash of the audit path of a complete subtree covers.

    Raises `ValueError` when the tree of the first `size` leaves has no such complete subtree.
    """
    height, index = node
    first = index << height
    if height < 0 or index < 0 or first + (1 << height) > size:
        raise ValueError(f"node {index} at level {height} is not complete at {size}")
    siblings = []  # root to leaf
    start, end = 0, size
    while end - start > 1 << height:
        middle = _middle(start, end)
        if first < middle:
            siblings.append((middle, end))
            end = middle
        else:
            siblings.append((start, middle))
            start = middle
    return siblings[::-1]


def inclusion_proof(index: int, leaves: Sequence[bytes]) -> list[bytes]:
    """Return `prove_inclusion(index, len(leaves), ...)` for leaf hashes that are all at hand."""
    return prove_inclusion(index, len(leaves), _InMemory(leaves))


class Tree:
    """A tree whose leaf hashes are all at hand: proofs of many leaves share the hashing."""

    def __init__(self, leaves: Sequence[bytes]) -> None:
        """Hash the tree over at least one leaf hash."""
        self._levels = _levels(leaves)

    def inclusion_proof(self, index: int) -> list[bytes]:
        """Return `inclusion_proof(index, leaves)`."""
        path = []
        for level in self._levels[:-1]:
            if index ^ 1 < len(level):  # a risen node has no sibling
                path.append(level[index ^ 1])
            index >>= 1
        return path


def all_inclusion_proofs(leaves: Sequence[bytes]) -> list[list[bytes]]:
    """Return `inclusion_proof(i, leaves)` for every i, at about one list operation per node."""
    if not leaves:
        return []
    levels = _levels(leaves)
    paths: list[list[bytes]] = [[]]
    for level in reversed(levels[:-1]):
        last = len(level) - 1
        # A node's path is its sibling followed by its parent's path; a risen node has no sibling.
        paths = [
            paths[at >> 1] if at == last and at % 2 == 0 else [level[at ^ 1], *paths[at >> 1]]
            for at in range(len(level))
        ]
    return paths


def implied_root(index: int, size: int, leaf: bytes, path: Sequence[bytes]) -> bytes:
    """Return the root that `path` implies, reading it from the leaf hash upwards.

    Raises `InvalidProof` when the path cannot belong to leaf `index` of `size` (RFC 9162
    section 2.1.3.2): too short, too long, or no such leaf.
    """
    if not 0 <= index < size:
        raise InvalidProof(f"leaf index {index} is outside a tree of {size} leaves")
    _check_hashes((leaf, *path))

    node, at, last = leaf, index, size - 1
    for sibling in path:
        if last == 0:
            raise InvalidProof(f"path of {len(path)} hashes goes on above the root")
        # The last node of a level, at an even index, has no sibling: it rises unhashed.
        while at == last and at % 2 == 0:
            at, last = at >> 1, last >> 1
        node = node_hash(sibling, node) if at % 2 else node_hash(node, sibling)
        at, last = at >> 1, last >> 1
    if last != 0:
        raise InvalidProof(f"path of {len(path)} hashes stops below the root")
    return node


def verify_inclusion(
    index: int, size: int, leaf: bytes, path: Sequence[bytes], root: bytes
) -> None:
    """Raise `InvalidProof` unless leaf hash `leaf` is at `index` in the tree (`size`, `root`)."""
    computed = implied_root(index, size, leaf, path)
    if computed != root:
        raise InvalidProof(
            f"leaf {index} of {size} leads to root {computed.hex()}, not {root.hex()}"
        )


def _check_hashes(hashes: Sequence[bytes]) -> None:
    for digest in hashes:
        if len(digest) != HASH_SIZE:
            raise InvalidProof(f"found a {len(digest)}-byte hash, need {HASH_SIZE}")


# --- Consistency ---


def prove_consistency(old: int, new: int, reader: HashReader) -> list[bytes]:
    """Return the proof that the tree of `new` leaves extends the tree of `old` leaves.

    This is PROOF(m, D[n]) of RFC 6962 section 2.1.2; it is empty when `old` is 0 or `new`. Raises
    `ValueError` when there can be none (old > new), and what the reader raises.
    """
    return _roots(shared_subtrees(old, new), reader)


def shared_subtrees(old: int, new: int) -> list[tuple[int, int]]:
    """Return which leaves [start, end) each hash of a consistency proof covers.

    Raises `ValueError` when there can be no such proof (old > new).
    """
    if not 0 <= old <= new:
        raise ValueError(f"a tree of {new} leaves cannot extend one of {old}")
    if old in (0, new):
        return []
    subtrees = []  # root to leaf
    start, end = 0, new
    while end != old:
        middle = _middle(start, end)
        if old <= middle:
            subtrees.append((middle, end))
            end = middle
        else:
            subtrees.append((start, middle))
            start = middle
    if start:  # else the old tree is one complete subtree, whose root the verifier holds
        subtrees.append((start, end))
    return subtrees[::-1]


def verify_consistency(
    old_size: int, new_size: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]
) -> None:
    """Raise `InvalidProof` unless tree (`new_size`, `new_root`) extends (`old_size`, `old_root`).

    RFC 9162 section 2.1.4.2, with the two cases it leaves to the caller: a tree extends itself,
    and the empty tree, by an empty path only.
    """
    if not 0 <= old_size <= new_size:
        raise InvalidProof(f"a tree of {new_size} leaves cannot extend one of {old_size}")
    _check_hashes((old_root, new_root, *path))
    _check_empty_trees(old_size, new_size, old_root, new_root)
    if old_size in (0, new_size):
        _check_trivial_consistency(old_size, new_size, old_root, new_root, path)
        return
    old, new = _implied_roots(old_size, new_size, old_root, path)
    if old != old_root:
        raise InvalidProof(
            f"the path leads to root {old.hex()} of {old_size} leaves, not {old_root.hex()}"
        )
    if new != new_root:
        raise InvalidProof(
            f"the path leads to root {new.hex()} of {new_size} leaves, not {new_root.hex()}"
        )


def _check_empty_trees(old_size: int, new_size: int, old_root: bytes, new_root: bytes) -> None:
    for size, root in ((old_size, old_root), (new_size, new_root)):
        if size == 0 and root != EMPTY_ROOT:
            raise InvalidProof(f"a tree without leaves cannot have root {root.hex()}")


def _check_trivial_consistency(
    old_size: int, new_size: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]
) -> None:
    if path:
        raise InvalidProof(
            f"from {old_size} to {new_size} leaves there is nothing to prove, yet the path "
            f"has {len(path)} hashes"
        )
    if old_size == new_size and old_root != new_root:
        raise InvalidProof(
            f"two trees of {old_size} leaves have roots {old_root.hex()} and {new_root.hex()}"
        )


def _implied_roots(
    old_size: int, new_size: int, old_root: bytes, path: Sequence[bytes]
) -> tuple[bytes, bytes]:
    """Return the roots of the old and the new tree that `path` implies, for 0 < old < new."""
    if old_size & (old_size - 1) == 0:
        # The old tree is one complete subtree of the new: the proof leaves its root out.
        path = [old_root, *path]
    if not path:
        raise InvalidProof(f"from {old_size} to {new_size} leaves an empty path proves nothing")
    # The climb begins at the last leaf of the old tree, or rather at the largest complete subtree
    # that ends with it: both trees have that subtree, and its root is the first hash.
    at, last = old_size - 1, new_size - 1
    while at % 2:
        at, last = at >> 1, last >> 1
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise InvalidProof(f"path of {len(path)} hashes goes on above the root")
        if at % 2 or at == last:
            # A sibling to the left is in both trees. A node that rises unhashed in the new tree, as
            # the last of its level, does so in the old tree too.
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while at % 2 == 0 and at:
                at, last = at >> 1, last >> 1
        else:
            new = node_hash(new, sibling)  # it holds only leaves that the old tree lacks
        at, last = at >> 1, last >> 1
    if last != 0:
        raise InvalidProof(f"path of {len(path)} hashes stops below the root")
    return old, new


# --- Growing ---


@dataclass(frozen=True, slots=True)
class CompactRange:
    """The least that must be kept of a tree to append to it and to know its root.

    `hashes` are the roots of the complete subtrees that `size` leaves fall into, one for each bit
    set in `size`, largest and leftmost first.
    """

    size: int
    hashes: tuple[bytes, ...]

    def __post_init__(self) -> None:
        if self.size < 0 or len(self.hashes) != self.size.bit_count():
            raise ValueError(
                f"{self.size} leaves do not fall into {len(self.hashes)} complete subtrees"
            )
        for digest in self.hashes:
            if len(digest) != HASH_SIZE:
                raise ValueError(f"found a {len(digest)}-byte hash, need {HASH_SIZE}")

    @classmethod
    def empty(cls) -> CompactRange:
        """Return the range over no leaves."""
        return cls(0, ())

    def extended(self, leaves: Sequence[bytes]) -> CompactRange:
        """Return the range over these leaves and then the given leaf hashes."""
        whole = list(self.hashes)
        settled: list[bytes] = []  # smallest first
        level: list[bytes] = list(leaves)
        position = self.size  # of the first node of `level`, counted in nodes of that level
        while level:
            if position % 2:
                level.insert(0, whole.pop())
            if len(level) % 2:
                settled.append(level.pop())
            level = parents(level)
            position >>= 1
        settled.reverse()
        return CompactRange(self.size + len(leaves), (*whole, *settled))

    def root(self) -> bytes:
        """Return the root over all leaves so far."""
        return _folded(self.hashes) if self.hashes else EMPTY_ROOT
