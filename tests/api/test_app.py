"""The server says how it is, and whatever is asked, the answer is one that was announced."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest

from api.http.asgi import SAFE, safe_headers, whole_headers
from api.http.problems import problem_of
from registry.outcomes import Overloaded, StorageFull
from testamur.errors import Refusal, Unavailable
from tests.harness.served import Served, problem

README = (Path(__file__).parents[2] / "api/README.md").read_text(encoding="utf-8")


def test_the_server_says_what_it_is(served: Served) -> None:
    found = served.get("/").json()
    assert (found["origin"], found["vkey"]) == (served.story.origin, served.vkey)
    for path in found["links"].values():
        if path != "/stream":
            assert served.get(path).status_code == 200


def test_readiness_names_every_part(served: Served) -> None:
    found = served.get("/readyz").json()
    assert found["ready"]
    assert {part["part"]: part["state"] for part in found["parts"]} == {
        "gate": "works",
        "log": "works",
        "projections": "works",
    }
    assert served.get("/healthz").json() == {"status": "alive"}


@pytest.mark.parametrize(
    ("method", "path", "status", "rule"),
    [
        ("GET", "/nothing/here", 404, "no-such-path"),
        ("GET", "/credentials/", 404, "no-such-path"),
        ("DELETE", "/submissions", 405, "method"),
        ("PUT", "/submissions", 405, "method"),
        ("POST", "/organizations", 405, "method"),
        ("PUT", "/credentials/x", 405, "method"),
    ],
)
def test_what_is_not_offered_is_a_problem_too(
    served: Served, method: str, path: str, status: int, rule: str
) -> None:
    answer = served.client.request(method, served.url + path)
    problem(answer, status, rule)
    if status == 405:
        assert answer.headers["allow"]


def test_every_answer_carries_the_headers_of_caution(served: Served) -> None:
    answers = [
        served.get("/"),
        served.get("/nothing"),
        served.get("/organizations"),
        served.get("/entries"),
        served.post(b""),
        served.client.options(served.url + "/submissions"),
    ]
    for answer in answers:
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "server" not in answer.headers


def test_a_page_may_have_a_content_security_policy_of_its_own() -> None:
    """And nothing else of what every answer carries changes with it."""
    own = safe_headers(b"default-src 'self'")
    assert (b"content-security-policy", b"default-src 'self'") in own
    assert {name for name, _ in own} == {name for name, _ in SAFE}
    assert [pair for pair in own if pair not in SAFE] == [own[2]]
    assert whole_headers([], b"page", own)[1:] == own
    assert whole_headers([], b"data")[1:] == SAFE


def test_head_answers_without_a_body(served: Served) -> None:
    for path in ("/", "/organizations", "/entries", "/healthz"):
        answer = served.client.head(served.url + path)
        assert (answer.status_code, answer.content) == (200, b"")
    assert served.client.head(served.url + "/stream").status_code == 405


def test_what_stops_publication_stops_new_submissions_and_is_told(
    opened_log: Served, tmp_path: Path
) -> None:
    """What is recorded must be published: while that cannot be, nothing more is taken in."""
    log = opened_log.copy(tmp_path / "data")
    with log.running():
        published = log.data / "log"
        published.rename(tmp_path / "elsewhere")
        published.write_text("a file where the folder was")
        log.post(log.story.cohort(1), wait="durable")
        deadline = time.monotonic() + 20
        while log.get("/readyz").status_code == 200 and time.monotonic() < deadline:
            time.sleep(0.05)
        refused = log.post(log.story.cohort(1))
        problem(refused, 503, "publication-stopped")
        assert int(refused.headers["retry-after"]) >= 1
        parts = log.get("/readyz").json()["parts"]
        assert [part["part"] for part in parts if part["state"] == "failed"] == ["log"]
        assert str(tmp_path) not in refused.text + json.dumps(parts)
        published.unlink()
        (tmp_path / "elsewhere").rename(published)
        while log.get("/readyz").status_code != 200 and time.monotonic() < deadline + 60:
            time.sleep(0.1)
        assert log.submit(log.story.cohort(1)).state == "published"
    log.close()


# --- Whatever is asked ---


def test_every_shape_that_the_document_refers_to_is_described_in_it(served: Served) -> None:
    """An answer whose shape is missing from `SHAPES` would be announced as nothing."""
    text = served.get("/openapi.json").text
    described = {
        f"#/components/schemas/{name}" for name in json.loads(text)["components"]["schemas"]
    }
    assert set(re.findall(r'"\$ref":"([^"]+)"', text)) <= described


def test_the_readme_lists_every_path_and_no_other(served: Served) -> None:
    section = README.partition("## Paths")[2].partition("\n## ")[0]
    listed: set[str] = set()
    for row in re.findall(r"^\| (`.*?`) \|", section, re.MULTILINE):
        whole = ""
        for path in re.findall(r"`(?:GET |POST )?([^`?]+)[^`]*`", row):
            whole = path if path.startswith("/") else whole
            listed.add(whole + path.removeprefix("…") if path.startswith("…") else path)
    announced = set(served.get("/openapi.json").json()["paths"])
    assert listed == announced | {"/openapi.json"}


@pytest.mark.parametrize(
    ("error", "status", "rule", "retry"),
    [
        (Overloaded("100 wait", retry_after=3.0), 503, "overloaded", "3"),
        (StorageFull("full"), 503, "storage-full", "60"),
        (Unavailable("/srv/data/registry.db: disk I/O error"), 503, "unavailable", "5"),
        (Refusal("jti-conflict", "used"), 409, "jti-conflict", None),
        (Refusal("submission-size", "at most"), 413, "submission-size", None),
        (Refusal("unknown-organization", "?", line=1), 403, "unknown-organization", None),
        (Refusal("unknown-organization", "?", line=2), 422, "unknown-organization", None),
        (RuntimeError("/srv/data secret"), 500, "fault", None),
    ],
)
def test_each_kind_of_failure_has_its_status(
    error: Exception, status: int, rule: str, retry: str | None
) -> None:
    found = problem_of(error)
    assert (found.document.status, found.document.rule) == (status, rule)
    assert found.headers.get("Retry-After") == retry
    assert b"/srv" not in found.render()
