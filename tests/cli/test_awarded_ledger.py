"""The ledger of a folder of keys: nobody is awarded twice, and only its owner can tell who was."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from threading import Event, Thread

import pytest

from testamur.badges.learner_tokens import folded, learners_of, token
from testamur.catalogue import events as e
from testamur.cli import awarded_ledger
from testamur.cli.awarded_again import MOST_ASKED, awarded_again
from testamur.cli.awarded_ledger import Ledger, Prepared
from testamur.cli.key_folder import KeyFolder
from testamur.errors import Refusal, Unavailable
from testamur.private_keys import holds_private_key
from tests.cli.commands import key_folder, run
from tests.harness.story import Story
from tests.harness.waiting import until

LOG, OTHER = "log.example/testamur", "log.example/test"


@pytest.fixture
def folder(at: Path, now: Story) -> KeyFolder:
    return key_folder(at / "keys", now.provider)


@pytest.fixture
def ledger(folder: KeyFolder) -> Ledger:
    return Ledger.of(folder)


def award(ledger: Ledger, story: Story, *learners: str, again: bool = False) -> list[e.Event]:
    """Let credentials of these learners be prepared, and return the events that issue them."""
    events = [story.issued() for _ in learners]
    made = {
        event.credential: Prepared(ledger.tokens(story.achievement, [learner]), again)
        for event, learner in zip(events, learners, strict=True)
    }
    ledger.prepare(made)
    return list(events)


def holding(ledger: Ledger, story: Story, *learners: str, log: str | None = LOG) -> list[str]:
    """Return those of the learners who hold the story's achievement by the ledger."""
    return [
        each for each in learners if ledger.awarded(ledger.tokens(story.achievement, [each]), log)
    ]


def test_what_was_recorded_is_remembered_and_nothing_else(ledger: Ledger, now: Story) -> None:
    recorded, _ = award(ledger, now, "ada@example.org"), award(ledger, now, "bob@example.org")
    assert holding(ledger, now, "ada@example.org", "bob@example.org") == []
    ledger.record(LOG, recorded)
    assert holding(ledger, now, "ada@example.org", "bob@example.org") == ["ada@example.org"]
    assert holding(ledger, now, "ada@example.org", log=OTHER) == []
    assert holding(ledger, now, "ada@example.org", log=None) == ["ada@example.org"]
    assert len(list((ledger.path / "prepared").iterdir())) == 1  # that of bob


def test_the_same_submission_again_changes_nothing(ledger: Ledger, now: Story) -> None:
    events = award(ledger, now, "ada@example.org")
    ledger.record(LOG, events)
    before = (ledger.path / awarded_ledger.LEDGER).read_bytes()
    ledger.record(LOG, events)
    assert (ledger.path / awarded_ledger.LEDGER).read_bytes() == before


@pytest.mark.parametrize("ending", ["revoked", "superseded"])
def test_who_lost_it_may_be_awarded_anew(ledger: Ledger, now: Story, ending: str) -> None:
    (first,) = award(ledger, now, "ada@example.org")
    assert isinstance(first, e.CredentialIssued)
    ledger.record(LOG, [first])
    (fresh,) = award(ledger, now, "ada@example.org")
    assert isinstance(fresh, e.CredentialIssued)
    ended: e.Event = e.CredentialRevoked(credential=first.credential, reason="misconduct")
    if ending == "superseded":
        ended = e.CredentialSuperseded(credential=first.credential, successor=fresh.credential)
    ledger.record(LOG, [ended])
    assert holding(ledger, now, "ada@example.org") == []
    ledger.record(LOG, [fresh])
    assert holding(ledger, now, "ada@example.org") == ["ada@example.org"]


def test_a_credential_that_its_own_submission_replaces_is_no_second_one(
    ledger: Ledger, now: Story
) -> None:
    (first,) = award(ledger, now, "ada@example.org")
    assert isinstance(first, e.CredentialIssued)
    ledger.record(LOG, [first])
    made = {"new": Prepared(ledger.tokens(now.achievement, ["ada@example.org"]), again=False)}
    assert list(awarded_again(ledger, made, log=LOG)) == ["new"]
    assert awarded_again(ledger, made, log=LOG, ended={first.credential}) == {}
    meant = {"new": made["new"]._replace(again=True)}
    assert awarded_again(ledger, meant, log=LOG) == {}


def test_a_register_is_asked_what_became_of_the_earlier_one(ledger: Ledger, now: Story) -> None:
    learners = [f"{number}" for number in range(1, MOST_ASKED + 11)]
    ledger.record(LOG, award(ledger, now, *learners))
    made = {
        each: Prepared(ledger.tokens(now.achievement, [each]), again=False) for each in learners
    }
    asked: list[str] = []

    def stands(credential: str) -> bool:
        asked.append(credential)
        return False

    # Of a whole cohort prepared again the first are asked about, and the others taken to stand.
    assert len(awarded_again(ledger, made, log=LOG, stands=stands)) == 10
    assert len(asked) == len(set(asked)) == MOST_ASKED


