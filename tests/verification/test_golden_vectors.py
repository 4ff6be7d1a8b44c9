"""The golden vectors: made from fixed seeds, read by us, and by programs in Go and JavaScript."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest

from testamur.catalogue.events import EVENTS, OrganizationRegistered
from testamur.catalogue.registration import registration_statement, verify_registration
from testamur.catalogue.submission import parse, submission_entry
from testamur.errors import Refusal
from testamur.keys import PublicKey
from testamur.tlog.checkpoint import open_checkpoint
from testamur.tlog.merkle import leaf_hash, leaf_hashes, tree_root, verify_inclusion
from testamur.tlog.note import VerifierKey, strict_base64
from testamur.verification.replay import Replayer
from testamur.verification.report import Verdict
from tests.vectors.judge import judge
from tests.vectors.make_vectors import vectors

FOLDER = Path(__file__).parents[1] / "vectors"
NAMES = ("submission.json", "entries.json", "evidence.json")


def load(name: str) -> Any:
    return json.loads((FOLDER / name).read_text(encoding="utf-8"))


def test_the_vectors_are_what_the_program_beside_them_makes() -> None:
    """A vector that changes is a format that changed: that is for a new version to do."""
    assert vectors() == {name: (FOLDER / name).read_text(encoding="utf-8") for name in NAMES}


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The second implementation, built from `vectors/check` with Go's standard library alone."""
    if shutil.which("go") is None:
        pytest.skip("go is not on the path")
    program = tmp_path_factory.mktemp("check") / "check"
    build = ["go", "build", "-trimpath", "-o", str(program), "."]
    subprocess.run(build, cwd=FOLDER / "check", check=True, timeout=300)
    return program


@pytest.mark.slow
def test_a_second_implementation_in_another_language_agrees(program: Path) -> None:
    done = subprocess.run(
        [program, FOLDER], capture_output=True, text=True, timeout=60, check=False
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith(" checks, 0 wrong\n")


@pytest.mark.slow
@pytest.mark.parametrize("check", sorted(FOLDER.glob("check_*.mjs")), ids=lambda file: file.stem)
def test_a_third_implementation_agrees(check: Path) -> None:
    if shutil.which("node") is None:
        pytest.skip("node is not on the path")
    done = subprocess.run(["node", check], capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 0, done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("submission.json", '"leaves": [\n    "', '"leaves": [\n    "0'),
        ("entries.json", "Soil Science", "Soil science"),
        ("evidence.json", "Pass the", "Pass no"),
        (
            "submission/signature.json",
            '"a signature by another key","rule":"signature"',
            '"","rule":"root"',
        ),
        ("evidence/a-revocation.json", '"status":"refuted"', '"status":"holds"'),
        ("evidence/a-good-credential.json", '"inclusion":"holds"', '"inclusion":"refuted"'),
        ("evidence/a-good-credential.json", "Pass the", "Pass no"),
        ("evidence/too-few-witnesses.json", "group g 2 ", "group g 1 "),
        ("evidence/a-revocation-by-a-thief.json", '"status":"holds"', '"status":"refuted"'),
        ("evidence/an-issuance-by-a-thief.json", '"signature":"refuted"', '"signature":"holds"'),
        ("counting/thieves.json", '"counting":[12', '"counting":[0'),
        ("formats/registration.json", '"until": "', '"until": "2'),
    ],
)
def test_the_second_implementation_notices_what_is_wrong(
    program: Path, tmp_path: Path, name: str, old: str, new: str
) -> None:
    """It is worth something only if it can fail."""
    folder = shutil.copytree(FOLDER, tmp_path / "vectors", ignore=shutil.ignore_patterns("*.py"))
    text = (folder / name).read_text(encoding="utf-8")
    changed = text.replace(old, new, 1)
    assert changed != text
    (folder / name).write_text(changed, encoding="utf-8")

    assert subprocess.run([program, folder], capture_output=True, check=False).returncode == 1


# --- Submissions ---


@pytest.mark.parametrize("case", load("submission.json")["cases"], ids=lambda case: case["name"])
def test_a_golden_submission_is_taken(case: Any) -> None:
    submission = parse(case["submission"].encode())
    submission.header.verify_signature(submission.header.key())

    assert [leaf.hex() for leaf in submission.leaves] == case["leaves"]
    assert submission.header.root.hex() == case["root"]
    entry = submission_entry(submission.header.jws, case["recordedAt"])
    assert entry.decode() == case["entry"]


@pytest.mark.parametrize("case", load("submission.json")["refused"], ids=lambda case: case["name"])
def test_a_damaged_golden_submission_is_refused_for_what_is_wrong_with_it(case: Any) -> None:
    def read() -> None:
        header = parse(case["submission"].encode()).header
        header.verify_signature(header.key())

    with pytest.raises(Refusal) as caught:
        read()

    assert (caught.value.rule, caught.value.line) == (case["rule"], case["line"])


# --- Entries ---


def test_the_golden_log_is_replayed_to_its_root() -> None:
    found = load("entries.json")
    key = VerifierKey.parse(found["vkey"])
    checkpoint, _ = open_checkpoint(found["checkpoint"].encode(), key)
    entries = [each["entry"].encode() for each in found["entries"]]
    replayer = Replayer(PublicKey("Ed25519", key.public), origin=checkpoint.origin)

    replayer.feed(entries, leaf_hashes(entries))
    replayer.settle()

    assert replayer.register.size == checkpoint.size == len(entries)
    assert tree_root(leaf_hashes(entries)) == checkpoint.root


def test_every_golden_entry_is_in_the_tree() -> None:
    found = load("entries.json")
    checkpoint, _ = open_checkpoint(found["checkpoint"].encode(), VerifierKey.parse(found["vkey"]))
    for each in found["entries"]:
        leaf = leaf_hash(each["entry"].encode())
        path = [strict_base64(node) for node in each["inclusion"]]
        assert leaf.hex() == each["leaf"]
        verify_inclusion(each["position"], checkpoint.size, leaf, path, checkpoint.root)


def test_the_golden_log_has_events_of_every_type() -> None:
    entries = [json.loads(each["entry"]) for each in load("entries.json")["entries"]]

    assert {each["type"] for each in entries if "type" in each} == EVENTS.keys()


def test_the_golden_registrations_are_by_their_founding_keys() -> None:
    for each in load("entries.json")["registrations"]:
        event = msgspec.convert(each["event"], OrganizationRegistered)
        verify_registration(event)
        assert registration_statement(event).decode() == each["statement"]


# --- Evidence ---


def test_the_golden_evidence_holds_in_every_check() -> None:
    report = judge(load("evidence.json"))

    assert {check.verdict for check in report.checks} == {Verdict.HOLDS}
    assert len(report.checks) == 11


@pytest.mark.parametrize(
    "change", load("evidence.json")["refuted"], ids=lambda change: str(change["at"])
)
def test_changed_golden_evidence_is_refuted(change: Any) -> None:
    found = load("evidence.json")
    *path, last = change["at"]
    place = found
    for step in path:
        place = place[step]
    assert place[last] != change["value"]
    place[last] = change["value"]

    report = judge(found)

    assert report.check(change["check"]).verdict is Verdict.REFUTED
    assert report.exit_code == 1
