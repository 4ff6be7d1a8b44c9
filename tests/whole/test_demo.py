"""The demo destroys no log that is served, and believes no server but its own."""

from __future__ import annotations

import itertools
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx2
import pytest

from tests.harness.served import PROJECT, Served, called, in_background, run_module

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def served(opened_log: Served, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A log that is served where a demo has its own, in a folder that a demo made."""
    folder = tmp_path_factory.mktemp("demo") / "demo"
    folder.mkdir()
    (folder / ".testamur-demo").touch()
    with closing(opened_log.copy(folder / "server")) as log, log.running():
        yield log


def demo(folder: Path, port: int = 0) -> subprocess.CompletedProcess[str]:
    return run_module("demo", "--once", "--data", folder, "--port", str(port))


def test_a_log_that_is_served_is_not_cleared_away(served: Served) -> None:
    folder = served.data.parent
    done = demo(folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"another demo is serving from {folder}; stop it (Ctrl-C)" in done.stderr
    assert served.get("/log/vkey").text.strip() == served.vkey
    assert (served.data / "registry.db").exists()


def test_a_file_is_no_place_for_a_demo(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine\n")
    done = demo(tmp_path / "file")
    assert done.returncode == 2
    assert "file is a file; choose a folder" in done.stderr
    assert "Traceback" not in done.stderr
    assert (tmp_path / "file").read_text() == "mine\n"


def test_another_log_at_the_port_is_not_taken_for_the_demos(served: Served, tmp_path: Path) -> None:
    done = demo(tmp_path / "other", int(served.url.rpartition(":")[2]))
    assert done.returncode == 2
    assert f"another log is served at {served.url}; choose another PORT" in done.stderr


class _Elsewhere(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_error(404)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # as they name it
        pass


@contextmanager
def somebody_else() -> Iterator[int]:
    """Give a port at which something other than a log answers."""
    with HTTPServer(("127.0.0.1", 0), _Elsewhere) as other:
        threading.Thread(target=other.serve_forever).start()
        yield other.server_port
        other.shutdown()


def test_a_port_in_use_is_told_in_the_servers_own_words(tmp_path: Path) -> None:
    with somebody_else() as port:
        done = demo(tmp_path / "demo", port)
    assert done.returncode == 2
    assert "the server did not start" in done.stderr
    assert "in use" in done.stderr


def test_a_demo_in_the_background_can_be_interrupted(tmp_path: Path) -> None:
    """A shell without job control starts it with SIGINT ignored."""
    started = subprocess.Popen(
        in_background(sys.executable, "-m", "demo", "--port", "0", "--data", tmp_path / "demo"),
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with started:
        assert started.stdout is not None
        assert re.search(r"is open at http://127\.0\.0\.1:[0-9]+/,", started.stdout.readline())
        started.send_signal(signal.SIGINT)
        _, told = started.communicate(timeout=60)
    assert started.returncode == 130
    assert "Traceback" not in told


def test_a_demo_leads_to_its_front_page_and_to_a_credential_of_each_kind(tmp_path: Path) -> None:
    started = subprocess.Popen(
        in_background(sys.executable, "-m", "demo", "--port", "0", "--data", tmp_path / "demo"),
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        text=True,
    )
    with started:
        assert started.stdout is not None
        told = itertools.takewhile(lambda line: "in another terminal" not in line, started.stdout)
        front, *credentials = re.findall(r"^  (http\S+)(?: {4}(.+))?$", "".join(told), re.MULTILINE)
        pages = {
            words: httpx2.get(url, headers={"Accept": "text/html"}).text
            for url, words in (front, *credentials)
        }
        started.send_signal(signal.SIGINT)
        assert started.wait(60) == 0
    assert "A register of micro-credentials" in pages[""]
    assert "in force" in pages["valid"] or "active" in pages["valid"]
    assert "revoked" in pages["revoked"]
    assert "outside-accredited-scope" in pages["not covered by an accreditation"]


def test_a_log_is_looked_for_where_a_demo_puts_it(served: Served) -> None:
    done = called("serve", "--data", served.data.parent)
    assert done.returncode == 2
    assert f"{served.data.parent} holds no log; is {served.data} meant?" in done.stderr


def test_a_did_is_told_as_it_is_written(tmp_path: Path) -> None:
    done = called("serve", "--data", tmp_path / "did:key:z6Mk")
    assert "did:key:z6Mk holds no log" in done.stderr
