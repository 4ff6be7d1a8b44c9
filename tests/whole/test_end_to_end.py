"""The whole way, with the real programs: init, serve, submit, verify, replay, restart, check."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest

from testamur.badges.commitment import HolderFile
from testamur.catalogue.events import CredentialIssued, CredentialRevoked
from testamur.catalogue.lines import encode_event
from testamur.tlog.merkle import prove_consistency, verify_consistency
from testamur.tlog.source import DirectorySource
from testamur.tlog.tiles import TileHashes
from testamur.verification.evidence import parse_evidence
from testamur.verification.receipt import parse_receipt, verify_receipt
from testamur.verification.replay import replay
from testamur.verification.report import EvidenceFrom, Verdict
from testamur.verification.verify import verify
from tests.harness.awards import awards
from tests.harness.served import PROJECT, Served, api, authority_of, run_module
from tests.harness.story import Story, party

pytestmark = pytest.mark.server


@pytest.fixture
def served(opened_log: Served, tmp_path: Path) -> Iterator[Served]:
    """A log whose provider may issue; nobody serves it."""
    log = opened_log.copy(tmp_path / "data")
    yield log
    log.close()


def test_what_was_submitted_is_replayed_by_strangers_to_the_same_root(served: Served) -> None:
    """Over HTTP alone, knowing nothing but the key that `init` printed."""
    with served.running():
        for count in (1, 300, 7):
            served.submit(served.story.cohort(count))
        replayed = replay(served.source, served.key)
        statistics = replayed.statistics
        assert statistics.size == served.size == 10 + 2 + 301 + 8
        assert statistics.events["credential.issued/1"] == 308
        assert statistics.credentials == {"active": 308}


def test_every_checkpoint_extends_the_one_before(served: Served) -> None:
    with served.running():
        reader = served.reader()
        seen = [reader.checkpoint()]
        for _ in range(5):
            served.submit(served.story.cohort(100))
            seen.append(reader.checkpoint())
        hashes = TileHashes(seen[-1].size, served.source.fetch)
        for old, new in pairwise(seen):
            proof = prove_consistency(old.size, new.size, hashes.at(new.size))
            verify_consistency(old.size, new.size, old.root, new.root, proof)


def test_a_receipt_holds_after_a_restart_and_proves_the_same_positions(served: Served) -> None:
    body = served.story.cohort(20)
    with served.running():
        first = served.submit(body)
    with served.running():
        again = served.post(body)
        assert again.status_code == 200
        second = parse_receipt(again.content)
        verify_receipt(second, body, served.policy)
        verify_receipt(first, body, served.policy)
        assert second.repeated
        assert (first.position, first.recorded_at, first.entry) == (
            second.position,
            second.recorded_at,
            second.entry,
        )
        assert served.submit(served.story.cohort(1)).position == first.position + 21


def test_what_was_durable_when_the_server_stopped_is_published_at_the_next_start(
    served: Served,
) -> None:
    body = served.story.cohort(3)
    with served.running("--interval", "30"):
        # The first publication after the start is due at once, the next one in 30 s.
        served.submit(served.story.cohort(1))
        receipt = parse_receipt(served.post(body, wait="durable").content)
        assert receipt.state == "durable"
        assert served.size <= receipt.position
    with served.running():
        found = served.get(f"/submissions/{receipt.issuer}/{receipt.jti}")
        published = parse_receipt(found.content)
        assert (published.state, published.position) == ("published", receipt.position)
        verify_receipt(published, body, served.policy)


def test_evidence_proves_a_credential_without_the_server(served: Served) -> None:
    story = served.story
    (issued,), (holder,) = awarded(story)
    with served.running():
        served.submit(story.cohort(40), story.submission(story.provider, issued), story.cohort(2))
        path = f"/credentials/{issued.credential}/evidence"
        evidence = served.get(path)
        assert evidence.headers["content-disposition"].endswith('.testamur.json"')
    report = verify(
        holder,
        parse_evidence(evidence.content),
        served.policy,
        anchors=frozenset({story.authority.did}),
        now=datetime.now(UTC),
        evidence_from=EvidenceFrom.REGISTER,
    )
    assert {check.verdict for check in report.checks} == {Verdict.HOLDS}, report.checks
    assert report.exit_code == 0


def test_evidence_taken_after_a_revocation_shows_it(served: Served) -> None:
    story = served.story
    (issued,), (holder,) = awarded(story)
    revoked = CredentialRevoked(credential=issued.credential, reason="issuedInError")
    with served.running():
        served.submit(
            story.submission(story.provider, issued), story.submission(story.provider, revoked)
        )
        evidence = served.answer(f"/credentials/{issued.credential}/evidence").content
    report = verify(
        holder,
        parse_evidence(evidence),
        served.policy,
        anchors=frozenset({story.authority.did}),
        now=datetime.now(UTC),
        evidence_from=EvidenceFrom.REGISTER,
    )
    assert report.check("status").verdict is Verdict.REFUTED


def awarded(story: Story) -> tuple[list[CredentialIssued], list[HolderFile]]:
    """Return the event of one real credential, and what its holder gets."""
    prepared = awards(story, 1)
    return prepared.events, prepared.holders


def flip(file: Path) -> None:
    """Flip one bit in the middle of a file."""
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


# --- Making, opening and checking a log ---


def test_a_log_is_made_once(served: Served) -> None:
    before = (served.data / "key").read_bytes()
    again = api(
        "init",
        *("--data", served.data),
        *("--origin", "other.example"),
        *("--authority", authority_of(served.story, served.data.parent)),
    )
    assert again.returncode == 1
    assert "not an empty folder" in again.stderr
    assert (served.data / "key").read_bytes() == before


def made_with(folder: Path, authority: bytes) -> subprocess.CompletedProcess[str]:
    """Make a log whose root authority is what stands in a file."""
    file = folder / "authority.json"
    file.write_bytes(authority)
    named = ("--origin", Story().origin, "--authority", file)
    return api("init", "--data", folder / "data", *named)


def registration(**changes: object) -> bytes:
    """Return a root authority's registration, changed after it was signed."""
    story = Story(now=int(time.time()))
    event = story.registration(story.authority, "authority", sponsor=story.origin)
    return encode_event(msgspec.structs.replace(event, **changes)) + b"\n"


