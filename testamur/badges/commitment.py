"""The blinded commitment: what the log holds instead of a credential.

    commitment = SHA-256("testamur/credential/1" LF || blind || SHA-256(JCS(credential)))

where `credential` is without its top-level `proof` (so that it may be signed, or signed anew,
later) and `blind` is 32 random bytes made for this credential alone. With credential and blind
one can show that the log means this credential. Without the blind one cannot even test a guess;
once it is erased, nobody can. A holder file carries both to the holder. An opened
commitment says nothing about the credential's own proof (`data_integrity.py`) or its status.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from testamur.badges.baked import unbaked
from testamur.badges.blockcert_versions import version_of
from testamur.badges.other_files import recognised, recognised_json
from testamur.canonical import MAX_DEPTH, MAX_DOCUMENT, MAX_VALUES, jcs, parse_strict
from testamur.catalogue.ids import Uuid7
from testamur.catalogue.members import FORMS, Origin
from testamur.errors import Refusal, Refuted
from testamur.schema import explained

BLIND_SIZE: Final = 32
# The tag keeps these hashes apart from every other use of SHA-256; the LF ends it, so no
# tag is the beginning of another.
_DOMAIN: Final = b"testamur/credential/1\n"

# What goes beside a badge (`MAX_BADGE_VALUES`): the members around it, and a proof that repeats its
# @context, deeper. In canonical form a number grows by twelve characters at most: 1e15 has sixteen.
MAX_HOLDER_FILE: Final = 2 * MAX_DOCUMENT + 16 * MAX_VALUES
_MAX_HOLDER_DEPTH: Final = MAX_DEPTH + 3


_HOLDER: Final = "testamur/holder/"
_WANTED: Final = (
    "give the holder file that the provider made for the learner: only the blind in it tells what "
    "was logged"
)
_ATTACHED: Final = "a certificate has it attached as credential.json: save that, and give it"


class HolderFile(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag_field="type",
    tag="testamur/holder/1",
):
    """What a holder gets: the credential, its id on the log, and the blind that links the two.

    Its bearer can prove the credential and follow its status: it is personal data.
    """

    blind: Annotated[bytes, Meta(min_length=BLIND_SIZE, max_length=BLIND_SIZE)]
    credential: dict[str, Any]
    id: Uuid7
    log: Origin | None

    def __repr__(self) -> str:
        # A blind must not reach a log file by way of a traceback.
        return f"HolderFile(id={self.id!r}, log={self.log!r})"


def new_blind() -> bytes:
    """Return 32 bytes from the operating system's randomness.

    Never derive a blind from anything kept: erasing it must erase the link for good.
    """
    return secrets.token_bytes(BLIND_SIZE)


def commit(credential: dict[str, Any], blind: bytes) -> bytes:
    """Return the 32-byte commitment to `credential` under the 32-byte `blind`.

    Raises `Refusal` (`blind-size`, `canonical-json`).
    """
    if len(blind) != BLIND_SIZE:
        raise Refusal("blind-size", f"a blind has {BLIND_SIZE} bytes", value=f"{len(blind)} bytes")
    claims = {name: value for name, value in credential.items() if name != "proof"}
    return hashlib.sha256(_DOMAIN + blind + hashlib.sha256(jcs(claims)).digest()).digest()


def verify_commitment(credential: dict[str, Any], blind: bytes, commitment: bytes) -> None:
    """Raise `Refuted` unless `credential` and `blind` open `commitment`."""
    opened = commit(credential, blind)
    if opened != commitment:
        raise Refuted(
            f"credential and blind make commitment {opened.hex()}, not {commitment.hex()}"
        )


def render_holder_file(holder: HolderFile) -> bytes:
    """Return the file's bytes: one line of canonical JSON, ended by LF.

    A number such as 3.0 in the credential becomes 3. The commitment is to this form in any
    case, and both eddsa-jcs-2022 and the RDF suites sign the value, not its spelling.
    """
    return jcs(msgspec.to_builtins(holder)) + b"\n"


def _parsed(data: bytes) -> Any:
    if not data.strip():
        raise Refusal("holder-file", f"the file is empty; {_WANTED}")
    return parse_strict(data, max_bytes=MAX_HOLDER_FILE, max_depth=_MAX_HOLDER_DEPTH)


class BareBlockcert(Refusal):
    """A Blockcert without a blind: its own receipt can be examined, and nothing on the log."""

    def __init__(self, credential: dict[str, Any]) -> None:
        super().__init__(
            "blind-missing",
            f"this is a Blockcert without its blind; {_WANTED}",
            value=credential.get("id"),
        )
        self.credential = credential


def read_holder_file(data: bytes) -> HolderFile:
    """Return the holder file that `data` spells, however it is laid out, or holds as a picture.

    The commitment is to the canonical form of the credential, so a file that some program indented
    or sorted otherwise is as good as ours, and one that was tampered with does not open it. Raises
    `Refusal`: those of `parse_strict` and `unbaked`, `blind-missing` for a bare credential
    (`BareBlockcert` if it is one), those of `other_files.py` for what else a file may be,
    `holder-file` for anything that is no holder file.
    """
    other = recognised(data)
    if other is None:
        found = _parsed(data)
        other = recognised_json(found)
    elif other.rule == "baked-badge":
        found = unbaked(data)
        other = other if found is None else None
    if other is not None:
        wanted = f"{_WANTED}; {_ATTACHED}" if data.startswith(b"%PDF-") else _WANTED
        raise Refusal(other.rule, f"this is {other.what}; {wanted}")
    if isinstance(found, dict) and "blind" not in found and version_of(found) is not None:
        raise BareBlockcert(found)
    if isinstance(found, dict) and "blind" not in found and "credentialSubject" in found:
        raise Refusal(
            "blind-missing",
            f"this is a credential without its blind; {_WANTED}",
            value=found.get("id"),
        )
    try:
        holder = msgspec.convert(found, HolderFile)
    except msgspec.ValidationError as error:
        if not isinstance(found, dict) or not str(found.get("type")).startswith(_HOLDER):
            raise Refusal("holder-file", f"this is no holder file; {_WANTED}") from None
        detail, value = explained(error, found, FORMS, HolderFile)
        # A blind is a secret, whatever its form.
        shown = None if "`$.blind`" in str(error) else value
        raise Refusal("holder-file", detail, value=shown) from None
    if "type" not in found:
        raise Refusal("holder-file", "the member `type` is missing")
    if base64.b64encode(holder.blind).decode() != found["blind"]:
        raise Refusal("holder-file", "the blind is not in padded standard base64")
    return holder
