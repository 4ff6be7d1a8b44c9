"""Spans, sent by the OpenTelemetry SDK; imported only where traces are asked for.

A submission is one trace, that of its sender if a proxy of ours sent it on with a `traceparent`:
anybody else would decide what is sampled, and a link to their trace does. It holds the request, and
beneath it `receive`, `check`, `queue`, `commit` and `publish`, the wait for a checkpoint. A
publication covers many submissions, and a transaction of the follower many publications, so they
are traces of their own, and links lead there. All processes know the root of a checkpoint, so its
digits are the ids of the publication's trace and span: a link needs no word from the publisher.

Spans are made after the fact, from the moments that the parts noted, so that a server without
traces pays for none. No span names a person or an address; a submission's has its id and its
organization, as the public log has.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

from opentelemetry.context import Context
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import (
    Link,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    get_current_span,
    set_span_in_context,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import AttributeValue

from api.http.asgi import Headers
from api.http.methods import known_method
from api.submissions.hops import Hops
from testamur import __version__
from testamur.stopwatch import Advance

_PROPAGATOR: Final = TraceContextTextMapPropagator()
_CARRIED: Final = (b"traceparent", b"tracestate")
_MAX_TRACEPARENT: Final = 512  # bytes; W3C Trace Context section 3.3.1.1 asks for as many

Attributes = Mapping[str, AttributeValue]


class Ids(RandomIdGenerator):
    """Ids at random, but for the root span of a publication."""

    def __init__(self) -> None:
        self._given = threading.local()

    @contextmanager
    def of_publication(self, root: str) -> Iterator[None]:
        """Give the next root span the ids that follow from the root of its checkpoint."""
        context = publication(root)
        self._given.ids = context.trace_id, context.span_id
        try:
            yield
        finally:
            self._given.ids = None

    def generate_trace_id(self) -> int:
        """Return the id of a new trace."""
        given = getattr(self._given, "ids", None)
        return given[0] if given else super().generate_trace_id()

    def generate_span_id(self) -> int:
        """Return the id of a new span."""
        given = getattr(self._given, "ids", None)
        return given[1] if given else super().generate_span_id()


def publication(root: str) -> SpanContext:
    """Return where the span of the publication is whose tree has this root, in hexadecimal."""
    return SpanContext(
        trace_id=int(root[:32], 16),
        span_id=int(root[32:48], 16),
        is_remote=True,
        trace_flags=TraceFlags(TraceFlags.SAMPLED),
    )


class Traces:
    """Makes the spans of one process, and gives them to `processor`. Threads may share it.

    Sampling, limits and the name of the service are those of the environment (OTEL_...).
    """

    def __init__(self, processor: SpanProcessor) -> None:
        self._ids = Ids()
        named = Resource.create()
        if str(named.attributes.get(SERVICE_NAME, "")).startswith("unknown_service"):
            named = named.merge(Resource({SERVICE_NAME: "testamur"}))
        self._provider = TracerProvider(
            resource=named, id_generator=self._ids, shutdown_on_exit=False
        )
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("testamur", __version__)

    @classmethod
    def by_otlp(cls) -> Traces:
        """Return traces that go to the collector of the environment, by OTLP over HTTP."""
        # Only here: half of a second, and `requests`.
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
            OTLPSpanExporter,
        )

        return cls(BatchSpanProcessor(OTLPSpanExporter()))

    def close(self) -> None:
        """Send what waits."""
        self._provider.shutdown()

    def request(
        self,
        headers: Headers,
        route: str,
        method: str,
        status: int,
        *,
        began: int,
        ended: int,
        trusted: bool,
    ) -> None:
        """Make the span of a request. `began` and `ended` are in Unix nanoseconds.

        It goes on with the trace that `headers` name if they are `trusted`, else it links to it.
        """
        sender = _sender(headers)
        self._request(sender, route, method, status, began, {}, trusted=trusted).end(ended)

    def submission(
        self, hops: Hops, headers: Headers, status: int, rule: str | None, *, trusted: bool
    ) -> str:
        """Make the spans of a submission that was just answered, or given up by its client.

        `headers` are `trusted` as those of `request`. Returns the id of the trace.
        """
        ended = hops.at(hops.started + hops.seconds)
        attributes: dict[str, AttributeValue] = {} if rule is None else {"testamur.rule": rule}
        if hops.header is not None:
            attributes["testamur.submission"] = hops.header.payload.jti
            attributes["testamur.organization"] = hops.header.payload.iss
            attributes["testamur.events"] = hops.header.payload.events
        if hops.recorded is not None:
            attributes["testamur.position"] = hops.recorded.position
            attributes["testamur.repeated"] = hops.recorded.repeated
        sender = _sender(headers)
        span = self._request(
            sender, "/submissions", "POST", status, hops.began, attributes, trusted=trusted
        )
        within = set_span_in_context(span)
        for name, start, end, found, links in _hops(hops):
            child = self._tracer.start_span(
                name, within, attributes=found, links=links, start_time=start
            )
            child.end(end)
        span.end(ended)
        return f"{span.get_span_context().trace_id:032x}"

    def published(self, advance: Advance) -> None:
        """Make the span of a publication."""
        if advance.root is not None:
            with self._ids.of_publication(advance.root):
                self._advance("publication", advance, [])

    def projected(self, advance: Advance) -> None:
        """Make the span of a transaction of the follower."""
        links = [] if advance.root is None else [Link(publication(advance.root))]
        self._advance("projection", advance, links)

    def _advance(self, name: str, advance: Advance, links: Sequence[Link]) -> None:
        steps = {f"testamur.{step}_seconds": took for step, took in advance.seconds.items()}
        span = self._tracer.start_span(
            name,
            Context(),
            attributes={
                "testamur.size": advance.size,
                "testamur.entries": advance.entries,
                **steps,
            },
            links=links,
            start_time=advance.began,
        )
        span.end(advance.began + round(advance.took * 1e9))

    def _request(
        self,
        sender: Context,
        route: str,
        method: str,
        status: int,
        began: int,
        attributes: Attributes,
        *,
        trusted: bool,
    ) -> Span:
        named = known_method(method)
        claimed = get_current_span(sender).get_span_context()
        span = self._tracer.start_span(
            f"{named} {route}",
            sender if trusted else Context(),
            links=[Link(claimed)] if claimed.is_valid and not trusted else [],
            kind=SpanKind.SERVER,
            attributes={
                "http.request.method": named,
                "http.route": route,
                "http.response.status_code": status,
                **attributes,
            },
            start_time=began,
        )
        if status >= 500:
            span.set_status(Status(StatusCode.ERROR))
        return span


def _sender(headers: Headers) -> Context:
    """Return the trace of which a request says that it is a part; none if it says it wrongly."""
    carried: dict[str, str] = {}
    for name, value in headers:
        if name in _CARRIED:
            text = name.decode()
            if text in carried or len(value) > _MAX_TRACEPARENT:
                return Context()
            carried[text] = value.decode("latin-1")
    return _PROPAGATOR.extract(carried, Context())


def _hops(hops: Hops) -> Iterator[tuple[str, int, int, Attributes, Sequence[Link]]]:
    """Yield name, start, end, attributes and links of what happened to a submission."""
    if hops.received is None:
        return
    yield "receive", hops.began, hops.at(hops.received), {}, ()
    if hops.checked is None:
        return
    checked = hops.at(hops.checked)
    yield "check", hops.at(hops.received), checked, {}, ()
    group = hops.group
    if group is None:
        return
    settled = group.began + round(sum(group.seconds.values()) * 1e9)
    yield "queue", checked, max(checked, group.began), {}, ()
    steps = {f"testamur.{step}_seconds": took for step, took in group.seconds.items()}
    of_group = {"testamur.group_submissions": len(group.settled), **steps}
    yield "commit", group.began, settled, of_group, ()
    if hops.published is not None:
        links = [] if hops.root is None else [Link(publication(hops.root.hex()))]
        yield "publish", settled, max(settled, hops.at(hops.published)), {}, links
