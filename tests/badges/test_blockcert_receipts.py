"""A receipt holds for the very document that it was made for, and for no other."""

from __future__ import annotations

import copy
import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cbor2
import pytest
import sha3  # type: ignore[import-untyped]

from testamur.badges.blockcert_receipts import examine
from testamur.badges.blockcerts import read_credential
from testamur.badges.canonical_rdf import canonical_form
from testamur.badges.merkle_proofs import check_path, read_2017, read_2019
from testamur.errors import Refuted, Unavailable
from testamur.keys import base58_decode
from testamur.verification.finding import Fault, attempt
from tests.harness import blockcerts as made
from tests.harness.shared_vectors import SHARED, load, needs_shared

JSON = dict[str, Any]
FIXTURES = sorted((SHARED / "blockcerts" / "fixtures").glob("mocknet-*.json"))
# A node described twice in one document: its values could be exchanged, and its hash would stay.
MERGED = "mocknet-vc-v2-credential-subject-array.json"


def examined(credential: JSON) -> object:
    return attempt(lambda: examine(credential))


def test_merkletools_hashes_with_the_stand_in_for_what_no_longer_builds() -> None:
    assert "safe_pysha3" in str(next(_owners(sha3.__file__)))


def _owners(file: str | None) -> Iterator[object]:
    from importlib.metadata import distributions

    for each in distributions():
        if any(str(each.locate_file(path)) == file for path in each.files or ()):
            yield each.metadata["Name"].replace("-", "_")


# --- Fixtures of others ---


@needs_shared
@pytest.mark.parametrize("file", FIXTURES, ids=lambda file: file.stem)
def test_published_blockcerts_hold(file: Path) -> None:
    credential = json.loads(file.read_text(encoding="utf-8"))

    found = examined(credential)

    if file.name == MERGED:
        assert isinstance(found, Unavailable)
        assert "/credentialSubject/0" in str(found)
    else:
        assert isinstance(found, tuple)
        count = len(credential["proof"]) if isinstance(credential["proof"], list) else 1
        assert len(found) == count
        assert all("test" in str(anchor) for each in found for anchor in each.receipt.anchors)


@needs_shared
def test_the_hash_of_the_one_that_merges_two_descriptions_fits_all_the_same() -> None:
    credential = load(f"blockcerts/fixtures/{MERGED}")
    target = read_2019(credential.pop("proof")).target
    first, second = credential["credentialSubject"]

    def hashed() -> str:
        return hashlib.sha256(canonical_form(credential).canonical).hexdigest()

    assert hashed() == target
    first["name"], second["name"] = second["name"], first["name"]
    assert hashed() == target  # which is why it is not enough


@needs_shared
def test_a_decoded_receipt_says_what_its_publisher_says() -> None:
    published = load("blockcerts/fixtures/proofValue.json")
    path = [[1, cbor2.dumps(step["right"])] for step in published["path"]]
    parts = [
        [3, path],
        [0, cbor2.dumps(published["merkleRoot"])],
        [1, cbor2.dumps(published["targetHash"])],
        [2, [[[0, 0], [1, 3], [2, cbor2.dumps(published["anchors"][0].split(":")[-1])]]]],
    ]

    receipt = read_2019(made.proof_2019(parts))

    check_path(receipt)
    assert [side for side, _ in receipt.path] == ["right", "right"]
    assert "Bitcoin testnet" in str(receipt.anchors[0])


@needs_shared
def test_a_node_that_merkletools_takes_for_a_leaf_is_no_document() -> None:
    weak = load("derived-credentials/merkletools-weaknesses.json")
    forged = weak["forgery"]
    signature = {
        **made.chainpoint(made.target(made.version_2())),
        "targetHash": forged["targetHash"],
        "merkleRoot": weak["root"],
        "proof": forged["proof"],
    }

    check_path(read_2017(signature))  # merkletools cannot tell
    assert isinstance(examined({**made.version_2(), "signature": signature}), Refuted)


# --- Every byte ---


