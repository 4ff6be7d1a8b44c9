"""Pages for people, at the register of `bench.years`: how long one takes, and how many bytes it is.

python -m bench.pages FOLDER --rounds 100

A server is started on the folder and asked by one client, so a time is that of one page. The CPU
of the server is the figure to trust on a busy machine. The client takes gzip, as browsers do:
`kB_on_the_wire` is what it was sent. Plots are counted apart.
"""

from __future__ import annotations

import os
import re
import time
from pathlib import Path
from typing import Annotated, Any, Final

import httpx2
import typer

from bench.figures import cpu_seconds, percentile, report
from bench.server import running
from testamur.tlog.note import SignerKey

_BROWSER: Final = {"Accept": "text/html", "Accept-Encoding": "gzip"}
_NOT_THERE: Final = "/credentials/019aa5f0-5c00-7000-8000-000000000001"
_EXPECTED: Final = {_NOT_THERE: httpx2.codes.NOT_FOUND}
_PICTURES: Final = re.compile(rb"<svg.*?</svg>", re.DOTALL)


def main(
    folder: Annotated[Path, typer.Argument(help="what `bench.years` made")],
    rounds: Annotated[int, typer.Option(help="how often each page is asked for")] = 50,
) -> None:
    """Print for each page its time, its CPU and its bytes; the last line is JSON."""
    key = SignerKey.parse((folder / "key").read_text().strip()).verifier
    found: dict[str, Any] = {"load": os.getloadavg()[0]}
    with running(folder, key) as served, httpx2.Client(base_url=served.url, timeout=60) as client:
        for name, address in _pages(client).items():
            found[name] = measured = _measured(client, served.pid, address, rounds)
            print(f"{name:24} {measured}", flush=True)
    report("pages", found)


def _pages(client: httpx2.Client) -> dict[str, str]:
    """Return the address of a page of each kind, by its name."""

    def first(address: str) -> dict[str, Any]:
        items: list[dict[str, Any]] = client.get(address).json()["items"]
        return items[0]

    provider, accreditor, authority = (
        first(f"/organizations?role={role}&limit=1")["links"]["self"]
        for role in ("provider", "accreditor", "authority")
    )
    four = client.get("/achievements?limit=4").json()["items"]
    achievement = four[0]["links"]["self"]
    credential = first("/credentials?limit=1")["links"]["self"]
    return {
        "front": "/",
        "organizations": "/organizations",
        "organizations, searched": "/organizations?name=exemple",
        "provider of 100,000": provider,
        "its numbers": f"{provider}/numbers",
        "accreditor": accreditor,
        "its providers": f"{accreditor}/providers",
        "authority": authority,
        "its tree": f"{authority}/recognised",
        "achievements": "/achievements",
        "achievements, searched": "/achievements?skill=soil",
        "achievement": achievement,
        "four side by side": "/achievements/compare?"
        + "&".join(f"id={each['id']}" for each in four),
        "credentials": "/credentials",
        "a thousand flagged": "/credentials?flagged=true&limit=1000",
        "credential": credential,
        "its history": f"{credential}/history",
        "submissions": "/submissions",
        "a thousand submissions": "/submissions?limit=1000",
        "a submission": first("/submissions?after=100&limit=1")["links"]["self"],
        "the same, then": first("/submissions?after=100&limit=1")["links"]["self"] + "?size=500000",
        "the log": "/log",
        "an entry, proven": "/entries/500000",
        "consistency, proven": "/consistency?earlier=500000",
        "not found": _NOT_THERE,
        "rules": "/problems",
        "reference": "/docs",
    }


def _measured(client: httpx2.Client, pid: int, address: str, rounds: int) -> dict[str, float]:
    first = client.get(address, headers=_BROWSER)  # which compiles its template
    if first.status_code != _EXPECTED.get(address, httpx2.codes.OK):
        raise SystemExit(f"{address} was answered with {first.status_code}")
    body = first.content
    before, times = cpu_seconds(pid), []
    for _ in range(rounds):
        begun = time.perf_counter()
        client.get(address, headers=_BROWSER)
        times.append(1000 * (time.perf_counter() - begun))
    cpu = cpu_seconds(pid) - before
    return {
        "p50_ms": round(percentile(times, 0.5), 1),
        "p99_ms": round(percentile(times, 0.99), 1),
        "cpu_ms": round(1000 * cpu / rounds, 1),
        "kB": round(len(body) / 1000, 1),
        "kB_on_the_wire": round(first.num_bytes_downloaded / 1000, 1),
        "kB_without_pictures": round(len(_PICTURES.sub(b"", body)) / 1000, 1),
    }


if __name__ == "__main__":
    typer.run(main)
