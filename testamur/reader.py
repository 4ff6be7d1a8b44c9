"""Reading a published log, from a folder or over HTTP, and believing only what it proves.

`LogReader` returns checkpoints that the log's key signed, and entries that belong to the tree
such a checkpoint names. It does not show that everybody was given the same checkpoint
(`policy.py` asks witnesses), nor that the entries obey the rules (`replay.py` does).
"""

from __future__ import annotations

import os
import re
import stat
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import httpx2

from testamur.body import ACCEPT, TooLarge, read_body
from testamur.checkpoint import Checkpoint, open_checkpoint
from testamur.errors import Refuted, Unavailable
from testamur.merkle import (
    CompactRange,
    InvalidProof,
    leaf_hash,
    leaf_hashes,
    prove_consistency,
    prove_inclusion,
    verify_consistency,
    verify_inclusion,
)
from testamur.note import VerifierKey
from testamur.tiles import (
    MAX_ENTRY,
    WIDTH,
    MalformedTile,
    TileHashes,
    bundle_path,
    decode_bundle,
    parse_path,
)

# The largest thing a log may serve: a bundle of 256 entries of 65,535 bytes.
MAX_RESOURCE: Final = WIDTH * (MAX_ENTRY + 2)
# Bundles that are read before they are proven together.
STRETCH: Final = 16
# Requests in flight at once; a tile server is a static file server, so few are enough.
_AHEAD: Final = 8
_HOPS: Final = 6
_NONBLOCK: Final = getattr(os, "O_NONBLOCK", 0)


class NotFound(Unavailable):
    """The log serves nothing at this path."""


class Source(Protocol):
    """Where a log's files come from.

    `fetch` must return the file's bytes whole, or raise `Unavailable` (`NotFound` if there is
    no such file). It need not be trusted, and may be called from several threads.
    """

    def fetch(self, path: str) -> bytes:
        """Return the bytes at a tlog-tiles path, such as `tile/0/000`."""
        ...


