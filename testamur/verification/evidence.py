"""Evidence: everything a verifier needs to judge one credential offline, in one JSON file.

It is an excerpt of the log under one checkpoint: some submissions, and of each the events
that bear on the credential, with their inclusion proofs. Folding the excerpt with the rules
of the register gives the verdict. What is here is proven; what was left out is not: an excerpt
cannot show that nothing else happened. The file holds no personal data and no secret.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from testamur.catalogue.members import Id, Position
from testamur.catalogue.submission import MAX_EVENTS as MAX_NUMBER
from testamur.catalogue.submission import parse_submission_entry
from testamur.errors import Refusal, Refuted
from testamur.tlog.checkpoint import Checkpoint
from testamur.tlog.note import parse_note
from testamur.tlog.reader import LogReader
from testamur.tlog.tiles import MAX_ENTRY, WIDTH

FILE_ENDING: Final = ".testamur.json"
MAX_EVIDENCE: Final = 16 * 1024 * 1024
MAX_SUBMISSIONS: Final = 10_000
MAX_EVENTS: Final = 1_000
"""Events of one submission."""

Hash = Annotated[bytes, Meta(min_length=32, max_length=32)]
Path = Annotated[tuple[Hash, ...], Meta(max_length=63)]
Line = Annotated[str, Meta(max_length=MAX_ENTRY)]


class _Part(
    msgspec.Struct,
    frozen=True,
    gc=False,
    rename="camel",
    forbid_unknown_fields=True,
    kw_only=True,
):
    """A value inside an evidence file. Hashes are standard base64."""


class LoggedEvent(_Part, frozen=True, gc=False, kw_only=True):
    """An event line, `number` (from 1) in its submission.

    `path` leads from its leaf to the root its provider signed, `inclusion` to the log's root.
    """

    inclusion: Path
    line: Line
    number: Annotated[int, Meta(ge=1, le=MAX_NUMBER)]
    path: Path


class LoggedSubmission(_Part, frozen=True, gc=False, kw_only=True):
    """A submission entry at `position` of the log, and some of its events."""

    entry: Line
    events: Annotated[tuple[LoggedEvent, ...], Meta(min_length=1, max_length=MAX_EVENTS)]
    inclusion: Path
    position: Position


class Evidence(_Part, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """The excerpt. `checkpoint` is the text of the signed note, cosignatures and all.

    With `size` it tells of the first so many entries only, without it of all under the checkpoint.
    """

    checkpoint: Annotated[str, Meta(max_length=1 << 20)]
    credential: Id
    format: Literal["testamur/evidence/1"]
    submissions: Annotated[
        tuple[LoggedSubmission, ...], Meta(min_length=1, max_length=MAX_SUBMISSIONS)
    ]
    size: Position | None = None


_ANEW: Final = "if an editor saved it, get it anew: `testamur evidence`"
_encoder: Final = msgspec.json.Encoder(order="sorted")
_decoder: Final = msgspec.json.Decoder(Evidence)


def parse_evidence(data: bytes) -> Evidence:
    """Return the evidence that `data` spells; raises `Refusal` (rule `evidence`).

    There is one spelling, that of `render_evidence`, so that no two readers see two things. Its
    proofs are not looked at here: `verify.py` does that.
    """
    if len(data) > MAX_EVIDENCE:
        raise Refusal("evidence", f"at most {MAX_EVIDENCE} bytes", value=f"{len(data)} bytes")
    try:
        evidence = _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refusal("evidence", f"not an evidence file: {error}; {_ANEW}") from None
    if render_evidence(evidence).removesuffix(b"\n") != data.removesuffix(b"\n"):
        raise Refusal("evidence", f"not canonical JSON, or a member given twice; {_ANEW}")
    positions = [submission.position for submission in evidence.submissions]
    if positions != sorted(set(positions)):
        raise Refusal("evidence", "submissions must be in log order", value=positions)
    for submission in evidence.submissions:
        numbers = [event.number for event in submission.events]
        if numbers != sorted(set(numbers)):
            raise Refusal(
                "evidence", f"events of {submission.position} must be in order", value=numbers
            )
    return evidence


def render_evidence(evidence: Evidence) -> bytes:
    """Return the file's bytes: canonical JSON and LF."""
    return _encoder.encode(evidence) + b"\n"


def build_evidence(
    reader: LogReader,
    signed_checkpoint: bytes,
    credential: str,
    positions: Sequence[tuple[int, Sequence[int]]],
    *,
    as_of: int | None = None,
) -> Evidence:
    """Return the excerpt at `positions`: (header position, its event positions), in log order.

    Everything comes from the published log under `signed_checkpoint`; `as_of` is the tree size
    that the positions were found for, if not the checkpoint's. Raises `Unavailable`, and
    `Refusal` where the positions are not those of a submission and its events.
    """
    size = Checkpoint.parse(parse_note(signed_checkpoint).text).size
    if as_of is not None and as_of > size:
        raise Refusal("evidence", f"the checkpoint is of size {size}", value=as_of)
    entries = _Entries(reader, size)
    return Evidence(
        checkpoint=signed_checkpoint.decode(),
        credential=credential,
        format="testamur/evidence/1",
        submissions=tuple(
            _excerpt(entries, header, events) for header, events in sorted(positions)
        ),
        size=None if as_of == size else as_of,
    )


class _Entries:
    """The entries of a tree of `size`, unverified; a bundle is read once for all in a row."""

    def __init__(self, reader: LogReader, size: int) -> None:
        self.reader = reader
        self.size = size
        self._bundle: tuple[int, list[bytes]] = (-1, [])

    def at(self, position: int) -> str:
        """Return one entry; raises `Refuted` where it is none of a register."""
        index, within = divmod(position, WIDTH)
        if self._bundle[0] != index:
            end = min(self.size, (index + 1) * WIDTH)
            (self._bundle,) = self.reader.bundles(index * WIDTH, end, size=self.size)
        try:
            return self._bundle[1][within].decode()
        except UnicodeDecodeError:
            raise Refuted(
                f"entry {position} is not UTF-8 text, so no entry of a register"
            ) from None


def _excerpt(entries: _Entries, position: int, events: Sequence[int]) -> LoggedSubmission:
    reader, size = entries.reader, entries.size
    if not 0 <= position < size:
        raise Refusal("evidence", f"a tree of {size} has no such entry", value=position)
    entry = entries.at(position)
    count = parse_submission_entry(entry.encode())[1].payload.events
    if position + count >= size:
        raise Refusal("evidence", f"a tree of {size} cuts the submission at {position}")
    if not all(position < event <= position + count for event in events):
        raise Refusal(
            "evidence",
            f"the submission at {position} has events up to {position + count}",
            value=list(events),
        )
    tree = reader.tree(position + 1, position + 1 + count, size)
    return LoggedSubmission(
        entry=entry,
        events=tuple(
            LoggedEvent(
                inclusion=tuple(reader.inclusion(event, size)),
                line=entries.at(event),
                number=event - position,
                path=tuple(tree.inclusion_proof(event - position - 1)),
            )
            for event in sorted(events)
        ),
        inclusion=tuple(reader.inclusion(position, size)),
        position=position,
    )
