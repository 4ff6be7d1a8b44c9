"""What a crowd of hostile clients costs the server, and what honest ones notice of it.

python -m bench.hostile_clients --clients 100 --seconds 5

Each attack runs against a real server with real sockets. Meanwhile an honest client asks whether
the server is alive and submits credentials, one at a time.
"""

from __future__ import annotations

import base64
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from threading import Event, Thread
from typing import Annotated, Final

import httpx2
import msgspec
import typer

from bench.cohorts import now_story
from bench.figures import cpu_seconds, report
from bench.hostile_sockets import Crowd, memory_of
from bench.load import get, post
from bench.server import Served, running, serving
from testamur.catalogue import dry_run
from testamur.catalogue import events as e
from testamur.catalogue.members import Outcome
from testamur.catalogue.submission import MEDIA_TYPE
from testamur.http.client import RegistryClient
from testamur.tlog.tiles import bundle_path
from tests.harness.story import Story, credentials_of, party

_PATIENCE = 60.0  # seconds until an honest request counts as lost
_COHORT = 20_000
_LONG = 256  # entries of 64 KB each


@dataclass(slots=True)
class Target:
    """The server under attack, and what lies in its log."""

    served: Served
    story: Story
    cohort: list[str]
    recorded: bytes
    """A submission that is on the log: anybody can read its first line there."""
    long: int
    """From here on come the longest entries."""


@dataclass(slots=True)
class Honest:
    """What an honest client met with: seconds of each answer, and how many never came."""

    alive: list[float] = field(default_factory=list)
    submitted: list[float] = field(default_factory=list)
    lost: int = 0


Attack = Callable[[Target], Iterator[bytes]]


def _for_ever(request: bytes) -> Iterator[bytes]:
    while True:
        yield request


def _get(path: str) -> Attack:
    return lambda target: _for_ever(get(target.served.port, path))


CHECK: Final = "/submissions/check"


def _submission(target: Target, body: bytes, path: str = "/submissions") -> bytes:
    kind = dry_run.MEDIA_TYPE if path == CHECK else MEDIA_TYPE
    return post(target.served.port, path, kind, body)


def _broken(body: bytes) -> bytes:
    """Return a submission with another signature in its place."""
    jws, lines = body.split(b"\n", 1)
    signed = jws.rpartition(b".")[0]
    return signed + b"." + base64.urlsafe_b64encode(bytes(63) + b"\1").rstrip(b"=") + b"\n" + lines


def _stranger(target: Target) -> bytes:
    return target.story.submission(party("nobody"), target.story.issued())


