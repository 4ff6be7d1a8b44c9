"""Many credentials at once: each file gets a row, none stops the others, the log is read once."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from testamur.badges.commitment import render_holder_file
from testamur.catalogue import events as e
from testamur.cli.listings import listing
from testamur.verification.replay import replay
from tests.cli.commands import Ended, World, run
from tests.harness.http_registry import HttpRegistry, Reply

TRUST = ["--vkey", "log.vkey", "--at", "2026-11-21"]


def lines(done: Ended) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.out.splitlines()]


def verdicts(done: Ended) -> dict[str, str]:
    return {Path(each["file"]).name: each["verdict"] for each in lines(done)}


@pytest.fixture
def folder(world: World) -> Path:
    """Return a folder of three credentials, the second of which was revoked."""
    revoked = e.CredentialRevoked(credential=world.holders[1].id, reason="misconduct")
    world.log.append(world.story.submission(world.story.provider, revoked))
    world.log.publish()
    found = Path("given")
    found.mkdir()
    for number in range(3):
        Path(f"{number}.json").rename(found / f"{number}.json")
    return found


GOOD = {"0.json": "valid", "1.json": "not-valid", "2.json": "valid"}

# --- Which files ---


def _picture(place: Path) -> None:
    place.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))


def _large(place: Path) -> None:
    with place.open("wb") as file:
        file.truncate(2 << 30)


def _letter(place: Path) -> None:
    place.write_text("Dear Sir or Madam")


ODD: dict[str, Callable[[Path], None]] = {
    "a picture.png": _picture,
    "empty.json": Path.touch,
    "pipe.json": os.mkfifo,
    "large.json": _large,
    "link.json": lambda place: place.symlink_to("/etc/passwd"),
    "dangling.json": lambda place: place.symlink_to("nowhere"),
    "folder": lambda place: place.symlink_to("."),
    "text.txt": _letter,
    "=1+1.json": Path.touch,
}


def test_each_file_in_a_folder_gets_a_row_whatever_it_is(world: World, folder: Path) -> None:
    for name, make in ODD.items():
        make(folder / name)
    (folder / "deeper").mkdir()
    (folder / "0.json").rename(folder / "deeper/0.json")
    (folder / ".hidden").touch()
    done = run("verify", folder, "--log", "log", *TRUST, "--json")
    assert verdicts(done) == {**GOOD, **dict.fromkeys(ODD, "could-not-tell")}
    assert done.code == 1
    assert "12 files: 2 valid, 1 not valid, 9 could not tell" in done.err
    assert "Whose they are was not checked" in done.err
    found = {Path(each["file"]).name: each for each in lines(done) if "error" in each}
    assert "named pipe" in found["pipe.json"]["error"]["detail"]
    assert "not followed" in found["link.json"]["error"]["detail"]
    assert "root:" not in done.out
    assert len(found) == len(ODD)


def test_a_private_key_among_them_is_not_shown(world: World, folder: Path) -> None:
    run("keygen", "--out", "keys")
    secret = Path("keys/signing-1.key").read_bytes()
    (folder / "3.json").write_bytes(secret)
    done = run("verify", folder, "--log", "log", *TRUST, "--json")
    assert verdicts(done)["3.json"] == "could-not-tell"
    assert secret.decode().strip()[8:20] not in done.out


def test_of_what_was_prepared_the_holder_files_are_meant(world: World, folder: Path) -> None:
    Path("spring").mkdir()
    folder.rename("spring/holders")
    Path("spring/events.ndjson").touch()
    Path("spring/index.csv").touch()
    assert verdicts(run("verify", "spring", "--log", "log", *TRUST, "--json")) == GOOD


def test_a_folder_that_looks_prepared_hides_no_file(world: World, folder: Path) -> None:
    (folder / "holders").mkdir()
    (folder / "0.json").rename(folder / "holders/0.json")
    (folder / "deeper").mkdir()
    (folder / "2.json").rename(folder / "deeper/2.json")
    (folder / "events.ndjson").touch()
    done = run("verify", folder, "--log", "log", *TRUST, "--json")
    assert verdicts(done) == GOOD
    assert done.code == 1


def test_an_empty_folder_and_a_name_that_is_nothing_are_no_verdict(world: World) -> None:
    Path("empty").mkdir()
    for given in (["empty"], ["0.json", "nowhere.json"], ["nowhere"]):
        done = run("verify", *given, "--log", "log", *TRUST)
        assert done.code == 2


# --- Exit codes ---


def test_the_exit_code_is_the_worst_that_was_found(world: World, folder: Path) -> None:
    base = ["--log", "log", *TRUST]
    files = [folder / f"{number}.json" for number in range(3)]
    (folder / "odd").touch()
    assert run("verify", files[0], files[2], *base).code == 0
    assert run("verify", files[0], folder / "odd", *base).code == 2
    assert run("verify", *files, folder / "odd", *base).code == 1
    (folder / "odd").unlink()
    assert run("verify", files[1], files[0], *base).code == 1


# --- Forms ---


def test_a_table_has_the_answers_and_a_csv_all_columns(world: World, folder: Path) -> None:
    Path("=1+1.json").touch()
    base = ["verify", folder, "=1+1.json", "--log", "log", *TRUST]
    table = run(*base)
    assert "not valid" in table.out
    assert "Soil Science" in table.out
    text = run(*base, "--format", "csv").out
    assert text.startswith("\ufefffile,answer,")
    rows = list(csv.DictReader(io.StringIO(text[1:])))
    answers = [row["answer"] for row in rows]
    assert answers == ["valid", "not valid", "valid", "could not tell"]
    assert [row["file"][:2] for row in rows] == ["gi", "gi", "gi", "'="]
    assert rows[0]["credential"] == world.holders[0].id
    assert rows[1]["status"].startswith("revoked")


@pytest.mark.parametrize("form", ["table", "csv", "jsonl"])
def test_the_name_of_a_file_does_not_look_like_another_row(
    world: World, folder: Path, form: str
) -> None:
    name = "a.json\nb.json,valid,\x1b[2K\u202e"
    (folder / name).touch()
    (folder / f"{name}.testamur.json").touch()
    done = run("verify", folder, "--log", "log", *TRUST, "--format", form)
    assert not any(line.strip().startswith("b.json") for line in done.err.splitlines())
    assert not any(line.strip().startswith("b.json") for line in done.out.splitlines())
    assert "\x1b" not in done.out
    assert "\u202e" not in done.out
    if form == "csv":
        assert {len(row) for row in csv.reader(io.StringIO(done.out))} == {12}
    if form == "jsonl":
        assert f"given/{name}" in {each["file"] for each in lines(done)}


def test_one_credential_may_be_a_row_too(world: World) -> None:
    base = ["verify", "0.json", "--log", "log", *TRUST]
    assert verdicts(run(*base, "--format", "jsonl")) == {"0.json": "valid"}
    assert run(*base).out.startswith("Valid: ")


def test_a_long_table_shows_what_is_not_good(capsys: pytest.CaptureFixture[str]) -> None:
    rows = listing("table", ["n"], ["n"])
    for number in range(1500):
        rows.add({"n": f"{number}"}, {}, good=number != 1400)
    rows.close()
    printed = capsys.readouterr()
    assert " 1400\n" in printed.out
    assert printed.out.count("\n") < 1010
    assert "500 more" in printed.err


# --- Where evidence comes from ---


def test_the_log_is_read_once(world: World, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = []

    def counted(*given: Any, **more: Any) -> Any:
        read.append(given)
        return replay(*given, **more)

    monkeypatch.setattr("testamur.cli.evidence_sources.replay", counted)
    assert verdicts(run("verify", folder, "--log", "log", *TRUST, "--json")) == GOOD
    assert len(read) == 1


def test_a_registry_is_asked_about_each(world: World, folder: Path, registry: HttpRegistry) -> None:
    done = run("verify", folder, "--url", registry.url, *TRUST, "--json")
    assert verdicts(done) == GOOD
    assert {each["report"]["evidenceFrom"] for each in lines(done)} == {"register"}
    asked = [each.path for each in registry.asked if each.path.endswith("/evidence")]
    assert sorted(asked) == sorted(f"/credentials/{each.id}/evidence" for each in world.holders)
    assert done.err.count("does not state how the issuance was flagged") <= 3


def test_a_registry_that_is_not_there_is_one_line(world: World, folder: Path) -> None:
    done = run("verify", folder, "--url", "http://127.0.0.1:9", *TRUST)
    assert (done.code, done.out) == (2, "")
    assert done.err == "http://127.0.0.1:9 cannot be reached: Connection refused\n"


def test_evidence_from_a_registry_that_is_not_there_is_one_line(world: World, folder: Path) -> None:
    done = run("evidence", folder, "--url", "http://127.0.0.1:9", "--out", "a")
    assert (done.code, done.out) == (2, "")
    assert done.err == "http://127.0.0.1:9 cannot be reached: Connection refused\n"


def test_an_answer_that_is_none_spoils_one_row(
    world: World, folder: Path, registry: HttpRegistry
) -> None:
    (folder / "1.json").unlink()
    (folder / "2.json").unlink()
    (folder / "9.json").write_bytes((folder / "0.json").read_bytes())
    run("evidence", folder / "9.json", "--log", "log", "--vkey", "log.vkey", "--out", "e")
    good = Path("e").read_bytes()
    registry.script += [Reply(500), Reply(500), *[Reply(200, good)] * 2]
    done = run("verify", folder, "--url", registry.url, *TRUST, "--json")
    assert sorted(verdicts(done).values()) != ["valid", "valid"]
    assert len(lines(done)) == 2
    assert done.code == 2


def test_evidence_among_the_files_goes_with_its_credential(world: World, folder: Path) -> None:
    assert run("evidence", folder, "--log", "log", "--vkey", "log.vkey", "--out", folder).code == 0
    (folder / "bad.testamur.json").write_text("{}")
    done = run("verify", folder, *TRUST, "--json")
    assert verdicts(done) == {**GOOD, "0.json": "could-not-tell", "2.json": "could-not-tell"}
    assert "bad.testamur.json is left aside" in done.err
    Path("evidence").mkdir()
    for file in folder.glob("*.testamur.json"):
        file.rename(Path("evidence") / file.name)
    assert verdicts(run("verify", folder, "--evidence", "evidence", *TRUST, "--json")) == {
        **GOOD, "0.json": "could-not-tell", "2.json": "could-not-tell",
    }  # fmt: skip


def test_of_several_files_about_a_credential_one_that_refutes_counts(
    world: World, folder: Path
) -> None:
    base = ["evidence", folder / "0.json", "--log", "log", "--vkey", "log.vkey", "--out"]
    run(*base, "given/a.testamur.json")
    revoked = e.CredentialRevoked(credential=world.holders[0].id, reason="misconduct")
    world.log.append(world.story.submission(world.story.provider, revoked))
    world.log.publish()
    run(*base, "given/b.testamur.json")
    run(*base, "outside.testamur.json")
    (folder / "c.testamur.json").symlink_to("../outside.testamur.json")
    done = run("verify", folder, *TRUST, "--json")
    assert verdicts(done)["0.json"] == "not-valid"
    assert "c.testamur.json is left aside" in done.err
    (folder / "b.testamur.json").unlink()
    assert verdicts(run("verify", folder, *TRUST, "--json"))["0.json"] == "could-not-tell"


def test_a_file_is_judged_alone_if_the_registry_is_not_there(world: World, folder: Path) -> None:
    run("evidence", folder, "--log", "log", "--vkey", "log.vkey", "--out", "evidence")
    base = ["verify", folder, "--evidence", "evidence", *TRUST, "--json"]
    done = run(*base, "--url", "http://127.0.0.1:9")
    assert verdicts(done) == {**GOOD, "0.json": "could-not-tell", "2.json": "could-not-tell"}
    assert done.code == 1
    assert "alone" in done.err


def test_offline_nobody_is_asked(
    world: World, folder: Path, registry: HttpRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("evidence", folder, "--log", "log", "--vkey", "log.vkey", "--out", "evidence")
    monkeypatch.setenv("TESTAMUR_URL", registry.url)
    base = ["verify", folder, "--evidence", "evidence", *TRUST, "--json"]
    assert verdicts(run(*base)) == GOOD
    registry.asked.clear()
    assert verdicts(run(*base, "--offline"))["0.json"] == "could-not-tell"
    assert registry.asked == []
    assert run(*base, "--offline", "--log", "log").code == 2


def test_without_anything_to_judge_by_it_is_wrong_usage(world: World, folder: Path) -> None:
    done = run("verify", folder, *TRUST, "--json")
    assert "--evidence, --url, --log" in done.out


# --- Evidence of many ---


def test_evidence_of_many_is_one_file_each(
    world: World, folder: Path, registry: HttpRegistry
) -> None:
    (folder / "odd").touch()
    done = run("evidence", folder, "--url", registry.url, "--out", "a", "--json")
    assert done.code == 2
    written = sorted(file.name for file in Path("a").iterdir())
    assert written == sorted(f"{each.id}.testamur.json" for each in world.holders)
    assert [each["credential"] for each in lines(done) if "error" in each] == ["given/odd"]
    (folder / "odd").unlink()
    ids = [each.id for each in world.holders]
    assert run("evidence", *ids, "--log", "log", "--vkey", "log.vkey", "--out", "b").code == 0
    for name in written:
        assert Path("a", name).read_bytes() == Path("b", name).read_bytes()


def test_evidence_that_is_there_is_not_overwritten(world: World, folder: Path) -> None:
    base = ["evidence", folder, "--log", "log", "--vkey", "log.vkey", "--out", "a"]
    Path("a").mkdir()
    kept = Path("a", f"{world.holders[0].id}.testamur.json")
    kept.write_text("precious")
    done = run(*base)
    assert (done.code, kept.read_text()) == (2, "precious")
    assert "2 of 3 written to a" in done.err
    assert run("evidence", folder, "--log", "log", "--out", "-").code == 2
    assert run("evidence", folder, "--log", "log", "--out", "log.vkey").code == 2


def test_a_credential_of_another_log_says_which(world: World, folder: Path) -> None:
    holder = msgspec.structs.replace(
        world.holders[0], id=world.story.new_id(), log="other.example/log"
    )
    (folder / "3.json").write_bytes(render_holder_file(holder))
    done = run("verify", folder, "--log", "log", *TRUST, "--json")
    (found,) = (each for each in lines(done) if "error" in each)
    assert found["error"]["detail"].endswith("it is on another log, other.example/log")
    assert "other.example/log" in run("verify", folder / "3.json", "--log", "log", *TRUST).err


def test_a_credential_that_was_never_issued_spoils_one_row(world: World, folder: Path) -> None:
    holder = world.holders[0]
    other = type(holder)(blind=holder.blind, credential=holder.credential, log=holder.log,
                         id=world.story.new_id())  # fmt: skip
    (folder / "3.json").write_bytes(render_holder_file(other))
    done = run("verify", folder, "--log", "log", *TRUST, "--json")
    assert verdicts(done) == {**GOOD, "3.json": "could-not-tell"}
