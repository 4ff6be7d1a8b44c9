"""Which log is believed, and on whose word.

A policy, or the verifier keys of one log that stand for the policy "this log, no witnesses", come
from the user. Without one a log can be asked for its own key: then what is checked is that it
agrees with itself, not that it is the log it claims to be, and the user is told so. A policy that
cannot be read is wrong usage, never a verdict on a log.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import httpx2
import typer

from testamur.catalogue.submission import parse_submission_entry
from testamur.cli.files import read
from testamur.cli.terminal import note
from testamur.cli.values import checked_url
from testamur.errors import Refuted, Unavailable
from testamur.http.source import TIMEOUT, is_url, open_source
from testamur.keys import PublicKey
from testamur.tlog.checkpoint import Checkpoint
from testamur.tlog.log_keys import LogKeys
from testamur.tlog.note import ED25519, VerifierKey, parse_note
from testamur.tlog.policy import MAX_POLICY, Log, Policy, parse_policy
from testamur.tlog.reader import read_bundle
from testamur.tlog.source import NotFound, Source
from testamur.tlog.tiles import WIDTH

_HELP = "Policy, or the log's verifier key or keys, a line each: the file, or the key itself."

Trust = Annotated[str, typer.Option("--policy", "--vkey", metavar="FILE|VKEY", help=_HELP)]
MaybeTrust = Annotated[
    str | None,
    typer.Option(
        "--policy",
        "--vkey",
        metavar="FILE|VKEY",
        help=f"{_HELP} Without it, the log's own word for its key is taken.",
    ),
]


@dataclass(frozen=True, slots=True)
class TrustedLog:
    """A log with the checkpoint that a policy believes. `witnesses` are those that cosigned it.

    `own_word` says that the policy, and so the key, came from the log itself.
    """

    source: Source
    keys: LogKeys
    note: bytes
    checkpoint: Checkpoint
    witnesses: tuple[str, ...]
    own_word: bool


def policy_from(given: str) -> Policy:
    """Return the policy in a file, or the one that verifier keys (file or text) stand for."""
    return _policy_in(*_read(given))


def policy_text(given: str) -> str:
    """Return the text of the same, which is a policy or verifier keys, a line each."""
    text, what = _read(given)
    _policy_in(text, what)
    return text if len(text.split()) > 1 else text.strip()


def _read(given: str) -> tuple[str, str]:
    """Return the text of a policy or key, and in words where it was found."""
    path = Path(given)
    # A key holds plus signs; the name of a file that is there rarely does.
    is_file = len(given) < 1000 and path.is_file()
    what = str(path) if is_file else "the key"
    data = read(path, MAX_POLICY) if is_file or "+" not in given else given.encode()
    try:
        return data.decode("utf-8-sig"), what  # some editors put a mark at the head
    except UnicodeDecodeError as error:
        raise typer.BadParameter(f"{what}: {error}", param_hint="--policy") from None


def _policy_in(text: str, what: str) -> Policy:
    lines = [line.split() for line in text.splitlines() if line.strip()]
    try:
        if lines and all(len(words) == 1 for words in lines):
            # What `/log/vkey` serves: every key of one log.
            text = "".join(f"log {key}\n" for (key,) in lines) + "quorum none\n"
            if len(lines) > 1:
                LogKeys(tuple(VerifierKey.parse(key) for (key,) in lines))
        return parse_policy(text)
    except Refuted as error:
        raise typer.BadParameter(f"{what}: {error}", param_hint="--policy") from None


@contextmanager
def opened(place: str) -> Iterator[Source]:
    """Open the log at `place`: a folder, a log's URL or its server's URL."""
    if not is_url(place):
        yield open_source(place)
        return
    with httpx2.Client(timeout=TIMEOUT) as client:
        yield open_source(checked_url(place), client)


def trusted_log(source: Source, given: str | None) -> TrustedLog:
    """Return the log in `source` as of its latest checkpoint, if the policy believes that.

    Raises `Refuted` and `Unavailable` as `Policy.check` does.
    """
    policy = policy_from(given) if given is not None else own_word(source)
    signed = source.fetch("checkpoint")
    verified = policy.check(signed)
    origin = verified.checkpoint.origin
    keys = [log.key for log in policy.logs if log.key.name == origin]
    ed25519 = [key for key in keys if key.algorithm == ED25519]
    if not ed25519:
        raise Unavailable(f"the policy has no Ed25519 key of {origin}, which opened the log")
    witnesses = tuple(name for name, _ in verified.witnesses)
    return TrustedLog(
        source,
        LogKeys(tuple(ed25519)),
        signed,
        verified.checkpoint,
        witnesses,
        own_word=given is None,
    )


def own_word(source: Source) -> Policy:
    """Return the policy to believe the key that the log's genesis names, and tell the user."""
    signed = parse_note(source.fetch("checkpoint"))
    first = _key_of_genesis(source, Checkpoint.parse(signed.text).size)
    keys = LogKeys((first,))
    if (first.name, first.key_id) not in {line.key for line in signed.signatures}:
        keys = _keys_served(source, first) or keys
    note(
        f"No --policy: taking the log's own word that its key is {' or '.join(map(str, keys.keys))}"
        ". The server could have made this log up; compare the key with one you got another way.",
        "yellow",
    )
    return Policy(tuple(map(Log, keys.keys)), (), (), None)


def _keys_served(source: Source, first: VerifierKey) -> LogKeys | None:
    """Return what a log that changed its key says its keys are; None if it serves no such list."""
    try:
        keys = LogKeys.parse(source.fetch("vkey").decode("ascii"))
    except (NotFound, Refuted, UnicodeDecodeError):
        return None
    return keys if first in keys.keys else None


def _key_of_genesis(source: Source, size: int) -> VerifierKey:
    if size == 0:
        raise Unavailable("the log is empty, so it names no key")
    genesis, *_ = read_bundle(source.fetch, 0, min(WIDTH, size))
    _, header = parse_submission_entry(genesis)
    public = PublicKey.from_did_key(header.payload.iss)
    return VerifierKey.of(header.payload.aud, ED25519, public.raw())
