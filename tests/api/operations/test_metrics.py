"""The numbers of a running server: those that are listed, of what happened, for operators."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families

from api.operations import series
from api.operations.numbers import Histogram, Numbers
from api.operations.observer import Observer
from api.operations.port import Answer, OperationsPort, is_own_name
from api.roles import ALL as ROLES
from registry.group import Group
from testamur.stopwatch import Advance, Stopwatch
from tests.api.asking import metric
from tests.harness.served import PROJECT, Served, problem
from tests.harness.waiting import until

README = PROJECT / "api/README.md"


def names(text: str) -> set[str]:
    """Return the series of an answer, as Prometheus' own parser reads it."""
    return {
        f"{family.name}_total" if family.type == "counter" else family.name
        for family in text_string_to_metric_families(text)
    }


def readme_row(each: series.Series) -> str:
    """Return the row of a series in the table of api/README.md."""
    by = f" by {', '.join(each.labels)}" if each.labels else ""
    of = "all" if len(each.roles) == len(ROLES) else ", ".join(each.roles)
    return f"| `{each.name}`{by} | {each.kind} | {of} | {each.meaning} |"


@pytest.fixture(scope="module")
def asked(served: Served) -> str:
    """What `/metrics` says after one submission of each outcome, and every kind of request."""
    served.submit(served.story.cohort(3))
    served.post(b"nothing\n")
    served.get("/organizations")
    until(lambda: metric(served, "testamur_projected_entries") == served.size)
    return served.metrics()


def test_a_server_shows_every_series_that_is_listed_and_no_other(asked: str) -> None:
    assert {each.name for each in series.ALL} | set(series.OF_THE_PROCESS) == names(asked)


def test_the_readme_lists_every_series_with_its_labels() -> None:
    listed = [line for line in README.read_text().splitlines() if line.startswith("| `testamur_")]
    assert listed == [readme_row(each) for each in series.ALL]


@pytest.mark.parametrize("each", series.ALL, ids=lambda each: each.name)
def test_names_follow_the_rules_of_prometheus(each: series.Series) -> None:
    assert re.fullmatch(r"testamur_[a-z]+(_[a-z]+)*", each.name)
    assert each.name.endswith("_total") == (each.kind == "counter")
    assert not re.search(r"_(ms|milliseconds|kb|mb|minutes)\b", each.name)
    assert bool(each.buckets) == (each.kind == "histogram")
    assert list(each.buckets) == sorted(each.buckets)


def test_what_happened_is_counted(served: Served, asked: str) -> None:
    before = metric(served, "testamur_events_total")
    committed = metric(served, 'testamur_gate_step_seconds_count{step="commit"}')
    body = served.story.cohort(7)
    served.submit(body)
    served.post(body)
    assert metric(served, "testamur_events_total") == before + 7, "a repetition counts no event"
    assert metric(served, 'testamur_submissions_total{outcome="repeated"}') >= 1
    assert metric(served, 'testamur_submissions_total{outcome="4xx"}') >= 1
    assert metric(served, 'testamur_gate_step_seconds_count{step="commit"}') == committed + 1
    assert metric(served, 'testamur_problems_total{rule="header-form"}') >= 1
    assert metric(served, "testamur_published_entries") == served.size
    until(lambda: metric(served, "testamur_projected_entries") == served.size)
    assert metric(served, "testamur_publications_total") >= 1
    assert metric(served, "testamur_projections_total") >= 1
    assert metric(served, "testamur_ready") == 1
    assert metric(served, 'testamur_child_up{child="publisher"}') == 1
    assert metric(served, 'testamur_child_resident_memory_bytes{child="follower"}') > 10_000_000


def test_requests_are_counted_by_route_and_never_by_path(served: Served, asked: str) -> None:
    for path in ("/credentials/x", "/credentials/y?size=2", "/no/such/path", "/log/tile/x/\u20ac"):
        served.get(path)
    served.client.request("PROPFIND", served.url + "/log/checkpoint")
    text = served.metrics()
    counted = set(re.findall(r"testamur_http_requests_total\{(.*)\} ", text))
    assert 'method="GET",route="/credentials/{credential}",status="422"' in counted
    assert 'method="GET",route="other",status="404"' in counted
    assert 'method="GET",route="/log/tile/{level}/{index}",status="404"' in counted
    assert 'method="other",route="/log/checkpoint",status="405"' in counted
    assert "/no/such" not in text
    assert "PROPFIND" not in text


def test_no_series_names_anybody(served: Served, asked: str) -> None:
    assert "did:key" not in asked
    assert not re.search(r"[0-9a-f]{8}-[0-9a-f]{4}-7", asked)
    assert served.story.origin not in asked


def test_a_stranger_gets_no_numbers(served: Served) -> None:
    problem(served.get("/metrics"), 404, "no-such-path")
    assert "/metrics" not in served.get("/openapi.json").json()["paths"]


def test_the_port_for_operators_says_whether_the_server_is_ready(served: Served) -> None:
    answer = served.client.get(f"{served.operations}/readyz")
    assert (answer.status_code, answer.json()["ready"]) == (200, True)
    assert served.client.get(f"{served.operations}/healthz").json() == {"status": "alive"}
    assert served.client.get(f"{served.operations}/organizations").status_code == 404
    assert "access-control-allow-origin" not in answer.headers, "no page of a browser may read it"


