"""nginx for real, with a configuration of the project on a free port of the loopback."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from tests.harness.waiting import until

PROGRAM: Final = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
needs_nginx: Final = pytest.mark.skipif(PROGRAM is None, reason="nginx is not installed")

_AROUND: Final = """
pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
    access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
{block}
}}
"""


def free_port() -> int:
    """Return a port of the loopback that was free."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def around(block: str, folder: Path) -> str:
    """Return a whole configuration that has `block` within `http`, with its files in `folder`."""
    return _AROUND.format(folder=folder, block=block)


@contextmanager
def nginx(text: str, folder: Path, port: int) -> Iterator[None]:
    """Run nginx with this configuration until it is left, once it listens on `port`."""
    (folder / "nginx.conf").write_text(text, encoding="utf-8")
    process = subprocess.Popen(
        [
            *(str(PROGRAM), "-p", str(folder), "-c", str(folder / "nginx.conf")),
            *("-g", "daemon off; master_process off;"),
        ],
        stderr=subprocess.PIPE,
    )

    def listens() -> bool:
        assert process.poll() is None, process.stderr and process.stderr.read()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    try:
        until(listens, 60)
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
