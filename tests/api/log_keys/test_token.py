"""A log is signed by a key that never leaves its token, by PKCS#11."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from api.folder import Folder
from api.log_keys.private import open_signer
from api.log_keys.token import Address, TokenSigner, make_key, public_key
from testamur.errors import Refuted, Unavailable
from testamur.tlog.checkpoint import open_checkpoint
from testamur.tlog.log_keys import LogKeys
from testamur.tlog.note import MalformedNote, SignerKey, VerifierKey, parse_note
from testamur.verification.replay import replay
from tests.harness import softhsm
from tests.harness.served import Served, called

pytestmark = pytest.mark.hsm
TODAY = datetime.now(UTC).date()
DAY = timedelta(days=1)
ORIGIN = "log.example/testamur"


@pytest.fixture(scope="module", autouse=True)
def token() -> Path:
    if found := softhsm.missing():
        pytest.fail(found)
    return softhsm.token()


@pytest.fixture
def label(request: pytest.FixtureRequest) -> str:
    name: str = request.node.name
    return name[:60]


def test_a_key_that_never_leaves_its_token_signs(label: str) -> None:
    place = softhsm.address(label)
    make_key(place)
    key = VerifierKey.of(ORIGIN, 1, public_key(place))
    signer = TokenSigner(place, key)
    text = b"a text\n"
    key.verify(text, parse_note(text + b"\n" + signer.sign(text)).signatures[0].blob)
    signer.close()  # as after a failure: the next signature opens another session
    assert signer.sign(text) == signer.sign(text)
    signer.close()
    with pytest.raises(MalformedNote):
        signer.sign(b"no newline")
    with pytest.raises(Refuted, match="holds a"):
        make_key(place)


def test_a_key_that_is_not_there_or_another_is_refused(label: str, tmp_path: Path) -> None:
    place = softhsm.address(label)
    with pytest.raises(Unavailable, match="cannot be used: NoSuchKey"):
        public_key(place)
    make_key(place)
    with pytest.raises(Refuted, match="another key"):
        TokenSigner(place, SignerKey.generate(ORIGIN).verifier)
    wrong = tmp_path / "wrong"
    wrong.touch(0o600)
    wrong.write_text("1357-wrong\n")
    for pin, told in (
        (wrong, "cannot be used: PinIncorrect"),
        (tmp_path / "nowhere", "cannot be used: FileNotFoundError"),
    ):
        with pytest.raises(Unavailable, match=told) as failure:
            public_key(softhsm.address(label, pin=pin))
        assert "1357" not in repr(failure.value)
    wrong.chmod(0o644)
    with pytest.raises(Refuted, match="open to others"):
        public_key(softhsm.address(label, pin=wrong))
    module = place.replace("/usr/lib", "/nowhere")
    with pytest.raises(Unavailable, match="cannot be used"):
        public_key(module)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("pkcs11:token=t;obj=o?module-path=/m&pin-source=file:/p", "an address of a key is"),
        ("pkcs11:token=t;object=o?module-path=/m&pin-sourc", "an address of a key is"),
        ("pkcs11:token=t;object=o?module-path=/m&pin-value=1234", "a PIN stands in a file"),
        ("pkcs11:token=t?module-path=/m&pin-source=file:/p", "an address of a key is"),
        ("pkcs11:token=t;object=o;token=u?module-path=/m&pin-source=file:/p", "an address"),
        ("pkcs11:token=t;object=o;id=%01?module-path=/m&pin-source=file:/p", "an address"),
        ("pkcs11:token=t;object=o?module-path=m&pin-source=file:/p", "absolute"),
        ("pkcs11:token=t;object=o?module-path=/m&pin-source=p", "absolute"),
        ("token=t;object=o?module-path=/m&pin-source=file:/p", "an address"),
        ("pkcs11:", "an address"),
    ],
)
def test_an_address_that_is_not_whole_is_refused(text: str, told: str) -> None:
    with pytest.raises(Refuted, match=told) as failure:
        Address.parse(text)
    assert "1234" not in str(failure.value)


def test_a_label_may_hold_any_character() -> None:
    text = "pkcs11:token=my%20token;object=a%3Bb?module-path=/m&pin-source=file:/p"
    assert (Address.parse(text).token, Address.parse(text).label) == ("my token", "a;b")


@pytest.fixture
def log(opened_log: Served, tmp_path: Path) -> Iterator[Served]:
    copied = opened_log.copy(tmp_path / "data")
    yield copied
    copied.close()


def test_a_served_log_moves_its_key_into_a_token(log: Served, label: str) -> None:
    place = softhsm.address(label)
    added = called(
        "log-key", "add", "--from", str(TODAY + DAY), "--data", log.data, "--token", place, "--make"
    )
    assert added.returncode == 0, added.stderr
    new = VerifierKey.parse(added.stdout.strip())
    folder = Folder(log.data)
    held = folder.later_key(new.key_id.hex()).read_text()
    assert held == f"{place}\n"
    assert softhsm.PIN not in held
    both = LogKeys((log.key, new))
    folder.log_keys.write_text(f"{log.key} {TODAY - 9 * DAY} -\n{new} {TODAY - DAY} -\n")
    with log.running():
        log.submit(log.story.cohort(3))
        open_checkpoint(log.get("/log/checkpoint").content, log.key)
        open_checkpoint(log.get("/log/checkpoint").content, new)
    folder.log_keys.write_text(
        f"{log.key} {TODAY - 9 * DAY} {TODAY - DAY}\n{new} {TODAY - DAY} -\n"
    )
    folder.key.unlink()  # no private key is left outside of the token
    with log.running():
        assert log.post(log.story.cohort(3)).status_code == 201
        note = log.get("/log/checkpoint").content
        assert {line.key_id for line in parse_note(note).signatures} == {new.key_id}
        replay(log.source, both)


def test_a_log_whose_token_is_gone_does_not_start(log: Served, label: str) -> None:
    place = softhsm.address(label)
    assert (
        called(
            "log-key",
            "add",
            "--from",
            str(TODAY + DAY),
            "--data",
            log.data,
            "--token",
            place,
            "--make",
        ).returncode
        == 0
    )
    folder = Folder(log.data)
    for file in log.data.glob("key-*"):
        file.write_text(place.replace(f"object={label}", "object=nowhere") + "\n")
    with pytest.raises(Unavailable, match="cannot be used: NoSuchKey"):
        open_signer(folder)
