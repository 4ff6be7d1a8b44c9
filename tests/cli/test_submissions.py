"""From a cohort to a receipt at the command line, and all that can be refused on the way."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import msgspec
import pytest

from testamur.catalogue import dry_run
from testamur.catalogue.events import CredentialRevoked
from testamur.catalogue.lines import encode_event
from testamur.catalogue.submission import parse
from testamur.errors import Refusal
from tests.cli.commands import World, key_file, key_folder, run
from tests.harness.awards import cohort, offering, provider
from tests.harness.http_registry import HttpRegistry, Reply
from tests.harness.story import Story, party

# --- Preparing ---


@pytest.fixture
def given(at: Path, now: Story) -> Path:
    (at / "cohort.csv").write_bytes(cohort(3))
    (at / "soils.json").write_bytes(msgspec.json.encode(offering(now)))
    (at / "college.json").write_bytes(msgspec.json.encode(provider(now)))
    key_file(at, now.provider, "provider.key")
    return at


PREPARE = ["prepare", "cohort.csv", "--achievement", "soils.json", "--provider", "college.json"]


def test_a_cohort_becomes_events_and_holder_files(given: Path, now: Story) -> None:
    done = run(*PREPARE, "--key", "provider.key", "--log", now.origin, "--out", "spring", "--json")
    assert done.code == 0
    assert done.json["prepared"] == 3
    assert len(list((given / "spring/holders").iterdir())) == 3
    assert run("check", "spring/events.ndjson").code == 0


def proofs(folder: Path) -> list[str]:
    holders = [json.loads(file.read_bytes()) for file in (folder / "spring/holders").iterdir()]
    return [each["credential"].get("proof", [{}])[0].get("verificationMethod") for each in holders]


def test_credentials_are_signed_by_the_newest_signing_key_in_the_folder(
    given: Path, now: Story
) -> None:
    key_folder(given / "keys", now.provider)
    assert run(*PREPARE, "--keys", "keys", "--out", "spring").code == 0
    multikey = now.provider.key_id
    assert proofs(given) == [f"did:key:{multikey}#{multikey}"] * 3


def test_an_issuer_that_goes_by_a_did_web_signs_under_it(given: Path, now: Story) -> None:
    """Other verifiers look for the key in the document of that DID."""
    key_folder(given / "keys", now.provider)
    college = json.loads((given / "college.json").read_text()) | {"id": "did:web:college.example"}
    (given / "college.json").write_text(json.dumps(college))
    assert run(*PREPARE, "--keys", "keys", "--out", "spring").code == 0
    assert proofs(given) == [f"did:web:college.example#{now.provider.key_id}"] * 3
    words = ["did-document", "did:web:college.example", "--keys", "keys"]
    assert run(*words).json["assertionMethod"] == proofs(given)[:1]


def test_a_key_of_another_kind_signs_no_credential(given: Path, now: Story) -> None:
    key_folder(given / "keys", now.provider)
    for name in ("recovery-1.key", "founding-key.txt"):
        done = run(*PREPARE, "--keys", "keys", "--key", f"keys/{name}", "--out", "o", "--json")
        assert (done.code, done.json["rule"]) == (1, "key-use")
    done = run(*PREPARE, "--key", "keys/founding-key.txt", "--out", "o", "--json")
    assert (done.code, done.json["rule"]) == (1, "signing-key")
    assert not (given / "o").exists()


def test_the_keys_of_another_organization_sign_no_cohort(given: Path, now: Story) -> None:
    key_folder(given / "keys", now.accreditor)
    done = run(*PREPARE, "--keys", "keys", "--out", "o", "--json")
    assert (done.code, done.json["rule"]) == (1, "key-folder")


def test_a_key_that_makes_no_proofs_leaves_them_out_and_says_so(given: Path, now: Story) -> None:
    other = party("college", "P-256")
    key_folder(given / "keys", other)
    college = json.loads((given / "college.json").read_text()) | {"did": other.did}
    (given / "college.json").write_text(json.dumps(college))
    done = run(*PREPARE, "--keys", "keys", "--out", "spring")
    assert done.code == 0
    assert "no proof of their own" in done.err
    assert proofs(given) == [None] * 3


def test_nothing_is_written_when_a_row_is_refused(given: Path) -> None:
    (given / "cohort.csv").write_bytes(cohort(2) + b"x@y,2026-11-31\r\n=1+1,2026-11-20\r\n")
    done = run(*PREPARE, "--out", "spring")
    assert done.code == 1
    assert "row 4" in done.out
    assert "row 5" in done.out
    assert "Nothing was written" in done.err
    assert not (given / "spring").exists()


def test_what_was_not_read_to_its_end_is_not_written_in_part(given: Path) -> None:
    (given / "cohort.csv").write_bytes(
        cohort(2) + b"x@y,2026-11-31\r\n" * 60 + b'"open,2026-11-20\r\n' + b"1,2026-11-20\r\n"
    )
    done = run(*PREPARE, "--out", "spring", "--allow-refused")
    assert done.code == 1
    assert "not read any further" in done.err
    assert not (given / "spring").exists()


def test_an_accreditation_beside_a_cohort_is_not_passed_over(given: Path, now: Story) -> None:
    done = run(*PREPARE, "--out", "spring", "--accreditation", now.accreditation)
    assert done.code == 2
    assert "goes with badges" in done.err


def test_a_row_with_two_faults_is_one_row(given: Path) -> None:
    (given / "cohort.csv").write_bytes(cohort(2) + b"=1,2026-11-31\r\n")
    done = run(*PREPARE, "--out", "spring", "--json")
    assert (done.json["prepared"], len(done.json["refused"])) == (2, 2)
    assert "refused              1" in run(*PREPARE, "--out", "spring").out


def test_a_cohort_may_have_any_name(given: Path) -> None:
    name = b"coh\xff.csv".decode("utf-8", "surrogateescape")
    (given / "cohort.csv").rename(given / name)
    done = run("prepare", name, *PREPARE[2:], "--out", "spring")
    assert done.code == 0


def test_the_good_rows_are_written_when_that_is_asked_for(given: Path) -> None:
    (given / "cohort.csv").write_bytes(cohort(2) + b"x@y,2026-11-31\r\n")
    done = run(*PREPARE, "--out", "spring", "--allow-refused", "--json")
    assert done.code == 0
    assert (done.json["prepared"], done.json["written to"]) == (2, "spring")
    assert {each["source"] for each in done.json["refused"]} == {"cohort.csv row 4"}


def test_badges_are_prepared_under_a_registered_achievement(given: Path, now: Story) -> None:
    assert run(*PREPARE, "--out", "spring").code == 0
    badges = given / "badges"
    badges.mkdir()
    for file in (given / "spring/holders").iterdir():
        credential = json.loads(file.read_bytes())["credential"]
        (badges / file.name).write_text(json.dumps(credential))
    arguments = ["prepare", "badges", "--out", "again", "--json"]
    done = run(*arguments, "--achievement", now.achievement, "--accreditation", now.accreditation)
    assert (done.code, done.json["prepared"]) == (0, 3)
    assert now.accreditation in (given / "again/events.ndjson").read_text()
    (given / "map.json").write_text(json.dumps({"urn:x:1": {"achievement": now.achievement}}))
    done = run("prepare", "badges", "--out", "never", "--achievement", "map.json", "--json")
    assert done.code == 1
    assert {each["rule"] for each in done.json["refused"]} == {"achievement-unknown"}


@pytest.mark.parametrize(
    "wrong",
    [
        ["prepare", "cohort.csv", "--achievement", "soils.json", "--out", "o"],
        [
            "prepare",
            "nowhere.csv",
            "--achievement",
            "a",
            "--provider",
            "college.json",
            "--out",
            "o",
        ],
        ["prepare", "soils.json", "--achievement", "a", "--achievement", "b", "--out", "o"],
        [*PREPARE, "--out", "o", "--log", "two words"],
        [*PREPARE],
    ],
)
def test_wrong_usage_of_prepare_is_2(given: Path, wrong: list[str]) -> None:
    assert run(*wrong).code == 2
    assert not (given / "o").exists()


@pytest.mark.parametrize(
    ("name", "content", "rule", "says"),
    [
        ("empty.csv", b"", "cohort-header", "is empty; row 1 names the columns"),
        ("header.csv", b"learner,awarded\n", "cohort-empty", "has no row below"),
        ("book.csv", b"PK\x03\x04", "cohort-encoding", 'save it as "CSV UTF-8"'),
        ("book.xlsx", b"PK\x03\x04", "cohort-encoding", "is a workbook"),
        ("badges.ndjson", b"", "no-badges", "holds no badge"),
    ],
)
def test_a_source_of_nothing_is_refused_with_its_name_and_reason(
    given: Path, now: Story, name: str, content: bytes, rule: str, says: str
) -> None:
    (given / name).write_bytes(content)
    what = now.achievement if name.endswith("ndjson") else "soils.json"
    settings = ["--achievement", what, "--provider", "college.json", "--out", "o"]
    done = run("prepare", name, *settings, "--json")
    assert (done.code, done.json["rule"]) == (1, rule)
    assert done.json["detail"].startswith(f"{name}: ")
    assert says in done.json["detail"]


@pytest.mark.parametrize("name", ["nowhere.csv", "nowhere.json", "nowhere"])
def test_a_source_that_is_not_there_could_not_be_checked(
    given: Path, now: Story, name: str
) -> None:
    what = "soils.json" if name.endswith("csv") else now.achievement
    settings = ["--achievement", what, "--provider", "college.json", "--out", "o"]
    done = run("prepare", name, *settings)
    assert (done.code, done.err) == (2, f"{name} cannot be read: No such file or directory\n")


def test_settings_are_refused_with_their_file_and_the_value_at_fault(given: Path) -> None:
    soils = json.loads((given / "soils.json").read_text())
    (given / "soils.json").write_text(json.dumps({**soils, "achievement": "Soils"}))
    done = run(*PREPARE, "--out", "o")
    assert done.code == 1
    assert (
        "settings: soils.json: $.achievement is not an id such as "
        "019a3b1c-7f00-7abc-8def-0123456789ab (found Soils)"
    ) in done.err
    (given / "college.json").write_text("{")
    done = run(*PREPARE, "--out", "o", "--json")
    assert done.json["detail"].startswith("college.json: not JSON")


# --- Checking and signing ---


def test_check_lists_every_bad_line_of_a_file_of_events(at: Path, now: Story) -> None:
    good = encode_event(now.issued())
    lines = [good, b"{}", good, good.replace(b'"blended"', b'"Blended"'), b"", b" " + good, good]
    (at / "e").write_bytes(b"\n".join(lines) + b"\n")
    done = run("check", "e", "--json")
    assert done.code == 1
    found = {each["line"]: each["rule"] for each in done.json["refusals"]}
    assert found == {2: "event-schema", 4: "event-schema", 5: "json", 6: "canonical-json"}
    assert "canonical-json" in run("check", "e").out


def test_a_bad_value_is_shown_instead_of_the_line_it_is_on(at: Path, now: Story) -> None:
    line = encode_event(now.issued()).replace(b'"validFrom":"2', b'"validFrom":"x2')
    (at / "e").write_bytes(line + b"\n")
    (refusal,) = run("check", "e", "--json").json["refusals"]
    assert refusal["detail"] == "$.validFrom is not a date such as 2026-11-21"
    assert refusal["value"].startswith("x2")


def test_check_lists_every_bad_line_of_a_submission(at: Path, now: Story) -> None:
    body = now.cohort(3)
    (at / "s").write_bytes(body)
    assert run("check", "s").code == 0
    (at / "s").write_bytes(body.replace(b'"blended"', b'"Blended"'))
    done = run("check", "-", "--json", stdin=(at / "s").read_bytes())
    assert [each.get("line") for each in done.json["refusals"]] == [1, 2, 3, 4]


def test_of_many_bad_lines_check_lists_the_first_thousand_and_counts_the_others(at: Path) -> None:
    """A list of 99,000 took 235 MB, and nobody reads it."""
    (at / "e").write_bytes(b"{}\n" * 1_500)
    done = run("check", "e", "--json")
    assert [each["line"] for each in done.json["refusals"]] == list(range(1, 1_001))
    assert done.json["leftOff"] == 500
    told = run("check", "e")
    assert "and 500 more, which are not listed" in told.err
    assert "e: 1,500 refused for its form" in told.err


def test_of_many_events_of_days_to_come_the_first_thousand_are_listed(at: Path, now: Story) -> None:
    day = date(2099, 1, 1)
    event = CredentialRevoked(
        credential=now.issued().credential, effective_at=day, reason="issuedInError"
    )
    revoked = encode_event(event)
    (at / "e").write_bytes((revoked + b"\n") * 1_200)
    done = run("check", "e", "--json")
    assert (len(done.json["refusals"]), done.json["leftOff"]) == (1_000, 200)


@pytest.mark.parametrize("data", [b"", b"\n", b"\xff\xfe", b"{}", b"[]\n", b"{}\n" * 100_001])
def test_check_takes_anything_and_refuses_it(at: Path, data: bytes) -> None:
    (at / "e").write_bytes(data)
    assert run("check", "e").code == 1


def test_a_registry_tries_what_is_well_formed(world: World, registry: HttpRegistry) -> None:
    Path("s").write_bytes(world.story.cohort(2))
    key_folder(Path("keys"), world.story.provider)
    options = ["--url", registry.url, "--keys", "keys"]
    done = run("check", "s", *options, "--json")
    assert done.code == 0
    assert done.json["registry"]["size"] == world.log.size
    refused = {"rule": "already-issued", "detail": "this credential exists", "line": 3}
    answer = {"format": "testamur/check/1", "accepted": False, "size": 9, "refusals": [refused]}
    flags = [{"code": "backdated", "count": 2, "firstLine": 2}]
    registry.script.append(Reply(200, json.dumps({**answer, "flags": flags}).encode()))
    done = run("check", "s", *options, "--log", world.story.origin)
    assert done.code == 1
    assert "already-issued" in done.out
    assert "backdated: 2 times" in done.err
    assert "1 refused by the registry" in done.err


def test_refusals_that_a_registry_did_not_list_are_told_of(
    world: World, registry: HttpRegistry
) -> None:
    Path("s").write_bytes(world.story.cohort(2))
    key_folder(Path("keys"), world.story.provider)
    refused = {"rule": "already-issued", "detail": "this credential exists", "line": 3}
    answer = {"format": "testamur/check/1", "accepted": False, "size": 9, "refusals": [refused]}
    for options in ([], ["--json"]):
        registry.script.append(Reply(200, json.dumps({**answer, "leftOff": 1234}).encode()))
        words = ["--url", registry.url, "--keys", "keys", "--log", world.story.origin]
        done = run("check", "s", *words, *options)
        assert done.code == 1
        if options:
            assert done.json["leftOff"] == done.json["registry"]["leftOff"] == 1234
        else:
            assert "and 1,234 more, which are not listed" in done.err
            assert "1,235 refused by the registry" in done.err


def test_a_registry_is_given_nothing_that_it_could_submit(
    world: World, registry: HttpRegistry
) -> None:
    body = world.story.cohort(2)
    key_folder(Path("keys"), world.story.provider)
    Path("s").write_bytes(body)
    Path("e").write_bytes(body.partition(b"\n")[2])
    for file in ("s", "e"):
        done = run("check", file, "--url", registry.url, "--keys", "keys")
        assert done.code == 0, done.err
        (asked,) = [each for each in registry.asked if each.path == "/submissions/check"]
        registry.asked.clear()
        assert asked.body.partition(b"\n")[2] == body.partition(b"\n")[2]
        header = dry_run.parse_header(asked.body.partition(b"\n")[0])
        assert header.payload.aud == world.story.origin
        assert body.partition(b"\n")[0] not in asked.body
        with pytest.raises(Refusal, match="header-schema"):
            parse(asked.body)


def test_a_registry_is_asked_with_a_key_alone(at: Path, now: Story) -> None:
    (at / "e").write_bytes(encode_event(now.issued()) + b"\n")
    key_folder(at / "keys", now.provider)
    for words in (["--url", "http://127.0.0.1:9"], ["--keys", "keys"]):
        done = run("check", "e", *words)
        assert done.code == 2
        assert "one needs the other" in done.err


def test_lines_are_counted_in_the_file_that_was_given(world: World, registry: HttpRegistry) -> None:
    body = world.story.cohort(2)
    key_folder(Path("keys"), world.story.provider)
    Path("s").write_bytes(body)
    Path("e").write_bytes(body.partition(b"\n")[2])
    refused = {"rule": "already-issued", "detail": "this credential exists", "line": 3}
    flags = [{"code": "backdated", "count": 1, "firstLine": 2}]
    answer = {"format": "testamur/check/1", "accepted": False, "size": 9, "refusals": [refused]}
    for file, line in (("s", 3), ("e", 2)):
        registry.script.append(Reply(200, json.dumps({**answer, "flags": flags}).encode()))
        words = ["--url", registry.url, "--keys", "keys", "--log", world.story.origin]
        done = run("check", file, *words, "--json")
        assert [each["line"] for each in done.json["refusals"]] == [line]
        assert done.json["registry"]["flags"][0]["firstLine"] == line - 1


def test_a_signed_file_is_a_submission_of_those_very_lines(at: Path, now: Story) -> None:
    key_folder(at / "keys", now.provider)
    events = encode_event(now.issued()) + b"\n" + encode_event(now.issued()) + b"\n"
    (at / "e").write_bytes(events)
    done = run("sign", "e", "--keys", "keys", "--log", now.origin, "--out", "s", "--json")
    assert done.code == 0
    body = (at / "s").read_bytes()
    assert body.partition(b"\n")[2] == events
    header = parse(body).header
    header.verify_signature(now.provider.key.public)
    assert done.json["kid"] == header.protected.kid == now.provider.kid
    assert (done.json["jti"], done.json["aud"]) == (header.payload.jti, now.origin)
    again = run("sign", "e", "--keys", "keys", "--log", now.origin, "--out", "t", "--json")
    assert again.json["jti"] != done.json["jti"]


def test_what_is_not_well_formed_is_not_signed(at: Path, now: Story) -> None:
    key_folder(at / "keys", now.provider)
    (at / "e").write_bytes(encode_event(now.issued()) + b"\n{}\n")
    arguments = ["--keys", "keys", "--log", now.origin, "--out", "s", "--json"]
    done = run("sign", "e", *arguments)
    assert (done.code, done.json["line"]) == (1, 2)
    (at / "e").write_bytes(now.cohort(1))
    assert run("sign", "e", *arguments).json["rule"] == "events-file"
    assert not (at / "s").exists()


def test_an_address_is_not_taken_for_the_name_of_a_log(at: Path, now: Story) -> None:
    key_folder(at / "keys", now.provider)
    (at / "e").write_bytes(encode_event(now.issued()) + b"\n")
    done = run("sign", "e", "--keys", "keys", "--log", "http://a.example/log", "--out", "s")
    assert done.code == 2
    assert not (at / "s").exists()


@pytest.mark.parametrize(
    ("begins", "ends", "line", "says"),
    [
        (b"", b"\r\n", 1, "CR LF"),
        (b"\xef\xbb\xbf", b"\n", 1, "byte order mark"),
        (b"", b"", None, "is empty"),
    ],
)
def test_what_an_editor_did_to_a_file_of_events_is_told_once(
    at: Path, now: Story, begins: bytes, ends: bytes, line: int | None, says: str
) -> None:
    key_folder(at / "keys", now.provider)
    lines = [encode_event(now.issued()) + ends for _ in range(3)] if ends else []
    (at / "e").write_bytes(begins + b"".join(lines))
    (refusal,) = run("check", "e", "--json").json["refusals"]
    assert (refusal["rule"], refusal.get("line")) == ("file-form", line)
    done = run("sign", "e", "--keys", "keys", "--log", now.origin, "--out", "s")
    assert done.code == 1
    assert "file-form: e: " in done.err
    assert says in done.err
