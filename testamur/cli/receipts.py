"""The receipts in a folder of keys, and the submissions in one's own name that have none there.

A submission with a receipt in the folder was sent from here. One without was sent by a colleague
who keeps receipts elsewhere, or by a thief of the key.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

import msgspec

from testamur.catalogue.submission import parse_submission_entry
from testamur.cli.asking import asked
from testamur.cli.files import naming, read, replace
from testamur.cli.key_folder import KeyFolder
from testamur.cli.terminal import note
from testamur.errors import Refusal, Refuted, Unavailable
from testamur.http.client import RegistryClient
from testamur.http.listings import SubmissionLine
from testamur.tlog.checkpoint import Checkpoint
from testamur.tlog.note import parse_note
from testamur.verification.receipt import MAX_RECEIPT, Receipt, parse_receipt

FOLDER: Final = "receipts"
_LOOKED_AT: Final = "looked-at.json"
_MAX_LOOKED_AT: Final = 1 << 16
_NAMED: Final = 5


def keep_receipt(folder: KeyFolder, receipt: Receipt) -> Path:
    """Write a receipt into the folder, in the place of an earlier one for the same submission.

    It must be verified: what has a receipt there is taken for the owner's own.
    """
    place = folder.path / FOLDER
    place.mkdir(mode=0o700, exist_ok=True)
    file = place / f"{receipt.jti}.json"
    replace(file, msgspec.json.format(msgspec.json.encode(receipt)) + b"\n")
    return file


def receipts_of(folder: KeyFolder, log: str) -> dict[int, Receipt]:
    """Return the organization's receipts of one log, by the position of the header.

    Files may have any name that ends in `.json`. Raises `Refusal` for one that is no receipt.
    """
    return {each.position: each for each in _own(folder) if each.log == log}


def logs_of_receipts(folder: KeyFolder) -> frozenset[str]:
    """Return the logs of which there are receipts of the organization."""
    return frozenset(each.log for each in _own(folder))


def _own(folder: KeyFolder) -> Iterator[Receipt]:
    place = folder.path / FOLDER
    for file in sorted(place.glob("*.json")) if place.is_dir() else ():
        if file.name == _LOOKED_AT:
            continue
        with naming(file):
            receipt = parse_receipt(read(file, MAX_RECEIPT))
        if receipt.issuer == folder.did:
            yield receipt


def check_listing(
    lines: Iterable[SubmissionLine], receipts: Mapping[int, Receipt], after: int, size: int
) -> None:
    """Raise `Refuted` unless the lines list each submission of which there is a receipt, as it was.

    `lines` are what a registry lists from above position `after` to tree size `size`. One that
    helps a thief may leave out what it recorded, or list it otherwise.
    """
    listed = {line.position: line for line in lines}
    for position, receipt in receipts.items():
        if not after < position < size:
            continue
        key = parse_submission_entry(receipt.entry.encode())[1].key_id
        line = listed.get(position)
        if line is None or (line.jti, line.key, line.events) != (receipt.jti, key, receipt.events):
            raise Refuted(
                f"the submission at {position}, of which you have a receipt, is "
                f"{'not listed' if line is None else 'listed otherwise'}: what else is left out "
                "cannot be told; read the log itself: testamur keys --keys DIR --log URL"
            )


def without_receipt(
    lines: Iterable[SubmissionLine], receipts: dict[int, Receipt]
) -> list[SubmissionLine]:
    """Return the submissions of which there is no receipt."""
    return [
        line
        for line in lines
        if line.position not in receipts or receipts[line.position].jti != line.jti
    ]


def still_counting(lines: Iterable[SubmissionLine]) -> list[SubmissionLine]:
    """Return the submissions that count: to the others, a declaration was the answer."""
    return [line for line in lines if line.counts]


def look_for_strangers(
    url: str, folder: KeyFolder, log: str | None = None, sending: str | None = None
) -> list[SubmissionLine]:
    """Return the submissions that count and have no receipt, and tell the user of them.

    Those listed before the last look, all with receipts then, are not asked for again. `log` is
    the origin, else the registry is asked for it; `sending` is the `jti` of what is about to be
    sent, again perhaps. A registry that does not answer stops nobody's work: the user is told that
    nothing is known.
    """
    looked = _looked_at(folder)
    try:
        with asked(url) as registry:
            head = head_of(registry)
            log = log or head.origin
            after = looked.get(log, -1)
            lines = list(registry.submissions(folder.did, after=after, size=head.size))
        receipts = receipts_of(folder, log)
        check_listing(lines, receipts, after, head.size)
        unknown = without_receipt((line for line in lines if line.jti != sending), receipts)
    except (Unavailable, Refuted) as error:
        note(f"It could not be told whether others submit in your name: {error}", "yellow")
        return []
    if not unknown and lines and lines[-1].jti != sending:
        place = folder.path / FOLDER
        place.mkdir(mode=0o700, exist_ok=True)
        looked[log] = lines[-1].position
        replace(place / _LOOKED_AT, msgspec.json.encode(looked) + b"\n")
    strange = still_counting(unknown)
    tell_of_strangers(strange, folder, url)
    return strange


def head_of(registry: RegistryClient) -> Checkpoint:
    """Return the latest checkpoint of the registry's log, in its own word."""
    return Checkpoint.parse(parse_note(registry.checkpoint()).text)


def _looked_at(folder: KeyFolder) -> dict[str, int]:
    file = folder.path / FOLDER / _LOOKED_AT
    if not file.is_file():
        return {}
    with naming(file):
        try:
            return msgspec.json.decode(read(file, _MAX_LOOKED_AT), type=dict[str, int])
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Refusal("looked-at", f"is damaged; delete it: {error}") from None


def tell_of_strangers(strange: list[SubmissionLine], folder: KeyFolder, url: str) -> None:
    """Name submissions without a receipt in the folder, and say what to do about them."""
    if not strange:
        return
    note(
        f"{len(strange):,} submissions in your name have no receipt in {folder.path / FOLDER}: "
        "somebody else may hold your key.",
        "bold red",
    )
    for line in strange[:_NAMED]:
        own = folder.find(line.key)
        by = line.key if own is None else own.name
        note(f"  position {line.position}, {line.events} events, {line.recorded_at}, by {by}")
    if len(strange) > _NAMED:
        note(f"  ... and {len(strange) - _NAMED:,} more")
    note(
        "If you sent one and got no answer, submit its file again. If they are a colleague's, put "
        f"the receipts there. If neither: testamur recover --keys "
        f"{folder.path} --url {url} --compromised {strange[0].key} --out DIR"
    )
