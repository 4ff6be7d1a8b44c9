"""Makes `submission/`: submissions and entries that must be refused, and the rule each breaks.

    python -m tests.vectors.make_submission

Whatever is not damaged on purpose is good: a header that breaks one rule is signed, and its root is
that of its lines. Files above the limits of size are not here, for they would be large.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, Final

import rfc8785

from testamur.catalogue import events as e
from testamur.catalogue.lines import encode_event
from testamur.catalogue.submission import base64url_decode, base64url_encode, submission_entry
from testamur.keys import base58_encode
from tests.harness.story import NOW, Story, private_key, uuid7
from tests.vectors.files import write

FOLDER: Final = Path(__file__).parent / "submission"

_STORY: Final = Story(name="vectors")
_PROVIDER: Final = _STORY.provider
_EVENTS: Final = [
    e.CredentialSuspended(credential=uuid7(NOW * 1000, number), reason="administrative")
    for number in (11, 12, 13)
]
_LINES: Final = [encode_event(event) for event in _EVENTS]
_BODY: Final = _STORY.submission(_PROVIDER, *_EVENTS)
_JWS: Final = _BODY.split(b"\n")[0].decode()
_PARTS: Final = _JWS.split(".")
_PROTECTED: Final[dict[str, Any]] = {
    "alg": "Ed25519",
    "kid": _PROVIDER.kid,
    "typ": "testamur-submission+jws",
}
_PAYLOAD: Final[dict[str, Any]] = json.loads(base64url_decode(_PARTS[1]))
_ENTRY: Final = submission_entry(_JWS, NOW * 1000)

Case = tuple[str, str, int | None, bytes]
"""What is wrong, the rule, the line, and the bytes."""


@cache
def submission_files() -> dict[str, str]:
    """Return each file's name and text."""
    files = {
        "file.json": ("Files that are no submission", "submission", [*_files()]),
        "header.json": ("Submissions whose line 1 must be refused", "submission", [*_headers()]),
        "entry.json": ("Submission entries that must be refused", "entry", [*_entries()]),
        "signature.json": (
            "Submissions that the key in their kid did not sign, and the rule that this breaks",
            "submission",
            [*_signatures()],
        ),
    }
    return {
        name: _render(note, [_member(each, member) for each in cases])
        for name, (note, member, cases) in files.items()
    }


def _render(note: str, cases: list[dict[str, Any]]) -> str:
    text = json.dumps(f"{note}. Made by make_submission.py.", ensure_ascii=False)
    lines = [json.dumps(each, ensure_ascii=False, separators=(",", ":")) for each in cases]
    return f'{{"note":{text},\n"refused":[\n' + ",\n".join(lines) + "\n]}\n"


def _member(case: Case, name: str) -> dict[str, Any]:
    """Return the case as JSON; what is not UTF-8 text is in base64."""
    desc, rule, line, data = case
    try:
        given = {name: data.decode()}
    except UnicodeDecodeError:
        given = {f"{name}Base64": base64.b64encode(data).decode()}
    return {"desc": desc, "rule": rule, "line": line, **given}


def _file(*lines: bytes | str) -> bytes:
    return b"".join((each.encode() if isinstance(each, str) else each) + b"\n" for each in lines)


def _signed(protected: object = _PROTECTED, payload: object = _PAYLOAD) -> str:
    """Return a JWS over these parts, given as objects or, to the byte, as bytes."""
    parts = [
        part if isinstance(part, bytes) else rfc8785.dumps(part)  # type: ignore[arg-type]
        for part in (protected, payload)
    ]
    text = ".".join(base64url_encode(part) for part in parts)
    return f"{text}.{base64url_encode(_PROVIDER.key.sign(text.encode()))}"


def _without(found: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in found.items() if key != name}


# --- The file ---


