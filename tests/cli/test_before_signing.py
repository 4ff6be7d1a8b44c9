"""Before the signature: what the log says against a file is said while it can still be mended."""

from __future__ import annotations

import json
import os
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from testamur.badges.contradictions import Contradictions
from testamur.catalogue import events as e
from testamur.catalogue.members import Definition
from testamur.http.registered import VouchedWords
from tests.cli.commands import Ended, key_folder, run
from tests.harness.awards import awards, cohort, offering, provider
from tests.harness.http_registry import HttpRegistry
from tests.harness.published_log import opened_log
from tests.harness.served import Served
from tests.harness.story import Story

PREPARE = ["prepare", "c.csv", "--achievement", "soils.json", "--provider", "college.json"]


class Registrar:
    """Somebody with a folder of keys, a spreadsheet, and a registry that is served."""

    def __init__(self, folder: Path, served: Served, story: Story) -> None:
        self.folder = folder
        self.served = served
        self.story = story
        self.asks = ["--url", served.url, "--keys", "keys"]
        key_folder(folder / "keys", story.provider)
        self.writes("soils.json", offering(story))
        self.writes("college.json", provider(story))
        self.lists("ada@example.org", "1046783")

    def writes(self, file: str, given: msgspec.Struct, **changed: Any) -> None:
        (self.folder / file).write_text(json.dumps(msgspec.to_builtins(given) | changed))

    def lists(self, *learners: str, day: str | None = None) -> None:
        day = day or f"{datetime.now(UTC):%Y-%m-%d}"
        rows = (f"{each},{day}" for each in learners)
        (self.folder / "c.csv").write_text("\n".join(("learner,awarded", *rows, "")))

    def prepares(self, out: str = "spring", *more: str) -> Ended:
        return run(*PREPARE, "--keys", "keys", "--out", out, *more)

    def checks(self, file: str = "spring/events.ndjson", *more: str) -> Ended:
        return run("check", file, *self.asks, *more)

    def signs(self, out: str = "s", *more: str) -> Ended:
        log = ["--keys", "keys", "--log", self.story.origin, "--out", out]
        return run("sign", "spring/events.ndjson", *log, *more)


@pytest.fixture
def registrar(at: Path, served: Served, college: Story) -> Registrar:
    return Registrar(at, served, college)


def edited(registrar: Registrar) -> None:
    """Let the level in achievement.json be another one than on the log."""
    definition = msgspec.to_builtins(registrar.story.definition())
    definition["level"] = {"framework": "EQF", "value": 7}
    registrar.writes("soils.json", offering(registrar.story), definition=definition)


@pytest.mark.slow
def test_an_edited_definition_is_noticed_before_it_is_signed(registrar: Registrar) -> None:
    edited(registrar)
    assert registrar.prepares().code == 0
    done = registrar.checks("spring/events.ndjson", "--json")
    assert done.code == 1
    assert [(each["rule"], each["line"]) for each in done.json["refusals"]] == [
        ("definition-differs", 1),
        ("definition-differs", 2),
    ]
    assert "level EQF 7 in the credential, EQF 6 on the log" in done.json["refusals"][0]["detail"]
    assert {each["source"] for each in done.json["refusals"]} == {"c.csv row 2", "c.csv row 3"}
    assert done.json["registry"]["accepted"]  # the register alone cannot see it
    signed = registrar.signs("s", "--url", registrar.served.url)
    assert (signed.code, "Nothing was signed" in signed.err) == (1, True)
    assert not (registrar.folder / "s").exists()
    # Without a registry to ask, nobody knows.
    assert registrar.signs("s").code == 0


def test_what_agrees_with_the_log_is_signed(registrar: Registrar) -> None:
    assert registrar.prepares().code == 0
    done = registrar.checks()
    assert (done.code, "flagged" in done.err) == (0, False)
    assert registrar.signs("s", "--url", registrar.served.url).code == 0


def test_flags_are_listed_with_what_to_do_before_anything_is_signed(registrar: Registrar) -> None:
    registrar.lists("7", "8", day="2026-01-02")
    registrar.prepares()
    done = registrar.checks()
    assert done.code == 1
    assert re.search(r"flagged backdated: 2 times, first on line 1 \(c.csv row [23]\)", done.err)
    assert "valid from 2026-01-02, " in done.err
    assert "What to do: mend the day of the award if it is wrong." in done.err
    assert registrar.signs("s", "--url", registrar.served.url).code == 1
    assert registrar.checks("spring/events.ndjson", "--accept-flags").code == 0
    assert registrar.signs("s", "--url", registrar.served.url, "--accept-flags").code == 0
    # In the submission the header is line 1.
    assert "first on line 2" in registrar.checks("s").err


