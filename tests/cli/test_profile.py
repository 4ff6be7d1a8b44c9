"""What is kept in a profile need not be typed, and gives way to what is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from testamur.cli.profile import Offers
from tests.cli.commands import World, key_folder, run
from tests.cli.parameters import COMMANDS
from tests.harness.http_registry import HttpRegistry
from tests.harness.story import Story, party

_NOBODY = "http://127.0.0.1:9"


@pytest.fixture
def settings(at: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return where the profile will be; commands take it from there."""
    monkeypatch.delenv("TESTAMUR_PROFILE", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(at / "settings"))
    return at / "settings/testamur/profile.toml"


def test_every_offer_is_to_a_parameter_that_there_is() -> None:
    for command, offered in Offers().items():
        names = {each.name for each in COMMANDS[command].params}
        assert set(offered.names) <= names, command


def test_a_profile_is_written_shown_changed_and_forgotten(world: World, settings: Path) -> None:
    key_folder(world.folder / "keys", world.story.provider)
    assert "Nothing is kept" in run("profile").err
    assert not settings.exists()
    given = ["--url", "https://r.example", "--vkey", "log.vkey", "--anchor", world.anchor]
    done = run("profile", *given, "--keys", "keys", "--log", world.story.origin, "--json")
    kept = {
        "file": str(settings),
        "url": "https://r.example",
        "vkey": f"{world.log.key}",
        "anchors": [world.anchor],
        "keys": str(world.folder / "keys"),
        "log": world.story.origin,
    }
    assert done.json == kept
    done = run("profile", "--url", "https://s.example", "--unset", "keys", "--json")
    assert done.json == {**kept, "url": "https://s.example", "keys": None}
    assert run("profile", "--json").json == done.json


def test_a_verifier_types_the_credential_alone(
    world: World, settings: Path, registry: HttpRegistry
) -> None:
    Path("log.vkey").rename("there.vkey")
    given = ["--url", registry.url, "--vkey", "there.vkey", "--anchor", world.anchor]
    assert run("profile", *given).code == 0
    Path("there.vkey").unlink()  # its text was kept
    done = run("verify", "0.json", "--at", "2026-11-21", "--json")
    assert (done.code, done.json["evidenceFrom"]) == (0, "register")
    assert run("evidence", "0.json", "--out", "-").code == 0
    assert run("replay", "log", "--json").json["keyFrom"] == "policy"


def test_a_researcher_types_the_file_alone(
    world: World, settings: Path, registry: HttpRegistry
) -> None:
    run("profile", "--url", registry.url, "--vkey", "log.vkey")
    assert run("export", "--out", "log.csv", "--json").json["keyFrom"] == "policy"
    assert run("replay", "--json").json["size"] == world.log.size


def test_a_log_that_the_kept_policy_does_not_know_is_told_with_whose_policy_it_is(
    world: World, settings: Path, tmp_path: Path
) -> None:
    other = World(tmp_path / "other", Story(name="another"))
    run("profile", "--vkey", "log.vkey")
    done = run("replay", other.log.root)
    assert done.code == 2
    assert f"The policy is that of your profile, {settings}" in done.err
    assert "your profile" not in run("replay", other.log.root, "--vkey", world.log.key).err


def test_what_to_do_next_leaves_out_what_need_not_be_typed(world: World, settings: Path) -> None:
    key_folder(world.folder / "keys", world.story.provider)
    Path("e").write_bytes(world.story.cohort(1).partition(b"\n")[2])
    base = ["sign", "e", "--keys", "keys", "--log", world.story.origin, "--out"]
    assert "Next: testamur submit a --url URL --vkey FILE --keys DIR\n" in run(*base, "a").err
    run("profile", "--keys", "keys", "--vkey", "log.vkey")
    assert "Next: testamur submit b --url URL\n" in run(*base, "b").err


def test_signing_waits_for_no_registry_that_was_only_offered(world: World, settings: Path) -> None:
    key_folder(world.folder / "keys", world.story.provider)
    Path("e").write_bytes(world.story.cohort(1).partition(b"\n")[2])
    base = ["sign", "e", "--keys", "keys", "--log", world.story.origin, "--out"]
    run("profile", "--url", _NOBODY)
    done = run(*base, "a")
    assert done.code == 0
    assert "without being compared" in done.err
    assert run(*base, "b", "--url", _NOBODY).code == 2
    done = run("check", "e", "--keys", "keys")
    assert (done.code, done.err.count("cannot be reached")) == (0, 1)
    done = run("check", "e", "--keys", "keys", "--url", _NOBODY)
    assert (done.code, done.err.count("\n")) == (2, 1)


def test_a_provider_types_no_folder_and_no_log(world: World, settings: Path) -> None:
    key_folder(world.folder / "keys", world.story.provider)
    Path("e").write_bytes(world.story.cohort(1).partition(b"\n")[2])
    assert run("sign", "e", "--out", "s").code == 2
    run("profile", "--keys", "keys", "--log", world.story.origin)
    assert run("sign", "e", "--out", "s").code == 0
    assert run("check", "e").code == 0  # there is no address to ask


