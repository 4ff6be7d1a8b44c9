"""The submission file: what is signed, what it is bound to, and every way to get it wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from testamur.catalogue.lines import encode_event
from testamur.catalogue.submission import (
    MAX_BYTES,
    MAX_EVENTS,
    MAX_HEADER,
    base64url_decode,
    base64url_encode,
    every_refusal,
    format_time,
    parse,
    parse_header,
    parse_submission_entry,
    parse_time,
    seal,
    stream_of,
    submission_entry,
)
from testamur.errors import Refusal
from testamur.keys import Curve, PrivateKey
from testamur.tlog.merkle import leaf_hash, leaf_hashes, tree_root
from tests.harness.story import NOW, Party, Story, party, uuid7

STORY = Story()
EVENTS = [STORY.issued() for _ in range(5)]
LINES = [encode_event(event) for event in EVENTS]
BODY = STORY.submission(STORY.provider, *EVENTS)
JWS = BODY.split(b"\n")[0].decode()
PROTECTED = {
    "alg": "Ed25519",
    "kid": STORY.provider.kid,
    "typ": "testamur-submission+jws",
}
PAYLOAD = json.loads(base64url_decode(JWS.split(".")[1]))


def signed(
    protected: object = None, payload: object = None, *, key: PrivateKey | None = None
) -> bytes:
    """Return a JWS over these parts, given as objects or, to the byte, as bytes."""
    parts = [
        part if isinstance(part, bytes) else rfc8785.dumps(part)  # type: ignore[arg-type]
        for part in (protected or PROTECTED, payload or PAYLOAD)
    ]
    text = ".".join(base64url_encode(part) for part in parts)
    signature = (key or STORY.provider.key).sign(text.encode())
    return f"{text}.{base64url_encode(signature)}".encode()


def refused(body: bytes) -> Refusal:
    with pytest.raises(Refusal) as caught:
        parse(body)
    assert every_refusal(body), "a dry run must find fault where the gate does"
    return caught.value


def header_refused(jws: bytes) -> Refusal:
    with pytest.raises(Refusal) as caught:
        parse_header(jws)
    assert caught.value.line == 1
    return caught.value


# --- What is signed ---


@pytest.mark.parametrize("curve", ["Ed25519", "P-256"])
@pytest.mark.parametrize("count", [1, 2, 3, 7, 8, 255, 256, 257])
def test_one_signature_covers_every_line(curve: Curve, count: int) -> None:
    signer = party(f"signer {curve}", curve)
    events = [STORY.issued() for _ in range(count)]
    body = STORY.submission(signer, *events)

    submission = parse(body)

    assert submission.events == events
    assert submission.lines == [encode_event(event) for event in events]
    assert submission.leaves == [leaf_hash(line) for line in submission.lines]
    assert submission.header.root == tree_root(submission.leaves)
    submission.header.verify_signature(signer.key.public)
    assert every_refusal(body) == []


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_no_byte_of_a_submission_can_be_changed(data: st.DataObject) -> None:
    body = bytearray(BODY)
    at = data.draw(st.integers(0, len(body) - 1))
    body[at] ^= data.draw(st.integers(1, 255))

    with pytest.raises(Refusal):
        parse(bytes(body)).header.verify_signature(STORY.provider.key.public)


@pytest.mark.parametrize(
    "lines",
    {
        "one left out": LINES[:-1],
        "the first left out": LINES[1:],
        "one added": [*LINES, LINES[0]],
        "two exchanged": [LINES[1], LINES[0], *LINES[2:]],
        "one repeated in place of another": [LINES[0], LINES[0], *LINES[2:]],
        "turned round": LINES[::-1],
    }.values(),
)
def test_lines_cannot_be_added_dropped_or_moved_after_signing(lines: list[bytes]) -> None:
    assert refused(b"\n".join([JWS.encode(), *lines]) + b"\n").rule in {"event-count", "root"}


def test_another_event_under_the_same_signature_is_refused_as_another_root() -> None:
    other = [encode_event(STORY.issued()) for _ in range(5)]

    refusal = refused(b"\n".join([JWS.encode(), *other]) + b"\n")

    assert (refusal.rule, refusal.line) == ("root", 1)


def test_a_root_over_the_tree_of_the_events_counts_not_one_over_their_hashes() -> None:
    """An interior node given as a leaf would halve the tree; leaf and node hashes differ."""
    leaves = leaf_hashes(LINES)
    halves = [leaves[i] + leaves[i + 1] for i in (0, 2)]

    assert tree_root([sha256(b"\x00" + half).digest() for half in halves]) != tree_root(leaves[:4])


# --- The file ---


BODIES: dict[str, tuple[bytes, str, int | None]] = {
    "nothing": (b"", "submission-empty", None),
    "one line feed": (b"\n", "event-count", None),
    "a header without events": (JWS.encode() + b"\n", "event-count", None),
    "no last line feed": (BODY[:-1], "submission-truncated", 6),
    "cut in the middle of a line": (BODY[:-100], "submission-truncated", 6),
    "cut between two lines": (BODY[: BODY.rindex(b"\n", 0, -1) + 1], "event-count", 1),
    "a blank line at the end": (BODY + b"\n", "event-count", 1),
    "a blank line in front": (b"\n" + BODY, "header-form", 1),
    "CRLF": (BODY.replace(b"\n", b"\r\n"), "base64url", 1),
    "CR at the end of an event": (BODY[:-1] + b"\r\n", "canonical-json", 6),
    "a byte order mark": (b"\xef\xbb\xbf" + BODY, "header-form", 1),
    "UTF-16": (BODY.decode().encode("utf-16"), "submission-truncated", 7),
    "a JSON array": (b"[" + b",".join(LINES) + b"]\n", "event-count", None),
    "events without a header": (b"\n".join(LINES) + b"\n", "base64url", 1),
    "a NUL at the end": (BODY[:-1] + b"\0\n", "json", 6),
    "the header twice": (JWS.encode() + b"\n" + BODY, "event-count", 1),
}


@pytest.mark.parametrize("damage", BODIES)
def test_a_file_that_is_not_a_submission_is_refused_where_it_goes_wrong(damage: str) -> None:
    body, rule, line = BODIES[damage]

    refusal = refused(body)

    assert (refusal.rule, refusal.line) == (rule, line)


def test_a_file_above_64_mib_is_not_looked_at() -> None:
    assert refused(b"\n" * (MAX_BYTES + 1)).rule == "submission-size"


def test_a_file_of_nothing_but_line_feeds_is_counted_not_split() -> None:
    assert refused(b"\n" * 10_000_000).rule == "event-count"


def test_a_hundred_thousand_events_are_the_most() -> None:
    """The same event that often: whether it may happen twice is not a question of form."""
    key, line = STORY.provider.key, LINES[0]
    lines = [line] * MAX_EVENTS
    body = seal(lines, key=key, kid=STORY.provider.kid, aud="log", iat=NOW, jti=uuid7(1, 1))
    assert len(parse(body).leaves) == MAX_EVENTS

    assert refused(body + line + b"\n").rule == "event-count"
    assert refused(signed(payload=PAYLOAD | {"events": MAX_EVENTS + 1}) + b"\nx\n").rule == (
        "header-schema"
    )
    with pytest.raises(Refusal):
        seal([*lines, line], key=key, kid=STORY.provider.kid, aud="log", iat=NOW, jti=uuid7(1, 1))


def test_a_submission_says_something() -> None:
    with pytest.raises(Refusal):
        STORY.submission(STORY.provider)


def test_a_line_above_65_535_bytes_is_refused_by_its_number() -> None:
    body = BODY[:-1] + b" " * 65_536 + b"\n"

    refusal = refused(body)

    assert (refusal.rule, refusal.line) == ("entry-size", 6)


def test_a_dry_run_lists_the_header_and_every_bad_line() -> None:
    body = b"\n".join([b"no header", LINES[0], b"{}", LINES[1], b"x"]) + b"\n"

    assert [(r.line, r.rule) for r in every_refusal(body)] == [
        (1, "header-form"),
        (3, "event-schema"),
        (5, "json"),
    ]


# --- The header ---


def _without(found: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in found.items() if key != name}


PROTECTED_TRICKS: dict[str, object] = {
    "alg none": PROTECTED | {"alg": "none"},
    "alg None": PROTECTED | {"alg": "None"},
    "alg HS256": PROTECTED | {"alg": "HS256"},
    "alg RS256": PROTECTED | {"alg": "RS256"},
    "alg ES256K": PROTECTED | {"alg": "ES256K"},
    "alg Ed448": PROTECTED | {"alg": "Ed448"},
    "alg in lower case": PROTECTED | {"alg": "ed25519"},
    "alg empty": PROTECTED | {"alg": ""},
    "alg null": PROTECTED | {"alg": None},
    "no alg": _without(PROTECTED, "alg"),
    "no kid": _without(PROTECTED, "kid"),
    "no typ": _without(PROTECTED, "typ"),
    "typ JWT": PROTECTED | {"typ": "JWT"},
    "typ with its media type prefix": PROTECTED | {"typ": "application/testamur-submission+jws"},
    "a key brought along": PROTECTED | {"jwk": {"kty": "OKP"}},
    "a key to be fetched": PROTECTED | {"jku": "https://evil.example/keys"},
    "a certificate brought along": PROTECTED | {"x5c": ["MII"]},
    "crit": PROTECTED | {"crit": ["b64"], "b64": False},
    "b64 false": PROTECTED | {"b64": False},
    "zip": PROTECTED | {"zip": "DEF"},
    "cty": PROTECTED | {"cty": "text/plain"},
    "kid without a fragment": PROTECTED | {"kid": STORY.provider.did},
    "kid with two fragments": PROTECTED | {"kid": STORY.provider.kid + "#x"},
    "kid that is only a fragment": PROTECTED | {"kid": "#key-1"},
    "kid that is a path": PROTECTED | {"kid": "../../etc/passwd"},
    "kid with a line feed": PROTECTED | {"kid": STORY.provider.kid + "\n"},
    "kid of a thousand characters": PROTECTED | {"kid": STORY.provider.did + "#" + "k" * 1000},
    "an array": [PROTECTED],
    "a string": "Ed25519",
}


@pytest.mark.parametrize("trick", PROTECTED_TRICKS)
def test_the_protected_header_is_an_allow_list(trick: str) -> None:
    assert header_refused(signed(PROTECTED_TRICKS[trick])).rule == "header-schema"


PAYLOAD_TRICKS: dict[str, object] = {
    "no aud": _without(PAYLOAD, "aud"),
    "an empty aud": PAYLOAD | {"aud": ""},
    "two logs": PAYLOAD | {"aud": ["log.example/testamur", "evil.example"]},
    "a very long aud": PAYLOAD | {"aud": "a" * 256},
    "no events": PAYLOAD | {"events": 0},
    "minus one event": PAYLOAD | {"events": -1},
    "too many events": PAYLOAD | {"events": 100_001},
    "events as text": PAYLOAD | {"events": "5"},
    "iat before 1970": PAYLOAD | {"iat": -1},
    "iat after the year 9999": PAYLOAD | {"iat": 253_402_300_800},
    "iat as a fraction": PAYLOAD | {"iat": 1.5},
    "an expiry nobody looks at": PAYLOAD | {"exp": 1},
    "a start nobody looks at": PAYLOAD | {"nbf": 1},
    "iss that is no DID": PAYLOAD | {"iss": "example.com"},
    "jti in upper case": PAYLOAD | {"jti": PAYLOAD["jti"].upper()},
    "jti with a line feed": PAYLOAD | {"jti": PAYLOAD["jti"] + "\n"},
    "jti nil": PAYLOAD | {"jti": "00000000-0000-0000-0000-000000000000"},
    "jti without hyphens": PAYLOAD | {"jti": PAYLOAD["jti"].replace("-", "")},
    "a root of 31 bytes": PAYLOAD | {"root": base64url_encode(bytes(31))},
    "a root of 33 bytes": PAYLOAD | {"root": base64url_encode(bytes(33))},
    "a root with padding": PAYLOAD | {"root": PAYLOAD["root"] + "="},
    "a root in hexadecimal": PAYLOAD | {"root": "0" * 64},
    "no root": _without(PAYLOAD, "root"),
    "an array": [PAYLOAD],
}


@pytest.mark.parametrize("trick", PAYLOAD_TRICKS)
def test_the_payload_is_a_closed_set_of_members(trick: str) -> None:
    jws = signed(payload=PAYLOAD_TRICKS[trick])

    assert header_refused(jws).rule == "header-schema"


@pytest.mark.parametrize(
    "root",
    {
        "bits under the last character": PAYLOAD["root"][:-1] + "B",
        "standard base64": "+" + PAYLOAD["root"][1:],
        "a space": " " + PAYLOAD["root"][1:],
    }.values(),
)
def test_the_root_has_one_spelling(root: str) -> None:
    assert header_refused(signed(payload=PAYLOAD | {"root": root})).rule == "base64url"


@pytest.mark.parametrize("number", [b"5.0", b"5e0", b"05", b"+5", b"50e-1"])
def test_the_number_of_events_has_one_spelling(number: bytes) -> None:
    payload = rfc8785.dumps(PAYLOAD).replace(b'"events":5', b'"events":' + number)

    assert header_refused(signed(payload=payload)).rule in {"header-schema", "header-canonical"}


def _turned_round(part: bytes) -> bytes:
    found = json.loads(part)
    return json.dumps(dict(reversed(found.items())), separators=(",", ":")).encode()


SPELLINGS: dict[str, Callable[[bytes], bytes]] = {
    "a space": lambda part: part.replace(b":", b": ", 1),
    "a line feed after": lambda part: part + b"\n",
    "a byte order mark": lambda part: b"\xef\xbb\xbf" + part,
    "an escaped letter": lambda part: part.replace(b'"a', b'"\\u0061', 1),
    "the first member twice": lambda part: b"{" + part[1 : part.index(b",") + 1] + part[1:],
    "another order": _turned_round,
    "invalid UTF-8": lambda part: part.replace(b"did", b"d\xffd", 1),
    "nothing": lambda _: b"",
}


@pytest.mark.parametrize("which", ["protected", "payload"])
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_both_parts_have_one_spelling(which: str, spelling: str) -> None:
    part = rfc8785.dumps(PROTECTED if which == "protected" else PAYLOAD)
    other = SPELLINGS[spelling](part)
    assert other != part
    jws = b".".join(
        base64url_encode(each).encode()
        for each in (
            other if which == "protected" else rfc8785.dumps(PROTECTED),
            other if which == "payload" else rfc8785.dumps(PAYLOAD),
            bytes(64),
        )
    )

    assert header_refused(jws).rule in {"header-canonical", "header-schema"}


def _respelt(part: str) -> dict[str, str]:
    last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return {
        "padded": part + "=" * (-len(part) % 4 or 4),
        "in standard base64": part.replace("-", "+").replace("_", "/"),
        "with bits left over": part[:-1] + last[last.index(part[-1]) ^ 1],
        "with a line feed": part[:8] + "\n" + part[8:],
        "with a space": part + " ",
        "one character longer": part + "A",
        "with a character from elsewhere": part[:-1] + "é",
    }


@pytest.mark.parametrize("spelling", _respelt("Ab-_"))
@pytest.mark.parametrize("which", [0, 1, 2])
def test_each_part_is_base64url_in_its_one_spelling(which: int, spelling: str) -> None:
    tried = 0
    for salt in range(16):
        # Parts of every length, since the spare bits at the end depend on it.
        payload = PAYLOAD | {"aud": "log" + "x" * (salt % 3), "iat": NOW + salt}
        protected = PROTECTED | {"kid": STORY.provider.did + "#" + "k" * (1 + salt % 3)}
        parts = signed(protected, payload).decode().split(".")
        other = _respelt(parts[which])[spelling]
        same_bytes = len(other) % 4 != 0 or spelling != "with bits left over"
        if other != parts[which] and same_bytes:
            parts[which] = other
            assert header_refused(".".join(parts).encode()).rule.startswith(
                ("base64url", "header-")
            )
            tried += 1

    # JSON of this kind has no bits that make - or _, so there is nothing to respell.
    assert tried or (which < 2 and spelling == "in standard base64")


@pytest.mark.parametrize(
    "jws",
    {
        "two parts": JWS.rpartition(".")[0],
        "four parts": JWS + ".AAAA",
        "a detached payload": JWS.split(".")[0] + ".." + JWS.split(".")[2],
        "no signature": JWS.rpartition(".")[0] + ".",
        "the JSON serialization": json.dumps({"payload": JWS.split(".")[1], "signatures": []}),
        "a space in front": " " + JWS,
        "a tab at the end": JWS + "\t",
    }.values(),
)
def test_the_header_is_one_compact_jws(jws: str) -> None:
    assert header_refused(jws.encode()).rule in {
        "header-form",
        "header-schema",
        "header-signature",
        "base64url",
    }


@pytest.mark.parametrize("length", [0, 1, 32, 63, 65, 72])
def test_a_signature_has_64_bytes(length: int) -> None:
    text = JWS.rpartition(".")[0] + "." + base64url_encode(bytes(length))

    assert header_refused(text.encode()).rule == "header-signature"


def test_a_header_is_at_most_4096_bytes() -> None:
    assert header_refused(b"A" * (MAX_HEADER + 1)).rule == "header-size"


def test_the_bounds_themselves_are_still_within() -> None:
    assert header_refused(b"A" * MAX_HEADER).rule == "header-form"
    assert refused(b"\n" * MAX_BYTES).rule == "event-count"


def test_leaves_of_another_number_are_refused_before_they_are_hashed() -> None:
    submission = parse(BODY)
    for leaves in ([], submission.leaves[:-1], [*submission.leaves, bytes(32)]):
        with pytest.raises(Refusal) as caught:
            submission.header.verify_root(leaves)
        assert caught.value.rule == "event-count"


def test_a_header_nested_out_of_all_bounds_is_refused() -> None:
    deep = b'{"alg":' + b"[" * 2000
    assert header_refused(b".".join([base64url_encode(deep).encode(), b"e30", b"AA"])).rule == (
        "header-schema"
    )


def test_nobody_signs_with_a_key_of_another_organization() -> None:
    refusal = header_refused(signed(payload=PAYLOAD | {"iss": STORY.accreditor.did}))

    assert refusal.rule == "key-of-another-organization"


@pytest.mark.parametrize("prefix", [STORY.provider.did[:-1], STORY.provider.did + "x"])
def test_an_issuer_is_not_told_by_the_beginning_of_its_name(prefix: str) -> None:
    assert header_refused(signed(payload=PAYLOAD | {"iss": prefix})).rule == (
        "key-of-another-organization"
    )


# --- The signature ---


@pytest.mark.parametrize(
    ("alg", "curve"), [("ES256", "Ed25519"), ("Ed25519", "P-256"), ("EdDSA", "P-256")]
)
def test_an_algorithm_is_used_with_keys_of_its_own_curve_only(alg: str, curve: Curve) -> None:
    header = parse_header(signed(PROTECTED | {"alg": alg}))

    with pytest.raises(Refusal) as caught:
        header.verify_signature(party("curve", curve).key.public)

    assert (caught.value.rule, caught.value.line) == ("key-algorithm", 1)


@pytest.mark.parametrize("alg", ["Ed25519", "EdDSA"])
def test_both_names_of_ed25519_are_taken(alg: str) -> None:
    parse_header(signed(PROTECTED | {"alg": alg})).verify_signature(STORY.provider.key.public)


def test_a_signature_by_another_key_is_refused() -> None:
    header = parse_header(signed(key=STORY.accreditor.key))

    with pytest.raises(Refusal) as caught:
        header.verify_signature(STORY.provider.key.public)

    assert (caught.value.rule, caught.value.line) == ("signature", 1)


def test_the_algorithm_named_is_under_the_signature() -> None:
    """A JWS signed as Ed25519 does not pass when its header is rewritten to EdDSA."""
    protected = base64url_encode(rfc8785.dumps(PROTECTED | {"alg": "EdDSA"}))
    header = parse_header(f"{protected}.{JWS.partition('.')[2]}".encode())

    with pytest.raises(Refusal):
        header.verify_signature(STORY.provider.key.public)


def test_sealing_gives_what_parsing_takes_and_refuses_what_it_would_not() -> None:
    provider = STORY.provider
    given: dict[str, Any] = {
        "key": provider.key,
        "kid": provider.kid,
        "aud": STORY.origin,
        "iat": NOW,
        "jti": uuid7(1, 2),
    }
    assert seal(LINES, **given) == seal(LINES, **given)
    for wrong in ({"kid": provider.did}, {"aud": ""}, {"iat": -1}, {"jti": "x"}):
        with pytest.raises(Refusal):
            seal(LINES, **given | wrong)
    for lines in ([b"{}"], [LINES[0] + b"\n" + LINES[1]], [b""]):
        with pytest.raises(Refusal):
            seal(lines, **given)


# --- The entry on the log ---


@settings(deadline=None)
@given(st.integers(0, 253_402_300_799_999))
def test_the_time_of_an_entry_is_read_back_to_the_millisecond(milliseconds: int) -> None:
    text = format_time(milliseconds)

    assert parse_time(text) == milliseconds
    assert len(text) == 24
    assert parse_submission_entry(submission_entry(JWS, milliseconds))[0] == milliseconds


def test_times_sort_as_their_texts_do() -> None:
    assert format_time(0) == "1970-01-01T00:00:00.000Z"
    assert format_time(1_795_255_200_123) == "2026-11-21T10:00:00.123Z"
    assert format_time(253_402_300_799_999) == "9999-12-31T23:59:59.999Z"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-11-21T10:00:00Z",
        "2026-11-21T10:00:00.0Z",
        "2026-11-21T10:00:00.000000Z",
        "2026-11-21T10:00:00.000+00:00",
        "2026-11-21T11:00:00.000+01:00",
        "2026-11-21t10:00:00.000z",
        "2026-11-21 10:00:00.000Z",
        "2026-11-21T24:00:00.000Z",
        "2026-11-21T10:00:60.000Z",
        "2026-02-29T10:00:00.000Z",
        "1969-12-31T23:59:59.999Z",
        "9999-12-31T23:59:59.000-23:59",
        "0001-01-01T00:00:00.000+23:59",
        "2026-11-21T10:00:00,000Z",
        "20261121T100000.000Z",
        "2026-W47-6T10:00:00.000Z",
        "2026-11-21T10:00:00.000",
        "2026-11-21T10:00:00.000Z\n",
        "\u0662026-11-21T10:00:00.000Z",
    ],
)
def test_a_time_has_one_spelling(text: str) -> None:
    with pytest.raises(Refusal):
        parse_time(text)
    entry = rfc8785.dumps({"recordedAt": text, "submission": JWS})
    with pytest.raises(Refusal):
        parse_submission_entry(entry)


ENTRY = submission_entry(JWS, NOW * 1000)


def test_an_entry_holds_the_header_to_the_byte() -> None:
    recorded_at, header = parse_submission_entry(ENTRY)

    assert (recorded_at, header.jws) == (NOW * 1000, JWS)
    assert rfc8785.dumps(json.loads(ENTRY)) == ENTRY


@pytest.mark.parametrize(
    "entry",
    {
        "nothing": b"",
        "an event": LINES[0],
        "a space": ENTRY.replace(b":", b": ", 1),
        "a line feed": ENTRY + b"\n",
        "a member more": ENTRY[:-1] + b',"z":1}',
        "a member twice": ENTRY.replace(b"{", b'{"recordedAt":"2026-11-21T10:00:00.000Z",', 1),
        "another order": b'{"submission":"%s","recordedAt":"2026-11-21T10:00:00.000Z"}'
        % JWS.encode(),
        "an escaped dot": ENTRY.replace(b"eyJ", b"\\u0065yJ", 1),
        "no submission": b'{"recordedAt":"2026-11-21T10:00:00.000Z"}',
        "a submission of five thousand bytes": rfc8785.dumps(
            {"recordedAt": "2026-11-21T10:00:00.000Z", "submission": "A" * 5000}
        ),
        "a submission that is no JWS": rfc8785.dumps(
            {"recordedAt": "2026-11-21T10:00:00.000Z", "submission": "é"}
        ),
    }.values(),
)
def test_an_entry_has_one_spelling(entry: bytes) -> None:
    with pytest.raises(Refusal):
        parse_submission_entry(entry)


# --- Streams ---


def test_the_stream_of_a_name_is_never_that_of_another_or_of_an_id() -> None:
    streams = {
        stream_of("organization", "did:web:a"),
        stream_of("organization", "did:web:b"),
        stream_of("submission", "did:web:a"),
        stream_of("submission", "did:web:a", uuid7(1, 1)),
        stream_of("submission", "did:web:a", uuid7(1, 2)),
    }

    assert len(streams) == 5
    assert {stream.version for stream in streams} == {8}
    assert {stream.variant for stream in streams} == {"specified in RFC 4122"}


def test_a_party_signs_as_itself() -> None:
    header = parse(BODY).header

    assert isinstance(STORY.provider, Party)
    assert header.payload.iss == STORY.provider.did
    assert header.key_id == STORY.provider.key_id