# --- In this process ---


def test_a_histogram_counts_a_value_at_its_bound_within_it() -> None:
    histogram = Histogram((1.0, 3.0))
    for value in (0.5, 1.0, 1.1, 3.0, 3.1):
        histogram.observe(value)
    assert histogram.cumulative() == [("1.0", 2), ("3.0", 4), ("+Inf", 5)]
    assert histogram.sum == pytest.approx(8.7)


def test_a_step_that_no_code_of_ours_named_becomes_no_label() -> None:
    """A child's line is checked, yet its steps are free: they must not make series without end."""
    observer = Observer("publish")
    seconds = {"write": 0.5, "x" * 100: 1.0}
    observer.published(Advance(size=9, entries=2, began=1, seconds=seconds))
    text = observer.numbers.exposition().decode()
    assert 'testamur_publication_step_seconds_sum{step="write"} 0.5' in text
    assert "xxx" not in text


@pytest.mark.parametrize("role", ["publish", "project"])
def test_a_role_of_its_own_shows_its_own_series(role: series.Role) -> None:
    shown = names(Observer(role).numbers.exposition().decode())
    assert ("testamur_publications_total" in shown) == (role == "publish")
    assert ("testamur_projections_total" in shown) == (role == "project")
    assert "testamur_submissions_total" not in shown
    assert "process_resident_memory_bytes" in shown


def test_a_group_without_a_commit_counts_the_steps_that_it_reached() -> None:
    observer = Observer("api")
    observer.group(Group([(None, Exception())], 0.25, 1, {"lock": 0.5}))  # type: ignore[list-item]
    text = observer.numbers.exposition().decode()
    assert 'testamur_gate_step_seconds_count{step="lock"} 1.0' in text
    assert 'testamur_gate_step_seconds_sum{step="queue"} 0.25' in text
    assert 'testamur_gate_step_seconds_count{step="commit"} 0.0' in text


def test_a_label_cannot_break_out_of_its_line() -> None:
    numbers = Numbers("api")
    numbers.add(series.PROBLEMS, 'a"} 1\nforged_total 7')
    assert "\nforged" not in numbers.exposition().decode()


def test_steps_that_are_entered_again_are_added_up() -> None:
    watch = Stopwatch()
    watch.lap("read")
    once = watch.seconds["read"]
    watch.skip()
    watch.lap("read")
    assert watch.seconds["read"] > once
    watch.restart()
    assert watch.seconds == {}


@pytest.fixture
def port() -> Iterator[OperationsPort]:
    """A port of its own that says it is alive."""
    port = OperationsPort("127.0.0.1", 0, {"/healthz": lambda: Answer(200, "text/plain", b"alive")})
    port.start()
    with closing(port):
        yield port


def connected(port: OperationsPort) -> socket.socket:
    return socket.create_connection(("127.0.0.1", int(port.address.rpartition(":")[2])), 30)


def test_clients_that_are_silent_keep_nobody_from_the_port(port: OperationsPort) -> None:
    """The oldest of them makes room at once; nobody has to wait until its time is over."""
    with ExitStack() as stack:
        silent = [stack.enter_context(closing(connected(port))) for _ in range(20)]
        assert [httpx2.get(f"{port.address}/healthz").text for _ in range(20)] == ["alive"] * 20
        assert silent[0].recv(1) == b""


def test_a_client_has_one_time_for_its_whole_head(
    port: OperationsPort, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.operations.port._SECONDS", 0.5)
    with closing(connected(port)) as slow:
        slow.settimeout(0.1)
        slow.sendall(b"GET /healthz HTTP/1.0\r\n")

        def ended() -> bool:
            try:
                slow.sendall(b"X: y\r\n")  # it never falls silent
                return slow.recv(1) == b""
            except TimeoutError:
                return False
            except ConnectionError:
                return True

        until(ended)


@pytest.mark.parametrize(
    ("hosts", "status"),
    [
        ([], 200),
        (["127.0.0.1:9464"], 200),
        (["[::1]:9464"], 200),
        (["LOCALHOST"], 200),
        (["api-1:9464"], 200),
        (["attacker.example:9464"], 403),
        (["127.0.0.1.attacker.example"], 403),
        (["attacker.example."], 403),
        (["127.0.0.1", "attacker.example"], 403),
        (["[::1].attacker.example"], 403),
        (["::1"], 403),
        ([""], 403),
    ],
)
def test_a_web_page_reaches_no_numbers_under_a_name_of_its_own(
    port: OperationsPort, hosts: list[str], status: int
) -> None:
    head = ["GET /healthz HTTP/1.0", *(f"Host: {host}" for host in hosts), "", ""]
    with closing(connected(port)) as client:
        client.sendall("\r\n".join(head).encode())
        assert client.recv(1000).startswith(b"HTTP/1.0 %d " % status)


def test_the_name_that_a_port_was_given_reaches_it() -> None:
    assert is_own_name(["Numbers.example:9464"], "numbers.example")
    assert not is_own_name(["other.example:9464"], "numbers.example")


def test_a_port_in_use_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        with pytest.raises(Exception, match=f"cannot listen on 127.0.0.1 port {number}"):
            OperationsPort("127.0.0.1", number, {})
