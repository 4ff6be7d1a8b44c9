"""A submission: one signature over a Merkle root, and the event lines under that root.

    line 1        a compact JWS (RFC 7515): the header
    lines 2..n+1  n events, one a line, each canonical JSON; every line ends in LF

A submission that `parse` accepts is well-formed and its lines lead to the root in its header;
one that also passes `verify_signature` was signed by that key, for the log named in `aud`.
Whether the signer may cause these events is decided in `rules/`.
"""

from __future__ import annotations

import binascii
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from typing import Annotated, Final, Literal, TypeAlias, TypeVar

import msgspec
from msgspec import Meta

from testamur.catalogue.events import Event
from testamur.catalogue.lines import bad_lines, decode_events
from testamur.catalogue.members import Did, Kid
from testamur.errors import Refusal, Refusals
from testamur.keys import ALGORITHMS, PrivateKey, PublicKey
from testamur.private_keys import THIS_IS_ONE, holds_private_key
from testamur.tlog.merkle import leaf_hashes, tree_root
from testamur.tlog.tiles import MAX_ENTRY

MAX_EVENTS: Final = 100_000
MAX_BYTES: Final = 64 * 1024 * 1024
# A JWS grows by a third in base64, and its entry adds `recordedAt` around it.
MAX_HEADER: Final = 4096
MEDIA_TYPE: Final = "application/vnd.testamur.submission"
TYP: Final = "testamur-submission+jws"

_T = TypeVar("_T")


