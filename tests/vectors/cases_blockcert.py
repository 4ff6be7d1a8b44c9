"""Cases of Blockcerts: documents alone, and in `evidence/` some that a provider logged.

`documents` are those alone, each with its verdict, written by hand, and with the JSON pointer or
the words that must be in the reason.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any, Final

import cbor2

from tests.harness import blockcerts as made
from tests.vectors.cases import case
from tests.vectors.scene import Scene

JSON = dict[str, Any]
_SUBJECT: Final = "credentialSubject"
_DOB: Final = "https://schemas.learningmachine.com/2017/blockcerts/DOB"
_TERMS: Final = {"DOB": {"@id": _DOB, "@type": "https://schema.org/Text"}}
_CONTEXTS: Final = made.version_3()["@context"]


def _in_subject(**members: Any) -> JSON:
    return {_SUBJECT: {**made.version_3()[_SUBJECT], **members}}


def _with_term() -> JSON:
    return made.version_3(**{"@context": [*_CONTEXTS, _TERMS]}, **_in_subject(DOB="1815-12-10"))


def _shown_as(issued: JSON, **members: Any) -> JSON:
    """Return a Blockcert as its bearer shows it, with the receipt that it was issued with."""
    return {**issued, **members}


def _renamed(issued: JSON, old: str, new: str) -> JSON:
    """Return a Blockcert with a member of the subject under another name."""
    subject = {new if name == old else name: value for name, value in issued[_SUBJECT].items()}
    return {**issued, _SUBJECT: subject}


def _contexts(issued: JSON, *contexts: Any, **members: Any) -> JSON:
    return {**issued, "@context": [*_CONTEXTS, *contexts], **members}


def _holds() -> Iterator[tuple[str, JSON]]:
    yield "version 3 with merkle-proof-2019", made.issued_3(made.version_3())
    yield (
        "version 3 of the older data model with MerkleProof2019",
        made.issued_3(
            {
                "@context": [made.VC_1, "https://w3id.org/blockcerts/v3"],
                "id": "urn:uuid:019a3b1c-7f00-7abc-8def-0123456789ab",
                "type": ["VerifiableCredential", "BlockcertsCredential"],
                "issuer": "https://college.example/issuer",
                "issuanceDate": "2026-11-20T00:00:00Z",
                _SUBJECT: {"id": "did:example:learner", "claim": {"name": "Soil Science"}},
            },
            older=True,
        ),
    )
    yield "version 2", made.issued_2(made.version_2())
    document = made.version_3()
    alone = made.parts_2019(made.target(document), others=())
    yield "a batch of one", {**document, "proof": made.proof_2019(alone)}
    yield "two receipts of which the second covers the first", made.issued_twice(document)
    yield "on no blockchain", made.issued_3(document, anchor=made.MOCK)
    names = [{"@value": "Soil Science", "@language": "en"}, {"@value": "Sol", "@language": "fr"}]
    yield "a name in two languages", made.issued_3(made.version_3(name=names))
    arabic = {"@value": "\u062a\u0631\u0628\u0629", "@language": "ar", "@direction": "rtl"}
    yield "a name with a direction", made.issued_3(made.version_3(name=arabic))
    yield "a term of its own", made.issued_3(_with_term())
    yield (
        "an array of one in the place of its item",
        _shown_as(made.issued_3(document), issuer=[document["issuer"]]),
    )


def _of_the_document() -> Iterator[tuple[str, JSON]]:
    issued, signed = made.issued_3(made.version_3()), made.issued_2(made.version_2())
    yield "another name", _shown_as(issued, name="Soil Sciences")
    yield (
        "a name in another language",
        _shown_as(issued, name={"@value": "Soil Science", "@language": "en"}),
    )
    yield "another issuer", _shown_as(issued, issuer="https://college.example/issuer")
    yield "another learner", _shown_as(issued, **_in_subject(id="did:example:other"))
    yield "a longer term", _shown_as(issued, validUntil="2031-11-20T00:00:00Z")
    yield "a member left out", {k: v for k, v in issued.items() if k != "display"}
    yield "another type", _shown_as(issued, type=["VerifiableCredential"])
    yield (
        "another learner in version 2",
        _shown_as(signed, recipient={**signed["recipient"], "identity": "bob@example.org"}),
    )
    yield (
        "another award in version 2",
        _shown_as(signed, badge={**signed["badge"], "name": "Leadership"}),
    )
    yield (
        "the receipt of another document",
        {
            **issued,
            "proof": made.issued_3(made.version_3(name="Leadership"))["proof"],
        },
    )
    yield "the first of two receipts exchanged", _exchanged(made.issued_twice(made.version_3()))


def _exchanged(twice: JSON) -> JSON:
    first, second = twice["proof"]
    other = made.parts_2019(made.target(made.version_3()), others=made.OTHERS[:1])
    return {**twice, "proof": [{**made.proof_2019(other), "id": first["id"]}, second]}


def _of_version_3() -> Iterator[tuple[str, JSON | bytes | list[Any]]]:
    leaf = made.target(made.version_3())
    parts = made.parts_2019(leaf)
    path, root, own, anchors = parts
    steps = path[1]

    def stepped(*changed: Any) -> list[Any]:
        return [[3, list(changed)], root, own, anchors]

    sibling = steps[0][1]
    yield "a path without its first step", stepped(*steps[1:])
    yield "a path without its last step", stepped(*steps[:-1])
    yield "a path in another order", stepped(*reversed(steps))
    yield "a sibling on the other side", stepped([0, sibling], *steps[1:])
    yield "a side of which there is none", stepped([2, sibling], *steps[1:])
    yield "a side that is true", stepped([True, sibling], *steps[1:])
    yield "a step of three", stepped([1, sibling, 0], *steps[1:])
    yield "a sibling of 31 bytes", stepped([1, cbor2.dumps(bytes(31))], *steps[1:])
    yield "a sibling of 33 bytes", stepped([1, cbor2.dumps(bytes(33))], *steps[1:])
    yield (
        "a sibling in capitals",
        stepped([1, cbor2.dumps(cbor2.loads(sibling).upper())], *steps[1:]),
    )
    yield "a sibling that is no CBOR in CBOR", stepped([1, cbor2.loads(sibling)], *steps[1:])
    yield "a sibling that is a number", stepped([1, cbor2.dumps(7)], *steps[1:])
    yield "a path of 65 steps", stepped(*(steps[0] for _ in range(65)))
    yield "a path that is a map", [[3, {}], root, own, anchors]
    yield "another root", [path, [0, cbor2.dumps("0" * 64)], own, anchors]
    yield "a target that is a node above", [[3, steps[1:]], root, [1, _node(leaf)], anchors]
    yield "a batch of one that is the root itself", [[3, []], root, [1, root[1]], anchors]
    yield "no path", [root, own, anchors]
    yield "two roots", [path, root, root, own]
    yield "one more pair", [*parts, [4, []]]
    yield "no anchor", [path, root, own, [2, []]]
    yield "seventeen anchors", [path, root, own, [2, anchors[1] * 17]]
    yield "an anchor without a transaction", [path, root, own, [2, [[[0, 0], [1, 1]]]]]
    yield "a transaction that is none", [
        path, root, own, [2, [[[0, 0], [1, 1], [2, cbor2.dumps("here")]]]],
    ]  # fmt: skip
    data = cbor2.dumps(parts)
    yield "a byte behind it", data + b"\x00"
    yield "a byte missing", data[:-1]
    yield "an array without a length", b"\x9f" + data[1:] + b"\xff"
    yield "a length with too many bytes", b"\x98\x04" + data[1:]
    yield "a tag around it", b"\xd9\xd9\xf7" + data
    yield "arrays four hundred deep", b"\x81" * 400 + b"\x00"
    yield "a length of exabytes", b"\x9b" + b"\x7f" * 8
    yield "a shared value", b"\xd8\x1d\x00"
    yield "nothing", b""
    yield "another purpose", made.proof_2019(parts, proofPurpose="authentication")
    yield "a value that is no text", made.proof_2019(parts, proofValue=["z"])
    value = made.proof_2019(parts)["proofValue"]
    yield "a value in another base", made.proof_2019(parts, proofValue=f"m{value[1:]}")
    yield "a letter outside its base", made.proof_2019(parts, proofValue=f"z0{value[1:]}")
    yield "a zero before it", made.proof_2019(parts, proofValue=f"z1{value[1:]}")


def _node(leaf: str) -> bytes:
    return cbor2.dumps(made.batch(leaf, made.OTHERS[0])[0])


def _of_version_2() -> Iterator[tuple[str, JSON]]:
    leaf = made.target(made.version_2())
    good = made.chainpoint(leaf)
    first, *rest = good["proof"]
    (side, sibling), *_ = first.items()

    def stepped(*changed: Any) -> JSON:
        return {**good, "proof": list(changed)}

    yield "a path without its first step", stepped(*rest)
    yield "a sibling on the other side", stepped({"left": sibling}, *rest)
    yield "a step on both sides", stepped({"left": "0" * 64, side: sibling}, *rest)
    yield "a step on no side", stepped({}, *rest)
    yield "a step that is a text", stepped(sibling, *rest)
    yield "a sibling of 62 digits", stepped({side: sibling[2:]}, *rest)
    yield "a sibling with spaces", stepped({side: f"{sibling[:32]} {sibling[32:]}"}, *rest)
    yield "a sibling in capitals", stepped({side: sibling.upper()}, *rest)
    yield "a sibling that is null", stepped({side: None}, *rest)
    yield "a path that is an object", {**good, "proof": {}}
    yield "a path that is null", {**good, "proof": None}
    yield "another root", {**good, "merkleRoot": "0" * 64}
    yield "a root that is empty", {**good, "merkleRoot": ""}
    yield "an empty tree", {**good, "merkleRoot": "", "targetHash": "", "proof": []}
    yield "another target", {**good, "targetHash": "0" * 64}
    yield "target and root alike", {**good, "targetHash": good["merkleRoot"], "proof": []}
    yield "one more member", {**good, "note": "checked"}
    yield "a member missing", {k: v for k, v in good.items() if k != "anchors"}
    yield "another type", {**good, "type": ["MerkleProof2017"]}
    yield "no anchor", {**good, "anchors": []}
    yield "a transaction that is none", {**good, "anchors": [{**good["anchors"][0], "sourceId": 1}]}


def _of_its_form() -> Iterator[tuple[str, JSON, str]]:
    """Yield what keeps its hash, and says something else to a reader of JSON."""
    issued, other = made.issued_3(made.version_3()), made.issued_3(_with_term())
    more = made.issued_3(made.version_3(**_in_subject(email="ada@example.org")))
    yield "a member that no context knows", _shown_as(issued, grade="A"), "/grade"
    yield (
        "a member within that no context knows",
        _shown_as(issued, **_in_subject(grade="A")),
        "/credentialSubject/grade",
    )
    yield (
        "a member under its address",
        _renamed(more, "email", "https://schema.org/email"),
        "/credentialSubject/https:~1~1schema.org~1email",
    )
    yield (
        "a member under its prefix",
        _renamed(more, "email", "schema:email"),
        "/credentialSubject/schema:email",
    )
    yield (
        "a member under a name of its own",
        _contexts(_renamed(more, "email", "guarantor"), {"guarantor": "https://schema.org/email"}),
        "/@context/2/guarantor",
    )
    yield (
        "two terms of its own exchanged",
        _contexts(_renamed(other, "DOB", "enrolled"), {"enrolled": _TERMS["DOB"]}),
        "/@context/2/enrolled",
    )
    yield (
        "a term that is nulled",
        _contexts(issued, {"grade": None}, grade="A"),
        "/@context/2/grade",
    )
    yield (
        "a known term that is nulled",
        _contexts(issued, {"email": None}, **_in_subject(email="x")),
        "/@context/2/email",
    )
    yield (
        "a keyword under another name",
        _contexts(issued, {"identity": "@id"}),
        "/@context/2/identity",
    )
    yield (
        "a vocabulary of its own",
        _contexts(issued, {"@vocab": "https://example.org/"}),
        "/@context/2/@vocab",
    )
    yield (
        "a context within",
        _shown_as(issued, **_in_subject(**{"@context": {"grade": None}, "grade": "A"})),
        "/credentialSubject/@context",
    )
    yield (
        "a context that is not pinned",
        _contexts(issued, "https://example.org/context.json"),
        "/@context/2",
    )
    yield (
        "a context that is fetched from a file",
        _contexts(issued, "file:///etc/passwd"),
        "/@context/2",
    )
    yield "a context that is a number", _contexts(issued, 7), "/@context/2"
    nested = {name: value for name, value in more[_SUBJECT].items() if name != "email"}
    yield (
        "a member in a nest",
        _shown_as(more, **{_SUBJECT: {**nested, "@nest": {"email": "ada@example.org"}}}),
        "/credentialSubject/@nest",
    )
    for keyword, value in (
        ("@included", [{"id": "urn:x"}]),
        ("@reverse", {"issuer": {"id": "urn:x"}}),
        ("@graph", [{"id": "urn:x"}]),
        ("@index", "A"),
        ("@type", "BlockcertsCredential"),
        ("@language", "en"),
    ):
        yield f"the keyword {keyword[1:]}", _shown_as(issued, **{keyword: value}), f"/{keyword}"
    yield "an array within an array", _shown_as(issued, name=[["Soil Science"]]), "/name"
    yield "the same name twice", _shown_as(issued, name=["Soil Science"] * 2), "/name"
    yield "a member that is null", _shown_as(issued, evidence=None), "/evidence"
    yield "an array that is empty", _shown_as(issued, evidence=[]), "/evidence"
    yield (
        "a node without an id by a label",
        made.issued_3(made.version_3(issuer="_:issuer")),
        "/issuer",
    )
    yield (
        "a node that is described elsewhere",
        made.issued_3(
            made.version_3(issuer={"id": "did:example:learner", "name": "An Organization"})
        ),
        "/credentialSubject/id",
    )
    yield "an address that is not absolute", made.issued_3(made.version_3(id="7")), "/id"
    yield (
        "a type that no context knows",
        made.issued_3(
            made.version_3(type=["VerifiableCredential", "BlockcertsCredential", "Doctorate"])
        ),
        "/type/2",
    )
    yield (
        "an address that is more than one statement",
        made.issued_3(made.version_3(issuer='urn:x> <urn:y> "z" .\n<urn:q')),
        "/issuer",
    )
    yield (
        "a number with too many digits",
        made.issued_3(made.version_3(**_in_subject(email=0.12345678901234568))),
        "/credentialSubject/email",
    )
    yield (
        "a language in capitals",
        made.issued_3(made.version_3(name={"@value": "Soil Science", "@language": "EN"})),
        "/name",
    )
    yield (
        "a value with a type",
        made.issued_3(
            made.version_3(name={"@value": "Soil Science", "@type": "https://schema.org/Text"})
        ),
        "/name",
    )
    yield "no receipt", made.version_3(), "no receipt"
    yield "no receipt in version 2", made.version_2(), "no receipt"
    yield "three receipts", _shown_as(issued, proof=[issued["proof"]] * 3), "3 receipts"
    yield "a tree whose nodes look alike", _shown_as(issued, evidence=_tree(7)), "look alike"


def _tree(depth: int) -> JSON:
    """Return nodes without an id, each like its neighbour: work that doubles with each level."""
    node: JSON = {"type": "BlockcertsCredential"}
    for number in range(depth):
        leaf = {"criteria": f"{number}"} if number == 0 else {}
        node = {"claim": [{**copy.deepcopy(node), **leaf}, copy.deepcopy(node)]}
    return node


def documents() -> list[JSON]:
    """Return each Blockcert with the verdict due, and for one left open the words of the reason."""
    found = [
        {"desc": desc, "credential": credential, "verdict": "holds"}
        for desc, credential in _holds()
    ]
    good_3, good_2 = made.version_3(), made.version_2()
    refuted = [
        *_of_the_document(),
        *(
            (f"in CBOR: {desc}", {**good_3, "proof": _proof(each)})
            for desc, each in _of_version_3()
        ),
        *((f"in JSON: {desc}", {**good_2, "signature": each}) for desc, each in _of_version_2()),
    ]
    found += [
        {"desc": desc, "credential": credential, "verdict": "refuted"}
        for desc, credential in refuted
    ]
    found += [
        {"desc": desc, "credential": credential, "verdict": "could not check", "why": why}
        for desc, credential, why in _of_its_form()
    ]
    return found


def _proof(part: JSON | bytes | list[Any]) -> JSON:
    return part if isinstance(part, dict) else made.proof_2019(part)


def _as_blockcert(issue: Callable[[JSON], JSON]) -> Callable[[JSON], None]:
    """Return a change of a credential of the scene into a Blockcert that says the same."""

    def change(credential: JSON) -> None:
        said, awarded = copy.deepcopy(credential), credential[_SUBJECT]["achievement"]
        document = made.version_3(
            id=said["id"],
            issuer={"id": said["issuer"]["id"], "name": said["issuer"]["name"]},
            credentialSubject={
                "id": said[_SUBJECT]["id"],
                "claim": {"id": awarded["id"], "name": awarded["name"]},
            },
        )
        credential.clear()
        credential.update(issue(document))

    return change


def _logged(scene: Scene, issue: Callable[[JSON], JSON] = made.issued_3) -> None:
    scene.award(_as_blockcert(issue), format="Blockcerts/3", suite="merkle-proof-2019")


@case("a blockcert", holds="blockcert", unchecked="blockchain")
def _(scene: Scene) -> None:
    _logged(scene)


@case("a blockcert with two receipts", holds="blockcert", unchecked="blockchain")
def _(scene: Scene) -> None:
    _logged(scene, made.issued_twice)


@case("a blockcert whose receipt is for another", refuted="blockcert", unchecked="blockchain")
def _(scene: Scene) -> None:
    _logged(scene)
    other = made.issued_3(made.version_3())["proof"]
    scene.alter(lambda credential: credential.update(proof=other))


@case("a blockcert without its receipt", unchecked="blockcert blockchain")
def _(scene: Scene) -> None:
    _logged(scene)
    scene.alter(lambda credential: credential.pop("proof"))


@case("a blockcert changed by its bearer", refuted="commitment blockcert", unchecked="blockchain")
def _(scene: Scene) -> None:
    _logged(scene)
    scene.alter(lambda credential: credential.update(validUntil="2031-11-20T00:00:00Z"))


@case("a blockcert that no context covers", unchecked="blockcert blockchain")
def _(scene: Scene) -> None:
    _logged(scene, lambda document: made.issued_3({**document, "grade": "A"}))


@case("a receipt that a bearer put into an open badge", unchecked="blockcert blockchain")
def _(scene: Scene) -> None:
    other = made.issued_3(made.version_3())["proof"]
    scene.alter(lambda credential: credential.update(proof=other))
