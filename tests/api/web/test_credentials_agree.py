"""A page reads a credential as Python does, and finds in it the same, in the same words."""

from __future__ import annotations

import itertools
import json
import random
import re
import sys
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

import msgspec
import pytest

from testamur.badges.blockcerts import read_credential
from testamur.badges.data_integrity import sign, verify_proofs
from testamur.badges.identities import check_learner, names_nobody, read_asked
from testamur.badges.openbadges import VC_1, VC_2, Badge
from testamur.badges.restated import added, differences, same_text, suite_difference
from testamur.badges.unexamined import unexamined
from testamur.canonical import parse_strict
from testamur.catalogue.events import CredentialIssued
from testamur.catalogue.lines import decode_event
from testamur.catalogue.members import Definition
from testamur.errors import Refuted, Unavailable
from testamur.keys import PublicKey
from tests.api.web.bent_credentials import TEXTS, bent, published, restating
from tests.harness.page_modules import ask
from tests.harness.story import private_key
from tests.vectors.make_evidence import FOLDER

SCALE: Final = 1500
PUBLISHED: Final = published()


def written(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def read(text: str) -> Any:
    return parse_strict(text.encode(), max_bytes=1 << 22)


def said(look: Callable[[], Any]) -> Any:
    try:
        return look()
    except Refuted as error:
        return f"refuted: {error}"
    except Unavailable as error:
        return f"could not check: {error}"


def in_json(value: Any) -> Any:
    return msgspec.json.decode(msgspec.json.encode(value))


def agree(kind: str, cases: list[Any], due: Callable[[Any], Any]) -> list[Any]:
    """Return the answers to the cases, which are the same."""
    answers, mine = ask(kind, cases), [in_json(due(each)) for each in cases]
    for case, page, python in zip(cases, answers, mine, strict=True):
        assert page == python, case
    return mine


def credentials(seed: int, count: int = SCALE) -> list[Any]:
    draw = random.Random(seed)
    return [*PUBLISHED, *(bent(draw.choice(PUBLISHED), draw) for _ in range(count))]


# --- What it says ---


def told(badge: Badge) -> dict[str, Any]:
    stated, elements = badge.achievement, badge.elements
    return {
        "id": badge.id,
        "format": badge.format,
        "dataModel": badge.data_model,
        "issuer": {"id": badge.issuer.id, "names": [*map(wording, badge.issuer.names)]},
        "names": [*map(wording, badge.names)],
        "suites": badge.suites,
        "validFrom": badge.valid_from.isoformat(),
        "validUntil": badge.valid_until and badge.valid_until.isoformat(),
        "creditsAvailable": number(badge.credits_available),
        "creditsEarned": number(badge.credits_earned),
        "issued": elements.issued,
        "assessment": elements.assessment,
        "participation": elements.participation,
        "supervision": elements.supervision,
        "achievement": {
            "id": stated.id,
            "names": [*map(wording, stated.names)],
            "type": stated.achievement_type,
            "alignments": [
                {
                    "names": each.names,
                    "url": each.url,
                    "code": each.code,
                    "framework": each.framework,
                    "kind": each.kind,
                }
                for each in stated.alignments
            ],
            "criteriaUrl": stated.criteria_url,
            "fieldOfStudy": stated.field_of_study,
            "languages": stated.languages,
            "version": stated.version,
        },
    }


def wording(text: Any) -> dict[str, str | None]:
    return {"text": text.text, "language": text.language}


def number(value: Any) -> str | None:
    return None if value is None else str(value)


def test_credentials_are_read_and_refused_in_the_same_words() -> None:
    cases = [written(each) for each in credentials(41, 2 * SCALE)]

    due = agree("badge", cases, lambda text: said(lambda: told(read_credential(read(text)))))
    refusals = {each.split(":")[1] for each in due if isinstance(each, str)}
    rules = {" not-an-open-badge", " ob-context", " ob-member", " ob-type", " ob-date"}
    assert refusals >= {*rules, " proof-form"}
    assert sum(isinstance(each, dict) for each in due) > SCALE / 4


def test_dates_are_read_and_refused_in_the_same_words() -> None:
    dates = [each for each in TEXTS if re.match("[0-9]{4}-", each)]
    dates += [
        "2026-11-20T00:00:00.000001Z",
        "2026-11-20T01:00:00+01:00",
        "2026-11-20T14:00:00+14:01",
    ]
    newer, older = ("validFrom", "validUntil"), ("issuanceDate", "expirationDate")
    cases = []
    for context, names in itertools.product((VC_1, VC_2), (newer, older, newer + older)):
        for one, other in itertools.product(dates, dates):
            stated = dict(zip(names, (one, other, *dates[:2]), strict=False))
            dated = {name: PUBLISHED[0][name] for name in PUBLISHED[0] if name != "validFrom"}
            contexts = [context, *PUBLISHED[0]["@context"][1:]]
            cases.append(written(dated | stated | {"@context": contexts}))

    due = agree("badge", cases, lambda text: said(lambda: told(read_credential(read(text)))))
    assert {"ob-date", "ob-validity"} <= {each.split()[1][:-1] for each in due if type(each) is str}
    assert sum(isinstance(each, dict) for each in due) > 100


def test_what_nobody_examined_is_named_alike() -> None:
    cases = [written(each) for each in credentials(42)]

    due = agree("unexamined", cases, lambda text: unexamined(read(text)))
    assert sum(map(bool, due)) > 10


# --- What was logged for it ---


def logged() -> tuple[list[str], list[str]]:
    """Return the lines of issuances, and the definitions, of all vectors."""
    events, definitions = set(), set()
    for path in FOLDER.glob("*.json"):
        for submission in json.loads(path.read_text("utf-8"))["evidence"]["submissions"]:
            for line in (event["line"] for event in submission["events"]):
                if "credential.issued/1" in line:
                    events.add(line)
                elif "definition" in line:
                    definitions.add(written(json.loads(line)["definition"]))
    return sorted(events), sorted(definitions)


def compare(case: Any) -> Any:
    credential = read(case["credential"])
    event, definition = decode_event(case["event"].encode()), json.loads(case["definition"])
    assert isinstance(event, CredentialIssued)
    defined = msgspec.convert(definition, Definition)
    badge = read_credential(credential)
    return {
        "differences": [str(each) for each in differences(badge, event, defined)],
        "added": added(credential, badge, event, defined, case["names"]),
        "suite": suite_difference(badge, event),
    }


def test_what_was_logged_is_compared_alike() -> None:
    draw = random.Random(43)
    events, definitions = logged()
    rich = json.loads(max(definitions, key=len)) | {
        "criteria": {"digest": "A" * 43 + "=", "url": "https://a.example/x"},
        "outcomes": [{"name": "Soil Science"}, {"name": "b", "url": "https://a.example/x"}],
        "url": "https://a.example/x",
    }
    restated = [restating(draw) for _ in range(2 * SCALE)]
    taken = [each for each in credentials(44) + restated if is_read(each)]
    cases = [
        {
            "credential": written(credential),
            "event": draw.choice(events),
            "definition": written(_narrowed(draw, rich)),
            "names": draw.sample([each for each in TEXTS if each.strip()], 2),
        }
        for credential in taken
    ]

    due = agree("compared", cases, lambda case: said(lambda: compare(case)))
    found = {each.split(" ")[0] for case in due for each in case["differences"]}
    wanted = "achievement.id achievement.name achievementType version inLanguage criteria level"
    wanted += " fieldOfStudy creditsAvailable credits outcome accreditation assessment"
    wanted += " participation quality supervision field id"
    assert found >= {*wanted.split()}
    assert sum(bool(case["added"]) for case in due) > SCALE / 2


def is_read(credential: Any) -> bool:
    return not isinstance(said(lambda: read_credential(read(written(credential)))), str)


def _narrowed(draw: random.Random, definition: dict[str, Any]) -> dict[str, Any]:
    """Return a definition without some members, of another unit or framework."""
    kept = {"name", "achievementType"}
    found = {
        name: value for name, value in definition.items() if name in kept or draw.random() < 0.8
    }
    if "workload" in found and draw.random() < 0.5:
        found["workload"] = {"amount": draw.choice([5, 50, 15, 1]), "unit": "hour"}
    if "level" in found and draw.random() < 0.3:
        found["level"] = {"framework": "QF-EHEA", "value": 2}
    return found


# --- Whose it is ---


def test_learners_are_compared_alike() -> None:
    draw = random.Random(45)
    vectors = json.loads((FOLDER.parent / "formats/learner.json").read_text("utf-8"))["cases"]
    known = [(each["subject"], each["learner"]) for each in vectors]
    cases = [{"credential": written({"credentialSubject": s}), "learner": w} for s, w in known]
    learners = [*TEXTS, *(who for _, who in known), "ada@xn--bcher-kva.example", "ADA", "xn--a@b"]
    learners += [
        "ada@xn--\u00fc",
        "a" * 2001,
        "did:x: y",
        "a\u200bb",
        "%41",
        "mailto:",
        "ß@SS.example",
    ]
    for _ in range(SCALE):
        subject, who = draw.choice(known)
        credential = bent({"credentialSubject": subject, "type": ["a"]}, draw)
        if draw.random() < 0.3:
            credential["recipient"] = {"identity": draw.choice(learners), "type": "email"}
            credential["signature"] = {"type": ["MerkleProof2017"]}
        cases.append({"credential": written(credential), "learner": draw.choice([who, *learners])})

    due = [said(partial(_named, case)) for case in cases]
    answers = ask("learner", cases)
    for case, page, mine in zip(cases, answers, due, strict=True):
        # What no character is seen of has a name in Python alone.
        same = (
            page.startswith("refuted: learner")
            if mine.startswith("refuted: learner")
            else page == mine
        )
        assert same, (case, page, mine)
    assert {each.split(":")[0] for each in due} > {"refuted", "could not check"}
    agree(
        "namesNobody", [case["credential"] for case in cases], lambda text: names_nobody(read(text))
    )


def _named(case: Any) -> str:
    return check_learner(read(case["credential"]), read_asked(case["learner"]))


# --- Who signed it ---

KEYS: Final = [private_key(name) for name in ("rector", "dean")]
VOUCHED: Final = {"did:web:a.example#" + KEYS[1].public.multikey(): KEYS[1].public.multikey()}


OTHER: Final = f"{KEYS[0].public.did_key()}#{KEYS[1].public.multikey()}"
ODD: Final = [
    *(
        None,
        1,
        1.0,
        "a",
        [],
        ["a", "a"],
        [2.0],
        "z",
        "z0",
        "z" + "1" * 64,
        "did:key:z6Mk#z6Mk",
        OTHER,
    ),
    *(f"2026-11-20T00:00:00{end}" for end in ("Z", ".123456789Z", ".1234567890Z", "+23:59", "")),
]


def signed(draw: random.Random) -> Any:
    credential = draw.choice([each for each in PUBLISHED if len(written(each)) < 4000])
    credential = {name: value for name, value in credential.items() if name != "proof"}
    for _ in range(draw.randint(1, 3)):
        created = datetime(2026, 11, draw.randint(1, 30), tzinfo=UTC)
        did = draw.choice([None, "did:web:a.example", "did:web:b.example"])
        credential = sign(credential, draw.choice(KEYS), created=created, did=did)
    return credential


def bent_proof(credential: Any, draw: random.Random) -> Any:
    """Return the credential with a change in one of its proofs, or in what they were made over."""
    if draw.random() < 0.3:
        return bent(credential, draw, 1)
    proof = draw.choice(credential["proof"])
    name = draw.choice([*proof, "expires", "previousProof", "id"])
    proof[name] = draw.choice([*ODD, proof.get("id")])
    if draw.random() < 0.3:
        proof.pop(name)
    if draw.random() < 0.2:  # which one it builds on nobody knows, if two have the name
        for each in credential["proof"]:
            each["id"] = draw.choice(["urn:a", "urn:b"])
        proof["previousProof"] = draw.choice(["urn:a", ["urn:a", "urn:b"], ["urn:c"]])
    if draw.random() < 0.2:
        credential["@context"] = [*_many(credential.get("@context")), "https://a.example/more"]
    return credential


def _many(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def examine(case: Any) -> Any:
    def resolve(method: str) -> PublicKey | None:
        known = case["known"].get(method)
        return None if known is None else PublicKey.from_multikey(known)

    found = verify_proofs(read(case["credential"]), resolve)
    return [
        *(
            [
                each.signer,
                each.created and each.created.isoformat(),
                each.expires and each.expires.isoformat(),
            ]
            for each in found.proven
        ),
        *found.unexamined,
    ]


@pytest.mark.slow
def test_proofs_are_examined_alike() -> None:
    draw = random.Random(46)
    credentials = [signed(draw) for _ in range(150)]
    credentials += [bent_proof(signed(draw), draw) for _ in range(450)] + PUBLISHED
    cases = [{"credential": written(each), "known": VOUCHED} for each in credentials]

    due = agree("proofs", cases, lambda case: said(lambda: examine(case)))
    assert sum(isinstance(each, list) for each in due) > 150
    refuted = [each for each in due if isinstance(each, str) and each.startswith("refuted")]
    assert len(refuted) > 100


# --- Texts ---


def test_texts_read_the_same_alike() -> None:
    draw = random.Random(47)
    pairs = [[one, other] for one in TEXTS for other in draw.sample(TEXTS, 20)]

    due = agree("same", pairs, lambda pair: same_text(*pair))
    assert 10 < sum(due) < len(due) / 2


def test_every_letter_is_folded_alike() -> None:
    letters = [
        chr(each)
        for each in range(sys.maxunicode + 1)
        if unicodedata.category(chr(each))[0] in "LM"
    ]
    answers = ask("folded", letters)

    # What a later Unicode gave another case is no letter of this one.
    other = {"\u019b", "\u0264", "\ua7d3", "\ua7d5"}
    for letter, (folded, titled) in zip(letters, answers, strict=True):
        if letter not in other:
            assert folded == letter.casefold(), letter
            assert titled == unicodedata.normalize("NFC", letter.title()), letter
