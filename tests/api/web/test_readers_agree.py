"""The modules of a page read what Python reads, and refuse what it refuses."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import pytest

from testamur.canonical import jcs, parse_strict
from testamur.catalogue import names
from testamur.catalogue.lines import decode_event
from testamur.catalogue.submission import parse_submission_entry
from testamur.errors import Refuted
from testamur.keys import PublicKey
from testamur.tlog.policy import parse_policy
from tests.harness.page_modules import ask, refuses
from tests.harness.shared_vectors import load as shared
from tests.harness.shared_vectors import needs_shared
from tests.vectors.make_evidence import FOLDER

_Case = TypeVar("_Case")
VECTORS: Final = Path(__file__).parents[2] / "vectors"
CASES: Final = 1500


def load(name: str) -> Any:
    return json.loads((VECTORS / name).read_text(encoding="utf-8"))


def outcome(read: Callable[[_Case], Any], case: _Case) -> Any:
    """Return what is read of a case, or None for what is refused."""
    try:
        return read(case)
    except Refuted:
        return None


def outcomes(read: Callable[[_Case], Any], cases: Sequence[_Case]) -> list[Any]:
    return [outcome(read, each) for each in cases]


def of_page(answers: list[Any]) -> list[Any]:
    return [None if refuses(each) else each for each in answers]


def bent(text: str, draw: random.Random, alphabet: str) -> str:
    """Return a text with one to three changes of a character."""
    chars = list(text)
    for _ in range(draw.randint(1, 3)):
        at = draw.randrange(len(chars) + 1)
        chars[at : at + draw.randint(0, 1)] = draw.choice([draw.choice(alphabet), ""])
    return "".join(chars)


# --- JSON ---

READ_OR_REFUSED: Final = [
    *('{"a":1,"a":1}', '{"a":1,"b":{"c":1,"d":2,"c":3}}', '{"\\u0061":1,"a":2}', '{"__proto__":1}'),
    *('{"__proto__":1,"__proto__":2}', '{"constructor":1,"toString":[2]}', '{"10":1,"9":2,"a":3}'),
    *("NaN", "Infinity", "-Infinity", "1e309", "-1e400", "9007199254740992", "-9007199254740992"),
    *("9007199254740991", "-9007199254740991", "9" * 5000, "9007199254740993.0", "1e16", "1.5e20"),
    *(
        "3.0",
        "0.1",
        "1e21",
        "-0.0",
        "-0",
        "1e-400",
        "1E5",
        "1e+5",
        "01",
        "-",
        "1.",
        ".5",
        "+1",
        "1e",
    ),
    *("0" * 18, "0.1" + "0" * 1097, "0.1" + "0" * 1098, "5e-324", "1.7976931348623157e308"),
    *('"\\ud800"', '["\\udc00\\ud800"]', '{"\\udfff":1}', '"a\\ud83d"', '"\\ud83d\\ude00"'),
    *(
        '"\\u00zz"',
        '"\\x"',
        '"\t"',
        '"\x7f"',
        '"\u2028"',
        '"',
        '""',
        "",
        " ",
        "{",
        "[1,]",
        "[,]",
        "{,}",
    ),
    *(
        '{"a"}',
        '{"a":}',
        "{a:1}",
        "[1 2]",
        "[] []",
        "nul",
        "nulll",
        "true",
        " \t\n\r[ ] ",
        "\x0b[]",
    ),
    *(
        "\u00a0[]",
        "\ufeff[]",
        "[" * 64 + "]" * 64,
        "[" * 65 + "]" * 65,
        "[" * 5000,
        "[\ufeff]",
        "'a'",
    ),
    *(
        '{"\u20ac":1,"\\r":2,"\ufb33":3,"1":4,"\U0001f600":5,"\x80":6,"\u00f6":7}',
        "[1]//",
        "[\x00]",
    ),
]
RAW: Final = [
    *(b'"\xff"', b'"\xed\xa0\x80"', b'"\xc0\xaf"', b"\xef\xbb\xbf{}", b"\xff\xfe[\0]\0"),
    *("{}".encode("utf-16"), "{}".encode("utf-32"), b'"\xf4\x90\x80\x80"', b'"\xf0\x9f\x98\x80"'),
]


def json_texts() -> Iterator[bytes]:
    yield from (text.encode() for text in READ_OR_REFUSED)
    yield from RAW
    draw = random.Random(1)
    seeds = [text for text in READ_OR_REFUSED if 0 < len(text) < 100]
    seeds.append(jcs(load("evidence.json")["holder"]).decode())
    for _ in range(CASES):
        yield bent(
            draw.choice(seeds),
            draw,
            '{}[],:"\\u0019eE+-. tfnabd\u00e9\x01',
        ).encode()


def test_json_is_read_and_refused_alike() -> None:
    texts = [*json_texts()]
    answers = ask("json", [{"data": base64.b64encode(each).decode()} for each in texts])

    due = outcomes(lambda each: jcs(parse_strict(each, max_bytes=4 << 20)).decode(), texts)
    different = [
        (text[:80], page, mine)
        for text, page, mine in zip(texts, of_page(answers), due, strict=True)
        if page != mine
    ]
    assert different == []
    assert 300 < due.count(None) < len(due) - 200


def test_json_is_bounded_alike() -> None:
    text = b'[[],{"a":[1,2]},",[{",3]'
    bounds = [{"maxValues": most} for most in range(4, 12)] + [{"maxBytes": n} for n in (23, 24)]
    bounds += [{"maxDepth": depth} for depth in (1, 2, 3, 4)]
    data = base64.b64encode(text).decode()
    answers = of_page(ask("json", [{"data": data, **each} for each in bounds]))

    for each, page in zip(bounds, answers, strict=True):
        given = {
            "max_bytes": each.get("maxBytes", 1000),
            "max_values": each.get("maxValues", 1000),
            "max_depth": each.get("maxDepth", 64),
        }
        mine = outcome(lambda bound: parse_strict(text, **bound), given)
        assert (page is None) == (mine is None), each


# --- Lines of the log ---


def lines() -> Iterator[str]:
    for file in sorted(FOLDER.glob("*.json")):
        for submission in json.loads(file.read_text("utf-8"))["evidence"]["submissions"]:
            yield from (event["line"] for event in submission["events"])
    yield from (
        each["entry"] for each in load("entries.json")["entries"] if "type" in each["entry"]
    )


def test_event_lines_are_read_and_refused_alike() -> None:
    draw = random.Random(2)
    known = sorted({line for line in lines() if '"type"' in line})
    by_type = {json.loads(line)["type"]: line for line in known}
    pool = [*by_type.values(), *draw.sample(known, min(200, len(known)))]
    texts = [
        *known[:300],
        *(bent(draw.choice(pool), draw, '{}[],:"09aZz-é \u200b\u0301') for _ in range(CASES)),
    ]
    texts += [_other_member(draw.choice(pool), draw) for _ in range(CASES)]
    answers = of_page(ask("event", texts))

    due = outcomes(lambda each: decode_event(each.encode()) and each, texts)
    different = [
        (t, page) for t, page, mine in zip(texts, answers, due, strict=True) if page != mine
    ]
    assert different == []
    assert len(by_type) > 15
    assert due.count(None) > 1000


def _other_member(line: str, draw: random.Random) -> str:
    """Return an event with a member left out, put in, or of another value, in canonical form."""
    event = json.loads(line)
    member = draw.choice([*event, "kept", "scope", "validUntil", "reason", "identifiers"])
    odd: tuple[Any, ...] = (
        None,
        0,
        -1,
        2**53,
        "",
        "x" * 201,
        [],
        {},
        True,
        "2026-02-30",
        "0000-01-01",
    )
    odd += (
        "9999-12-31",
        "NL-UT",
        "did:x: me",
        [[5, 4]],
        [[1, 2], [2, 3]],
        ["a", "a"],
        {"fields": ["06", "061"]},
    )
    if draw.random() < 0.3:
        event.pop(member, None)
    else:
        event[member] = draw.choice(odd)
    return json.dumps(event, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def test_names_and_texts_that_are_none_are_told_apart_alike() -> None:
    found = load("formats/names.json")
    texts = [*found["names"], *(each["text"] for each in found["refused"])]
    line = next(
        line
        for line in lines()
        if '"organization.updated/1"' in line or '"recognition.granted/1"' in line
    )
    events = [
        json.dumps(
            {**json.loads(line), "name": text},
            ensure_ascii=False,
            separators=(",", ":"),
            sort_keys=True,
        )
        for text in texts
    ]
    answers = of_page(ask("event", events))

    assert [each is not None for each in answers] == [True] * len(found["names"]) + [False] * len(
        found["refused"]
    )


def test_names_are_made_of_the_same_ranges() -> None:
    wanted = ("UNSEEN", "MARKS", "JOINERS", "JOINED", "D_LIKE", "I_LIKE", "COLON_LIKE", "MAX_MARKS")
    answers = ask("ranges", wanted)

    mine = [json.loads(json.dumps(getattr(names, each))) for each in wanted]
    assert answers == mine


OTHER_TIMES: Final = (
    *("1970-01-01T00:00:00.000Z", "1969-12-31T23:59:59.999Z", "-000001-01-01T00:00:00.000Z"),
    *("9999-12-31T23:59:59.999Z", "+010000-01-01T00:00:00.000Z", "+275760-09-13T00:00:00.000Z"),
    *("2026-11-21T10:00:60.000Z", "2026-11-21T24:00:00.000Z", "2026-11-21T10:00:00.000+00:00"),
)


def test_submission_entries_are_read_and_refused_alike() -> None:
    refused = [
        each["entry"] for each in load("submission/entry.json")["refused"] if "entry" in each
    ]
    good = next(iter(load("evidence.json")["evidence"]["submissions"]))["entry"]
    draw = random.Random(3)
    texts = [good, *refused, *(bent(good, draw, 'AZaz09-_=."{}:,é') for _ in range(300))]
    recorded = json.loads(good)["recordedAt"]
    texts += [good.replace(recorded, each) for each in OTHER_TIMES]
    answers = of_page(ask("entry", texts))

    due = outcomes(lambda each: parse_submission_entry(each.encode())[0], texts)
    assert answers == due
    assert due[0] is not None
    assert len(refused) > 10


def test_policies_are_read_and_refused_alike() -> None:
    policies = sorted(
        {json.loads(file.read_text("utf-8"))["policy"] for file in FOLDER.glob("*.json")}
    )
    draw = random.Random(4)
    texts = [
        *policies,
        *(bent(draw.choice(policies), draw, "AZaz09+/=\n\t # éanyl") for _ in range(400)),
    ]
    answers = of_page(ask("policy", texts))

    due = outcomes(lambda each: [parse_policy(each).quorum], texts)
    assert answers == due
    assert due[: len(policies)].count(None) == 0


# --- Keys and signatures ---


def test_keys_are_read_and_refused_alike() -> None:
    draw = random.Random(5)
    good = ["z6MkiwCw3KonkQF6sDKbXqRSjQj8Tr3ybqtDkE5RRVHZUric"]
    good += ["zDnaerx9CtbPJ1q36T5Ln5wYt3MQYeGRG5ehnPAmxcf5mDZpv"]
    alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz0OIl"
    texts = [
        *good,
        "",
        "z",
        "z1",
        "6Mk",
        *(bent(draw.choice(good), draw, alphabet) for _ in range(300)),
    ]
    answers = [each is not None for each in of_page(ask("key", texts))]

    assert answers == [each is not None for each in outcomes(PublicKey.from_multikey, texts)]
    assert answers[:2] == [True, True]


@needs_shared
def test_the_edge_cases_of_ed25519_are_judged_alike() -> None:
    cases = [
        (bytes.fromhex(each["key"]), bytes.fromhex(each["sig"]), each["msg"])
        for each in shared("c2sp-cctv-ed25519/ed25519vectors.json")
    ]
    answers = of_page(
        ask(
            "signature",
            [
                {"key": _b64(key), "signature": _b64(signature), "message": message}
                for key, signature, message in cases
            ],
        )
    )

    assert len(cases) == 914
    assert [each is True for each in answers] == [holds(*each) for each in cases]


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def holds(key: bytes, signature: bytes, message: str) -> bool:
    """Return whether a signature of the published edge cases does."""

    def verified(raw: bytes) -> bool:
        PublicKey("Ed25519", raw).verify(signature, message.encode())
        return True

    return outcome(verified, key) is True


# --- What counts ---


@pytest.mark.parametrize(
    "file", sorted((VECTORS / "counting").glob("*.json")), ids=lambda file: file.stem
)
def test_the_same_submissions_count(file: Path) -> None:
    cases = json.loads(file.read_text("utf-8"))["cases"]

    answers = ask("counting", cases)
    for each, counted in zip(cases, answers, strict=True):
        assert counted == [told["counting"] for told in each["counts"]], each["desc"]
