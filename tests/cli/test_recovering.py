"""A robbed organization is led back: all of its own stands, and nothing of the thief's is left."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from testamur.catalogue import events as e
from testamur.catalogue.lines import decode_events
from testamur.cli.key_folder import KeyFolder
from testamur.tlog.note import ED25519, VerifierKey
from tests.cli.commands import run
from tests.cli.robbed import Robbed
from tests.harness.story import party

pytestmark = pytest.mark.server


def events_in(file: str) -> list[e.Event]:
    return decode_events(Path(file).read_bytes()[:-1].split(b"\n"))


def test_all_is_as_if_the_thief_had_never_been(robbed: Robbed) -> None:
    story, ids = robbed.story, [robbed.story.new_id() for _ in range(4)]
    mine = robbed.says(*(story.issued(each) for each in ids))
    forged, junk = story.new_id(), story.new_id()
    first = robbed.thief_says(
        story.issued(forged), e.CredentialRevoked(credential=ids[0], reason="misconduct")
    )
    between = robbed.says(e.CredentialRevoked(credential=ids[1], reason="issuedInError"))
    robbed.thief_says(
        e.CredentialSuspended(credential=ids[2], reason="misconduct"), story.issued(junk)
    )
    assert [robbed.status(each) for each in (*ids[:3], forged)] == [
        "revoked", "revoked", "suspended", "active",
    ]  # fmt: skip

    done = robbed.recover("--json")
    assert done.code == 0, done.err
    assert done.json["since"] == first.position
    assert done.json["kept"] == [[between.position, between.position]]
    assert len(done.json["strange"]) == 2
    assert done.json["fallen"] == []
    assert done.json["registry"]["accepted"] is True
    assert done.json["registry"]["reach"]["fallen"] == {"issuances": 2, "grants": 0, "endings": 1}
    robbed.submits_all(done.json["files"])
    assert [robbed.status(each) for each in ids] == ["active", "revoked", "active", "active"]
    assert [robbed.status(each) for each in (forged, junk)] == [None, None]
    assert mine.position < first.position
    # What was answered by the declaration is nobody's worry any more.
    known = run("keys", "--keys", "keys", "--url", robbed.served.url)
    assert "somebody else may hold your key" not in known.out + known.err

    # The old key is of no use to the thief, and the new one signs.
    answer = robbed.served.post(story.submission(story.provider, story.issued()))
    assert answer.json()["rule"] == "key-inactive"
    again = story.new_id()
    robbed.says(story.issued(again))
    assert robbed.status(again) == "active"


def test_the_declaration_is_signed_by_a_recovery_key_and_lists_a_new_one(robbed: Robbed) -> None:
    robbed.thief_says(robbed.story.issued())
    done = robbed.recover()
    assert done.code == 0
    declared, listed = events_in("out/1-keys.ndjson")
    assert isinstance(declared, e.KeyCompromised)
    assert isinstance(listed, e.KeyListed)
    assert declared.key == robbed.story.provider.key_id
    folder = KeyFolder.read(robbed.folder / "keys")
    assert listed.key == folder.named("signing-2").key
    assert "key events of this kind need recovery-1" in done.err
    assert "not yours" in done.out
    assert "This would take back 1 issuance." in done.err
    submit = f"testamur submit out/1-keys.ndjson.signed --url {robbed.served.url} --keys keys\n"
    assert submit in done.err


def test_before_anything_is_signed_the_registry_says_what_it_would_take_back(
    robbed: Robbed,
) -> None:
    """With a recovery key that lies elsewhere, it is named; without one, the way to ask is told."""
    one = robbed.story.new_id()
    robbed.says(robbed.story.issued(one))
    robbed.thief_says(
        robbed.story.issued(),
        robbed.story.issued(),
        e.CredentialRevoked(credential=one, reason="misconduct"),
    )
    stick, founding = robbed.folder / "stick.key", robbed.folder / "founding"
    (robbed.folder / "keys/recovery-1.key").rename(stick)
    (robbed.folder / "keys/founding-key.txt").rename(founding)
    would = "would take back 2 issuances, 1 ending."
    told = robbed.recover("--key", stick)
    assert (told.code, would in told.err) == (0, True)

    untold = robbed.recover(out="more")
    assert (untold.code, would in untold.err) == (0, False)
    assert "was not asked" in untold.err
    ask = ["testamur", "check", "more/1-keys.ndjson", "--keys", "keys", "--key"]
    assert " ".join(ask) in untold.err
    asked = run(*ask[1:], stick, "--url", robbed.served.url)
    assert (asked.code, would in asked.err) == (0, True)


def test_what_the_registry_would_refuse_is_told_before_it_is_signed(robbed: Robbed) -> None:
    """The thief may have used up what a key may still say."""
    robbed.thief_says(robbed.story.issued())
    done = robbed.recover("--since", robbed.served.size + 9)
    assert done.code == 0
    assert "the registry would refuse this: line 2: compromise-position" in done.err


def test_nothing_is_declared_where_nothing_is_strange(robbed: Robbed) -> None:
    robbed.says(robbed.story.issued())
    done = robbed.recover("--json")
    assert (done.code, done.json["rule"]) == (1, "since")
    assert not Path("out").exists()
    assert not (robbed.folder / "keys/signing-2.key").exists()
    assert robbed.recover("--since", robbed.served.size).code == 0


def test_what_was_declared_is_not_declared_again_by_mistake(robbed: Robbed) -> None:
    """It would make one more key, which `sign` would take for the newest."""
    robbed.thief_says(robbed.story.issued())
    robbed.submits_all(robbed.recover("--json").json["files"])
    done = robbed.recover("--json", out="more")
    assert (done.code, done.json["rule"]) == (1, "since")
    assert "nothing by this key that is not yours counts any more" in done.json["detail"]
    assert not Path("more").exists()
    assert not (robbed.folder / "keys/signing-3.key").exists()
    assert robbed.recover("--since", robbed.began, "--same-keys", out="more").code == 0


def test_what_a_declaration_cut_off_of_ones_own_is_said_again(robbed: Robbed) -> None:
    """A declaration without receipts at hand voids the owner's word too: here is the way back."""
    story = robbed.story
    ids = [story.new_id() for _ in range(3)]
    defined = e.AchievementDefined(achievement=story.new_id(), definition=story.definition())
    robbed.says(defined, *(story.issued(each) for each in ids))
    robbed.says(e.CredentialRevoked(credential=ids[0], reason="issuedInError"))
    receipts = robbed.folder / "keys/receipts"
    receipts.rename(robbed.folder / "elsewhere")
    first = robbed.recover("--since", robbed.began, "--json")
    robbed.submits_all(first.json["files"])
    assert [robbed.status(each) for each in ids] == [None] * 3

    for file in (robbed.folder / "elsewhere").glob("*.json"):
        file.rename(receipts / file.name)
    # The log remembers the declaration for ever; after 90 days it could not be made anew.
    again = robbed.recover("--since", robbed.began, "--same-keys", "--json", out="more")
    assert again.code == 0, again.out
    robbed.submits_all(again.json["files"])
    assert [robbed.status(each) for each in ids] == ["revoked", "active", "active"]


