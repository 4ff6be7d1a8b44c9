"""A registration holds by the founding key's signature, for one log and one sponsor."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from testamur.catalogue.events import OrganizationRegistered
from testamur.catalogue.lines import decode_event
from testamur.catalogue.registration import verify_registration
from testamur.cli.key_folder import KeyFolder
from testamur.errors import Refusal
from tests.cli.commands import Ended, key_file, run
from tests.harness.story import Story, party

SPONSOR = party("sponsor").did
ORIGIN = "log.example/testamur"
WHO = ["--name", "A College", "--country", "NL", "--role", "provider"]
WHERE = ["--sponsor", SPONSOR, "--log", ORIGIN]


@pytest.fixture
def folder(at: Path) -> KeyFolder:
    run("keygen", "--out", "keys", "--recovery", "2")
    return KeyFolder.read(at / "keys")


def join(*more: str, out: str = "r") -> Ended:
    return run("join", "--keys", "keys", *more, "--out", out)


def registered(out: str = "r") -> OrganizationRegistered:
    line = Path(out).read_bytes()
    assert line.endswith(b"\n")
    event = decode_event(line[:-1])
    assert isinstance(event, OrganizationRegistered)
    return event


def test_a_registration_names_everything_and_is_signed(folder: KeyFolder) -> None:
    more = ["--role", "endorser", "--identifier", "ROR=https://ror.org/04dkp9463"]
    more += ["--identifier", "CTID=ce-52a45d0f-8d5e-4b6c-9d7b-0a1b2c3d4e5f"]
    done = join(*WHO, *WHERE, *more, "--url", "https://college.example")
    assert done.code == 0
    event = registered()
    verify_registration(event)
    assert event.organization == folder.did
    assert (event.sponsor, event.origin) == (SPONSOR, ORIGIN)
    assert event.roles == ("endorser", "provider")
    assert event.recovery_keys == tuple(own.key for own in folder.with_use("recovery"))
    assert event.signing_keys == tuple(own.key for own in folder.with_use("signing"))
    assert event.until == datetime.now(UTC).date() + timedelta(days=30)
    assert [each.scheme for each in event.identifiers or ()] == ["CTID", "ROR"]
    assert event.url == "https://college.example"


@pytest.mark.slow
@pytest.mark.parametrize("member", ["sponsor", "origin", "name", "country", "until", "signingKeys"])
def test_nobody_can_use_it_for_anything_else(folder: KeyFolder, member: str) -> None:
    assert join(*WHO, *WHERE).code == 0
    other = {
        "sponsor": party("other").did, "origin": "other.example", "name": "Other",
        "country": "BE", "until": "2030-01-01", "signingKeys": [party("other").key_id],
    }  # fmt: skip
    changed = json.loads(Path("r").read_text()) | {member: other[member]}
    line = json.dumps(changed, separators=(",", ":"), sort_keys=True).encode()
    event = decode_event(line)
    assert isinstance(event, OrganizationRegistered)
    with pytest.raises(Refusal, match="registration-signature"):
        verify_registration(event)


def test_the_file_is_one_of_events_to_which_the_sponsor_adds(folder: KeyFolder) -> None:
    assert join(*WHO, *WHERE).code == 0
    granted = ["accreditation=new", f"provider={folder.did}", "name=A College", "country=NL",
               "decision=positive", "kind=institutional", "validFrom=2026-09-01"]  # fmt: skip
    assert run("event", "accreditation.granted", *granted, "--to", "r").code == 0
    assert run("check", "r").code == 0


def test_a_root_authority_names_the_log_as_its_sponsor(folder: KeyFolder) -> None:
    done = join(*WHO[:-1], "authority", "--sponsor", ORIGIN, "--log", ORIGIN)
    assert done.code == 0
    assert "python -m api init --authority r" in done.err
    assert registered().sponsor == ORIGIN


def test_the_last_day_can_be_chosen(folder: KeyFolder) -> None:
    assert join(*WHO, *WHERE, "--until", "2027-01-31").code == 0
    assert registered().until == date(2027, 1, 31)


@pytest.mark.slow
def test_the_founding_key_alone_signs_it(folder: KeyFolder, at: Path, now: Story) -> None:
    page = folder.path / "founding-key.txt"
    page.rename(at / "page")
    done = join(*WHO, *WHERE)
    assert done.code == 2
    assert "this needs the founding key" in done.err
    key_file(at, now.provider, "other.key")
    for wrong in ("keys/recovery-1.key", "keys/signing-1.key", "other.key"):
        assert join(*WHO, *WHERE, "--key", wrong).code == 1
    assert not Path("r").exists()
    assert join(*WHO, *WHERE, "--key", "page").code == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    "wrong",
    [
        [*WHO, "--log", ORIGIN],
        [*WHO, "--sponsor", SPONSOR],
        [*WHO, "--log", "https://log.example", "--sponsor", SPONSOR],
        [*WHO, "--log", ORIGIN, "--sponsor", "did:web:agency.example"],
        [*WHO, "--log", ORIGIN, "--sponsor", "two words"],
        [*WHO, *WHERE, "--role", "owner"],
        [*WHO, *WHERE, "--until", "31-01-2027"],
        [*WHO, *WHERE, "--identifier", "ROR"],
        [*WHO, *WHERE, "--identifier", "PASSPORT=1"],
        [*WHO[2:], *WHERE],
    ],
)
def test_wrong_usage_of_join_is_2(folder: KeyFolder, wrong: list[str]) -> None:
    assert join(*wrong).code == 2
    assert not Path("r").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("who", "rule"),
    [
        (["--name", "A\u200bB", "--country", "NL"], "event-schema"),
        (["--name", "Оxford", "--country", "GB"], "mixed-scripts"),  # noqa: RUF001  # on purpose
        (["--name", "A College", "--country", "Netherlands"], "event-schema"),
    ],
)
def test_a_registration_that_would_be_refused_is_not_signed(
    folder: KeyFolder, who: list[str], rule: str
) -> None:
    done = join(*who, "--role", "provider", *WHERE, "--json")
    assert (done.code, done.json["rule"]) == (1, rule)
    assert not Path("r").exists()


def test_a_registration_is_not_overwritten(folder: KeyFolder) -> None:
    Path("r").write_text("precious")
    assert join(*WHO, *WHERE).code == 2
    assert Path("r").read_text() == "precious"
