"""The keys of an organization: made once, for its owner alone, and never overwritten."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from testamur.cli.key_folder import KeyFolder
from testamur.errors import Refusal, Unavailable
from testamur.keys import PublicKey
from tests.cli.commands import key_file, key_folder, run
from tests.harness.story import Story, party


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.slow
@pytest.mark.parametrize("curve", ["Ed25519", "P-256"])
@pytest.mark.parametrize("recovery", [0, 1, 2, 8])
def test_an_organization_gets_a_key_of_each_kind(at: Path, curve: str, recovery: int) -> None:
    made = run("keygen", "--out", "keys", "--curve", curve, "--recovery", recovery, "--json")
    assert made.code == 0
    uses = ["founding", *["recovery"] * recovery, "signing"]
    assert [each["use"] for each in made.json["keys"]] == uses
    assert made.json["did"] == f"did:key:{made.json['keys'][0]['key']}"
    folder = KeyFolder.read(at / "keys")
    for own in folder.keys:
        secret = folder.secret(own)
        assert (secret.public.multikey(), secret.curve) == (own.key, curve)
        assert mode(at / "keys" / own.file) == 0o600
    assert len({own.key for own in folder.keys}) == len(uses)
    assert mode(at / "keys") == 0o700


def test_no_secret_is_printed(at: Path) -> None:
    for more in ([], ["--json"], ["--more", "signing"], ["--more", "recovery", "--json"]):
        folder = "keys" if "--more" in more else f"keys{len(more)}"
        if "--more" in more and not (at / "keys").exists():
            run("keygen", "--out", "keys")
        done = run("keygen", "--out", folder, *more)
        assert done.code == 0
        for file in at.glob("keys*/*.key"):
            assert file.read_text().strip() not in done.out + done.err
        for page in at.glob("keys*/founding-key.txt"):
            printed = [line for line in page.read_text().splitlines() if line[:3] == "2  "]
            assert printed[0] not in done.out + done.err


def test_it_is_told_where_each_file_belongs(at: Path) -> None:
    done = run("keygen", "--out", "keys")
    for file, place in (
        ("founding-key.txt", "print it, read it back, delete it"),
        ("recovery-1.key", "USB stick"),
        ("signing-1.key", "stays here"),
    ):
        assert any(file in line and place in line for line in done.out.splitlines())


@pytest.mark.parametrize("there", ["file", "folder", "link"])
def test_keys_are_never_overwritten(at: Path, there: str) -> None:
    place = at / "keys"
    if there == "file":
        place.write_text("precious")
    elif there == "link":
        place.symlink_to(at / "elsewhere")
    else:
        place.mkdir()
    made = run("keygen", "--out", "keys")
    assert (made.code, made.out) == (2, "")
    assert "exists already" in made.err
    assert {path.name for path in at.iterdir()} == {"keys"}


def test_a_folder_that_cannot_be_finished_is_not_begun(
    at: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "rename", fail)
    assert run("keygen", "--out", "keys").code == 2
    assert list(at.iterdir()) == []


def test_one_more_key_is_made_beside_the_others(at: Path) -> None:
    run("keygen", "--out", "keys")
    before = KeyFolder.read(at / "keys")
    for more, name in (("signing", "signing-2"), ("recovery", "recovery-2")):
        done = run("keygen", "--out", "keys", "--more", more, "--to", "listing", "--json")
        assert done.code == 0
        assert any(each["file"].endswith(f"{name}.key") for each in done.json["keys"])
    after = KeyFolder.read(at / "keys")
    assert [own.name for own in after.keys] == [
        "the founding key", "recovery-1", "recovery-2", "signing-1", "signing-2",
    ]  # fmt: skip
    assert set(before.keys) < set(after.keys)
    listed = [json.loads(line) for line in (at / "listing").read_text().splitlines()]
    assert [(each["as"], each["key"]) for each in listed] == [
        ("signing", after.keys[4].key),
        ("recovery", after.keys[2].key),
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    "wrong",
    [
        [],
        ["--out", "new", "--to", "x"],
        ["--out", "new", "--recovery", "9"],
        ["--out", "new", "--recovery", "-1"],
        ["--out", "new", "--more", "founding"],
        ["--out", "nowhere", "--more", "signing"],
        ["--read-back", "nowhere"],
    ],
)
def test_wrong_usage_of_keygen_is_2(at: Path, wrong: list[str]) -> None:
    assert run("keygen", *wrong).code == 2
    assert list(at.iterdir()) == []


# --- A folder that was tampered with, or is no folder of keys ---


def written(at: Path, **changes: object) -> None:
    folder = key_folder(at / "keys", party("college"))
    found = json.loads(folder.render()) | changes
    (at / "keys/organization.json").write_text(json.dumps(found))


def entry(who: str, use: str = "signing", file: str = "signing-1.key") -> dict[str, str]:
    return {"file": file, "key": party(who).key.public.multikey(), "use": use}


FOUNDING = {
    "file": "founding-key.txt",
    "key": party("college").keys.founding.public.multikey(),
    "use": "founding",
}


@pytest.mark.parametrize(
    "changes",
    [
        {"did": party("other").did},
        {"did": "did:web:college.example"},
        {"format": "testamur/organization/2"},
        {"more": 1},
        {"keys": []},
        {"keys": [entry("college")]},
        {"keys": [FOUNDING, FOUNDING]},
        {"keys": [FOUNDING, entry("college"), entry("college", file="b.key")]},
        {"keys": [entry("college"), FOUNDING]},
        {"keys": [FOUNDING, entry("college"), entry("other", "recovery", "r.key")]},
        {"keys": [FOUNDING, entry("college", file="../college.key")]},
        {"keys": [FOUNDING, entry("college", file="/etc/passwd")]},
        {"keys": [FOUNDING, entry("college", file=".hidden")]},
        {"keys": [FOUNDING, entry("college", use="owner")]},
    ],
)
def test_a_folder_that_says_something_else_is_refused(at: Path, changes: dict[str, object]) -> None:
    written(at, **changes)
    with pytest.raises(Refusal) as refused:
        KeyFolder.read(at / "keys")
    assert refused.value.rule == "organization-file"


def test_a_key_file_with_another_key_is_refused(at: Path, now: Story) -> None:
    folder = key_folder(at / "keys", now.provider)
    key_file(at / "keys", now.accreditor, "signing-1.key")
    with pytest.raises(Refusal) as refused:
        folder.secret(folder.keys[2])
    assert refused.value.rule == "key-file"
    assert now.accreditor.key.multikey() not in str(refused.value)


def test_what_is_no_folder_of_keys_is_told(at: Path) -> None:
    (at / "file").write_text("x")
    for place in ("nowhere", "file"):
        with pytest.raises(Unavailable, match="keygen"):
            KeyFolder.read(at / place)


# --- A key alone ---


def test_a_key_that_others_can_read_is_refused(at: Path, now: Story) -> None:
    key_file(at, now.provider, "a.key").chmod(0o640)
    done = run("did", "a.key", "--json")
    assert done.code == 1
    assert (done.json["rule"], done.json["value"]) == ("key-file-mode", "640")


@pytest.mark.parametrize("text", ["z3u2notakey", "", "\xff\xfe", "did:key:z6Mk"])
def test_a_malformed_key_is_refused_and_not_shown(at: Path, text: str) -> None:
    (at / "a.key").write_text(text, encoding="latin-1")
    (at / "a.key").chmod(0o600)
    done = run("did", "a.key")
    assert done.code == 1
    assert not text or text not in done.err + done.out


def test_a_did_is_spelt_by_its_key(at: Path, now: Story) -> None:
    key_file(at, now.provider, "a.key")
    done = run("did", "a.key", "--json")
    assert done.json["did"] == now.provider.key.public.did_key()
    assert PublicKey.from_multikey(done.json["key"]) == now.provider.key.public


# --- The DID document ---


def test_a_did_document_lists_the_signing_keys_and_no_other(at: Path) -> None:
    run("keygen", "--out", "keys", "--recovery", "2")
    run("keygen", "--out", "keys", "--more", "signing")
    folder = KeyFolder.read(at / "keys")
    document = run("did-document", "did:web:college.example", "--keys", "keys").json
    assert document["id"] == "did:web:college.example"
    keys = [each["publicKeyMultibase"] for each in document["verificationMethod"]]
    assert keys == [own.key for own in folder.with_use("signing")]
    assert document["assertionMethod"] == [f"did:web:college.example#{key}" for key in keys]
    assert {each["controller"] for each in document["verificationMethod"]} == {document["id"]}
    assert document["alsoKnownAs"] == [folder.did]


def test_a_stolen_key_is_left_out_of_the_document(at: Path) -> None:
    run("keygen", "--out", "keys")
    run("keygen", "--out", "keys", "--more", "signing")
    words = ["did-document", "did:web:college.example", "--keys", "keys", "--without", "signing-1"]
    assert len(run(*words).json["verificationMethod"]) == 1
    done = run(*words, "--without", "signing-7", "--json")
    assert (done.code, done.json["rule"]) == (1, "unknown-key")


@pytest.mark.parametrize("name", ["did:key:z6MkqsjUJMVtPgESnwwJMqEdhp4irkdhqR5ZDpbhfhQQjMh5"])
def test_a_did_that_has_no_document_to_publish_is_refused(at: Path, name: str) -> None:
    run("keygen", "--out", "keys")
    done = run("did-document", name, "--keys", "keys", "--json")
    assert (done.code, done.json["rule"]) == (1, "did-method")


@pytest.mark.parametrize("there", ["organization.json", "signing-1.key", "founding-key.txt", "a"])
def test_what_is_no_file_of_events_gets_none_and_no_key_is_made(at: Path, there: str) -> None:
    folder = KeyFolder.make(at / "keys", recovery=1, curve="Ed25519")
    os.mkfifo(at / "keys/a")
    before = {each.name: each.read_bytes() for each in folder.path.iterdir() if each.is_file()}
    done = run("keygen", "--out", "keys", "--more", "signing", "--to", f"keys/{there}")
    assert done.code in (1, 2)
    after = {each.name: each.read_bytes() for each in folder.path.iterdir() if each.is_file()}
    assert after == before
