"""The whole way, with the real programs: init, serve, submit, verify, replay, restart, check."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
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
from tests.cli.commands import run
from tests.harness.awards import awards
from tests.harness.served import PROJECT, Served, api, authority_of, called
from tests.harness.story import Story, party
from tests.harness.waiting import until

pytestmark = pytest.mark.server


@pytest.fixture
def served(opened_log: Served, tmp_path: Path) -> Iterator[Served]:
    """A log whose provider may issue; nobody serves it."""
    log = opened_log.copy(tmp_path / "data")
    yield log
    log.close()


@pytest.fixture(scope="module")
def running(opened_log: Served, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server that is asked and submitted to, and left as it is."""
    with closing(opened_log.copy(tmp_path_factory.mktemp("running") / "data")) as log:
        with log.running():
            yield log
        assert "Traceback" not in log.errors()


def test_what_was_submitted_is_replayed_by_strangers_to_the_same_root(running: Served) -> None:
    """Over HTTP alone, knowing nothing but the key that `init` printed."""
    before = replay(running.source, running.key).statistics
    for count in (1, 300, 7):
        running.submit(running.story.cohort(count))
    found = replay(running.source, running.key).statistics
    assert found.size == running.size == before.size + 2 + 301 + 8
    assert sum(found.credentials.values()) == sum(before.credentials.values()) + 308
    assert found.events["credential.issued/1"] == sum(found.credentials.values())


def test_every_checkpoint_extends_the_one_before(running: Served) -> None:
    reader = running.reader()
    seen = [reader.checkpoint()]
    for _ in range(5):
        running.submit(running.story.cohort(100))
        seen.append(reader.checkpoint())
    hashes = TileHashes(seen[-1].size, running.source.fetch)
    for old, new in pairwise(seen):
        proof = prove_consistency(old.size, new.size, hashes.at(new.size))
        verify_consistency(old.size, new.size, old.root, new.root, proof)


def test_a_restart_publishes_what_was_durable_and_proves_what_was_published_as_before(
    served: Served,
) -> None:
    body, late = served.story.cohort(20), served.story.cohort(3)
    with served.running("--interval", "30"):
        # The first publication after the start is due at once, the next one in 30 s.
        first = served.submit(body)
        durable = parse_receipt(served.post(late, wait="durable").content)
        assert durable.state == "durable"
        assert served.size <= durable.position
    with served.running():
        found = served.get(f"/submissions/{durable.issuer}/{durable.jti}")
        published = parse_receipt(found.content)
        assert (published.state, published.position) == ("published", durable.position)
        verify_receipt(published, late, served.policy)

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
        last = durable.position + 1 + durable.events
        assert served.submit(served.story.cohort(1)).position == last


def test_evidence_proves_a_credential_without_the_server(running: Served) -> None:
    story = running.story
    (issued,), (holder,) = awarded(story)
    running.submit(story.cohort(40), story.submission(story.provider, issued), story.cohort(2))
    evidence = running.answer(f"/credentials/{issued.credential}/evidence")
    assert evidence.headers["content-disposition"].endswith('.testamur.json"')
    report = verify(
        holder,
        parse_evidence(evidence.content),
        running.policy,
        anchors=frozenset({story.authority.did}),
        now=datetime.now(UTC),
        evidence_from=EvidenceFrom.REGISTER,
    )
    assert {check.verdict for check in report.checks} == {Verdict.HOLDS}, report.checks
    assert report.exit_code == 0


