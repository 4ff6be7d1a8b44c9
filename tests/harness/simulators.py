"""Honest stand-ins for what a publisher rests on, which can be told to fail or to lie.

Each speaks the real interface and does the real thing, until its plan says otherwise at a given
call. Nothing here checks anything by itself: the tests do.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol, TypeVar

from log.last_signed import LastSignedStore, Overtaken
from log.repair import RepairableFiles
from log.store import CHECKPOINT, File, FileDamage, Store
from testamur.errors import Unavailable
from testamur.tlog.merkle import leaf_hashes
from testamur.tlog.source import NotFound
from testamur.tlog.tiles import parse_path

T = TypeVar("T")


class Fault(Unavailable):
    """The storage failed because it was told to."""


def flipped(data: bytes, at: int = -1) -> bytes:
    """Return `data` with one bit of one byte turned over."""
    changed = bytearray(data)
    changed[at] ^= 0x10
    return bytes(changed)


class MemorySource:
    """A sequence in memory. Tests edit `entries` and `leaves` to make it lie."""

    def __init__(self, *, at_once: int = 1 << 30) -> None:
        self.entries: list[bytes] = []
        self.leaves: list[bytes] = []
        self._at_once = at_once  # entries that one read gives at most

    def submit(self, count: int) -> None:
        """Append a submission of `count` entries, each unlike any other."""
        start = len(self.entries)
        entries = [b"entry %d of a submission from %d on" % (n, start) for n in range(count)]
        self.append(entries)

    def append(self, entries: Sequence[bytes]) -> None:
        """Append these entries as one submission."""
        self.leaves += leaf_hashes(entries)
        self.entries += entries

    def committed(self) -> int:
        return len(self.entries)

    def read(self, start: int, limit: int) -> tuple[list[bytes], list[bytes]]:
        end = start + min(limit, self._at_once)
        return self.entries[start:end], self.leaves[start:end]


class GrowingSource:
    """A sequence whose entries follow from their positions, and whose length is in a file.

    It grows by `step` each time its length is asked for, up to `most`, and never shrinks,
    even if the process that asks is killed.
    """

    def __init__(self, file: Path, *, step: int, most: int) -> None:
        self._file = file
        self._step = step
        self._most = most

    def committed(self) -> int:
        length = int(self._file.read_text()) if self._file.exists() else 0
        length = min(self._most, length + self._step)
        new = self._file.with_suffix(".new")
        new.write_text(str(length))
        new.replace(self._file)
        return length

    def read(self, start: int, limit: int) -> tuple[list[bytes], list[bytes]]:
        entries = [b"entry %d " % number * 20 for number in range(start, start + limit)]
        return entries, leaf_hashes(entries)


class CheckedStore(Store, RepairableFiles, Protocol):
    """What a publisher, `fsck` and `repair` ask of a store."""


class MemoryStore:
    """A store in memory: the files are `files`, which tests edit to damage them."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    def read(self, path: str) -> bytes:
        if path not in self.files:
            raise NotFound(path)
        return self.files[path]

    def read_many(self, paths: Sequence[str]) -> list[bytes]:
        return [self.read(path) for path in paths]

    at_once: Final = 1
    fetch = read

    def write_many(self, files: Sequence[File]) -> None:
        for path, data in files:
            parse_path(path)
            if self.files.get(path, data) != data:
                raise FileDamage(path, "immutable", "it is there already with other bytes")
        self.files.update(files)

    def put_back(self, path: str, data: bytes) -> None:
        parse_path(path)
        self.files[path] = data

    def write_checkpoint(self, data: bytes) -> None:
        self.files[CHECKPOINT] = data

    def sweep(self) -> list[str]:
        full = (path.partition(".p/")[0] for path in self.files if ".p/" in path)
        return sorted({path for path in full if path in self.files})

    def remove_partials(self, path: str) -> None:
        if path not in self.files:
            raise NotFound(path)
        for partial in [held for held in self.files if held.startswith(f"{path}.p/")]:
            del self.files[partial]

    def paths(self) -> Iterator[str]:
        yield from sorted(self.files)


class MemoryLastSigned:
    """The last signed note in memory, and `signed`: every note there ever was, in order.

    Every claim succeeds, so that two publishers meet at the compare-and-swap.
    """

    def __init__(self) -> None:
        self.signed: list[bytes] = []
        self._turn = threading.Lock()

    def get(self) -> bytes | None:
        return self.signed[-1] if self.signed else None

    def compare_and_swap(self, old: bytes | None, new: bytes) -> None:
        with self._turn:
            if self.get() != old:
                raise Overtaken("another publisher has signed since")
            self.signed.append(new)

    def claim(self) -> None:
        pass

    def release(self) -> None:
        pass


@dataclass
class Plan:
    """What goes wrong at which call: the n-th of all that share the plan, or all of one name.

    `before`: the call fails, and nothing is stored. `after`: it fails, yet all is stored.
    `half`: of many files, the first half is stored. `flip`: a read gives back a wrong bit.
    """

    faults: dict[int | str, str] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)

    def step(self, name: str, act: Callable[[], T], half: Callable[[], object] | None = None) -> T:
        """Do `act`, and go wrong if it is time to."""
        fault = self.faults.get(len(self.calls)) or self.faults.get(name)
        self.calls.append(name)
        if fault == "before":
            raise Fault(f"{name} failed, nothing stored")
        if fault == "half" and half is not None:
            half()
            raise Fault(f"{name} failed half way")
        result = act()
        if fault in ("after", "half"):
            raise Fault(f"{name} failed, all stored")
        if fault == "flip" and isinstance(result, bytes):
            return flipped(result)  # type: ignore[return-value]
        return result


class FaultyStore:
    """A store that goes wrong by plan."""

    def __init__(self, store: CheckedStore, plan: Plan) -> None:
        self._store = store
        self._plan = plan

    def read(self, path: str) -> bytes:
        return self._plan.step("read", lambda: self._store.read(path))

    def read_many(self, paths: Sequence[str]) -> list[bytes]:
        return [self.read(path) for path in paths]

    def write_many(self, files: Sequence[File]) -> None:
        self._plan.step(
            "write files",
            lambda: self._store.write_many(files),
            lambda: self._store.write_many(files[: len(files) // 2]),
        )

    def write_checkpoint(self, data: bytes) -> None:
        self._plan.step("write checkpoint", lambda: self._store.write_checkpoint(data))

    def sweep(self) -> list[str]:
        return self._plan.step("sweep", self._store.sweep)

    def remove_partials(self, path: str) -> None:
        self._plan.step("remove partials", lambda: self._store.remove_partials(path))

    def put_back(self, path: str, data: bytes) -> None:
        self._plan.step("put back", lambda: self._store.put_back(path, data))

    def paths(self) -> Iterator[str]:
        return self._store.paths()


class FaultyLastSigned:
    """A store of the last signed note that goes wrong by plan."""

    def __init__(self, last_signed: LastSignedStore, plan: Plan) -> None:
        self._last_signed = last_signed
        self._plan = plan

    def get(self) -> bytes | None:
        return self._plan.step("get last signed", self._last_signed.get)

    def compare_and_swap(self, old: bytes | None, new: bytes) -> None:
        self._plan.step("swap", lambda: self._last_signed.compare_and_swap(old, new))

    def claim(self) -> None:
        self._plan.step("claim", self._last_signed.claim)

    def release(self) -> None:
        self._last_signed.release()