def test_fallen_submissions_are_written_out_line_by_line(robbed: Robbed) -> None:
    story = robbed.story
    kept = robbed.says(story.issued())
    robbed.says(story.issued(), story.issued())
    lost = (robbed.folder / "events-2").read_bytes()
    # A declaration that keeps the first and not the second, which its owner signed too.
    declared = story.key_compromised(
        story.provider, robbed.began, ((kept.position, kept.position),)
    )
    fresh = story.key_listed(party("fresh"))
    robbed.served.submit(story.submission(story.provider.recovery, declared, fresh))
    done = robbed.recover("--since", robbed.served.size, "--same-keys", "--json")
    assert done.code == 0
    assert Path(done.json["files"][1]).read_bytes() == lost
    assert len(done.json["files"]) == 2


def test_what_a_new_word_of_the_same_key_brings_back_is_not_to_be_said_again(
    robbed: Robbed,
) -> None:
    story, issued = robbed.story, robbed.story.issued()
    mine = robbed.says(issued)
    declared = story.key_compromised(story.provider, robbed.began)
    robbed.served.submit(story.submission(story.provider.recovery, declared))
    told = robbed.recover("--since", robbed.served.size, "--same-keys")
    assert f"give --since {mine.position}, which keeps them" in told.err
    done = robbed.recover("--since", mine.position, "--same-keys", "--json", out="more")
    assert (done.json["kept"], done.json["fallen"]) == ([[mine.position, mine.position]], [])
    robbed.submits_all(done.json["files"])
    assert robbed.status(issued.credential) == "active"


def test_what_a_thief_said_often_is_split_into_submissions_that_are_admitted(
    robbed: Robbed,
) -> None:
    """A registry reads only so much of what was said of the credentials of one submission."""
    story = robbed.story
    issued = [story.issued() for _ in range(450)]
    robbed.says(*issued)
    ids = [each.credential for each in issued]
    suspended = [e.CredentialSuspended(credential=each, reason="unspecified") for each in ids]
    reinstated = [e.CredentialReinstated(credential=each) for each in ids]
    for _ in range(4):
        robbed.thief_says(*suspended, *reinstated)
    # Declared with a key of higher rank than the one that declares now.
    declared = story.key_compromised(story.provider, robbed.began)
    robbed.served.submit(story.submission(story.provider.founding, declared))
    done = robbed.recover("--since", robbed.served.size, "--json")
    assert done.code == 0, done.out
    again = done.json["files"][1:]
    assert [len(events_in(file)) for file in again] == [400, 50]
    robbed.submits_all(done.json["files"])
    assert [robbed.status(each) for each in (ids[0], ids[-1])] == ["active", "active"]


