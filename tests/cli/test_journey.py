"""A register is filled, used and checked by commands alone, as its users would."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from testamur.keys import PrivateKey
from tests.cli.commands import key_file, run
from tests.harness.awards import cohort
from tests.harness.http_registry import HttpRegistry
from tests.harness.published_log import PublishedLog
from tests.harness.story import Story


class Register:
    """A log that is open and has nobody in it but its authority."""

    def __init__(self, folder: Path, story: Story, url: str) -> None:
        self.folder = folder
        self.story = story
        self.url = url

    def key(self, name: str, curve: str = "Ed25519") -> str:
        done = run("keygen", "--out", f"{name}.key", "--curve", curve, "--json")
        return str(done.json["did"])

    def event(self, *arguments: str, to: str) -> dict[str, object]:
        done = run("event", *arguments, "--to", to, "--json")
        assert done.code == 0, done.out
        return dict(done.json[0])

    def say(self, events: str, key: str, *more: str) -> None:
        """Sign and hand in a file of events, and expect a receipt that holds."""
        body = f"{events}.submission"
        log = ["--log", self.story.origin]
        signed = run("sign", events, "--key", f"{key}.key", *log, "--out", body, *more)
        assert signed.code == 0, signed.err
        done = run("submit", body, "--url", self.url, "--vkey", "log.vkey")
        assert done.code == 0, done.out + done.err

    def possession(self, key: str, sponsor: str, *more: str) -> str:
        given = ["--log", self.story.origin, "--sponsor", sponsor, *more]
        assert run("possession", f"{key}.key", *given, "--out", f"{key}.json").code == 0
        return f"{key}.json"


@pytest.fixture
def register(at: Path, now: Story) -> Iterator[Register]:
    log = PublishedLog(at / "log", now)
    log.append(now.genesis())
    log.publish()
    key_file(at, now.authority, "authority.key")
    (at / "log.vkey").write_text(f"{log.key}\n")
    with HttpRegistry(log) as server:
        yield Register(at, now, server.url)


@pytest.mark.slow
def test_from_a_key_of_ones_own_to_a_credential_that_holds(register: Register) -> None:
    authority = register.story.authority.did
    accreditor, college = register.key("accreditor", "P-256"), register.key("college")

    # An authority brings in and recognises an accreditor,
    known = ["--from", register.possession("accreditor", authority)]
    who = ["name=Quality Agency", "country=NL", "roles=accreditor"]
    register.event("organization.registered", *known, *who, to="one")
    when = ["recognition=new", "validFrom=2026-01-01"]
    register.event("recognition.granted", f"accreditor={accreditor}", *when, to="one")
    register.say("one", "authority")

    # which brings in and accredits a college,
    known = ["--from", register.possession("college", accreditor)]
    who = ["name=A College", "country=NL", "roles=provider"]
    register.event("organization.registered", *known, *who, to="two")
    terms = ["decision=positive", "kind=institutional", "validFrom=2026-01-01"]
    granted = register.event(
        "accreditation.granted", "accreditation=new", f"provider={college}", *terms, to="two"
    )
    register.say("two", "accreditor")

    # which adds a second key and retires the first,
    fresh = register.key("fresh")
    more = ["--organization", college, "--key-id", "2026"]
    known = ["--from", register.possession("fresh", college, *more)]
    register.event("key.added", *known, to="three")
    register.say("three", "college")
    first = college.removeprefix("did:key:")
    register.event("key.retired", f"key={first}", f"organization={college}", to="four")
    register.say("four", "fresh", "--kid", f"{college}#2026")
    assert fresh != college

    # and awards.
    definition = json.loads(run("event", "achievement.defined", "achievement=new", *_soils()).out)
    (register.folder / "five").write_text(json.dumps(definition, separators=(",", ":")) + "\n")
    register.say("five", "fresh", "--kid", f"{college}#2026")
    _write_settings(register.folder, definition, granted, college)
    spring = ["--achievement", "soils.json", "--provider", "college.json", "--out", "spring"]
    assert run("prepare", "cohort.csv", *spring).code == 0
    register.say("spring/events.ndjson", "fresh", "--kid", f"{college}#2026")

    # Anybody can check all of it,
    replayed = run("replay", register.url, "--vkey", "log.vkey", "--json")
    assert replayed.code == 0, replayed.out
    assert replayed.json["credentials"] == {"active": 4}
    assert replayed.json["organizations"] == 3

    # and each holder her own,
    holder, other = sorted((register.folder / "spring/holders").iterdir())[:2]
    verify = ["verify", holder, "--url", register.url, "--vkey", "log.vkey", "--json"]
    good = run(*verify, "--anchor", authority)
    assert good.code == 0, good.out

    # until it is revoked.
    assert run("revoke", holder, "--reason", "issuedInError", "--to", "six").code == 0
    register.say("six", "fresh", "--kid", f"{college}#2026")
    revoked = run(*verify, "--anchor", authority)
    assert revoked.code == 1
    verdicts = {check["name"]: check["verdict"] for check in revoked.json["checks"]}
    assert [name for name, verdict in verdicts.items() if verdict != "holds"] == ["status"]
    verify[1] = other
    assert run(*verify, "--anchor", authority).code == 0


def _soils() -> list[str]:
    return ["definition.name=Soil Science", "definition.achievementType=MicroCredential"]


def _write_settings(
    folder: Path, definition: dict[str, object], granted: dict[str, object], college: str
) -> None:
    words = {"criteria": "Pass the examination.", "description": "What soils are made of."}
    terms = {name: definition[name] for name in ("achievement", "definition")}
    soils = {**terms, **words, "accreditation": granted["accreditation"]}
    (folder / "soils.json").write_text(json.dumps(soils))
    who = {"did": college, "name": "A College", "country": "NL"}
    (folder / "college.json").write_text(json.dumps(who))
    (folder / "cohort.csv").write_bytes(cohort(4))


def test_a_key_that_its_owner_did_not_offer_is_of_no_use(register: Register) -> None:
    college = register.key("college")
    known = ["--from", register.possession("college", "did:web:another.example")]
    who = ["name=A College", "country=NL", "roles=provider"]
    register.event("organization.registered", *known, *who, to="one")
    register.say("one", "authority")
    replayed = run("replay", "log", "--vkey", "log.vkey", "--json")
    assert (replayed.code, replayed.json["rule"]) == (1, "possession")
    secret = PrivateKey.from_multikey((register.folder / "college.key").read_text().strip())
    assert secret.public.did_key() == college