def test_a_holder_file_that_was_changed_since_is_noticed(registrar: Registrar) -> None:
    registrar.prepares()
    holder = next((registrar.folder / "spring/holders").iterdir())
    holder.write_text(holder.read_text().replace("Pass the examination", "Turn up"))
    (refusal,) = registrar.checks("spring/events.ndjson", "--json").json["refusals"]
    assert refusal["rule"] == "commitment"
    assert "prepare all anew" in refusal["detail"]


def test_a_name_for_which_nobody_vouches_is_noticed(registrar: Registrar) -> None:
    registrar.writes("college.json", provider(registrar.story), name="Another College")
    registrar.prepares()
    done = registrar.checks("spring/events.ndjson", "--json")
    assert {each["rule"] for each in done.json["refusals"]} == {"issuer-name"}
    edited(registrar)
    registrar.prepares("both")
    both = registrar.checks("both/events.ndjson", "--json").json["refusals"]
    assert [(each["line"], each["rule"]) for each in both] == [
        (line, rule) for line in (1, 2) for rule in ("definition-differs", "issuer-name")
    ]
    assert "vouches for the name An Organization" in done.json["refusals"][0]["detail"]


# --- While it is prepared ---


def rules(done: Ended) -> list[tuple[str, str]]:
    return sorted((each["source"], each["rule"]) for each in done.json["refused"])


def test_a_cohort_that_contradicts_the_log_is_not_prepared(registrar: Registrar) -> None:
    edited(registrar)
    done = registrar.prepares("spring", "--url", registrar.served.url, "--json")
    assert done.code == 1
    assert rules(done) == [
        ("c.csv row 2", "definition-differs"),
        ("c.csv row 3", "definition-differs"),
    ]
    assert not (registrar.folder / "spring").exists()


def test_another_version_of_the_definition_is_compared_with_that_version(
    registrar: Registrar,
) -> None:
    story = registrar.story
    definition = msgspec.structs.replace(story.definition(), name="Soil Science II")
    revised = e.AchievementRevised(achievement=story.achievement, definition=definition, version=2)
    registrar.served.submit(story.submission(story.provider, revised))
    asks = ["--url", registrar.served.url, "--json"]
    done = registrar.prepares("old", *asks)
    assert [each["code"] for each in done.json["flags"]] == ["achievement-version-outdated"]
    registrar.writes("soils.json", offering(story), version=2)
    assert {rule for _, rule in rules(registrar.prepares("new", *asks))} == {"definition-differs"}
    now = msgspec.to_builtins(definition)
    registrar.writes("soils.json", offering(story), version=2, definition=now)
    assert registrar.prepares("new", *asks).code == 0


def test_flags_are_told_by_rows_and_stop_it_unless_they_are_accepted(registrar: Registrar) -> None:
    registrar.lists("7", day="2026-01-02")
    done = registrar.prepares("spring", "--url", registrar.served.url)
    assert done.code == 1
    assert "flagged backdated: once, first on c.csv row 2" in done.err
    assert "Leave them so: --accept-flags" in done.err
    assert not (registrar.folder / "spring").exists()
    accepted = registrar.prepares("spring", "--url", registrar.served.url, "--accept-flags")
    assert accepted.code == 0


@pytest.mark.slow
def test_what_the_register_would_refuse_is_refused_with_its_row(registrar: Registrar) -> None:
    registrar.writes("soils.json", offering(registrar.story), achievement=registrar.story.new_id())
    done = registrar.prepares("spring", "--url", registrar.served.url, "--json")
    assert rules(done) == [
        ("c.csv row 2", "unknown-achievement"),
        ("c.csv row 3", "unknown-achievement"),
    ]
    assert "line" not in done.json["refused"][0]


def test_a_registry_needs_somebody_who_signs_what_it_is_asked(registrar: Registrar) -> None:
    asks = [*PREPARE, "--out", "spring", "--url", registrar.served.url]
    assert run(*asks).code == 2
    assert run(*asks, "--key", "keys/signing-1.key").code == 0
    assert len(list((registrar.folder / "keys/prepared").iterdir())) == 1


def test_what_others_have_to_mend_stops_nothing_and_says_whom_to_write_to(
    registrar: Registrar,
) -> None:
    story = registrar.story
    overdue = msgspec.structs.replace(story.accredited(story.new_id()), review_by=date(2026, 1, 31))
    registrar.served.submit(story.submission(story.accreditor, overdue))
    registrar.writes("soils.json", offering(story), accreditation=overdue.accreditation)
    whom = f"accreditor An Organization ({story.accreditor.did})"
    prepared = registrar.prepares("spring", "--url", registrar.served.url)
    sent = submitted(registrar, "spring")
    for done in (prepared, sent):
        assert done.code == 0
        shown = " ".join(done.err.split())
        assert "flagged review-overdue: 2 times, first on " in shown
        assert whom in shown
        assert "What to do: write to the accreditor" in shown


