"""Which key signs: that with least power that may; the error names the one that is needed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from testamur.catalogue import events as e
from testamur.catalogue.lines import encode_event
from testamur.catalogue.members import KeyUse
from testamur.catalogue.submission import parse
from testamur.cli.key_folder import KeyFolder
from tests.cli.commands import Ended, key_file, run
from tests.harness.story import Story, party

ORIGIN = "log.example/testamur"


@pytest.fixture
def folder(at: Path) -> KeyFolder:
    """Return the folder of an organization with two recovery keys and two signing keys."""
    run("keygen", "--out", "keys", "--recovery", "2")
    run("keygen", "--out", "keys", "--more", "signing")
    return KeyFolder.read(at / "keys")


def sign(*more: str, events: Sequence[e.Event], at: Path | None = None) -> Ended:
    Path("e").write_bytes(b"".join(encode_event(each) + b"\n" for each in events))
    Path("s").unlink(missing_ok=True)
    keys = ["--keys", str(at or "keys")]
    return run("sign", "e", *keys, *more, "--log", ORIGIN, "--out", "s", "--json")


def signer(folder: KeyFolder) -> str:
    """Return the name of the key that signed the file `s`, after checking the signature."""
    header = parse(Path("s").read_bytes()).header
    header.verify_signature(header.key())
    assert header.payload.iss == folder.did
    own = folder.find(header.key_id)
    assert own is not None
    return own.name


def named(folder: KeyFolder, name: str) -> str:
    return folder.named(name).key


def test_events_are_signed_by_the_newest_signing_key(folder: KeyFolder, now: Story) -> None:
    assert sign(events=[now.issued(), now.issued()]).code == 0
    assert signer(folder) == "signing-2"
    (folder.path / "signing-2.key").unlink()
    assert sign(events=[now.issued()]).code == 0
    assert signer(folder) == "signing-1"


def listing(use: KeyUse = "signing") -> e.KeyListed:
    return e.KeyListed(as_=use, key=party("fresh").key_id)


def retired(key: str) -> e.KeyRetired:
    return e.KeyRetired(key=key)


def declared(key: str, since: int | None = 5) -> e.KeyCompromised:
    return e.KeyCompromised(key=key, since=since)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("said", "by"),
    [
        (lambda _: [listing()], "recovery-2"),
        (lambda _: [listing("recovery")], "the founding key"),
        (lambda k: [declared(k("signing-1"))], "recovery-2"),
        (lambda k: [declared(k("signing-1")), listing()], "recovery-2"),
        (lambda k: [declared(k("recovery-2"))], "recovery-1"),
        (lambda k: [declared(k("recovery-1"))], "the founding key"),
        (lambda k: [declared(k("recovery-2")), declared(k("signing-1"))], "recovery-1"),
        (lambda k: [declared(k("signing-1"), None)], "signing-1"),
        (lambda k: [declared(k("recovery-2"), None)], "recovery-2"),
        (lambda k: [retired(k("signing-2"))], "signing-2"),
        (lambda k: [retired(k("signing-1")), retired(k("signing-2"))], "recovery-2"),
        (lambda k: [retired(k("recovery-1")), retired(k("recovery-2"))], "recovery-1"),
        (lambda _: [retired(party("an older key").key_id)], "recovery-2"),
    ],
)
def test_key_events_are_signed_by_the_key_with_least_power_that_may(
    folder: KeyFolder, said: object, by: str
) -> None:
    events = said(lambda name: named(folder, name))  # type: ignore[operator]  # a row's lambda
    done = sign(events=events)
    assert done.code == 0, done.out
    assert signer(folder) == by


def test_the_next_key_signs_when_one_is_in_a_safe(folder: KeyFolder) -> None:
    for name, by in (("recovery-2", "recovery-1"), ("recovery-1", "the founding key")):
        (folder.path / f"{name}.key").unlink()
        assert sign(events=[listing()]).code == 0
        assert signer(folder) == by


def test_the_error_names_the_key_that_is_needed(folder: KeyFolder, now: Story) -> None:
    for path in folder.path.iterdir():
        if path.name != "organization.json":
            path.unlink()
    for events, needed, other in (
        ([now.issued()], "this needs a signing key: signing-2", "recovery"),
        ([listing()], "key events of this kind need recovery-2", "signing"),
        ([listing("recovery")], "key events of this kind need the founding key", "recovery-1"),
        ([declared(named(folder, "recovery-2"))], "need recovery-1", "signing"),
    ):
        done = sign(events=events)
        assert (done.code, done.json["error"]) == (2, "unavailable")
        assert needed in done.json["detail"]
        assert f"{other} (" not in done.json["detail"]
        assert "--key FILE" in done.json["detail"]
        assert not Path("s").exists()


def test_a_key_on_a_stick_is_named_beside_the_folder(folder: KeyFolder, at: Path) -> None:
    (at / "stick").mkdir()
    (folder.path / "recovery-1.key").rename(at / "stick/r.key")
    assert sign("--key", "stick/r.key", events=[listing()]).code == 0
    assert signer(folder) == "recovery-1"


def test_the_founding_key_is_typed_from_paper(folder: KeyFolder, at: Path) -> None:
    page = folder.path / "founding-key.txt"
    lines = [line for line in page.read_text().splitlines() if line[:1] in "123" and "  " in line]
    (at / "typed").write_text("\n".join(lines))
    (at / "typed").chmod(0o600)
    page.unlink()
    assert sign("--key", "typed", events=[listing("recovery")]).code == 0
    assert signer(folder) == "the founding key"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("key", "about", "rule"),
    [
        ("recovery-1.key", "credential", "key-use"),
        ("founding-key.txt", "credential", "key-use"),
        ("signing-1.key", "listing", "key-use"),
        ("recovery-1.key", "recovery", "key-use"),
    ],
)
def test_a_key_that_may_not_sign_this_is_refused_before_a_registry_does(
    folder: KeyFolder, now: Story, key: str, about: str, rule: str
) -> None:
    events: dict[str, e.Event] = {
        "credential": now.issued(), "listing": listing(), "recovery": listing("recovery"),
    }  # fmt: skip
    done = sign("--key", f"keys/{key}", events=[events[about]])
    assert (done.code, done.json["rule"]) == (1, rule)
    assert not Path("s").exists()


def test_a_key_of_another_organization_is_refused(folder: KeyFolder, now: Story, at: Path) -> None:
    key_file(at, now.accreditor, "other.key")
    done = sign("--key", "other.key", events=[now.issued()])
    assert (done.code, done.json["rule"]) == (1, "key-not-listed")


def test_key_events_are_signed_apart(folder: KeyFolder, now: Story) -> None:
    done = sign(events=[listing(), listing(), now.issued()])
    assert (done.code, done.json["rule"], done.json["line"]) == (1, "key-events-alone", 3)


# --- A key without its folder ---


def alone(*more: str, events: Sequence[e.Event]) -> Ended:
    Path("e").write_bytes(b"".join(encode_event(each) + b"\n" for each in events))
    return run("sign", "e", *more, "--log", ORIGIN, "--out", "s", "--json")


def test_a_key_alone_signs_for_the_organization_that_is_named(at: Path, now: Story) -> None:
    key_file(at, now.provider, "a.key")
    whose = ["--key", "a.key", "--organization", now.provider.did]
    assert alone(*whose, events=[now.issued()]).code == 0
    assert parse((at / "s").read_bytes()).header.protected.kid == now.provider.kid


def test_a_key_that_lies_in_its_folder_needs_no_other_word(folder: KeyFolder, now: Story) -> None:
    assert alone("--key", "keys/signing-1.key", events=[now.issued()]).code == 0
    assert signer(folder) == "signing-1"


def test_whose_key_it_is_has_to_be_said(at: Path, now: Story) -> None:
    key_file(at, now.provider, "a.key")
    done = alone("--key", "a.key", events=[now.issued()])
    assert (done.code, done.json["error"]) == (2, "usage")
    assert "--keys DIR, the folder that keygen made, or --organization" in done.json["detail"]
    assert alone("--key", "a.key", events=[listing()]).code == 0  # as a founding key does


@pytest.mark.slow
@pytest.mark.parametrize(
    "wrong",
    [
        [],
        ["--keys", "keys", "--organization", party("college").did],
        ["--key", "keys/signing-1.key", "--organization", "did:web:college.example"],
        ["--keys", "nowhere"],
        ["--keys", "keys", "--key", "nowhere"],
    ],
)
def test_wrong_usage_of_keys_is_2(folder: KeyFolder, now: Story, wrong: list[str]) -> None:
    assert alone(*wrong, events=[now.issued()]).code == 2
    assert not Path("s").exists()
