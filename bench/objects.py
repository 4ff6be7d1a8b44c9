"""The files of a log in a bucket, beside a folder: writing, reading, and publishing to each.

python -m bench.objects --events 200000

The servers are private ones on the same machine, as the tests start them. What is published is in
memory, so this is the store and the publisher alone.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from bench.figures import report
from log.bucket import Bucket
from log.directory import DirectoryStore
from log.publisher import Publisher
from log.s3 import S3Store
from log.sqlite import SqliteLastSigned
from log.store import Store
from testamur.tlog.merkle import leaf_hashes
from testamur.tlog.note import SignerKey
from testamur.tlog.tiles import bundle_path, tile_path
from tests.harness import object_servers

_ENTRY = 490  # bytes
_BATCH = 64  # files of one write: what 8,192 entries make


class _Source:
    """Entries that differ, made as they are read."""

    def __init__(self, count: int) -> None:
        self._count = count

    def committed(self) -> int:
        return self._count

    def read(self, start: int, limit: int) -> tuple[list[bytes], list[bytes]]:
        end = min(self._count, start + limit)
        entries = [b"%0*d" % (_ENTRY, number) for number in range(start, end)]
        return entries, leaf_hashes(entries)


def main(
    events: Annotated[int, typer.Option(help="entries to publish")] = 200_000,
    files: Annotated[int, typer.Option(help="tiles, and bundles, to write and read")] = 512,
    server: Annotated[str, typer.Option(help="seaweedfs or versity")] = "seaweedfs",
) -> None:
    """Print files a second and entries a second, for the folder and for the bucket."""
    figures: dict[str, Any] = {"server": server, "events": events}
    with tempfile.TemporaryDirectory(prefix="testamur-bench-") as name:
        root = Path(name)
        for kind, opened in (("folder", _folder), ("bucket", lambda at: _bucket(server, at))):
            with opened(root / kind) as store:
                figures |= {f"{kind}_{key}": value for key, value in _rates(store, files).items()}
            with opened(root / f"{kind}-log") as store:
                figures[f"{kind}_entries_per_second"] = _published(store, root / kind, events)
    report("objects", figures)


@contextmanager
def _folder(root: Path) -> Iterator[Store]:
    yield DirectoryStore(root)


@contextmanager
def _bucket(server: str, root: Path) -> Iterator[Store]:
    address = object_servers.shared(server).address(object_servers.prefix_of(root))
    with closing(S3Store(Bucket.parse(address))) as store:
        store.write_many([("tile/63/000", b"")])  # the first one makes the volumes of a bucket
        yield store


def _rates(store: Store, count: int) -> dict[str, float]:
    tiles = [(tile_path(0, index), bytes(8192)) for index in range(count)]
    bundles = [(bundle_path(index), bytes(256 * (_ENTRY + 2))) for index in range(count)]

    def writes(files: list[tuple[str, bytes]]) -> Callable[[], object]:
        batches = [files[at : at + _BATCH] for at in range(0, count, _BATCH)]

        def written() -> None:
            for batch in batches:
                store.write_many(batch)

        return written

    return {
        "tile_puts": count / _seconds(writes(tiles)),
        "bundle_puts": count / _seconds(writes(bundles)),
        "tile_gets": count / _seconds(lambda: store.read_many([path for path, _ in tiles])),
        "tile_gets_one_by_one": count / _seconds(lambda: [store.read(path) for path, _ in tiles]),
    }


def _published(store: Store, root: Path, events: int) -> float:
    root.mkdir(exist_ok=True)
    key = SignerKey.from_seed("log.example/bench", bytes(32))
    with closing(SqliteLastSigned(root / "last-signed.db")) as last_signed:
        publisher = Publisher(_Source(events), store, last_signed, key, published=lambda *_: None)
        publisher.resume()
        return events / _seconds(publisher.publish_once)


def _seconds(act: Callable[[], object]) -> float:
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun


if __name__ == "__main__":
    typer.run(main)
