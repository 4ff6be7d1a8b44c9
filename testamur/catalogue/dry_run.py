"""A dry run: events for a registry to judge, in a form that can never be admitted.

    line 1        a compact JWS (RFC 7515) of typ `testamur-check+jws`
    lines 2..n+1  n events, as in a submission

Its signature lets a registry refuse a stranger before it reads line 2. The other `typ`, and the
`jti` that it lacks, keep its receiver from submitting it: no log takes it for a submission.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from testamur.catalogue import submission
from testamur.catalogue.ids import new_id
from testamur.catalogue.members import Did, Kid
from testamur.catalogue.submission import (
    MAX_EVENTS,
    Header,
    Protected,
    SignedHeader,
    Submission,
    base64url_encode,
    canonical_part,
    parse_under,
    signed_header,
    split_jws,
)
from testamur.errors import Refusals
from testamur.keys import PrivateKey
from testamur.tlog.merkle import leaf_hashes, tree_root

MEDIA_TYPE: Final = "application/vnd.testamur.check"
TYP: Final = "testamur-check+jws"


class DryRunProtected(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """The JWS protected header, which differs from that of a submission in `typ`."""

    alg: Literal["ES256", "Ed25519", "EdDSA"]
    kid: Kid
    typ: Literal["testamur-check+jws"]


class DryRunHeader(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """The JWS payload: that of a submission without `jti`."""

    aud: Annotated[str, Meta(min_length=1, max_length=255)]
    events: Annotated[int, Meta(ge=1, le=MAX_EVENTS)]
    iat: Annotated[int, Meta(ge=0, le=253_402_300_799)]
    iss: Did
    root: Annotated[str, Meta(min_length=43, max_length=43)]


_protected: Final = msgspec.json.Decoder(DryRunProtected)
_header: Final = msgspec.json.Decoder(DryRunHeader)
_encoder: Final = msgspec.json.Encoder(order="sorted")


def parse_header(jws: bytes) -> SignedHeader:
    """Return line 1 as if it were submitted, under a `jti` made up here.

    `jws` and the signature are those of the dry run. Raises `Refusal` with a `header-…` rule.
    """
    text, protected64, payload64, signature64 = split_jws(jws)
    protected = canonical_part(_protected, protected64, "protected header")
    payload = canonical_part(_header, payload64, "payload")
    return signed_header(
        text,
        Protected(alg=protected.alg, kid=protected.kid, typ=submission.TYP),
        Header(
            aud=payload.aud,
            events=payload.events,
            iat=payload.iat,
            iss=payload.iss,
            jti=new_id(),
            root=payload.root,
        ),
        signature64,
    )


def parse(body: bytes, header: SignedHeader | None = None) -> Submission:
    """Return the events in `body`, checked against their root; raises the first `Refusal`.

    `header` is line 1, if that was examined before.
    """
    if header is not None:
        return parse_under(header, body)
    return submission.parse(body, parse_header)


def every_refusal(body: bytes) -> Refusals:
    """Return the faults in the form of `body`, as `submission.every_refusal` does."""
    return submission.every_refusal(body, parse_header)


def seal(lines: Sequence[bytes], *, key: PrivateKey, kid: str, aud: str, iat: int) -> bytes:
    """Return the dry run of `lines` (without LF), signed by `key`; they may break every rule.

    `kid` is `<did>#<multikey>` and decides `iss`; `aud` is the log's origin; `iat` is in Unix
    seconds.
    """
    protected = DryRunProtected(alg=key.algorithm, kid=kid, typ=TYP)
    payload = DryRunHeader(
        aud=aud,
        events=len(lines),
        iat=iat,
        iss=kid.partition("#")[0],
        root=base64url_encode(tree_root(leaf_hashes(lines))),
    )
    signed = ".".join(base64url_encode(_encoder.encode(part)) for part in (protected, payload))
    jws = f"{signed}.{base64url_encode(key.sign(signed.encode()))}".encode()
    return b"\n".join((jws, *lines)) + b"\n"
