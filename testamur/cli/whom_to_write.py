"""The flags of a receipt, with whom to write to about those that the sender cannot mend.

A receipt has codes and lines alone, so that it is the same whenever it is asked for. Which
accreditor a flag is about is asked of the registry, in whose word the flags are, too.
"""

from __future__ import annotations

from collections.abc import Sequence

from testamur.catalogue.lines import decode_event
from testamur.errors import Refusal, Unavailable
from testamur.http.check_report import FlagReport
from testamur.http.client import RegistryClient
from testamur.rules.flags import FLAGS, MendedBy
from testamur.verification.receipt import Flagged, Receipt

_OTHERS = (MendedBy.ACCREDITOR, MendedBy.AUTHORITY)


def explained(receipt: Receipt, body: bytes, registry: RegistryClient) -> list[Flagged]:
    """Return the flags of a receipt for the submission in `body`.

    Those that others have to mend are explained; for the others it is too late. A registry that
    does not answer leaves out the names.
    """
    found: list[Flagged] = []
    lines: Sequence[bytes] = body.split(b"\n") if receipt.flags else ()
    for each in receipt.flags:
        flag = FLAGS.get(each.code)
        if flag is None or flag.mended_by not in _OTHERS:
            found.append(each)
            continue
        about: tuple[str, ...] = ()
        if receipt.state != "durable":
            size = receipt.position + receipt.events + 1
            about = _accreditor(lines, each.first_line, registry, size)
        found.append(FlagReport.of(each, about))
    return found


def _accreditor(
    lines: Sequence[bytes], line: int, registry: RegistryClient, size: int
) -> tuple[str, ...]:
    try:
        event = decode_event(lines[line - 1])
        named = getattr(event, "accreditation", None)
        if named is None:
            return ()
        accreditor = registry.accreditation(named, size=size).accreditor
        name = registry.organization(accreditor, size=size).name
    except (Refusal, Unavailable, IndexError):
        return ()
    return (f"accreditor {name} ({accreditor})",)
