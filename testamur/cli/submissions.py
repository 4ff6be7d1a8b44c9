"""From a submission to a receipt that holds."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer

from testamur.catalogue.events import CredentialIssued, Event
from testamur.catalogue.submission import MAX_BYTES, parse, parse_header
from testamur.cli import reaching
from testamur.cli.asking import Retries
from testamur.cli.awarded_ledger import Ledger
from testamur.cli.checked import is_submission
from testamur.cli.comparing import held_already
from testamur.cli.files import naming, read, refuse_existing_file, write
from testamur.cli.flags import can_be_mended, tell_of_flags
from testamur.cli.key_folder import KeyFolder
from testamur.cli.outcome import HOLDS, REFUTED, UNCHECKED, described
from testamur.cli.profile import is_offered
from testamur.cli.receipts import keep_receipt, look_for_strangers
from testamur.cli.signer import Keys
from testamur.cli.terminal import Json, note, say, show_fields, show_json
from testamur.cli.trust import MaybeTrust, Trust, opened, own_word, policy_from
from testamur.cli.values import Url
from testamur.cli.whom_to_write import explained
from testamur.errors import Refusal, Refuted, Unavailable
from testamur.http.check_report import FlagsRefused
from testamur.http.client import GRADES, RegistryClient, Wait
from testamur.http.listings import SubmissionLine
from testamur.tlog.log_keys import UnknownLogKey
from testamur.tlog.policy import Policy, Verified
from testamur.tlog.source import NotFound
from testamur.verification.receipt import (
    MAX_RECEIPT,
    Flagged,
    Receipt,
    parse_receipt,
    verify_after,
    verify_clock,
    verify_promise,
    verify_receipt,
)

app = typer.Typer()
_PANEL: Final = "Submissions"

Submission = Annotated[
    Path, typer.Argument(metavar="SUBMISSION", help="As `testamur sign` makes it.")
]


@app.command(rich_help_panel=_PANEL)
def submit(
    context: typer.Context,
    submission: Submission,
    url: Url,
    wait: Annotated[Wait, typer.Option(help="How far it must have come.")] = "published",
    trust: MaybeTrust = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="New file for the receipt.")
    ] = None,
    keys: Keys = None,
    patience: Annotated[
        float,
        typer.Option(
            metavar="SECONDS",
            min=0,
            help="How long to wait for a registry that is busy, or restarts.",
        ),
    ] = 120.0,
    *,
    accept_flags: Annotated[
        bool,
        typer.Option("--accept-flags", help="Have it recorded with flags that you could mend."),
    ] = False,
    json: Json = False,
) -> None:
    """Submit, and verify the receipt.

    It is safe to repeat: the same submission gets the same receipt. If events would be flagged and
    you can mend that, nothing is recorded, unless --accept-flags: each flag is named with what to
    do. Flags that others have to mend stop nothing. With --keys the receipt is
    kept in DIR/receipts, and submissions in your name without a receipt there are named, since
    somebody else may hold your key.

    Example: `testamur submit cohort.submission --url https://registry.example --policy log.vkey
    --keys keys`
    """
    policy = None if trust is None else policy_from(trust)
    body = _signed(submission)
    folder = None if keys is None else _own_folder(keys, body, offered=is_offered(context, "keys"))
    if out is not None:
        refuse_existing_file(out)
    with RegistryClient(
        url,
        patience=patience,
        wait_for_server="after-an-answer",
        on_retry=Retries(patience).tell,
    ) as registry:
        seen = () if policy is None else _check_log(registry, policy)
        strange = [] if folder is None else _strangers(url, folder, body)
        # Until its receipt is kept, nobody else awards with these keys: it could be to the same.
        with _awarding(folder) as ledger:
            events = () if ledger is None else parse(body).events
            if ledger is not None:
                _refuse_second_award(ledger, events, registry, body)
            sent_at = time.time()
            try:
                receipt = registry.submit(body, wait, "admit" if accept_flags else "refuse")
            except FlagsRefused as refusal:
                _show_refused(submission, refusal, json=json)
                raise typer.Exit(REFUTED) from None
            if out is not None:
                # Before it is verified: one that does not hold is evidence against the log.
                write(out, msgspec.json.format(msgspec.json.encode(receipt)) + b"\n")
            verified = None
            if receipt.state == "durable":
                verify_promise(receipt, body)
            else:
                verified = verify_receipt(receipt, body, policy or _own_word(url))
            verify_after(receipt, seen, sent_at=sent_at)
            if folder is not None:
                keep_receipt(folder, receipt)
            if ledger is not None:
                ledger.record(receipt.log, events)
        flags = explained(receipt, body, registry)
    doubt = _doubt(receipt, sent_at)
    _show(receipt, verified, doubt, strange, flags, json=json)
    came_far_enough = GRADES.index(receipt.state) >= GRADES.index(wait)
    if wait == "witnessed" and verified is not None and not verified.witnesses:
        came_far_enough = False
        note(
            "The policy names no witness, so only the registry says that one saw it.",
            "yellow",
        )
    raise typer.Exit(HOLDS if came_far_enough and doubt is None else UNCHECKED)


@app.command("verify-receipt", rich_help_panel=_PANEL)
def verify_again(
    receipt: Annotated[Path, typer.Argument(metavar="RECEIPT", help="As `submit` writes it.")],
    submission: Annotated[
        Path, typer.Option(metavar="FILE", help="The submission that it is for.")
    ],
    trust: Trust,
    *,
    json: Json = False,
) -> None:
    """Verify, offline, that a receipt shows all of a submission in the log.

    Example: `testamur verify-receipt receipt.json --submission cohort.submission
    --policy policy.txt`
    """
    policy = policy_from(trust)
    with naming(receipt):
        parsed = parse_receipt(read(receipt, MAX_RECEIPT))
    verified = verify_receipt(parsed, read(submission, MAX_BYTES), policy)
    doubt = _doubt(parsed)
    _show(parsed, verified, doubt, [], parsed.flags, json=json)
    raise typer.Exit(HOLDS if doubt is None else UNCHECKED)


def _signed(file: Path) -> bytes:
    body = read(file, MAX_BYTES)
    with naming(file):
        if not is_submission(body):
            raise Refusal("submission-file", f"not signed yet: testamur sign {file}")
        parse(body)
    return body


def _check_log(registry: RegistryClient, policy: Policy) -> tuple[tuple[str, int], ...]:
    """Raise `Refuted` if another log than the policy's is served, before anything is submitted.

    `Unavailable` is raised if a key signs in its name that the policy does not know.

    Return which witnesses saw the log as it is now, and when. Whether they saw the submission is
    for its receipt to show.
    """
    checkpoint = registry.checkpoint()
    try:
        Policy(policy.logs, (), (), None).check(checkpoint)
    except Refuted as error:
        raise Refuted(f"nothing was submitted, since another log answers: {error}") from None
    except UnknownLogKey as error:
        raise Unavailable(f"nothing was submitted: {error}") from None
    with suppress(Refuted, Unavailable):
        return tuple(policy.check(checkpoint).witnesses)
    return ()


def _doubt(receipt: Receipt, sent_at: float | None = None) -> str | None:
    """Return why the time in a receipt and this machine's clock do not agree; None if they do."""
    try:
        verify_clock(receipt, now=time.time(), sent_at=sent_at)
    except Unavailable as doubt:
        return str(doubt)
    return None


