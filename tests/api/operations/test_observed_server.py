"""What a running server sends to a collector of traces, and to a collector of log records."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from tests.api.operations.collector import Collector, collecting
from tests.harness.served import Served
from tests.harness.waiting import until

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with collecting() as made:
        yield made


@pytest.fixture(scope="module")
def observed(
    opened_log: Served, tmp_path_factory: pytest.TempPathFactory, collector: Collector
) -> Iterator[Served]:
    """A server whose environment names a collector, and whose records are JSON."""
    with (
        pytest.MonkeyPatch.context() as patch,
        closing(opened_log.copy(tmp_path_factory.mktemp("observed") / "data")) as log,
    ):
        patch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        patch.setenv("OTEL_BSP_SCHEDULE_DELAY", "100")
        with log.running("--log-format", "json", "--trusted-proxy", "127.0.0.1"):
            yield log


def records(served: Served) -> list[dict[str, Any]]:
    """Return the records of the server and its children: each line must be one."""
    return [json.loads(line) for line in served.errors().splitlines()]


def of_submissions(served: Served, **members: object) -> list[dict[str, Any]]:
    """Return the records of submissions with these members."""
    return [
        each
        for each in records(served)
        if each["logger"] == "api.submissions" and members.items() <= each.items()
    ]


def test_a_submission_is_traced_through_three_processes(
    observed: Served, collector: Collector
) -> None:
    answer = observed.post(observed.story.cohort(3), traceparent=f"00-{TRACE}-{SPAN}-01")
    assert answer.status_code == 201
    names = {"POST /submissions", "receive", "check", "queue", "commit", "publish"}
    until(lambda: set(collector.trace(TRACE)) == names)
    request = collector.trace(TRACE)["POST /submissions"]
    assert request.parent_span_id.hex() == SPAN
    for name in names - {"POST /submissions"}:
        assert collector.trace(TRACE)[name].parent_span_id == request.span_id
    (link,) = collector.trace(TRACE)["publish"].links

    def linked(name: str) -> bool:
        return any(
            link.trace_id in {each.trace_id for each in span.links}
            for span in collector.named(name)
        )

    # The publisher and the follower are processes of their own.
    until(lambda: any(s.trace_id == link.trace_id for s in collector.named("publication")))
    until(lambda: linked("projection"))
    (publication,) = (s for s in collector.named("publication") if s.trace_id == link.trace_id)
    assert publication.span_id == link.span_id
    assert observed.reader().checkpoint().root.hex().startswith(link.trace_id.hex())
    assert collector.services == {"testamur"}


def test_other_requests_are_spans_by_their_route(observed: Served, collector: Collector) -> None:
    observed.get(f"/organizations/{observed.story.provider.did}?size=9")
    until(lambda: bool(collector.named("GET /organizations/{did}")))
    observed.get("/no/such/" + "x" * 40)
    until(lambda: bool(collector.named("GET other")))
    for span in collector.spans:
        for pair in span.attributes:
            assert "127.0.0.1" not in pair.value.string_value
            assert "/no/such" not in pair.value.string_value


def test_a_submission_is_a_record_with_its_ids_and_its_trace(observed: Served) -> None:
    trace = TRACE.replace("4b", "5c")
    body = observed.story.cohort(2)
    receipt = observed.post(body, traceparent=f"00-{trace}-{SPAN}-01").json()
    until(lambda: bool(of_submissions(observed, trace=trace)))
    (found,) = of_submissions(observed, trace=trace)
    assert 0 < found.pop("seconds") < 60
    found.pop("time")
    assert found == {
        "level": "info",
        "logger": "api.submissions",
        "message": "submission recorded",
        "submission": receipt["jti"],
        "organization": observed.story.provider.did,
        "outcome": "recorded",
        "status": 201,
        "position": receipt["position"],
        "last": receipt["position"] + 2,
        "events": 2,
        "bytes": len(body),
        "trace": trace,
    }
    observed.post(body)
    until(lambda: bool(of_submissions(observed, outcome="repeated", submission=receipt["jti"])))


def test_a_record_of_a_refusal_names_no_one_whose_signature_was_not_checked(
    observed: Served,
) -> None:
    body = observed.story.cohort(1)
    head, _, rest = body.partition(b"\n")
    signed, _, signature = head.rpartition(b".")
    forged = signed + b"." + (b"B" if signature[:1] == b"A" else b"A") + signature[1:]
    assert observed.post(forged + b"\n" + rest).status_code == 403
    until(lambda: bool(of_submissions(observed, rule="signature")))
    (found,) = of_submissions(observed, rule="signature")
    assert not {"submission", "organization", "position"} & set(found)
    assert (found["outcome"], found["status"]) == ("4xx", 403)


def test_what_a_client_sends_forges_no_record(observed: Served) -> None:
    forged = '\n{"level":"info","logger":"api.submissions","outcome":"recorded","forged":1}\n'
    observed.post(forged.encode(), Content_Type='text/plain; x="\\n"')
    observed.post(forged.encode())
    observed.get("/organizations?at=" + "%0a%7b%22forged%22%3a1%7d")
    until(lambda: bool(of_submissions(observed, rule="media-type")))
    assert not [each for each in records(observed) if "forged" in each]


def test_each_publication_is_one_record(observed: Served) -> None:
    receipt = observed.submit(observed.story.cohort(4))
    root = observed.reader().checkpoint().root.hex()

    def published() -> list[dict[str, Any]]:
        return [each for each in records(observed) if each.get("root") == root]

    until(lambda: bool(published()))
    (found,) = published()
    assert found["size"] == receipt.position + 5
    assert found["entries"] == 5
    assert found["seconds"] > 0
    assert found["message"].startswith("published 5 entries")
