"""The cases of `names.json`, `dry-run.json`, `registration.json`; `make_formats.py` writes them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import msgspec
import rfc8785

from testamur.catalogue import events as e
from testamur.catalogue import names as rules
from testamur.catalogue.members import Identifier
from testamur.catalogue.registration import registration_statement, sign_registration
from testamur.catalogue.submission import base64url_decode, base64url_encode
from tests.harness.story import NOW, Story, party, private_key, uuid7


def note(text: str) -> str:
    """Return what a file of vectors says of itself."""
    return f"{text} Made by make_formats.py."


def dry_runs() -> dict[str, Any]:
    story = Story(name="vectors")
    event = e.CredentialSuspended(credential=uuid7(NOW * 1000, 11), reason="administrative")
    other = e.CredentialSuspended(credential=uuid7(NOW * 1000, 12), reason="administrative")
    body = story.dry_run(story.provider, event, other)
    another = party("vectors dry run")
    jws, first, second = body[:-1].split(b"\n")
    protected, payload = (
        json.loads(base64url_decode(part)) for part in jws.decode().split(".")[:2]
    )

    def signed(protected: dict[str, Any], payload: dict[str, Any]) -> bytes:
        text = ".".join(base64url_encode(rfc8785.dumps(part)) for part in (protected, payload))
        signature = base64url_encode(story.provider.key.sign(text.encode()))
        return b"\n".join((f"{text}.{signature}".encode(), first, second)) + b"\n"

    submitted = "testamur-submission+jws"
    jti = uuid7(NOW * 1000, 13)
    stranger = party("vectors stranger")
    return {
        "note": note(
            "Dry runs, each signed by the key in its kid, and what is none. A submission must be "
            "refused as a dry run, and every dry run as a submission."
        ),
        "dryRuns": [
            body.decode(),
            story.dry_run(another, event).decode(),
        ],
        "refused": [
            {"desc": desc, "rule": rule, "dryRun": data.decode()}
            for desc, rule, data in [
                (
                    "a submission",
                    "header-schema",
                    story.submission(story.provider, event, other, jti=jti),
                ),
                (
                    "the typ of a submission",
                    "header-schema",
                    signed({**protected, "typ": submitted}, payload),
                ),
                ("a jti", "header-schema", signed(protected, {**payload, "jti": jti})),
                ("a typ of nothing", "header-schema", signed({**protected, "typ": "jwt"}, payload)),
                (
                    "no aud",
                    "header-schema",
                    signed(protected, {k: v for k, v in payload.items() if k != "aud"}),
                ),
                (
                    "a key of another organization",
                    "key-of-another-organization",
                    signed(protected, {**payload, "iss": stranger.did}),
                ),
                (
                    "signed by another key",
                    "signature",
                    story.dry_run(replace(story.provider, key=stranger.key), event, other),
                ),
                ("an event changed", "root", body.replace(b"administrative", b"misconduct", 1)),
                ("an event left out", "event-count", b"\n".join((jws, first)) + b"\n"),
                ("two events exchanged", "root", b"\n".join((jws, second, first)) + b"\n"),
                ("no last line feed", "submission-truncated", body[:-1]),
            ]
        ],
    }


def registrations() -> dict[str, Any]:
    story = Story(name="vectors")
    newcomer, other = party("vectors newcomer"), private_key("vectors other").public.multikey()
    second = private_key("vectors newcomer second recovery").public.multikey()
    plain = story.registered(story.accreditor, newcomer, "endorser", "provider")
    unsigned = msgspec.structs.replace(
        plain,
        identifiers=(Identifier(scheme="ROR", value="https://ror.org/00example"),),
        name="A College",
        recovery_keys=(*plain.recovery_keys, second),
        url="https://college.example",
    )
    event = sign_registration(unsigned, newcomer.keys.founding)
    by_signing_key = newcomer.keys.signing.sign(registration_statement(event))
    changes: dict[str, tuple[str, Any]] = {
        "another organization": ("organization", story.provider.did),
        "another log": ("origin", "other.example"),
        "another sponsor": ("sponsor", story.authority.did),
        "another name": ("name", "Another College"),
        "another country": ("country", "BE"),
        "another address": ("url", "https://other.example"),
        "no address": ("url", None),
        "another identifier": ("identifiers", [{"scheme": "ROR", "value": "https://ror.org/1"}]),
        "no identifier": ("identifiers", None),
        "one role more": ("roles", ["accreditor", "endorser", "provider"]),
        "one role less": ("roles", ["provider"]),
        "a later day": ("until", "2026-12-31"),
        "a recovery key more": ("recoveryKeys", [*event.recovery_keys, other]),
        "the recovery keys in another order": ("recoveryKeys", list(event.recovery_keys[::-1])),
        "no recovery key": ("recoveryKeys", []),
        "another signing key": ("signingKeys", [other]),
        "signed by a signing key": ("signature", by_signing_key),
        "a signature of zeros": ("signature", bytes(64)),
    }
    return {
        "note": note(
            "A registration, and the statement under its signature. Once a member has another "
            "value, or none where that is null, the signature must not hold."
        ),
        "event": msgspec.to_builtins(event),
        "statement": registration_statement(event).decode(),
        "refused": [
            {"desc": desc, "member": member, "value": msgspec.to_builtins(value)}
            for desc, (member, value) in changes.items()
        ],
    }


def names() -> dict[str, Any]:
    return {
        "note": note(
            "Names that an entry may hold, and texts that are no name. Ranges of code "
            "points are from the first to the last, both included."
        ),
        "unseen": rules.UNSEEN,
        "marks": rules.MARKS,
        "maxMarks": rules.MAX_MARKS,
        "joiners": rules.JOINERS,
        "joined": rules.JOINED,
        "did": {"d": rules.D_LIKE, "i": rules.I_LIKE, "colon": rules.COLON_LIKE},
        "names": [
            "A College",
            "Universität Zürich",
            "東京大学",
            "جامعة القاهرة",
            "😀",
            "x" * 200,
            "دانش\u200cگاه",
            "ශ්\u200dරී ලංකා",
            "Việt",
            "Vie\u0302\u0323t",
            "Candid: a college",
            "What Rome did: an introduction",
            "What Rome d\u0131d\u02d0 an introduction",
            "\u217e\u2170\u217e",
            "\u041exford",
        ],
        "refused": [
            {"desc": desc, "text": text}
            for desc, text in {
                "nothing": "",
                "a space": " ",
                "a blank hieroglyph": "\U00013441",
                "a note without a head": "\U0001d159",
                "the filler of a script": "\U00016fe4",
                "a space at the beginning": " A",
                "a space at the end": "A ",
                "two spaces in a row": "a  b",
                "a line end": "a\nb",
                "a line end at the end": "a\n",
                "a space that does not break": "a\u00a0b",
                "an ideographic space": "a\u3000b",
                "a Hangul filler": "\u3164",
                "a blank Braille pattern": "\u2800",
                "a zero-width space": "a\u200bb",
                "a word joiner": "a\u2060b",
                "a byte order mark": "\ufeffa",
                "a soft hyphen": "a\u00adb",
                "text from right to left": "\u202eegelloC A",
                "an isolate": "a\u2066b",
                "a variation selector": "a\ufe0f",
                "a tag": "a\U000e0041",
                "private use": "\ue000",
                "private use in the last plane": "\U0010fffd",
                "a replacement character": "a\ufffd",
                "a joiner between Latin letters": "Uni\u200dversity",
                "a joiner at the end": "دانش\u200c",
                "a mark alone": "\u0301",
                "a mark after a space": "A \u0301b",
                "Arabic marks alone": "\u064b\u064b",
                "five marks on one letter": "A" + "\u0301" * 5,
                "a DID in parentheses": "A College (did:web:college.example)",
                "a DID in capitals": "DID:key:z6Mk",
                "a DID in wide letters": "\uff44\uff49\uff44\uff1aweb",
                "a DID in Roman numerals": "\u217e\u2170\u217e:key:z6Mk",
                "a DID in bold letters": "\U0001d41d\U0001d422\U0001d41d:key:z6Mk",
                "a DID in circles": "\u24d3\u24d8\u24d3:key:z6Mk",
                "a DID in small capitals": "\u1d05\u026a\u1d05:key:z6Mk",
                "a DID in Cyrillic letters": "\u0501\u0456\u0501:key:z6Mk",
                "a DID with a Turkish i": "d\u0131d:key:z6Mk",
                "a DID that a sign for candela begins": "\u33c5id:key:z6Mk",
                "a DID underlined": "d\u0332i\u0332d\u0332:key:z6Mk",
                "a DID with a modifier for a colon": "did\u02f8key",
                "201 characters": "x" * 201,
            }.items()
        ],
    }
