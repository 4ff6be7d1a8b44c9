"""Whatever is given a private key in place of another file prints nothing of it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from testamur.catalogue.submission import every_refusal
from testamur.errors import Refusal, shown
from testamur.keys import PrivateKey
from testamur.private_keys import holds_private_key
from testamur.tlog.note import SignerKey
from tests.cli.commands import World, run
from tests.cli.parameters import COMMANDS, NAMES, READ, outputs, parameters, prepare_files
from tests.harness.story import private_key

_ID: Final = "019a3b1c-7f00-7abc-8def-0123456789ab"
_ED25519: Final = private_key("secret").multikey()
_P256: Final = private_key("secret", "P-256").multikey()
_SEED: Final = private_key("secret").raw()
_D: Final = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"


def _pem(form: PrivateFormat) -> str:
    key = Ed25519PrivateKey.from_private_bytes(_SEED)
    return key.private_bytes(Encoding.PEM, form, NoEncryption()).decode()


SECRETS: Final[dict[str, bytes]] = {
    "Ed25519": f"{_ED25519}\n".encode(),
    "P-256": f"{_P256}\n".encode(),
    "without its last letters": _ED25519[:-3].encode(),
    "in quotes, with a comma": f'"{_ED25519}",\n'.encode(),
    "in UTF-16": _ED25519.encode("utf-16"),
    "as a value": json.dumps({"publicKeyMultibase": _ED25519}).encode(),
    "in a policy": f"log {_ED25519}\nquorum none\n".encode(),
    "below other lines": f"# my key\n{_P256}\n".encode(),
    "signer key of a note": f"{SignerKey.from_seed('log.example', _SEED).render()}\n".encode(),
    "PKCS #8": _pem(PrivateFormat.PKCS8).encode(),
    "OpenSSH": _pem(PrivateFormat.OpenSSH).encode(),
    "PKCS #8 without its frame": b"".join(_pem(PrivateFormat.PKCS8).encode().split(b"\n")[1:-2]),
    "JWK": json.dumps({"kty": "OKP", "crv": "Ed25519", "d": _D, "x": "abc"}).encode(),
}


def pieces_in(output: str, secret: bytes) -> list[str]:
    """Return every run of 12 characters of the secret that was printed."""
    text = secret.decode("utf-16" if secret[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8")
    words = [word for word in text.replace('"', " ").split() if len(word) >= 40]
    assert words, "each secret has one long word"
    return [
        word[at : at + 12]
        for word in words
        for at in range(len(word) - 11)
        if word[at : at + 12] in output
    ]


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_no_parameter_of_a_command_prints_a_private_key(world: World, command: str) -> None:
    prepare_files(world)
    for name in ("Ed25519", "in UTF-16", "signer key of a note", "JWK"):
        secret = SECRETS[name]
        Path("the.key").write_bytes(secret)
        Path("the.key").chmod(0o600)
        for parameter in parameters(command):
            for code, output in outputs(command, parameter, "the.key"):
                assert pieces_in(output, secret) == [], (parameter, name)
                assert code in (1, 2) or parameter in NAMES | {"key"}, (parameter, name, output)
                if parameter in READ:
                    assert (code, "private key" in output) == (2, True), (parameter, output)


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_a_key_that_is_typed_is_not_repeated(world: World, command: str) -> None:
    prepare_files(world)
    for secret in (_ED25519, f"did:key:{_P256}"):
        for parameter in parameters(command):
            for code, output in outputs(command, parameter, secret):
                assert pieces_in(output, secret[-48:].encode()) == [], parameter
                assert (code, "private key" in output) == (2, True), parameter


@pytest.mark.parametrize("words", [[_ED25519], ["--" + _ED25519], ["did", "a", _ED25519, "c"]])
def test_wrong_usage_does_not_repeat_a_key(words: list[str]) -> None:
    for more in ([], ["--json"]):
        done = run(*words, *more)
        assert done.code == 2
        assert pieces_in(done.out + done.err, _ED25519.encode()) == []


@pytest.mark.parametrize("name", SECRETS)
def test_a_member_that_is_read_from_a_key_file_is_not_shown(at: Path, name: str) -> None:
    (at / "the.key").write_bytes(SECRETS[name])
    done = run("event", "organization.updated", "name:=@the.key")
    assert done.code == 2
    assert pieces_in(done.out + done.err, SECRETS[name]) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", SECRETS)
def test_a_key_on_standard_input_is_not_shown(name: str) -> None:
    for command in (["check", "-"], ["event", "key.retired", "key:=@-"]):
        done = run(*command, stdin=SECRETS[name])
        assert done.code == 2
        assert pieces_in(done.out + done.err, SECRETS[name]) == []


@pytest.mark.parametrize("name", SECRETS)
def test_a_key_among_badges_is_refused_and_not_shown(at: Path, name: str) -> None:
    badges = at / "badges"
    badges.mkdir()
    (badges / "a.json").write_bytes(SECRETS[name])
    (badges / "b.ndjson").write_bytes(SECRETS[name])
    done = run("prepare", "badges", "--achievement", _ID, "--out", "o", "--json")
    assert done.code == 1
    assert "private-key" in {each["rule"] for each in done.json["refused"]}
    assert pieces_in(done.out + done.err, SECRETS[name]) == []


def test_events_are_not_added_to_a_key_file(at: Path) -> None:
    assert run("keygen", "--out", "keys").code == 0
    for file in (at / "keys/signing-1.key", at / "keys/founding-key.txt"):
        before = file.read_bytes()
        assert run("reinstate", _ID, "--to", file).code == 2
        assert file.read_bytes() == before


@pytest.mark.slow
@pytest.mark.parametrize("name", ["Ed25519", "signer key of a note", "PKCS #8", "JWK"])
def test_a_key_in_place_of_a_root_authority_is_not_shown(tmp_path: Path, name: str) -> None:
    secret = SECRETS[name]
    (tmp_path / "the.key").write_bytes(secret)
    texts = [secret.decode()] if name == "JWK" else []
    for authority in [str(tmp_path / "the.key"), *texts]:
        done = subprocess.run(
            [sys.executable, "-m", "api", "init", "--data", tmp_path / "log",
             "--origin", "l.example", "--authority", authority],
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert (done.returncode, "private key" in done.stderr) == (2, True)
        assert pieces_in(done.stdout + done.stderr, secret) == []
        assert not (tmp_path / "log").exists()


def test_a_bug_prints_no_key() -> None:
    program = (
        "import sys, testamur.cli as cli\n"
        "def fail(**_): raise KeyError(sys.argv[1])\n"
        "cli.app = fail\n"
        "cli.main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, _ED25519],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert (done.returncode, "KeyError" in done.stderr) == (2, True)
    assert pieces_in(done.stdout + done.stderr, _ED25519.encode()) == []


def test_a_submission_that_is_a_key_is_refused_without_its_end() -> None:
    for secret in SECRETS.values():
        for refusal in every_refusal(secret):
            assert pieces_in(str(refusal), secret) == []


@pytest.mark.parametrize(
    "text", [_ED25519[:20], f"x {_P256[:30]}", SECRETS["PKCS #8"].decode()[:60], f'"d":"{_D}"']
)
def test_the_beginning_of_a_key_is_hidden_in_every_error(text: str) -> None:
    assert "a private key, not shown" in shown(text)
    assert "a private key, not shown" in Refusal("rule", f"found {text} here").detail


def test_public_texts_are_not_taken_for_private_keys(world: World) -> None:
    public = PrivateKey.generate().public
    texts = [public.did_key(), public.multikey(), private_key("a", "P-256").public.multikey()]
    texts += [json.dumps({"kty": "OKP", "crv": "Ed25519", "x": _D})]
    texts += [Path(name).read_text() for name in ("log.vkey", "policy.txt", "0.json")]
    bodies = [text.encode() for text in texts]
    for body in (*bodies, world.story.cohort(300), *world.story.opening()):
        assert not holds_private_key(body)


def test_base64_that_spells_the_same_is_not_taken_for_a_key() -> None:
    # A commitment ends in padding; in a longer word the letters stand in the middle.
    for word in (f"{_ED25519[:43]}=", f"A{_ED25519}", f"{_ED25519}{_ED25519}"):
        assert not holds_private_key(b" " * 5000 + f'{{"commitment":"{word}"}}'.encode())
