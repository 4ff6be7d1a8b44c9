"""Who could sign for an organization, and when; and who did without a receipt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import msgspec
import typer

from testamur.catalogue.events import KeyEvent
from testamur.catalogue.submission import format_time
from testamur.cli import reaching
from testamur.cli.asking import asked
from testamur.cli.key_folder import KeyFolder
from testamur.cli.profile import unless
from testamur.cli.receipts import (
    check_listing,
    head_of,
    receipts_of,
    tell_of_strangers,
    without_receipt,
)
from testamur.cli.signer import Keys
from testamur.cli.successors import Naming, listed_namings, namings_in, tell_of_namings
from testamur.cli.terminal import Json, progress, say, show_json, show_table
from testamur.cli.trust import MaybeTrust, opened, trusted_log
from testamur.cli.values import MaybeUrl, as_did
from testamur.errors import Refuted
from testamur.http.listings import DeclaredLine, KeyLine, SubmissionLine
from testamur.rules.key_table import FOUNDING, SIGNING, ListedKey
from testamur.rules.reach import Reach
from testamur.rules.said import Signed
from testamur.verification.replay import ReplayedSubmission, replay

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
    found = _asked(name, url) if url is not None else _read(name, str(log), trust)
    strange: list[SubmissionLine] = []
    if folder is not None:
        receipts = receipts_of(folder, found.origin)
        check_listing(found.submissions, receipts, -1, found.size)
        strange = without_receipt(found.submissions, receipts)
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


@dataclass(slots=True)
class _Found:
    """The keys of an organization, what it submitted, and who others named its successor."""

    origin: str = ""
    size: int = 0
    keys: tuple[KeyLine, ...] = ()
    submissions: list[SubmissionLine] = field(default_factory=list)
    namings: list[Naming] = field(default_factory=list)


def _asked(name: str, url: str) -> _Found:
    with asked(url) as registry:
        head = head_of(registry)
        lines = list(registry.submissions(name, size=head.size))
        keys = registry.keys(name, size=head.size)
        namings = listed_namings(name, registry.history(name, size=head.size))
        return _Found(head.origin, head.size, keys, lines, namings)


def _read(name: str, place: str, trust: str | None) -> _Found:
    signed: list[tuple[Signed, SubmissionLine]] = []
    reach: dict[int, Reach | None] = {}

    def keep(submission: ReplayedSubmission) -> None:
        payload, key = submission.header.payload, submission.header.key_id
        if payload.iss == name:
            first = submission.position + 1
            if isinstance(submission.events[0], KeyEvent):
                reach.update((at, one.reach) for at, one in enumerate(submission.admitted, first))
            at = Signed(name, key, submission.position, submission.recorded_at)
            line = SubmissionLine(
                position=submission.position,
                events=payload.events,
                jti=payload.jti,
                key=key,
                recorded_at=format_time(submission.recorded_at),
                counts=True,
            )
            signed.append((at, line))

    with opened(place) as source:
        known = trusted_log(source, trust)
        with progress("Reading the log") as on_progress:
            replayed = replay(
                source,
                known.key,
                checkpoint=known.checkpoint,
                now=datetime.now(UTC),
                progress=on_progress,
                on_submission=keep,
            )
    organization = replayed.register.organizations.get(name)
    if organization is None:
        raise Refuted(f"no organization {name} is in the register of size {known.checkpoint.size}")
    return _Found(
        known.checkpoint.origin,
        known.checkpoint.size,
        tuple(_key_line(each, reach) for each in organization.keys.keys.values()),
        [msgspec.structs.replace(line, counts=replayed.register.counts(at)) for at, line in signed],
        namings_in(replayed.register, name),
    )


def _key_line(listed: ListedKey, reach: Mapping[int, Reach | None]) -> KeyLine:
    signs = listed.rank == SIGNING
    return KeyLine(
        key=listed.key,
        use="signing" if signs else "recovery",
        rank=None if signs else listed.rank,
        listed=listed.listed,
        lister=listed.lister,
        in_force=listed.in_force,
        retired=listed.retired,
        compromised=tuple(
            DeclaredLine(
                by=by,
                position=each.position,
                since=each.since,
                kept=tuple(each.kept),
                reach=reach.get(each.position),
            )
            for by, each in listed.compromised.items()
        ),
    )


def _document(name: str, found: _Found, strange: Sequence[SubmissionLine] | None) -> dict[str, Any]:
    counting = Counter(line.key for line in found.submissions if line.counts)
    return {
        "organization": name,
        "log": found.origin,
        "size": found.size,
        "keys": [
            {**msgspec.to_builtins(each), "submissions": counting[each.key]} for each in found.keys
        ],
        "successorsNamed": [
            {"by": each.by, "successor": each.successor, "position": each.position}
            for each in found.namings
        ],
        "withoutReceipt": None if strange is None else [line.position for line in strange],
    }


def _show(found: _Found, folder: KeyFolder | None) -> None:
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


def _until(key: KeyLine) -> Iterator[str]:
    """Yield in words what ended the key, or that nothing did."""
    if key.in_force:
        yield "yes"
    elif key.retired is None and not key.compromised:
        yield "no: its listing does not count"
    if key.retired is not None:
        yield f"until {key.retired}, when it was retired"
    for each in key.compromised:
        kept = f", {len(each.kept)} ranges of submissions kept" if each.kept else ""
        reach = "" if each.reach is None else f", which {reaching.did(each.reach)}"
        said = f"declared compromised at {each.position} by {each.by}{kept}{reach}"
        yield f"until {each.since}: {said}"
