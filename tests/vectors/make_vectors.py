"""Makes the golden vectors for submissions, log entries and evidence, from fixed seeds.

    python -m tests.vectors.make_vectors

writes submission.json, entries.json and evidence.json beside this file, the same bytes every
time. `check/` verifies them with code that shares nothing with ours.
"""

from __future__ import annotations

import base64
import json
import tempfile
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import msgspec
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from testamur.badges.commitment import HolderFile, commit
from testamur.catalogue import events as e
from testamur.catalogue.registration import registration_statement
from testamur.catalogue.submission import base64url_encode, parse, submission_entry
from testamur.keys import PrivateKey
from testamur.tlog.merkle import leaf_hash
from testamur.verification.evidence import build_evidence, render_evidence
from tests.harness.published_log import PublishedLog
from tests.harness.story import NOW, FirstKeys, Party, Story, organization, party, uuid7
from tests.vectors.every_event import every_event

FOLDER: Final = Path(__file__).parent
_MADE: Final = "Made by make_vectors.py, checked by check/, which shares no code with it."


class _Deterministic(PrivateKey):
    """A P-256 key that signs as RFC 6979 says, so that its signatures can be golden."""

    def sign(self, message: bytes) -> bytes:
        key = ec.derive_private_key(int.from_bytes(self.raw(), "big"), ec.SECP256R1())
        algorithm = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
        r, s = decode_dss_signature(key.sign(message, algorithm))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def p256(name: str) -> Party:
    """Return an organization that signs with ES256, the same bytes every time."""
    keys = (_Deterministic("P-256", key.raw()) for key in party(name, "P-256").keys)
    return organization(FirstKeys(*keys))


def vectors() -> dict[str, str]:
    """Return each file's name and text."""
    files = {
        "submission.json": submission_vectors(),
        "entries.json": entries_vectors(),
        "evidence.json": evidence_vectors(),
    }
    return {
        name: json.dumps(found, ensure_ascii=False, indent=1) + "\n"
        for name, found in files.items()
    }


def submission_vectors() -> dict[str, Any]:
    """Return submissions that hold, and what each kind of damage to one is refused for."""
    story = Story(name="vectors")
    cases = [
        _submission("one event, Ed25519", story, story.provider, 1),
        _submission("three events, Ed25519", story, story.provider, 3),
        _submission("seven events, ES256", story, p256("vectors P-256"), 7),
    ]
    return {
        "note": "A submission file, the RFC 6962 leaf hashes of its event lines and their root in "
        "hexadecimal, and the entry that precedes them on the log when recorded at `recordedAt` "
        f"(Unix milliseconds). {_MADE}",
        "cases": cases,
        "refused": _damaged(story, cases[1]["submission"]),
    }


def _submission(name: str, story: Story, signer: Party, count: int) -> dict[str, Any]:
    body = story.submission(signer, *(story.issued() for _ in range(count)))
    submission = parse(body)
    return {
        "name": name,
        "submission": body.decode(),
        "leaves": [leaf.hex() for leaf in submission.leaves],
        "root": submission.header.root.hex(),
        "recordedAt": story.milliseconds + 123,
        "entry": submission_entry(submission.header.jws, story.milliseconds + 123).decode(),
    }