def _files() -> Iterator[Case]:
    first, second, third = _LINES
    cut_line = _BODY[: _BODY.rindex(b"\n", 0, -1) + 1]
    yield "nothing", "submission-empty", None, b""
    yield "one line feed", "event-count", None, b"\n"
    yield "a header without events", "event-count", None, _file(_JWS)
    yield "no last line feed", "submission-truncated", 4, _BODY[:-1]
    yield "cut in the middle of a line", "submission-truncated", 4, _BODY[:-50]
    yield "cut between two lines", "event-count", 1, cut_line
    yield "a blank line at the end", "event-count", 1, _BODY + b"\n"
    yield "a blank line in front", "header-form", 1, b"\n" + _BODY
    yield "the header twice", "event-count", 1, _file(_JWS) + _BODY
    yield "events without a header", "header-form", 1, _file(*_LINES)
    yield "a JSON array", "event-count", None, b"[" + b",".join(_LINES) + b"]\n"
    yield "CRLF", "base64url", 1, _BODY.replace(b"\n", b"\r\n")
    yield "CR at the end of an event", "canonical-json", 4, _BODY[:-1] + b"\r\n"
    yield "a NUL at the end", "json", 4, _BODY[:-1] + b"\0\n"
    yield "a byte order mark", "header-form", 1, b"\xef\xbb\xbf" + _BODY
    yield "UTF-16", "submission-truncated", 5, _BODY.decode().encode("utf-16")
    yield "invalid UTF-8 in an event", "json", 2, _BODY.replace(b"administrative", b"\xff\xfe", 1)
    yield "an event left out", "event-count", 1, _file(_JWS, first, third)
    yield "the first event left out", "event-count", 1, _file(_JWS, second, third)
    yield "an event added", "event-count", 1, _file(_JWS, *_LINES, first)
    yield "two events exchanged", "root", 1, _file(_JWS, second, first, third)
    yield "an event in place of another", "root", 1, _file(_JWS, first, first, third)
    yield "the events turned round", "root", 1, _file(_JWS, third, second, first)
    yield "an event changed", "root", 1, _BODY.replace(b"administrative", b"misconduct", 1)
    yield "a space in an event", "canonical-json", 3, _file(_JWS, first, second + b" ", third)
    turned = json.dumps(dict(reversed(json.loads(second).items())), separators=(",", ":"))
    yield "members in another order", "canonical-json", 3, _file(_JWS, first, turned, third)
    twice = second.replace(b"{", b'{"credential":"x",', 1)
    yield "a member twice in an event", "event-schema", 3, _file(_JWS, first, twice, third)
    more = second.replace(b'"type"', b'"reasons":1,"type"', 1)
    yield "an unknown member in an event", "event-schema", 3, _file(_JWS, first, more, third)
    other = second.replace(b"suspended/1", b"suspended/9", 1)
    yield "an unknown event", "event-schema", 3, _file(_JWS, first, other, third)


# --- The header ---


def _headers() -> Iterator[Case]:
    for desc, rule, jws in (*_protected(), *_payload(), *_spellings(), *_forms()):
        yield desc, rule, 1, jws.encode() + b"\n" + b"\n".join(_LINES) + b"\n"


def _protected() -> Iterator[tuple[str, str, str]]:
    kid = _PROVIDER.kid
    tricks: dict[str, Any] = {
        **{f"alg {alg}": {"alg": alg} for alg in ("none", "None", "HS256", "RS256", "ES256K")},
        "alg Ed448": {"alg": "Ed448"},
        "alg in lower case": {"alg": "ed25519"},
        "alg empty": {"alg": ""},
        "alg null": {"alg": None},
        "typ JWT": {"typ": "JWT"},
        "typ with its media type prefix": {"typ": "application/testamur-submission+jws"},
        "a key brought along": {"jwk": {"kty": "OKP"}},
        "a key to be fetched": {"jku": "https://evil.example/keys"},
        "a certificate brought along": {"x5c": ["MII"]},
        "crit": {"crit": ["b64"], "b64": False},
        "b64 false": {"b64": False},
        "zip": {"zip": "DEF"},
        "cty": {"cty": "text/plain"},
        "kid without a fragment": {"kid": _PROVIDER.did},
        "kid with two fragments": {"kid": f"{kid}#x"},
        "kid that is only a fragment": {"kid": f"#{_PROVIDER.key_id}"},
        "kid whose fragment is a name": {"kid": f"{_PROVIDER.did}#key-1"},
        "kid that is a DID of another method": {"kid": f"did:web:example.com#{_PROVIDER.key_id}"},
        "kid in base58 with a nought": {"kid": kid.replace("#z6Mk", "#z60k")},
        "kid that is a path": {"kid": "../../etc/passwd"},
        "kid with a line feed": {"kid": f"{kid}\n"},
        "kid of a thousand characters": {"kid": f"{_PROVIDER.did}#z{'k' * 1000}"},
    }
    for desc, members in tricks.items():
        yield desc, "header-schema", _signed(_PROTECTED | members)
    for name in _PROTECTED:
        yield f"no {name}", "header-schema", _signed(_without(_PROTECTED, name))
    yield "a protected header that is an array", "header-schema", _signed([_PROTECTED])
    yield "a protected header that is text", "header-schema", _signed("Ed25519")


