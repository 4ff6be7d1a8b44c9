"""`make cluster`: what it needs is named, and what it started is gone afterwards.

That nothing is lost when its parts are killed, `make cluster ONCE=1` shows, which CI runs.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest

from deploy.cluster import numbers, programs
from deploy.cluster.configuration import configured
from deploy.cluster.part import Part, _runs
from deploy.cluster.ports import free_ports
from deploy.cluster.programs import find_programs
from testamur.errors import Unavailable
from tests.harness.served import PROJECT


def test_each_program_that_is_missing_is_named_with_its_remedy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("TESTAMUR_POSTGRES_BIN", raising=False)
    monkeypatch.setattr(programs, "_DEBIAN", tmp_path)
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(Unavailable) as found:
        find_programs()
    assert str(found.value) == (
        "programs are missing on this machine: apt-get install --no-install-recommends postgresql "
        "nginx-light; pip install -r requirements-dev.txt (SeaweedFS)"
    )


def test_a_configuration_that_does_not_say_what_is_to_be_replaced_is_refused(
    tmp_path: Path,
) -> None:
    (tmp_path / "file").write_text("server api-1:8000;")
    assert configured(tmp_path / "file", {"api-1:8000": "127.0.0.1:1"}) == "server 127.0.0.1:1;"
    with pytest.raises(ValueError, match="does not mention api-2:8000"):
        configured(tmp_path / "file", {"api-2:8000": "127.0.0.1:1"})


def test_no_client_can_be_given_the_port_of_a_part_that_is_down() -> None:
    first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    ports = free_ports(30)
    assert len(set(ports)) == 30
    assert max(ports) < max(first, 17_000)


def test_a_label_with_braces_is_read_as_a_number() -> None:
    text = (
        'testamur_http_requests_total{method="GET",route="/log/tile/{level}/{index}",status="200"}'
        " 41.0\n"
        'testamur_http_requests_total{method="GET",route="/credentials/{credential}",status="200"}'
        " 7.0\n"
        'testamur_http_requests_total{method="GET",route="/log/tile/entries/{index}",status="404"}'
        " 1.0\n"
    )
    assert numbers._TILES.findall(text) == ["41.0", "1.0"]
    assert numbers._SAMPLE.findall(text) == ["testamur_http_requests_total"] * 3


def test_a_part_that_ends_by_itself_is_named_with_its_last_words(tmp_path: Path) -> None:
    part = Part("it", ["sh", "-c", "echo no disk; exit 3"], tmp_path / "out", lambda: False)
    part.start()
    with pytest.raises(Unavailable, match=r"it ended by itself; it said last: no disk"):
        part.wait(30)
    assert part.ended


def test_a_part_is_killed_with_its_children_and_inherits_no_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TESTAMUR_STORE", "postgresql://another@log/database")
    script = 'sleep 600 & echo $! $$ "[$TESTAMUR_STORE]"; wait'
    output = tmp_path / "out"
    part = Part("it", ["sh", "-c", script], output, lambda: bool(output.read_text()))
    part.start()
    part.wait(30)
    child, _, store = output.read_text().split()
    assert store == "[]"
    assert _runs(int(child))
    part.kill()
    assert not _runs(int(child))


@pytest.mark.server
@pytest.mark.postgres
@pytest.mark.objects
def test_a_cluster_that_is_told_to_end_leaves_nothing() -> None:
    # Not a folder of pytest's: PostgreSQL's own user could not enter it.
    with tempfile.TemporaryDirectory(prefix="testamur-told-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        process = subprocess.Popen(
            [sys.executable, "-m", "deploy.cluster"],
            cwd=PROJECT,
            env={**os.environ, "TMPDIR": name, "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert process.stdout is not None
            with process.stdout as said:
                while "The tables" not in (line := said.readline()):
                    assert line, "it ended"
                process.send_signal(signal.SIGTERM)
                said.read()
            assert process.wait(60) == 128 + signal.SIGTERM
        finally:
            process.kill()
            process.wait()
        assert list(folder.iterdir()) == []
        assert started_in(folder) == []


def started_in(folder: Path) -> list[str]:
    """Return the commands of processes that name a folder."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if os.fsencode(folder) in (command := file.read_bytes()):
                found.append(command.decode())
    return found
