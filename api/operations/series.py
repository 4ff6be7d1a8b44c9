"""Every series of `/metrics`, in one place: its name, its kind, its meaning, its labels.

Alert rules, dashboard and `api/README.md` are held against this list. Names follow Prometheus'
rules (prometheus.io/docs/practices/naming): base units, `_total` for counters. A label takes few
values, all of them from our code: no id, no organization, no address, no path that a client chose.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

Kind: TypeAlias = Literal["counter", "gauge", "histogram"]
Role: TypeAlias = Literal["api", "publish", "project"]

SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
COUNTS: Final = (1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0, 10_000.0, 100_000.0)

GATE_STEPS: Final = ("queue", "histories", "lock", "judge", "append", "commit")
PUBLICATION_STEPS: Final = (
    *("read", "make", "write", "read_back"),
    *("sign", "keep", "make_public", "remove"),
)
PROJECTION_STEPS: Final = ("read", "fold", "write")
PARTS: Final = ("gate", "log", "projections")
CHILDREN: Final = ("publisher", "follower")
LIMITS: Final = ("requests", "tiles", "organization")


@dataclass(frozen=True, slots=True)
class Series:
    """One series, or one for each value of its labels; a histogram has the upper bounds `buckets`.

    `roles` are those of a process that has it. One server that does all the work has all.
    """

    name: str
    kind: Kind
    meaning: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    roles: tuple[Role, ...] = ("api",)

    @property
    def samples(self) -> tuple[str, ...]:
        """The names of its lines on `/metrics`."""
        if self.kind == "histogram":
            return tuple(f"{self.name}_{end}" for end in ("bucket", "sum", "count"))
        return (self.name,)


_ALL: Final[tuple[Role, ...]] = ("api", "publish", "project")


def _counter(name: str, meaning: str, *labels: str, roles: tuple[Role, ...] = ("api",)) -> Series:
    return Series(f"testamur_{name}_total", "counter", meaning, labels, roles=roles)


def _gauge(name: str, meaning: str, *labels: str, roles: tuple[Role, ...] = ("api",)) -> Series:
    return Series(f"testamur_{name}", "gauge", meaning, labels, roles=roles)


def _histogram(
    name: str,
    meaning: str,
    *labels: str,
    buckets: tuple[float, ...] = SECONDS,
    roles: tuple[Role, ...] = ("api",),
) -> Series:
    return Series(f"testamur_{name}", "histogram", meaning, labels, buckets, roles)


# Every process
BUILD: Final = _gauge("build_info", "1; the version is a label", "version", roles=_ALL)
READY: Final = _gauge("ready", "1 while every part works", roles=_ALL)
PART: Final = _gauge("part_works", "1 while this part works", "part", roles=_ALL)
RECORDS_LOST: Final = _counter(
    "log_records_lost", "Log records dropped because nobody read standard error", roles=_ALL
)

# Submissions
SUBMISSIONS: Final = _counter(
    "submissions", "Submissions by what became of them: recorded, repeated or a status", "outcome"
)
EVENTS: Final = _counter("events", "Events admitted")
PROBLEMS: Final = _counter("problems", "Submissions answered by a problem", "rule")
SUBMISSION_SECONDS: Final = _histogram(
    "submission_seconds", "From the arrival of a submission to its receipt"
)
BODY_BYTES: Final = _gauge("body_bytes", "Bytes of submissions under way")

# The gate
QUEUED: Final = _gauge("gate_queue_submissions", "Submissions that wait for the committer")
QUEUED_BYTES: Final = _gauge("gate_queue_bytes", "Their bytes")
GROUP_SUBMISSIONS: Final = _histogram(
    "gate_group_submissions", "Submissions of one group", buckets=COUNTS
)
GROUP_EVENTS: Final = _histogram(
    "gate_group_events", "Events recorded by one group", buckets=COUNTS
)
GATE_SECONDS: Final = _histogram(
    "gate_step_seconds",
    "Steps of a group; queue is the wait of its first submission, lock that for other processes",
    "step",
)
READERS: Final = _gauge("store_readers", "Connections to the store that are reading")

# How far everything is
COMMITTED: Final = _gauge("committed_entries", "Entries known to be durable")
PUBLISHED: Final = _gauge(
    "published_entries", "Entries under the latest checkpoint", roles=("api", "publish")
)
PROJECTED: Final = _gauge(
    "projected_entries", "Entries that answers reach", roles=("api", "project")
)
UNPUBLISHED_SECONDS: Final = _gauge(
    "unpublished_seconds", "For how long entries have waited and no checkpoint came"
)
CHECKPOINT_TIME: Final = _gauge(
    "checkpoint_time_seconds", "Unix time at which the latest checkpoint was heard of, 0 before"
)
WAITING: Final = _gauge("waiting_for_checkpoint", "Requests that wait for a checkpoint")

# HTTP
REQUESTS: Final = _counter(
    "http_requests", "Answers by route template, method and status", "route", "method", "status"
)
REQUEST_SECONDS: Final = _histogram(
    "http_request_seconds", "From the head of a request to the end of its answer", "route"
)
CONNECTIONS: Final = _gauge("http_connections", "Open connections")
ANSWER_BYTES: Final = _gauge("answer_bytes", "Bytes of answers that clients have not read")
GIVEN_UP: Final = _counter(
    "given_up", "Connections ended since their clients read nothing and memory was short"
)
QUESTIONS: Final = _gauge("questions", "Questions under way")
STREAMS: Final = _gauge("streams", "Open event streams")
DOWNLOADS: Final = _gauge("downloads", "Open downloads of entries")
TILE_HITS: Final = _counter("tile_hits", "Files of the log from memory")
TILE_MISSES: Final = _counter("tile_misses", "Files of the log that were sought")
TILE_CACHE: Final = _gauge("tile_cache_bytes", "Files of the log in memory")
LIMITED: Final = _counter("limited", "Requests answered 429, by the limit that they met", "limit")
LIMITED_KEYS: Final = _gauge("limiter_keys", "Addresses or organizations remembered", "limit")
LOOP_SECONDS: Final = _gauge(
    "event_loop_seconds", "How long the event loop took to answer this question, at most 1"
)

# The child processes of a process
CHILD_UP: Final = _gauge("child_up", "1 while the process runs", "child", roles=_ALL)
CHILD_STARTS: Final = _counter("child_starts", "How often it was started", "child", roles=_ALL)
CHILD_MEMORY: Final = _gauge(
    "child_resident_memory_bytes", "Its memory in use", "child", roles=_ALL
)
CHILD_CPU: Final = _counter("child_cpu_seconds", "Its time on a processor", "child", roles=_ALL)

STANDS_BY: Final = _gauge(
    "child_stands_by",
    "1 while a process elsewhere does this work and the child waits to take over",
    "child",
    roles=("publish", "project"),
)

# The publisher
_PUBLISHES: Final[tuple[Role, ...]] = ("publish",)
PUBLICATIONS: Final = _counter("publications", "Checkpoints made public", roles=_PUBLISHES)
PUBLICATION_ENTRIES: Final = _histogram(
    "publication_entries", "Entries of one publication", buckets=COUNTS, roles=_PUBLISHES
)
PUBLICATION_SECONDS: Final = _histogram(
    "publication_step_seconds", "Steps of a publication", "step", roles=_PUBLISHES
)

# The follower
_PROJECTS: Final[tuple[Role, ...]] = ("project",)
PROJECTIONS: Final = _counter("projections", "Transactions of the follower", roles=_PROJECTS)
PROJECTION_ENTRIES: Final = _histogram(
    "projection_entries", "Entries of one of its transactions", buckets=COUNTS, roles=_PROJECTS
)
PROJECTION_SECONDS: Final = _histogram(
    "projection_step_seconds", "Steps of one of its transactions", "step", roles=_PROJECTS
)


def _listed() -> Iterator[Series]:
    for value in tuple(globals().values()):
        if isinstance(value, Series):
            yield value


ALL: Final = tuple(_listed())
"""All of them. The process itself is described by `prometheus_client`: see `OF_THE_PROCESS`."""

OF_THE_PROCESS: Final = (
    "process_cpu_seconds_total",
    "process_max_fds",
    "process_open_fds",
    "process_resident_memory_bytes",
    "process_start_time_seconds",
    "process_virtual_memory_bytes",
)
"""What every process has besides, where there is a procfs."""