def test_a_learner_who_is_listed_twice_in_one_file_is_noticed(ledger: Ledger, now: Story) -> None:
    made = {
        name: Prepared(ledger.tokens(now.achievement, [learner]), again=False)
        for name, learner in (("a", "Ada@Example.org"), ("b", "7"), ("c", "ada@example.org"))
    }
    found = awarded_again(ledger, made, log=LOG)
    assert [(name, each.rule, each.value) for name, each in found.items()] == [
        ("c", "already-awarded", "a")
    ]


def test_what_was_recorded_without_a_receipt_is_found_by_asking(ledger: Ledger, now: Story) -> None:
    """A command was cut off after the registry had recorded what it sent."""
    first = award(ledger, now, "ada@example.org", "bob@example.org")
    award(ledger, now, "eve@example.org")
    on_the_log = {each.credential for each in first if isinstance(each, e.CredentialIssued)}
    asked: list[str] = []

    def stands(credential: str) -> bool | None:
        asked.append(credential)
        return True if credential in on_the_log else None

    # A part of what was prepared together may have been submitted by itself.
    part = award(ledger, now, "joe@example.org", "zoe@example.org")
    assert isinstance(part[0], e.CredentialIssued)
    on_the_log.add(part[0].credential)
    learners = [f"{name}@example.org" for name in ("ada", "bob", "eve", "joe", "zoe")]
    made = {
        each: Prepared(ledger.tokens(now.achievement, [each]), again=False) for each in learners
    }
    found = awarded_again(ledger, made, log=LOG, stands=stands)
    assert list(found) == ["ada@example.org", "bob@example.org", "joe@example.org"]
    assert {each.value for each in found.values()} == on_the_log
    assert awarded_again(ledger, made, log=LOG) == {}  # nobody could be asked


def test_one_command_awards_at_a_time(ledger: Ledger, capsys: pytest.CaptureFixture[str]) -> None:
    entered = Event()

    def other() -> None:
        with ledger.alone():
            entered.set()

    with ledger.alone():
        second = Thread(target=other)
        second.start()
        until(lambda: "awards with the same keys" in capsys.readouterr().err)
        assert not entered.is_set()
    second.join(timeout=30)
    assert entered.is_set()


# --- Who can tell ---


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ada@Example.org", "ada@example.org"),
        ("mailto:ada@example.org", "ada@example.org"),
        ("MAILTO:Ada@example.org", "ada@example.org"),
        ("stra\u00dfe@example.org", "STRASSE@example.org"),
        ("\uff11\uff12", "12"),
        (" A1046783", "a1046783 "),
        ("jose\u0301@example.org", "jos\u00e9@example.org"),
    ],
)
def test_spellings_of_one_learner_are_one(one: str, other: str) -> None:
    assert folded(one) == folded(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("0012", "12"),
        ("ada@example.org", "ada@example.com"),
        ("did:key:zA", "did:key:za"),
        ("a.b@example.org", "ab@example.org"),
    ],
)
def test_two_learners_are_two(one: str, other: str) -> None:
    assert folded(one) != folded(other)


def test_a_token_is_of_one_key_one_achievement_and_one_learner() -> None:
    tokens = {
        token(key, achievement, learner)
        for key in (b"a" * 32, b"b" * 32)
        for achievement in ("x", "y")
        for learner in ("7", "8")
    }
    assert len(tokens) == 8


def test_a_badge_names_its_learner_in_the_clear_or_not_at_all() -> None:
    def identity(kind: str, value: str, *, hashed: bool) -> dict[str, object]:
        return {"identityType": kind, "identityHash": value, "hashed": hashed}

    subject = {
        "id": "did:key:zA",
        "identifier": [
            identity("emailAddress", "ada@example.org", hashed=False),
            identity("emailAddress", "sha256$00", hashed=True),
            identity("name", "Ada", hashed=False),
        ],
    }
    assert learners_of({"credentialSubject": subject}) == ("did:key:zA", "ada@example.org")
    for odd in (None, "x", [], [1], {"identifier": "x"}, {"id": 7}):
        assert learners_of({"credentialSubject": odd}) == ()


def test_the_files_are_the_owners_alone_and_hold_no_learner(ledger: Ledger, now: Story) -> None:
    ledger.record(LOG, award(ledger, now, "ada@example.org"))
    award(ledger, now, "bob@example.org")
    place = ledger.path
    files = [place / "ledger.key", place / "awarded.ledger", *(place / "prepared").iterdir()]
    assert len(files) == 3
    for file in files:
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert not re.search(b"ada|bob|example.org(?!/testamur)", file.read_bytes())
    assert stat.S_IMODE((place / "prepared").stat().st_mode) == 0o700


