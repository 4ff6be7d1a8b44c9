"""docs/deployment.md: its numbers are those of the code, its proxy is one that works."""

from __future__ import annotations

import datetime as dt
import importlib
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from typer.main import get_command

from api.__main__ import commands
from api.http.rate_limits import BURST_SECONDS, MAX_KEYS
from api.operations.records import MOST
from tests.harness.nginx import around, free_port, needs_nginx, nginx
from tests.harness.served import PROJECT, Served

PAGE = (PROJECT / "docs/deployment.md").read_text()
ROWS = re.findall(r"^\| (.+?) \| ([0-9,]+(?: \w+)?) \|.*\| `([\w.]+)` \|$", PAGE, re.MULTILINE)
UNITS = {"": 1, "s": 1, "KiB": 1024, "MiB": 1024 * 1024}


def value_of(name: str) -> Any:
    """Return the constant with this dotted name, or the default of a class's member."""
    module, _, attribute = name.rpartition(".")
    with suppress(ImportError):
        return getattr(importlib.import_module(module), attribute)
    module, _, owner = module.rpartition(".")
    return getattr(getattr(importlib.import_module(module), owner)(), attribute)


@pytest.mark.parametrize(("what", "stated", "name"), ROWS, ids=[row[0] for row in ROWS])
def test_each_number_is_that_of_the_code(what: str, stated: str, name: str) -> None:
    number, _, unit = stated.partition(" ")
    assert int(number.replace(",", "")) * UNITS[unit] == value_of(name), what


def test_no_row_is_overlooked() -> None:
    assert len(ROWS) == len(
        re.findall(r"\| `(?:api|registry|testamur)\.[\w.]+` \|$", PAGE, re.MULTILINE)
    )
    assert len(ROWS) > 20
    assert f"in {BURST_SECONDS:.0f} s" in PAGE
    assert f"{MAX_KEYS:,} of them" in PAGE
    assert f"beyond {MOST:,}" in PAGE


def test_each_option_is_one_of_the_command() -> None:
    serve: Any = get_command(commands).commands["serve"]  # type: ignore[attr-defined]
    known = {option for parameter in serve.params for option in parameter.opts}
    assert set(re.findall(r"--[a-z]+(?:-[a-z]+)*", PAGE)) <= known


# --- The proxy, for real ---


def certificate(folder: Path) -> None:
    """Write a certificate for localhost, signed by itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "log.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "log.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


@contextmanager
def proxied(served: Served, folder: Path) -> Iterator[httpx2.Client]:
    """Yield a client of the proxy that the page shows, before a running server."""
    certificate(folder)
    port = free_port()
    (block,) = re.findall(r"```nginx\n(.*?)```", PAGE, re.DOTALL)
    for old, new in {
        "listen 443": f"listen 127.0.0.1:{port}",
        "127.0.0.1:8000": served.url.removeprefix("http://"),
        "/etc/ssl/log.example.pem": f"{folder}/log.pem",
        "/etc/ssl/log.example.key": f"{folder}/log.key",
        "/etc/testamur/": f"{PROJECT}/deploy/",
        "/srv/testamur/log/": f"{served.data}/log/",
    }.items():
        assert old in block
        block = block.replace(old, new)
    context = ssl.create_default_context(cafile=str(folder / "log.pem"))
    with (
        nginx(around(block, folder), folder, port),
        httpx2.Client(base_url=f"https://localhost:{port}", verify=context) as client,
    ):
        yield client


@pytest.mark.server
@needs_nginx
def test_the_proxy_of_the_page_serves_the_log_and_hands_on_the_rest(
    served: Served, tmp_path: Path
) -> None:
    served.submit(served.story.cohort(300))
    with proxied(served, tmp_path) as client:
        receipt = client.post(
            "/submissions",
            content=served.story.cohort(2),
            headers={"Content-Type": "application/vnd.testamur.submission"},
        )
        assert receipt.status_code == 201, receipt.text
        for path in ("/log/tile/0/000", "/log/tile/entries/000"):
            ours, theirs = served.get(path), client.get(path)
            assert ours.content == theirs.content
            for name in ("cache-control", "content-type", "access-control-allow-origin"):
                assert ours.headers[name] == theirs.headers[name]
            assert "server" in theirs.headers, "it did not ask the registry"
        assert client.get("/log/tile/0/999").status_code == 404
        assert client.get("/log/tile/../../key").status_code in (400, 404)
        assert client.get("/log/tile/..%2f..%2fkey").status_code in (400, 404)
        assert client.get("/log/checkpoint").content.startswith(served.story.origin.encode())
        assert client.get("/metrics").status_code == 404
        large = client.post("/submissions", content=b"x" * (65 * 1024 * 1024))
        assert large.status_code == 413
        with client.stream("GET", "/stream?start=0") as stream:
            assert next(stream.iter_lines()) == "retry: 2000"
