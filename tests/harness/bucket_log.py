"""A log whose sequence is in a database, and whose published files are in a bucket."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from log.bucket import Bucket
from log.s3 import S3Store
from tests.harness import object_servers, postgres
from tests.harness.faulty_objects import FaultyProxy, faulty
from tests.harness.served import Served, api, authority_of


class BucketLog:
    """A log in `served.data`, its `store`, and its bucket, which the server reaches by `proxy`.

    `options` are what every command takes besides the folder.
    """

    def __init__(self, folder: Path, store: str, stack: ExitStack) -> None:
        server = object_servers.any_shared()
        prefix = object_servers.prefix_of(folder)
        self.proxy: FaultyProxy = stack.enter_context(faulty(server.endpoint))
        self.store = store
        self.address = server.address(prefix, endpoint=self.proxy.endpoint)
        self.options = ("--store", store, "--log", self.address)
        self.bucket = stack.enter_context(closing(S3Store(Bucket.parse(server.address(prefix)))))
        self.served = stack.enter_context(closing(Served(folder / "data")))

    def init(self) -> subprocess.CompletedProcess[str]:
        """Make the log."""
        authority = authority_of(self.served.story, self.served.data.parent)
        options = ["--origin", self.served.story.origin, *self.options]
        return api("init", "--data", self.served.data, "--authority", authority, *options)

    def fsck(self, *options: str) -> subprocess.CompletedProcess[str]:
        """Check the log."""
        return api("fsck", "--data", self.served.data, *self.options, *options)


@contextmanager
def unmade(database: str, folder: Path) -> Iterator[BucketLog]:
    """Yield one that is not made yet: tables without entries, and a bucket without files."""
    folder.mkdir(exist_ok=True)
    schema = postgres.schema_of(folder)
    postgres.sql(database, f"CREATE SCHEMA {schema}")
    store = postgres.in_schema(database, schema)
    assert api("migrate", "--store", store).returncode == 0
    with ExitStack() as stack:
        yield BucketLog(folder, store, stack)


@contextmanager
def made(database: str, folder: Path) -> Iterator[BucketLog]:
    """Yield one that is made, and not served yet."""
    with unmade(database, folder) as log:
        done = log.init()
        assert done.returncode == 0, done.stderr
        log.served.vkey = done.stdout.strip()
        yield log