def _payload() -> Iterator[tuple[str, str, str]]:
    jti, root = _PAYLOAD["jti"], _PAYLOAD["root"]
    tricks: dict[str, Any] = {
        "an empty aud": {"aud": ""},
        "two logs": {"aud": ["log.example/testamur", "evil.example"]},
        "a very long aud": {"aud": "a" * 256},
        "no event announced": {"events": 0},
        "minus one event": {"events": -1},
        "too many events": {"events": 100_001},
        "events as text": {"events": "3"},
        "iat before 1970": {"iat": -1},
        "iat after the year 9999": {"iat": 253_402_300_800},
        "iat as a fraction": {"iat": 1.5},
        "an expiry nobody looks at": {"exp": 1},
        "a start nobody looks at": {"nbf": 1},
        "iss that is no DID": {"iss": "example.com"},
        "iss that is a DID of another method": {"iss": "did:web:example.com"},
        "jti in upper case": {"jti": jti.upper()},
        "jti with a line feed": {"jti": f"{jti}\n"},
        "jti nil": {"jti": "00000000-0000-0000-0000-000000000000"},
        "jti without hyphens": {"jti": jti.replace("-", "")},
        "a root of 31 bytes": {"root": base64url_encode(bytes(31))},
        "a root of 33 bytes": {"root": base64url_encode(bytes(33))},
        "a root with padding": {"root": f"{root}="},
        "a root in hexadecimal": {"root": "0" * 64},
    }
    for desc, members in tricks.items():
        yield desc, "header-schema", _signed(payload=_PAYLOAD | members)
    for name in _PAYLOAD:
        yield f"no {name}", "header-schema", _signed(payload=_without(_PAYLOAD, name))
    yield "a payload that is an array", "header-schema", _signed(payload=[_PAYLOAD])
    for desc, other in (
        ("a root with bits left over", root[:-1] + "B"),
        ("a root in standard base64", "+" + root[1:]),
        ("a root with a space", " " + root[1:]),
    ):
        yield desc, "base64url", _signed(payload=_PAYLOAD | {"root": other})
    for number in ("3.0", "3e0", "30e-1", "03", "+3"):
        spelt = rfc8785.dumps(_PAYLOAD).replace(b'"events":3', f'"events":{number}'.encode())
        yield f"three events as {number}", "header-schema", _signed(payload=spelt)
    for desc, iss in (
        ("a key of another organization", _STORY.accreditor.did),
        ("an issuer whose name the key's only begins with", _PROVIDER.did[:-1]),
        ("an issuer whose name only begins with the key's", _PROVIDER.did + "x"),
    ):
        yield desc, "key-of-another-organization", _signed(payload=_PAYLOAD | {"iss": iss})


_SPELLINGS: Final[dict[str, tuple[str, Callable[[bytes], bytes]]]] = {
    "with a space": ("header-canonical", lambda part: part.replace(b":", b": ", 1)),
    "with a line feed after": ("header-canonical", lambda part: part + b"\n"),
    "with a byte order mark": ("header-schema", lambda part: b"\xef\xbb\xbf" + part),
    "with an escaped letter": (
        "header-canonical",
        lambda part: part.replace(b'"a', b'"\\u0061', 1),
    ),
    "with its first member twice": (
        "header-canonical",
        lambda part: b"{" + part[1 : part.index(b",") + 1] + part[1:],
    ),
    "in another order": (
        "header-canonical",
        lambda part: json.dumps(
            dict(reversed(json.loads(part).items())), separators=(",", ":")
        ).encode(),
    ),
    "in invalid UTF-8": ("header-schema", lambda part: part.replace(b"did", b"d\xffd", 1)),
    "of nothing": ("header-schema", lambda _: b""),
}