def _own_word(url: str) -> Policy:
    with opened(url) as source:
        return own_word(source)


def _own_folder(keys: Path, body: bytes, *, offered: bool) -> KeyFolder | None:
    """Return the folder of the signer's keys; None if another was only `offered`, not typed.

    Raises `Refusal` for another that was typed.
    """
    folder, signer = KeyFolder.read(keys), parse_header(body.partition(b"\n")[0]).payload.iss
    if signer != folder.did:
        if offered:
            return None
        raise Refusal("key-folder", f"{keys} holds keys of {folder.did}", line=1, value=signer)
    return folder


def _strangers(url: str, folder: KeyFolder, body: bytes) -> list[SubmissionLine]:
    payload = parse_header(body.partition(b"\n")[0]).payload
    return look_for_strangers(url, folder, payload.aud, sending=payload.jti)


@contextmanager
def _awarding(folder: KeyFolder | None) -> Iterator[Ledger | None]:
    """Give the ledger of a folder, if there is one, to this command alone."""
    ledger = None if folder is None else Ledger.find(folder)
    with nullcontext() if ledger is None else ledger.alone():
        yield ledger


def _refuse_second_award(
    ledger: Ledger, events: Sequence[Event], registry: RegistryClient, body: bytes
) -> None:
    """Raise `Refusal` if a learner holds an achievement already that this would award again.

    What is on the log already awards nothing: its receipt is asked for again.
    """
    names = parse_header(body.partition(b"\n")[0]).payload
    found = held_already(ledger, events, names.aud, registry)
    if found:
        with suppress(NotFound):
            registry.receipt(names.iss, names.jti)
            return
    for line, event in enumerate(events if found else (), 2):
        if isinstance(event, CredentialIssued) and event.credential in found:
            first = found[event.credential].at(line)
            count = f"; so do {len(found):,} in all" if len(found) > 1 else ""
            detail = f"nothing was submitted: {first.detail}{count}"
            raise Refusal(first.rule, detail, line=line, value=first.value)


def _show_refused(submission: Path, refusal: FlagsRefused, *, json: bool) -> None:
    """Tell of a submission that was refused for its flags."""
    if json:
        show_json({**described(refusal), "flags": msgspec.to_builtins(refusal.flags)})
        return
    tell_of_flags(refusal.flags)
    mended = sum(map(can_be_mended, refusal.flags))
    note(
        f"{submission}: refused, and nothing was recorded, since you can mend {mended} of these "
        "flags. Mend the events and sign them anew, or leave them so: --accept-flags",
        "bold red",
    )


def _show(
    receipt: Receipt,
    verified: Verified | None,
    doubt: str | None,
    strange: list[SubmissionLine],
    flags: Sequence[Flagged],
    *,
    json: bool,
) -> None:
    fields: dict[str, Any] = {
        "state": receipt.state,
        "log": receipt.log,
        "jti": receipt.jti,
        "position": receipt.position,
        "events": receipt.events,
        "recordedAt": receipt.recorded_at,
        "repeated": receipt.repeated,
    }
    proven: dict[str, Any] = {}
    if verified is not None:
        proven["size"] = verified.checkpoint.size
        proven["root"] = verified.checkpoint.root.hex()
        proven["witnesses"] = [name for name, _ in verified.witnesses]
    if json:
        told = msgspec.to_builtins(flags)
        others = [line.position for line in strange]
        reach = msgspec.to_builtins(receipt.reach)
        said = {"flags": told, "reach": reach, "verified": proven or None, "doubt": doubt}
        show_json({**fields, **said, "withoutReceipt": others})
        return
    show_fields(fields)
    if doubt is not None:
        note(doubt, "yellow")
    tell_of_flags(flags)
    if receipt.reach is not None:
        note(f"This {reaching.did(receipt.reach)}.")
    if verified is None:
        note("Not proven yet: it is stored, and a receipt with a proof can be had later.", "yellow")
        return
    seen = ", ".join(proven["witnesses"]) or "no witness asked for"
    say(f"verified: in the tree of size {proven['size']:,} that the log signed ({seen})", "green")
