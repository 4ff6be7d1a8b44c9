"""Does the proxy answer as the API does, with the files of the log straight from the bucket?"""

from __future__ import annotations

from typing import Final

import httpx2

from deploy.cluster.numbers import tiles_served
from deploy.cluster.topology import API, Topology
from testamur.errors import Refuted

# Each is made anew by the server that answers.
_OWN: Final = {"date", "server", "connection", "content-length", "transfer-encoding", "etag"}
_NO_FILES: Final = ("tile/0/999", "tile/0/zzz", "tile/entries/x999/999")
_ASKED: Final = 20


def check_files(topology: Topology, files: list[str]) -> None:
    """Ask for files of the log at the proxy and at an API process; raises `Refuted`.

    `files` are paths that the log has, such as tile/0/000, of which the proxy was asked for none.
    """
    with httpx2.Client(timeout=30) as client:
        for path in files:
            before = _served(topology)
            # A query that S3 would answer with something else, and that a cache must not keep.
            bent = _answer(client, "GET", f"{topology.url}/log/{path}?acl")
            seen = _answer(client, "GET", f"{topology.url}/log/{path}")
            if _served(topology) != before:
                raise Refuted(f"{path} came from an API process and not from the bucket")
            due = _answer(client, "GET", f"{topology.address(API[0])}/log/{path}")
            if _served(topology) != before + 1:
                raise Refuted("the numbers do not show that an API process served a file")
            if (bent.content, seen.content) != (due.content, due.content):
                raise Refuted(f"{path} has other bytes at the proxy than at the API")
            _check_same(path, seen, due)
        for path in _NO_FILES:
            _check_same_problem(client, "GET", topology, path, 404)
        _check_same_problem(client, "POST", topology, files[0], 405)


def check_goes_on(url: str) -> None:
    """Ask the proxy again and again while an API process is gone; raises `Refuted`."""
    for _ in range(_ASKED):
        with httpx2.Client(timeout=30) as client:
            found = _answer(client, "GET", f"{url}/organizations")
        if found.status_code != httpx2.codes.OK:
            raise Refuted(f"the proxy answered {found.status_code}, though an API process is there")


def _served(topology: Topology) -> int:
    return sum(tiles_served(topology.operations(name)) for name in API)


def _answer(client: httpx2.Client, method: str, url: str) -> httpx2.Response:
    return client.request(method, url, headers={"Accept-Encoding": "gzip"})


def _check_same_problem(
    client: httpx2.Client, method: str, topology: Topology, path: str, status: int
) -> None:
    seen, due = (
        _answer(client, method, f"{base}/log/{path}")
        for base in (topology.url, topology.address(API[0]))
    )
    if (seen.status_code, seen.content) != (status, due.content):
        raise Refuted(
            f"{method} {path} is answered by {seen.status_code} at the proxy: {seen.text}"
        )
    _check_same(path, seen, due)


def _check_same(path: str, seen: httpx2.Response, due: httpx2.Response) -> None:
    """Raise `Refuted` unless every header of the API's answer is in the proxy's."""
    for name, value in due.headers.items():
        if name not in _OWN and seen.headers.get(name, "").lower() != value.lower():
            raise Refuted(f"{path}: {name} is {seen.headers.get(name)} at the proxy, not {value}")
    if told := [name for name in seen.headers if "amz" in name or "seaweed" in name]:
        raise Refuted(f"{path}: the proxy tells strangers {', '.join(told)}")
