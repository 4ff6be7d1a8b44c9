"""A whole log at the command line: replayed, and exported."""

from __future__ import annotations

from pathlib import Path

import pytest

from testamur.tlog.note import VerifierKey
from tests.cli.commands import World, run
from tests.harness.http_registry import HttpRegistry


def test_a_good_log_is_replayed_and_counted(world: World) -> None:
    done = run("replay", "log", "--vkey", "log.vkey", "--json")
    assert done.code == 0
    assert done.json["size"] == world.log.size
    assert done.json["keyFrom"] == "policy"
    assert done.json["credentials"] == {"active": 3}
    assert done.err == ""
    assert "It holds" in run("replay", "log", "--policy", "policy.txt").out


def test_the_folder_of_a_demo_is_pointed_into(world: World) -> None:
    Path("demo/server").mkdir(parents=True)
    Path("log").rename("demo/server/log")
    done = run("replay", "demo", "--vkey", "log.vkey")
    assert done.code == 2
    assert "is demo/server meant?" in done.err
    assert run("replay", "demo/server", "--vkey", "log.vkey").code == 0


@pytest.mark.slow
def test_a_log_is_replayed_over_http(world: World, registry: HttpRegistry) -> None:
    for place in (registry.url, f"{registry.url}/log/"):
        assert run("replay", place, "--vkey", "log.vkey").code == 0


def test_the_logs_own_word_for_its_key_is_named_as_such(world: World) -> None:
    done = run("replay", "log", "--json")
    assert done.json["keyFrom"] == "the log's own word"
    assert done.json["key"] == str(world.log.key)
    assert "could have made this log up" in done.err


def test_damage_is_named_with_its_place(world: World) -> None:
    tile = world.log.root / f"tile/0/000.p/{world.log.size}"
    tile.write_bytes(bytes(len(tile.read_bytes())))
    done = run("replay", "log", "--vkey", "log.vkey", "--json")
    assert done.code == 1
    assert done.json["error"] == "refuted"
    assert done.json["rule"] == "tile"
    assert done.json["where"].startswith("tile/0/000.p/")
    assert "refuted: tile/0/000.p/" in run("replay", "log", "--vkey", "log.vkey").err


def test_a_log_that_another_key_signed_is_not_believed_and_the_key_is_named(world: World) -> None:
    other = VerifierKey.of(world.story.origin, 1, world.story.provider.key.public.raw())
    replayed = run("replay", "log", "--vkey", str(other))
    assert replayed.code == 2
    assert f"{world.log.key.name}+{world.log.key.key_id.hex()}" in replayed.err


def test_the_key_of_a_witness_is_not_taken_for_that_of_a_log(world: World) -> None:
    witness = VerifierKey.of(world.story.origin, 4, world.log.key.public)
    assert run("replay", "log", "--vkey", str(witness)).code == 2


def test_a_quorum_that_is_missed_refutes_a_log(world: World) -> None:
    witness = VerifierKey.of("witness.example", 4, world.story.provider.key.public.raw())
    lines = f"log {world.log.key}\nwitness w {witness}\nquorum w\n"
    Path("strict.txt").write_text(lines)
    done = run("replay", "log", "--policy", "strict.txt", "--json")
    assert done.code == 1
    assert "quorum" in done.json["detail"]


@pytest.mark.parametrize("place", ["nowhere", "http://127.0.0.1:9", "."])
def test_a_log_that_cannot_be_fetched_is_not_refuted(world: World, place: str) -> None:
    done = run("replay", f"{place}/empty", "--vkey", "log.vkey", "--json")
    assert (done.code, done.json["error"]) == (2, "unavailable")


@pytest.mark.parametrize("url", ["http://", "http://[::1", "https://a b", "http://a:port"])
def test_what_is_no_url_is_wrong_usage(world: World, url: str) -> None:
    assert run("replay", url, "--vkey", "log.vkey").code == 2
    assert run("status", "0.json", "--url", url).code == 2


@pytest.mark.parametrize("form", ["ndjson", "csv", "parquet"])
def test_a_log_is_exported_in_the_form_that_the_name_of_the_file_says(
    world: World, form: str
) -> None:
    for named, more in ((f"out.{form}", []), ("other", ["--format", form])):
        done = run("export", "log", "--vkey", "log.vkey", "--out", named, *more, "--json")
        assert done.code == 0
        assert done.json["rows"] == 9
        assert done.json["dictionary"] == f"{named}.datapackage.json"
        assert Path(named).stat().st_size > 0
        assert run("export", "log", "--vkey", "log.vkey", "--out", named, *more).code == 2
    assert Path(f"out.{form}").read_bytes() == Path("other").read_bytes() or form == "parquet"


def test_what_goes_to_stdout_has_a_dictionary_too_if_it_gets_a_name(world: World) -> None:
    base = ["export", "log", "--vkey", "log.vkey", "--format", "csv"]
    assert run(*base, "--out", "-", "--dictionary", "d.json").code == 0
    assert b'"name": "commitment"' in Path("d.json").read_bytes()
    for more in (["--out", "-", "--dictionary", "d.json"], ["--out", "a", "--dictionary", "e"]):
        assert run(*base, *more).code == 2
    assert not Path("a").exists()


def test_a_name_that_says_no_form_is_told_those_there_are(world: World) -> None:
    done = run("export", "log", "--vkey", "log.vkey", "--out", "log.xlsx", "--json")
    assert (done.code, done.json["error"]) == (2, "usage")
    assert ".csv, .ndjson, .jsonl, .parquet" in done.json["detail"]


def test_a_log_is_exported_as_of_an_earlier_size_or_time(world: World) -> None:
    size = world.log.size
    later = world.story.milliseconds + 60_000
    world.log.append(world.story.cohort(2), recorded_at=later)
    world.log.publish()
    base = ["export", "log", "--vkey", "log.vkey", "--json"]
    by_size = run(*base, "--size", size, "--out", "a.csv").json
    by_time = run(*base, "--at", "2026-11-21T10:00:59Z", "--out", "b.csv").json
    assert (by_size["size"], by_size["rows"]) == (by_time["size"], by_time["rows"]) == (size, 9)
    assert by_size["root"] == by_time["root"]
    assert Path("a.csv").read_bytes() == Path("b.csv").read_bytes()
    assert run(*base, "--size", size, "--at", "2026-11-21", "--out", "c.csv").code == 2
    assert "still to come" in run(*base, "--at", "2999-01-01", "--out", "c.csv").json["detail"]
    assert run(*base, "--size", size + 1, "--out", "c.csv").json["rule"] == "size-cut"
    assert not Path("c.csv").exists()


def test_a_damaged_log_is_not_exported(world: World) -> None:
    world.log.republish([*world.log.entries[:-1], b"{}"])
    done = run("export", "log", "--vkey", "log.vkey", "--out", "out.csv")
    assert done.code == 1
    assert not Path("out.csv").exists()
