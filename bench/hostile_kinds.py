"""Which files are read by which command, and what each kind can be made to hold.

The files of one honest log lie in a folder; a hostile file takes the place of one of them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

import msgspec

from bench.hostile_evidence import SHAPES as HISTORIES
from bench.hostile_evidence import hostile_evidence
from bench.hostile_shapes import (
    CREDENTIAL_PLACES,
    OVERFULL,
    SHAPES,
    Shape,
    alignments,
    compact,
    many,
    placed,
    signed_proofs,
    with_hole,
)
from testamur.badges.commitment import MAX_HOLDER_FILE, render_holder_file
from testamur.badges.data_integrity import sign
from testamur.badges.spreadsheet import MAX_FILE
from testamur.canonical import MAX_DOCUMENT
from testamur.catalogue.submission import MAX_BYTES, format_time, parse
from testamur.tlog.policy import MAX_POLICY
from testamur.tlog.proof import TlogProof
from testamur.verification.evidence import MAX_EVIDENCE, render_evidence
from testamur.verification.receipt import MAX_RECEIPT, Receipt, encode_path
from tests.harness.awards import cohort, offering, provider
from tests.harness.issued_log import IssuedLog

_ANCHORS: Final = 1 << 20


@dataclass(frozen=True)
class Hostile:
    """A file, how it is made, and the command that reads it."""

    name: str
    file: str
    command: tuple[str, ...]
    make: Callable[[], bytes]


class Scene:
    """An honest log with a credential on it, and the files that people have of it, in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.issued = issued = IssuedLog(folder / "log")
        self.story = story = issued.story
        holder = issued.holders[0]
        self.credential = sign(
            holder.credential, story.provider.key, created=datetime.fromtimestamp(story.now, UTC)
        )
        holder = msgspec.structs.replace(holder, credential=self.credential)
        self.holder: dict[str, Any] = json.loads(render_holder_file(holder))
        issued.publish()
        self.positions = issued.positions(holder.id)
        self.evidence: dict[str, Any] = json.loads(render_evidence(issued.evidence(holder)))
        self.submission = story.cohort(20)
        position = issued.log.append(self.submission)
        issued.publish()
        self.receipt: dict[str, Any] = msgspec.to_builtins(self._receipt(position))
        self.offering: dict[str, Any] = msgspec.to_builtins(offering(story))
        self.provider: dict[str, Any] = msgspec.to_builtins(provider(story))
        self.folder = folder
        self.files = {
            "holder.json": render_holder_file(holder),
            "evidence.json": compact(self.evidence),
            "policy.txt": f"log {issued.log.key}\nquorum none\n".encode(),
            "anchors.txt": story.authority.did.encode() + b"\n",
            "submission": self.submission,
            "receipt.json": msgspec.json.encode(self.receipt),
            "events.ndjson": b"".join(line + b"\n" for line in parse(self.submission).lines),
            "cohort.csv": cohort(20),
            "offering.json": msgspec.json.encode(self.offering),
            "provider.json": msgspec.json.encode(self.provider),
            "badge.json": msgspec.json.encode(self.credential),
            "members.json": b'{"credential":"new"}',
        }
        for name, data in self.files.items():
            (folder / name).write_bytes(data)

    def honest(self) -> Iterator[Hostile]:
        """Yield the honest file of each command."""
        for file, data in self.files.items():
            yield self.hostile(file, "honest", partial(bytes, data))

    def hostile(self, file: str, name: str, make: Callable[[], bytes]) -> Hostile:
        """Return another `file`, and what reads it."""
        return Hostile(f"{file}: {name}", file, self.command(file), make)

    def command(self, file: str) -> tuple[str, ...]:
        """Return the command that reads `file`."""
        return tuple(
            word.replace("ACHIEVEMENT", self.story.achievement) for word in _READ_BY[file].split()
        )

    def _receipt(self, position: int) -> Receipt:
        header, log = parse(self.submission).header, self.issued.log
        reader, size, count = log.reader(), log.size, header.payload.events
        path = tuple(reader.inclusion(position, size))
        return Receipt(
            format="testamur/receipt/1",
            state="published",
            log=self.story.origin,
            issuer=header.payload.iss,
            jti=header.payload.jti,
            position=position,
            events=count,
            recorded_at=format_time(self.story.milliseconds),
            entry=log.entries[position].decode(),
            proof=TlogProof(position, path, reader.signed_checkpoint()).render().decode(),
            end_path=encode_path(reader.inclusion(position + count, size)),
        )


