"""Makes `formats/`: an example of each file that people exchange, and files that must be refused.

    python -m tests.vectors.make_formats

The examples are those of the documents in docs/. `refused` holds whole texts where the form of a
file is at stake; of a receipt or a registration it holds one member each, with the value to put
there.
"""

from __future__ import annotations

import base64
import json
import tempfile
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Final

import msgspec

from testamur.badges.commitment import HolderFile, render_holder_file
from testamur.catalogue.submission import (
    base64url_encode,
    every_refusal,
    format_time,
    parse,
    submission_entry,
)
from testamur.http.check_report import CheckReport, FlagReport, RefusalReport
from testamur.tlog.proof import TlogProof
from testamur.verification.receipt import Flagged, Receipt, encode_path, flagged
from tests.harness.story import Story
from tests.vectors.cases_form import dry_runs, names, note, registrations
from tests.vectors.cases_learner import learners
from tests.vectors.files import write
from tests.vectors.judge import judge
from tests.vectors.make_evidence import FOLDER as EVIDENCE
from tests.vectors.scene import Scene

FOLDER: Final = Path(__file__).parent / "formats"

Text = Callable[[bytes], bytes]


@cache
def format_files() -> dict[str, str]:
    """Return each file's name and text."""
    files = {
        "receipt.json": _receipt(),
        "registration.json": registrations(),
        "evidence-file.json": _evidence_file(),
        "holder-file.json": _holder_file(),
        "holder-link.json": _holder_link(),
        "report.json": _report(),
        "learner.json": _learners(),
        "check-report.json": _check_report(),
        "names.json": names(),
        "dry-run.json": dry_runs(),
    }
    return {
        name: json.dumps(found, ensure_ascii=False, indent=1) + "\n"
        for name, found in files.items()
    }


def _change(desc: str, member: str, value: object, verdict: str = "refuted") -> dict[str, Any]:
    return {"desc": desc, "member": member, "value": value, "verdict": verdict}


def _texts(cases: dict[str, bytes]) -> list[dict[str, Any]]:
    found = []
    for desc, data in cases.items():
        try:
            found.append({"desc": desc, "text": data.decode()})
        except UnicodeDecodeError:
            found.append({"desc": desc, "base64": base64.b64encode(data).decode()})
    return found