# --- Who holds it already ---


def submitted(registrar: Registrar, out: str) -> Ended:
    """Sign what was prepared in a folder, and submit it."""
    log = ["--keys", "keys", "--log", registrar.story.origin, "--out", f"{out}.s"]
    assert run("sign", f"{out}/events.ndjson", *log).code == 0
    return run("submit", f"{out}.s", *registrar.asks, "--vkey", registrar.served.vkey)


@pytest.mark.slow
def test_the_same_spreadsheet_is_not_issued_twice(registrar: Registrar) -> None:
    assert registrar.prepares("spring").code == 0
    assert registrar.prepares("again").code == 0  # nothing is recorded yet
    assert submitted(registrar, "spring").code == 0
    # Neither what was prepared before, nor what is prepared now, in whatever spelling.
    second = submitted(registrar, "again")
    assert (second.code, "already-awarded" in second.err) == (1, True)
    assert "nothing was submitted" in second.err
    assert "so do 2 in all" in second.err
    checked = registrar.checks("again/events.ndjson", "--json")
    assert {each["rule"] for each in checked.json["refusals"]} == {"already-awarded"}
    one_key = ["--url", registrar.served.url, "--key", "keys/signing-1.key", "--json"]
    beside = run("check", "again/events.ndjson", *one_key)
    assert beside.json["refusals"] == checked.json["refusals"]
    registrar.lists("Ada@Example.ORG", "8")
    done = registrar.prepares("third", "--url", registrar.served.url, "--json")
    assert rules(done) == [("c.csv row 2", "already-awarded")]
    part = registrar.prepares("fourth", "--allow-refused", "--json")
    assert (part.code, part.json["prepared"], len(rules(part))) == (0, 1, 1)
    assert len((registrar.folder / "fourth/events.ndjson").read_text().splitlines()) == 1
    assert len(list((registrar.folder / "fourth/holders").iterdir())) == 1
    assert "row 2" not in (registrar.folder / "fourth/index.csv").read_text()
    # What was sent already may be sent again.
    assert run("submit", "spring.s", *registrar.asks, "--vkey", registrar.served.vkey).code == 0
    # And a second award that is meant is one.
    assert registrar.prepares("fifth", "--award-again").code == 0
    assert submitted(registrar, "fifth").code == 0


@pytest.mark.slow
def test_a_submission_whose_receipt_never_came_is_not_issued_again(registrar: Registrar) -> None:
    """The registry recorded it, and the command was cut off before it could write that down."""
    registrar.prepares("spring")
    assert registrar.signs("spring.s").code == 0
    registrar.served.submit((registrar.folder / "spring.s").read_bytes())
    done = registrar.prepares("again", "--url", registrar.served.url, "--json")
    assert {rule for _, rule in rules(done)} == {"already-awarded"}
    again = run("submit", "spring.s", *registrar.asks, "--vkey", registrar.served.vkey, "--json")
    assert (again.code, again.json["repeated"]) == (0, True)
    assert {rule for _, rule in rules(registrar.prepares("again", "--json"))} == {"already-awarded"}


@pytest.mark.slow
def test_who_lost_a_credential_may_be_awarded_it_anew(registrar: Registrar) -> None:
    registrar.lists("ada@example.org")
    registrar.prepares("spring")
    assert submitted(registrar, "spring").code == 0
    (holder,) = (registrar.folder / "spring/holders").iterdir()
    # From another desk, so that the ledger here does not know.
    story = registrar.story
    revoked = e.CredentialRevoked(credential=holder.stem, reason="misconduct")
    registrar.served.submit(story.submission(story.provider, revoked))
    offline = registrar.prepares("again", "--json")
    assert rules(offline) == [("c.csv row 2", "already-awarded")]
    assert registrar.prepares("again", "--url", registrar.served.url).code == 0
    assert submitted(registrar, "again").code == 0


def test_a_badge_that_hashes_its_learner_is_said_not_to_be_compared(registrar: Registrar) -> None:
    registrar.prepares("spring")
    badges = registrar.folder / "badges"
    badges.mkdir()
    for number, file in enumerate((registrar.folder / "spring/holders").iterdir()):
        credential = json.loads(file.read_bytes())["credential"] | {"id": f"urn:x:{number}"}
        del credential["proof"]
        if number:
            credential["credentialSubject"]["id"] = "MAILTO:Ada@example.org"
        (badges / file.name).write_text(json.dumps(credential))
    what = ["--achievement", registrar.story.achievement]
    done = run("prepare", "badges", *what, "--keys", "keys", "--out", "again")
    assert done.code == 0, done.out
    assert "1 credentials name their learner by a hash alone" in done.err


