"""Valid inputs to begin with: a small log, its files, and what people keep beside it."""

from __future__ import annotations

import gzip
import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from api.log_keys.listed import KeyList, ListedKey
from testamur.badges.cohort_csv import Offering, Provider, read_cohort
from testamur.badges.commitment import HolderFile, render_holder_file
from testamur.badges.prepare import prepare_cohort
from testamur.canonical import jcs
from testamur.catalogue.submission import format_time, parse
from testamur.cli.founding_page import render_page
from testamur.tlog.checkpoint import open_checkpoint
from testamur.tlog.cosignature import Cosigner
from testamur.tlog.note import MLDSA44_COSIGNATURE, SignerKey, VerifierKey, parse_note
from testamur.tlog.policy import Policy, parse_policy
from testamur.tlog.proof import TlogProof
from testamur.verification.evidence import Evidence, render_evidence
from testamur.verification.receipt import Receipt, encode_path
from tests.harness import awards
from tests.harness.issued_log import IssuedLog
from tests.harness.story import NOW, Story, party, private_key

_VECTORS: Final = Path(__file__).parents[1] / "vectors"
WITNESS: Final = Cosigner.from_seed("witness.example", b"w" * 32)


class Log(NamedTuple):
    """A published log, one credential on it, and what proves both."""

    story: Story
    files: dict[str, bytes]
    entries: list[bytes]
    holder: HolderFile
    evidence: Evidence
    policy: Policy
    policy_text: bytes
    body: bytes
    receipt: Receipt
    proof: TlogProof
    note: bytes
    vkey: str
    skey: str


@contextmanager
def folder() -> Iterator[Path]:
    """Yield an empty folder, which is removed."""
    path = Path(tempfile.mkdtemp(prefix="testamur-fuzz-"))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@cache
def log() -> Log:
    """Return the log, the same in every process."""
    with folder() as root:
        issued = IssuedLog(root / "log", count=2)
        issued.witnesses.append((WITNESS, NOW + 60))
        story, plain = issued.story, issued.log
        key = private_key("a signing key of the fuzzed provider")
        prepared = prepare_cohort(
            read_cohort(awards.cohort(1), [awards.offering(story)])[0],
            awards.provider(story),
            now=datetime.fromtimestamp(story.now, UTC),
            key=key,
            log=story.origin,
        )
        (holder,) = issued.award(prepared)
        body = story.cohort(2)
        position = plain.append(body)
        evidence = issued.evidence(holder, anchors=[story.authority])
        note = plain.source().fetch("checkpoint")
        checkpoint, _ = open_checkpoint(note, plain.key)
        reader = plain.reader()
        path = tuple(reader.inclusion(position, checkpoint.size))
        proof = TlogProof(position, path, note)
        payload = parse(body).header.payload
        receipt = Receipt(
            format="testamur/receipt/1",
            state="published",
            log=story.origin,
            issuer=payload.iss,
            jti=payload.jti,
            position=position,
            events=payload.events,
            recorded_at=format_time(story.milliseconds),
            entry=plain.entries[position].decode(),
            proof=proof.render().decode(),
            end_path=encode_path(reader.inclusion(position + payload.events, checkpoint.size)),
        )
        text = f"log {plain.key}\nwitness W {WITNESS.verifier}\ngroup G 1 W\nquorum G\n".encode()
        files = {
            str(file.relative_to(plain.root)): file.read_bytes()
            for file in plain.root.rglob("*")
            if file.is_file()
        }
        return Log(
            story, files, list(plain.entries), holder, evidence, parse_policy(text), text, body,
            receipt, proof, note, str(plain.key),
            SignerKey.from_seed(story.origin, story.log_key.raw()).render(),
        )  # fmt: skip


def bundle() -> tuple[str, bytes]:
    """Return the path and the bytes of the last bundle."""
    return next(
        (path, data) for path, data in log().files.items() if path.startswith("tile/entries/")
    )


def tile() -> tuple[str, bytes]:
    """Return the path and the bytes of a tile."""
    return next((path, data) for path, data in log().files.items() if path.startswith("tile/0/"))