def _spellings() -> Iterator[tuple[str, str, str]]:
    for how, (rule, respelt) in _SPELLINGS.items():
        protected = respelt(rfc8785.dumps(_PROTECTED))
        yield f"a protected header {how}", rule, _signed(protected=protected)
        yield f"a payload {how}", rule, _signed(payload=respelt(rfc8785.dumps(_PAYLOAD)))
    for number, name in enumerate(("protected header", "payload", "signature")):
        for how, other in _respelt(_PARTS[number]).items():
            rule = "header-form" if how == "with a character from elsewhere" else "base64url"
            if other != _PARTS[number]:
                parts = [*_PARTS[:number], other, *_PARTS[number + 1 :]]
                yield f"the base64url of the {name} {how}", rule, ".".join(parts)


def _respelt(part: str) -> dict[str, str]:
    last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    spare = len(part) % 4 != 0  # bits under the last character that must be zero
    return {
        "padded": part + "=" * (-len(part) % 4 or 4),
        "in standard base64": part.replace("-", "+").replace("_", "/"),
        "with bits left over": part[:-1] + last[last.index(part[-1]) ^ spare],
        "with a tab": part[:8] + "\t" + part[8:],
        "with a space": part + " ",
        "with a character from elsewhere": part[:-1] + "é",
    }


def _forms() -> Iterator[tuple[str, str, str]]:
    protected, payload, signature = _PARTS
    yield "two parts", "header-form", f"{protected}.{payload}"
    yield "four parts", "header-form", f"{_JWS}.AAAA"
    yield "a detached payload", "header-schema", f"{protected}..{signature}"
    yield "no signature", "header-signature", f"{protected}.{payload}."
    flattened = json.dumps({"payload": payload, "signatures": []}, separators=(",", ":"))
    yield "the JSON serialization", "header-form", flattened
    yield "a space in front", "base64url", f" {_JWS}"
    yield "a tab at the end", "base64url", f"{_JWS}\t"
    for length in (1, 32, 63, 65, 72):
        short = f"{protected}.{payload}.{base64url_encode(bytes(length))}"
        yield f"a signature of {length} bytes", "header-signature", short
    yield "a header of more than 4096 bytes", "header-size", "A" * 4097
    deep = base64url_encode(b'{"alg":' + b"[" * 2000)
    yield "a header nested out of all bounds", "header-schema", f"{deep}.e30.AA"


# --- The signature ---


def _signatures() -> Iterator[Case]:
    raw = base64url_decode(_PARTS[2])
    flipped = base64url_encode(bytes([raw[0] ^ 1]) + raw[1:])
    thief = replace(_PROVIDER, key=_STORY.accreditor.key)
    by_another = _STORY.submission(thief, *_EVENTS, jti=_PAYLOAD["jti"]).split(b"\n")[0].decode()
    p256 = private_key("vectors P-256", "P-256").public.multikey()
    for desc, rule, jws in (
        ("a bit of the signature changed", "signature", ".".join([*_PARTS[:2], flipped])),
        ("a signature by another key", "signature", by_another),
        ("a signature by the founding key", "signature", _by_the_founding_key()),
        ("a signature of zeros", "signature", ".".join([*_PARTS[:2], "A" * 86])),
        ("alg rewritten after signing", "signature", _rewritten(alg="EdDSA")),
        ("iat rewritten after signing", "signature", _rewritten(iat=_PAYLOAD["iat"] + 1)),
        ("alg of another curve", "key-algorithm", _signed(_PROTECTED | {"alg": "ES256"})),
        ("Ed25519 with a P-256 key", "key-algorithm", _of_key(p256)),
        ("EdDSA with a P-256 key", "key-algorithm", _of_key(p256, alg="EdDSA")),
        ("a key for agreement, not for signatures", "key-form", _of_key(_X25519)),
        ("a point that is not on the curve", "key-form", _of_key(_NO_POINT, alg="ES256")),
        ("a key that is too short", "key-form", _of_key(_SHORT)),
        ("a key of small order", "key-form", _of_key(_SMALL_ORDER)),
    ):
        yield desc, rule, 1, _file(jws, *_LINES)


