"""Does every series in the alerts and on the dashboard exist, as these processes show them?"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

import httpx2

from deploy.cluster.configuration import PROJECT
from deploy.cluster.part import wait_for
from deploy.cluster.topology import SECONDS, SERVERS, Topology
from testamur.errors import Refuted

_OPERATIONS: Final = PROJECT / "api/operations"
_NAME: Final = re.compile(r"\b(?:testamur|process)_[a-z_]+\b")
_SAMPLE: Final = re.compile(r"^([a-z_]+)[{ ]", re.MULTILINE)
# A route template has braces itself.
_TILES: Final = re.compile(
    r'^testamur_http_requests_total\{.*route="/log/tile/.*\} ([0-9.e+]+)$', re.MULTILINE
)


def check_expressions(topology: Topology) -> str:
    """Return one line about what was found; raises `Refuted` naming what no process shows."""
    expressions = list(_expressions())
    used = {name for expression in expressions for name in _NAME.findall(expression)}
    shown = set[str]()
    for name in SERVERS:
        shown |= set(_SAMPLE.findall(metrics(topology.operations(name))))
    if missing := used - shown:
        raise Refuted(f"no process shows {', '.join(sorted(missing))}")
    found = f"All {len(used)} series of alerts and dashboard are on /metrics"
    if "prometheus" not in topology.parts:
        return f"{found}; there is no Prometheus on this machine to ask"
    _check_in_prometheus(topology.address("prometheus"), expressions, used)
    return f"{found}, and in Prometheus, which scrapes all {len(SERVERS)} processes"


def tiles_served(url: str) -> int:
    """Return how many files of the log a process served, by its port for operators."""
    return sum(int(float(count)) for count in _TILES.findall(metrics(url)))


def metrics(url: str) -> str:
    """Return what the port for operators at `url` shows."""
    return httpx2.get(f"{url}/metrics", timeout=30).raise_for_status().text


def _check_in_prometheus(url: str, expressions: list[str], used: set[str]) -> None:
    def all_up() -> bool:
        return len(_query(url, 'up{job="testamur"} == 1')) == len(SERVERS)

    wait_for("scraping every process", all_up, SECONDS)
    names = httpx2.get(f"{url}/api/v1/label/__name__/values", timeout=30).json()["data"]
    if missing := used - set(names):
        raise Refuted(f"Prometheus did not find {', '.join(sorted(missing))}")
    for expression in expressions:
        _query(url, expression.replace("$__rate_interval", "1m"))


def _query(url: str, expression: str) -> list[Any]:
    answer = httpx2.get(f"{url}/api/v1/query", params={"query": expression}, timeout=30).json()
    if answer["status"] != "success":
        raise Refuted(f"Prometheus cannot evaluate {expression}: {answer['error']}")
    found: list[Any] = answer["data"]["result"]
    return found


def _expressions() -> Iterator[str]:
    """Yield the expressions of the alert rules and of the dashboard."""
    yield from re.findall(
        r"expr: (?:>-\n\s+)?(.+)", (_OPERATIONS / "alerts.yml").read_text("utf-8")
    )
    for panel in json.loads((_OPERATIONS / "dashboard.json").read_text("utf-8"))["panels"]:
        yield from (target["expr"] for target in panel.get("targets", ()))