def _changes(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Yield each place of a document with another value: each letter, number, name and item."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield (*path, name), _Gone
            yield from _changes(inner, (*path, name))
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            yield from _changes(inner, (*path, at))
    elif isinstance(value, str):
        for at, letter in enumerate(value):
            yield path, value[:at] + chr(ord(letter) ^ 1) + value[at + 1 :]
    elif isinstance(value, bool):
        yield path, not value
    elif isinstance(value, int):
        yield path, value + 1


class _Gone:
    """Stands for a member that is left out."""


def _changed(document: JSON, path: tuple[Any, ...], value: Any) -> JSON:
    found = copy.deepcopy(document)
    place: Any = found
    for step in path[:-1]:
        place = place[step]
    if value is _Gone:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return found


@pytest.mark.parametrize("document", [made.version_2(), made.version_3()], ids=["2", "3"])
def test_every_letter_of_the_document_is_covered(document: JSON) -> None:
    """Of the contexts, the document could not be checked instead: which it means is not known."""
    issued = made.issued_2(document) if "badge" in document else made.issued_3(document)
    changes = [*_changes({k: v for k, v in document.items() if k != "@context"})]
    sample = changes[:: max(1, len(changes) // 150)]

    assert len(sample) > 100
    for path, value in sample:
        assert isinstance(examined(_changed(issued, path, value)), Refuted), (path, value)


@pytest.mark.parametrize("document", [made.version_2(), made.version_3()], ids=["2", "3"])
def test_a_name_of_a_member_is_covered(document: JSON) -> None:
    issued = made.issued_2(document) if "badge" in document else made.issued_3(document)

    for name in document.keys() - {"@context"}:
        renamed = {f"{name}x" if each == name else each: issued[each] for each in issued}
        assert isinstance(examined(renamed), Refuted | Unavailable), name


@pytest.mark.parametrize("document", [made.version_2(), made.version_3()], ids=["2", "3"])
def test_no_other_context_holds(document: JSON) -> None:
    issued = made.issued_2(document) if "badge" in document else made.issued_3(document)

    for path, value in _changes({"@context": document["@context"]}):
        if path == ("@context",):
            continue
        assert isinstance(examined(_changed(issued, path, value)), Refuted | Unavailable), value


def test_every_letter_of_a_receipt_in_json_is_covered_or_says_where_to_look() -> None:
    """The transaction that a receipt names is not on its way to the root: it is to be looked up."""
    issued = made.issued_2(made.version_2())
    named = issued["signature"]["anchors"][0]

    for path, value in _changes(issued["signature"]):
        found = examined(_changed(issued, ("signature", *path), value))
        if "anchors" in path and isinstance(found, tuple):
            (held,) = found
            (anchor,) = held.receipt.anchors
            said = (anchor.transaction, anchor.chain)
            assert said != (named["sourceId"], "Bitcoin mainnet") or path[-1] == "type"
        else:
            assert isinstance(found, Refuted), (path, value)


def test_every_byte_of_a_receipt_in_cbor_is_covered_or_says_where_to_look() -> None:
    issued = made.issued_3(made.version_3())
    data = base58_decode(issued["proof"]["proofValue"][1:], most=12_000)
    (good,) = examine(issued)

    for at in range(len(data)):
        for bit in (1, 0x20, 0x80):
            bent = data[:at] + bytes([data[at] ^ bit]) + data[at + 1 :]
            found = examined({**issued, "proof": made.proof_2019(bent)})
            if isinstance(found, tuple):
                assert found[0].receipt.anchors != good.receipt.anchors, at
                assert found[0].receipt.path == good.receipt.path
            else:
                assert isinstance(found, Refuted), (at, bit)


@pytest.mark.parametrize("letter", "2z9")
def test_every_letter_of_a_receipt_in_base58_is_covered(letter: str) -> None:
    issued = made.issued_3(made.version_3())
    text = issued["proof"]["proofValue"]
    # The last 34 bytes are the transaction: the letters before 47 from the end change others, too.
    for at in range(len(text) - 60):
        if text[at] != letter:
            proof = {**issued["proof"], "proofValue": text[:at] + letter + text[at + 1 :]}
            assert isinstance(examined({**issued, "proof": proof}), Refuted), at


# --- What it costs ---


def _hostile() -> Iterator[tuple[str, JSON]]:
    good = made.issued_3(made.version_3())
    deep: Any = "x"
    for _ in range(55):
        deep = {"claim": deep}
    alike = {"claim": [{"claim": {"claim": {"criteria": f"{n}"}}} for n in range(150)]}
    tree: Any = {"criteria": "x"}
    for _ in range(6):
        tree = {"claim": [tree, {**tree}]}
    yield "many names", {**good, "name": [f"n{n}" for n in range(950)]}
    yield "megabytes of text", {**good, "description": "x" * 3_500_000}
    yield (
        "a hundred thousand members",
        {**good, "evidence": [{"id": f"u:{n}"} for n in range(30_000)]},
    )
    yield "depth", {**good, "evidence": deep}
    yield "nodes that look alike", {**good, "evidence": alike}
    yield "a tree of nodes that look alike", {**good, "evidence": tree}
    yield (
        "many terms",
        {
            **good,
            "@context": [
                *good["@context"],
                {f"t{n}": f"https://e.org/t{n}" for n in range(30_000)},
            ],
        },
    )
    yield "many contexts", {**good, "@context": good["@context"] * 5_000}
    yield "many proofs", {**good, "proof": [good["proof"]] * 16}
    yield "a receipt of megabytes", {
        **good, "proof": {**good["proof"], "proofValue": "z" + "2" * 3_000_000},
    }  # fmt: skip
    yield "a context that names itself", {**good, "@context": [{"@context": good["@context"][0]}]}
    twice = made.issued_twice(made.version_3())
    yield "two receipts and many members", {**twice, "name": [f"n{n}" for n in range(300)]}


@pytest.mark.parametrize("name", [name for name, _ in _hostile()])
def test_no_document_takes_long_or_much(name: str, tmp_path: Path) -> None:
    """Two seconds of processor time and 200 MB, with what the libraries take to be imported."""
    file = tmp_path / "hostile.json"
    file.write_text(json.dumps(dict(_hostile())[name]), encoding="utf-8")

    asked = subprocess.run(
        [sys.executable, "-c", _EXAMINE, file], capture_output=True, text=True, check=True
    )
    verdict, seconds, megabytes = asked.stdout.split()

    assert verdict in ("Unavailable", "BadReceipt", "Refusal")
    assert float(seconds) < 2
    assert float(megabytes) < 200


_EXAMINE = """
import json, sys, time
from testamur.badges.blockcert_receipts import examine
from testamur.errors import Refuted, Unavailable
with open(sys.argv[1], encoding="utf-8") as file:
    credential = json.load(file)
before = time.process_time()
try:
    examine(credential)
    verdict = "holds"
except (Refuted, Unavailable) as error:
    verdict = type(error).__name__
seconds = time.process_time() - before
# Not that of getrusage, which begins with the size of the process that started this one.
with open("/proc/self/status", encoding="ascii") as status:
    used = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
print(verdict, seconds, used / 1024)
"""


# --- What it says ---


def test_a_blockcert_of_version_3_is_read_as_a_badge() -> None:
    badge = read_credential(made.issued_3(made.version_3()))

    assert (badge.format, badge.suites) == ("Blockcerts/3", ("merkle-proof-2019",))
    assert badge.issuer.id == "https://college.example/issuer"
    assert badge.achievement.name == "Soil Science"
    assert badge.valid_from.isoformat() == "2026-11-20T00:00:00+00:00"


def test_a_blockcert_of_version_2_is_read_as_a_badge() -> None:
    badge = read_credential(made.issued_2(made.version_2(expires="2031-11-20T00:00:00+00:00")))

    assert (badge.format, badge.suites) == ("Blockcerts/2", ("MerkleProof2017",))
    assert badge.issuer.name == "An Organization"
    assert badge.achievement.id == "urn:uuid:019a3b1c-7f00-7abc-8def-0123456789ae"
    assert badge.valid_until is not None
    assert badge.elements.learner == "identifier"


@pytest.mark.parametrize(
    ("document", "path"),
    [
        (made.version_2(badge=None), "badge"),
        (made.version_2(issuedOn="2026-11-20"), "issuedOn"),
        (made.version_2(expires="2020-01-01T00:00:00Z"), "expires"),
        (made.version_2(type="BadgeClass"), "type"),
        (made.version_2(id=7), "id"),
        (made.version_3(issuer=None), "issuer"),
        (made.version_3(validFrom="yesterday"), "validFrom"),
        (made.version_3(credentialSubject=[{}, {}]), "credentialSubject"),
        (made.version_3(type=["BlockcertsCredential"]), "type"),
    ],
)
def test_what_is_wrong_in_it_is_refused_by_path(document: JSON, path: str) -> None:
    with pytest.raises(Refuted, match=rf"\$\.{path}"):
        read_credential(document)


def test_one_that_names_no_achievement_is_read_without() -> None:
    document = made.version_3(credentialSubject={"id": "did:example:learner"}, name=None)

    assert read_credential(document).achievement.name is None


def test_without_the_libraries_it_could_not_be_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("merkletools", "cbor2", "pyld.jsonld"):
        with monkeypatch.context() as without:
            without.setitem(sys.modules, name, None)
            found = examined(made.issued_3(made.version_3()))
        assert isinstance(found, Unavailable)
        assert "pip install 'testamur[blockcerts]'" in str(found)


def test_a_fault_keeps_no_document() -> None:
    found = examined({**made.issued_3(made.version_3()), "grade": "A"})

    assert isinstance(found, Fault.__args__)
    assert found.__traceback__ is None
