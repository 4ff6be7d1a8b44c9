"""Go's own checksum database code opens our logs, and makes the very proofs we make.

Needs `go` and the module golang.org/x/mod, from a module proxy or the module cache; skipped else.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from random import Random

import pytest

from testamur.tlog.checkpoint import Checkpoint, sign_checkpoint
from testamur.tlog.merkle import leaf_hashes, prove_consistency, prove_inclusion
from testamur.tlog.note import SignerKey
from testamur.tlog.tiles import WIDTH, RightEdge, TileHashes, new_bundles, new_tiles

PROGRAM = Path(__file__).parent / "go_interop"
LOG = SignerKey.from_seed("log.example/interop", b"i" * 32)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("go") is None, reason="go is not on the path"),
]


@pytest.fixture(scope="module", name="interop")
def interop_(tmp_path_factory: pytest.TempPathFactory) -> Path:
    fetched = subprocess.run(
        ["go", "mod", "download"],
        cwd=PROGRAM,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if fetched.returncode:
        pytest.skip(f"Go modules cannot be had here: {fetched.stderr.strip()[-200:]}")
    binary = tmp_path_factory.mktemp("go") / "interop"
    subprocess.run(
        ["go", "build", "-trimpath", "-o", binary, "."], cwd=PROGRAM, check=True, timeout=300
    )
    return binary


def write(folder: Path, path: str, content: bytes) -> None:
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)


def grow(folder: Path, batches: list[list[bytes]]) -> dict[int, bytes]:
    """Write a log, one batch after another; return the root it had at every size."""
    edge, partial = RightEdge.empty(), b""
    roots = {0: edge.root()}
    for batch in batches:
        bundles = new_bundles(edge.size, partial, batch)
        edge, tiles = new_tiles(edge, leaf_hashes(batch))
        for path, content in bundles + tiles:
            write(folder, path, content)
        partial = bundles[-1][1] if edge.size % WIDTH else b""
        roots[edge.size] = edge.root()
    checkpoint = Checkpoint(LOG.name, edge.size, edge.root())
    write(folder, "checkpoint", sign_checkpoint(checkpoint, LOG))
    return roots


def state_proofs(folder: Path, roots: dict[int, bytes], every: int = 1) -> None:
    """Write the two lists of proofs that the program checks."""
    size = max(roots)
    reader = TileHashes(size, lambda path: (folder / path).read_bytes())
    inclusion = [(index, prove_inclusion(index, size, reader)) for index in range(0, size, every)]
    consistency = [
        (old, [root, *prove_consistency(old, size, reader)])
        for old, root in roots.items()
        if 0 < old < size
    ]
    for name, proofs in (("inclusion.txt", inclusion), ("consistency.txt", consistency)):
        lines = [f"{at} {' '.join(digest.hex() for digest in path)}\n" for at, path in proofs]
        (folder / name).write_text("".join(lines))


def judged(interop: Path, folder: Path, key: str = str(LOG.verifier)) -> str:
    run = subprocess.run(
        [interop, folder, key], capture_output=True, text=True, timeout=300, check=False
    )
    return run.stdout + run.stderr


def batches(random: Random, size: int, largest: int) -> list[list[bytes]]:
    entries = [random.randbytes(random.randrange(120)) for _ in range(size)]
    made = []
    while entries:
        cut = random.randint(1, largest)
        made.append(entries[:cut])
        entries = entries[cut:]
    return made


@pytest.mark.parametrize(("size", "largest"), [(1, 1), (255, 40), (256, 300), (777, 90)])
def test_go_makes_and_takes_every_proof(
    interop: Path, tmp_path: Path, size: int, largest: int
) -> None:
    roots = grow(tmp_path, batches(Random(size), size, largest))
    state_proofs(tmp_path, roots)
    verdict = judged(interop, tmp_path)
    assert verdict.endswith("OK\n")
    assert f"inclusion.txt {size}\n" in verdict
    assert f"consistency.txt {len(roots) - 2}\n" in verdict  # all but the empty and the last


def test_go_takes_the_proofs_of_a_log_with_three_levels_of_tiles(
    interop: Path, tmp_path: Path
) -> None:
    roots = grow(tmp_path, batches(Random(3), 66_000, 9_000))
    state_proofs(tmp_path, roots, every=501)
    assert judged(interop, tmp_path).endswith("OK\n")


def test_go_refuses_what_we_refuse(interop: Path, tmp_path: Path) -> None:
    """The program would not say OK to a log that is damaged, so its OK above means something."""
    roots = grow(tmp_path, batches(Random(7), 300, 300))
    state_proofs(tmp_path, roots)
    assert judged(interop, tmp_path).endswith("OK\n")

    stranger = SignerKey.generate(LOG.name).verifier
    assert "no verifiable signatures" in judged(interop, tmp_path, str(stranger))

    proofs = (tmp_path / "inclusion.txt").read_text()
    (tmp_path / "inclusion.txt").write_text(proofs.replace("a", "b"))
    assert "OK" not in judged(interop, tmp_path)
    (tmp_path / "inclusion.txt").write_text(proofs)

    tile = tmp_path / "tile/0/000"
    hashes = tile.read_bytes()
    tile.write_bytes(hashes[32:] + hashes[:32])
    assert "OK" not in judged(interop, tmp_path)


def test_go_reads_on_while_a_log_changes_its_key(interop: Path, tmp_path: Path) -> None:
    """Who knows either of two keys is served: Go ignores a line by a key that it does not know."""
    new = SignerKey.from_seed(LOG.name, b"n" * 32)
    roots = grow(tmp_path, batches(Random(5), 300, 300))
    state_proofs(tmp_path, roots)
    text = Checkpoint(LOG.name, 300, roots[300]).render()
    write(tmp_path, "checkpoint", text + b"\n" + LOG.sign(text) + new.sign(text))
    for key in (LOG.verifier, new.verifier):
        assert judged(interop, tmp_path, str(key)).endswith("OK\n")
    write(tmp_path, "checkpoint", text + b"\n" + new.sign(text))
    assert judged(interop, tmp_path, str(new.verifier)).endswith("OK\n")
    assert "no verifiable signatures" in judged(interop, tmp_path, str(LOG.verifier))