@pytest.mark.parametrize(
    "authority", [b"", b"{}", b'{"country":"NL"}', b"no event", registration()[:-20]]
)
def test_a_bad_authority_leaves_nothing_behind(tmp_path: Path, authority: bytes) -> None:
    made = made_with(tmp_path, authority)
    assert made.returncode in (1, 2)
    assert "Traceback" not in made.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["authority.json"]


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"name": "Another"}, "registration-signature"),
        ({"organization": party("other").did}, "registration-signature"),
        ({"signing_keys": (party("other").key_id,)}, "registration-signature"),
        ({"until": date(2031, 1, 1)}, "until"),
    ],
)
def test_an_authority_that_its_founding_key_did_not_sign_for_is_refused(
    tmp_path: Path, changes: dict[str, object], rule: str
) -> None:
    made = made_with(tmp_path, registration(**changes))
    assert (made.returncode, rule in made.stderr) == (1, True), made.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["authority.json"]


@pytest.mark.parametrize("sponsor", ["other.example/log", party("agency").did])
def test_a_registration_for_another_sponsor_opens_no_log(tmp_path: Path, sponsor: str) -> None:
    story = Story(now=int(time.time()))
    event = story.registration(story.authority, "authority", sponsor=sponsor)
    made = made_with(tmp_path, encode_event(event) + b"\n")
    assert (made.returncode, "sponsor" in made.stderr) == (1, True), made.stderr


def test_a_log_opens_with_an_authority_that_joined_by_command(tmp_path: Path) -> None:
    origin = Story().origin
    keys, file = tmp_path / "keys", tmp_path / "registration.ndjson"
    who = ("--name", "Authority", "--country", "NL", "--role", "authority")
    for words in (
        ("keygen", "--out", keys),
        ("join", "--keys", keys, *who, "--sponsor", origin, "--log", origin, "--out", file),
    ):
        done = run_module("testamur", *words)
        assert done.returncode == 0, done.stderr
    made = api("init", "--data", tmp_path / "data", "--origin", origin, "--authority", file)
    assert made.returncode == 0, made.stderr


def test_a_log_can_be_made_in_an_empty_folder_such_as_a_mounted_volume(tmp_path: Path) -> None:
    log = Served(tmp_path / "volume")
    (log.data / "lost+found").mkdir(parents=True)
    log.init()
    with log.running():
        assert log.size == 2
    log.close()


def test_a_new_log_holds_its_genesis_and_a_checkpoint_over_it(tmp_path: Path) -> None:
    log = Served(tmp_path / "data")
    log.init()
    log.close()
    replayed = replay(DirectorySource(tmp_path / "data" / "log"), log.key)
    assert replayed.statistics.size == 2
    assert replayed.register.origin == log.story.origin
    assert list(replayed.register.organizations) == [log.story.authority.did]


def test_two_servers_never_work_in_one_folder(served: Served) -> None:
    with served.running():
        second = api("serve", "--data", served.data, "--port", "0")
        assert second.returncode == 2
        assert "another server is at work" in second.stderr
        assert served.get("/readyz").status_code == 200


