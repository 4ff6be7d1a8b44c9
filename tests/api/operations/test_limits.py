"""Rate limits of a running server, attacked by strangers, by crowds, and by those they concern."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing

import httpx2
import pytest

from testamur.tlog.reader import LogReader
from testamur.tlog.source import DirectorySource
from tests.api.asking import metric
from tests.harness.served import Served, problem
from tests.harness.story import Story

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def limited(opened_log: Served, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server behind a proxy on this machine that grants everybody one of each in 100 s.

    So no test depends on how fast it asks.
    """
    with (
        closing(opened_log.copy(tmp_path_factory.mktemp("limited") / "data")) as log,
        log.running(
            *("--address-rate", "0.01", "--tile-rate", "0.01"),
            *("--organization-rate", "0.01", "--organization-events", "0.01"),
            *("--trusted-proxy", "127.0.0.0/8"),
        ),
    ):
        yield log


def ask(served: Served, client: str, path: str = "/organizations") -> httpx2.Response:
    """Return the answer to a request that the proxy says comes from `client`."""
    return served.client.get(served.url + path, headers={"X-Forwarded-For": client})


def send(served: Served, body: bytes, client: str, path: str = "/submissions") -> httpx2.Response:
    """Return the answer to a submission from `client`."""
    return served.post(body, path=path, X_Forwarded_For=client)


def recorded_at(served: Served, position: int) -> bytes:
    """Return the submission of one event at a position, put together from the public log."""
    reader = LogReader(DirectorySource(served.data / "log"), served.key)
    header, event = (reader.entry(position + at, reader.checkpoint()) for at in range(2))
    return f"{json.loads(header)['submission']}\n".encode() + event + b"\n"


def forged(body: bytes) -> bytes:
    """Return a submission with a signature that is not its signer's."""
    signed, _, rest = body.partition(b"\n")[0].rpartition(b".")
    other = b"B" if rest[:1] == b"A" else b"A"
    return signed + b"." + other + rest[1:] + b"\n" + body.partition(b"\n")[2]


def test_an_address_that_asks_too_often_is_told_when_to_come_again(limited: Served) -> None:
    before = metric(limited, 'testamur_limited_total{limit="requests"}')
    assert ask(limited, "198.51.100.1").status_code == 200
    refused = ask(limited, "198.51.100.1")
    found = problem(refused, 429, "too-many")
    assert "0.01 requests a second" in str(found["detail"])
    assert 1 <= int(refused.headers["Retry-After"]) <= 100
    assert refused.headers["Access-Control-Allow-Origin"] == "*"
    assert metric(limited, 'testamur_limited_total{limit="requests"}') == before + 1


def test_a_stranger_cannot_pass_for_others_nor_use_up_what_is_theirs(limited: Served) -> None:
    assert ask(limited, "203.0.113.1, 198.51.100.2").status_code == 200
    for claim in ("203.0.113.1", "203.0.113.2", "10.0.0.1", "127.0.0.1", "unknown", ""):
        assert ask(limited, f"{claim}, 198.51.100.2").status_code == 429
    assert ask(limited, "203.0.113.1").status_code == 200
    assert ask(limited, "2001:db8::1").status_code == 200


def test_who_owns_a_network_of_ipv6_is_one_client(limited: Served) -> None:
    assert ask(limited, "2001:db8:5:5::1").status_code == 200
    assert ask(limited, "2001:db8:5:5:ffff::2").status_code == 429
    assert ask(limited, "2001:db8:5:6::1").status_code == 200


def test_files_of_the_log_are_limited_apart(limited: Served) -> None:
    answers = [ask(limited, "198.51.100.3").status_code for _ in range(2)]
    answers += [ask(limited, "198.51.100.3", "/log/checkpoint").status_code for _ in range(2)]
    answers += [ask(limited, "198.51.100.3", "/healthz").status_code for _ in range(3)]
    assert answers == [200, 429, 200, 429, 200, 200, 200]
    refused = ask(limited, "198.51.100.3", "/log/tile/0/000.p/1")
    assert "files of the log" in problem(refused, 429, "too-many")["detail"]  # type: ignore[operator]


def test_a_limited_submission_is_refused_before_it_is_read(limited: Served) -> None:
    ask(limited, "198.51.100.5")
    problem(send(limited, b"x" * 10_000_000, "198.51.100.5"), 429, "too-many")


def test_a_stranger_cannot_use_up_what_an_organization_may_submit(limited: Served) -> None:
    """All that strangers have of it: what is on the log, and what they make up in its name."""
    story = limited.story
    own, other = story.cohort(1), story.cohort(1)
    public = recorded_at(limited, 8)  # the provider's own
    line, _, events = public.partition(b"\n")
    attacks = [
        public,
        line + b"\n" + events + events,
        line + b"\n" + own.partition(b"\n")[2],
        forged(own),
        Story(origin="log.example/other").cohort(1),
    ]
    statuses = [
        send(limited, attack, f"192.0.2.{number}").status_code
        for number, attack in enumerate(attacks * 3)
    ]
    assert statuses == [200, 422, 422, 403, 422] * 3
    assert send(limited, own, "198.51.100.20").status_code == 201
    refused = send(limited, other, "198.51.100.21")
    found = problem(refused, 429, "too-many")
    assert "this organization" in str(found["detail"])
    assert int(refused.headers["Retry-After"]) >= 50
    assert metric(limited, 'testamur_limited_total{limit="organization"}') == 1
    # Nobody else waits for it.
    others = story.submission(story.accreditor, story.updated())
    assert send(limited, others, "198.51.100.22").status_code == 201
