"""Where a bench keeps its log, and which processes take its requests, as its options say."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer

from bench.load import Answers, drive
from bench.server import Place, serving, split
from tests.harness import object_servers, postgres
from tests.harness.postgres import Cluster
from tests.harness.story import Story

StoreAsked = Annotated[Literal["sqlite", "postgres"], typer.Option(help="the event store")]
ObjectsAsked = Annotated[
    Literal["seaweedfs", "versity"] | None,
    typer.Option(help="on PostgreSQL: publish to a bucket of this server, and not to a folder"),
]
ReplicasAsked = Annotated[
    int, typer.Option(help="on PostgreSQL: split the work, with so many that take requests")
]


@dataclass(frozen=True, slots=True)
class Running:
    """The ports that take requests, and the processes of the log, whose time is counted."""

    ports: list[int]
    pids: list[int]


@contextmanager
def placed(store: str, objects: str | None) -> Iterator[Place]:
    """Yield an empty place, with servers of its own: none for a file and a folder."""
    with ExitStack() as stack:
        database = bucket = None
        if store == "postgres":
            cluster = stack.enter_context(closing(Cluster()))
            database = postgres.made(cluster.url, "log")
        if objects is not None:
            server = stack.enter_context(closing(object_servers.KINDS[objects]()))
            os.environ["AWS_ACCESS_KEY_ID"] = object_servers.ACCESS
            os.environ["AWS_SECRET_ACCESS_KEY"] = object_servers.SECRET
            bucket = server.address("bench")
        yield Place(database, bucket)


@contextmanager
def running(folder: Path, story: Story, place: Place, replicas: int) -> Iterator[Running]:
    """Yield a log whose provider may issue, served by one process, or by so many and others."""
    if replicas == 0:
        with serving(folder, story, place) as served:
            yield Running([served.port], [served.pid])
        return
    with split(folder, story, place, replicas=replicas) as found:
        yield Running(
            [each.port for each in found.replicas], [each.pid for each in found.processes]
        )


def driven(ports: list[int], requests: Iterator[bytes], connections: int) -> Answers:
    """Send all `requests`, the next one to the server that answered last; wait for all answers."""

    async def go() -> Answers:
        answers = Answers()
        each = connections // len(ports)
        await asyncio.gather(*(drive(port, requests, each, answers) for port in ports))
        return answers

    return asyncio.run(go())
