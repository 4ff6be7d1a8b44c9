"""Files made to cost their reader as much as a file of that kind may hold.

A shape is a JSON value of a given number of bytes, all of one thing. Each is put into the places
of a file where its reader comes by. Files that are no JSON are in `hostile_kinds.py`.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from typing import Any, Final

from testamur.canonical import MAX_VALUES, jcs
from testamur.keys import PrivateKey, base58_encode

Shape = Callable[[int], bytes]
Document = dict[str, Any]

_HOLE: Final = "here goes the shape"


def many(item: bytes) -> Shape:
    """Return the shape of an array that holds `item` again and again."""
    return lambda size: _array(item, (size - 2) // (len(item) + 1))


def as_many_as_are_read(item: bytes) -> Shape:
    """Return the same shape with no more values than a reader takes, then one long text."""
    each = 1 + sum(map(item.count, (b",", b"[", b"{")))

    def made(size: int) -> bytes:
        count = min((MAX_VALUES - 1_000) // each, (size - 10) // (len(item) + 1))
        array = _array(item, count)
        return array[:-1] + b',"' + b"a" * (size - len(array) - 3) + b'"]'

    return made


def _array(item: bytes, count: int) -> bytes:
    return b"[" + b",".join([item] * count) + b"]"


def long(begin: bytes, item: bytes, end: bytes = b"") -> Shape:
    """Return the shape of one value that goes on and on."""
    return lambda size: begin + item * ((size - len(begin) - len(end)) // len(item)) + end


def _keys(size: int) -> bytes:
    count = min(size // 12, MAX_VALUES - 1_000)
    return b"{" + b",".join(b'"%x":0' % number for number in range(count)) + b"}"


def _nested(left: bytes, right: bytes, depth: int) -> bytes:
    return left * depth + b"0" + right * depth


_ITEMS: Final[dict[str, bytes]] = {
    "empty arrays": b"[]",
    "empty objects": b"{}",
    "objects of one member": b'{"a":0}',
    "arrays in arrays": _nested(b"[", b"]", 40),
    "objects in objects": _nested(b'{"a":', b"}", 40),
    "zeros": b"0",
    "fractions": b"1.5",
    "whole floats": b"1.0",
    "small floats": b"1e-9",
    "the smallest floats": b"5e-324",
    "the largest floats": b"1e308",
    "long floats": b"2.2250738585072011e-308",
    "floats to the last digit": b"0.%0750d1" % 0,
    "minus zeros": b"-0",
    "empty texts": b'""',
    "texts of two characters": '"é€"'.encode(),
    "nulls": b"null",
    "integers beyond 2^53": b"9007199254740993",
}
OVERFULL: Final[dict[str, Shape]] = {name: many(item) for name, item in _ITEMS.items()}
"""Many small values, as many as there is room for."""
SHAPES: Final[dict[str, Shape]] = {
    **{name: as_many_as_are_read(item) for name, item in _ITEMS.items()},
    "keys": _keys,
    "keys that are not ASCII": lambda size: _keys(size).replace(b'"', '"é'.encode(), 2),
    "one text": long(b'"', b"a", b'"'),
    "one text with one character of four bytes": long('"\U0001f600'.encode(), b"a", b'"'),
    "one text of control characters": long(b'"', b"\\u0001", b'"'),
    "one text of escapes": long(b'"', b"\\u00e9", b'"'),
    "one text of surrogate pairs": long(b'"', b"\\ud83d\\ude00", b'"'),
    "one text of characters that do not print": long(b'"\\ue000', "\U000e0001".encode(), b'"'),
    "a lone surrogate at the end": long('"\U0001f600'.encode(), b"a", b'\\ud800"'),
    "one text of quotes": long(b'"', b'\\"', b'"'),
    "one text of commas": long(b'"', b",", b'"'),
    "texts of escaped quotes and commas": as_many_as_are_read(b'"\\",\\\\"'),
    "one integer": long(b"", b"9"),
    "one fraction": long(b"0.", b"1"),
    "one exponent": long(b"1e-", b"0", b"1"),
    "an array in an array, all the way": long(b"", b"["),
    "an object in an object, all the way": long(b"", b'{"a":'),
    "spaces": long(b"[", b" ", b"]"),
}
"""One large value, or many small ones, but no more than are read."""


def placed(document: Any, shape: bytes) -> bytes:
    """Return the document as JSON, the shape standing where the hole was left."""
    return compact(document).replace(json.dumps(_HOLE).encode(), shape)


def compact(document: Any) -> bytes:
    """Return the document as evidence files spell it."""
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return text.encode()


def with_hole(document: Document, *path: str | int) -> Document:
    """Return a copy with a hole at `path`."""
    copy: Any = json.loads(json.dumps(document))
    place = copy
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = _HOLE
    return dict(copy)


CREDENTIAL_PLACES: Final[dict[str, tuple[str | int, ...]]] = {
    "any member": ("more",),
    "@context": ("@context",),
    "alignment": ("credentialSubject", "achievement", "alignment"),
    "identifier": ("credentialSubject", "identifier"),
    "name": ("credentialSubject", "achievement", "name"),
    "proof": ("proof",),
    "type": ("type",),
}


def alignments(size: int) -> bytes:
    """Return as many alignments as fit, each of which has to be looked up in the code lists."""
    found = {"targetCode": "x", "targetName": "x", "targetType": "ext:AssessmentType",
             "targetUrl": "x"}  # fmt: skip
    return as_many_as_are_read(compact(found))(size)


def signed_proofs(credential: Document, filling: Any, number: int, *, chained: bool) -> Document:
    """Return the credential with sixteen proofs that hold, by keys that anybody can make.

    Each proof holds `filling` `number` times. If chained, each builds on all that stand before it.
    """
    proofs: list[Document] = []
    for each in range(16):
        key = PrivateKey("Ed25519", hashlib.sha256(b"%d" % each).digest())
        did = key.public.did_key()
        options = {
            "type": "DataIntegrityProof",
            "cryptosuite": "eddsa-jcs-2022",
            "id": f"urn:proof:{each}",
            "more": [filling] * number,
            "proofPurpose": "assertionMethod",
            "verificationMethod": f"{did}#{did.removeprefix('did:key:')}",
        }
        document = {name: value for name, value in credential.items() if name != "proof"}
        if chained and proofs:
            options["previousProof"] = [proof["id"] for proof in proofs]
            document["proof"] = proofs
        digests = (hashlib.sha256(jcs(part)).digest() for part in (options, document))
        proofs.append({**options, "proofValue": "z" + base58_encode(key.sign(b"".join(digests)))})
    return {**credential, "proof": proofs}


def one_hash() -> str:
    """Return a hash as evidence spells it."""
    return base64.b64encode(bytes(32)).decode()
