"""A registry that helps a thief: what it leaves out of its lists, or invents, gains it nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest

from testamur.catalogue import events as e
from testamur.catalogue.lines import decode_events
from testamur.catalogue.submission import format_time, parse_submission_entry
from tests.cli.commands import Ended, World, key_folder, run
from tests.harness.http_registry import Asked, HttpRegistry, Reply
from tests.harness.story import Story, party


class Lister(HttpRegistry):
    """A registry that lists submissions; `hidden` are left out, `told` is said otherwise."""

    def __init__(self, world: World) -> None:
        super().__init__(world.log)
        self.hidden: set[int] = set()
        self.told: dict[int, dict[str, object]] = {}
        self.origin = ""

    def answer(self, asked: Asked) -> Reply:
        match [unquote(part) for part in asked.path.strip("/").split("/")]:
            case ["organizations", did, "submissions"]:
                after = int(asked.query.get("after", "-1"))
                lines = list(self._lines(did, after))
                return _json({"size": self.log.size, "items": lines})
            case ["organizations", _, "keys" | "history"]:
                return _json({"size": self.log.size, "items": []})
            case ["log", "checkpoint"] if self.origin:
                note = super().answer(asked).body
                return Reply(200, self.origin.encode() + note[note.index(b"\n") :])
        return super().answer(asked)

    def _lines(self, did: str, after: int) -> Iterator[dict[str, object]]:
        position = 0
        while position < len(self.log.entries):
            recorded_at, header = parse_submission_entry(self.log.entries[position])
            payload = header.payload
            shown = position > after and position not in self.hidden
            if payload.iss == did and shown:
                yield {
                    "position": position,
                    "events": payload.events,
                    "jti": payload.jti,
                    "key": header.key_id,
                    "recordedAt": format_time(recorded_at),
                    "counts": True,
                } | self.told.get(position, {})
            position += 1 + payload.events


def _json(answer: object) -> Reply:
    return Reply(200, json.dumps(answer).encode(), {"Content-Type": "application/json"})


class Robbed:
    """The provider with its keys and receipts, and a thief who submitted between two of its own."""

    def __init__(self, at: Path, world: World, registry: Lister) -> None:
        self.story, self.registry = world.story, registry
        self.keys = key_folder(at / "keys", world.story.provider)
        (at / "log.vkey").write_text(f"{world.log.key}\n")
        self.before = world.log.size
        self.mine = [self.submits()]
        self.theft = world.log.append(self.story.cohort(1))
        world.log.publish()
        self.mine.append(self.submits())

    def submits(self) -> int:
        """Submit, with a receipt that is kept; return the position of the header."""
        position = self.registry.log.size
        assert self.hands_in(f"{position}.signed").code == 0
        return position

    def hands_in(self, name: str) -> Ended:
        Path(name).write_bytes(self.story.cohort(1))
        where = ["--url", self.registry.url, "--vkey", "log.vkey", "--keys", "keys"]
        return run("submit", name, *where)

    def recovers(self, *more: object) -> Ended:
        # What the story submitted before has no receipts here.
        own = ["--own", f"0-{self.before - 1}"]
        where = ["--keys", "keys", "--url", self.registry.url, "--out", "out"]
        return run("recover", *where, "--compromised", "signing-1", *own, *more)


@pytest.fixture
def robbed(at: Path, now: Story) -> Iterator[Robbed]:
    world = World(at, now)
    with Lister(world) as registry:
        yield Robbed(at, world, registry)


def declared() -> e.KeyCompromised:
    event, *_ = decode_events(Path("out/1-keys.ndjson").read_bytes().splitlines())
    assert isinstance(event, e.KeyCompromised)
    return event


@pytest.mark.slow
def test_an_honest_list_leads_to_a_declaration_that_keeps_what_is_ones_own(robbed: Robbed) -> None:
    assert robbed.recovers().code == 0
    assert (declared().since, declared().kept) == (robbed.theft, ((robbed.mine[1],) * 2,))


@pytest.mark.slow
def test_a_theft_that_is_not_listed_is_not_kept_with_what_lies_around_it(robbed: Robbed) -> None:
    robbed.registry.hidden.add(robbed.theft)
    assert robbed.recovers("--since", robbed.mine[0]).code == 0
    kept = declared().kept or ()
    assert [each for each in kept if each[0] <= robbed.theft <= each[1]] == []
    assert {each for each in robbed.mine if any(a <= each <= b for a, b in kept)} == {*robbed.mine}


@pytest.mark.slow
@pytest.mark.parametrize(
    "told", [None, {"events": 9}, {"key": party("other").key_id}, {"jti": "another"}]
)
def test_ones_own_submission_that_is_not_listed_as_it_was_is_told(
    robbed: Robbed, told: dict[str, object] | None
) -> None:
    """Else the declaration would void it, or keep what was put in its place."""
    if told is None:
        robbed.registry.hidden.add(robbed.mine[1])
    else:
        robbed.registry.told[robbed.mine[1]] = told
    done = robbed.recovers("--json")
    assert (done.code, done.json["error"]) == (1, "refuted")
    assert f"the submission at {robbed.mine[1]}, of which you have a receipt" in done.out
    assert not Path("out").exists()
    asked = run("keys", "--keys", "keys", "--url", robbed.registry.url, "--json")
    assert (asked.code, asked.json["error"]) == (1, "refuted")
    done = robbed.hands_in("next.signed")
    assert done.code == 0, "nobody's work is stopped"
    assert f"the submission at {robbed.mine[1]}, of which you have a receipt" in done.err


@pytest.mark.slow
def test_a_registry_of_another_log_than_the_receipts_is_not_believed(robbed: Robbed) -> None:
    """By another name for the log it would make all of the owner's word strange."""
    robbed.registry.origin = "log.example/other"
    done = robbed.recovers("--json")
    assert (done.code, done.json["error"]) == (1, "refuted")
    assert "log.example/other" in done.out
    assert not Path("out").exists()


