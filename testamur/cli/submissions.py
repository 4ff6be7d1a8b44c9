"""From events to a receipt: check them, sign them, hand them in."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from testamur.cli.files import read, read_key, write
from testamur.cli.outcome import REFUTED, UNCHECKED, described
from testamur.cli.terminal import Json, note, say, show_fields, show_json, show_table
from testamur.cli.trust import MaybeTrust, opened, own_word, policy_from
from testamur.cli.values import Log, MaybeUrl, NewFile, Url
from testamur.client import GRADES, Registry, Wait
from testamur.errors import Refusal
from testamur.ids import new_id
from testamur.policy import Policy
from testamur.receipt import Flagged, Receipt, verify_receipt
from testamur.submission import MAX_BYTES, every_refusal, parse, seal

app = typer.Typer()

Submission = Annotated[
    Path, typer.Argument(metavar="SUBMISSION", help="File made by `testamur sign`.")
]


@app.command()
def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Events, or a submission.")],
    url: MaybeUrl = None,
    *,
    json: Json = False,
) -> None:
    """List everything that is wrong with a file of events, or with a submission.

    The form is checked here. With --url, the registry also tries a submission against its rules,
    and records nothing.

    Example: `testamur check cohort.submission --url https://registry.example`
    """
    data = read(file, MAX_BYTES)
    refusals = _wrong_form(data)
    found: dict[str, Any] = {"file": str(file), "events": _count(data)}
    flags: tuple[Flagged, ...] = ()
    if url is not None and not refusals:
        if _unsigned(data):
            raise typer.BadParameter("the registry checks submissions; run `testamur sign` first")
        with _registry(url, patience=5) as registry:
            dry_run = registry.check(data)
        refusals = [each.refusal() for each in dry_run.refusals]
        flags = dry_run.flags
        found |= {"registry": url, "size": dry_run.size}
    if json:
        listed = [described(each) for each in refusals]
        show_json({**found, "refusals": listed, "flags": msgspec.to_builtins(flags)})
    else:
        _show_check(found, refusals, flags)
    raise typer.Exit(REFUTED if refusals else 0)


@app.command()
def sign(
    events: Annotated[Path, typer.Argument(metavar="EVENTS", help="File of events, one a line.")],
    key: Annotated[Path, typer.Option(metavar="KEY", help="Key file.")],
    log: Log,
    out: NewFile,
    kid: Annotated[
        str | None,
        typer.Option(metavar="DID#ID", help="Name of the key; by default, its did:key's own."),
    ] = None,
    *,
    json: Json = False,
) -> None:
    """Sign a file of events for one log.

    One signature covers them all: a registry records all of them or none.

    Example: `testamur sign events.ndjson --key provider.key --log log.example/testamur
    --out cohort.submission`
    """
    data = read(events, MAX_BYTES)
    if not _unsigned(data):
        raise Refusal("events-file", f"{events} is not a file of events: it begins with no object")
    wrong = _wrong_form(data)
    if wrong:
        raise Refusal(
            wrong[0].rule,
            f"{wrong[0].detail}; {len(wrong)} in all, see `testamur check {events}`",
            line=wrong[0].line,
            value=wrong[0].value,
        )
    secret = read_key(key)
    own = secret.public.did_key()
    body = seal(
        data[:-1].split(b"\n"),
        key=secret,
        kid=kid or f"{own}#{secret.public.multikey()}",
        aud=log,
        iat=int(time.time()),
        jti=new_id(),
    )
    write(out, body)
    header = parse(body).header
    fields = {"file": str(out), "kid": header.protected.kid, **msgspec.to_builtins(header.payload)}
    if json:
        show_json(fields)
    else:
        show_fields(fields)


@app.command()
def submit(
    submission: Submission,
    url: Url,
    wait: Annotated[Wait, typer.Option(help="How far it must have come.")] = "published",
    trust: MaybeTrust = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="New file for the receipt.")
    ] = None,
    *,
    json: Json = False,
) -> None:
    """Hand in a submission, and verify the receipt for it.

    It is safe to repeat: the same submission gets the same receipt, whatever happened before.

    Example: `testamur submit cohort.submission --url https://registry.example --policy log.vkey
    --out receipt.json`
    """
    policy = None if trust is None else policy_from(trust)
    body = read(submission, MAX_BYTES)
    parse(body)
    with _registry(url, patience=60) as registry:
        receipt = registry.submit(body, wait)
    if out is not None:
        # Before it is verified: one that does not hold is evidence against the log.
        write(out, msgspec.json.format(msgspec.json.encode(receipt)) + b"\n")
    if receipt.proof is not None:
        verified = verify_receipt(receipt, body, policy or _own_word(url))
"""unfinished"""