def test_the_log_itself_is_read_where_a_registry_may_leave_something_out(robbed: Robbed) -> None:
    """As `keys --log` does; a registry is then asked only what would be taken back."""
    mine = robbed.says(robbed.story.issued())
    forged = robbed.thief_says(robbed.story.issued())
    where = ["--keys", "keys", "--compromised", "signing-1", "--log", robbed.served.url]
    by_url = robbed.recover("--same-keys", "--json", out="by-url")
    read = run("recover", *where, "--vkey", "log.vkey", "--same-keys", "--json", "--out", "read")
    assert read.code == 0, read.out
    assert read.json["since"] == by_url.json["since"] == forged.position
    assert (read.json["strange"], read.json["registry"]) == ([forged.position], None)
    assert Path("read/1-keys.ndjson").read_bytes() == Path("by-url/1-keys.ndjson").read_bytes()
    both = run("recover", *where, "--url", robbed.served.url, "--same-keys", "--out", "both")
    assert "This would take back 1 issuance." in both.err
    assert "taking the log's own word" in both.err
    assert mine.position < forged.position
    stranger = str(VerifierKey.of("l.example", ED25519, bytes(32)))
    other = run("recover", *where, "--vkey", stranger, "--out", "other", "--json")
    assert other.code == 1
    assert not Path("other").exists()


def test_a_log_that_holds_other_lines_than_were_signed_is_refuted(robbed: Robbed) -> None:
    story = robbed.story
    receipt = robbed.says(story.issued())
    declared = story.key_compromised(story.provider, robbed.began)
    robbed.served.submit(story.submission(story.provider.recovery, declared))
    other = story.submission(story.provider, story.issued(), story.issued(), jti=receipt.jti)
    file = robbed.folder / f"keys/receipts/{receipt.jti}.json"
    found = json.loads(file.read_text())
    entry = json.loads(found["entry"])
    entry["submission"] = other.partition(b"\n")[0].decode()
    found["entry"] = json.dumps(entry, separators=(",", ":"), sort_keys=True)
    file.write_text(json.dumps(found))
    done = robbed.recover("--since", robbed.served.size, "--same-keys", "--json")
    assert (done.code, done.json["error"]) == (1, "refuted")
    assert not Path("out").exists()


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (["--compromised", "signing-9"], "the keys of this organization are founding-key.txt"),
        (["--compromised", "founding-key.txt"], "no other key can declare the founding key"),
        (["--lost", party("a").did], "does not go with --lost"),
        (["--name", "A College"], "goes with --lost"),
        (["--policy", "log.vkey"], "goes with --log"),
        (["--own", "x"], "neither a position"),
        (["--own", "3-"], "neither a position"),
    ],
)
def test_wrong_usage_of_recover_writes_nothing(robbed: Robbed, wrong: list[str], says: str) -> None:
    robbed.thief_says(robbed.story.issued())
    done = robbed.recover(*wrong)
    assert done.code in (1, 2)
    assert says in " ".join(done.err.split()).replace("│ ", "")
    assert not Path("out").exists()


# --- With every recovery key lost ---


def test_the_accreditor_is_asked_by_letter_to_name_a_successor(robbed: Robbed) -> None:
    story, served = robbed.story, robbed.served
    credential = story.new_id()
    robbed.says(story.issued(credential))
    run("keygen", "--out", "new-keys")
    who = ["--name", "A College", "--country", "NL", "--role", "provider"]
    asked = ["--lost", story.provider.did, "--sponsor", story.accreditor.did]
    done = run(
        "recover", "--keys", "new-keys", *asked, "--log", story.origin, *who, "--out", "request",
        "--json",
    )  # fmt: skip
    assert done.code == 0, done.out
    letter = Path(done.json["letter"]).read_text()
    new = KeyFolder.read(Path("new-keys")).did
    for words in (story.accreditor.did, story.provider.did, new, "by a way of your own"):
        assert words in letter
    registered, succeeded = events_in(done.json["events"])
    assert isinstance(registered, e.OrganizationRegistered)
    assert succeeded == e.OrganizationSucceeded(organization=story.provider.did, successor=new)

    # The accreditor submits it as it is. The successor may act 30 days later, and not before.
    served.submit(story.submission(story.accreditor, registered, succeeded))
    Path("e").write_text("")
    assert run("revoke", credential, "--reason", "administrative", "--to", "x").code == 0
    where = ["--keys", "new-keys", "--log", story.origin]
    assert run("sign", "x", *where, "--out", "x.signed").code == 0
    early = run("submit", "x.signed", "--url", served.url, "--vkey", "log.vkey", "--json")
    assert (early.code, early.json["error"]) == (1, "refused")


@pytest.mark.parametrize("missing", ["--sponsor", "--log", "--name", "--country", "--role"])
def test_what_the_letter_needs_is_named(at: Path, missing: str) -> None:
    run("keygen", "--out", "new-keys")
    given = {
        "--sponsor": party("a").did, "--log": "log.example", "--name": "A College",
        "--country": "NL", "--role": "provider",
    }  # fmt: skip
    words = [word for pair in given.items() if pair[0] != missing for word in pair]
    lost = ["--lost", party("college").did, "--out", "request"]
    done = run("recover", "--keys", "new-keys", *lost, *words)
    assert done.code == 2
    assert missing in done.err
    assert not Path("request").exists()