def _damaged(story: Story, text: str) -> list[dict[str, Any]]:
    """Return damaged copies: which rule they break, on which line, and what is broken."""
    jws, *lines = text[:-1].split("\n")
    protected, payload, signature = jws.split(".")
    other = story.submission(story.accreditor, *(story.issued() for _ in range(3))).decode()
    flipped = base64url_encode(bytes([_raw(signature)[0] ^ 1]) + _raw(signature)[1:])
    none = base64url_encode(_raw(protected).replace(b'"Ed25519"', b'"none"'))
    later = base64url_encode(_raw(payload).replace(b'"iat":1', b'"iat":2'))

    def case(name: str, rule: str, line: int | None, broken: str, body: str) -> dict[str, Any]:
        return {"name": name, "rule": rule, "line": line, "broken": broken, "submission": body}

    def file(*parts: str) -> str:
        return "".join(part + "\n" for part in parts)

    return [
        case("one line changed", "root", 1, "root", text.replace("blended", "online", 1)),
        case("two lines exchanged", "root", 1, "root", file(jws, lines[1], lines[0], lines[2])),
        case("a line left out", "event-count", 1, "root", file(jws, *lines[:2])),
        case("a line twice", "event-count", 1, "root", file(jws, *lines, lines[2])),
        case(
            "a bit of the signature",
            "signature",
            1,
            "signature",
            file(f"{protected}.{payload}.{flipped}", *lines),
        ),
        case(
            "the signature of another",
            "signature",
            1,
            "signature",
            file(f"{protected}.{payload}.{other.split('.')[2].split(chr(10))[0]}", *lines),
        ),
        case(
            "a payload changed after signing",
            "signature",
            1,
            "signature",
            file(f"{protected}.{later}.{signature}", *lines),
        ),
        case("alg none", "header-schema", 1, "form", file(f"{none}.{payload}.{signature}", *lines)),
        case("the last line feed missing", "submission-truncated", 4, "form", text[:-1]),
        case("CRLF", "base64url", 1, "form", text.replace("\n", "\r\n")),
        case(
            "a space in a line",
            "canonical-json",
            3,
            "form",
            file(jws, lines[0], lines[1] + " ", lines[2]),
        ),
        case("padding on the signature", "base64url", 1, "form", file(jws + "==", *lines)),
    ]