@pytest.mark.slow
def test_a_log_with_an_odd_name_puts_no_command_into_what_is_to_be_pasted(robbed: Robbed) -> None:
    for receipt in Path("keys/receipts").glob("*.json"):
        receipt.unlink()
    robbed.registry.origin = "log;touch${IFS}gone"
    done = robbed.recovers()
    assert done.code == 0, done.err
    assert "--log 'log;touch${IFS}gone' --out" in done.err


@pytest.mark.slow
def test_a_receipt_that_does_not_hold_makes_nothing_ones_own(robbed: Robbed) -> None:
    kept = set(Path("keys/receipts").glob("*.json"))
    body = robbed.story.cohort(1)
    position = robbed.registry.log.size
    honest = robbed.registry.answer(Asked("POST", "/submissions", {}, {}, body)).body
    moved = honest.replace(f'"position":{position}'.encode(), b'"position":1')
    # The list of submissions is asked for first.
    robbed.registry.script.extend([Reply.problem(404), Reply(200, moved)])
    Path("s").write_bytes(body)
    where = ["--url", robbed.registry.url, "--vkey", "log.vkey", "--keys", "keys"]
    done = run("submit", "s", *where)
    assert done.code == 1, done.err
    assert set(Path("keys/receipts").glob("*.json")) == kept


@pytest.mark.slow
@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ({"size": 9, "items": [{}] * 1001}, "unknown form"),
        ({"size": 9, "items": [], "next": "?cursor=1"}, "more than 500 pages"),
    ],
)
def test_a_list_without_end_is_not_held_in_memory(
    robbed: Robbed, monkeypatch: pytest.MonkeyPatch, answer: dict[str, object], says: str
) -> None:
    monkeypatch.setattr(robbed.registry, "answer", lambda asked: _endless(robbed, asked, answer))
    done = robbed.recovers("--json")
    assert (done.code, done.json["error"]) == (2, "unavailable")
    assert says in done.out


def _endless(robbed: Robbed, asked: Asked, answer: dict[str, object]) -> Reply:
    lists = asked.path.endswith("/submissions")
    return _json(answer) if lists else HttpRegistry.answer(robbed.registry, asked)
