"""The submission file: what is signed, what it is bound to, and every way to get it wrong."""

from __future__ import annotations

import json
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
    submission_entry,
)
from testamur.errors import Refusal
from testamur.keys import Curve, PrivateKey
from testamur.tlog.merkle import leaf_hash, leaf_hashes, tree_root
from tests.harness.story import NOW, Party, Story, party, private_key, uuid7

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


@pytest.mark.slow
def test_a_file_above_64_mib_is_not_looked_at() -> None:
    assert refused(b"\n" * (MAX_BYTES + 1)).rule == "submission-size"


def test_a_file_of_nothing_but_line_feeds_is_counted_not_split() -> None:
    assert refused(b"\n" * 10_000_000).rule == "event-count"


@pytest.mark.slow
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
        protected = PROTECTED | {"kid": f"{STORY.provider.did}#z{'2' * (40 + salt % 3)}"}
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


def test_a_header_is_at_most_4096_bytes() -> None:
    assert header_refused(b"A" * (MAX_HEADER + 1)).rule == "header-size"


@pytest.mark.slow
def test_the_bounds_themselves_are_still_within() -> None:
    assert header_refused(b"A" * MAX_HEADER).rule == "header-form"
    assert refused(b"\n" * MAX_BYTES).rule == "event-count"


def test_leaves_of_another_number_are_refused_before_they_are_hashed() -> None:
    submission = parse(BODY)
    for leaves in ([], submission.leaves[:-1], [*submission.leaves, bytes(32)]):
        with pytest.raises(Refusal) as caught:
            submission.header.verify_root(leaves)
        assert caught.value.rule == "event-count"


# --- The signature ---


@pytest.mark.parametrize("curve", ["Ed25519", "P-256"])
def test_a_signature_is_verified_by_the_key_that_the_header_names_and_no_register(
    curve: Curve,
) -> None:
    signer = party(f"signer {curve}", curve)
    for each in (signer, signer.founding, signer.recovery, signer.with_key("fresh", curve)):
        header = parse(STORY.submission(each, *EVENTS)).header
        assert header.key() == each.key.public
        header.verify_signature(header.key())


def test_a_header_that_names_a_key_that_did_not_sign_is_refused() -> None:
    thief = private_key("thief")
    header = parse_header(signed(key=thief))

    with pytest.raises(Refusal) as caught:
        header.verify_signature(header.key())
    assert (caught.value.rule, caught.value.line) == ("signature", 1)


@pytest.mark.parametrize("key", ["z" + "2" * 48, STORY.provider.key_id[:-1], "z" + "1" * 48])
def test_a_key_that_we_cannot_verify_with_is_refused_by_its_form(key: str) -> None:
    header = parse_header(signed(PROTECTED | {"kid": f"{STORY.provider.did}#{key}"}))

    with pytest.raises(Refusal) as caught:
        header.key()
    assert (caught.value.rule, caught.value.line) == ("key-form", 1)


@pytest.mark.parametrize(
    "kid",
    [
        STORY.provider.did,
        STORY.provider.did + "#",
        STORY.provider.did + "#key-1",
        STORY.provider.did + "#z" + "1" * 65,
        STORY.provider.kid + "\n",
        STORY.provider.kid + "#" + STORY.provider.key_id,
        STORY.provider.key_id,
        f"did:web:college.example#{STORY.provider.key_id}",
    ],
)
def test_a_key_is_named_by_its_organization_and_its_multikey(kid: str) -> None:
    assert header_refused(signed(PROTECTED | {"kid": kid})).rule == "header-schema"


def test_the_issuer_is_an_organization_named_by_its_founding_key() -> None:
    payload = PAYLOAD | {"iss": "did:web:college.example"}

    assert header_refused(signed(payload=payload)).rule == "header-schema"


def test_a_key_of_another_organization_signs_nothing() -> None:
    kid = f"{STORY.accreditor.did}#{STORY.provider.key_id}"
    refusal = header_refused(signed(PROTECTED | {"kid": kid}))

    assert refusal.rule == "key-of-another-organization"
    assert STORY.provider.did in refusal.detail


@pytest.mark.parametrize("alg", ["Ed25519", "EdDSA"])
def test_both_names_of_ed25519_are_taken(alg: str) -> None:
    parse_header(signed(PROTECTED | {"alg": alg})).verify_signature(STORY.provider.key.public)


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


ENTRY = submission_entry(JWS, NOW * 1000)


def test_an_entry_holds_the_header_to_the_byte() -> None:
    recorded_at, header = parse_submission_entry(ENTRY)

    assert (recorded_at, header.jws) == (NOW * 1000, JWS)
    assert rfc8785.dumps(json.loads(ENTRY)) == ENTRY


def test_a_party_signs_as_itself() -> None:
    header = parse(BODY).header

    assert isinstance(STORY.provider, Party)
    assert header.payload.iss == STORY.provider.did
    assert header.key_id == STORY.provider.key_id