def test_the_environment_comes_before_the_profile_and_an_option_before_both(
    world: World, settings: Path, registry: HttpRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("profile", "--url", _NOBODY, "--vkey", "log.vkey")
    assert run("evidence", "0.json", "--out", "-").err.startswith(_NOBODY)
    monkeypatch.setenv("TESTAMUR_URL", registry.url)
    assert run("evidence", "0.json", "--out", "-").code == 0
    assert run("evidence", "0.json", "--out", "-", "--url", _NOBODY).code == 2
    monkeypatch.setenv("TESTAMUR_VKEY", "nowhere.vkey")
    assert "nowhere.vkey" in run("replay", "log").err
    assert "TESTAMUR_VKEY is set" in run("profile").err


def test_what_is_offered_gives_way_to_what_is_typed(world: World, settings: Path) -> None:
    key_folder(world.folder / "keys", world.story.provider)
    given = ["--url", _NOBODY, "--vkey", "log.vkey", "--keys", "keys"]
    run("profile", *given, "--log", world.story.origin)
    assert run("verify", "0.json", "--log", "log", "--at", "2026-11-21").code == 0
    assert run("evidence", "0.json", "--log", "log", "--out", "-").code == 0
    assert run("keys", world.story.accreditor.did, "--log", "log").code == 0
    key_folder(world.folder / "others", world.story.accreditor)
    whose = ["--key", "others/signing-1.key", "--organization", world.story.accreditor.did]
    Path("e").write_bytes(world.story.cohort(1).partition(b"\n")[2])
    done = run("sign", "e", *whose, "--out", "s", "--json")
    assert done.json["iss"] == world.story.accreditor.did


def test_keys_that_are_offered_stop_nobody_from_submitting_for_another(
    world: World, settings: Path, registry: HttpRegistry
) -> None:
    key_folder(world.folder / "keys", party("other"))
    run("profile", "--url", registry.url, "--vkey", "log.vkey", "--keys", "keys")
    Path("s").write_bytes(world.story.cohort(1))
    assert "recordedAt" in run("submit", "s", "--json").out
    assert run("submit", "s", "--keys", "keys").code == 1


# --- A bad one ---


@pytest.mark.parametrize("address", ["http://registry.example", "ftp://a.example", "nonsense"])
def test_an_address_that_is_not_the_verifiers_own_is_not_kept(settings: Path, address: str) -> None:
    assert run("profile", "--url", address).code == 2
    assert not settings.exists()


def test_an_address_without_tls_does_not_count_as_own_wherever_it_comes_from(
    world: World, settings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.parent.mkdir(parents=True)
    settings.write_text('url = "http://registry.example"\n')
    done = run("verify", "0.json", "--vkey", "log.vkey", "--json")
    assert (done.code, done.json["error"]) == (2, "usage")
    assert f"(from your profile, {settings})" in done.json["detail"]
    monkeypatch.setenv("TESTAMUR_URL", "http://registry.example")
    done = run("verify", "0.json", "--vkey", "log.vkey", "--json")
    assert "without TLS" in done.json["detail"]
    assert "(from TESTAMUR_URL)" in done.json["detail"]


@pytest.mark.parametrize("text", ["url = 1", "colour = 'red'", "url", "\x00", "anchors = 'a'"])
def test_a_profile_that_cannot_be_read_says_what_it_may_hold(settings: Path, text: str) -> None:
    settings.parent.mkdir(parents=True)
    settings.write_text(f"{text}\n")
    done = run("status", "019a3b1c-7f00-7abc-8def-0123456789ab", "--json")
    assert (done.code, done.json["error"]) == (2, "unavailable")
    assert "url, vkey, anchors, keys, log" in done.json["detail"]
    # It is read by commands that need it, and by no other.
    assert run("events").code == 0
    assert run("status", "019a3b1c-7f00-7abc-8def-0123456789ab", "--url", _NOBODY).code == 2


def test_an_option_that_is_missing_says_how_it_need_not_be_typed(settings: Path) -> None:
    done = run("status", "019a3b1c-7f00-7abc-8def-0123456789ab", "--json")
    assert "TESTAMUR_URL" in done.json["detail"]
    assert "testamur profile" in done.json["detail"]
    assert "profile" in run("sign", "e", "--out", "s", "--json").json["detail"]


@pytest.mark.parametrize("name", [b"k\x7f", b"k\xff", b"k\n"])
def test_a_folder_whose_name_no_profile_can_hold_is_not_kept(settings: Path, name: bytes) -> None:
    folder = os.fsdecode(name)
    run("keygen", "--out", folder)
    done = run("profile", "--keys", folder, "--json")
    if done.code == 0:
        assert Path(done.json["keys"]).name == folder
        assert run("profile", "--json").json == done.json
    else:
        assert (done.code, settings.exists()) == (2, False)
        assert "control characters" in done.json["detail"]


def test_neither_a_key_nor_what_is_no_folder_of_keys_is_kept(at: Path, settings: Path) -> None:
    run("keygen", "--out", "keys")
    assert run("profile", "--vkey", "keys/signing-1.key").code == 2
    assert run("profile", "--keys", "keys/receipts").code == 2
    assert run("profile", "--unset", "colour").code == 2
    assert not settings.exists()