def test_a_key_that_others_may_read_is_refused(served: Served) -> None:
    (served.data / "key").chmod(0o644)
    refused = api("serve", "--data", served.data, "--port", "0")
    assert refused.returncode == 1
    assert "0600" in refused.stderr


def test_an_empty_folder_is_not_served(tmp_path: Path) -> None:
    refused = api("serve", "--data", tmp_path, "--port", "0")
    assert refused.returncode == 2
    assert "holds no log" in refused.stderr


def test_an_address_in_use_is_refused_in_one_line(served: Served) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = api("serve", "--data", served.data, "--port", str(port))
    assert refused.returncode == 2
    assert refused.stderr.count("\n") == 1
    assert "cannot listen" in refused.stderr


def test_fsck_finds_nothing_wrong_with_an_honest_log(served: Served) -> None:
    served.start()
    served.submit(served.story.cohort(600))
    assert api("fsck", "--data", served.data).returncode == 0  # while it is being served
    assert served.stop() == 0
    assert "Traceback" not in served.errors()
    checked = api("fsck", "--data", served.data)
    assert (checked.returncode, checked.stdout) == (0, "")
    assert checked.stderr == f"nothing is wrong with the log in {served.data}\n"


@pytest.mark.parametrize(
    "damaged", ["log/tile/0/000", "log/tile/entries/001", "log/tile/1/000.p/2"]
)
def test_fsck_names_the_file_that_was_altered(
    grown_log: Served, tmp_path: Path, damaged: str
) -> None:
    log = grown_log.copy(tmp_path / "data")
    flip(log.data / damaged)
    checked = api("fsck", "--data", log.data)
    assert checked.returncode == 1
    assert damaged.removeprefix("log/") in checked.stdout


def test_a_server_does_not_start_over_damage_and_says_what_it_is(served: Served) -> None:
    damaged = served.data / "log/tile/0/000.p/10"
    flip(damaged)
    refused = api("serve", "--data", served.data, "--port", "0")
    assert refused.returncode == 1
    assert "tile/0/000.p/10: altered-hash" in refused.stderr
    assert "listening" not in refused.stdout


def test_a_registry_restored_from_an_old_copy_is_not_served(served: Served, tmp_path: Path) -> None:
    """It would grow another history than the one that was signed."""
    for name in ("registry.db", "registry.db-wal", "registry.db-shm"):
        if (served.data / name).exists():
            shutil.copy(served.data / name, tmp_path / name)
    with served.running():
        served.submit(served.story.cohort(5))
    for file in served.data.glob("registry.db*"):
        file.unlink()
    for file in tmp_path.glob("registry.db*"):
        shutil.copy(file, served.data / file.name)
    refused = api("serve", "--data", served.data, "--port", "0")
    assert refused.returncode == 1
    assert "rewound" in refused.stderr


def test_a_checkpoint_newer_than_the_last_one_signed_is_not_served(served: Served) -> None:
    shutil.copy(served.data / "last-signed.db", served.data.parent / "last-signed.db")
    with served.running():
        served.submit(served.story.cohort(1))
    for file in served.data.glob("last-signed.db*"):
        if not file.name.endswith(".lock"):
            file.unlink()
    shutil.copy(served.data.parent / "last-signed.db", served.data / "last-signed.db")
    refused = api("serve", "--data", served.data, "--port", "0")
    assert refused.returncode == 1
    assert "from-the-future" in refused.stderr


@pytest.mark.parametrize("how", ["missing", "scrambled"])
def test_projections_that_are_lost_are_built_anew(served: Served, how: str) -> None:
    with served.running():
        issued = served.story.issued()
        receipt = served.submit(served.story.submission(served.story.provider, issued))
    if how == "missing":
        shutil.rmtree(served.data / "projections")
    else:
        for file in (served.data / "projections").glob("*.db"):
            file.write_bytes(b"not a database" * 1000)
        for file in (served.data / "projections").glob("*.db-*"):
            file.unlink()
    with served.running():
        size = receipt.position + 2
        found = served.answer(f"/credentials/{issued.credential}?size={size}")
        assert (found.status_code, found.json()["status"]) == (200, "active")


def test_the_packages_of_the_server_are_those_of_this_repository() -> None:
    """`log` and `api` are names that anybody may have installed."""
    for name in ("testamur", "registry", "log", "projections", "api"):
        found = subprocess.run(
            [sys.executable, "-c", f"import {name}; print({name}.__file__)"],
            cwd=PROJECT,
            check=True,
            capture_output=True,
            text=True,
        )
        assert Path(found.stdout.strip()).is_relative_to(PROJECT)
