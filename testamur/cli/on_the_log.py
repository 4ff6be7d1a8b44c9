"""What a log says of one organization: its keys, its submissions, and who is to succeed it.

A registry is asked for it, or the whole log is read: then nothing can be left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec

from testamur.catalogue.events import KeyEvent
from testamur.catalogue.submission import format_time
from testamur.cli.asking import asked
from testamur.cli.receipts import head_of
from testamur.cli.successors import Naming, listed_closing, listed_namings, namings_in
from testamur.cli.terminal import progress
from testamur.cli.trust import opened, trusted_log
from testamur.errors import Refuted
from testamur.http.listings import DeclaredLine, KeyLine, SubmissionLine
from testamur.rules.key_table import SIGNING, ListedKey
from testamur.rules.reach import Reach
from testamur.rules.said import Signed
from testamur.rules.status import closing
from testamur.verification.replay import ReplayedSubmission, replay


@dataclass(slots=True)
class OnTheLog:
    """The keys of an organization, what it submitted, and who others named its successor.

    `closed` is where it closed, if it did.
    """

    origin: str = ""
    size: int = 0
    keys: tuple[KeyLine, ...] = ()
    submissions: list[SubmissionLine] = field(default_factory=list)
    namings: list[Naming] = field(default_factory=list)
    closed: int | None = None


def ask(name: str, url: str) -> OnTheLog:
    """Return what a registry answers about the organization, as of its latest checkpoint."""
    with asked(url) as registry:
        head = head_of(registry)
        lines = list(registry.submissions(name, size=head.size))
        keys = registry.keys(name, size=head.size)
        history = list(registry.history(name, size=head.size))
        namings = listed_namings(name, history)
        return OnTheLog(head.origin, head.size, keys, lines, namings, listed_closing(history))


def read_off(name: str, place: str, trust: str | None) -> OnTheLog:
    """Return what the log at `place`, replayed, says of the organization.

    Raises `Refuted` and `Unavailable` as `replay` does, and for an organization that is not there.
    """
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
                known.keys,
                checkpoint=known.checkpoint,
                now=datetime.now(UTC),
                progress=on_progress,
                on_submission=keep,
            )
    organization = replayed.register.organizations.get(name)
    if organization is None:
        raise Refuted(f"no organization {name} is in the register of size {known.checkpoint.size}")
    closed = closing(replayed.register, organization)
    return OnTheLog(
        known.checkpoint.origin,
        known.checkpoint.size,
        tuple(_key_line(each, reach) for each in organization.keys.keys.values()),
        [msgspec.structs.replace(line, counts=replayed.register.counts(at)) for at, line in signed],
        namings_in(replayed.register, name),
        None if closed is None else closed.position,
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
