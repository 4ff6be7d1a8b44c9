"""Who could sign for an organization, and when; and who did without a receipt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Final

import msgspec
import typer

from testamur.cli import reaching
from testamur.cli.key_folder import KeyFolder
from testamur.cli.on_the_log import OnTheLog, ask, read_off
from testamur.cli.profile import unless
from testamur.cli.receipts import (
    check_listing,
    receipts_of,
    still_counting,
    tell_of_strangers,
    without_receipt,
)
from testamur.cli.signer import Keys
from testamur.cli.successors import tell_of_namings
from testamur.cli.terminal import Json, say, show_json, show_table
from testamur.cli.trust import MaybeTrust
from testamur.cli.values import MaybeUrl, as_did
from testamur.http.listings import KeyLine, SubmissionLine
from testamur.rules.key_table import FOUNDING

app = typer.Typer()
_PANEL: Final = "Keys"


@app.command("keys", rich_help_panel=_PANEL)
def history(
    context: typer.Context,
    did: Annotated[
        str | None,
        typer.Argument(
            metavar="[DID]", parser=as_did, help="The organization; by default, that of --keys."
        ),
    ] = None,
    url: MaybeUrl = None,
    log: Annotated[
        str | None,
        typer.Option(metavar="DIR|URL", help="Read the whole log there instead of asking."),
    ] = None,
    trust: MaybeTrust = None,
    keys: Keys = None,
    *,
    json: Json = False,
) -> None:
    """Show who could sign for an organization, and when.

    With --keys, the folder of your own keys, submissions in your name without a receipt there are
    named: somebody else may hold your key. So are the successors that an accreditor named for you.
    With --log the log itself is read, and says whether a registry that was asked with --url left
    something out.

    Examples:

    `testamur keys DID --url https://registry.example`

    `testamur keys --keys keys --log https://registry.example --vkey log.vkey`
    """
    folder = None if keys is None else KeyFolder.read(keys)
    others = folder is not None and did not in (None, folder.did)
    folder = unless(context, "keys", folder, taken=others)
    name = _name(did, folder)
    url = unless(context, "url", url, taken=log is not None)
    if (url is None) == (log is None):
        raise typer.BadParameter("give one of the two", param_hint="--url, --log")
    found = ask(name, url) if url is not None else read_off(name, str(log), trust)
    strange: list[SubmissionLine] = []
    if folder is not None:
        receipts = receipts_of(folder, found.origin)
        check_listing(found.submissions, receipts, -1, found.size)
        strange = still_counting(without_receipt(found.submissions, receipts))
    if json:
        show_json(_document(name, found, None if folder is None else strange))
        return
    _show(found, folder)
    if folder is not None:
        tell_of_strangers(strange, folder, url or str(log))
        tell_of_namings(found.namings)


def _name(did: str | None, folder: KeyFolder | None) -> str:
    if did is not None:
        if folder is not None and folder.did != did:
            raise typer.BadParameter(f"holds keys of {folder.did}", param_hint="--keys")
        return did
    if folder is None:
        raise typer.BadParameter("give one of the two", param_hint="DID, --keys")
    return folder.did


def _document(
    name: str, found: OnTheLog, strange: Sequence[SubmissionLine] | None
) -> dict[str, Any]:
    counting = Counter(line.key for line in found.submissions if line.counts)
    return {
        "organization": name,
        "log": found.origin,
        "size": found.size,
        "keys": [
            {**msgspec.to_builtins(each), "submissions": counting[each.key]} for each in found.keys
        ],
        "closed": found.closed,
        "successorsNamed": [
            {"by": each.by, "successor": each.successor, "position": each.position}
            for each in found.namings
        ],
        "withoutReceipt": None if strange is None else [line.position for line in strange],
    }


def _show(found: OnTheLog, folder: KeyFolder | None) -> None:
    total = Counter(line.key for line in found.submissions)
    counting = Counter(line.key for line in found.submissions if line.counts)
    rows = []
    for each in found.keys:
        own = None if folder is None else folder.find(each.key)
        signed = (
            f"{counting[each.key]:,} of {total[each.key]:,} count" if total[each.key] else "none"
        )
        use = "founding" if each.rank == FOUNDING else each.use
        name = use if own is None else own.name
        rows.append([name, each.key, each.listed, "; ".join(_until(each)), signed])
    say(f"{found.origin}, as of size {found.size:,}")
    show_table(["key", "public key", "listed at", "may sign", "submissions"], rows)
    if found.closed is not None:
        say(
            f"It closed at {found.closed:,}: its keys may only retire keys and declare them "
            "compromised."
        )


def _until(key: KeyLine) -> Iterator[str]:
    """Yield in words what ended the key, or that nothing did."""
    if key.in_force:
        yield "yes"
    elif key.retired is None and not key.compromised:
        yield "no: its listing does not count"
    if key.retired is not None:
        yield f"until {key.retired}, when it was retired"
    for each in key.compromised:
        ranges = "range" if len(each.kept) == 1 else "ranges"
        kept = f", {len(each.kept)} {ranges} of submissions kept" if each.kept else ""
        reach = "" if each.reach is None else f", which {reaching.did(each.reach)}"
        said = f"declared compromised at {each.position} by {each.by}{kept}{reach}"
        yield f"until {each.since}: {said}"