class Protected(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """The JWS protected header: an allow-list, nothing else."""

    alg: Literal["ES256", "Ed25519", "EdDSA"]
    kid: Kid
    typ: Literal["testamur-submission+jws"]


class Header(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """The JWS payload. `iat` is in Unix seconds; `root` is base64url of 32 bytes."""

    aud: Annotated[str, Meta(min_length=1, max_length=255)]
    events: Annotated[int, Meta(ge=1, le=MAX_EVENTS)]
    iat: Annotated[int, Meta(ge=0, le=253_402_300_799)]
    iss: Did
    jti: Annotated[
        str,
        Meta(
            pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$(?!\n)"
        ),
    ]
    root: Annotated[str, Meta(min_length=43, max_length=43)]


class SubmissionEntry(
    msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True, rename="camel"
):
    """The entry that the registry writes on the log ahead of the event lines."""

    recorded_at: Annotated[
        str,
        Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$(?!\n)"),
    ]
    submission: Annotated[str, Meta(max_length=MAX_HEADER)]


_protected: Final = msgspec.json.Decoder(Protected)
_header: Final = msgspec.json.Decoder(Header)
_entry: Final = msgspec.json.Decoder(SubmissionEntry)
_encoder: Final = msgspec.json.Encoder(order="sorted")
# `base64` does the same by several calls in Python, and each header has four parts, read twice.
_TO_URL: Final = bytes.maketrans(b"+/", b"-_")
_FROM_URL: Final = bytes.maketrans(b"-_", b"+/")


@dataclass(frozen=True)
class SignedHeader:
    """Line 1, taken apart. Nothing about its signature has been checked yet.

    `root` is the 32-byte tree hash over the event lines that the signer committed to.
    """

    jws: str
    protected: Protected
    payload: Header
    signature: bytes
    root: bytes

    @cached_property
    def key_id(self) -> str:
        """The fragment of `kid`, which is the Multikey of the key."""
        return self.protected.kid.partition("#")[2]

    def key(self) -> PublicKey:
        """Return the key that `kid` names; raises `Refusal` (rule `key-form`)."""
        try:
            return PublicKey.from_multikey(self.key_id)
        except Refusal as refusal:
            raise refusal.at(1) from None

    @property
    def signing_input(self) -> str:
        """The bytes under the signature (RFC 7515 section 5.2), which identify the submission.

        The signature itself does not: anybody can make a second ES256 signature for the same bytes
        by negating its S.
        """
        return self.jws.rpartition(".")[0]

    def verify_signature(self, key: PublicKey) -> None:
        """Raise `Refusal` (rules `key-algorithm`, `signature`) unless `key` signed this header."""
        if ALGORITHMS[self.protected.alg] != key.curve:
            raise Refusal(
                "key-algorithm",
                f"{self.protected.kid} is a {key.curve} key",
                line=1,
                value=self.protected.alg,
            )
        try:
            key.verify(self.signature, self.signing_input.encode())
        except ValueError as error:
            raise Refusal("signature", str(error), line=1, value=self.protected.kid) from None

    def verify_count(self, lines: int) -> None:
        """Raise `Refusal` (rule `event-count`) unless this many event lines were signed."""
        if lines != self.payload.events:
            raise Refusal(
                "event-count",
                f"the header announces {self.payload.events} events",
                line=1,
                value=f"{lines} lines",
            )

    def verify_root(self, leaves: Sequence[bytes]) -> None:
        """Raise `Refusal` (rules `event-count`, `root`) unless `leaves` are what was signed."""
        self.verify_count(len(leaves))
        computed = tree_root(leaves)
        if computed != self.root:
            raise Refusal(
                "root",
                f"the event lines lead to root {base64url_encode(computed)}, "
                "so a line was changed, added, dropped or moved after signing",
                line=1,
                value=self.payload.root,
            )


ReadHeader: TypeAlias = Callable[[bytes], SignedHeader]


@dataclass(frozen=True)
class Submission:
    """A well-formed submission: n event lines (bytes without LF), decoded, with leaf hashes."""

    header: SignedHeader
    lines: list[bytes]
    events: list[Event]
    leaves: list[bytes]


def parse(body: bytes, read_header: ReadHeader | None = None) -> Submission:
    """Return the submission in `body`, its lines checked against its root.

    `read_header` takes line 1 apart, by default `parse_header`. Raises `Refusal`, naming the first
    rule broken and the line.
    """
    first, lines = _split(body)
    header = (read_header or parse_header)(first)
    header.verify_count(len(lines))  # before any line is hashed or decoded
    leaves = leaf_hashes(lines)
    events = decode_events(lines)
    header.verify_root(leaves)
    return Submission(header, lines, events, leaves)


def first_line(start: bytes) -> bytes | None:
    """Return line 1 of a body that begins with `start`; None if its end has yet to come.

    Raises `Refusal` (rule `header-size`) once it is too long.
    """
    end = start.find(b"\n", 0, MAX_HEADER + 1)
    if end >= 0:
        return start[:end]
    if len(start) > MAX_HEADER:
        raise Refusal(
            "header-size",
            f"at most {MAX_HEADER} bytes",
            line=1,
            value=f"more than {MAX_HEADER} bytes",
        )
    return None


def parse_under(header: SignedHeader, body: bytes) -> Submission:
    """Return the submission in `body`, whose line 1 is `header`, examined before.

    The root is checked before any line is decoded: what nobody signed costs hashing alone, and
    anybody can copy a signed line 1 from the log. Raises `Refusal`.
    """
    _, lines = _split(body)
    header.verify_count(len(lines))
    leaves = leaf_hashes(lines)
    header.verify_root(leaves)
    return Submission(header, lines, decode_events(lines), leaves)


def every_refusal(body: bytes, read_header: ReadHeader | None = None) -> Refusals:
    """Return the faults in the form of `body`: its header, its count of events, each bad line."""
    if holds_private_key(body):
        return Refusals([Refusal("private-key", THIS_IS_ONE)])
    try:
        first, lines = _split(body)
    except Refusal as refusal:
        return Refusals([refusal])
    found = Refusals()
    try:
        header = (read_header or parse_header)(first)
        header.verify_root(leaf_hashes(lines))
    except Refusal as refusal:
        found.add(refusal)
    for each in bad_lines(lines):
        found.add(each)
    return found


def every_refusal_of_events(data: bytes) -> Refusals:
    """Return the faults in the form of a file of events: a submission that lacks its line 1.

    Lines are numbered as there, from 2 on. Nothing as large as the file is made of it.
    """
    if holds_private_key(data):
        return Refusals([Refusal("private-key", THIS_IS_ONE)])
    try:
        _check_lines(data, above=1)
    except Refusal as refusal:
        return Refusals([refusal])
    return Refusals(bad_lines(event_lines(data)))


def event_lines(data: bytes) -> Iterator[bytes]:
    """Yield the lines of a file of events, without LF."""
    at = 0
    while (end := data.find(b"\n", at)) >= 0:
        yield data[at:end]
        at = end + 1


def parse_header(jws: bytes) -> SignedHeader:
    """Return line 1 taken apart; raises `Refusal` with a `header-…` rule."""
    text, protected64, payload64, signature64 = split_jws(jws)
    protected = _protected_header(protected64)
    payload = canonical_part(_header, payload64, "payload")
    return signed_header(text, protected, payload, signature64)


def split_jws(jws: bytes) -> tuple[str, str, str, str]:
    """Return a compact JWS as text, and its three parts; raises `Refusal`."""
    if len(jws) > MAX_HEADER:
        raise Refusal(
            "header-size", f"at most {MAX_HEADER} bytes", line=1, value=f"{len(jws)} bytes"
        )
    try:
        text = jws.decode("ascii")
        protected64, payload64, signature64 = text.split(".")
    except ValueError:
        raise Refusal(
            "header-form",
            "line 1 must be a compact JWS: three base64url parts joined by two dots",
            line=1,
            value=jws[:60].decode("utf-8", "backslashreplace"),
        ) from None
    return text, protected64, payload64, signature64


def signed_header(
    text: str, protected: Protected, payload: Header, signature64: str
) -> SignedHeader:
    """Return a JWS put together of its parts; raises `Refusal` if they do not fit."""
    signature = base64url_decode(signature64)
    if len(signature) != 64:
        raise Refusal(
            "header-signature",
            "a signature has 64 bytes",
            line=1,
            value=f"{len(signature)} bytes",
        )
    if protected.kid.partition("#")[0] != payload.iss:
        raise Refusal(
            "key-of-another-organization",
            f"kid must be a key of the issuer {payload.iss}",
            line=1,
            value=protected.kid,
        )
    return SignedHeader(text, protected, payload, signature, base64url_decode(payload.root))


def seal(
    lines: Sequence[bytes], *, key: PrivateKey, kid: str, aud: str, iat: int, jti: str
) -> bytes:
    """Return the whole submission file over `lines` (without LF), signed by `key`.

    `kid` is `<did>#<multikey>` and decides `iss`; `aud` is the log's origin; `iat` is in Unix
    seconds. The result has passed `parse`.
    """
    protected = Protected(alg=key.algorithm, kid=kid, typ=TYP)
    payload = Header(
        aud=aud,
        events=len(lines),
        iat=iat,
        iss=kid.partition("#")[0],
        jti=jti,
        root=base64url_encode(tree_root(leaf_hashes(lines))),
    )
    signed = ".".join(base64url_encode(_encoder.encode(part)) for part in (protected, payload))
    jws = f"{signed}.{base64url_encode(key.sign(signed.encode()))}"
    body = b"\n".join((jws.encode(), *lines)) + b"\n"
    parse(body)
    return body


def submission_entry(jws: str, recorded_at: int) -> bytes:
    """Return the entry that precedes the events; `recorded_at` is in Unix milliseconds."""
    return _encoder.encode(SubmissionEntry(format_time(recorded_at), jws))


def parse_submission_entry(entry: bytes) -> tuple[int, SignedHeader]:
    """Return (`recordedAt` in Unix milliseconds, header) of a submission entry, strictly."""
    try:
        parsed = _entry.decode(entry)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refusal(
            "submission-entry",
            f"not a submission entry: {error}",
            value=entry[:60].decode("utf-8", "backslashreplace"),
        ) from None
    if _encoder.encode(parsed) != entry:
        raise Refusal("canonical-json", "the submission entry is not RFC 8785 canonical JSON")
    return parse_time(parsed.recorded_at), parse_header(parsed.submission.encode())


@lru_cache(maxsize=64)  # a group of submissions is recorded at one moment
def format_time(milliseconds: int) -> str:
    """Return Unix milliseconds as RFC 3339 in UTC, such as `2026-11-21T10:00:00.000Z`."""
    seconds, rest = divmod(milliseconds, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:03d}Z"


@lru_cache(maxsize=64)  # as above
def parse_time(text: str) -> int:
    """Return Unix milliseconds; raises `Refusal` unless `format_time` writes `text` back."""
    milliseconds = -1
    try:
        moment = datetime.fromisoformat(text)
        milliseconds = int(moment.timestamp()) * 1000 + moment.microsecond // 1000
        # The last hours of the year 9999 are in the year 10000 of other zones.
        spelled = format_time(milliseconds) if milliseconds >= 0 else None
    except (ValueError, OverflowError):
        spelled = None
    if spelled != text:
        raise Refusal("time", "not an RFC 3339 UTC time with milliseconds", value=text)
    return milliseconds


def base64url_encode(data: bytes) -> str:
    """Return base64url without padding (RFC 7515 section 2)."""
    return binascii.b2a_base64(data, newline=False).translate(_TO_URL).rstrip(b"=").decode()


def base64url_decode(text: str) -> bytes:
    """Return the bytes; raises `Refusal` (rule `base64url`) unless `text` is their one spelling."""
    try:
        padding = b"=" * (-len(text) % 4)
        data = binascii.a2b_base64(text.encode().translate(_FROM_URL) + padding)
    except ValueError:  # of which `binascii.Error` is one
        data = b""
    if base64url_encode(data) != text:
        raise Refusal("base64url", "not base64url without padding", line=1, value=text[:60])
    return data


def _split(body: bytes) -> tuple[bytes, list[bytes]]:
    _check_lines(body)
    first, *lines = body.split(b"\n")
    lines.pop()  # what follows the last LF; to cut it off beforehand would copy the whole body
    for number, line in enumerate(lines, start=2):
        if len(line) > MAX_ENTRY:
            raise Refusal(
                "entry-size",
                f"an entry is at most {MAX_ENTRY} bytes",
                line=number,
                value=f"{len(line)} bytes",
            )
    return first, lines


def _check_lines(body: bytes, above: int = 0) -> None:
    """Raise `Refusal` for a body that is not whole lines, no more than a submission holds.

    `above` is how many lines of a submission are missing above it.
    """
    if len(body) > MAX_BYTES:
        raise Refusal("submission-size", f"at most {MAX_BYTES} bytes", value=f"{len(body)} bytes")
    if not body:
        raise Refusal("submission-empty", "the body is empty")
    if not body.endswith(b"\n"):
        raise Refusal(
            "submission-truncated",
            "every line must end in LF; the last one does not, so the upload may be cut off",
            line=above + body.count(b"\n") + 1,
            # The end of a key is no less secret, and cannot be told from other text.
            value=None
            if holds_private_key(body)
            else body[-40:].decode("utf-8", "backslashreplace"),
        )
    # Counted before it is split: a body of nothing but LFs would be 64 million lines.
    count = above + body.count(b"\n") - 1
    if not 1 <= count <= MAX_EVENTS:
        raise Refusal(
            "event-count", f"a submission holds 1 to {MAX_EVENTS} events", value=f"{count} events"
        )


@lru_cache(maxsize=1024)  # one for each key that is in use, most of the time
def _protected_header(part: str) -> Protected:
    return canonical_part(_protected, part, "protected header")


def canonical_part(decoder: msgspec.json.Decoder[_T], part: str, what: str) -> _T:
    """Return the canonical JSON object that a part of a JWS spells; raises `Refusal`."""
    data = base64url_decode(part)
    try:
        value = decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refusal(
            "header-schema",
            f"JWS {what}: {error}",
            line=1,
            value=data[:80].decode("utf-8", "backslashreplace"),
        ) from None
    if _encoder.encode(value) != data:
        raise Refusal(
            "header-canonical",
            f"JWS {what} is not RFC 8785 canonical JSON",
            line=1,
            value=data[:80].decode("utf-8", "backslashreplace"),
        )
    return value
