"""Before the signature: what a register would make of events, and what contradicts it for good.

Three questions. Would the events be admitted, and with which flags: a dry run. Does a credential
say otherwise than the log, so that every verifier refutes it: its holder file is compared. Does
its learner hold the achievement already: the ledger of the keys. The register's answers are its
own word; the receipt and the evidence are what is proven, afterwards.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

from testamur.badges.commitment import verify_commitment
from testamur.badges.contradictions import Contradictions, Words
from testamur.badges.prepared_folder import HOLDERS
from testamur.catalogue import dry_run
from testamur.catalogue.events import CredentialIssued, Event
from testamur.catalogue.members import Definition
from testamur.cli.asking import asked
from testamur.cli.awarded_again import awarded_again, standing_in, tokens_in
from testamur.cli.awarded_ledger import Ledger
from testamur.cli.files import read_holder
from testamur.cli.key_folder import KeyFolder
from testamur.cli.receipts import head_of
from testamur.cli.signer import Signer
from testamur.cli.terminal import note
from testamur.errors import Refusal, Refuted, Unavailable
from testamur.http.check_report import CheckReport
from testamur.http.client import RegistryClient

_MOST_NAMED: Final = 1_000
"""Definitions and accreditations of one file that are asked for."""
_MOST_COMPARED: Final = 1_000
_LOOKS: Final = 30
_BETWEEN: Final = 0.1  # seconds


class Compared(NamedTuple):
    """What was found: by the register, and by credential id what only the provider can see."""

    tried: CheckReport
    refused: dict[str, list[Refusal]]


class Named(NamedTuple):
    """What the events name, as the register states it."""

    definitions: dict[tuple[str, int], Definition]
    vouched: Mapping[str, Words]


def try_out(
    lines: Sequence[bytes], registry: RegistryClient, signer: Signer, log: str | None
) -> CheckReport:
    """Return what a registry would make of these events, which it does not record.

    Without `log`, the registry is asked for its name. Raises `Unavailable`, and `Refusal`.
    """
    body = dry_run.seal(
        lines,
        key=signer.key,
        kid=signer.kid,
        # No more than a name: what is signed for it can never be admitted, here or elsewhere.
        aud=log or head_of(registry).origin,
        iat=int(time.time()),
    )
    return registry.check(body)


def named_by(events: Iterable[Event], registry: RegistryClient, size: int) -> Named:
    """Return the definitions and accreditations that issuances name, as of a published size.

    Raises `Unavailable` for one that the register does not show, after a dry run that it accepted.
    """
    definitions: dict[tuple[str, int], Definition] = {}
    vouched: dict[str, Words] = {}
    seen: set[object] = set()
    for event in events:
        if not isinstance(event, CredentialIssued):
            continue
        if len(seen) >= _MOST_NAMED:
            note(f"The first {_MOST_NAMED:,} definitions and accreditations are compared", "yellow")
            break
        version, accreditation = (event.achievement, event.achievement_version), event.accreditation
        if version not in seen:
            seen.add(version)
            definitions[version] = registry.definition(*version, size=size).definition
        if accreditation is not None and accreditation not in seen:
            seen.add(accreditation)
            vouched[accreditation] = registry.accreditation(accreditation, size=size).vouched
    return Named(definitions, vouched)


def compare(
    file: Path,
    lines: Sequence[bytes],
    events: Sequence[Event],
    *,
    url: str,
    signer: Signer,
    folder: KeyFolder | None,
    log: str | None,
) -> Compared:
    """Return what is found about a file of events, or a submission.

    Holder files are looked for in the folder `holders` beside it, as `prepare` writes them.
    """
    with asked(url) as registry:
        origin = log or head_of(registry).origin
        tried = try_out(lines, registry, signer, origin)
        ledger = None if folder is None else Ledger.find(folder)
        held = {} if ledger is None else held_already(ledger, events, origin, registry)
        refused = {name: [refusal] for name, refusal in held.items()}
        beside = [each for each in events if _holder_file(file, each) is not None]
        if not beside and any(isinstance(each, CredentialIssued) for each in events):
            note(
                f"There are no holder files beside {file}, so what these credentials say of the "
                "definition is not compared; check the events where `prepare` wrote them"
            )
        # What the register does not know is among its refusals, and cannot be compared.
        if beside and tried.accepted:
            named = named_by(beside, registry, published(registry, tried.size))
            found = Contradictions(signer.did, *named)
            for name, refusal in _contradicting(file, beside, found):
                refused.setdefault(name, []).append(refusal)
    return Compared(tried, refused)


def published(registry: RegistryClient, size: int) -> int:
    """Return the size of a checkpoint that covers `size`, as soon as there is one.

    A dry run is judged by all that is recorded, which is published a moment later.
    """
    for _ in range(_LOOKS):
        head = head_of(registry)
        if head.size >= size:
            return head.size
        time.sleep(_BETWEEN)
    raise Unavailable(
        f"{registry.url} judged by {size:,} entries, and shows {head.size:,}: what it judged by "
        "cannot be compared"
    )


def held_already(
    ledger: Ledger, events: Iterable[Event], log: str, registry: RegistryClient
) -> dict[str, Refusal]:
    """Return by credential why events would award an achievement to a learner who holds it."""
    prepared, ended = tokens_in(ledger, events)
    if not prepared:
        return {}
    stands = standing_in(registry, datetime.now(UTC).date(), head_of(registry).size)
    return awarded_again(ledger, prepared, log=log, ended=ended, stands=stands)


def _contradicting(
    file: Path, events: Sequence[Event], found: Contradictions
) -> Iterator[tuple[str, Refusal]]:
    """Yield the credentials whose holder files contradict the log, or their own commitments.

    Of a large file some are looked at, spread over all of it.
    """
    step = -(-len(events) // _MOST_COMPARED)
    if step > 1:
        note(f"{len(events[::step]):,} of {len(events):,} holder files are compared with the log")
    for event in events[::step]:
        holder = _holder_file(file, event)
        if holder is None or not isinstance(event, CredentialIssued):
            continue
        try:
            opened = read_holder(holder)
            verify_commitment(opened.credential, opened.blind, event.commitment)
            wrong: tuple[Refusal, ...] = found.of(opened.credential, event)
        except Refusal as refusal:
            wrong = (refusal,)
        except Refuted:
            detail = f"{holder} was changed after it was prepared: prepare all anew"
            wrong = (Refusal("commitment", detail, value=event.credential),)
        for each in wrong:
            yield event.credential, each


def _holder_file(file: Path, event: Event) -> Path | None:
    if not isinstance(event, CredentialIssued):
        return None
    holder = file.parent / HOLDERS / f"{event.credential}.json"
    return holder if holder.is_file() else None