def test_the_key_is_known_as_a_secret_and_never_shown(ledger: Ledger) -> None:
    text = (ledger.path / "ledger.key").read_text()
    assert holds_private_key(text.encode())
    secret = text.strip().rpartition("+")[2]
    for command in (
        ["verify", "keys/ledger.key", "--url", "https://a.example", "--vkey", "keys/ledger.key"],
        ["check", "keys/ledger.key"],
        ["submit", "keys/ledger.key", "--url", "https://a.example"],
        ["event", "key.retired", "key:=@keys/ledger.key"],
        ["sign", "keys/ledger.key", "--key", "keys/ledger.key", "--log", "a.example", "--out", "o"],
    ):
        done = run(*command)
        assert done.code != 0
        shown = done.out + done.err
        assert not any(secret[at : at + 12] in shown for at in range(len(secret) - 12))


@pytest.mark.parametrize("name", ["ledger.key", "awarded.ledger"])
def test_what_others_can_read_is_refused_with_what_to_do(
    ledger: Ledger, folder: KeyFolder, now: Story, name: str
) -> None:
    ledger.record(LOG, award(ledger, now, "ada@example.org"))
    (ledger.path / name).chmod(0o640)
    with pytest.raises(Refusal, match="chmod 600"):
        holding(Ledger.of(folder), now, "ada@example.org")


# --- Damage ---


@pytest.mark.parametrize("text", ["", "x", "PRIVATE+KEY+testamur-ledger+AAAA\n", "\n" * 3])
def test_a_damaged_key_is_refused_and_not_replaced(
    ledger: Ledger, folder: KeyFolder, text: str
) -> None:
    file = ledger.path / "ledger.key"
    file.write_text(text)
    with pytest.raises(Refusal, match="ledger-key"):
        Ledger.of(folder)
    assert file.read_text() == text


@pytest.mark.parametrize("left", [None, 0, 10])
def test_a_key_without_its_ledger_is_not_taken_for_a_new_one(
    ledger: Ledger, folder: KeyFolder, now: Story, left: int | None
) -> None:
    ledger.record(LOG, award(ledger, now, "ada@example.org"))
    file = ledger.path / "awarded.ledger"
    file.unlink() if left is None else os.truncate(file, left)
    for _ in range(2):
        with pytest.raises(Refusal, match="ledger-missing"):
            Ledger.find(folder)
        with pytest.raises(Refusal, match="ledger-missing"):
            Ledger.of(folder)


def test_a_ledger_without_its_key_is_not_taken_for_an_empty_one(
    ledger: Ledger, folder: KeyFolder, now: Story
) -> None:
    ledger.record(LOG, award(ledger, now, "ada@example.org"))
    (ledger.path / "ledger.key").unlink()
    for opened in (Ledger.of, Ledger.find):
        with pytest.raises(Refusal, match="put that file back"):
            opened(folder)
    # Nor is one under another key.
    (ledger.path / "awarded.ledger").rename(ledger.path / "a")
    other = Ledger.of(folder)
    (ledger.path / "a").rename(ledger.path / "awarded.ledger")
    with pytest.raises(Refusal, match="another"):
        holding(other, now, "ada@example.org")


def test_a_crash_at_any_byte_of_a_write_loses_no_line_before_it(
    ledger: Ledger, now: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = award(ledger, now, "1"), award(ledger, now, "2")
    kept = {file: file.read_bytes() for file in (ledger.path / "prepared").iterdir()}
    ledger.record(LOG, first)
    file = ledger.path / "awarded.ledger"
    before = file.read_bytes()
    ledger.record(LOG, second)
    after = file.read_bytes()
    for size in range(0, len(after), 7):
        file.write_bytes(after[:size])
        held = holding(ledger, now, "1", "2")
        assert held == (["1"] if size >= len(before) else [])
        # The submissions are sent again, and their credentials are still remembered.
        for each, data in kept.items():
            each.write_bytes(data)
            each.chmod(0o600)
        ledger.record(LOG, [*first, *second])
        assert holding(ledger, now, "1", "2") == ["1", "2"]
    assert "damaged lines" in capsys.readouterr().err


def test_a_line_that_was_changed_is_passed_over_and_told(
    ledger: Ledger, now: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger.record(LOG, award(ledger, now, "1", "2"))
    file = ledger.path / "awarded.ledger"
    header, one, two = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(header + one.replace(b"awarded", b"ended", 1) + b"\xff" * 2_000 + b"\n" + two)
    assert holding(ledger, now, "1", "2") == ["2"]
    assert "damaged lines" in capsys.readouterr().err


def test_what_is_no_file_is_not_waited_for(ledger: Ledger, now: Story) -> None:
    os.mkfifo(ledger.path / "awarded.ledger.fifo")
    file = ledger.path / "awarded.ledger"
    file.unlink()
    (ledger.path / "awarded.ledger.fifo").rename(file)
    with pytest.raises(Unavailable, match="named pipe"):
        holding(ledger, now, "1")