def _raw(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _vectors_log(folder: Path) -> tuple[PublishedLog, Story, HolderFile]:
    """Return a log of 30 entries: its opening, a cohort that holds a real credential, and more."""
    story = Story(name="vectors")
    log = PublishedLog(folder, story)
    log.append(*story.opening())
    holder = _holder(story)
    issued = e.CredentialIssued(
        accreditation=story.accreditation,
        achievement=story.achievement,
        achievement_version=1,
        commitment=commit(holder.credential, holder.blind),
        credential=holder.id,
        format="OpenBadgeCredential/3.0",
        valid_from=date(2026, 11, 20),
    )
    log.append(story.submission(story.provider, story.issued(), issued, story.issued()))
    branch = p256("vectors branch")
    log.append(
        story.submission(story.accreditor, story.registered(story.accreditor, branch, "provider")),
        story.submission(branch, story.defined(story.new_id())),
        story.submission(
            story.provider, e.CredentialSuspended(credential=holder.id, reason="administrative")
        ),
        story.submission(story.provider, e.CredentialReinstated(credential=holder.id)),
        story.cohort(7),
    )
    log.publish()
    return log, story, holder


def _holder(story: Story) -> HolderFile:
    credential = {
        "@context": [
            "https://www.w3.org/ns/credentials/v2",
            "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json",
        ],
        "id": "urn:uuid:6f2b1c1e-6a55-4d6e-9a57-0d4c3b2a1f00",
        "type": ["VerifiableCredential", "OpenBadgeCredential"],
        "name": "Bodemkunde \u2013 \u201cSoil Science\u201d \u20ac5",
        "issuer": {"id": story.provider.did, "type": ["Profile"], "name": "An Organization"},
        "validFrom": "2026-11-20T00:00:00Z",
        # By UTF-16 code units the sapling comes before the ligature, by code points after.
        "keywords": {"\ufb01": ["ligature"], "\U0001f331": None, "": True, "Z": -5, "a": {}},
        "credentialSubject": {
            "type": ["AchievementSubject"],
            "id": "did:example:learner",
            "achievement": {
                "id": f"urn:uuid:{story.achievement}",
                "type": ["Achievement"],
                "name": "Soil Science",
                "description": "What soils are made of.\n\tAnd what they do: \U0001f331",
                "criteria": {"narrative": 'Pass the \u007f examination / "quiz" \\ test.'},
                "creditsAvailable": 5,
            },
        },
    }
    return HolderFile(
        blind=sha256(b"vectors blind").digest(),
        credential=credential,
        id=uuid7(NOW * 1000, 0xC0FFEE),
        log=story.origin,
    )


def entries_vectors() -> dict[str, Any]:
    """Return a whole log: entries, leaf hashes, inclusion proofs, signed checkpoint."""
    with tempfile.TemporaryDirectory() as folder:
        log, story, _ = _vectors_log(Path(folder))
        log.append(*every_event(story))
        log.publish()
        reader = log.reader()
        size = len(log.entries)
        entries = [
            {
                "position": position,
                "entry": entry.decode(),
                "leaf": leaf_hash(entry).hex(),
                "inclusion": [_base64(node) for node in reader.inclusion(position, size)],
            }
            for position, entry in enumerate(log.entries)
        ]
        checkpoint = reader.signed_checkpoint().decode()
    return {
        "note": "A whole log with events of every type: its verifier key, its signed checkpoint, "
        "and each entry with its leaf hash (hexadecimal) and inclusion proof (base64). "
        "`registrations` has what a founding key signs of each registration. "
        f"{_MADE}",
        "vkey": str(log.key),
        "checkpoint": checkpoint,
        "entries": entries,
        "registrations": [
            _registration(story.registration(story.authority, "authority", sponsor=story.origin)),
            _registration(story.registered(story.accreditor, p256("vectors branch"), "provider")),
        ],
    }


def _registration(event: e.OrganizationRegistered) -> dict[str, Any]:
    return {
        "event": msgspec.to_builtins(event),
        "statement": registration_statement(event).decode(),
    }


def evidence_vectors() -> dict[str, Any]:
    """Return a holder file, the evidence for it, and changes that some check must refute."""
    with tempfile.TemporaryDirectory() as folder:
        log, story, holder = _vectors_log(Path(folder))
        reader = log.reader()
        positions = [
            (0, [1]),
            (2, [3, 4]),
            (5, [6, 7]),
            (8, [9]),
            (10, [12]),
            (18, [19]),
            (20, [21]),
        ]
        evidence = build_evidence(reader, reader.signed_checkpoint(), holder.id, positions)
    zero = _base64(bytes(32))
    line = evidence.submissions[4].events[0].line
    return {
        "note": "A holder file, the evidence for it, and a verifier's policy, anchors and time: "
        "every check holds. Each of `refuted` puts `value` at the place `at` (from the top of "
        f"this document), after which the check named must be refuted. {_MADE}",
        "policy": f"log {log.key}\nquorum none\n",
        "anchors": [story.authority.did],
        "now": datetime.fromtimestamp(NOW, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "holder": msgspec.to_builtins(holder),
        "evidence": json.loads(render_evidence(evidence)),
        "refuted": [
            _change("commitment", ["holder", "blind"], zero),
            _change("commitment", ["holder", "credential", "name"], "Soil Science"),
            _change(
                "commitment",
                ["holder", "credential", "credentialSubject", "achievement", "creditsAvailable"],
                6,
            ),
            _change(
                "submission",
                ["evidence", "submissions", 4, "events", 0, "line"],
                line.replace("2026-11-20", "2026-11-19"),
            ),
            _change("submission", ["evidence", "submissions", 4, "events", 0, "number"], 3),
            _change("submission", ["evidence", "submissions", 4, "events", 0, "path", 0], zero),
            _change("inclusion", ["evidence", "submissions", 4, "events", 0, "inclusion", 1], zero),
            _change("inclusion", ["evidence", "submissions", 3, "inclusion", 0], zero),
            _change("inclusion", ["evidence", "submissions", 6, "position"], 22),
            _change(
                "checkpoint",
                ["evidence", "checkpoint"],
                evidence.checkpoint.replace(f"\n{len(log.entries)}\n", "\n29\n"),
            ),
        ],
    }


def _change(check: str, at: list[str | int], value: object) -> dict[str, Any]:
    return {"check": check, "at": at, "value": value}


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


if __name__ == "__main__":
    for _name, _text in vectors().items():
        (FOLDER / _name).write_text(_text, encoding="utf-8")