@cache
def event_lines() -> tuple[bytes, ...]:
    """Return events of every kind, a line each."""
    found = json.loads((_VECTORS / "entries.json").read_bytes())
    lines = (each["entry"].encode() for each in found["entries"])
    return tuple(line for line in lines if not line.startswith(b'{"recordedAt"'))


def credential() -> bytes:
    """Return a signed Open Badge."""
    return jcs(log().holder.credential)


def holder_file() -> bytes:
    return render_holder_file(log().holder)


PICTURES: Final = (
    # One grey pixel (PNG), and nothing (SVG).
    bytes.fromhex(
        "89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b55"
        "0000000a49444154789c636800000082008177cd72b60000000049454e44ae426082"
    ),
    b"<svg xmlns='http://www.w3.org/2000/svg'></svg>",
)


def evidence() -> bytes:
    return render_evidence(log().evidence)


def receipt() -> bytes:
    return msgspec.json.encode(log().receipt)


def provider() -> bytes:
    return msgspec.json.encode(awards.provider(Story()))


def offering() -> bytes:
    return msgspec.json.encode(awards.offering(Story()))


def offerings() -> list[Offering]:
    return [awards.offering(Story())]


def given() -> type[Provider]:
    return Provider


COHORT: Final = (
    b"learner,awarded,name,validUntil,evidence,learnerId\r\n"
    b"ada@example.org,2026-11-20,Ada Lovelace,2031-01-01,https://work.example/1,\r\n"
    b',2026-11-19,"Noether, Emmy",,https://a.example https://b.example,did:web:emmy.example\r\n'
    b"4711,20.11.2026,,,,\r\n"
)
SEMICOLONS: Final = COHORT.replace(b'"Noether, Emmy"', b"Emmy").replace(b",", b";")


def key_folder() -> bytes:
    """Return an `organization.json`."""
    story = Story()
    keys = [
        {"file": f"{use}.key", "key": key.public.multikey(), "use": use}
        for use, key in zip(("founding", "recovery", "signing"), story.provider.keys, strict=True)
    ]
    name = {"format": "testamur/organization/1", "did": story.provider.did, "keys": keys}
    return json.dumps(name, indent=2).encode()


SECRET: Final = private_key("a key that must never be shown")


def page() -> bytes:
    return render_page(SECRET, date(2026, 11, 29)).encode()


def cosignature() -> bytes:
    """Return the bytes of the witness' cosignature."""
    (line,) = [one for one in parse_note(log().note).signatures if one.name == WITNESS.name]
    return line.blob


ALGORITHM: Final = WITNESS.verifier.algorithm
assert ALGORITHM != MLDSA44_COSIGNATURE


@cache
def bodies() -> tuple[bytes, ...]:
    """Return submissions by keys of both kinds."""
    story = Story()
    other = party("a college with the other curve", "P-256")
    return (*story.opening(), story.cohort(3), story.submission(other, story.issued()))


@cache
def dry_run() -> bytes:
    """Return a dry run."""
    story = Story()
    return story.rehearsed(story.cohort(2))


def gzipped(data: bytes) -> bytes:
    """Return the same bytes in every run."""
    return gzip.compress(data, mtime=0)


def vkeys() -> list[bytes]:
    """Return the verifier keys of a log that changed its key."""
    first = VerifierKey.parse(log().vkey)
    second = SignerKey.from_seed(first.name, b"2" * 32).verifier
    return [str(first).encode(), str(second).encode()]


def key_lists() -> list[bytes]:
    """Return the lists of a log with one key, and with two."""
    first, second = (VerifierKey.parse(text.decode()) for text in vkeys())
    day, last = date(2026, 11, 29), date(2026, 12, 31)
    lists = [
        KeyList((ListedKey(first, date.min),)),
        KeyList((ListedKey(first, date.min, last), ListedKey(second, day))),
    ]
    return [each.render().encode() for each in lists]


def blockcerts() -> list[bytes]:
    """Return Blockcerts whose receipts hold, of both versions."""
    cases = json.loads((_VECTORS / "blockcerts.json").read_bytes())
    return [json.dumps(each["credential"]).encode() for each in cases if each["verdict"] == "holds"]
