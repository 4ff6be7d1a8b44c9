"""Blockcerts at the command line: alone, among others, and all the way through a registry."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from testamur.catalogue.lines import decode_event
from tests.cli.commands import Ended, World, key_folder, run
from tests.harness import blockcerts as made
from tests.harness.served import Served
from tests.harness.story import Story

JSON = dict[str, Any]


def write(name: str, document: JSON) -> str:
    Path(name).write_text(json.dumps(document), encoding="utf-8")
    return name


def verdicts(done: Ended) -> dict[str, str]:
    return {check["name"]: check["verdict"] for check in done.json["checks"]}


# --- Alone ---


@pytest.mark.parametrize(
    "issued", [made.issued_3(made.version_3()), made.issued_2(made.version_2())]
)
def test_the_receipt_of_one_alone_holds_and_its_blockchain_is_to_be_looked_up(
    at: Path, issued: JSON
) -> None:
    done = run("verify", write("cert.json", issued), "--json")

    assert done.code == 2
    assert verdicts(done) == {
        "commitment": "could not check",
        "blockcert": "holds",
        "blockchain": "could not check",
    }
    assert done.json["verdict"] == "could-not-tell"
    for word in (made.TRANSACTION, "Bitcoin mainnet", "Merkle root"):
        assert word in done.json["why"]


def test_one_that_was_changed_is_not_valid(at: Path) -> None:
    changed = {**made.issued_3(made.version_3()), "name": "Leadership"}

    done = run("verify", write("cert.json", changed))

    assert done.code == 1
    assert done.out.startswith("Not valid: the receipt in the Blockcert does not hold")


def test_one_of_another_form_could_not_be_checked_and_says_where(at: Path) -> None:
    other = {**made.issued_3(made.version_3()), "grade": "A"}

    done = run("verify", write("cert.json", other), "--json")

    assert done.code == 2
    assert verdicts(done)["blockcert"] == "could not check"
    assert "/grade" in done.json["why"]


def test_in_a_folder_it_gets_a_row_like_any_other(world: World) -> None:
    Path("all").mkdir()
    write("all/good.json", made.issued_2(made.version_2()))
    write("all/bad.json", {**made.issued_3(made.version_3()), "name": "Leadership"})

    done = run("verify", "all", "--log", "log", "--vkey", "log.vkey", "--format", "jsonl")

    rows = [json.loads(line) for line in done.out.splitlines()]
    assert done.code == 1
    assert [row["verdict"] for row in rows] == ["not-valid", "could-not-tell"]


def test_any_other_credential_still_needs_a_policy(world: World) -> None:
    done = run("verify", write("other.json", {"credentialSubject": {}}))

    assert done.code == 2
    assert "--policy" in done.err


# --- In a cohort ---


class Provider:
    """A provider on a served log, with Blockcerts that it issued before."""

    def __init__(self, folder: Path, served: Served, story: Story) -> None:
        self.folder, self.served, self.story = folder, served, story
        key_folder(folder / "keys", story.provider)
        (folder / "log.vkey").write_bytes(served.get("/log/vkey").content)
        (folder / "issued").mkdir()

    def issues(self) -> None:
        """Write one of each version, as issuers of them do."""
        issuer = {"id": self.story.provider.did, "name": "An Organization"}
        day = f"{datetime.now(UTC):%Y-%m-%d}T00:00:00Z"
        claim = {"id": f"urn:uuid:{self.story.achievement}", "name": "Soil Science"}
        subject = {"id": "did:example:learner", "claim": claim}
        third = made.version_3(issuer=issuer, validFrom=day, credentialSubject=subject)
        badge = {
            **made.version_2()["badge"],
            "id": claim["id"],
            "issuer": {"type": "Profile", **issuer},
        }
        second = made.version_2(badge=badge, issuedOn=day)
        write("issued/third.json", made.issued_3(third))
        write("issued/second.json", made.issued_2(second))

    def prepares(self, *more: str) -> Ended:
        under = [
            "--achievement",
            self.story.achievement,
            "--accreditation",
            self.story.accreditation,
        ]
        where = ["--keys", "keys", "--url", self.served.url, "--log", self.story.origin]
        return run("prepare", "issued", *under, *where, "--out", "out", *more)

    def submits(self) -> None:
        log = ["--keys", "keys", "--log", self.story.origin, "--out", "s"]
        assert run("sign", "out/events.ndjson", *log).code == 0
        where = ["--url", self.served.url, "--vkey", "log.vkey", "--keys", "keys"]
        done = run("submit", "s", *where)
        assert done.code == 0, done.out + done.err

    def verifies(self, file: Path) -> Ended:
        where = ["--url", self.served.url, "--vkey", "log.vkey"]
        anchor = ["--anchor", self.story.authority.did]
        return run("verify", file, *where, *anchor, "--json")


@pytest.fixture
def provider(at: Path, served: Served, college: Story) -> Provider:
    return Provider(at, served, college)


@pytest.mark.server
@pytest.mark.slow
def test_from_an_issued_blockcert_to_all_that_holds_of_it(provider: Provider) -> None:
    provider.issues()
    prepared = provider.prepares()
    assert prepared.code == 0, prepared.out + prepared.err

    lines = (provider.folder / "out/events.ndjson").read_bytes().splitlines()
    events = [decode_event(line) for line in lines]
    assert sorted((event.format, event.suite) for event in events) == [  # type: ignore[union-attr]
        ("Blockcerts/2", "MerkleProof2017"),
        ("Blockcerts/3", "merkle-proof-2019"),
    ]
    provider.submits()

    for file in (provider.folder / "out/holders").iterdir():
        holder = json.loads(file.read_text())
        # The receipt travels with it, untouched, and no proof was put beside it.
        document = holder["credential"]
        kept = "second" if "badge" in document else "third"
        assert document == json.loads((provider.folder / f"issued/{kept}.json").read_text())
        done = provider.verifies(file)
        assert done.code == 2, done.out
        found = verdicts(done)
        assert found.pop("blockchain") == "could not check"
        assert set(found.values()) == {"holds"}, done.out
        assert "proof" not in found
        assert made.TRANSACTION in done.json["why"]

        changed = {**holder, "credential": {**document, "id": "urn:uuid:another"}}
        refuted = verdicts(provider.verifies(Path(write("changed.json", changed))))
        assert refuted["commitment"] == refuted["blockcert"] == "refuted"


@pytest.mark.server
@pytest.mark.slow
def test_one_with_a_false_receipt_is_not_prepared(provider: Provider) -> None:
    provider.issues()
    issued = json.loads(Path("issued/third.json").read_text())
    write("issued/third.json", {**issued, "display": {"content": "another"}})

    done = provider.prepares("--json")

    assert done.code == 1
    (refused,) = done.json["refused"]
    assert refused["rule"] == "proof"
    assert "receipt is false" in refused["detail"]


@pytest.mark.server
@pytest.mark.slow
def test_the_issuer_of_one_is_a_did_or_an_address_that_the_accreditor_vouches_for(
    provider: Provider,
) -> None:
    elsewhere = made.version_3(validFrom=f"{datetime.now(UTC):%Y-%m-%d}T00:00:00Z")
    elsewhere["credentialSubject"]["claim"].pop("id")
    write("issued/elsewhere.json", made.issued_3(elsewhere))

    done = provider.prepares("--json")

    assert done.code == 1
    assert [each["rule"] for each in done.json["refused"]] == ["issuer-id"]