# Multikeys of the right form that spell no key to verify with.
_X25519: Final = "z" + base58_encode(b"\xec\x01" + bytes(range(32)))
_NO_POINT: Final = "z" + base58_encode(b"\x80\x24\x02" + bytes(31) + b"\x01")
_SHORT: Final = "z" + base58_encode(b"\xed\x01" + bytes(range(31)))
_SMALL_ORDER: Final = "z" + base58_encode(b"\xed\x01" + b"\x01" + bytes(31))


def _of_key(multikey: str, alg: str = "Ed25519") -> str:
    return _signed(_PROTECTED | {"alg": alg, "kid": f"{_PROVIDER.did}#{multikey}"})


def _by_the_founding_key() -> str:
    founding = replace(_PROVIDER.founding, key_id=_PROVIDER.key_id)
    return _STORY.submission(founding, *_EVENTS, jti=_PAYLOAD["jti"]).split(b"\n")[0].decode()


def _rewritten(**members: Any) -> str:
    protected = _PROTECTED | {name: members[name] for name in members if name in _PROTECTED}
    payload = _PAYLOAD | {name: members[name] for name in members if name in _PAYLOAD}
    parts = [base64url_encode(rfc8785.dumps(each)) for each in (protected, payload)]
    return ".".join([*parts, _PARTS[2]])


# --- The entry on the log ---

_TIMES: Final = (
    "",
    "2026-11-21T10:00:00Z",
    "2026-11-21T10:00:00.0Z",
    "2026-11-21T10:00:00.000000Z",
    "2026-11-21T10:00:00.000+00:00",
    "2026-11-21T11:00:00.000+01:00",
    "2026-11-21t10:00:00.000z",
    "2026-11-21 10:00:00.000Z",
    "2026-11-21T10:00:00,000Z",
    "20261121T100000.000Z",
    "2026-W47-6T10:00:00.000Z",
    "2026-11-21T10:00:00.000",
    "2026-11-21T10:00:00.000Z\n",
    "\u0662026-11-21T10:00:00.000Z",
    "9999-12-31T23:59:59.000-23:59",
    "0001-01-01T00:00:00.000+23:59",
)
_NO_TIMES: Final = (
    "2026-11-21T24:00:00.000Z",
    "2026-11-21T10:00:60.000Z",
    "2026-02-29T10:00:00.000Z",
    "1969-12-31T23:59:59.999Z",
)


def _entries() -> Iterator[Case]:
    time = "2026-11-21T10:00:00.000Z"

    def entry(**members: Any) -> bytes:
        return rfc8785.dumps({"recordedAt": time, "submission": _JWS} | members)

    yield "nothing", "submission-entry", None, b""
    yield "an event", "submission-entry", None, _LINES[0]
    yield "a space", "canonical-json", None, _ENTRY.replace(b":", b": ", 1)
    yield "a line feed", "canonical-json", None, _ENTRY + b"\n"
    yield "a member more", "submission-entry", None, _ENTRY[:-1] + b',"z":1}'
    twice = _ENTRY.replace(b"{", f'{{"recordedAt":"{time}",'.encode(), 1)
    yield "a member twice", "canonical-json", None, twice
    order = f'{{"submission":"{_JWS}","recordedAt":"{time}"}}'.encode()
    yield "members in another order", "canonical-json", None, order
    yield "an escaped letter", "canonical-json", None, _ENTRY.replace(b"eyJ", b"\\u0065yJ", 1)
    yield "no submission", "submission-entry", None, f'{{"recordedAt":"{time}"}}'.encode()
    yield "a header of 5000 bytes", "submission-entry", None, entry(submission="A" * 5000)
    yield "a header that is no JWS", "header-form", 1, entry(submission="é")
    for text in _TIMES:
        yield f"recorded at {text!r}", "submission-entry", None, entry(recordedAt=text)
    for text in _NO_TIMES:
        yield f"recorded at {text}, which is no time", "time", None, entry(recordedAt=text)


if __name__ == "__main__":
    write(FOLDER, submission_files())