@pytest.mark.slow
def test_what_has_run_out_may_be_awarded_anew(registrar: Registrar) -> None:
    today = datetime.now(UTC).date()
    days = [f"{today - timedelta(days=before)}" for before in (3, 1)]
    text = f"learner,awarded,validUntil\nada@example.org,{days[0]},{days[1]}\n"
    (registrar.folder / "c.csv").write_text(text)
    registrar.prepares("spring")
    assert submitted(registrar, "spring").code == 0
    asks = ["--url", registrar.served.url, "--json"]
    assert rules(registrar.prepares("again", "--json")) == [("c.csv row 2", "already-awarded")]
    assert registrar.prepares("again", *asks).code == 0


@pytest.mark.slow
def test_new_keys_leave_the_ledger_as_it_is(registrar: Registrar) -> None:
    registrar.prepares("spring")
    assert submitted(registrar, "spring").code == 0
    files = [registrar.folder / "keys" / name for name in ("ledger.key", "awarded.ledger")]
    before = [file.read_bytes() for file in files]
    run("keygen", "--out", "keys", "--more", "signing", "--to", "rotate.ndjson")
    assert [file.read_bytes() for file in files] == before
    assert rules(registrar.prepares("again", "--json"))


def test_nothing_of_the_ledger_goes_on_the_log(registrar: Registrar) -> None:
    registrar.prepares("spring")
    assert submitted(registrar, "spring").code == 0
    text = (registrar.folder / "keys/awarded.ledger").read_text()
    tokens = re.findall(r" ([A-Za-z0-9_-]{43}) ", text)
    assert len(tokens) == 2
    sent = (registrar.folder / "spring.s").read_text()
    given = "".join(each.read_text() for each in (registrar.folder / "spring").rglob("*.*"))
    assert not any(each in sent + given for each in tokens)


# --- The comparison by itself ---


def test_credentials_of_a_cohort_are_judged_once(now: Story) -> None:
    prepared = awards(now, 40)
    asked: list[object] = []

    class Counted(dict[tuple[str, int], Definition]):
        def get(self, key: Any, default: Any = None) -> Any:
            asked.append(key)
            return super().get(key, default)

    definitions = Counted({(now.achievement, 1): now.definition()})
    words = VouchedWords(name="an  organization")
    compared = Contradictions(now.provider.did, definitions, {now.accreditation: words})
    for holder, event in zip(prepared.holders, prepared.events, strict=True):
        assert compared.of(holder.credential, event) == ()
    assert len(asked) == 1


def test_an_issuer_goes_by_what_its_accreditor_vouches_for(now: Story) -> None:
    prepared = awards(now, 1)
    credential = prepared.holders[0].credential
    issuer = credential["issuer"] | {"id": "did:web:college.example"}
    for ids, rules in ((None, ["issuer-id"]), (("did:web:college.example",), [])):
        words = VouchedWords(name="An Organization", other_ids=ids)
        compared = Contradictions(now.provider.did, {}, {now.accreditation: words})
        found = compared.of({**credential, "issuer": issuer}, prepared.events[0])
        assert [each.rule for each in found] == rules


# --- A registry that is not there, or lies ---


def test_a_registry_that_is_not_there_is_told_once_and_nothing_is_written(
    registrar: Registrar,
) -> None:
    done = registrar.prepares("spring", "--url", "http://127.0.0.1:9")
    assert (done.code, len(done.err.splitlines())) == (2, 1)
    assert not (registrar.folder / "spring").exists()


def test_one_that_is_only_offered_stops_nobody(
    registrar: Registrar, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TESTAMUR_URL", "http://127.0.0.1:9")
    done = registrar.prepares("spring")
    assert (done.code, "nothing is compared with the log" in done.err) == (0, True)


def test_what_a_registry_takes_and_does_not_show_could_not_be_compared(
    at: Path, now: Story
) -> None:
    """It says that it would admit the events, and knows nothing of what they name."""
    log, story = opened_log(at / "log", story=now)
    with HttpRegistry(log) as registry:
        files = {"soils.json": offering(story), "college.json": provider(story)}
        for name, given in files.items():
            (at / name).write_bytes(msgspec.json.encode(given))
        (at / "c.csv").write_bytes(cohort(1))
        key_folder(at / "keys", story.provider)
        asks = ["--keys", "keys", "--url", registry.url]
        done = run(*PREPARE, *asks, "--out", "spring")
        assert done.code == 2
        assert "does not show it, so nothing could be compared" in done.err
        assert run(*PREPARE, "--keys", "keys", "--out", "spring").code == 0
        assert run("check", "spring/events.ndjson", *asks).code == 2


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_into_is_told(registrar: Registrar) -> None:
    (registrar.folder / "keys").chmod(0o500)
    done = registrar.prepares("spring")
    (registrar.folder / "keys").chmod(0o700)
    assert (done.code, "will not be noticed" in done.err) == (0, True)
