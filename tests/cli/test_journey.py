"""A register is filled, used and checked by commands alone, as its users would."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from testamur.cli.key_folder import KeyFolder
from tests.cli.commands import key_folder, run
from tests.harness.awards import cohort
from tests.harness.http_registry import HttpRegistry
from tests.harness.published_log import PublishedLog
from tests.harness.story import Story, party


class Register:
    """A log that is open and has nobody in it but its authority."""

    def __init__(self, folder: Path, story: Story, url: str) -> None:
        self.folder = folder
        self.story = story
        self.url = url

    def keygen(self, name: str, *more: str) -> str:
        done = run("keygen", "--out", name, *more, "--json")
        return str(done.json["did"])

    def event(self, *arguments: str, to: str) -> dict[str, object]:
        done = run("event", *arguments, "--to", to, "--json")
        assert done.code == 0, done.out
        return dict(done.json[0])

    def say(self, events: str, keys: str, *more: str) -> None:
        """Sign and hand in a file of events, and expect a receipt that holds."""
        body = f"{events}.submission"
        log = ["--log", self.story.origin]
        signed = run("sign", events, "--keys", keys, *log, "--out", body, *more)
        assert signed.code == 0, signed.err
        done = run("submit", body, "--url", self.url, "--vkey", "log.vkey", "--keys", keys)
        assert done.code == 0, done.out + done.err

    def join(self, keys: str, sponsor: str, role: str, name: str, out: str) -> None:
        who = ["--name", name, "--country", "NL", "--role", role]
        where = ["--log", self.story.origin, "--sponsor", sponsor]
        assert run("join", "--keys", keys, *who, *where, "--out", out).code == 0


@pytest.fixture
def register(at: Path, now: Story) -> Iterator[Register]:
    log = PublishedLog(at / "log", now)
    log.append(now.genesis())
    log.publish()
    key_folder(at / "authority", now.authority)
    (at / "log.vkey").write_text(f"{log.key}\n")
    with HttpRegistry(log) as server:
        yield Register(at, now, server.url)


@pytest.mark.slow
def test_from_a_key_of_ones_own_to_a_credential_that_holds(register: Register) -> None:
    authority = register.story.authority.did
    accreditor = register.keygen("agency", "--curve", "P-256")
    college = register.keygen("college")

    # An authority brings in and recognises an accreditor,
    register.join("agency", authority, "accreditor", "Quality Agency", out="one")
    words = ["name=Quality Agency", "country=NL", f"organization={accreditor}", "as=accreditor"]
    when = ["recognition=new", "validFrom=2026-01-01"]
    register.event("recognition.granted", *words, *when, to="one")
    register.say("one", "authority")

    # which brings in and accredits a college,
    register.join("college", accreditor, "provider", "A College", out="two")
    words = ["name=A College", "country=NL", f"provider={college}"]
    terms = ["decision=positive", "kind=institutional", "validFrom=2026-01-01"]
    granted = register.event("accreditation.granted", "accreditation=new", *words, *terms, to="two")
    register.say("two", "agency")

    # which puts its founding and recovery keys away, and lists a second key and retires the first,
    for name in ("founding-key.txt", "recovery-1.key"):
        (register.folder / "college" / name).rename(register.folder / name)
    first = KeyFolder.read(register.folder / "college").named("signing-1").key
    assert run("keygen", "--out", "college", "--more", "signing", "--to", "three").code == 0
    register.event("key.retired", f"key={first}", to="three")
    register.say("three", "college", "--key", "recovery-1.key")

    # and awards.
    definition = json.loads(run("event", "achievement.defined", "achievement=new", *_soils()).out)
    (register.folder / "five").write_text(json.dumps(definition, separators=(",", ":")) + "\n")
    register.say("five", "college")
    _write_settings(register.folder, definition, granted, college)
    spring = ["--achievement", "soils.json", "--provider", "college.json", "--out", "spring"]
    assert run("prepare", "cohort.csv", *spring, "--keys", "college").code == 0
    register.say("spring/events.ndjson", "college")

    # Anybody can check all of it,
    replayed = run("replay", register.url, "--vkey", "log.vkey", "--json")
    assert replayed.code == 0, replayed.out
    assert replayed.json["credentials"] == {"active": 4}
    assert replayed.json["organizations"] == 3
    keys = run("keys", college, "--log", register.url, "--vkey", "log.vkey", "--json").json["keys"]
    assert [each["submissions"] for each in keys] == [0, 1, 0, 2]

    # and each holder her own,
    holder, other = sorted((register.folder / "spring/holders").iterdir())[:2]
    verify = ["verify", holder, "--url", register.url, "--vkey", "log.vkey", "--json"]
    good = run(*verify, "--anchor", authority)
    assert good.code == 0, good.out
    _verify_with_many_anchors(verify, authority)

    # until it is revoked.
    assert run("revoke", holder, "--reason", "issuedInError", "--to", "six").code == 0
    register.say("six", "college")
    revoked = run(*verify, "--anchor", authority)
    assert revoked.code == 1
    verdicts = {check["name"]: check["verdict"] for check in revoked.json["checks"]}
    assert [name for name, verdict in verdicts.items() if verdict == "refuted"] == ["status"]
    verify[1] = other
    assert run(*verify, "--anchor", authority).code == 0


def _verify_with_many_anchors(verify: list[object], authority: str) -> None:
    """A registry is asked about eight anchors: of more, none is passed over in silence."""
    strangers = [each for number in range(9) for each in ("--anchor", party(f"a{number}").did)]
    assert run(*verify, *strangers[:14], "--anchor", authority).code == 0
    asked = run(*verify, *strangers[:16], "--anchor", authority)
    assert (asked.code, asked.json["error"]) == (2, "unavailable")
    assert "at most 8 anchors, and 9 were given" in asked.json["detail"]
    assert "--log" in asked.json["detail"]
    replayed = ["--log" if each == "--url" else each for each in verify]
    assert run(*replayed, *strangers, "--anchor", authority).code == 0


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


@pytest.mark.slow
def test_a_registration_for_another_sponsor_is_of_no_use(register: Register) -> None:
    register.keygen("college")
    register.join("college", party("another").did, "provider", "A College", out="one")
    register.say("one", "authority")
    replayed = run("replay", "log", "--vkey", "log.vkey", "--json")
    assert (replayed.code, replayed.json["rule"]) == (1, "sponsor")


@pytest.mark.slow
def test_a_registration_that_its_sponsor_changed_is_of_no_use(register: Register) -> None:
    register.keygen("college")
    register.join("college", register.story.authority.did, "provider", "A College", out="one")
    (register.folder / "two").write_text(
        (register.folder / "one").read_text().replace("A College", "Oxford")
    )
    register.say("two", "authority")
    replayed = run("replay", "log", "--vkey", "log.vkey", "--json")
    assert (replayed.code, replayed.json["rule"]) == (1, "registration-signature")
