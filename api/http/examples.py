"""An example of every answer, made from its shape: for the OpenAPI document and its page.

A member has the example that its name has here, or the one of its shape and name where a name
means several things. A text without one stops the document, so that no shape is announced
without an example. Members that may be absent are left out, but those in `_SHOWN`.
"""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import Any, Final

import msgspec
from msgspec import inspect

ID: Final = "019aa5f0-5c00-7000-8000-000000000001"
OTHER_ID: Final = "019aa5f0-5c00-7000-8000-000000000002"
KEY: Final = "z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"
DID: Final = f"did:key:{KEY}"
OTHER_DID: Final = "did:key:z6MkpTHR8VNsBxYAAWHut2Geadd9jSwuBV8xRoAnwWsdvktH"
TIME: Final = "2026-11-21T10:00:00.000Z"
DAY: Final = date(2026, 11, 21)
POSITION: Final = 4096
SIZE: Final = 8192
HASH: Final = bytes(range(32))
CHECKPOINT: Final = (
    "log.example/testamur\n8192\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n\n"
    "\N{EM DASH} log.example/testamur Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe...\n"
)
VKEY: Final = "log.example/testamur+7a1b2c3d+AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA"
LINE: Final = '{"achievement":"' + ID + '","type":"achievement.retired/1"}'
ENTRY: Final = '{"recordedAt":"' + TIME + '","submission":"eyJhbGciOiJFZDI1NTE5Iiwia2lkIjoi..."}'

_TEXTS: Final = {
    "accreditation": OTHER_ID,
    "accreditor": OTHER_DID,
    "achievement": OTHER_ID,
    "achievementType": "MicroCredential",
    "actedFor": DID,
    "after": "2026-08-23T10:00:00.000Z",
    "as": "accreditor",
    "assessment": "writtenExamination",
    "authority": OTHER_DID,
    "by": DID,
    "checkpoint": CHECKPOINT,
    "code": "elements-missing",
    "country": "NL",
    "credential": ID,
    "decision": "positive",
    "detail": "at 8192 of 8192 entries",
    "details": "assessment",
    "did": DID,
    "endPath": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n",
    "entry": ENTRY,
    "event": "credential.issued/1",
    "field": "0811",
    "format": "OpenBadgeCredential/3.0",
    "id": ID,
    "group": "What may follow on what is recorded",
    "issuer": DID,
    "jti": ID,
    "key": KEY,
    "kind": "institutional",
    "languages": "en",
    "line": LINE,
    "lister": KEY,
    "log": "log.example/testamur",
    "mendedBy": "sender",
    "name": "Example College",
    "next": f"/credentials?cursor={POSITION}-Zm9vYmFy&limit=1&size={SIZE}",
    "organization": DID,
    "note": CHECKPOINT,
    "origin": "log.example/testamur",
    "otherIds": "did:web:college.example",
    "otherNames": "Example College of Soil",
    "ownWord": "name",
    "part": "log",
    "participation": "blended",
    "proof": "c2sp.org/tlog-proof@v1\nindex 4096\n...\n",
    "provider": DID,
    "reason": "issuedInError",
    "recognition": ID,
    "recordedAt": TIME,
    "recoveryKeys": KEY,
    "remedy": "define the missing elements in a new version of the achievement",
    "retiredBy": KEY,
    "roles": "provider",
    "rule": "unknown-achievement",
    "says": "An id names an achievement that the register holds, as of the size asked about.",
    "signingKeys": KEY,
    "sponsor": OTHER_DID,
    "status": "active",
    "succession": f"the organization closed at position {POSITION}; {OTHER_DID} acts for it",
    "successor": OTHER_DID,
    "suite": "eddsa-rdfc-2022",
    "supervision": "supervisedOnSiteWithIdentity",
    "type": "/problems/unknown-achievement",
    "unit": "month",
    "url": "https://college.example",
    "value": "https://ror.org/04dkp9463",
    "version": "0.1.0",
    "vkey": VKEY,
}
_OWN: Final[dict[tuple[str, str], Any]] = {
    ("About", "name"): "testamur",
    ("Awarded", "name"): "Soil Science",
    ("BecauseOf", "reason"): "key-compromised",
    ("Definition", "name"): "Soil Science",
    ("Flagged", "firstLine"): 2,
    ("LogEntry", "entry"): LINE,
    ("PartState", "state"): "works",
    ("RefusalReport", "detail"): "no such achievement: define it first",
    ("RefusalReport", "value"): OTHER_ID,
    ("Signer", "id"): "7a1b2c3d",
    ("Signer", "name"): "log.example/testamur",
    ("Sums", "issuances"): 3,
    ("TileLevel", "level"): "0",
    ("TileLevel", "newestFile"): "/log/tile/0/031",
}
_NUMBERS: Final = {
    "amount": 60,
    "count": 1,
    "depth": 0,
    "endings": 0,
    "events": 1,
    "firstLine": 2,
    "flagged": 0,
    "full": 32,
    "grants": 0,
    "issuances": 1,
    "issued": 1,
    "leftOff": 0,
    "line": 2,
    "number": 1,
    "partial": 0,
    "rank": 1,
    "reinstated": 0,
    "revoked": 0,
    "size": SIZE,
    "superseded": 0,
    "suspended": 0,
    "value": 6,
    "version": 1,
}
_FALSE: Final = frozenset({"cut", "repeated", "root"})
_SHOWN: Final = frozenset({"accreditation", "next", "signed", "sponsor"})
_LINKS: Final = {
    "About": {"checkpoint": "/log/checkpoint", "organizations": "/organizations"},
    "AccreditationAnswer": {"self": f"/accreditations/{ID}"},
    "AchievementAnswer": {"self": f"/achievements/{ID}"},
    "BranchLine": {"organization": f"/organizations/{DID}", "recognition": f"/recognitions/{ID}"},
    "CredentialAnswer": {"self": f"/credentials/{ID}", "issuer": f"/organizations/{DID}"},
    "CredentialLine": {"self": f"/credentials/{ID}", "issuer": f"/organizations/{DID}"},
    "HistoryLine": {"entry": f"/entries?start={POSITION}&limit=1", "by": f"/organizations/{DID}"},
    "LogAnswer": {"self": "/log", "checkpoint": "/log/checkpoint"},
    "NumbersAnswer": {"self": f"/organizations/{DID}/numbers"},
    "OrganizationAnswer": {"self": f"/organizations/{DID}", "keys": f"/organizations/{DID}/keys"},
    "Predecessor": {"organization": f"/organizations/{DID}"},
    "ProviderLine": {
        "provider": f"/organizations/{DID}",
        "accreditation": f"/accreditations/{OTHER_ID}",
    },
    "RecognisedAnswer": {"self": f"/organizations/{DID}/recognised"},
    "ProvenEntry": {"self": f"/entries/{POSITION}", "submission": f"/submissions/{DID}/{ID}"},
    "RecognitionAnswer": {"self": f"/recognitions/{ID}"},
    "SubmissionLine": {"self": f"/submissions/{DID}/{ID}"},
    "Successor": {"organization": f"/organizations/{DID}"},
}


