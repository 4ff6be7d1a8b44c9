"""Spans of each hop, held by the SDK's own exporter in memory."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from api.http.asgi import Headers
from api.operations.traces import Traces
from api.operations.tracing import wanted
from api.submissions.hops import Hops
from registry.gate import Recorded
from registry.group import Group
from testamur.catalogue.submission import parse
from testamur.stopwatch import Advance
from tests.harness.served import PROJECT
from tests.harness.story import Story

ROOT = "5f" * 32
TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.fixture
def kept() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def traces(kept: InMemorySpanExporter) -> Iterator[Traces]:
    with closing(Traces(SimpleSpanProcessor(kept))) as made:
        yield made


def spans(kept: InMemorySpanExporter) -> dict[str, ReadableSpan]:
    """Return the finished spans by name."""
    return {span.name: span for span in kept.get_finished_spans()}


def way() -> Hops:
    """Return the way of a submission that was published."""
    hops = Hops(began=1_000_000_000_000, started=10.0)
    hops.received, hops.checked, hops.settled, hops.published = 10.001, 10.002, 10.006, 10.1
    hops.group = Group([], 0.001, hops.at(10.003), {"lock": 0.001, "commit": 0.002})
    hops.recorded = Recorded(42, 3, 0, (), repeated=False)
    hops.root = bytes.fromhex(ROOT)
    hops.header = parse(Story().cohort(3)).header
    return hops


def test_a_submission_is_one_trace_of_all_its_hops(
    traces: Traces, kept: InMemorySpanExporter
) -> None:
    hops = way()
    traces.submission(hops, [], 201, None, trusted=True)
    found = spans(kept)
    request = found.pop("POST /submissions")
    assert list(found) == ["receive", "check", "queue", "commit", "publish"]
    assert request.parent is None
    for span in found.values():
        assert span.parent == request.context
        assert span.context.trace_id == request.context.trace_id
    bounds = [(span.start_time, span.end_time) for span in found.values()]
    assert bounds == sorted(bounds)
    assert all(start is not None and end is not None and start <= end for start, end in bounds)
    assert [end for _, end in bounds[:-1]] == [start for start, _ in bounds[1:]]
    assert hops.header is not None
    assert dict(request.attributes or {}) == {
        "http.request.method": "POST",
        "http.route": "/submissions",
        "http.response.status_code": 201,
        "testamur.submission": hops.header.payload.jti,
        "testamur.organization": hops.header.payload.iss,
        "testamur.events": 3,
        "testamur.position": 42,
        "testamur.repeated": False,
    }


def test_the_trace_of_the_sender_goes_on(traces: Traces, kept: InMemorySpanExporter) -> None:
    headers: Headers = [(b"traceparent", f"00-{TRACE}-{SPAN}-01".encode())]
    traces.submission(way(), headers, 201, None, trusted=True)
    request = spans(kept)["POST /submissions"]
    assert request.parent is not None
    assert (f"{request.parent.trace_id:032x}", f"{request.parent.span_id:016x}") == (TRACE, SPAN)


@pytest.mark.parametrize(
    "values",
    [
        (b"",),
        (b"00-" + b"0" * 32 + b"-" + SPAN.encode() + b"-01",),
        (f"00-{TRACE.upper()}-{SPAN}-01".encode(),),
        (f"ff-{TRACE}-{SPAN}-01".encode(),),
        (f"00-{TRACE}-{SPAN}-01-more".encode(),),
        (f"00-{TRACE}-{SPAN}-01".encode(),) * 2,
        (b"\xff" * 55,),
        (b"0" * 100_000,),
    ],
    ids=["empty", "zeros", "upper", "version", "longer", "twice", "binary", "huge"],
)
def test_a_traceparent_that_is_none_begins_a_new_trace(
    traces: Traces, kept: InMemorySpanExporter, values: tuple[bytes, ...]
) -> None:
    traces.request(
        [(b"traceparent", each) for each in values], "/", "GET", 200, began=1, ended=2, trusted=True
    )
    (span,) = kept.get_finished_spans()
    assert span.parent is None
    assert f"{span.context.trace_id:032x}" != TRACE


def test_a_sender_that_is_not_sampled_costs_no_span(
    traces: Traces, kept: InMemorySpanExporter
) -> None:
    traces.submission(
        way(), [(b"traceparent", f"00-{TRACE}-{SPAN}-00".encode())], 201, None, trusted=True
    )
    assert kept.get_finished_spans() == ()


@pytest.mark.parametrize("sampled", ["00", "01"])
def test_a_stranger_decides_neither_the_trace_nor_whether_it_is_sampled(
    traces: Traces, kept: InMemorySpanExporter, sampled: str
) -> None:
    headers: Headers = [(b"traceparent", f"00-{TRACE}-{SPAN}-{sampled}".encode())]
    traces.submission(way(), headers, 201, None, trusted=False)
    request = spans(kept)["POST /submissions"]
    assert request.parent is None
    assert f"{request.context.trace_id:032x}" != TRACE
    assert [f"{link.context.trace_id:032x}" for link in request.links] == [TRACE]


def test_processes_that_share_nothing_link_to_the_same_publication(
    traces: Traces, kept: InMemorySpanExporter
) -> None:
    """The root of the tree is what they all know."""
    elsewhere = InMemorySpanExporter()
    seconds = {"read": 0.25, "write": 0.5}
    with closing(Traces(SimpleSpanProcessor(elsewhere))) as publisher:
        publisher.published(Advance(size=9, entries=4, began=5, seconds=seconds, root=ROOT))
    traces.submission(way(), [], 201, None, trusted=True)
    traces.projected(Advance(size=9, entries=4, began=6, seconds=seconds, root=ROOT))
    (publication,) = elsewhere.get_finished_spans()
    assert publication.parent is None
    assert (publication.start_time, publication.end_time) == (5, 5 + 750_000_000)
    for name in ("publish", "projection"):
        (link,) = spans(kept)[name].links
        assert link.context.trace_id == publication.context.trace_id
        assert link.context.span_id == publication.context.span_id
    ids = {span.context.trace_id for span in kept.get_finished_spans()}
    assert publication.context.trace_id not in ids, "only the publication has its ids"


def test_a_refused_submission_ends_where_it_was_refused(
    traces: Traces, kept: InMemorySpanExporter
) -> None:
    hops = Hops(received=None)
    traces.submission(hops, [], 415, "media-type", trusted=True)
    (request,) = kept.get_finished_spans()
    assert (request.attributes or {})["testamur.rule"] == "media-type"
    assert request.status.status_code is StatusCode.UNSET
    kept.clear()
    hops = Hops()
    hops.received = hops.checked = hops.started
    traces.submission(hops, [], 503, "overloaded", trusted=True)
    assert list(spans(kept)) == ["receive", "check", "POST /submissions"]
    assert spans(kept)["POST /submissions"].status.status_code is StatusCode.ERROR


@pytest.mark.parametrize(
    ("environment", "asked"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c:4318/v1/traces"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318", "OTEL_SDK_DISABLED": "TRUE"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318", "OTEL_TRACES_EXPORTER": "none"}, False),
        ({"OTEL_SERVICE_NAME": "testamur"}, False),
    ],
)
def test_the_standard_variables_ask_for_traces(environment: dict[str, str], *, asked: bool) -> None:
    assert wanted(environment) == asked


def test_a_server_without_traces_imports_nothing_of_them() -> None:
    code = (
        "import sys, api.server, api.operations.tracing as t; assert t.traces_of({}) is None; "
        "print([m for m in sys.modules if m.startswith('opentelemetry.sdk')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == "[]"
