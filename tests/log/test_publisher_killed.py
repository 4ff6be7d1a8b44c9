"""A real publisher that is killed again and again publishes one log."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from log.directory import DirectoryStore
from log.fsck import fsck
from log.sqlite import SqliteLastSigned
from tests.harness.checked_log import (
    KEY,
)
from tests.harness.simulators import (
    GrowingSource,
)

PROCESS = """
import sys
from pathlib import Path
from log.sqlite import SqliteLastSigned
from log.publisher import Publisher
from log.directory import DirectoryStore
from testamur.tlog.note import SignerKey
from tests.harness.simulators import GrowingSource

root, key = Path(sys.argv[1]), SignerKey.parse(sys.argv[2])
source = GrowingSource(root / "length", step=int(sys.argv[3]), most=int(sys.argv[4]))
publisher = Publisher(
    source, DirectoryStore(root / "log"), SqliteLastSigned(root / "last-signed.db"), key,
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
        last_signed = SqliteLastSigned(tmp_path / "last-signed.db")
        found = fsck(store, KEY.verifier, source, last_signed)
        last_signed.close()
        assert found.damage == []
    assert sizes == sorted(sizes)
    assert sizes[-1] == found.size == most
    assert not list(store.root.rglob(".tmp-*"))