def test_evidence_taken_after_a_revocation_shows_it(running: Served) -> None:
    story = running.story
    (issued,), (holder,) = awarded(story)
    revoked = CredentialRevoked(credential=issued.credential, reason="issuedInError")
    running.submit(
        story.submission(story.provider, issued), story.submission(story.provider, revoked)
    )
    evidence = running.answer(f"/credentials/{issued.credential}/evidence").content
    report = verify(
        holder,
        parse_evidence(evidence),
        running.policy,
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
    again = called(
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
    return called("init", "--data", folder / "data", *named)


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
        done = run(*words)
        assert done.code == 0, done.err
    made = api("init", "--data", tmp_path / "data", "--origin", origin, "--authority", file)
    assert made.returncode == 0, made.stderr


def test_a_log_can_be_made_in_an_empty_folder_such_as_a_mounted_volume(tmp_path: Path) -> None:
    log = Served(tmp_path / "volume")
    (log.data / "lost+found").mkdir(parents=True)
    log.init()
    log.close()
    assert replay(DirectorySource(log.data / "log"), log.key).statistics.size == 2


def test_a_new_log_holds_its_genesis_and_a_checkpoint_over_it(tmp_path: Path) -> None:
    log = Served(tmp_path / "data")
    log.init()
    log.close()
    replayed = replay(DirectorySource(tmp_path / "data" / "log"), log.key)
    assert replayed.statistics.size == 2
    assert replayed.register.origin == log.story.origin
    assert list(replayed.register.organizations) == [log.story.authority.did]


def test_two_servers_never_work_in_one_folder(running: Served) -> None:
    second = api("serve", "--data", running.data, "--port", "0")
    assert second.returncode == 2
    assert "another server is at work" in second.stderr
    until(lambda: running.get("/readyz").status_code == 200)


def test_a_key_that_others_may_read_is_refused(served: Served) -> None:
    (served.data / "key").chmod(0o644)
    refused = called("serve", "--data", served.data, "--port", "0")
    assert refused.returncode == 1
    assert "(mode 0644)" in refused.stderr
    assert "chmod 600" in refused.stderr


def test_an_empty_folder_is_not_served(tmp_path: Path) -> None:
    refused = called("serve", "--data", tmp_path, "--port", "0")
    assert refused.returncode == 2
    assert "holds no log" in refused.stderr


def test_an_address_in_use_is_refused_in_one_line(served: Served) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = api("serve", "--data", served.data, "--port", str(port))
    assert refused.returncode == 2
    assert refused.stderr.count("\n") == 1
    assert "cannot listen" in refused.stderr


def test_fsck_finds_nothing_wrong_with_an_honest_log(running: Served, grown_log: Served) -> None:
    running.submit(running.story.cohort(600))
    assert called("fsck", "--data", running.data).returncode == 0  # while it is being served
    checked = api("fsck", "--data", grown_log.data)
    assert (checked.returncode, checked.stdout) == (0, "")
    assert checked.stderr == f"nothing is wrong with the log in {grown_log.data}\n"


@pytest.mark.parametrize(
    "damaged", ["log/tile/0/000", "log/tile/entries/001", "log/tile/1/000.p/2"]
)
def test_fsck_names_the_file_that_was_altered(
    grown_log: Served, tmp_path: Path, damaged: str
) -> None:
    log = grown_log.copy(tmp_path / "data")
    flip(log.data / damaged)
    checked = called("fsck", "--data", log.data)
    assert checked.returncode == 1
    assert damaged.removeprefix("log/") in checked.stdout


def test_a_server_does_not_start_over_damage_and_says_what_it_is(served: Served) -> None:
    damaged = served.data / "log/tile/0/000.p/10"
    flip(damaged)
    refused = api("serve", "--data", served.data, "--port", "0")
    assert refused.returncode == 1
    assert "tile/0/000.p/10: altered-hash" in refused.stderr
    assert "listening" not in refused.stdout


@pytest.mark.parametrize(
    ("database", "told"), [("registry.db", "rewound"), ("last-signed.db", "from-the-future")]
)
def test_a_database_restored_from_an_old_copy_is_not_served(
    opened_log: Served, grown_log: Served, tmp_path: Path, database: str, told: str
) -> None:
    """The log would grow another history than the one that was signed."""
    log = grown_log.copy(tmp_path / "data")
    for file in log.data.glob(f"{database}*"):
        if not file.name.endswith(".lock"):
            file.unlink()
    older = list(opened_log.data.glob(f"{database}*"))
    assert older
    for file in older:
        shutil.copy(file, log.data / file.name)
    refused = api("serve", "--data", log.data, "--port", "0")
    assert refused.returncode == 1
    assert told in refused.stderr


@pytest.mark.parametrize("how", ["missing", "scrambled"])
def test_projections_that_are_lost_are_built_anew(served: Served, how: str) -> None:
    assert list((served.data / "projections").glob("*.db"))
    if how == "missing":
        shutil.rmtree(served.data / "projections")
    else:
        for file in (served.data / "projections").glob("*.db"):
            file.write_bytes(b"not a database" * 1000)
        for file in (served.data / "projections").glob("*.db-*"):
            file.unlink()
    with served.running():
        found = served.answer(f"/accreditations/{served.story.accreditation}?size={served.size}")
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
