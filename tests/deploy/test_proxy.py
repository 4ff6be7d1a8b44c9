"""What the proxies hand to the API and to strangers: that of nginx.conf, and that of the page."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx2
import pytest

from deploy.cluster.configuration import DEPLOY, PROJECT, configured
from tests.harness.nginx import around, free_port, needs_nginx, nginx

pytestmark = [pytest.mark.server, needs_nginx]

STRANGER = "127.0.0.2"  # the loopback, but not the address that the proxy allows
CLAIMS = {
    "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "tracestate": "rojo=00f067aa0ba902b7",
    "x-forwarded-for": "203.0.113.9",
    "cookie": "secret",
    "authorization": "Bearer secret",
}


@dataclass(slots=True)
class Upstream:
    """A server that answers every GET alike, and remembers with which headers it was asked."""

    status: int
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    @contextmanager
    def listening(self) -> Iterator[str]:
        upstream = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                headers = {name.lower(): value for name, value in self.headers.items()}
                upstream.asked.append((self.path, headers))
                self.send_response(upstream.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            server.daemon_threads = True
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            yield f"127.0.0.1:{server.server_port}"
            server.shutdown()
            thread.join()


@dataclass(slots=True)
class Proxy:
    url: str
    api: Upstream
    bucket: Upstream

    def get(self, path: str, address: str) -> httpx2.Response:
        """Ask for a path from this address, with claims that no stranger may make."""
        transport = httpx2.HTTPTransport(local_address=address)
        with httpx2.Client(transport=transport, timeout=60) as client:
            return client.get(self.url + path, headers=CLAIMS)


def composed(port: int, api: str, bucket: str, folder: Path) -> str:
    """Return nginx.conf of the containers."""
    (folder / "api.conf").symlink_to(DEPLOY / "api.conf")
    places = {"api-1:8000": api, "api-2:8000": api, "objects:8333": bucket}
    listening = {"0.0.0.0:8080": f"127.0.0.1:{port}", "/tmp/": f"{folder}/"}  # noqa: S108
    return configured(DEPLOY / "nginx.conf", places | listening)


def documented(port: int, api: str, _: str, folder: Path) -> str:
    """Return the example of docs/deployment.md, without TLS."""
    page = (PROJECT / "docs/deployment.md").read_text("utf-8")
    (block,) = re.findall(r"```nginx\n(.*?)```", page, re.DOTALL)
    block = re.sub(r" *ssl_.*\n", "", block).replace("listen 443 ssl", f"listen 127.0.0.1:{port}")
    block = block.replace("127.0.0.1:8000", api).replace("/etc/testamur", str(DEPLOY))
    return around(block, folder)


@pytest.fixture(scope="module", params=[composed, documented])
def proxy(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Proxy]:
    folder, port = tmp_path_factory.mktemp("proxy"), free_port()
    folder.chmod(0o755)
    api, bucket = Upstream(200), Upstream(404)
    with (
        api.listening() as at_api,
        bucket.listening() as at_bucket,
        nginx(request.param(port, at_api, at_bucket, folder), folder, port),
    ):
        yield Proxy(f"http://127.0.0.1:{port}", api, bucket)


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_only_the_own_machine_of_the_proxy_may_ask_whether_the_registry_is_ready(
    proxy: Proxy, path: str
) -> None:
    before = len(proxy.api.asked)
    assert proxy.get(path, STRANGER).status_code == 403
    assert proxy.get(f"{path}?x", STRANGER).status_code == 403
    assert proxy.get(f"/.{path}", STRANGER).status_code == 403
    assert len(proxy.api.asked) == before
    assert proxy.get(path, "127.0.0.1").status_code == 200
    assert len(proxy.api.asked) == before + 1


@pytest.mark.parametrize(
    "path", ["/", "/stream", "/submissions/x/y", "/healthz", "/log/checkpoint", "/log/tile/0/000"]
)
def test_the_api_believes_nothing_that_a_stranger_says_of_address_and_trace(
    proxy: Proxy, path: str
) -> None:
    before = len(proxy.api.asked)
    address = "127.0.0.1" if path == "/healthz" else STRANGER
    answer = proxy.get(path, address)
    if answer.headers["server"].startswith("nginx") and answer.status_code == 404:
        assert path.startswith("/log/tile/")  # it serves the files of the log itself
        return
    assert answer.status_code == 200
    ((asked, headers),) = proxy.api.asked[before:]
    assert asked == path
    assert headers["x-forwarded-for"] == address
    assert not {"traceparent", "tracestate"} & headers.keys()
    assert headers["host"] == "127.0.0.1"


def test_the_bucket_is_told_nothing_of_a_client(proxy: Proxy) -> None:
    proxy.get("/log/tile/0/001?acl", STRANGER)
    for path, headers in proxy.bucket.asked:
        assert path.startswith("/testamur/log/tile/")
        assert "?" not in path
        assert headers.keys() == {"host"}