_VERIFY: Final = (
    "verify holder.json --evidence evidence.json --policy policy.txt --anchors anchors.txt"
)
_RECEIPT: Final = "verify-receipt receipt.json --submission submission --policy policy.txt"
_COHORT: Final = "prepare cohort.csv --achievement offering.json --provider provider.json --out out"
_READ_BY: Final = {
    "holder.json": _VERIFY,
    "evidence.json": _VERIFY,
    "policy.txt": _VERIFY,
    "anchors.txt": _VERIFY,
    "receipt.json": _RECEIPT,
    "submission": _RECEIPT,
    "events.ndjson": "check events.ndjson",
    "cohort.csv": _COHORT,
    "offering.json": _COHORT,
    "provider.json": _COHORT,
    "badge.json": "prepare badge.json --achievement ACHIEVEMENT --out out",
    "members.json": "event credential.revoked --from members.json",
}


# Of the shapes that are read to their end, those that cost most time or memory.
_WORST: Final = (
    "long floats",
    "objects in objects",
    "texts of two characters",
    "one text with one character of four bytes",
    "an array in an array, all the way",
)


def hostile_files(scene: Scene, *, every: bool) -> Iterator[Hostile]:
    """Yield the hostile files: each shape in the place where it costs most, or in every place."""
    yield from _documents(scene, every=every)
    yield from _proofs(scene)
    yield from _evidence(scene)
    yield from _settings(scene)
    yield from _lines(scene)
    yield from _cohorts(scene)