def _compact(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


# --- Receipt ---


def _receipt() -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        scene = Scene(Path(folder))
        story, log = scene.story, scene.log
        body = story.submission(story.provider, story.issued(), story.issued(accredited=False))
        position = log.append(body)
        scene.says(story.provider, story.issued())
        size = log.publish().size
        reader, header = log.reader(), parse(body).header
        proof = TlogProof(
            position, tuple(reader.inclusion(position, size)), reader.signed_checkpoint()
        )
        receipt = Receipt(
            format="testamur/receipt/1",
            state="published",
            log=story.origin,
            issuer=header.payload.iss,
            jti=header.payload.jti,
            position=position,
            events=2,
            recorded_at=format_time(story.milliseconds),
            entry=log.entries[position].decode(),
            flags=flagged(((3, "accreditation-missing"),)),
            proof=proof.render().decode(),
            end_path=encode_path(reader.inclusion(position + 2, size)),
        )
        later = submission_entry(header.jws, story.milliseconds + 1).decode()
        zero = base64.b64encode(bytes(32)).decode()
        assert receipt.proof is not None
        return {
            "note": note("A receipt that holds for its submission, by the policy; it is refuted, "
                          "could not be checked or is no receipt once a member has another value."),
            "policy": scene.policy,
            "submission": body.decode(),
            "receipt": msgspec.to_builtins(receipt),
            "refused": [
                _change("another log", "log", "other.example"),
                _change("another issuer", "issuer", "did:web:other.example"),
                _change("another jti", "jti", "01a1fd8c-6900-7000-8000-0000000000ff"),
                _change("one event fewer", "events", 1),
                _change("one event more", "events", 3),
                _change("a position before", "position", position - 1),
                _change("a position after", "position", position + 1),
                _change("a later time", "recordedAt", "2026-11-21T10:00:00.001Z"),
                _change("a time in another spelling", "recordedAt", "2026-11-21T10:00:00Z"),
                _change("no time", "recordedAt", ""),
                _change("no entry", "entry", ""),
                _change("an entry that is an event", "entry", "{}"),
                _change("an entry of another time", "entry", later),
                _change("an empty path", "endPath", []),
                _change("a path that is no base64", "endPath", ["!"]),
                _change("a path of short hashes", "endPath", ["AAAA"]),
                _change("a path that leads elsewhere", "endPath", [zero] * 5),
                _change("a proof of nothing", "proof", ""),
                _change("a proof of another version", "proof", receipt.proof.replace("@v1", "@v2")),
                _change(
                    "a proof of another entry",
                    "proof",
                    receipt.proof.replace(f"index {position}", f"index {position + 1}"),
                ),
                _change("no proof", "proof", None, "could not check"),
                _change("no path", "endPath", None, "could not check"),
                _change("another format", "format", "testamur/receipt/2", "no receipt"),
                _change("an unknown state", "state", "promised", "no receipt"),
                _change("a position that is text", "position", "14", "no receipt"),
                _change("a position with a fraction", "position", 1.5, "no receipt"),
                _change("an unknown member", "more", 1, "no receipt"),
                _change("flags without a count", "flags", [{"code": "backdated"}], "no receipt"),
                _change("counts that is text", "counts", "no", "no receipt"),
                _change("null for an entry", "entry", None, "no receipt"),
                _change("text for a path", "endPath", "AAAA", "no receipt"),
                _change("as of its last event", "asOf", position + 2),
                _change("as of nothing", "asOf", 0),
                _change("as of more than the tree of its proof", "asOf", size + 1),
                _change("as of a text", "asOf", str(size), "no receipt"),
                _change("as of a negative size", "asOf", -1, "no receipt"),
            ],
        }  # fmt: skip


# --- The evidence file ---


def _evidence_file() -> dict[str, Any]:
    digest = base64.b64encode(bytes(range(32))).decode()

    def event(number: int) -> dict[str, Any]:
        return {"inclusion": [digest], "line": "{}", "number": number, "path": []}

    def submission(position: int) -> dict[str, Any]:
        events = [event(1), event(2)]
        return {"entry": "{}", "events": events, "inclusion": [digest], "position": position}

    good: dict[str, Any] = {
        "checkpoint": "log.example/testamur\n…\n",
        "credential": "01a1fd8c-6900-7000-8000-000000000004",
        "format": "testamur/evidence/1",
        "submissions": [submission(0), submission(3)],
    }

    def bent(change: Callable[[Any], object]) -> bytes:
        found = json.loads(json.dumps(good))
        change(found)
        return _compact(found) + b"\n"

    def first(found: Any) -> Any:
        return found["submissions"][0]

    members = {
        "another format": bent(lambda f: f.update(format="testamur/evidence/2")),
        "a member more": bent(lambda f: f.update(note="trust me")),
        "a member less": bent(lambda f: f.pop("checkpoint")),
        "no submissions": bent(lambda f: f.update(submissions=[])),
        "a submission without events": bent(lambda f: first(f).update(events=[])),
        "submissions out of order": bent(lambda f: f["submissions"].reverse()),
        "a submission twice": bent(lambda f: f["submissions"].insert(0, first(f))),
        "a position before the log": bent(lambda f: first(f).update(position=-1)),
        "a position beyond all numbers": bent(
            lambda f: f["submissions"][-1].update(position=2**53)
        ),
        "a position that is text": bent(lambda f: first(f).update(position="0")),
        "an event beyond all numbers": bent(lambda f: first(f)["events"][1].update(number=100_001)),
        "event nought": bent(lambda f: first(f)["events"][0].update(number=0)),
        "an event twice": bent(lambda f: first(f).update(events=[event(1), event(1)])),
        "events out of order": bent(lambda f: first(f)["events"].reverse()),
        "a hash of 31 bytes": bent(lambda f: first(f).update(inclusion=["A" * 42 + "=="])),
        "a hash in another spelling": bent(lambda f: first(f).update(inclusion=["A" * 42 + "B="])),
        "a path of 64 hashes": bent(lambda f: first(f).update(inclusion=[digest] * 64)),
        "a credential id that is short": bent(lambda f: f.update(credential="x")),
        "null for a path": bent(lambda f: first(f).update(inclusion=None)),
        "null for the size": bent(lambda f: f.update(size=None)),
    }
    data = _compact(good) + b"\n"
    spellings = {
        "pretty": json.dumps(good, indent=1, ensure_ascii=False).encode(),
        "a space before": b" " + data,
        "two line feeds": data + b"\n",
        "CRLF": data[:-1] + b"\r\n",
        "a byte order mark": b"\xef\xbb\xbf" + data,
        "a member twice": data.replace(b"{", b'{"credential":"x",', 1),
        "an escaped letter": data.replace(b"log.", b"\\u006cog.", 1),
        "a number with a fraction": data.replace(b'"position":0', b'"position":0.0'),
        "cut off": data[:-40],
        "nothing": b"",
        "invalid UTF-8": data.replace(b"example", b"\xff\xfe", 1),
    }
    return {
        "note": note("The form of an evidence file: `good` is well-formed, though it proves "
                      "nothing; what is refused is no evidence file, whatever it may prove."),
        "good": data.decode(),
        "refused": _texts(members | spellings),
    }  # fmt: skip


# --- The holder file ---


def _holder_file() -> dict[str, Any]:
    found = json.loads((EVIDENCE / "a-good-credential.json").read_text(encoding="utf-8"))["holder"]
    holder = msgspec.convert(found, HolderFile)
    data, blind = render_holder_file(holder), base64.b64encode(holder.blind).decode()

    def with_(**members: Any) -> bytes:
        return _compact(found | members) + b"\n"

    def without(name: str) -> bytes:
        return _compact({key: value for key, value in found.items() if key != name}) + b"\n"

    spare = blind[:-2] + "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"[
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".index(blind[-2]) + 1
    ] + "="  # fmt: skip

    def saying(value: bytes) -> bytes:
        return data.replace(b'"credential":{', b'"credential":{"a":%s,' % value, 1)

    refused = {
        "nothing": b"",
        "an array": b"[]",
        "null": b"null",
        "a member twice": data.replace(b'"log"', b'"log":null,"log"', 1),
        "the credential alone": _compact(found["credential"]),
        "no blind": without("blind"),
        "no log, not even null": without("log"),
        "no type": without("type"),
        "a blind that is null": with_(blind=None),
        "a blind of three bytes": with_(blind="AAAA"),
        "a blind of 33 bytes": with_(blind=base64.b64encode(bytes(33)).decode()),
        "a blind without padding": with_(blind=blind.rstrip("=")),
        "a blind with bits left over": with_(blind=spare),
        "a blind in base64url": with_(blind=base64.urlsafe_b64encode(b"\xff" * 32).decode()),
        "a credential that is an array": with_(credential=[]),
        "a credential that is text": with_(credential="text"),
        "an id that is no UUID": with_(id="not-a-uuid"),
        "an id in upper case": with_(id=holder.id.upper()),
        "an id of another version": with_(id="6ba7b810-9dad-11d1-80b4-00c04fd430c8"),
        "a log of two words": with_(log="two words"),
        "a log without a name": with_(log=""),
        "another version": with_(type="testamur/holder/2"),
        "an unknown member": with_(more=1),
        "more behind it": data + b"{}",
        "a number beyond all numbers": data.replace(b'"type":"testamur', b'"n":1e999,"type":"t', 1),
        "a byte order mark": b"\xef\xbb\xbf" + data,
        "a number with more digits than any double has": saying(b"0." + b"1" * 1_100),
        "an exponent with more digits than any double has": saying(b"1e-" + b"0" * 1_100 + b"1"),
        "an integer that no double holds": saying(b"9007199254740993"),
        "half a surrogate pair": saying(b'"\\ud83d"'),
        "arrays within arrays without end": saying(b"[" * 70 + b"]" * 70),
        "UTF-16": data.decode().encode("utf-16"),
    }
    return {
        "note": note("The form of a holder file. `good` may be laid out in any way that is the "
                      "same JSON; what is refused is no holder file."),
        "good": data.decode(),
        "refused": _texts(refused),
    }  # fmt: skip


# --- The holder link ---


def _holder_link() -> dict[str, Any]:
    data = _holder_file()["good"].removesuffix("\n").encode()
    page, good = "https://register.example/holder", _stored(data)
    zlib_form = b"\x78\x01" + good + zlib.adler32(data).to_bytes(4, "big")
    bare = _compact(json.loads(data)["credential"])
    text = base64url_encode(good)

    def link(raw: bytes) -> str:
        return f"{page}#1.{base64url_encode(raw)}"

    return {
        "note": note("A link to the holder's page, and links that must be refused. The `good` one "
                      "holds its file in a stored block of DEFLATE, so that every library makes it "
                      "alike; one that is made for a holder is compressed."),
        "good": f"{page}#1.{text}",
        "refused": [
            {"desc": "no fragment", "link": page},
            {"desc": "an empty fragment", "link": f"{page}#"},
            {"desc": "no version", "link": f"{page}#{text}"},
            {"desc": "another version", "link": f"{page}#2.{text}"},
            {"desc": "nothing behind the version", "link": f"{page}#1."},
            {"desc": "padding", "link": f"{page}#1.{text}{'=' * (-len(text) % 4 or 4)}"},
            {"desc": "standard base64", "link": f"{page}#1.{text}+/8"},
            {"desc": "a space", "link": f"{page}#1.{text[:60]} {text[60:]}"},
            {"desc": "bits left over", "link": f"{page}#1.{text[:-1]}{_spare(text[-1])}"},
            {"desc": "cut off", "link": f"{page}#1.{text[: len(text) // 8 * 4]}"},
            {"desc": "bytes behind the end", "link": link(good + b"\x00")},
            {"desc": "a last block that is not said to be it", "link": link(b"\x00" + good[1:])},
            {"desc": "a block of a reserved type", "link": link(b"\x07" + good[1:])},
            {"desc": "a length that is denied", "link": link(good[:3] + b"\0\0" + data)},
            {"desc": "zlib around the DEFLATE", "link": link(zlib_form)},
            {"desc": "the file without DEFLATE", "link": link(data)},
            {"desc": "the credential alone", "link": link(_stored(bare))},
            {"desc": "nothing", "link": link(_stored(b""))},
            {"desc": "a file that is cut off", "link": link(_stored(data[:-1]))},
        ],
    }  # fmt: skip


def _stored(data: bytes) -> bytes:
    """Return the one stored block of raw DEFLATE (RFC 1951, section 3.2.4) that holds the data."""
    length = len(data).to_bytes(2, "little")
    return b"\x01" + length + bytes(255 - byte for byte in length) + data


def _spare(last: str) -> str:
    """Return the last character with a bit set that stands for nothing."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return alphabet[alphabet.index(last) | 1]


# --- Reports ---


def _report() -> dict[str, Any]:
    reports = {}
    for name in (
        "a-good-credential",
        "a-revocation",
        "a-revocation-by-a-thief",
        "an-issuance-by-a-thief",
        "the-genesis-left-out",
        "a-good-credential-from-a-file",
        "the-address-of-another-learner",
        "an-entry-recorded-in-the-time-to-come",
        "a-revocation-after-the-size-that-was-asked-for",
    ):
        found = json.loads((EVIDENCE / f"{name}.json").read_text(encoding="utf-8"))
        reports[name] = msgspec.to_builtins(judge(found))
    return {
        "note": note("The reports on some of evidence/. Only `why`, `detail` and `notes`, "
                      "which are sentences for people, may differ between verifiers."),
        "reports": reports,
    }  # fmt: skip


def _learners() -> dict[str, Any]:
    return {
        "note": note("Whom a credential names, and a learner who is asked about: the verdict of "
                      "the check `learner`. Of a subject only what names somebody is here."),
        "cases": learners(),
    }  # fmt: skip


def _check_report() -> dict[str, Any]:
    story = Story(name="vectors")
    body = story.submission(story.provider, story.issued(), story.issued())
    damaged = body.replace(b'"blended"', b'"by post"', 1)
    refusals = tuple(
        RefusalReport(rule=each.rule, detail=each.detail, line=each.line, value=each.value)
        for each in every_refusal(damaged)
    )
    report = CheckReport(format="testamur/check/1", accepted=False, size=14, refusals=refusals)
    about = f"achievement {story.achievement}, version 1: assessment, qualityAssurance"
    flag = FlagReport.of(Flagged("elements-missing", 2, 2), (about,))
    with_flags = CheckReport(format="testamur/check/1", accepted=True, size=14, flags=(flag,))
    return {
        "note": note("A submission with one line changed after signing, and the answer of a "
                      "registry of 14 entries to a dry run. `detail` and `value` may differ. Then "
                      "the answer about events that would be flagged; `details` may differ."),
        "submission": damaged.decode(),
        "report": msgspec.to_builtins(report),
        "flagged": msgspec.to_builtins(with_flags),
    }  # fmt: skip


if __name__ == "__main__":
    write(FOLDER, format_files())