class DirectorySource:
    """A log in a folder."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def fetch(self, path: str) -> bytes:
        """Return the file at `path` under the folder."""
        _check_path(path)
        file = self._root / path
        try:
            # Else whoever opens a FIFO waits for its writer, and a device never ends.
            with open(file, "rb", buffering=0, opener=_at_once) as stream:
                found = os.fstat(stream.fileno())
                if not stat.S_ISREG(found.st_mode):
                    raise NotFound(f"{file} is no regular file")
                _check_bound(found.st_size, str(file))
                data = stream.readall()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            raise NotFound(f"{file} does not exist") from None
        except OSError as error:
            raise Unavailable(f"{file} cannot be read: {error.strerror}") from error
        return data

    def __str__(self) -> str:
        return str(self._root)


class HttpSource:
    """A log behind a URL; `base` is the address under which `checkpoint` and `tile/` lie."""

    def __init__(self, base: str, client: httpx2.Client | None = None) -> None:
        self._base = base.rstrip("/") + "/"
        self._client = client or httpx2.Client(timeout=30)

    def fetch(self, path: str) -> bytes:
        """Return the body at `path`, decoded and bounded, trying a failing connection thrice."""
        url = self._base + path
        for attempt in range(3):
            try:
                return self._get(url)
            except httpx2.TransportError as error:
                if attempt == 2:
                    raise Unavailable(f"{url} cannot be reached: {error}") from error
            # Also of where it is redirected to, of which the name may be none.
            except (httpx2.RequestError, httpx2.InvalidURL, UnicodeError) as error:
                raise Unavailable(f"{url} cannot be read: {error}") from error
        raise AssertionError  # pragma: no cover

    def _get(self, url: str) -> bytes:
        request = self._client.build_request("GET", url, headers=ACCEPT)
        for _ in range(_HOPS):
            # Redirects are followed here, for the client would read their bodies without bound.
            response = self._client.send(request, stream=True, follow_redirects=False)
            try:
                if response.next_request is None:
                    return _body_of(response, url)
                request = response.next_request
            finally:
                response.close()
        raise Unavailable(f"{url} was redirected more than {_HOPS - 1} times")

    def __str__(self) -> str:
        return self._base


def is_url(place: str) -> bool:
    """Return whether `place` is a URL rather than a folder."""
    return re.match("https?://", place) is not None


def open_source(place: str, client: httpx2.Client | None = None) -> Source:
    """Return the source a user means by `place`: a folder, a log's URL or its server's URL.

    A URL is asked through `client`, which stays the caller's to close. Raises `Unavailable` when
    no checkpoint is found there.
    """
    if is_url(place):
        base = place.rstrip("/")
        for candidate in (HttpSource(base, client), HttpSource(base + "/log", client)):
            try:
                candidate.fetch("checkpoint")
            except NotFound:
                continue
            return candidate
        raise Unavailable(f"neither {base}/checkpoint nor {base}/log/checkpoint exists")
    return DirectorySource(_log_folder(Path(place)))


def _log_folder(folder: Path) -> Path:
    try:
        for root in (folder, folder / "log"):
            if (root / "checkpoint").is_file():
                return root
        inside = folder / "server"
        hint = f"; is {inside} meant?" if (inside / "log" / "checkpoint").is_file() else ""
    except OSError as error:
        raise Unavailable(f"{folder} cannot be read: {error.strerror}") from error
    raise Unavailable(f"neither {folder}/checkpoint nor {folder}/log/checkpoint is a file{hint}")


@dataclass(frozen=True, slots=True)
class Stretch:
    """Consecutive entries that a checkpoint vouches for, with their leaf hashes.

    `edge` is the compact range over everything up to their end.
    """

    start: int
    entries: list[bytes]
    leaves: list[bytes]
    edge: CompactRange


class LogReader:
    """Reads one log, whose key is `key`, from `source`."""

    def __init__(self, source: Source, key: VerifierKey) -> None:
        self.key = key
        self._source = source
        self._tiles: TileHashes | None = None

    def checkpoint(self) -> Checkpoint:
        """Return the log's latest checkpoint; raises `Refuted` or `Unavailable`."""
        return open_checkpoint(self.signed_checkpoint(), self.key)[0]

    def signed_checkpoint(self) -> bytes:
        """Return the bytes of the latest checkpoint, unchecked."""
        return self._source.fetch("checkpoint")

    def stretches(
        self, edge: CompactRange, checkpoint: Checkpoint, *, bundles: int = STRETCH
    ) -> Iterator[Stretch]:
        """Yield the entries from `edge.size` to `checkpoint.size`, `bundles` * 256 at a time.

        Each stretch is yielded only once the tree up to its end is proven to be a prefix of the
        checkpoint's tree, so what is folded is what was signed. Raises `Refuted` at the first
        stretch that is not, and `Unavailable`.
        """
        if checkpoint.size < edge.size:
            raise Refuted(
                f"the log shrank: its checkpoint has {checkpoint.size} entries, "
                f"{edge.size} were read before"
            )
        tiles = self._hashes(checkpoint.size)
        try:
            proof = prove_consistency(edge.size, checkpoint.size, tiles)
            verify_consistency(edge.size, checkpoint.size, edge.root(), checkpoint.root, proof)
        except InvalidProof as error:
            raise Refuted(
                f"the log was rewritten: checkpoint {checkpoint.size} does not extend the "
                f"{edge.size} entries that were read before: {error}"
            ) from None
        start = edge.size
        entries: list[bytes] = []
        for index, bundle in self.bundles(start, checkpoint.size):
            entries += bundle
            end = start + len(entries)
            if (index + 1) % bundles and end < checkpoint.size:
                continue
            leaves = leaf_hashes(entries)
            edge = edge.extended(leaves)
            proof = prove_consistency(end, checkpoint.size, tiles) if end else []
            try:
                verify_consistency(end, checkpoint.size, edge.root(), checkpoint.root, proof)
            except InvalidProof as error:
                raise Refuted(
                    f"entries {start} to {end - 1} are not those of checkpoint "
                    f"{checkpoint.size}: {error}"
                ) from None
            yield Stretch(start, entries, leaves, edge)
            start, entries = end, []

    def bundles(
        self, start: int, end: int, *, size: int | None = None
    ) -> Iterator[tuple[int, list[bytes]]]:
        """Yield (bundle index, its entries between `start` and `end`), unverified, in order.

        `size` is that of a published tree, whose last bundle may be partial; `end` unless given.
        """
        published = end if size is None else size

        def entries_of(index: int) -> tuple[int, list[bytes]]:
            first = index * WIDTH
            width = min(WIDTH, published - first)
            found = read_bundle(self._source.fetch, index, width)
            return index, found[max(0, start - first) : end - first]

        return _ahead(
            entries_of,
            iter(range(start // WIDTH, -(-end // WIDTH) if start < end else 0)),
            concurrent=isinstance(self._source, HttpSource),
        )

    def entry(self, index: int, checkpoint: Checkpoint) -> bytes:
        """Return one entry, proven to be at `index` of the checkpoint's tree."""
        if not 0 <= index < checkpoint.size:
            raise NotFound(f"position {index} is not among the {checkpoint.size} entries")
        ((_, (entry,)),) = self.bundles(index, index + 1, size=checkpoint.size)
        path = self.inclusion(index, checkpoint.size)
        verify_inclusion(index, checkpoint.size, leaf_hash(entry), path, checkpoint.root)
        return entry

    def inclusion(self, index: int, size: int) -> list[bytes]:
        """Return the inclusion proof of leaf `index` in the tree of `size`, unverified."""
        return prove_inclusion(index, size, self._hashes(size))

    def leaves(self, start: int, end: int, size: int) -> list[bytes]:
        """Return the leaf hashes from `start` to `end` in the tree of `size`, unverified."""
        return self._hashes(size).read_hashes([(0, index) for index in range(start, end)])

    def _hashes(self, size: int) -> TileHashes:
        self._tiles = (
            TileHashes(size, self._source.fetch) if self._tiles is None else self._tiles.at(size)
        )
        return self._tiles


def read_bundle(fetch: Callable[[str], bytes], index: int, width: int) -> list[bytes]:
    """Return the first `width` entries of a bundle, unverified, as `tiles.read_tile` reads a tile.

    A log may delete a partial bundle once the full one exists (tlog-tiles, "Partial Tiles"), so
    the full one is asked for where the partial one is `NotFound`.
    """
    try:
        return decode_bundle(fetch(bundle_path(index, width)), width)
    except NotFound:
        if width == WIDTH:
            raise
    return decode_bundle(fetch(bundle_path(index)), WIDTH)[:width]


def _at_once(path: str, flags: int) -> int:
    return os.open(path, flags | _NONBLOCK)


def _check_path(path: str) -> None:
    # Nothing else is in a log, and nothing outside of its folder has such a name.
    try:
        if path != "checkpoint":
            parse_path(path)
    except MalformedTile as error:
        raise NotFound(str(error)) from None


def _body_of(response: httpx2.Response, url: str) -> bytes:
    if response.status_code in (404, 410):
        raise NotFound(f"{url} answered {response.status_code}")
    if response.status_code != 200:
        raise Unavailable(f"{url} answered {response.status_code}")
    try:
        return read_body(response, MAX_RESOURCE)
    except TooLarge:
        _check_bound(MAX_RESOURCE + 1, url)
        raise


def _check_bound(length: int, where: str) -> None:
    if length > MAX_RESOURCE:
        raise Refuted(f"{where} is larger than anything a log may serve ({MAX_RESOURCE} bytes)")


def _ahead(
    work: Callable[[int], tuple[int, list[bytes]]], items: Iterator[int], *, concurrent: bool
) -> Iterator[tuple[int, list[bytes]]]:
    """Yield `work(item)` in order; over a network, a few of them at a time."""
    if not concurrent:
        yield from map(work, items)
        return
    with ThreadPoolExecutor(_AHEAD, thread_name_prefix="testamur-fetch") as pool:
        running: deque[Future[tuple[int, list[bytes]]]] = deque()
        try:
            for item in items:
                running.append(pool.submit(work, item))
                if len(running) >= _AHEAD:
                    yield running.popleft().result()
            while running:
                yield running.popleft().result()
        finally:
            for future in running:
                future.cancel()