def _documents(scene: Scene, *, every: bool) -> Iterator[Hostile]:
    places = dict(list(CREDENTIAL_PLACES.items())[: None if every else 1])
    in_holder = [("credential", *path) for path in places.values()]
    for file, most, document, paths in (
        ("holder.json", MAX_HOLDER_FILE, scene.holder, in_holder),
        ("badge.json", MAX_DOCUMENT, scene.credential, [*places.values()]),
        ("evidence.json", MAX_EVIDENCE, scene.evidence, [("submissions",), ("checkpoint",)]),
        ("receipt.json", MAX_RECEIPT, scene.receipt, [("endPath",), ("proof",)]),
        ("offering.json", MAX_DOCUMENT, scene.offering, [("criteria",)]),
        ("provider.json", MAX_DOCUMENT, scene.provider, [("name",)]),
        ("members.json", MAX_DOCUMENT, {}, []),
    ):
        for name, shape in OVERFULL.items():
            if every or name in ("empty arrays", "objects of one member"):
                yield scene.hostile(file, f"too many {name}", partial(shape, most))
        for name, shape in SHAPES.items():
            if not every and name not in _WORST:
                continue
            if every or not paths:
                yield scene.hostile(file, f"{name}, bare", partial(shape, most))
            for path in paths[: None if every else 1]:
                where = ".".join(map(str, path))
                make = partial(_placed, with_hole(document, *path), shape, most - 16_384)
                yield scene.hostile(file, f"{name} in {where}", make)
    alignment = ("credentialSubject", "achievement", "alignment")
    in_credential = with_hole(scene.credential, *alignment)
    yield scene.hostile(
        "badge.json", "alignments", partial(_placed, in_credential, alignments, MAX_DOCUMENT // 2)
    )
    hole = with_hole(scene.holder, "credential", *alignment)
    yield scene.hostile(
        "holder.json", "alignments", partial(_placed, hole, alignments, MAX_HOLDER_FILE - 16_384)
    )


def _placed(document: dict[str, Any], shape: Shape, size: int) -> bytes:
    return placed(document, shape(size))


def _proofs(scene: Scene) -> Iterator[Hostile]:
    for name, filling in (("floats", 1.0), ("texts", "x" * 50), ("arrays", [])):
        number = min(90_000, MAX_DOCUMENT // (len(compact(filling)) + 1))
        large = {**scene.credential, "more": [filling] * number}
        for kind, credential, inside, chained in (
            ("chained proofs of", scene.credential, number // 16, True),
            ("proofs of", scene.credential, number // 16, False),
            ("chained proofs over", large, 1, True),
        ):
            make = partial(_signed, scene, credential, filling, inside, chained=chained)
            yield scene.hostile("holder.json", f"{kind} {name}", make)


def _signed(
    scene: Scene, credential: dict[str, Any], filling: object, number: int, *, chained: bool
) -> bytes:
    signed = signed_proofs(credential, filling, number, chained=chained)
    return compact({**scene.holder, "credential": signed})


def _evidence(scene: Scene) -> Iterator[Hostile]:
    first = scene.evidence["submissions"][0]
    event = first["events"][0]
    small = {**event, "inclusion": [], "line": "", "path": []}
    path = event["inclusion"][:1] * 63
    for name, submissions in {
        "one submission again and again": (
            {**first, "position": number} for number in range(9_999)
        ),
        "small events": (
            {**first, "position": at, "events": [{**small, "number": n} for n in range(1, 1_001)]}
            for at in range(310)
        ),
        "long paths": (
            {
                **first,
                "position": at,
                "events": [
                    {**small, "number": n, "inclusion": path, "path": path} for n in range(1, 1_001)
                ],
            }
            for at in range(2)
        ),
    }.items():
        make = partial(_of_submissions, scene, submissions)
        yield scene.hostile("evidence.json", name, make)
    for shape in HISTORIES:
        make = partial(hostile_evidence, scene.issued, scene.positions, shape)
        yield scene.hostile("evidence.json", shape.name, make)


def _of_submissions(scene: Scene, submissions: Iterator[dict[str, Any]]) -> bytes:
    return compact({**scene.evidence, "submissions": [*submissions]})


def _settings(scene: Scene) -> Iterator[Hostile]:
    anchor = scene.story.authority.did.encode()
    log = scene.files["policy.txt"].partition(b"\n")[0]
    for file, name, make in (
        ("policy.txt", "logs", lambda: _numbered(b"log x%d+00000000+AAAA\n", MAX_POLICY)),
        ("policy.txt", "comments", lambda: b"#\n" * (MAX_POLICY // 2)),
        ("policy.txt", "blanks", lambda: b"\n" * MAX_POLICY),
        ("policy.txt", "one line", lambda: b"log " + b"a " * (MAX_POLICY // 2 - 4)),
        ("policy.txt", "members", lambda: log + b"\ngroup g any " + b"a " * 500_000 + b"\n"),
        ("anchors.txt", "comments", lambda: b"#\n" * (_ANCHORS // 2)),
        ("anchors.txt", "one anchor", lambda: (anchor + b"\n") * (_ANCHORS // 60)),
        ("anchors.txt", "anchors", lambda: _numbered(anchor[:-6] + b"%06d\n", _ANCHORS)),
        ("anchors.txt", "one line", lambda: b"did:key:" + b"a" * (_ANCHORS - 8)),
    ):
        yield scene.hostile(file, name, make)


def _numbered(form: bytes, size: int) -> bytes:
    return b"".join(form % number for number in range(size // (len(form) + 4)))


def _lines(scene: Scene) -> Iterator[Hostile]:
    event = scene.files["events.ndjson"].partition(b"\n")[0]
    header = scene.submission.partition(b"\n")[0] + b"\n"
    for name, make in (
        ("100,000 honest events", lambda: (event + b"\n") * 100_000),
        ("one endless line", lambda: b"{" + b"a" * (MAX_BYTES - 1_000) + b"\n"),
        ("LFs", lambda: b"{\n" + b"\n" * (MAX_BYTES - 1_000)),
        ("empty lines", lambda: b"{\n" * 99_000),
        ("empty arrays", lambda: (many(b"[]")(600) + b"\n") * 99_000),
        ("nested arrays", lambda: (b"[" * 600 + b"\n") * 99_000),
        ("long texts", lambda: (b'{"type":"' + b"a" * 60_000 + b'"}\n') * 1_100),
        ("members", lambda: (b"{" + b",".join([b'"a":0'] * 10_000) + b"}\n") * 1_000),
        ("sets out of order", lambda: (_set_out_of_order() + b"\n") * 1_600),
    ):
        yield scene.hostile("events.ndjson", name, make)
        yield scene.hostile("submission", name, partial(_joined, header, make))


def _joined(header: bytes, make: Callable[[], bytes]) -> bytes:
    return header + make()


def _set_out_of_order() -> bytes:
    ids = [f"019a3b1c-7f00-7abc-8def-{number:012x}" for number in range(1000)]
    return compact(
        {
            "accreditation": ids[0],
            "decision": "positive",
            "kind": "programme",
            "provider": "did:web:a.example",
            "scope": {"achievements": [*ids[:-2], ids[-1], ids[-2]]},
            "type": "accreditation.granted/1",
            "validFrom": "2026-01-01",
        }
    )


def _cohorts(scene: Scene) -> Iterator[Hostile]:
    face = "\U0001f600".encode()
    for name, rows in {
        "commas": b"," * (MAX_FILE - 16),
        "rows of commas": (b"," * 1_000 + b"\n") * 67_000,
        "rows of 60 commas": (b"," * 60 + b"\n") * 1_000_000,
        "LFs": b"\n" * (MAX_FILE - 16),
        "one cell": b"a" * (MAX_FILE - 16),
        "one quoted cell": b'"' + b"a" * (MAX_FILE - 17),
        "one row over many lines": b'"\n",' * (MAX_FILE // 4 - 4),
        "one character of four bytes": face + b"," * (MAX_FILE - 32),
        "bad rows": b"=,=\n" * (MAX_FILE // 4 - 4),
        "bad days": b"a,1.2.2026\n" * 100_000,
        "a NUL at the end": b"a,b\n" * (MAX_FILE // 4 - 8) + b"\0",
        "CR alone": b"\r" * (MAX_FILE - 16),
    }.items():
        yield scene.hostile(
            "cohort.csv", name, partial(_joined, b"learner,awarded\n", partial(bytes, rows))
        )
    yield scene.hostile("cohort.csv", "commas in row 1", partial(bytes, b"," * MAX_FILE))