@cache
def example(shape: Any) -> Any:
    """Return an example of a struct, or of a list of them, as JSON that is decoded.

    Raises `LookupError` for a member that has none.
    """
    return msgspec.to_builtins(_example(inspect.type_info(shape), "", ""))


def _example(kind: inspect.Type, owner: str, name: str) -> Any:
    own = _OWN.get((owner, name))
    if own is not None:
        return own
    match kind:
        case inspect.StructType():
            return _struct(kind)
        case inspect.UnionType(types=types):
            kinds = [each for each in types if not isinstance(each, inspect.NoneType)]
            return _example(kinds[0], owner, name)
        case inspect.VarTupleType(item_type=item):
            return [] if _is_empty(item, name) else [_example(item, owner, name)]
        case inspect.TupleType(item_types=items):
            return [_example(item, owner, name) for item in items]
    return _leaf(kind, owner, name)


def _is_empty(item: inspect.Type, name: str) -> bool:
    """Return whether a list is empty in an example: nothing is flagged, and nothing is wrong."""
    return isinstance(item, inspect.EnumType) or name in {"acts", "notCounted"}


def _struct(kind: inspect.StructType) -> dict[str, Any]:
    owner = kind.cls.__name__
    tag = {} if kind.tag_field is None else {kind.tag_field: kind.tag}
    return tag | {
        field.encode_name: _example(field.type, owner, field.encode_name)
        for field in kind.fields
        if field.required or field.encode_name in _SHOWN
    }


def _leaf(kind: inspect.Type, owner: str, name: str) -> Any:
    found: Any
    match kind:
        case inspect.LiteralType(values=values):
            found = _TEXTS[name] if _TEXTS.get(name) in values else values[0]
        case inspect.EnumType(cls=enum):
            found = next(iter(enum)).value
        case inspect.BoolType():
            found = name not in _FALSE
        case inspect.IntType():
            found = _NUMBERS.get(name, POSITION)
        case inspect.DateType():
            found = DAY
        case inspect.BytesType(min_length=length):
            found = HASH * 2 if length == 64 else HASH
        case inspect.DictType():
            found = _found(_LINKS, owner, name, owner)
        case _:
            found = _found(_TEXTS, name, name, owner)
    return found


def _found(examples: dict[str, Any], key: str, name: str, owner: str) -> Any:
    if key not in examples:
        raise LookupError(f"write an example of {name} in {owner} into {__name__}")
    return examples[key]
