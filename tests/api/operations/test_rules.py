"""Alert rules and dashboard name series that a server has, and are what their tools read."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.operations import series
from tests.harness.served import PROJECT

OPERATIONS = PROJECT / "api/operations"
ALERTS = OPERATIONS / "alerts.yml"
DASHBOARD = OPERATIONS / "dashboard.json"

SAMPLES = {sample: each for each in series.ALL for sample in each.samples}
_NAME = re.compile(r"\b(?:testamur|process)_[a-z_]+\b")
_MATCHED = re.compile(r"(\w+)\{([^}]*)\}")
_GROUPED = re.compile(r"by \(([a-z, ]+)\)")
# Labels that Prometheus adds to what it scrapes, or that a histogram has.
_ADDED = {"job", "instance", "le"}


def alerts() -> list[str]:
    """Return the expressions of the alert rules."""
    return re.findall(r"expr: (?:>-\n\s+)?(.+)", ALERTS.read_text())


def panels() -> list[dict[str, Any]]:
    """Return the panels of the dashboard, without its headings."""
    found: list[dict[str, Any]] = json.loads(DASHBOARD.read_text())["panels"]
    return [panel for panel in found if panel["type"] != "row"]


def expressions() -> Iterator[str]:
    """Yield the expressions of both files."""
    yield from alerts()
    for panel in panels():
        yield from (target["expr"] for target in panel["targets"])


def misnamed(expression: str) -> set[str]:
    """Return the names in an expression that no sample of a server has."""
    return set(_NAME.findall(expression)) - SAMPLES.keys() - set(series.OF_THE_PROCESS)


def mislabelled(expression: str) -> set[str]:
    """Return the labels in an expression that none of its series has."""
    own = {
        label
        for name in _NAME.findall(expression)
        if name in SAMPLES
        for label in SAMPLES[name].labels
    }
    used = {
        label for _, pairs in _MATCHED.findall(expression) for label in re.findall(r"(\w+)=", pairs)
    }
    for group in _GROUPED.findall(expression):
        used |= set(group.split(", "))
    return used - own - _ADDED


@pytest.mark.parametrize("expression", list(expressions()))
def test_every_series_exists_with_its_labels(expression: str) -> None:
    assert misnamed(expression) == set()
    assert mislabelled(expression) == set()


def test_the_test_would_notice() -> None:
    assert misnamed("rate(testamur_event_total[5m])") == {"testamur_event_total"}
    assert misnamed("testamur_submission_seconds > 1") == {"testamur_submission_seconds"}
    assert mislabelled("sum by (rules) (testamur_problems_total)") == {"rules"}
    assert mislabelled('testamur_problems_total{outcome="x"}') == {"outcome"}
    assert len(alerts()) > 8


def test_each_value_of_a_label_in_an_alert_is_one_that_there_is() -> None:
    outcomes = re.findall(r'outcome="([^"]+)"', ALERTS.read_text())
    assert outcomes == ["5xx"]


def test_every_alert_says_what_is_wrong_and_what_to_do() -> None:
    text = ALERTS.read_text()
    count = text.count("- alert:")
    assert count == len(set(re.findall(r"- alert: (Testamur\w+)", text)))
    assert count == text.count("summary:") == text.count("remedy:") == text.count("{severity: ")


def test_every_series_of_a_server_is_on_the_dashboard_or_in_an_alert() -> None:
    shown = {
        SAMPLES[name].name
        for expression in expressions()
        for name in _NAME.findall(expression)
        if name in SAMPLES
    }
    assert {each.name for each in series.ALL} - shown == {
        "testamur_build_info",
        "testamur_ready",
        "testamur_given_up_total",
        "testamur_tile_cache_bytes",
        "testamur_limiter_keys",
        "testamur_child_up",
        "testamur_child_stands_by",
        "testamur_projections_total",
        "testamur_projection_entries",
    }


def test_panels_lie_side_by_side_and_have_ids_of_their_own() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in panels():
        at = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert not cells & taken, panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= cells
    assert len({panel["id"] for panel in panels()}) == len(panels())


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
@pytest.mark.parametrize(
    ("what", "file"), [("rules", ALERTS), ("config", OPERATIONS / "prometheus.yml")]
)
def test_prometheus_reads_the_files(what: str, file: Path) -> None:
    done = subprocess.run(
        ["promtool", "check", what, str(file)], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_prometheus_parses_every_panel(tmp_path: Path) -> None:
    """As rules, since its tool checks expressions in no other form."""
    rules = [
        {"record": f"panel:{number}", "expr": expression.replace("$__rate_interval", "5m")}
        for number, expression in enumerate(expressions())
    ]
    file = tmp_path / "rules.yml"
    file.write_text(json.dumps({"groups": [{"name": "panels", "rules": rules}]}))
    done = subprocess.run(
        ["promtool", "check", "rules", str(file)], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
