"""The entries and the stream are those the checkpoint is over, and resume anywhere."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator
from contextlib import closing
from pathlib import Path

import httpx2
import pytest
from starlette.types import Message

from api.entries import Parts, started
from log.directory import DirectoryStore
from testamur.tlog.merkle import leaf_hashes, tree_root
from testamur.tlog.tiles import WIDTH, decode_bundle, encode_bundle
from tests.api.asking import metric, read_events
from tests.harness.served import Served, problem
from tests.harness.waiting import until


def test_the_entries_are_those_the_checkpoint_is_over(served: Served) -> None:
    checkpoint = served.reader().checkpoint()
    entries: list[bytes] = []
    path: str | None = "/entries?limit=97"
    while path is not None:
        answer = served.get(path)
        assert answer.headers["content-type"] == "application/x-ndjson"
        for line in answer.text.splitlines():
            found = json.loads(line)
            assert found["position"] == len(entries)
            entries.append(found["entry"].encode())
        path = answer.links.get("next", {}).get("url")
    assert tree_root(leaf_hashes(entries[: checkpoint.size])) == checkpoint.root


def forged(bundle: bytes, *, at: int) -> bytes:
    """Return the bundle with another entry there, as well-formed as the one that was signed."""
    entries = decode_bundle(bundle, WIDTH)
    forgery = json.loads(entries[at])
    assert forgery["commitment"] != "A" * len(forgery["commitment"])
    entries[at] = json.dumps(
        forgery | {"commitment": "A" * len(forgery["commitment"])}, separators=(",", ":")
    ).encode()
    return encode_bundle(entries)


def test_nothing_of_a_bundle_is_sent_that_is_not_what_was_signed_in_whatever_form(
    opened_log: Served, tmp_path: Path
) -> None:
    with closing(opened_log.copy(tmp_path / "data")) as log, log.running():
        log.submit(log.story.cohort(600))
        store, path = DirectoryStore(log.data / "log"), "tile/entries/001"
        whole = store.read(path)
        credential = json.loads(decode_bundle(whole, WIDTH)[44])["credential"]
        question = f"/credentials/{credential}?size={log.size}"
        assert log.answer(question).status_code == 200
        sound = {path: log.get(path).content for path in ("/entries?start=290&limit=5", question)}
        store.put_back(path, forged(whole, at=44))
        for each in (*sound, f"/credentials/{credential}/evidence"):
            problem(log.get(each), 503, "damaged")
        # What comes before is sent, and then nothing: the answer does not end as a whole one does.
        for each in ("/entries", "/stream"):
            with pytest.raises(httpx2.TransportError):
                log.get(each)
        broken_off = "an answer was broken off: tile/entries/001: another-tree"
        until(lambda: log.errors().count(broken_off) == 2, 60)
        assert "Traceback" not in log.errors()
        # Readers of other entries are not held up.
        assert log.get("/entries?start=512&limit=5").status_code == 200
        store.put_back(path, whole)
        assert {each: log.get(each).content for each in sound} == sound
        assert log.get(f"/credentials/{credential}/evidence").status_code == 200


def test_the_end_of_the_entries_is_empty_and_beyond_it_is_refused(served: Served) -> None:
    size = served.size
    at_end = served.get(f"/entries?start={size}")
    assert (at_end.status_code, at_end.content) == (200, b"")
    problem(served.get(f"/entries?start={size + 1}"), 422, "size-ahead")
    problem(served.get("/entries?limit=0"), 422, "parameter")
    problem(served.get("/entries?start=-1"), 422, "parameter")


def test_a_stream_goes_on_where_it_was_left_and_follows_the_log(served: Served) -> None:
    size = served.size
    body = served.story.cohort(2)
    headers = {"Last-Event-ID": str(size - 3)}
    with served.client.stream("GET", served.url + "/stream", headers=headers) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        events = read_events(stream)
        assert [next(events)["id"] for _ in range(2)] == [str(size - 2), str(size - 1)]
        assert json.loads(next(events)["data"])["size"] == size
        served.submit(body)
        entries = [next(events) for _ in range(3)]
        assert [json.loads(each["data"])["position"] for each in entries] == [
            size,
            size + 1,
            size + 2,
        ]
        lines = [json.loads(each["data"])["entry"].encode() for each in entries[1:]]
        assert lines == body.split(b"\n")[1:3]
        assert next(events)["event"] == "checkpoint"


@pytest.mark.parametrize("last", ["x", "-1", "1_0", "٣", "9" * 30])
def test_a_stream_cannot_be_resumed_at_what_is_no_position(served: Served, last: str) -> None:
    answer = served.get("/stream", headers={"Last-Event-ID": last.encode()})
    problem(answer, 422, "parameter")
    problem(served.get(f"/stream?start={served.size + 1}"), 422, "size-ahead")


def test_streams_that_were_left_are_forgotten(served: Served) -> None:
    for _ in range(5):
        with served.client.stream("GET", served.url + "/stream") as stream:
            next(stream.iter_raw())
    # Streams of other tests are among them: one that a client never reads ends after 30 s.
    until(lambda: metric(served, "testamur_streams") == 0, seconds=60)


def test_the_server_stops_although_a_stream_is_open(opened_log: Served, tmp_path: Path) -> None:
    log = opened_log.copy(tmp_path / "data")
    log.start()
    with log.client.stream("GET", log.url + "/stream") as stream:
        next(stream.iter_raw())
        began = time.monotonic()
        assert log.stop() == 0
        assert time.monotonic() - began < 15
    log.close()


def test_a_client_that_leaves_while_a_part_is_sent_ends_the_source() -> None:
    """Nothing but the garbage collector would end it, and it would keep its place until then."""
    ended: list[bool] = []
    sending = asyncio.Event()

    async def source() -> AsyncGenerator[bytes, None]:
        try:
            while True:
                yield b"part"
        finally:
            ended.append(True)

    async def send(message: Message) -> None:
        if message.get("body"):
            sending.set()
            await asyncio.Event().wait()  # the client reads nothing

    async def receive() -> Message:
        await sending.wait()
        return {"type": "http.disconnect"}

    async def answer() -> None:
        parts = await started(source())
        await asyncio.wait_for(Parts(parts)({"type": "http"}, receive, send), timeout=10)
        assert ended == [True]

    asyncio.run(answer())