def _many_lines(body: bytes, most: int = 60 << 20) -> bytes:
    """Return the first line of a submission, over as many others as fit."""
    line = b'{"a":"' + b"x" * 590 + b'"}\n'
    return body.split(b"\n", 1)[0] + b"\n" + line * (most // len(line))


def _bodies(made: Callable[[Target], bytes], path: str = "/submissions") -> Attack:
    return lambda target: _for_ever(_submission(target, made(target), path))


def _entries(target: Target) -> Iterator[bytes]:
    path = f"/entries?start={target.long}&limit=100000"
    return _for_ever(get(target.served.port, path))


def _evidence(target: Target) -> Iterator[bytes]:
    while True:
        for credential in target.cohort:
            yield get(target.served.port, f"/credentials/{credential}/evidence")


def _pipelined(target: Target) -> Iterator[bytes]:
    return _for_ever(get(target.served.port, "/organizations") * 90)


def _heads(_: Target) -> Iterator[bytes]:
    return _for_ever(b"GET / HTTP/1.1\r\n" + b"a:\r\n" * 15_000)


def _bundle(method: bytes, *headers: bytes) -> Attack:
    def requests(target: Target) -> Iterator[bytes]:
        path = bundle_path(target.long // 256 + 1)
        wanted = get(target.served.port, f"/log/{path}")
        wanted = wanted.replace(b"GET", method, 1)[:-2]
        return _for_ever(wanted + b"".join(header + b"\r\n" for header in headers) + b"\r\n")

    return requests


READS_NOTHING, SLOWLY, READS = 0, 1024, 1 << 20
"""How many bytes a client reads at a time."""

ATTACKS: dict[str, tuple[Attack, int]] = {
    "entries, read by nobody": (_entries, READS_NOTHING),
    "entries, read slowly": (_entries, SLOWLY),
    "a bundle, read by nobody": (_bundle(b"GET"), READS_NOTHING),
    "a bundle in gzip": (_bundle(b"GET", b"Accept-Encoding: gzip"), READS),
    "heads and ranges of a bundle": (_bundle(b"HEAD", b"Range: bytes=0-0"), READS),
    "evidence, asked again and again": (_evidence, READS),
    "streams": (_get("/stream"), READS_NOTHING),
    "lists in pipelines, read by nobody": (_pipelined, READS_NOTHING),
    "heads of many headers": (_heads, READS),
    "unknown signer, many lines": (_bodies(lambda t: _many_lines(_stranger(t))), READS),
    "bad signature, many lines": (_bodies(lambda t: _many_lines(_broken(t.recorded))), READS),
    "copied header, many lines": (_bodies(lambda t: _many_lines(t.recorded)), READS),
    "unknown signer": (_bodies(_stranger), READS),
    "bad signature": (_bodies(lambda t: _broken(t.story.cohort(1))), READS),
    "dry runs, many lines": (
        _bodies(lambda t: _many_lines(t.story.dry_run(party("nobody"), t.story.issued())), CHECK),
        READS,
    ),
}


def main(
    clients: Annotated[int, typer.Option(help="hostile clients at once")] = 100,
    seconds: Annotated[float, typer.Option(help="of each attack")] = 5.0,
    only: Annotated[str, typer.Option(help="attacks whose names begin so")] = "",
) -> None:
    """Print, for each attack, memory, CPU per request and what honest clients met with."""
    with tempfile.TemporaryDirectory(prefix="testamur-bench-") as name:
        story = now_story()
        with serving(Path(name), story) as served:
            grown = _grown(served, story)
        for attack, (requests, reads) in ATTACKS.items():
            if not attack.startswith(only):
                continue
            # A server of its own: the memory of one attack is not that of the next.
            with running(served.folder, served.key) as again:
                target = replace(grown, served=again)
                figures = _under(target, requests, reads, clients, seconds)
            report("hostile_clients", {"attack": attack, "clients": clients, **figures})


def _grown(served: Served, story: Story) -> Target:
    """Fill the log: a cohort, and bundles of the longest entries."""
    with RegistryClient(served.url) as registry:
        cohort = story.cohort(_COHORT)
        registry.submit(cohort, flags="admit")
        outcome = Outcome(name="x" * 200, url="https://example.org/" + "x" * 400)
        long = msgspec.structs.replace(story.definition(), outcomes=(outcome,) * 95)
        for _ in range(3):
            ids = [story.new_id() for _ in range(_LONG)]
            events = [e.AchievementDefined(achievement=each, definition=long) for each in ids]
            last = registry.submit(story.submission(story.provider, *events), flags="admit")
        return Target(served, story, credentials_of(cohort)[:64], cohort, last.position - _LONG)


def _under(
    target: Target, attack: Attack, reads: int, clients: int, seconds: float
) -> dict[str, object]:
    """Return what happened while so many clients attacked for so long."""
    pid = target.served.pid
    before = memory_of(pid)
    crowd = Crowd(target.served.port, attack(target), clients, reads)
    honest, done = Honest(), Event()
    asking = Thread(target=_ask, args=(target, honest, done))
    cpu = cpu_seconds(pid)
    asking.start()
    most = crowd.attack(seconds, lambda: memory_of(pid))
    done.set()
    asking.join()
    cpu = cpu_seconds(pid) - cpu
    return {
        "sent": crowd.sent,
        "statuses": dict(sorted(crowd.statuses.items())),
        "memory_before_mb": before / 1e6,
        "memory_grew_mb": (most - before) / 1e6,
        "cpu_ms_per_request": cpu / max(1, crowd.sent) * 1000,
        "alive_worst_ms": 1000 * max(honest.alive, default=_PATIENCE),
        "submission_worst_ms": 1000 * max(honest.submitted, default=_PATIENCE),
        "submissions": len(honest.submitted),
        "lost": honest.lost,
    }


def _ask(target: Target, honest: Honest, done: Event) -> None:
    """Be an honest client until `done`, one request after the other."""
    url, media_type = target.served.url, {"Content-Type": MEDIA_TYPE}
    with httpx2.Client(timeout=_PATIENCE) as client:
        while not done.is_set():
            _time(honest, honest.alive, partial(client.get, f"{url}/healthz"))
            body = target.story.cohort(1)
            submit = partial(client.post, f"{url}/submissions", content=body, headers=media_type)
            _time(honest, honest.submitted, submit)


def _time(honest: Honest, taken: list[float], request: Callable[[], httpx2.Response]) -> None:
    begun = time.perf_counter()
    try:
        request().raise_for_status()
    except httpx2.HTTPError:
        honest.lost += 1
    else:
        taken.append(time.perf_counter() - begun)


if __name__ == "__main__":
    typer.run(main)
